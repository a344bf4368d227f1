"""Whole cost fields on buckets: bit for bit scipy's, and exact where the buckets give up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from instances import (
    build_graph,
    doubling,
    graph_problems,
    grid_problems,
    random_graph,
    random_grid,
)
from oracles import dijkstra, reverse, scipy_dijkstra, walk_cost

from planners import CostField, GraphMap, GridMap, Layer, cost_to_come, cost_to_go, fields
from planners.kernels import buckets
from planners.maps import COL_STEP, ROW_STEP, STEP_LENGTH


def stored_adjacency(problem):
    """The problem's moves, priced as documented from the stored float32 paces, in float64."""
    map_, costs = problem.map, problem.costs
    adjacency = [[] for _ in range(map_.size)]
    for u in np.flatnonzero(~map_.blocked.reshape(-1)).tolist():
        for v, length, edge in moves_from(map_, u):
            pace = 1.0
            if costs is not None:
                pace = float(costs.pace[v])
                if costs.edge_pace is not None:
                    pace += float(costs.edge_pace[edge])
            adjacency[u].append((v, length * pace))
    return adjacency


def moves_from(map_, u):
    if isinstance(map_, GraphMap):
        for edge in range(map_.indptr[u], map_.indptr[u + 1]):
            v = int(map_.indices[edge])
            if not map_.blocked[v]:
                yield v, float(map_.length_m[edge]), edge
        return
    for k in range(8):
        if int(map_.move_mask[u]) >> k & 1:
            v = u + ROW_STEP[k] * map_.cols + COL_STEP[k]
            yield v, STEP_LENGTH[k] * map_.cell_size_m, k * map_.size + u


def both_ways(problem):
    """(field, adjacency) from and to the start of a problem."""
    adjacency = stored_adjacency(problem)
    start = problem.map.label(problem.start)
    yield cost_to_come(problem.map, start, problem.costs), adjacency
    yield cost_to_go(problem.map, start, problem.costs), reverse(adjacency)


def agrees(problem) -> None:
    """Equal to naive Dijkstra in every bit, with parents that are on a cheapest way."""
    blocked = problem.map.blocked.reshape(-1)
    for field, adjacency in both_ways(problem):
        expected = np.array(dijkstra(adjacency, problem.start))
        if blocked[problem.start]:
            expected[:] = np.inf
        np.testing.assert_array_equal(field.values, expected)
        for v in np.flatnonzero(np.isfinite(expected)).tolist():
            u = int(field.parents[v])
            if v == problem.start:
                assert u == -1
            else:
                assert min(field.values[u] + c for w, c in adjacency[u] if w == v) == expected[v]
        assert (field.parents[np.isinf(expected)] == -1).all()


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_every_bit_of_random_fields(make):
    """Layers per node and edge, one-way cells, zero steps, parallel edges, self loops, blocked."""
    for k in range(400):
        agrees(make(np.random.default_rng([201, k])))


@settings(deadline=None)
@given(grid_problems())
def test_every_bit_of_any_grid(problem):
    agrees(problem)


@settings(deadline=None)
@given(graph_problems())
def test_every_bit_of_any_graph(problem):
    agrees(problem)


def test_scipy_gives_the_same_bits():
    """scipy leaves out steps of zero, so these are above."""
    rng = np.random.default_rng(5)
    blocked = rng.random((60, 60)) < 0.2
    blocked[30, 30] = False
    grid = GridMap(blocked)
    costs = CostField(grid, layers=[Layer("risk", rng.uniform(0, 9, (60, 60)))])
    problem = type("Problem", (), {"map": grid, "costs": costs, "start": 30 * 60 + 30})
    for field, adjacency in both_ways(problem):
        np.testing.assert_array_equal(field.values, scipy_dijkstra(adjacency, problem.start))


def by_hand(problem, monkeypatch):
    """The fields of a problem by the kernels as plain Python."""
    monkeypatch.setattr(fields, "compiled", lambda name: getattr(buckets, name))
    try:
        return [field for field, _ in both_ways(problem)]
    finally:
        monkeypatch.undo()


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_plain_python_gives_the_same(make, monkeypatch):
    for k in range(60):
        problem = make(np.random.default_rng([202, k]))
        for one, (two, _) in zip(by_hand(problem, monkeypatch), both_ways(problem), strict=True):
            np.testing.assert_array_equal(one.values, two.values)
            np.testing.assert_array_equal(one.parents, two.parents)


def test_the_pool_grows():
    """More nodes wait at once than the first pool holds."""
    leaves = 20_000
    edges = [(0, leaf, 1.0 + leaf % 7) for leaf in range(1, leaves)] + [(leaves - 1, 0, 2.0)]
    graph = build_graph(leaves, edges)
    field = cost_to_come(graph, 0)
    expected = np.array([0.0] + [metres for _, _, metres in edges[:-1]])
    np.testing.assert_array_equal(field.values, expected)


def test_where_buckets_are_too_wide_the_loop_answers(monkeypatch):
    graph = doubling(16)
    called = []
    loop = fields._by_loop
    monkeypatch.setattr(fields, "_by_loop", lambda *a: called.append(1) or loop(*a))
    field = cost_to_come(graph, 0)
    assert called
    np.testing.assert_array_equal(field.values[:-1], 0.0)
    assert field.values[-1] == 2.0**30
    cost_to_come(doubling(3), 0)
    assert len(called) == 1, "a few more expansions are no reason to give up"


@pytest.mark.parametrize("huge", [1e3, 1e6, 1e30, 3e38])
@pytest.mark.parametrize("base", [0.0, 1e-30, 1.0])
def test_steps_over_dozens_of_powers_of_ten(base, huge):
    rng = np.random.default_rng(7)
    risk = np.where(rng.random((14, 14)) < 0.3, huge, rng.random((14, 14)))
    blocked = rng.random((14, 14)) < 0.2
    blocked[0, 0] = False
    risk[blocked] = 3e38
    grid = GridMap(blocked)
    costs = CostField(grid, base, [Layer("risk", risk)])
    agrees(type("Problem", (), {"map": grid, "costs": costs, "start": 0, "goal": 0}))


def test_paths_of_a_large_field_cost_what_it_says():
    rng = np.random.default_rng(9)
    grid = GridMap(rng.random((80, 80)) < 0.25, moves="eight-any")
    costs = CostField(grid, layers=[Layer("toll", rng.uniform(0, 9, (8, 80, 80)))])
    root = int(np.flatnonzero(~grid.blocked.ravel())[1000])
    problem = type("Problem", (), {"map": grid, "costs": costs, "start": root})
    for field, adjacency in both_ways(problem):
        for node in rng.choice(np.flatnonzero(np.isfinite(field.values)), 50).tolist():
            walked = reverse(adjacency) if field.to_root else adjacency
            cost = walk_cost(walked, field.path(node))
            assert math.isclose(cost, field.values[node], rel_tol=1e-12)
