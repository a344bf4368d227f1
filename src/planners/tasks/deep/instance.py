"""A snapshot's orders as one batch: points, the legs between them, what energy allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..legs import FieldCache, cache_for
from ..plans import Plan, Stop
from ..reserve import DEFAULT_RULE, ChargeRule, Threshold
from ..snapshot import Order, Snapshot, natural_key
from ..spans import Drive, LegSpans
from .kernels.batch import INFINITE, Batch

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS = (0.4, 0.7, 1.0)  # (a) shares of the rule's limit that a charge may end at


@dataclass(frozen=True)
class LegTable:
    """What it takes from point to point, float64 (P, P) each; infinite where no plan drives.

    ``time_s`` is driving alone, ``clock_s`` from one arrival to the next, as `Timing` has it.
    ``wh`` is for the robot with what is on board now and not among the orders, ``wh_kg`` comes on
    top for each kilogram of orders (0 where there is no way).
    """

    cost_s: Floats
    time_s: Floats
    clock_s: Floats
    length_m: Floats
    wh: Floats
    wh_kg: Floats


@dataclass(frozen=True)
class Instance:
    """One batch. Points are numbered: 0 the robot, the stops order by order, the chargers.

    ``lower`` and ``upper`` enclose every leg; where all are exact they are one table. ``batch`` is
    made of ``lower``: what is proven of it is true of every plan. What a plan costs is known where
    all its legs are exact; ``cautious`` is the batch of ``upper``, which drives no others.
    """

    snapshot: Snapshot
    orders: tuple[Order, ...]
    chargers: tuple[str, ...]
    nodes: tuple[int, ...]
    lower: LegTable
    upper: LegTable
    batch: Batch
    cautious: Batch

    @property
    def stops(self) -> int:
        """How many stops the orders have."""
        return int(sum(len(order.stops) for order in self.orders))

    @cached_property
    def closed(self) -> tuple[Floats, Floats]:
        """Cost and time under the triangle inequality: no detour undercuts an entry."""
        return _close(self.lower.cost_s), _close(self.lower.clock_s)

    @cached_property
    def paced(self) -> Batch:
        """The batch where tours are built with the seconds that charging will take.

        What a tour spends beyond the charge at the start takes its time at the fastest charger,
        at once: this tells a sequence's lateness better than driving times alone.
        """
        batch = self.batch
        spare_wh = max(0.0, batch.charge_wh - batch.reserve_wh) if batch.energy else INFINITE
        return batch._replace(spare_wh=spare_wh)

    def points(self, order: int) -> range:
        """The points of an order's stops."""
        return range(int(self.batch.first[order]), int(self.batch.last[order]) + 1)

    def plan(self, points: Sequence[int], plugs: Sequence[int]) -> Plan:
        """Points and what is plugged into before each (-1: nothing) as a plan."""
        levels = len(self.batch.levels)
        stops = []
        for point, plug in zip(points, plugs, strict=True):
            if plug >= 0:
                name = self.chargers[plug // levels]
                soc = float(self.batch.levels[plug % levels]) / self.snapshot.capacity_wh
                node = self.snapshot.chargers[name]
                stops.append(Stop("charge", node, charger=name, to_soc=soc))
            index = int(self.batch.order_of[point])
            place = int(point - self.batch.first[index])
            order = self.orders[index].id
            stops.append(Stop("visit", self.nodes[point], order=order, place=place))
        return Plan(tuple(stops))


def make_instance(
    snapshot: Snapshot,
    orders: Sequence[Order] | None = None,
    *,
    cache: FieldCache | None = None,
    rule: ChargeRule = DEFAULT_RULE,
    levels: Sequence[float] = LEVELS,
    loaded: bool | None = None,
    spans: LegSpans | None = None,
) -> Instance:
    """The batch of some orders of a snapshot (None: all of them).

    Args:
        levels: where a charge may end, as shares of ``rule.limit_soc``.
        loaded: whether a robot with orders on board may charge; None: where more than one fits.
        spans: the legs as far as they are known; None: all of them exact.

    Time runs as in `walk`: driving times and work as `Timing` has them, waits for a release (which
    are taken to draw nothing (a)), queues as telemetry expects them now, seconds at the plug at
    full power. Under a `Threshold` energy is left out: that rule sends the robot to charge,
    whatever is planned. Orders on board that are not of the batch stay there and take their
    room; an order that is to follow one that is left out can never be delivered.

    Raises ValueError without any order, and for levels outside (0, 1].
    """
    batch = tuple(snapshot.orders if orders is None else orders)
    if not batch:
        raise ValueError("there is no order to plan for: a batch has one or more")
    if not levels or not all(0.0 < level <= 1.0 for level in levels):
        raise ValueError(f"levels are {list(levels)}: shares of the limit in (0, 1]")
    loaded = snapshot.capacity > 1 if loaded is None else loaded
    chargers = tuple(sorted(snapshot.chargers, key=natural_key))
    stops = [node for order in batch for node in order.stops]
    nodes = (snapshot.robot, *stops, *(snapshot.chargers[name] for name in chargers))
    order_of, first, last = _numbered(batch, len(nodes))
    aboard = np.array([order.id in snapshot.on_board for order in batch])
    ample = len(snapshot.on_board) + len(batch) + 2  # more room than anybody can use
    room = min(snapshot.capacity, ample) - (len(snapshot.on_board) - int(aboard.sum()))
    driven = _driven(order_of, first, last, len(chargers), snapshot.capacity, loaded)
    own_kg = sum(order.kg for order in batch if order.id in snapshot.on_board)
    other_kg = max(0.0, snapshot.payload_kg - own_kg)
    release_s, due_s, weight, kg = _wishes(snapshot, batch)

    def made(legs: LegTable, upper: LegTable) -> Batch:
        queue_s, power_w, levels_wh = _at_plug(snapshot, chargers, rule, levels, legs, upper)
        return Batch(
            legs.cost_s, legs.clock_s, legs.wh, legs.wh_kg, queue_s, order_of, first, last,
            release_s, due_s, weight, kg, aboard, _follows(snapshot, batch), power_w, levels_wh,
            _plugs(snapshot, legs, queue_s, power_w), room, loaded,
            math.isfinite(snapshot.charge_wh) and not isinstance(rule, Threshold),
            float(snapshot.charge_wh), float(snapshot.reserve_wh), float(snapshot.margin),
            float(snapshot.energy.ambient_w), INFINITE, _rate(power_w),
        )  # fmt: skip

    if spans is None:
        ways = _exact(nodes, order_of, driven, cache_for(snapshot, cache))
        legs = _table(snapshot, *ways, order_of, last, other_kg)
        whole = made(legs, legs)
        return Instance(snapshot, batch, chargers, nodes, legs, legs, whole, whole)
    known = _spanned(nodes, order_of, driven, spans)
    least, most = (_table(snapshot, *ways, order_of, last, other_kg) for ways in known)
    return Instance(
        snapshot, batch, chargers, nodes, least, most, made(least, most), made(most, most)
    )


def _numbered(orders: Sequence[Order], points: int) -> tuple[Ints, Ints, Ints]:
    """The order of each point (-1: none), and the first and the last point of each order."""
    counts = np.array([len(order.stops) for order in orders], dtype=np.int64)
    order_of: Ints = np.full(points, -1, dtype=np.int64)
    order_of[1 : 1 + counts.sum()] = np.repeat(np.arange(len(orders)), counts)
    last: Ints = np.cumsum(counts)
    return order_of, last - counts + 1, last


def _wishes(snapshot: Snapshot, orders: Sequence[Order]) -> tuple[Floats, ...]:
    """Release and due in seconds from now, what a second of lateness costs, kilograms."""
    weights = snapshot.lateness_weights
    rows = [
        (
            0.0 if order.id in snapshot.on_board else order.release_s - snapshot.time_s,
            order.due_s - snapshot.time_s,
            weights[order.priority] if order.due_s < math.inf else 0.0,
            order.kg,
        )
        for order in orders
    ]
    return tuple(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))


