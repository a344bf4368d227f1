"""Other libraries on grids. A map that they can be told of is told; what they cannot be told, such
as not to cut corners, shows in the columns `illegal` and `longer_by`."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from planners import CostField, GridMap

from .libraries import Library
from .model import Query, Way

Paces = npt.NDArray[np.float32]


def paces(grid: GridMap, costs: CostField | None, blocked: float) -> Paces:
    """(rows, cols) pace of every cell, `blocked` where nothing may stand."""
    pace = np.ones(grid.size, dtype=np.float32) if costs is None else costs.pace
    return np.where(grid.blocked, np.float32(blocked), pace.reshape(grid.shape))


def cells_as_nodes(grid: GridMap) -> Callable[[Query, Any], list[Way]]:
    """Answers that are rows of (row, col)."""

    def ways(query: Query, answer: Any) -> list[Way]:
        cells = None if answer is None or len(answer) == 0 else np.asarray(answer, dtype=np.int64)
        nodes = None if cells is None else cells[:, 0] * grid.cols + cells[:, 1]
        return [Way(query.start, query.goal, nodes)]

    return ways


def pyastar2d(module: ModuleType, grid: GridMap, costs: CostField | None) -> Callable[..., Any]:
    """A* in C++; a diagonal costs as much as a straight move."""
    weights = paces(grid, costs, math.inf)
    diagonal = grid.moves != "four"
    find = module.astar_path
    return lambda q: find(weights, q.start_label, q.goal_label, allow_diagonal=diagonal)


def tcod(module: ModuleType, grid: GridMap, costs: CostField | None) -> Callable[..., Any]:
    """A* of libtcod; its path leaves out the start."""
    search = module.AStar(paces(grid, costs, 0.0), diagonal=_diagonal(grid, 0.0))

    def ask(q: Query) -> Any:
        path = search.get_path(*q.start_label, *q.goal_label)
        return [q.start_label, *path] if path or q.start == q.goal else None

    return ask


def skimage(module: ModuleType, grid: GridMap, costs: CostField | None) -> Callable[..., Any]:
    """Minimum cost path; a move costs its length times the mean of both paces."""
    weights, diagonal = paces(grid, costs, -1.0), grid.moves != "four"
    find = module.route_through_array
    return lambda q: find(weights, q.start_label, q.goal_label, diagonal)[0]


def dijkstra3d(module: ModuleType, grid: GridMap, costs: CostField | None) -> Callable[..., Any]:
    """A* of dijkstra3d, told that diagonals are longer."""
    weights, connectivity = paces(grid, costs, math.inf), 4 if grid.moves == "four" else 8
    find = module.dijkstra
    return lambda q: find(
        weights, q.start_label, q.goal_label, connectivity=connectivity, compass=True,
        anisotropy=(1.0, 1.0),
    )  # fmt: skip


def pathfinding(module: ModuleType, grid: GridMap, costs: CostField | None) -> Callable[..., Any]:
    """Pure Python; its move rule without corner cutting is ours."""
    from importlib import import_module

    rule = import_module("pathfinding.core.diagonal_movement").DiagonalMovement
    nodes = import_module("pathfinding.core.grid").Grid(matrix=paces(grid, costs, 0.0).tolist())
    allowed = rule.never if grid.moves == "four" else rule.only_when_no_obstacle
    finder = module.AStarFinder(diagonal_movement=allowed)

    def ask(q: Query) -> Any:
        nodes.cleanup()
        (row, col), (to_row, to_col) = q.start_label, q.goal_label
        path, _ = finder.find_path(nodes.node(col, row), nodes.node(to_col, to_row), nodes)
        return [(step.y, step.x) for step in path]

    return ask


def _diagonal(grid: GridMap, without: float) -> float:
    return without if grid.moves == "four" else math.sqrt(2)


def distance_field(
    module: ModuleType, grid: GridMap, costs: CostField | None
) -> Callable[..., Any]:
    """The whole field of dijkstra3d; a diagonal costs as much as a straight move."""
    weights, connectivity = paces(grid, costs, math.inf), 4 if grid.moves == "four" else 8
    field = module.distance_field
    return lambda q: field(weights, q.start_label, connectivity=connectivity)


PYASTAR2D = Library("pyastar2d", "pyastar2d", "pyastar2d", pyastar2d)
TCOD = Library("tcod", "tcod", "tcod.path", tcod)
SKIMAGE = Library("scikit-image", "scikit-image", "skimage.graph", skimage, slow_from=200_000)
DIJKSTRA3D = Library("dijkstra3d", "dijkstra3d", "dijkstra3d", dijkstra3d)
PATHFINDING = Library("pathfinding", "pathfinding", "pathfinding.finder.a_star", pathfinding,
                      slow_from=0, most_nodes=60_000)  # fmt: skip
FIELD = Library("dijkstra3d", "dijkstra3d", "dijkstra3d", distance_field)

GRID_LIBRARIES = (PYASTAR2D, TCOD, SKIMAGE, DIJKSTRA3D, PATHFINDING)
