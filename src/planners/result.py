"""What a search answers: a path, its cost, and how far from the best it can be."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .drawing import Axes
    from .graphs import Map

Status = Literal["found", "no_path", "budget_spent", "start_blocked", "goal_blocked"]


T = TypeVar("T")


def made(kind: type[T], **values: Any) -> T:
    """A frozen dataclass from values for all its fields.

    Its constructor sets them one by one past its own lock, which takes twice as long: half a
    microsecond of an answer that takes five.
    """
    one = object.__new__(kind)
    one.__dict__.update(values)
    return one


@dataclass(frozen=True, eq=False)
class Path:
    """A legal walk from start to goal.

    Attributes:
        nodes: (k,) int64 node ids.
        length_m: its length in metres.
        cells: (k, 2) rows and columns on a grid, else None.
        labels: the nodes' labels on a graph, else None.
        edges: (k - 1,) edge ids on a graph (the cheapest of parallel ones), else None.
    """

    nodes: npt.NDArray[np.int64]
    length_m: float
    cells: npt.NDArray[np.int64] | None = None
    labels: tuple[Any, ...] | None = None
    edges: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return int(self.nodes.size)


@dataclass(frozen=True)
class SearchStats:
    """Deterministic counts of one search, and its wall time (kept out of equality).

    The start counts as generated, the goal is not expanded, stale queue entries never count.
    `reopened` counts closed nodes that were opened again, `max_frontier` the most open at once.
    `popped` alone counts whatever left the queue: duplicates, the goal and what was pruned as well
    (0 where an engine has no such queue).
    """

    expanded: int = 0
    generated: int = 0
    reopened: int = 0
    max_frontier: int = 0
    runtime_s: float = field(default=0.0, compare=False)
    popped: int = 0


@dataclass(frozen=True, eq=False)
class Trace:
    """What a search did, event by event, and the query and answer that it belongs to.

    All arrays are read-only.

    Attributes:
        kinds: (k,) uint8, an index into `KINDS`.
        nodes, parents: (k,) int64 node ids; the parent of a source is -1.
        g: (k,) cost so far, in cost units.
        h: (k,) lower bound on the cost that is left.
        f: (k,) the key by its formula: `g + h` of A* (and of a proof), `g + w h` of weighted A*,
            `g + W max(h, E) - r` where guidance leads; 0 for bfs and dfs, which have none. The
            queue itself orders by buckets of it.
        map, start, goal: where the search took place, node ids of its ends.
        path, cost: what it found; None and infinity where it found nothing.
        name: the strategy, with its weight.

    >>> from planners import GridMap, plan
    >>> trace = plan(GridMap([[0, 0, 0]]), (0, 0), (0, 1), strategy="ucs", trace=True).trace
    >>> [(trace.KINDS[kind], node) for kind, node in zip(trace.kinds, trace.nodes.tolist())]
    [('source', 0), ('expand', 0), ('generate', 1), ('close', 0), ('close', 1)]
    """

    KINDS = ("source", "generate", "expand", "close")

    kinds: npt.NDArray[np.uint8]
    nodes: npt.NDArray[np.int64]
    parents: npt.NDArray[np.int64]
    g: npt.NDArray[np.float64]
    h: npt.NDArray[np.float64]
    f: npt.NDArray[np.float64]
    map: Map
    start: int
    goal: int
    name: str
    path: Path | None = None
    cost: float = math.inf

    def __len__(self) -> int:
        return int(self.kinds.size)

    def __repr__(self) -> str:
        return f"Trace({self.name}, {len(self)} events, {self.expanded.size} expansions)"

    def __post_init__(self) -> None:
        for array in (self.kinds, self.nodes, self.parents, self.g, self.h, self.f):
            array.flags.writeable = False

    @property
    def expanded(self) -> npt.NDArray[np.int64]:
        """Nodes in the order of their expansion (twice where one was expanded twice)."""
        expansions = self.kinds == self.KINDS.index("expand")
        return np.asarray(self.nodes[expansions], dtype=np.int64)

    def order(self, size: int | None = None) -> npt.NDArray[np.float64]:
        """(size,) when each node was first expanded, from 1; NaN where it never was: a heat map."""
        order = np.full(self.map.size if size is None else size, np.nan)
        nodes, first = np.unique(self.expanded, return_index=True)
        order[nodes] = first + 1.0
        return order

    def draw(self, axes: Axes | None = None, map: Map | None = None) -> Axes:
        """The order of expansion as a heat map, with the path, on `axes`, which are returned.

        Args:
            axes: of a figure of matplotlib; without them those of a new figure, to be saved by
                `trace.draw().figure.savefig("x.png")`. Nothing is shown on a screen.
            map: another map of the same size, say one with positions.

        Raises:
            ValueError: a graph without positions, or a map of another size.
        """
        from .drawing.heat import draw_trace

        return draw_trace(self._on(map), axes)

    def animate(self, file: str | PathLike[str], frames: int = 120) -> None:
        """Write the search as a moving picture; no display is needed.

        Args:
            file: `.gif`, or `.html`: one page that needs nothing else, with every event, to play,
                stop and step through.
            frames: of the GIF; each stands for as many expansions as it takes, which it says.

        Raises:
            ValueError: another ending, fewer than one frame, or a graph without positions.
        """
        from .drawing.animation import animate

        animate(self, file, frames)

    def save(self, file: str | PathLike[str]) -> None:
        """Write the events in version 1.4.0 of Posthoc's search-trace format.

        Each event has type, id, pId, x, y, f, g and h; x is the column and y the row of a grid, or
        the position on a graph (left out where it has none: Posthoc then draws the tree).

        Args:
            file: a name that ends in `.yaml` or `.yml`; Posthoc opens `.trace.yaml`.

        Raises:
            ValueError: another ending.
        """
        from .posthoc import save_trace

        save_trace(self, file)

    def _on(self, map: Map | None) -> Trace:
        if map is None:
            return self
        if map.size != self.map.size:
            raise ValueError(f"the search took place on {self.map!r}, not on {map!r}")
        return replace(self, map=map)


@dataclass(frozen=True, eq=False)
class PlanResult:
    """The answer of `plan`.

    Attributes:
        status: found, no_path, budget_spent, start_blocked or goal_blocked.
        path: the path, or None. With `on_unreachable="closest"` a `no_path` has one too; a
            `budget_spent` has one where the goal had been reached before its bound was proven.
        cost: of the path, recomputed in float64 along it; infinity without a path.
        bound: proven before the search: cost <= bound x optimum. 1 for ucs and astar, w for wastar,
            infinity where nothing is promised.
        certificate: proven for this query: cost / lower bound; infinity where nothing is known.
        stats: deterministic counts and the runtime.
        engine: which engine answered.
        strategy, weight: the row of the table and its weight.
        guidance_log: what the guidance did, entry by entry.
        trace: the events, where `trace=True` asked for them.
        start, goal: node ids of the ends that were asked for.
    """

    status: Status
    path: Path | None
    cost: float
    bound: float
    certificate: float
    stats: SearchStats
    engine: str
    strategy: str
    weight: float = 1.0
    guidance_log: tuple[dict[str, Any], ...] = ()
    trace: Trace | None = None
    start: int = -1
    goal: int = -1

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: infinity and missing numbers are None, cells are lists."""
        path = self.path
        return {
            "status": self.status,
            "cost": finite_or_none(self.cost),
            "bound": finite_or_none(self.bound),
            "certificate": finite_or_none(self.certificate),
            "length_m": None if path is None else path.length_m,
            "expanded": self.stats.expanded,
            "generated": self.stats.generated,
            "reopened": self.stats.reopened,
            "engine": self.engine,
            "strategy": self.strategy,
            "weight": self.weight,
            "cells": None if path is None or path.cells is None else path.cells.tolist(),
            "nodes": None if path is None else path.nodes.tolist(),
        }


def finite_or_none(value: float) -> float | None:
    """JSON has no infinity: None instead."""
    return value if math.isfinite(value) else None