def _follows(snapshot: Snapshot, orders: Sequence[Order]) -> Ints:
    """Pairs of which the first ends after the second, (E, 2); (k, k) where k cannot end at all."""
    index = {order.id: k for k, order in enumerate(orders)}
    pairs = [
        (k, index.get(name, k)) for k, order in enumerate(orders) for name in snapshot.sooner(order)
    ]
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _driven(
    order_of: Ints, first: Ints, last: Ints, chargers: int, capacity: int, loaded: bool
) -> npt.NDArray[np.bool_]:
    """Which legs some plan may drive, bool (P, P); the fewer, the sharper the bounds."""
    size = len(order_of)
    point: Ints = np.arange(size)
    plug = point >= size - chargers
    stop = order_of >= 0
    begins, ends = np.isin(point, first), np.isin(point, last)
    free = ends | (point == 0)  # nothing needs to be on board
    driven: npt.NDArray[np.bool_] = free[:, None] & (begins | plug)
    driven |= plug[:, None] & begins
    if capacity > 1:
        driven |= stop[:, None] & stop
    if loaded:
        driven |= stop[:, None] & plug
        driven |= plug[:, None] & stop
    same = (order_of[:, None] == order_of) & stop[:, None] & stop
    following = point[:, None] + 1 == point
    driven[same] = following[same]
    return driven


