"""Layers, updates, blocking: the one mutable object stays consistent with itself and the maps."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from instances import build_graph, open_grid, random_graph, random_grid
from oracles import close, dijkstra, graph_adjacency, grid_adjacency

from planners import CostField, GraphMap, GridMap, Layer, check, plan


def layered(shape=(4, 5), **options):
    grid = GridMap(np.zeros(shape), **options)
    rng = np.random.default_rng(0)
    return grid, CostField(grid, base=0.5, layers=[
        Layer("risk", rng.uniform(0, 3, shape), 2.0),
        Layer("crowd", rng.integers(0, 3, shape)),
        Layer("draught", rng.uniform(0, 1, (8, *shape)), 0.5),
    ])  # fmt: skip


def test_pace_is_the_base_plus_the_weighted_layers():
    _, costs = layered()
    expected = 0.5 + 2.0 * costs.layer("risk") + costs.layer("crowd")
    np.testing.assert_array_equal(costs.pace, expected.astype(np.float32))
    np.testing.assert_array_equal(costs.edge_pace, (0.5 * costs.layer("draught")).astype("f4"))
    assert costs.pace.dtype == np.float32
    assert costs.pace_min == costs.pace.min()
    assert costs.weights == {"risk": 2.0, "crowd": 1.0, "draught": 0.5}
    assert costs.layers == ("risk", "crowd", "draught")
    assert [costs.is_per_node(name) for name in costs.layers] == [True, True, False]


def test_entry_is_charged():
    """The cell that is left costs nothing, the cell that is entered costs its pace."""
    grid = GridMap([[0, 0, 0]], cell_size_m=2.0)
    costs = CostField(grid, layers=[Layer("risk", [[100.0, 1.0, 3.0]])])
    assert plan(grid, 0, 2, costs=costs).cost == 2 * (1 + 1) + 2 * (1 + 3)
    assert plan(grid, 2, 0, costs=costs).cost == 2 * (1 + 1) + 2 * (1 + 100)


def test_edge_layers_of_grids_go_by_the_leaving_direction():
    grid = GridMap(np.zeros((3, 3)))
    steps = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]
    for k, (dr, dc) in enumerate(steps):
        toll = np.zeros((8, 3, 3))
        toll[k, 1, 1] = 0.1
        costs = CostField(grid, layers=[Layer("toll", toll)])
        result = plan(grid, (1, 1), (1 + dr, 1 + dc), costs=costs)
        assert result.cost == pytest.approx(math.hypot(dr, dc) * 1.1, rel=1e-6)
        back = plan(grid, (1 + dr, 1 + dc), (1, 1), costs=costs)
        assert back.cost == pytest.approx(math.hypot(dr, dc))


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_explain_sums_to_the_cost(make):
    found = 0
    for k in range(200):
        problem = make(np.random.default_rng([91, k]))
        if problem.costs is None:
            continue
        result = plan(problem.map, *problem.ends, costs=problem.costs)
        if result.status != "found":
            continue
        found += 1
        parts = problem.costs.explain(result.path)
        assert set(parts) == {"base", *problem.costs.layers}
        assert close(math.fsum(parts.values()), result.cost)
        assert parts == problem.costs.explain(result.path.nodes)
        for name, weight in problem.costs.weights.items():
            assert parts[name] >= 0 and (weight > 0 or parts[name] == 0)
    assert found > 60


def fresh_copy(costs, map):
    """A new field from the present values of an updated one."""
    layers = [
        Layer(name, costs.layer(name) if costs.is_per_node(name) or isinstance(map, GraphMap)
              else costs.layer(name).reshape(8, *map.shape), costs.weights[name])
        for name in costs.layers
    ]  # fmt: skip
    return CostField(map, costs.base, layers)


def test_update_is_composed_as_if_fresh():
    grid, costs = layered()
    rng = np.random.default_rng(5)
    for version in range(1, 40):
        name = ("risk", "crowd", "draught")[version % 3]
        size = costs.layer(name).size
        index = rng.integers(0, size, int(rng.integers(0, 6)))
        costs.update(name, index, rng.uniform(0, 9, index.size))
        fresh = fresh_copy(costs, grid)
        np.testing.assert_array_equal(costs.pace, fresh.pace)
        np.testing.assert_array_equal(costs.edge_pace, fresh.edge_pace)
        assert costs.version == version
        assert costs.pace_min <= fresh.pace_min
        one = plan(grid, 0, 19, costs=costs, strategy="ucs")
        assert one.cost == plan(grid, 0, 19, costs=fresh, strategy="ucs").cost
        assert close(plan(grid, 0, 19, costs=costs).cost, one.cost)


def test_update_on_a_graph_reaches_the_next_plan():
    """The costs of the edges are cached by version: no stale answer."""
    edges = [(0, 1, 1.0), (0, 2, 1.5), (1, 3, 1.0), (2, 3, 1.5), (3, 3, 1.0)]
    graph = build_graph(4, edges)
    costs = CostField(graph, layers=[Layer("risk", np.zeros(4)), Layer("toll", np.zeros(5))])
    assert plan(graph, 0, 3, costs=costs).path.nodes.tolist() == [0, 1, 3]
    costs.update("risk", [1], [5.0])
    assert plan(graph, 0, 3, costs=costs).path.nodes.tolist() == [0, 2, 3]
    costs.update("toll", [3], 10.0)
    assert plan(graph, 0, 3, costs=costs).path.nodes.tolist() == [0, 1, 3]
    costs.update("risk", [1], [0.0])
    assert plan(graph, 0, 3, costs=costs).cost == 2.0


def test_forms_of_update():
    grid, costs = layered()
    ways = [
        ([0, 7], [1.0, 2.0]),
        (np.array([[0, 0], [1, 2]]), [1.0, 2.0]),
        (np.isin(np.arange(20), [0, 7]), np.array([1.0, 2.0])),
        (np.isin(np.arange(20), [0, 7]).reshape(4, 5), [1, 2]),
        (np.array([0, 7], dtype=np.uint8), np.array([1, 2], dtype=np.float32)),
    ]
    for nodes, values in ways:
        costs.update("risk", [0, 7], 9.0)
        costs.update("risk", nodes, values)
        assert costs.layer("risk")[[0, 7]].tolist() == [1.0, 2.0]
    costs.update("risk", 3, 4.0)
    assert costs.layer("risk")[3] == 4.0
    costs.update("risk", [], [])
    assert grid.size == 20


@pytest.mark.parametrize(
    ("nodes", "values", "told"),
    [
        ([1, 2], [1.0, math.nan], "nan"),
        ([1, 2], [1.0, -3.5], "-3.5"),
        ([1, 2], [1.0, -0.5], "-0.5"),
        ([1, 2], [1.0, math.inf], "inf"),
        ([1, 20], [1.0, 1.0], "20"),
        ([0, 20, 19], 1.0, "index 20 is outside the layer: 0 to 19"),
        ([1, -1], [1.0, 1.0], "-1"),
        ([[0, 0], [4, 0]], [1.0, 1.0], "20|4, 0|-1"),
        ([[0, 5]], [1.0], "-1|0, 5"),
        ([1, 2], [1.0, 1e39], "e\\+39"),
        ([1.7], [1.0], "1.7|float"),
        (np.array([True, False, True]), [7.0], "20"),
        ([1, 2, 3], [1.0, 2.0], "3"),
    ],
)
def test_a_bad_update_changes_nothing(nodes, values, told):
    grid, costs = layered()
    before = costs.pace.copy(), costs.layer("risk").copy(), costs.pace_min, costs.version
    with pytest.raises(ValueError, match=told):
        costs.update("risk", nodes, values)
    np.testing.assert_array_equal(costs.pace, before[0])
    np.testing.assert_array_equal(costs.layer("risk"), before[1])
    assert (costs.pace_min, costs.version) == before[2:]
    with pytest.raises(ValueError, match="'fog'"):
        costs.update("fog", [0], [1.0])
    assert grid.size == 20


def test_layers_are_themselves_and_frozen():
    """Arrays have no one truth value, so layers are told apart by identity."""
    one, two = Layer("risk", np.zeros(3)), Layer("risk", np.zeros(3))
    assert one != two and len({one, two}) == 2
    with pytest.raises(FrozenInstanceError):
        one.weight = 2.0


def test_an_unknown_layer_is_told_the_known_ones():
    grid, costs = layered()
    with pytest.raises(ValueError, match="'fog': the field has risk, crowd, draught"):
        costs.layer("fog")
    with pytest.raises(ValueError, match="'fog': the field has none"):
        CostField(grid).is_per_node("fog")


def test_pace_min_stays_a_lower_bound():
    grid = GridMap(np.zeros((6, 6)))
    costs = CostField(grid, layers=[Layer("risk", np.full((6, 6), 4.0))])
    assert costs.pace_min == 5.0
    costs.update("risk", np.arange(7, 29), 0.0)
    assert costs.pace_min == 1.0
    assert close(plan(grid, 0, 35, costs=costs).cost, plan(grid, 0, 35, costs=costs,
                                                           strategy="ucs").cost)  # fmt: skip
    costs.update("risk", np.arange(36), 9.0)
    assert costs.pace_min <= 10.0


def test_pace_min_follows_each_version():
    """Also where the least pace happens to equal the number of the version."""
    costs = CostField(GridMap([[0, 0]]), layers=[Layer("risk", np.zeros(2))])
    for version in range(4):
        assert (costs.version, costs.pace_min) == (version, 1.0 + version)
        assert costs.paces_on(costs.map) == (1.0 + version, 1.0 + version)
        costs.update("risk", [0, 1], version + 1.0)


def test_update_never_touches_the_users_array():
    values = np.ones((4, 5))
    grid = GridMap(np.zeros((4, 5)))
    costs = CostField(grid, layers=[Layer("risk", values)])
    fresh = np.array([5.0])
    costs.update("risk", [3], fresh)
    assert values.tolist() == np.ones((4, 5)).tolist() and fresh.tolist() == [5.0]
    fresh[0] = 77.0
    assert costs.layer("risk")[3] == 5.0


def test_values_on_blocked_cells_are_ignored():
    blocked = np.array([[0, 1, 0], [0, 0, 0]], dtype=bool)
    grid = GridMap(blocked)
    expected = plan(grid, 0, 2, costs=CostField(grid, layers=[Layer("r", np.ones((2, 3)))]))
    for value in (math.nan, math.inf, -5.0, 0.0, 1e39, 1e300):
        values = np.where(blocked, value, 1.0)
        result = plan(grid, 0, 2, costs=CostField(grid, layers=[Layer("r", values, 2.0)]))
        assert close(result.cost, expected.cost * 1.5)
        edge = np.broadcast_to(values, (8, 2, 3))
        if value < 1e39 or math.isnan(value):
            costs = CostField(grid, layers=[Layer("r", edge)])
            assert close(plan(grid, 0, 2, costs=costs).cost, expected.cost)


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_with_blocked_equals_a_fresh_map(make):
    """Blocking and unblocking, before and after the first plan."""
    for k in range(150):
        rng = np.random.default_rng([92, k])
        problem = make(rng)
        map = problem.map
        if k % 2:
            plan(map, *problem.ends, costs=problem.costs)
        for state in (True, False, True):
            nodes = rng.integers(0, map.size, int(rng.integers(1, 5)))
            flat = map.blocked.reshape(-1).copy()
            flat[nodes] = state
            map = map.with_blocked(nodes, state)
            np.testing.assert_array_equal(map.blocked.reshape(-1), flat)
            if isinstance(map, GridMap):
                fresh = GridMap(flat.reshape(map.shape), map.cell_size_m, map.moves, map.one_way)
                np.testing.assert_array_equal(map.move_mask, fresh.move_mask)
                np.testing.assert_array_equal(map.arrival_mask, fresh.arrival_mask)
            else:
                fresh = GraphMap(map.indptr, map.indices, map.length_m, map.position_m, map.labels,
                                 flat)  # fmt: skip
            one, two = (plan(m, *problem.ends, strategy="astar") for m in (map, fresh))
            assert (one.status, one.cost, one.stats) == (two.status, two.cost, two.stats)


def test_forms_of_with_blocked():
    """A tuple of two numbers is one cell; a list of numbers holds node ids."""
    grid = GridMap(np.zeros((3, 4)))
    forms = {
        (6,): [(1, 2), [(1, 2)], np.array([[1, 2]]), [6], 6],
        (1, 2): [[1, 2], ((0, 1), (0, 2))],
    }
    for expected, ways in forms.items():
        for cells in ways:
            changed = grid.with_blocked(cells, True)
            assert np.flatnonzero(changed.blocked).tolist() == list(expected)
            assert not changed.with_blocked(cells, False).blocked.any()
    assert grid.with_blocked([], True) is grid


@pytest.mark.parametrize("moves", ["four", "eight"])
def test_costs_hold_on_maps_with_other_blocked_cells(moves):
    """A field made where cheap cells were blocked must not overestimate once they are free."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        blocked = rng.random((4, 4)) < 0.4
        blocked[0, 0] = blocked[3, 3] = False
        values = rng.integers(1, 20, (4, 4)).astype(float)
        values[blocked] = 0
        costs = CostField(GridMap(blocked, moves=moves), layers=[Layer("risk", values)])
        open_map = costs.map.with_blocked(np.argwhere(blocked), False)
        pace = (1 + values).tolist()
        optimum = dijkstra(grid_adjacency([[0] * 4] * 4, moves, pace=pace), 0)[15]
        for strategy in ("ucs", "astar", "wastar"):
            result = plan(open_map, 0, 15, costs=costs, strategy=strategy)
            assert result.cost <= result.certificate * optimum * (1 + 1e-6)
            assert result.certificate <= result.bound
            check(open_map, result, costs, exact=True)


