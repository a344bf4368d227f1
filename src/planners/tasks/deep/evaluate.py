"""What a sequence of stops costs, with the best charging between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..plans import Plan
from .instance import Instance, Ints
from .kernels import kernel
from .kernels.ahead import Ahead
from .kernels.labels import Table

FIRST_ROOM = 64  # labels of a row, before the table grows


@dataclass(frozen=True)
class Evaluation:
    """The least cost of a sequence in seconds, infinite where it cannot be done, and its plan."""

    cost_s: float
    plan: Plan | None


def evaluate(instance: Instance, points: Sequence[int] | Ints) -> Evaluation:
    """The best plan that makes these stops in this sequence.

    Exact over all ways to charge before any stop, at any charger, to any of the instance's levels.
    The objective is that of every chooser: the legs' costs plus the weighted lateness. Seconds in
    a queue and at a plug delay what follows, and are no cost of their own; the energy itself is
    priced in the legs.

    Args:
        points: each stop of the instance once, those of one order in their order.

    Raises ValueError where `points` are no such sequence.
    """
    tour = np.asarray(points, dtype=np.int64)
    _check(instance, tour)
    room = FIRST_ROOM
    while True:
        table = table_for(instance, room)
        cost_s = kernel("label_table")(instance.batch, table, tour, math.inf)
        if not table.cut[0]:
            return _read(instance, table, tour, float(cost_s))
        room *= 2


def table_for(instance: Instance, room: int = FIRST_ROOM) -> Table:
    """An empty table with so many labels a row."""
    shape = (instance.stops + 1, room if instance.batch.energy else 1)
    cost, time, wh = np.empty((3, *shape))
    before, plug = np.empty((2, *shape), dtype=np.int64)
    count = np.zeros(shape[0], dtype=np.int64)
    cut, best = np.zeros((2, 1), dtype=np.int64)
    ahead = Ahead._make(np.empty((len(Ahead._fields), shape[0])))
    return Table(cost, time, wh, before, plug, count, cut, best, ahead)


def _check(instance: Instance, tour: Ints) -> None:
    if not np.array_equal(np.sort(tour), np.arange(1, instance.stops + 1)):
        raise ValueError(f"{tour.tolist()} is no tour: each of 1 to {instance.stops} once")
    at = np.argsort(tour)  # at[p - 1] is where point p comes
    along = np.diff(instance.batch.order_of[1 : 1 + instance.stops]) == 0
    if np.any(along & (np.diff(at) < 0)):
        raise ValueError(f"{tour.tolist()} is no tour: an order's stops come in their order")


def _read(instance: Instance, table: Table, tour: Ints, cost_s: float) -> Evaluation:
    """Follow the labels back from the best of the last row."""
    if not math.isfinite(cost_s):
        return Evaluation(math.inf, None)
    label, plugs = int(table.best[0]), []
    for row in range(len(tour), 0, -1):
        plugs.append(int(table.plug[row, label]))
        label = int(table.before[row, label])
    return Evaluation(cost_s, instance.plan(tour.tolist(), plugs[::-1]))
