"""Adaptive A*: what searches towards one goal have learned about the cost to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..costs import CostField
from ..errors import expect
from ..graphs import GraphMap, Map
from ..heuristics import default_bound, table_bound, tabulate
from ..kernels.loop import Bound
from ..kernels.workspace import last_reached
from ..maps import GridMap
from ..result import PlanResult
from ..search import plan
from ..strategies import STRATEGIES
from ..walks import alike
from .changes import freed


class LearnedBound:
    """A lower bound on the cost to one goal that every search improves (Koenig, Likhachev 2005).

    A search that reached s at cost `g(s)`, and proved that no path from its start costs
    less than LB, shows that `cost(s, goal) >= LB - g(s)`: the bound of s is raised to it. After
    searches with w = 1 the bound stays consistent; with w > 1 that is not claimed. What was learned
    holds while costs only rise or cells are blocked; once a cost fell or a cell was freed all of it
    is dropped. Not for several threads.

    Args:
        map: the map of the searches, or one that differs from it in blocked nodes.
        costs: metres where none are given.
        goal: a cell, label or node id.

    >>> from planners import GridMap
    >>> grid = GridMap([[0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]], moves="four")
    >>> learned = LearnedBound(grid, None, (2, 0))
    >>> [learned.plan((0, 0)).stats.expanded for _ in range(2)]
    [8, 8]
    >>> learned.values[:2].tolist()
    [8.0, 7.0]
    """

    def __init__(self, map: Map, costs: CostField | None, goal: Any) -> None:
        expect(map, (GridMap, GraphMap), "map")
        expect(costs, (CostField, type(None)), "costs")
        self.map, self.costs = map, costs
        self.goal = map.node(goal)
        self.dropped = 0
        self._begin()

    def _begin(self) -> None:
        self._version = 0 if self.costs is None else self.costs.version
        bound = default_bound(self.map, self.goal, self.costs)
        self._values = tabulate(bound, self.map.size).copy()
        self._consistent = True

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """(size,) a copy of the bound under the costs as they are now, in cost units."""
        self._follow(self.map)
        return self._values.copy()

    def plan(self, start: Any, map: Map | None = None, **options: Any) -> PlanResult:
        """`plan` from a start to the goal with the bound, from which it then learns.

        The rivals use the bound as well, but teach it nothing.

        Args:
            map: the map as it is now, where cells were blocked or freed since.
            options: those of `planners.plan` but `heuristic`.
        """
        self._follow(self.map if map is None else map)
        goal = self.map.label(self.goal)
        result = plan(self.map, start, goal, costs=self.costs, heuristic=self, **options)
        self._learn(result)
        return result

    def bound_for(self, map: Map, goal: int, costs: CostField | None) -> tuple[Bound, bool]:
        """The bound as the search loop takes it, and whether it is known to be consistent.

        Raises:
            ValueError: another goal, another cost field, or a map of another shape.
        """
        if goal != self.goal or costs is not self.costs:
            what = "goal" if goal != self.goal else "cost field"
            raise ValueError(f"the bound was learned for another {what}: make one for this {what}")
        self._follow(map)
        return table_bound(map, self._values.view()), self._consistent

    def _learn(self, result: PlanResult) -> None:
        """Raise the bound by the search of this thread that has just given a result."""
        if result.status != "found" or result.stats.expanded == 0:
            return
        if result.strategy not in STRATEGIES:  # rivals search in other arrays
            return
        nodes, g = last_reached(self.map.workspaces)
        learned = result.cost / result.certificate - g
        self._values[nodes] = np.maximum(self._values[nodes], learned)
        self._consistent &= result.bound == 1

    def _follow(self, map: Map) -> None:
        """Take note of changes; drop what a fall has made doubtful."""
        if not alike(self.map, map):
            raise ValueError(f"the bound was learned on {self.map!r}, not on {map!r}")
        falls = 0 if self.costs is None else self.costs.history.falls.last
        doubtful = falls > self._version or freed(self.map, map).size > 0
        self.map = map
        if doubtful:
            self.dropped += 1
            self._begin()
