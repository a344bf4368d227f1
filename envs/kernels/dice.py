"""Counter-based dice in the kernel: the same numbers as `envs.streams.draw` and `unit`."""

from __future__ import annotations

from typing import Any

import numpy as np


def word(value: Any) -> Any:
    """An unsigned 64-bit word: wraps when compiled; in plain Python `& mask` does the wrapping."""
    return int(np.uint64(value))


def dice(key: Any, tick: int, entity: int) -> Any:
    """A 64-bit word for (key, tick, entity); `key` is a uint64. See `envs.streams.draw`."""
    mask = word(0xFFFFFFFFFFFFFFFF)
    mixed = word(tick) * word(0x9E3779B97F4A7C15) + word(entity) * word(0xD1B54A32D192ED03)
    x = (word(key) + mixed) & mask
    x = ((x ^ (x >> word(30))) * word(0xBF58476D1CE4E5B9)) & mask
    x = ((x ^ (x >> word(27))) * word(0x94D049BB133111EB)) & mask
    x = ((x ^ (x >> word(31))) * word(0x9E3779B97F4A7C15)) & mask
    return x ^ (x >> word(32))


def chance(key: Any, tick: int, entity: int) -> float:
    """A float in [0, 1) for (key, tick, entity); see `envs.streams.unit`."""
    return float(dice(key, tick, entity) >> word(11)) * 2.0**-53


HELPERS = (word, dice, chance)
