"""Jump points: the optimum on every map, by every rule of pruning, across borders of words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from uniform import (
    drawing,
    judge,
    judge_all_goals,
    plain_python,
    queries,
    random_map,
    same_as_generic,
)

from planners import CostField, GridMap, Layer, plan
from planners.check import exact_costs
from planners.kernels import jump_points

ENGINE = "jump-points"


def test_random_maps():
    judged = 0
    for k in range(250):
        rng = np.random.default_rng([201, k])
        grid = random_map(rng, "eight")
        free = np.flatnonzero(~grid.blocked.ravel())
        if free.size:
            goals = rng.choice(free, 6)
            judged += judge_all_goals(grid, int(rng.choice(free)), ENGINE, goals)
    assert judged > 1200


def test_every_pair_of_cells_of_small_maps():
    for k in range(25):
        rng = np.random.default_rng([202, k])
        grid = GridMap(rng.random(rng.integers(1, 8, 2)) < rng.choice([0.15, 0.3, 0.45]))
        for start in np.flatnonzero(~grid.blocked.ravel()).tolist():
            judge_all_goals(grid, start, ENGINE)


@settings(deadline=None, max_examples=300)
@given(queries("eight"))
def test_any_map(query):
    grid, start, goal = query
    if start != goal:
        judge(grid, start, goal, float(exact_costs(grid, start)[goal]), ENGINE)
    same_as_generic(grid, start, goal, ENGINE)


@pytest.mark.parametrize("side", [62, 63, 64, 65, 127, 128, 129])
@pytest.mark.parametrize("turned", [False, True])
def test_gaps_at_the_borders_of_words(side, turned):
    """Walls with one gap, at each column around a border of words, met from all four sides."""
    for gap in sorted({0, side - 1, *(g for g in (61, 62, 63, 64, 65, 126, 127) if g < side)}):
        blocked = np.zeros((7, side), dtype=bool)
        blocked[3] = True
        blocked[3, gap] = False
        grid = GridMap(blocked.T if turned else blocked)
        for start in ((0, 0), (6, 0), (0, side - 1), (2, gap), (6, side // 2)):
            node = grid.node(start[::-1] if turned else start)
            ends = [grid.node(c[::-1] if turned else c) for c in ((6, side - 1), (0, 1), (4, gap))]
            judge_all_goals(grid, node, ENGINE, ends)


CORNERS = [
    "..#.. ..... .....",
    "..... .#.#. .....",
    "...#. .#... ...#. .#...",
    ".#. .#. ...",
    ".#.. ..#. #... ....",
    "..... .###. .#... .#.#. .....",
    ".#.#. #...# ..#.. #...# .#.#.",
    "....... .#####. .....#. .###.#. .#...#. .#####. .......",
]


@pytest.mark.parametrize("text", CORNERS)
def test_around_corners(text):
    for grid in (drawing(text), GridMap(drawing(text).blocked.T)):
        for start in np.flatnonzero(~grid.blocked.ravel()).tolist():
            judge_all_goals(grid, start, ENGINE)


def test_a_corner_is_not_cut():
    """The diagonal past a blocked cell is illegal: the way round it stops beside it."""
    result = judge(drawing(".. #."), 0, 3, 2.0, ENGINE)
    assert result.path.cells.tolist() == [[0, 0], [0, 1], [1, 1]]


def test_a_goal_that_cannot_be_reached():
    grid = drawing("..#.. ..#.. ..#..")
    result = judge(grid, 0, 14, math.inf, ENGINE)
    assert result.stats.expanded >= 1
    judge(drawing(".# #."), 0, 3, math.inf, ENGINE)


def test_a_diagonal_that_is_cut_into_pieces():
    """A diagonal longer than one jump may be goes on where it was cut."""
    side = 3 * jump_points.CUT + 5
    blocked = np.zeros((side, side), dtype=bool)
    blocked[-2, 1:] = True  # the goal lies behind a wall: no way is straight ahead
    grid = GridMap(blocked)
    for start in (grid.node((0, side - 1)), grid.node((0, 0))):
        optimum = float(exact_costs(grid, start)[grid.size - 1])
        judge(grid, start, grid.size - 1, optimum, ENGINE)


def test_uniform_costs_scale_the_answer():
    for k in range(60):
        rng = np.random.default_rng([203, k])
        blocked = rng.random((9, 11)) < 0.25
        grid = GridMap(blocked, cell_size_m=float(rng.choice([0.05, 1.0, 3.0])))
        zone = np.where(blocked, 9.0, 2.0)  # values on blocked cells do not count
        costs = CostField(grid, base=float(rng.choice([0.0, 0.7])), layers=[Layer("zone", zone)])
        start, goal = (int(node) for node in rng.choice(np.flatnonzero(~blocked.ravel()), 2))
        same_as_generic(grid, start, goal, ENGINE, costs)


def test_an_update_takes_the_engine_away_and_gives_it_back():
    grid = GridMap(np.zeros((6, 6)))
    costs = CostField(grid, layers=[Layer("risk", np.zeros((6, 6)))])
    assert plan(grid, 0, 35, costs=costs).engine == ENGINE
    costs.update("risk", [14], [5.0])
    assert plan(grid, 0, 35, costs=costs).engine == "generic"
    with pytest.raises(ValueError, match="'jump-points' needs uniform costs"):
        plan(grid, 0, 35, costs=costs, engine=ENGINE)
    costs.update("risk", [14], [0.0])
    assert plan(grid, 0, 35, costs=costs).engine == ENGINE
    blocked = grid.with_blocked([20], True)
    costs.update("risk", [20], [5.0])
    assert plan(grid, 0, 35, costs=costs).engine == "generic"
    assert plan(blocked, 0, 35, costs=costs).engine == ENGINE  # the odd cell is blocked there


def test_a_patched_map_has_lines_of_its_own():
    grid = GridMap(np.zeros((5, 5)))
    assert plan(grid, 10, 14).cost == 4.0
    walled = grid.with_blocked([7, 12, 17], True)
    judge_all_goals(walled, 10, ENGINE)
    assert plan(grid, 10, 14).cost == 4.0


REFUSED = [
    ({"strategy": "ucs"}, {}, "strategy 'astar'"),
    ({"trace": True}, {}, "a question without guidance, heuristic, trace"),
    ({"max_expansions": 5}, {}, "a question without guidance, heuristic, trace"),
    ({"heuristic": "octile"}, {}, "a question without guidance, heuristic, trace"),
    ({}, {"moves": "four"}, "a GridMap with moves='eight'"),
    ({}, {"moves": "eight-any"}, "a GridMap with moves='eight'"),
    ({}, {"one_way": np.full((3, 3), 255)}, "a map without one_way"),
]


@pytest.mark.parametrize(("options", "rules", "needs"), REFUSED)
def test_what_does_not_fit_is_refused_by_name_and_left_to_the_loop(options, rules, needs):
    grid = GridMap(np.zeros((3, 3)), **rules)
    assert plan(grid, 0, 8, **options).engine != ENGINE
    for goal in (8, 0):
        with pytest.raises(ValueError, match=f"engine 'jump-points' needs {needs}"):
            plan(grid, 0, goal, engine=ENGINE, **options)


@pytest.mark.parametrize("base", [0.0, 1.0])
def test_zero_and_edge_paces_are_left_to_the_loop(base):
    grid = GridMap(np.zeros((3, 3)))
    edges = [Layer("edge", np.ones((8, 3, 3)))] if base else []
    assert plan(grid, 0, 8, costs=CostField(grid, base, edges)).engine == "generic"


def answers(grid, start):
    """Everything that repeats of every query from one cell."""
    free = np.flatnonzero(~grid.blocked.ravel()).tolist()
    results = [plan(grid, start, goal, engine=ENGINE) for goal in free]
    return [(r.status, r.cost, r.stats, None if r.path is None else r.path.cells.tolist())
            for r in results]  # fmt: skip


def small_maps(seed):
    for k in range(25):
        rng = np.random.default_rng([seed, k])
        grid = random_map(rng, "eight", most=7)
        if not grid.blocked.all():
            yield grid, int(np.flatnonzero(~grid.blocked.ravel())[0])
    rng = np.random.default_rng(seed)
    wide = GridMap(rng.random((3, 130)) < 0.15)
    yield wide, int(np.flatnonzero(~wide.blocked.ravel())[0])


def test_compiled_and_plain_python_give_the_same(monkeypatch):
    expected = [answers(grid, start) for grid, start in small_maps(204)]
    plain_python(monkeypatch)
    assert [answers(grid, start) for grid, start in small_maps(204)] == expected


def test_without_forced_turns_it_fails(monkeypatch):
    plain_python(monkeypatch)
    monkeypatch.setattr(jump_points, "forced", lambda *_: 0)
    with pytest.raises(AssertionError):
        for grid, start in small_maps(205):
            judge_all_goals(grid, start, ENGINE)


def test_without_going_on_where_a_diagonal_was_cut_it_fails(monkeypatch):
    plain_python(monkeypatch)
    monkeypatch.setattr(jump_points, "CUT", 1)
    for grid, start in small_maps(205):  # the shortest piece there can be is enough
        judge_all_goals(grid, start, ENGINE)
    expand = jump_points.expand
    monkeypatch.setattr(
        jump_points, "expand", lambda *query: None if query[3] & 1 else expand(*query)
    )
    with pytest.raises(AssertionError):
        for grid, start in small_maps(205):
            judge_all_goals(grid, start, ENGINE)


def test_work_arrays_grow_in_the_middle_of_a_search():
    """More nodes wait than the first arrays hold: the search stops, is given more, and goes on."""
    side = 400
    rng = np.random.default_rng(206)
    blocked = rng.random((side, side)) < 0.3
    blocked[0, 0] = blocked[-1, -1] = False
    blocked[-2, -3:] = blocked[-3:, -2] = True  # the goal is walled in
    grid = GridMap(blocked)
    result = judge(grid, 0, grid.size - 1, math.inf, ENGINE)
    assert result.stats.generated > 8000
    again = plan(grid, 0, grid.size - 1)
    assert again.stats == result.stats


GOLDEN = (274, 382, 0, 112)


def test_golden_counts():
    rng = np.random.default_rng(207)
    blocked = rng.random((60, 60)) < 0.2
    blocked[:2, :2] = blocked[-2:, -2:] = False
    stats = plan(GridMap(blocked), 0, 3599).stats
    counts = (stats.expanded, stats.generated, stats.reopened, stats.max_frontier)
    assert counts == GOLDEN


def test_published_optima(shared_data):
    from experiments.verify import load_queries, verify_scenario

    for name in ("arena2", "maze512-8-0", "random512-20-0", "lak303d"):
        loaded, scenario = load_queries(shared_data / "movingai" / f"{name}.map.scen", None)
        found = verify_scenario(loaded, scenario, engine=ENGINE, limit=60)
        assert found.passed and found.scenarios == 60, found.findings