def drive_of(nodes: Sequence[int], order_of: Ints, a: int, b: int) -> Drive:
    """The leg between two points: along an order by the field to its next stop, else by the field
    from where the leg begins, as `Legs` has it."""
    return Drive(nodes[a], nodes[b], bool(order_of[a] >= 0 and order_of[a] == order_of[b]))


def _exact(
    nodes: tuple[int, ...], order_of: Ints, driven: npt.NDArray[np.bool_], cache: FieldCache
) -> tuple[Floats, Floats, Floats]:
    """Cost, time and length of the legs that are driven."""
    cost, time, length = (np.full(driven.shape, INFINITE) for _ in range(3))
    for a, b in np.argwhere(driven).tolist():
        drive = drive_of(nodes, order_of, a, b)
        way = cache.way("to" if drive.along else "from", drive.start, drive.end)
        if way is not None:
            cost[a, b], time[a, b], length[a, b] = way.cost_s, way.time_s, way.length_m
    return cost, time, length


def _spanned(
    nodes: tuple[int, ...], order_of: Ints, driven: npt.NDArray[np.bool_], spans: LegSpans
) -> tuple[tuple[Floats, Floats, Floats], tuple[Floats, Floats, Floats]]:
    """The same at least, and at most: infinite where a leg is not exact."""
    ends = np.full((2, 3, *driven.shape), INFINITE)
    for a, b in np.argwhere(driven).tolist():
        leg = spans.leg(drive_of(nodes, order_of, a, b))
        ends[:, :, a, b] = np.transpose((leg.cost_s, leg.time_s, leg.length_m))
    least, most = ends
    return (least[0], least[1], least[2]), (most[0], most[1], most[2])


def _table(
    snapshot: Snapshot, cost: Floats, time: Floats, length: Floats, order_of: Ints, last: Ints,
    other_kg: float,
) -> LegTable:  # fmt: skip
    """With the energy of each leg, and the time from one arrival to the next."""
    model = snapshot.energy
    per_m = model.drive_j_per_m + model.drive_j_per_m_kg * other_kg
    reached = np.isfinite(cost)
    metres, seconds = np.where(reached, length, 0.0), np.where(reached, time, 0.0)
    wh = np.where(reached, (model.ambient_w * seconds + per_m * metres) / 3600.0, INFINITE)
    clock = _clock(snapshot, time, order_of, last)
    return LegTable(cost, time, clock, length, wh, model.drive_j_per_m_kg * metres / 3600.0)


