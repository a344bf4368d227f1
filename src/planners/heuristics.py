"""Heuristics: what a search believes is left to pay.

Those that the library builds are lower bounds, consistent also in floating point: they are scaled
by the least pace and by `1 - 5e-10`. Anything that a user passes only leads, unless declared a
bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .graphs import GraphMap, Map
from .kernels.alt import Alt
from .kernels.compiled import compiled
from .kernels.loop import MANHATTAN, OCTILE, SQRT2, STRAIGHT, TABLE, ZERO, Bound
from .maps import FARTHEST, GridMap, read_only
from .walks import as_per_node

SLACK = 1.0 - 5e-10
UNREACHABLE = 1e150  # stands for an infinite h: beyond every cost, and still finite times a weight

# Read-only like every array that the kernel only reads: numba compiles once for each such property.
NO_POSITIONS = read_only(np.empty((0, 2)))
NO_TABLE = read_only(np.empty(0))

KINDS = {"zero": ZERO, "manhattan": MANHATTAN, "octile": OCTILE, "straight": STRAIGHT}


@runtime_checkable
class Prepared(Protocol):
    """A lower bound that the library prepared for a map and its costs, for many goals or one."""

    def bound_for(self, map: Map, goal: int, costs: CostField | None) -> tuple[Any, bool]:
        """The bound for a goal as the loop takes it, and whether it is known to be consistent.

        Raises:
            ValueError: it does not hold for this map, goal or costs.
        """
        ...


Heuristic = str | npt.ArrayLike | Callable[[Any, Any], float] | Prepared


def default_bound(map: Map, goal: int, costs: CostField | None) -> Bound:
    """The best closed-form lower bound for the map: Manhattan, octile, straight line, or zero."""
    if isinstance(map, GridMap):
        return closed_form(map, goal, costs, MANHATTAN if map.moves == "four" else OCTILE)
    return closed_form(map, goal, costs, STRAIGHT)


def closed_form(map: Map, goal: int, costs: CostField | None, kind: int) -> Bound:
    """A heuristic by kind, scaled by the least pace (and on graphs by least length / distance)."""
    pace_min = 1.0 if costs is None else costs.paces_on(map)[0]
    if isinstance(map, GridMap):
        row, col = divmod(goal, map.cols)
        scale = map.cell_size_m * pace_min * SLACK
        return Bound(kind, float(col), float(row), scale, map.cols, NO_POSITIONS, NO_TABLE)
    scale = metres_per_unit(map) * pace_min * SLACK
    if map.position_m is None or scale == 0 or kind == ZERO:
        return Bound(ZERO, 0.0, 0.0, 0.0, 1, NO_POSITIONS, NO_TABLE)
    x, y = map.position_m[goal].tolist()
    return Bound(kind, x, y, scale, 1, map.position_m, NO_TABLE)


def metres_per_unit(graph: GraphMap) -> float:
    """The least length / straight-line distance over the edges: positions may be in any unit.

    Zero where the graph has no positions, or no edge joins two distinct ones.
    """
    if graph.position_m is None:
        return 0.0
    known = graph.__dict__.get("metres_per_unit")
    if known is None:
        step = graph.position_m[graph.indices] - graph.position_m[graph.sources]
        distance = np.hypot(step[:, 0], step[:, 1])
        apart = distance > 1 / FARTHEST
        ratios = graph.length_m[apart] / distance[apart]
        known = float(ratios.min()) if ratios.size else 0.0
        graph.__dict__["metres_per_unit"] = known
    return float(known)


def table_bound(map: Map, table: npt.NDArray[np.float64]) -> Bound:
    """A heuristic given as one value per node; `cols` tells tiles that lead which cell it is."""
    cols = map.cols if isinstance(map, GridMap) else 1
    return Bound(TABLE, 0.0, 0.0, 1.0, cols, NO_POSITIONS, read_only(table))


def without_infinity(bound: Any) -> Any:
    """The bound with `UNREACHABLE` for infinity, which no search prunes before it has a path."""
    if not isinstance(bound, Bound) or bound.kind != TABLE:
        return bound
    return bound._replace(table=read_only(np.minimum(bound.table, UNREACHABLE)))


def is_lower_bound(map: Map, kind: int) -> bool:
    """Whether a closed form never overestimates on this map (Manhattan does with diagonals)."""
    if isinstance(map, GraphMap):
        return kind in (ZERO, STRAIGHT)
    return kind != MANHATTAN or map.moves == "four"


def tabulate(bound: Bound | Alt, size: int) -> npt.NDArray[np.float64]:
    """h of every node as a finite (size,) array: what the kernel computes node by node."""
    return tabulate_at(bound, np.arange(size))


def tabulate_at(bound: Bound | Alt, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """h of k node ids as a finite (k,) array."""
    if isinstance(bound, Alt):
        values = np.empty(bound.to_table.shape[0])
        compiled("fill_alt")(*bound, values)
        return values[nodes]
    if bound.kind == TABLE:
        return np.asarray(np.minimum(bound.table[nodes], UNREACHABLE), dtype=np.float64)
    if bound.kind == ZERO:
        return np.zeros(nodes.size)
    if bound.position.shape[0]:
        dx = np.abs(bound.position[nodes, 0] - bound.x)
        dy = np.abs(bound.position[nodes, 1] - bound.y)
    else:
        row, col = np.divmod(nodes, bound.cols)
        dx, dy = np.abs(col - bound.x), np.abs(row - bound.y)
    if bound.kind == MANHATTAN:
        return np.asarray(bound.scale * (dx + dy))
    if bound.kind == OCTILE:
        return np.asarray(bound.scale * (np.maximum(dx, dy) + (SQRT2 - 1.0) * np.minimum(dx, dy)))
    return np.asarray(bound.scale * np.sqrt(dx * dx + dy * dy))


def user_heuristic(
    map: Map, goal: int, costs: CostField | None, heuristic: Heuristic, lower_bound: bool
) -> tuple[Any, bool, bool]:
    """A user's heuristic as the kernel takes it; may it prove; is it known to be consistent?

    Args:
        heuristic: `zero`, `manhattan`, `octile` or `straight`; an array with a value per node; or a
            callable `(node, goal) -> cost` on cells of a grid or labels of a graph, called once for
            every free node; or what is `Prepared`: `Landmarks`, `KeptFields`, a `LearnedBound`.
        lower_bound: the user declares that it never overestimates.

    Raises:
        ValueError: unknown name, wrong shape, NaN, or (where it only leads) infinite values.
    """
    if isinstance(heuristic, Prepared):
        bound, consistent = heuristic.bound_for(map, goal, costs)
        return bound, True, consistent
    if isinstance(heuristic, str):
        if heuristic not in KINDS:
            raise ValueError(f"unknown heuristic {heuristic!r}: choose one of {', '.join(KINDS)}")
        kind = KINDS[heuristic]
        if isinstance(map, GraphMap) and kind in (MANHATTAN, OCTILE):
            raise ValueError(f"heuristic {heuristic!r} needs a grid; on graphs take 'straight'")
        consistent = is_lower_bound(map, kind)
        return closed_form(map, goal, costs, kind), consistent or lower_bound, consistent
    table = (
        _called(map, goal, heuristic)
        if callable(heuristic)
        else as_per_node(map, heuristic, "a heuristic")
    )
    if lower_bound:
        np.maximum(table, 0.0, out=table)
    free = ~map.blocked.reshape(-1)
    wrong = free & (np.isnan(table) if lower_bound else ~np.isfinite(table))
    if wrong.any():
        node = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"heuristic is {table[node]} at {map.label(node)!r}: it must be finite")
    table[~free] = 0.0
    np.minimum(table, UNREACHABLE, out=table)
    return table_bound(map, table), lower_bound, False


def _called(map: Map, goal: int, function: Callable[[Any, Any], float]) -> npt.NDArray[np.float64]:
    target = map.label(goal)
    table = np.zeros(map.size)
    for node in np.flatnonzero(~map.blocked.reshape(-1)).tolist():
        value = function(map.label(node), target)
        try:
            table[node] = float(value)
        except (TypeError, ValueError):
            label = map.label(node)
            raise ValueError(f"the heuristic returned {value!r} at {label!r}") from None
    return table
