"""Constructed cases that once crashed, gave a wrong answer or an unclear error when parts met."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from planners import (
    CostField,
    GraphMap,
    GridMap,
    Guidance,
    KeptFields,
    Layer,
    LearnedBound,
    Reward,
    check_heuristic,
    cost_to_go,
    floor_size,
    plan,
    plan_many,
    prepare,
    waypoint_guidance,
)
from planners.coarse import LEAD_WEIGHT, coarse_cost_to_go, tabulate

TILES = Guidance(estimate="tiles")


@pytest.fixture
def layered():
    """A grid of 30 x 20 cells, a few of them blocked, with costs; a start and a goal."""
    rng = np.random.default_rng(0)
    grid = GridMap(rng.random((30, 20)) < 0.1)
    costs = CostField(grid, layers=[Layer("risk", rng.random(grid.shape))])
    start, goal = np.flatnonzero(~grid.blocked.reshape(-1))[[0, -1]].tolist()
    return grid, costs, start, goal


@pytest.mark.parametrize("engine", ["textbook", "generic"])
def test_tiles_lead_from_the_right_cell_beside_a_table(layered, engine):
    """Rows and columns came from the bound, a table had none: tiles were read out of range."""
    grid, costs, start, goal = layered
    zero = np.zeros(grid.size)
    expected = tabulate(coarse_cost_to_go(grid, goal, costs), grid.size)
    results = [
        plan(grid, start, goal, costs=costs, strategy="wastar", guidance=guidance, engine=engine,
             heuristic=zero, lower_bound=True, trace=True)
        for guidance in (TILES, Guidance(estimate=expected, lead_weight=LEAD_WEIGHT))
    ]  # fmt: skip
    assert results[0].status == "found"
    assert np.array_equal(*(result.trace.expanded for result in results))


def test_many_queries_take_a_heuristic_that_is_an_array(layered):
    """It was compared with None value by value, so every call raised."""
    grid, costs, start, goal = layered
    h = np.zeros(grid.shape)
    queries = [(start, goal), (goal, start)]
    many = plan_many(grid, queries, costs=costs, heuristic=h, lower_bound=True)
    alone = [plan(grid, *query, costs=costs, heuristic=h, lower_bound=True) for query in queries]
    assert [result.cost for result in many] == [result.cost for result in alone]


def test_a_rival_teaches_a_learned_bound_nothing(layered):
    """What it had not searched itself was taken from the last search of the loop on the map."""
    grid, costs, start, goal = layered
    learned = LearnedBound(grid, costs, goal)
    plan(grid, goal, start, strategy="ucs", engine="generic")  # leaves small g everywhere
    assert learned.plan(start, strategy="xdp").status == "found"
    assert (learned.values <= cost_to_go(grid, goal, costs).values + 1e-9)[
        ~grid.blocked.ravel()
    ].all()


@pytest.mark.parametrize("strategy", ["astar", "wastar", "xdp", "focal"])
def test_the_closest_node_is_the_same_with_a_field_at_hand(strategy):
    """A field is infinite on the start's side, and the start was pruned: it was the answer."""
    blocked = np.zeros((8, 8))
    blocked[4] = 1
    grid = GridMap(blocked)
    prepare(grid, goals=[(7, 7)])
    for heuristic in (None, KeptFields(grid)):
        result = plan(grid, (0, 0), (7, 7), on_unreachable="closest", strategy=strategy,
                      heuristic=heuristic)  # fmt: skip
        assert result.status == "no_path"
        assert result.path.cells[-1].tolist() == [3, 7]


@pytest.mark.parametrize("shape", [(5, 5), (7, 6)])
def test_costs_of_another_map_are_refused_by_name(shape):
    """They raised an IndexError, or were taken where they had as many cells."""
    grid, costs = GridMap(np.zeros((6, 7))), CostField(GridMap(np.zeros(shape)))
    for call in (
        lambda: LearnedBound(grid, costs, 3),
        lambda: floor_size(grid, costs, 0, 3),
        lambda: waypoint_guidance(grid, 0, 3, [5], costs),
        lambda: check_heuristic(grid, "octile", 3, costs),
    ):
        with pytest.raises(ValueError, match="does not fit"):
            call()


GRID = GridMap(np.zeros((6, 7)))
COSTS = CostField(GRID, layers=[Layer("risk", np.zeros(GRID.shape))])
GRAPH = GraphMap([0, 1, 2, 2], [1, 2], [1.0, 1.0])
SHORT = Guidance(estimate=np.zeros(3))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plan(GRID, 0, 5, guidance=SHORT, heuristic=np.zeros(42)), "estimate needs one"),
        (lambda: plan(GRID, 0, 5, strategy="xdp", engine="jump-points"), "knows no 'xdp'"),
        (lambda: COSTS.update("risk", np.zeros((7, 6), dtype=bool), 1.0), "a mask needs 42"),
        (lambda: GRAPH.with_blocked([False, False, True], True), "whole numbers"),
        (lambda: GRAPH.with_blocked([1.7], True), "whole numbers"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_rewards_from_an_iterator_serve_every_plan():
    """The check had used it up, and nothing was left to lead."""
    guide = Guidance(rewards=(Reward(name, np.ones(42)) for name in "ab"))
    for _ in range(2):
        log = plan(GRID, 0, 5, guidance=guide).guidance_log
        assert [entry["reward"] for entry in log if entry["event"] == "reward"] == ["a", "b"]


def test_the_reward_law_sees_the_map_that_is_asked(layered):
    """Means were kept for another map with as many free cells."""
    grid, costs, start, goal = layered
    free = np.flatnonzero(~grid.blocked.reshape(-1))
    ask = {"costs": costs, "guidance": Guidance(rewards="auto"), "strategy": "wastar"}
    other = grid.with_blocked(free[30:60], True)
    another = grid.with_blocked(free[90:120], True)
    plan(other, start, goal, **ask)
    after = plan(another, start, goal, **ask).guidance_log
    assert after == plan(another, start, goal, **{**ask, "costs": copy.copy(costs)}).guidance_log


def test_an_interrupt_leaves_a_rival_no_old_marks(layered):
    """The counter of queries was cleared before it was raised: after Ctrl-C there was no path."""
    grid, costs, start, goal = layered
    found = plan(grid, start, goal, costs=costs, strategy="xdp")
    work = grid.workspaces.rivals

    class Interrupting(np.ndarray):
        def fill(self, value):
            super().fill(value)
            raise KeyboardInterrupt

        def __setitem__(self, key, value):
            super().__setitem__(key, value)
            raise KeyboardInterrupt

    whole, work.ints = work.ints, work.ints.view(Interrupting)
    with pytest.raises(KeyboardInterrupt):
        plan(grid, start, goal, costs=costs, strategy="xdp")
    work.ints = whole
    assert plan(grid, start, goal, costs=costs, strategy="xdp").cost == found.cost
