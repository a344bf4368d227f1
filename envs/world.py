"""The living world: what is true, and one tick of it.

The order of a tick is fixed. 1 events fall due (orders, blockages). 2 people and 3 traffic robots
say where they want to go. 4 one resolver decides, people first. 5 the controlled robot does what
it committed to after the last tick, unless its node was taken in step 4. 6 everybody moves,
the battery pays. 7 the robot senses; belief learns what was seen a tick ago. 8 counting, hashing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from planners.tasks import Order

from .battery import Battery, Robot, RobotProfile, robot_profile
from .belief import Belief, BeliefModel, Sensor, SensorModel
from .blockages import BlockagePlan, Floor
from .chargers import ChargerQueues, check_range
from .metrics import Meetings, Tally, TraceHash, finite
from .orders import OrderBook, OrderModel, order_book
from .people import ROBOT, Crowd, Sighting, WalkRules, body_of

if TYPE_CHECKING:
    from .layouts import Layout

# What the robot can commit to, beside the node of a neighbour (>= 0).
WAIT, YIELD, CHARGE, SERVE = -1, -2, -3, -4

Orders = OrderBook | OrderModel | Sequence[tuple[int, ...] | Order] | None

IN_SIGHT_M = 4.0  # bodies farther than this cannot come near within a tick


@dataclass(frozen=True)
class Handling:
    """What work at a place takes, and what a flat battery costs; assumptions (a)."""

    pick_s: float = 8.0
    drop_s: float = 6.0
    stranded_s: float = 900.0
    rescue_soc: float = 0.2  # charge of the pack that is brought to a stranded robot
    telemetry_s: float = 5.0
    reserve_share: float = 0.1
    start_margin: float = 1.2


@dataclass(frozen=True)
class Assumptions:
    """The world's smaller numbers, by topic."""

    walk: WalkRules = field(default_factory=WalkRules)
    sensor: SensorModel = field(default_factory=SensorModel)
    belief: BeliefModel = field(default_factory=BeliefModel)
    handling: Handling = field(default_factory=Handling)


