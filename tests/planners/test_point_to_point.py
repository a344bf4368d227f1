"""The engines for A* on graphs: the same answers as the loop, whatever the graph."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from instances import Problem, build_graph, doubling, graph_problems, random_graph
from oracles import close, dijkstra, graph_adjacency, networkx_dijkstra, scipy_dijkstra

from planners import CostField, GraphMap, Layer, check, ordered, plan, point_to_point
from planners.kernels import roads

ENGINES = {"bucket-astar": 0.0, "bidirectional": np.inf}  # the part that the line must see


@pytest.fixture(autouse=True, scope="module", params=ENGINES)
def engine(request):
    """Each engine answers every A* query, however small the graph, on reordered nodes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_to_point, "SMALL", 0)
        patch.setattr(point_to_point, "SEEN", ENGINES[request.param])
        patch.setattr(point_to_point, "BRANCHING", 0.0)
        patch.setattr(ordered, "REORDERED_FROM", 0)
        yield request.param


def agrees(problem, engine) -> bool:
    """Status, cost, bound and certificate are the loop's; whether the engine answered."""
    ours = plan(problem.map, *problem.ends, costs=problem.costs)
    loop = plan(problem.map, *problem.ends, costs=problem.costs, engine="generic")
    assert (ours.status, ours.bound, ours.certificate) == (
        loop.status, loop.bound, loop.certificate,
    )  # fmt: skip
    assert close(ours.cost, loop.cost, 1e-9)
    check(problem.map, ours, problem.costs)
    stats = ours.stats
    assert stats.expanded <= stats.generated + stats.reopened
    return ours.engine == engine


@pytest.mark.parametrize("seed", range(4))
def test_random_graphs(engine, seed):
    """Directed, zero lengths, parallel edges, self loops, blocked nodes, layers of both kinds."""
    answered = 0
    for k in range(250):
        answered += agrees(random_graph(np.random.default_rng([301, seed, k])), engine)
    assert answered > 15


def geometric(rng, nodes=40) -> Problem:
    """No edge is shorter than its straight line; several nodes on one spot, zero edges there."""
    position = rng.uniform(0, 10, (nodes, 2))
    position[rng.random(nodes) < 0.2] = position[0]
    edges = []
    for u in range(nodes):
        near = np.argsort(np.hypot(*(position - position[u]).T))[: rng.integers(0, 7)]
        edges += [(u, int(v), float(np.hypot(*(position[u] - position[v])) * rng.uniform(1, 1.5)))
                  for v in (*near, *near[:1])]  # fmt: skip
    blocked = rng.random(nodes) < 0.1
    graph = build_graph(nodes, edges, position_m=position, blocked=blocked)
    risk, toll = rng.exponential(0.3, nodes), rng.exponential(0.3, len(edges))
    costs = CostField(graph, layers=[Layer("risk", risk), Layer("toll", toll)])
    adjacency = graph_adjacency(nodes, edges, blocked, 1 + risk, toll)
    return Problem(graph, costs, adjacency, *rng.integers(nodes, size=2).tolist())


def test_geometric_graphs(engine):
    answered = 0
    for k in range(400):
        problem = geometric(np.random.default_rng([304, k]))
        answered += agrees(problem, engine)
        result = plan(problem.map, *problem.ends, costs=problem.costs)
        if result.status in ("found", "no_path"):
            assert close(result.cost, dijkstra(problem.adjacency, problem.start)[problem.goal])
    assert answered > 200


@settings(deadline=None)
@given(graph_problems())
def test_any_graph(engine, problem):
    agrees(problem, engine)


@pytest.mark.parametrize("oracle", [dijkstra, scipy_dijkstra, networkx_dijkstra])
def test_oracles_agree(engine, oracle):
    for k in range(120):
        problem = random_graph(np.random.default_rng([302, k]), most=30)
        optimum = oracle(problem.adjacency, problem.start)[problem.goal]
        result = plan(problem.map, *problem.ends, costs=problem.costs)
        if result.status in ("found", "no_path"):
            assert close(result.cost, optimum)


