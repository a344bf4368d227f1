"""Batches as arrays: the legs are those of everybody else, and what is renamed stays the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from batches import random_instance, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from planners import CostField, Layer
from planners.tasks import ChargeRule, FieldCache, Legs, Snapshot, Threshold, assess
from planners.tasks.deep import Instance, Solution, improve, make_instance, prove
from planners.tasks.reserve import queue_s

MakeCase = Callable[..., Any]


def solved(instance: Instance) -> Solution:
    return prove(instance, expansions=10**6, incumbent=improve(instance, rounds=20).points)


@pytest.mark.parametrize("seed", range(6))
def test_legs_are_those_of_an_independent_search(a_case: MakeCase, seed: int) -> None:
    case = a_case(seed, orders=3)
    feasible = [o for o in case.snapshot.orders if case.ways(case.snapshot.robot, o) is not None]
    if not feasible:
        return
    instance = make_instance(replace(case.snapshot, capacity=2), feasible)
    driven = np.argwhere(np.isfinite(instance.upper.cost_s)).tolist()
    assert len(driven) > len(feasible)
    for a, b in driven:
        cost_s, time_s, length_m = case.way(instance.nodes[a], instance.nodes[b])
        assert instance.upper.cost_s[a, b] == pytest.approx(cost_s, rel=1e-6)
        assert instance.upper.time_s[a, b] == pytest.approx(time_s, rel=1e-6)
        assert instance.upper.length_m[a, b] == pytest.approx(length_m)


@pytest.mark.parametrize("seed", range(6))
def test_numbers_are_those_of_the_other_choosers(seed: int) -> None:
    """Legs, queues and what the battery rule allows now, for one order at a time."""
    snapshot = random_instance(seed, 6, 1, True).snapshot
    legs, found = Legs(snapshot, FieldCache()), assess(snapshot)
    allowed = {candidate.goal for candidate in found.candidates}
    for order in snapshot.orders:
        instance = make_instance(snapshot, [order])
        own = legs.order(order)
        assert own is not None
        points = [0, *instance.points(0)]
        for leg, a, b in zip(own, points[:-1], points[1:], strict=True):
            assert instance.upper.cost_s[a, b] == leg.cost_s
            assert instance.upper.time_s[a, b] == leg.time_s
            kg = order.kg if a else 0.0
            wh = instance.upper.wh[a, b] + kg * instance.upper.wh_kg[a, b]
            assert wh == pytest.approx(leg.energy_wh, rel=1e-12)
        for k, (name, leg) in enumerate(sorted(legs.chargers(order.drop).items())):
            wait_s = instance.batch.queue[points[-1], k]
            assert wait_s == pytest.approx(queue_s(snapshot, name, leg), abs=1e-9)
        plan = solved(instance).plan
        straight = plan is not None and not plan.charges
        if order.id in allowed:
            assert straight
        elif order.id not in {r.goal for r in found.refused if r.code == "not_released"}:
            assert not straight


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3), st.booleans())
def test_closed_legs_are_least_ways(seed: int, orders: int, capacity: int, battery: bool) -> None:
    instance = random_instance(seed, orders, capacity, battery)
    for closed, raw in zip(
        instance.closed, (instance.lower.cost_s, instance.lower.time_s), strict=True
    ):
        assert np.all(closed <= raw)
        detours = (closed[:, :, None] + closed[None, :, :]).min(axis=1)
        assert np.all(closed <= detours * (1 + 1e-12) + 1e-12)


def renamed(snapshot: Snapshot) -> Snapshot:
    """Orders in another sequence under other names, chargers too."""
    orders = [replace(o, id=f"A{k}") for k, o in enumerate(reversed(snapshot.orders))]
    names = {name: f"plug-{9 - k}" for k, name in enumerate(snapshot.chargers)}
    maps = {
        field: {names[name]: value for name, value in getattr(snapshot, field).items()}
        for field in ("chargers", "charger_wait_s", "charger_power_w")
    }
    return replace(snapshot, orders=tuple(orders), **maps)


def later(snapshot: Snapshot) -> Snapshot:
    """All clocks moved on."""
    orders = [
        replace(o, due_s=o.due_s + 1000.0, release_s=o.release_s + 1000.0) for o in snapshot.orders
    ]
    return replace(snapshot, time_s=snapshot.time_s + 1000.0, orders=tuple(orders))


def dearer(snapshot: Snapshot) -> Snapshot:
    """Every cost twice as high, driving times unchanged."""
    costs = snapshot.costs
    layers = [Layer(name, costs.layer(name), costs.weights[name] * 2.0) for name in costs.layers]
    layers.append(Layer("base-again", np.full((9, 12), costs.base), 1.0))
    weights = {name: 2.0 * p for name, p in snapshot.lateness_weights.items()}
    doubled = CostField(snapshot.map, base=costs.base, layers=layers)
    return replace(snapshot, costs=doubled, lateness_weights=weights)


@pytest.mark.parametrize(("change", "factor"), [(renamed, 1.0), (later, 1.0), (dearer, 2.0)])
@pytest.mark.parametrize(("capacity", "battery"), [(1, False), (3, False), (1, True), (2, True)])
def test_what_is_renamed_or_scaled_stays_the_same(
    change: Callable[[Snapshot], Snapshot], factor: float, capacity: int, battery: bool
) -> None:
    for seed in range(5):
        first = random_instance(seed, 5, capacity, battery)
        second = make_instance(change(first.snapshot), levels=(0.5, 1.0))
        one, two = solved(first), solved(second)
        assert two.cost_s == pytest.approx(factor * one.cost_s, rel=1e-6)
        assert two.lower_bound_s == pytest.approx(factor * one.lower_bound_s, rel=1e-6)
        if two.plan is not None:
            assert walk(second, two.plan) == pytest.approx(two.cost_s, rel=1e-9)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 5), st.booleans())
def test_more_capacity_never_costs_more(seed: int, orders: int, battery: bool) -> None:
    snapshot = random_instance(seed, orders, 1, battery).snapshot
    costs = [
        solved(make_instance(replace(snapshot, capacity=c), levels=(1.0,), loaded=True)).cost_s
        for c in (1, 2, 3)
    ]
    assert costs[1] <= costs[0] * (1 + 1e-9)
    assert costs[2] <= costs[1] * (1 + 1e-9)


def test_an_order_of_no_way_has_no_plan() -> None:
    instance = random_instance(3, 2, 1, False)
    wall = int(np.flatnonzero(instance.snapshot.map.blocked.reshape(-1))[0])  # type: ignore[union-attr]
    order = replace(instance.orders[0], stops=(wall,))
    solution = solved(make_instance(instance.snapshot, [order, instance.orders[1]]))
    assert solution.plan is None and solution.proven
    assert math.isinf(solution.cost_s) and solution.gap == 0.0


def test_a_threshold_leaves_energy_out() -> None:
    snapshot = random_instance(1, 3, 1, True).snapshot
    assert not make_instance(snapshot, rule=Threshold()).batch.energy
    assert make_instance(snapshot, rule=ChargeRule()).batch.energy
    levels = make_instance(snapshot, rule=ChargeRule(limit_soc=0.8)).batch.levels
    assert levels[-1] == pytest.approx(0.8 * snapshot.capacity_wh)
