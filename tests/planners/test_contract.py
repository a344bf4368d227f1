"""What `plan` promises: statuses, bounds, certificates, counts, budgets, labels."""

from __future__ import annotations

import json
import math

import networkx as nx
import numpy as np
import pytest
from instances import build_graph, lead_values, open_grid, random_graph, random_grid
from oracles import RELATIVE, close, dijkstra

from planners import (
    STRATEGIES,
    CostField,
    GraphMap,
    GridMap,
    Guidance,
    Layer,
    Reward,
    check,
    plan,
    plan_many,
)

NAMES = list(STRATEGIES)


def test_the_table_holds_the_six_strategies():
    assert NAMES == ["bfs", "dfs", "ucs", "greedy", "astar", "wastar"]


@pytest.mark.parametrize("strategy", [*NAMES, "best-first"])
def test_statuses(strategy):
    grid = GridMap([[0, 0, 1, 0], [0, 1, 1, 0]])
    answers = {
        "found": plan(grid, (1, 0), (0, 1), strategy=strategy),
        "no_path": plan(grid, (0, 0), (0, 3), strategy=strategy),
        "start_blocked": plan(grid, (0, 2), (0, 0), strategy=strategy),
        "goal_blocked": plan(grid, (0, 0), (1, 1), strategy=strategy),
        "budget_spent": plan(grid, (0, 0), (0, 3), strategy=strategy, max_expansions=1),
    }
    for status, result in answers.items():
        assert result.status == status
        assert (result.path is not None) == (status == "found")
        assert math.isfinite(result.cost) == (status == "found")
        assert result.strategy == {"best-first": "greedy"}.get(strategy, strategy)
        assert result.stats.runtime_s >= 0
        if status != "found":
            assert result.certificate == math.inf
        check(grid, result)
    blocked_both = plan(grid, (0, 2), (1, 1), strategy=strategy)
    assert blocked_both.status == "start_blocked"


@pytest.mark.parametrize("strategy", NAMES)
def test_bounds_before_the_search(strategy):
    eight, four = GridMap(np.zeros((4, 5))), GridMap(np.zeros((4, 5)), moves="four")
    promised = {"ucs": 1.0, "astar": 1.0, "wastar": 1.5}.get(strategy, math.inf)
    assert plan(eight, (0, 0), (3, 4), strategy=strategy).bound == promised
    expected = 1.0 if strategy == "bfs" else promised
    result = plan(four, (0, 0), (3, 4), strategy=strategy)
    assert result.bound == expected
    if strategy == "bfs":
        assert result.certificate == 1.0 and result.cost == 7.0
        walled = GridMap([[0, 1, 0], [0, 0, 0]], moves="four")  # h says less than the way costs
        around = plan(walled, (0, 0), (0, 2), strategy=strategy, engine="generic")
        assert (around.cost, around.certificate) == (4.0, 1.0)
    uneven = CostField(four, layers=[Layer("risk", np.eye(4, 5))])
    assert plan(four, (0, 0), (3, 4), strategy=strategy, costs=uneven).bound == promised


def test_bfs_on_graphs_is_optimal_where_all_moves_cost_the_same():
    edges = [(0, 1, 2.0), (0, 2, 2.0), (1, 2, 2.0)]
    assert plan(build_graph(3, edges), 0, 2, strategy="bfs").bound == 1.0
    edges[1] = (0, 2, 5.0)
    result = plan(build_graph(3, edges), 0, 2, strategy="bfs")
    assert (result.cost, result.bound) == (5.0, math.inf)
    assert result.certificate == math.inf  # h is zero without positions


@pytest.mark.parametrize("strategy", ["bfs", "dfs"])
def test_certificates_of_blind_searches_rest_on_h_of_the_start(strategy):
    for seed in range(20):
        problem = open_grid(seed)
        result = plan(problem.map, 0, problem.goal, costs=problem.costs, strategy=strategy)
        free = ~problem.map.blocked.ravel()
        h = 8 * math.sqrt(2) * float(problem.costs.pace[free].min())
        assert result.certificate >= result.cost / h * (1 - 1e-6)
        assert result.cost / result.certificate <= dijkstra(problem.adjacency, 0)[problem.goal]


