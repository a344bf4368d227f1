"""The battery rule: hard, monotone, explained, and never a reason to go round in circles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planners.tasks import CHOOSERS, Snapshot, assess, make_chooser

MakeSnapshot = Callable[..., Snapshot]
MakeCase = Callable[..., Any]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 35),
    charge_wh=st.floats(96.0, 100.0),
    margin=st.floats(0.8, 3.0),
    payload_kg=st.floats(0.0, 50.0),
)
def test_the_battery_rule_is_hard(
    a_case: MakeCase, seed: int, charge_wh: float, margin: float, payload_kg: float
) -> None:
    case = a_case(seed, charge_wh=charge_wh, margin=margin, payload_kg=payload_kg)
    left_wh = charge_wh - case.snapshot.reserve_wh
    by_id = {order.id: order for order in case.snapshot.orders}
    for name in CHOOSERS:
        decision = make_chooser(name).choose(case.snapshot)
        refused = {refusal.goal: refusal for refusal in decision.refused}
        assert decision.goal not in refused
        for candidate in decision.candidates:
            order_wh, way_wh = case.needs_wh(candidate.order)
            assert margin * order_wh + way_wh <= left_wh + 1e-6
            assert candidate.energy_wh == pytest.approx(order_wh, rel=1e-5)
            assert candidate.to_charger_wh == pytest.approx(way_wh, rel=1e-5)
        for refusal in refused.values():
            if refusal.code == "battery":
                order_wh, way_wh = case.needs_wh(by_id[refusal.goal])
                assert margin * order_wh + way_wh > left_wh - 1e-6
                assert (
                    f"{margin * order_wh:.1f} Wh + {way_wh:.1f} Wh to charger-" in refusal.sentence
                )
                assert f"{left_wh:.1f} Wh left above the reserve of 96.0 Wh" in refusal.sentence
        if (
            any(refusal.code == "battery" for refusal in refused.values())
            and not decision.candidates
        ):
            assert (decision.kind, decision.decided_by) == ("charge", "reserve")
            assert decision.goal in case.snapshot.chargers


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 35), low_wh=st.floats(90.0, 101.0), more_wh=st.floats(0.0, 3.0))
def test_more_charge_never_refuses_more(
    a_case: MakeCase, seed: int, low_wh: float, more_wh: float
) -> None:
    low = assess(a_case(seed, charge_wh=low_wh).snapshot)
    high = assess(a_case(seed, charge_wh=low_wh + more_wh).snapshot)
    assert {c.goal for c in low.candidates} <= {c.goal for c in high.candidates}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 35),
    soc=st.floats(0.1, 1.0),
    capacity_wh=st.floats(0.5, 8.0),
    shortfall=st.floats(0.0, 0.001),
)
def test_charging_never_goes_round_in_circles(
    a_case: MakeCase, seed: int, soc: float, capacity_wh: float, shortfall: float
) -> None:
    """After the charge that was asked for (or just short of it) none at that charger follows."""
    case = a_case(
        seed, charge_wh=soc * capacity_wh, capacity_wh=capacity_wh, reserve_wh=0.1 * capacity_wh
    )
    chooser = make_chooser("utility")
    snapshot, visited = case.snapshot, []
    while (decision := chooser.choose(snapshot)).kind == "charge":
        visited.append(decision.goal)
        snapshot = replace(
            snapshot,
            robot=snapshot.chargers[str(decision.goal)],
            charge_wh=(0.9 - shortfall) * capacity_wh,
        )
    assert len(visited) == len(set(visited))  # one charger may be the way to another
    if visited and decision.kind == "wait":
        assert decision.reason.startswith("no open order can be served") == bool(decision.refused)


def test_rounding_at_the_charging_limit_asks_for_no_further_charge(a_case: MakeCase) -> None:
    """The order fits at 90 % but not at the 89.95 % that the charger ended with."""
    case = a_case(3, orders=1, reserve_wh=0.0)
    charger = case.snapshot.chargers["charger-1"]
    case = replace(case, snapshot=replace(case.snapshot, robot=charger))
    order_wh, way_wh = case.needs_wh(case.snapshot.orders[0])
    capacity_wh = (1.2 * order_wh + way_wh) / 0.8997
    short = replace(case.snapshot, capacity_wh=capacity_wh, charge_wh=0.8995 * capacity_wh)
    decision = make_chooser("utility").choose(short)
    assert (decision.kind, decision.refused[0].code) == ("wait", "full_battery")
    assert "full battery" in decision.reason
    full = replace(short, charge_wh=0.9 * capacity_wh)
    assert make_chooser("utility").choose(full).kind == "order"
    emptier = replace(short, charge_wh=0.88 * capacity_wh)
    assert make_chooser("utility").choose(emptier).decided_by == "reserve"


@pytest.mark.parametrize("soc", [0.6, 0.9, 1.0])
def test_an_order_near_the_charger_is_worth_the_way_to_it(
    a_snapshot: MakeSnapshot, soc: float
) -> None:
    """From afar not even a full battery suffices; from the charger it does: go there first."""
    base = a_snapshot(orders=1)  # the robot at node 0, the charger at node 7
    order = replace(base.orders[0], stops=(7, 47), kg=0.0)
    metre_wh = base.energy.leg_wh(1.0, 1.5)
    # From afar 1.2 * 12 + 5 m, from the charger 1.2 * 5 + 5 m; the limit pays 14 m.
    capacity_wh = 14.0 * metre_wh / 0.9
    far = replace(
        base, orders=(order,), capacity_wh=capacity_wh, reserve_wh=0.0, charge_wh=soc * capacity_wh
    )
    decision = make_chooser("utility").choose(far)
    assert (decision.kind, decision.goal, decision.decided_by) == ("charge", "charger-1", "reserve")
    there = replace(far, robot=7, charge_wh=0.9 * capacity_wh)
    assert make_chooser("utility").choose(there).goal == "O1"
    too_small = replace(far, capacity_wh=0.7 * capacity_wh, charge_wh=0.6 * 0.7 * capacity_wh)
    waiting = make_chooser("utility").choose(too_small)
    assert (waiting.kind, waiting.refused[0].code) == ("wait", "full_battery")


def test_the_payload_counts(a_case: MakeCase) -> None:
    case = a_case(3, orders=1)
    light, heavy = (
        replace(case.snapshot, charge_wh=98.0, orders=(replace(case.snapshot.orders[0], kg=kg),))
        for kg in (0.0, 5000.0)
    )
    assert make_chooser("utility").choose(light).kind == "order"
    refused = make_chooser("utility").choose(heavy)
    assert (refused.kind, refused.decided_by) == ("charge", "reserve")
    assert refused.reason.startswith("no order fits the battery: O1 needs ")


def test_idle_robots_charge_when_low_and_wait_otherwise(a_snapshot: MakeSnapshot) -> None:
    idle = a_snapshot(orders=0)
    chooser = make_chooser("utility")
    low = chooser.choose(replace(idle, charge_wh=0.49 * idle.capacity_wh))
    assert (low.kind, low.goal, low.decided_by) == ("charge", "charger-1", "utility")
    assert "49 %" in low.reason and low.terms["energy_wh"] > 0.0
    fine = chooser.choose(replace(idle, charge_wh=0.51 * idle.capacity_wh))
    assert (fine.kind, fine.goal) == ("wait", None)
    stuck = chooser.choose(replace(idle, charge_wh=0.2 * idle.capacity_wh, chargers={}))
    assert stuck.kind == "wait" and "no charger can be reached" in stuck.reason


def test_where_energy_does_not_matter_every_order_passes(a_snapshot: MakeSnapshot) -> None:
    snapshot = replace(a_snapshot(), charge_wh=math.inf, capacity_wh=math.inf, chargers={})
    assert len(assess(snapshot).candidates) == 3
    assert make_chooser("utility").choose(replace(snapshot, orders=())).kind == "wait"
