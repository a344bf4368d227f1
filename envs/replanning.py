"""Keeps the robot on a route: plans anew where there is a reason, searches only where it can pay.

The reasons are counted. Between goals a search is spared where the exact cost-to-go of the goal
proves that no way would be taken: what a search found could not be cheaper by the hysteresis.
"""

from __future__ import annotations

import math
import time
import weakref
from typing import Any

from planners import GraphMap, GridMap, Guidance, KeptFields, PlanResult, check, cost_to_go, plan

from .battery import MJ_PER_WH
from .routes import Leg, Route, Values
from .settings import PlannerSettings
from .streams import stream_key, unit
from .turns import with_fewer_turns
from .world import WAIT, YIELD, World

STRAIGHT_NODES = 200_000  # (a) up to so many nodes a field is made only for fewer turns
ENCOUNTER_S = 5  # (a) how far ahead encounters are predicted
LED = ("astar", "wastar")  # the strategies that an estimate of the layers leads
# The order of w = 1: layers count in full, and the weight only says what has to be proven.
BY_LAYERS = Guidance(estimate="none", lead_weight=1.0)


_FREED: weakref.WeakKeyDictionary[GridMap | GraphMap, tuple[int, GridMap | GraphMap]]
_FREED = weakref.WeakKeyDictionary()


def known_map(world: World) -> GridMap | GraphMap:
    """The believed map; the node that the robot stands on is free, whatever belief says."""
    map_, node = world.belief.map(), world.robot.node
    if not map_.is_blocked(node):
        return map_
    held = _FREED.get(map_)
    if held is None or held[0] != node:
        held = _FREED[map_] = (node, map_.with_blocked([node], False))
    return held[1]


