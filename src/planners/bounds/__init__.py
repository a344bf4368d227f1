"""Lower bounds on the layered cost: landmarks, kept exact fields, what searches have learned."""

from __future__ import annotations

from .floor import Floor, floor_size
from .kept import KeptField, KeptFields, KeptStats
from .landmarks import Landmarks
from .learned import LearnedBound
from .prepared import AtHand, forget, prepare

__all__ = [
    "AtHand",
    "Floor",
    "KeptField",
    "KeptFields",
    "KeptStats",
    "Landmarks",
    "LearnedBound",
    "floor_size",
    "forget",
    "prepare",
]
