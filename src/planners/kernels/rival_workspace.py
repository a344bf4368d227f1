"""Work arrays of the rivals, kept per map and thread, and one query at a time in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import rivals
from .compiled import compiled
from .indexed import Heaps
from .loop import GROW, STAMP_STEP, Graph, Grid
from .rivals import EVENTS, FOCAL, INTS, PHASE, STAMP, Arena, Order
from .workspace import recorded

FIRST_EVENTS = 4096
LAST_STAMP = 2**30  # leaves room for the phases of one query


class RivalWorkspace:
    """The arrays of one thread for maps of one size: 20 bytes a node, and 24 for each heap."""

    def __init__(self, size: int, queues: int) -> None:
        self.g = np.empty(size)
        self.parent = np.empty(size, dtype=np.int32)
        self.mark = np.full(size, -1, dtype=np.int32)
        self.aside = np.empty(size, dtype=np.int32)
        self.heaps = Heaps(
            key=np.empty((queues, size)),
            turn=np.empty((queues, size), dtype=np.int64),
            node=np.empty((queues, size), dtype=np.int32),
            at=np.empty((queues, size), dtype=np.int32),
            size=np.zeros(queues, dtype=np.int64),
        )
        self.ints = np.zeros(INTS, dtype=np.int64)
        self.cost = np.full(1, np.inf)
        self.event = np.empty((0, 3), dtype=np.int64)
        self.event_g = np.empty(0)

    def begin(self, trace: bool) -> None:
        """Forget the last query: a new stamp makes every mark an old one."""
        stamp = int(self.ints[PHASE]) + STAMP_STEP
        if stamp >= LAST_STAMP:
            self.mark.fill(-1)
            stamp = 0
        fresh = np.zeros(INTS, dtype=np.int64)
        fresh[[STAMP, PHASE]] = stamp
        self.ints[:] = fresh  # at once: an interrupt in between would bring old marks to life
        self.cost[0] = np.inf
        rows = FIRST_EVENTS if trace else 0
        self.event, self.event_g = np.empty((rows, 3), dtype=np.int64), np.empty(rows)

    def grow(self, room: int) -> None:
        """Double the trace (the loop answered GROW)."""
        extra = self.event.shape[0] + room
        self.event = np.concatenate([self.event, np.empty((extra, 3), dtype=np.int64)])
        self.event_g = np.concatenate([self.event_g, np.empty(extra)])


class RivalQuery:
    """One query in a workspace: search in phases, read the answer.

    Args:
        workspaces: the thread-local store of the map; the workspace is taken from it or made.
        space: the map as the kernel takes it.
        bound: h.
        queues: heaps that the order needs, 1 or 4.
        room: the most nodes that one expansion generates, + 1.
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
        queues: int,
        room: int,
        textbook: bool,
        trace: bool,
    ) -> None:
        self.space, self.bound, self.room = space, bound, 2 * room + 2
        self._run: Callable[..., int] = rivals.run_rival if textbook else compiled("run_rival")
        self._certify: Callable[..., float] = (
            rivals.run_rival_certify if textbook else compiled("run_rival_certify")
        )
        self.work = _workspace(workspaces, size, queues)
        self.work.begin(trace)

    def search(self, order: Order, start: int = -1) -> int:
        """Run the loop from `start` (-1: from where it stands) and return its code."""
        while True:
            code = int(self._run(self.space, *self._arrays(order), order, self.bound, start))
            if code != GROW:
                return code
            self.work.grow(self.room)
            start = -1

    def lower_bound(self, order: Order) -> float:
        """The least g + h over OPEN and INCONS."""
        return float(self._certify(*self._arrays(order), order, self.bound, False))

    def requeue(self, order: Order) -> None:
        """Begin a new phase, of one heap."""
        self._certify(*self._arrays(order), order, self.bound, True)

    def _arrays(self, order: Order) -> tuple[Heaps, Arena]:
        queues = 4 if order.kind >= FOCAL else 1
        heaps = Heaps(*(array[:queues] for array in self.work.heaps))
        work = self.work
        arena = Arena(work.g, work.parent, work.mark, work.aside, work.event, work.event_g,
                      work.ints, work.cost, self.room)  # fmt: skip
        return heaps, arena

    def count(self, slot: int) -> int:
        """One of the counters of `rivals`."""
        return int(self.work.ints[slot])

    def events(self) -> tuple[npt.NDArray[Any], ...]:
        """Copies of the trace: kinds, nodes, parents, g."""
        return recorded(self.work.event, self.work.event_g, self.count(EVENTS))

    def path(self, node: int) -> npt.NDArray[np.int64]:
        """Node ids from the start to a node that was reached, along the parents."""
        nodes = [node]
        while (node := int(self.work.parent[node])) >= 0:
            nodes.append(node)
        return np.array(nodes[::-1], dtype=np.int64)

    def reached(self) -> npt.NDArray[np.bool_]:
        """(size,) which nodes this query has generated."""
        return np.asarray(self.work.mark >= self.work.ints[STAMP])


def _workspace(store: Any, size: int, queues: int) -> RivalWorkspace:
    held: RivalWorkspace | None = getattr(store, "rivals", None)
    if held is None or held.g.size != size or held.heaps.size.size < queues:
        held = store.rivals = RivalWorkspace(size, queues)
    return held
