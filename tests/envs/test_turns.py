"""Fewer turns: never at the price of the bound, and never for more seconds than before."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.kernels import turns as kernels
from envs.turns import COLS, ROWS, turns, with_fewer_turns
from planners import CostField, GridMap, Layer, check, cost_to_go, plan

TURN_S = 2.6


def field(seed: int, side: int = 12, wild: float = 0.3) -> tuple[GridMap, CostField]:
    rng = np.random.default_rng(seed)
    blocked = rng.random((side, side)) < 0.15
    blocked[0, 0] = blocked[-1, -1] = False
    grid = GridMap(blocked, moves="four")
    return grid, CostField(grid, base=1.4, layers=[Layer("risk", wild * rng.random((side, side)))])


def legs_of(nodes: list[int], cols: int, axis: int | None) -> int:
    """Turns counted one by one from rows and columns."""
    count, before = 0, axis
    for a, b in pairwise(nodes):
        now = ROWS if a // cols == b // cols else COLS
        count += before is not None and now != before
        before = now
    return count


@given(
    seed=st.integers(0, 10_000),
    wild=st.sampled_from([0.001, 0.3, 3.0]),
    weight=st.sampled_from([1.0, 1.2, 1.5, 2.0]),
    axis=st.sampled_from([None, ROWS, COLS]),
)
@settings(max_examples=120, deadline=None)
def test_it_keeps_the_bound_and_saves_seconds(seed, wild, weight, axis):
    grid, costs = field(seed, wild=wild)
    start, goal = 0, grid.size - 1
    found = plan(grid, start, goal, costs=costs, strategy="wastar", weight=weight)
    if found.path is None:
        return
    to_go = cost_to_go(grid, goal, costs).values
    better = with_fewer_turns(found, grid, costs, to_go, TURN_S, axis)
    check(grid, better, costs, exact=True)  # legal, cost and certificate true, within the bound
    assert better.cost <= weight * to_go[start] * (1 + 1e-9)
    before, after = (
        result.cost + TURN_S * legs_of(result.path.nodes.tolist(), grid.cols, axis)
        for result in (found, better)
    )
    assert after <= before + 1e-9
    nodes = better.path.nodes
    assert turns(nodes, axis) == legs_of(nodes.tolist(), grid.cols, axis)


def test_a_staircase_becomes_a_corner():
    grid = GridMap(np.zeros((20, 20), dtype=bool), moves="four")
    stairs = np.fromfunction(lambda r, c: 0.001 * np.abs(r - c), (20, 20))
    costs = CostField(grid, base=1.4, layers=[Layer("risk", stairs)])
    found = plan(grid, (0, 0), (19, 19), costs=costs, strategy="wastar", weight=1.5,
                 heuristic=cost_to_go(grid, (19, 19), costs).values, lower_bound=True)  # fmt: skip
    better = with_fewer_turns(found, grid, costs, cost_to_go(grid, (19, 19), costs).values, TURN_S)
    assert turns(better.path.nodes) == 1 < turns(found.path.nodes)
    assert better.certificate == pytest.approx(better.cost / found.cost * found.certificate)


def test_without_room_in_the_bound_nothing_changes():
    for seed in range(40):
        grid, costs = field(seed)
        found = plan(grid, 0, grid.size - 1, costs=costs)
        to_go = cost_to_go(grid, grid.size - 1, costs).values
        better = with_fewer_turns(found, grid, costs, to_go, TURN_S)
        assert better.cost == pytest.approx(found.cost)


def test_a_bound_that_is_not_looked_at_would_be_broken():
    """The same way without the limit: on wild layers it leaves a bound of 1.02 behind."""
    broken = 0
    for seed in range(60):
        grid, costs = field(seed, wild=3.0)
        found = plan(grid, 0, grid.size - 1, costs=costs, strategy="wastar", weight=1.02)
        to_go = cost_to_go(grid, grid.size - 1, costs).values
        if found.path is None:
            continue
        kept = with_fewer_turns(found, grid, costs, to_go, 10 * TURN_S)
        unbound = replace(found, bound=math.inf)
        loose = with_fewer_turns(unbound, grid, costs, to_go, 10 * TURN_S)
        assert kept.cost <= 1.02 * to_go[0] * (1 + 1e-9)
        broken += loose.cost > 1.02 * to_go[0]
    assert broken > 10


def least_by_networkx(grid: GridMap, costs: CostField, goal: int, turn_s: float, axis) -> float:
    """Least cost and turns from node 0, by Dijkstra on a graph of nodes and axes made by hand."""
    graph = nx.DiGraph()
    for u in range(grid.size):
        heads, _ = grid.successors(u)
        for v in heads.tolist():
            now = ROWS if abs(u - v) == 1 else COLS
            for before in (ROWS, COLS):
                cost = float(costs.step_costs([u, v])[0]) + turn_s * (before != now)
                graph.add_edge((u, before), (v, now), weight=cost)
    starts = {(0, side) for side in (ROWS, COLS) if axis in (None, side)} & set(graph)
    ends = nx.multi_source_dijkstra_path_length(graph, starts) if starts else {}
    return min(
        (ends[goal, side] for side in (ROWS, COLS) if (goal, side) in ends), default=math.inf
    )


@pytest.mark.parametrize("axis", [None, ROWS, COLS])
@pytest.mark.parametrize("edges", [False, True], ids=["nodes", "edges"])
@pytest.mark.parametrize("seed", range(6))
def test_where_the_bound_allows_it_nothing_takes_fewer_seconds(seed, edges, axis):
    grid, costs = field(seed, side=9)
    if edges:
        more = np.random.default_rng(seed).random((8, 9, 9))
        costs = CostField(grid, base=1.4, layers=[Layer("oncoming", more)])
    goal = grid.size - 1
    found = plan(grid, 0, goal, costs=costs, strategy="wastar", weight=50.0)
    least_s = least_by_networkx(grid, costs, goal, TURN_S, axis)
    assert (found.path is None) == (least_s == math.inf)
    if found.path is not None:
        better = with_fewer_turns(
            found, grid, costs, cost_to_go(grid, goal, costs).values, TURN_S, axis
        )
        taken_s = better.cost + TURN_S * turns(better.path.nodes, axis)
        assert taken_s == pytest.approx(least_s, rel=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_compiled_and_plain_search_agree(seed, monkeypatch):
    grid, costs = field(seed, side=9)
    found = plan(grid, 0, grid.size - 1, costs=costs, strategy="wastar", weight=9.0)
    if found.path is None:
        return
    to_go = cost_to_go(grid, grid.size - 1, costs).values
    fast = with_fewer_turns(found, grid, costs, to_go, TURN_S, COLS)
    monkeypatch.setattr("envs.turns.kernel", lambda name: getattr(kernels, name))
    plain = with_fewer_turns(found, grid, costs, to_go, TURN_S, COLS)
    assert fast.path.nodes.tolist() == plain.path.nodes.tolist()


def test_a_tight_bound_still_takes_the_straightest_of_the_cheapest_ways():
    grid = GridMap(np.zeros((15, 15), dtype=bool), moves="four")
    costs = CostField(grid, base=1.4)
    goal = grid.size - 1
    stairs = np.cumsum([0] + [1, 15] * 14)
    found = plan(grid, 0, goal, costs=costs)
    path = replace(found.path, nodes=stairs, cells=grid.cells(stairs))
    worst = replace(found, path=path)
    better = with_fewer_turns(worst, grid, costs, cost_to_go(grid, goal, costs).values, TURN_S)
    assert better.bound == 1.0 and turns(better.path.nodes) == 1 < turns(stairs)