def test_plain_python_gives_the_same(engine, monkeypatch):
    for k in range(80):
        problem = random_graph(np.random.default_rng([303, k]))
        compiled = plan(problem.map, *problem.ends, costs=problem.costs)
        with monkeypatch.context() as patch:
            patch.setattr(point_to_point, "compiled", lambda name: getattr(roads, name))
            plain = plan(problem.map, *problem.ends, costs=problem.costs)
        assert (plain.status, plain.cost, plain.stats) == (
            compiled.status, compiled.cost, compiled.stats,
        )  # fmt: skip
        if plain.path is not None:
            np.testing.assert_array_equal(plain.path.nodes, compiled.path.nodes)


def lattice(side=40, seed=0, **options):
    """A square lattice in arbitrary order, lengths at least the distance."""
    rng = np.random.default_rng(seed)
    at = rng.permutation(side * side)
    position = np.empty((side * side, 2))
    position[at] = np.stack(np.divmod(np.arange(side * side), side), axis=1)
    edges = []
    for k in range(side * side):
        right, down = k + 1, k + side
        pairs = ([(k, right)] if right % side else []) + ([(k, down)] if down < side**2 else [])
        for a, b in pairs:
            metres = float(rng.uniform(1, 1.4))
            edges += [(int(at[a]), int(at[b]), metres), (int(at[b]), int(at[a]), metres)]
    edges.sort(key=lambda edge: edge[0])
    return build_graph(side * side, edges, position_m=position, **options), at


def test_the_same_query_again(engine):
    """Labels are forgotten between queries: paths and counts repeat, also after others."""
    graph, at = lattice()
    first = plan(graph, int(at[0]), int(at[-1]))
    assert first.engine == engine
    for k in range(1, 1500, 101):
        plan(graph, int(at[k]), int(at[-k]))
    again = plan(graph, int(at[0]), int(at[-1]))
    assert again.stats == first.stats
    np.testing.assert_array_equal(again.path.nodes, first.path.nodes)


def test_blocking_and_updates_are_seen(engine):
    graph, at = lattice()
    costs = CostField(graph, layers=[Layer("risk", np.zeros(graph.size))])
    start, goal = int(at[0]), int(at[-1])
    for step in range(6):
        result = plan(graph, start, goal, costs=costs)
        assert result.engine == engine
        loop = plan(graph, start, goal, costs=costs, engine="generic")
        assert close(result.cost, loop.cost, 1e-9)
        middle = result.path.nodes[len(result.path) // 2 :][:3]
        if step % 2:
            costs.update("risk", middle, [5.0] * middle.size)
        else:
            graph = graph.with_blocked(middle, True)
            assert not set(plan(graph, start, goal, costs=costs).path.nodes) & set(middle.tolist())


def test_names_of_nodes_do_not_matter(engine):
    one, at = lattice(seed=1)
    two, other = lattice(seed=1)  # the same draws
    np.testing.assert_array_equal(at, other)
    names = np.random.default_rng(9).permutation(one.size)
    edges = [(int(names[u]), int(names[v]), float(m)) for u, v, m in
             zip(one.sources, one.indices, one.length_m, strict=True)]  # fmt: skip
    position = np.empty_like(one.position_m)
    position[names] = one.position_m
    renamed = build_graph(one.size, sorted(edges, key=lambda e: e[0]), position_m=position)
    for k in range(20):
        a, b = int(at[k]), int(at[-7 * k - 1])
        assert close(plan(two, a, b).cost, plan(renamed, int(names[a]), int(names[b])).cost, 1e-12)
        assert close(plan(two, a, b).cost, plan(two, b, a).cost, 1e-12)  # every street both ways


def test_a_part_that_cannot_be_reached(engine):
    graph = build_graph(4, [(0, 1, 1.0), (1, 0, 1.0), (2, 3, 1.0), (3, 1, 1.0)],
                        position_m=[[0, 0], [1, 0], [1e9, 0], [1e9, 1]])  # fmt: skip
    assert plan(graph, 0, 3).status == "no_path"
    assert plan(graph, 0, 3).engine == engine
    assert plan(graph, 2, 0).cost == 3.0


def test_the_pool_grows(engine):
    leaves = 20_000
    edges = [(0, leaf, 1.0 + leaf % 7) for leaf in range(1, leaves - 1)]
    edges += [(leaf, leaves - 1, 9.0 - leaf % 7) for leaf in range(1, leaves - 1)]
    graph = build_graph(leaves, edges)
    for _ in range(2):
        assert plan(graph, 0, leaves - 1).cost == 10.0


def test_where_buckets_are_too_wide_the_loop_answers(engine, monkeypatch):
    called = []
    loop = point_to_point.loop
    monkeypatch.setattr(point_to_point, "loop", lambda q: called.append(1) or loop(q))
    graph = doubling(18)
    result = plan(graph, 0, 36)
    assert result.cost == 0.0
    assert called, "the buckets were expected to give up"
    called.clear()
    assert plan(graph, 0, 1).cost == 0.0 and not called, "what was given up leaves nothing behind"


def test_an_interrupted_query_leaves_nothing_behind(engine, monkeypatch):
    graph, at = lattice()
    start, goal = int(at[0]), int(at[-1])
    expected = plan(graph, start, goal)

    def interrupted(name):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(point_to_point, "compiled", interrupted)
        with pytest.raises(KeyboardInterrupt):
            plan(graph, start, goal)
    assert plan(graph, start, goal).stats == expected.stats


def test_threads_do_not_meet(engine):
    graph, at = lattice()
    queries = [(int(at[k]), int(at[-k - 1])) for k in range(60)]
    expected = [plan(graph, *query).cost for query in queries]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda query: plan(graph, *query).cost, queries)) == expected