def _clock(snapshot: Snapshot, driving_s: Floats, order_of: Ints, last: Ints) -> Floats:
    """From one stop to the next: the work at the one, then the drive with its delays."""
    timing = snapshot.timing
    work_s = np.where(order_of >= 0, timing.pick_s, 0.0)
    work_s[last] = timing.drop_s
    clock_s: Floats = timing.delay * driving_s + work_s[:, None]
    return clock_s


def _at_plug(
    snapshot: Snapshot,
    chargers: tuple[str, ...],
    rule: ChargeRule,
    levels: Sequence[float],
    legs: LegTable,
    upper: LegTable,
) -> tuple[Floats, Floats, Floats]:
    """Seconds in queues (P, K), powers (K,), levels in Wh.

    A way that turns out longer makes a queue shorter; with a margin below 1, a second of the way
    may draw less than one in the queue, so that the queue is not taken in full before that.
    """
    wait_s = np.array([snapshot.charger_wait_s.get(name, 0.0) for name in chargers])
    power_w = [snapshot.charger_power_w.get(name, snapshot.charge_power_w) for name in chargers]
    to_plug_s = legs.time_s[:, len(legs.time_s) - len(chargers) :]
    queue_s = np.where(np.isfinite(to_plug_s), np.maximum(0.0, wait_s - to_plug_s), 0.0)
    loose = to_plug_s < upper.time_s[:, len(legs.time_s) - len(chargers) :]
    queue_s = np.where(loose & (snapshot.margin < 1.0), snapshot.margin * queue_s, queue_s)
    full_wh = rule.limit_soc * snapshot.capacity_wh
    wh = sorted({level * full_wh for level in levels}) if math.isfinite(full_wh) else []
    return queue_s, np.array(power_w, dtype=np.float64), np.array(wh, dtype=np.float64)


def _rate(power_w: Floats) -> float:
    """Seconds that a Wh takes at the fastest charger; 0 where none charges."""
    most = float(power_w.max(initial=0.0))
    return 3600.0 / most if most > 0.0 else 0.0


def _plugs(snapshot: Snapshot, legs: LegTable, queue_s: Floats, power_w: Floats) -> Ints:
    """The chargers worth a detour from point to point, int64 (P, P, K), the cheapest first.

    One is left out where another adds no more cost, time and energy on either side, and charges
    no slower; -1 fills up.
    """
    size, count = len(legs.cost_s), len(power_w)
    at = size - count

    def by_way(legs_to: Floats, legs_on: Floats) -> Floats:
        return np.asarray(legs_to[:, None, :] + legs_on.T[None, :, :])

    spent_wh = snapshot.margin * legs.wh[:, at:] + snapshot.energy.ambient_w * queue_s / 3600.0
    none = np.zeros((size, count))
    costs = by_way(legs.cost_s[:, at:], legs.cost_s[at:])
    spent = (
        costs,
        by_way(legs.clock_s[:, at:] + queue_s, legs.clock_s[at:]),
        by_way(spent_wh, none.T),
        by_way(legs.wh_kg[:, at:], none.T),
        by_way(none, legs.wh[at:]),
        by_way(none, legs.wh_kg[at:]),
        by_way(none, none.T - power_w[:, None]),
    )
    for k in range(count):
        for other in range(count):
            better = costs[..., other] < INFINITE
            for what in spent:
                better = better & (what[..., other] <= what[..., k])
            costs[better & (other != k), k] = INFINITE
    ranked = np.argsort(costs, axis=-1, kind="stable")
    plugs: Ints = np.where(np.take_along_axis(costs, ranked, -1) < INFINITE, ranked, -1)
    return plugs


def _close(legs: Floats) -> Floats:
    """Shortest ways over points: Floyd and Warshall's algorithm."""
    closed = legs.copy()
    np.fill_diagonal(closed, 0.0)
    for k in range(len(closed)):
        np.minimum(closed, closed[:, k, None] + closed[k], out=closed)
    return closed
