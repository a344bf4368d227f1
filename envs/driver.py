"""The driver: turns decisions into routes and routes into one action per tick.

It reads what the robot may know and nothing else: its body, its belief, the open orders.
"""

from __future__ import annotations

import math
from dataclasses import replace
from reprlib import repr as shown

from planners.tasks import Chooser, Decision, EnergyModel, Snapshot, Timing

from .chargers import ROBOT
from .charging import Charging
from .metrics import finite
from .replanning import Replanner, known_map
from .settings import PlannerSettings
from .world import CHARGE, SERVE, WAIT, World

__all__ = ["Driver", "PlannerSettings", "known_map", "snapshot_of"]

STOP_S = 8.0  # (a) that a stop takes beyond the work there: coming to rest, turning, setting out


def snapshot_of(world: World) -> Snapshot:
    """What a chooser may know now: belief, the robot itself, its orders, the open ones."""
    robot, profile, queues, book = world.robot, world.profile, world.chargers, world.book
    handling = world.rules.handling
    held = [replace(o, stops=o.stops[book.made(o.id) :]) for o in book.on_board]
    chargers = {f"charger-{k}": node for k, node in enumerate(world.layout.chargers, start=1)}
    return Snapshot(
        time_s=world.time_s,
        map=known_map(world),
        costs=world.belief.costs(),
        robot=robot.node,
        charge_wh=robot.battery.charge_wh,
        capacity_wh=profile.capacity_wh,
        reserve_wh=world.reserve_wh,
        charge_power_w=profile.charge_w,
        margin=robot.margin,
        payload_kg=robot.payload_kg,
        orders=(*held, *book.open(world.time_s)),
        chargers=chargers,
        charger_wait_s={k: queues.wait_s(n, world.tick, ROBOT) for k, n in chargers.items()},
        charger_power_w={k: queues.power_w[n] for k, n in chargers.items()},
        energy=EnergyModel(
            ambient_w=profile.ambient_w,
            drive_j_per_m=profile.drive_j_per_m,
            drive_j_per_m_kg=profile.drive_j_per_m_kg,
        ),
        timing=Timing(robot.delay, handling.pick_s + STOP_S, handling.drop_s + STOP_S),
        capacity=world.capacity,
        on_board=tuple(order.id for order in held),
    )


