"""Constraints enter costs and feasibility, and can loosen nothing."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noted import COLS, noted_names, noted_snapshot

from planners import CostField, GraphMap, GridMap, Layer
from planners.tasks import EnergyModel, Order, RuleChooser, Snapshot, assess
from planners.tasks.applying import AVOID_S_PER_M, Applied, apply
from planners.tasks.constraints import (
    Avoid,
    Constraint,
    Deadline,
    Forbid,
    Fragile,
    Hold,
    Priority,
    contradictions,
    later,
)
from planners.tasks.names import Names

SNAPSHOT, NAMES = noted_snapshot(), noted_names()


def order(applied: Applied, name: str) -> Order:
    return next(o for o in applied.snapshot.orders if o.id == name)


def test_a_nearer_deadline_weighs_as_urgent_unless_the_note_says_a_level() -> None:
    nearer = apply(SNAPSHOT, [Deadline("O1", 240.0)])
    assert (order(nearer, "O1").due_s, order(nearer, "O1").priority) == (340.0, "urgent")
    assert any("weighs as urgent" in said for said in nearer.changes)
    said = apply(SNAPSHOT, [Priority("O1", "low"), Deadline("O1", 240.0)])
    assert (order(said, "O1").due_s, order(said, "O1").priority) == (340.0, "low")
    more_time = apply(SNAPSHOT, [Deadline("O1", 5000.0)])
    assert (order(more_time, "O1").due_s, order(more_time, "O1").priority) == (5100.0, "normal")
    never = apply(SNAPSHOT, [Deadline("O1", 240.0)], rushed=None)
    assert order(never, "O1").priority == "normal"


def test_the_deadline_enters_the_objective() -> None:
    assert RuleChooser("utility").choose(SNAPSHOT).goal != "O12"
    rushed = apply(SNAPSHOT, [Deadline("O12", 60.0)]).snapshot
    assert RuleChooser("utility").choose(rushed).goal == "O12"


def test_holds_and_forbids_are_refusals_with_a_code() -> None:
    applied = apply(SNAPSHOT, [Hold("O1", 600.0), Hold("O2", None), Forbid("O3")], NAMES)
    decision = applied.into(RuleChooser("utility").choose(applied.snapshot))
    codes = {no.goal: no.code for no in decision.refused}
    assert codes == {"O1": "not_released", "O2": "held", "O3": "forbidden"}
    assert "O3 (insulin) is not to be delivered" in applied.refused[1].sentence
    assert [no.goal for no in decision.refused] == ["O1", "O2", "O3"]
    after = apply(replace(SNAPSHOT, time_s=700.0), later([Hold("O1", 600.0)], 600.0))
    assert not assess(after.snapshot).refused


def test_an_aisle_is_closed_where_there_is_a_way_round() -> None:
    applied = apply(SNAPSHOT, [Avoid("aisle-3", 600.0)], NAMES)
    assert applied.closed == set(NAMES.aisles["aisle-3"])
    assert all(applied.snapshot.map.is_blocked(node) for node in applied.closed)
    assert len(assess(applied.snapshot).candidates) == 12
    assert applied.snapshot.costs is SNAPSHOT.costs


def test_an_order_with_a_stop_in_a_closed_aisle_is_refused() -> None:
    names = replace(NAMES, aisles={"aisle-1": (SNAPSHOT.orders[4].pick,)})
    applied = apply(SNAPSHOT, [Avoid("aisle-1", None)], names)
    assert [(no.goal, no.code) for no in applied.refused] == [("O5", "closed")]


@pytest.mark.parametrize("inside", ["robot", "charger", "only way"])
def test_an_aisle_that_cannot_be_closed_becomes_dear(inside: str) -> None:
    nodes = {
        "robot": (SNAPSHOT.robot,),
        "charger": (SNAPSHOT.chargers["charger-1"],),
        "only way": tuple(range(10 * COLS, 11 * COLS)),
    }[inside]
    names = replace(NAMES, aisles={"aisle-1": nodes})
    applied = apply(SNAPSHOT, [Avoid("aisle-1", 60.0)], names)
    assert not applied.closed and not applied.refused
    layer = applied.snapshot.costs.layer("avoid")
    assert set(np.flatnonzero(layer)) == set(nodes)
    assert set(layer[list(nodes)]) == {AVOID_S_PER_M}
    assert applied.snapshot.map is SNAPSHOT.map
    assert "cannot be closed" in applied.notes[-1]
    again = apply(applied.snapshot, [Avoid("aisle-1", 60.0)], names)
    assert (again.snapshot.costs.pace == applied.snapshot.costs.pace).all()


def test_layers_of_edges_survive_a_dear_aisle() -> None:
    shape = (8, 20, COLS)
    costs = CostField(SNAPSHOT.map, base=1.5, layers=[Layer("turns", np.full(shape, 0.5), 2.0)])
    names = replace(NAMES, aisles={"aisle-1": (SNAPSHOT.robot,)})
    applied = apply(replace(SNAPSHOT, costs=costs), [Avoid("aisle-1", None)], names)
    assert applied.snapshot.costs.edge_pace is not None
    assert (applied.snapshot.costs.edge_pace == costs.edge_pace).all()


def test_more_time_is_taken_and_said() -> None:
    applied = apply(SNAPSHOT, [Deadline("O3", 8400.0), Deadline("O1", 60.0)], NAMES)
    assert applied.snapshot.orders[2].due_s == 100.0 + 8400.0
    assert applied.notes == ("O3 is due later than it was, 09:55:00",)
    assert apply(SNAPSHOT, [Deadline("O3", 900.0)], NAMES).notes == ()
    assert apply(SNAPSHOT, [Deadline("O3", 901.0)]).notes == (
        "O3 is due later than the order's own due time",
    )


def test_fragile_is_said_and_changes_no_cost() -> None:
    applied = apply(SNAPSHOT, [Fragile("O2")], NAMES)
    assert applied.fragile == {"O2"} and "no cost" in applied.notes[0]
    assert applied.snapshot == replace(SNAPSHOT, orders=SNAPSHOT.orders)


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        ([Forbid("O31")], "there is no order O31"),
        ([Avoid("aisle-40", None)], "there is no aisle-40"),
        ([Hold("O1", None), Deadline("O1", 60.0)], "cannot both hold"),
        ([Deadline("O1", float("nan"))], "from 0 to"),
    ],
)
def test_what_makes_no_sense_is_refused(constraints: list[Constraint], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        apply(SNAPSHOT, constraints, NAMES)


def test_a_zone_off_the_map_is_refused() -> None:
    with pytest.raises(ValueError, match="not on the map"):
        apply(SNAPSHOT, [Avoid("aisle-1", None)], replace(NAMES, aisles={"aisle-1": (9999,)}))


def test_a_deadline_that_has_passed_can_still_be_applied() -> None:
    passed = later([Deadline("O1", 60.0)], 100.0)
    assert order(apply(SNAPSHOT, passed), "O1").due_s == 60.0


# What no constraint may change: everything but orders, map and costs.
UNTOUCHED = {one.name for one in fields(Snapshot)} - {"orders", "map", "costs"}


@st.composite
def cases(draw: st.DrawFn, layers: bool = False) -> tuple[Snapshot, Names, list[Constraint]]:
    """A small walled world of tight battery, its aisles, and constraints without contradiction."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    blocked = rng.random((6, 7)) < 0.2
    grid = GridMap(blocked, moves="four")
    free = rng.permutation(np.flatnonzero(~blocked.reshape(-1)))
    risk = [Layer("risk", rng.random((6, 7)), 9.0)] if layers else []
    orders = tuple(
        Order(f"O{k}", tuple(rng.choice(free, 2).tolist()), due_s=60.0 * k, kg=float(5 * k))
        for k in range(1, 5)
    )
    snapshot = Snapshot(
        time_s=0.0,
        map=grid,
        costs=CostField(grid, base=1.0, layers=risk),
        robot=int(free[0]),
        charge_wh=float(rng.uniform(1.0, 2.5)),
        capacity_wh=5.0,
        reserve_wh=0.5,
        charge_power_w=100.0,
        margin=1.1,
        payload_kg=0.0,
        orders=orders,
        chargers={"charger-1": int(free[1])},
        energy=EnergyModel(ambient_w=20.0, drive_j_per_m=150.0, drive_j_per_m_kg=3.0),
    )
    aisles = {f"aisle-{k}": tuple(rng.choice(free, 3).tolist()) for k in (1, 2)}
    ids = st.sampled_from([o.id for o in orders])
    ends = st.none() | st.floats(0, 500)
    made = st.one_of(
        st.builds(Deadline, ids, st.floats(0, 500)),
        st.builds(Priority, ids, st.sampled_from(["urgent", "normal", "low"])),
        st.builds(Avoid, st.sampled_from([*aisles]), ends),
        st.builds(Hold, ids, ends),
        st.builds(Forbid, ids),
        st.builds(Fragile, ids),
    )
    constraints = draw(st.lists(made, max_size=5).filter(lambda found: not contradictions(found)))
    return snapshot, Names(aisles=aisles), constraints