@pytest.mark.parametrize("strategy", NAMES)
@pytest.mark.parametrize("limit", [None, 0])
def test_standing_still(strategy, limit):
    """0 / 0 certifies 1; nothing is expanded, the start is generated."""
    for map, node in ((GridMap([[0, 0]]), (0, 1)), (build_graph(2, [(1, 1, 0.0)]), 1)):
        result = plan(map, node, node, strategy=strategy, max_expansions=limit, trace=True)
        assert (result.status, result.cost, result.certificate) == ("found", 0.0, 1.0)
        assert result.path.nodes.tolist() == [1]
        assert result.path.length_m == 0.0
        assert (result.stats.expanded, result.stats.generated) == (0, 1)
        assert result.trace.nodes.tolist() == [1]
        check(map, result, exact=True)


def test_paths_that_cost_nothing():
    grid = GridMap(np.zeros((5, 5)))
    free = CostField(grid, base=0.0)
    for strategy in NAMES:
        result = plan(grid, (0, 0), (4, 4), costs=free, strategy=strategy)
        assert (result.status, result.cost, result.certificate) == ("found", 0.0, 1.0)


@pytest.mark.parametrize("strategy", NAMES)
def test_weights(strategy):
    grid = GridMap(np.zeros((3, 3)))
    assert plan(grid, 0, 8, strategy=strategy).weight == (1.5 if strategy == "wastar" else 1.0)
    for one in (1, 1.0, np.float32(1), np.int64(1)):
        result = plan(grid, 0, 8, strategy=strategy, weight=one)
        assert result.weight == 1.0
    if strategy == "wastar":
        assert plan(grid, 0, 8, strategy=strategy, weight=2.5).bound == 2.5
    else:
        with pytest.raises(ValueError, match=r"2\.5"):
            plan(grid, 0, 8, strategy=strategy, weight=2.5)


def test_counts_as_in_the_textbook():
    """A corridor of four cells: the start is generated, the goal is generated but not expanded."""
    grid = GridMap(np.zeros((1, 4)))
    for strategy in NAMES:
        stats = plan(grid, (0, 0), (0, 3), strategy=strategy, engine="generic").stats
        assert (stats.expanded, stats.generated, stats.reopened) == (3, 4, 0)
        assert stats.max_frontier == 1


def test_runtime_is_kept_out_of_equality():
    grid = GridMap(np.zeros((4, 4)))
    one, two = plan(grid, 0, 15).stats, plan(grid, 0, 15).stats
    assert one == two
    assert one.runtime_s > 0 and two.runtime_s > 0


BUDGETED = [
    *({"strategy": name} for name in NAMES),
    {"strategy": "wastar", "weight": 1.1, "heuristic": "lead"},
    {"strategy": "astar", "heuristic": "lead"},
]


