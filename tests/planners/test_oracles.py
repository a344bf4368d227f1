"""ucs and astar against naive Dijkstra, scipy and networkx on random layered grids and graphs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from instances import Problem, graph_problems, grid_problems, random_graph, random_grid
from oracles import (
    close,
    dijkstra,
    networkx_dijkstra,
    reverse,
    scipy_dijkstra,
    walk_cost,
)

from planners import check, cost_to_come, cost_to_go, plan

CHUNKS = 10
CHUNK = 600  # problems of each kind: 2 kinds x 10 x 600 = 12,000


def agrees(problem: Problem, optimum: float) -> None:
    """ucs and astar give the status, the cost and the proof that the oracle's optimum asks for."""
    blocked = problem.map.blocked.reshape(-1)
    for strategy in ("ucs", "astar"):
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=strategy)
        if blocked[problem.start]:
            assert result.status == "start_blocked"
        elif blocked[problem.goal]:
            assert result.status == "goal_blocked"
        elif math.isinf(optimum):
            assert result.status == "no_path"
        else:
            assert result.status == "found"
            assert (result.bound, result.certificate) == (1.0, 1.0)
            nodes = result.path.nodes.tolist()
            assert (nodes[0], nodes[-1]) == (problem.start, problem.goal)
            assert close(result.cost, optimum)
            assert close(walk_cost(problem.adjacency, nodes), optimum)
            check(problem.map, result, problem.costs)
            continue
        assert result.path is None
        assert math.isinf(result.cost) and math.isinf(result.certificate)


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_twelve_thousand_random_problems(make, chunk):
    found = 0
    for k in range(CHUNK):
        problem = make(np.random.default_rng([chunk, k]))
        naive = dijkstra(problem.adjacency, problem.start)
        scipys = scipy_dijkstra(problem.adjacency, problem.start)
        np.testing.assert_allclose(naive, scipys, rtol=1e-9)
        agrees(problem, naive[problem.goal])
        found += math.isfinite(naive[problem.goal])
    assert found > CHUNK // 4, "too few problems have a path: the test says little"


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_networkx_agrees_too(make):
    for k in range(300):
        problem = make(np.random.default_rng([77, k]))
        naive = dijkstra(problem.adjacency, problem.start)
        np.testing.assert_allclose(naive, networkx_dijkstra(problem.adjacency, problem.start))
        agrees(problem, naive[problem.goal])


@settings(deadline=None)
@given(grid_problems())
def test_any_grid(problem):
    agrees(problem, dijkstra(problem.adjacency, problem.start)[problem.goal])


@settings(deadline=None)
@given(graph_problems())
def test_any_graph(problem):
    agrees(problem, dijkstra(problem.adjacency, problem.start)[problem.goal])


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_whole_fields(make):
    """Exact fields, forward and backward, with one-way cells and layers per edge."""
    for k in range(500):
        problem = make(np.random.default_rng([5, k]))
        start, _ = problem.ends
        blocked = problem.map.blocked.reshape(-1)[problem.start]
        for field, adjacency in (
            (cost_to_come(problem.map, start, problem.costs), problem.adjacency),
            (cost_to_go(problem.map, start, problem.costs), reverse(problem.adjacency)),
        ):
            expected = scipy_dijkstra(adjacency, problem.start)
            expected = np.full_like(expected, np.inf) if blocked else expected
            np.testing.assert_allclose(field.values, expected, rtol=1e-6, atol=1e-12)
            for node in np.flatnonzero(np.isinf(expected)).tolist():
                assert field.path(node).size == 0


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_paths_of_fields(make):
    """Each path of a field is legal and costs what the field says."""
    for k in range(150):
        problem = make(np.random.default_rng([6, k]))
        start, _ = problem.ends
        come = cost_to_come(problem.map, start, problem.costs)
        go = cost_to_go(problem.map, start, problem.costs)
        for node in np.flatnonzero(np.isfinite(come.values)).tolist():
            nodes = come.path(node).tolist()
            assert (nodes[0], nodes[-1]) == (problem.start, node)
            assert close(walk_cost(problem.adjacency, nodes), come.values[node])
        for node in np.flatnonzero(np.isfinite(go.values)).tolist():
            nodes = go.path(node).tolist()
            assert (nodes[0], nodes[-1]) == (node, problem.start)
            assert close(walk_cost(problem.adjacency, nodes), go.values[node])


def test_bellman_holds_on_a_large_field():
    """No edge of a 120 x 120 layered grid is violated, and every node has a tight edge."""
    from planners import CostField, GridMap, Layer

    rng = np.random.default_rng(3)
    blocked = rng.random((120, 120)) < 0.2
    blocked[60, 60] = False
    grid = GridMap(blocked)
    costs = CostField(grid, layers=[Layer("risk", rng.exponential(2.0, (120, 120)))])
    values = cost_to_come(grid, (60, 60), costs).values
    tight = np.isinf(values)
    tight[grid.node((60, 60))] = True
    for u in np.flatnonzero(np.isfinite(values)).tolist():
        nodes, lengths = grid.successors(u)
        offered = values[u] + lengths * costs.pace[nodes].astype(np.float64)
        assert (values[nodes] <= offered * (1 + 1e-12)).all()
        tight[nodes] |= np.isclose(values[nodes], offered, rtol=1e-12)
    assert tight.all()
