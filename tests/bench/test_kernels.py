"""The kernels' speed, with their expansions beside it: counts repeat, times come second.

`make bench` runs these; nothing here passes or fails by a time.
"""

from __future__ import annotations

import numpy as np
import pytest

from envs.formats import load_map, load_scenario
from envs.layouts import built_in
from planners import CostField, GraphMap, GridMap, Layer, cost_to_come, plan

pytestmark = pytest.mark.bench


def layered(side: int = 512, seed: int = 0) -> tuple[GridMap, CostField]:
    """An open grid with every fifth cell blocked and paces from 1 to 10."""
    rng = np.random.default_rng(seed)
    blocked = rng.random((side, side)) < 0.2
    blocked[0, 0] = blocked[-1, -1] = False
    grid = GridMap(blocked)
    return grid, CostField(grid, layers=[Layer("risk", 9.0 * rng.random((side, side)))])


def timed(benchmark, map_, queries, costs=None, **options):
    """Time all queries as one round, after a warm one; note what they expand."""

    def work():
        return [plan(map_, start, goal, costs=costs, **options) for start, goal in queries]

    results = work()
    benchmark(work)
    benchmark.extra_info["queries"] = len(results)
    benchmark.extra_info["expanded"] = sum(result.stats.expanded for result in results)
    benchmark.extra_info["found"] = sum(result.status == "found" for result in results)
    assert benchmark.extra_info["found"] == len(results)
    again = work()
    assert [r.stats for r in again] == [r.stats for r in results]


@pytest.mark.parametrize("strategy", ["bfs", "dfs", "ucs", "greedy", "astar", "wastar"])
def test_strategies_on_the_built_in_warehouse(benchmark, strategy):
    layout = built_in()
    rng = np.random.default_rng(0)
    stations, faces = (rng.choice(nodes, 50) for nodes in (layout.stations, layout.storage))
    queries = list(zip(stations.tolist(), faces.tolist(), strict=True))
    timed(benchmark, layout.map, queries, strategy=strategy)


@pytest.mark.parametrize(("strategy", "weight"), [("ucs", None), ("astar", None), ("wastar", 1.5)])
def test_layered_costs(benchmark, strategy, weight):
    grid, costs = layered()
    query = ((0, 0), (grid.rows - 1, grid.cols - 1))
    timed(benchmark, grid, [query], costs, strategy=strategy, weight=weight)


@pytest.mark.parametrize("name", ["brc202d", "Berlin_1_1024", "16room_000"])
def test_astar_on_published_maps(benchmark, shared_data, name):
    folder = shared_data / "movingai"
    loaded = load_map(folder / f"{name}.map")
    scenario = load_scenario(folder / f"{name}.map.scen", loaded)
    chosen = np.linspace(0, len(scenario) - 1, 20).astype(int)
    starts, goals = scenario.starts[chosen].tolist(), scenario.goals[chosen].tolist()
    queries = [(tuple(a), tuple(b)) for a, b in zip(starts, goals, strict=True)]
    timed(benchmark, loaded.grid, queries)


def test_a_short_query_on_a_large_map(benchmark):
    grid = GridMap(np.zeros((2048, 2048), dtype=bool))
    timed(benchmark, grid, [((1000, 1000), (1000, 1005))])


def test_astar_on_a_geometric_graph(benchmark):
    """100,000 nodes in a square, each joined to its six nearest."""
    from scipy.spatial import cKDTree

    position_m = np.random.default_rng(0).random((100_000, 2)) * 1000
    length_m, near = cKDTree(position_m).query(position_m, k=7)
    tails = np.repeat(np.arange(len(near)), 6)
    heads, lengths = near[:, 1:].ravel(), length_m[:, 1:].ravel()
    both = np.concatenate([tails, heads]), np.concatenate([heads, tails])
    order = np.argsort(both[0], kind="stable")
    indptr = np.searchsorted(both[0][order], np.arange(len(near) + 1))
    graph = GraphMap(indptr, both[1][order], np.tile(lengths, 2)[order], position_m=position_m)
    corner = cKDTree(position_m).query([[50.0, 50.0], [950.0, 950.0]])[1].tolist()
    timed(benchmark, graph, [tuple(corner)])


def test_a_whole_field(benchmark):
    grid, costs = layered()
    field = cost_to_come(grid, (0, 0), costs)
    benchmark(cost_to_come, grid, (0, 0), costs)
    benchmark.extra_info["expanded"] = int(np.isfinite(field.values).sum())


def test_one_update_of_a_hundred_cells(benchmark):
    grid, costs = layered(1024)
    nodes = np.flatnonzero(~grid.blocked.ravel())[:100]
    values = np.linspace(0.0, 9.0, 100)
    before = costs.version
    benchmark(costs.update, "risk", nodes, values)
    assert costs.version > before
    benchmark.extra_info["expanded"] = 0
