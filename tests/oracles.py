"""Slow, obvious answers to compare the planners with; nothing here uses a planner or a kernel.

A problem is an adjacency: for every node a list of `(successor, cost)`. It is built from the
blocked cells, the name of the move rule and the layers as the user gave them, never from a
planner's arrays.
Test files import this module by name (`pythonpath = ["tests"]` in pyproject.toml).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence

import numpy as np

Adjacency = list[list[tuple[int, float]]]

RELATIVE = 1e-6  # paces are stored in float32
# N, NE, E, SE, S, SW, W, NW as (row step, column step)
COMPASS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
BLOCKED_SIDES_ALLOWED = {"eight": 0, "eight-one-free": 1, "eight-any": 2}


def grid_adjacency(
    blocked, moves="eight", cell_size_m=1.0, one_way=None, pace=None, edge_pace=None
) -> Adjacency:
    """Legal moves of a grid and their costs.

    Args:
        blocked: (rows, cols), true where no robot may stand.
        pace: (rows, cols) cost per metre, paid on the cell that is entered; 1 unless given.
        edge_pace: (8, rows, cols) added to it, by the cell that is left and the direction.
    """
    rows, cols = len(blocked), len(blocked[0])

    def free(row: int, col: int) -> bool:
        return 0 <= row < rows and 0 <= col < cols and not blocked[row][col]

    adjacency: Adjacency = [[] for _ in range(rows * cols)]
    for row in range(rows):
        for col in range(cols):
            for k, (dr, dc) in enumerate(COMPASS):
                r, c = row + dr, col + dc
                if not (free(row, col) and free(r, c)):
                    continue
                if dr and dc:
                    sides = (not free(row, c)) + (not free(r, col))
                    if moves == "four" or sides > BLOCKED_SIDES_ALLOWED[moves]:
                        continue
                if one_way is not None and not int(one_way[row][col]) >> k & 1:
                    continue
                paid = 1.0 if pace is None else float(pace[r][c])
                if edge_pace is not None:
                    paid += float(edge_pace[k][row][col])
                metres = cell_size_m * (math.sqrt(2.0) if dr and dc else 1.0)
                adjacency[row * cols + col].append((r * cols + c, metres * paid))
    return adjacency


def graph_adjacency(
    nodes: int,
    edges: Iterable[tuple[int, int, float]],
    blocked: Sequence[bool] | None = None,
    pace: Sequence[float] | None = None,
    edge_pace: Sequence[float] | None = None,
) -> Adjacency:
    """Edges `(from, to, length)`, given in the order of `edge_pace`, with their costs."""
    adjacency: Adjacency = [[] for _ in range(nodes)]
    for k, (u, v, metres) in enumerate(edges):
        if blocked is not None and (blocked[u] or blocked[v]):
            continue
        paid = 1.0 if pace is None else float(pace[v])
        if edge_pace is not None:
            paid += float(edge_pace[k])
        adjacency[u].append((v, metres * paid))
    return adjacency


def reverse(adjacency: Adjacency) -> Adjacency:
    """Every edge the other way round."""
    backward: Adjacency = [[] for _ in adjacency]
    for u, leaving in enumerate(adjacency):
        for v, cost in leaving:
            backward[v].append((u, cost))
    return backward


def dijkstra(adjacency: Adjacency, root: int) -> list[float]:
    """Cost from the root to every node, by the textbook; infinity where no way leads."""
    best = [math.inf] * len(adjacency)
    best[root] = 0.0
    heap = [(0.0, root)]
    while heap:
        g, u = heapq.heappop(heap)
        if g > best[u]:
            continue
        for v, cost in adjacency[u]:
            if g + cost < best[v]:
                best[v] = g + cost
                heapq.heappush(heap, (best[v], v))
    return best


def cheapest_edges(adjacency: Adjacency) -> dict[tuple[int, int], float]:
    """The least cost of each pair of neighbours: parallel edges become one."""
    least: dict[tuple[int, int], float] = {}
    for u, leaving in enumerate(adjacency):
        for v, cost in leaving:
            least[u, v] = min(cost, least.get((u, v), math.inf))
    return least


def scipy_dijkstra(adjacency: Adjacency, root: int) -> np.ndarray:
    """The same by scipy."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra as scipys

    least = cheapest_edges(adjacency)
    n = len(adjacency)
    if not least:
        return np.where(np.arange(n) == root, 0.0, np.inf)
    ends = np.array(sorted(least), dtype=np.int32)
    indptr = np.searchsorted(ends[:, 0], np.arange(n + 1)).astype(np.int32)
    values = np.array([least[u, v] for u, v in ends.tolist()])
    return scipys(csr_array((values, ends[:, 1].copy(), indptr), shape=(n, n)), indices=root)


def networkx_dijkstra(adjacency: Adjacency, root: int) -> list[float]:
    """The same by networkx."""
    import networkx as nx

    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(adjacency)))
    graph.add_weighted_edges_from(
        (u, v, cost) for u, leaving in enumerate(adjacency) for v, cost in leaving
    )
    found = nx.single_source_dijkstra_path_length(graph, root)
    return [found.get(node, math.inf) for node in range(len(adjacency))]


def walk_cost(adjacency: Adjacency, nodes: Sequence[int]) -> float:
    """Cost of a walk, by the cheapest edge of each step; an AssertionError where none leads on."""
    total = []
    for u, v in zip(list(nodes)[:-1], list(nodes)[1:], strict=True):
        steps = [cost for w, cost in adjacency[int(u)] if w == v]
        assert steps, f"no move leads from {u} to {v}"
        total.append(min(steps))
    return math.fsum(total)


def close(a: float, b: float, relative: float = RELATIVE) -> bool:
    """Equal but for rounding; infinities are equal to themselves."""
    return math.isclose(a, b, rel_tol=relative, abs_tol=1e-12)
