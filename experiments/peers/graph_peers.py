"""Other libraries on graphs, and on grids taken as graphs. All get the same matrix of costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from planners import CostField, GridMap
from planners.check import edges_of
from planners.maps import COL_STEP, ROW_STEP

from .libraries import Library
from .model import Map, Query

Matrix = Any  # scipy's csr_array


def matrix_of(map: Map, costs: CostField | None = None) -> Matrix:
    """(size, size) csr_array of the cost of every move, the cheapest of parallel edges."""
    from scipy.sparse import csr_array

    if isinstance(map, GridMap):
        return _grid_matrix(map, costs)
    sources, targets, prices = edges_of(map, costs)
    order = np.lexsort((prices, targets, sources))
    sources, targets, prices = sources[order], targets[order], prices[order]
    first = np.ones(sources.size, dtype=bool)
    first[1:] = (np.diff(sources) != 0) | (np.diff(targets) != 0)
    indptr = np.searchsorted(sources[first], np.arange(map.size + 1)).astype(np.int32)
    columns = targets[first].astype(np.int32)
    return csr_array((prices[first], columns, indptr), shape=(map.size, map.size))


def _grid_matrix(grid: GridMap, costs: CostField | None) -> Matrix:
    """Direction by direction into place: at 4096 a side the matrix itself takes 1.7 GB."""
    from scipy.sparse import csr_array

    masks = grid.move_mask
    pace = np.ones(grid.size, dtype=np.float32) if costs is None else costs.pace
    indptr = np.zeros(grid.size + 1, dtype=np.int32)
    np.cumsum(np.bitwise_count(masks), out=indptr[1:], dtype=np.int32)
    columns = np.empty(int(indptr[-1]), dtype=np.int32)
    prices = np.empty(columns.size)
    for k, (dr, dc) in enumerate(zip(ROW_STEP, COL_STEP, strict=True)):
        sources = np.flatnonzero(masks >> np.uint8(k) & np.uint8(1))
        before = np.bitwise_count(masks[sources] & np.uint8((1 << k) - 1))
        places, targets = indptr[sources] + before, sources + dr * grid.cols + dc
        columns[places] = targets
        prices[places] = grid.cell_size_m * math.hypot(dr, dc) * pace[targets].astype(np.float64)
    return csr_array((prices, columns, indptr), shape=(grid.size, grid.size))


def _edges(matrix: Matrix) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    coo = matrix.tocoo()
    return coo.row, coo.col, coo.data


def scipy(module: ModuleType, matrix: Matrix) -> Callable[[Query], Any]:
    """Dijkstra to every node (it knows no goal), and the path by its predecessors."""
    dijkstra = module.dijkstra

    def ask(q: Query) -> Any:
        _, before = dijkstra(matrix, indices=q.start, return_predecessors=True)
        node, path = q.goal, [q.goal]
        while (node := int(before[node])) >= 0:
            path.append(node)
        return path[::-1] if path[-1] == q.start else None

    return ask


def rustworkx(module: ModuleType, matrix: Matrix) -> Callable[[Query], Any]:
    """Dijkstra up to the goal."""
    graph = module.PyDiGraph()
    graph.add_nodes_from(range(matrix.shape[0]))
    sources, targets, prices = (column.tolist() for column in _edges(matrix))
    graph.extend_from_weighted_edge_list(list(zip(sources, targets, prices, strict=True)))
    find = module.digraph_dijkstra_shortest_paths

    def ask(q: Query) -> Any:
        paths = find(graph, q.start, q.goal, float)
        return list(paths[q.goal]) if q.goal in paths else None

    return ask


def igraph(module: ModuleType, matrix: Matrix) -> Callable[[Query], Any]:
    """Dijkstra up to the goal; its A* takes the whole process down on an exact heuristic."""
    sources, targets, prices = _edges(matrix)
    graph = module.Graph(
        n=matrix.shape[0], edges=np.stack([sources, targets], axis=1), directed=True
    )
    weights = prices.tolist()
    return lambda q: graph.get_shortest_path(q.start, q.goal, weights=weights)


def networkit(module: ModuleType, matrix: Matrix) -> Callable[[Query], Any]:
    """Bidirectional Dijkstra; its path leaves out both ends."""
    sources, targets, prices = _edges(matrix)
    graph = module.GraphFromCoo(
        (prices, (sources, targets)), n=matrix.shape[0], weighted=True, directed=True
    )
    method = module.distance.BidirectionalDijkstra

    def ask(q: Query) -> Any:
        search = method(graph, q.start, q.goal, True)
        search.run()
        return [q.start, *search.getPath(), q.goal]

    return ask


def networkx(module: ModuleType, matrix: Matrix) -> Callable[[Query], Any]:
    """Bidirectional Dijkstra in pure Python."""
    graph = module.from_scipy_sparse_array(matrix, create_using=module.DiGraph)
    find = module.bidirectional_dijkstra
    return lambda q: find(graph, q.start, q.goal)[1]


def scipy_field(module: ModuleType, matrix: Matrix) -> Callable[[Query], Any]:
    """Dijkstra to every node."""
    return lambda q: module.dijkstra(matrix, indices=q.start)


SCIPY = Library("scipy", "scipy", "scipy.sparse.csgraph", scipy)
GRAPH_LIBRARIES = (
    SCIPY,
    Library("networkit", "networkit", "networkit", networkit),
    Library("igraph", "igraph", "igraph", igraph, slow_from=500_000),
    Library("rustworkx", "rustworkx", "rustworkx", rustworkx, most_nodes=200_000),
    Library("networkx", "networkx", "networkx", networkx, slow_from=0, most_nodes=60_000),
)
FIELD_OF_SCIPY = Library("scipy", "scipy", "scipy.sparse.csgraph", scipy_field)
