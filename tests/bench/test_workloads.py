"""The workloads of `aislewise peers` at modest size, ours alone: one benchmark each.

The engine that answered and its expansions stand beside the time; nothing here passes or fails by
a time.
"""

from __future__ import annotations

import numpy as np
import pytest

from experiments.peers import places, terrain
from experiments.peers.model import Setting
from experiments.peers.ours import led
from planners import CostField, GridMap, Layer, cost_to_go, plan, plan_many

pytestmark = pytest.mark.bench

SETTING = Setting(queries=8)
RNG = np.random.default_rng


def timed(benchmark, work, fresh=None):
    """Time `work`, a list of results, one round a call; `fresh` makes its argument, not timed.

    Counts have to repeat once a first call has left behind whatever is kept between queries.
    """
    setup = None if fresh is None else lambda: ((fresh(),), {})
    _, first, again = (work() if fresh is None else work(fresh()) for _ in range(3))
    assert [result.stats for result in again] == [result.stats for result in first]
    benchmark.pedantic(work, setup=setup, rounds=10, warmup_rounds=1)
    benchmark.extra_info["queries"] = len(first)
    benchmark.extra_info["engine"] = "+".join(sorted({result.engine for result in first}))
    benchmark.extra_info["expanded"] = sum(result.stats.expanded for result in first)
    benchmark.extra_info["found"] = sum(result.status == "found" for result in first)
    assert benchmark.extra_info["found"] == len(first)


def planned(map_, queries, costs=None, **options):
    return [plan(map_, q.start_label, q.goal_label, costs=costs, **options) for q in queries]


@pytest.fixture(scope="module")
def weighted():
    """A grid, its layer, and a maker of cost fields that remember nothing."""
    grid, layer = places.weighted(SETTING, 512)
    return grid, lambda: CostField(grid, layers=[Layer("risk", layer)])


def test_costs_from_1_to_10_cold(benchmark, weighted):
    grid, costs = weighted
    queries = places.random_queries(grid, RNG(0), 4, apart=256)
    timed(benchmark, lambda fresh: planned(grid, queries, fresh), costs)


def test_costs_from_1_to_10_with_a_bound_prepared(benchmark, weighted):
    grid, make = weighted
    costs = make()
    queries = places.random_queries(grid, RNG(0), 4, apart=256)
    h = {q.goal: cost_to_go(grid, q.goal_label, costs).values for q in queries}
    ends = [(q.start_label, q.goal_label, h[q.goal]) for q in queries]
    timed(benchmark, lambda: [
        plan(grid, a, b, costs=costs, heuristic=table, lower_bound=True) for a, b, table in ends
    ])  # fmt: skip


@pytest.mark.parametrize("family", [terrain.caves, terrain.city, terrain.rooms])
@pytest.mark.parametrize("engine", ["auto", "generic"])
def test_uniform_eight(benchmark, family, engine):
    grid = GridMap(family(RNG(1), side=512))
    queries = places.random_queries(grid, RNG(2), 8)
    timed(benchmark, lambda: planned(grid, queries, engine=engine))


@pytest.mark.parametrize("engine", ["auto", "generic"])
def test_uniform_four(benchmark, engine):
    grid = GridMap(terrain.shelves(164, 340, aisle=2), moves="four")
    queries = places.random_queries(grid, RNG(3), 20)
    timed(benchmark, lambda: planned(grid, queries, engine=engine))


@pytest.mark.parametrize("cells", [0, 5])
@pytest.mark.parametrize("side", [64, 4096])
def test_short_queries(benchmark, cells, side):
    grid = GridMap(np.zeros((side, side), dtype=bool))
    timed(benchmark, lambda: [plan(grid, (30, 30), (30, 30 + cells))])


@pytest.mark.parametrize("engine", ["auto", "generic"])
@pytest.mark.parametrize("place", [places.andorra, places.bremen])
def test_streets(benchmark, place, engine):
    graph, _ = place(SETTING)
    queries = places.random_queries(graph, RNG(4), 8)
    timed(benchmark, lambda: planned(graph, queries, engine=engine))


@pytest.mark.parametrize("engine", ["auto", "generic"])
def test_geometric(benchmark, engine):
    graph = terrain.geometric(RNG(5), 100_000)
    queries = places.random_queries(graph, RNG(6), 4)
    timed(benchmark, lambda: planned(graph, queries, engine=engine))


def test_a_whole_field_to_go(benchmark, weighted):
    grid, make = weighted
    benchmark.pedantic(lambda costs: cost_to_go(grid, (0, 0), costs),
                       setup=lambda: ((make(),), {}), rounds=10)  # fmt: skip
    values = cost_to_go(grid, (0, 0), make()).values
    benchmark.extra_info["expanded"] = int(np.isfinite(values).sum())


def test_many_queries_to_few_goals(benchmark, weighted):
    grid, make = weighted
    queries = places.random_queries(grid, RNG(7), 20)
    ends = [(q.start_label, queries[k % 4].goal_label) for k, q in enumerate(queries)]
    timed(benchmark, lambda costs: plan_many(grid, ends, costs=costs), make)


@pytest.mark.parametrize("who", [0, 1, 2], ids=["weighted", "led", "auto"])
def test_hot_spots_within_one_and_a_half(benchmark, who):
    grid, costs = places.hot_spots(SETTING, 512)
    queries = places.random_queries(grid, RNG(8), 6, apart=256)
    contestant = led(grid, costs, 1.5)[who]
    timed(benchmark, lambda: [contestant.ask(query) for query in queries])
