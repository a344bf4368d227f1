"""Every bad input is a ValueError whose message holds the offending value."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from planners import (
    CostField,
    GraphMap,
    GridMap,
    Guidance,
    Layer,
    MapFormatError,
    Reward,
    check_heuristic,
    cost_to_come,
    cost_to_go,
    plan,
)

GRID = GridMap(np.zeros((3, 4)))
NAN, INF = math.nan, math.inf


def refuses(told, call, *args, **options):
    with pytest.raises(ValueError, match=told):
        call(*args, **options)


@pytest.mark.parametrize(
    ("blocked", "told"),
    [
        ([], "shape"), ([[]], r"\(1, 0\)"), (np.zeros((0, 5)), r"\(0, 5\)"), ([0, 1], r"\(2,\)"),
        (np.zeros((2, 2, 2)), r"\(2, 2, 2\)"), (5, r"\(\)"), ([["a", "b"]], "<U1"),
        ([[0.0, NAN]], r"NaN at cell \(0, 1\)"), ([[None, 0]], "object"), ([[1j]], "complex"),
    ],
)  # fmt: skip
def test_blocked(blocked, told):
    refuses(told, GridMap, blocked)


def test_a_map_that_is_too_large_is_refused_before_it_is_copied():
    huge = np.broadcast_to(np.False_, (10**9, 10**9))
    refuses("1000000000000000000", GridMap, huge)


@pytest.mark.parametrize("size", [0, -1.5, NAN, INF])
def test_cell_size(size):
    refuses(str(size), GridMap, [[0]], size)


def test_grid_options():
    refuses("'six'", GridMap, [[0]], 1.0, "six")
    refuses("'six'.*eight-one-free", GridMap, [[0]], moves="six")
    refuses(r"\(1, 2\)", GridMap, [[0]], one_way=np.zeros((1, 2), dtype=np.uint8))
    refuses("256", GridMap, [[0]], one_way=[[256]])
    refuses("-1", GridMap, [[0]], one_way=[[-1]])
    refuses("float64", GridMap, [[0]], one_way=[[1.0]])


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ((3, 0), r"\(3, 0\)"), ((0, 4), r"\(0, 4\)"), ((-1, 0), r"\(-1, 0\)"), (12, "12"),
        ((1, -1), r"\(1, -1\)"), ([1, -1], r"\(1, -1\)"), ([-1, 1], r"\(-1, 1\)"),
        ((1,), r"\(1,\)"), ((1.5, 2.5), "1.5"), ((True, True), "True"),
        (-1, "-1"), ((1.5, 2), "1.5"), ((1, 2, 3), r"\(1, 2, 3\)"), ("dock", "'dock'"),
        (None, "None"), (True, "True"), ((NAN, 0), "nan"), ((10**30, 0), "10000"), ([], r"\[\]"),
    ],
)  # fmt: skip
def test_start_and_goal_outside_a_grid(cell, told):
    refuses(told, plan, GRID, cell, (0, 0))
    refuses(told, plan, GRID, (0, 0), cell)
    refuses(told, cost_to_come, GRID, cell)
    refuses(told, cost_to_go, GRID, cell)


def test_start_and_goal_outside_a_graph():
    named = GraphMap([0, 1, 1], [1], [1.0], labels=["dock", "shelf"])
    numbered = GraphMap([0, 1, 1], [1], [1.0], labels=[10, 20])
    plain = GraphMap([0, 1, 1], [1], [1.0])
    refuses("'door'", plan, named, "door", "dock")
    refuses("1", plan, numbered, 10, 1)
    refuses("2", plan, plain, 0, 2)
    refuses("-1", plan, plain, -1, 0)
    refuses("'dock'", plan, plain, "dock", 1)
    refuses("0.5", plan, plain, 0.5, 1)
    refuses("True", plan, plain, True, 1)
    refuses("nodes 0..5|5", plain.with_blocked, [0, 5], True)
    refuses(r"\['a'\]", plan, named, ["a"], "dock")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([0], [], []), "1 entry"), (([0, 2], [0], [1.0]), "1"), (([0, 1, 0], [1], [1.0]), "rise"),
        (([1, 1], [], []), "rise"), (([0, 1], [0], [1.0, 2.0]), "1 edges but 2"),
        (([0, 1], [3], [1.0]), "3"), (([0, 1], [-1], [1.0]), "-1"),
        (([0, 1], [2**32], [1.0]), "4294967296"), (([0, 1], [0], [-2.5]), "-2.5"),
        (([0, 1], [0], [NAN]), "nan"), (([0, 1], [0], [INF]), "inf"),
        (([0.0, 1.0], [0], [1.0]), "float64"), (([0, 1], ["a"], [1.0]), "<U1"),
    ],
)  # fmt: skip
def test_graph_arrays(arguments, told):
    refuses(told, GraphMap, *arguments)


def test_graph_options():
    refuses(r"\(1, 3\)", GraphMap, [0, 0], [], [], [[0, 0, 0]])
    refuses("nan", GraphMap, [0, 0], [], [], [[0, NAN]])
    refuses("2", GraphMap, [0, 0, 0], [], [], labels=["a", "a"])
    refuses("3", GraphMap, [0, 0], [], [], labels=["a", "b", "c"])
    refuses("2", GraphMap, [0, 0], [], [], blocked=[True, False])
    graph = nx.Graph()
    graph.add_edge("a", "b", metres=2.0)
    refuses("'a'.*'length'", GraphMap.from_networkx, graph)
    refuses("node", GraphMap.from_networkx, nx.Graph())


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.full((3, 4), NAN), r"nan at cell \(0, 0\)"), (np.full((3, 4), INF), "inf"),
        (np.where(np.arange(12).reshape(3, 4) == 6, -0.25, 1), r"-0.25 at cell \(1, 2\)"),
        (np.zeros((4, 3)), r"\(4, 3\)"), (np.zeros(5), r"\(5,\)"),
        (np.zeros((8, 4, 3)), r"\(8, 4, 3\)"),
        (3.0, r"\(\)"), (np.full((3, 4), "x"), "<U1"), (np.full((3, 4), 1e39), "e\\+39"),
    ],
)  # fmt: skip
def test_layers(values, told):
    refuses(told, CostField, GRID, layers=[Layer("risk", values)])


def test_layers_name_themselves():
    refuses("'risk'", CostField, GRID, layers=[Layer("risk", np.zeros(3))])
    refuses(
        "'risk'", CostField, GRID, layers=[Layer("risk", np.zeros(12)), Layer("risk", np.ones(12))]
    )
    refuses("'base'", CostField, GRID, layers=[Layer("base", np.zeros(12))])
    edge = np.zeros((8, 3, 4))
    edge[2, 1, 1] = -3.0
    refuses(r"-3.0 at direction 2, cell \(1, 1\)", CostField, GRID, layers=[Layer("toll", edge)])
    graph = GraphMap([0, 2, 2], [1, 1], [1.0, 1.0])
    refuses("nan at index 1", CostField, graph, layers=[Layer("risk", [0, NAN])])
    refuses(r"\(3,\)", CostField, graph, layers=[Layer("risk", [0, 0, 0])])


@pytest.mark.parametrize("weight", [-1.0, NAN, INF, "2", None])
def test_layer_weights(weight):
    refuses(str(weight), Layer, "risk", np.zeros(12), weight)


@pytest.mark.parametrize("base", [-0.5, NAN, INF, "1", None])
def test_base(base):
    refuses(f"base must be a finite number >= 0, not {base!r}", CostField, GRID, base)


def test_layers_whose_sum_is_too_large():
    refuses("float32", CostField, GRID, layers=[Layer("r", np.full(12, 1e300), 1e300)])
    refuses("float32", CostField, GRID, base=1e300)


def test_costs_of_another_shape():
    other = CostField(GridMap(np.zeros((4, 3))))
    refuses("4 x 3.*3 x 4", plan, GRID, 0, 5, costs=other)
    graph = GraphMap([0, 1, 1], [1], [1.0])
    refuses("2 nodes", plan, GRID, 0, 5, costs=CostField(graph))
    refuses("3 x 4", plan, graph, 0, 1, costs=CostField(GRID))
    refuses("4 x 3", cost_to_go, GRID, 0, other)


@pytest.mark.parametrize("weight", [0.999, 0, -1, NAN, INF, "two", [1, 2]])
def test_weights(weight):
    told = str(weight).replace("[", r"\[").replace("]", r"\]")
    for strategy in ("wastar", "astar", "bfs"):
        refuses(told, plan, GRID, 0, 5, strategy=strategy, weight=weight)


def test_strategies_and_engines():
    refuses("'dijkstra'.*wastar.*best-first", plan, GRID, 0, 5, strategy="dijkstra")
    refuses("None", plan, GRID, 0, 5, strategy=None)
    refuses("'gpu'", plan, GRID, 0, 5, engine="gpu")
    refuses("'nearest'", plan, GRID, 0, 5, on_unreachable="nearest")
    for strategy in ("bfs", "dfs"):
        refuses(f"'{strategy}'", plan, GRID, 0, 5, strategy=strategy, guidance=Guidance())
        refuses(f"'{strategy}'", plan, GRID, 0, 5, strategy=strategy, heuristic="octile")


@pytest.mark.parametrize("limit", [-1, 2.5, "10", NAN])
def test_max_expansions(limit):
    refuses(str(limit), plan, GRID, 0, 5, max_expansions=limit)


@pytest.mark.parametrize(
    ("heuristic", "told"),
    [
        ("euclid", "'euclid'"), (np.zeros(5), r"\(5,\)"), (np.zeros((4, 3)), r"\(4, 3\)"),
        (np.where(np.arange(12) == 6, NAN, 0), r"nan at \(1, 2\)"),
        (np.where(np.arange(12) == 6, INF, 0), r"inf at \(1, 2\)"),
        (lambda cell, goal: NAN if cell == (1, 2) else 0.0, r"nan at \(1, 2\)"),
        (np.full(12, "a"), "<U1"),
    ],
)  # fmt: skip
def test_heuristics(heuristic, told):
    refuses(told, plan, GRID, 0, 5, heuristic=heuristic)


def test_heuristics_of_graphs_and_bounds():
    graph = GraphMap([0, 1, 1], [1], [1.0])
    refuses("'octile'", plan, graph, 0, 1, heuristic="octile")
    refuses("nan", plan, GRID, 0, 5, heuristic=np.full(12, NAN), lower_bound=True)
    refuses("'euclid'", check_heuristic, GRID, "euclid", 0)
    refuses("12", check_heuristic, GRID, np.zeros(7), 0)


def test_guidance():
    for soc in (-0.1, 1.1, NAN):
        refuses(str(soc), Guidance, soc=soc)
    for weight in (-1.0, NAN, INF):
        refuses(str(weight), Guidance, lead_weight=weight)
    refuses("'all'", Guidance, rewards="all")
    refuses("'tile'", Guidance, estimate="tile")
    for values, told in (
        (np.zeros(7), r"\(7,\)"), (np.full(12, NAN), "nan"), (np.full(12, -INF), "-inf"),
    ):  # fmt: skip
        refuses(told, plan, GRID, 0, 5, guidance=Guidance(rewards=[Reward("r", values)]))
        refuses(told, plan, GRID, 0, 5, guidance=Guidance(estimate=values))


def test_map_format_errors_are_value_errors_with_a_place():
    error = MapFormatError("width 'x' is no number", line=3, source="small.map")
    assert isinstance(error, ValueError)
    assert str(error) == "small.map, line 3: width 'x' is no number"
    assert (error.line, error.source, error.reason) == (3, "small.map", "width 'x' is no number")


def test_with_blocked_outside():
    refuses(r"\(3, 0\)", GRID.with_blocked, [(3, 0)], True)
    refuses("12", GRID.with_blocked, [12], True)
    refuses("1.5", GRID.with_blocked, [(1.5, 2.0)], True)
