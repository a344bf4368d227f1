"""Landmarks: never above the truth, consistent, checked when used."""

from __future__ import annotations

import numpy as np
import pytest
from bounds_worlds import World, assert_below, assert_consistent
from hypothesis import given, settings
from instances import graph_problems, grid_problems, open_grid, random_graph, random_grid
from oracles import dijkstra, reverse

from planners import CostField, GridMap, Landmarks, Layer, check, check_heuristic, plan
from planners.bounds import landmarks as module
from planners.check import exact_costs
from planners.kernels.alt import FAR, estimate_alt, fill_alt


def assert_bounds(problem, landmarks, goals):
    backward = reverse(problem.adjacency)
    free = ~problem.map.blocked.reshape(-1)
    for goal in goals:
        if not free[goal]:
            continue
        h = np.where(free, landmarks.table(problem.map.label(goal)), 0.0)
        truth = dijkstra(backward, goal)
        assert_below(h, truth, 1e-6)  # the oracle does not round paces to float32
        assert_below(h[free], exact_costs(problem.map, goal, problem.costs, to_root=True)[free])
        assert h[goal] == 0.0
        for node in np.flatnonzero(np.isinf(h)):
            assert np.isinf(truth[node])
        if landmarks.consistent:
            edges = exact_edges(problem)
            assert (h[edges[0]] <= h[edges[1]] + edges[2]).all()


def exact_edges(problem):
    from planners.check import edges_of

    return edges_of(problem.map, problem.costs)


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_never_above_the_truth(make):
    consistent = 0
    for k in range(120):
        problem = make(np.random.default_rng([301, k]))
        if problem.map.blocked.all():
            continue
        landmarks = Landmarks.build(problem.map, problem.costs, count=1 + k % 5, seed=k)
        assert_bounds(problem, landmarks, range(0, problem.map.size, 3))
        consistent += landmarks.consistent
    assert consistent > 20


@settings(deadline=None, max_examples=60)
@given(problem=grid_problems() | graph_problems())
def test_never_above_the_truth_whatever_the_map(problem):
    if problem.map.blocked.all():
        with pytest.raises(ValueError, match="no free node"):
            Landmarks.build(problem.map, problem.costs)
        return
    landmarks = Landmarks.build(problem.map, problem.costs, count=3)
    assert_bounds(problem, landmarks, [problem.goal])


def test_rounding_to_the_nearest_would_overestimate():
    """The variant without directed rounding is no lower bound: the slack is needed."""
    problem = open_grid(0, side=20)
    landmarks = Landmarks.build(problem.map, problem.costs, count=4)
    goal, above = problem.goal, 0
    truth = exact_costs(problem.map, goal, problem.costs, to_root=True)
    for node in landmarks.nodes.tolist():
        to = exact_costs(problem.map, node, problem.costs, to_root=True).astype(np.float32)
        come = exact_costs(problem.map, node, problem.costs).astype(np.float32)
        with np.errstate(invalid="ignore"):
            h = np.maximum(to.astype(float) - to[goal], float(come[goal]) - come)
            above += int((h > truth * (1 + 1e-9) + 1e-12).sum())
    assert above > 0
    assert_below(np.where(problem.map.blocked.ravel(), 0, landmarks.table(goal)), truth, 0.0)


def test_the_kernel_as_plain_python():
    for make in (random_grid, random_graph):
        for k in range(30):
            problem = make(np.random.default_rng([302, k]))
            if problem.map.blocked.all():
                continue
            landmarks = Landmarks.build(problem.map, problem.costs, count=3)
            bound, _ = landmarks.bound_for(problem.map, problem.goal, problem.costs)
            plain = np.empty(problem.map.size)
            fill_alt(*bound, plain)
            table = landmarks.table(problem.map.label(problem.goal))
            np.testing.assert_array_equal(np.where(plain < FAR / 4, plain, np.inf), table)
            assert estimate_alt(bound, problem.goal, 0, 0) == plain[problem.goal]


def test_landmarks_are_apart_and_repeat():
    grid = GridMap(np.zeros((20, 20)))
    corners = {0, 19, 380, 399}
    assert set(Landmarks.build(grid, count=4).nodes.tolist()) == corners
    a, b = (Landmarks.build(grid, count=6, seed=3) for _ in range(2))
    assert np.array_equal(a.nodes, b.nodes) and np.array_equal(a.to_table, b.to_table)
    assert Landmarks.build(GridMap([[0, 0]]), count=8).nodes.size == 2
    assert Landmarks.build(GridMap([[0]])).table(0).tolist() == [0.0]
    assert a.nbytes == 2 * 4 * 6 * 400 + 4
    with pytest.raises(ValueError, match="at least 1, not 0"):
        Landmarks.build(grid, count=0)


def test_a_pocket_does_not_take_the_landmarks():
    """The first draw may lie in a walled-off corner; the landmarks must serve the rest."""
    blocked = np.zeros((12, 12), dtype=bool)
    blocked[3, :4] = blocked[:3, 3] = True
    grid = GridMap(blocked)
    for seed in range(20):
        landmarks = Landmarks.build(grid, count=2, seed=seed)
        assert all(max(divmod(node, 12)) > 3 for node in landmarks.nodes.tolist())


def risky(seed=0, side=24):
    problem = open_grid(seed, side=side)
    return problem.map, problem.costs


def test_rises_and_blocking_keep_them():
    grid, costs = risky()
    landmarks = Landmarks.build(grid, costs)
    rng = np.random.default_rng(0)
    for _ in range(10):
        nodes = rng.integers(grid.size, size=20)
        costs.update("risk", nodes, costs.layer("risk")[nodes] + rng.uniform(0, 5, 20))
        grid = grid.with_blocked(rng.integers(1, grid.size - 1, size=2), True)
        goal = grid.size - 1
        assert landmarks.valid_for(costs, grid)
        h = landmarks.table(goal, grid)
        check_heuristic(grid, h, goal, costs)
        result = plan(grid, 0, goal, costs=costs, heuristic=h, lower_bound=True)
        check(grid, result, costs, exact=True)


