"""The checker catches every kind of false result; the heuristic checker every overestimate."""

from __future__ import annotations

import math
import re
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from instances import build_graph, open_grid, random_graph, random_grid
from oracles import close, dijkstra, reverse, scipy_dijkstra

from planners import (
    CheckError,
    CostField,
    GridMap,
    Layer,
    Path,
    check,
    check_heuristic,
    cost_to_go,
    plan,
)
from planners.check import exact_costs

WALL = np.array(
    [[0, 0, 0, 0],
     [0, 1, 1, 0],
     [0, 0, 0, 0]], dtype=bool
)  # fmt: skip


def on_wall(strategy="astar", **options):
    grid = GridMap(WALL)
    costs = CostField(grid, layers=[Layer("risk", np.arange(12).reshape(3, 4))])
    return grid, costs, plan(grid, (0, 0), (2, 3), costs=costs, strategy=strategy, **options)


def along(grid, costs, cells):
    """A result that claims these cells, its cost computed as the cost field would."""
    nodes = np.array([row * grid.cols + col for row, col in cells])
    lengths = np.hypot(*np.diff(np.array(cells), axis=0).T)
    cost = float(np.sum(lengths * costs.pace[nodes[1:]])) if len(cells) > 1 else 0.0
    path = Path(nodes, float(lengths.sum()), cells=np.array(cells))
    _, _, result = on_wall()
    return replace(result, path=path, cost=cost)


def fails(map, result, costs, told, exact=False):
    with pytest.raises(CheckError, match=told):
        check(map, result, costs, exact=exact)


@pytest.mark.parametrize("strategy", ["bfs", "dfs", "ucs", "greedy", "astar", "wastar"])
def test_true_results_pass(strategy):
    grid, costs, result = on_wall(strategy)
    check(grid, result, costs, exact=True)


@pytest.mark.parametrize("factor", [0.999, 1.00001, 2.0, 0.0, math.inf, math.nan])
def test_a_wrong_cost(factor):
    grid, costs, result = on_wall()
    fails(grid, replace(result, cost=result.cost * factor), costs, "cost")


def test_a_cost_of_other_layers():
    grid, _, result = on_wall()
    fails(grid, result, None, "cost")
    other = CostField(grid, layers=[Layer("risk", np.arange(12)[::-1])])
    fails(grid, result, other, "cost")


def test_an_illegal_diagonal_says_how_many_sides_are_blocked():
    grid, costs, _ = on_wall()
    cut = along(grid, costs, [(0, 0), (1, 0), (2, 1), (2, 2), (2, 3)])
    fails(grid, cut, costs, "1 blocked sides")
    check(GridMap(WALL, moves="eight-one-free"), cut, costs)
    squeezed = GridMap([[0, 1], [1, 0]], moves="eight-one-free")
    free = GridMap([[0, 1], [1, 0]], moves="eight-any")
    result = plan(free, 0, 3)
    check(free, result)
    fails(squeezed, result, None, "2 blocked sides")


def test_a_diagonal_on_a_four_connected_map():
    result = plan(GridMap(np.zeros((2, 2))), 0, 3)
    fails(GridMap(np.zeros((2, 2)), moves="four"), result, None, "diagonal")


def test_a_jump_and_a_rest():
    grid, costs, _ = on_wall()
    fails(grid, along(grid, costs, [(0, 0), (0, 2), (0, 3), (1, 3), (2, 3)]), costs, "neighbour")
    fails(grid, along(grid, costs, [(0, 0), (2, 3)]), costs, "neighbour")
    stays = [(0, 0), (0, 0), (0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]
    fails(grid, along(grid, costs, stays), costs, "neighbour")


def test_a_jump_over_the_edge_of_the_map():
    """Node ids that follow one another need not be neighbours."""
    grid = GridMap(np.zeros((2, 3)))
    result = plan(grid, (0, 0), (1, 2))
    nodes = np.array([0, 1, 2, 3, 4, 5])
    wrapped = replace(result, path=Path(nodes, 5.0, cells=grid.cells(nodes)), cost=5.0)
    fails(grid, wrapped, None, "neighbour")


def test_a_blocked_cell_and_a_cell_outside():
    grid, costs, _ = on_wall()
    fails(
        grid, along(grid, costs, [(0, 0), (1, 0), (1, 1), (1, 2), (1, 3), (2, 3)]), costs, "block"
    )
    _, _, result = on_wall()
    nodes = np.array([0, 99])
    fails(grid, replace(result, path=Path(nodes, 1.0)), costs, "99")
    nodes = np.array([0, 12, 11])
    fails(grid, replace(result, path=Path(nodes, 1.0)), costs, "12 lies outside a map of 12")
    fails(grid, replace(result, path=Path(np.array([-1, 0]), 1.0)), costs, "-1|outside|start")


def test_cells_that_are_not_the_nodes():
    grid, costs, result = on_wall()
    path = replace(result.path, cells=result.path.cells[::-1].copy())
    fails(grid, replace(result, path=path), costs, "cells")


def test_a_one_way_cell():
    mask = np.full((1, 3), 255, dtype=np.uint8)
    mask[0, 1] = 255 - 4
    result = plan(GridMap(np.zeros((1, 3))), 0, 2)
    fails(GridMap(np.zeros((1, 3)), one_way=mask), result, None, "one-way")


def test_a_path_between_other_ends():
    grid, costs, result = on_wall()
    part = result.path.nodes
    for nodes in (part[1:], part[:-1], part[::-1]):
        cells = [divmod(int(node), 4) for node in nodes]
        fails(grid, along(grid, costs, cells), costs, "starts|ends|not at")


@pytest.mark.parametrize("certificate", [0.999, 0.0, -1.0, math.nan, 1.2, math.inf])
def test_a_false_certificate(certificate):
    grid, costs, result = on_wall("astar")
    fails(grid, replace(result, certificate=certificate), costs, "certificate")


def test_a_certificate_that_is_too_good():
    """Only the exact check knows the optimum."""
    grid, costs, result = on_wall("greedy")
    longer = along(grid, costs, [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (2, 3)])
    shorter = along(grid, costs, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 3), (2, 3)])
    worse = max(longer, shorter, key=lambda r: r.cost)
    claimed = replace(worse, certificate=1.0, bound=math.inf, strategy=result.strategy)
    check(grid, claimed, costs)
    fails(grid, claimed, costs, "certificate", exact=True)
    fails(grid, replace(claimed, bound=1.0), costs, "optimum", exact=True)


