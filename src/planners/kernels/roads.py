"""Point to point on graphs, on rings of buckets: bidirectional Dijkstra, and straight-line A*.

A bucket may be wider than the least step. What improves after it was closed is opened again, so the
order inside a bucket never costs more than repeated work: every cost that has left its bucket for
good is final. An entry whose node is closed is out of date and dropped.

Between queries every g is infinite: `touched` lists the nodes to set back, so a query costs nothing
for the nodes that it does not touch.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any, NamedTuple

from .buckets import DONE, FULL, GAVE_UP, NODE

INFINITE = 1e308
# Slots of `Side.ints`: a front while the kernel is away.
BUCKET, FREE, WAITING, LABELS, EXPANDED, REOPENED, PEAK, MEET = 0, 1, 2, 3, 4, 5, 6, 7
INTS = 8


class Side(NamedTuple):
    """One direction of a search: its edges, its labels and its queue; sizes in brackets."""

    indptr: Any  # int64 (n + 1,)
    indices: Any  # int32 (edges,)
    step: Any  # float64 (edges,), infinite where a blocked node is involved
    g: Any  # float64 (n,)
    parent: Any  # int32 (n,): 1 + the node before while open, the complement of it once closed
    touched: Any  # int32 (n,): the nodes with a label, in the order in which they got it
    ring: Any  # int64 (buckets,), a power of two: the first entry of each bucket, or -1
    pool: Any  # int64 (entries,): next entry and node
    ints: Any  # int64 (INTS,)


class Front(NamedTuple):
    """The moving parts of a side: they stay in registers."""

    bucket: int  # no entry waits in an earlier one
    free: int  # the first free entry of the pool
    waiting: int  # entries in the ring
    labels: int
    expanded: int
    reopened: int


class Line(NamedTuple):
    """The straight-line bound of A*: consistent."""

    position: Any  # float64 (n, 2)
    x: float
    y: float
    scale: float


def front_of(side: Side) -> Front:
    """The front as it was left."""
    ints = side.ints
    return Front(int(ints[BUCKET]), int(ints[FREE]), int(ints[WAITING]), int(ints[LABELS]),
                 int(ints[EXPANDED]), int(ints[REOPENED]))  # fmt: skip


def keep(side: Side, front: Front) -> None:
    """Leave the front for the next call."""
    ints = side.ints
    ints[BUCKET] = front.bucket
    ints[FREE] = front.free
    ints[WAITING] = front.waiting
    ints[LABELS] = front.labels
    ints[EXPANDED] = front.expanded
    ints[REOPENED] = front.reopened


def enqueue(side: Side, front: Front, v: int, bucket: int) -> Front:
    """Queue a node in a bucket."""
    entry = front.free
    slot = bucket & (side.ring.shape[0] - 1)
    free = side.pool[entry] >> 32
    side.pool[entry] = (side.ring[slot] << 32) | v
    side.ring[slot] = entry
    return Front(front.bucket, free, front.waiting + 1, front.labels, front.expanded,
                 front.reopened)  # fmt: skip


def opened(front: Front) -> int:
    """How many labels are open."""
    return front.labels + front.reopened - front.expanded


def label(side: Side, front: Front, u: int, v: int, g: float) -> Front:
    """Give v the way through u, of cost g, which is better than what it had."""
    labels = front.labels
    reopened = front.reopened
    if side.g[v] > INFINITE:
        side.touched[labels] = v
        labels += 1
    elif side.parent[v] < 0:
        reopened += 1
    side.g[v] = g
    side.parent[v] = u + 1
    return Front(front.bucket, front.free, front.waiting, labels, front.expanded, reopened)


def advance(side: Side, front: Front) -> Front:
    """Move on to the least bucket that holds an entry (there is one)."""
    mask = side.ring.shape[0] - 1
    bucket = front.bucket
    while side.ring[bucket & mask] < 0:
        bucket += 1
    return Front(bucket, front.free, front.waiting, front.labels, front.expanded, front.reopened)


def dequeue(side: Side, front: Front) -> tuple[Front, int]:
    """Take a node from the least bucket and close it; -1 where it was closed already."""
    slot = front.bucket & (side.ring.shape[0] - 1)
    entry = int(side.ring[slot])
    word = side.pool[entry]
    side.ring[slot] = word >> 32
    side.pool[entry] = front.free << 32
    u = int(word & NODE)
    expanded = front.expanded
    if side.parent[u] < 0:
        u = -1
    else:
        side.parent[u] = ~side.parent[u]
        expanded += 1
    return Front(front.bucket, entry, front.waiting - 1, front.labels, expanded,
                 front.reopened), u  # fmt: skip


def drained(side: Side, front: Front) -> Front:
    """Every entry back on the free list: the next query finds an empty ring."""
    while front.waiting > 0:
        front = advance(side, front)
        slot = front.bucket & (side.ring.shape[0] - 1)
        entry = int(side.ring[slot])
        side.ring[slot] = side.pool[entry] >> 32
        side.pool[entry] = front.free << 32
        front = Front(front.bucket, entry, front.waiting - 1, front.labels, front.expanded,
                      front.reopened)  # fmt: skip
    return front


def meet(
    side: Side, front: Front, other: Side, floor: float, cost: float, per_width: float, u: int
) -> tuple[Front, float]:
    """Expand u on one side; the least cost of a way that is known from end to end, after it.

    `floor` is below every cost that still waits on the other side: what lies nearer to the other
    end is final there, so nothing beyond it needs to be looked at from this side.
    """
    best = cost
    for edge in range(int(side.indptr[u]), int(side.indptr[u + 1])):
        g = side.g[u] + side.step[edge]
        v = int(side.indices[edge])
        if g < side.g[v] and g < best:
            front = label(side, front, u, v, g)
            if g + other.g[v] < best:
                best = g + other.g[v]
                side.ints[MEET] = v
                other.ints[MEET] = v
            if g + floor < best and other.g[v] >= floor:
                front = enqueue(side, front, v, int(g * per_width))
    return front, best


def has_room(side: Side, front: Front, room: int) -> bool:
    """Whether the pool takes the entries of one more expansion."""
    return bool(front.waiting + room <= side.pool.shape[0])


def work_off(
    side: Side, front: Front, other: Side, floor: float, cost: float, per_width: float, room: int,
    limit: int,
) -> tuple[Front, float]:  # fmt: skip
    """Expand all that waits in the least bucket of a side, as far as room and limit allow."""
    slot = front.bucket & (side.ring.shape[0] - 1)
    while side.ring[slot] >= 0 and has_room(side, front, room) and front.expanded < limit:
        front, u = dequeue(side, front)
        if u >= 0:
            front, cost = meet(side, front, other, floor, cost, per_width, u)
    return front, cost


def bidirectional(ahead: Side, back: Side, cost: Any, width: float, room: int, limit: int) -> int:
    """Dijkstra from both ends, bucket by bucket, the side with fewer entries first.

    Ends when no way that is not known yet can be cheaper: both least buckets together reach the
    cost of the best known, or one side has nothing left. Returns DONE, FULL or GAVE_UP.
    """
    one = front_of(ahead)
    two = front_of(back)
    best = float(cost[0])
    per_width = 1.0 / width
    peak = int(ahead.ints[PEAK])
    code = DONE
    while one.waiting > 0 and two.waiting > 0:
        one = advance(ahead, one)
        two = advance(back, two)
        if (one.bucket + two.bucket) * width >= best:
            break
        if not (has_room(ahead, one, room) and has_room(back, two, room)):
            code = FULL
            break
        if one.expanded >= limit or two.expanded >= limit:
            code = GAVE_UP
            break
        if one.waiting <= two.waiting:
            one, best = work_off(ahead, one, back, two.bucket * width, best, per_width, room,
                                 limit)  # fmt: skip
        else:
            two, best = work_off(back, two, ahead, one.bucket * width, best, per_width, room,
                                 limit)  # fmt: skip
        peak = max(peak, opened(one) + opened(two))
    if code != FULL:
        one = drained(ahead, one)
        two = drained(back, two)
    keep(ahead, one)
    keep(back, two)
    ahead.ints[PEAK] = peak
    cost[0] = best
    return code


def away(line: Line, v: int) -> float:
    """h(v)."""
    dx = line.position[v, 0] - line.x
    dy = line.position[v, 1] - line.y
    return float(line.scale * sqrt(dx * dx + dy * dy))


def aim(
    side: Side, front: Front, line: Line, goal: int, cost: float, per_width: float, u: int
) -> tuple[Front, float]:
    """Expand u in the order of g + h; the least cost of a way to the goal after it."""
    best = cost
    for edge in range(int(side.indptr[u]), int(side.indptr[u + 1])):
        g = side.g[u] + side.step[edge]
        v = int(side.indices[edge])
        if g < side.g[v] and g < best:
            key = g + away(line, v)
            if key < best:
                front = label(side, front, u, v, g)
                if v == goal:
                    best = g
                else:  # keys never fall but by rounding
                    front = enqueue(side, front, v, max(int(key * per_width), front.bucket))
    return front, best


def straight(
    side: Side, line: Line, goal: int, cost: Any, width: float, room: int, limit: int
) -> int:
    """A* by the straight line; without a goal (-1) Dijkstra. Returns DONE, FULL or GAVE_UP."""
    front = front_of(side)
    best = float(cost[0])
    per_width = 1.0 / width
    peak = int(side.ints[PEAK])
    code = DONE
    while front.waiting > 0:
        front = advance(side, front)
        if front.bucket * width >= best:
            break
        if not has_room(side, front, room):
            code = FULL
            break
        if front.expanded >= limit:
            code = GAVE_UP
            break
        front, u = dequeue(side, front)
        if u >= 0:
            front, best = aim(side, front, line, goal, best, per_width, u)
            peak = max(peak, opened(front))
    if code != FULL:
        front = drained(side, front)
    keep(side, front)
    side.ints[PEAK] = peak
    cost[0] = best
    return code


def road_way(parent, place, way):
    """Write the places from one with a label back to the root; how many they are."""
    count = 0
    while place >= 0:
        way[count] = place
        count += 1
        before = int(parent[place])
        place = (before if before >= 0 else ~before) - 1
    return count


def road_forget(g, touched, count):
    """Take the first labels away again."""
    for k in range(count):
        g[touched[k]] = inf


def road_bidirectional(
    indptr, indices, step, g, parent, touched, ring, pool, ints,
    back_indptr, back_indices, back_step, back_g, back_parent, back_touched, back_ring, back_pool,
    back_ints, cost, width, room, limit,
):  # fmt: skip
    """`bidirectional` on flat arrays."""
    ahead = Side(indptr, indices, step, g, parent, touched, ring, pool, ints)
    back = Side(back_indptr, back_indices, back_step, back_g, back_parent, back_touched, back_ring,
                back_pool, back_ints)  # fmt: skip
    return bidirectional(ahead, back, cost, width, room, limit)


def road_straight(
    indptr, indices, step, g, parent, touched, ring, pool, ints,
    position, x, y, scale, goal, cost, width, room, limit,
):  # fmt: skip
    """`straight` on flat arrays."""
    side = Side(indptr, indices, step, g, parent, touched, ring, pool, ints)
    return straight(side, Line(position, x, y, scale), goal, cost, width, room, limit)


HELPERS = (
    front_of, keep, enqueue, opened, label, advance, dequeue, drained, meet, has_room, work_off,
    bidirectional, away, aim, straight,
)  # fmt: skip
ENTRIES = (road_bidirectional, road_straight, road_way, road_forget)