def test_a_fall_below_the_floor_is_refused_and_one_above_it_is_not():
    grid, costs = risky()
    landmarks = Landmarks.build(grid, costs)
    before = float(costs.layer("risk")[5])
    costs.update("risk", [5], [before + 3])
    costs.update("risk", [5], [before + 1])
    landmarks.table(0)
    costs.update("risk", [5, 6, 7], 0.0)
    told = r"landmark set older than the costs: 3 costs fell since version 0: build anew"
    with pytest.raises(ValueError, match=told):
        landmarks.table(0)
    assert not landmarks.valid_for(costs)
    costs.update("risk", [5, 6, 7], 100.0)
    assert landmarks.valid_for(costs)
    assert Landmarks.build(grid, costs).version == costs.version


def test_unchecked_they_would_overestimate():
    """The variant without the check breaks the bound."""
    grid, costs = risky()
    landmarks = Landmarks.build(grid, costs)
    stale = landmarks.table(grid.size - 1)
    costs.update("risk", np.arange(grid.size), 0.0)
    truth = exact_costs(grid, grid.size - 1, costs, to_root=True)
    reached = np.isfinite(truth)
    assert (stale[reached] > truth[reached] + 1.0).any()


def test_freed_cells_are_refused():
    grid, costs = risky()
    cell = np.argwhere(grid.blocked)[0]
    landmarks = Landmarks.build(grid, costs)
    with pytest.raises(ValueError, match=r"older than the map: \d+ nodes .* build anew"):
        landmarks.table(0, grid.with_blocked([cell], False))
    again = grid.with_blocked([cell], False).with_blocked([cell], True)
    assert landmarks.valid_for(costs, again)
    with pytest.raises(ValueError, match="built for"):
        landmarks.table(0, GridMap(np.zeros((3, 3))))


def test_a_fall_on_a_blocked_cell_is_none():
    grid = GridMap([[0, 1, 0], [0, 0, 0]])
    costs = CostField(grid, layers=[Layer("risk", [[1, 5, 1], [1, 1, 1]])])
    landmarks = Landmarks.build(grid, costs)
    costs.update("risk", [1], [0.0])
    assert landmarks.valid_for(costs)


def test_a_floor_may_be_another_cost_field():
    """Built on the least costs of the recent past, used under those of now."""
    grid, costs = risky()
    floor = CostField(grid, layers=[Layer("risk", 0.5 * costs.layer("risk"))])
    landmarks = Landmarks.build(grid, floor)
    h = landmarks.table(0, grid, costs)
    check_heuristic(grid, h, 0, costs)
    assert Landmarks.build(grid).valid_for(costs)
    assert not landmarks.valid_for(None)
    costs.update("risk", [1], [0.0])
    assert not landmarks.valid_for(costs)


@pytest.mark.parametrize("on_grid", [True, False])
def test_layers_per_edge(on_grid):
    """Tolls are part of the floor."""
    seen = 0
    for seed in range(60):
        rng = np.random.default_rng([9, seed, on_grid])
        world = World(rng, on_grid)
        if not world.tolled or world.blocked.all():
            continue
        landmarks = Landmarks.build(world.map, world.costs, count=3)
        goal = int(rng.choice(np.flatnonzero(~world.map.blocked.reshape(-1))))
        h = landmarks.table(goal)
        free = ~world.map.blocked.reshape(-1)
        assert_below(np.where(free, h, 0.0), dijkstra(world.backward(), goal))
        if landmarks.consistent:
            assert_consistent(world.backward(), h)
        edge = int(rng.integers(world.toll.size))
        if world.toll.flat[edge] > 0:
            world.update_toll(edge, 0.0)
            assert not landmarks.valid_for(world.costs)
            seen += 1
    assert seen > 3


def test_they_save_expansions():
    """Counts of the loop, pinned in proportion: about a third of octile's on noise."""
    spent = np.zeros(2)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        grid = GridMap(np.zeros((96, 96)))
        costs = CostField(grid, layers=[Layer("risk", rng.uniform(0, 9, (96, 96)))])
        landmarks = Landmarks.build(grid, costs)
        for start, goal in rng.integers(grid.size, size=(5, 2)).tolist():
            octile = plan(grid, start, goal, costs=costs, engine="generic")
            h = landmarks.table(goal)
            alt = plan(grid, start, goal, costs=costs, heuristic=h, lower_bound=True)
            assert abs(alt.cost - octile.cost) < 1e-6 * octile.cost
            assert alt.stats.reopened <= 0.01 * alt.stats.expanded + 5
            spent += alt.stats.expanded, octile.stats.expanded
    assert spent[0] < 0.3 * spent[1]


def test_no_consistency_is_claimed_where_steps_cost_nothing():
    grid = GridMap(np.zeros((4, 4)))
    costs = CostField(grid, base=0.0, layers=[Layer("risk", np.eye(4))])
    landmarks = Landmarks.build(grid, costs)
    assert not landmarks.consistent
    check_heuristic(grid, landmarks.table(0), 0, costs)
    assert Landmarks.build(grid).consistent


def test_costs_beyond_float32_are_refused():
    grid = GridMap(np.zeros((1, 300)))
    costs = CostField(grid, layers=[Layer("risk", np.full((1, 300), 1e35))])
    with pytest.raises(ValueError, match="beyond float32 tables"):
        Landmarks.build(grid, costs)
    assert module.MOST_COST < FAR / 4
