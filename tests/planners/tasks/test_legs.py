"""Ways summed down a field's tree, against the nodes of the way written out and explained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from instances import graph_problems, grid_problems, random_graph, random_grid

from planners import CostField, GridMap, Layer, cost_to_come, cost_to_go
from planners.kernels import walk
from planners.kernels.compiled import compiled
from planners.tasks import assess, legs
from planners.tasks.deep import make_instance
from planners.tasks.legs import FieldCache
from planners.tasks.spans import Drive, LegSpans
from planners.walks import steps


def costs_of(problem: Any) -> CostField:
    return problem.costs if problem.costs is not None else CostField(problem.map, base=2.0)


def check_way(problem: Any, role: str) -> int:
    """Compare one way with its nodes; returns how many moves it has, -1 where there is none."""
    map, costs, (start, goal) = problem.map, costs_of(problem), (problem.start, problem.goal)
    cache = FieldCache()
    cache.bind(map, costs)
    way = cache.way(role, start, goal)
    explore, root, far = (
        (cost_to_come, start, goal) if role == "from" else (cost_to_go, goal, start)
    )
    field = explore(map, map.label(root), costs)
    nodes = field.path(far)
    if not nodes.size:
        assert way is None
        return -1
    assert way is not None
    parts = costs.explain(nodes)
    lengths, _ = steps(map, nodes, costs)
    assert way.layers.keys() == parts.keys()
    for name, cost in parts.items():
        assert way.layers[name] == pytest.approx(cost, rel=1e-12, abs=1e-12)
    assert way.length_m == pytest.approx(math.fsum(lengths), rel=1e-12)
    assert way.cost_s == pytest.approx(field.values[far], rel=1e-5, abs=1e-9)  # pace is float32
    return int(nodes.size) - 1


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("role", ["from", "to"])
def test_a_way_is_the_sum_of_its_moves(make: Any, role: str) -> None:
    moves = [check_way(make(np.random.default_rng([71, k])), role) for k in range(300)]
    assert sum(m > 0 for m in moves) > 100
    assert min(moves) == -1


@settings(deadline=None)
@given(grid_problems())
def test_any_way_on_a_grid_is_measured_right(problem: Any) -> None:
    check_way(problem, "from")
    check_way(problem, "to")


@settings(deadline=None)
@given(graph_problems())
def test_any_way_on_a_graph_is_measured_right(problem: Any) -> None:
    check_way(problem, "from")
    check_way(problem, "to")


def test_a_way_longer_than_the_buffers_is_measured_right() -> None:
    blocked = np.zeros((61, 30), dtype=bool)
    blocked[1::4, :-1] = blocked[3::4, 1:] = True
    rng = np.random.default_rng(5)
    grid = GridMap(blocked, moves="four")
    costs = CostField(grid, layers=[Layer("risk", rng.random(blocked.shape), 3.0)])
    cache = FieldCache()
    cache.bind(grid, costs)
    way = cache.way("from", 0, grid.size - 1)
    nodes = cost_to_come(grid, 0, costs).path(grid.size - 1)
    assert nodes.size > 2 * legs.FIRST_ROOM
    assert way is not None
    assert way.layers == pytest.approx(costs.explain(nodes), rel=1e-12)


def test_kernels_are_their_python() -> None:
    """The compiled sums and those of the same source as plain Python agree bit for bit."""
    problem = random_grid(np.random.default_rng(3), side=12)
    costs = CostField(problem.map, base=1.0)
    free = np.flatnonzero(~problem.map.blocked.reshape(-1))
    field = cost_to_come(problem.map, problem.map.label(int(free[0])), costs)
    values = np.random.default_rng(4).random(problem.map.size)
    values.flags.writeable = False
    far = int(free[np.argmax(np.where(np.isfinite(field.values), field.values, -1)[free])])
    answers = []
    for moves, weigh in (
        (walk.moves_on_grid, walk.weigh),
        (compiled("moves_on_grid"), compiled("weigh")),
    ):
        (entered, edges), lengths = np.zeros((2, 64), dtype=np.int64), np.zeros(64)
        count = moves(field.parents, far, False, problem.map.cols, 1.0, entered, edges, lengths)
        total = weigh(lengths, values, entered, count)
        answers.append((count, total, entered.tolist(), edges.tolist(), lengths.tolist()))
    assert answers[0] == answers[1]
    assert answers[0][0] > 3


def test_fields_of_a_very_large_map_go_with_the_decision(a_snapshot, monkeypatch) -> None:
    small, kept, own = a_snapshot(3), FieldCache(), FieldCache()
    first = assess(small, kept)
    monkeypatch.setattr(legs, "KEPT_NODES", small.map.size - 1)
    second = assess(small, own)
    assert len(kept._fields) > 0 == len(own._fields)
    assert [c.terms for c in first.candidates] == [c.terms for c in second.candidates]


def test_every_way_to_decide_keeps_no_field_of_a_very_large_map(a_snapshot, monkeypatch) -> None:
    small = a_snapshot(3)
    for keeps, most in ((True, small.map.size), (False, small.map.size - 1)):
        monkeypatch.setattr(legs, "KEPT_NODES", most)
        for use in (
            lambda cache: assess(small, cache),
            lambda cache: make_instance(small, small.orders, cache=cache),
            lambda cache: LegSpans(small, cache).leg(Drive(small.robot, 9, along=False)),
        ):
            cache = FieldCache()
            use(cache)
            assert (len(cache._fields) > 0) == keeps
