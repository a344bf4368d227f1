"""Landmarks: a lower bound from the triangle inequality, node by node.

For a landmark L, `d(v, goal) >= d(v, L) - d(goal, L)` and `d(v, goal) >= d(L, goal) - d(L, v)`.
Whatever is subtracted is stored rounded up, the rest rounded down, so no bound is above the truth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .loop import ESTIMATES


class Alt(NamedTuple):
    """The tables of k landmarks as they are asked for one goal.

    FAR stands for "no way" in the tables and in `goal_from`, infinity in `goal_to`.
    """

    to_table: Any  # float32 (n, k): cost v -> landmark, rounded down
    from_table: Any  # float32 (n, k): cost landmark -> v, rounded up
    goal_to: Any  # float64 (k,): cost goal -> landmark, rounded up
    goal_from: Any  # float64 (k,): cost landmark -> goal, rounded down
    scale: float  # <= 1: makes up for what rounding may add to the fall of h along an edge
    cols: int  # of a grid, else 1


FAR = 2.0**126  # the same number in float32 and float64


def estimate_alt(bound: Alt, v: int, row: int, col: int) -> Any:
    """h(v): the best triangle over all landmarks; beyond FAR / 4 where no way leads to the goal."""
    h = 0.0
    for k in range(bound.goal_to.shape[0]):
        h = max(h, float(bound.to_table[v, k]) - float(bound.goal_to[k]))
        h = max(h, float(bound.goal_from[k]) - float(bound.from_table[v, k]))
    return h * bound.scale


ESTIMATES[Alt] = estimate_alt


def fill_alt(to_table, from_table, goal_to, goal_from, scale, cols, values):
    """`estimate_alt` of every node into `values`, float64 (n,)."""
    bound = Alt(to_table, from_table, goal_to, goal_from, scale, cols)
    for v in range(values.shape[0]):
        values[v] = estimate_alt(bound, v, 0, 0)


HELPERS = (estimate_alt,)
ENTRIES = (fill_alt,)
