"""The agents of the ladder: worlds where each differs from the next, and for the stated reason."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planners import CostField, GraphMap, GridMap, Layer
from planners.tasks import EnergyModel, Order, Snapshot, make_chooser
from planners.tasks.beeline import AROUND, Beeline, look_along

ROWS, COLS = 5, 11
HOME = 2 * COLS + 5  # the middle of the middle row


def node(row: int, col: int) -> int:
    return row * COLS + col


def world(
    *orders: Order,
    walls: tuple[tuple[int, int], ...] = (),
    layers: dict[str, dict[tuple[int, int], float]] | None = None,
    **changes: Any,
) -> Snapshot:
    """5 x 11 cells at a second each, the robot in the middle; walls and layers by cell."""
    blocked = np.zeros((ROWS, COLS), dtype=bool)
    for cell in walls:
        blocked[cell] = True
    grid = GridMap(blocked, moves="four")
    made = []
    for name, cells in (layers or {}).items():
        values = np.zeros((ROWS, COLS))
        for cell, value in cells.items():
            values[cell] = value
        made.append(Layer(name, values))
    fields: dict[str, Any] = {
        "time_s": 0.0, "map": grid, "costs": CostField(grid, layers=made), "robot": HOME,
        "charge_wh": math.inf, "capacity_wh": math.inf, "reserve_wh": 0.0,
        "charge_power_w": 200.0, "margin": 1.0, "payload_kg": 0.0, "orders": orders,
        "chargers": {}, "energy": EnergyModel(ambient_w=20.0, drive_j_per_m=151.0),
    }  # fmt: skip
    return Snapshot(**(fields | changes))


def chosen(snapshot: Snapshot) -> dict[str, str | None]:
    names = ("reflex", "model", "goal", "utility")
    return {name: make_chooser(name).choose(snapshot).goal for name in names}


WEST = Order("O1", (node(2, 2), node(2, 1)))  # 3 m to its pick, 1 m on
EAST = Order("O2", (node(2, 9), node(2, 10)))  # 4 m to its pick, 1 m on


def test_in_an_empty_hall_all_agree() -> None:
    assert set(chosen(world(WEST, EAST)).values()) == {"O1"}


def test_model_knows_where_it_is_busy_and_reflex_does_not() -> None:
    busy = world(WEST, EAST, layers={"congestion": {(2, 3): 4.0}})
    assert chosen(busy)["reflex"] == "O1"
    assert chosen(busy)["model"] == "O2"
    assert "along 4.0 m of straight line" in make_chooser("model").choose(busy).reason
    doubt = world(WEST, EAST, layers={"blockage": {(2, 4): 30.0}})
    assert chosen(doubt)["model"] == "O2"
    elsewhere = world(WEST, EAST, layers={"congestion": {(1, 3): 4.0}})
    assert chosen(elsewhere)["model"] == "O1"
    risky = world(WEST, EAST, layers={"risk": {(2, 3): 40.0}})
    assert chosen(risky)["model"] == "O1"  # the risk is utility's to weigh
    assert chosen(risky)["utility"] == "O2"


def test_model_sees_what_is_closed_and_goal_knows_the_way_round() -> None:
    far = Order("O2", (node(2, 9), node(4, 10)))
    closed = world(WEST, far, walls=((2, 3),))  # 5 m round the corner, as model feared; 4 to O2
    assert chosen(closed) == {"reflex": "O1", "model": "O2", "goal": "O1", "utility": "O1"}
    fence = tuple((row, 3) for row in range(1, 5))  # the way round leads by row 0
    third = Order("O2", (node(2, 10), node(2, 9)))
    fenced = world(WEST, third, walls=fence)
    assert chosen(fenced) == {"reflex": "O1", "model": "O1", "goal": "O2", "utility": "O2"}


def test_goal_looks_to_the_drop_and_model_to_the_pick() -> None:
    long = Order("O1", (node(2, 2), node(2, 10)))
    assert chosen(world(long, EAST)) == {
        "reflex": "O1", "model": "O1", "goal": "O2", "utility": "O2",
    }  # fmt: skip


def test_utility_weighs_risk_and_lateness_and_goal_counts_seconds() -> None:
    risky = world(WEST, EAST, layers={"risk": {(r, c): 3.0 for r in range(5) for c in range(5)}})
    assert chosen(risky) == {"reflex": "O1", "model": "O1", "goal": "O1", "utility": "O2"}
    urgent = Order("O2", EAST.stops, due_s=6.0, priority="urgent")
    hurried = world(WEST, urgent)
    assert chosen(hurried) == {"reflex": "O1", "model": "O1", "goal": "O1", "utility": "O2"}


@pytest.mark.parametrize("name", ["reflex", "model", "goal"])
def test_every_decision_says_who_why_what_not_and_how_good(name: str) -> None:
    later = Order("O3", (node(0, 0),), release_s=30.0)
    urgent = Order("O2", EAST.stops, due_s=6.0, priority="urgent")
    decision = make_chooser(name).choose(world(WEST, urgent, later))
    assert decision.decided_by == name
    assert decision.goal is not None and decision.reason.startswith(decision.goal)
    assert [(r.goal, r.code) for r in decision.refused] == [("O3", "not_released")]
    totals = {c.goal: c.total_s for c in decision.candidates}
    assert decision.terms["total_s"] == totals["O1"]
    assert decision.lower_bound_s == totals["O2"]
    assert decision.gap == pytest.approx(totals["O1"] / totals["O2"] - 1.0) and decision.gap > 0


def test_a_line_on_a_grid_by_hand() -> None:
    snapshot = world(
        walls=((2, 7),), layers={"congestion": {(2, 6): 2.0, (2, 7): 50.0, (2, 5): 50.0}}
    )
    line = look_along(snapshot.map, snapshot.costs, HOME, node(2, 9))
    assert line == Beeline(4.0, 1.0, 4.0, pytest.approx(8.0 / 3.0), AROUND - 1.0)
    nowhere = look_along(snapshot.map, snapshot.costs, HOME, HOME)
    assert nowhere == Beeline(0.0, 0.0, 0.0, 0.0, 0.0)


def test_on_graphs_the_nodes_about_the_line_count() -> None:
    """A triangle: 0 -> 1 -> 2 in a line, 3 far off it."""
    edges = [(0, 1), (1, 2), (0, 3), (3, 2)]
    lengths = [5.0, 5.0, 20.0, 20.0]
    at = [(0.0, 0.0), (5.0, 0.0), (10.0, 0.0), (5.0, 15.0)]
    graph = GraphMap([0, 2, 3, 3, 4], [b for _, b in edges], lengths, at)
    jam = CostField(graph, layers=[Layer("congestion", [0.0, 6.0, 0.0, 100.0])])
    line = look_along(graph, jam, 0, 2)
    assert line is not None and line.layers_s == pytest.approx(20.0)  # a mean of 2 over 10 m
    half = look_along(graph.with_blocked([1], True), jam, 0, 2)
    assert half is not None and half.closed_m == pytest.approx(10.0 / 3.0)
    placeless = GraphMap(graph.indptr, graph.indices, graph.length_m)
    assert look_along(placeless, jam, 0, 2) is None


def test_without_positions_the_way_to_the_pick_stands_in() -> None:
    placeless = GraphMap([0, 2, 3, 4], [1, 2, 0, 0], [5.0, 6.0, 5.0, 6.0])
    costs = CostField(placeless, layers=[Layer("congestion", [0.0, 2.0, 0.0])])
    orders = (Order("O1", (1, 0)), Order("O2", (2, 0)))
    snapshot = world(*orders, map=placeless, costs=costs, robot=0)
    assert make_chooser("reflex").choose(snapshot).goal == "O1"
    decision = make_chooser("model").choose(snapshot)
    assert (decision.goal, "6.0 s of way" in decision.reason) == ("O2", True)


cells = st.integers(0, ROWS * COLS - 1)


@given(picks=st.lists(cells, min_size=1, max_size=5), base=st.floats(0.1, 5.0))
@settings(max_examples=60, deadline=None)
def test_with_nothing_to_read_model_is_reflex(picks: list[int], base: float) -> None:
    orders = [Order(f"O{k}", (pick, 0)) for k, pick in enumerate(picks)]
    grid = GridMap(np.zeros((ROWS, COLS), dtype=bool), moves="four")
    snapshot = world(*orders, map=grid, costs=CostField(grid, base=base))
    assert chosen(snapshot)["model"] == chosen(snapshot)["reflex"]


@given(end=cells, busy=cells, value=st.floats(0.0, 50.0), seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_a_line_costs_no_less_where_it_is_busier(
    end: int, busy: int, value: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    grid = GridMap(rng.random((ROWS, COLS)) < 0.3, moves="four")
    before = rng.random(ROWS * COLS)
    after = before.copy()
    after[busy] += value
    lines = [
        look_along(grid, CostField(grid, layers=[Layer("congestion", values)]), HOME, end)
        for values in (before, after)
    ]
    assert lines[0] is not None and lines[1] is not None
    assert lines[0].total_s <= lines[1].total_s + 1e-9
    assert lines[0].length_m <= lines[0].total_s + 1e-9
    assert 0.0 <= lines[0].closed_m <= lines[0].length_m + 1e-9
