"""Exact fields of goals that are asked again, kept and repaired while the costs change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..costs import CostField
from ..errors import expect
from ..fields import cost_to_go
from ..graphs import GraphMap, Map
from ..heuristics import table_bound
from ..kernels.compiled import compiled
from ..kernels.loop import BUDGET, EXHAUSTED, Bound, Grid
from ..kernels.queue import IN_HEAP, INTS
from ..maps import GridMap, read_only
from ..spaces import space_of
from ..walks import alike
from .changes import Nodes, closed, fallen, freed

MAX_BYTES = 2**28  # a quarter of a gigabyte: 128 fields at 512 x 512, 2 at 4096 x 4096
SEEDS_SHARE = 0.01  # of the nodes: scattered falls of 0.4 % already touch most of a field
TOUCHED_SHARE = 0.25  # of the nodes: beyond that lowering costs more than building anew
FIRST_POOL = 1024


@dataclass(frozen=True, eq=False)
class KeptField:
    """A consistent lower bound on the cost to one goal.

    Attributes:
        goal: its node id.
        values: (size,) float64 cost units, infinity where no way leads; never changed afterwards.
        exact: whether they are the exact costs; after rises they need not be.
        map, version: the map and the version of the costs that they are for.
    """

    goal: int
    values: npt.NDArray[np.float64]
    exact: bool
    map: Map
    version: int


class KeptStats(NamedTuple):
    """What a cache has done: the counts of its answers, fields that had to go, and its size."""

    hits: int  # served as it was
    misses: int  # built for the first time, or again after it had to go
    lowered: int
    rebuilt: int
    evicted: int
    bytes: int


@dataclass(eq=False)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    kept: KeptField | None = None


class KeptFields:
    """Cost-to-go fields by goal, for one map and one cost field, shared by plans and threads.

    What happened to the costs since a field was made decides what is done with it: nothing changed:
    served as it is; costs only rose or cells were blocked: still a consistent lower bound, served
    as it is (`exact` is then false); costs fell or cells were freed: lowered; more fell than pays:
    built anew. The field unused longest goes first when memory is short.

    Lowering propagates decreases only: the result is the least `cost from v to w now + field(w)`
    over all w. It lies between the cost-to-go on `min(old, new)` costs and the one now, equals both
    where nothing rose, and is consistent.

    Fields are float64: float32 leads as well (measured), but could not stay exact when lowered.

    Args:
        map: answers are for this map, or one that differs from it in blocked nodes.
        costs: metres where none are given.
        max_bytes: of all fields together, 8 bytes a node and field; the maps that they were made
            for are held beside them.

    Raises:
        ValueError: costs that do not fit the map, or `max_bytes` below one field.

    >>> from planners import GridMap, plan
    >>> grid = GridMap([[0, 0, 0], [0, 1, 0]])
    >>> kept = KeptFields(grid)
    >>> kept.bound((0, 2)).values.tolist()
    [2.0, 1.0, 0.0, 3.0, inf, 1.0]
    >>> plan(grid, (1, 0), (0, 2), heuristic=kept).cost
    3.0
    >>> walled = grid.with_blocked([(0, 1)], True)
    >>> kept.bound((0, 2), walled).exact, kept.stats.misses, kept.stats.hits
    (False, 1, 2)
    """

    def __init__(
        self, map: Map, costs: CostField | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        expect(map, (GridMap, GraphMap), "map")
        expect(costs, (CostField, type(None)), "costs")
        if costs is not None:
            costs.expect_fit(map)
        if max_bytes < 8 * map.size:
            raise ValueError(
                f"max_bytes is {max_bytes}, but one field of {map!r} takes {8 * map.size}"
            )
        self.map, self.costs, self.max_bytes = map, costs, int(max_bytes)
        self._slots: OrderedDict[int, _Slot] = OrderedDict()
        self._counts = dict.fromkeys(("hits", "misses", "lowered", "rebuilt", "evicted"), 0)
        self._lock = threading.Lock()

    @property
    def stats(self) -> KeptStats:
        """The counts so far, and the bytes of the fields that are kept."""
        with self._lock:
            return KeptStats(**self._counts, bytes=8 * self.map.size * len(self._slots))

    def clear(self) -> None:
        """Forget all fields."""
        with self._lock:
            self._slots.clear()

    def has(self, goal: int) -> bool:
        """Whether a node id has a field at hand."""
        return goal in self._slots

    def bound(self, goal: Any, map: Map | None = None) -> KeptField:
        """The field of a goal under the costs as they are now.

        Args:
            map: the map as it is now, where cells were blocked or freed since.

        Raises:
            ValueError: a goal outside the map, or a map of another shape.
        """
        now = self.map if map is None else map
        if not alike(now, self.map):
            raise ValueError(f"the fields are kept for {self.map!r}, not for {now!r}")
        node = now.node(goal)
        slot = self._slot(node)
        with slot.lock:
            slot.kept, what = self._refreshed(slot.kept, node, now)
            kept = slot.kept
        with self._lock:
            self._counts[what] += 1
        return kept

    def bound_for(self, map: Map, goal: int, costs: CostField | None) -> tuple[Bound, bool]:
        """The field of a goal as the search loop takes it, and True: it is consistent.

        Raises:
            ValueError: another cost field, or a map of another shape.
        """
        if costs is not self.costs:
            raise ValueError(
                "the fields are kept for another cost field: ask a KeptFields of that field"
            )
        return table_bound(map, self.bound(map.label(goal), map).values), True

    def _slot(self, goal: int) -> _Slot:
        """The place of a goal, now the one used last; others go where memory is short."""
        with self._lock:
            slot = self._slots.setdefault(goal, _Slot())
            self._slots.move_to_end(goal)
            while 8 * self.map.size * len(self._slots) > self.max_bytes:
                self._slots.popitem(last=False)
                self._counts["evicted"] += 1
            return slot

    def _refreshed(self, kept: KeptField | None, goal: int, map: Map) -> tuple[KeptField, str]:
        """The field brought up to date, and the name of what that took."""
        if kept is None:
            return self._built(goal, map), "misses"
        version = 0 if self.costs is None else self.costs.version
        if kept.map is map and kept.version == version:
            return kept, "hits"
        seeds = self._seeds(kept, map)
        if seeds is None:
            return self._built(goal, map), "rebuilt"
        rose = self.costs is not None and self.costs.history.rises.last > kept.version
        exact = kept.exact and not rose and not closed(kept.map, map)
        fresh = replace(kept, map=map, version=version, exact=exact)
        if not seeds.size:
            return fresh, "hits"
        values = lowered(kept.values, map, self.costs, seeds, int(TOUCHED_SHARE * map.size) + 64)
        if values is None:
            return self._built(goal, map), "rebuilt"
        return replace(fresh, values=values), "lowered"

    def _seeds(self, kept: KeptField, map: Map) -> Nodes | None:
        """Where moves enter that fell since the field was made; None: too many, or not known."""
        fell = fallen(map, self.costs, kept.version)
        if fell is None or np.isinf(kept.values[kept.goal]):
            return None
        seeds = np.union1d(fell, freed(kept.map, map))
        return seeds if seeds.size <= SEEDS_SHARE * map.size + 64 else None

    def _built(self, goal: int, map: Map) -> KeptField:
        version = 0 if self.costs is None else self.costs.version
        values = cost_to_go(map, map.label(goal), self.costs).values
        return KeptField(goal, values, True, map, version)


def lowered(
    values: npt.NDArray[np.float64], map: Map, costs: CostField | None, seeds: Nodes, limit: int
) -> npt.NDArray[np.float64] | None:
    """A copy of a cost-to-go field, lowered from the nodes whose entry fell.

    None where more than `limit` nodes would have to be settled.
    """
    space = space_of(map, costs, backward=True)
    kernel = compiled("lower_grid" if isinstance(space.arrays, Grid) else "lower_graph")
    fresh = values.copy()
    ints = np.zeros(INTS, dtype=np.int64)
    room = space.room
    heap_key = np.empty(FIRST_POOL + seeds.size + room)
    heap_node = np.empty(heap_key.size, dtype=np.int64)
    while True:
        code = kernel(*space.arrays, fresh, seeds, heap_key, heap_node, ints, room, limit)
        if code == EXHAUSTED:
            return read_only(fresh)
        if code == BUDGET:
            return None
        seeds = seeds[:0]
        used = int(ints[IN_HEAP])
        heap_key = np.concatenate([heap_key[:used], np.empty(used + room)])
        heap_node = np.concatenate([heap_node[:used], np.empty(used + room, dtype=np.int64)])
