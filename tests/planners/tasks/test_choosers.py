"""Choosers against brute force with independent distances; ties, refusals, caches, bad input."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planners import CostField, GraphMap, GridMap, Layer
from planners.tasks import CHOOSERS, EnergyModel, Order, Snapshot, assess, make_chooser
from planners.tasks import legs as legs_module
from planners.tasks.choosers import PLANNING
from planners.tasks.snapshot import natural_key

MakeSnapshot = Callable[..., Snapshot]
MakeCase = Callable[..., Any]
BASE_S = 1.4


@pytest.mark.parametrize("seed", range(36))
def test_utility_is_the_brute_force_minimum(a_case: MakeCase, seed: int) -> None:
    case = a_case(seed)
    found = assess(case.snapshot)
    reachable = {o.id for o in case.snapshot.orders if case.ways(case.snapshot.robot, o)}
    unreachable = {r.goal for r in found.refused if r.code == "unreachable"}
    assert unreachable == {o.id for o in case.snapshot.orders} - reachable
    totals = {c.goal: case.total_s(c.order) for c in found.candidates}
    for candidate in found.candidates:
        assert candidate.total_s == pytest.approx(totals[candidate.goal], rel=1e-5)
        ways = case.ways(case.snapshot.robot, candidate.order)
        assert ways is not None
        values = [(leg.cost_s, leg.time_s, leg.length_m) for leg in candidate.legs]
        assert np.array(values) == pytest.approx(np.array(ways), rel=1e-5)
        terms = candidate.terms
        parts = [value for name, value in terms.items() if name != "total_s"]
        assert sum(parts) == pytest.approx(terms["total_s"], rel=1e-12)
    decision = make_chooser("utility").choose(case.snapshot)
    if totals:
        assert totals[str(decision.goal)] == pytest.approx(min(totals.values()), rel=1e-5)
        assert decision.gap == 0.0 and decision.lower_bound_s == decision.terms["total_s"]
    for name in ("reflex", "earliest"):
        other = make_chooser(name).choose(case.snapshot)
        assert other.candidates == decision.candidates
        assert other.gap >= 0.0 and other.lower_bound_s == decision.lower_bound_s


def test_the_cases_are_not_all_easy(a_case: MakeCase) -> None:
    """The brute force above means little where every chooser agrees or nothing is refused."""
    decisions = [
        [make_chooser(n).choose(a_case(seed).snapshot) for n in ("reflex", "earliest", "utility")]
        for seed in range(36)
    ]
    assert sum(len({d.goal for d in row}) > 1 for row in decisions) > 12
    assert sum(any(r.code == "unreachable" for r in row[0].refused) for row in decisions) > 5
    assert sum(row[2].terms.get("others_lateness_s", 0.0) > 0.0 for row in decisions) > 12


# ----------------------------------------------------------------------------- rows, ties, refusals


def street(orders: tuple[Order, ...], **changes: Any) -> Snapshot:
    """Two rows of 9 cells, joined at the right end only; the robot stands at the left of row 0."""
    blocked = np.zeros((3, 9), dtype=bool)
    blocked[1, :8] = True
    grid = GridMap(blocked, moves="four")
    fields: dict[str, Any] = {
        "time_s": 0.0, "map": grid, "costs": CostField(grid, base=1.0), "robot": 0,
        "charge_wh": 900.0, "capacity_wh": 960.0, "reserve_wh": 96.0, "charge_power_w": 211.0,
        "margin": 1.2, "payload_kg": 0.0, "orders": orders, "chargers": {"charger-1": 8},
        "energy": EnergyModel(ambient_w=20.0, drive_j_per_m=151.0),
    }  # fmt: skip
    return Snapshot(**(fields | changes))


def test_reflex_goes_by_the_beeline_and_utility_by_the_way() -> None:
    over_the_wall = Order("O1", stops=(18, 19))  # 2 m as the crow drives, 18 m to drive
    down_the_street = Order("O2", stops=(4, 5))
    snapshot = street((over_the_wall, down_the_street))
    assert make_chooser("nearest").choose(snapshot).goal == "O1"
    assert make_chooser("reflex").choose(snapshot).decided_by == "reflex"
    decision = make_chooser("utility").choose(snapshot)
    assert decision.goal == "O2"
    assert decision.terms == pytest.approx(
        {"travel_s": 5.0, "congestion_s": 0.0, "risk_s": 0.0, "energy_s": 0.0,
         "lateness_s": 0.0, "others_lateness_s": 0.0, "total_s": 5.0}
    )  # fmt: skip


def test_utility_weighs_the_lateness_that_it_causes() -> None:
    """O1 is cheaper for itself; doing it first makes the urgent O2 late: O2 goes first."""
    cheap = Order("O1", stops=(4, 2))
    urgent = Order("O2", stops=(6, 8), due_s=8.0, priority="urgent")
    assert make_chooser("utility").choose(street((cheap, urgent))).goal == "O2"
    relaxed = replace(urgent, due_s=100.0)
    assert make_chooser("utility").choose(street((cheap, relaxed))).goal == "O1"
    low = street((cheap, replace(urgent, priority="low")))
    assert make_chooser("utility").choose(low).goal == "O1"
    weights = {"urgent": 4.0, "normal": 1.0, "low": 4.0}
    assert make_chooser("utility").choose(replace(low, lateness_weights=weights)).goal == "O2"


def test_an_order_that_is_late_already_is_not_put_off_for_being_late() -> None:
    late = Order("O1", stops=(4, 5), due_s=-1000.0)
    other = Order("O2", stops=(4, 6))
    assert make_chooser("utility").choose(street((late, other))).goal == "O1"


def test_earliest_breaks_ties_by_release_then_id() -> None:
    def order(name: str, due_s: float, release_s: float = 0.0) -> Order:
        return Order(name, (4, 5), release_s, due_s)

    chooser = make_chooser("earliest")
    assert chooser.choose(street((order("O1", 90.0), order("O2", 80.0)))).goal == "O2"
    early = order("O3", 80.0, -5.0)
    assert chooser.choose(street((order("O1", 80.0), early))).goal == "O3"
    assert chooser.choose(street((order("O10", 80.0), order("O9", 80.0)))).goal == "O9"
    assert chooser.choose(street((order("O2", math.inf), order("O1", math.inf)))).goal == "O1"


@pytest.mark.parametrize("name", [name for name in CHOOSERS if name not in PLANNING])
def test_equal_orders_go_by_natural_order(name: str) -> None:
    twins = tuple(Order(f"O{k}", (4, 5), 0.0, 50.0) for k in (11, 9, 10))
    assert make_chooser(name).choose(street(twins)).goal == "O9"
    assert sorted(["b2", "a10", "a9", "b", "7"], key=natural_key) == ["7", "a9", "a10", "b", "b2"]


def test_refusals_say_why() -> None:
    orders = (
        Order("O1", (4, 5), release_s=60.0),
        Order("O2", (9, 5)),  # a wall
        Order("O3", (4, 5)),
    )
    decision = make_chooser("utility").choose(street(orders))
    assert decision.goal == "O3"
    assert [(r.goal, r.code) for r in decision.refused] == [
        ("O1", "not_released"), ("O2", "unreachable"),
    ]  # fmt: skip
    assert "60 s" in decision.refused[0].sentence
    waiting = make_chooser("utility").choose(street(orders[:2]))
    assert waiting.kind == "wait" and "O1" in waiting.reason and "1 more" in waiting.reason
    nowhere = make_chooser("utility").choose(street(orders[2:], chargers={"charger-1": 9}))
    assert (nowhere.kind, nowhere.refused[0].code) == ("wait", "no_charger")


def test_a_graph_decides_as_its_grid_does(a_case: MakeCase) -> None:
    for seed in range(20):
        case = a_case(seed)
        grid = case.snapshot.map
        triples = [(u, v) for u in range(grid.size) for v in grid.successors(u)[0].tolist()]
        counts = np.bincount([u for u, _ in triples], minlength=grid.size)
        graph = GraphMap(
            np.concatenate(([0], np.cumsum(counts))),
            np.array([v for _, v in triples]),
            np.ones(len(triples)),
            position_m=grid.positions_m(np.arange(grid.size)),
            labels=list(range(grid.size))[::-1],  # ids and labels must not be mixed up
        )
        layers = [
            Layer(name, case.snapshot.costs.layer(name), case.snapshot.costs.weights[name])
            for name in case.snapshot.costs.layers
        ]
        costs = CostField(graph, base=BASE_S, layers=layers)
        twin = replace(case.snapshot, map=graph, costs=costs)
        for name in ("reflex", "goal", "earliest", "utility"):
            there, here = (make_chooser(name).choose(s) for s in (twin, case.snapshot))
            assert (there.kind, there.goal) == (here.kind, here.goal)
            assert there.terms == pytest.approx(here.terms, rel=1e-6)


def test_a_graph_without_positions_still_has_a_nearest_order() -> None:
    graph = GraphMap([0, 1, 2, 3, 3], [1, 2, 3], [5.0, 1.0, 1.0])
    snapshot = street(
        (Order("O1", (2, 3)), Order("O2", (1, 3))),
        map=graph, costs=CostField(graph), chargers={"charger-1": 3},
    )  # fmt: skip
    decision = make_chooser("reflex").choose(snapshot)
    assert decision.goal == "O2" and "shortest way" in decision.reason


# ----------------------------------------------------------------------------- caches and bad input


def test_fields_are_cached_until_the_costs_change(
    a_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    for name in ("cost_to_come", "cost_to_go"):
        real = getattr(legs_module, name)

        def counted(*args: Any, _real: Any = real, _name: str = name) -> Any:
            made.append(_name)
            return _real(*args)

        monkeypatch.setattr(legs_module, name, counted)
    snapshot = a_case(7).snapshot
    chooser = make_chooser("utility")
    first = chooser.choose(snapshot)
    fields = len(made)
    assert 0 < fields <= 1 + 3 * len(snapshot.orders) + len(snapshot.chargers)
    assert chooser.choose(snapshot) == first and len(made) == fields
    moved = replace(snapshot, robot=snapshot.orders[0].pick)
    assert chooser.choose(moved) == make_chooser("utility").choose(moved)
    everywhere = np.arange(snapshot.map.size)
    snapshot.costs.update("congestion", everywhere, 3.0)
    before = len(made)
    second = chooser.choose(snapshot)
    assert len(made) > before
    assert second.terms["total_s"] > first.terms["total_s"]
    assert second == make_chooser("utility").choose(snapshot)


def test_the_field_cache_is_bounded(a_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legs_module, "MAX_FIELDS", 4)
    snapshot = a_case(5, orders=8).snapshot
    cache = legs_module.FieldCache()
    small = assess(snapshot, cache)
    assert len(cache._fields) <= 4
    monkeypatch.undo()
    assert assess(snapshot).candidates == small.candidates


def test_the_ways_are_bounded_too(a_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legs_module, "MAX_WAYS", 6)
    snapshot = a_case(5, orders=8).snapshot
    cache = legs_module.FieldCache()
    small = assess(snapshot, cache)
    assert len(cache._ways) <= 6
    monkeypatch.undo()
    roomy = legs_module.FieldCache()
    assert assess(snapshot, roomy).candidates == small.candidates
    assert len(roomy._ways) > 6


def test_a_snapshot_does_not_change_with_what_it_was_made_of(a_snapshot: MakeSnapshot) -> None:
    chargers, weights = {"charger-1": 7}, {"urgent": 4.0, "normal": 1.0, "low": 0.25}
    snapshot = replace(a_snapshot(), chargers=chargers, lateness_weights=weights)
    chargers["charger-1"], weights["normal"] = 9999, -1.0
    assert (snapshot.chargers["charger-1"], snapshot.lateness_weights["normal"]) == (7, 1.0)
    for mapping in (snapshot.chargers, snapshot.lateness_weights):
        with pytest.raises(TypeError):
            mapping["charger-1"] = 0  # type: ignore[index]
    for again in (pickle.loads(pickle.dumps(snapshot)), copy.deepcopy(snapshot)):  # noqa: S301
        assert again.chargers == snapshot.chargers and again.orders == snapshot.orders
        assert make_chooser("utility").choose(again) == make_chooser("utility").choose(snapshot)


def test_nodes_of_numpy_are_nodes(a_snapshot: MakeSnapshot) -> None:
    order = Order("O1", stops=np.array([4, 20]))  # type: ignore[arg-type]
    assert order.stops == (4, 20) and type(order.pick) is int
    moved = replace(a_snapshot(), robot=np.int64(3), chargers={"charger-1": np.int32(7)})
    assert type(moved.robot) is int and type(moved.chargers["charger-1"]) is int


@pytest.mark.parametrize("name", ["nearest", "earliest", "utility"])
@pytest.mark.parametrize(
    ("option", "value"),
    [("model", "tiny"), ("log", "calls.jsonl"), ("replay", "calls.jsonl"), ("llm_url", "http://h")],
)
def test_a_model_is_for_llm_only(name: str, option: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}'.*{option}.*{value}"):
        make_chooser(name, **{option: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["nearest", "utility", "llm"])
@pytest.mark.parametrize("deadline_s", [-1.0, 0.0, math.inf, math.nan])
def test_every_chooser_wants_a_real_deadline(name: str, deadline_s: float) -> None:
    with pytest.raises(ValueError, match=f"deadline_s is {deadline_s}"):
        make_chooser(name, deadline_s=deadline_s)


def test_bad_input_names_the_value(a_snapshot: MakeSnapshot) -> None:
    good = a_snapshot()
    order = good.orders[0]
    cases: list[tuple[Callable[[], Any], str]] = [
        (
            lambda: make_chooser("oracle"),
            r"'oracle'.*reflex, model, goal, earliest, utility, llm, deep, exact, nearest",
        ),
        (lambda: Order("O 1", (1,)), "'O 1'"),
        (lambda: Order("O1\nO2", (1,)), "not a name"),
        (lambda: Order("O1", ()), r"\(\)"),
        (lambda: Order("O1", (-1,)), "-1"),
        (lambda: Order("O1", (1.9,)), r"O1.* 1\.9"),  # type: ignore[arg-type]
        (lambda: Order("O1", "12"), r"O1.* '1'"),  # type: ignore[arg-type]
        (lambda: replace(good, robot=1.0), r"robot .*1\.0"),
        (lambda: replace(good, chargers={"charger-1": 7.5}), r"charger-1 .*7\.5"),
        (lambda: Order("O1", (1,), due_s=math.nan), "nan"),
        (lambda: Order("O1", (1,), release_s=math.inf), "inf"),
        (lambda: Order("O1", (1,), kg=-2.0), r"-2\.0"),
        (lambda: Order("O1", (1,), priority="asap"), "'asap'"),
        (lambda: EnergyModel(-1.0, 1.0), "ambient_w is -1"),
        (lambda: EnergyModel(1.0, math.nan), "nan"),
        (lambda: replace(good, robot=48), "node 48"),
        (lambda: replace(good, orders=(order, order)), "'O1'"),
        (lambda: replace(good, orders=(replace(order, stops=(99,)),)), "node 99"),
        (lambda: replace(good, chargers={"charger-1": -3}), "node -3"),
        (lambda: replace(good, charge_wh=1000.0), "1000"),
        (lambda: replace(good, charge_wh=math.nan), "nan"),
        (lambda: replace(good, margin=0.0), "margin is 0"),
        (lambda: replace(good, time_s=math.inf), "time_s is inf"),
        (lambda: replace(good, lateness_weights={"urgent": 4.0}), "'normal' is nan"),
    ]
    for make, pattern in cases:
        with pytest.raises(ValueError, match=pattern):
            make()
