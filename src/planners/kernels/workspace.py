"""Work arrays, kept per map and thread, and one query at a time in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import entries, walk
from .compiled import compiled
from .loop import GROW, STAMP_STEP, Bound, Graph, Grid, Key, Rule
from .queue import (
    EVENTS,
    EXPANDED,
    FREE,
    GENERATED,
    IN_HEAP,
    IN_RING,
    INTS,
    MAX_FRONTIER,
    POPPED,
    REOPENED,
    SET_ASIDE,
    USED,
    Work,
)  # fmt: skip

BUCKETS = 16384
ANY = 2**62
KEPT = [EXPANDED, GENERATED, REOPENED, MAX_FRONTIER, POPPED, EVENTS]
FIRST_POOL = 4096
LAST_STAMP = 2**31 - 2 * STAMP_STEP


class Workspace:
    """The arrays of one thread for maps of one size: 16 bytes a node, and a pool that grows."""

    def __init__(self, size: int) -> None:
        self.g = np.empty(size)
        self.parent = np.empty(size, dtype=np.int32)
        self.mark = np.full(size, -1, dtype=np.int32)
        self.ring = np.full(BUCKETS, -1, dtype=np.int32)
        self.link = np.empty(FIRST_POOL, dtype=np.int32)
        self.item = np.empty(FIRST_POOL, dtype=np.int32)
        self.heap_key = np.empty(FIRST_POOL)
        self.heap_node = np.empty(FIRST_POOL, dtype=np.int64)
        self.event = np.empty((0, 3), dtype=np.int64)
        self.event_g = np.empty(0)
        self.ints = np.zeros(INTS, dtype=np.int64)
        self.cost = np.full(1, np.inf)
        self.walk = np.empty(FIRST_POOL, dtype=np.int64)
        self.stamp = 0

    def begin(self, trace: bool) -> None:
        """Forget the last query: a new stamp makes every mark an old one."""
        if self.ints[IN_RING] > 0:
            self.ring.fill(-1)
        self.stamp += STAMP_STEP
        if self.stamp >= LAST_STAMP:
            self.mark.fill(-1)
            self.stamp = 0
        self.ints.fill(0)
        self.ints[FREE] = self.ints[SET_ASIDE] = -1
        self.cost[0] = np.inf
        rows = FIRST_POOL if trace else 0
        self.event, self.event_g = np.empty((rows, 3), dtype=np.int64), np.empty(rows)

    def restart(self) -> None:
        """Forget the search, but keep its counts and its trace: what follows adds to them."""
        counts = self.ints[KEPT].copy()
        events = self.event, self.event_g
        self.begin(trace=False)
        self.ints[KEPT] = counts
        self.event, self.event_g = events

    def grow(self, room: int) -> None:
        """Double whatever is nearly full (the loop answered GROW)."""
        need = 2 * room + 2
        if self.ints[USED] + need > self.link.size:
            more = self.link.size + need
            self.link, self.item = _longer(self.link, more), _longer(self.item, more)
        if self.ints[IN_HEAP] + need > self.heap_key.size:
            self._grow_heap(self.heap_key.size + need)
        if self.event.shape[0] and self.ints[EVENTS] + 2 * need > self.event.shape[0]:
            more = self.event.shape[0] + 2 * need
            self.event, self.event_g = _longer(self.event, more), _longer(self.event_g, more)

    def grow_for_proof(self) -> None:
        """Room for every waiting node in the pool and in the heap, whichever takes it."""
        waiting = int(self.ints[USED] + self.ints[IN_HEAP]) + 1
        if waiting > self.link.size:
            self.link, self.item = _longer(self.link, waiting), _longer(self.item, waiting)
        if waiting > self.heap_key.size:
            self._grow_heap(waiting)

    def _grow_heap(self, more: int) -> None:
        self.heap_key, self.heap_node = _longer(self.heap_key, more), _longer(self.heap_node, more)

    def arrays(self) -> tuple[Any, ...]:
        """The arrays in the order of `queue.Work`, and the stamp."""
        return (
            self.g, self.parent, self.mark, self.ring, self.link, self.item, self.heap_key,
            self.heap_node, self.event, self.event_g, self.ints, self.cost, self.stamp,
        )  # fmt: skip


def _longer(array: npt.NDArray[Any], extra: int) -> npt.NDArray[Any]:
    longer = np.empty((array.shape[0] + extra, *array.shape[1:]), dtype=array.dtype)
    longer[: array.shape[0]] = array
    return longer


def free_list(first: int, end: int) -> npt.NDArray[np.int64]:
    """Entries `next << 32 | node` of a pool, each of them linked to the next."""
    return np.arange(first + 1, end + 1, dtype=np.int64) << 32


def recorded(
    event: npt.NDArray[np.int64], event_g: npt.NDArray[np.float64], count: int
) -> tuple[npt.NDArray[Any], ...]:
    """Copies of the first events of a trace: kinds, nodes, parents, g."""
    kinds, nodes, parents = event[:count].T
    return kinds.astype(np.uint8), nodes.copy(), parents.copy(), event_g[:count].copy()


class Query:
    """One query in a workspace: lead, certify, prove, read the answer.

    Args:
        workspaces: the thread-local store of the map; the workspace is taken from it or made.
        space: the map as the kernel takes it.
        bound: h.
        width: bucket width of the queue, > 0.
        room: the most nodes that one expansion generates, + 1.
        limit: the most expansions.
        textbook: run the loop as plain Python.
        trace: keep the events.
    """

    def __init__(
        self,
        workspaces: Any,
        size: int,
        space: Grid | Graph,
        bound: Any,
        *,
        width: float,
        room: int,
        limit: int,
        textbook: bool,
        trace: bool,
    ) -> None:
        self.space, self.bound, self.limit, self.room = space, bound, limit, room
        self.per_width = 1.0 / width
        self._textbook = textbook
        self.phases: list[tuple[int, Any, bool]] = []  # of a trace: first event, key, proving
        self.work = workspace_of(workspaces, size)
        self.work.begin(trace)

    def order_by(self, width: float) -> None:
        """Change the bucket width, before the queue is ordered anew."""
        self.per_width = 1.0 / width

    def search(
        self,
        start: int,
        goal: int,
        key: Any,
        *,
        proving: bool = False,
        w: float = 1.0,
        budget: int | None = None,
        patience: int = ANY,
    ) -> int:
        """Run the loop from `start` (-1: from where it stands) and return its code.

        Args:
            goal: -1 to explore everything.
            proving: re-open, and stop when the cost is proven within w.
            budget: expansions of this phase, where fewer than the query's limit.
            patience: most nodes to be opened again, before it answers REOPENS.
        """
        if self.work.event.shape[0]:
            self.phases.append((self.count(EVENTS), key, proving))
        most = self.limit if budget is None else min(budget, self.limit)
        rule = Rule(goal, proving, float(w), most, patience)
        while True:
            code = self._run(rule, key, start)
            if code != GROW:
                return code
            self.work.grow(self.room)
            start = -1

    def _run(self, rule: Rule, key: Any, start: int) -> int:
        """One call of the kernel: flat where the types are the usual ones."""
        work = (*self.work.arrays(), self.per_width, self.room)
        if self._textbook or type(key) is not Key or type(self.bound) is not Bound:
            run = self._kernel("run")
            return int(run(self.space, Work(*work), rule, key, self.bound, start))
        run = self._kernel("run_grid" if isinstance(self.space, Grid) else "run_graph")
        return int(run(*self.space, *work, *rule, *key, *self.bound, start))

    def _kernel(self, name: str) -> Callable[..., Any]:
        return getattr(entries, name) if self._textbook else compiled(name)

    def certify(self, prove: bool = False) -> float:
        """The least g + h over OPEN and INCONS; with `prove` both are queued anew in that order."""
        if prove:
            self.work.grow_for_proof()
        work = (*self.work.arrays(), self.per_width, self.room)
        if type(self.bound) is Bound:
            return float(self._kernel("run_certify")(*work, *self.bound, prove))
        return float(self._kernel("run_certify_any")(Work(*work), self.bound, prove))

    def count(self, slot: int) -> int:
        """One of the counters of `queue`."""
        return int(self.work.ints[slot])

    def events(self) -> tuple[npt.NDArray[Any], ...]:
        """Copies of the trace: kinds, nodes, parents, g."""
        return recorded(self.work.event, self.work.event_g, self.count(EVENTS))

    def path(self, node: int) -> npt.NDArray[np.int64]:
        """Node ids from the start to a node that was reached, along the parents."""
        trace_back = walk.trace_back if self._textbook else compiled("trace_back")
        work = self.work
        count = trace_back(work.parent, node, work.walk)
        if count > work.walk.size:
            work.walk = np.empty(2 * count, dtype=np.int64)
            trace_back(work.parent, node, work.walk)
        return work.walk[:count].copy()

    def reached(self) -> npt.NDArray[np.bool_]:
        """(size,) which nodes this query has generated."""
        return self.work.mark >= self.work.stamp


def last_reached(store: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The nodes that this thread's last search on a map reached, and the cost of the way to each.

    Args:
        store: the thread-local store of the map, in which a search has been run.
    """
    work: Workspace = store.workspace
    nodes = np.flatnonzero(work.mark >= work.stamp)
    return nodes, work.g[nodes]


def workspace_of(store: Any, size: int) -> Workspace:
    held: Workspace | None = getattr(store, "workspace", None)
    if held is None or held.g.size != size:
        held = store.workspace = Workspace(size)
    return held
