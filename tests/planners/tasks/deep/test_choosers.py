"""``deep`` and ``exact`` behind the protocol of all choosers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from batches import random_instance, random_snapshot, walk

from planners.tasks import Chooser, Decision, Order, Snapshot, Threshold, assess, make_chooser
from planners.tasks.deep import DEEP, Effort, make_deep, make_exact, make_instance
from planners.tasks.plans import Plan

MakeSnapshot = Callable[..., Snapshot]
MAKERS = (make_deep, make_exact)


def a_batch(seed: int, orders: int, battery: bool, **changes: Any) -> Snapshot:
    """A random snapshot of released orders of two stops."""
    snapshot = random_snapshot(np.random.default_rng([3, seed]), orders, 1, battery, **changes)
    two = [replace(o, stops=(o.stops * 2)[:2], release_s=0.0) for o in snapshot.orders]
    return replace(snapshot, orders=tuple(two))


@pytest.mark.parametrize("make", MAKERS)
def test_the_decision_is_the_first_step_of_a_plan_that_can_be_done(make: Any) -> None:
    kinds = []
    for seed in range(25):
        snapshot = a_batch(seed, 4, battery=seed % 2 == 0)
        chooser: Chooser = make()
        decision = chooser.choose(snapshot)
        kinds.append(decision.kind)
        if decision.plan is None:
            continue
        hopeless = {r.goal for r in decision.refused if r.code == "full_battery"}
        instance = make_instance(snapshot, [o for o in snapshot.orders if o.id not in hopeless])
        cost_s = walk(instance, decision.plan)
        assert cost_s == pytest.approx(decision.plan_s, rel=1e-9)
        assert decision.lower_bound_s <= decision.plan_s * (1 + 1e-9)
        assert decision.gap == pytest.approx(decision.plan_s / decision.lower_bound_s - 1, abs=1e-9)
        first = decision.plan.stops[0]
        assert decision.goal == (first.order if decision.kind == "order" else first.charger)
        allowed = {c.goal for c in assess(snapshot).candidates}
        if decision.kind == "order":
            assert decision.decided_by == chooser.name and decision.goal in allowed
        else:
            assert decision.decided_by == ("reserve" if not allowed else chooser.name)
            assert decision.terms["energy_wh"] > 0.0 or snapshot.robot == first.node
    assert kinds.count("order") > 10 and kinds.count("charge") > 2


@pytest.mark.parametrize("make", MAKERS)
def test_decisions_repeat(make: Any) -> None:
    for seed in range(4):
        snapshot = a_batch(seed, 8, battery=True)
        assert make().choose(snapshot) == make().choose(snapshot)


def test_no_plan_costs_less_than_that_of_deep() -> None:
    """Whatever another chooser takes first, going on as well as can be."""
    better = 0
    for seed in range(10):
        snapshot = a_batch(seed, 5, battery=False)
        exact = make_exact(effort=Effort(8, 24, 8, 100, 10**6)).choose(snapshot)
        assert exact.gap == 0.0 and exact.plan_s is not None
        for name in ("reflex", "earliest", "utility"):
            goal = make_chooser(name).choose(snapshot).goal
            own = next(o for o in snapshot.orders if o.id == goal)
            rest = [o for o in snapshot.orders if o.id != goal]
            instance = make_instance(snapshot, [own, *rest])
            fixed = make_deep(effort=Effort(8, 24, 8, 0, 0)).solve(
                instance, [Plan.of_orders((own, *rest))]
            )
            assert exact.plan_s <= fixed.cost_s * (1 + 1e-9)
            better += exact.plan_s < fixed.cost_s * (1 - 1e-9)
    assert better > 0


def test_exact_says_when_it_plans_for_some_only() -> None:
    snapshot = a_batch(1, 9, battery=False)
    decision = make_exact().choose(snapshot)
    assert "the 6 of 9 orders due first" in decision.reason
    assert decision.plan is not None and len(decision.plan.orders) == 6
    kept = {o.due_s for o in snapshot.orders if o.id in decision.plan.orders}
    assert max(kept) <= min(o.due_s for o in snapshot.orders if o.id not in decision.plan.orders)
    six = make_exact().choose(a_batch(1, 6, battery=False))
    assert "all 6 orders" in six.reason and six.gap == 0.0
    assert "the 8 of 9 orders that are cheapest" in make_deep().choose(snapshot).reason


def test_orders_that_are_late_anyway_come_last_in_the_horizon() -> None:
    snapshot = a_batch(1, 12, battery=False)
    late = {order.id for order in snapshot.orders[:4]}
    due = [replace(o, due_s=-50.0 if o.id in late else math.inf) for o in snapshot.orders]
    planned = make_deep().choose(replace(snapshot, orders=tuple(due))).plan
    assert planned is not None
    assert set(planned.orders) == {order.id for order in snapshot.orders} - late


def test_proposals_are_starts_and_no_more() -> None:
    """Any of them: the same bound, and never a dearer plan."""
    for seed in range(6):
        snapshot = a_batch(seed, 6, battery=seed % 2 == 0)
        lazy = Effort(8, 24, 8, 0, 10**6)
        alone = make_deep(effort=lazy).choose(snapshot)
        rubbish = Plan.of_orders([Order("O99", (0,)), *snapshot.orders[::-1]])
        led = make_deep(effort=lazy).choose_with(snapshot, [rubbish])
        assert led.plan_s == pytest.approx(alone.plan_s, rel=1e-9)
        assert led.lower_bound_s == pytest.approx(alone.lower_bound_s, rel=1e-9)
        wanted = make_deep(effort=lazy).choose(snapshot).plan
        if wanted is not None:
            quick = replace(DEEP, rounds=0, expansions=0)
            told = make_deep(effort=quick).choose_with(snapshot, [wanted])
            assert told.plan_s == pytest.approx(alone.plan_s, rel=1e-9)


def test_it_waits_for_an_order_that_is_not_released(a_snapshot: MakeSnapshot) -> None:
    snapshot = a_snapshot(orders=1)
    order = replace(snapshot.orders[0], release_s=snapshot.time_s + 60.0)
    decision = make_deep().choose(replace(snapshot, orders=(order,)))
    assert (decision.kind, decision.decided_by) == ("wait", "deep")
    assert "O1 is released in 60 s" in decision.reason


def test_orders_that_nothing_helps_are_left_out(a_snapshot: MakeSnapshot) -> None:
    snapshot = a_snapshot(orders=2)
    assert isinstance(snapshot.map.size, int)
    heavy = replace(snapshot.orders[0], id="O8", kg=10**9)
    later = replace(heavy, id="O9", release_s=snapshot.time_s + 60.0)
    decision = make_deep().choose(replace(snapshot, orders=(*snapshot.orders, heavy, later)))
    assert decision.kind == "order" and decision.plan is not None
    assert set(decision.plan.orders) == {"O1", "O2"}
    assert {r.goal: r.code for r in decision.refused} == {
        "O8": "full_battery",
        "O9": "not_released",
    }


@pytest.mark.parametrize("make", MAKERS)
def test_without_orders_the_rule_decides(a_snapshot: MakeSnapshot, make: Any) -> None:
    snapshot = replace(a_snapshot(), orders=())
    assert make().choose(replace(snapshot, charge_wh=0.88 * snapshot.capacity_wh)).kind == "wait"
    some = make().choose(replace(snapshot, charge_wh=0.7 * snapshot.capacity_wh))
    assert (some.kind, some.decided_by) == ("charge", make().name)
    assert some.plan is not None and [stop.kind for stop in some.plan.stops] == ["charge"]
    low = make().choose(replace(snapshot, charge_wh=0.3 * snapshot.capacity_wh))
    assert (low.kind, low.decided_by) == ("charge", make().name)


def test_a_threshold_sends_to_charge_whatever_is_planned(a_snapshot: MakeSnapshot) -> None:
    snapshot = a_snapshot(orders=3)
    full = make_deep(Threshold()).choose(snapshot)
    assert full.kind == "order" and full.plan is not None and not full.plan.charges
    low = make_deep(Threshold()).choose(replace(snapshot, charge_wh=0.2 * snapshot.capacity_wh))
    assert (low.kind, low.decided_by) == ("charge", "threshold")


def test_charging_never_goes_round_in_circles() -> None:
    """Charge as asked for, ask again: no charger twice without an order between."""
    charged = 0
    for seed in range(40):
        snapshot = a_batch(seed, 4, battery=True)
        chooser, visited = make_deep(), []
        while (decision := chooser.choose(snapshot)).kind == "charge":
            visited.append(decision.goal)
            assert len(visited) == len(set(visited)), seed
            snapshot = replace(
                snapshot,
                robot=snapshot.chargers[str(decision.goal)],
                charge_wh=0.899 * snapshot.capacity_wh,
                charger_wait_s={},
            )
        charged += len(visited)
    assert charged > 5


def test_where_no_plan_is_known_the_least_total_is_taken() -> None:
    """Two orders, each of which passes alone; charging at so weak a plug takes for ever."""
    seen = 0
    for seed in range(60):
        snapshot = a_batch(seed, 4, battery=True, charge_power_w=0.0)
        snapshot = replace(snapshot, charger_power_w=dict.fromkeys(snapshot.chargers, 0.0))
        decision: Decision = make_deep().choose(snapshot)
        if decision.kind == "order" and decision.plan is None:
            seen += 1
            assert decision.decided_by == "fallback"
            assert decision.goal == make_chooser("utility").choose(snapshot).goal
    assert seen > 3


def test_late_orders_pull_the_plan() -> None:
    """An urgent order that is due soon is begun before a nearer one that is not due."""
    instance = random_instance(0, 2, 1, False)
    snapshot = instance.snapshot
    by_way = sorted(
        snapshot.orders, key=lambda o: instance.upper.cost_s[0, instance.nodes.index(o.pick)]
    )
    near, far = by_way
    near = replace(near, due_s=math.inf, release_s=0.0)
    far = replace(far, due_s=snapshot.time_s, priority="urgent", release_s=0.0)
    hurried = replace(
        snapshot, orders=(near, far), lateness_weights={"urgent": 1e4, "normal": 1.0, "low": 0.0}
    )
    assert make_deep().choose(hurried).goal == far.id
