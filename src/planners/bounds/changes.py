"""What fell and what rose between two states of a map and its costs.

A lower bound on the remaining cost survives every rise. A fall (a move that costs less, or one that
was not legal before) has to be looked at; it is named here by the node that the move enters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..costs import CostField
from ..graphs import GraphMap, Map
from ..maps import COL_STEP, ROW_STEP, GridMap

Nodes = npt.NDArray[np.int64]
NONE: Nodes = np.empty(0, dtype=np.int64)


def freed(old: Map, new: Map) -> Nodes:
    """The nodes that moves enter which are legal on the new map only; both are alike."""
    if old is new or (isinstance(old, GraphMap) and old.blocked is new.blocked):
        return NONE
    if isinstance(old, GridMap) and isinstance(new, GridMap):
        return _entered(new, new.move_mask & ~old.move_mask)
    assert isinstance(old, GraphMap) and isinstance(new, GraphMap)
    free = ~new.blocked
    legal = free[new.sources] & free[new.indices]
    was = old.blocked[new.sources] | old.blocked[new.indices]
    return np.unique(new.indices[legal & was]).astype(np.int64)


def closed(old: Map, new: Map) -> bool:
    """Whether some node is free, or some move legal, on the old map only."""
    if old is new:
        return False
    if (new.blocked & ~old.blocked).any():
        return True
    if isinstance(old, GridMap) and isinstance(new, GridMap):
        return bool((old.move_mask & ~new.move_mask).any())
    return False


def _entered(grid: GridMap, moves: npt.NDArray[np.uint8]) -> Nodes:
    """The nodes that the moves of a mask enter."""
    leaving = np.flatnonzero(moves)
    kinds = moves[leaving]
    parts = [
        leaving[(kinds >> np.uint8(k) & 1).astype(bool)] + ROW_STEP[k] * grid.cols + COL_STEP[k]
        for k in range(8)
    ]
    return np.unique(np.concatenate(parts)).astype(np.int64)


def fallen(map: Map, costs: CostField | None, version: int) -> Nodes | None:
    """The free nodes that some move enters for less since a version; None where it is forgotten.

    A cost that fell after a rise counts, even where it is not below its old value.
    """
    if costs is None or costs.history.falls.last <= version:
        return NONE
    changes = costs.history.falls.since(version)
    if changes is None:
        return None
    parts = [change.places if change.per_node else _ends(map, change.places) for change in changes]
    nodes = np.unique(np.concatenate(parts))
    return np.asarray(nodes[~map.blocked.reshape(-1)[nodes]], dtype=np.int64)


def _ends(map: Map, edges: Nodes) -> Nodes:
    """The nodes that edges lead to, by the index of an edge layer; moves off the grid left out."""
    if isinstance(map, GraphMap):
        return np.asarray(map.indices[edges], dtype=np.int64)
    direction, node = np.divmod(edges, map.size)
    row, col = np.divmod(node, map.cols)
    row, col = row + np.array(ROW_STEP)[direction], col + np.array(COL_STEP)[direction]
    inside = (row >= 0) & (row < map.rows) & (col >= 0) & (col < map.cols)
    return np.asarray((row * map.cols + col)[inside], dtype=np.int64)


def least_step(map: Map, costs: CostField | None) -> float:
    """A lower bound on the cost of every move."""
    if isinstance(map, GridMap):
        return map.cell_size_m * (1.0 if costs is None else costs.paces_on(map)[0])
    from ..spaces import edge_costs

    return edge_costs(map, costs)[1]