class World:
    """A warehouse in motion: one controlled robot among workers and traffic robots.

    The same seed gives the same world on every machine; what people, orders and blockages intend
    does not depend on what the robot does. `step(action)` advances half a second. `belief`, `robot`
    and the open orders in `book` are what a planner may read; everything else is truth.

    Args:
        layout: grid (always walked four-connected) or graph, with its places.
        seed: of every random stream.
        workers, traffic: how many people and other robots.
        profile: a name of `envs.battery.PROFILES` or a profile.
        orders: None (a Poisson stream), an `OrderModel`, a task list, or an `OrderBook`.
        initial_soc: state of charge at the start.
        blockages_per_hour: mean number of temporary blockages.
        lam_risk, lam_congestion, lam_energy: what the robot's planner weighs; 0 switches off.
        start: the robot's first node; the first charger if None.

    Raises:
        ValueError: numbers out of range, a start that is blocked, too many walkers for the floor,
            a battery too small for any order.
    """

    def __init__(
        self, layout: Layout, *, seed: int = 0, workers: int = 12, traffic: int = 0,
        profile: str | RobotProfile = "delivery", orders: Orders = None,
        initial_soc: float = 0.9, blockages_per_hour: float = 4.0, lam_risk: float = 8.0,
        lam_congestion: float = 1.0, lam_energy: float | None = None, start: int | None = None,
        tick_s: float = 0.5, assumptions: Assumptions | None = None,
    ) -> None:  # fmt: skip
        rules = assumptions or Assumptions()
        self._check_numbers(workers=workers, traffic=traffic, tick_s=tick_s)
        self.layout, self.seed, self.tick_s, self.rules = layout, seed, tick_s, rules
        self.tick, self._tick_ms = 0, round(1000 * tick_s)
        self.profile = robot_profile(profile)
        self._speed_mm = round(1000 * self.profile.speed_m_s * tick_s)
        self.floor = Floor(layout.map)
        node = layout.chargers[0] if start is None else start
        if not 0 <= node < self.floor.size or self.floor.map.is_blocked(node):
            raise ValueError(f"the robot cannot start on node {node}: blocked or outside the map")
        margin = rules.handling.start_margin
        self.robot = Robot(node, Battery(self.profile, initial_soc), margin=margin)
        self.crowd = Crowd(
            layout, self.floor, node, seed=seed, workers=workers, traffic=traffic, tick_s=tick_s,
            rules=rules.walk,
        )  # fmt: skip
        keep_free = {*layout.stations, *layout.chargers}
        if orders is None or isinstance(orders, OrderModel):
            check_range(layout, self.floor, self.profile, node, self.reserve_wh)
        self.chargers = ChargerQueues.of(layout, self.floor, self.profile, tick_s)
        self._blockages = BlockagePlan(self.floor, seed, blockages_per_hour, keep_free)
        self.book = order_book(orders, layout, seed)
        self.belief = Belief(
            self.floor, layout, self.profile, staff=workers, tick_s=tick_s,
            model=rules.belief, lam_risk=lam_risk, lam_congestion=lam_congestion,
            lam_energy=lam_energy,
        )  # fmt: skip
        self._sensor = Sensor(self.floor, seed, rules.sensor)
        self._open_records()

    def _check_numbers(self, *, workers: int, traffic: int, tick_s: float) -> None:
        for name, count in (("workers", workers), ("traffic", traffic)):
            if count < 0:
                raise ValueError(f"{name} must be >= 0, got {count}")
        if not (math.isfinite(tick_s) and tick_s > 0):
            raise ValueError(f"tick_s must be finite and > 0, got {tick_s!r}")

    def _open_records(self) -> None:
        self._sighting: Sighting | None = None
        self.meetings, self.tally, self._hash = Meetings(self.tick_s), Tally(), TraceHash()
        self._events: list[dict[str, Any]] = []
        self._told: set[int] = set()  # indices of the blockages announced so far
        self._closed_by: dict[int, int] = {}  # node -> index of the blockage on it
        self._next_event_s = 0.0
        self._fall_due()

    # What may be asked.

    @property
    def time_s(self) -> float:
        """Seconds since the start."""
        return self.tick * self.tick_s

    @property
    def trace_hash(self) -> str:
        """sha256 over every tick's true state."""
        return self._hash.hexdigest()

    @property
    def robot_position_m(self) -> tuple[float, float]:
        """Where the robot is, its part of the edge included."""
        robot = self.robot
        return self.floor.place(robot.node, robot.to, robot.done_mm, robot.length_mm)

    @property
    def robot_ready(self) -> bool:
        """Whether the robot stands with nothing under way: its next action will count."""
        robot = self.robot
        return robot.to < 0 and robot.busy_until <= self.tick

    @property
    def reserve_wh(self) -> float:
        """Charge that no plan may touch."""
        return self.rules.handling.reserve_share * self.profile.capacity_wh

    def next_stop(self) -> int | None:
        """The node to serve next, None without an order."""
        order = self.book.taken
        return None if order is None else order.stops[self.robot.stop]

    # What may be done between ticks.

    def accept(self, order_id: str) -> Order:
        """Take an open order; ValueError if it is not open or another is on board."""
        order = self.book.take(order_id)
        self.robot.stop = 0
        return order

    def give_up(self) -> None:
        """Hand the order back; other hands take care of what was on board (a)."""
        order = self.book.taken
        self.tally.give_ups += 1
        self.note("give_up", order=None if order is None else order.id, node=self.robot.node)
        self.book.give_back(self.time_s)
        self.robot.payload_kg, self.robot.stop = 0.0, 0

    def note(self, event: str, **values: Any) -> None:
        """Add a row to the log of events."""
        self._events.append({"event": event, "time_s": self.time_s, **values})

    def take_events(self) -> list[dict[str, Any]]:
        """Rows since the last call."""
        rows, self._events = self._events, []
        return rows

    # One tick.

    def step(self, action: int = WAIT) -> None:
        """Advance one tick; `action` is a neighbouring node or WAIT, YIELD, CHARGE, SERVE.

        While the robot is under way or busy, the action is not looked at.

        Raises:
            ValueError: a node that no move reaches, CHARGE away from a charger, SERVE away from
                the stop.
        """
        if self.time_s >= self._next_event_s:
            self._fall_due()
        ready = self.robot_ready
        pushed = self.crowd.decide(self.tick, robot_offers=ready and action == YIELD)
        self.robot.charging = False
        if pushed is not None:
            self.tally.pushes += 1
            self._depart(pushed)
        elif ready:
            self._act(action)
        self.crowd.walk()
        self._drive()
        self._pay()
        self.tick += 1
        self._finish_work()
        self._sense()
        self._observe()

    def _fall_due(self) -> None:
        """Step 1: orders, announcements, blockages; then when to look again."""
        now = self.time_s
        for order in self.book.release(now):
            self.note("order", order=order.id, stops=list(order.stops), due_s=finite(order.due_s))
        before = self.floor.blocked
        for index, blockage in enumerate(self._blockages.until(now)):
            if blockage.announced_s <= now and index not in self._told:
                self._told.add(index)
                self.belief.announce(blockage)
            for node in blockage.nodes:
                active = blockage.start_s <= now < blockage.end_s
                if not active and self._closed_by.get(node) == index:
                    del self._closed_by[node]
                elif active and node not in self._closed_by and node not in self.crowd.holder:
                    self._closed_by[node] = index
        if self._closed_by.keys() != before:
            self.floor.set_blocked(self._closed_by)
            self.note("blockage", nodes=sorted(self._closed_by))
        self._next_event_s = now + 1.0  # (a) events take effect on the full second

    def _act(self, action: int) -> None:
        """Step 5: what the robot committed to."""
        robot = self.robot
        if action >= 0:
            self._go(action)
            return
        robot.carry_mm = 0
        if action == CHARGE:
            if robot.node not in self.layout.chargers:
                raise ValueError(f"no charger on node {robot.node}: {self.layout.chargers}")
            robot.charging = True
        elif action == SERVE:
            if robot.node != self.next_stop():
                stop = self.next_stop()
                raise ValueError(f"nothing to serve on node {robot.node}: next stop {stop}")
            self._serve()

    def _go(self, node: int) -> None:
        robot = self.robot
        if node not in self.floor.edges_mm(robot.node):
            raise ValueError(f"no move from node {robot.node} to {node}")
        if robot.heading_rad != (heading := self._heading(node)):
            self._turn(heading)
        if robot.turn_left_ms > 0:
            robot.turn_left_ms -= self._tick_ms
            if robot.turn_left_ms > 0:
                return
            robot.carry_mm = self._speed_mm * -robot.turn_left_ms // self._tick_ms
            robot.carry_mm -= self._speed_mm  # the tick's own advance follows in `_drive`
        if node in self.floor.blocked:
            self.belief.bump(node, self.time_s)
        if node in self.floor.blocked or node in self.crowd.holder:
            self.tally.vetoes += 1
            robot.carry_mm = 0
            return
        if not robot.moving:
            robot.battery.drain(self.profile.start_mj(robot.payload_kg))
        self._depart(node)

    def _heading(self, node: int) -> float:
        (x0, y0), (x1, y1) = self.floor.xy[self.robot.node], self.floor.xy[node]
        return math.atan2(y1 - y0, x1 - x0)

    def _turn(self, heading: float) -> None:
        robot = self.robot
        if robot.heading_rad is not None:
            angle = abs(math.remainder(heading - robot.heading_rad, math.tau))
            if self.profile.reversible:
                angle = min(angle, math.pi - angle)
            if angle > 1e-6:
                robot.turn_left_ms = self.profile.turn_ms(angle)
                robot.battery.drain(self.profile.turn_mj())
        robot.heading_rad = heading

    def _depart(self, node: int) -> None:
        robot = self.robot
        robot.to, robot.length_mm = node, self.floor.edges_mm(robot.node)[node]
        robot.done_mm, robot.carry_mm, robot.turn_left_ms = robot.carry_mm, 0, 0
        robot.battery.drain(self.profile.drive_mj(robot.length_mm, robot.payload_kg))
        self.crowd.holder[node] = ROBOT
        self.crowd.vacating[robot.node] = ROBOT

    def _serve(self) -> None:
        order, robot, handling = self.book.taken, self.robot, self.rules.handling
        assert order is not None
        last = robot.stop == len(order.stops) - 1
        seconds = handling.drop_s if last else handling.pick_s
        robot.busy_until = self.tick + max(1, math.ceil(seconds / self.tick_s))
        self.note("stop", order=order.id, stop=robot.stop, node=robot.node)
        if last:
            self.tally.delivered(order.release_s, order.due_s, self.time_s)
            self.note(
                "delivery", order=order.id, node=robot.node, due_s=finite(order.due_s),
                delivery_time_s=self.time_s - order.release_s, late=self.time_s > order.due_s,
            )  # fmt: skip

    def _drive(self) -> None:
        """Step 6 for the robot: along its edge."""
        robot = self.robot
        robot.moving = robot.to >= 0
        if not robot.moving:
            return
        robot.done_mm += self._speed_mm
        if robot.done_mm >= robot.length_mm:
            robot.carry_mm = min(robot.done_mm - robot.length_mm, self._speed_mm)
            del self.crowd.holder[robot.node], self.crowd.vacating[robot.node]
            robot.node = self.crowd.at[ROBOT] = robot.to
            robot.to, robot.done_mm = -1, 0
            self.tally.visits[robot.node] = self.tally.visits.get(robot.node, 0) + 1

    def _pay(self) -> None:
        """Step 6 for the battery: ambient draw, charging, and what happens when it is flat."""
        robot, battery = self.robot, self.robot.battery
        battery.drain(self.profile.ambient_mj(self._tick_ms))
        if robot.charging:
            battery.charge(self._tick_ms, self.chargers.power_w[robot.node])
        if battery.empty and self.robot_ready:
            robot.stranded = True
            self.tally.strandings += 1
            pause = math.ceil(self.rules.handling.stranded_s / self.tick_s)
            robot.busy_until = self.tick + 1 + pause
            self.note("stranded", node=robot.node)

    def _finish_work(self) -> None:
        """What ends with this tick: work at a stop, or the wait for a charged pack."""
        robot, order = self.robot, self.book.taken
        if robot.busy_until != self.tick:
            return
        if robot.stranded:
            robot.stranded = False
            robot.battery.add(round(self.rules.handling.rescue_soc * robot.battery.capacity_mj))
        elif order is not None:
            robot.stop += 1
            robot.payload_kg = order.kg
            if robot.stop == len(order.stops):
                robot.stop, robot.payload_kg = 0, 0.0
                self.book.delivered()

    def _sense(self) -> None:
        """Step 7: belief takes in the look of a tick ago, and the sensor looks again."""
        robot, now = self.robot, self.time_s
        if self._sighting is not None:
            self.belief.sense(self._sighting)
        node = robot.to if 2 * robot.done_mm > robot.length_mm and robot.to >= 0 else robot.node
        self._sighting = self._sensor.look(
            self.tick, now, node, self.crowd.walkers, self.floor.blocked
        )
        if self.tick % max(1, round(self.rules.handling.telemetry_s / self.tick_s)) == 0:
            fleet = [w.node for w in self.crowd.walkers if not w.person]
            self.belief.hear_fleet(fleet, self.rules.handling.telemetry_s)
        self.belief.refresh(now, self.robot_position_m, kg=robot.payload_kg)

    def _observe(self) -> None:
        """Step 8: invariants, meetings, hash."""
        robot, crowd, floor = self.robot, self.crowd, self.floor
        x, y = here = self.robot_position_m
        numbers = [self.tick, robot.node, robot.to, robot.done_mm, robot.stop]
        numbers.append(robot.battery.charge_mj)
        bodies, held = [], 1 + (robot.to >= 0)
        for walker in crowd.walkers:
            numbers += (walker.node, walker.to, walker.done_mm)
            held += 1 + (walker.to >= 0)
            at_x, at_y = floor.xy[walker.node]
            reach = IN_SIGHT_M if walker.to < 0 else IN_SIGHT_M + walker.length_mm / 1000
            if abs(at_x - x) < reach and abs(at_y - y) < reach:
                bodies.append(body_of(walker, floor))
            assert crowd.holder[walker.node] == walker.id, (self.tick, walker.id)
        assert crowd.holder[robot.node] == ROBOT, self.tick
        assert robot.battery.balanced, self.tick
        # Every agent holds its nodes and nobody holds more: no shared node, so no swap either.
        assert held == len(crowd.holder), self.tick
        self.meetings.observe(here, robot.moving, bodies)
        self._hash.add(numbers)
