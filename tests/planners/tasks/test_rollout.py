"""Whole plans out of any chooser: one evaluation for all, and bounds that hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from batches import exhaustive, random_snapshot
from batches import walk as walked_by_hand

from planners.tasks import CHOOSERS, Decision, Order, Snapshot, Timing, make_chooser
from planners.tasks.critics import Limits, feasible, judge
from planners.tasks.deep import make_instance
from planners.tasks.deep.instance import LEVELS
from planners.tasks.legs import Legs
from planners.tasks.plans import Plan
from planners.tasks.rollout import Rollout, roll_out
from planners.tasks.spans import LegSpans
from planners.tasks.walk import walk

NAMES = [name for name in CHOOSERS if name != "llm"]


def snapshots(battery: bool, count: int = 8, orders: int = 3) -> list[Snapshot]:
    return [
        random_snapshot(np.random.default_rng([seed, battery]), orders, 1, battery)
        for seed in range(count)
    ]


def tied(battery: bool, count: int = 8) -> list[Snapshot]:
    """Up to three orders at once, some of them on board, some to follow others."""
    return [
        random_snapshot(np.random.default_rng([seed, battery]), 3, 1 + seed % 3, battery, 0.5, 0.2)
        for seed in range(count)
    ]


def rolled(snapshot: Snapshot, name: str) -> Rollout:
    return roll_out(snapshot, make_chooser(name))


@pytest.mark.parametrize("battery", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_plan_can_be_made_and_costs_what_is_said(name: str, battery: bool) -> None:
    for snapshot in (*snapshots(battery), *tied(battery)):
        found = rolled(snapshot, name)
        ids = [order.id for order in snapshot.orders]
        assert sorted([*found.served, *(no.goal for no in found.refused)]) == sorted(ids)
        assert found.plan.orders == found.served
        if not found.served:
            assert (found.total_s, found.lower_bound_s, found.gap) == (0.0, 0.0, 0.0)
            continue
        assert found.walk.total_s.most == pytest.approx(found.total_s)
        assert 0.0 <= found.lower_bound_s <= found.total_s
        assert found.placed == feasible(judge(snapshot, found.plan, Limits(orders=found.served)))
        if found.placed:
            batch = [order for order in snapshot.orders if order.id in found.served]
            instance = make_instance(snapshot, batch)
            assert walked_by_hand(instance, found.plan) == pytest.approx(found.total_s)


def test_several_orders_are_woven_where_they_fit() -> None:
    woven = dict.fromkeys(NAMES, 0)
    for snapshot in tied(False, count=12):
        for name in NAMES:
            plan = rolled(snapshot, name).plan
            ids = [stop.order for stop in plan.stops]
            changes = sum(a != b for a, b in pairwise(ids))
            woven[name] += changes >= len(plan.orders)
            assert snapshot.capacity > 1 or changes == max(0, len(plan.orders) - 1)
    del woven["goal"]  # what is on board is always sooner there
    assert all(woven.values()), woven


@pytest.mark.parametrize("battery", [False, True])
def test_work_and_delays_count_everywhere_alike(battery: bool) -> None:
    timing = Timing(delay=1.3, pick_s=8.0, drop_s=6.0)
    later = 0
    for plain in snapshots(battery, count=12):
        snapshot = replace(plain, timing=timing)
        found = rolled(snapshot, "deep")
        if found.served and found.placed:
            assert found.walk.total_s.most == pytest.approx(found.total_s)
            assert found.lower_bound_s <= found.total_s
            batch = [order for order in snapshot.orders if order.id in found.served]
            assert exhaustive(make_instance(snapshot, batch)) == pytest.approx(found.total_s)
            driven = make_instance(plain, batch).upper.time_s
            timed = make_instance(snapshot, batch).upper.clock_s
            last = [int(k) for k in make_instance(plain, batch).batch.last]
            reached = np.isfinite(driven[0])
            assert timed[0, reached] == pytest.approx(1.3 * driven[0, reached])
            assert np.all(timed[last][np.isfinite(driven[last])] >= 6.0)
            later += found.total_s > rolled(plain, "deep").total_s + 1e-6
    assert later > 0


def test_time_at_stops_by_hand(a_snapshot: Callable[..., Snapshot]) -> None:
    snapshot = replace(a_snapshot(2), timing=Timing(1.5, 10.0, 20.0))
    walked = walk(snapshot, Plan.of_orders(snapshot.orders), LegSpans(snapshot))
    driving = [Legs(snapshot).order(snapshot.orders[0])]
    driving += [Legs(snapshot).order(snapshot.orders[1], start=snapshot.orders[0].drop)]
    legs_s = [leg.time_s for legs in driving if legs is not None for leg in legs]
    at_s = np.cumsum(1.5 * np.array(legs_s) + np.array([0.0, 10.0, 20.0, 10.0]))
    assert [step.time_s.most for step in walked.steps] == pytest.approx(at_s.tolist())


@pytest.mark.parametrize("delay", [0.9, math.nan])
def test_a_delay_is_at_least_one(delay: float) -> None:
    with pytest.raises(ValueError, match="delay"):
        Timing(delay=delay)


@pytest.mark.parametrize("battery", [False, True])
def test_the_bound_is_below_every_plan_and_exact_meets_it(battery: bool) -> None:
    for snapshot in snapshots(battery, count=4):
        found = {name: rolled(snapshot, name) for name in NAMES}
        for one in found.values():
            if one.served and one.placed:
                batch = [order for order in snapshot.orders if order.id in one.served]
                least_s = exhaustive(make_instance(snapshot, batch, levels=LEVELS))
                assert one.lower_bound_s <= least_s * (1 + 1e-9)
                assert one.total_s >= least_s * (1 - 1e-9)
        if len(found["exact"].served) == len(snapshot.orders):
            assert found["exact"].gap == pytest.approx(0.0, abs=1e-6)
            for one in found.values():
                if one.served == found["exact"].served and one.placed:
                    assert found["exact"].total_s <= one.total_s * (1 + 1e-9)


def test_choosers_differ_and_the_same_sequence_costs_the_same() -> None:
    totals = dict.fromkeys(NAMES, 0.0)
    for snapshot in snapshots(False, count=12, orders=5):
        found = [rolled(snapshot, name) for name in NAMES]
        by_sequence: dict[tuple[str, ...], float] = {}
        for name, one in zip(NAMES, found, strict=True):
            if name not in ("deep", "exact"):
                same = by_sequence.setdefault(one.served, one.total_s)
                assert one.total_s == pytest.approx(same)
            totals[name] += one.total_s
    assert totals["exact"] <= totals["deep"] * (1 + 1e-9)
    assert totals["exact"] < min(totals["reflex"], totals["utility"], totals["earliest"])
    assert len({round(total, 3) for total in totals.values()}) >= 4


def test_a_release_is_waited_for() -> None:
    snapshot = snapshots(False)[0]
    first = replace(snapshot.orders[0], release_s=snapshot.time_s + 5000.0)
    found = rolled(replace(snapshot, orders=(first, *snapshot.orders[1:])), "utility")
    assert found.served[-1] == first.id and len(found.served) == len(snapshot.orders)
    assert found.walk.steps[-1].time_s.most >= 5000.0


def test_what_nobody_can_reach_is_refused_and_the_rest_served() -> None:
    snapshot = snapshots(False)[0]
    wall = int(np.flatnonzero(snapshot.map.blocked.reshape(-1))[0])
    for name in NAMES:
        found = rolled(replace(snapshot, orders=(*snapshot.orders, Order("O9", (wall,)))), name)
        assert [no.code for no in found.refused] == ["unreachable"]
        assert len(found.served) == len(snapshot.orders)


def test_a_chooser_that_goes_round_in_circles_is_left() -> None:
    class Charging:
        name = "charging"

        def choose(self, snapshot: Snapshot) -> Decision:
            return Decision("charge", "charger-1", self.name, "I like it here")

        def describe(self) -> str:
            return self.name

    found = roll_out(snapshots(True)[0], Charging())
    assert (found.served, found.plan.stops, found.total_s) == ((), (), 0.0)


def test_without_orders_there_is_nothing_to_do() -> None:
    found = rolled(replace(snapshots(False)[0], orders=()), "utility")
    assert (found.first.kind, found.total_s, found.gap) == ("wait", 0.0, 0.0)
    assert not math.isnan(found.lower_bound_s)


@pytest.mark.parametrize("wrong", [{"delay": 1e308}, {"pick_s": 1e9}, {"drop_s": 1e9}])
def test_times_beyond_reason_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at most 100, work at a stop at most 86400 s"):
        Timing(**wrong)
