"""Legs as intervals: what a drive takes at least and at most, tightened on demand.

A leg here is the one that the robot would drive: the way of least cost. Its values are definite,
only not known yet: from below by the straight line, from above not at all, until somebody asks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..maps import GridMap
from .legs import FieldCache, cache_for
from .snapshot import Snapshot

ROUNDING = 1.0 - 1e-6  # of the straight line's bound: paces are stored in float32


class Span(NamedTuple):
    """Numbers between which a value lies, both included."""

    least: float
    most: float

    def plus(self, other: Span | float) -> Span:
        """The sum with another span, or with a number."""
        more = other if isinstance(other, Span) else Span(other, other)
        return Span(self.least + more.least, self.most + more.most)

    def at_least(self, other: Span | float) -> Span:
        """The larger of both."""
        floor = other if isinstance(other, Span) else Span(other, other)
        return Span(max(self.least, floor.least), max(self.most, floor.most))


@dataclass(frozen=True)
class LegSpan:
    """A leg's cost, driving time and length; equal ends where it is exact, infinite for no way."""

    cost_s: Span
    time_s: Span
    length_m: Span

    @property
    def exact(self) -> bool:
        """Whether nothing is left to find out."""
        return self.cost_s.least == self.cost_s.most


class Drive(NamedTuple):
    """Which leg: from node to node; ``along`` an order it is read off the field to its end."""

    start: int
    end: int
    along: bool


class LegSpans:
    """The legs of a snapshot as spans.

    With ``lazy`` they begin as straight lines (on graphs at 0: their positions may be in any unit)
    and `tighten` makes one exact; else every leg is exact at once, as in `legs.Legs`. ``exact``
    counts how many had to be.
    """

    def __init__(
        self, snapshot: Snapshot, cache: FieldCache | None = None, *, lazy: bool = False
    ) -> None:
        self._snapshot = snapshot
        self._cache = cache_for(snapshot, cache)
        self._lazy = lazy
        self._known: dict[Drive, LegSpan] = {}

    @property
    def exact(self) -> int:
        """How many legs are exact by now."""
        return sum(leg.exact for leg in self._known.values())

    def leg(self, drive: Drive) -> LegSpan:
        """What is known of a leg now."""
        if drive not in self._known:
            self._known[drive] = self._straight(drive) if self._lazy else self._driven(drive)
        return self._known[drive]

    def tighten(self, drive: Drive) -> None:
        """Make a leg exact."""
        self._known[drive] = self._driven(drive)

    def nodes(self, drive: Drive) -> tuple[int, ...]:
        """The nodes of an exact leg's way, both its ends included; empty where there is none."""
        role, hub, far = ("to", drive.end, drive.start) if drive.along else ("from", *drive[:2])
        return tuple(self._cache.field(role, hub).path(far).tolist())

    def seconds_to(self, drive: Drive, at: int) -> float:
        """Driving time of an exact leg to the node at this index of its `nodes`."""
        costs = self._snapshot.costs
        parts = costs.explain(np.array(self.nodes(drive)[: at + 1], dtype=np.int64))
        weight = costs.weights.get("congestion", 0.0)
        return parts["base"] + (parts["congestion"] / weight if weight > 0.0 else 0.0)

    def _driven(self, drive: Drive) -> LegSpan:
        way = self._cache.way("to" if drive.along else "from", drive.start, drive.end)
        values = (math.inf,) * 3 if way is None else (way.cost_s, way.time_s, way.length_m)
        return LegSpan(*(Span(value, value) for value in values))

    def _straight(self, drive: Drive) -> LegSpan:
        map, costs = self._snapshot.map, self._snapshot.costs
        metres = 0.0
        if isinstance(map, GridMap):
            here, there = map.positions_m([drive.start, drive.end])
            metres = math.dist(here, there) * ROUNDING
        least = (metres * costs.pace_min, metres * costs.base, metres)
        return LegSpan(*(Span(value, math.inf) for value in least))
