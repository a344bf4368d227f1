"""Engines for A* on graphs: bidirectional Dijkstra, and straight-line A* in a good order."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .graphs import GraphMap
from .kernels.buckets import DONE, FULL
from .kernels.compiled import compiled
from .kernels.loop import STRAIGHT, Bound, Graph
from .kernels.roads import (
    BUCKET,
    EXPANDED,
    FREE,
    INTS,
    LABELS,
    MEET,
    PEAK,
    REOPENED,
    WAITING,
)  # fmt: skip
from .kernels.workspace import free_list
from .lead_and_prove import loop
from .maps import read_only
from .ordered import Ordered, ordered
from .question import Outcome, Question
from .strategies import ASTAR

SMALL = 2048  # nodes; below, the loop is as fast
BUCKETS_PER_STEP = 4
# The straight line leads where it sees this part of what all edges cost, and this many edges leave
# a node on average. Measured, times of straight line over both ends: roads (2 edges a node) 1.1 to
# 1.4, streets in blocks (3.5) 0.5 to 0.8, nearest neighbours (6 and 12) 0.5 and 0.2; and with
# layers of which it sees a half 0.4, a third 0.7.
SEEN, BRANCHING = 0.5, 3.0
SPAN = 4096  # buckets that the longest step may cross
FIRST_POOL = 4096
LEAST_STEP = 1e-290
NOWHERE = np.empty(0, dtype=np.int32)
MOST_BUCKETS = 1e15


@dataclass(frozen=True, eq=False)
class Roads:
    """An ordered graph under costs.

    Attributes:
        step, back_step: (edges,) cost of every edge, in the order of the rows.
        longest: of the finite ones.
        width: of a bucket.
        seen: how much of the cost of all edges the straight line sees, from 0 to 1.
    """

    graph: Ordered
    step: npt.NDArray[np.float64]
    back_step: npt.NDArray[np.float64]
    longest: float
    width: float
    seen: float


class Labels:
    """The arrays of one direction and one thread. Between queries g is infinite and no entry waits,
    so a query costs nothing for what it does not touch."""

    def __init__(self, size: int, buckets: int) -> None:
        self.g = np.full(size, np.inf)
        self.parent = np.empty(size, dtype=np.int32)
        self.touched = np.empty(size, dtype=np.int32)
        self.way = np.empty(size, dtype=np.int32)
        self.ring = np.full(buckets, -1, dtype=np.int64)
        self.pool = free_list(0, FIRST_POOL)
        self.ints = np.zeros(INTS, dtype=np.int64)
        self.clean = True

    def begin(self, root: int, bucket: int) -> None:
        """Nothing is known but the root, which waits in a bucket."""
        self.clean = False
        entry = int(self.ints[FREE])
        free = int(self.pool[entry]) >> 32
        ints = self.ints
        ints.fill(0)
        ints[BUCKET], ints[FREE], ints[WAITING], ints[LABELS], ints[MEET] = bucket, free, 1, 1, -1
        self.g[root], self.parent[root], self.touched[0] = 0.0, 0, root
        self.ring[bucket & (self.ring.size - 1)], self.pool[entry] = entry, -1 << 32 | root

    def end(self) -> None:
        """Forget the labels."""
        compiled("road_forget")(self.g, self.touched, self.ints[LABELS])
        self.clean = True

    def grow(self, room: int) -> None:
        """A pool of more than twice the size."""
        end = 2 * self.pool.size + room
        self.pool = np.concatenate([self.pool, free_list(self.pool.size, end)])

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """In the order of `Side`."""
        return self.g, self.parent, self.touched, self.ring, self.pool, self.ints

    def way_back(self, place: int) -> npt.NDArray[np.int32]:
        """Places from one with a label back to the root."""
        return self.way[: compiled("road_way")(self.parent, place, self.way)]


def _labels(question: Question, name: str, buckets: int) -> Labels:
    """The labels of this map, thread and direction."""
    store = question.map.workspaces.__dict__
    held: Labels | None = store.get(name)
    if (
        held is None
        or not held.clean
        or held.ring.size < buckets
        or held.g.size != question.map.size
    ):
        held = store[name] = Labels(question.map.size, buckets)
    return held


# Per map, and per cost field (or the map itself, without one): the version, and what it prices.
_ROADS: weakref.WeakKeyDictionary[
    GraphMap, weakref.WeakKeyDictionary[CostField | GraphMap, tuple[int, Roads]]
] = weakref.WeakKeyDictionary()


def roads_of(question: Question) -> Roads:
    """The map in order, under the costs of a question; kept per version of the costs."""
    graph, costs = question.map, question.costs
    assert isinstance(graph, GraphMap)
    owner, version = (graph, 0) if costs is None else (costs, costs.version)
    kept = _ROADS.setdefault(graph, weakref.WeakKeyDictionary())
    held = kept.get(owner)
    if held is None or held[0] != version:
        held = kept[owner] = version, _roads(question, graph)
    return held[1]


def _roads(question: Question, graph: GraphMap) -> Roads:
    assert isinstance(question.space.arrays, Graph)
    step, rows = question.space.arrays.step, ordered(graph)
    if graph.blocked.any():
        step = np.where(graph.blocked[graph.sources], np.inf, step)
    longest = float(step.max(initial=0.0, where=np.isfinite(step)))
    width = max(question.space.typical / BUCKETS_PER_STEP, longest / SPAN)
    total = float(step.sum(where=np.isfinite(step)))
    seen = question.bound.scale * rows.straight / total if total else 0.0
    ahead, back = read_only(step[rows.edge]), read_only(step[rows.back_edge])
    return Roads(rows, ahead, back, longest, width, seen)


def lacks_line(question: Question) -> str:
    """What A* by the straight line needs and the question does not have; empty where it fits."""
    bound = question.bound
    if not isinstance(bound, Bound) or bound.kind != STRAIGHT:
        return "positions, and the straight line as the heuristic"
    lacking = lacks_both_ends(question)
    if lacking:
        return lacking
    roads = roads_of(question)
    if roads.seen < SEEN or roads.step.size < BRANCHING * question.map.size:
        return f"{BRANCHING:g} edges a node, and a line that sees {SEEN:.0%} of the costs"
    return ""


def lacks_both_ends(question: Question) -> str:
    """What a search from both ends needs and the question does not have; empty where it fits.

    A graph that is neither tiny nor has steps at the ends of float64.
    """
    if not isinstance(question.map, GraphMap) or question.map.size < SMALL:
        return f"a GraphMap of at least {SMALL} nodes"
    if question.row is not ASTAR:
        return "strategy 'astar'"
    if not question.plain:
        return "a question without guidance, heuristic, trace, max_expansions and on_unreachable"
    roads = roads_of(question)
    if roads.width > LEAST_STEP and question.h(question.start) < roads.width * MOST_BUCKETS:
        return ""
    return "steps that are not at the ends of float64"


def by_both_ends(question: Question) -> Outcome:
    """Bidirectional Dijkstra."""
    roads = roads_of(question)
    rows = roads.graph
    buckets = 1 << int(roads.longest / roads.width + 3).bit_length()
    ahead, back = _labels(question, "ahead", buckets), _labels(question, "back", buckets)
    ahead.begin(int(rows.place[question.start]), 0)
    back.begin(int(rows.place[question.goal]), 0)
    cost = np.array([np.inf])
    room, limit = question.space.room, 2 * question.map.size + FIRST_POOL
    code = FULL
    while code == FULL:
        code = compiled("road_bidirectional")(
            rows.indptr, rows.indices, roads.step, *ahead.arrays(),
            rows.back_indptr, rows.back_indices, roads.back_step, *back.arrays(),
            cost, roads.width, room, limit,
        )  # fmt: skip
        if code == FULL:
            ahead.grow(room)
            back.grow(room)
    places = NOWHERE
    if math.isfinite(cost[0]):
        where = int(ahead.ints[MEET])
        places = np.concatenate([ahead.way_back(where)[::-1], back.way_back(where)[1:]])
    counts = _counts(ahead.ints + back.ints)
    ahead.end()
    back.end()
    return _outcome(question, rows, code, places, counts)


def by_straight_line(question: Question) -> Outcome:
    """A* by the straight line."""
    roads, bound = roads_of(question), question.bound
    assert isinstance(bound, Bound)  # as `lacks_line` asks
    rows = roads.graph
    buckets = 1 << int(2 * roads.longest / roads.width + 3).bit_length()
    ahead = _labels(question, "ahead", buckets)
    goal = int(rows.place[question.goal])
    ahead.begin(int(rows.place[question.start]), int(question.h(question.start) / roads.width))
    cost = np.array([np.inf])
    room, limit = question.space.room, 2 * question.map.size + FIRST_POOL
    code = FULL
    while code == FULL:
        code = compiled("road_straight")(
            rows.indptr, rows.indices, roads.step, *ahead.arrays(),
            rows.position, bound.x, bound.y, bound.scale, goal, cost, roads.width, room, limit,
        )  # fmt: skip
        if code == FULL:
            ahead.grow(room)
    places = ahead.way_back(goal)[::-1] if math.isfinite(cost[0]) else NOWHERE
    counts = _counts(ahead.ints)
    ahead.end()
    return _outcome(question, rows, code, places, counts)


def _counts(ints: npt.NDArray[np.int64]) -> tuple[int, ...]:
    return (*ints[[EXPANDED, LABELS, REOPENED, PEAK]].tolist(), 0)


def _outcome(
    question: Question,
    rows: Ordered,
    code: int,
    places: npt.NDArray[np.int32],
    counts: tuple[int, ...],
) -> Outcome:
    if code != DONE:
        return loop(question)
    if not places.size:
        return Outcome("no_path", counts=counts)
    path, cost = question.path(rows.node[places])
    return Outcome("found", path, cost, cost, counts=counts)
