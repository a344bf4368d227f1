"""The theorems, one test each: the statement, random instances, and an oracle of its own.

On a finite graph with costs >= 0, an admissible h with h(goal) = 0, and C* the optimum. Where a
condition is left out, `test_counter_examples.py` and `test_unsafe_variants.py` show it failing.
`python -m experiments.prove` asks the same of a million instances.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from instances import MOVES, Problem, lead_values, random_graph, random_grid, values_for
from naive_rivals import Race
from oracles import RELATIVE, dijkstra, grid_adjacency, reverse, scipy_dijkstra, walk_cost
from unsafe import led, lower_bounds

from planners import CostField, GridMap, Guidance, Layer, Reward, check, plan
from planners.heuristics import default_bound, tabulate

MAKERS = (random_grid, random_graph)
WEIGHTS = (1.0, 1.2, 1.5, 2.0, 3.0)
COUNT = 150


def problems(make, theorem: int, count: int = COUNT):
    """Random problems that have a path, with their generator, a weight and C*."""
    for k in range(count):
        rng = np.random.default_rng([800 + theorem, k])
        problem = make(rng)
        if problem.map.is_blocked(problem.start) or problem.map.is_blocked(problem.goal):
            continue
        optimum = float(scipy_dijkstra(problem.adjacency, problem.start)[problem.goal])
        if math.isfinite(optimum):
            yield problem, rng, float(rng.choice(WEIGHTS)), optimum


def asked(problem: Problem, strategy: str, **options):
    """The library's answer, legal and of the cost that the oracle's moves have."""
    result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=strategy, **options)
    check(problem.map, result, problem.costs)
    paid = walk_cost(problem.adjacency, result.path.nodes)
    assert math.isclose(paid, result.cost, rel_tol=RELATIVE, abs_tol=1e-12)
    return result


def at_most(cost: float, limit: float) -> bool:
    return cost <= limit * (1 + RELATIVE) + 1e-12


def consistent_h(problem: Problem, factor: float) -> np.ndarray:
    """A fraction of the exact cost-to-go; beyond all others where no way leads."""
    exact = np.array(dijkstra(reverse(problem.adjacency), problem.goal))
    known = np.isfinite(exact)
    return np.where(known, exact, 10 + 2 * exact[known].max()) * factor


@pytest.mark.parametrize("make", MAKERS)
def test_t1_lead_and_prove_is_bounded_whatever_leads(make):
    """C <= w C* for any lead key, and with a consistent h no node is expanded more than twice."""
    for problem, rng, w, optimum in problems(make, 1):
        reward = Reward("r", lead_values(rng, problem.map.size))
        options = {"heuristic": consistent_h(problem, rng.random()), "lower_bound": True,
                   "guidance": Guidance([reward]), "trace": True}  # fmt: skip
        result = asked(problem, "wastar", weight=w, **options)
        assert at_most(result.cost, w * optimum)
        assert max(Counter(result.trace.expanded.tolist()).values(), default=0) <= 2


@pytest.mark.parametrize("make", MAKERS)
def test_t2_clamped_keys_are_bounded_with_reopening(make):
    """Keys clamped to `g <= key <= g + w h` are w-bounded where improved nodes are opened again."""
    for problem, rng, w, optimum in problems(make, 2):
        guidance = Guidance([Reward("r", lead_values(rng, problem.map.size))])
        result = asked(problem, "additive-reward-reopen", weight=w, guidance=guidance)
        assert at_most(result.cost, w * optimum)
        assert not any(entry["event"] == "proof" for entry in result.guidance_log)


@pytest.mark.parametrize("make", MAKERS)
def test_t3_leads_that_pass_the_edge_test_need_neither_reopening_nor_proof(make):
    """`phi(u) - phi(v) <= w c(u, v)` on every edge: w-bounded, each node expanded once.

    phi = (w - e) h + e d, with d the exact cost to some node, passes; weighted A* is e = 0.
    """
    for problem, rng, w, optimum in problems(make, 3):
        part = float(rng.choice([0.0, rng.uniform(0, w), w]))
        away = Problem(problem.map, problem.costs, problem.adjacency, problem.start,
                       int(rng.integers(problem.map.size)))  # fmt: skip
        repelled = part * consistent_h(away, 1.0 - 1e-6)
        phi = (w - part) * consistent_h(problem, 0.9) + repelled
        bare = led(problem.adjacency, problem.start, problem.goal, phi)
        assert at_most(bare.cost, w * optimum)
        guidance = Guidance([Reward("away", -repelled)], lead_weight=w - part)
        for name, options in (("wastar", {}), ("additive-reward-unproved", {"guidance": guidance})):
            result = asked(problem, name, weight=w, **options)
            assert at_most(result.cost, w * optimum)
        assert not result.guidance_log


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", ["xdp", "xup", "pwxdp"])
def test_t3_the_curved_keys(make, name):
    """XDP and piecewise XDP besides need an h that rises along no edge by more than it costs."""
    for problem, _, w, optimum in problems(make, 3):
        result = asked(problem, name, weight=w)
        assert at_most(result.cost, w * optimum)
        assert not any(entry["event"] == "proof" for entry in result.guidance_log)


@pytest.mark.parametrize("make", MAKERS)
def test_t4_focal_search_is_bounded_whatever_chooses_among_the_best(make):
    """Any node with `g + h <= w f_min`, with re-opening: here one drawn by chance."""
    for problem, rng, w, optimum in problems(make, 4):
        h, race = consistent_h(problem, 0.8), Race(problem.adjacency, *ends(problem), reopen=True)

        def choose(race=race, h=h, w=w, rng=rng) -> int:
            best = min(race.g[v] + h[v] for v in race.turn)
            focal = [v for v in race.turn if race.g[v] + h[v] <= w * best]
            return int(rng.choice(focal))

        assert at_most(race.run(choose), w * optimum)
        for name in ("focal-reopen", "ees-reopen", "focal", "ees"):
            assert at_most(asked(problem, name, weight=w).cost, w * optimum)


def test_t5_layers_of_at_least_zero_keep_the_free_flow_bound_consistent():
    """After any change of belief h falls along no edge by more than the edge costs."""
    for k in range(COUNT):
        rng = np.random.default_rng([805, k])
        shape = tuple(rng.integers(1, 8, 2).tolist())
        moves = MOVES[rng.integers(4)]
        grid = GridMap(rng.random(shape) < 0.2, moves=moves)
        costs = CostField(grid, layers=[Layer("belief", np.zeros(shape))])
        goal = int(rng.integers(grid.size))
        free_flow = tabulate(default_bound(grid, goal, costs), grid.size)
        belief = values_for(rng, shape).astype(float)
        costs.update("belief", np.arange(grid.size), belief)
        pace = (1.0 + belief).tolist()
        for u, leaving in enumerate(grid_adjacency(grid.blocked.tolist(), moves, pace=pace)):
            for v, cost in leaving:
                assert free_flow[u] - free_flow[v] <= cost * (1 + 1e-9)
        assert free_flow[goal] == 0.0


@pytest.mark.parametrize("make", MAKERS)
def test_t6_the_certificate_is_true(make):
    """`LB = min(C, min over OPEN and INCONS of g + h) <= C*`, of a bare search and of ours."""
    for problem, rng, w, optimum in problems(make, 6):
        h = consistent_h(problem, 0.9)
        lead = w * h - lead_values(rng, h.size)
        found = led(problem.adjacency, *ends(problem), lead)
        assert at_most(min(found.cost, *lower_bounds(found, h)), optimum)
        for name in ("greedy", "bfs", "dfs"):
            result = asked(problem, name)
            assert at_most(result.cost / result.certificate, optimum)
        result = asked(problem, "wastar", weight=w, heuristic=lead)
        assert at_most(result.cost / result.certificate, optimum)


@pytest.mark.parametrize("make", MAKERS)
def test_t8_bounded_legs_in_a_bounded_order(make):
    """Legs w1-bounded, their order w2-bounded on them: the tour costs at most w1 w2 C*."""
    tours = 0
    for problem, rng, w1, _ in problems(make, 8):
        w2 = float(rng.choice(WEIGHTS))
        stops = rng.integers(0, problem.map.size, 3).tolist()
        nodes = [problem.start, *dict.fromkeys(stops)]
        exact = np.array([scipy_dijkstra(problem.adjacency, u) for u in nodes])[:, nodes]
        orders = list(itertools.permutations(range(1, len(nodes))))
        optimum = min(tour_cost(exact, order) for order in orders)
        if any(problem.map.is_blocked(v) for v in nodes) or math.isinf(optimum):
            continue
        legs = np.zeros_like(exact)
        for i, j in itertools.permutations(range(len(nodes)), 2):
            ends_of_leg = (problem.map.label(nodes[i]), problem.map.label(nodes[j]))
            legs[i, j] = plan(problem.map, *ends_of_leg, costs=problem.costs, strategy="wastar",
                              weight=w1).cost  # fmt: skip
        least = min(tour_cost(legs, order) for order in orders)
        for order in orders:
            if tour_cost(legs, order) <= w2 * least:
                assert at_most(tour_cost(legs, order), w1 * w2 * optimum)
        tours += 1
    assert tours > COUNT // 4


def test_t8_needs_both_factors():
    """The legs' own bound is no bound of the tour: legs of 1.5 in an order of 1.5 pay 2.25."""
    exact = np.array([[0.0, 2.0, 3.0], [9.0, 0.0, 2.0], [9.0, 3.0, 0.0]])
    legs = np.array([[0.0, 3.0, 4.5], [9.0, 0.0, 3.0], [9.0, 4.5, 0.0]])
    orders = [(1, 2), (2, 1)]
    optimum = min(tour_cost(exact, order) for order in orders)
    bounded = [tour_cost(legs, order) for order in orders if tour_cost(legs, order) <= 1.5 * 6.0]
    assert optimum == 4.0 and max(bounded) == 2.25 * optimum


def tour_cost(legs: np.ndarray, order: tuple[int, ...]) -> float:
    """Of the tour that begins at the first node."""
    return float(sum(legs[i, j] for i, j in itertools.pairwise((0, *order))))


def ends(problem: Problem) -> tuple[int, int]:
    return problem.start, problem.goal
