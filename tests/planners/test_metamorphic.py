"""Change the problem in a way whose effect on the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import MOVES, build_graph, grid_problems, open_grid, random_edges, random_graph
from oracles import close

from planners import CostField, GraphMap, GridMap, Layer, cost_to_go, plan

SEEDS = range(25)


def random_blocked(seed, shape=(8, 11), density=0.25):
    rng = np.random.default_rng([51, seed])
    blocked = rng.random(shape) < density
    blocked[0, 0] = blocked[-1, -1] = False
    return rng, blocked


def astar_cost(blocked, start, goal, values=None, **options):
    grid = GridMap(blocked, **options)
    costs = None if values is None else CostField(grid, layers=[Layer("risk", values)])
    return plan(grid, start, goal, costs=costs).cost


@pytest.mark.parametrize("moves", MOVES)
def test_the_way_back_costs_the_same_at_uniform_pace(moves):
    for seed in SEEDS:
        _, blocked = random_blocked(seed)
        ends = (0, 0), (7, 10)
        assert close(
            astar_cost(blocked, *ends, moves=moves), astar_cost(blocked, *ends[::-1], moves=moves)
        )


@pytest.mark.parametrize("moves", MOVES)
def test_turned_and_mirrored_grids(moves):
    for seed in SEEDS:
        rng, blocked = random_blocked(seed, (7, 7))
        values = rng.uniform(0, 5, blocked.shape)
        straight = astar_cost(blocked, (0, 0), (6, 6), values, moves=moves)
        for turn in (
            lambda a: np.rot90(a, 1), lambda a: np.rot90(a, 2), np.fliplr, np.flipud, np.transpose
        ):  # fmt: skip
            ids = turn(np.arange(49).reshape(7, 7)).reshape(-1).tolist()
            ends = ids.index(0), ids.index(48)
            assert close(straight, astar_cost(turn(blocked), *ends, turn(values), moves=moves))


def test_one_way_masks_turn_with_the_grid():
    for seed in SEEDS:
        rng, blocked = random_blocked(seed, (6, 6), 0.1)
        mask = rng.integers(0, 256, (6, 6)).astype(np.uint8)
        # a quarter turn anticlockwise moves each direction two places back: E becomes N
        turned = np.rot90((mask >> np.uint8(2)) | (mask << np.uint8(6)))
        before = plan(GridMap(blocked, one_way=mask), (0, 0), (5, 5))
        ids = np.rot90(np.arange(36).reshape(6, 6)).reshape(-1).tolist()
        after = plan(GridMap(np.rot90(blocked), one_way=turned), ids.index(0), ids.index(35))
        assert before.status == after.status
        assert close(before.cost, after.cost)


def test_relabelled_graph_nodes():
    for seed in range(150):
        rng = np.random.default_rng([52, seed])
        nodes = int(rng.integers(2, 14))
        edges = random_edges(rng, nodes)
        values = rng.uniform(0, 3, nodes)
        order = rng.permutation(nodes)
        renamed = sorted(
            ((int(order[u]), int(order[v]), metres) for u, v, metres in edges),
            key=lambda edge: edge[0],
        )
        moved = np.empty(nodes)
        moved[order] = values
        one, two = build_graph(nodes, edges), build_graph(nodes, renamed)
        for strategy in ("ucs", "astar"):
            first = plan(one, 0, nodes - 1, costs=CostField(one, layers=[Layer("r", values)]),
                         strategy=strategy)  # fmt: skip
            second = plan(two, int(order[0]), int(order[-1]), strategy=strategy,
                          costs=CostField(two, layers=[Layer("r", moved)]))  # fmt: skip
            assert first.status == second.status
            assert close(first.cost, second.cost)


@pytest.mark.parametrize("scale", [0.25, 3.0, 1e-6, 1e6])
def test_scaled_costs(scale):
    for seed in SEEDS:
        problem = open_grid(seed)
        values = problem.costs.layer("risk")
        scaled = CostField(problem.map, base=scale, layers=[Layer("r", values, weight=scale)])
        for options in ({"strategy": "astar"}, {"strategy": "wastar", "weight": 2.0}):
            one = plan(problem.map, 0, problem.goal, costs=problem.costs, **options)
            two = plan(problem.map, 0, problem.goal, costs=scaled, **options)
            if options["strategy"] == "astar":
                assert close(one.cost * scale, two.cost)
            if scale == 0.25:  # a power of two changes no bit
                assert two.cost == one.cost * scale
                assert two.path.nodes.tolist() == one.path.nodes.tolist()


@pytest.mark.parametrize("size", [0.05, 0.5, 7.0])
def test_scaled_cells(size):
    for seed in SEEDS:
        _, blocked = random_blocked(seed)
        one = astar_cost(blocked, (0, 0), (7, 10))
        assert close(one * size, astar_cost(blocked, (0, 0), (7, 10), cell_size_m=size))


@pytest.mark.parametrize("moves", MOVES)
def test_an_obstacle_never_shortens(moves):
    for seed in SEEDS:
        rng, blocked = random_blocked(seed, density=0.15)
        before = GridMap(blocked, moves=moves)
        optimum = plan(before, (0, 0), (7, 10)).cost
        for cell in rng.integers(1, 87, 8).tolist():
            after = plan(before.with_blocked([cell], True), (0, 0), (7, 10))
            assert after.cost >= optimum * (1 - 1e-9)
            assert plan(before.with_blocked([cell], False), (0, 0), (7, 10)).cost <= optimum * (
                1 + 1e-9
            )


@pytest.mark.parametrize("strategy", ["bfs", "dfs", "ucs", "greedy", "astar", "wastar"])
def test_a_layer_of_weight_zero_changes_no_bit(strategy):
    for seed in SEEDS:
        problem = open_grid(seed)
        rng = np.random.default_rng([53, seed])
        extra = [
            Layer("node", rng.uniform(0, 1e9, problem.map.shape), weight=0.0),
            Layer("edge", rng.uniform(0, 1e9, (8, *problem.map.shape)), weight=0.0),
        ]
        layers = [Layer("risk", problem.costs.layer("risk"))]
        plain = CostField(problem.map, layers=layers)
        switched_off = CostField(problem.map, layers=layers + extra)
        one = plan(problem.map, 0, problem.goal, costs=plain, strategy=strategy, trace=True)
        two = plan(problem.map, 0, problem.goal, costs=switched_off, strategy=strategy, trace=True)
        assert (one.cost, one.certificate, one.stats) == (two.cost, two.certificate, two.stats)
        np.testing.assert_array_equal(one.trace.nodes, two.trace.nodes)
        np.testing.assert_array_equal(one.trace.g, two.trace.g)


def test_no_costs_are_a_base_of_one():
    for seed in SEEDS:
        problem = open_grid(seed)
        one = plan(problem.map, 0, problem.goal)
        two = plan(problem.map, 0, problem.goal, costs=CostField(problem.map))
        assert (one.cost, one.stats) == (two.cost, two.stats)
        assert one.path.nodes.tolist() == two.path.nodes.tolist()


def test_wastar_of_weight_one_is_astar():
    for seed in SEEDS:
        for problem in (open_grid(seed), random_graph(np.random.default_rng([54, seed]))):
            query = {"costs": problem.costs, "trace": True}
            one = plan(problem.map, *problem.ends, strategy="astar", **query)
            two = plan(problem.map, *problem.ends, strategy="wastar", weight=1.0, **query)
            assert (one.status, one.cost, one.stats) == (two.status, two.cost, two.stats)
            np.testing.assert_array_equal(one.trace.nodes, two.trace.nodes)


def test_astar_without_a_heuristic_is_ucs():
    for seed in SEEDS:
        for problem in (open_grid(seed), random_graph(np.random.default_rng([55, seed]))):
            one = plan(problem.map, *problem.ends, costs=problem.costs, strategy="ucs")
            two = plan(problem.map, *problem.ends, costs=problem.costs, heuristic="zero")
            assert (one.status, one.cost, one.stats) == (two.status, two.cost, two.stats)


def test_a_better_bound_expands_no_more():
    """On a large open grid: exact <= octile <= zero."""
    problem = open_grid(9, side=40, density=0.1)
    query = {"costs": problem.costs}
    exact = cost_to_go(problem.map, problem.goal, problem.costs).values
    tight = plan(problem.map, 0, problem.goal, heuristic=exact, lower_bound=True, **query)
    octile = plan(problem.map, 0, problem.goal, **query)
    zero = plan(problem.map, 0, problem.goal, heuristic="zero", **query)
    assert close(tight.cost, octile.cost) and close(octile.cost, zero.cost)
    assert tight.stats.expanded < octile.stats.expanded < zero.stats.expanded


def test_an_edge_split_at_a_node():
    """u -> v becomes u -> x -> v: costs stay, where the pace of x is that of v."""
    for seed in range(100):
        rng = np.random.default_rng([56, seed])
        nodes = int(rng.integers(2, 12))
        edges = random_edges(rng, nodes)
        if not edges:
            continue
        values = rng.uniform(0, 3, nodes)
        at, share = int(rng.integers(len(edges))), float(rng.random())
        u, v, metres = edges[at]
        split = edges[:at] + edges[at + 1 :]
        split += [(u, nodes, metres * share), (nodes, v, metres * (1 - share))]
        split.sort(key=lambda edge: edge[0])
        one, two = build_graph(nodes, edges), build_graph(nodes + 1, split)
        longer = np.append(values, values[v])
        first = plan(one, 0, nodes - 1, costs=CostField(one, layers=[Layer("r", values)]))
        second = plan(two, 0, nodes - 1, costs=CostField(two, layers=[Layer("r", longer)]))
        assert first.status == second.status
        assert close(first.cost, second.cost)


def test_moved_and_stretched_positions_change_no_cost():
    """Positions are in any unit: only the effort may change."""
    for seed in range(60):
        rng = np.random.default_rng([57, seed])
        nodes = int(rng.integers(2, 14))
        edges = random_edges(rng, nodes)
        position = rng.uniform(-10, 10, (nodes, 2))
        costs = [
            plan(build_graph(nodes, edges, position_m=at), 0, nodes - 1).cost
            for at in (None, position, position * 1e5, position * 1e-5 + 3.0)
        ]
        assert all(close(costs[0], cost) for cost in costs[1:])


def test_reversed_graph_and_fields_agree():
    """The cost to go on a graph is the cost to come on its reverse, where the pace is uniform."""
    for seed in range(60):
        problem = random_graph(np.random.default_rng([58, seed]))
        graph = problem.map
        order = np.argsort(graph.indices, kind="stable")
        counts = np.bincount(graph.indices, minlength=graph.size)
        backward = GraphMap(np.concatenate([[0], np.cumsum(counts)]), graph.sources[order],
                            graph.length_m[order], blocked=graph.blocked)  # fmt: skip
        goal = problem.goal
        there = cost_to_go(graph, graph.label(goal)).values
        for start in range(graph.size):
            if graph.blocked[start] or graph.blocked[goal]:
                continue
            back = plan(backward, goal, start, strategy="ucs")
            assert close(there[start], back.cost)


@settings(deadline=None)
@given(grid_problems(), st.integers(0, 24))
def test_blocking_a_cell_of_any_grid_never_helps(problem, cell):
    before = plan(problem.map, problem.start, problem.goal, costs=problem.costs)
    cell %= problem.map.size
    after = plan(problem.map.with_blocked([cell], True), problem.start, problem.goal,
                 costs=problem.costs)  # fmt: skip
    assert after.cost >= before.cost * (1 - 1e-6) or math.isclose(after.cost, before.cost)
