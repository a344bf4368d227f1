"""The compiled part of the living world: kernels on arrays, in the subset that numba compiles."""

from __future__ import annotations

from pathlib import Path

from planners.kernels import compiled as planners_kernels
from planners.kernels.compiled import Room

from . import (
    dice,
    fields,
    floor,
    price,
    resolve,
    sense,
    sense_doubts,
    sense_floor,
    sense_state,
    state,
    tick,
    turns,
    walk,
)

ROOM = Room(
    (
        state,
        dice,
        floor,
        fields,
        resolve,
        walk,
        sense_state,
        sense_floor,
        sense_doubts,
        sense,
        price,
        turns,
        tick,
    ),
    (Path(planners_kernels.__file__).parent, Path(__file__).parent),
    lambda: None,
)
kernel = ROOM.kernel
