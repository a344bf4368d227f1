"""numpy in, numpy out: any dtype, inputs untouched, results that nothing changes afterwards."""

from __future__ import annotations

import math
import pickle
import threading

import numpy as np
import pytest
from instances import open_grid, random_graph, random_grid

from planners import (
    CostField,
    GraphMap,
    GridMap,
    Guidance,
    Layer,
    Reward,
    cost_to_come,
    cost_to_go,
    plan,
)
from planners.check import edges_of
from planners.maps import COL_STEP, ROW_STEP

BLOCKED = np.array([[0, 0, 0, 1], [1, 1, 0, 1], [0, 0, 0, 0]], dtype=bool)
RISK = np.array([[0, 1, 2, 0], [0, 3, 0, 0], [4, 0, 1, 0]], dtype=float)


def padded(array):
    """The same values in every other cell of a larger array: neither C nor Fortran contiguous."""
    wide = np.zeros((array.shape[0] * 2, array.shape[1] * 2), dtype=array.dtype)
    wide[::2, ::2] = array
    return wide[::2, ::2]


def frozen(array):
    array = array.copy()
    array.flags.writeable = False
    return array


FORMS = {
    "bool": lambda a: a.astype(bool),
    "int8": lambda a: a.astype(np.int8),
    "uint16": lambda a: a.astype(np.uint16),
    "int64": lambda a: a.astype(np.int64),
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "big endian": lambda a: a.astype(">f8"),
    "list": lambda a: a.astype(int).tolist(),
    "tuple of lists": lambda a: tuple(a.astype(float).tolist()),
    "fortran": lambda a: np.asfortranarray(a.astype(float)),
    "every other": lambda a: padded(a.astype(float)),
    "backwards": lambda a: a.astype(float)[::-1][::-1],
    "read-only": lambda a: frozen(a.astype(float)),
}


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_blocked_and_layer(form):
    risk = RISK if form != "bool" else RISK > 0
    plain = GridMap(BLOCKED)
    plain_costs = CostField(plain, layers=[Layer("risk", risk.astype(float))])
    expected = plan(plain, (0, 0), (2, 0), costs=plain_costs)
    blocked, values = FORMS[form](BLOCKED), FORMS[form](risk)
    kept = pickle.dumps((blocked, values))
    grid = GridMap(blocked)
    costs = CostField(grid, layers=[Layer("risk", values)])
    result = plan(grid, (0, 0), (2, 0), costs=costs)
    assert result.cost == expected.cost
    assert result.path.nodes.tolist() == expected.path.nodes.tolist()
    assert pickle.dumps((blocked, values)) == kept


@pytest.mark.parametrize("form", [f for f in FORMS if f != "bool"])
def test_any_form_of_heuristic_reward_and_estimate(form):
    grid = GridMap(BLOCKED)
    for name, make in (
        ("heuristic", lambda v: {"heuristic": v}),
        ("reward", lambda v: {"guidance": Guidance(rewards=[Reward("r", v)])}),
        ("estimate", lambda v: {"guidance": Guidance(estimate=v)}),
    ):
        values = FORMS[form](RISK)
        kept = pickle.dumps(values)
        given = plan(grid, (0, 0), (2, 0), strategy="wastar", trace=True, **make(values))
        plain = plan(grid, (0, 0), (2, 0), strategy="wastar", trace=True, **make(RISK))
        assert given.trace.nodes.tolist() == plain.trace.nodes.tolist(), name
        assert pickle.dumps(values) == kept


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64, list])
def test_any_integers_for_one_way(dtype):
    mask = np.full((3, 4), 255)
    mask[0, 1] = 0b11111011  # the way east from (0, 1) is closed
    given = mask.tolist() if dtype is list else mask.astype(dtype)
    assert plan(GridMap(BLOCKED, one_way=given), (0, 0), (2, 0)).status == "no_path"
    assert plan(GridMap(BLOCKED, one_way=given), (0, 2), (0, 0)).status == "found"


@pytest.mark.parametrize("moves", ["four", "eight"])
def test_each_cell_has_its_node(moves):
    """By tuple, by list, by array, by node id, whatever the type of the numbers."""
    grid = GridMap(np.zeros((3, 4)), moves=moves)
    for node in range(12):
        cell = divmod(node, 4)
        forms = [cell, list(cell), np.array(cell, dtype=np.uint8), tuple(np.array(cell)), node]
        assert [grid.node(form) for form in forms] == [node] * 5
        assert grid.cell(node) == grid.label(node) == cell
        assert grid.cells([node]).tolist() == [list(cell)]
        reached, lengths = grid.successors(node)
        most = 1.1 if moves == "four" else 1.5
        away = [math.hypot(r - cell[0], c - cell[1]) for r in range(3) for c in range(4)]
        near = [there for there, metres in enumerate(away) if 0 < metres < most]
        assert sorted(reached.tolist()) == near
        apart = grid.positions_m(reached) - grid.positions_m([node])
        np.testing.assert_allclose(lengths, np.hypot(*apart.T))


def test_arrivals_are_the_departures_of_the_neighbours():
    for k in range(60):
        grid = random_grid(np.random.default_rng([97, k])).map
        arrivals = set()
        for node in range(grid.size):
            row, col = grid.cell(node)
            for bit, (dr, dc) in enumerate(zip(ROW_STEP, COL_STEP, strict=True)):
                if grid.arrival_mask[node] >> bit & 1:
                    arrivals.add((grid.node((row + dr, col + dc)), node))
        sources, targets, _ = edges_of(grid)
        assert arrivals == set(zip(sources.tolist(), targets.tolist(), strict=True))
        departures = {(u, v) for u in range(grid.size) for v in grid.successors(u)[0].tolist()}
        assert departures == arrivals