def feasible(snapshot: Snapshot) -> set[str]:
    return {candidate.goal for candidate in assess(snapshot).candidates}


@settings(max_examples=60)
@given(cases())
def test_what_is_feasible_after_was_feasible_before(case: Any) -> None:
    snapshot, names, constraints = case
    applied = apply(snapshot, constraints, names)
    assert feasible(applied.snapshot) <= feasible(snapshot)
    assert_untouched(snapshot, applied)


@settings(max_examples=40)
@given(cases(layers=True))
def test_with_layers_only_a_closed_aisle_can_lead_another_way(case: Any) -> None:
    snapshot, names, constraints = case
    timeless = [c for c in constraints if not isinstance(c, Avoid)]
    assert feasible(apply(snapshot, timeless, names).snapshot) <= feasible(snapshot)
    applied = apply(snapshot, constraints, names)
    assert_untouched(snapshot, applied)
    assert (applied.snapshot.costs.pace >= snapshot.costs.pace).all()
    for candidate in assess(applied.snapshot).candidates:  # the reserve rule, as it stands
        need_wh = snapshot.margin * candidate.energy_wh + candidate.to_charger_wh
        assert need_wh <= snapshot.charge_wh - snapshot.reserve_wh + 1e-6


def assert_untouched(snapshot: Snapshot, applied: Applied) -> None:
    for name in UNTOUCHED:
        assert getattr(applied.snapshot, name) == getattr(snapshot, name), name
    old = {o.id: o for o in snapshot.orders}
    for new in applied.snapshot.orders:
        assert (new.stops, new.kg) == (old[new.id].stops, old[new.id].kg)
        assert new.release_s >= old[new.id].release_s
    assert (applied.snapshot.map.blocked >= snapshot.map.blocked).all()