@pytest.mark.parametrize("bound", [0.5, 0.0, math.nan, -math.inf])
def test_a_false_bound(bound):
    grid, costs, result = on_wall("wastar", weight=2.0)
    fails(grid, replace(result, bound=bound), costs, "bound|certificate")
    fails(grid, replace(result, certificate=2.5), costs, "certificate")


def test_found_without_a_path_and_paths_of_nothing():
    grid, costs, result = on_wall()
    fails(grid, replace(result, path=None), costs, "found")
    fails(grid, replace(result, path=Path(np.empty(0, dtype=np.int64), 0.0)), costs, "node")


def test_a_false_no_path():
    grid, costs, result = on_wall()
    false = replace(result, status="no_path", path=None, cost=math.inf, certificate=math.inf)
    fails(grid, false, costs, "no_path", exact=True)
    walled = GridMap([[0, 1, 0]])
    check(walled, plan(walled, 0, 2), exact=True)


def test_only_a_result_that_knows_its_start_can_be_a_false_no_path():
    _, costs, result = on_wall()
    grid = GridMap(WALL)
    false = replace(result, status="no_path", path=None, cost=math.inf, certificate=math.inf)
    check(grid, replace(false, start=-1), costs, exact=True)


def test_the_bound_of_a_search_that_was_cut_short():
    grid, costs, result = on_wall()
    cut = replace(result, status="budget_spent", certificate=5.0)
    check(grid, cut, costs, exact=True)
    fails(grid, replace(cut, bound=0.5), costs, "bound")


def test_small_costs_are_held_to_their_own_scale():
    """A way round that is longer by less than a unit is still not the optimum."""
    for scale in (1.0, 1e-3):
        grid = GridMap(np.zeros((1, 3)).repeat(2, axis=0), cell_size_m=scale)
        nodes = np.array([0, 3, 4, 1, 2])
        path = Path(nodes, 4 * scale, cells=grid.cells(nodes))
        longer = replace(plan(grid, 0, 2), path=path, cost=4 * scale)
        check(grid, longer)
        fails(grid, longer, None, "beyond 1.0 x the optimum", exact=True)


@pytest.mark.parametrize("k", range(8))
def test_edge_layers_are_charged(k):
    grid = GridMap(np.zeros((3, 3)))
    toll = np.zeros((8, 3, 3))
    toll[k, 1, 1] = 0.25
    costs = CostField(grid, layers=[Layer("toll", toll)])
    goal = (1, 2, 5, 8, 7, 6, 3, 0)[k]
    result = plan(grid, 4, goal, costs=costs)
    check(grid, result, costs, exact=True)
    assert close(result.cost, 1.25 * result.path.length_m)
    fails(grid, result, None, "cost")


def test_labels_and_edges_that_are_not_the_nodes():
    graph = build_graph(3, [(0, 1, 1.0), (1, 2, 1.0)], labels=["a", "b", "c"])
    result = plan(graph, "a", "c")
    check(graph, result)
    check(graph, replace(result, path=replace(result.path, labels=None)))
    for labels in (("a", "c", "b"), ("a", "b")):
        fails(graph, replace(result, path=replace(result.path, labels=labels)), None, "labels")
    for edges, told in (([1, 0], "join"), ([0], "one edge per move"), ([0, 0], "edge 0")):
        path = replace(result.path, edges=np.array(edges))
        fails(graph, replace(result, path=path), None, told)
    fails(graph, replace(result, path=replace(result.path, edges=None)), None, "one edge per move")