@pytest.mark.parametrize("options", BUDGETED, ids=str)
def test_budgets_to_the_exact_edge(options):
    for seed in range(10):
        problem = open_grid(seed)
        options = dict(options)
        if "heuristic" in options:
            rng = np.random.default_rng(seed)
            options["heuristic"] = lead_values(rng, problem.map.size)
        query = {"costs": problem.costs, **options}
        whole = plan(problem.map, 0, problem.goal, **query)
        needed = whole.stats.expanded
        enough = plan(problem.map, 0, problem.goal, max_expansions=needed, **query)
        assert (enough.status, enough.cost, enough.stats) == ("found", whole.cost, whole.stats)
        nothing = plan(problem.map, 0, problem.goal, max_expansions=0, **query)
        assert nothing.status == "budget_spent"
        assert (nothing.stats.expanded, nothing.stats.generated) == (0, 1)
        optimum = dijkstra(problem.adjacency, 0)[problem.goal]
        for budget in (needed - 1, needed // 2, 1):
            result = plan(problem.map, 0, problem.goal, max_expansions=budget, **query)
            assert result.status == "budget_spent"
            assert result.stats.expanded == budget
            check(problem.map, result, problem.costs, exact=True)
            if result.path is not None:
                assert result.path.nodes[-1] == problem.goal
                assert result.certificate >= 1
                assert result.cost <= result.certificate * optimum * (1 + RELATIVE)


def test_a_proof_cut_short_still_returns_its_path():
    """The goal was reached by the lead: the path comes with the certificate known so far."""
    kept = 0
    for seed in range(30):
        problem = open_grid(seed, side=14)
        lead = np.random.default_rng(seed).normal(0, 30, problem.map.size)
        query = {"costs": problem.costs, "heuristic": lead}
        whole = plan(problem.map, 0, problem.goal, **query)
        result = plan(problem.map, 0, problem.goal, **query,
                      max_expansions=whole.stats.expanded - 1)  # fmt: skip
        assert result.status == "budget_spent"
        kept += result.path is not None
    assert kept > 10


def test_no_budget_is_spent_on_a_search_that_ends_by_itself():
    grid = GridMap([[0, 0, 1, 0]])
    for strategy in NAMES:
        assert plan(grid, 0, 3, strategy=strategy, max_expansions=2).status == "no_path"


@pytest.mark.parametrize("strategy", NAMES)
@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_closest_where_the_goal_cannot_be_reached(strategy, make):
    seen = 0
    for k in range(150):
        problem = make(np.random.default_rng([71, k]))
        start, goal = problem.start, problem.goal
        reached = np.flatnonzero(np.isfinite(dijkstra(problem.adjacency, start)))
        no_places = isinstance(problem.map, GraphMap) and problem.map.position_m is None
        if problem.map.is_blocked(start) or goal in reached or no_places:
            continue
        seen += 1
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=strategy,
                      on_unreachable="closest")  # fmt: skip
        away = problem.map.positions_m(reached) - problem.map.positions_m([goal])
        nearest = reached[np.argmin(np.hypot(away[:, 0], away[:, 1]))]
        assert result.status == "no_path"
        assert result.path.nodes[-1] == nearest and result.path.nodes[0] == start
        assert math.isfinite(result.cost) and result.certificate == math.inf
        check(problem.map, result, problem.costs)
    assert seen > 20


def test_closest_with_an_exact_bound():
    """A bound that is infinite on this side of the wall must not hide the cells there."""
    from planners import cost_to_go

    grid = GridMap([[0, 0, 0, 1, 0]])
    exact = cost_to_go(grid, (0, 4)).values
    for options in ({}, {"heuristic": exact, "lower_bound": True}):
        result = plan(grid, (0, 0), (0, 4), on_unreachable="closest", **options)
        assert result.path.cells.tolist() == [[0, 0], [0, 1], [0, 2]]


def test_closest_changes_nothing_where_there_is_a_way():
    problem = open_grid(2)
    one = plan(problem.map, 0, problem.goal, engine="generic")
    two = plan(problem.map, 0, problem.goal, on_unreachable="closest")
    assert (one.status, one.cost, one.stats) == (two.status, two.cost, two.stats)


def street_graph() -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    graph.add_node("dock", pos=(0.0, 0.0))
    graph.add_node("aisle", pos=(3.0, 0.0))
    graph.add_node("shelf", pos=(3.0, 4.0))
    graph.add_edge("dock", "aisle", length=9.0)
    graph.add_edge("dock", "aisle", length=3.0)
    graph.add_edge("aisle", "shelf", length=4.0)
    graph.add_edge("aisle", "aisle", length=0.0)
    return graph


def test_labels_and_edges_of_a_networkx_graph():
    graph = GraphMap.from_networkx(street_graph())
    result = plan(graph, "dock", "shelf")
    assert result.path.labels == ("dock", "aisle", "shelf")
    assert result.path.nodes.tolist() == [0, 1, 2]
    assert graph.length_m[result.path.edges].tolist() == [3.0, 4.0]
    assert (result.cost, result.path.length_m, result.path.cells) == (7.0, 7.0, None)
    assert plan(graph, "shelf", "dock").status == "no_path"
    assert plan(graph, 0, 2).cost == 7.0  # ids, where no label is a number


def test_edges_are_the_cheapest_under_the_costs():
    graph = GraphMap.from_networkx(street_graph())
    toll = np.where(graph.length_m == 3.0, 100.0, 0.0)
    costs = CostField(graph, layers=[Layer("toll", toll)])
    result = plan(graph, "dock", "shelf", costs=costs)
    assert graph.length_m[result.path.edges].tolist() == [9.0, 4.0]
    assert result.cost == 13.0


