"""The floor in arrays, a grid or a graph: who may go where, how far it is, where it lies."""

from __future__ import annotations

from typing import Any, NamedTuple

from .state import FAR, PERSON


class GridFloor(NamedTuple):
    """A four-connected grid.

    Attributes:
        walk, drive: uint8 (n,) legal moves of people and of robots, bit 2 k for direction k of N,
            E, S, W.
        limit_mm: int64 (n,) the most that a robot may drive a tick into a node, or (0,).
        local, district: int16 (n,) index of a node within its district, and the district; (0,)
            where one district is all.
        cols, edge_mm, cell_m: columns, side of a cell in millimetres and in metres.
    """

    walk: Any
    drive: Any
    limit_mm: Any
    local: Any
    district: Any
    cols: int
    edge_mm: int
    cell_m: float


class GraphFloor(NamedTuple):
    """A graph in compressed sparse rows, without parallel edges and self loops.

    Attributes:
        indptr, indices, length_mm: int64, int32, int64.
        drive: uint8 (edges,) whether robots may use the edge.
        limit_mm, local, district: as in `GridFloor`.
        position_m: float64 (n, 2).
    """

    indptr: Any
    indices: Any
    length_mm: Any
    drive: Any
    limit_mm: Any
    local: Any
    district: Any
    position_m: Any


def degree(floor: Any, node: int) -> int:
    """How many steps to try from a node; by type of floor."""
    return int(FLOORS[type(floor)][0](floor, node))


def step(floor: Any, node: int, k: int, kind: int) -> int:
    """The node that step k reaches, or -1 where it is not legal for that kind; by type."""
    return int(FLOORS[type(floor)][1](floor, node, k, kind))


def step_mm(floor: Any, node: int, k: int) -> int:
    """The length of step k; by type."""
    return int(FLOORS[type(floor)][2](floor, node, k))


def x_of(floor: Any, node: int) -> float:
    """The x of a node in metres; by type."""
    return float(FLOORS[type(floor)][3](floor, node))


def y_of(floor: Any, node: int) -> float:
    """The y of a node in metres; by type."""
    return float(FLOORS[type(floor)][4](floor, node))


def _grid_degree(floor, node):
    return 4


def _grid_step(floor, node, k, kind):
    mask = floor.walk[node] if kind == PERSON else floor.drive[node]
    if (int(mask) >> (2 * k)) & 1 == 0:
        return -1
    if k == 0:
        return node - floor.cols
    if k == 1:
        return node + 1
    if k == 2:
        return node + floor.cols
    return node - 1


def _grid_mm(floor, node, k):
    return floor.edge_mm


def _grid_x(floor, node):
    return (node % floor.cols) * floor.cell_m


def _grid_y(floor, node):
    return (node // floor.cols) * floor.cell_m


def _graph_degree(floor, node):
    return int(floor.indptr[node + 1] - floor.indptr[node])


def _graph_step(floor, node, k, kind):
    edge = floor.indptr[node] + k
    return int(floor.indices[edge]) if kind == PERSON or floor.drive[edge] else -1


def _graph_mm(floor, node, k):
    return floor.length_mm[floor.indptr[node] + k]


def _graph_x(floor, node):
    return floor.position_m[node, 0]


def _graph_y(floor, node):
    return floor.position_m[node, 1]


_GRID = (_grid_degree, _grid_step, _grid_mm, _grid_x, _grid_y)
_GRAPH = (_graph_degree, _graph_step, _graph_mm, _graph_x, _graph_y)
FLOORS: dict[type, Any] = {GridFloor: _GRID, GraphFloor: _GRAPH}


def length_to(floor: Any, node: int, to: int, kind: int) -> int:
    """The length in millimetres of the step to a neighbour, or -1 where none is legal."""
    for k in range(degree(floor, node)):
        if step(floor, node, k, kind) == to:
            return step_mm(floor, node, k)
    return -1


def distance_mm(floor: Any, fields: Any, slot: int, anchor: int, node: int) -> int:
    """What a field says at a node; FAR outside the district of the agent standing on `anchor`."""
    if floor.local.shape[0] == 0:
        return int(fields[slot, node])
    if floor.district[node] != floor.district[anchor]:
        return FAR
    return int(fields[slot, floor.local[node]])


HELPERS = (*_GRID, *_GRAPH, length_to, distance_mm)
CHOSEN = tuple(
    (function, {GridFloor: _GRID[k], GraphFloor: _GRAPH[k]})
    for k, function in enumerate((degree, step, step_mm, x_of, y_of))
)
