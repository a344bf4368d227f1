"""Holds answers against the truth: the library's independent checker decides, not the planner."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from planners import CheckError, CostField, GridMap, Path, PlanResult, SearchStats, check, plan
from planners.walks import steps

from .model import Contestant, Map, Verdict, Way

RELATIVE = 1e-6


class PathJudge:
    """Legality by `check`, cost along the path against the optimum.

    The optimum is that of the generic loop, once a query; a legal path that is cheaper than it
    would show as a negative excess.
    """

    def __init__(self, map: Map, costs: CostField | None) -> None:
        self._map, self._costs = map, costs
        self._optima: dict[tuple[int, int], float] = {}

    def __call__(self, contestant: Contestant, query: Any, answer: Any) -> list[Verdict]:
        return [self._verdict(way) for way in contestant.ways(query, answer)]

    def _verdict(self, way: Way) -> Verdict:
        optimum = self._optimum(way.start, way.goal)
        nodes = None if way.nodes is None else np.array(way.nodes, dtype=np.int64).reshape(-1)
        if nodes is None or nodes.size == 0:
            return Verdict(math.isfinite(optimum), None)
        cost = path_cost(self._map, nodes, self._costs)
        illegal = not self._is_legal(way, nodes, cost)
        return Verdict(illegal, cost / optimum - 1 if optimum > 0 and cost < math.inf else None)

    def _optimum(self, start: int, goal: int) -> float:
        if (start, goal) not in self._optima:
            ends = self._map.label(start), self._map.label(goal)
            result = plan(self._map, *ends, costs=self._costs, engine="generic")
            self._optima[start, goal] = result.cost
        return self._optima[start, goal]

    def _is_legal(self, way: Way, nodes: npt.NDArray[np.int64], cost: float) -> bool:
        if not math.isfinite(cost):
            return False
        lengths, edges = steps(self._map, nodes, self._costs)
        path = Path(nodes, math.fsum(lengths), edges=edges)
        if isinstance(self._map, GridMap):
            path = Path(nodes, math.fsum(lengths), cells=self._map.cells(nodes))
        claim = PlanResult("found", path, cost, math.inf, math.inf, SearchStats(), "", "",
                           start=way.start, goal=way.goal)  # fmt: skip
        try:
            check(self._map, claim, self._costs)
        except CheckError:
            return False
        return True


def path_cost(map: Map, nodes: npt.NDArray[np.int64], costs: CostField | None) -> float:
    """The true cost along node ids, whatever corners they cut; infinity where no move joins two."""
    try:
        lengths, edges = steps(map, nodes, costs)
    except (ValueError, IndexError):
        return math.inf
    return math.fsum(lengths if costs is None else costs.price(nodes, lengths, edges))


class FieldJudge:
    """Whole fields against that of the contestant named: below it nothing is legal.

    The contestant named has to be asked before the others.
    """

    def __init__(self, truth: str) -> None:
        self._truth, self._values = truth, np.empty(0)

    def __call__(self, contestant: Contestant, query: Any, answer: Any) -> list[Verdict]:
        values = np.asarray(contestant.ways(query, answer)[0].nodes, dtype=np.float64).reshape(-1)
        if contestant.name == self._truth:
            self._values = values
        if self._values.size != values.size:
            return [Verdict(False, None)]
        known = np.isfinite(self._values) & (self._values > 0)
        excess = values[known] / self._values[known] - 1
        return [Verdict(bool((excess < -RELATIVE).any()), float(np.median(excess)))]
