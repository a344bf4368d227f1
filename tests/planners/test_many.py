"""`plan_many`: the same answers as one by one, whoever gives them."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import (
    build_graph,
    graph_problems,
    grid_problems,
    open_grid,
    random_graph,
    random_grid,
)
from oracles import close, dijkstra, reverse

from planners import Guidance, Reward, check, many, plan, plan_many, point_to_point


def same_answers(problem, queries, **options):
    """Status, cost and bound of every answer are those of `plan`; returns the answers."""
    found = plan_many(problem.map, iter(queries), costs=problem.costs, **options)
    options.pop("workers", None)
    assert len(found) == len(queries)
    for (start, goal), result in zip(queries, found, strict=True):
        one = plan(problem.map, start, goal, costs=problem.costs, **options)
        assert (result.status, result.bound, result.strategy) == (
            one.status, one.bound, one.strategy,
        )  # fmt: skip
        assert (result.start, result.goal, result.weight) == (one.start, one.goal, one.weight)
        if one.strategy == "wastar":
            assert result.cost <= one.cost * (1 + 1e-9)
        else:
            assert close(result.cost, one.cost, 1e-9)
        check(problem.map, result, problem.costs)
    return found


def queries_of(problem, rng, goals=2, per_goal=5):
    label, size = problem.map.label, problem.map.size
    ends = rng.integers(size, size=(goals * per_goal, 2))
    ends[:, 1] = np.repeat(rng.integers(size, size=goals), per_goal)
    rng.shuffle(ends)
    return [(label(int(start)), label(int(goal))) for start, goal in ends]


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("strategy", ["astar", "ucs", "wastar", "greedy", "bfs"])
def test_the_same_as_one_by_one(make, strategy):
    fields = 0
    for k in range(60):
        rng = np.random.default_rng([401, k])
        problem = make(rng)
        queries = queries_of(problem, rng)
        found = same_answers(problem, queries, strategy=strategy, workers=1 + k % 3)
        fields += sum(result.engine == "field" for result in found)
    assert (fields > 100) == (strategy in ("astar", "ucs", "wastar"))


@settings(deadline=None, max_examples=40)
@given(grid_problems() | graph_problems(), st.integers(0, 99))
def test_any_map(problem, seed):
    same_answers(problem, queries_of(problem, np.random.default_rng(seed)), workers=2)


def test_the_oracle_agrees_with_fields():
    problem = open_grid(8, side=25)
    goal = problem.goal
    optima = dijkstra(reverse(problem.adjacency), goal)
    starts = [k for k in range(625) if not problem.map.is_blocked(k) and k != goal]
    found = plan_many(problem.map, [(k, goal) for k in starts], costs=problem.costs)
    for start, result in zip(starts, found, strict=True):
        assert result.engine == "field"
        assert close(result.cost, optima[start])
        if result.status == "found":
            assert result.certificate == 1.0 and result.path.nodes[0] == start


def test_the_first_answer_of_a_field_carries_its_counts():
    problem = open_grid(3, side=20)
    goal = problem.goal
    queries = [(goal, goal), (0, goal), (1, goal), (25, goal), (0, goal)]
    free = [q for q in queries if not problem.map.is_blocked(q[0])]
    first, *others = plan_many(problem.map, free, costs=problem.costs)[1:]
    reached = np.isfinite(dijkstra(reverse(problem.adjacency), goal)).sum()
    assert first.engine == "field" and first.stats.expanded == first.stats.generated == reached
    assert all(other.stats.expanded == other.stats.generated == 0 for other in others)


def test_few_or_near_queries_are_searched_one_by_one():
    problem = open_grid(4, side=60, density=0.05)
    free = np.flatnonzero(~problem.map.blocked.ravel()).tolist()
    goal = problem.goal
    far, near = free[:6], free[-8:-1]
    for starts, engine in ((far[:2], "generic"), (near, "generic"), (far, "field")):
        found = plan_many(problem.map, [(k, goal) for k in starts], costs=problem.costs)
        assert {result.engine for result in found} == {engine}


@pytest.mark.parametrize("options", [
    {"engine": "generic"}, {"engine": "textbook"}, {"max_expansions": 10_000}, {"trace": True},
    {"heuristic": "zero"}, {"on_unreachable": "closest"}, {"strategy": "dfs"},
    {"guidance": Guidance([Reward("r", np.arange(81.0))])},
], ids=str)  # fmt: skip
def test_other_options_are_searched_one_by_one(options):
    problem = open_grid(5)
    starts = [k for k in range(40) if not problem.map.is_blocked(k)]
    queries = [(k, problem.goal) for k in starts]
    for result in same_answers(problem, queries, **options):
        assert result.engine == options.get("engine", result.engine) != "field"
        assert result.stats.expanded > 0


def test_faster_engines_keep_their_queries(monkeypatch):
    """What an engine answers at the price of a part of a field needs more queries for one."""
    monkeypatch.setattr(point_to_point, "SMALL", 0)
    ring = build_graph(40, sorted((u, (u + step) % 40, 1.0) for u in range(40) for step in (1, 39)))
    for count, engine in ((many.FIELD_FROM["bidirectional"] - 1, "bidirectional"), (39, "field")):
        found = plan_many(ring, [(start, 0) for start in range(1, count + 1)])
        assert {result.engine for result in found} == {engine}
        assert [result.cost for result in found] == [min(k, 40 - k) for k in range(1, count + 1)]


def test_nothing_in_nothing_out():
    assert plan_many(open_grid(0).map, []) == []
    assert plan_many(open_grid(0).map, (query for query in [])) == []


def test_a_callable_heuristic_is_called_by_one_thread():
    problem = open_grid(1)
    callers = set()

    def h(cell, goal):
        callers.add(threading.get_ident())
        return 0.0

    plan_many(problem.map, [(0, problem.goal)] * 4, costs=problem.costs, heuristic=h, workers=4)
    assert callers == {threading.get_ident()}


def test_bad_input_names_the_query():
    problem = open_grid(0)
    for queries, message in (
        ([(0, 1), (0, 999)], "query 1: node 999 is outside"),
        ([(0, 1), ((0, 1), (3, 40))], r"query 1: cell \(3, 40\) is outside"),
        ([(0, 1), 5], r"query 1 must be a pair \(start, goal\), not 5"),
        ([(0, 1), (0, 1, 2)], "query 1 must be a pair"),
        ([(0, 1.5)], "query 0: a cell is"),
    ):
        with pytest.raises(ValueError, match=message):
            plan_many(problem.map, queries, costs=problem.costs)
        with pytest.raises(ValueError, match=message):
            plan_many(problem.map, queries, costs=problem.costs, heuristic="zero", workers=2)
    for workers in (0, -1, 1.5, "two", True):
        with pytest.raises(ValueError, match="workers must be a whole number >= 1 or None"):
            plan_many(problem.map, [(0, 1)], workers=workers)
    with pytest.raises(TypeError, match="queries must be Iterable"):
        plan_many(problem.map, 5)
    with pytest.raises(ValueError, match="unknown strategy"):
        plan_many(problem.map, [(0, 1)], strategy="magic")
    with pytest.raises(TypeError, match="map must be"):
        plan_many([[0, 0]], [(0, 1)])


def test_an_unknown_option_is_told_by_the_name_of_the_call():
    with pytest.raises(TypeError, match=r"plan_many\(\).*'strat'"):
        plan_many(open_grid(0).map, [(0, 1)], strat="astar")
