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
from ..maps import GridMap
from ..result import PlanResult, Trace
from ..search import plan
from ..walks import alike
from .changes import freed


class LearnedBound:
    """A lower bound on the cost to one goal that every search improves (Koenig, Likhachev 2005).

    A search that expanded s with cost-so-far `g(s)`, and proved that no path from its start costs
    less than LB, shows that `cost(s, goal) >= LB - g(s)`: the bound of s is raised to it. After
    searches with w = 1 the bound stays consistent; with w > 1 that is not claimed. What was learned
    holds while costs only rise or cells are blocked; once a cost fell or a cell was freed all of it
    is dropped.

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

        Args:
            map: the map as it is now, where cells were blocked or freed since.
            options: those of `planners.plan` but `heuristic` and `trace`.
        """
        self._follow(self.map if map is None else map)
        goal = self.map.label(self.goal)
        options |= {"heuristic": self, "trace": True}
        result = plan(self.map, start, goal, costs=self.costs, **options)
        self.learn(result)
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
        return table_bound(self._values.view()), self._consistent

    def learn(self, result: PlanResult) -> None:
        """Raise the bound by the trace of a search that found a path to the goal.

        The result has to be of this map and these costs as they are now.

        Raises:
            ValueError: a result for another goal, or without a trace.
        """
        if result.goal != self.goal or result.trace is None:
            raise ValueError(
                f"learn takes a result for goal {self.map.label(self.goal)!r} with trace=True, not "
                f"for {self.map.label(result.goal)!r} with trace={result.trace is not None}"
            )
        self._follow(self.map)
        if result.status != "found":
            return
        nodes, g = _expanded(result.trace)
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


def _expanded(trace: Trace) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The expanded nodes, once each, and the least cost with which each was expanded."""
    expansions = trace.kinds == Trace.KINDS.index("expand")
    nodes, g = trace.nodes[expansions], trace.g[expansions]
    order = np.lexsort((g, nodes))
    nodes, g = nodes[order], g[order]
    first = np.ones(nodes.size, dtype=bool)
    first[1:] = nodes[1:] != nodes[:-1]
    return nodes[first], g[first]
