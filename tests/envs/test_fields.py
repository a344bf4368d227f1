"""Fields of distances against scipy and networkx, which know nothing of masks and millimetres."""

from __future__ import annotations

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from envs_worlds import furnished, open_grid, zoned
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from envs import floor as floor_module
from envs.floor import Floor, Ways
from envs.kernels import ROOM, kernel
from envs.kernels.state import FAR
from envs.layouts import Layout, fulfilment
from envs.zones import Zone
from planners import GraphMap, GridMap

Field = npt.NDArray[np.int32]

STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))  # N, E, S, W


def grid_field(
    grid: GridMap, goal: int, shut: set[int], inside: npt.NDArray[np.bool_] | None = None
) -> list[int]:
    """Distances to the goal by scipy, from a list of moves made cell by cell."""
    tails, heads = [], []
    for row in range(grid.rows):
        for col in range(grid.cols):
            u = row * grid.cols + col
            mask = 255 if grid.one_way is None else int(grid.one_way[row, col])
            for k, (down, right) in enumerate(STEPS):
                r, c = row + down, col + right
                v = r * grid.cols + c
                if not (0 <= r < grid.rows and 0 <= c < grid.cols) or not mask >> 2 * k & 1:
                    continue
                if grid.blocked[row, col] or grid.blocked[r, c]:
                    continue
                if inside is not None and not (inside[u] and inside[v]):
                    continue
                # A shut node is neither entered nor left; only the goal may stand on one.
                if u in shut or (v in shut and v != goal):
                    continue
                tails.append(v)
                heads.append(u)
    size = grid.size
    moves = coo_array((np.ones(len(tails)), (tails, heads)), shape=(size, size)).tocsr()
    steps = dijkstra(moves, indices=goal)
    edge_mm = round(1000 * grid.cell_size_m)
    return [FAR if np.isinf(d) else round(d) * edge_mm for d in steps]


