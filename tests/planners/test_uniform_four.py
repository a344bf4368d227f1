"""Two lists for A* on 4-connected maps of uniform cost: the optimum, and few expansions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from uniform import (
    drawing,
    judge,
    judge_all_goals,
    plain_python,
    queries,
    random_map,
    same_as_generic,
)

from planners import CostField, GridMap, Layer, plan
from planners.check import exact_costs
from planners.kernels import four

ENGINE = "uniform-four"


def test_random_maps():
    judged = 0
    for k in range(250):
        rng = np.random.default_rng([211, k])
        grid = random_map(rng, "four")
        free = np.flatnonzero(~grid.blocked.ravel())
        if free.size:
            goals = rng.choice(free, 6)
            judged += judge_all_goals(grid, int(rng.choice(free)), ENGINE, goals)
    assert judged > 1200


def test_every_pair_of_cells_of_small_maps():
    for k in range(25):
        rng = np.random.default_rng([212, k])
        blocked = rng.random(rng.integers(1, 8, 2)) < rng.choice([0.15, 0.3, 0.45])
        grid = GridMap(blocked, moves="four")
        for start in np.flatnonzero(~grid.blocked.ravel()).tolist():
            judge_all_goals(grid, start, ENGINE)


@settings(deadline=None, max_examples=300)
@given(queries("four"))
def test_any_map(query):
    grid, start, goal = query
    if start != goal:
        judge(grid, start, goal, float(exact_costs(grid, start)[goal]), ENGINE)
    same_as_generic(grid, start, goal, ENGINE)


def test_detours_and_dead_ends():
    trap = drawing("....... .#####. .....#. .###.#. .#...#. .#####. .......", moves="four")
    for start in np.flatnonzero(~trap.blocked.ravel()).tolist():
        judge_all_goals(trap, start, ENGINE)
    judge(drawing("..#.. ..#..", moves="four"), 0, 9, math.inf, ENGINE)
    judge(drawing(".# #.", moves="four"), 0, 3, math.inf, ENGINE)


def test_uniform_costs_scale_the_answer():
    for k in range(40):
        rng = np.random.default_rng([213, k])
        blocked = rng.random((9, 11)) < 0.25
        grid = GridMap(blocked, cell_size_m=0.5, moves="four")
        costs = CostField(grid, base=0.7, layers=[Layer("zone", np.where(blocked, 9.0, 2.0))])
        start, goal = (int(node) for node in rng.choice(np.flatnonzero(~blocked.ravel()), 2))
        same_as_generic(grid, start, goal, ENGINE, costs)


@pytest.mark.parametrize("goal", [8, 0])
def test_what_does_not_fit_is_refused_by_name(goal):
    with pytest.raises(ValueError, match="needs a GridMap with moves='four'"):
        plan(GridMap(np.zeros((3, 3))), 0, goal, engine=ENGINE)
    with pytest.raises(ValueError, match="needs strategy 'astar'"):
        plan(GridMap(np.zeros((3, 3)), moves="four"), 0, goal, engine=ENGINE, strategy="ucs")


def test_it_runs_straight_at_the_goal():
    """On an open floor nothing but the way itself is expanded, whatever the size of the map."""
    for side in (10, 300):
        grid = GridMap(np.zeros((side, side)), moves="four")
        result = plan(grid, 0, grid.size - 1)
        assert result.stats.expanded == 2 * (side - 1)


def small_maps(seed):
    for k in range(25):
        grid = random_map(np.random.default_rng([seed, k]), "four", most=7)
        if not grid.blocked.all():
            yield grid, int(np.flatnonzero(~grid.blocked.ravel())[0])


def answers(grid, start):
    free = np.flatnonzero(~grid.blocked.ravel()).tolist()
    results = [plan(grid, start, goal, engine=ENGINE) for goal in free]
    return [(r.status, r.cost, r.stats, None if r.path is None else r.path.cells.tolist())
            for r in results]  # fmt: skip


def test_compiled_and_plain_python_give_the_same(monkeypatch):
    expected = [answers(grid, start) for grid, start in small_maps(214)]
    plain_python(monkeypatch)
    assert [answers(grid, start) for grid, start in small_maps(214)] == expected


def test_with_one_list_it_fails(monkeypatch):
    """A step away from the goal adds 2 to f: on the list of the least f it comes too early."""
    plain_python(monkeypatch)
    monkeypatch.setattr(four, "LATER", four.NOW)
    with pytest.raises(AssertionError):
        for grid, start in small_maps(215):
            judge_all_goals(grid, start, ENGINE)


def test_work_arrays_grow_in_the_middle_of_a_search():
    blocked = np.zeros((150, 150), dtype=bool)
    blocked[-2, -2:] = blocked[-2:, -2] = True  # the goal is walled in
    grid = GridMap(blocked, moves="four")
    result = judge(grid, 0, grid.size - 1, math.inf, ENGINE)
    assert result.stats.generated == result.stats.expanded > 3 * 4096


@pytest.mark.parametrize(("moves", "engine"), [("four", ENGINE), ("eight", "jump-points")])
def test_the_loop_finds_its_queue_empty_after_another_engine(moves, engine):
    """They share work arrays; a budget leaves nodes in the buckets of the loop's queue."""
    for k in range(30):
        grid = random_map(np.random.default_rng([216, k]), moves)
        free = np.flatnonzero(~grid.blocked.ravel()).tolist()
        if len(free) < 2:
            continue
        ends = free[0], free[-1]
        alone = plan(grid, *ends, engine="generic")
        for limit in (1, 5, 40):
            plan(grid, *ends[::-1], max_expansions=limit, engine="generic")
            plan(grid, *ends, engine=engine)
            again = plan(grid, *ends, engine="generic")
            assert (again.stats, again.cost) == (alone.stats, alone.cost)


GOLDEN = (286, 409, 0, 123)


def test_golden_counts():
    rng = np.random.default_rng(217)
    blocked = rng.random((60, 60)) < 0.2
    blocked[:2, :2] = blocked[-2:, -2:] = False
    stats = plan(GridMap(blocked, moves="four"), 0, 3599).stats
    assert (stats.expanded, stats.generated, stats.reopened, stats.max_frontier) == GOLDEN
