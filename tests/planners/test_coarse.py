"""Estimates on tiles: against the definition worked out by hand, and what must not change them."""

from __future__ import annotations

import gc
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import MOVES, grid_problems, values_for
from oracles import COMPASS, dijkstra, grid_adjacency

from planners import CostField, GridMap, Guidance, Layer, check, coarse, plan
from planners.coarse import coarse_between, coarse_cost_to_go, tabulate, tile_map
from planners.kernels import tiles as kernel
from planners.kernels.compiled import compiled
from planners.kernels.tiles import UNREACHED, tile_estimate

SQRT2 = math.sqrt(2.0)


def random_field(seed, shape=None, moves=None, one_way=False, edges=False, blocked=0.25):
    """A layered grid, and what it was made of."""
    rng = np.random.default_rng([61, seed])
    shape = shape or tuple(int(side) for side in rng.integers(1, 14, 2))
    walls = rng.random(shape) < blocked
    moves = moves or MOVES[seed % 4]
    mask = rng.integers(0, 256, shape) | np.where(rng.random(shape) < 0.7, 255, 0)
    risk = values_for(rng, shape).astype(float)
    edge = values_for(rng, (8, *shape)).astype(float) if edges else None
    layers = [Layer("risk", risk, 2.0)] + ([Layer("edge", edge)] if edges else [])
    metres = float(rng.choice([0.05, 1.0, 2.5]))
    grid = GridMap(walls, metres, moves, mask if one_way else None)
    parts = {"pace": 1 + 2 * risk, "edge": edge, "metres": metres, "walls": walls}
    parts["adjacency"] = grid_adjacency(
        walls.tolist(), moves, metres, mask if one_way else None, (1 + 2 * risk).tolist(), edge
    )
    return grid, CostField(grid, layers=layers), parts


