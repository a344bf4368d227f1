"""T1: whatever leads, the cost is at most w times the optimum, the certificate is true, and with a
consistent h no node is expanded more than twice (three times after an abandoned lead)."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import (
    build_graph,
    grid_problems,
    lead_values,
    open_grid,
    random_graph,
    random_grid,
)
from oracles import RELATIVE, close, dijkstra, reverse

from planners import (
    CostField,
    GridMap,
    Guidance,
    Layer,
    Reward,
    check,
    cost_to_go,
    lead_and_prove,
    plan,
)
from planners.lead_and_prove import PATIENCE

WEIGHTS = (1.0, 1.2, 1.5, 2.0, 3.0)


def holds(problem, result, optimum, w) -> None:
    """The promise of T1 and T6 for one result."""
    if math.isinf(optimum):
        assert result.status == "no_path"
        return
    assert result.status == "found"
    assert result.bound == w
    assert optimum * (1 - RELATIVE) <= result.cost <= w * optimum * (1 + RELATIVE) + 1e-12
    assert 1 <= result.certificate <= w * (1 + RELATIVE)
    assert result.cost <= result.certificate * optimum * (1 + RELATIVE) + 1e-12
    check(problem.map, result, problem.costs)


def most_expansions_of_a_node(result) -> int:
    return max(Counter(result.trace.expanded.tolist()).values(), default=0)


def random_guidance(rng, problem) -> Guidance:
    """Rewards, an estimate, a lead weight: any of them, of any size."""
    size = problem.map.size
    rewards = [
        Reward(f"r{k}", lead_values(rng, size)) for k in range(int(rng.integers(0, 3)))
    ] if rng.random() < 0.8 else "auto"  # fmt: skip
    return Guidance(
        rewards=rewards,
        soc=float(rng.random()),
        lead_weight=float(rng.choice([0.0, 1.0, 7.0])) if rng.random() < 0.5 else None,
        estimate=lead_values(rng, size) if rng.random() < 0.4 else "auto",
        trusted=bool(rng.random() < 0.6),
    )


def open_problems(make, tag, count):
    """Random problems with free end points, and their optimum."""
    for k in range(count):
        rng = np.random.default_rng([tag, k])
        problem = make(rng)
        blocked = problem.map.blocked.reshape(-1)
        if not (blocked[problem.start] or blocked[problem.goal]):
            yield rng, problem, dijkstra(problem.adjacency, problem.start)[problem.goal]


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("w", WEIGHTS)
def test_any_guidance_keeps_the_bound(make, w):
    for rng, problem, optimum in open_problems(make, 21, 500):
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=w,
                      guidance=random_guidance(rng, problem))  # fmt: skip
        holds(problem, result, optimum, w)


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("strategy", ["astar", "ucs"])
def test_with_guidance_astar_and_ucs_still_equal_the_optimum(make, strategy):
    for rng, problem, optimum in open_problems(make, 22, 400):
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=strategy,
                      guidance=random_guidance(rng, problem))  # fmt: skip
        holds(problem, result, optimum, 1.0)


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("w", WEIGHTS)
def test_an_inadmissible_heuristic_only_leads(make, w):
    """Arrays and callables of any sign: they are not declared, so they prove nothing."""
    for rng, problem, optimum in open_problems(make, 23, 250):
        values = lead_values(rng, problem.map.size)
        ids = {problem.map.label(k): k for k in range(problem.map.size)}
        heuristic = values if rng.random() < 0.5 else lambda node, _, v=values, i=ids: v[i[node]]
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=w,
                      heuristic=heuristic)  # fmt: skip
        holds(problem, result, optimum, w)


@pytest.mark.parametrize("w", WEIGHTS)
def test_adversarial_leads(w):
    """The lead that hates the optimum: the exact cost-to-go, upside down and a thousandfold."""
    for seed in range(12):
        problem = open_grid(seed, side=12)
        optimum = dijkstra(problem.adjacency, 0)[problem.goal]
        go = cost_to_go(problem.map, problem.goal, problem.costs).values
        wrong = np.where(np.isfinite(go), -1000.0 * go, 0.0)
        on_the_way = np.zeros(problem.map.size)
        best = plan(problem.map, *problem.ends, costs=problem.costs).path.nodes
        on_the_way[best[1:-1]] = -1e6
        at_goal = np.zeros(problem.map.size)
        at_goal[problem.goal] = 1e9
        for options in (
            {"heuristic": wrong},
            {"guidance": Guidance(rewards=[Reward("repel", on_the_way)])},
            {"guidance": Guidance(rewards=[Reward("bait", at_goal)])},
            {"guidance": Guidance(rewards=[Reward("repel", on_the_way)], trusted=False)},
        ):
            result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar",
                          weight=w, **options)  # fmt: skip
            holds(problem, result, optimum, w)


def test_the_certificate_can_be_better_than_the_bound_and_still_true():
    better = 0
    for seed in range(40):
        problem = open_grid(seed)
        optimum = dijkstra(problem.adjacency, 0)[problem.goal]
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=3)
        holds(problem, result, optimum, 3.0)
        better += result.certificate < 2.9
    assert better > 20


def test_greedy_promises_nothing_and_certifies_what_it_can():
    worse = 0
    for seed in range(60):
        problem = open_grid(seed)
        optimum = dijkstra(problem.adjacency, 0)[problem.goal]
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="greedy")
        assert math.isinf(result.bound)
        assert result.cost <= result.certificate * optimum * (1 + RELATIVE)
        worse += result.cost > optimum * 1.01
    assert worse > 10, "greedy never differs: the test says nothing"


@pytest.mark.parametrize("side", [6, 12, 20])
@pytest.mark.parametrize("w", WEIGHTS)
def test_no_node_is_expanded_more_than_twice(side, w):
    """With the library's own, consistent h: once by the lead and once by the proof."""
    for seed in range(25):
        problem = open_grid(seed, side)
        rng = np.random.default_rng([4, seed])
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=w,
                      guidance=Guidance(rewards=[Reward("r", rng.normal(0, 20, side * side))]),
                      trace=True)  # fmt: skip
        assert result.trace.expanded.size == result.stats.expanded
        assert most_expansions_of_a_node(result) <= 2
        proof = sum(e["expanded"] for e in result.guidance_log if e["event"] == "proof")
        assert np.unique(result.trace.expanded[-proof:]).size == proof or not proof


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_twice_at_most_on_random_problems(make):
    """Zero costs, layers with spikes, one-way cells and parallel edges included."""
    for rng, problem, _ in open_problems(make, 24, 400):
        for options in (
            {"strategy": "ucs"},
            {"strategy": "astar"},
            {"strategy": "wastar", "weight": 2.0},
            {"strategy": "wastar", "weight": 1.2,
             "heuristic": lead_values(rng, problem.map.size)},
        ):  # fmt: skip
            result = plan(problem.map, *problem.ends, costs=problem.costs, trace=True, **options)
            assert most_expansions_of_a_node(result) <= 2, options


