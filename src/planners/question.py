"""A query after all its arguments have been checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .graphs import GraphMap, Map
from .heuristics import UNREACHABLE
from .kernels import walk
from .kernels.alt import Alt
from .kernels.compiled import compiled
from .kernels.lead import Lead
from .kernels.loop import Bound, Graph, Grid, Key, estimate_at
from .maps import GridMap, read_only
from .result import Path, Status, Trace
from .spaces import Space
from .strategies import Strategy

NO_LIMIT = 2**62

Log = tuple[dict[str, Any], ...]


@dataclass(slots=True)
class Outcome:
    """What an engine found: a status, a path with its cost, and a lower bound on every path's."""

    status: Status
    path: Path | None = None
    cost: float = math.inf
    lower_bound: float = 0.0
    log: Log = ()
    counts: tuple[int, ...] = (0, 0, 0, 0, 0)  # expanded, generated, reopened, max_frontier, popped
    trace: Trace | None = None


@dataclass(frozen=True)
class Options:
    """The arguments of `plan` that do not depend on the map."""

    limit: int
    engine: str
    trace: bool
    closest: bool
    trusted: bool

    @property
    def plain(self) -> bool:
        """Whether a path is all that is asked for."""
        return self.limit == NO_LIMIT and not self.trace and not self.closest


@dataclass(slots=True)
class Request:
    """From where to where, and by which row of the table; every argument is checked.

    Attributes:
        plain: nothing but map, costs, strategy and weight was asked for: no guidance, no heuristic,
            no trace, no limit of expansions, nothing in place of an unreachable goal.
    """

    map: Map
    costs: CostField | None
    start: int
    goal: int
    row: Strategy
    weight: float
    options: Options
    plain: bool

    @property
    def proof_weight(self) -> float:
        """The bound promised before the search."""
        if self.row.bounded:
            return self.weight
        uniform = self.row.name == "bfs" and _moves_cost_the_same(self.map, self.costs)
        return 1.0 if uniform else math.inf


@dataclass(slots=True)
class Question(Request):
    """A request that needs a search, with what leads it and what proves.

    Attributes:
        space: the map as the kernels walk on it.
        bound: h, the lower bound that may prove.
        consistent: whether h is known to be consistent (a user's bound need not be).
        key: what leads.
        log: what the guidance did.
        aids: what helps the loop: a bound at hand (field, landmarks), the E of the guidance (tiles,
            coarse, clusters, array).
    """

    space: Space
    bound: Bound | Alt
    consistent: bool
    key: Key | Lead
    log: Log
    aids: tuple[str, ...]

    def h(self, node: int) -> float:
        """The lower bound of one node."""
        return min(UNREACHABLE, float(estimate_at(self.bound, node)))

    def path(self, nodes: npt.NDArray[np.int64]) -> tuple[Path, float]:
        """The public form of a path, and its cost recomputed in float64 from the stored costs."""
        return self._on_grid(nodes) if isinstance(self.map, GridMap) else self._on_graph(nodes)

    def _measure(self, name: str) -> Callable[..., None]:
        return getattr(walk, name) if self.options.engine == "textbook" else compiled(name)

    def _on_graph(self, nodes: npt.NDArray[np.int64]) -> tuple[Path, float]:
        graph, arrays = self.map, self.space.arrays
        assert isinstance(graph, GraphMap) and isinstance(arrays, Graph)
        edges, sums = np.empty(nodes.size - 1, dtype=np.int64), np.empty(2)
        self._measure("measure_graph")(
            nodes, arrays.indptr, arrays.indices, arrays.step, graph.length_m, edges, sums
        )
        length_m, cost = sums.tolist()
        names, ids = graph.labels, nodes.tolist()
        labels = tuple(ids) if names is None else tuple(names[k] for k in ids)
        return Path(read_only(nodes), length_m, labels=labels, edges=read_only(edges)), cost

    def _on_grid(self, nodes: npt.NDArray[np.int64]) -> tuple[Path, float]:
        grid = self.space.arrays
        assert isinstance(grid, Grid)
        cells, sums = np.empty((nodes.size, 2), dtype=np.int64), np.empty(2)
        self._measure("measure_grid")(
            nodes, grid.cols, grid.straight_m, grid.pace, grid.edge_pace, cells, sums
        )
        length_m, cost = sums.tolist()
        return Path(read_only(nodes), length_m, cells=read_only(cells)), cost


def _moves_cost_the_same(map: Map, costs: CostField | None) -> bool:
    """Whether the fewest moves are also the cheapest way."""
    if isinstance(map, GridMap):
        if map.moves != "four":
            return False
        return costs is None or (
            costs.edge_pace is None and _constant(costs.pace, ~map.blocked.ravel())
        )
    pace = np.ones(map.size, dtype=np.float32) if costs is None else costs.pace
    if costs is not None and costs.edge_pace is not None:
        return False
    return bool(np.ptp(map.length_m * pace[map.indices]) == 0) if map.length_m.size else True


def _constant(values: npt.NDArray[np.float32], where: npt.NDArray[np.bool_]) -> bool:
    chosen = values[where]
    return bool(chosen.size == 0 or np.ptp(chosen) == 0)
