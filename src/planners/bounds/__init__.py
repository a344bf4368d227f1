"""Lower bounds on the layered cost: landmarks, kept exact fields, what searches have learned."""

from __future__ import annotations

from .floor import Floor, floor_size
from .kept import KeptField, KeptFields, KeptStats
from .landmarks import Landmarks
from .learned import LearnedBound

__all__ = [
    "Floor",
    "KeptField",
    "KeptFields",
    "KeptStats",
    "Landmarks",
    "LearnedBound",
    "floor_size",
]
