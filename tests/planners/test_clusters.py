"""Estimates on clusters of a graph: against the definition, and what must not change them."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import build_graph, graph_problems, random_edges, random_graph, random_positions
from oracles import dijkstra, graph_adjacency, reverse

from planners import CostField, GraphMap, Guidance, Layer, check, clusters, plan
from planners.clusters import cluster_cost_to_go, clusters_of
from planners.coarse import LEAD_WEIGHT, tabulate
from planners.kernels.tiles import UNREACHED, tile_estimate


@pytest.fixture(autouse=True)
def few_clusters(monkeypatch):
    """Graphs of a dozen nodes, in four clusters."""
    monkeypatch.setattr(clusters, "CLUSTERS", 4)


def layered(seed, most=16):
    """A graph, a cost field with a layer per node and one per edge, and its parts."""
    rng = np.random.default_rng([71, seed])
    nodes = int(rng.integers(2, most))
    edges = random_edges(rng, nodes)
    graph = build_graph(nodes, edges, position_m=random_positions(rng, nodes))
    risk = rng.uniform(0, 3, nodes)
    layers, edge = [Layer("risk", risk, 2.0)], np.zeros(len(edges))
    if len(edges) not in (0, nodes) and seed % 2:
        edge = rng.uniform(0, 3, len(edges))
        layers.append(Layer("edge", edge))
    return graph, CostField(graph, layers=layers), edges, 1 + 2 * risk, edge


def test_every_node_belongs_to_the_seed_it_reaches_first():
    for seed in range(40):
        graph, _, edges, *_ = layered(seed)
        found = clusters_of(graph)
        backward = reverse(graph_adjacency(graph.size, edges))
        to_seeds = np.array([dijkstra(backward, int(node)) for node in found.seeds])
        for v in range(graph.size):
            nearest = to_seeds[:, v].min()
            if math.isinf(nearest):
                assert found.member[v] == found.seeds.size
            else:
                assert to_seeds[found.member[v], v] == pytest.approx(nearest, abs=1e-9)


def estimates_by_hand(graph, edges, pace, edge_pace, goal):
    """E of every node as the docstrings say it, given which cluster each node belongs to."""
    found = clusters_of(graph)
    k, member = found.seeds.size, found.member
    if member[goal] == k:
        return np.zeros(graph.size)
    backward = reverse(graph_adjacency(graph.size, edges))
    to_seeds = np.array([dijkstra(backward, int(node)) for node in found.seeds])
    to_seed = np.array([to_seeds[member[v], v] if member[v] < k else 0 for v in range(graph.size)])
    paces = []
    for cluster in range(k):
        inside = pace[member == cluster]
        leaving = [edge_pace[e] for e, (u, _, _) in enumerate(edges) if member[u] == cluster]
        extra = np.mean(leaving) if leaving else 0.0
        paces.append(0.75 * inside.mean() + 0.25 * inside.min() + extra)
    quotient = nx.DiGraph()
    quotient.add_nodes_from(range(k))
    for u, v, metres in edges:
        a, b = int(member[u]), int(member[v])
        if a != b and a < k and b < k:
            cost = (to_seed[u] + metres + to_seed[v]) * (paces[a] + paces[b]) / 2
            if cost < quotient.get_edge_data(a, b, {"cost": math.inf})["cost"]:
                quotient.add_edge(a, b, cost=cost)
    to_go = nx.single_source_dijkstra_path_length(
        quotient.reverse(), int(member[goal]), weight="cost"
    )
    return np.array([
        0.0 if member[v] == k else sloped(graph, edges, found, paces, to_go, goal, v)
        for v in range(graph.size)
    ])  # fmt: skip


def sloped(graph, edges, found, paces, to_go, goal, v):
    cluster = int(found.member[v])
    if cluster not in to_go:
        return UNREACHED
    spots = graph.position_m
    if spots is None:
        return to_go[cluster]
    ratios = [
        m / math.dist(spots[a], spots[b]) for a, b, m in edges if (spots[a] != spots[b]).any()
    ]
    slope = 1.1 * min(ratios, default=0.0) * paces[cluster]
    nearer = math.dist(spots[v], spots[goal]) - math.dist(spots[found.seeds[cluster]], spots[goal])
    return max(0.0, to_go[cluster] + slope * nearer)


def test_the_definition_by_hand():
    for seed in range(60):
        graph, costs, edges, pace, edge = layered(seed)
        for goal in range(0, graph.size, 3):
            table = tabulate(cluster_cost_to_go(graph, goal, costs), graph.size)
            expected = estimates_by_hand(graph, edges, pace, edge, goal)
            np.testing.assert_allclose(table, expected, rtol=1e-5, atol=1e-5)


def test_lazy_and_tabulated_compiled_and_plain():
    for seed in range(20):
        graph, costs, *_ = layered(seed)
        tiles = cluster_cost_to_go(graph, 0, costs)
        lazily = [tile_estimate(tiles, v) for v in range(graph.size)]
        np.testing.assert_allclose(tabulate(tiles, graph.size), lazily, rtol=1e-12)


def test_a_node_without_estimate_has_no_way():
    hopeless = 0
    for seed in range(60):
        problem = random_graph(np.random.default_rng([73, seed]))
        exact = np.array(dijkstra(reverse(problem.adjacency), problem.goal))
        tiles = cluster_cost_to_go(problem.map, problem.goal, problem.costs)
        table = tabulate(tiles, problem.map.size)
        assert np.isfinite(table).all() and (table >= 0).all() and table[problem.goal] == 0.0
        assert (table[np.isfinite(exact)] < UNREACHED).all()
        hopeless += int((table == UNREACHED).sum())
    assert hopeless > 0


def test_nothing_is_stale():
    graph = layered(7)[0]
    rng = np.random.default_rng(0)
    costs = CostField(graph, layers=[Layer("risk", rng.random(graph.size), 2.0)])
    before = tabulate(cluster_cost_to_go(graph, 0, costs), graph.size)
    costs.update("risk", np.arange(graph.size), rng.random(graph.size) + 5)
    after = tabulate(cluster_cost_to_go(graph, 0, costs), graph.size)
    fresh = CostField(graph, layers=[Layer("risk", costs.layer("risk"), 2.0)])
    np.testing.assert_array_equal(after, tabulate(cluster_cost_to_go(graph, 0, fresh), graph.size))
    assert (after >= before).all() and (after > before).any()


def test_clusters_are_found_once_whatever_is_blocked():
    graph = layered(3)[0]
    patched = graph.with_blocked([0], True)
    assert clusters_of(patched).member.tolist() == clusters_of(graph).member.tolist()
    assert clusters_of(graph.with_blocked([0], True)) is clusters_of(graph)


def test_a_layer_of_weight_zero_changes_nothing():
    graph, costs, *_ = layered(5)
    with_off = CostField(
        graph,
        layers=[Layer("risk", costs.layer("risk"), 2.0), Layer("off", np.ones(graph.size), 0)],
    )
    alone = CostField(graph, layers=[Layer("risk", costs.layer("risk"), 2.0)])
    np.testing.assert_array_equal(
        *(tabulate(cluster_cost_to_go(graph, 1, field), graph.size) for field in (alone, with_off))
    )


def test_nodes_that_reach_no_seed_are_estimated_at_nothing(monkeypatch):
    """The seed leads to the others: they do not lead back."""
    monkeypatch.setattr(clusters, "CLUSTERS", 1)
    star = GraphMap([0, 2, 2, 2], [1, 2], [1.0, 1.0])
    seed = int(clusters_of(star).seeds[0])
    ends = [v for v in range(3) if v != seed]
    tables = [tabulate(cluster_cost_to_go(star, goal), 3) for goal in range(3)]
    assert all(table[end] == 0.0 for table in tables for end in ends)


def test_misuse():
    graph, other = GraphMap([0, 1, 1], [1], [1.0]), GraphMap([0, 1, 2, 2], [1, 2], [1.0, 1.0])
    with pytest.raises(ValueError, match="does not fit"):
        cluster_cost_to_go(graph, 0, CostField(other))


@settings(max_examples=60)
@given(problem=graph_problems(), weight=st.sampled_from([1.0, 1.5, 3.0]))
def test_it_leads_and_breaks_no_bound(problem, weight):
    expected = dijkstra(problem.adjacency, problem.start)[problem.goal]
    table = tabulate(cluster_cost_to_go(problem.map, problem.goal, problem.costs), problem.map.size)
    guidance = Guidance(estimate=table, lead_weight=LEAD_WEIGHT)
    result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar",
                  weight=weight, guidance=guidance)  # fmt: skip
    check(problem.map, result, problem.costs)
    if result.status == "found":
        assert result.cost <= weight * expected * (1 + 1e-6) + 1e-12
    elif result.status == "no_path":
        assert math.isinf(expected)
