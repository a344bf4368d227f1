"""A* over partial plans, pruned by the best plan known: f = cost so far + bound on what is left.

A label is a partial plan; labels of one state and place compete: one that another beats is dropped
(see `labels.beats`). Labels whose f reaches the best plan's cost are dropped as well, so what is
optimal is proven when nothing waits, or when the least f of all that wait reaches it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .batch import INFINITE, NEAR, Batch, Now, by_plug, on_board_after, stop_at
from .bound import Bound, decode, is_begun, is_open, lateness_left, legs_left, may_go_on
from .labels import beats

# Slots of `Open.ints`.
LABELS, WAITING, EXPANDED, BEST = 0, 1, 2, 3
# What `search` returns.
PROVEN, GROW, BUDGET = 0, 1, 2


class Open(NamedTuple):
    """Labels and queues; room for N labels and H places in the hash table, a power of two."""

    cost: Any  # float64 (N,)
    time: Any  # float64 (N,)
    wh: Any  # float64 (N,)
    state: Any  # int64 (N,)
    here: Any  # int64 (N,) the last stop
    before: Any  # int64 (N,) the label before
    link: Any  # int64 (N,) the next label of the same state and place
    dead: Any  # uint8 (N,) beaten
    key: Any  # float64 (N,) of the heap: f
    label: Any  # int64 (N,) of the heap
    hash_key: Any  # int64 (H,), -1 where empty
    hash_head: Any  # int64 (H,) the first label
    ints: Any  # int64 (4,)
    best: Any  # float64 (1,) cost of the best plan known


def slot_of(space: Open, key: int) -> int:
    """The place of a key in the hash table: its own, or an empty one."""
    mask = space.hash_key.shape[0] - 1
    at = ((key ^ (key >> 17)) * 40503 ^ (key >> 5)) & mask
    while space.hash_key[at] >= 0 and space.hash_key[at] != key:
        at = (at + 1) & mask
    return int(at)


def push(space: Open, f: float, label: int) -> None:
    """Into the heap."""
    at = int(space.ints[WAITING])
    space.ints[WAITING] = at + 1
    while at > 0:
        up = (at - 1) >> 1
        if space.key[up] <= f:
            break
        space.key[at], space.label[at] = space.key[up], space.label[up]
        at = up
    space.key[at], space.label[at] = f, label


def pop(space: Open) -> int:
    """The label of least f."""
    top = int(space.label[0])
    last = int(space.ints[WAITING]) - 1
    space.ints[WAITING] = last
    f, label = space.key[last], space.label[last]
    at = 0
    while 2 * at + 1 < last:
        down = 2 * at + 1
        if down + 1 < last and space.key[down + 1] < space.key[down]:
            down += 1
        if f <= space.key[down]:
            break
        space.key[at], space.label[at] = space.key[down], space.label[down]
        at = down
    if last > 0:
        space.key[at], space.label[at] = f, label
    return top


def is_beaten(space: Open, slot: int, new: Now, weight: float) -> bool:
    """Whether a label of this state and place beats a new one; those that it beats die."""
    label = int(space.hash_head[slot]) if space.hash_key[slot] >= 0 else -1
    while label >= 0:
        if not space.dead[label]:
            old = Now(space.cost[label], space.time[label], space.wh[label])
            if beats(old, new, weight, INFINITE):
                return True
            if beats(new, old, weight, INFINITE):
                space.dead[label] = 1
        label = int(space.link[label])
    return False


def add(space: Open, now: Now, state: int, here: int, before: int, slot: int) -> int:
    """A new label, first in its list."""
    label = int(space.ints[LABELS])
    space.ints[LABELS] = label + 1
    space.cost[label], space.time[label], space.wh[label] = now.cost, now.time, now.wh
    space.state[label], space.here[label] = state, here
    space.before[label], space.dead[label] = before, 0
    space.link[label] = space.hash_head[slot] if space.hash_key[slot] >= 0 else -1
    space.hash_head[slot] = label
    return label


def offer(
    batch: Batch, bound: Bound, space: Open, now: Now, state: int, there: int, before: int,
    on_board: int, weight: float,
) -> None:  # fmt: skip
    """Take up a label unless it is beaten or cannot lead below the best plan; `done` is its own."""
    best = space.best[0]
    least = best - NEAR * max(1.0, best) if best < INFINITE else INFINITE
    f = now.cost + legs_left(batch, bound, state, there, on_board)
    if not f < least:
        return
    f += lateness_left(batch, bound, there, now.time)
    if not f < least:
        return
    key = state * batch.order_of.shape[0] + there
    slot = slot_of(space, key)
    if is_beaten(space, slot, now, weight):
        return
    label = add(space, now, state, there, before, slot)
    space.hash_key[slot] = key
    if state == bound.radix[bound.done.shape[0]] - 1:
        space.best[0], space.ints[BEST] = now.cost, label
    else:
        push(space, f, label)


def branch(
    batch: Batch, bound: Bound, space: Open, label: int, order: int, on_board: int, kg: float,
    weight: float,
) -> None:  # fmt: skip
    """The next stop of an order: straight on, and by every charger and level."""
    now = Now(space.cost[label], space.time[label], space.wh[label])
    here = int(space.here[label])
    there = int(batch.first[order] + bound.done[order])
    state = int(space.state[label] + bound.radix[order])
    plugs = batch.energy and (batch.loaded or on_board == 0)
    after = on_board_after(batch, on_board, there)
    if there == batch.last[order]:
        weight = max(0.0, weight - batch.weight[order])
    bound.done[order] += 1
    straight = stop_at(batch, now, here, there, kg)
    offer(batch, bound, space, straight, state, there, label, after, weight)
    if plugs:
        for place in range(batch.power_w.shape[0]):
            k = int(batch.plugs[here, there, place])
            if k < 0:
                break
            for level in range(batch.levels.shape[0]):
                then = by_plug(batch, now, here, k, level, there, kg)
                offer(batch, bound, space, then, state, there, label, after, weight)
    bound.done[order] -= 1


def expand(batch: Batch, bound: Bound, space: Open, label: int) -> None:
    """All that may come next."""
    on_board = decode(batch, bound, int(space.state[label]))
    kg, weight = 0.0, 0.0
    for order in range(bound.done.shape[0]):
        if is_open(batch, bound, order):
            weight += batch.weight[order]
            if is_begun(batch, bound, order):
                kg += batch.kg[order]
    for order in range(bound.done.shape[0]):
        if is_open(batch, bound, order) and may_go_on(batch, bound, order, on_board):
            branch(batch, bound, space, label, order, on_board, kg, weight)


def search(batch, bound, space, room, limit):  # type: ignore[no-untyped-def]
    """Expand until the best plan is PROVEN; GROW where there is no `room` for one more expansion;
    BUDGET after `limit` expansions. An empty space begins at the robot.
    """
    if space.ints[LABELS] == 0:
        on_board = decode(batch, bound, 0)
        start = Now(0.0, 0.0, batch.charge_wh)
        slot = slot_of(space, 0)
        label = add(space, start, 0, 0, -1, slot)
        space.hash_key[slot] = 0
        f = legs_left(batch, bound, 0, 0, on_board) + lateness_left(batch, bound, 0, 0.0)
        push(space, f, label)
    while space.ints[WAITING] > 0:
        if space.dead[space.label[0]]:
            pop(space)
            continue
        best = space.best[0]
        if best < INFINITE and space.key[0] >= best - NEAR * max(1.0, best):
            break
        if space.ints[EXPANDED] >= limit:
            return BUDGET
        full = space.ints[LABELS] + room > space.cost.shape[0]
        if full or 2 * space.ints[LABELS] > space.hash_key.shape[0]:
            return GROW
        space.ints[EXPANDED] += 1
        expand(batch, bound, space, pop(space))
    return PROVEN


def rehash(batch, space):  # type: ignore[no-untyped-def]
    """Fill an empty hash table from the labels; their lists stay as they are."""
    for label in range(space.ints[LABELS]):
        key = space.state[label] * batch.order_of.shape[0] + space.here[label]
        slot = slot_of(space, key)
        space.hash_key[slot], space.hash_head[slot] = key, label
    return 0


HELPERS = (slot_of, push, pop, is_beaten, add, offer, branch, expand)
ENTRIES = (search, rehash)
