"""The floor: counted anew by brute force, and below what every algorithm expands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from instances import open_grid, random_graph, random_grid
from oracles import close, dijkstra, reverse

from planners import GridMap, floor_size, plan


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("weight", [1.0, 1.5, 3.0])
def test_counted_by_brute_force_without_a_heuristic(make, weight):
    for k in range(60):
        problem = make(np.random.default_rng([401, k]))
        if problem.map.is_blocked(problem.start) or problem.map.is_blocked(problem.goal):
            continue
        floor = floor_size(problem.map, problem.costs, *problem.ends, weight, heuristic="zero")
        g = np.array(dijkstra(problem.adjacency, problem.start))
        optimum = g[problem.goal]
        assert close(floor.optimum, optimum)
        least = int((g < optimum / weight * (1 - 1e-5)).sum())
        most = int((g < optimum / weight * (1 + 1e-5)).sum())
        assert least <= floor.nodes <= most


@pytest.mark.parametrize("heuristic", [None, "zero", "exact"])
@pytest.mark.parametrize("weight", [1.0, 1.25, 2.0])
def test_no_search_expands_less(heuristic, weight):
    largest = 0
    for seed in range(12):
        problem = open_grid(seed, side=14)
        h = heuristic
        if heuristic == "exact":
            h = 0.9 * np.array(dijkstra(reverse(problem.adjacency), problem.goal))
        query = problem.map, *problem.ends
        floor = floor_size(problem.map, problem.costs, *problem.ends, weight, h)
        for strategy in ("astar", "wastar"):
            w = weight if strategy == "wastar" else None
            result = plan(*query, costs=problem.costs, strategy=strategy, weight=w,
                          heuristic=h, lower_bound=True)  # fmt: skip
            assert result.stats.expanded >= floor.nodes
            largest = max(largest, floor.nodes)
    assert heuristic == "exact" or largest > 20


def test_astar_stays_close_to_the_floor():
    """The floor is no empty promise: A* expands ties on top of it, not more."""
    for seed in range(12):
        problem = open_grid(seed, side=14)
        floor = floor_size(problem.map, problem.costs, *problem.ends)
        result = plan(problem.map, *problem.ends, costs=problem.costs)
        assert floor.nodes <= result.stats.expanded <= floor.nodes + 20


def test_a_perfect_bound_has_no_floor_and_no_way_has_the_largest():
    problem = open_grid(1)
    exact = np.array(dijkstra(reverse(problem.adjacency), problem.goal))
    assert floor_size(problem.map, problem.costs, *problem.ends, 1.0, exact * 1.001).nodes == 0
    walled = GridMap([[0, 0, 1, 0]])
    assert floor_size(walled, None, (0, 0), (0, 3)) == (2, math.inf)
    assert floor_size(walled, None, (0, 0), (0, 0)) == (0, 0.0)
    for weight in (0.99, math.nan):
        with pytest.raises(ValueError, match=str(weight)):
            floor_size(walled, None, (0, 0), (0, 1), weight)
