"""Where a rival needs what it has: the variant without it fails on a stated instance."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from instances import build_graph, random_graph
from naive_rivals import best_first, explicit
from oracles import RELATIVE, dijkstra, graph_adjacency, reverse

from planners import RIVALS, STRATEGIES, Guidance, Reward, check, plan
from planners.kernels.rivals import pwxdp, xdp, xup

FOCAL_EDGES = [
    (0, 1, 10.0), (0, 2, 20.0), (1, 2, 1.0), (2, 3, 1.0), (2, 4, 22.0), (3, 4, 1.0), (4, 5, 1.0),
]  # fmt: skip


def test_focal_without_reopening_or_proof_pays_43_instead_of_14():
    """h falls with the number of a node and is close to nothing, so FOCAL takes the largest."""
    adjacency = graph_adjacency(6, FOCAL_EDGES)
    h = [1e-6 * (5 - v) for v in range(6)]
    assert dijkstra(adjacency, 0)[5] == 14.0
    naive = explicit(adjacency, 0, 5, 2.0, h, lambda v, _: h[v], reopen=False)
    assert naive.g[5] == 43.0
    graph = build_graph(6, FOCAL_EDGES)
    for name in ("focal", "focal-reopen"):
        result = plan(graph, 0, 5, strategy=name, weight=2.0, heuristic=h, lower_bound=True)
        assert result.cost <= 28.0
        check(graph, result, exact=True)
        assert result.certificate < 2.0


@pytest.mark.parametrize("name", ["focal-unproved", "ees-unproved"])
def test_what_has_no_bound_is_refused_and_says_why(name):
    graph = build_graph(6, FOCAL_EDGES)
    with pytest.raises(ValueError, match=r"re-opening or a proof.*43 instead of 14"):
        plan(graph, 0, 5, strategy=name)


@pytest.mark.parametrize(("key", "name", "dear"), [(xdp, "xdp", 2.41), (pwxdp, "pwxdp", 2.99)])
def test_xdp_needs_an_h_that_no_edge_raises_by_more_than_its_cost(key, name, dear):
    """h = 2, 1, 1, 0, 1, 1, 0 is consistent, but the free edge 3 -> 4 raises it by 1."""
    last = dear + 0.26 if key is xdp else dear
    edges = [(0, 1, 1.0), (1, 2, 0.0), (1, 3, dear), (2, 3, 1.0), (3, 4, 0.0), (4, 5, 0.0),
             (4, 6, last), (5, 6, 1.0)]  # fmt: skip
    h = [2.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0]
    adjacency = graph_adjacency(7, edges)
    assert dijkstra(adjacency, 0)[6] == 3.0
    naive = best_first(adjacency, 0, 6, lambda v, g: key(g, h[v], 2.0), reopen=False)
    assert naive.g[6] > 2.0 * 3.0 + 0.05
    graph = build_graph(7, edges)
    result = plan(graph, 0, 6, strategy=name, weight=2.0, heuristic=h, lower_bound=True)
    assert result.cost <= 6.0 and result.guidance_log[-1]["event"] == "proof"
    check(graph, result, exact=True)


def test_xup_and_weighted_astar_need_no_more_than_consistency():
    """No violation on digraphs whose edges raise h at will; XDP has some."""
    broken = {"xdp": 0, "pwxdp": 0, "xup": 0}
    for seed in range(1500):
        rng = np.random.default_rng([71, seed])
        problem = random_graph(rng)
        exact = np.array(dijkstra(reverse(problem.adjacency), problem.goal))
        if not 0 < exact[problem.start] < np.inf:
            continue
        h = np.where(np.isfinite(exact), exact, 1e3)
        for name, key in (("xdp", xdp), ("pwxdp", pwxdp), ("xup", xup)):
            race = best_first(problem.adjacency, problem.start, problem.goal,
                              lambda v, g, k=key, h=h: k(g, h[v], 1.5), reopen=False)  # fmt: skip
            broken[name] += race.g[problem.goal] > 1.5 * exact[problem.start] * (1 + 1e-9)
    assert broken["xup"] == 0


def ladder(stages, detour=4.0):
    """Each rung of improvement has the rest of the ladder climbed again, where w = 2.

    Even nodes are joined by a dear edge, and by a cheap way over an odd node whose h hides it
    until all that lies behind the dear edge has been expanded. h is consistent.
    """
    edges, h, most = [], np.zeros(2 * stages + 2), detour**stages
    for i in range(stages):
        saved, hidden = 2.0 ** (stages - 1 - i), detour ** (stages - i)
        even, odd = 2 * i, 2 * i + 1
        edges += [(even, odd, 0.0), (even, even + 2, hidden + saved), (odd, even + 2, hidden)]
        h[odd] = hidden
    edges.append((2 * stages, 2 * stages + 1, 10.0 * most))
    return sorted(edges, key=lambda edge: edge[0]), h


def test_reopening_blows_up():
    """14 stages, 30 nodes: 2^14 expansions and more; set aside instead, two a node."""
    stages = 14
    edges, h = ladder(stages)
    graph = build_graph(2 * stages + 2, edges)
    query = {"weight": 2.0, "heuristic": h, "lower_bound": True}
    reopening = plan(graph, 0, graph.size - 1, strategy="wastar-reopen", **query)
    assert reopening.stats.expanded > 2**stages
    for name in ("wastar", "xup", "focal", "ees", "additive-reward"):
        result = plan(graph, 0, graph.size - 1, strategy=name, **query)
        check(graph, result, exact=True)
        assert result.stats.expanded <= 2 * graph.size, name


def test_no_node_is_expanded_more_than_twice_without_reopening():
    for seed in range(300):
        problem = random_graph(np.random.default_rng([72, seed]))
        for name, row in RIVALS.items():
            if row.repair == "reopen" or row.phases != "one" or name.endswith("-unproved"):
                continue
            result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=name,
                          trace=True)  # fmt: skip
            _, counts = np.unique(result.trace.expanded, return_counts=True)
            assert counts.max(initial=0) <= 2, name


def test_a_clamped_reward_without_proof_is_refused_where_an_edge_breaks_the_test():
    edges = [(0, 1, 1.0), (0, 2, 5.0), (1, 2, 1.0), (2, 3, 1.0)]
    graph = build_graph(4, edges)
    h = [3.0, 2.0, 1.0, 0.0]
    query = {"heuristic": h, "lower_bound": True, "weight": 2.0}
    for form in ("additive", "multiplicative"):
        mild = Guidance(rewards=[Reward("r", [0.0, 0.2, 0.0, 0.0])], lead_weight=1.5)
        wild = Guidance(rewards=[Reward("r", [-9.0, -9.0, 9.0, 0.0])])
        name = f"{form}-reward-unproved"
        if form == "additive":
            result = plan(graph, 0, 3, strategy=name, guidance=mild, **query)
            check(graph, result, exact=True)
            assert result.bound == 2.0 and not result.guidance_log
        with pytest.raises(ValueError, match=r"has no bound here: from .* edge test: choose"):
            plan(graph, 0, 3, strategy=name, guidance=wild, **query)
        safe = plan(graph, 0, 3, strategy=f"{form}-reward", guidance=wild, **query)
        check(graph, safe, exact=True)


@pytest.mark.parametrize("name", RIVALS)
def test_a_heuristic_that_may_overestimate_is_refused(name):
    graph = build_graph(6, FOCAL_EDGES)
    with pytest.raises(ValueError, match="lower_bound=True"):
        plan(graph, 0, 5, strategy=name, heuristic=[1.0] * 6)


def test_guidance_that_a_row_does_not_follow_is_refused():
    graph = build_graph(6, FOCAL_EDGES)
    reward = Guidance(rewards=[Reward("r", np.zeros(6))])
    for name, guidance in (("xdp", reward), ("ara", Guidance(estimate=np.zeros(6))),
                           ("ees", reward), ("llm-astar", reward)):  # fmt: skip
        with pytest.raises(ValueError, match=f"'{name}' does not follow"):
            plan(graph, 0, 5, strategy=name, guidance=guidance)
    with pytest.raises(ValueError, match="beyond float64"):
        huge = Guidance(rewards=[Reward("a", np.full(6, 1.7e308)), Reward("b", np.full(6, 1e308))])
        plan(graph, 0, 5, strategy="additive-reward", guidance=huge)


@pytest.mark.parametrize("name", RIVALS)
@pytest.mark.parametrize("weight", [0.5, np.nan, np.inf, "two"])
def test_weights_below_one_are_refused(name, weight):
    graph = build_graph(6, FOCAL_EDGES)
    with pytest.raises(ValueError, match="weight must be"):
        plan(graph, 0, 5, strategy=name, weight=weight)


def test_the_two_tables_have_different_names():
    assert not set(STRATEGIES) & set(RIVALS)
    for name, row in RIVALS.items():
        assert row.name == name and row.formula


def test_closest_and_no_path():
    graph = build_graph(4, [(0, 1, 1.0), (2, 3, 1.0)], position_m=[[0, 0], [1, 0], [2, 0], [3, 0]])
    for name in RIVALS:
        if name.endswith("-unproved"):
            continue
        assert plan(graph, 0, 3, strategy=name).status == "no_path"
        result = plan(graph, 0, 3, strategy=name, on_unreachable="closest")
        assert result.status == "no_path" and result.path.nodes.tolist() == [0, 1]


def test_xdp_breaks_no_bound_on_symmetric_graphs():
    """The condition of the theorem, and the keys' own search, without the library."""
    for seed in range(800):
        rng = np.random.default_rng([73, seed])
        nodes = int(rng.integers(4, 10))
        ends = rng.integers(0, nodes, (2 * nodes, 2)).tolist() + [
            [k, k + 1] for k in range(nodes - 1)
        ]
        lengths = np.round(rng.uniform(0, 9, len(ends)))
        both = [(u, v, m) for (u, v), m in zip(ends, lengths, strict=True)]
        adjacency = graph_adjacency(nodes, both + [(v, u, m) for u, v, m in both])
        exact = np.array(dijkstra(adjacency, nodes - 1))
        h = exact * rng.uniform(0.3, 1)
        for key in (xdp, xup, pwxdp):
            for w in (1.2, 2.0, 4.0):
                key_of = partial(key, w=w)
                race = best_first(adjacency, 0, nodes - 1, lambda v, g, k=key_of, h=h: k(g, h[v]),
                                  reopen=False)  # fmt: skip
                assert race.g[nodes - 1] <= w * exact[0] * (1 + RELATIVE)