def test_what_is_no_cost_on_a_blocked_cell_is_zero():
    grid = GridMap([[0, 1, 0]])
    costs = CostField(grid, layers=[Layer("risk", [[1.0, math.nan, 1.0]])])
    costs.update("risk", [1, 2], [-math.inf, 4.0])
    assert costs.layer("risk").tolist() == [1.0, 0.0, 4.0]
    toll = np.zeros((8, 1, 3))
    toll[:, 0, 1] = -1.0
    assert not CostField(grid, layers=[Layer("toll", toll)]).layer("toll").any()
    fresh = CostField(grid, layers=[Layer("risk", [[1.0, math.nan, 1.0]])])
    assert fresh.layer("risk").tolist() == [1.0, 0.0, 1.0]


def test_blocked_cells_that_are_freed_have_their_given_values():
    grid = GridMap([[0, 1, 0]])
    costs = CostField(grid, layers=[Layer("risk", [[1.0, 5.0, 1.0]])])
    assert plan(grid.with_blocked([1], False), 0, 2, costs=costs).cost == 6.0 + 2.0


def test_costs_of_another_map_are_refused_or_priced_rightly():
    """A field made for other lengths must not price by them."""
    small, large = GridMap(np.zeros((1, 3)), 1.0), GridMap(np.zeros((1, 3)), 2.0)
    one = GraphMap([0, 1, 2, 2], [1, 2], [1.0, 1.0])
    two = GraphMap([0, 1, 2, 2], [1, 2], [5.0, 5.0])
    turned = GraphMap([0, 1, 1, 2], [2, 1], [1.0, 1.0])
    for own, other, expected in ((small, large, 4.0), (one, two, 10.0), (one, turned, 1.0)):
        costs = CostField(own)
        plan(own, 0, 2, costs=costs)
        try:
            assert plan(other, 0, 2, costs=costs).cost == expected
        except ValueError as refusal:
            assert "fit" in str(refusal)


