"""What each part of lead and prove is for: the variant without it fails on a stated instance, where
the library's answer holds.

Every variant is a search of a few lines over an adjacency; none shares code with the planners.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from instances import build_graph
from oracles import RELATIVE, close, dijkstra, graph_adjacency, reverse
from unsafe import led, lower_bounds

from planners import GridMap, Guidance, Reward, check, plan


def random_digraph(seed: int):
    """A digraph with a way from 0 to its last node, and a consistent h."""
    rng = np.random.default_rng([41, seed])
    nodes = int(rng.integers(5, 10))
    while True:
        ends = rng.integers(0, nodes, (3 * nodes, 2)).tolist()
        edges = sorted((u, v, float(rng.integers(1, 30))) for u, v in ends)
        adjacency = graph_adjacency(nodes, edges)
        exact = np.array(dijkstra(reverse(adjacency), nodes - 1))
        if math.isfinite(exact[0]):
            break
    h = np.where(np.isfinite(exact), exact, 1e3) * rng.uniform(0.2, 1 - 1e-6)
    return rng, edges, adjacency, h, float(exact[0])


def ours(nodes, edges, w, h, reward, trusted=True):
    """The library's answer with the same h as the proof and the same reward in the lead."""
    graph = build_graph(nodes, edges)
    guidance = Guidance(rewards=[Reward("r", reward)], lead_weight=w, trusted=trusted)
    result = plan(graph, 0, nodes - 1, strategy="wastar", weight=w, heuristic=h, lower_bound=True,
                  guidance=guidance)  # fmt: skip
    check(graph, result, exact=True)
    return result


def broken_by(extra_of, w=1.5, tries=1500):
    """Seeds where a lead without proof is beyond w times the optimum; ours holds on each."""
    broken, worst = 0, 0.0
    for seed in range(tries):
        rng, edges, adjacency, h, optimum = random_digraph(seed)
        reward, extra, trusted = extra_of(rng, h, w)
        cost = led(adjacency, 0, len(adjacency) - 1, extra).cost
        worst = max(worst, cost / optimum)
        if cost > w * optimum * (1 + 1e-9):
            broken += 1
            result = ours(len(adjacency), edges, w, h, reward, trusted)
            assert result.cost <= w * optimum * (1 + RELATIVE)
            assert result.cost <= result.certificate * optimum * (1 + RELATIVE)
    return broken, worst


def ladder(stages: int, detour):
    """Even nodes joined by a cheap way over the odd node between them and by a dear direct edge."""
    edges = []
    for i in range(stages):
        edges += [
            (2 * i, 2 * i + 1, 1.0),
            (2 * i, 2 * i + 2, detour(i)),
            (2 * i + 1, 2 * i + 2, 1.0),
        ]
    nodes = 2 * stages + 1
    adjacency = graph_adjacency(nodes, edges)
    return nodes, edges, adjacency, np.array(dijkstra(reverse(adjacency), nodes - 1))


@pytest.mark.parametrize("w", [1.2, 1.5, 3.0])
def test_clamped_keys_without_reopening_or_proof_break_the_bound(w):
    """Each rung pays w times all that remains: 10 rungs cost 5 w times the optimum, not w times."""
    stages = 10
    nodes, edges, adjacency, h = ladder(stages, lambda i: w * (2 * (stages - i) - 1))
    odd = np.arange(nodes) % 2 == 1
    reward = np.where(odd, -1e6, 1e6)
    extra = np.clip(w * h - reward, 0.0, w * h)
    assert led(adjacency, 0, nodes - 1, extra).cost == pytest.approx(w * stages**2)
    assert w * stages**2 > 4.9 * w * h[0]
    for trusted in (True, False):
        result = ours(nodes, edges, w, h, reward, trusted)
        assert result.cost <= w * h[0] * (1 + RELATIVE)
        assert result.cost <= result.certificate * h[0] * (1 + RELATIVE)


def test_clamped_keys_hold_with_reopening():
    """T2: clamping is enough where improved nodes are opened again."""
    for seed in range(500):
        rng, _, adjacency, h, optimum = random_digraph(seed)
        extra = np.clip(1.5 * h - rng.uniform(-60, 60, h.size), 0.0, 1.5 * h)
        cost = led(adjacency, 0, len(adjacency) - 1, extra, reopen=True).cost
        assert cost <= 1.5 * optimum * (1 + 1e-9)


def test_unclamped_penalties_without_proof_break_the_bound():
    def penalised(rng, h, w):
        penalty = rng.uniform(0, 100, h.size)
        return -penalty, w * h + penalty, True

    broken, worst = broken_by(penalised)
    assert broken >= 30
    assert worst > 3.0


def test_signed_rewards_without_proof_break_the_bound():
    def signed(rng, h, w):
        reward = rng.normal(0, 100, h.size)
        return reward, w * h - reward, True

    broken, worst = broken_by(signed)
    assert broken >= 30
    assert worst > 3.0


def test_a_reward_at_the_goal():
    """The goal, once seen, is popped at any price: 100 in place of 2."""
    edges = [(0, 1, 1.0), (0, 2, 100.0), (1, 2, 1.0)]
    reward = [0.0, 0.0, 1000.0]
    adjacency = graph_adjacency(3, edges)
    assert led(adjacency, 0, 2, [-r for r in reward]).cost == 100.0
    graph = build_graph(3, edges)
    for w in (1.0, 1.5, 3.0):
        guidance = Guidance(rewards=[Reward("bait", reward)])
        result = plan(graph, 0, 2, strategy="wastar", weight=w, guidance=guidance)
        assert result.cost == 2.0
        check(graph, result, exact=True)


