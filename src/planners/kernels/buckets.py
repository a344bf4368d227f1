"""Dijkstra's algorithm on a ring of buckets: from one node to all.

A bucket holds the nodes whose cost lies in `[b, b + 1) * width` as a list, last in, first out. A
node that improves is queued again; an entry whose node waits in an earlier bucket, or has left it,
is dropped. Where the width is below the least step, what a node of the least bucket offers falls
into a later one, so a node leaves its bucket with its final cost (Dial 1969; Denardo and Fox 1979).
Where it is above, a node may improve while its bucket is worked on and is expanded again. Either
way the values are those of Dijkstra's algorithm, bit for bit: over all ways, the least sum of the
steps in float64, added from the root on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .loop import SQRT2, Graph, Grid

# Slots of `Field.ints`: the queue while the kernel is away.
BUCKET, FREE, WAITING, EXPANDED = 0, 1, 2, 3
INTS = 4
NODE = 2**32 - 1  # the lower half of an entry is its node, the upper half the next entry
# What `dijkstra` returns.
DONE, FULL, GAVE_UP = 0, 1, 2


class Field(NamedTuple):
    """What is filled, and the queue; sizes in brackets."""

    g: Any  # float64 (n,), infinite where no way is known
    parent: Any  # int32 (n,)
    ring: Any  # int64 (buckets,), a power of two: the first entry of each bucket, or -1
    pool: Any  # int64 (entries,): next entry and node
    ints: Any  # int64 (INTS,)
    per_width: float  # 1 / bucket width


class Queue(NamedTuple):
    """The moving parts of the queue: they stay in registers."""

    bucket: int  # no entry waits in an earlier one
    free: int  # the first free entry
    waiting: int  # entries in the ring


def offer(field: Field, queue: Queue, u: int, v: int, g: float) -> Queue:
    """Offer v the way through u, of cost g."""
    if not g < field.g[v]:
        return queue
    field.g[v] = g
    field.parent[v] = u
    slot = int(g * field.per_width) & (field.ring.shape[0] - 1)
    entry = queue.free
    free = field.pool[entry] >> 32
    field.pool[entry] = (field.ring[slot] << 32) | v
    field.ring[slot] = entry
    return Queue(queue.bucket, free, queue.waiting + 1)


def offer_move(
    space: Grid, field: Field, queue: Queue, u: int, v: int, k: int, length: float
) -> Queue:
    """Offer the grid move u -> v in direction k; backward it stands for the move v -> u."""
    if space.backward:
        pace = 0.0 + float(space.pace[u])  # 0.0: numba keeps float(float32) in single precision
        leaving = ((k + 4) & 7) * space.move.shape[0] + v
    else:
        pace = 0.0 + float(space.pace[v])
        leaving = k * space.move.shape[0] + u
    if space.edge_pace.shape[0] > 0:
        pace += float(space.edge_pace[leaving])
    return offer(field, queue, u, v, field.g[u] + length * pace)


def spread_grid(space: Grid, field: Field, queue: Queue, u: int) -> Queue:
    """Offer the way through u to its neighbours, in the order N, NE, E, SE, S, SW, W, NW."""
    moves = int(space.move[u])
    cols = space.cols
    straight = space.straight_m
    diagonal = SQRT2 * space.straight_m
    if moves & 1:
        queue = offer_move(space, field, queue, u, u - cols, 0, straight)
    if moves & 2:
        queue = offer_move(space, field, queue, u, u - cols + 1, 1, diagonal)
    if moves & 4:
        queue = offer_move(space, field, queue, u, u + 1, 2, straight)
    if moves & 8:
        queue = offer_move(space, field, queue, u, u + cols + 1, 3, diagonal)
    if moves & 16:
        queue = offer_move(space, field, queue, u, u + cols, 4, straight)
    if moves & 32:
        queue = offer_move(space, field, queue, u, u + cols - 1, 5, diagonal)
    if moves & 64:
        queue = offer_move(space, field, queue, u, u - 1, 6, straight)
    if moves & 128:
        queue = offer_move(space, field, queue, u, u - cols - 1, 7, diagonal)
    return queue


def spread_graph(space: Graph, field: Field, queue: Queue, u: int) -> Queue:
    """Offer the way through u along its edges, in CSR order."""
    for edge in range(int(space.indptr[u]), int(space.indptr[u + 1])):
        g = field.g[u] + space.step[edge]
        queue = offer(field, queue, u, int(space.indices[edge]), g)
    return queue


SPREADS: dict[type, Any] = {Grid: spread_grid, Graph: spread_graph}


def spread(space: Any, field: Field, queue: Queue, u: int) -> Queue:
    """Grid or graph, by the type of the space."""
    found: Queue = SPREADS[type(space)](space, field, queue, u)
    return found


def dijkstra(space: Grid | Graph, field: Field, room: int, limit: int) -> int:
    """Expand until nothing waits.

    Returns DONE; FULL where the pool has no `room` for one more expansion; or GAVE_UP after `limit`
    expansions (in buckets much wider than the steps their number has no good bound).
    """
    ints = field.ints
    mask = field.ring.shape[0] - 1
    expanded = int(ints[EXPANDED])
    queue = Queue(int(ints[BUCKET]), int(ints[FREE]), int(ints[WAITING]))
    code = DONE
    while queue.waiting > 0:
        if queue.waiting + room > field.pool.shape[0]:
            code = FULL
            break
        bucket = queue.bucket
        while field.ring[bucket & mask] < 0:
            bucket += 1
        entry = int(field.ring[bucket & mask])
        word = field.pool[entry]
        field.ring[bucket & mask] = word >> 32
        field.pool[entry] = queue.free << 32
        queue = Queue(bucket, entry, queue.waiting - 1)
        u = int(word & NODE)
        if int(field.g[u] * field.per_width) != bucket:
            continue
        if expanded >= limit:
            code = GAVE_UP
            break
        expanded += 1
        queue = spread(space, field, queue, u)
    ints[BUCKET] = queue.bucket
    ints[FREE] = queue.free
    ints[WAITING] = queue.waiting
    ints[EXPANDED] = expanded
    return code


def field_grid(
    move, pace, edge_pace, cols, straight_m, backward,
    g, parent, ring, pool, ints, per_width, room, limit,
):  # fmt: skip
    """`dijkstra` on a grid."""
    space = Grid(move, pace, edge_pace, cols, straight_m, backward)
    return dijkstra(space, Field(g, parent, ring, pool, ints, per_width), room, limit)


def field_graph(
    indptr, indices, step, g, parent, ring, pool, ints, per_width, room, limit
):  # fmt: skip
    """`dijkstra` on a graph."""
    space = Graph(indptr, indices, step)
    return dijkstra(space, Field(g, parent, ring, pool, ints, per_width), room, limit)


HELPERS = (offer, offer_move, spread_grid, spread_graph, dijkstra)
ENTRIES = (field_grid, field_graph)
CHOSEN = ((spread, SPREADS),)
