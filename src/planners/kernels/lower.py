"""Lower a cost-to-go field where costs have fallen: decreases only, by Dijkstra from the seeds.

Afterwards `values[u] <= cost(u, v) + values[v]` on every move again, where that held on all moves
but those into the seeds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .loop import BUDGET, EXHAUSTED, GROW, LESS, SQRT2, Graph, Grid
from .queue import EXPANDED, IN_HEAP, INFINITE, pop_heap, push_heap

COMPASS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


class Pool(NamedTuple):
    """A binary heap that `push_heap` and `pop_heap` work on."""

    heap_key: Any  # float64 (entries,)
    heap_node: Any  # int64 (entries,)
    ints: Any  # int64 (INTS,)


def offer(pool: Any, values: Any, u: int, cost: float) -> None:
    """A way from u at this cost: take it where it is cheaper by more than rounding."""
    if cost < values[u] * LESS:
        values[u] = cost
        push_heap(pool, cost, u)


def offer_grid(space: Grid, pool: Any, values: Any, v: int) -> None:
    """Offer the way into v to every neighbour that may move there."""
    size = space.move.shape[0]
    arrivals = int(space.move[v])
    pace = 0.0 + float(space.pace[v])
    for k, (dr, dc) in enumerate(COMPASS):
        if arrivals >> k & 1:
            u = v + dr * space.cols + dc
            length = space.straight_m if k & 1 == 0 else SQRT2 * space.straight_m
            paid = pace
            if space.edge_pace.shape[0] > 0:
                paid += float(space.edge_pace[((k + 4) & 7) * size + u])
            offer(pool, values, u, length * paid + values[v])


def offer_graph(space: Graph, pool: Any, values: Any, v: int) -> None:
    """Offer the way into v to every node that an edge leads from (the space is backward)."""
    for edge in range(int(space.indptr[v]), int(space.indptr[v + 1])):
        step = float(space.step[edge])
        if step < INFINITE:
            offer(pool, values, int(space.indices[edge]), step + values[v])


OFFERS: dict[type, Any] = {Grid: offer_grid, Graph: offer_graph}


def offer_into(space: Any, pool: Any, values: Any, v: int) -> None:
    """Grid or graph, by the type of the space."""
    OFFERS[type(space)](space, pool, values, v)


def seed(pool: Any, values: Any, seeds: Any) -> None:
    """Queue the nodes whose entry fell; there is room for all of them."""
    for k in range(seeds.shape[0]):
        v = int(seeds[k])
        if values[v] < INFINITE:
            push_heap(pool, values[v], v)


def lower(space: Grid | Graph, pool: Any, values: Any, room: int, limit: int) -> int:
    """Settle what waits: EXHAUSTED when done, BUDGET after `limit` nodes, GROW: it needs room."""
    ints = pool.ints
    while ints[IN_HEAP] > 0:
        if ints[IN_HEAP] + room > pool.heap_key.shape[0]:
            return GROW
        if ints[EXPANDED] >= limit:
            return BUDGET
        key = float(pool.heap_key[0])
        v = pop_heap(pool)
        if key <= values[v]:
            ints[EXPANDED] += 1
            offer_into(space, pool, values, v)
    return EXHAUSTED


def lower_grid(
    move, pace, edge_pace, cols, straight_m, backward,
    values, seeds, heap_key, heap_node, ints, room, limit,
):  # fmt: skip
    """`lower` on a grid; seeds are queued first (none where it goes on after GROW)."""
    pool = Pool(heap_key, heap_node, ints)
    seed(pool, values, seeds)
    return lower(Grid(move, pace, edge_pace, cols, straight_m, backward), pool, values, room, limit)


def lower_graph(
    indptr, indices, step, values, seeds, heap_key, heap_node, ints, room, limit
):  # fmt: skip
    """`lower` on a graph; seeds are queued first (none where it goes on after GROW)."""
    pool = Pool(heap_key, heap_node, ints)
    seed(pool, values, seeds)
    return lower(Graph(indptr, indices, step), pool, values, room, limit)


HELPERS = (offer, offer_grid, offer_graph, seed, lower)
ENTRIES = (lower_grid, lower_graph)
CHOSEN = ((offer_into, OFFERS),)