@st.composite
def grids(draw: st.DrawFn) -> tuple[GridMap, int, set[int], set[int]]:
    """A grid with walls and one-way cells, a free goal, closed and standing nodes."""
    rows, cols = draw(st.integers(1, 7)), draw(st.integers(2, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    blocked = rng.random((rows, cols)) < draw(st.sampled_from([0.0, 0.2, 0.4]))
    blocked.ravel()[:2] = False
    one_way = None
    if draw(st.booleans()):
        one_way = rng.integers(0, 256, (rows, cols)).astype(np.uint8)
        one_way[rng.random((rows, cols)) < 0.5] = 255
    grid = GridMap(blocked, draw(st.sampled_from([1.0, 0.7, 2.5])), "four", one_way)
    free = np.flatnonzero(~blocked.ravel())
    goal = int(rng.choice(free))
    closed, standing = (set(rng.choice(free, rng.integers(0, 3)).tolist()) for _ in range(2))
    return grid, goal, closed, standing - {goal}


def bare_floor(map: GridMap | GraphMap) -> Floor:
    """A floor of any map, places on one connected part or not."""
    made = Floor.__new__(Floor)
    fake = type("Bare", (), {"map": map, "zones": ()})()
    Floor.__init__(made, fake, 0.5)
    return made


@given(grids())
@settings(max_examples=120)
def test_grid_fields_are_shortest_ways(case: tuple[GridMap, int, set[int], set[int]]) -> None:
    grid, goal, closed, standing = case
    ways = Ways(floor := bare_floor(grid))
    floor.set_blocked(closed)
    row = ways.hold_detour(goal, False, standing)
    nowhere = [FAR] * grid.size
    expected = nowhere if goal in closed else grid_field(grid, goal, closed | standing)
    assert ways.fields[row].tolist() == expected
    assert floor.closed.tolist() == [int(n in closed) for n in range(grid.size)]


def graph_field(floor: Floor, goal: int, shut: set[int], drives: bool) -> list[int]:
    """Distances to the goal by networkx, on edges taken from the map one by one."""
    map_ = floor.drive_map if drives else floor.map
    assert isinstance(map_, GraphMap)
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(map_.size))
    blocked = np.asarray(map_.blocked)
    for u in range(map_.size):
        for e in range(map_.indptr[u], map_.indptr[u + 1]):
            v = int(map_.indices[e])
            if u in shut or (v in shut and v != goal) or blocked[u] or blocked[v]:
                continue
            graph.add_edge(v, u, mm=max(1, round(1000 * float(map_.length_m[e]))))
    found = nx.single_source_dijkstra_path_length(graph, goal, weight="mm")
    return [found.get(node, FAR) for node in range(map_.size)]


@st.composite
def graphs(draw: st.DrawFn) -> GraphMap:
    """A graph with parallel edges, self loops, nodes without edges, and ties."""
    size = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = int(rng.integers(0, 4 * size))
    tails = np.sort(rng.integers(0, size, count))
    heads = rng.integers(0, size, count)
    lengths = rng.choice([0.5, 1.0, 1.0, 2.5, 0.0001], count)
    indptr = np.concatenate(([0], np.cumsum(np.bincount(tails, minlength=size))))
    return GraphMap(indptr, heads, lengths, rng.random((size, 2)))


@given(graphs(), st.integers(0, 2**32 - 1))
@settings(max_examples=120)
def test_graph_fields_are_shortest_ways(graph: GraphMap, seed: int) -> None:
    rng = np.random.default_rng(seed)
    floor = bare_floor(graph)
    ways = Ways(floor)
    goal = int(rng.integers(graph.size))
    closed, standing = (
        set(rng.integers(0, graph.size, rng.integers(0, 3)).tolist()) for _ in range(2)
    )
    standing -= {goal}
    floor.set_blocked(closed)
    row = ways.hold_detour(goal, False, standing)
    nowhere = [FAR] * graph.size
    expected = nowhere if goal in closed else graph_field(floor, goal, closed | standing, False)
    assert ways.fields[row].tolist() == expected


@pytest.mark.parametrize("as_graph", [False, True])
def test_robots_keep_to_their_zones_and_people_do_not(as_graph: bool) -> None:
    layout = zoned().as_graph() if as_graph else zoned()
    floor = Floor(layout, 0.5)
    ways = Ways(floor)
    differ = 0
    for goal in (*layout.storage, *layout.stations):
        rows = [ways.fields[ways.hold(goal, drives)].tolist() for drives in (False, True)]
        for drives, row in zip((False, True), rows, strict=True):
            if as_graph:
                assert row == graph_field(floor, goal, set(), drives)
            else:
                grid = floor.drive_map if drives else floor.map
                assert isinstance(grid, GridMap)
                assert row == grid_field(grid, goal, set())
        differ += rows[0] != rows[1]
    assert differ > 3


def test_a_field_of_a_closed_goal_leads_nowhere() -> None:
    floor = bare_floor(open_grid(3, 3))
    floor.set_blocked([4])
    ways = Ways(floor)
    assert set(ways.fields[ways.hold(4, False)].tolist()) == {FAR}


@given(grids(), st.integers(1, 4))
@settings(max_examples=60)
def test_fields_of_districts_are_shortest_ways_within_them(
    case: tuple[GridMap, int, set[int], set[int]], side: int
) -> None:
    grid, goal, closed, standing = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floor_module, "DISTRICTS_FROM", 0)
        patch.setattr(floor_module, "DISTRICT", side)
        floor = bare_floor(grid)
        ways = Ways(floor)
        floor.set_blocked(closed)
        row = ways.hold_detour(goal, False, standing)
        assert ways.fields.shape[1] == side * side
    inside = floor.district == floor.district[goal]
    expected = [FAR] * grid.size
    if goal not in closed:
        expected = grid_field(grid, goal, closed | standing, inside)
    for node in np.flatnonzero(inside).tolist():
        assert ways.distance_mm(row, node) == expected[node]


def test_districts_of_a_grid_are_squares_with_their_own_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(floor_module, "DISTRICTS_FROM", 10)
    monkeypatch.setattr(floor_module, "DISTRICT", 4)
    floor = bare_floor(open_grid(6, 10))
    for node in range(60):
        row, col = divmod(node, 10)
        assert floor.district[node] == row // 4 * 3 + col // 4
        assert floor.local[node] == row % 4 * 4 + col % 4


# The kernels as plain Python.


@given(grids())
@settings(max_examples=30)
def test_the_compiled_grid_kernel_is_its_python(
    case: tuple[GridMap, int, set[int], set[int]],
) -> None:
    grid, goal, closed, standing = case
    floor = bare_floor(grid)
    floor.set_blocked(closed)
    found = []
    for run in (kernel("run_field_grid"), ROOM.entries["run_field_grid"]):
        out, queue = (np.full(grid.size + 1, -7, dtype=np.int32) for _ in range(2))
        run(
            grid.arrival_mask, floor.closed, np.array(sorted(standing), dtype=np.int64),
            floor.local, floor.district, out[:-1], queue, goal, grid.cols, 1000,
        )  # fmt: skip
        found.append(out.tolist())
    assert found[0] == found[1]
    assert found[0][-1] == -7


