"""The edges into nodes and their headings: where a layer per edge is to be brought up to date."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planners import GridMap

from ..floor import Map
from ..kernels import sense_state as at

Ids = npt.NDArray[np.int64]

PLANES = (0, 2, 4, 6)  # of the headings N, E, S, W among the eight of a grid's edges


def edges_into(
    map: Map, senses: at.Senses
) -> tuple[Ids, npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """(size + 1,) pointers, and by the node that they lead to edges of a `CostField` and headings.

    Args:
        map: four-connected grid, or graph.
        senses: of the same map.
    """
    if isinstance(map, GridMap):
        heads, edges, ways = _of_grid(map)
    else:
        tails, heads = map.sources.astype(np.int64), map.indices.astype(np.int64)
        east, south = (senses.place[heads] - senses.place[tails]).T
        along_row = np.where(east > 0, 1, 3)
        ways = np.where(np.abs(east) > np.abs(south), along_row, np.where(south < 0, 0, 2))
        edges = np.arange(heads.size)
    order = np.argsort(heads, kind="stable")
    ptr = np.concatenate(([0], np.cumsum(np.bincount(heads, minlength=map.size))))
    return ptr.astype(np.int64), edges[order].astype(np.int32), ways[order].astype(np.int8)


def _of_grid(grid: GridMap) -> tuple[Ids, Ids, Ids]:
    """Heads, edges and headings of all moves N, E, S, W inside a grid."""
    nodes = np.arange(grid.size)
    row, col = np.divmod(nodes, grid.cols)
    legal = (row + 1 < grid.rows, col > 0, row > 0, col + 1 < grid.cols)
    tails = (nodes + grid.cols, nodes - 1, nodes - grid.cols, nodes + 1)
    heads = [np.flatnonzero(mask) for mask in legal]
    edges = [k * grid.size + u[i] for k, u, i in zip(PLANES, tails, heads, strict=True)]
    ways = np.repeat(np.arange(4), [i.size for i in heads])
    return np.concatenate(heads), np.concatenate(edges), ways
