"""Arrays on maps: one value per node, and the moves along a walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .graphs import GraphMap, Map
from .maps import COL_STEP, ROW_STEP, STEP_LENGTH, GridMap

if TYPE_CHECKING:
    from .costs import CostField


def as_per_node(map: Map, values: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    """A fresh flat float64 array with one value per node, of (size,) or a grid's (rows, cols).

    Raises:
        ValueError: another shape, or not numbers.
    """
    array = np.asarray(values)
    fits = array.shape == (map.size,) or (isinstance(map, GridMap) and array.shape == map.shape)
    if not fits or array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} needs one number per node ({map.size}), "
            f"not {array.dtype} of shape {array.shape}"
        )
    return np.array(array, dtype=np.float64).reshape(-1)


def alike(a: Map, b: Map) -> bool:
    """Whether two maps differ at most in blocked nodes and move rules: the same costs fit both."""
    if a is b:
        return True
    if isinstance(a, GridMap) or isinstance(b, GridMap):
        return (
            isinstance(a, GridMap)
            and isinstance(b, GridMap)
            and (a.shape, a.cell_size_m) == (b.shape, b.cell_size_m)
        )
    return a.indices is b.indices or (
        np.array_equal(a.indptr, b.indptr)
        and np.array_equal(a.indices, b.indices)
        and np.array_equal(a.length_m, b.length_m)
    )


def on_map(shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(8 * size,) whether the move in each direction stays on a grid of this shape."""
    rows, cols = np.indices(shape)
    planes = [
        (rows + dr >= 0) & (rows + dr < shape[0]) & (cols + dc >= 0) & (cols + dc < shape[1])
        for dr, dc in zip(ROW_STEP, COL_STEP, strict=True)
    ]
    return np.stack(planes).reshape(-1)


def steps(
    map: Map, nodes: npt.NDArray[np.int64], costs: CostField | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Length in metres and edge index of each move along k nodes: two (k - 1,) arrays.

    On a grid the index is `direction * size + leaving cell`; on a graph the CSR id of the cheapest
    edge between the two nodes (under `costs`, else the shortest).

    Raises:
        ValueError: two nodes in a row that no move joins.
    """
    return _grid_steps(map, nodes) if isinstance(map, GridMap) else _graph_steps(map, nodes, costs)


_DIRECTION = {(dr, dc): k for k, (dr, dc) in enumerate(zip(ROW_STEP, COL_STEP, strict=True))}
_DIRECTION_TABLE = np.full(9, -1, dtype=np.int64)
for (_dr, _dc), _k in _DIRECTION.items():
    _DIRECTION_TABLE[(_dr + 1) * 3 + _dc + 1] = _k


def _grid_steps(
    grid: GridMap, nodes: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    deltas = np.diff(grid.cells(nodes), axis=0)
    if deltas.size and np.abs(deltas).max() > 1:
        where = int(np.flatnonzero(np.abs(deltas).max(axis=1) > 1)[0])
        raise ValueError(f"no move joins {grid.cell(int(nodes[where]))} and the next cell")
    directions = _DIRECTION_TABLE[(deltas[:, 0] + 1) * 3 + deltas[:, 1] + 1]
    if deltas.size and directions.min() < 0:
        raise ValueError("a path may not stay on one cell")
    lengths = np.array(STEP_LENGTH)[directions] * grid.cell_size_m
    return lengths, directions * grid.size + nodes[:-1]


def _graph_steps(
    graph: GraphMap, nodes: npt.NDArray[np.int64], costs: CostField | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    sources, targets = nodes[:-1], nodes[1:]
    first, counts = graph.indptr[sources], graph.indptr[sources + 1] - graph.indptr[sources]
    move = np.repeat(np.arange(sources.size), counts)
    offsets = np.arange(move.size) - np.repeat(np.cumsum(counts) - counts, counts)
    edges = np.repeat(first, counts) + offsets
    right = graph.indices[edges] == targets[move]
    edges, move = edges[right], move[right]
    if np.array_equal(move, np.arange(sources.size)):  # no parallel edges to choose among
        return graph.length_m[edges], edges
    price = graph.length_m[edges]
    if costs is not None:
        extra = 0.0 if costs.edge_pace is None else costs.edge_pace[edges].astype(np.float64)
        price = price * (costs.pace[graph.indices[edges]].astype(np.float64) + extra)
    order = np.lexsort((edges, price, move))
    found, cheapest = np.unique(move[order], return_index=True)
    if found.size != sources.size:
        k = int(np.setdiff1d(np.arange(sources.size), found)[0])
        ends = graph.label(int(sources[k])), graph.label(int(targets[k]))
        raise ValueError(f"no edge leads from {ends[0]!r} to {ends[1]!r}")
    chosen = edges[order][cheapest]
    return graph.length_m[chosen], chosen
