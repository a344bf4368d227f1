"""A good sequence of stops, soon: insertion, then large-neighbourhood search."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..plans import Plan
from .evaluate import evaluate, table_for
from .instance import Floats, Instance, Ints
from .kernels import kernel
from .kernels.anneal import BEST, CURRENT, ROUND, Schedule, Search
from .kernels.dice import DICE
from .kernels.insert import Tour

HOT, COLD = 0.05, 0.003  # (a) temperatures of the schedule, as shares of the start's cost
# (a) of insertion costs, every second round; more where energy counts, which is not in them
NOISE, NOISE_ENERGY = 0.05, 0.1
DICE_SIDES = 2147483646


@dataclass(frozen=True)
class Repair:
    """What a proposal becomes: every stop once, in a sequence that can be judged; what was wrong.

    ``complaints`` have one sentence for each thing that was not as a plan has to be.
    """

    points: tuple[int, ...]
    complaints: tuple[str, ...]


@dataclass(frozen=True)
class Improved:
    """The best sequence that was found, its cost in seconds (infinite: none can be done)."""

    points: tuple[int, ...]
    cost_s: float
    rounds: int


def repair(instance: Instance, proposal: Plan) -> Repair:
    """Read a proposal from anybody: only the sequence in which it names known orders counts.

    Unknown and repeated stops are left out, an order's stops take their own order, missing stops
    follow at the end, and a stop that would be one order too many on board, or the end of one that
    is to follow another, is made later. Charges are left out: they are placed anew, by verified
    energy.
    """
    index = {order.id: k for k, order in enumerate(instance.orders)}
    counts = [len(order.stops) for order in instance.orders]
    done, wanted, said = [0] * len(counts), [], []
    for stop in proposal.visits:
        k = index.get(stop.order or "")
        if k is None:
            said.append(f"no order {stop.order!r} is in this batch")
        elif done[k] == counts[k]:
            said.append(f"{stop.order} is visited more often than it has stops")
        else:
            if stop.place != done[k]:
                said.append(f"{stop.order} comes to stop {stop.place} before stop {done[k]}")
            wanted.append(k)
            done[k] += 1
    for k, order in enumerate(instance.orders):
        if done[k] < counts[k]:
            said.append(f"{order.id} lacks {counts[k] - done[k]} of its stops")
            wanted += [k] * (counts[k] - done[k])
    points, moved = _within_rules(instance, wanted)
    if "begin" in moved:
        said.append(f"more than {instance.batch.capacity} orders are on board at once")
    if "end" in moved:
        said.append("an order is delivered before one that it is to follow")
    return Repair(tuple(points), tuple(said))


def _within_rules(instance: Instance, wanted: list[int]) -> tuple[list[int], set[str]]:
    """Points in the wanted sequence of orders, and what had to wait: to begin, or to end."""
    now, points = _Done(instance), []
    todo, moved = list(wanted), set[str]()
    while todo:
        at = next((i for i, k in enumerate(todo) if now.may_go_on(k)), 0)
        if at > 0:
            full = todo[0] not in now.on_board and now.is_full
            moved.add("begin" if full else "end")
        points.append(now.go_on(todo.pop(at)))
    return points, moved


class _Done:
    """How far each order of a batch is, on the way through a sequence of stops."""

    def __init__(self, instance: Instance) -> None:
        orders = range(len(instance.orders))
        self._points = [instance.points(k) for k in orders]
        self._capacity = instance.batch.capacity
        self._done = [0 for _ in orders]
        self._sooner: list[set[int]] = [set() for _ in orders]  # still to be delivered before
        for late, early in instance.batch.follows.tolist():
            self._sooner[late].add(early)
        self.on_board = {k for k in orders if instance.batch.aboard[k]}

    @property
    def is_full(self) -> bool:
        """Whether no order may be begun."""
        return len(self.on_board) >= self._capacity

    def may_go_on(self, k: int) -> bool:
        """Whether an order's next stop may be made: room to begin it, leave to end it.

        What takes the last room must leave one on board that may be ended: else nothing ever could.
        """
        if k not in self.on_board:
            held = {k, *self.on_board}
            last = len(held) >= self._capacity and len(self._points[k]) > 1
            if self.is_full or (last and all(self._sooner[other] for other in held)):
                return False
        return self._done[k] + 1 < len(self._points[k]) or not self._sooner[k]

    def go_on(self, k: int) -> int:
        """Make the next stop of an order; its point."""
        point = self._points[k][self._done[k]]
        self._done[k] += 1
        self.on_board.add(k)
        if self._done[k] == len(self._points[k]):
            self.on_board.discard(k)
            for others in self._sooner:
                others.discard(k)
        return point


def starts(instance: Instance) -> list[tuple[int, ...]]:
    """Tours to start from: by cheapest insertion, the cheapest order first and as orders fall due;
    where energy matters, both without it and with the time that charging takes.
    """
    tour, found = _tour(instance), []
    for batch in (instance.batch, instance.paced)[: 1 + instance.batch.energy]:
        kernel("build_greedily")(batch, tour, np.arange(len(instance.orders), dtype=np.int64))
        found.append(tuple(tour.stops.tolist()))
        by_due = np.argsort(batch.due, kind="stable").astype(np.int64)
        kernel("build_in_turn")(batch, tour, by_due)
        found.append(tuple(tour.stops.tolist()))
    return found


def improve(
    instance: Instance, *, rounds: int, seed: int = 0, proposals: Iterable[Sequence[int]] = ()
) -> Improved:
    """The best of `rounds` rounds from the best start; proposals are further starts, no more.

    Deterministic in the seed. Every tour is judged by `evaluate`'s label table (rows of which may
    be cut here, never in the cost that is returned). The cost never exceeds that of any start.

    Raises ValueError for a number of rounds below 0.
    """
    if rounds < 0:
        raise ValueError(f"rounds is {rounds!r}: 0 or more")
    tried = [tuple(start) for start in (*starts(instance), *proposals)]
    judged = [(evaluate(instance, start).cost_s, k) for k, start in enumerate(tried)]
    cost_s, k = min(judged)
    if len(instance.orders) == 1 or rounds == 0:
        return Improved(tried[k], cost_s, 0)
    search = _search(instance, tried[k], cost_s, seed)
    scale = cost_s if 0.0 < cost_s < math.inf else 1.0
    noise = NOISE_ENERGY if instance.batch.energy else NOISE
    schedule = Schedule(rounds, HOT * scale, COLD * scale, noise)
    table, tour = table_for(instance), _tour(instance)
    kernel("anneal")(instance.batch, instance.paced, table, search, tour, schedule, rounds)
    best = tuple(search.best.tolist())
    return Improved(best, min(cost_s, evaluate(instance, best).cost_s), rounds)


def _tour(instance: Instance) -> Tour:
    stops = instance.stops
    points, spare = np.ones((2, stops), dtype=np.int64)
    cost, time, wh, after = np.zeros((4, stops + 1))
    return Tour(points, spare, cost, time, wh, after, np.zeros(stops + 1, dtype=np.int64))


def _search(instance: Instance, start: Sequence[int], cost_s: float, seed: int) -> Search:
    count = len(instance.orders)
    costs, ints = np.empty(2), np.zeros(2, dtype=np.int64)
    costs[CURRENT] = costs[BEST] = cost_s
    ints[DICE], ints[ROUND] = 1 + seed * 48271 % DICE_SIDES, 0
    current: Ints = np.array(start, dtype=np.int64)
    out, gone = np.zeros((2, count), dtype=np.int64)
    return Search(current, current.copy(), costs, ints, _related(instance), out, gone)


def _related(instance: Instance) -> Floats:
    """How far apart orders are, (n, n) s: between their picks and between their drops."""
    cost = instance.closed[0]
    picks, drops = instance.batch.first, instance.batch.last
    apart = cost[np.ix_(picks, picks)] + cost[np.ix_(drops, drops)]
    return np.asarray(apart + apart.T)
