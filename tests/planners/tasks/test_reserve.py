"""The battery rule: hard, monotone, explained, and never a reason to go round in circles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planners import CostField, GridMap
from planners.tasks import (
    CHOOSERS,
    ChargeRule,
    EnergyModel,
    Order,
    Snapshot,
    Threshold,
    assess,
    make_chooser,
)

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


# Which charger.


def line(length: int, **changes: Any) -> Snapshot:
    """A corridor of so many metres, 1 Wh and 1 s a metre, with the robot at its west end."""
    grid = GridMap(np.zeros((1, length), dtype=bool), moves="four")
    fields: dict[str, Any] = {
        "time_s": 0.0, "map": grid, "costs": CostField(grid), "robot": 0, "charge_wh": 50.0,
        "capacity_wh": 100.0, "reserve_wh": 10.0, "charge_power_w": 360.0, "margin": 1.0,
        "payload_kg": 0.0, "orders": (), "chargers": {},
        "energy": EnergyModel(ambient_w=0.0, drive_j_per_m=3600.0),
    }  # fmt: skip
    return Snapshot(**(fields | changes))


def test_an_order_is_feasible_if_some_charger_within_reach_works() -> None:
    """From the near charger the far order is out of reach, from the other one it is not."""
    snapshot = line(
        80, robot=20, orders=(Order("O1", (79,)),),
        chargers={"charger-1": 18, "charger-2": 48}, charge_wh=50.0,
    )  # fmt: skip
    # From 18: 61 + 31 > 80; from 48: 31 + 31 <= 80.
    decision = make_chooser("utility").choose(snapshot)
    assert (decision.kind, decision.goal, decision.decided_by) == ("charge", "charger-2", "reserve")
    (refusal,) = decision.refused
    assert refusal.code == "battery"
    assert refusal.sentence == (
        "O1 needs 59.0 Wh + 31.0 Wh to charger-2, 40.0 Wh left above the reserve of 10.0 Wh: "
        "50.0 Wh short (59.0 Wh predicted, 1.00 times that to be safe); first to charger-2"
    )
    # Where only the near one is within reach, charging there leads on to the other.
    low = replace(snapshot, charge_wh=15.0)
    first = make_chooser("utility").choose(low)
    assert (first.goal, first.refused[0].code) == ("charger-1", "battery")
    there = replace(low, robot=18, charge_wh=90.0)
    assert make_chooser("utility").choose(there).goal == "charger-2"
    # And where no chain of chargers leads there, the order is hopeless and nobody drives about.
    gap = replace(low, map=(wide := line(300)).map, costs=wide.costs, charge_wh=90.0,
                  orders=(Order("O1", (290,)),),
                  chargers={"charger-1": 18, "charger-2": 250})  # fmt: skip
    waiting = make_chooser("utility").choose(gap)
    assert (waiting.kind, waiting.refused[0].code) == ("wait", "full_battery")
    assert waiting.reason.endswith("on a full battery from charger-1, charger-2 either")


@pytest.mark.parametrize(
    ("changes", "goal"),
    [
        ({}, "charger-1"),
        ({"charger_wait_s": {"charger-1": 35.0}}, "charger-1"),  # 35 < 40
        ({"charger_wait_s": {"charger-1": 90.0}}, "charger-2"),
        ({"charger_wait_s": {"charger-1": 90.0, "charger-2": 500.0}}, "charger-1"),
        # 45 Wh are missing: 450 s at 360 W, 225 s at 720 W.
        ({"charger_power_w": {"charger-2": 720.0}}, "charger-2"),
        # Too far for what is left: the wait has to be borne.
        ({"charger_wait_s": {"charger-1": 90.0}, "charge_wh": 35.0}, "charger-1"),
        # Waiting draws as well: at 1.8 kW there is not enough for a wait of a minute.
        (
            {"charger_wait_s": {"charger-1": 80.0}, "charger_power_w": {"charger-1": 9999.0},
             "energy": EnergyModel(ambient_w=1800.0, drive_j_per_m=1800.0)},
            "charger-2",
        ),
    ],
)  # fmt: skip
def test_the_charger_is_chosen_by_way_wait_and_power(changes: dict[str, Any], goal: str) -> None:
    snapshot = line(90, robot=30, chargers={"charger-1": 20, "charger-2": 70}, charge_wh=49.9)
    snapshot = replace(snapshot, **({"charge_wh": 49.9, "reserve_wh": 9.0} | changes))
    decision = make_chooser("utility").choose(snapshot)
    assert (decision.kind, decision.goal) == ("charge", goal)
    wait_s = snapshot.charger_wait_s.get(goal, 0.0)
    away_s = abs(snapshot.chargers[goal] - 30.0)
    assert decision.terms["queue_s"] == max(0.0, wait_s - away_s)
    assert ("in the queue" in decision.reason) == (wait_s > away_s)


def test_waiting_for_the_plug_is_part_of_the_way_to_it() -> None:
    """30 m there, 10 m back to the charger: 40 Wh, and 36 W for as long as others charge."""
    energy = EnergyModel(ambient_w=36.0, drive_j_per_m=3564.0)
    snapshot = line(40, robot=1, orders=(Order("O1", (31,)),), chargers={"charger-1": 21},
                    charge_wh=55.0, energy=energy)  # fmt: skip
    free = make_chooser("utility").choose(snapshot)
    assert free.goal == "O1"
    # The queue is 10 s shorter on arrival: 490 s draw 4.9 Wh, and 510 s draw 5.1 Wh.
    short, long = (replace(snapshot, charger_wait_s={"charger-1": s}) for s in (500.0, 520.0))
    assert make_chooser("utility").choose(short).goal == "O1"
    (refusal,) = make_chooser("utility").choose(long).refused
    assert refusal.sentence.startswith(
        "O1 needs 30.0 Wh + 15.1 Wh to charger-1 and 520 s in its queue, 45.0 Wh left"
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 35),
    charge_wh=st.floats(96.1, 99.0),
    waits=st.tuples(*[st.floats(0, 900)] * 2),
)
def test_the_charger_of_least_seconds_is_taken(
    a_case: MakeCase, seed: int, charge_wh: float, waits: tuple[float, float]
) -> None:
    case = a_case(seed, orders=0, charge_wh=charge_wh)
    wait_s = dict(zip(case.snapshot.chargers, waits, strict=True))
    snapshot = replace(case.snapshot, charger_wait_s=wait_s)
    decision = make_chooser("utility").choose(snapshot)
    ways = {name: case.way(snapshot.robot, node) for name, node in snapshot.chargers.items()}
    left_wh = charge_wh - 96.0
    total_s, fits = {}, {}
    for name, way in ways.items():
        if way is None:
            continue
        queue_s = max(0.0, wait_s[name] - way[1])
        total_s[name] = way[0] + queue_s
        need_wh = 1.2 * (20.0 * way[1] + 151.0 * way[2]) / 3600.0
        fits[name] = need_wh + 20.0 * queue_s / 3600.0
    allowed = {name for name in ways if fits.get(name, math.inf) <= left_wh}
    if not allowed:  # the reserve may be used
        return
    best = min(total_s[name] for name in allowed)
    assert total_s[str(decision.goal)] <= best + 1e-3


def test_a_threshold_looks_at_the_charge_alone() -> None:
    rule = Threshold(low_soc=0.25, top_up_soc=0.0)
    chooser = make_chooser("utility", charge_rule=rule)
    snapshot = line(200, orders=(Order("O1", (199,)),), chargers={"charger-1": 3})
    # 199 m there and 196 m back on 26 Wh: the reserve rule knows better.
    assert chooser.choose(replace(snapshot, charge_wh=26.0)).goal == "O1"
    assert make_chooser("utility").choose(replace(snapshot, charge_wh=26.0)).goal == "charger-1"
    low = chooser.choose(replace(snapshot, charge_wh=24.0))
    assert (low.kind, low.goal, low.decided_by) == ("charge", "charger-1", "threshold")
    assert low.refused[0].sentence == "O1 has to wait: 24.0 % charge, below 25 %"
    assert rule.spare_wh(snapshot, 1e9) == math.inf


def test_turning_back_keeps_a_last_share_of_the_reserve() -> None:
    snapshot = line(10, charge_wh=40.0, margin=1.5)
    assert ChargeRule().spare_wh(snapshot, 8.0) == 40.0 - 12.0 - 2.5
    assert ChargeRule().spare_wh(snapshot, 25.0) == 40.0 - 25.0 - 7.5  # what the rule left there
    assert ChargeRule(last_share=0.5).spare_wh(snapshot, 10.0) == 40.0 - 10.0 - 5.0
    assert ChargeRule(last_share=0.0).spare_wh(snapshot, 10.0) == 40.0 - 15.0


@given(
    way_wh=st.floats(0.0, 60.0), margin=st.floats(1.0, 3.0), left_wh=st.floats(0.0, 20.0),
    share=st.floats(0.0, 0.5),
)  # fmt: skip
def test_what_the_rule_allows_is_not_called_back_at_the_drop(
    way_wh: float, margin: float, left_wh: float, share: float
) -> None:
    """At the drop the rule leaves the way and the reserve, if the task took what was foreseen."""
    at_drop = line(10, charge_wh=way_wh + 10.0 + left_wh, margin=margin)
    spare_wh = ChargeRule(last_share=share).spare_wh(at_drop, way_wh)
    assert spare_wh >= 10.0 * share + left_wh - 1e-9


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda: ChargeRule(last_share=1.5), r"1\.5"),
        (lambda: Threshold(low_soc=0.9), r"0\.9"),
        (lambda: line(9, charger_wait_s={"charger-9": 1.0}), "charger-9"),
        (lambda: line(9, chargers={"a": 1}, charger_wait_s={"a": -2.0}), r"-2\.0"),
        (lambda: line(9, chargers={"a": 1}, charger_power_w={"a": math.nan}), "nan"),
    ],
)
def test_rules_and_telemetry_that_make_no_sense_are_refused_by_value(make: Any, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        make()
