"""The queue of the search: a ring of buckets, and a heap for what lies beyond the ring.

A bucket holds the keys nearest to `b * width` as a list (so that keys which differ by rounding
only, around a multiple of the width, fall into one): last in, first out (or first
in, first out for breadth-first). A key that does not fit into the ring, because it lies too far
from the keys that are there, goes to a binary heap; so any key is legal, infinity too, keys may
fall, and only speed depends on the width. Order is by bucket; within a bucket it is the list's.
"""

from __future__ import annotations

from math import floor
from typing import Any, NamedTuple

# Slots of `Work.ints`.
EXPANDED, GENERATED, REOPENED, MAX_FRONTIER, POPPED, FRONTIER = 0, 1, 2, 3, 4, 5
COUNTS = slice(0, 5)  # of them, those that a result reports
FLOOR, TOP, IN_RING, FREE, USED, IN_HEAP, TAIL, SET_ASIDE, EVENTS = 6, 7, 8, 9, 10, 11, 12, 13, 14
# Of the uniform engines: the goal's record, the steps to it, and the heads of two lists.
LAST, STRAIGHTS, DIAGONALS, NOW, LATER = 15, 16, 17, 18, 19
INTS = 20

INFINITE = 1e308
BIG = 4.5e15  # bucket numbers stay exact in float64 below this


class Work(NamedTuple):
    """Arrays that the loop works in; see `workspace`. Sizes in brackets."""

    g: Any  # float64 (n,)
    parent: Any  # int32 (n,)
    mark: Any  # int32 (n,)
    ring: Any  # int32 (buckets,): head of each bucket's list, or -1
    link: Any  # int32 (pool,): next entry
    item: Any  # int32 (pool,): node of an entry
    heap_key: Any  # float64 (heap,)
    heap_node: Any  # int64 (heap,)
    event: Any  # int64 (events, 3): kind, node, parent; (0, 3) without a trace
    event_g: Any  # float64 (events,)
    ints: Any  # int64 (INTS,)
    cost: Any  # float64 (1,): of the best path known
    stamp: int  # marks below it are of older queries
    per_width: float  # 1 / bucket width
    room: int  # entries and events that one expansion may add


def entry_for(work: Work, node: int) -> Any:
    """A free entry of the pool that holds the node; not linked to anything yet."""
    ints = work.ints
    entry = ints[FREE]
    if entry >= 0:
        ints[FREE] = work.link[entry]
    else:
        entry = ints[USED]
        ints[USED] = entry + 1
    work.item[entry] = node
    return entry


def put(work: Work, key: float, node: int, at_tail: bool) -> None:
    """Queue a node. Equal buckets: last in, first out; `at_tail`: first in, first out."""
    ints = work.ints
    x = float(key) * work.per_width + 0.5
    if not (-BIG < x < BIG):
        push_heap(work, key, node)
        return
    bucket = floor(x)
    if ints[IN_RING] == 0:
        low = bucket
        high = bucket
    else:
        low = min(int(ints[FLOOR]), bucket)
        high = max(int(ints[TOP]), bucket)
    if high - low >= work.ring.shape[0]:
        push_heap(work, key, node)
        return
    ints[FLOOR] = low
    ints[TOP] = high
    entry = entry_for(work, node)
    slot = bucket & (work.ring.shape[0] - 1)
    if at_tail and ints[IN_RING] > 0:
        work.link[int(ints[TAIL])] = entry
        work.link[entry] = -1
    else:
        work.link[entry] = work.ring[slot]
        work.ring[slot] = entry
    ints[TAIL] = entry
    ints[IN_RING] += 1


def least_bucket(work: Work) -> int:
    """Advance to the least bucket that holds an entry (of the ring only) and return its number."""
    ints = work.ints
    mask = work.ring.shape[0] - 1
    bucket = int(ints[FLOOR])
    while work.ring[bucket & mask] < 0:
        bucket += 1
    ints[FLOOR] = bucket
    return bucket


def take(work: Work) -> int:
    """Remove and return a node of the least bucket, or -1 from an empty queue."""
    ints = work.ints
    if ints[IN_RING] == 0:
        return pop_heap(work) if ints[IN_HEAP] > 0 else -1
    bucket = least_bucket(work)
    if ints[IN_HEAP] > 0 and float(work.heap_key[0]) * work.per_width + 0.5 < bucket:
        return pop_heap(work)
    slot = bucket & (work.ring.shape[0] - 1)
    entry = int(work.ring[slot])
    work.ring[slot] = work.link[entry]
    work.link[entry] = ints[FREE]
    ints[FREE] = entry
    ints[IN_RING] -= 1
    return int(work.item[entry])


def least_key(work: Work) -> float:
    """A lower bound on every key in the queue; INFINITE when it is empty."""
    key = INFINITE
    if work.ints[IN_HEAP] > 0:
        key = float(work.heap_key[0])
    if work.ints[IN_RING] > 0:
        key = min(key, (least_bucket(work) - 0.5) / work.per_width)
    return key


def push_heap(work: Any, key: float, node: int) -> None:
    """Binary heap by key, in anything that has `heap_key`, `heap_node` and `ints`."""
    child = int(work.ints[IN_HEAP])
    work.ints[IN_HEAP] = child + 1
    while child > 0:
        above = (child - 1) >> 1
        if work.heap_key[above] <= key:
            break
        work.heap_key[child] = work.heap_key[above]
        work.heap_node[child] = work.heap_node[above]
        child = above
    work.heap_key[child] = key
    work.heap_node[child] = node


def pop_heap(work: Any) -> int:
    """Remove and return the node with the least key."""
    top = int(work.heap_node[0])
    size = int(work.ints[IN_HEAP]) - 1
    work.ints[IN_HEAP] = size
    key = float(work.heap_key[size])
    node = int(work.heap_node[size])
    hole = 0
    child = 1
    while child < size:
        if child + 1 < size and work.heap_key[child + 1] < work.heap_key[child]:
            child += 1
        if work.heap_key[child] >= key:
            break
        work.heap_key[hole] = work.heap_key[child]
        work.heap_node[hole] = work.heap_node[child]
        hole = child
        child = 2 * hole + 1
    work.heap_key[hole] = key
    work.heap_node[hole] = node
    return top


HELPERS = (put, take, least_bucket, least_key, push_heap, pop_heap, entry_for)
