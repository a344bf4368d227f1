"""Dice whose state is a slot of an array: the same in plain Python and compiled."""

from __future__ import annotations

from typing import Any

DICE = 0  # slot of the state, from 1 to 2147483646


def roll(ints: Any, sides: int) -> int:
    """A whole number below `sides`: Lehmer's generator, whose products stay below 2**63."""
    ints[DICE] = ints[DICE] * 48271 % 2147483647
    return int(ints[DICE]) % sides


def chance(ints: Any) -> float:
    """A float in (0, 1)."""
    ints[DICE] = ints[DICE] * 48271 % 2147483647
    return int(ints[DICE]) / 2147483647.0


HELPERS = (roll, chance)