def test_a_closed_aisle_can_make_the_cheapest_way_a_shorter_one() -> None:
    """Why the subset is promised on plain costs only: the rule is met, on another way."""
    blocked = np.zeros((3, 9), dtype=bool)
    blocked[1, 1:8] = True
    risk = np.zeros((3, 9))
    risk[0, 1:8] = 9.0  # the short way is risky, so the long one round is cheapest
    grid = GridMap(blocked, moves="four")
    snapshot = replace(
        SNAPSHOT,
        map=grid,
        costs=CostField(grid, base=1.0, layers=[Layer("risk", risk)]),
        orders=(Order("O1", (8,)),),
        chargers={"charger-1": 8},
        charge_wh=0.5,
        capacity_wh=5.0,
        reserve_wh=0.0,
        margin=1.0,
    )
    names = Names(aisles={"aisle-1": (2 * 9 + 4,)})
    assert feasible(snapshot) == set()
    assert feasible(apply(snapshot, [Avoid("aisle-1", None)], names).snapshot) == {"O1"}


def test_an_aisle_of_a_labelled_graph_is_closed_by_its_ids() -> None:
    graph: nx.DiGraph = nx.DiGraph()
    for a, b in (("a", "b"), ("b", "d"), ("a", "c"), ("c", "d"), ("d", "a")):
        graph.add_edge(a, b, length=1.0)
    roads = GraphMap.from_networkx(graph)
    ids = {label: roads.node(label) for label in "abcd"}
    snapshot = replace(
        SNAPSHOT,
        map=roads,
        costs=CostField(roads, base=1.0),
        robot=ids["a"],
        orders=(Order("O1", (ids["d"],)), Order("O2", (ids["b"],))),
        chargers={"charger-1": ids["d"]},
    )
    applied = apply(snapshot, [Avoid("b", None)], Names(aisles={"b": (ids["b"],)}))
    assert applied.closed == {ids["b"]} and feasible(applied.snapshot) == {"O1"}
    assert [no.code for no in applied.refused] == ["closed"]


def test_what_is_on_board_is_delivered_whatever_is_said_of_it() -> None:
    """Its room is taken until then: no note makes more of it."""
    held = replace(SNAPSHOT, on_board=("O2", "O3"), payload_kg=50.0, capacity=2)
    said = [Forbid("O2"), Hold("O3", None), Forbid("O1")]
    applied = apply(held, said, NAMES)
    assert [no.goal for no in applied.refused] == ["O1"]
    assert (applied.snapshot.on_board, applied.snapshot.capacity) == (held.on_board, 2)
    assert [note.split()[0] for note in applied.notes] == ["O2", "O3"]
    waits = apply(held, [Hold("O2", 600.0)], NAMES)
    assert "O2" in {c.goal for c in assess(waits.snapshot).candidates}
    at_drop = Names(aisles={"aisle-1": (order(applied, "O2").drop,)})
    dear = apply(held, [Avoid("aisle-1", None)], at_drop)
    assert (
        dear.closed == frozenset() and dear.refused == () and "avoid" in dear.snapshot.costs.layers
    )