@given(graphs(), st.integers(0, 11))
@settings(max_examples=30)
def test_the_compiled_graph_kernel_is_its_python(graph: GraphMap, goal: int) -> None:
    floor = bare_floor(graph)
    ways = Ways(floor)
    found = []
    for run in (kernel("run_field_graph"), ROOM.entries["run_field_graph"]):
        out = np.zeros(graph.size, dtype=np.int32)
        heap = np.full(ways._work.size + 1, -7, dtype=np.int64)
        standing = np.empty(0, dtype=np.int64)
        run(*ways._reversed(False), floor.closed, standing, out, heap[:-1], goal % graph.size)
        found.append(out.tolist())
        assert heap[-1] == -7
    assert found[0] == found[1]


# Rows: kept, counted, forgotten.


def layout_of_many_goals() -> Layout:
    return fulfilment(3, 5)


def test_rows_are_shared_counted_and_bounded() -> None:
    layout = layout_of_many_goals()
    floor = Floor(layout, 0.5)
    ways = Ways(floor, max_bytes=0)
    assert ways.hold(layout.storage[0], False) == ways.hold(layout.storage[0], False)
    for goal in layout.storage * 2:
        ways.drop(ways.hold(goal, False))
    assert len(ways.fields) == 16
    first = ways.hold(layout.storage[0], False)
    assert ways._users[first] == 3


def test_the_row_unused_longest_goes_first() -> None:
    layout = layout_of_many_goals()
    ways = Ways(Floor(layout, 0.5), max_bytes=0)
    goals = layout.storage[:16]
    rows = {goal: ways.hold(goal, False) for goal in goals}
    for row in rows.values():
        ways.drop(row)
    ways.drop(ways.hold(goals[0], False))  # used again
    ways.hold(layout.storage[16], False)
    assert (goals[0], False, 0) in ways._row
    assert (goals[1], False, 0) not in ways._row


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 40_000]))
@settings(max_examples=30)
def test_rows_never_change_under_a_user(seed: int, max_bytes: int) -> None:
    """Random holding and dropping, with blockages that come and go: no held row ever changes."""
    layout = layout_of_many_goals()
    floor = Floor(layout, 0.5)
    small, large = Ways(floor, max_bytes), Ways(floor)
    rng = np.random.default_rng(seed)
    held: list[tuple[int, int, list[int]]] = []
    most = 0
    for _ in range(120):
        what = rng.random()
        if what < 0.1:
            floor.set_blocked(rng.choice(layout.storage, 2).tolist())
        elif what < 0.55 or not held:
            goal, drives = int(rng.choice(layout.storage)), bool(rng.integers(2))
            if rng.random() < 0.3:
                standing = set(rng.choice(layout.storage, 3).tolist()) - {goal}
                rows = [w.hold_detour(goal, drives, standing) for w in (small, large)]
            else:
                rows = [w.hold(goal, drives) for w in (small, large)]
            held.append((rows[0], rows[1], large.fields[rows[1]].tolist()))
        else:
            one, other, _ = held.pop(int(rng.integers(len(held))))
            small.drop(one)
            large.drop(other)
        most = max(most, len({one for one, _, _ in held}))
        for one, other, values in held:
            assert small.fields[one].tolist() == values
            assert large.fields[other].tolist() == values
    assert len(small.fields) <= max(2 * most, 16, small._most)
    assert all(small._users[one] > 0 for one, _, _ in held)


def test_a_change_of_blockages_makes_new_fields() -> None:
    layout = layout_of_many_goals()
    floor = Floor(layout, 0.5)
    ways = Ways(floor)
    old = ways.hold(layout.storage[0], False)
    floor.set_blocked([layout.storage[5]])
    new = ways.hold(layout.storage[0], False)
    assert old != new
    assert ways.fields[old, layout.storage[5]] < FAR == ways.fields[new, layout.storage[5]]
    ways.drop(old)
    assert old in ways._free, "nobody will ask for the old blockages again"


def test_a_zone_for_robots_makes_fields_of_their_own() -> None:
    grid = open_grid(3, 4)
    kept = Zone("kept", "keep_out", (5,))
    floor = Floor(furnished(grid, storage=(11,), zones=(kept,)), 0.5)
    ways = Ways(floor)
    assert ways.hold(11, False) != ways.hold(11, True)
    plain = Ways(Floor(furnished(grid), 0.5))
    assert plain.hold(11, False) == plain.hold(11, True)
