"""Paths: from the parents of a search to node ids, and what a walk measures."""

from __future__ import annotations

from typing import Any

SQRT2 = 1.4142135623730951


def trace_back(parent: Any, node: int, nodes: Any) -> int:
    """Write the node ids from the start to `node` into `nodes`; returns how many there are.

    Where there is no room for them, nothing is written.
    """
    count = 0
    at = node
    while at >= 0:
        count += 1
        at = parent[at]
    if count <= nodes.shape[0]:
        at = node
        for k in range(count - 1, -1, -1):
            nodes[k] = at
            at = parent[at]
    return count


def measure_grid(
    nodes: Any, cols: int, straight_m: float, pace: Any, edge_pace: Any, cells: Any, sums: Any
) -> None:
    """Rows and columns of a walk into `cells`, its length and its cost into `sums`.

    Both sums are compensated (Neumaier 1974), so they do not lose digits on long walks.
    """
    size = pace.shape[0]
    length = cost = lost_length = lost_cost = 0.0
    row = nodes[0] // cols
    col = nodes[0] - row * cols
    cells[0, 0] = row
    cells[0, 1] = col
    for k in range(1, nodes.shape[0]):
        v = nodes[k]
        to_row = v // cols
        to_col = v - to_row * cols
        down = to_row - row
        right = to_col - col
        step = straight_m * SQRT2 if down != 0 and right != 0 else straight_m
        here = 0.0 + float(pace[v])  # 0.0: numba keeps float(float32) in single precision
        if edge_pace.shape[0] > 0:
            here += float(edge_pace[direction(down, right) * size + nodes[k - 1]])
        lost_length += lost(length, step)
        length += step
        lost_cost += lost(cost, step * here)
        cost += step * here
        row = to_row
        col = to_col
        cells[k, 0] = row
        cells[k, 1] = col
    sums[0] = length + lost_length
    sums[1] = cost + lost_cost


def measure_graph(
    nodes: Any, indptr: Any, indices: Any, step: Any, length_m: Any, edges: Any, sums: Any
) -> None:
    """The cheapest edge of each move into `edges` (of equal ones the first), length and cost of all
    into `sums`, both compensated. Every two nodes in a row are joined by an edge.
    """
    length = cost = lost_length = lost_cost = 0.0
    for k in range(nodes.shape[0] - 1):
        least = -1
        for edge in range(int(indptr[nodes[k]]), int(indptr[nodes[k] + 1])):
            if indices[edge] == nodes[k + 1] and (least < 0 or step[edge] < step[least]):
                least = edge
        edges[k] = least
        lost_length += lost(length, length_m[least])
        length += length_m[least]
        lost_cost += lost(cost, step[least])
        cost += step[least]
    sums[0] = length + lost_length
    sums[1] = cost + lost_cost


def moves_on_grid(
    parents: Any, far: int, to_root: bool, cols: int, straight_m: float,
    entered: Any, edges: Any, lengths: Any,
) -> int:  # fmt: skip
    """The moves of a field's way between `far` and its root, the one next to `far` first.

    Per move the node entered, `direction * size + node left` and the length. Returns how many moves
    there are; what finds no room is not written.
    """
    size = parents.shape[0]
    count = 0
    near = far
    beyond = int(parents[near])
    while beyond >= 0:
        if count < entered.shape[0]:
            u = near if to_root else beyond
            v = beyond if to_root else near
            down = v // cols - u // cols
            right = v % cols - u % cols
            entered[count] = v
            edges[count] = direction(down, right) * size + u
            lengths[count] = straight_m * SQRT2 if down != 0 and right != 0 else straight_m
        count += 1
        near = beyond
        beyond = int(parents[near])
    return count


def moves_on_graph(
    parents: Any, far: int, to_root: bool, indptr: Any, indices: Any, step: Any, length_m: Any,
    entered: Any, edges: Any, lengths: Any,
) -> int:  # fmt: skip
    """`moves_on_grid` for a graph: per move the CSR id of the cheapest edge (ties: the first)."""
    count = 0
    near = far
    beyond = int(parents[near])
    while beyond >= 0:
        if count < entered.shape[0]:
            u = near if to_root else beyond
            v = beyond if to_root else near
            least = -1
            for edge in range(int(indptr[u]), int(indptr[u + 1])):
                if indices[edge] == v and (least < 0 or step[edge] < step[least]):
                    least = edge
            entered[count] = v
            edges[count] = least
            lengths[count] = length_m[least]
        count += 1
        near = beyond
        beyond = int(parents[near])
    return count


def weigh(lengths: Any, values: Any, places: Any, count: int) -> float:
    """The sum of `length * values[place]` over the first `count` moves, compensated; of the lengths
    alone where there are no values."""
    total = missing = 0.0
    for k in range(count):
        more = lengths[k]
        if values.shape[0] > 0:
            more *= values[places[k]]
        missing += lost(total, more)
        total += more
    return total + missing


def lost(total: float, more: float) -> float:
    """What rounding takes from `total + more`, where total >= 0 and more >= 0."""
    both = total + more
    return (total - both) + more if total >= more else (more - both) + total


def direction(down: int, right: int) -> int:
    """0 .. 7 for N, NE, E, SE, S, SW, W, NW."""
    if down < 0:
        return (7, 0, 1)[right + 1]
    if down > 0:
        return (5, 4, 3)[right + 1]
    return 2 if right > 0 else 6


HELPERS = (lost, direction)
ENTRIES = (trace_back, measure_grid, measure_graph, moves_on_grid, moves_on_graph, weigh)
