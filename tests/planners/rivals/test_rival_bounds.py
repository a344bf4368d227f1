"""Every rival: at most w times the optimum, a certificate that is true, and legal paths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import graph_problems, grid_problems, lead_values, random_graph, random_grid
from oracles import RELATIVE, dijkstra, reverse

from planners import RIVALS, Guidance, Reward, check, plan, waypoint_guidance

WEIGHTS = (1.0, 1.2, 1.5, 2.0, 3.0)
SAFE = [name for name in RIVALS if not name.endswith("-unproved")]


def guidance_for(name, rng, problem):
    """Random guidance of the kind that the row follows, or none."""
    guide, size = RIVALS[name].guide, problem.map.size
    if guide == "waypoints":
        stops = [problem.map.label(int(v)) for v in rng.integers(0, size, rng.integers(0, 4))]
        return waypoint_guidance(problem.map, *problem.ends, stops, problem.costs)
    if guide == "rewards" and rng.random() < 0.8:
        return Guidance(rewards=[Reward("r", lead_values(rng, size))])
    if guide == "estimate" and rng.random() < 0.5:
        return Guidance(estimate=lead_values(rng, size))
    return None


def admissible(rng, problem):
    """A lower bound that is seldom consistent."""
    exact = np.array(dijkstra(reverse(problem.adjacency), problem.goal))
    return np.where(np.isfinite(exact), exact, 1e3) * rng.uniform(0, 1 - 1e-6, exact.size)


def holds(problem, result, optimum, w) -> None:
    """The promise of a row for one result."""
    check(problem.map, result, problem.costs, exact=True)
    blocked = problem.map.blocked.reshape(-1)
    if blocked[problem.start] or blocked[problem.goal]:
        assert result.status in ("start_blocked", "goal_blocked")
        return
    if math.isinf(optimum):
        assert result.status == "no_path"
        return
    assert result.status == "found"
    bounded = RIVALS[result.strategy].bounded
    assert result.bound == (w if bounded else math.inf)
    if bounded:
        assert result.cost <= w * optimum * (1 + RELATIVE) + 1e-12
    assert optimum * (1 - RELATIVE) - 1e-12 <= result.cost
    assert result.cost <= result.certificate * optimum * (1 + RELATIVE) + 1e-12


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("name", SAFE)
def test_the_bound_and_the_certificate(make, name):
    """A quarter of the heuristics are inconsistent: those rows that need more then prove."""
    tag = SAFE.index(name)
    for k in range(1000):
        rng = np.random.default_rng([51, tag, k])
        problem, w = make(rng), float(rng.choice(WEIGHTS))
        options = {"guidance": guidance_for(name, rng, problem)}
        if rng.random() < 0.25:
            options |= {"heuristic": admissible(rng, problem), "lower_bound": True}
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=name, weight=w,
                      **options)  # fmt: skip
        optimum = dijkstra(problem.adjacency, problem.start)[problem.goal]
        holds(problem, result, optimum, w)


@settings(deadline=None, max_examples=60)
@given(st.one_of(grid_problems(), graph_problems()), st.sampled_from(SAFE), st.data())
def test_any_problem_at_all(problem, name, data):
    w = data.draw(st.sampled_from(WEIGHTS))
    result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=name, weight=w)
    optimum = dijkstra(problem.adjacency, problem.start)[problem.goal]
    holds(problem, result, optimum, w)


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("name", SAFE)
def test_the_compiled_loop_is_the_textbook(make, name):
    """Same status, cost, counts and events."""
    for k in range(40):
        rng = np.random.default_rng([52, k])
        problem = make(rng)
        options = {"guidance": guidance_for(name, rng, problem), "trace": True, "strategy": name}
        if rng.random() < 0.3:
            options["max_expansions"] = int(rng.integers(0, 12))
        one, two = (
            plan(problem.map, *problem.ends, costs=problem.costs, engine=engine, **options)
            for engine in ("generic", "textbook")
        )
        assert (one.status, one.cost, one.stats) == (two.status, two.cost, two.stats)
        assert one.certificate == two.certificate and one.guidance_log == two.guidance_log
        for field in ("kinds", "nodes", "parents", "g", "h", "f"):
            assert np.array_equal(getattr(one.trace, field), getattr(two.trace, field))


@pytest.mark.parametrize("name", SAFE)
def test_counts_and_traces_agree(name):
    for k in range(60):
        rng = np.random.default_rng([53, k])
        problem = random_grid(rng)
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=name, trace=True,
                      guidance=guidance_for(name, rng, problem))  # fmt: skip
        kinds = result.trace.kinds.tolist()
        assert result.trace.expanded.size == result.stats.expanded
        assert kinds.count(0) + kinds.count(1) == result.stats.generated
        again = result.stats.expanded - np.unique(result.trace.expanded).size
        assert again <= result.stats.reopened
        assert np.isfinite(result.trace.f).all()
        free = result.status == "found" and result.start != result.goal
        assert not free or result.stats.popped > result.stats.expanded


@pytest.mark.parametrize("name", SAFE)
def test_at_weight_one_every_bounded_rival_is_exact(name):
    if not RIVALS[name].bounded:
        return
    for k in range(100):
        rng = np.random.default_rng([54, k])
        problem = random_graph(rng)
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=name, weight=1)
        if result.status == "found":
            optimum = dijkstra(problem.adjacency, problem.start)[problem.goal]
            assert math.isclose(result.cost, optimum, rel_tol=RELATIVE, abs_tol=1e-12)
            assert result.certificate <= 1 + RELATIVE
