"""Fewer turns: what a bound leaves free is spent on going straight.

A planner's costs know nothing of turns, yet a turn on the spot takes seconds. Layers make equally
long ways differ a little, and the cheapest of them likes to be a staircase. Along the exact
cost-to-go it is plain what a step aside costs, so a robot may go straight on as long as that has
cost less than the turn that it saves.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from planners import CostField, GridMap, PlanResult
from planners.result import Path

ROWS, COLS = 2, 0  # along a row (east, west), along a column (north, south)

Values = npt.NDArray[np.float64]


def with_fewer_turns(
    result: PlanResult,
    map: GridMap,
    costs: CostField,
    to_go: Values,
    turn_s: float,
    axis: int | None = None,
) -> PlanResult:
    """The plan with a straighter path where that pays, else the plan itself.

    A path follows `to_go` from start to goal; a step that is not the best is taken to go straight
    on (or back: the robot reverses) while what such steps have cost since the last turn stays below
    `turn_s`. One is tried along the rows to begin with, one along the columns. The best of them is
    taken over if cost and turns together are less than before, and only within the plan's own
    bound; the certificate goes on to tell the truth.

    Args:
        result: a plan on a four-connected grid.
        map, costs: of that plan, in seconds.
        to_go: (size,) exact cost from every node to the goal at these costs.
        turn_s: seconds of a quarter turn.
        axis: ROWS or COLS, along which the robot stands now; None if it has no heading yet.
    """
    if result.path is None or len(result.path) < 3:
        return result
    lower = result.cost / result.certificate if np.isfinite(result.certificate) else 0.0
    best, nodes = result, result.path.nodes
    best_s = result.cost + turn_s * turns(nodes, axis)
    for first in (COLS, ROWS):
        found = _straight(map, costs, to_go, int(nodes[0]), int(nodes[-1]), turn_s, first)
        if found is None:
            continue
        cost = float(np.sum(costs.step_costs(found)))
        taken_s = cost + turn_s * turns(found, axis)
        if taken_s < best_s and cost <= result.bound * lower:
            path = Path(found, (len(found) - 1) * map.cell_size_m, cells=map.cells(found))
            best_s = taken_s
            best = replace(result, path=path, cost=cost, certificate=max(1.0, cost / lower))
    return best


def turns(nodes: npt.NDArray[np.int64], axis: int | None = None) -> int:
    """How often a four-connected way changes between rows and columns, `axis` before it.

    >>> turns(np.array([0, 1, 2, 12, 22])), turns(np.array([0, 1, 2, 12, 22]), COLS)
    (1, 2)
    """
    along = np.where(np.abs(np.diff(nodes)) == 1, ROWS, COLS)
    first = int(axis is not None and along.size > 0 and along[0] != axis)
    return first + int((along[1:] != along[:-1]).sum())


def _straight(
    map: GridMap,
    costs: CostField,
    to_go: Values,
    start: int,
    goal: int,
    turn_s: float,
    axis: int,
) -> npt.NDArray[np.int64] | None:
    """Nodes from start to goal; None where no way leads on, or none in as many steps as nodes."""
    steps = ((-map.cols, 0), (1, 2), (map.cols, 4), (-1, 6))  # node offset, direction
    nodes, node, spent_s = [start], start, 0.0
    edge = costs.edge_pace
    while node != goal:
        mask = int(map.move_mask[node])
        best: tuple[float, int, int] | None = None
        ahead: tuple[float, int, int] | None = None
        for offset, k in steps:
            if not mask >> k & 1:
                continue
            pace = float(costs.pace[node + offset])
            if edge is not None:
                pace += float(edge[k * map.size + node])
            option = (map.cell_size_m * pace + float(to_go[node + offset]), node + offset, k % 4)
            if best is None or option < best:
                best = option
            if k % 4 == axis and (ahead is None or option < ahead):
                ahead = option
        if best is None or len(nodes) > map.size or not np.isfinite(best[0]):
            return None
        chosen = best
        if ahead is not None and best[2] != axis and spent_s + ahead[0] - best[0] < turn_s:
            spent_s += ahead[0] - best[0]
            chosen = ahead
        if chosen[2] != axis:
            spent_s, axis = 0.0, chosen[2]
        node = chosen[1]
        nodes.append(node)
    return np.array(nodes, dtype=np.int64)
