"""The compiled part of the search over plans: kernels on arrays, in the subset of numba."""

from __future__ import annotations

from pathlib import Path

from ....kernels import compiled
from . import ahead, anneal, batch, bound, dice, insert, labels, prove

ROOM = compiled.Room(
    (batch, dice, ahead, labels, insert, anneal, bound, prove),
    (Path(compiled.__file__).parent, Path(__file__).parent),
    lambda: None,
)
kernel = ROOM.kernel
