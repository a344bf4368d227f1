"""T3: leads that pass the edge test are w-bounded with neither re-opening nor a proof."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import build_graph, graph_problems, grid_problems, random_graph, random_grid
from naive_rivals import best_first
from oracles import Adjacency, dijkstra, reverse

from planners import CostField, GridMap, Layer, plan, satisfies_edge_test
from planners.check import edges_of
from planners.edge_test import steepest_edge


def by_hand(adjacency: Adjacency, phi, w) -> bool:
    return all(
        phi[u] - phi[v] <= w * cost * (1 + 1e-9)
        for u, leaving in enumerate(adjacency)
        for v, cost in leaving
    )


def closure(adjacency: Adjacency, phi, w) -> np.ndarray:
    """The largest phi' <= phi that passes: min over m of phi(m) + w cost*(n, m)."""
    backward = reverse(adjacency)
    least = np.array(phi, dtype=float)
    for m in range(least.size):
        way = np.array(dijkstra(backward, m))
        reached = np.isfinite(way)
        least[reached] = np.minimum(least[reached], phi[m] + w * way[reached])
    return least


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_it_is_the_definition(make):
    answers = []
    for k in range(1500):
        rng = np.random.default_rng([81, k])
        problem, w = make(rng), float(rng.choice([0.5, 1.0, 1.5, 3.0]))
        adjacency = [[] for _ in range(problem.map.size)]
        for u, v, cost in zip(*edges_of(problem.map, problem.costs), strict=True):
            adjacency[int(u)].append((int(v), float(cost)))
        phi = rng.normal(0, rng.choice([0.0, 0.1, 1.0, 10.0]), problem.map.size)
        if rng.random() < 0.4:
            phi = closure(adjacency, phi, w) * (1 - 1e-6)
        answer = satisfies_edge_test(problem.map, problem.costs, phi, w)
        assert answer == by_hand(adjacency, phi, w)
        worst = steepest_edge(problem.map, problem.costs, phi, w)
        if worst is not None:
            u, v, cost = worst
            assert (v, cost) in [(x, pytest.approx(c)) for x, c in adjacency[u]]
            assert phi[u] - phi[v] > w * cost
        answers.append(answer)
    assert 0.2 < np.mean(answers) < 0.9


@given(st.one_of(grid_problems(), graph_problems()), st.sampled_from([1.0, 2.0]), st.data())
def test_what_passes_is_bounded_without_a_proof(problem, w, data):
    size = problem.map.size
    numbers = st.floats(-100, 100)
    phi = np.array(data.draw(st.lists(numbers, min_size=size, max_size=size)))
    phi = closure(problem.adjacency, phi, w)
    if not satisfies_edge_test(problem.map, problem.costs, phi, w):
        return  # within rounding of the limit
    optimum = dijkstra(problem.adjacency, problem.start)[problem.goal]
    blocked = problem.map.blocked.reshape(-1)
    if math.isinf(optimum) or blocked[problem.start] or blocked[problem.goal]:
        return
    race = best_first(problem.adjacency, problem.start, problem.goal,
                      lambda v, g: g + phi[v], reopen=False)  # fmt: skip
    assert race.g[problem.goal] <= w * optimum * (1 + 1e-6) + 1e-9


def test_what_fails_may_break_the_bound():
    """Random signed fields: those that pass never do, of those that fail many do."""
    broken = {True: 0, False: 0}
    for seed in range(3000):
        rng = np.random.default_rng([82, seed])
        problem = random_graph(rng)
        optimum = dijkstra(problem.adjacency, problem.start)[problem.goal]
        free = not problem.map.blocked[[problem.start, problem.goal]].any()
        if not (free and 0 < optimum < math.inf):
            continue
        phi = rng.normal(0, 5, problem.map.size)
        if rng.random() < 0.5:
            phi = closure(problem.adjacency, phi, 1.5)
        race = best_first(problem.adjacency, problem.start, problem.goal,
                          lambda v, g, p=phi: g + p[v], reopen=False)  # fmt: skip
        passes = satisfies_edge_test(problem.map, problem.costs, phi, 1.5)
        broken[passes] += race.g[problem.goal] > 1.5 * optimum * (1 + 1e-6)
    assert broken[True] == 0
    assert broken[False] >= 10


