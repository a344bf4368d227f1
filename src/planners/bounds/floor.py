"""The floor: what no algorithm that knows only h can avoid expanding."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..costs import CostField
from ..fields import cost_to_come
from ..graphs import Map
from ..heuristics import Heuristic, default_bound, tabulate, user_heuristic

ROUNDING = 1.0 - 1e-9


class Floor(NamedTuple):
    """The floor of a query.

    Attributes:
        nodes: how many nodes have `g* + h < C* / w`.
        optimum: C*, infinity where there is no way (then every node that h does not rule out
            counts).
    """

    nodes: int
    optimum: float


def floor_size(
    map: Map,
    costs: CostField | None,
    start: Any,
    goal: Any,
    weight: float = 1.0,
    heuristic: Heuristic | None = None,
) -> Floor:
    """The size of `{n : g*(n) + h(n) < C* / w}`, from an exact field; time O(map log map).

    Every algorithm that knows the map only by h and by expanding nodes, and that returns a path of
    at most w times the optimum, has to expand these: a cheaper path than it may return could lead
    through each of them (Dechter and Pearl 1985).

    Args:
        weight: w >= 1.
        heuristic: a consistent lower bound, as for `plan`; its default unless given.

    Raises:
        ValueError: a weight below 1, a start or goal outside the map, a heuristic of a wrong shape.

    >>> from planners import GridMap
    >>> floor_size(GridMap([[0, 0, 0, 0]]), None, (0, 0), (0, 3), heuristic="zero")
    Floor(nodes=3, optimum=3.0)
    """
    if not weight >= 1:
        raise ValueError(f"weight must be at least 1, not {weight!r}")
    target = map.node(goal)
    bound = default_bound(map, target, costs)
    if heuristic is not None:
        bound = user_heuristic(map, target, costs, heuristic, lower_bound=True)[0]
    g = cost_to_come(map, start, costs).values
    optimum = float(g[target])
    reached = np.isfinite(g)
    f = g[reached] + tabulate(bound, map.size)[reached]
    return Floor(int(np.count_nonzero(f < optimum / weight * ROUNDING)), optimum)
