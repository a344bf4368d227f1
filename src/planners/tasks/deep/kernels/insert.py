"""Cheapest insertion of one order into a tour, energy left out: every split into two blocks.

An order that is on board from the start fills its room from the start of any tour that it is in to
its last stop; one that is not in the tour (yet) is left out of the sums.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .batch import INFINITE, Batch, Now, arrive, begins, on_board_after
from .dice import chance


class Tour(NamedTuple):
    """A tour that grows, and the sums along it; S stops."""

    stops: Any  # int64 (S,) points
    spare: Any  # int64 (S,)
    cost: Any  # float64 (S + 1,) after so many stops
    time: Any  # float64 (S + 1,)
    wh: Any  # float64 (S + 1,) what can be spent before charging takes time
    after: Any  # float64 (S + 1,) cost of the legs from that stop to the end, lateness left out
    load: Any  # int64 (S + 1,) orders on board after so many stops


class Place(NamedTuple):
    """Where an order goes: its first `head` stops before position i, the others before j >= i."""

    cost: float
    i: int
    j: int
    head: int


def go(batch: Batch, now: Now, here: int, there: int) -> Now:
    """Drive to a stop and serve it; what is short of energy takes the time that charging takes."""
    short = batch.margin * batch.wh[here, there] - now.wh
    if short > 0.0:
        now = Now(now.cost, now.time + batch.rate * short, now.wh + short)
    return arrive(batch, now, here, there, 0.0)


def measure(batch: Batch, tour: Tour, length: int) -> None:
    """Fill in the sums along the first `length` stops."""
    now, here = Now(0.0, 0.0, batch.spare_wh), 0
    tour.cost[0], tour.time[0], tour.wh[0], tour.load[0] = 0.0, 0.0, batch.spare_wh, 0
    for i in range(length):
        there = int(tour.stops[i])
        order = batch.order_of[there]
        if batch.aboard[order] and there == batch.last[order]:
            tour.load[0] += 1
    for i in range(length):
        there = int(tour.stops[i])
        now = go(batch, now, here, there)
        tour.cost[i + 1], tour.time[i + 1], tour.wh[i + 1] = now.cost, now.time, now.wh
        tour.load[i + 1] = on_board_after(batch, int(tour.load[i]), there)
        here = there
    tour.after[length] = 0.0
    for i in range(length - 1, -1, -1):
        leg = batch.cost[tour.stops[i], tour.stops[i + 1]] if i + 1 < length else 0.0
        tour.after[i] = tour.after[i + 1] + leg


def to_the_end(
    batch: Batch, tour: Tour, length: int, now: Now, here: int, i: int, limit: float
) -> float:
    """The cost of going on with the tour from position i; infinite where it reaches `limit`."""
    if i < length:
        link = batch.cost[here, tour.stops[i]]
        if not now.cost + link + tour.after[i] < limit:
            return INFINITE
    for position in range(i, length):
        there = int(tour.stops[position])
        now = go(batch, now, here, there)
        if not now.cost + tour.after[position] < limit:
            return INFINITE
        here = there
    return float(now.cost) if now.cost < limit else INFINITE


def block(batch: Batch, now: Now, here: int, low: int, high: int, limit: float) -> Now:
    """Serve the points low to high - 1 in a row; infinite where it reaches `limit`."""
    for there in range(low, high):
        if now.cost < limit:
            now = go(batch, now, here, there)
        here = there
    return now if now.cost < limit else Now(INFINITE, INFINITE, INFINITE)


def window(batch: Batch, tour: Tour, length: int, order: int) -> tuple[int, int]:
    """The positions that an order's last stop may be inserted at, for the orders that it is to
    follow and for those that are to follow it.
    """
    low, high = 0, length
    for pair in range(batch.follows.shape[0]):
        later, sooner = batch.follows[pair, 0], batch.follows[pair, 1]
        if order in (later, sooner):
            end = batch.last[sooner if later == order else later]
            for at in range(length):
                if tour.stops[at] == end and later == order:
                    low = max(low, at + 1)
                elif tour.stops[at] == end:
                    high = min(high, at)
    return low, high


def split(
    batch: Batch, tour: Tour, length: int, order: int, head: int, best: Place, i: int,
    factor: float, ends: tuple[int, int],
) -> Place:  # fmt: skip
    """Better places with the first `head` stops before position i and the rest later on, the last
    one within `ends`; costs count `factor` times.
    """
    low, high = int(batch.first[order]), int(batch.last[order]) + 1
    here = int(tour.stops[i - 1]) if i > 0 else 0
    limit = best.cost / factor
    now = block(
        batch,
        Now(float(tour.cost[i]), float(tour.time[i]), float(tour.wh[i])),
        here,
        low,
        low + head,
        limit,
    )
    here = low + head - 1
    for j in range(i, ends[1] + 1):
        if not now.cost < limit:
            break
        if j >= ends[0] and (head == high - low or j > i):  # at i itself both blocks are one
            then = block(batch, now, here, low + head, high, limit)
            cost = to_the_end(batch, tour, length, then, high - 1, j, limit)
            if cost < limit:
                best, limit = Place(cost * factor, i, j, head), cost
        if head == high - low:
            break
        if j < length:
            there = int(tour.stops[j])
            if begins(batch, there) and tour.load[j] + 1 >= batch.capacity:
                break
            now = go(batch, now, here, there)
            here = there
    return best


def cheapest_place(
    batch: Batch, tour: Tour, length: int, order: int, ints: Any, noise: float
) -> Place:
    """The cheapest place for an order in a measured tour; infinite cost where none is.

    With `noise` each pair of position and split counts up to so large a share more, by the dice.
    """
    best = Place(INFINITE, 0, 0, 0)
    count = int(batch.last[order]) - int(batch.first[order]) + 1
    ends = window(batch, tour, length, order)
    for i in range(ends[1] + 1):
        if tour.load[i] < batch.capacity:
            for head in range(count, 0, -1):
                factor = 1.0 + noise * chance(ints) if noise > 0.0 else 1.0
                best = split(batch, tour, length, order, head, best, i, factor, ends)
        full = i < length and tour.load[i] + 1 >= batch.capacity
        if full and batch.aboard[order] and begins(batch, int(tour.stops[i])):
            break  # it is on board all the time before
    return best


def put_in(batch: Batch, tour: Tour, length: int, order: int, place: Place) -> int:
    """Insert an order and return the new length; without a feasible place it goes to the end."""
    low, high = int(batch.first[order]), int(batch.last[order]) + 1
    i, j, head = place.i, place.j, place.head
    if not place.cost < INFINITE:
        i, j, head = length, length, high - low
    for position in range(length):
        tour.spare[position] = tour.stops[position]
    at = i
    for point in range(low, low + head):
        tour.stops[at] = point
        at += 1
    for position in range(i, length):
        if position == j:
            at = drop_rest(tour, at, low + head, high)
        tour.stops[at] = tour.spare[position]
        at += 1
    if j >= length:
        at = drop_rest(tour, at, low + head, high)
    return at


def drop_rest(tour: Tour, at: int, low: int, high: int) -> int:
    """Write the points low to high - 1 from a position on."""
    for point in range(low, high):
        tour.stops[at] = point
        at += 1
    return at


def insert(batch: Batch, tour: Tour, length: int, order: int, ints: Any, noise: float) -> int:
    """Put an order at its cheapest place; the new length."""
    measure(batch, tour, length)
    place = cheapest_place(batch, tour, length, order, ints, noise)
    return put_in(batch, tour, length, order, place)


def build_greedily(batch, tour, todo):  # type: ignore[no-untyped-def]
    """Insert the orders of `todo` (int64; used up), always the one that is cheapest to add."""
    length, left = 0, todo.shape[0]
    while left > 0:
        measure(batch, tour, length)
        best, pick = Place(INFINITE, 0, 0, 0), 0
        for k in range(left):
            place = cheapest_place(batch, tour, length, int(todo[k]), todo, 0.0)
            if place.cost < best.cost:
                best, pick = place, k
        length = put_in(batch, tour, length, int(todo[pick]), best)
        left -= 1
        todo[pick] = todo[left]
    return length


def build_in_turn(batch, tour, todo):  # type: ignore[no-untyped-def]
    """Insert the orders of `todo` one after the other."""
    length = 0
    for k in range(todo.shape[0]):
        length = insert(batch, tour, length, int(todo[k]), todo, 0.0)
    return length


HELPERS = (
    go, measure, to_the_end, block, window, split, cheapest_place, drop_rest, put_in, insert,
)  # fmt: skip
ENTRIES = (build_greedily, build_in_turn)
