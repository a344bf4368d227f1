"""Critics: a zoo of plans that are wrong in one way each, and plans that are right."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from batches import random_instance
from street import GOOD, O1, O2, PLUG, said, street, visit

from planners.tasks import EnergyModel, Order, Snapshot
from planners.tasks.critics import CRITICS, Limits, feasible, judge
from planners.tasks.plans import Plan, Stop
from planners.tasks.spans import Drive, LegSpans, Span


def test_a_good_plan_passes_every_critic_in_turn() -> None:
    for stops in (GOOD, (*O2, *O1), (PLUG, *GOOD), (*O1, PLUG, *O2, PLUG)):
        verdicts = judge(street(), Plan(stops))
        assert feasible(verdicts) and [v.critic for v in verdicts] == list(CRITICS)
    assert feasible(judge(street(orders=()), Plan(())))
    assert feasible(judge(street(), Plan(GOOD).as_json()))


def stuck(cell: int = 40) -> tuple[Snapshot, tuple[Stop, ...]]:
    """An order on the cells that no way leads to."""
    return street(orders=(Order("O1", (2, cell)),)), (visit("O1", 0, 2), visit("O1", 1, cell))


def held(name: str, **changes: Any) -> Snapshot:
    """The street with an order on board, of which the drop is left."""
    orders = [replace(o, stops=o.stops[-1:]) if o.id == name else o for o in street().orders]
    return street(orders=tuple(orders), on_board=(name,), **changes)


def drop(name: str) -> Stop:
    """What is left of an order on board."""
    return visit(name, 0, {"O1": 4, "O2": 22}[name])


def low(charge_wh: float, **changes: Any) -> Snapshot:
    return street(charge_wh=charge_wh, orders=(Order("O1", (2, 4), kg=10.0),), **changes)


ZOO: dict[str, tuple[Callable[[], tuple[Any, ...]], str, str]] = {
    # name: (snapshot, plan, limits), code, in the sentence
    "a word": (lambda: (street(), "O1, O2"), "schema", "'O1, O2'"),
    "a stop that is a number": (lambda: (street(), [4]), "schema", "4 is no stop"),
    "a node that is text": (
        lambda: (street(), [{"kind": "visit", "node": "4", "order": "O1"}]), "schema", "'4'",
    ),
    "a node that is true": (
        lambda: (street(), [{"kind": "visit", "node": True, "order": "O1"}]), "schema", "True",
    ),
    "a field of its own": (
        lambda: (street(), [{**O1[0].as_json(), "cost_s": 1.0}]), "schema", "'cost_s'",
    ),
    "a dance": (lambda: (street(), [{"kind": "dance", "node": 4}]), "schema", "'dance'"),
    "a charge of an order": (
        lambda: (street(), [{**PLUG.as_json(), "order": "O1"}]), "schema", "'O1'",
    ),
    "no node": (lambda: (street(), [{"kind": "visit", "order": "O1"}]), "schema", "no stop"),
    "a plan without end": (lambda: (street(), (PLUG,) * 1001), "schema", "1001 stops"),
    "JSON without end": (lambda: (street(), [PLUG.as_json()] * 1001), "schema", "1001 stops"),
    "an unknown order": (
        lambda: (street(), (*GOOD, visit("O9", 0, 4))), "unknown_order", "stop 5 is O9",
    ),
    "an order that is not asked for": (
        lambda: (street(), GOOD, Limits(orders=["O1"])), "unknown_order", "O2",
    ),
    "an unknown charger": (
        lambda: (street(), (Stop("charge", 8, charger="charger-2"), *GOOD)), "unknown_charger",
        "charger-2",
    ),
    "a charger elsewhere": (
        lambda: (street(), (Stop("charge", 7, charger="charger-1"), *GOOD)), "wrong_node",
        "node 8, not 7",
    ),
    "a pick elsewhere": (lambda: (street(), (visit("O1", 0, 3), *GOOD[1:])), "wrong_node", "not 3"),
    "a place too many": (
        lambda: (street(), (*O1, visit("O1", 2, 4), *O2)), "unknown_place", "place 2 of O1",
    ),
    "an order twice": (lambda: (street(), (*GOOD, *O1)), "repeated", "place 0 is visited 2"),
    "a drop twice": (lambda: (street(), (*GOOD, O1[1])), "repeated", "place 1 is visited 2"),
    "an order left out": (lambda: (street(), O1), "missing", "O2's place 0"),
    "a drop left out": (lambda: (street(), (O1[0], *O2)), "missing", "O1's place 1"),
    "nothing at all": (lambda: (street(), ()), "missing", "O1's place 0"),
    "dropped before picked": (
        lambda: (street(), (O1[1], O1[0], *O2)), "precedence", "stop 0 is place 1 of O1",
    ),
    "stops of an order swapped": (
        lambda: (street(), (*O1, O2[0], O2[2], O2[1])), "precedence", "stop 3 is place 2 of O2",
    ),
    "two on board of one": (
        lambda: (street(), (O1[0], O2[0], O1[1], *O2[1:])), "capacity", "with O1 on board: 1 fit",
    ),
    "one too many beside what is on board": (
        lambda: (held("O1", capacity=1), (O2[0], drop("O1"), *O2[1:])), "capacity",
        "stop 0 picks O2 with O1 on board: 1 fit",
    ),
    "one too many beside what nobody asks for": (
        lambda: (held("O1", capacity=1), O2, Limits(orders=["O2"])), "capacity", "with O1 on board",
    ),
    "picked that is on board": (
        lambda: (held("O1"), (visit("O1", 0, 2), drop("O1"), *O2)), "wrong_node", "is at node 4",
    ),
    "charged with what was on board": (
        lambda: (held("O1", capacity=1), (PLUG, drop("O1"), *O2)), "loaded", "stop 0 charges with",
    ),
    "too little charge for what is on board": (
        lambda: (
            street(
                charge_wh=2.4, orders=(Order("O1", (4,), kg=10.0),), on_board=("O1",),
                payload_kg=10.0, energy=EnergyModel(0.0, 180.0, 18.0),
            ), (drop("O1"),),
        ), "battery", "stop 0",
    ),
    "delivered before what it follows": (
        lambda: (street(after={"O1": ("O2",)}), GOOD), "after",
        "stop 1 delivers O1 before O2, which it is to follow",
    ),
    "delivered before what it follows by way of another": (
        lambda: (
            street(
                orders=(Order("O1", (2, 4)), Order("O2", (3, 20, 22)), Order("O3", (5,))),
                after={"O3": ("O2",), "O2": ("O1",)}, capacity=2,
            ), (O1[0], visit("O3", 0, 5), O1[1], *O2),
        ), "after", "stop 1 delivers O3 before O1",
    ),
    "after one that nobody asks for": (
        lambda: (street(after={"O1": ("O2",)}), O1, Limits(orders=["O1"])), "after", "before O2",
    ),
    "charged with an order on board": (
        lambda: (street(), (O1[0], PLUG, O1[1], *O2)), "loaded", "stop 1 charges with O1",
    ),
    "charged over the limit": (
        lambda: (street(), (replace(PLUG, to_soc=0.95), *GOOD)), "over_limit", "0.95",
    ),
    "a drop behind walls": (lambda: (*stuck(),), "unreachable", "stop 1, node 40"),
    "an aisle that is closed": (
        lambda: (street(), GOOD, Limits(closed={"aisle-1": [17, 26]})), "closed",
        "the way to stop 3 leads through aisle-1",
    ),
    "a stop in a closed aisle": (
        lambda: (street(), GOOD, Limits(closed={"aisle-2": [22]})), "closed", "stop 4, node 22",
    ),
    # 2 m + 2 m to serve O1, 4 m on to the charger: 0.2 Wh of driving, 0.2 Wh and 2 Wh to be left
    "too little charge": (lambda: (low(2.39), O1), "battery", "2.2 Wh must be left"),
    "too little charge for the load": (
        lambda: (low(2.41, energy=EnergyModel(0.0, 180.0, 18.0)), O1), "battery", "stop 1",
    ),
    "too little by the margin": (lambda: (low(2.41, margin=1.2), O1), "battery", "stop 1"),
    "too little for the queue": (
        lambda: (
            low(2.5, charger_wait_s={"charger-1": 64.0}, energy=EnergyModel(36.0, 144.0)), O1,
        ), "battery", "stop 1",
    ),
    "too little to get to the plug": (lambda: (low(2.39), (PLUG, *O1)), "battery", "stop 0"),
    "no way back to a charger": (
        lambda: (street(orders=(Order("O1", (2, 4)),), chargers={"charger-1": 40}), O1),
        "no_charger", "no charger can be reached from stop 1",
    ),
    "late by the first order": (
        lambda: (street(), GOOD, Limits(latest_s={"O1": 103.9})), "late", "there at 104.0 s",
    ),
    "late for the second place of two": (
        lambda: (street(), (*O2, *O1), Limits(latest_s={"O1": 131.0})), "late", "132.0",
    ),
    "late for the plug": (
        lambda: (street(), (PLUG, *GOOD), Limits(latest_s={"O1": 200.0})), "late", "O1",
    ),
    "late for a release": (
        lambda: (
            street(orders=(Order("O1", (2, 4), release_s=110.0),)), O1,
            Limits(latest_s={"O1": 111.0}),
        ), "late", "112.0 s",
    ),
    "over the budget": (lambda: (street(), GOOD, Limits(budget_s=23.0)), "budget", "24.0 s: 23"),
}  # fmt: skip


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo(name: str) -> None:
    """Each is rejected for its reason, and only for that."""
    make, code, words = ZOO[name]
    snapshot, plan, *limits = make()
    (bad,) = said(snapshot, plan, *limits)
    assert (bad.status, bad.code) == ("bad", code)
    assert words in bad.sentence and bad.critic in CRITICS and bad.hangs_on == ()
    lazy = judge(snapshot, Plan(plan) if isinstance(plan, tuple) else plan, *limits)
    assert [v.code for v in lazy if v.status == "bad"] == [code]
    assert all(v.hangs_on for v in lazy if v.status == "unknown")


def test_what_is_just_enough_passes() -> None:
    assert said(low(2.4), O1) == []
    assert said(low(2.4 + 2e-9), O1) == []
    assert said(street(), GOOD, Limits(latest_s={"O1": 104.0})) == []
    assert said(street(), GOOD, Limits(closed={"aisle-1": [13, 40]})) == []
    total_s = judge_total(GOOD)
    assert said(street(), GOOD, Limits(budget_s=total_s)) == []
    assert [v.code for v in said(street(), GOOD, Limits(budget_s=total_s - 1e-6))] == ["budget"]
    assert said(held("O1", capacity=1), (drop("O1"), *O2)) == []
    assert said(held("O1", capacity=2), (O2[0], drop("O1"), *O2[1:])) == []
    assert said(held("O1", capacity=1), (drop("O1"),), Limits(orders=["O1"])) == []
    assert said(street(after={"O2": ("O1", "O9")}), GOOD) == []
    picked_ahead = (O2[0], O1[0], O1[1], *O2[1:])
    assert said(street(after={"O2": ("O1",)}, capacity=2), picked_ahead) == []
    two = street(capacity=2)
    assert said(two, (O1[0], O2[0], O1[1], *O2[1:])) == []
    assert said(two, (O1[0], PLUG, O1[1], *O2)) == []
    assert [v.code for v in said(two, (O1[0], PLUG, O1[1], *O2), Limits(loaded=False))] == [
        "loaded"
    ]


def judge_total(stops: tuple[Stop, ...]) -> float:
    """By hand: 2 m, 2 m, 1 m, 13 m to the other row, 2 m more; then O2 is 4 s late."""
    assert stops == GOOD
    to_second_row = 5.0 + 2.0 + 6.0  # along row 0 from cell 3 to 8, down, back to cell 2
    driving = 2.0 + 2.0 + 1.0 + to_second_row + 2.0
    return driving + max(0.0, 100.0 + driving - 116.0)


def test_a_plan_that_is_hopeless_costs_no_search() -> None:
    cheap = LegSpans(street(), lazy=True)
    verdicts = judge(street(), Plan(GOOD), Limits(latest_s={"O2": 104.0}), legs=cheap)
    assert [v.code for v in verdicts if v.status == "bad"] == ["late"] and cheap.exact == 0
    asked = LegSpans(street(), lazy=True)
    assert feasible(judge(street(), Plan(GOOD), Limits(latest_s={"O2": 130.0}), legs=asked))
    assert asked.exact >= len(GOOD)


def test_an_open_verdict_is_settled_by_tightening_and_a_straight_line_never_lies() -> None:
    """Two ends of a wall: near as the crow drives, far to drive."""
    snapshot = street(orders=(Order("O1", (0, 18)),))
    plan = Plan((visit("O1", 0, 0), visit("O1", 1, 18)))
    for latest_s, fine in ((101.0, False), (103.0, False), (117.9, False), (118.0, True)):
        verdicts = judge(snapshot, plan, Limits(latest_s={"O1": latest_s}))
        assert feasible(verdicts) == fine
    legs = LegSpans(snapshot, lazy=True)
    before = legs.leg(Drive(0, 18, True))
    legs.tighten(Drive(0, 18, True))
    after = legs.leg(Drive(0, 18, True))
    assert (before.exact, after.exact, after.cost_s) == (False, True, Span(18.0, 18.0))
    assert before.cost_s.least <= 18.0 <= before.cost_s.most


@pytest.mark.parametrize("seed", range(6))
def test_straight_lines_are_below_what_is_driven(seed: int) -> None:
    snapshot = random_instance(seed, 4, 1, False).snapshot
    lazy, exact = LegSpans(snapshot, lazy=True), LegSpans(snapshot)
    rng = np.random.default_rng(seed)
    for a, b in rng.integers(snapshot.map.size, size=(60, 2)).tolist():
        if not (snapshot.map.is_blocked(a) or snapshot.map.is_blocked(b)):
            loose, tight = (legs.leg(Drive(a, b, False)) for legs in (lazy, exact))
            for one, other in zip(
                (loose.cost_s, loose.time_s, loose.length_m),
                (tight.cost_s, tight.time_s, tight.length_m),
                strict=True,
            ):
                assert one.least <= other.least <= other.most <= one.most


def test_an_unsafe_line_would_reject_what_is_right() -> None:
    """A bound that is too high is found out: the guarantee hangs on the line being below."""

    class TooHigh(LegSpans):
        def leg(self, drive: Drive) -> Any:
            found = super().leg(drive)
            if found.exact:
                return found
            return replace(found, time_s=Span(found.time_s.least * 12.0, math.inf))

    limits = Limits(latest_s={"O2": 130.0})
    wrong = judge(street(), Plan(GOOD), limits, legs=TooHigh(street(), lazy=True))
    assert not feasible(wrong) and feasible(judge(street(), Plan(GOOD), limits))


def test_what_is_closed_for_the_map_too_needs_no_way() -> None:
    """Blocked cells: the ways were found round them, and none has to be read."""
    snapshot = street(orders=(Order("O1", (2, 4)),))
    limits = Limits(closed={"aisle-9": [9, 10]})
    assert snapshot.map.is_blocked(9) and said(snapshot, O1, limits) == []
