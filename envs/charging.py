"""The robot's dealings with chargers: to go there, queue, charge, turn back in time, and learn.

The driver asks where to go and what to do there. Queues are what fleet telemetry tells
(`World.chargers`); the rule decides when to turn back (`ChargeRule.spare_wh`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from planners.tasks import ChargeRule, Decision, FieldCache, Legs, Snapshot
from planners.tasks.reserve import charge_decision, way_to_plug, within_charge

from .battery import MJ_PER_WH
from .chargers import ROBOT

if TYPE_CHECKING:
    from .world import World

JOIN_M = 15.0  # (a) in a straight line: this near to its charger a robot joins the queue
LOOK_AGAIN_WH = 1.0  # (a) where no way leads to a charger, look again after so much more energy


class Charging:
    """Which charger the robot is on its way to or at, and what its present task was to take."""

    def __init__(self, world: World, rule: ChargeRule, look: Callable[[], Snapshot]) -> None:
        self._world, self._rule, self._look = world, rule, look
        self._cache = FieldCache()
        self._charger: int | None = None
        self._until_soc = rule.limit_soc
        self._parking: int | None = None
        self._joined_s: float | None = None
        self._task: tuple[float, int] | None = None  # predicted Wh, mJ drained before it
        self._look_mj = 0.0  # turning back is looked at when so much has been drained in all,
        self._looked_at = (-1, -1)  # or when the believed map or the queues have changed

    # Tasks: what was predicted, what was paid.

    def begin(self, decision: Decision) -> None:
        """Take up a decision to serve an order or to charge."""
        drained_mj = self._world.robot.battery.drained_mj
        self._parking, self._task, self._look_mj = None, None, 0.0
        self._looked_at = self._versions
        if decision.kind == "charge":
            chargers = self._look().chargers
            self._charger = chargers[decision.goal or min(chargers)]
            self._until_soc = self._asked_soc(decision)
            if "energy_wh" in decision.terms:
                self._task = (decision.terms["energy_wh"], drained_mj)
            return
        for candidate in decision.candidates:
            if candidate.goal == decision.goal:
                legs = candidate.legs if self._world.capacity == 1 else candidate.legs[:1]
                self._task = (math.fsum(leg.energy_wh for leg in legs), drained_mj)
                # From anywhere on its way a charger can be reached by way of the drop.
                snapshot = self._look()
                wait_s = snapshot.charger_wait_s.get(candidate.charger or "", 0.0)
                way_wh = candidate.energy_wh + candidate.to_charger_wh
                way_wh += snapshot.energy.ambient_w * wait_s / 3600.0
                spare_wh = self._rule.spare_wh(snapshot, way_wh)
                self._look_again(drained_mj, spare_wh, self._world.robot.margin)

    def _asked_soc(self, decision: Decision) -> float:
        """Where charging ends: at what the decision's plan says, at most at the rule's limit."""
        asked = None if decision.plan is None else decision.plan.stops[0].to_soc
        return self._rule.limit_soc if asked is None else min(asked, self._rule.limit_soc)

    def reconsider(self) -> None:
        """The robot may leave off: forget the charger, and the task without learning from it.

        Its place in the queue stays until it is under way to somewhere else.
        """
        self._charger = self._task = None

    def finish(self) -> None:
        """The task is done: learn the margin from it."""
        if self._task is not None:
            predicted_wh, before_mj = self._task
            battery = self._world.robot.battery
            actual_wh = (battery.drained_mj - before_mj) / MJ_PER_WH
            self._world.robot.learn_margin(predicted_wh, actual_wh)
        self._task = None

    def cancel(self) -> None:
        """Forget the task, the place in a queue, and the place to make room on."""
        self._task = self._charger = self._parking = self._joined_s = None
        self._world.chargers.leave(ROBOT, self._world.tick)

    def turns_back(self) -> Decision | None:
        """A decision to charge where the charge comes near what the way to a charger takes.

        The way grows by no more than the energy driven, so it is looked at again only after so
        much that both could have met, or when the believed map or the queues have changed.
        """
        self._unplug()
        world, drained_mj = self._world, self._world.robot.battery.drained_mj
        known = drained_mj < self._look_mj and self._looked_at == self._versions
        if known or world.robot.node == world.next_stop():
            return None
        self._looked_at = self._versions
        snapshot = self._look()
        if snapshot.capacity == 1:  # other hands take what is on board
            snapshot = replace(snapshot, payload_kg=0.0, on_board=())
        legs = Legs(snapshot, self._cache)
        nearest = way_to_plug(snapshot, legs, snapshot.robot)
        if nearest is None:
            self._look_mj = drained_mj + LOOK_AGAIN_WH * MJ_PER_WH
            return None
        way_wh = nearest[1]
        spare_wh = self._rule.spare_wh(snapshot, way_wh)
        if spare_wh > 0.0:
            self._look_again(drained_mj, spare_wh, snapshot.margin)
            return None
        reason = (
            f"turning back: {snapshot.charge_wh:.1f} Wh left, {way_wh:.1f} Wh predicted to "
            f"{nearest[0]}, {snapshot.margin:.2f} times that to be safe"
        )
        ways = within_charge(snapshot, legs)
        return charge_decision(snapshot, ways, self._rule, self._rule.name, reason)

    @property
    def _versions(self) -> tuple[int, int]:
        return self._world.belief.map_version, self._world.chargers.version

    def _look_again(self, drained_mj: int, spare_wh: float, margin: float) -> None:
        self._look_mj = drained_mj + max(0.0, spare_wh) / (1.0 + margin) * MJ_PER_WH

    # The charger: where to go, and what to do there.

    def target(self) -> int | None:
        """The node to go to now: the charger, or the place to wait for it; None when all is done.

        A robot that waits where no place is left stays where it stands.
        """
        world, queues, robot = self._world, self._world.chargers, self._world.robot
        self._unplug()
        if self._charger is None:
            return None
        if robot.battery.soc >= self._until_soc:
            world.note("charged", charge_wh=robot.battery.charge_wh)
            self._charger = None
            return None
        if self._near(self._charger):
            self._join(self._charger)
            if not queues.may_enter(ROBOT, self._charger):
                self.finish()  # waiting is not part of the way that was predicted
                place = queues.place(ROBOT)
                return robot.node if place is None else place
            if self._joined_s is not None:
                world.tally.charger_wait_s += world.time_s - self._joined_s
                self._joined_s = None
        return self._charger

    def clear(self) -> int | None:
        """Where an idle robot goes that stands in the way of others at a charger, else None."""
        queues, node = self._world.chargers, self._world.robot.node
        if self._parking is None and node in queues.power_w and queues.others(node, ROBOT):
            self._parking = queues.free_place(node)
        return self._parking

    def arrived(self) -> bool:
        """Whether the robot, at the end of its way, is on the charger that it is to charge at."""
        if self._charger is None or self._world.robot.node != self._charger:
            return False
        self.finish()
        return True

    def _unplug(self) -> None:
        """Off the charger, with nothing to charge: the next one may come."""
        queues = self._world.chargers
        if self._charger is None and self._world.robot.node != queues.charger_of(ROBOT):
            queues.leave(ROBOT, self._world.tick)

    def _near(self, charger: int) -> bool:
        x, y = self._world.floor.xy(charger)
        here_x, here_y = self._world.robot_position_m
        return math.hypot(x - here_x, y - here_y) <= JOIN_M

    def _join(self, charger: int) -> None:
        world, queues = self._world, self._world.chargers
        at = queues.charger_of(ROBOT)
        if at == charger:
            return
        queues.leave(ROBOT, world.tick)
        seconds = world.profile.charge_time_s(
            world.robot.battery.soc, min(self._until_soc, 0.99),
            charge_w=queues.power_w[charger],
        )  # fmt: skip
        queues.join(ROBOT, charger, world.tick, math.ceil(seconds / world.tick_s))
        self._joined_s = world.time_s
