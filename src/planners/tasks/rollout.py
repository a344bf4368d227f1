"""A whole plan out of any chooser, and what it costs by the one evaluation that holds for all.

A chooser that takes one step at a time is asked again after each, on the snapshot that it would
find then if all went as predicted. What counts of this is the sequence of orders; charging is then
placed anew, best for that sequence at the same levels for every chooser.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .choosers import Chooser
from .decision import Decision, Refusal
from .deep import Evaluation, Instance, evaluate, make_instance, prove
from .deep.choosers import HOPELESS
from .legs import FieldCache, Legs
from .plans import Plan, Stop
from .reserve import DEFAULT_RULE, ChargeRule, queue_s, queue_wh
from .snapshot import Order, Snapshot
from .spans import LegSpans
from .walk import Walk, walk

EXPANSIONS = 20_000  # (a) of the proof behind `lower_bound_s`, for up to `MANY` orders
MANY = 12
STEPS_PER_ORDER = 4  # (a) decisions: more, and the chooser goes round in circles


@dataclass(frozen=True)
class Rollout:
    """What a chooser makes of a snapshot, from its first decision to its last.

    ``plan`` serves ``served``, walked in ``walk``; ``total_s`` is its objective and
    ``lower_bound_s`` is proven for every plan that serves these orders with charging at those
    levels. ``refused`` are the orders that were never served, as last said. Without any order
    served the plan is empty and costs 0. ``placed`` tells whether the charging is the best for the
    sequence; where no charging at the levels makes it feasible, the plan is the chooser's own.
    """

    first: Decision
    plan: Plan
    walk: Walk
    total_s: float
    lower_bound_s: float
    served: tuple[str, ...]
    refused: tuple[Refusal, ...]
    placed: bool

    @property
    def gap(self) -> float:
        """The share by which the plan may exceed the best one."""
        if self.total_s <= self.lower_bound_s:
            return 0.0
        if self.lower_bound_s <= 0.0:
            return math.inf
        return (self.total_s - self.lower_bound_s) / self.lower_bound_s


def roll_out(
    snapshot: Snapshot,
    chooser: Chooser,
    *,
    rule: ChargeRule = DEFAULT_RULE,
    expansions: int = EXPANSIONS,
) -> Rollout:
    """Ask a chooser until it serves no more orders, and evaluate the plan that comes of it.

    A decision that brings a plan for all orders that can be served is taken at its word: nothing
    is asked again. Where one order fits, a decision is good for all of it; where more do, for its
    next stop. ``rule`` must be the chooser's own.
    """
    cache = FieldCache()
    first = chooser.choose(snapshot)
    if first.plan is not None and _taken_at_its_word(first, snapshot):
        own, refused = first.plan, first.refused
    else:
        own, refused = _steps(snapshot, chooser, first, rule, cache)
    legs = LegSpans(snapshot, cache)
    served = own.orders
    refused = tuple(no for no in refused if no.goal not in served)
    if not served:
        return Rollout(first, own, walk(snapshot, own, legs, rule), 0.0, 0.0, (), refused, True)
    orders = [order for order in snapshot.orders if order.id in served]
    instance = make_instance(snapshot, orders, cache=cache, rule=rule)
    points = _points(instance, own)
    best = evaluate(instance, points)
    placed = best.plan is not None
    if not placed:  # charged otherwise than the levels allow: only the bound at the start holds
        expansions, best = 0, Evaluation(walk(snapshot, own, legs, rule).total_s.most, own)
    share = min(1.0, (MANY / len(orders)) ** 3)  # with more orders each expansion takes longer
    budget = round(expansions * share)
    bound_s = prove(instance, expansions=budget, incumbent=points).lower_bound_s
    plan = best.plan or own
    return Rollout(
        first, plan, walk(snapshot, plan, legs, rule), best.cost_s, min(bound_s, best.cost_s),
        served, refused, placed,
    )  # fmt: skip


def _taken_at_its_word(first: Decision, snapshot: Snapshot) -> bool:
    """Whether a decision brings a plan for every order that some plan may serve."""
    if first.plan is None:
        return False
    planned = set(first.plan.orders)
    rest = {order.id for order in snapshot.orders} - planned
    return rest <= {no.goal for no in first.refused if no.code in HOPELESS}


def _steps(
    snapshot: Snapshot, chooser: Chooser, first: Decision, rule: ChargeRule, cache: FieldCache
) -> tuple[Plan, tuple[Refusal, ...]]:
    """Decisions one after the other, each on what the one before it leads to."""
    now, decision, stops = snapshot, first, list[Stop]()
    whole = {order.id: len(order.stops) for order in snapshot.orders}
    steps = len(whole) if snapshot.capacity == 1 else sum(whole.values())
    for _ in range(STEPS_PER_ORDER * (1 + steps)):
        if decision.kind == "order":
            order = next(order for order in now.orders if order.id == decision.goal)
            count = len(order.stops) if now.capacity == 1 else 1
            done = whole[order.id] - len(order.stops)
            stops += [
                Stop("visit", node, order=order.id, place=done + k)
                for k, node in enumerate(order.stops[:count])
            ]
            now = _after_stops(now, order, count, cache)
        elif decision.kind == "charge":
            name = str(decision.goal)
            stops.append(Stop("charge", now.chargers[name], charger=name))
            now = _after_charge(now, name, rule, cache)
        else:
            later = [order.release_s for order in now.orders if order.release_s > now.time_s]
            if not later:
                break
            now = replace(now, time_s=min(later))
        if not now.orders:
            break
        decision = chooser.choose(now)
    open_ = {order.id for order in now.orders}
    return Plan(_that_serve(stops, open_)), decision.refused


def _that_serve(stops: list[Stop], open_: set[str]) -> tuple[Stop, ...]:
    """Without orders that are never delivered, and charges after the last one that is."""
    stops = [stop for stop in stops if stop.order not in open_]
    while stops and stops[-1].kind == "charge":
        stops = stops[:-1]
    return tuple(stops)


def _after_stops(now: Snapshot, order: Order, count: int, cache: FieldCache) -> Snapshot:
    """When so many of an order's stops are made."""
    own = Legs(now, cache).order(order)
    assert own is not None  # what cannot be reached is never decided
    own = own[:count]
    others = tuple(other for other in now.orders if other is not order)
    on_board = tuple(name for name in now.on_board if name != order.id)
    payload_kg = now.kg_after(order)
    if count < len(order.stops):
        others = (replace(order, stops=order.stops[count:]), *others)
        on_board, payload_kg = (*on_board, order.id), payload_kg + order.kg
    return replace(
        now,
        time_s=now.time_s + math.fsum(leg.time_s for leg in own),
        robot=order.stops[count - 1],
        charge_wh=max(0.0, now.charge_wh - now.margin * math.fsum(leg.energy_wh for leg in own)),
        orders=others,
        on_board=on_board,
        payload_kg=payload_kg,
    )


def _after_charge(now: Snapshot, name: str, rule: ChargeRule, cache: FieldCache) -> Snapshot:
    leg = Legs(now, cache).chargers(now.robot)[name]
    wait_s, time_s, charge_wh = queue_s(now, name, leg), leg.time_s, now.charge_wh
    if math.isfinite(charge_wh):
        charge_wh = max(0.0, charge_wh - now.margin * leg.energy_wh - queue_wh(now, name, leg))
        full_wh = max(charge_wh, rule.limit_soc * now.capacity_wh)
        power_w = now.charger_power_w.get(name, now.charge_power_w)
        time_s += 3600.0 * (full_wh - charge_wh) / power_w if power_w > 0.0 else 0.0
        charge_wh = full_wh
    return replace(
        now, time_s=now.time_s + wait_s + time_s, robot=now.chargers[name], charge_wh=charge_wh
    )


def _points(instance: Instance, plan: Plan) -> list[int]:
    """The plan's visits as points of the instance."""
    index = {order.id: k for k, order in enumerate(instance.orders)}
    return [instance.points(index[str(stop.order)])[stop.place] for stop in plan.visits]
