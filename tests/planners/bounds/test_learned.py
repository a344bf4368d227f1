"""Adaptive A*: what a search has learned never overestimates, and saves the next one work."""

from __future__ import annotations

import numpy as np
import pytest
from bounds_worlds import World, assert_below, assert_consistent
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import open_grid
from oracles import dijkstra

from planners import GridMap, LearnedBound, check, plan

STRATEGIES = st.sampled_from([("astar", None), ("wastar", 1.5), ("wastar", 4.0), ("greedy", None)])


@settings(deadline=None, max_examples=120)
@given(seed=st.integers(0, 2**32 - 1), on_grid=st.booleans(), data=st.data())
def test_a_consistent_lower_bound_after_any_searches_and_changes(seed, on_grid, data):
    world = World(np.random.default_rng(seed), on_grid)
    nodes = st.integers(0, world.map.size - 1)
    goal = data.draw(nodes)
    learned = LearnedBound(world.map, world.costs, goal)
    for _ in range(data.draw(st.integers(1, 12))):
        action = data.draw(st.sampled_from(["plan", "plan", "change", "block"]))
        if action == "plan":
            strategy, weight = data.draw(STRATEGIES)
            learned.plan(data.draw(nodes), world.map, strategy=strategy, weight=weight)
        elif action == "change":
            world.update(data.draw(nodes), float(data.draw(st.integers(0, 9))))
        else:
            world.block(data.draw(nodes), data.draw(st.booleans()))
    result = learned.plan(data.draw(nodes), world.map)
    check(world.map, result, world.costs, exact=True)
    if not world.map.is_blocked(goal):
        backward = world.backward()
        free = ~world.map.blocked.reshape(-1)
        assert_below(np.where(free, learned.values, 0.0), dijkstra(backward, goal))
        assert_consistent(backward, learned.values)


def test_repeated_searches_expand_less():
    problem = open_grid(2, side=40)
    grid, costs, goal = problem.map, problem.costs, problem.goal
    learned = LearnedBound(grid, costs, goal)
    free = np.flatnonzero(~grid.blocked)
    first = learned.plan(0).stats.expanded
    assert first == plan(grid, 0, goal, costs=costs, engine="generic").stats.expanded
    again = [learned.plan(0).stats.expanded for _ in range(4)]
    assert sorted(again, reverse=True) == again and again[-1] <= 0.7 * first
    near = int(free[np.argmin(np.abs(free - 3 * grid.cols))])
    fresh = plan(grid, near, goal, costs=costs, engine="generic").stats.expanded
    assert learned.plan(near).stats.expanded < fresh


def test_kept_after_rises_dropped_after_a_fall():
    problem = open_grid(3, side=20)
    grid, costs = problem.map, problem.costs
    learned = LearnedBound(grid, costs, problem.goal)
    start = learned.values
    learned.plan(0)
    raised = learned.values
    assert (raised > start).any()
    costs.update("risk", [50], 100.0)
    assert np.array_equal(learned.values, raised) and learned.dropped == 0
    check(grid, learned.plan(0), costs, exact=True)
    costs.update("risk", [50], 99.0)
    assert np.array_equal(learned.values, start) and learned.dropped == 1


def test_what_a_fall_would_break():
    """The variant that keeps what it learned overestimates: dropping is needed."""
    problem = open_grid(3, side=20)
    grid, costs = problem.map, problem.costs
    learned = LearnedBound(grid, costs, problem.goal)
    for _ in range(3):
        learned.plan(0)
    stale = learned.values
    costs.update("risk", np.arange(grid.size), 0.0)
    from planners.check import exact_costs

    truth = exact_costs(grid, problem.goal, costs, to_root=True)
    assert (stale[np.isfinite(truth)] > truth[np.isfinite(truth)] + 1.0).any()


def test_freed_cells_drop_it_and_blocked_ones_do_not():
    grid = GridMap([[0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]], moves="four")
    learned = LearnedBound(grid, None, (2, 0))
    learned.plan((0, 0))
    walled = grid.with_blocked([(0, 1)], True)
    assert learned.plan((0, 0), walled).status == "no_path"
    assert learned.dropped == 0 and learned.values[0] == 8.0
    opened = walled.with_blocked([(1, 0)], False)
    result = learned.plan((0, 0), opened)
    assert result.cost == 2.0 and learned.dropped == 1
    with pytest.raises(ValueError, match="learned on"):
        learned.plan((0, 0), GridMap(np.zeros((2, 2))))


def test_a_query_without_a_search_teaches_nothing():
    """What the last search left behind must not be taken for its own."""
    problem = open_grid(4)
    grid, costs, goal = problem.map, problem.costs, problem.goal
    learned = LearnedBound(grid, costs, goal)
    before = learned.values
    plan(grid, goal, 0, costs=costs, engine="generic")
    assert learned.plan(goal).cost == 0.0
    learned.plan(np.argwhere(grid.blocked)[0])
    learned.plan(0, max_expansions=3)
    assert np.array_equal(learned.values, before)
    learned.plan(0, engine="textbook")
    assert learned.values[0] > before[0]