class Replanner:
    """The leg under way and its route.

    Attributes:
        leg: the drive to the present goal, None between legs.
        route: the way to it, None while there is none.
        blocked_ticks: ticks in a row in which the robot could not leave its node.
    """

    def __init__(self, world: World, settings: PlannerSettings) -> None:
        self.world, self.settings = world, settings
        self.leg: Leg | None = None
        self.route: Route | None = None
        self.blocked_ticks = 0
        self._check_key = stream_key(world.seed, "check")
        self._planned_s = -math.inf
        self._refreshed = -1  # the tick in which belief was last brought up to date at once
        self._seen = (-1, -1)  # versions of map and costs that the route was last judged on
        self._tried: int | None = None  # the node that the last move was to leave
        self._held_s = 0.0  # letting somebody pass, without a move between
        self._heading: float | None = None  # where the robot pointed then
        self._stood = False  # whether that move failed
        costs = world.belief.costs()
        self._exact: KeptFields | None = None
        self._exact_at = (-1, -1, -1)
        if world.floor.size <= settings.exact_nodes:
            self._exact = KeptFields(costs.map, costs, max_bytes=8 * world.floor.size)

    # Legs.

    def begin(self, goal: int) -> None:
        """A new leg, as yet without a route."""
        world = self.world
        self.leg = Leg(
            goal,
            began_s=world.time_s,
            drained_mj=world.robot.battery.drained_mj,
            near_s=world.meetings.near_s,
            progress_s=world.time_s,
        )
        self.route, self.blocked_ticks = None, 0

    def end(self, arrived: bool) -> None:
        """Close the leg: compare paid with planned, and learn the battery's margin on arrival.

        A leg that is given up counts with what was paid so far, against the promise for the share
        of its metres that was driven.
        """
        self.follow()
        world, leg, route = self.world, self.leg, self.route
        self.leg = self.route = None
        self.blocked_ticks = 0
        if leg is None or leg.planned_s is None:
            return
        actual_wh = (world.robot.battery.drained_mj - leg.drained_mj) / MJ_PER_WH
        near_s = world.meetings.near_s - leg.near_s
        weights = world.belief.costs().weights
        world.tally.paid_s += leg.paid_s(world.time_s - leg.began_s, near_s, actual_wh, weights)
        if arrived:
            world.tally.planned_s += leg.planned_s
        else:
            left_m = leg.least_m if route is None else route.left_m
            world.tally.planned_s += leg.planned_s * leg.done_share(left_m)

    def stuck(self) -> bool:
        """Whether the leg has made no progress for too long."""
        leg = self.leg
        return leg is not None and self.world.time_s - leg.progress_s > self.settings.give_up_s

    def follow(self) -> None:
        """Bring route, progress and waiting up to where the robot stands; once per action."""
        world, leg, node = self.world, self.leg, self.world.robot.node
        self._stood = self._tried == node and world.robot.heading_rad == self._heading
        if self._stood:
            self.blocked_ticks += 1
            world.tally.delay_s += world.tick_s
        elif self._tried is not None and self._tried != node:
            self.blocked_ticks = 0
        self._tried = None
        if self.route is None or leg is None:
            return
        before_m = self.route.left_m
        if not self.route.follow(node):
            self.route = None  # pushed aside
            return
        left_m = self.route.left_m
        world.tally.driven_m += before_m - left_m
        if left_m < leg.least_m - 1e-6:
            leg.least_m, leg.progress_s = left_m, world.time_s

    def move(self) -> int:
        """The action that goes on along the route, or offers the robot's place."""
        route, world = self.route, self.world
        if route is None or route.at + 1 >= len(route.nodes):
            world.tally.delay_s += world.tick_s
            return WAIT
        if self._keeps_off(route):
            world.tally.delay_s += world.tick_s
            return YIELD
        if self._lets_pass(route):
            world.tally.delay_s += world.tick_s
            self._held_s += world.tick_s
            return WAIT
        self._held_s = 0.0
        self._tried, self._heading = route.nodes[route.at], world.robot.heading_rad
        # In turn, two ticks each (traffic robots decide on even ones): offer the place to whoever
        # wants it, and try to move.
        if self.blocked_ticks >= self.settings.yield_after and world.tick // 2 % 2:
            return YIELD
        return route.nodes[route.at + 1]

    def _keeps_off(self, route: Route) -> bool:
        """Whether to wait two steps off the goal for whoever stands there: they have to get out."""
        left = len(route.nodes) - 1 - route.at
        return left <= 2 and self.world.belief.is_taken(route.nodes[-1], self.world.time_s)

    def _lets_pass(self, route: Route) -> bool:
        """Whether to stand while somebody walks by: as long as meeting them would cost, lam_R."""
        world, belief = self.world, self.world.belief
        if self._held_s >= belief.costs().weights["risk"]:
            return False
        xy, node = world.floor.xy, route.nodes[route.at + 1]
        (x0, y0), (x1, y1) = world.robot_position_m, xy(node)
        step_s = math.hypot(x1 - x0, y1 - y0) / world.profile.speed_m_s / 2
        way = [(x0, y0), ((x0 + x1) / 2, (y0 + y1) / 2), (x1, y1)]
        return belief.passes(way, world.time_s, step_s)

    # Reasons.

    def reason(self) -> str | None:
        """Why to plan now, or None."""
        world, settings, route = self.world, self.settings, self.route
        now, belief = world.time_s, world.belief
        since_s = now - self._planned_s
        if route is None:
            if since_s < 1.0 and self._seen[0] == belief.map_version:
                return None  # no way was found, and nothing has changed since
            new = self.leg is not None and self.leg.planned_s is None
            return "new_goal" if new else "off_route"
        if belief.believed_blocked:
            ahead = route.nodes[route.at + 1 : route.at + 1 + settings.look_ahead]
            if not belief.believed_blocked.isdisjoint(ahead):
                return "blocked"
        if self._stood and self.blocked_ticks % settings.standing_after == 0:
            return "standing"
        if self._costs_more(route):
            return "cost_change"
        if since_s >= settings.replan_s:
            return "periodic"
        if since_s >= settings.encounter_pause_s:
            way_m = route.ahead_m(world.profile.speed_m_s, ENCOUNTER_S)
            if belief.meets(way_m, now):
                return "encounter"
        return None

    def _costs_more(self, route: Route) -> bool:
        """Whether the cost of the rest has changed much, looked at whenever belief has moved."""
        versions = self._versions()
        if versions == self._seen:
            return False
        self._seen = versions
        left_s = float(route.left_s[route.at])
        now_s = float(route.rest_costs(self.world.belief.costs()).sum())
        return abs(now_s - left_s) > self.settings.cost_change * left_s

    def _versions(self) -> tuple[int, int]:
        belief = self.world.belief
        return belief.map_version, belief.costs().version

    # Plans.

    def refresh(self, force: bool) -> None:
        """Bring belief up to date: when that is due, or at once, but never twice in a tick."""
        world = self.world
        if self._refreshed == world.tick:
            return
        if force:
            self._refreshed = world.tick
        kg = world.robot.payload_kg
        world.belief.refresh(world.time_s, world.robot_position_m, kg=kg, force=force)

    def replan(self, reason: str) -> None:
        """Bring belief up to date, then keep the route or search for another."""
        world, old = self.world, self.route
        self.refresh(force=reason not in ("periodic", "cost_change"))
        self._planned_s, self._seen = world.time_s, self._versions()
        rest_s = None  # of a route that may be kept
        if old is not None and self._is_open(old):
            rest_s = old.rest_costs(world.belief.costs())
            if not self._can_pay(float(rest_s.sum())):
                old.expect(rest_s)
                world.tally.spared[reason] += 1
                return
        result, plan_ms = self._plan(rest_s)
        world.tally.replans[reason] += 1
        world.tally.plan_ms.append(plan_ms)
        adopted = self._adopt(result, reason, old, rest_s)
        kept = ("status", "cost", "bound", "certificate", "length_m", "expanded", "engine")
        row = {key: value for key, value in result.as_dict().items() if key in kept}
        world.note("plan", reason=reason, adopted=adopted, plan_ms=plan_ms, **row)

    def _is_open(self, route: Route) -> bool:
        """Whether no node of the rest is believed blocked."""
        return self.world.belief.believed_blocked.isdisjoint(route.rest)

    def _can_pay(self, rest_s: float) -> bool:
        """Whether some way costs less than the rest by the hysteresis, as far as can be told."""
        exact = self._exact_now()
        if exact is None:
            return True
        assert self.leg is not None
        kept = exact.bound(exact.map.label(self.leg.goal), known_map(self.world))
        least_s = float(kept.values[self.world.robot.node])
        return least_s < (1.0 - self.settings.hysteresis) * rest_s

    def _exact_now(self) -> KeptFields | None:
        """The goal's exact cost-to-go, built when asked; None on large maps.

        Belief moves most costs a little, so a field is built anew, not repaired.
        """
        assert self.leg is not None
        at = (self.leg.goal, *self._versions())
        if self._exact is not None and at != self._exact_at:
            self._exact.clear()
            self._exact_at = at
        return self._exact

    def _plan(self, rest_s: Values | None) -> tuple[PlanResult, float]:
        world, settings = self.world, self.settings
        assert self.leg is not None
        map_, costs = known_map(world), world.belief.costs()
        began = time.perf_counter()
        result = plan(
            map_,
            map_.label(world.robot.node),
            map_.label(self.leg.goal),
            costs=costs,
            strategy=settings.strategy,
            weight=settings.weight,
            **self._lead(),
        )
        result = self._straighter(result, map_, rest_s)
        plan_ms = 1000.0 * (time.perf_counter() - began)
        number = len(world.tally.plan_ms)
        exact = unit(self._check_key, number, 0) < settings.check_share
        check(map_, result, costs, exact=exact)
        return result, plan_ms

    def _straighter(
        self, result: PlanResult, map: GridMap | GraphMap, rest_s: Values | None
    ) -> PlanResult:
        """The plan with fewer turns, as far as its bound leaves room; on grids.

        Where no exact cost-to-go is at hand, one is made for plans that would be driven as found.
        """
        led = self.settings.guidance == "layers" and self.settings.strategy in LED
        if not led or not isinstance(map, GridMap) or result.path is None:
            return result
        assert self.leg is not None
        goal, costs, exact = map.label(self.leg.goal), self.world.belief.costs(), self._exact_now()
        if exact is not None:
            to_go = exact.bound(goal, map).values
        elif map.size <= STRAIGHT_NODES and self._is_taken(result, rest_s):
            to_go = cost_to_go(map, goal, costs).values
        else:
            return result
        turn_s = self.world.profile.turn_ms(math.pi / 2) / 1000.0
        return with_fewer_turns(result, map, costs, to_go, turn_s, self.world.robot.axis)

    def _is_taken(self, result: PlanResult, rest_s: Values | None) -> bool:
        """Whether a route replaces one with this rest (None: it has to) by the hysteresis."""
        if rest_s is None:
            return True
        return result.cost < (1.0 - self.settings.hysteresis) * float(rest_s.sum())

    def _lead(self) -> dict[str, Any]:
        """What leads the search, as arguments of `plan`."""
        settings = self.settings
        if settings.guidance != "layers":
            return {"guidance": settings.guidance}
        if settings.strategy not in LED:
            return {}
        return {"heuristic": self._exact_now(), "guidance": BY_LAYERS}

    def _adopt(
        self, result: PlanResult, reason: str, old: Route | None, rest_s: Values | None
    ) -> bool:
        """Take the new route if it must be or pays; True if the robot's way changed."""
        world = self.world
        costs = world.belief.costs()
        if result.path is None:
            if reason == "blocked":
                self.route = None
            return False
        nodes = result.path.nodes.tolist()
        if old is not None:
            if nodes == old.rest or not self._is_taken(result, rest_s):
                old.expect(old.rest_costs(costs) if rest_s is None else rest_s)
                return False
            world.tally.route_changes += 1
            world.tally.changed_m += old.left_out_m(nodes)
        self.route = Route.on(costs.map, result.path.nodes, costs)
        world.tally.certified(result.certificate)
        self._promise(self.route, moved_on=reason != "off_route")
        return True

    def _promise(self, route: Route, *, moved_on: bool) -> None:
        """The first route of a leg is the promise; later ones reset the nearest point.

        Not after being pushed aside: the way back would count as progress, again and again.
        """
        leg, world = self.leg, self.world
        assert leg is not None
        if moved_on or leg.least_m == math.inf:
            leg.least_m = route.left_m
        if leg.planned_s is not None:
            return
        costs = world.belief.costs()
        leg.promise(costs.explain(route.ids))
        leg.planned_m = route.left_m