def test_graphs():
    graph = build_graph(3, [(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0)])
    result = plan(graph, 0, 2)
    check(graph, result, exact=True)
    nodes = np.array([0, 2])
    fails(graph, replace(result, path=Path(nodes, 1.0), cost=1.0), None, "no edge")
    fails(graph.with_blocked([1], True), result, None, "block")
    fails(graph, replace(result, cost=1.5), None, "cost")


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_the_exact_check_is_an_oracle_too(make):
    for k in range(150):
        problem = make(np.random.default_rng([95, k]))
        if problem.map.is_blocked(problem.start):
            continue
        for root, adjacency, to_root in (
            (problem.start, problem.adjacency, False),
            (problem.start, reverse(problem.adjacency), True),
        ):
            np.testing.assert_allclose(
                exact_costs(problem.map, root, problem.costs, to_root),
                scipy_dijkstra(adjacency, root), rtol=1e-6, atol=1e-12,
            )  # fmt: skip


# --- heuristics


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_the_librarys_heuristics_are_consistent_lower_bounds(make):
    for k in range(150):
        problem = make(np.random.default_rng([96, k]))
        if problem.map.is_blocked(problem.goal):
            continue
        names = ["zero", "straight"]
        if make is random_grid:
            names += ["manhattan"] if problem.map.moves == "four" else ["octile"]
        for name in names:
            found = check_heuristic(problem.map, name, problem.ends[1], problem.costs)
            assert found.consistent, name
            assert 0 <= found.accuracy <= 1 + 1e-6


def test_an_exact_heuristic_is_perfect():
    """Infinity included, where free cells cannot reach the goal."""
    for blocked in (WALL, [[0, 1, 0, 0], [0, 1, 0, 0]]):
        grid = GridMap(blocked)
        found = check_heuristic(grid, cost_to_go(grid, (0, 0)).values, (0, 0))
        assert found.consistent and close(found.accuracy, 1.0)


def test_an_overestimate_is_found_and_named():
    problem = open_grid(1)
    exact = np.array(dijkstra(reverse(problem.adjacency), problem.goal))
    exact = np.where(np.isfinite(exact), exact, 0.0)
    node = int(np.flatnonzero(exact)[5])
    for wrong in (1.001, 2.0, math.inf):
        h = exact.copy()
        h[node] = h[node] * wrong
        with pytest.raises(CheckError, match=f"{node // 9}, {node % 9}"):
            check_heuristic(problem.map, h, problem.goal, problem.costs)
    with pytest.raises(CheckError, match="lower bound"):
        check_heuristic(GridMap(np.zeros((4, 4))), "manhattan", (0, 0))
    assert check_heuristic(problem.map, exact * 0.5, problem.goal, problem.costs).consistent


def test_an_inconsistent_lower_bound_is_told_apart():
    grid = GridMap(np.zeros((1, 6)))
    found = check_heuristic(grid, [[0, 0, 0, 3, 0, 0]], (0, 0))
    assert not found.consistent and 0 < found.accuracy < 1
    assert found.worst_edge == ((0, 3), (0, 4))


def test_the_edge_where_consistency_breaks_is_the_one_that_was_broken():
    """Raise h at one node of an exact field: only edges that leave it can break."""
    for seed in range(20):
        problem = open_grid(seed)
        exact = np.array(dijkstra(reverse(problem.adjacency), problem.goal))
        h = np.where(np.isfinite(exact), exact, 0.0) * 0.5
        sound = check_heuristic(problem.map, h, problem.goal, problem.costs)
        assert sound.consistent and sound.worst_edge is None
        node = int(np.argmax(h))
        h[node] = exact[node]
        u, v = check_heuristic(problem.map, h, problem.goal, problem.costs).worst_edge
        assert problem.map.node(u) == node
        falls = [h[node] - h[w] - cost for w, cost in problem.adjacency[node]]
        worst = problem.adjacency[node][int(np.argmax(falls))][0]
        assert problem.map.node(v) == worst
        h[node] = 2 * exact[node]
        told = re.escape(f"on the edge {u!r} -> {v!r}")
        with pytest.raises(CheckError, match=told):
            check_heuristic(problem.map, h, problem.goal, problem.costs)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_rounding_is_no_inconsistency_at_any_scale(scale):
    problem = open_grid(3)
    costs = CostField(problem.map, base=scale / 3)
    exact = cost_to_go(problem.map, problem.goal, costs).values
    found = check_heuristic(problem.map, exact, problem.goal, costs)
    assert found.consistent and found.worst_edge is None
    with pytest.raises(FrozenInstanceError):
        found.consistent = False


def test_the_edge_of_a_graph_is_named_by_labels():
    graph = build_graph(3, [(0, 1, 1.0), (1, 2, 1.0)], labels=["a", "b", "c"])
    assert check_heuristic(graph, [1.5, 0.0, 0.0], "c").worst_edge == ("a", "b")
    with pytest.raises(CheckError, match=r"'b' -> 'c' it falls from .*5\.0.* at a cost of .*1\.0"):
        check_heuristic(graph, [0.0, 5.0, 0.0], "c")