class Driver:
    """Turns decisions and routes into one action per tick, and replans when there is a reason."""

    def __init__(self, world: World, chooser: Chooser, settings: PlannerSettings) -> None:
        if not callable(getattr(chooser, "choose", None)) or isinstance(chooser, type):
            raise TypeError(
                "chooser must have a method choose(snapshot), such as make_chooser('utility') "
                f"gives, not {shown(chooser)}"
            )
        self.world, self.chooser, self.settings = world, chooser, settings
        self.replanner = Replanner(world, settings)
        self._charging = Charging(world, settings.charge_rule, lambda: snapshot_of(world))
        self._ask_s = -math.inf
        self._asked_open: frozenset[str] = frozenset()
        self._waiting = False
        self._planned = False
        self._legs_s: list[float] = []  # predicted driving times of the legs to come
        self._question: Snapshot | None = None  # it stands where the chooser raised

    def action(self) -> int:
        """What the robot commits to for the next tick."""
        world = self.world
        if not world.robot_ready:
            return WAIT
        goal = self._goal()
        if goal is None:
            return WAIT
        if world.robot.node == goal:
            return self._arrived()
        return self._drive(goal)

    # Goals.

    def _goal(self) -> int | None:
        """The node to go to: the taken order's next stop, the charger, or None after a decision."""
        stop = self.world.next_stop()
        if stop is not None:
            back = self._charging.turns_back()
            if back is not None:
                self._abort(back)
            elif self._may_switch():
                self._switch()
            else:
                return stop
        target = self._charging.target()
        if target is not None:
            if not self._has_news():
                return target
            self._charging.reconsider()
        self._decide()
        stop = self.world.next_stop()
        if stop is None:
            stop = self._charging.target()
        return self._charging.clear() if stop is None else stop

    def _has_news(self) -> bool:
        """Whether there are orders that the plan did not know, if the decision was a plan's.

        An order that was given up a moment ago is none, though it be the last one that is open.
        """
        if not self._planned:
            return False
        ready = self.world.book.ready(self.world.time_s)
        return any(order.id not in self._asked_open for order in ready)

    def _may_switch(self) -> bool:
        """Whether the next stop may be given up for an order that is new: nothing is begun there,
        or what is on board may wait.
        """
        book = self.world.book
        return self._has_news() and (self.world.capacity > 1 or not book.on_board)

    def _switch(self) -> None:
        """Leave the next stop: a fresh decision follows."""
        self.replanner.end(arrived=False)
        self.world.set_aside()
        self._charging.reconsider()

    def _orders(self) -> frozenset[str]:
        """Ids of what is on board and of what is open."""
        book = self.world.book
        return frozenset(o.id for o in (*book.on_board, *book.open(self.world.time_s)))

    def _abort(self, back: Decision) -> None:
        """Leave the order to reach a charger while that is still sure; where only one fits, other
        hands take it.
        """
        self.world.tally.aborts += 1
        self.world.note("abort", reason=back.reason)
        self._charging.finish()  # what it has taken so far is the least that it would have taken
        self.replanner.end(arrived=False)
        if self.world.capacity > 1:
            self.world.set_aside()
        else:
            self.world.give_up()
        self._carry_out(back)

    def _decide(self) -> None:
        world = self.world
        names = self._orders()
        if self._waiting and world.time_s < self._ask_s and names == self._asked_open:
            return
        if self._question is None:
            self._charging.finish()
            self.replanner.refresh(force=bool(names))  # idle, nothing hangs on the last seconds
            self._question = snapshot_of(world)
        decision = self.chooser.choose(self._question)
        self._question = None
        self._ask_s = world.time_s + self.settings.ask_again_s
        self._asked_open = names
        world.tally.refused.update((refusal.goal, refusal.code) for refusal in decision.refused)
        if decision.kind == "wait" and self._waiting:
            return
        self._carry_out(decision)

    def _carry_out(self, decision: Decision) -> None:
        world = self.world
        self._waiting, self._planned = decision.kind == "wait", decision.plan is not None
        world.tally.decided_by[decision.decided_by] += 1
        self._note_decision(decision)
        if self._waiting:
            return
        self._charging.begin(decision)
        chosen = [one for one in decision.candidates if one.goal == decision.goal]
        self._legs_s = [leg.time_s for one in chosen for leg in one.legs]
        if decision.kind == "order" and decision.goal is not None:
            world.accept(decision.goal)

    def _note_decision(self, decision: Decision) -> None:
        self.world.note(
            "decision",
            kind=decision.kind,
            goal=decision.goal,
            decided_by=decision.decided_by,
            reason=decision.reason,
            terms={name: finite(value) for name, value in decision.terms.items()},
            candidates=len(decision.candidates),
            refused=[[refusal.goal, refusal.code] for refusal in decision.refused],
        )
        if decision.trajectory is not None:
            self.world.note("trajectory", steps=decision.trajectory.as_json())

    def _arrived(self) -> int:
        """Close the leg, then serve or charge."""
        world, leg = self.world, self.replanner.leg
        self.replanner.end(arrived=True)
        if world.next_stop() is not None:
            if self._legs_s:
                predicted_s = self._legs_s.pop(0)
                if leg is not None:  # else it stood there already
                    world.robot.learn_delay(predicted_s, world.time_s - leg.began_s)
            return SERVE
        if not self._charging.arrived():
            return WAIT
        if not world.robot.charging:
            world.tally.charges += 1
            world.note("charge", node=world.robot.node, charge_wh=world.robot.battery.charge_wh)
        return CHARGE

    # Driving, giving up.

    def _drive(self, goal: int) -> int:
        """The next action of the leg to `goal`."""
        way = self.replanner
        if way.leg is None or way.leg.goal != goal:
            way.begin(goal)
        way.follow()
        reason = way.reason()
        if reason is not None:
            way.replan(reason)
        if way.stuck():
            way.end(arrived=False)
            self.world.give_up()
            self._charging.cancel()
            return WAIT
        return way.move()