def abandoned(seed):
    """A query whose clamped advice is so bad that it is dropped."""
    problem = open_grid(seed, side=40, density=0.05)
    result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=1.2,
                  guidance=Guidance(lead_weight=0.0, trusted=False), trace=True)  # fmt: skip
    return problem, result


def test_an_abandoned_lead_is_logged_and_keeps_the_bound():
    for seed in range(6):
        problem, result = abandoned(seed)
        assert any(entry["event"] == "abandoned" for entry in result.guidance_log)
        holds(problem, result, dijkstra(problem.adjacency, 0)[problem.goal], 1.2)


def test_after_an_abandoned_lead_three_times_at_most_and_nothing_is_forgotten():
    """The trace and the counts tell all of the work, that of the dropped lead too."""
    for seed in range(6):
        _, result = abandoned(seed)
        assert result.trace.expanded.size == result.stats.expanded
        assert most_expansions_of_a_node(result) <= 3


def test_an_abandoned_lead_counts_in_the_largest_frontier():
    rng = np.random.default_rng(0)
    grid = GridMap(np.zeros((60, 60)))
    noise = Guidance(rewards=[Reward("noise", rng.uniform(-1e3, 1e3, 3600))], trusted=False)
    query = {"strategy": "wastar", "weight": 3.0, "guidance": noise}
    result = plan(grid, (30, 30), (0, 0), **query)
    spent = next(e["expanded"] for e in result.guidance_log if e["event"] == "abandoned")
    lead = plan(grid, (30, 30), (0, 0), max_expansions=spent, **query)
    assert (lead.status, lead.stats.expanded) == ("budget_spent", spent)
    assert not any(entry["event"] == "abandoned" for entry in lead.guidance_log)
    alone = plan(grid, (30, 30), (0, 0), strategy="wastar", weight=3.0)
    assert lead.stats.max_frontier > alone.stats.max_frontier
    assert result.stats.max_frontier >= lead.stats.max_frontier


