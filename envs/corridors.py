"""Aisles as people name them: the corridors of a map, found by a rule.

On a grid an aisle runs along a row or a column: at most `WIDE` cells between shelves (or the edge
of the map) on both sides, joined across crossings of at most `CROSSING` cells, at least `SHORTEST`
long. A crossing belongs to both its aisles. On a graph an aisle is a chain of nodes with two
neighbours each, between junctions, which do not belong to it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from planners import GraphMap, GridMap

Mask = npt.NDArray[np.bool_]

WIDE, CROSSING, SHORTEST = 2, 3, 4  # cells (a)


def corridors(map: GridMap | GraphMap) -> tuple[tuple[int, ...], ...]:
    """The nodes of each aisle, ascending; aisles by row and column of where they begin (on a graph
    by the lowest id).

    >>> grid = GridMap([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]])
    >>> corridors(grid)
    ((5, 6, 7, 8, 9),)
    """
    if isinstance(map, GraphMap):
        return _chains(map)
    free = ~map.blocked
    along_rows = _aisles(free)
    along_cols = [(nodes[1], nodes[0]) for nodes in _aisles(free.T)]
    found = sorted((along_rows + along_cols), key=lambda at: (at[0].min(), at[1].min()))
    return tuple(tuple(sorted((rows * map.cols + cols).tolist())) for rows, cols in found)


def _aisles(free: Mask) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Rows and columns of the cells of each aisle that runs along the rows."""
    narrow = free & (_across(free) <= WIDE)
    room = np.pad(narrow, CROSSING)
    joined = ndimage.binary_closing(room, np.ones((1, CROSSING + 1), dtype=bool))
    label, _ = ndimage.label(joined[CROSSING:-CROSSING, CROSSING:-CROSSING] & free)
    found = []
    for number, box in enumerate(ndimage.find_objects(label), start=1):
        if box[1].stop - box[1].start >= SHORTEST:
            rows, cols = np.nonzero(label[box] == number)
            found.append((rows + box[0].start, cols + box[1].start))
    return found


def _across(free: Mask) -> npt.NDArray[np.int64]:
    """For each free cell, how many cells the free run through it along its column has."""
    down = free.T  # runs lie along its rows
    begins = down & ~np.pad(down, ((0, 0), (1, 0)))[:, :-1]
    run = begins.ravel().cumsum().reshape(down.shape)
    length = np.bincount(run[down], minlength=int(run.max()) + 1)
    return np.where(down, length[run], 0).T


def _chains(graph: GraphMap) -> tuple[tuple[int, ...], ...]:
    neighbours: list[set[int]] = [set() for _ in range(graph.size)]
    for a, b in zip(graph.sources.tolist(), graph.indices.tolist(), strict=True):
        if a != b and not (graph.blocked[a] or graph.blocked[b]):
            neighbours[a].add(b)
            neighbours[b].add(a)
    left = {node for node, near in enumerate(neighbours) if len(near) == 2}
    found = []
    for first in sorted(left):
        if first in left:
            chain = [first]
            left.remove(first)
            for node in chain:
                fresh = neighbours[node] & left
                left -= fresh
                chain += sorted(fresh)
            found.append(tuple(sorted(chain)))
    return tuple(found)
