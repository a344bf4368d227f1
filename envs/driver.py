"""The driver: turns decisions into routes and routes into one action per tick.

It reads what the robot may know and nothing else: its body, its belief, the open orders.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planners import GraphMap, GridMap, Guidance, PlanResult, check, plan
from planners.tasks import Chooser, Decision, EnergyModel, Snapshot

from .battery import MJ_PER_WH
from .blockages import Route
from .metrics import Leg, finite
from .streams import stream_key, unit
from .world import CHARGE, SERVE, WAIT, YIELD, World


@dataclass(frozen=True)
class PlannerSettings:
    """How routes are planned and when again; times and shares are assumptions (a).

    `weight=None` is the strategy's own (1.5 for wastar). A new route replaces the old one between
    goals only if it is cheaper by `hysteresis`. `check_share` of the plans are checked against an
    independent search, all of them for legality, cost and bound.
    """

    strategy: str = "wastar"
    weight: float | None = None
    guidance: Guidance | None = None
    check_share: float = 0.01
    hysteresis: float = 0.1
    replan_s: float = 5.0
    encounter_pause_s: float = 2.0
    look_ahead: int = 12
    cost_change: float = 0.2
    standing_after: int = 4
    yield_after: int = 10
    give_up_s: float = 120.0
    charge_to: float = 0.9
    ask_again_s: float = 5.0


def known_map(world: World) -> GridMap | GraphMap:
    """The believed map; the node that the robot stands on is free, whatever belief says."""
    map_, node = world.belief.map(), world.robot.node
    return map_.with_blocked(np.array([node]), False) if map_.is_blocked(node) else map_


def snapshot_of(world: World) -> Snapshot:
    """What a chooser may know at this moment: the belief, the robot itself, the open orders."""
    robot, profile = world.robot, world.profile
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
        orders=world.book.open(world.time_s),
        chargers={f"charger-{k}": node for k, node in enumerate(world.layout.chargers, start=1)},
        energy=EnergyModel(
            ambient_w=profile.ambient_w,
            drive_j_per_m=profile.drive_j_per_m,
            drive_j_per_m_kg=profile.drive_j_per_m_kg,
        ),
    )


class Driver:
    """Turns decisions and routes into one action per tick, and replans when there is a reason."""

    def __init__(self, world: World, chooser: Chooser, settings: PlannerSettings) -> None:
        self.world, self.chooser, self.settings = world, chooser, settings
        self._check_key = stream_key(world.seed, "check")
        self._charger: int | None = None
        self._leg: Leg | None = None
        self._route: Route | None = None
        self._planned_s = -math.inf
        self._seen = (-1, -1)  # versions of map and costs that the route was last judged on
        self._blocked_ticks = 0
        self._tried: tuple[int, int] | None = None
        self._ask_s = -math.inf
        self._asked_open: tuple[str, ...] = ()
        self._waiting = False

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
        if self._leg is None or self._leg.goal != goal:
            self._begin_leg(goal)
        self._follow()
        reason = self._why_replan()
        if reason is not None:
            self._replan(reason)
        if self._stuck():
            return WAIT
        return self._move()

    # Goals.

    def _goal(self) -> int | None:
        """The node to go to: the order's next stop, the charger, or None after a fresh decision."""
        world = self.world
        stop = world.next_stop()
        if stop is not None:
            return stop
        if self._charger is not None:
            if world.robot.battery.soc < self.settings.charge_to:
                return self._charger
            world.note("charged", charge_wh=world.robot.battery.charge_wh)
            self._charger = None
        self._decide()
        stop = world.next_stop()
        return self._charger if stop is None else stop

    def _decide(self) -> None:
        world = self.world
        names = tuple(order.id for order in world.book.open(world.time_s))
        if self._waiting and world.time_s < self._ask_s and names == self._asked_open:
            return
        world.belief.refresh(world.time_s, world.robot_position_m, force=True)
        decision = self.chooser.choose(snapshot_of(world))
        self._ask_s = world.time_s + self.settings.ask_again_s
        self._asked_open = names
        if decision.kind == "wait" and self._waiting:
            return
        self._waiting = decision.kind == "wait"
        world.tally.decided_by[decision.decided_by] += 1
        self._note_decision(decision)
        if decision.kind == "order" and decision.goal is not None:
            world.accept(decision.goal)
        elif decision.kind == "charge":
            chargers = snapshot_of(world).chargers
            self._charger = chargers[decision.goal or min(chargers)]

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

    def _arrived(self) -> int:
        """Close the leg, then serve or charge."""
        world, leg = self.world, self._leg
        if leg is not None:
            self._close_leg(leg)
        self._leg = self._route = None
        self._blocked_ticks = 0
        if world.next_stop() is not None:
            return SERVE
        if not world.robot.charging:
            world.tally.charges += 1
            world.note("charge", node=world.robot.node, charge_wh=world.robot.battery.charge_wh)
        return CHARGE

    def _begin_leg(self, goal: int) -> None:
        world = self.world
        self._leg = Leg(
            goal,
            began_s=world.time_s,
            drained_mj=world.robot.battery.drained_mj,
            encounters=world.meetings.close_encounters,
            progress_s=world.time_s,
        )
        self._route = None
        self._blocked_ticks = 0

    def _close_leg(self, leg: Leg) -> None:
        """Compare what was paid with what was planned, and learn the battery's margin."""
        world = self.world
        if leg.planned_s is None:
            return
        actual_wh = (world.robot.battery.drained_mj - leg.drained_mj) / MJ_PER_WH
        met = world.meetings.close_encounters - leg.encounters
        weights = world.belief.costs().weights
        world.tally.paid_s += leg.paid_s(world.time_s - leg.began_s, met, actual_wh, weights)
        world.tally.planned_s += leg.planned_s
        world.robot.learn_margin(leg.planned_wh, actual_wh)

    # Routes.

    def _follow(self) -> None:
        """Bring route, progress and the count of blocked ticks up to where the robot stands."""
        world, route, leg = self.world, self._route, self._leg
        node = world.robot.node
        if self._tried is not None and self._tried[0] == node:
            self._blocked_ticks += 1
        elif self._tried is not None and self._tried[0] != node:
            self._blocked_ticks = 0
        self._tried = None
        if route is None or leg is None:
            return
        if route.at + 1 < len(route.nodes) and route.nodes[route.at + 1] == node:
            route.at += 1
        elif route.nodes[route.at] != node:
            self._route = None  # pushed aside
            return
        if route.left_m < leg.least_m - 1e-6:
            leg.least_m, leg.progress_s = route.left_m, world.time_s

    def _why_replan(self) -> str | None:
        world, settings, route = self.world, self.settings, self._route
        now, belief = world.time_s, world.belief
        since_s = now - self._planned_s
        if route is None:
            new = self._leg is not None and self._leg.planned_s is None
            return ("new_goal" if new else "off_route") if self._may_ask(since_s) else None
        ahead = route.nodes[route.at + 1 : route.at + 1 + settings.look_ahead]
        if belief.believed_blocked and not belief.believed_blocked.isdisjoint(ahead):
            return "blocked" if self._may_ask(since_s) else None
        if self._blocked_ticks and self._blocked_ticks % settings.standing_after == 0:
            return "standing"
        versions = (belief.map_version, belief.costs().version)
        if versions != self._seen:
            self._seen = versions
            left_s = float(route.left_s[route.at])
            if abs(self._rest_s(route).sum() - left_s) > settings.cost_change * left_s:
                return "cost_change"
        if since_s >= settings.replan_s:
            return "periodic"
        if since_s >= settings.encounter_pause_s and belief.meets(self._way_m(route), now):
            return "encounter"
        return None

    def _may_ask(self, since_s: float) -> bool:
        """Without a way, ask again only after a while or when the believed map has changed."""
        failed = self._route is None and since_s < 1.0
        return not failed or self._seen[0] != self.world.belief.map_version

    def _rest_s(self, route: Route) -> npt.NDArray[np.float64]:
        """Cost of each step of the rest of a route at the costs of now."""
        return self.world.belief.costs().step_costs(route.rest)

    def _way_m(self, route: Route) -> list[tuple[float, float]]:
        """Where the robot will be in 0 to 5 seconds if nothing stops it."""
        xy, speed = self.world.floor.xy, self.world.profile.speed_m_s
        return [xy(route.ahead(k * speed)) for k in range(6)]

    def _replan(self, reason: str) -> None:
        world, old = self.world, self._route
        world.belief.refresh(
            world.time_s, world.robot_position_m, kg=world.robot.payload_kg,
            force=reason not in ("periodic", "cost_change"),
        )  # fmt: skip
        result, plan_ms = self._plan()
        self._planned_s = world.time_s
        self._seen = (world.belief.map_version, world.belief.costs().version)
        world.tally.replans[reason] += 1
        world.tally.plan_ms.append(plan_ms)
        adopted = self._adopt(result, reason, old)
        kept = ("status", "cost", "bound", "certificate", "length_m", "expanded", "engine")
        row = {key: value for key, value in result.as_dict().items() if key in kept}
        world.note("plan", reason=reason, adopted=adopted, plan_ms=plan_ms, **row)

    def _plan(self) -> tuple[PlanResult, float]:
        world, settings = self.world, self.settings
        assert self._leg is not None
        belief = world.belief
        map_, costs, start = known_map(world), belief.costs(), world.robot.node
        began = time.perf_counter()
        result = plan(
            map_,
            start,
            self._leg.goal,
            costs=costs,
            strategy=settings.strategy,
            weight=settings.weight,
            guidance=settings.guidance,
        )
        plan_ms = 1000.0 * (time.perf_counter() - began)
        number = len(world.tally.plan_ms)
        exact = unit(self._check_key, number, 0) < settings.check_share
        check(map_, result, costs, exact=exact)
        return result, plan_ms

    def _adopt(self, result: PlanResult, reason: str, old: Route | None) -> bool:
        """Take the new route if it must be or pays; True if the robot's way changed."""
        if result.path is None:
            if reason == "blocked":
                self._route = None
            return False
        nodes = result.path.nodes.tolist()
        if old is not None:
            rest_s = self._rest_s(old)
            same = nodes == old.rest
            closed = not self.world.belief.believed_blocked.isdisjoint(old.rest)
            gain = result.cost < (1.0 - self.settings.hysteresis) * float(rest_s.sum())
            if same or not (closed or gain):
                old.expect(rest_s)
                return False
            self.world.tally.route_changes += 1
        self._route = Route.on(self.world.floor, nodes, self.world.belief.costs().step_costs(nodes))
        self.world.tally.certified(result.certificate)
        self._start_leg(nodes)
        return True

    def _start_leg(self, nodes: list[int]) -> None:
        """The first route of a leg is the promise; later ones only reset the nearest point."""
        leg, world = self._leg, self.world
        assert leg is not None and self._route is not None
        leg.least_m = self._route.left_m
        if leg.planned_s is not None:
            return
        costs = world.belief.costs()
        parts = costs.explain(np.array(nodes, dtype=np.int64))
        seconds = leg.promise(parts, costs.weights)
        leg.planned_wh = world.profile.trip_wh(self._route.left_m, seconds, world.robot.payload_kg)

    # Moving, waiting, giving way, giving up.

    def _stuck(self) -> bool:
        """Give the goal up after too long without progress; True if that happened."""
        world, leg = self.world, self._leg
        if leg is None or world.time_s - leg.progress_s <= self.settings.give_up_s:
            return False
        world.give_up()
        self._charger = None
        self._leg = self._route = None
        self._blocked_ticks = 0
        return True

    def _move(self) -> int:
        route = self._route
        if route is None or route.at + 1 >= len(route.nodes):
            return WAIT
        node = route.nodes[route.at + 1]
        self._tried = (route.nodes[route.at], node)
        # In turn: offer the place to whoever wants it, and try to move.
        if self._blocked_ticks >= self.settings.yield_after and self.world.tick % 2:
            return YIELD
        return node
