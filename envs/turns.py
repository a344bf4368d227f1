"""Fewer turns: what a bound leaves free is spent on going straight.

A planner's costs know nothing of turns, yet a turn on the spot takes seconds. Layers make equally
long ways differ a little, and the cheapest of them likes to be a staircase. With the exact
cost-to-go as h, a search over nodes and headings finds the best of both at once.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from planners import CostField, GridMap, PlanResult
from planners.maps import read_only
from planners.result import Path

from .kernels import kernel
from .kernels.turns import PUSHES, TurnWork

ROWS, COLS = 2, 0  # along a row (east, west), along a column (north, south)

SHARES = (1.0, 0.1, 1e-6)  # of a turn's seconds, one after the other where the bound is too tight
NO_EDGES = read_only(np.zeros(0, dtype=np.float32))

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

    The way of least cost and turns together is taken over if both are less than before and its cost
    is within the plan's own bound; else one that counts a turn for a tenth, or for almost nothing
    (the straightest of the cheapest ways). The certificate goes on to tell the truth.

    Args:
        result: a plan on a four-connected grid.
        map, costs: of that plan, in seconds.
        to_go: (size,) exact cost from every node to the goal at these costs.
        turn_s: seconds of a quarter turn.
        axis: ROWS or COLS, along which the robot stands now; None if it has no heading yet.
    """
    if result.path is None or len(result.path) < 3:
        return result
    if result.cost <= 0.0 or not np.isfinite(result.certificate):
        return result
    lower = result.cost / result.certificate
    planned_s = result.cost + turn_s * turns(result.path.nodes, axis)
    for share in SHARES:
        nodes = _least_turning(map, costs, to_go, result.path.nodes, share * turn_s, axis)
        cost = float(np.sum(costs.step_costs(nodes)))
        if not cost <= result.bound * lower:
            continue
        if cost + turn_s * turns(nodes, axis) >= planned_s:
            break
        path = Path(nodes, (len(nodes) - 1) * map.cell_size_m, cells=map.cells(nodes))
        return replace(result, path=path, cost=cost, certificate=max(1.0, cost / lower))
    return result


def _least_turning(
    map: GridMap,
    costs: CostField,
    to_go: Values,
    nodes: npt.NDArray[np.int64],
    turn_s: float,
    axis: int | None,
) -> npt.NDArray[np.int64]:
    """Nodes of the way of least cost and turns between the ends of a way."""
    work = _work(map.size, threading.get_ident())
    edge_pace = NO_EDGES if costs.edge_pace is None else costs.edge_pace
    count = kernel("least_turning")(
        int(nodes[0]), int(nodes[-1]), -1 if axis is None else axis, turn_s, map.cols,
        map.cell_size_m, map.move_mask, costs.pace, edge_pace, to_go, work,
    )  # fmt: skip
    return nodes if count == 0 else work.way[:count][::-1].copy()


@lru_cache(maxsize=4)
def _work(size: int, thread: int) -> TurnWork:
    """Work arrays for maps of a size; the searches of a thread follow one another."""
    room = 2 * PUSHES * size
    return TurnWork(
        np.zeros(2, dtype=np.int64), np.zeros(2 * size), np.zeros(2 * size, dtype=np.int32),
        np.zeros(2 * size, dtype=np.int32), np.empty(room), np.empty(room),
        np.empty(room, dtype=np.int32), np.empty(size, dtype=np.int64),
    )  # fmt: skip


def turns(nodes: npt.NDArray[np.int64], axis: int | None = None) -> int:
    """How often a four-connected way changes between rows and columns, `axis` before it.

    >>> turns(np.array([0, 1, 2, 12, 22])), turns(np.array([0, 1, 2, 12, 22]), COLS)
    (1, 2)
    """
    along = np.where(np.abs(np.diff(nodes)) == 1, ROWS, COLS)
    first = int(axis is not None and along.size > 0 and along[0] != axis)
    return first + int((along[1:] != along[:-1]).sum())
