"""A batch of orders as arrays, and what one step of a plan does to its costs, clock and charge.

Points are numbered: 0 is the robot, then the stops order by order, then the chargers. Seconds count
from now. Every feasible plan is built by `stop_at` and `by_plug`, so they alone define the rules:

* an order is begun only while fewer than `capacity` orders are on board; what was on board at the
  start needs no room, and its release is past;
* the last stop of an order comes after those of all the orders that it is to follow;
* after a drop there must be left `reserve_wh` and the way to the charger that takes least;
* a robot gets to a charger with `reserve_wh` left after its queue, plugs in, and leaves with the
  level that it came for, or with what it had if that was more;
* by way of a charger it is at a stop at least `LATER_S` later than straight on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

INFINITE = float("inf")
SLACK_WH = 1e-9  # sums of the same numbers in another order must not flip a verdict
LATER_S = 1e-3
NEAR = 1e-9  # relative: objectives closer than this count as equal


class Batch(NamedTuple):
    """What does not change; n orders, S stops, K chargers, P = 1 + S + K points, L levels."""

    cost: Any  # float64 (P, P) s, infinite where there is no way
    time: Any  # float64 (P, P) s
    wh: Any  # float64 (P, P), of the robot without these orders
    wh_kg: Any  # float64 (P, P), more for each kilogram of orders
    queue: Any  # float64 (P, K) s at the plug, coming from a point
    order_of: Any  # int64 (P,), -1 at the robot and at chargers
    first: Any  # int64 (n,) the point of an order's first stop
    last: Any  # int64 (n,) and of its last
    release: Any  # float64 (n,) s
    due: Any  # float64 (n,) s
    weight: Any  # float64 (n,) cost of a second of lateness, 0 where nothing is due
    kg: Any  # float64 (n,)
    aboard: Any  # bool (n,) on board from the start
    follows: Any  # int64 (E, 2) pairs: the first ends after the second, chains included
    power_w: Any  # float64 (K,)
    levels: Any  # float64 (L,) Wh
    plugs: Any  # int64 (P, P, K) chargers worth a detour from point to point, cheapest first; -1
    capacity: int  # orders on board at once
    loaded: bool  # whether a robot with orders on board may charge
    energy: bool  # whether energy matters
    charge_wh: float
    reserve_wh: float
    margin: float
    ambient_w: float
    spare_wh: float  # what can be spent before charging takes time, where tours are built
    rate: float  # s of charging for a Wh, at the fastest charger


class Now(NamedTuple):
    """A moment of a plan: cost so far, clock, planned charge (each leg taken `margin` times)."""

    cost: float
    time: float
    wh: float


def stop_at(batch: Batch, now: Now, here: int, there: int, kg: float) -> Now:
    """Drive to a stop with `kg` of orders on board and serve it; infinite cost where forbidden."""
    then = arrive(batch, now, here, there, kg)
    order = int(batch.order_of[there])
    if there == batch.last[order] and batch.energy and then.wh < INFINITE:
        left = kg if begins(batch, there) else kg - batch.kg[order]
        if then.wh + SLACK_WH < batch.reserve_wh + way_out(batch, there, left):
            return Now(INFINITE, INFINITE, 0.0)
    return then


def arrive(batch: Batch, now: Now, here: int, there: int, kg: float) -> Now:
    """`stop_at`, whatever charge is left; infinite cost where there is no way."""
    cost = now.cost + batch.cost[here, there]
    if not cost < INFINITE:
        return Now(INFINITE, INFINITE, 0.0)
    time = now.time + batch.time[here, there]
    wh = now.wh - batch.margin * (batch.wh[here, there] + batch.wh_kg[here, there] * kg)
    order = int(batch.order_of[there])
    if there == batch.first[order]:
        time = max(time, float(batch.release[order]))
    if there == batch.last[order] and time > batch.due[order]:
        cost += batch.weight[order] * (time - batch.due[order])
    return Now(cost, time, wh)


def way_out(batch: Batch, there: int, kg: float) -> float:
    """Energy from a stop to the charger that takes least, its queue included; 0 without any."""
    chargers = batch.power_w.shape[0]
    least = 0.0 if chargers == 0 else INFINITE
    at = batch.order_of.shape[0] - chargers
    for k in range(chargers):
        if batch.queue[there, k] < INFINITE:
            way = batch.wh[there, at + k] + batch.wh_kg[there, at + k] * kg
            least = min(least, way + batch.ambient_w * batch.queue[there, k] / 3600.0)
    return float(least)


def plug_in(batch: Batch, now: Now, here: int, k: int, level: int, kg: float) -> Now:
    """Drive to charger k and charge to a level; infinite cost where forbidden.

    The queue and the seconds at the plug delay what follows; they are no cost of their own.
    """
    there = charger_at(batch, k)
    cost = now.cost + batch.cost[here, there]
    wait = batch.queue[here, k]
    if not (cost < INFINITE and wait < INFINITE and batch.power_w[k] > 0.0):
        return Now(INFINITE, INFINITE, 0.0)
    wh = now.wh - batch.margin * (batch.wh[here, there] + batch.wh_kg[here, there] * kg)
    wh -= batch.ambient_w * wait / 3600.0
    if wh + SLACK_WH < batch.reserve_wh:
        return Now(INFINITE, INFINITE, 0.0)
    missing = max(0.0, batch.levels[level] - wh)
    time = now.time + batch.time[here, there] + wait + 3600.0 * missing / batch.power_w[k]
    return Now(cost, time, wh + missing)


def by_plug(batch: Batch, now: Now, here: int, k: int, level: int, there: int, kg: float) -> Now:
    """Charge at charger k on the way to a stop and serve it; always later than straight on.

    The way of least cost may take longer than one by way of a charger, or lead past it: nobody
    plugs in for that.
    """
    full = plug_in(batch, now, here, k, level, kg)
    if not full.cost < INFINITE:
        return full
    return stop_at(batch, leave(batch, now, full, here, k, there), charger_at(batch, k), there, kg)


def charger_at(batch: Batch, k: int) -> int:
    """The point of a charger."""
    return int(batch.order_of.shape[0] - batch.power_w.shape[0] + k)


def leave(batch: Batch, now: Now, full: Now, here: int, k: int, there: int) -> Now:
    """A charged robot at charger k, so that it is later at a stop than straight on, and at no less
    cost: where legs are only bounded, a way by a charger must not pass for a short cut.
    """
    charger = charger_at(batch, k)
    least = now.cost + batch.cost[here, there] - batch.cost[charger, there]
    soonest = now.time + batch.time[here, there] - batch.time[charger, there] + LATER_S
    return Now(max(full.cost, least), max(full.time, soonest), full.wh)


def passing(batch: Batch, now: Now, here: int, k: int, there: int) -> Now:
    """At a stop by way of charger k, without charging: no charge there costs less or is sooner."""
    charger = charger_at(batch, k)
    cost = batch.cost[here, charger] + batch.cost[charger, there]
    time = now.time + batch.time[here, charger] + batch.queue[here, k]
    return Now(
        now.cost + max(cost, batch.cost[here, there]), time + batch.time[charger, there], INFINITE
    )


def begins(batch: Batch, there: int) -> bool:
    """Whether an order comes on board with a stop, which takes room."""
    order = int(batch.order_of[there])
    return bool(there == batch.first[order] and not batch.aboard[order])


def on_board_after(batch: Batch, on_board: int, there: int) -> int:
    """How many orders are on board after a stop."""
    ends = there == batch.last[batch.order_of[there]]
    return on_board + int(begins(batch, there)) - int(ends)


def kg_after(batch: Batch, kg: float, there: int) -> float:
    """What the orders on board weigh after a stop."""
    order = int(batch.order_of[there])
    ends = there == batch.last[order]
    if begins(batch, there) == ends:
        return kg
    return kg - float(batch.kg[order]) if ends else kg + float(batch.kg[order])


def at_start(batch: Batch) -> tuple[float, int]:
    """Kilograms and number of the orders that are on board at the start."""
    kg, on_board = 0.0, 0
    for order in range(batch.kg.shape[0]):
        if batch.aboard[order]:
            kg += float(batch.kg[order])
            on_board += 1
    return kg, on_board


HELPERS = (
    begins, way_out, arrive, stop_at, charger_at, plug_in, leave, by_plug, passing,
    on_board_after, kg_after, at_start,
)  # fmt: skip
