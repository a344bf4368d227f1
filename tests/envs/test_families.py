"""Families of warehouses: promises, shortest lengths on grid and graph, and their own geometry."""

from __future__ import annotations

import inspect
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from envs_layouts import check_graph_distances, check_layout, places
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.formats import load_map
from envs.layouts import (
    READY,
    fishbone,
    from_map,
    long_corridors,
    mapf_warehouse,
    pod_blocks,
    ready,
    sortation,
    traditional,
)
from envs.world import WAIT, World
from planners import GridMap

counts = st.integers(1, 3)
every = st.integers(1, 5)
edges = st.sets(st.sampled_from(["north", "east", "south", "west"]), min_size=1).map(sorted)
PARAMETERS = {
    pod_blocks: st.fixed_dictionaries(
        {"block_rows": counts, "block_cols": counts, "pod_rows": counts, "pod_cols": counts,
         "corridor": counts, "apron": counts, "side": counts, "station_edges": edges,
         "station_every": every}),
    sortation: st.fixed_dictionaries(
        {"chute_rows": counts, "chute_cols": counts, "gap": counts, "apron": counts,
         "station_edges": edges, "station_every": every}),
    long_corridors: st.fixed_dictionaries(
        {"corridors": st.integers(2, 4), "length": st.integers(1, 9), "shelf_rows": counts,
         "width": counts, "head": counts, "station_edges": edges, "station_every": every}),
    mapf_warehouse: st.fixed_dictionaries(
        {"block_cols": counts, "block_rows": counts, "length": counts, "depth": counts,
         "corridor": counts, "station_every": every}),
    traditional: st.fixed_dictionaries(
        {"aisles": counts, "cross_aisles": st.integers(2, 4), "block_rows": counts,
         "aisle": counts, "cross": counts, "apron": counts, "station_every": every}),
    fishbone: st.fixed_dictionaries(
        {"rows": st.integers(8, 14), "half": st.integers(8, 14), "shelf": counts,
         "cross": counts, "apron": counts, "side": counts, "station_every": every}),
}  # fmt: skip


@pytest.mark.parametrize("family", PARAMETERS, ids=lambda family: family.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 3))
def test_every_family_keeps_its_promises(family, data, seed):
    parameters = data.draw(PARAMETERS[family])
    try:
        layout = family(**parameters, seed=seed, cell_size_m=0.5)
    except ValueError as error:
        assert "no room for a station beside the pick faces: choose other" in str(error)
        return
    assert layout.dropped == 0 and layout.map.cell_size_m == 0.5
    check_layout(layout)
    check_graph_distances(layout, sample=3, seed=seed)
    again, other = family(**parameters, seed=seed), family(**parameters, seed=seed + 1)
    assert places(again) == places(layout) == places(other), "the seed moves nothing"
    assert np.array_equal(again.pick_share, layout.pick_share)
    if len(layout.storage) > 7:  # fewer faces may come in the same order by chance
        assert not np.array_equal(other.pick_share, layout.pick_share)


@pytest.mark.parametrize("family", PARAMETERS, ids=lambda family: family.__name__)
def test_counts_below_the_least_are_named(family):
    for name, parameter in inspect.signature(family).parameters.items():
        if name in ("common", "station_edges"):
            continue
        assert isinstance(parameter.default, int) or name == "side"
        with pytest.raises(ValueError, match=f"{name} must be at least [12], not 0"):
            family(**{name: 0})
    with pytest.raises(TypeError, match="cell_sice_m"):
        family(cell_sice_m=1.0)


@pytest.mark.parametrize("family", [pod_blocks, sortation, long_corridors])
@pytest.mark.parametrize("edges", [(), ("up",), "north"])
def test_edges_are_named(family, edges):
    with pytest.raises(ValueError, match="station_edges must name some of north, east"):
        family(station_edges=edges)


def test_a_station_takes_no_pick_face():
    tiny = {"corridors": 2, "length": 1, "shelf_rows": 1, "head": 1}
    with pytest.raises(ValueError, match="long corridors: no room for a station beside the pick"):
        long_corridors(**tiny, station_edges=("north", "south"))
    layout = long_corridors(**tiny, station_edges=("north", "south"), station_every=1)
    assert layout.stations == (0, 2, 6, 8) and layout.storage == (1, 7)


@pytest.mark.parametrize("numbers", [(10, 20, 10, 2, 1), (20, 40, 10, 2, 2)])
def test_the_benchmark_s_warehouses_cell_by_cell(shared_data, numbers):
    layout = mapf_warehouse(*numbers)
    real = load_map(shared_data / "warehouse" / f"{layout.name}.map")
    assert layout.name == f"warehouse-{'-'.join(map(str, numbers))}"
    assert np.array_equal(layout.map.blocked, real.grid.blocked)


def test_a_traditional_warehouse_has_its_cross_aisles():
    for n in (2, 3, 5):
        walls = traditional(7, n, block_rows=6, cross=2, apron=1).map.blocked
        open_rows = ~walls.any(axis=1)
        starts = np.flatnonzero(open_rows & ~np.r_[False, open_rows[:-1]])
        assert starts.size == n, "runs of rows without a shelf"
        assert walls[starts[0] + 2].sum() == 14, "two shelf columns an aisle"


