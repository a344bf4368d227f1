"""The rivals expand what their definitions say, node by node: against naive ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import build_graph, open_grid
from naive_rivals import anytime, best_first, explicit, towards_targets
from oracles import close

from planners import GridMap, Guidance, Reward, check, plan, waypoint_guidance
from planners.check import edges_of, exact_costs
from planners.kernels.rivals import pwxdp, xdp, xup
from planners.rivals.solve import ARA_WEIGHTS, PRIOR
from planners.rivals.waypoints import distances

W = 1.5


def adjacency_of(map, costs):
    adjacency = [[] for _ in range(map.size)]
    for u, v, cost in zip(*(column.tolist() for column in edges_of(map, costs)), strict=True):
        adjacency[u].append((v, cost))
    return adjacency


def digraph(seed):
    """A digraph without ties, a consistent h of 0.6 times the rest of the way, and a goal."""
    rng = np.random.default_rng([61, seed])
    nodes = int(rng.integers(8, 40))
    ends = rng.integers(0, nodes, (4 * nodes, 2)).tolist() + [[k, k + 1] for k in range(nodes - 1)]
    edges = sorted((u, v, float(rng.uniform(1, 9))) for u, v in ends)
    graph = build_graph(nodes, edges)
    rest = exact_costs(graph, nodes - 1, to_root=True)
    return rng, graph, adjacency_of(graph, None), np.where(np.isfinite(rest), 0.6 * rest, 50.0)


def lead_of(result):
    """Expansions before a proof, if there was one."""
    proof = [entry["expanded"] for entry in result.guidance_log if entry["event"] == "proof"]
    return result.trace.expanded.tolist()[: result.stats.expanded - sum(proof)]


def answer(graph, h, name, **options):
    return plan(graph, 0, graph.size - 1, strategy=name, weight=W, heuristic=h, lower_bound=True,
                trace=True, **options)  # fmt: skip


KEYS = {
    "wastar-reopen": (lambda g, h: g + W * h, True),
    "xdp": (lambda g, h: xdp(g, h, W), False),
    "xup": (lambda g, h: xup(g, h, W), False),
    "pwxdp": (lambda g, h: g + h if h > g else (g + (2 * W - 1) * h) / W, False),
}


@pytest.mark.parametrize("name", KEYS)
def test_one_key(name):
    key, reopen = KEYS[name]
    for seed in range(60):
        _, graph, adjacency, h = digraph(seed)
        race = best_first(adjacency, 0, graph.size - 1, lambda v, g, h=h: key(g, h[v]), reopen)
        assert lead_of(answer(graph, h, name)) == race.order


@pytest.mark.parametrize("reopen", [False, True])
def test_focal(reopen):
    for seed in range(60):
        _, graph, adjacency, h = digraph(seed)
        race = explicit(adjacency, 0, graph.size - 1, W, h, lambda v, _, h=h: h[v], reopen)
        result = answer(graph, h, "focal-reopen" if reopen else "focal")
        assert lead_of(result) == race.order


@pytest.mark.parametrize("reopen", [False, True])
@pytest.mark.parametrize("given_estimate", [False, True])
def test_explicit_estimation(reopen, given_estimate):
    for seed in range(60):
        rng, graph, adjacency, h = digraph(seed)
        guess = h * rng.uniform(0.5, 3, h.size)
        prior = PRIOR * h[0]

        def h_hat(v, g, h=h, guess=guess, prior=prior):
            if given_estimate:
                return max(h[v], guess[v])
            return max(h[v], h[v] * (g + prior) / (max(h[0] - h[v], 0.0) + prior))

        race = explicit(adjacency, 0, graph.size - 1, W, h, h_hat, reopen)
        guidance = Guidance(estimate=guess) if given_estimate else None
        result = answer(graph, h, "ees-reopen" if reopen else "ees", guidance=guidance)
        assert lead_of(result) == race.order


def test_explicit_estimation_may_expect_what_tiles_see():
    """The same cost bound, another order than with what the way has paid."""
    other = 0
    for seed in range(6):
        problem = open_grid(seed, side=30)
        query = {"costs": problem.costs, "strategy": "ees", "trace": True}
        own = plan(problem.map, *problem.ends, **query)
        tiles = plan(problem.map, *problem.ends, guidance=Guidance(estimate="tiles"), **query)
        check(problem.map, tiles, problem.costs, exact=True)
        assert tiles.bound == 1.5
        other += own.trace.expanded.tolist() != tiles.trace.expanded.tolist()
    assert other > 3


def test_ara_improves_as_its_weight_falls():
    improved = 0
    for seed in range(60):
        _, graph, adjacency, h = digraph(seed)
        result = plan(graph, 0, graph.size - 1, strategy="ara", weight=1, heuristic=h,
                      lower_bound=True)  # fmt: skip
        incumbents = [entry for entry in result.guidance_log if entry["event"] == "incumbent"]
        weights = [entry["weight"] for entry in incumbents]
        assert weights == sorted(weights, reverse=True) and weights[0] == ARA_WEIGHTS[0]
        found = anytime(adjacency, 0, graph.size - 1, weights, h)
        assert np.allclose([entry["cost"] for entry in incumbents], found, rtol=1e-9)
        certificates = [entry["certificate"] for entry in incumbents]
        assert certificates == sorted(certificates, reverse=True)
        assert certificates[-1] <= 1 + 1e-9
        optimum = exact_costs(graph, 0)[-1]
        for entry in incumbents:
            assert entry["cost"] <= entry["certificate"] * optimum * (1 + 1e-9)
        improved += incumbents[0]["cost"] > incumbents[-1]["cost"]
    assert improved > 5


def test_ara_under_a_budget_returns_its_incumbent():
    seen = 0
    for seed in range(20):
        problem = open_grid(seed, side=20)
        whole = plan(problem.map, *problem.ends, costs=problem.costs, strategy="ara", weight=1)
        first = whole.guidance_log[0]
        budget = (first["expanded"] + whole.stats.expanded) // 2
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="ara", weight=1,
                      max_expansions=budget)  # fmt: skip
        if result.status == "found":
            continue
        seen += 1
        assert result.status == "budget_spent" and result.stats.expanded <= budget
        assert whole.cost <= result.cost <= first["cost"]
        assert 1 < result.certificate <= first["certificate"]
        assert result.cost <= result.certificate * whole.cost * (1 + 1e-6)
    assert seen > 5


def test_llm_astar_without_waypoints_is_weighted_astar_with_two():
    for seed in range(20):
        problem = open_grid(seed, side=15)
        query = {"costs": problem.costs}
        one = plan(problem.map, *problem.ends, strategy="llm-astar", **query)
        two = plan(problem.map, *problem.ends, strategy="wastar-reopen", weight=2, **query)
        assert one.stats.expanded == two.stats.expanded and close(one.cost, two.cost)
        assert math.isinf(one.bound) and one.certificate >= 1


def test_a_waypoint_leads_where_nothing_else_does():
    grid = GridMap(np.zeros((21, 21)))
    query = {"strategy": "llm-astar", "trace": True}
    guidance = waypoint_guidance(grid, 0, 440, [(20, 0)])
    led = plan(grid, 0, 440, guidance=guidance, **query).trace.order(grid.size)
    plain = plan(grid, 0, 440, **query).trace.order(grid.size)
    assert np.isfinite(led[grid.node((20, 0))]) and np.isnan(plain[grid.node((20, 0))])


def test_llm_astar_follows_one_target_after_the_other():
    for seed in range(40):
        problem = open_grid(seed, side=12)
        rng = np.random.default_rng([62, seed])
        stops = rng.choice(np.flatnonzero(~problem.map.blocked.ravel()), 3).tolist()
        guidance = waypoint_guidance(problem.map, *problem.ends, stops, problem.costs)
        targets = [*guidance.waypoints, problem.goal]
        fields = [distances(problem.map, target, problem.costs) for target in targets]
        race = towards_targets(adjacency_of(problem.map, problem.costs), 0, targets, fields)
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="llm-astar",
                      guidance=guidance, trace=True)  # fmt: skip
        assert result.trace.expanded.tolist() == race.order


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
def test_rewards_in_the_key(form):
    for seed in range(40):
        rng, graph, adjacency, h = digraph(seed)
        reward = rng.normal(0, 5, h.size)
        if form == "additive":
            phi = np.clip(W * h - reward, 0.0, W * h)
        else:
            phi = np.clip(W * (1 - reward / np.abs(reward).max()), 0.0, W) * h
        guidance = Guidance(rewards=[Reward("r", reward)])
        for suffix, reopen in (("", False), ("-reopen", True)):
            race = best_first(adjacency, 0, graph.size - 1, lambda v, g, p=phi: g + p[v], reopen)
            result = answer(graph, h, f"{form}-reward{suffix}", guidance=guidance)
            assert lead_of(result) == race.order


numbers = st.floats(0, 1e6)


@given(numbers, numbers, st.floats(1, 10), st.floats(0, 1e4), st.floats(-1, 1))
def test_keys_grow_slowly_enough_to_need_no_reopening(g, h, w, c, share):
    """key(h + d, g + c) <= key(h, g) + c + d for |d| <= c: then closed nodes have key <= g* + h."""
    d = max(share * c, -h)
    for key in (xdp, xup, pwxdp):
        assert key(g + c, h + d, w) <= (key(g, h, w) + c + d) * (1 + 1e-9) + 1e-6
        assert math.isclose(key(w * g, 0.0, w), g, rel_tol=1e-9, abs_tol=1e-9)
        assert math.isclose(key(0.0, h, w), h, rel_tol=1e-9, abs_tol=1e-9)


@given(numbers, numbers, st.floats(1, 10), numbers)
def test_xup_grows_slowly_enough_on_any_digraph(g, h, w, d):
    """No edge lets it rise faster than h, so it needs no more of h than weighted A* does."""
    assert xup(g, h + d, w) <= (xup(g, h, w) + d) * (1 + 1e-9) + 1e-6


def test_xdp_does_not():
    assert xdp(4.0, 1.0, 2.0) > xdp(4.0, 0.0, 2.0) + 1.0 + 0.1