def test_layers_of_a_graph_with_as_many_edges_as_nodes_are_per_node():
    graph = build_graph(2, [(0, 1, 1.0), (1, 0, 1.0)])
    costs = CostField(graph, layers=[Layer("r", [10.0, 3.0])])
    assert plan(graph, 0, 1, costs=costs).cost == 4.0


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_updates_agree_with_the_oracle(data):
    shape = (3, 3)
    grid = GridMap(np.zeros(shape))
    amount = st.floats(0, 1e5)
    values = data.draw(hnp.arrays(np.float64, shape, elements=amount))
    costs = CostField(grid, layers=[Layer("risk", values)])
    for _ in range(data.draw(st.integers(1, 4))):
        node, value = data.draw(st.integers(0, 8)), data.draw(amount)
        costs.update("risk", [node], [value])
        values.flat[node] = value
        optimum = dijkstra(grid_adjacency([[0] * 3] * 3, pace=(1 + values).tolist()), 0)[8]
        for strategy in ("ucs", "astar"):
            assert close(plan(grid, 0, 8, costs=costs, strategy=strategy).cost, optimum)


def test_cheap_and_forbidding_cells_together():
    """Almost forbidden cells (a million times the pace) must not blow up the effort."""
    for side, share, value in ((20, 0.05, 1e6), (30, 0.05, 1e6), (30, 0.002, 1e30)):
        rng = np.random.default_rng(0)
        risk = np.where(rng.random((side, side)) < share, value, rng.random((side, side)) * 3)
        risk[side // 2, side // 2] = value
        risk[0, 0] = risk[-1, -1] = 0.0
        grid = GridMap(np.zeros((side, side)))
        costs = CostField(grid, layers=[Layer("risk", risk)])
        optimum = dijkstra(grid_adjacency(grid.blocked.tolist(), pace=(1 + risk).tolist()), 0)[-1]
        for strategy in ("ucs", "astar", "wastar"):
            result = plan(grid, 0, grid.size - 1, costs=costs, strategy=strategy)
            assert result.cost <= result.bound * optimum * (1 + 1e-6)
            assert result.stats.expanded <= 2 * grid.size


def test_short_and_long_edges_together():
    rng = np.random.default_rng(2)
    edges = sorted(
        ((u, v, float(10.0 ** rng.integers(-3, 6))) for u, v in rng.integers(0, 400, (2400, 2))),
        key=lambda edge: edge[0],
    )
    graph = build_graph(400, edges)
    optima = dijkstra(graph_adjacency(400, edges), 0)
    for goal in range(1, 400, 20):
        result = plan(graph, 0, goal, strategy="ucs")
        assert close(result.cost, optima[goal])
        assert result.stats.expanded <= 2 * graph.size


def test_open_grid_is_what_it_says():
    """The generator of these tests: its oracle and its cost field tell the same story."""
    problem = open_grid(0)
    result = plan(problem.map, 0, problem.goal, costs=problem.costs, strategy="ucs")
    assert close(result.cost, dijkstra(problem.adjacency, 0)[problem.goal])


def test_a_tuple_is_one_cell_to_update():
    grid = GridMap(np.zeros((5, 6)))
    costs = CostField(grid, layers=[Layer("risk", np.zeros((5, 6)))])
    costs.update("risk", (3, 4), 9.0)
    assert np.flatnonzero(costs.layer("risk")).tolist() == [3 * 6 + 4]
    costs.update("risk", [1, 2], 5.0)  # a list of whole numbers: node ids
    assert costs.layer("risk")[[1, 2]].tolist() == [5.0, 5.0]
