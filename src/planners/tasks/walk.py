"""A plan walked stop by stop, in spans: clock, cost and charge at every stop.

The rules are those of the search over plans. The robot drives the way of least cost between stops
in the time that `Timing` gives it, works at them, and waits where it picks an order for its
release. At a charger it waits in the queue that telemetry expects, then plugs in at full power. A
leg takes ``margin`` times its predicted energy. Seconds in a queue and at a plug delay what follows
and are no cost of their own. By way of a charger it is at a stop at least `LATER_S` later than
straight on: nobody plugs in to win time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .plans import Plan, Stop
from .reserve import DEFAULT_RULE, ChargeRule, Threshold
from .snapshot import Order, Snapshot, natural_key
from .spans import Drive, LegSpan, LegSpans, Span

LATER_S = 1e-3  # as in `deep.kernels.batch`


@dataclass(frozen=True)
class Step:
    """One stop of a plan, made. Clock and cost count from the snapshot's moment.

    ``wh`` is the charge on leaving, ``before_wh`` on arriving (at a plug: after its queue).
    ``needed_wh`` is what the battery rule asks for on arriving (None: nothing), ``lateness_s`` the
    weighted lateness of the order that ends here, ``late_s`` the plain seconds. ``drives`` are the
    legs that all this hangs on, those to a charger after a drop included.
    """

    stop: Stop
    cost_s: Span
    time_s: Span
    before_wh: Span
    wh: Span
    needed_wh: Span | None
    late_s: Span
    lateness_s: Span
    drives: tuple[Drive, ...]


@dataclass(frozen=True)
class Walk:
    """All steps up to the first stop that no way leads to; ``total_s`` is the plan's objective."""

    steps: tuple[Step, ...]

    @property
    def total_s(self) -> Span:
        """Sum of the leg costs plus the weighted lateness; 0 for a plan without stops."""
        return self.steps[-1].cost_s if self.steps else Span(0.0, 0.0)


def walk(snapshot: Snapshot, plan: Plan, legs: LegSpans, rule: ChargeRule = DEFAULT_RULE) -> Walk:
    """Walk a plan whose orders, chargers and sequence make sense (see `critics`)."""
    robot = _Robot(snapshot, legs, rule)
    for stop in plan.stops:
        robot.make(stop)
        if robot.steps[-1].cost_s.least == math.inf:
            break
    return Walk(tuple(robot.steps))