def test_what_does_not_fit_goes_to_the_loop(engine):
    nothing = build_graph(2, [(0, 1, 0.0)])
    huge = build_graph(3, [(0, 1, 1e149), (1, 2, 1e-149)])
    graph, at = lattice(6)
    for map_, options in (
        (nothing, {}),
        (graph, {"strategy": "ucs"}),
        (graph, {"strategy": "wastar"}),
        (graph, {"max_expansions": 500}),
        (graph, {"trace": True}),
        (graph, {"heuristic": "zero"}),
    ):
        result = plan(map_, int(at[0]) if map_ is graph else 0, 1, **options)
        assert (result.status, result.engine) == ("found", "generic"), options
    assert plan(huge, 0, 2).cost == 1e149


def test_the_rule(engine):
    """The line leads where it sees half of the costs; other graphs are searched from both ends."""
    graph, at = lattice()
    dear = CostField(graph, layers=[Layer("risk", np.arange(graph.size) % 2, 9.0)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(point_to_point, "SEEN", 0.5)
        assert plan(graph, int(at[0]), int(at[-1])).engine == "bucket-astar"
        assert plan(graph, int(at[0]), int(at[-1]), costs=dear).engine == "bidirectional"
        blind = GraphMap(graph.indptr, graph.indices, graph.length_m)
        assert plan(blind, int(at[0]), int(at[-1])).engine == "bidirectional"
        patch.setattr(point_to_point, "BRANCHING", 4.0)
        assert plan(graph, int(at[0]), int(at[-1])).engine == "bidirectional"
        patch.setattr(point_to_point, "SMALL", graph.size + 1)
        assert plan(graph, int(at[0]), int(at[-1])).engine == "generic"


def test_orders_name_every_node_once(engine):
    graph, _ = lattice(16)
    blind = GraphMap(graph.indptr, graph.indices, graph.length_m)
    for map_ in (graph, blind):
        rows = ordered.ordered(map_)
        np.testing.assert_array_equal(np.sort(rows.node), np.arange(map_.size))
        np.testing.assert_array_equal(rows.place[rows.node], np.arange(map_.size))
        u = rows.node[np.repeat(np.arange(map_.size), np.diff(rows.indptr))]
        np.testing.assert_array_equal(u, map_.sources[rows.edge])
        np.testing.assert_array_equal(rows.node[rows.indices], map_.indices[rows.edge])
        v = rows.node[np.repeat(np.arange(map_.size), np.diff(rows.back_indptr))]
        np.testing.assert_array_equal(v, map_.indices[rows.back_edge])
        np.testing.assert_array_equal(rows.node[rows.back_indices], map_.sources[rows.back_edge])
        assert ordered.ordered(map_.with_blocked([3], True)) is rows


def test_a_hilbert_curve_visits_neighbours_in_turn(engine):
    side = 32
    position = np.stack(np.divmod(np.arange(side * side), side), axis=1).astype(float)
    walked = position[ordered._along_hilbert(position)]
    # a lattice of 32 in a curve of 2^16: cells in the order of a curve of order 5
    assert (np.abs(np.diff(walked, axis=0)).sum(axis=1) == 1).mean() > 0.9
