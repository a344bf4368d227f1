"""A query after all its arguments have been checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .graphs import Map
from .kernels.loop import Bound, estimate
from .kernels.workspace import Key
from .maps import GridMap, read_only
from .result import Path, SearchStats, Status, Trace
from .spaces import Space
from .strategies import Strategy
from .walks import steps

NO_LIMIT = 2**62
NO_COUNTS = SearchStats()


@dataclass(frozen=True)
class Outcome:
    """What an engine found: a status, a path with its cost, and a lower bound on every path's."""

    status: Status
    path: Path | None = None
    cost: float = math.inf
    lower_bound: float = 0.0
    log: tuple[dict[str, Any], ...] = ()
    counts: SearchStats = NO_COUNTS
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


@dataclass(frozen=True)
class Question:
    """From where to where, by which row of the table, and what leads.

    Attributes:
        bound: h, the lower bound that may prove.
        consistent: whether h is known to be consistent (a user's bound need not be).
        key: what leads.
        log: what the guidance did.
        plain: nothing but map, costs, strategy and weight was asked for: no guidance, no heuristic,
            no trace, no limit of expansions, nothing in place of an unreachable goal.
    """

    map: Map
    costs: CostField | None
    space: Space
    start: int
    goal: int
    row: Strategy
    weight: float
    bound: Bound
    consistent: bool
    key: Key
    log: tuple[dict[str, Any], ...]
    options: Options
    plain: bool

    @property
    def proof_weight(self) -> float:
        """The bound promised before the search."""
        if self.row.bounded:
            return self.weight
        uniform = self.row.name == "bfs" and _moves_cost_the_same(self.map, self.costs)
        return 1.0 if uniform else math.inf

    def h(self, node: int) -> float:
        """The lower bound of one node."""
        return float(estimate(self.bound, node))

    def path(self, nodes: npt.NDArray[np.int64]) -> tuple[Path, float]:
        """The public form of a path, and its cost recomputed in float64 from the stored costs."""
        lengths, edges = steps(self.map, nodes, self.costs)
        length_m = math.fsum(lengths.tolist())
        cost = length_m
        if self.costs is not None:
            cost = math.fsum(self.costs.price(nodes, lengths, edges).tolist())
        nodes, edges = read_only(nodes), read_only(edges)
        if isinstance(self.map, GridMap):
            return Path(nodes, length_m, cells=read_only(self.map.cells(nodes))), cost
        names, ids = self.map.labels, nodes.tolist()
        labels = tuple(ids) if names is None else tuple(names[k] for k in ids)
        return Path(nodes, length_m, labels=labels, edges=edges), cost


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