def test_constant_slopes_and_schedules():
    """w h passes at w, not below; a slope that varies within w passes too."""
    rng = np.random.default_rng(0)
    grid = GridMap(rng.random((30, 30)) < 0.2)
    costs = CostField(grid, layers=[Layer("risk", rng.uniform(0, 2, grid.shape))])
    row, col = np.indices(grid.shape)
    h = np.hypot(row - 29, col - 29)
    assert satisfies_edge_test(grid, costs, 1.5 * h, 1.5)
    assert satisfies_edge_test(grid, costs, h + 0.5 * np.minimum(h, 8), 1.5)
    assert satisfies_edge_test(grid, None, h, 1.0)
    assert not satisfies_edge_test(grid, None, 1.5 * h, 1.4)


@pytest.mark.parametrize("k", range(8))
def test_no_direction_is_left_out(k):
    """The only move that breaks the test is the one that leaves the middle."""
    one_way = np.full((3, 3), 255, dtype=np.uint8)
    one_way[1, 1] = 1 << k
    grid = GridMap(np.zeros((3, 3)), one_way=one_way)
    phi = np.zeros(9)
    phi[4] = 10.0
    there = (1, 2, 5, 8, 7, 6, 3, 0)[k]
    length = math.sqrt(2) if k % 2 else 1.0
    assert steepest_edge(grid, None, phi, 1.0) == (4, there, pytest.approx(length))
    toll = np.zeros((8, 3, 3))
    toll[k, 1, 1] = 9.5
    costs = CostField(grid, layers=[Layer("toll", toll)])
    assert satisfies_edge_test(grid, costs, phi, 1.0)


def test_a_span_that_float64_cannot_resolve_fails():
    """g is lost beside a phi of 1e18, so nothing would be ordered by it."""
    edges = [(0, 1, 3.0), (0, 2, 1.0), (1, 3, 1.0), (2, 3, 1.0)]
    graph = build_graph(4, edges)
    assert satisfies_edge_test(graph, None, np.full(4, 1e18), 1.0)  # a constant orders nothing
    assert not satisfies_edge_test(graph, None, [0.0, 1e18, 1e18, 1e18], 1.0)
    for length, passes in ((4e6, True), (5e6, False)):  # a rounding of 1e-9 of the least step
        far = build_graph(3, [(0, 1, length), (1, 2, 1.0), (1, 2, 0.0)])
        assert satisfies_edge_test(far, None, [length, 0.0, 0.0], 1.0) is passes
        near = CostField(far, base=0.5)
        assert satisfies_edge_test(far, near, [length / 2, 0.0, 0.0], 1.0) is passes


def test_bad_input():
    grid = GridMap([[0, 1, 0], [0, 0, 0]])
    phi = np.zeros(6)
    assert satisfies_edge_test(grid, None, np.where(grid.blocked, np.nan, 0.0), 1)
    assert satisfies_edge_test(grid, None, phi.reshape(2, 3), 1)
    for weight in (0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="weight must be"):
            satisfies_edge_test(grid, None, phi, weight)
    with pytest.raises(ValueError, match="phi needs one number per node"):
        satisfies_edge_test(grid, None, np.zeros(5), 1)
    with pytest.raises(ValueError, match=r"phi is inf at \(0, 2\)"):
        satisfies_edge_test(grid, None, [0, 0, np.inf, 0, 0, 0], 1)
    with pytest.raises(ValueError, match="does not fit"):
        satisfies_edge_test(grid, CostField(GridMap([[0]])), phi, 1)
    assert satisfies_edge_test(GridMap([[1]]), None, [0.0], 1)
    assert plan(grid, 0, 2).status == "found"