class _Robot:
    """Where the walk is: node, clock, cost, charge, and what is on board."""

    def __init__(self, snapshot: Snapshot, legs: LegSpans, rule: ChargeRule) -> None:
        self.snapshot, self.legs, self.rule = snapshot, legs, rule
        self.orders = {order.id: order for order in snapshot.orders}
        self.node, self.kg = snapshot.robot, snapshot.payload_kg
        self.time_s = self.cost_s = Span(0.0, 0.0)
        self.work_s = 0.0  # at the stop that it stands at
        self.wh = Span(snapshot.charge_wh, snapshot.charge_wh)
        self.straight: tuple[int, Span] | None = None  # left for a charger: from where, and when
        self.steps: list[Step] = []

    def make(self, stop: Stop) -> None:
        """Drive to the next stop and serve it or charge there."""
        drives = [self._drive(stop)]
        if stop.kind == "charge":
            self._charge(stop, drives)
        else:
            self._visit(stop, self.orders[str(stop.order)], drives)
        self.node = stop.node

    def _drive(self, stop: Stop) -> Drive:
        before = self.steps[-1].stop if self.steps else None
        along = before is not None and before.order is not None and before.order == stop.order
        drive = Drive(self.node, stop.node, along)
        leg = self.legs.leg(drive)
        self.cost_s = self.cost_s.plus(leg.cost_s)
        wh = self._leg_wh(leg)
        margin = self.snapshot.margin
        self.wh = Span(self.wh.least - margin * wh.most, self.wh.most - margin * wh.least)
        return drive

    def _seconds(self, leg: LegSpan) -> Span:
        """How long a leg takes, delays included."""
        return Span(*(self.snapshot.timing.leg_s(seconds) for seconds in leg.time_s))

    def _until_plug(self, charger: str, driving_s: float) -> float:
        """Until the plug is free, the drive there included; it grows with the drive."""
        if driving_s == math.inf:
            return math.inf
        queue_s = max(0.0, self._wait_s(charger) - driving_s)
        return self.snapshot.timing.leg_s(driving_s) + queue_s

    def _leg_wh(self, leg: LegSpan) -> Span:
        ends = (
            self.snapshot.energy.leg_wh(metres, seconds, self.kg)
            if seconds < math.inf
            else math.inf
            for metres, seconds in zip(leg.length_m, leg.time_s, strict=True)
        )
        return Span(*ends)

    def _visit(self, stop: Stop, order: Order, drives: list[Drive]) -> None:
        snapshot, leg = self.snapshot, self.legs.leg(drives[0])
        time_s = self.time_s.plus(self.work_s).plus(self._seconds(leg))
        if self.straight is not None:
            drives.append(Drive(self.straight[0], stop.node, False))
            direct_s = self._seconds(self.legs.leg(drives[1]))
            if direct_s.least < math.inf:
                time_s = time_s.at_least(self.straight[1].plus(direct_s).plus(LATER_S))
            self.straight = None
        picks = stop.place == 0 and order.id not in snapshot.on_board
        ends = stop.place == len(order.stops) - 1
        if picks:
            time_s = time_s.at_least(order.release_s - snapshot.time_s)
        if picks != ends:
            self.kg += order.kg if picks else -order.kg
        self.time_s, needed, late, lateness = time_s, None, Span(0.0, 0.0), Span(0.0, 0.0)
        self.work_s = snapshot.timing.pick_s
        if ends:
            at = [snapshot.time_s + moment for moment in time_s]
            late = Span(*(max(0.0, moment - order.due_s) for moment in at))
            weights = snapshot.lateness_weights
            lateness = Span(*(order.lateness_s(moment, weights) for moment in at))
            self.cost_s = self.cost_s.plus(lateness)
            needed = self._way_out(stop.node, drives)
            self.work_s = snapshot.timing.drop_s
        self._note(stop, drives, self.wh, needed, late, lateness)

    def _charge(self, stop: Stop, drives: list[Drive]) -> None:
        snapshot, leg, name = self.snapshot, self.legs.leg(drives[0]), str(stop.charger)
        self.time_s = self.time_s.plus(self.work_s)
        self.work_s = 0.0
        if self.straight is None:
            self.straight = (self.node, self.time_s)
        wait_s = self._queue(name, leg)
        self.wh = self.wh.plus(Span(*(-wh for wh in self._ambient_wh(wait_s)[::-1])))
        before = self.wh
        self.time_s = self.time_s.plus(Span(*(self._until_plug(name, s) for s in leg.time_s)))
        if math.isfinite(snapshot.charge_wh):
            soc = self.rule.limit_soc if stop.to_soc is None else stop.to_soc
            level_wh = soc * snapshot.capacity_wh
            power_w = snapshot.charger_power_w.get(name, snapshot.charge_power_w)
            missing = (max(0.0, level_wh - wh) for wh in self.wh[::-1])
            at_plug = (3600.0 * wh / power_w if power_w else math.inf for wh in missing)
            self.time_s = self.time_s.plus(Span(*at_plug))
            self.wh = self.wh.at_least(level_wh)
        nothing = Span(0.0, 0.0)
        self._note(stop, drives, before, self._reserve(), nothing, nothing)

    def _note(
        self, stop: Stop, drives: list[Drive], before: Span, needed: Span | None, late: Span,
        lateness: Span,
    ) -> None:  # fmt: skip
        self.steps.append(
            Step(stop, self.cost_s, self.time_s, before, self.wh, needed, late, lateness,
                 tuple(drives))
        )  # fmt: skip

    # The battery rule.

    def _reserve(self) -> Span | None:
        free = math.isinf(self.snapshot.charge_wh) or isinstance(self.rule, Threshold)
        return None if free else Span(self.snapshot.reserve_wh, self.snapshot.reserve_wh)

    def _way_out(self, node: int, drives: list[Drive]) -> Span | None:
        """The reserve and the way to the charger that takes least, its queue included."""
        reserve = self._reserve()
        if reserve is None or not self.snapshot.chargers:
            return reserve
        needs = []
        for name in sorted(self.snapshot.chargers, key=natural_key):
            drive = Drive(node, self.snapshot.chargers[name], False)
            leg = self.legs.leg(drive)
            wh = self._leg_wh(leg).plus(self._ambient_wh(self._queue(name, leg)))
            needs.append((wh, drive))
        needs.sort(key=lambda need: need[0].least)  # the most promising is tightened first
        drives += [drive for _, drive in needs]
        least = Span(min(wh.least for wh, _ in needs), min(wh.most for wh, _ in needs))
        return reserve.plus(least)

    def _wait_s(self, charger: str) -> float:
        return self.snapshot.charger_wait_s.get(charger, 0.0)

    def _queue(self, charger: str, leg: LegSpan) -> Span:
        """Seconds from the arrival until the plug is free: the fewer, the longer the way."""
        wait_s = self._wait_s(charger)
        return Span(*(max(0.0, wait_s - s) if s < math.inf else 0.0 for s in leg.time_s[::-1]))

    def _ambient_wh(self, seconds: Span) -> Span:
        watts = self.snapshot.energy.ambient_w
        return Span(*(watts * s / 3600.0 if watts else 0.0 for s in seconds))