def test_long_corridors_meet_at_their_ends_only():
    layout = long_corridors(4, 12, head=2)
    graph = nx.grid_2d_graph(*layout.map.shape)
    graph.remove_nodes_from(map(tuple, np.argwhere(layout.map.blocked)))
    inner = [cell for cell in graph if 2 <= cell[1] < 14]
    alone = graph.subgraph(inner)
    assert nx.number_connected_components(alone) == 4
    assert all(degree <= 2 for _, degree in alone.degree)


def test_sortation_has_single_chutes():
    walls = sortation(5, 6, gap=2).map.blocked
    assert walls.sum() == 30
    beside = walls[:, 1:] & walls[:, :-1]
    assert not beside.any() and not (walls[1:] & walls[:-1]).any()


def test_a_fishbone_s_diagonals_lead_from_the_middle_to_the_corners():
    rows, half, apron, side = 24, 30, 3, 2
    layout = fishbone(rows, half, apron=apron, side=side)
    walls = layout.map.blocked
    assert np.array_equal(walls, walls[:, ::-1]), "both wings alike"
    middle = side + half
    band = np.zeros_like(walls)  # cells that hold a point of the straight line
    for d in range(half + 1):
        high, low = (rows - Fraction(rows * at, half + 1) for at in (d, d + 1))
        for row in range(rows):
            if row <= high and low < row + 1:
                band[apron + row, [middle - d, middle + d]] = True
    assert not (walls & band).any()
    thin = fishbone(rows, half, apron=apron, side=side, cross=1).map.blocked
    assert thin[band].sum() == 0 and thin.sum() > walls.sum()
    graph = nx.grid_2d_graph(*walls.shape)
    graph.remove_nodes_from(map(tuple, np.argwhere(~band)))
    ends = (apron + rows - 1, middle), (apron, middle + half)
    assert nx.shortest_path_length(graph, *ends) == rows - 1 + half, "down and across together"
    ways = nx.grid_2d_graph(*walls.shape)
    ways.remove_nodes_from(map(tuple, np.argwhere(walls)))
    assert nx.shortest_path_length(ways, *ends) == rows - 1 + half, "and no way is shorter"
    # Upright shelves above, level ones below.
    assert walls[apron + 1, middle : middle + 9].tolist() == [False, True, True] * 3
    low = walls[apron : apron + rows, side + 1]
    assert low[-9:].tolist() == [False, True, True] * 3


def test_a_fishbone_without_room_says_so():
    with pytest.raises(ValueError, match="rows=1, half=1 leave no shelf"):
        fishbone(1, 1)


@pytest.mark.parametrize("name", READY)
def test_ready_worlds_run(name):
    layout = ready(name, seed=3)
    assert layout.name == name
    check_layout(layout)
    assert 25 <= layout.map.rows <= 60 and 55 <= layout.map.cols <= 120
    graph = check_graph_distances(layout, sample=4)
    for one in (layout, graph):
        world = World(one, seed=1, workers=12)
        before = world.trace_hash
        for _ in range(200):
            world.step(WAIT)
        assert world.tick == 200 and world.trace_hash != before
        assert world.meetings.contacts == 0


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(ValueError, match="unknown layout 'huge': choose built-in, small, long-"):
        ready("huge")


@pytest.mark.parametrize(
    "walls", [[[0]], [[1, 0, 1]], [[0, 0]], [[0, 1, 0]], [[0, 0, 0]], [[1, 1], [0, 0], [1, 0]]]
)
@pytest.mark.parametrize("named", ["", "E", "S"])
def test_tiny_floors_are_legal_worlds(walls, named):
    symbols = [["@" if wall else named or "." for wall in row] for row in walls]
    head = f"type octile\nheight {len(walls)}\nwidth {len(walls[0])}\nmap\n"
    text = head + "\n".join("".join(row) for row in symbols) + "\n"
    layout = from_map(load_map(text.encode(), "lorr"))
    size = int((~layout.map.blocked).sum())
    kinds = [set(layout.stations), set(layout.storage), set(layout.chargers)]
    assert all(kinds)
    assert len(set.union(*kinds)) == min(3, size), "as many cells as there are serve"
    assert kinds[0].isdisjoint(kinds[2]) or size == 1
    for one in (layout, layout.as_graph()):
        world = World(one, workers=0, seed=2)
        for _ in range(50):
            world.step(WAIT)
        assert world.tick == 50


def test_no_floor_at_all_is_refused():
    with pytest.raises(ValueError, match="no free node among the 4 of the map"):
        from_map(load_map(b"type octile\nheight 2\nwidth 2\nmap\n@@\n@@\n"))


def test_layouts_are_grids_of_four_moves_unless_told():
    assert isinstance(sortation(2, 2).map, GridMap) and sortation(2, 2).map.moves == "four"
    assert sortation(2, 2, moves="eight", name="mine").map.moves == "eight"