def test_labels_that_are_numbers_are_no_ids():
    graph = GraphMap([0, 1, 2, 2], [1, 2], [1.0, 1.0], labels=[2, 0, 1])
    result = plan(graph, 2, 1)
    assert result.path.nodes.tolist() == [0, 1, 2]
    assert result.path.labels == (2, 0, 1)


def test_undirected_graphs_become_two_edges_each():
    street = nx.Graph()
    street.add_edge("a", "b", metres=2.0)
    both = GraphMap.from_networkx(street, length="metres")
    assert plan(both, "a", "b").cost == plan(both, "b", "a").cost == 2.0
    back = both.to_networkx()
    assert sorted(back.edges(data="length")) == [("a", "b", 2.0), ("b", "a", 2.0)]


def test_cells_and_ids_of_a_grid():
    grid = GridMap(np.zeros((3, 4)))
    answers = [
        plan(grid, start, goal).path.nodes.tolist()
        for start, goal in (
            ((0, 0), (2, 3)), ([0, 0], [2, 3]), (0, 11), (np.array([0, 0]), np.array([2, 3])),
            (np.int32(0), np.uint8(11)), ((np.int64(0), 0), (2, np.int16(3))),
        )
    ]  # fmt: skip
    assert all(answer == answers[0] for answer in answers)
    path = plan(grid, (0, 0), (2, 3)).path
    assert path.cells.shape == (len(path), 2) and path.labels is None and path.edges is None
    assert (path.cells[:, 0] * 4 + path.cells[:, 1] == path.nodes).all()
    assert grid.positions_m([11]).tolist() == [[3.0, 2.0]]


def test_plan_many_is_plan_in_order():
    problem = open_grid(3)
    queries = [(0, goal) for goal in np.flatnonzero(~problem.map.blocked.ravel()).tolist()]
    many = plan_many(problem.map, queries, costs=problem.costs, strategy="wastar")
    for (start, goal), result in zip(queries, many, strict=True):
        one = plan(problem.map, start, goal, costs=problem.costs, strategy="wastar")
        assert (one.status, one.cost, one.stats) == (result.status, result.cost, result.stats)


def test_results_become_json_with_null_for_infinity():
    grid = GridMap([[0, 0, 1, 0]])
    text = json.dumps(plan(grid, 0, 3, strategy="greedy").as_dict(), allow_nan=False)
    values = json.loads(text)
    assert values["status"] == "no_path"
    assert values["cost"] is values["bound"] is values["certificate"] is values["cells"] is None
    found = json.loads(json.dumps(plan(grid, 0, 1).as_dict(), allow_nan=False))
    assert found["cells"] == [[0, 0], [0, 1]]


def test_guidance_log_and_reward_law():
    """`auto` reads the layers per node; the energy layer counts more on a low battery."""
    problem = open_grid(1)
    rng = np.random.default_rng(1)
    costs = CostField(problem.map, layers=[
        Layer("risk", rng.uniform(0, 3, 81)), Layer("energy", rng.uniform(0, 3, 81), 2.0),
        Layer("toll", rng.uniform(0, 1, (8, 9, 9))),
    ])  # fmt: skip
    logs = {}
    for soc in (1.0, 0.1):
        result = plan(problem.map, 0, problem.goal, costs=costs, strategy="wastar",
                      guidance=Guidance(rewards="auto", soc=soc))  # fmt: skip
        check(problem.map, result, costs, exact=True)
        logs[soc] = {e["reward"]: e["beta"] for e in result.guidance_log if e["event"] == "reward"}
    assert logs[1.0] == {"risk": 1.0, "energy": 1.0}
    assert logs[0.1] == {"risk": 1.0, "energy": 5.0}


def test_guidance_leads():
    """The reward on one of two equal ways decides which is found; cost and bound stay."""
    grid = GridMap([[0, 0, 0], [0, 1, 0], [0, 0, 0]], moves="four")
    for side in (0, 2):
        values = np.zeros((3, 3))
        values[side] = 0.9
        guidance = Guidance(rewards=[Reward("prefer", values)])
        result = plan(grid, (1, 0), (1, 2), strategy="wastar", weight=3.0, guidance=guidance)
        assert [side, 1] in result.path.cells.tolist()
        assert close(result.cost, 4.0) and result.bound == 3.0