def tiles_by_hand(grid, parts, side):
    """Tile paces and a networkx graph of the tiles, by the definition, from adjacency lists."""
    directions = {step: k for k, step in enumerate(COMPASS)}
    inside, links = {}, set()
    for u, leaving in enumerate(parts["adjacency"]):
        row, col = divmod(u, grid.cols)
        if parts["walls"][row, col]:
            continue
        value = parts["pace"][row, col]
        targets = [divmod(v, grid.cols) for v, _ in leaving]
        if parts["edge"] is not None and targets:
            value += np.mean([
                parts["edge"][directions[r - row, c - col], row, col] for r, c in targets
            ])  # fmt: skip
        here = row // side, col // side
        inside.setdefault(here, []).append(value)
        links |= {(here, (r // side, c // side)) for r, c in targets}
    pace = {tile: 0.75 * np.mean(values) + 0.25 * min(values) for tile, values in inside.items()}
    graph = nx.DiGraph()
    graph.add_nodes_from(pace)
    for here, there in links:
        if here != there:
            metres = side * parts["metres"] * math.dist(here, there)
            graph.add_edge(here, there, cost=metres * (pace[here] + pace[there]) / 2)
    return pace, graph


def estimate_by_hand(grid, parts, side, goal, v):
    """E(v) as the docstring says it."""
    pace, graph = tiles_by_hand(grid, parts, side)
    row, col = divmod(v, grid.cols)
    goal_row, goal_col = divmod(goal, grid.cols)
    root = goal_row // side, goal_col // side
    if root not in graph:
        return None
    to_goal = nx.single_source_dijkstra_path_length(graph.reverse(), root, weight="cost")
    if (row // side, col // side) not in to_goal:
        return UNREACHED
    y, x = (row + 0.5) / side - 0.5, (col + 0.5) / side - 0.5
    total = weights = 0.0
    for r in (math.floor(y), math.floor(y) + 1):
        for c in (math.floor(x), math.floor(x) + 1):
            if (r, c) in to_goal:
                weight = (1 - abs(y - r)) * (1 - abs(x - c))
                total, weights = total + weight * to_goal[r, c], weights + weight
    away = sorted((abs(row - goal_row), abs(col - goal_col)))
    if away[1] > side:
        return total / weights
    diagonal = 2.0 if grid.moves == "four" else SQRT2
    straight = parts["metres"] * pace[root] * (away[1] - away[0] + diagonal * away[0])
    return min(total / weights, straight)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("one_way, edges", [(False, False), (True, False), (True, True)])
def test_the_definition_by_hand(side, one_way, edges):
    for seed in range(12):
        grid, costs, parts = random_field(seed, one_way=one_way, edges=edges)
        rng = np.random.default_rng(seed)
        free = np.flatnonzero(~grid.blocked.ravel())
        if not free.size:
            continue
        goal = int(rng.choice(free))
        table = tabulate(coarse_cost_to_go(grid, goal, costs, side), grid.size)
        for v in rng.choice(free, min(8, free.size), replace=False).tolist():
            expected = estimate_by_hand(grid, parts, side, goal, v)
            assert table[v] == pytest.approx(expected, rel=1e-5, abs=1e-5)
        assert table[goal] == 0.0


@pytest.mark.parametrize("side", [1, 3, 4])
def test_lazy_and_tabulated_compiled_and_plain(side):
    for seed in range(8):
        grid, costs, _ = random_field(seed, one_way=bool(seed % 2))
        goal = int(np.argmin(grid.blocked))
        if grid.is_blocked(goal):
            continue
        for tiles in (
            coarse_cost_to_go(grid, goal, costs, side),
            coarse_between(grid, grid.size - 1, goal, costs, side)[0],
        ):
            lazily = [tile_estimate(tiles, v, *divmod(v, grid.cols)) for v in range(grid.size)]
            np.testing.assert_allclose(tabulate(tiles, grid.size), lazily, rtol=1e-12)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_compiled_kernels_equal_plain_ones(side):
    for seed in range(6):
        grid, costs, _ = random_field(seed, edges=bool(seed % 2), one_way=True)
        tile_cols = -(-grid.cols // side)
        tiles = -(-grid.rows // side) * tile_cols
        edge = np.empty(0, dtype=np.float32) if costs.edge_pace is None else costs.edge_pace
        found = []
        for links, paces in (
            (kernel.tile_links, kernel.tile_paces),
            (compiled("tile_links"), compiled("tile_paces")),
        ):
            arrival = np.zeros(tiles, dtype=np.uint8)
            sums = np.zeros(tiles), np.full(tiles, np.inf), np.zeros(tiles)
            links(grid.move_mask, grid.cols, side, tile_cols, arrival)
            paces(grid.blocked.reshape(-1), grid.move_mask, costs.pace, edge, grid.cols, side,
                  tile_cols, *sums)  # fmt: skip
            found.append([arrival, *sums])
        for plain, fast in zip(*found, strict=True):
            np.testing.assert_allclose(plain, fast, rtol=1e-12)


TURNS = (lambda a: np.rot90(a, 1), lambda a: np.rot90(a, 2), np.fliplr, np.flipud, np.transpose)


@pytest.mark.parametrize("moves", MOVES)
def test_turned_and_mirrored(moves):
    """Sides that are a multiple of the tile's: else the small tiles change places."""
    for seed in range(5):
        grid, costs, parts = random_field(seed, (12, 16), moves)
        goal = int(np.flatnonzero(~grid.blocked.ravel())[seed])
        straight = tabulate(coarse_cost_to_go(grid, goal, costs), grid.size).reshape(grid.shape)
        for turn in TURNS:
            turned = GridMap(turn(grid.blocked), grid.cell_size_m, moves)
            layer = Layer("risk", turn((parts["pace"] - 1) / 2), 2.0)
            there = int(turn(np.arange(grid.size).reshape(grid.shape)).ravel().tolist().index(goal))
            table = tabulate(
                coarse_cost_to_go(turned, there, CostField(turned, layers=[layer])), grid.size
            )
            np.testing.assert_allclose(table.reshape(turned.shape), turn(straight), rtol=1e-6)


def test_a_layer_of_weight_zero_changes_nothing():
    for seed in range(6):
        grid, _, parts = random_field(seed, (9, 13))
        risk = Layer("risk", (parts["pace"] - 1) / 2, 2.0)
        noise = np.random.default_rng(seed).random((8, 9, 13))
        goal = int(np.argmin(grid.blocked))
        tables = [
            tabulate(coarse_cost_to_go(grid, goal, CostField(grid, layers=layers)), grid.size)
            for layers in ([risk], [risk, Layer("off", noise[0], 0.0), Layer("no", noise, 0.0)])
        ]
        np.testing.assert_array_equal(*tables)


def test_costs_twice_as_high_are_estimated_twice_as_high():
    grid, _, parts = random_field(3, (20, 24))
    goal = int(np.argmin(grid.blocked))
    once, twice = (
        tabulate(
            coarse_cost_to_go(grid, goal, CostField(grid, k, [Layer("r", parts["pace"], k)])), 480
        )
        for k in (1.0, 2.0)
    )
    reached = once < UNREACHED
    np.testing.assert_allclose(twice[reached], 2 * once[reached], rtol=1e-6)


@pytest.mark.parametrize("side", [1, 2, 4, 7])
@pytest.mark.parametrize("one_way", [False, True])
def test_a_node_without_estimate_has_no_way(side, one_way):
    """The converse is not claimed: tiles join what a wall inside them parts."""
    hopeless = 0
    for seed in range(30):
        grid, costs, parts = random_field(seed, one_way=one_way, blocked=0.45)
        goal = int(np.argmin(grid.blocked))
        if grid.is_blocked(goal):
            continue
        backward = [[] for _ in range(grid.size)]
        for u, leaving in enumerate(parts["adjacency"]):
            for v, cost in leaving:
                backward[v].append((u, cost))
        exact = np.array(dijkstra(backward, goal))
        table = tabulate(coarse_cost_to_go(grid, goal, costs, side), grid.size)
        assert np.isfinite(table).all() and (table >= 0).all()
        assert (table[np.isfinite(exact)] < UNREACHED).all()
        hopeless += int((table[~grid.blocked.ravel()] == UNREACHED).sum())
    assert hopeless > 0


def test_one_way_aisles_are_respected():
    """Eastbound only: what lies east of the goal is cut off."""
    east = np.full((1, 24), 1 << 2, dtype=np.uint8)
    grid = GridMap(np.zeros((1, 24)), one_way=east)
    table = tabulate(coarse_cost_to_go(grid, 11), 24)
    assert (table[12:] == UNREACHED).tolist() == [True] * 12 and (table[:12] < 12).all()
    assert not np.any(tabulate(coarse_cost_to_go(GridMap(np.zeros((1, 24))), 11), 24) == UNREACHED)


def test_blocked_goal_and_single_cell():
    grid = GridMap([[1, 0]])
    assert tabulate(coarse_cost_to_go(grid, 0, side=1), 2)[1] == UNREACHED
    assert tabulate(coarse_cost_to_go(GridMap([[0]]), 0), 1).tolist() == [0.0]
    assert tabulate(coarse_between(GridMap([[0]]), 0, 0)[0], 1).tolist() == [0.0]


def test_paces_of_zero():
    grid = GridMap(np.zeros((12, 12)))
    table = tabulate(coarse_cost_to_go(grid, 0, CostField(grid, base=0.0)), 144)
    assert (table == 0.0).all()
    costs = CostField(grid, 0.0, [Layer("risk", np.pad(np.ones((12, 4)), ((0, 0), (4, 4))))])
    table = tabulate(coarse_cost_to_go(grid, 0, costs), 144).reshape(12, 12)
    assert (table[0, 9:] > 0).all() and table[0, 0] == 0.0


def test_nothing_is_stale():
    rng = np.random.default_rng(0)
    grid = GridMap(np.zeros((24, 24)))
    costs = CostField(grid, layers=[Layer("risk", rng.random((24, 24)))])
    for make in (
        lambda grid, costs: coarse_cost_to_go(grid, 0, costs),
        lambda grid, costs: coarse_between(grid, 575, 0, costs)[0],
    ):
        before = tabulate(make(grid, costs), 576)
        np.testing.assert_array_equal(before, tabulate(make(grid, costs), 576))
        costs.update("risk", [300, 301], [50.0, 60.0])
        after = tabulate(make(grid, costs), 576)
        assert (after != before).any()
        fresh = CostField(grid, layers=[Layer("risk", costs.layer("risk"))])
        np.testing.assert_array_equal(after, tabulate(make(grid, fresh), 576))
        walled = grid.with_blocked([(row, 8) for row in range(23)], True)
        assert (tabulate(make(walled, costs), 576) != after).any()
        np.testing.assert_array_equal(tabulate(make(grid, costs), 576), after)
        costs.update("risk", [300, 301], [0.5, 0.5])


def test_kept_per_goal_and_forgotten_with_its_owner(monkeypatch):
    monkeypatch.setattr(coarse, "GOALS_KEPT", 3)
    grid = GridMap(np.zeros((16, 16)))
    costs = CostField(grid)
    first = coarse_cost_to_go(grid, 5, costs)
    assert coarse_cost_to_go(grid, 5, costs) is first
    for goal in (1, 5, 2, 3):
        coarse_cost_to_go(grid, goal, costs)
    assert list(tile_map(grid, costs).goals) == [5, 2, 3]
    gc.collect()
    before = len(coarse._KEPT)
    del first, costs
    gc.collect()
    assert len(coarse._KEPT) == before - 1


def test_misuse():
    grid, other = GridMap(np.zeros((4, 4))), GridMap(np.zeros((5, 4)))
    with pytest.raises(ValueError, match="side must be a whole number of cells >= 1, not 0"):
        coarse_cost_to_go(grid, 0, side=0)
    with pytest.raises(ValueError, match="does not fit"):
        coarse_cost_to_go(grid, 0, CostField(other))
    with pytest.raises(ValueError, match="outside"):
        coarse_cost_to_go(grid, 16)


# --- where tiles do not fit


def comb(side=100, corridor=4):
    """One long way up and down between thin walls: a maze without junctions."""
    blocked = np.zeros((side, side), dtype=bool)
    for k, col in enumerate(range(corridor, side, corridor + 1)):
        blocked[:, col] = True
        blocked[0 if k % 2 else -1, col] = False
    return blocked


def test_tiles_do_not_fit_a_maze():
    assert not coarse.tiles_fit(GridMap(comb()))
    assert not coarse.tiles_fit(GridMap(comb(), moves="four"))
    assert coarse.tiles_fit(GridMap(comb(corridor=19))), "few walls in a tile's way"
    rng = np.random.default_rng(0)
    assert coarse.tiles_fit(GridMap(rng.random((100, 100)) < 0.2))
    assert coarse.tiles_fit(GridMap([[1, 1]])) and coarse.tiles_fit(GridMap([[1, 0]]))


def test_coarse_over_exact_by_dijkstra():
    """The ratio that decides, from all distances of small maps."""
    for seed in range(6):
        grid, _, parts = random_field(seed, (11, 13), one_way=bool(seed % 2))
        plain = {**parts, "pace": np.ones(grid.shape), "edge": None}
        for goal in np.flatnonzero(~grid.blocked.ravel())[::40].tolist():
            backward = [[] for _ in range(grid.size)]
            for u in range(grid.size):
                nodes, lengths = grid.successors(u)
                for v, metres in zip(nodes.tolist(), lengths.tolist(), strict=True):
                    backward[v].append((u, metres))
            exact = np.array(dijkstra(backward, goal))
            _, graph = tiles_by_hand(grid, plain, 4)
            cells = np.flatnonzero(np.isfinite(exact) & (exact > 0))
            cells = cells[exact[cells] >= 0.5 * exact[cells].max(initial=0)]
            to_goal = nx.single_source_dijkstra_path_length(
                graph.reverse(), (goal // 13 // 4, goal % 13 // 4), weight="cost"
            )
            ratios = [to_goal[v // 13 // 4, v % 13 // 4] / exact[v] for v in cells.tolist()]
            expected = float(np.median(ratios)) if ratios else 1.0
            assert coarse._coarse_over_exact(grid, goal) == pytest.approx(expected, rel=1e-6)


def test_the_verdict_is_kept_by_patched_maps():
    grid = GridMap(comb())
    assert not coarse.tiles_fit(grid)
    open_again = grid.with_blocked(np.flatnonzero(grid.blocked.ravel()), False)
    assert not coarse.tiles_fit(open_again) and coarse.tiles_fit(GridMap(open_again.blocked))


def test_only_the_maze_of_the_benchmarks_is_one(shared_data):
    from envs.formats import load_map

    verdicts = {
        path.stem: coarse.tiles_fit(load_map(path).grid) for path in shared_data.rglob("*.map")
    }
    assert len(verdicts) >= 10
    assert [name for name, fits in verdicts.items() if not fits] == ["maze512-8-0"]


# --- as a lead


@settings(max_examples=40)
@given(problem=grid_problems(), side=st.integers(1, 4), weight=st.sampled_from([1.0, 1.5, 3.0]))
def test_it_leads_and_breaks_no_bound(problem, side, weight):
    expected = dijkstra(problem.adjacency, problem.start)[problem.goal]
    tiles = coarse_cost_to_go(problem.map, problem.goal, problem.costs, side)
    between, _ = coarse_between(problem.map, problem.start, problem.goal, problem.costs, side)
    for estimate in (tiles, between):
        table = tabulate(estimate, problem.map.size)
        assert np.isfinite(table).all() and (table >= 0).all()
        guidance = Guidance(estimate=table, lead_weight=coarse.LEAD_WEIGHT)
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar",
                      weight=weight, guidance=guidance)  # fmt: skip
        check(problem.map, result, problem.costs)
        if result.status == "found":
            assert result.cost <= weight * expected * (1 + 1e-6) + 1e-12
        elif result.status == "no_path":
            assert math.isinf(expected)


def hot_spots(side=128):
    rng = np.random.default_rng(7)
    rows, cols = np.mgrid[:side, :side]
    risk = np.zeros((side, side))
    for row, col in rng.uniform(0, side, (12, 2)):
        risk += 8 * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / 200)
    grid = GridMap(rng.random((side, side)) < 0.1)
    return grid, CostField(grid, layers=[Layer("risk", risk)])


def test_layers_seen_ahead_save_expansions():
    """Golden counts on hot spots: plain weighted A*, kept estimate, and estimate for one query."""
    grid, costs = hot_spots()
    free = np.flatnonzero(~grid.blocked.ravel())
    start, goal = int(free[0]), int(free[-1])
    plain = plan(grid, start, goal, costs=costs, strategy="wastar", engine="generic")
    between, expanded = coarse_between(grid, start, goal, costs)
    counts = [plain.stats.expanded]
    for estimate in (coarse_cost_to_go(grid, goal, costs), between):
        guidance = Guidance(estimate=tabulate(estimate, grid.size), lead_weight=coarse.LEAD_WEIGHT)
        led = plan(grid, start, goal, costs=costs, strategy="wastar", guidance=guidance,
                   engine="generic")  # fmt: skip
        assert led.cost <= 1.5 * plain.cost
        counts.append(led.stats.expanded)
    assert [*counts, expanded] == [6202, 1289, 1928, 69]
