"""One source, two engines: the loop as plain Python and compiled give the same, event by event."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from instances import (
    graph_problems,
    grid_problems,
    lead_values,
    open_grid,
    random_graph,
    random_grid,
)
from oracles import close, dijkstra

from planners import STRATEGIES, CostField, GraphMap, Guidance, Layer, Reward, plan

VARIANTS = [
    *({"strategy": name} for name in STRATEGIES),
    {"strategy": "wastar", "weight": 3.0},
    {"strategy": "astar", "max_expansions": 7},
    {"strategy": "ucs", "max_expansions": 3},
]


def same(one, two) -> None:
    """Every deterministic field of two results is equal, bit for bit."""
    assert (one.status, one.cost, one.bound, one.certificate) == (
        two.status, two.cost, two.bound, two.certificate,
    )  # fmt: skip
    assert one.stats == two.stats
    assert one.guidance_log == two.guidance_log
    assert (one.path is None) == (two.path is None)
    if one.path is not None:
        np.testing.assert_array_equal(one.path.nodes, two.path.nodes)
        assert one.path.length_m == two.path.length_m
    assert (one.trace is None) == (two.trace is None)
    if one.trace is not None:
        for name in ("kinds", "nodes", "parents", "g"):
            np.testing.assert_array_equal(getattr(one.trace, name), getattr(two.trace, name))


def both(problem, **options):
    query = {"costs": problem.costs, "trace": True, **options}
    compiled = plan(problem.map, *problem.ends, engine="generic", **query)
    textbook = plan(problem.map, *problem.ends, engine="textbook", **query)
    assert (compiled.engine, textbook.engine) == ("generic", "textbook")
    return compiled, textbook


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_engines_agree_on_random_problems(make, options):
    for k in range(60):
        same(*both(make(np.random.default_rng([61, k])), **options))


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("trusted", [True, False])
def test_engines_agree_on_led_searches(make, trusted):
    for k in range(120):
        rng = np.random.default_rng([62, k])
        problem = make(rng)
        size = problem.map.size
        guidance = Guidance([Reward("r", lead_values(rng, size))], trusted=trusted,
                            estimate=lead_values(rng, size))  # fmt: skip
        same(*both(problem, strategy="wastar", weight=1.2, guidance=guidance))


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_engines_agree_on_a_larger_grid(options):
    """Large enough that work arrays grow."""
    same(*both(open_grid(5, side=45), **options))


@settings(deadline=None, max_examples=50)
@given(grid_problems())
def test_engines_agree_on_any_grid(problem):
    same(*both(problem, strategy="wastar"))


@settings(deadline=None, max_examples=50)
@given(graph_problems())
def test_engines_agree_on_any_graph(problem):
    same(*both(problem, strategy="wastar"))


def graph_of(grid) -> GraphMap:
    """The same moves as a graph, built from `successors`."""
    leaving = [grid.successors(node) for node in range(grid.size)]
    indptr = np.concatenate([[0], np.cumsum([nodes.size for nodes, _ in leaving])])
    return GraphMap(
        indptr,
        np.concatenate([nodes for nodes, _ in leaving]),
        np.concatenate([lengths for _, lengths in leaving]),
        position_m=grid.positions_m(np.arange(grid.size)),
        blocked=grid.blocked.reshape(-1),
    )


def test_a_grid_and_its_graph_cost_the_same():
    for k in range(150):
        problem = random_grid(np.random.default_rng([63, k]))
        grid = problem.map
        layers = [] if problem.costs is None else [
            Layer(name, problem.costs.layer(name), problem.costs.weights[name])
            for name in problem.costs.layers if problem.costs.is_per_node(name)
        ]  # fmt: skip
        base = 1.0 if problem.costs is None else problem.costs.base
        graph = graph_of(grid)
        if graph.indices.size == grid.size:  # layers would be read per edge or per node alike
            continue
        for strategy in ("ucs", "astar"):
            one = plan(grid, problem.start, problem.goal, strategy=strategy,
                       costs=CostField(grid, base, layers))  # fmt: skip
            two = plan(graph, problem.start, problem.goal, strategy=strategy,
                       costs=CostField(graph, base, layers))  # fmt: skip
            assert one.status == two.status
            assert close(one.cost, two.cost)


@pytest.mark.parametrize("strategy", ["bfs", "astar", "wastar"])
def test_answers_repeat(strategy):
    """The same query, also after others on the same map, gives the same events."""
    problem = open_grid(4, side=20)
    query = {"costs": problem.costs, "strategy": strategy, "trace": True}
    first = plan(problem.map, 0, problem.goal, **query)
    for goal in range(3, 390, 29):
        plan(problem.map, 7, goal, costs=problem.costs)
    same(first, plan(problem.map, 0, problem.goal, **query))
    again = open_grid(4, side=20)
    same(first, plan(again.map, 0, again.goal, **{**query, "costs": again.costs}))


def test_the_trace_tells_what_the_counts_count():
    problem = open_grid(6, side=15)
    for options in VARIANTS:
        result = plan(problem.map, 0, problem.goal, costs=problem.costs, trace=True, **options)
        kinds = result.trace.kinds
        assert (kinds == 2).sum() == result.stats.expanded
        assert (kinds <= 1).sum() == result.stats.generated
        assert result.trace.nodes[0] == 0 and kinds[0] == 0
        assert problem.goal not in result.trace.expanded
        assert np.isin(result.trace.parents[kinds == 1], result.trace.expanded).all()


def textbook_bfs(adjacency, start, goal):
    """First in, first out, successors in the stated order; the goal is not expanded."""
    parents, queue, expanded = {start: -1}, [start], []
    while queue:
        u = queue.pop(0)
        if u == goal:
            break
        expanded.append(u)
        for v, _ in adjacency[u]:
            if v not in parents:
                parents[v] = u
                queue.append(v)
    return expanded, parents


def test_bfs_expands_in_the_textbook_order():
    for make in (random_grid, random_graph):
        for k in range(150):
            problem = make(np.random.default_rng([64, k]))
            blocked = problem.map.blocked.reshape(-1)
            if blocked[problem.start] or blocked[problem.goal] or problem.start == problem.goal:
                continue
            expanded, parents = textbook_bfs(problem.adjacency, problem.start, problem.goal)
            result = plan(
                problem.map, *problem.ends, costs=problem.costs, strategy="bfs", trace=True
            )
            assert result.trace.expanded.tolist() == expanded
            assert result.stats.generated == len(parents)
            assert (result.status == "found") == (problem.goal in parents)


def textbook_dfs(adjacency, start, goal):
    """Last in, first out; a node that waits is taken by its newest entry."""
    stack, closed, expanded = [start], set(), []
    while stack:
        u = stack.pop()
        if u in closed:
            continue
        closed.add(u)
        if u == goal:
            return expanded, True
        expanded.append(u)
        stack += [v for v, _ in adjacency[u] if v not in closed]
    return expanded, False


def test_dfs_expands_in_the_textbook_order():
    for make in (random_grid, random_graph):
        for k in range(150):
            problem = make(np.random.default_rng([65, k]))
            blocked = problem.map.blocked.reshape(-1)
            if blocked[problem.start] or blocked[problem.goal] or problem.start == problem.goal:
                continue
            expanded, found = textbook_dfs(problem.adjacency, problem.start, problem.goal)
            result = plan(
                problem.map, *problem.ends, costs=problem.costs, strategy="dfs", trace=True
            )
            assert result.trace.expanded.tolist() == expanded
            assert (result.status == "found") == found


# expanded, generated, reopened of engine="generic"; a change here is a change of behaviour
GOLDEN_GRID = {
    "bfs": (748, 751, 0),
    "dfs": (536, 581, 0),
    "ucs": (744, 747, 0),
    "greedy": (50, 128, 0),
    "astar": (652, 699, 0),
    "wastar": (503, 559, 0),
}
GOLDEN_GRAPH = {
    "bfs": (230, 248, 0),
    "dfs": (100, 116, 0),
    "ucs": (233, 256, 0),
    "greedy": (40, 72, 0),
    "astar": (179, 200, 0),
    "wastar": (142, 181, 0),
}


def golden_graph():
    rng = np.random.default_rng(99)
    position = rng.uniform(0, 100, (300, 2))
    away = np.hypot(*(position[:, None] - position[None]).transpose(2, 0, 1))
    nearest = np.argsort(away, axis=1)[:, 1:6]
    lengths = np.take_along_axis(away, nearest, axis=1) * rng.uniform(1, 1.5, nearest.shape)
    graph = GraphMap(np.arange(0, 1501, 5), nearest.ravel(), lengths.ravel(), position)
    return graph, CostField(graph, layers=[Layer("risk", rng.exponential(1.0, 300))])


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_golden_counts(strategy):
    problem = open_grid(12, side=30, density=0.15)
    on_grid = plan(problem.map, 0, problem.goal, costs=problem.costs, strategy=strategy,
                   engine="generic").stats  # fmt: skip
    graph, costs = golden_graph()
    on_graph = plan(graph, 0, 250, costs=costs, strategy=strategy, engine="generic").stats
    counts = [(s.expanded, s.generated, s.reopened) for s in (on_grid, on_graph)]
    assert counts == [GOLDEN_GRID[strategy], GOLDEN_GRAPH[strategy]]


def test_ucs_expands_the_nodes_that_are_nearer_than_the_goal():
    """And astar those with g + h < C*, but for ties within a bucket."""
    for seed in range(10):
        problem = open_grid(seed, side=25)
        g = np.array(dijkstra(problem.adjacency, 0))
        least = float(problem.costs.pace[~problem.map.blocked.ravel()].min())
        row, col = np.divmod(np.arange(625), 25)
        down, right = 24 - row, 24 - col
        octile = np.maximum(down, right) + (np.sqrt(2) - 1) * np.minimum(down, right)
        for strategy, f in (("ucs", g), ("astar", g + least * octile)):
            result = plan(problem.map, 0, problem.goal, costs=problem.costs, strategy=strategy)
            must = int((f < g[-1] * (1 - 1e-6)).sum())
            assert must - 2 <= result.stats.expanded <= must * 1.03 + 5


def test_pops_count_duplicates_and_the_goal():
    # Keys leave as s 0, a 1, b 2 (through a), b 2.5 (the older, stale entry), t 3.
    graph = GraphMap([0, 2, 3, 4, 4], [1, 2, 2, 3], [1.0, 2.5, 1.0, 1.0])
    stats = plan(graph, 0, 3, strategy="ucs").stats
    assert (stats.expanded, stats.popped) == (3, 5)


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("strategy", ["ucs", "astar", "wastar"])
def test_pops_lie_between_expansions_and_offers(make, strategy):
    duplicates = 0
    for k in range(60):
        problem = make(np.random.default_rng([67, k]))
        result = plan(
            problem.map, *problem.ends, costs=problem.costs, strategy=strategy, trace=True
        )
        stats = result.stats
        if result.status != "found" or result.start == result.goal:
            continue
        offers = sum(len(problem.map.successors(int(u))[0]) for u in result.trace.expanded)
        assert stats.expanded <= stats.popped <= 1 + offers
        duplicates += stats.popped - stats.expanded - 1
    assert duplicates > 0
