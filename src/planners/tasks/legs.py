"""Verified legs: what it takes to drive from here to there, on one exact cost-optimal path.

Where each leg comes from is fixed by its role, never by what happens to be cached, so that equal
snapshots give equal numbers: from the robot and from a drop (to a pick, to a charger) it is a path
of the field *from* that node; to a later stop of an order a path of the field *to* that node.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..costs import CostField
from ..fields import Field, cost_to_come, cost_to_go
from ..graphs import GraphMap, Map
from ..heuristics import NO_TABLE
from ..kernels.compiled import compiled
from ..kernels.loop import Graph
from ..spaces import space_of
from .snapshot import Order, Snapshot, natural_key

MAX_FIELDS = 64  # (a) enough for a dozen orders, a dozen stations and the chargers
MAX_FIELD_NODES = 20_000_000  # (a) a large map keeps fewer: a quarter of a gigabyte in all
KEPT_NODES = 5_000_000  # (a) on a larger map fields are kept for one decision only
MAX_WAYS = 4096  # (a) a few megabytes; a decision on twelve orders asks for some two hundred
FIRST_ROOM = 256  # moves of a way, before the buffers grow


@dataclass(frozen=True)
class Leg:
    """One drive between two nodes: the values of one cost-optimal path (w = 1), all of that path.

    ``layers`` is the cost by layer in seconds, ``base`` included; it sums to ``cost_s``.
    ``time_s`` is the driving time: base pace plus the congestion layer at its own value (its
    weight is a preference, not a delay). ``energy_wh`` is the projection at the leg's payload.
    """

    start: int
    end: int
    cost_s: float
    length_m: float
    time_s: float
    energy_wh: float
    layers: Mapping[str, float]


@dataclass(frozen=True)
class _Way:
    """A leg before its payload is known."""

    cost_s: float
    length_m: float
    time_s: float
    layers: Mapping[str, float]


class FieldCache:
    """Exact cost fields and the ways on them, for one map and one version of its costs.

    Bounded: at most `MAX_FIELDS` fields and `MAX_WAYS` ways, the one unused longest goes first. A
    new map, another cost field or a new version empties it. Not for several threads.
    """

    def __init__(self) -> None:
        self._map: Map | None = None
        self._costs: CostField | None = None
        self._version = -1
        self._walker: _Walker | None = None
        self._fields: OrderedDict[tuple[str, int], Field] = OrderedDict()
        self._ways: OrderedDict[tuple[str, int, int], _Way | None] = OrderedDict()

    def bind(self, map: Map, costs: CostField) -> None:
        """Serve this map and these costs as they are now."""
        if map is self._map and costs is self._costs and costs.version == self._version:
            return
        self._map, self._costs, self._version = map, costs, costs.version
        self._walker = None
        self._fields.clear()
        self._ways.clear()

    def way(self, role: str, start: int, end: int) -> _Way | None:
        """The optimal way, by the field ``from`` start or ``to`` end; None where there is none."""
        key = (role, start, end)
        if key in self._ways:
            self._ways.move_to_end(key)
            return self._ways[key]
        hub, far = (start, end) if role == "from" else (end, start)
        found = self._walk(self.field(role, hub), far)
        self._ways[key] = found
        if len(self._ways) > MAX_WAYS:
            self._ways.popitem(last=False)
        return found

    def field(self, role: str, node: int) -> Field:
        """The exact costs ``from`` a node or ``to`` it."""
        assert self._map is not None
        key = (role, node)
        if key in self._fields:
            self._fields.move_to_end(key)
            return self._fields[key]
        room = max(2, min(MAX_FIELDS, MAX_FIELD_NODES // max(1, self._map.size)))
        while len(self._fields) >= room:  # before the next one is made: fields of large maps weigh
            self._fields.popitem(last=False)
        explore = cost_to_come if role == "from" else cost_to_go
        made = self._fields[key] = explore(self._map, self._map.label(node), self._costs)
        return made

    def _walk(self, field: Field, far: int) -> _Way | None:
        assert self._map is not None and self._costs is not None
        if not math.isfinite(field.values[far]):
            return None
        if self._walker is None:
            self._walker = _Walker(self._map, self._costs)
        return self._walker.way(field, far)


def cache_for(snapshot: Snapshot, cache: FieldCache | None = None) -> FieldCache:
    """The cache to decide on a snapshot with, serving its map and costs.

    The given one; a new one if there is none, or where the map has over `KEPT_NODES` nodes: its
    fields then go with the decision.
    """
    if cache is None or snapshot.map.size > KEPT_NODES:
        cache = FieldCache()
    cache.bind(snapshot.map, snapshot.costs)
    return cache


class _Walker:
    """Sums what the ways of exact fields cost, layer by layer, without listing their nodes."""

    def __init__(self, map: Map, costs: CostField) -> None:
        self._base, self._weights = costs.base, costs.weights
        self._layers = [
            (name, costs.layer(name), costs.is_per_node(name), costs.weights[name])
            for name in costs.layers
        ]
        space = space_of(map, costs).arrays
        if isinstance(space, Graph):
            assert isinstance(map, GraphMap)
            self._moves = compiled("moves_on_graph")
            self._space: tuple[Any, ...] = (*space, map.length_m)
        else:
            self._moves = compiled("moves_on_grid")
            self._space = (space.cols, space.straight_m)
        self._weigh = compiled("weigh")
        self._make_room(FIRST_ROOM)

    def _make_room(self, moves: int) -> None:
        self._entered, self._edges = np.empty((2, moves), dtype=np.int64)
        self._lengths = np.empty(moves)

    def way(self, field: Field, far: int) -> _Way:
        """The way between a field's root and a node that it reaches."""
        room = (self._entered, self._edges, self._lengths)
        count = self._moves(field.parents, far, field.to_root, *self._space, *room)
        if count > self._lengths.size:
            self._make_room(2 * count)
            return self.way(field, far)
        entered, edges, lengths = room
        length_m = self._weigh(lengths, NO_TABLE, entered, count)
        layers = {"base": length_m * self._base}
        for name, values, per_node, weight in self._layers:
            places = entered if per_node else edges
            layers[name] = weight * self._weigh(lengths, values, places, count) if weight else 0.0
        time_s = layers["base"]
        weight = self._weights.get("congestion", 0.0)
        if weight > 0.0:
            time_s += layers["congestion"] / weight
        return _Way(math.fsum(layers.values()), length_m, time_s, layers)


