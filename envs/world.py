"""The living world: what is true, and one tick of it.

The order of a tick is fixed. 1 events fall due (orders, blockages). 2 people and 3 traffic robots
say where they want to go. 4 one resolver decides, people first. 5 the controlled robot does what
it committed to after the last tick, unless its node was taken in step 4. 6 everybody moves,
the battery pays. 7 the robot senses; belief learns what was seen a tick ago. 8 counting, hashing.

Python is needed where somebody asks for something; all ticks between run in `envs.kernels`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from planners.errors import expect
from planners.tasks import Order

from .assumptions import Assumptions
from .battery import Battery, RobotProfile, robot_profile
from .belief import Belief
from .blockages import BlockagePlan
from .chargers import ChargerQueues, check_range
from .checks import check_asked, check_motion, expect_number
from .crowd import Crowd
from .engine import engine_named
from .floor import Floor
from .kernels.state import TICK
from .metrics import Meetings, Tally, TraceHash, finite
from .orders import OrderBook, OrderModel, check_stops, order_book
from .robot import Robot

if TYPE_CHECKING:
    from .layouts import Layout

# What the robot can commit to, beside the node of a neighbour (>= 0).
WAIT, YIELD, CHARGE, SERVE = -1, -2, -3, -4

Orders = OrderBook | OrderModel | Sequence[tuple[int, ...] | Order] | None

__all__ = ["CHARGE", "SERVE", "WAIT", "YIELD", "Assumptions", "World"]


class World:
    """A warehouse in motion: one controlled robot among workers and traffic robots.

    The same seed gives the same world on every machine; what people, orders and blockages intend
    does not depend on what the robot does. `step(action)` advances one tick, `advance(action,
    ticks)` several. `belief`, `robot` and the open orders in `book` are what a planner may read;
    everything else is truth.

    Args:
        layout: grid (always walked four-connected) or graph, with its places and zones.
        seed: of every random stream.
        workers, traffic: how many people and other robots.
        profile: a name of `envs.battery.PROFILES` or a profile.
        orders: None (a Poisson stream), an `OrderModel`, a task list, or an `OrderBook`.
        initial_soc: state of charge at the start.
        blockages_per_hour: mean number of temporary blockages.
        lam_risk, lam_congestion, lam_energy: what the robot's planner weighs; 0 switches off.
        start: the robot's first node (or its cell, or label); the first charger if None.
        capacity: how many orders fit on board. Where it is more than one, none is taken any more
            after each stop: who drives says which to go on with.
        tick_s: seconds of a tick; a walker crosses at most one edge in it.
        engine: `compiled`, or `readable`: the rules of the floor in plain Python (`envs.rules`),
            tick for tick the same and much slower.

    Raises:
        ValueError: numbers out of range, a start that is blocked, too many walkers for the floor,
            cells that are crossed in less than a tick, a battery too small for any order, orders
            beyond the map.
    """

    def __init__(
        self, layout: Layout, *, seed: int = 0, workers: int = 12, traffic: int = 0,
        profile: str | RobotProfile = "delivery", orders: Orders = None,
        initial_soc: float = 0.9, blockages_per_hour: float = 4.0, lam_risk: float = 8.0,
        lam_congestion: float = 1.0, lam_energy: float | None = None, start: Any = None,
        capacity: int = 1, tick_s: float = 0.5, assumptions: Assumptions | None = None,
        engine: Literal["compiled", "readable"] = "compiled",
    ) -> None:  # fmt: skip
        rules = assumptions or Assumptions()
        expect(rules, Assumptions, "assumptions")
        check_asked(layout, seed=seed, workers=workers, traffic=traffic)
        self.layout, self.seed, self.tick_s, self.rules = layout, seed, tick_s, rules
        self.profile = robot_profile(profile)
        check_motion(layout, self.profile, rules.walk, tick_s)
        self.floor = Floor(layout, tick_s)
        node = layout.chargers[0] if start is None else layout.map.node(start)
        if self.floor.drive_map.is_blocked(node):
            raise ValueError(f"the robot cannot start on node {node}: blocked or outside the map")
        self.chargers = ChargerQueues.of(layout, self.floor, self.profile, tick_s)
        self.crowd = Crowd(
            layout, self.floor, node, seed=seed, workers=workers, traffic=traffic, tick_s=tick_s,
            robot_m_s=self.profile.speed_m_s, rules=rules.walk, chargers=self.chargers,
            charge_cycle=rules.charge_cycle,
        )  # fmt: skip
        battery, margin = Battery(self.profile, initial_soc), rules.handling.start_margin
        self.robot = Robot(self.crowd.agents, self.floor, battery, margin, tick_s)
        if orders is None or isinstance(orders, OrderModel):
            check_range(layout, self.floor, self.profile, node, self.reserve_wh)
        keep_free = {*layout.stations, *layout.chargers}
        self._blockages = BlockagePlan(self.floor, seed, blockages_per_hour, keep_free)
        self._open_book(orders, capacity)
        self.belief = Belief(
            self.floor.drive_map, layout, self.profile, seed=seed, staff=workers, fleet=traffic,
            tick_s=tick_s, model=rules.belief, sensor=rules.sensor, lam_risk=lam_risk,
            lam_congestion=lam_congestion, lam_energy=lam_energy, speed_m_s=self.floor.speed_m_s,
            telemetry_s=rules.handling.telemetry_s,
        )  # fmt: skip
        self._engine = engine_named(engine)(self.crowd, self.belief.senses)
        self._open_records()

    def _open_book(self, orders: Orders, capacity: int) -> None:
        expect_number("capacity", capacity, least=1, whole=True)
        self.book = order_book(orders, self.layout, self.seed)
        self.book.capacity = self.capacity = int(capacity)
        self._own_book = self.book is orders

    def _open_records(self) -> None:
        self.meetings, self.tally = Meetings(self.crowd.clock, self.tick_s), Tally()
        self._hash = TraceHash()
        self._events: list[dict[str, Any]] = []
        self._told: set[int] = set()  # indices of the blockages announced so far
        self._landed: set[int] = set()  # and of those that stand on the floor now
        self._next_event_s = 0.0
        self._fall_due()

    # What may be asked.

    @property
    def tick(self) -> int:
        """Ticks since the start."""
        return int(self.crowd.clock[TICK])

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
        return self.robot.position_m

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
        """Take an open order or take up one on board; ValueError for neither, or without room."""
        order = self.book.take(order_id)
        self.robot.stop = self.book.made(order_id)
        return order

    def set_aside(self) -> None:
        """Serve no order for now: the taken one stays on board, or is open again at once."""
        self._expect_ready("set an order aside")
        self.book.set_aside()
        self.robot.stop = 0

    def give_up(self) -> None:
        """Hand the taken order back; other hands take it off the robot (a), which keeps the rest.

        Raises:
            ValueError: while the robot works at a stop: what has been begun there is finished.
        """
        self._expect_ready("give up")
        order = self.book.taken
        self.tally.give_ups += 1
        self.note("give_up", order=None if order is None else order.id, node=self.robot.node)
        self.book.give_back(self.time_s)
        self.robot.stop = 0
        self.robot.payload_kg = self.book.kg
        self._next_event_s = 0.0

    def _expect_ready(self, what: str) -> None:
        if self.robot.serving:
            raise ValueError(f"the robot works at node {self.robot.node}: {what} when it is ready")

    def note(self, event: str, **values: Any) -> None:
        """Add a row to the log of events."""
        self._events.append({"event": event, "time_s": self.time_s, **values})

    def take_events(self) -> list[dict[str, Any]]:
        """Rows since the last call."""
        rows, self._events = self._events, []
        return rows

    # Ticks.

    def step(self, action: int = WAIT) -> None:
        """Advance one tick; `action` is a neighbouring node or WAIT, YIELD, CHARGE, SERVE.

        While the robot is under way or busy, the action is not looked at.

        Raises:
            ValueError: a node that no move reaches, CHARGE away from a charger, SERVE away from
                the stop.
        """
        self.advance(action, 1)

    def advance(self, action: int = WAIT, ticks: int = 1, *, goes_on: bool = False) -> int:
        """Advance up to so many ticks, the first with the action; returns how many it was.

        Ends early at the first moment at which the robot's next action counts; WAIT and CHARGE may
        go on for all of the ticks instead. The same as that many steps, bit for bit.

        Raises:
            ValueError: as `step`; ticks that are no whole number >= 0.
        """
        expect_number("ticks", ticks, whole=True)
        done, ticks = 0, int(ticks)  # a kernel is compiled for plain integers only
        goes_on = goes_on and action in (WAIT, CHARGE)
        while done < ticks:
            if self.time_s >= self._next_event_s:
                self._fall_due()
            ready = self.robot_ready
            self.robot.charging = False
            wanted = self._act(action) if ready else -1
            offers = ready and action == YIELD
            done += self._run(ticks - done, goes_on and ready, wanted, offers)
            if not goes_on and self.robot_ready:
                break
        return done

    def _at_most(self, ticks: int) -> int:
        """How many ticks may pass before Python has to look at events, belief or battery."""
        moment = min(self._next_event_s, self.belief.next_refresh_s)
        event = math.ceil((moment - self.time_s) / self.tick_s - 1e-6)
        return max(1, min(ticks, event, self.robot.ticks_of_charge))

    def _run(self, ticks: int, goes_on: bool, wanted: int, offers: bool) -> int:
        """Steps 2 to 8 of some ticks; how many it was."""
        robot, node, engine = self.robot, self.robot.node, self._engine
        trace = engine.run(self._at_most(ticks), goes_on=goes_on, wanted=wanted, offers=offers)
        if engine.left_for >= 0:
            pushed = engine.pushed_to >= 0
            self.tally.pushes += pushed
            robot.pay_departure(node, engine.left_for, pushed=pushed)
        elif wanted >= 0:
            self._bump(wanted)
        robot.moving = engine.robot_moved
        charger_w = self.chargers.power_w[robot.node] if robot.charging else None
        for row in trace:
            robot.pay_tick(charger_w)
            row[1] = robot.battery.charge_mj
        assert robot.battery.balanced, self.tick
        self._hash.update(trace)
        if robot.node != node:
            self.tally.visits[robot.node] = self.tally.visits.get(robot.node, 0) + 1
        if robot.busy_until == self.tick:
            self._finish_work()
        if robot.battery.empty and self.robot_ready:
            self._strand()
        self._believe()
        return len(trace)

    def _fall_due(self) -> None:
        """Step 1: orders, announcements, blockages; then when to look again."""
        now = self.time_s
        for order in self.book.release(now):
            if self._own_book:  # lists were looked at when the world was made
                check_stops(order.id, order.stops, self.layout)
            self.note("order", order=order.id, stops=list(order.stops), due_s=finite(order.due_s))
        late = self._close_nodes(now)
        self._next_event_s = min(self.book.next_release_s(), self._blockages.next_change_s(now))
        if late:
            self._next_event_s = min(self._next_event_s, now + 1.0)  # (a) somebody is in the way

    def _close_nodes(self, now: float) -> bool:
        """Announce, close and open nodes; True if something waits for a node to be left."""
        closed: set[int] = set()
        late = False
        for index, blockage in enumerate(self._blockages.until(now)):
            if blockage.announced_s <= now and index not in self._told:
                self._told.add(index)
                self.belief.announce(blockage)
            if not blockage.start_s <= now < blockage.end_s:
                self._landed.discard(index)
            elif index not in self._landed:
                # All of it or nothing: half of it could wall in who stands on the other half.
                if (self.crowd.holder[list(blockage.nodes)] >= 0).any():
                    late = True
                else:
                    self._landed.add(index)
            if index in self._landed:
                closed.update(blockage.nodes)
        if closed != self.floor.blocked:
            self.floor.set_blocked(closed)
            self.crowd.note_walls()
            self._hash.update(np.array([self.tick, *sorted(closed)], dtype=np.int64))
            self.note("blockage", nodes=sorted(closed))
        return late

    # The controlled robot.

    def _act(self, action: int) -> int:
        """Step 5: what the robot committed to; the node that it wants to enter now, or -1."""
        robot = self.robot
        if isinstance(action, (int, np.integer)) and action >= 0:
            return self._go(action)
        if action not in (WAIT, YIELD, CHARGE, SERVE):
            raise ValueError(
                f"no action {action!r}: a neighbouring node, WAIT (-1), YIELD (-2), CHARGE (-3) "
                "or SERVE (-4)"
            )
        robot.stand()
        if action == CHARGE:
            if robot.node not in self.layout.chargers:
                raise ValueError(f"no charger on node {robot.node}: {self.layout.chargers}")
            robot.charging = True
        elif action == SERVE:
            if robot.node != self.next_stop():
                stop = self.next_stop()
                raise ValueError(f"nothing to serve on node {robot.node}: next stop {stop}")
            self._serve()
        return -1

    def _go(self, node: int) -> int:
        if node not in self.floor.edges_mm(self.robot.node):
            around = ", ".join(map(str, self.floor.neighbours(self.robot.node)))
            raise ValueError(f"no move from node {self.robot.node} to {node}: to {around} only")
        return node if self.robot.faces(node, self.tick) else -1

    def _bump(self, node: int) -> None:
        """The way was not free: somebody is there, or something that the robot now knows of."""
        self.tally.vetoes += 1
        if node in self.floor.blocked:
            self.belief.bump(node, self.time_s)

    def _serve(self) -> None:
        order, robot, handling = self.book.taken, self.robot, self.rules.handling
        assert order is not None
        last = robot.stop == len(order.stops) - 1
        seconds = handling.drop_s if last else handling.pick_s
        robot.busy_until = self.tick + max(1, math.ceil(seconds / self.tick_s))
        robot.serving = True
        self.note("stop", order=order.id, stop=robot.stop, node=robot.node)
        if last:
            self.tally.delivered(order.release_s, order.due_s, self.time_s)
            self.note(
                "delivery", order=order.id, node=robot.node, due_s=finite(order.due_s),
                delivery_time_s=self.time_s - order.release_s, late=self.time_s > order.due_s,
            )  # fmt: skip

    def _strand(self) -> None:
        robot = self.robot
        robot.stranded = True
        self.tally.strandings += 1
        robot.busy_until = self.tick + math.ceil(self.rules.handling.stranded_s / self.tick_s)
        self.note("stranded", node=robot.node)

    def _finish_work(self) -> None:
        """What ends with this tick: work at a stop, a turn, or the wait for a charged pack."""
        robot = self.robot
        robot.turning = False
        if robot.stranded:
            robot.stranded = False
            robot.battery.add(round(self.rules.handling.rescue_soc * robot.battery.capacity_mj))
        elif robot.serving and self.book.taken is not None:
            robot.serving = False
            if self.book.stop_made():
                self._next_event_s = 0.0
            robot.stop = 0 if self.book.taken is None else robot.stop + 1
            self.robot.payload_kg = self.book.kg

    def _believe(self) -> None:
        """Step 7 goes on: what the robot has sensed becomes map and layers."""
        belief, now = self.belief, self.time_s
        if belief.has_news:
            belief.heed(now)
        if now >= belief.next_refresh_s:
            belief.refresh(now, self.robot_position_m, kg=self.robot.payload_kg)
