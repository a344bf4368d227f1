"""Snapshots with orders on board and orders after orders: what choosers make of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from batches import random_snapshot
from street import street

from planners.tasks import CHOOSERS, EnergyModel, Legs, Order, Snapshot, assess, make_chooser
from planners.tasks.critics import Limits, feasible, judge
from planners.tasks.deep import make_exact, make_instance
from planners.tasks.prompt import render

NAMES = [name for name in CHOOSERS if name != "llm"]


def codes(snapshot: Snapshot) -> dict[str, str]:
    return {no.goal: no.code for no in assess(snapshot).refused}


def goals(snapshot: Snapshot) -> list[str]:
    return [candidate.goal for candidate in assess(snapshot).candidates]


def test_a_snapshot_that_cannot_be_is_refused() -> None:
    heavy = Order("O1", (4,), kg=3.0)
    with pytest.raises(ValueError, match="there is no order 'O9'"):
        street(on_board=("O9",))
    with pytest.raises(ValueError, match="2 orders on board: 1 fit"):
        street(on_board=("O1", "O2"))
    with pytest.raises(ValueError, match="the orders on board weigh 3 kg"):
        street(orders=(heavy,), on_board=("O1",), payload_kg=2.9)
    with pytest.raises(ValueError, match="O1, O2 wait for each other"):
        street(after={"O1": ("O2",), "O2": ("O1",)})


def test_what_is_on_board_goes_on_and_the_rest_finds_no_room() -> None:
    snapshot = street(on_board=("O2",))
    assert (goals(snapshot), codes(snapshot)) == (["O2"], {"O1": "full"})
    assert "O2 on board" in assess(snapshot).refused[0].sentence
    assert goals(replace(snapshot, capacity=2)) == ["O1", "O2"]
    for name in NAMES:
        assert make_chooser(name).choose(snapshot).goal == "O2"


@pytest.mark.parametrize("capacity", [10**9, 10**30])
def test_room_without_end_is_room_enough(capacity: int) -> None:
    snapshot = street(on_board=("O2",))
    for name in NAMES:
        some, more = (
            make_chooser(name).choose(replace(snapshot, capacity=room)) for room in (9, capacity)
        )
        assert (some.goal, some.plan, some.plan_s) == (more.goal, more.plan, more.plan_s)


def test_its_release_is_past_and_its_mass_is_there_already() -> None:
    model = EnergyModel(0.0, 180.0, 18.0)
    order = Order("O1", (2, 4), release_s=9999.0, kg=10.0)
    snapshot = street(orders=(order,), on_board=("O1",), payload_kg=10.0, energy=model)
    (own,) = assess(snapshot).candidates
    assert [leg.energy_wh for leg in own.legs] == pytest.approx([0.2, 0.2])  # twice the empty robot
    assert own.to_charger_wh == pytest.approx(0.2)  # 4 m without it
    open_ = replace(snapshot, on_board=(), orders=(replace(order, release_s=0.0),))
    legs = assess(open_).candidates[0].legs
    assert [leg.energy_wh for leg in legs] == pytest.approx([0.2, 0.3])


def test_an_order_waits_for_those_that_it_follows() -> None:
    snapshot = street(after={"O1": ("O2", "O7")}, capacity=2)
    found = assess(snapshot)
    assert ([c.goal for c in found.candidates], codes(snapshot)) == (["O2"], {"O1": "after"})
    assert found.refused[0].sentence == "O1 is to follow O2, still to be delivered"
    assert [c.goal for c in found.waiting] == ["O1"]
    one = replace(snapshot.orders[0], stops=(4,))
    last = replace(snapshot, orders=(one, snapshot.orders[1]), on_board=("O1",))
    assert codes(last) == {"O1": "after"}
    assert goals(replace(snapshot, on_board=("O1",))) == ["O1", "O2"]  # on to its pick
    alone = replace(snapshot, on_board=("O1",), capacity=1)
    assert codes(alone) == {"O1": "after", "O2": "full"}
    for name in NAMES:
        assert make_chooser(name).choose(alone).kind == "wait"
    assert codes(replace(snapshot, orders=snapshot.orders[:1])) == {}  # nobody there to wait for


def test_a_plan_may_pick_ahead_of_what_an_order_follows() -> None:
    """O1 on the way, its drop beside that of O2, which it is to follow."""
    orders = (Order("O1", (1, 7)), Order("O2", (3, 6)))
    snapshot = street(orders=orders, capacity=2, after={"O1": ("O2",)})
    decision = make_exact().choose(snapshot)
    assert (decision.kind, decision.goal, decision.decided_by) == ("order", "O1", "exact")
    assert decision.plan is not None and feasible(judge(snapshot, decision.plan))
    assert [stop.order for stop in decision.plan.stops] == ["O1", "O2", "O2", "O1"]
    assert [one.goal for one in decision.candidates] == ["O2", "O1"]  # with what it would take
    assert make_chooser("utility").choose(snapshot).goal == "O2"


def test_what_follows_the_hopeless_is_left_out_of_plans() -> None:
    lost = Order("O3", (2, 40))  # on the cell that no way leads to
    snapshot = street(capacity=2)
    snapshot = replace(snapshot, orders=(*snapshot.orders, lost), after={"O1": ("O3",)})
    decision = make_chooser("deep").choose(snapshot)
    assert decision.plan is not None and decision.plan.orders == ("O2",)
    assert {no.goal: no.code for no in decision.refused} == {"O1": "after", "O3": "unreachable"}


def test_a_horizon_keeps_what_is_on_board_and_what_must_come_before() -> None:
    orders = [Order(f"O{k}", (k % 8, 4), due_s=100.0 + k) for k in range(1, 12)]
    after = {"O1": ("O11",), "O11": ("O10",)}
    snapshot = street(orders=tuple(orders), capacity=3, on_board=("O9",), after=after)
    decision = make_exact().choose(snapshot)
    assert decision.plan is not None and "the 6 of 11 orders due first" in decision.reason
    assert set(decision.plan.orders) == {"O1", "O2", "O3", "O9", "O10", "O11"}
    assert feasible(judge(snapshot, decision.plan, Limits(orders=decision.plan.orders)))


def test_orders_that_a_batch_leaves_on_board_keep_their_room() -> None:
    snapshot = street(capacity=1, on_board=("O1",))
    exact = make_exact()
    none = exact.solve(make_instance(snapshot, [snapshot.orders[1]]))
    assert none.plan is None and none.proven and math.isinf(none.lower_bound_s)
    roomy = replace(snapshot, capacity=2)
    assert exact.solve(make_instance(roomy, [snapshot.orders[1]])).plan is not None
    waits = replace(roomy, on_board=(), after={"O2": ("O1",)})
    assert exact.solve(make_instance(waits, [snapshot.orders[1]])).plan is None


@pytest.mark.parametrize("seed", range(8))
def test_the_others_are_driven_to_from_the_next_stop_where_more_than_one_fits(seed: int) -> None:
    snapshot = random_snapshot(np.random.default_rng([seed, 9]), 4, 1 + seed % 3, False, 0.4)
    legs = Legs(snapshot)
    for one in assess(snapshot).candidates:
        several = snapshot.capacity > 1
        node = one.order.pick if several else one.order.drop
        at_s = snapshot.time_s + (one.legs[0].time_s if several else one.time_s)
        late_s = 0.0
        for other in snapshot.orders:
            waits = other.release_s > snapshot.time_s and other.id not in snapshot.on_board
            if other.id != one.goal and not waits:
                ways = legs.order(other, start=node)
                assert ways is not None
                arrival_s = at_s + sum(leg.time_s for leg in ways)
                late_s += other.lateness_s(arrival_s, snapshot.lateness_weights)
        assert one.others_s == pytest.approx(late_s)


def test_a_prompt_marks_what_is_on_board() -> None:
    snapshot = street(capacity=2, on_board=("O2",))
    text: Any = render(snapshot, assess(snapshot).candidates).messages[1]["content"]
    assert "| O2 (on board) |" in text and "| O1 |" in text
    assert "1 of 2 places are taken" in text
    plain: Any = render(street(), assess(street()).candidates).messages[1]["content"]
    assert "on board" not in plain and "places" not in plain
