"""Real roads against scipy: 20,632 nodes with coordinates, 33 k nodes without."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from planners import CostField, GraphMap, Layer, check, plan, point_to_point

SOURCES, GOALS = 4, 6


@pytest.fixture(scope="module")
def andorra(shared_data) -> GraphMap:
    """Directed, with positions; zero lengths, self loops and parallel edges as they come."""
    with np.load(shared_data / "roads" / "andorra.npz", allow_pickle=False) as file:
        position = np.stack([file["X"], file["Y"]], axis=1)
        return GraphMap(file["ptr"], file["adj"], file["w"], position)


@pytest.fixture(scope="module")
def bremen(shared_data) -> GraphMap:
    """Directed, without positions; arcs `a u v w`, nodes counted from 1 or from 0."""
    lines = (shared_data / "roads" / "bremen_dist.gr").read_text().splitlines()
    arcs = np.array([line.split()[1:4] for line in lines if line.startswith("a ")], dtype=float)
    u, v = arcs[:, 0].astype(int), arcs[:, 1].astype(int)
    first = min(u.min(), v.min())
    order = np.argsort(u, kind="stable")
    nodes = max(u.max(), v.max()) - first + 1
    indptr = np.concatenate([[0], np.cumsum(np.bincount(u - first, minlength=nodes))])
    return GraphMap(indptr, (v - first)[order], arcs[order, 2])


def least_matrix(graph, prices) -> csr_array:
    """The matrix of scipy, the cheapest of parallel edges kept."""
    sources = np.repeat(np.arange(graph.size), np.diff(graph.indptr))
    order = np.lexsort((prices, graph.indices, sources))
    sources, targets, prices = sources[order], graph.indices[order], prices[order]
    first = np.ones(order.size, dtype=bool)
    first[1:] = (np.diff(sources) != 0) | (np.diff(targets) != 0)
    indptr = np.searchsorted(sources[first], np.arange(graph.size + 1))
    return csr_array((prices[first], targets[first], indptr), shape=(graph.size, graph.size))


def layered(graph, kind):
    """Costs of a kind, and the price of every edge by hand."""
    rng = np.random.default_rng(8)
    risk = np.where(rng.random(graph.size) < 0.3, rng.exponential(2.0, graph.size), 0.0)
    toll = rng.uniform(0, 1, graph.indices.size)
    if kind == "lengths":
        return None, graph.length_m
    if kind == "node layer":
        return CostField(graph, layers=[Layer("risk", risk)]), graph.length_m * (
            1 + risk[graph.indices]
        )
    layers = [Layer("risk", risk), Layer("toll", toll, 2.0)]
    return CostField(graph, layers=layers), graph.length_m * (1 + risk[graph.indices] + 2 * toll)


@pytest.mark.parametrize("kind", ["lengths", "node layer", "edge layer"])
@pytest.mark.parametrize("name", ["andorra", "bremen"])
def test_roads_agree_with_scipy(request, name, kind):
    graph = request.getfixturevalue(name)
    costs, prices = layered(graph, kind)
    matrix = least_matrix(graph, prices)
    rng = np.random.default_rng(11)
    found = 0
    for source in rng.integers(graph.size, size=SOURCES).tolist():
        optima = dijkstra(matrix, indices=source)
        for goal in rng.integers(graph.size, size=GOALS).tolist():
            for strategy, w in (("ucs", None), ("astar", None), ("wastar", 1.2), ("wastar", 3.0)):
                result = plan(graph, source, goal, costs=costs, strategy=strategy, weight=w)
                if np.isinf(optima[goal]):
                    assert result.status == "no_path"
                    continue
                found += 1
                most = 1.0 if w is None else w
                assert result.bound == most
                assert optima[goal] * (1 - 1e-6) <= result.cost <= most * optima[goal] * (1 + 1e-6)
                assert result.cost <= result.certificate * optima[goal] * (1 + 1e-6)
                check(graph, result, costs)
    assert found >= 60


def test_the_straight_line_saves_work_on_roads(andorra):
    rng = np.random.default_rng(2)
    spent = {"ucs": 0, "astar": 0}
    for start, goal in rng.integers(andorra.size, size=(10, 2)).tolist():
        for strategy in spent:
            result = plan(andorra, start, goal, strategy=strategy, engine="generic")
            spent[strategy] += result.stats.expanded
    assert spent["astar"] < 0.7 * spent["ucs"]


@pytest.mark.parametrize("seen", [0.0, np.inf], ids=["bucket-astar", "bidirectional"])
@pytest.mark.parametrize("kind", ["lengths", "edge layer"])
@pytest.mark.parametrize("name", ["andorra", "bremen"])
def test_engines_on_roads_agree_with_scipy(request, monkeypatch, name, kind, seen):
    """240 queries; where there are no positions, both ends answer whatever the rule."""
    monkeypatch.setattr(point_to_point, "SEEN", seen)
    monkeypatch.setattr(point_to_point, "BRANCHING", 0.0)
    graph = request.getfixturevalue(name)
    costs, prices = layered(graph, kind)
    matrix = least_matrix(graph, prices)
    rng = np.random.default_rng(12)
    lined = name == "andorra" and seen == 0
    for source in rng.integers(graph.size, size=20).tolist():
        optima = dijkstra(matrix, indices=source)
        for goal in rng.integers(graph.size, size=12).tolist():
            result = plan(graph, source, goal, costs=costs)
            if source != goal:
                assert result.engine == ("bucket-astar" if lined else "bidirectional")
            if np.isinf(optima[goal]):
                assert (result.status, result.bound) == ("no_path", 1.0)
                continue
            assert (result.status, result.bound, result.certificate) == ("found", 1.0, 1.0)
            relative = 1e-9 if costs is None else 1e-6
            assert abs(result.cost - optima[goal]) <= relative * optima[goal]
            check(graph, result, costs)
