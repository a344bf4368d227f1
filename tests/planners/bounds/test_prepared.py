"""Prepared bounds as `plan` takes them: landmarks, kept fields and what was learned."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from instances import open_grid, random_graph, random_grid
from oracles import close, dijkstra

from planners import (
    CostField,
    GridMap,
    Guidance,
    KeptFields,
    Landmarks,
    Layer,
    LearnedBound,
    check,
    check_heuristic,
    floor_size,
    plan,
)

KINDS = {
    "landmarks": lambda problem: Landmarks.build(problem.map, problem.costs, count=3),
    "kept": lambda problem: KeptFields(problem.map, problem.costs),
    "learned": lambda problem: LearnedBound(problem.map, problem.costs, problem.ends[1]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_every_row_keeps_its_bound(kind, make):
    for k in range(60):
        problem = make(np.random.default_rng([501, k]))
        if problem.map.is_blocked(problem.start) or problem.map.is_blocked(problem.goal):
            continue
        h = KINDS[kind](problem)
        check_heuristic(problem.map, h, problem.ends[1], problem.costs)
        optimum = dijkstra(problem.adjacency, problem.start)[problem.goal]
        for strategy, weight in (("astar", None), ("wastar", 1.2), ("wastar", 3.0), ("ucs", None)):
            for engine in ("auto", "textbook"):
                result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=strategy,
                              weight=weight, heuristic=h, engine=engine)  # fmt: skip
                check(problem.map, result, problem.costs, exact=True)
                assert (result.status == "found") == math.isfinite(optimum)
                assert result.cost <= result.bound * optimum * (1 + 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_both_forms_of_the_loop_agree(kind):
    for seed in range(6):
        problem = open_grid(seed, side=12)
        h = KINDS[kind](problem)
        for strategy in ("greedy", "astar", "wastar"):
            a, b = (
                plan(problem.map, *problem.ends, costs=problem.costs, strategy=strategy,
                     heuristic=h, engine=engine, trace=True)
                for engine in ("generic", "textbook")
            )  # fmt: skip
            assert a.stats == b.stats and a.cost == b.cost
            assert np.array_equal(a.trace.nodes, b.trace.nodes)


@pytest.mark.parametrize("kind", KINDS)
def test_guidance_may_lead_over_it(kind):
    problem = open_grid(3, side=12)
    h = KINDS[kind](problem)
    optimum = dijkstra(problem.adjacency, problem.start)[problem.goal]
    for trusted in (True, False):
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar",
                      heuristic=h, guidance=Guidance(trusted=trusted))  # fmt: skip
        assert optimum * (1 - 1e-9) <= result.cost <= 1.5 * optimum * (1 + 1e-6)
        check(problem.map, result, problem.costs, exact=True)


@pytest.mark.parametrize("kind", KINDS)
def test_no_way_is_no_way(kind):
    grid = GridMap([[0, 0, 1, 0], [0, 0, 1, 0]])
    problem = SimpleNamespace(map=grid, costs=None, ends=((0, 0), (0, 3)))
    h = KINDS[kind](problem)
    for options in ({}, {"guidance": Guidance(trusted=False)}, {"strategy": "wastar"}):
        result = plan(grid, *problem.ends, heuristic=h, **options)
        assert result.status == "no_path"
    assert floor_size(grid, None, *problem.ends, heuristic=h).optimum == math.inf


def test_a_landmark_set_older_than_the_costs_is_refused():
    problem = open_grid(0)
    landmarks = Landmarks.build(problem.map, problem.costs)
    query = problem.map, *problem.ends
    problem.costs.update("risk", [0], [0.0])
    with pytest.raises(ValueError, match="older than the costs: 1 costs fell since version 0"):
        plan(*query, costs=problem.costs, heuristic=landmarks)
    with pytest.raises(ValueError, match="older than the costs"):
        plan(*query, heuristic=Landmarks.build(problem.map, CostField(problem.map, base=2.0)))
    with pytest.raises(ValueError, match="built for"):
        plan(GridMap(np.zeros((3, 3))), 0, 8, heuristic=landmarks)


def test_bounds_of_other_costs_or_goals_are_refused():
    problem = open_grid(0)
    other = CostField(problem.map)
    query = problem.map, *problem.ends
    with pytest.raises(ValueError, match="another cost field"):
        plan(*query, costs=other, heuristic=KeptFields(problem.map, problem.costs))
    learned = LearnedBound(problem.map, problem.costs, problem.goal)
    with pytest.raises(ValueError, match="another cost field"):
        plan(*query, costs=other, heuristic=learned)
    with pytest.raises(ValueError, match="another goal"):
        plan(problem.map, problem.goal, 0, costs=problem.costs, heuristic=learned)


def test_kept_fields_follow_the_costs_and_the_map_of_the_query():
    grid = GridMap(np.zeros((12, 12)))
    rng = np.random.default_rng(0)
    risk = rng.integers(0, 9, (12, 12)).astype(float)
    costs = CostField(grid, layers=[Layer("risk", risk)])
    kept = KeptFields(grid, costs)
    for _ in range(40):
        costs.update("risk", rng.integers(144, size=3), rng.integers(0, 9, 3).astype(float))
        grid = grid.with_blocked([int(rng.integers(1, 143))], bool(rng.random() < 0.5))
        by_field = plan(grid, 0, 143, costs=costs, heuristic=kept)
        octile = plan(grid, 0, 143, costs=costs)
        assert by_field.status == octile.status
        assert by_field.status != "found" or close(by_field.cost, octile.cost)
        check(grid, by_field, costs, exact=True)
    assert kept.stats.misses == 1 and kept.stats.lowered > 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_bound_close_to_the_truth_is_no_reason_to_expand_again(kind):
    """A layer of almost nothing makes almost all paths tie: f is flat, and order has to be exact.

    In the order of the queue's common buckets A* re-opens most of what it expands here.
    """
    side = 60
    rows, cols = np.indices((side, side))
    hill = 4 * np.exp(-((rows - 30) ** 2 + (cols - 20) ** 2) / 60) + 1e-4 * np.sin(rows * cols)
    grid = GridMap(np.zeros((side, side)))
    costs = CostField(grid, layers=[Layer("risk", np.maximum(hill, 0.0))])
    problem = SimpleNamespace(map=grid, costs=costs, ends=(61, 3400))
    h = KINDS[kind](problem)
    for _ in range(3):
        learning = kind == "learned"
        result = h.plan(61) if learning else plan(grid, *problem.ends, costs=costs, heuristic=h)
        assert result.stats.reopened <= 0.05 * result.stats.expanded + 1
