"""Layouts: geometry, reachability, popularity, seeds, and the aisle graph against the grid."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from envs_layouts import (
    as_map,
    check_graph_distances,
    check_layout,
    graph_matrix,
    grid_matrix,
    places,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components, dijkstra

from envs.aisles import bypassable, contract, largest_floor, nearest
from envs.formats import load_map
from envs.layouts import Layout, ascii_preview, built_in, from_map, fulfilment
from envs.zones import Zone
from planners import GraphMap, GridMap


def test_the_built_in_warehouse():
    layout = built_in()
    check_layout(layout)
    assert layout.map.shape == (33, 57) and layout.map.moves == "four"
    assert (len(layout.stations), len(layout.storage), layout.dropped) == (56, 575, 0)
    assert built_in() is layout
    # several alternative aisles: closing any single corridor cell cuts nothing off
    corridor = np.flatnonzero(~layout.map.blocked[5:28].ravel()) + 5 * 57
    for cell in corridor[::40]:
        assert largest_floor(layout.map.with_blocked([int(cell)], True)).sum() >= 1225


def test_a_small_preview_shows_every_symbol():
    layout = fulfilment(1, 2, apron=1, side=1, station_edges=("north",))
    assert ascii_preview(layout).split() == [
        "#ECE#E.E#",
        ".SSS.SSS.",
        "S###S###S",
        "S###S###S",
        ".SSS.SSS.",
    ]
    shrunk = ascii_preview(layout, max_cols=3).splitlines()
    assert [len(line) for line in shrunk] == [3, 3] and "C" in shrunk[0]
    nodes = ascii_preview(layout.as_graph())
    assert (nodes.count("E"), nodes.count("S"), nodes.count("C")) == (4, 14 - 2 + 8 - 2, 1)
    with pytest.raises(ValueError, match="max_cols must be at least 1, not 0"):
        ascii_preview(layout, 0)


edges = st.sets(st.sampled_from(["north", "east", "south", "west"]), min_size=1)


@settings(max_examples=40, deadline=None)
@given(
    blocks=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    pod=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    floor=st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3)),
    edges=edges,
    every=st.tuples(st.integers(1, 4), st.integers(3, 5)),
    seed=st.integers(0, 5),
)
def test_every_fulfilment_layout_keeps_its_promises(blocks, pod, floor, edges, every, seed):
    layout = fulfilment(
        *blocks,
        pod_rows=pod[0],
        pod_cols=pod[1],
        corridor=floor[0],
        apron=floor[1],
        side=floor[2],
        station_edges=sorted(edges),
        station_every=every[0],
        pillar_every=every[1],
        seed=seed,
    )
    check_layout(layout)
    check_graph_distances(layout, sample=4, seed=seed)
    blocked = int(layout.map.blocked.sum())
    assert blocked >= blocks[0] * blocks[1] * pod[0] * pod[1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"block_rows": 0}, "block_rows must be at least 1, not 0"),
        ({"corridor": -1}, "corridor must be at least 1, not -1"),
        ({"station_edges": ()}, "station_edges must name"),
        ({"station_edges": ("up",)}, "station_edges must name"),
        ({"pillar_every": 1}, "no room for a station"),
        ({"seed": -1}, "seed"),
        ({"moves": "six"}, "unknown moves 'six'"),
    ],
)
def test_bad_parameters_are_named(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        fulfilment(**arguments)


def test_same_seed_same_layout_and_other_seed_another():
    one, again, other = fulfilment(seed=1), fulfilment(seed=1), fulfilment(seed=2)
    assert np.array_equal(one.pick_density, again.pick_density)
    assert not np.array_equal(one.pick_density, other.pick_density)
    assert np.array_equal(one.map.blocked, other.map.blocked), "the seed does not move walls"


def test_a_fifth_of_the_faces_sees_four_fifths_of_the_picks():
    share = np.sort(built_in().pick_share)[::-1]
    assert share[: share.size // 5].sum() == pytest.approx(0.8, abs=0.01)
    assert share[0] < 0.03, "no single face dominates"


def test_density_spreads_around_faces_and_through_no_shelf():
    # One face at the end of a dead-end aisle; the aisle behind the shelf stays nearly empty.
    rows = ["S.....", "@@@@@.", "E....."]
    layout = from_map(load_map(as_map(rows)))
    density = layout.pick_density.reshape(3, 6)
    assert density[0, 0] > density[0, 1] > density[0, 2] > 0
    assert density[2, 0] == 0, "eleven steps by path, two through the shelf"


rows_of_symbols = st.integers(1, 9).flatmap(
    lambda cols: st.lists(
        st.text(alphabet="...@ES", min_size=cols, max_size=cols), min_size=1, max_size=9
    )
)


@settings(max_examples=150, deadline=None)
@given(rows=rows_of_symbols, seed=st.integers(0, 3))
def test_any_map_with_a_free_cell_becomes_a_layout(rows, seed):
    loaded = load_map(as_map(rows), "lorr")
    free = ~loaded.grid.blocked.ravel()
    sizes = [0]
    if free.any():
        _, label = connected_components(grid_matrix(loaded.grid), directed=False)
        sizes = np.bincount(label[free])
    if max(sizes) == 0:
        with pytest.raises(ValueError, match="no free node"):
            from_map(loaded, seed=seed)
        return
    layout = from_map(loaded, seed=seed)
    check_layout(layout, shared=max(sizes) < 3)
    assert layout.map.size - layout.map.blocked.sum() == max(sizes)
    assert layout.dropped == free.sum() - max(sizes)
    floor = ~layout.map.blocked.ravel()
    named = [node for node in loaded.stations if floor[node]]
    if named:
        assert set(layout.stations) <= set(named)
    again = from_map(loaded, seed=seed)
    assert places(again) == places(layout)
    check_graph_distances(layout, sample=3, shared=max(sizes) < 3)


def test_unreachable_places_are_dropped_and_counted():
    layout = from_map(load_map(as_map(["E.@.S", "S.@@.", "..@.E"])))
    assert layout.stations == (0,) and layout.storage == (5,)
    assert layout.dropped == 5
    assert layout.map.is_blocked(4)


def test_placed_places_depend_on_the_seed_only(shared_data):
    loaded = load_map(shared_data / "warehouse" / "warehouse-10-20-10-2-1.map")
    one, again, other = (from_map(loaded, seed=seed) for seed in (1, 1, 2))
    assert places(one) == places(again)
    assert one.stations != other.stations and one.storage != other.storage


@pytest.mark.parametrize("name", ["warehouse_small", "warehouse_long_corridor_large"])
def test_real_lorr_maps_keep_their_places(shared_data, name):
    loaded = load_map(shared_data / "lorr" / f"{name}.map")
    layout = from_map(loaded)
    assert layout.stations == tuple(loaded.stations.tolist())
    assert layout.storage == tuple(loaded.storage.tolist())
    assert layout.dropped == 0
    check_layout(layout)
    graph = check_graph_distances(layout, sample=5)
    assert graph.map.size < (~layout.map.blocked).sum()
    bays = bypassable(layout.map.blocked).ravel()
    assert all(bays[node] for node in layout.chargers), "a robot that charges closes no aisle"


def test_real_maps_without_places_become_layouts(shared_data):
    for path in [*shared_data.glob("movingai/*.map"), *shared_data.glob("warehouse/*.map")]:
        layout = from_map(load_map(path))
        assert len(layout.stations) == 8 and len(layout.storage) == 400
        assert layout.pick_density.sum() == pytest.approx(1.0, abs=1e-4)
        if layout.map.size < 40_000:
            check_layout(layout)
            check_graph_distances(layout, sample=3)


def test_corridors_become_length():
    # A loop around a block, one station on it: two corridors meet, one of them turns corners.
    layout = from_map(load_map(as_map(["E..", ".@.", "..S", "@@.", "@@.", "@@."]), cell_size_m=2.0))
    graph = layout.as_graph().map
    edges = {
        (graph.label(int(u)), graph.label(int(v))): metres
        for u, v, metres in zip(graph.sources, graph.indices, graph.length_m, strict=True)
    }
    assert edges[(0, 0), (2, 2)] == 8.0, "the corridor that is left of the two parallel ones"
    assert len(graph.labels) < 9
    assert layout.as_graph().as_graph().map.size == graph.size


def test_one_way_cells_stay_nodes():
    blocked = np.zeros((1, 6), dtype=bool)
    one_way = np.full((1, 6), 255, dtype=np.uint8)
    grid = GridMap(blocked, moves="four")
    plain = contract(grid, [0, 5], np.ones(6))
    assert plain.graph.labels == ((0, 0), (0, 5)) and plain.density.tolist() == [3.0, 3.0]
    ring = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
    one_way = np.full((3, 3), 255, dtype=np.uint8)
    one_way[0, 1] = 1 << 2  # from (0, 1) only eastwards
    directed = contract(GridMap(ring, moves="four", one_way=one_way), [3], np.ones(9))
    lengths = dijkstra(graph_matrix(directed.graph))
    ids = directed.node_of
    assert lengths[ids[1], ids[0]] == 7.0 and lengths[ids[0], ids[1]] == 1.0


def test_nearest_against_all_distances():
    grid = built_in().map
    sources = list(built_in().stations)
    found = nearest(grid, sources, towards=True)
    distance = dijkstra(grid_matrix(grid), indices=sources)
    expected = np.array(sources)[distance.argmin(axis=0)]
    free = ~grid.blocked.ravel()
    assert np.array_equal(found[free], expected[free])
    assert (found[~free] == -1).all()


def test_nearest_minds_the_direction_of_edges():
    # 0 -> 1 -> 2 -> 0, places 0 and 2: towards a place node 1 goes on to 2, from a place it is 0's.
    graph = GraphMap([0, 1, 2, 3], [1, 2, 0], [1.0, 1.0, 1.0])
    assert nearest(graph, [0, 2], towards=True).tolist() == [0, 2, 2]
    assert nearest(graph, [0, 2], towards=False).tolist() == [0, 0, 2]


@settings(max_examples=60, deadline=None)
@given(rows=rows_of_symbols)
def test_bypassable_cells_cut_nothing_off(rows):
    blocked = load_map(as_map(rows), "lorr").grid.blocked
    for row, col in np.argwhere(bypassable(blocked)):
        before, after = GridMap(blocked), np.array(blocked)
        after[row, col] = True
        pieces = []
        for grid in (before, GridMap(after)):
            _, label = connected_components(grid_matrix(grid), directed=False)
            pieces.append(np.unique(label[~grid.blocked.ravel()]).size)
        alone = pieces[1] == pieces[0] - 1  # a cell without neighbours was a piece of its own
        assert pieces[0] == pieces[1] or alone


def test_layouts_refuse_what_makes_no_sense():
    good = built_in()
    wall = int(np.flatnonzero(good.map.blocked.ravel())[0])
    bad = [
        ({"stations": ()}, "at least one node in stations"),
        ({"stations": (wall,)}, f"stations: node {wall} at .* is blocked: move it"),
        ({"storage": (10**9,)}, "storage: node 1000000000 is outside the map"),
        ({"chargers": (good.stations[0],)}, "are stations and chargers"),
        ({"chargers": (good.chargers[0],) * 2}, "names a node twice"),
        ({"pick_density": np.ones(3)}, r"pick_density must have shape \(1881,\), not \(3,\)"),
        (
            {"pick_density": np.full(1881, np.nan)},
            "pick_density must be finite and >= 0, found nan",
        ),
        ({"pick_share": np.full(575, -1.0)}, "pick_share must be finite and >= 0, found -1"),
    ]
    for changes, reason in bad:
        with pytest.raises(ValueError, match=reason):
            dataclasses.replace(good, **changes)
    with pytest.raises(ValueError, match="read-only"):
        good.pick_density[0] = 1.0


def test_share_defaults_to_the_density_at_the_faces():
    density = np.zeros(5)
    density[[1, 2]] = (1.0, 3.0)
    layout = Layout("five", GridMap(np.zeros((1, 5))), (0,), (1, 2), (4,), density)
    assert layout.pick_share.tolist() == [0.25, 0.75]


def test_a_layout_shows_itself_in_one_line():
    shown = "Layout('built-in', GridMap(33 x 57, 1227 free, moves='four'), 56 stations, "
    shown += "575 pick faces, 8 chargers)"
    assert repr(built_in()) == shown
    limit = Zone("packing", "speed_limit", (57, 58), speed_m_s=0.3)
    zoned = dataclasses.replace(built_in(), zones=(limit,))
    assert repr(zoned) == shown.replace("chargers)", "chargers, 1 zones)")
    assert "GraphMap(" in repr(zoned.as_graph()) and "\n" not in repr(zoned.as_graph())
