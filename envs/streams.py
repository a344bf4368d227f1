"""Named random streams: what one part of the world draws never depends on another part.

Two kinds of randomness are used. A *stream* is an ordinary generator, keyed by ``(seed, name,
entity)``: the third trip of worker 7 is the same trip whoever else is on the floor. A *draw* is
counter-based, keyed by the tick as well: the luck of worker 7 at tick 812 does not depend on how
many draws were made before, so a robot that makes people wait does not change anybody's dice.
"""

from __future__ import annotations

import hashlib

import numpy as np

from .checks import expect_number
from .kernels.dice import chance, draw

__all__ = ["draw", "stream", "stream_key", "unit"]


def _sequence(seed: int, name: str, entity: int) -> np.random.SeedSequence:
    expect_number("seed", seed, whole=True)
    expect_number("entity", entity, whole=True)
    # Not hash(): that one changes from process to process.
    word = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    return np.random.SeedSequence([seed, word, entity])


def stream(seed: int, name: str, entity: int = 0) -> np.random.Generator:
    """A generator of its own for ``(seed, name, entity)``; raises ValueError on negative numbers.

    >>> a, b = stream(1, "worker", 3), stream(1, "worker", 3)
    >>> int(a.integers(1000)) == int(b.integers(1000))
    True
    """
    return np.random.Generator(np.random.PCG64(_sequence(seed, name, entity)))


def stream_key(seed: int, name: str) -> int:
    """A 63-bit key for `draw` and `unit`, one per named stream."""
    return int(_sequence(seed, name, 0).generate_state(1, np.uint64)[0] >> np.uint64(1))


unit = chance