def test_later_changes_of_the_users_arrays_change_nothing():
    blocked, values, reward = BLOCKED.copy(), RISK.copy(), RISK.copy()
    mask = np.full((3, 4), 255, dtype=np.uint8)
    grid = GridMap(blocked, one_way=mask)
    costs = CostField(grid, layers=[Layer("risk", values)])
    before = plan(grid, (0, 0), (2, 0), costs=costs)
    blocked[:], values[:], mask[:], reward[:] = True, 1e9, 0, 1e9
    after = plan(grid, (0, 0), (2, 0), costs=costs)
    assert (after.cost, after.stats) == (before.cost, before.stats)


def test_graph_arrays_are_copied():
    indptr, indices, length = np.array([0, 1, 2, 2]), np.array([1, 2]), np.array([1.0, 2.0])
    position, closed = np.array([[0.0, 0], [1, 0], [3, 0]]), np.zeros(3, dtype=bool)
    graph = GraphMap(indptr, indices, length, position, blocked=closed)
    indptr[:], indices[:], length[:], position[:], closed[:] = 0, 0, 9, 9, True
    assert plan(graph, 0, 2).cost == 3.0


def test_arrays_of_maps_and_costs_are_read_only():
    problem = open_grid(0)
    graph = GraphMap([0, 1, 1], [1], [1.0], [[0, 0], [1, 0]])
    costs = problem.costs
    for array in (
        problem.map.blocked, costs.pace, costs.layer("risk"), graph.indptr, graph.indices,
        graph.length_m, graph.position_m, graph.blocked, cost_to_go(problem.map, 0).values,
    ):  # fmt: skip
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def arrays_of(result):
    path, trace = result.path, result.trace
    arrays = [trace.kinds, trace.nodes, trace.parents, trace.g]
    if path is not None:
        arrays += [a for a in (path.nodes, path.cells, path.edges) if a is not None]
    return arrays


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_results_never_alias_work_arrays(make):
    """Keep many results, overwrite some, plan again: nothing else changes."""
    for k in range(40):
        problem = make(np.random.default_rng([81, k]))
        query = {"costs": problem.costs, "trace": True}
        first = plan(problem.map, *problem.ends, **query)
        kept = [array.copy() for array in arrays_of(first)]
        field = cost_to_come(problem.map, problem.ends[0], problem.costs)
        values = field.values.copy()
        second = plan(problem.map, *problem.ends, **query)
        for array in arrays_of(second):
            if array.flags.writeable:
                array[...] = 7
        plan(problem.map, *problem.ends[::-1], **query)
        third = plan(problem.map, *problem.ends, **query)
        for array, before, again in zip(arrays_of(first), kept, arrays_of(third), strict=True):
            np.testing.assert_array_equal(array, before)
            np.testing.assert_array_equal(array, again)
        np.testing.assert_array_equal(field.values, values)
        assert not any(
            np.shares_memory(one, two) for one in arrays_of(first) for two in arrays_of(third)
        )


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_maps_and_costs_survive_pickle(make):
    for k in range(40):
        problem = make(np.random.default_rng([82, k]))
        before = plan(problem.map, *problem.ends, costs=problem.costs)
        map, costs = pickle.loads(pickle.dumps((problem.map, problem.costs)))  # noqa: S301
        after = plan(map, *problem.ends, costs=costs)
        assert (before.status, before.cost, before.stats) == (after.status, after.cost, after.stats)
        if costs is not None and costs.layers:
            name = costs.layers[0]
            for field in (problem.costs, costs):
                field.update(name, [0], [3.0])
            np.testing.assert_array_equal(costs.pace, problem.costs.pace)
            assert costs.version == problem.costs.version


def test_results_survive_pickle():
    problem = open_grid(0)
    one = plan(problem.map, 0, problem.goal, costs=problem.costs, trace=True)
    two = pickle.loads(pickle.dumps(one))  # noqa: S301
    assert (one.cost, one.stats, one.status) == (two.cost, two.stats, two.status)
    np.testing.assert_array_equal(one.path.cells, two.path.cells)


@pytest.mark.parametrize("kind", ["grid", "graph"])
def test_two_threads_on_one_map(kind):
    """Many queries at once give what they give one after another."""
    if kind == "grid":
        problem = open_grid(7, side=40)
    else:
        problem = random_graph(np.random.default_rng([83, 4]), most=60)
    rng = np.random.default_rng(0)
    free = np.flatnonzero(~problem.map.blocked.ravel())
    queries = [
        (problem.map.label(int(a)), problem.map.label(int(b)))
        for a, b in rng.choice(free, (150, 2)).tolist()
    ]
    strategies = ("astar", "wastar", "ucs", "greedy", "bfs")

    def answers(order):
        found = {}
        for k in order:
            result = plan(problem.map, *queries[k], costs=problem.costs,
                          strategy=strategies[k % len(strategies)])  # fmt: skip
            nodes = None if result.path is None else result.path.nodes.tolist()
            found[k] = (result.status, result.cost, result.certificate, result.stats, nodes)
        return found

    expected = answers(range(150))
    results, errors = [], []

    def work(order):
        try:
            results.append(answers(order))
        except BaseException as error:
            errors.append(error)

    orders = [list(range(150)), list(range(149, -1, -1)), rng.permutation(150).tolist()]
    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert all(result == expected for result in results)


def test_a_callable_may_plan_on_the_same_map():
    """A heuristic that itself asks the planner does not disturb the query that it serves."""
    problem = open_grid(3, side=6)

    def nested(cell, goal):
        return min(plan(problem.map, cell, goal).cost, 1e6)

    result = plan(problem.map, 0, problem.goal, costs=problem.costs, heuristic=nested)
    expected = plan(problem.map, 0, problem.goal, costs=problem.costs)
    assert result.cost == expected.cost