def test_certificates_that_forget_something_are_false():
    """Without INCONS or without min(C, .) the "lower bound" is above the optimum; whole, never."""
    no_incons = no_min = 0
    for seed in range(1500):
        rng, edges, adjacency, h, optimum = random_digraph(seed)
        reward = rng.normal(0, 40, h.size)
        found = led(adjacency, 0, len(adjacency) - 1, 1.5 * h - reward)
        waiting, aside = lower_bounds(found, h)
        limit = optimum * (1 + 1e-9)
        assert min(found.cost, waiting, aside) <= limit
        forgets_incons = min(found.cost, waiting) > limit
        no_incons += forgets_incons
        no_min += min(waiting, aside) > limit
        if forgets_incons:
            result = ours(len(adjacency), edges, 1.5, h, reward)
            assert result.cost / result.certificate <= optimum * (1 + RELATIVE)
    assert no_incons >= 20
    assert no_min >= 100


FOCAL_EDGES = [
    (0, 1, 10.0), (0, 2, 20.0), (1, 2, 1.0), (2, 3, 1.0), (2, 4, 22.0), (3, 4, 1.0), (4, 5, 1.0),
]  # fmt: skip


def focal(adjacency, goal, w, reopen) -> float:
    """Focal search with h = 0 that always takes the node of FOCAL with the largest number."""
    g, waiting, closed = {0: 0.0}, {0}, set()
    while True:
        f_min = min(g[v] for v in waiting)
        u = max(v for v in waiting if g[v] <= w * f_min)
        if u == goal:
            return g[u]
        waiting.remove(u)
        closed.add(u)
        for v, cost in adjacency[u]:
            if g[u] + cost < g.get(v, math.inf) and (reopen or v not in closed):
                g[v] = g[u] + cost
                closed.discard(v)
                waiting.add(v)


def test_focal_search_needs_reopening():
    adjacency = graph_adjacency(6, FOCAL_EDGES)
    assert dijkstra(adjacency, 0)[5] == 14.0
    assert focal(adjacency, 5, 2.0, reopen=False) == 43.0
    assert focal(adjacency, 5, 2.0, reopen=True) <= 28.0
    graph = build_graph(6, FOCAL_EDGES)
    by_number = [1e3 * (5 - v) for v in range(6)]
    result = plan(graph, 0, 5, strategy="wastar", weight=2.0, heuristic=by_number)
    assert result.cost <= 28.0
    check(graph, result, exact=True)


def bucket_search(adjacency, h, goal, width) -> float:
    """A* on buckets, last in first out, each node expanded once, no proof."""
    g, closed, buckets = {0: 0.0}, set(), {int(h[0] // width): [0]}
    while True:
        floor = min(b for b, nodes in buckets.items() if nodes)
        u = buckets[floor].pop()
        if u == goal:
            return g[u]
        if u in closed:
            continue
        closed.add(u)
        for v, cost in adjacency[u]:
            if v not in closed and g[u] + cost < g.get(v, math.inf):
                g[v] = g[u] + cost
                buckets.setdefault(int((g[v] + h[v]) // width), []).append(v)


def test_bucket_astar_without_proof_answers_3_9():
    edges = [(0, 1, 1.5), (0, 2, 2.9), (1, 2, 1.0), (2, 3, 1.0)]
    h = [3.5, 2.0, 1.0, 0.0]
    adjacency = graph_adjacency(4, edges)
    assert close(bucket_search(adjacency, h, 3, width=1.0), 3.9)
    assert close(bucket_search(adjacency, [0.0] * 4, 3, width=1.0), 3.5)  # Dijkstra is exact
    graph = build_graph(4, edges)
    for engine in ("generic", "textbook"):
        result = plan(graph, 0, 3, heuristic=h, lower_bound=True, engine=engine)
        assert close(result.cost, 3.5)
        assert result.path.nodes.tolist() == [0, 1, 2, 3]


def test_reopening_in_the_lead_blows_up():
    """A ladder climbed anew for every rung that improves: 2^14 expansions, ours two a node."""
    stages = 14
    nodes, edges, adjacency, _ = ladder(stages, lambda i: 4.0 * 2.0 ** (stages - i))
    node = np.arange(nodes)
    extra = np.where(node % 2 == 1, 1e6 * 4.0 ** (stages - node // 2), 0.0)
    extra[-1] = 1e30  # the goal comes last
    naive = led(adjacency, 0, nodes - 1, extra, reopen=True)
    assert naive.cost == 2.0 * stages
    assert naive.expanded > 2**stages
    graph = build_graph(nodes, edges)
    for w in (1.0, 1.5):
        result = plan(graph, 0, nodes - 1, strategy="wastar", weight=w, heuristic=extra)
        check(graph, result, exact=True)
        assert result.stats.expanded <= 2 * nodes


@pytest.mark.parametrize("seed", range(3))
def test_random_advice_without_insurance_costs_many_expansions(seed):
    """The bound is kept either way; untrusted, the effort is kept as well."""
    rng = np.random.default_rng(seed)
    grid = GridMap(np.zeros((90, 90)))
    query = {"strategy": "wastar", "weight": 2.0}
    noise = [Reward("noise", rng.normal(0, 1e4, grid.size))]
    alone = plan(grid, (5, 5), (45, 80), **query).stats.expanded
    naive = plan(grid, (5, 5), (45, 80), guidance=Guidance(rewards=noise), **query)
    insured = plan(grid, (5, 5), (45, 80), guidance=Guidance(noise, trusted=False), **query)
    check(grid, naive, exact=True)
    check(grid, insured, exact=True)
    assert naive.stats.expanded > 14 * alone
    assert insured.stats.expanded <= 12 * alone  # 8 octile lengths, then weighted A*
