"""The floor as it is now: fixed topology, temporary blockages, and the way to any goal.

`Floor` is truth. The robot never reads its blockages; what it believes about them stands in
`envs.belief`.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from planners import GraphMap, GridMap, cost_to_come, cost_to_go

from .streams import stream

Map = GridMap | GraphMap
HOUR_S = 3600.0
FIELD_CACHE_BYTES = 96 * 2**20


class Floor:
    """Neighbours, lengths and positions as plain Python values, and goal fields on the truth.

    Works on any map through `successors` and `positions_m`; parallel edges count once (the
    shortest), self loops never. Neighbours are looked up when first asked for, so that a large
    map costs nothing at the start.
    """

    def __init__(self, map: Map) -> None:
        if isinstance(map, GraphMap) and map.position_m is None:
            raise ValueError("a living world needs positions: this GraphMap has position_m None")
        if isinstance(map, GridMap) and map.moves != "four":
            map = GridMap(map.blocked, map.cell_size_m, moves="four", one_way=map.one_way)
        self.map: Map = map
        self.size = map.size
        self.position_m = np.asarray(map.positions_m(np.arange(map.size)), dtype=np.float64)
        self.xy: list[tuple[float, float]] = [(x, y) for x, y in self.position_m.tolist()]
        self.blocked: frozenset[int] = frozenset()
        self._edges: list[dict[int, int] | None] = [None] * map.size
        self._around: list[tuple[int, ...]] = [()] * map.size
        self._map_now: Map = map
        self._fields: OrderedDict[tuple[int, frozenset[int]], memoryview] = OrderedDict()

    def edges_mm(self, node: int) -> dict[int, int]:
        """Neighbour -> length of the edge in whole millimetres (at least 1)."""
        edges = self._edges[node]
        if edges is None:
            edges = {}
            nodes, lengths = self.map.successors(node)
            for other, length_m in zip(nodes.tolist(), lengths.tolist(), strict=True):
                length_mm = max(1, round(1000.0 * length_m))
                if other != node and length_mm < edges.get(other, length_mm + 1):
                    edges[other] = length_mm
            self._edges[node] = edges
            self._around[node] = tuple(edges)
        return edges

    def neighbours(self, node: int) -> tuple[int, ...]:
        """Nodes that one move reaches on the empty floor."""
        if self._edges[node] is None:
            self.edges_mm(node)
        return self._around[node]

    def place(self, node: int, to: int, done_mm: int, length_mm: int) -> tuple[float, float]:
        """The position of somebody on `node`, or `done_mm` along the edge to `to` (if >= 0)."""
        x, y = self.xy[node]
        if to >= 0:
            part = done_mm / length_mm
            x, y = x + part * (self.xy[to][0] - x), y + part * (self.xy[to][1] - y)
        return x, y

    def set_blocked(self, nodes: Iterable[int]) -> None:
        """Replace the temporary blockages."""
        self.blocked = frozenset(nodes)
        self._map_now = self.with_walls(())

    def with_walls(self, walls: Sequence[int]) -> Map:
        """The true map of this moment with some more nodes blocked."""
        closed = sorted(self.blocked.union(walls))
        return self.map.with_blocked(closed, True) if closed else self.map

    def field(self, goal: int) -> memoryview:
        """Metres from every node to `goal` past the present blockages (inf: no way); cached."""
        key = (goal, self.blocked)
        found = self._fields.get(key)
        if found is None:
            found = self.field_on(self._map_now, goal)
            self._fields[key] = found
            if len(self._fields) > max(8, FIELD_CACHE_BYTES // (8 * self.size)):
                self._fields.popitem(last=False)
        else:
            self._fields.move_to_end(key)
        return found

    def field_on(self, map: Map, goal: int) -> memoryview:
        """Metres from every node of `map` to `goal`, as quick-to-read doubles."""
        if map.is_blocked(goal):
            return np.full(self.size, math.inf).data
        return np.array(cost_to_go(map, goal).values, dtype=np.float64).data

    def connected(self, node: int) -> npt.NDArray[np.int64]:
        """Nodes from which `node` can be reached and that can be reached from it."""
        there = np.isfinite(cost_to_go(self.map, node).values)
        return np.flatnonzero(there & np.isfinite(cost_to_come(self.map, node).values))


@dataclass(frozen=True)
class Blockage:
    """Nodes that something stands on from `start_s` to `end_s`; `announced_s` inf: never told."""

    nodes: tuple[int, ...]
    start_s: float
    end_s: float
    announced_s: float = math.inf


class BlockagePlan:
    """Temporary blockages of a shift: a Poisson stream, drawn hour by hour ahead of time.

    Assumptions (a), all parameters: 1 to 3 nodes each, log-normal length with median 10 min, three
    in ten announced five minutes ahead, none within a step of `keep_free` nodes. A blockage never
    cuts the floor in two: somebody would have cleared it.
    """

    def __init__(
        self,
        floor: Floor,
        seed: int,
        per_hour: float,
        keep_free: Iterable[int] = (),
        *,
        median_s: float = 600.0,
        sigma: float = 0.5,
        announced_share: float = 0.3,
        notice_s: float = 300.0,
    ) -> None:
        if not (math.isfinite(per_hour) and per_hour >= 0):
            raise ValueError(f"blockages_per_hour must be finite and >= 0, got {per_hour!r}")
        self._floor, self._seed, self._per_hour = floor, seed, per_hour
        self._median_s, self._sigma = median_s, sigma
        self._announced_share, self._notice_s = announced_share, notice_s
        kept = set(keep_free)
        self._free_of = kept.union(*(floor.neighbours(node) for node in kept))
        self._candidates = np.empty(0, dtype=np.int64)
        self._hours = 0
        self.planned: list[Blockage] = []

    def until(self, time_s: float) -> list[Blockage]:
        """All blockages that start before the end of the hour after `time_s`; draws as needed."""
        while self._per_hour > 0 and self._hours * HOUR_S <= time_s + HOUR_S:
            self._draw_hour(self._hours)
            self._hours += 1
        return self.planned

    def _draw_hour(self, hour: int) -> None:
        rng = stream(self._seed, "blockages", hour)
        if not self._candidates.size:
            anchor = min(self._free_of, default=int(self._first_free()))
            self._candidates = self._floor.connected(anchor)
        count = int(rng.poisson(self._per_hour))
        starts = np.sort(rng.random(count)) * HOUR_S + hour * HOUR_S
        for start_s in starts.tolist():
            length_s = self._median_s * math.exp(self._sigma * float(rng.standard_normal()))
            told = float(rng.random()) < self._announced_share
            nodes = self._place(rng, start_s, start_s + length_s)
            if nodes:
                told_s = max(0.0, start_s - self._notice_s) if told else math.inf
                self.planned.append(Blockage(nodes, start_s, start_s + length_s, told_s))

    def _first_free(self) -> int:
        free = (node for node in range(self._floor.size) if self._floor.neighbours(node))
        return next(free, 0)

    def _place(self, rng: np.random.Generator, start_s: float, end_s: float) -> tuple[int, ...]:
        """1 to 3 adjoining nodes that leave the floor connected; empty if 20 tries found none."""
        others = {
            node
            for blockage in self.planned
            if blockage.start_s < end_s and start_s < blockage.end_s
            for node in blockage.nodes
        }
        for _ in range(20):
            nodes = [int(rng.choice(self._candidates))]
            for _ in range(int(rng.integers(3))):
                around = [n for n in self._floor.neighbours(nodes[-1]) if n not in nodes]
                if around:
                    nodes.append(around[int(rng.integers(len(around)))])
            closed = others.union(nodes)
            if self._free_of.isdisjoint(nodes) and stays_connected(self._floor, nodes, closed):
                return tuple(nodes)
        return ()


def stays_connected(
    floor: Floor, nodes: Iterable[int], closed: set[int], limit: int = 4000
) -> bool:
    """Whether the open neighbours of `nodes` still reach each other with `closed` nodes shut.

    Looks at no more than `limit` nodes for each; a longer way round counts as cut off.
    """
    border = {n for node in nodes for n in floor.neighbours(node) if n not in closed}
    for start in border:
        missing = border - {start}
        seen, queue = {start}, deque([start])
        while missing and queue and len(seen) < limit:
            for node in floor.neighbours(queue.popleft()):
                if node not in seen and node not in closed:
                    seen.add(node)
                    missing.discard(node)
                    queue.append(node)
        if missing:
            return False
    return True


def near_matrix(floor: Floor, radius_m: float) -> csr_array:
    """(n, n) sparse 0/1 matrix: free nodes within `radius_m` of each other, themselves included."""
    free = np.flatnonzero(~np.asarray(floor.map.blocked).reshape(-1))
    pairs = cKDTree(floor.position_m[free]).query_pairs(radius_m, output_type="ndarray")
    i, j = free[pairs[:, 0]], free[pairs[:, 1]]
    rows, cols = np.concatenate((i, j, free)), np.concatenate((j, i, free))
    shape = (floor.size, floor.size)
    return csr_array((np.ones(len(rows)), (rows, cols)), shape=shape)