def test_untrusted_advice_costs_at_most_its_budget_and_a_weighted_search():
    spared = 0
    for seed in range(6):
        problem, result = abandoned(seed)
        plain = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=1.2)
        spent = next(e["expanded"] for e in result.guidance_log if e["event"] == "abandoned")
        assert result.stats.expanded <= spent + 1.5 * plain.stats.expanded
        spared += all(entry["event"] != "proof" for entry in result.guidance_log)
    assert spared > 0, "what follows is no weighted A*"


def test_good_advice_saves_work():
    """The exact cost-to-go leads straight to the goal, at nearly the optimum."""
    problem = open_grid(1, side=30)
    go = cost_to_go(problem.map, problem.goal, problem.costs).values
    led = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=2.0,
               heuristic=np.where(np.isfinite(go), go, 1e6))  # fmt: skip
    plain = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=2.0)
    assert led.stats.expanded < plain.stats.expanded / 2
    assert led.cost <= go[problem.start] * 1.05


def test_a_declared_lower_bound_proves():
    """The exact field as a declared bound: no node off the optimal paths is expanded."""
    problem = open_grid(2, side=20, density=0.1)
    go = cost_to_go(problem.map, problem.goal, problem.costs).values
    result = plan(problem.map, *problem.ends, costs=problem.costs, heuristic=go, lower_bound=True)
    optimum = dijkstra(problem.adjacency, 0)[problem.goal]
    holds(problem, result, optimum, 1.0)
    assert result.stats.expanded <= 2 * len(result.path)


@pytest.mark.parametrize("strategy", ["ucs", "greedy", "astar", "wastar"])
@pytest.mark.parametrize("lead_weight", [None, 0.0, 2.0])
def test_infinite_values_of_a_declared_bound(strategy, lead_weight):
    """Exact fields hold infinity where no way leads: legal as a bound, with any lead."""
    grid = GridMap([[0, 0, 0, 1, 0], [0, 0, 0, 1, 0]])
    go = cost_to_go(grid, (0, 2)).values
    assert np.isinf(go).any()
    guidance = None if lead_weight is None else Guidance(lead_weight=lead_weight)
    result = plan(grid, (1, 0), (0, 2), strategy=strategy, heuristic=go, lower_bound=True,
                  guidance=guidance)  # fmt: skip
    assert result.status == "found"
    assert close(result.cost, 1 + math.sqrt(2))
    assert plan(grid, (1, 0), (0, 4), heuristic=cost_to_go(grid, (0, 4)).values,
                lower_bound=True).status == "no_path"  # fmt: skip


@pytest.mark.parametrize("patience", [0, PATIENCE])
def test_an_admissible_but_inconsistent_bound_keeps_the_optimum(patience, monkeypatch):
    """Also where A* turns to exact order at the first node that is opened again."""
    monkeypatch.setattr(lead_and_prove, "PATIENCE", patience)
    reopened = 0
    for k in range(300):
        rng = np.random.default_rng([31, k])
        problem = random_graph(rng) if k % 2 else open_grid(k, density=0.1)
        blocked = problem.map.blocked.reshape(-1)
        if blocked[problem.start] or blocked[problem.goal]:
            continue
        exact = np.array(dijkstra(reverse(problem.adjacency), problem.goal))
        h = np.where(np.isfinite(exact), exact, 50.0) * rng.uniform(0, 1 - 1e-6, exact.size)
        optimum = dijkstra(problem.adjacency, problem.start)[problem.goal]
        for w in (1.0, 1.5):
            result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar",
                          weight=w, heuristic=h, lower_bound=True)  # fmt: skip
            holds(problem, result, optimum, w)
            reopened += result.stats.reopened
    assert reopened > 20, "nothing is opened again: the test says nothing"


