"""The floor of a layout: which nodes connect, what lies nearest, and grid to aisle graph.

The living world moves in four directions, so distances on a grid's floor are lengths of
four-connected paths here, whatever moves a planner is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from planners import GraphMap, GridMap

Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Edges:
    """Directed edges between free nodes: tails, heads (k,) int64 and length_m (k,) float64."""

    tails: Ids
    heads: Ids
    length_m: Floats

    def __len__(self) -> int:
        return self.tails.size

    def where(self, keep: Mask) -> Edges:
        """The edges for which the (k,) mask holds."""
        return Edges(self.tails[keep], self.heads[keep], self.length_m[keep])


def floor_edges(floor: GridMap | GraphMap) -> Edges:
    """Legal moves between free nodes; on a grid those in the four main directions."""
    if isinstance(floor, GraphMap):
        tails, heads = floor.sources.astype(np.int64), floor.indices.astype(np.int64)
        edges = Edges(tails, heads, floor.length_m)
        return edges.where(~(floor.blocked[tails] | floor.blocked[heads]))
    steps = {0: -floor.cols, 2: 1, 4: floor.cols, 6: -1}
    tails_by_step = {k: np.flatnonzero(floor.move_mask & np.uint8(1 << k)) for k in steps}
    tails = np.concatenate(list(tails_by_step.values())).astype(np.int64)
    heads = np.concatenate([tails_by_step[k] + step for k, step in steps.items()]).astype(np.int64)
    return Edges(tails, heads, np.full(tails.size, floor.cell_size_m))


def _matrix(edges: Edges, size: int) -> csr_array:
    """(size, size) sparse lengths, the shortest of parallel edges."""
    order = np.lexsort((edges.length_m, edges.heads, edges.tails))
    tails, heads = edges.tails[order], edges.heads[order]
    first = np.ones(order.size, dtype=np.bool_)
    first[1:] = (np.diff(tails) != 0) | (np.diff(heads) != 0)
    lengths = edges.length_m[order][first]
    return csr_array((lengths, (tails[first], heads[first])), shape=(size, size))


def largest_floor(floor: GridMap | GraphMap) -> Mask:
    """(size,) mask of the largest set of free nodes that all reach each other.

    Of several equally large ones, the one that holds the lowest node id.

    Raises:
        ValueError: no free node at all.
    """
    free = ~np.asarray(floor.blocked).ravel()
    if not free.any():
        raise ValueError(f"no free node among the {floor.size} of the map")
    if isinstance(floor, GridMap) and floor.one_way is None:  # the same sets, without any edges
        label = ndimage.label(free.reshape(floor.shape))[0].ravel()
    else:
        matrix = _matrix(floor_edges(floor), floor.size)
        _, label = connected_components(matrix, directed=True, connection="strong")
    sizes = np.bincount(label[free], minlength=int(label.max()) + 1)
    first = np.argmax(free & (sizes == sizes.max())[label])
    return np.asarray(free & (label == label[first]))


def within_steps(floor: GridMap | GraphMap, nodes: Sequence[int], steps: int) -> Mask:
    """(size,) mask of the nodes at most so many edges away from any of the given ones."""
    reached = np.zeros(floor.size, dtype=np.bool_)
    reached[list(nodes)] = True
    if isinstance(floor, GridMap):
        for _ in range(steps):
            before = reached.reshape(floor.shape).copy()
            for leaving, source, target in _four_moves(floor):
                reached.reshape(floor.shape)[target] |= (before & leaving)[source]
        return reached
    edges = floor_edges(floor)
    for _ in range(steps):
        reached[edges.heads[reached[edges.tails]]] = True
    return reached


Window = tuple[slice, slice]


def _four_moves(grid: GridMap) -> Iterator[tuple[Mask, Window, Window]]:
    """North, east, south, west: the (rows, cols) cells that may be left that way, and the windows
    of a (rows, cols) array that the moves lead from and to. No list of edges: a map of millions of
    cells has no room for one.
    """
    here, lower, upper = slice(None), slice(1, None), slice(None, -1)
    windows: dict[int, tuple[Window, Window]] = {
        0: ((lower, here), (upper, here)),
        2: ((here, upper), (here, lower)),
        4: ((upper, here), (lower, here)),
        6: ((here, lower), (here, upper)),
    }
    masks = grid.move_mask.reshape(grid.shape)
    for bit, (source, target) in windows.items():
        yield (masks & np.uint8(1 << bit)) != 0, source, target


def nearest(floor: GridMap | GraphMap, places: Sequence[int], *, towards: bool) -> Ids:
    """(size,) the place nearest by path to every node, ties to the lower id; -1 where none is.

    Args:
        floor: the map.
        places: node ids, at least one, on free nodes.
        towards: distances run from the node to the place (True) or from the place to the node.
    """
    edges = floor_edges(floor)
    if towards:
        edges = Edges(edges.heads, edges.tails, edges.length_m)
    distance = dijkstra(_matrix(edges, floor.size), indices=sorted(set(places)), min_only=True)
    tight = distance[edges.tails] + edges.length_m == distance[edges.heads]
    tight &= np.isfinite(distance[edges.tails])
    tight &= edges.length_m > 0
    edges = edges.where(tight)
    order = np.argsort(distance[edges.tails], kind="stable")
    nearest_of = [floor.size] * floor.size
    for place in places:
        nearest_of[place] = place
    for u, v in zip(edges.tails[order].tolist(), edges.heads[order].tolist(), strict=True):
        if nearest_of[u] < nearest_of[v]:
            nearest_of[v] = nearest_of[u]
    found = np.array(nearest_of, dtype=np.int64)
    found[found == floor.size] = -1
    return found


def diffuse(floor: GridMap | GraphMap, share: Floats, steps: int) -> Floats:
    """(size,) the share after some steps in which every edge carries the same part of its tail.

    The part is 1 / (1 + the most edges that leave a node): 0.2 on open floor. The sum is kept,
    nothing crosses a shelf, and blocked nodes stay at zero.
    """
    if isinstance(floor, GridMap):
        return _diffused(floor, share, steps)
    edges = floor_edges(floor)
    exits = np.bincount(edges.tails, minlength=floor.size)
    part = 1.0 / (1 + int(exits.max()))
    for _ in range(steps):
        sent = part * share[edges.tails]
        arrived = np.bincount(edges.heads, weights=sent, minlength=floor.size)
        share = share * (1.0 - part * exits) + arrived
    return share


def _diffused(grid: GridMap, share: Floats, steps: int) -> Floats:
    exits = np.zeros(grid.shape, dtype=np.int64)
    for leaving, _, _ in _four_moves(grid):
        exits += leaving
    part = 1.0 / (1 + int(exits.max()))
    table = share.reshape(grid.shape)
    for _ in range(steps):
        sent, arrived = part * table, np.zeros(grid.shape)
        for leaving, source, target in _four_moves(grid):
            arrived[target] += np.where(leaving, sent, 0.0)[source]
        table = table * (1.0 - part * exits) + arrived
    return table.ravel()


def ring(mask: Mask) -> npt.NDArray[np.bool_]:
    """(8, rows, cols) whether the neighbour to the N, NE, E, .., NW is in a (rows, cols) mask."""
    rows, cols = mask.shape
    padded = np.pad(mask, 1)
    steps = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    return np.stack([padded[1 + r : 1 + r + rows, 1 + c : 1 + c + cols] for r, c in steps])


def bypassable(blocked: Mask) -> Mask:
    """(rows, cols) free cells whose free neighbours stay connected around them when they are taken.

    Counts the four-connected arcs of free cells around a cell (Yokoi's number): at most one.
    A robot that parks there closes no aisle.
    """
    free = ring(~blocked)
    arcs = np.zeros(blocked.shape, dtype=np.int8)
    for k in range(0, 8, 2):
        arcs += free[k] & ~(free[k + 1] & free[(k + 2) % 8])
    return np.asarray(~blocked & (arcs <= 1))


@dataclass(frozen=True, eq=False)
class AisleGraph:
    """A grid's floor with plain corridor cells contracted.

    Attributes:
        graph: nodes are labelled with their (row, col) and keep their order on the grid.
        node_of: (cells,) the node of each cell, -1 for contracted and unreachable cells.
        density: (nodes,) the grid's density, that of a contracted corridor halved between its ends.
    """

    graph: GraphMap
    node_of: Ids
    density: Floats


def cells_of(graph: GraphMap) -> Ids:
    """(nodes, 2) the (row, col) of an aisle graph's nodes.

    Raises:
        ValueError: the graph's labels are no cells, so it is no aisle graph.
    """
    cells = np.array([graph.label(node) for node in range(graph.size)])
    if cells.shape != (graph.size, 2) or cells.dtype.kind != "i" or cells.min() < 0:
        raise ValueError(f"node 0 is labelled {graph.label(0)!r}: labels must be (row, col) cells")
    return cells


def contract(grid: GridMap, keep: Sequence[int], density: Floats) -> AisleGraph:
    """The aisle graph of a grid's largest floor.

    Nodes are the cells of `keep`, junctions, dead ends and the ends of one-way moves; a cell with
    exactly two free neighbours is part of a corridor and becomes length. Shortest lengths between
    nodes equal those of four-connected paths on the grid. Open floor keeps every cell.

    Args:
        grid: the map.
        keep: cells (node ids) that must stay nodes; at least one, on the largest floor.
        density: (cells,) values to carry over.

    Raises:
        ValueError: nothing of `keep` lies on the largest floor.
    """
    floor = largest_floor(grid)
    if not floor[list(keep)].any():
        raise ValueError(f"keep must name a cell of the largest floor, not {list(keep)[:10]}")
    edges = floor_edges(grid)
    edges = edges.where(floor[edges.tails] & floor[edges.heads])
    corridor = floor & (np.bincount(edges.tails, minlength=grid.size) == 2)
    corridor[list(keep)] = False
    if grid.one_way is not None:
        corridor[_one_way_ends(edges, grid.size)] = False
    kept = np.flatnonzero(floor & ~corridor)
    node_of = np.full(grid.size, -1, dtype=np.int64)
    node_of[kept] = np.arange(kept.size)
    chain, ends, cells = _chains(edges, corridor)
    ends = node_of[ends]
    shared = np.bincount(chain[corridor], weights=density[corridor], minlength=cells.size) / 2
    carried = density[kept] + np.bincount(
        ends.ravel(), weights=np.repeat(shared, 2), minlength=kept.size
    )
    direct = edges.where(~(corridor[edges.tails] | corridor[edges.heads]))
    useful = ends[:, 0] != ends[:, 1]
    ends, length_m = ends[useful], (cells[useful] + 1) * grid.cell_size_m
    tails = np.concatenate([node_of[direct.tails], ends[:, 0], ends[:, 1]])
    heads = np.concatenate([node_of[direct.heads], ends[:, 1], ends[:, 0]])
    graph = _graph(grid, kept, Edges(tails, heads, np.r_[direct.length_m, length_m, length_m]))
    return AisleGraph(graph, node_of, carried)


def _one_way_ends(edges: Edges, size: int) -> Ids:
    """The cells on either end of a move without its reverse."""
    there, back = edges.tails * size + edges.heads, edges.heads * size + edges.tails
    single = edges.where(~np.isin(there, back))
    return np.concatenate([single.tails, single.heads])


def _chains(edges: Edges, corridor: Mask) -> tuple[Ids, Ids, Ids]:
    """Corridors between kept cells: (chain of each cell, (chains, 2) end cells, cells in each)."""
    inner = corridor[edges.tails] & corridor[edges.heads]
    matrix = _matrix(edges.where(inner), corridor.size)
    _, label = connected_components(matrix, directed=False)
    names, chain_of_corridor = np.unique(label[corridor], return_inverse=True)
    chain = np.full(corridor.size, -1, dtype=np.int64)
    chain[corridor] = chain_of_corridor
    leaving = edges.where(corridor[edges.tails] & ~corridor[edges.heads])
    order = np.lexsort((leaving.heads, chain[leaving.tails]))
    ends = leaving.heads[order].reshape(names.size, 2)
    return chain, ends, np.bincount(chain_of_corridor, minlength=names.size).astype(np.int64)


def _graph(grid: GridMap, kept: Ids, edges: Edges) -> GraphMap:
    order = np.lexsort((edges.length_m, edges.heads, edges.tails))
    counts = np.bincount(edges.tails, minlength=kept.size)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    labels = [(row, col) for row, col in grid.cells(kept).tolist()]
    return GraphMap(
        indptr, edges.heads[order], edges.length_m[order], grid.positions_m(kept), labels
    )
