"""The edges into nodes and their headings: where a layer per edge is to be brought up to date."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planners import GridMap

from ..floor import Map
from ..kernels import sense_state as at

Ids = npt.NDArray[np.int64]

PLANES = (0, 2, 4, 6)  # of the headings N, E, S, W among the eight of a grid's edges


class EdgesInto:
    """Edges of a `CostField` by the node that they lead to, with headings as in the kernel.

    Args:
        map: four-connected grid, or graph.
        senses: of the same map.
    """

    def __init__(self, map: Map, senses: at.Senses) -> None:
        self._map = map
        if isinstance(map, GridMap):
            self.shape: tuple[int, ...] = (8, map.rows, map.cols)
            return
        self.shape = (int(map.indices.size),)
        tails, heads = map.sources.astype(np.int64), map.indices.astype(np.int64)
        self._edge_of = np.argsort(heads, kind="stable")
        self._ptr = np.concatenate(([0], np.cumsum(np.bincount(heads, minlength=map.size))))
        east, south = (senses.place[heads] - senses.place[tails]).T
        along_row = np.where(east > 0, 1, 3)
        self._way = np.where(np.abs(east) > np.abs(south), along_row, np.where(south < 0, 0, 2))

    def into(self, nodes: Ids) -> tuple[Ids, Ids, Ids]:
        """(k,) edges that lead to the nodes, the place of their head in `nodes`, their headings."""
        map_ = self._map
        if isinstance(map_, GridMap):
            row, col = np.divmod(nodes, map_.cols)
            legal = (row + 1 < map_.rows, col > 0, row > 0, col + 1 < map_.cols)
            tails = (nodes + map_.cols, nodes - 1, nodes - map_.cols, nodes + 1)
            heads = [np.flatnonzero(mask) for mask in legal]
            edges = [k * map_.size + u[i] for k, u, i in zip(PLANES, tails, heads, strict=True)]
            ways = np.repeat(np.arange(4), [i.size for i in heads])
            return np.concatenate(edges), np.concatenate(heads), ways
        counts = self._ptr[nodes + 1] - self._ptr[nodes]
        heads_ = np.repeat(np.arange(nodes.size), counts)
        offset = np.arange(heads_.size) - np.repeat(np.cumsum(counts) - counts, counts)
        edges_ = self._edge_of[np.repeat(self._ptr[nodes], counts) + offset]
        return edges_, heads_, self._way[edges_]