def test_extreme_but_finite_rewards_lead():
    grid = GridMap(np.zeros((6, 6)))
    huge = np.where(np.arange(36) % 2, 1.7e308, -1.7e308)
    result = plan(grid, (0, 0), (5, 5), guidance=Guidance(rewards=[Reward("a", huge)]))
    assert close(result.cost, 5 * math.sqrt(2))
    twice = Guidance(rewards=[Reward("a", huge), Reward("b", huge)])
    with pytest.raises(ValueError, match="float64"):
        plan(grid, (0, 0), (5, 5), guidance=twice)


@settings(deadline=None)
@given(grid_problems(), st.data())
def test_any_lead_at_all(problem, data):
    if problem.map.is_blocked(problem.start) or problem.map.is_blocked(problem.goal):
        return
    size = problem.map.size
    numbers = st.floats(-1e12, 1e12)
    lead = data.draw(st.lists(numbers, min_size=size, max_size=size))
    w = data.draw(st.sampled_from(WEIGHTS))
    result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=w,
                  heuristic=lead)  # fmt: skip
    holds(problem, result, dijkstra(problem.adjacency, problem.start)[problem.goal], w)


def test_the_four_node_example_needs_its_proof():
    """s-a 1.5, s-b 2.9, a-b 1, b-t 1 with h 3.5, 2, 1, 0: buckets alone would answer 3.9."""
    edges = [(0, 1, 1.5), (0, 2, 2.9), (1, 2, 1.0), (2, 3, 1.0)]
    graph = build_graph(4, edges)
    for options in ({"lower_bound": True}, {}):
        result = plan(graph, 0, 3, heuristic=[3.5, 2.0, 1.0, 0.0], **options)
        assert close(result.cost, 3.5)
        assert result.path.nodes.tolist() == [0, 1, 2, 3]


def test_astar_on_nearly_flat_costs_opens_few_nodes_again():
    """Paces that fade to almost nothing: thousands of f share a bucket; then order gets exact.

    Buckets to the end took 312,195 expansions where exact order takes 5,046.
    """
    rows, cols = np.mgrid[:300, :300]
    grid = GridMap(np.zeros((300, 300)))
    costs = CostField(grid, layers=[
        Layer("risk", 9.0 * np.exp(-np.hypot(rows - 150, cols - 150) / 6.0))
    ])  # fmt: skip
    for seed in (1, 2):
        ends = np.random.default_rng(seed).choice(grid.size, 2).tolist()
        result = plan(grid, *ends, costs=costs, engine="generic")
        check(grid, result, costs, exact=True)
        assert result.stats.reopened > PATIENCE  # it was hopeless in buckets
        assert result.stats.expanded <= 2 * result.stats.generated + PATIENCE
    textbook = plan(grid, *ends, costs=costs, engine="textbook")
    assert textbook.stats == result.stats


def test_the_reward_law_takes_its_means_over_the_cells_that_are_free_now():
    """Two maps with as many blocked cells, but others, under one cost field."""
    risk = np.zeros((4, 4))
    risk[0, 3], risk[3, 0] = 8.0, 2.0
    grid = GridMap(np.zeros((4, 4)))
    costs = CostField(grid, layers=[Layer("risk", risk)])
    for cell in ((0, 3), (3, 0)):
        blocked = grid.with_blocked([cell], True)
        result = plan(blocked, (0, 0), (3, 3), costs=costs, guidance=Guidance(rewards="auto"))
        ref = next(entry["ref"] for entry in result.guidance_log if "ref" in entry)
        assert close(ref, risk[~blocked.blocked].mean())