class Legs:
    """The legs of one snapshot: to orders, along orders, to chargers.

    Every value is exact for the snapshot's costs; None means that no path exists. `cache_for` says
    when ``cache`` is used.
    """

    def __init__(self, snapshot: Snapshot, cache: FieldCache | None = None) -> None:
        self._snapshot = snapshot
        self._cache = cache_for(snapshot, cache)

    def order(self, order: Order, start: int | None = None) -> tuple[Leg, ...] | None:
        """The legs start -> pick -> ... -> drop (start None: the robot's node).

        What is on board already rides along on all of them, the order's own mass from its pick;
        of an order on board, what is left of it.
        """
        here = self._snapshot.robot if start is None else start
        on_board_kg = self._snapshot.payload_kg
        own_kg = 0.0 if order.id in self._snapshot.on_board else order.kg
        legs = [self._leg("from", here, order.pick, on_board_kg)]
        for a, b in zip(order.stops[:-1], order.stops[1:], strict=True):
            legs.append(self._leg("to", a, b, on_board_kg + own_kg))
        found = tuple(leg for leg in legs if leg is not None)
        return found if len(found) == len(legs) else None

    def chargers(self, node: int, kg: float | None = None) -> dict[str, Leg]:
        """The ways from ``node`` to every charger that it leads to, with so much on board (None:
        what is there now).
        """
        kg = self._snapshot.payload_kg if kg is None else kg
        found = {
            name: self._leg("from", node, end, kg) for name, end in self._snapshot.chargers.items()
        }
        return {name: leg for name, leg in found.items() if leg is not None}

    def to_charger(self, node: int, kg: float | None = None) -> tuple[str, Leg] | None:
        """The charger of `chargers` that takes the least energy."""
        found = self.chargers(node, kg).items()
        return min(found, key=lambda at: (at[1].energy_wh, natural_key(at[0])), default=None)

    def _leg(self, role: str, start: int, end: int, kg: float) -> Leg | None:
        way = self._cache.way(role, start, end)
        if way is None:
            return None
        energy_wh = self._snapshot.energy.leg_wh(way.length_m, way.time_s, kg)
        return Leg(start, end, way.cost_s, way.length_m, way.time_s, energy_wh, way.layers)
