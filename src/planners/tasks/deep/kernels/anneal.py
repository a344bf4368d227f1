"""Large-neighbourhood search in one annealing schedule: take a few orders out, put them back.

Which orders: random ones, related ones (picks and drops near each other), or those of a window of
the tour. Each goes back to its cheapest place without energy; the result is judged with it, by the
label table (Shaw 1998; Ropke and Pisinger 2006).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .batch import INFINITE, Batch
from .dice import chance, roll
from .insert import Tour, insert
from .labels import Table, tabulate

MOST_OUT = 5
ROUND = 1  # slot of `Search.ints`, beside the dice
CURRENT, BEST = 0, 1  # slots of `Search.costs`


class Search(NamedTuple):
    """The tours of the search; n orders, S stops."""

    current: Any  # int64 (S,)
    best: Any  # int64 (S,)
    costs: Any  # float64 (2,)
    ints: Any  # int64 (2,)
    related: Any  # float64 (n, n): the smaller, the more alike
    out: Any  # int64 (n,) orders taken out
    gone: Any  # int64 (n,) 1 where taken out


class Schedule(NamedTuple):
    """Rounds and temperatures in seconds of cost, falling from `hot` to `cold` geometrically."""

    rounds: int
    hot: float
    cold: float
    noise: float  # how much more a place may seem to cost, a share


def take(search: Search, count: int, order: int) -> int:
    """Note an order as taken out; how many there are now."""
    if search.gone[order]:
        return count
    search.gone[order] = 1
    search.out[count] = order
    return count + 1


def take_random(search: Search, wanted: int) -> int:
    """Any orders."""
    count = 0
    while count < wanted:
        count = take(search, count, roll(search.ints, search.gone.shape[0]))
    return count


def take_related(search: Search, wanted: int) -> int:
    """One order and those most like it; each is passed over now and then."""
    n = search.gone.shape[0]
    first = roll(search.ints, n)
    count = take(search, 0, first)
    while count < wanted:
        best = -1
        for order in range(n):
            if search.gone[order]:
                continue
            closer = best < 0 or search.related[first, order] < search.related[first, best]
            if closer and (best < 0 or chance(search.ints) < 0.75):
                best = order
        count = take(search, count, best)
    return count


def take_window(search: Search, batch: Batch, wanted: int) -> int:
    """Orders that follow one another in the tour."""
    stops = search.current.shape[0]
    at, count = roll(search.ints, stops), 0
    while count < wanted:
        count = take(search, count, int(batch.order_of[search.current[at]]))
        at = (at + 1) % stops
    return count


def ruin(batch: Batch, search: Search, tour: Tour) -> int:
    """Take 2 to MOST_OUT orders out; how many. The others are in `tour`."""
    n = search.gone.shape[0]
    for order in range(n):
        search.gone[order] = 0
    wanted = min(n, 2 + roll(search.ints, MOST_OUT - 1))
    kind = roll(search.ints, 3)
    if kind == 0:
        count = take_random(search, wanted)
    elif kind == 1:
        count = take_related(search, wanted)
    else:
        count = take_window(search, batch, wanted)
    length = 0
    for position in range(search.current.shape[0]):
        point = int(search.current[position])
        if not search.gone[batch.order_of[point]]:
            tour.stops[length] = point
            length += 1
    return count


def recreate(batch: Batch, search: Search, tour: Tour, count: int, noise: float) -> None:
    """Put them back, in random sequence."""
    length = search.current.shape[0]
    for k in range(count):
        order = int(search.out[k])
        length -= int(batch.last[order]) - int(batch.first[order]) + 1
    for k in range(count, 0, -1):
        pick = roll(search.ints, k)
        order = int(search.out[pick])
        search.out[pick] = search.out[k - 1]
        length = insert(batch, tour, length, order, search.ints, noise)


def is_current(search: Search, tour: Tour) -> bool:
    """Whether the tour has become what it was."""
    for position in range(tour.stops.shape[0]):
        if tour.stops[position] != search.current[position]:
            return False
    return True


def improve(
    batch: Batch, paced: Batch, table: Table, search: Search, tour: Tour, schedule: Schedule
) -> None:
    """One round: a new tour, kept where it costs less than the present one plus a random share."""
    share = search.ints[ROUND] / schedule.rounds
    heat = schedule.hot * (schedule.cold / schedule.hot) ** share
    count = ruin(batch, search, tour)
    noise = schedule.noise if roll(search.ints, 2) else 0.0
    if roll(search.ints, 2):
        recreate(paced, search, tour, count, noise)
    else:
        recreate(batch, search, tour, count, noise)
    search.ints[ROUND] += 1
    if is_current(search, tour):
        return
    limit = search.costs[CURRENT] - heat * math.log(chance(search.ints))
    cost = tabulate(batch, table, tour.stops, limit)
    if not (cost < INFINITE or search.costs[CURRENT] == INFINITE):
        return
    search.costs[CURRENT] = cost
    better = cost < search.costs[BEST]
    if better:
        search.costs[BEST] = cost
    for position in range(tour.stops.shape[0]):
        search.current[position] = tour.stops[position]
        if better:
            search.best[position] = tour.stops[position]


def anneal(batch, paced, table, search, tour, schedule, rounds):  # type: ignore[no-untyped-def]
    """So many rounds more of the schedule."""
    for _ in range(rounds):
        improve(batch, paced, table, search, tour, schedule)


HELPERS = (
    take, take_random, take_related, take_window, ruin, recreate, is_current, improve,
)  # fmt: skip
ENTRIES = (anneal,)
