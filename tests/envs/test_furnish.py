"""User layouts: places and zones from TOML, on grids and graphs, and what is wrong with them."""

from __future__ import annotations

import dataclasses

import networkx as nx
import numpy as np
import pytest
from envs_layouts import as_map, check_layout, drawn_rows, graph_matrix, places
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from envs.formats import load_map
from envs.layouts import (
    built_in,
    from_graph,
    from_map,
    furnish,
    load_layout,
    ready,
)
from envs.world import WAIT, World
from envs.zones import robot_map, speed_m_s
from planners import GraphMap, GridMap, MapFormatError

FLOOR = as_map(["........", ".@@.@@..", ".@@.@@..", "........", "@@@@@@@.", "........"])

TEXT = """
name = "my floor"
[stations]
cells = [[0, 0], [0, 6]]
[storage]
cells = [[0, 1], [0, 2], [3, 4]]
[chargers]
cells = [[3, 0], [0, 7]]
power_w = [211.0, 500]
[[zones]]
name = "slow"
kind = "speed_limit"
rectangle = [0, 0, 3, 2]
speed_m_s = 0.3
[[zones]]
name = "one way"
kind = "one_way"
cells = [[0, 4], [0, 5]]
direction = "east"
[[zones]]
name = "shut"
kind = "keep_out"
cells = [[2, 7]]
"""


def test_a_file_says_what_stands_where():
    layout = furnish(load_map(FLOOR), TEXT.encode())
    cells = {kind: [layout.map.cell(n) for n in getattr(layout, kind)]
             for kind in ("stations", "storage", "chargers")}  # fmt: skip
    assert cells == {
        "stations": [(0, 0), (0, 6)],
        "storage": [(0, 1), (0, 2), (3, 4)],
        "chargers": [(3, 0), (0, 7)],
    }
    assert layout.name == "my floor" and layout.charger_w == (211.0, 500.0)
    assert layout.map.moves == "four"
    speed = speed_m_s(layout, 1.0).reshape(6, 8)
    assert (speed[:4, :3] == 0.3).all() and (speed == 0.3).sum() == 12
    robots = robot_map(layout)
    assert robots.blocked[2, 7] and not layout.map.blocked[2, 7]
    assert 4 in robots.successors(3)[0] and 3 not in robots.successors(4)[0]


def test_zones_that_cut_places_apart_are_told_with_the_file(tmp_path):
    (tmp_path / "floor.map").write_bytes(FLOOR)
    file = tmp_path / "places.toml"
    cut = TEXT.replace("cells = [[2, 7]]", "rectangle = [0, 3, 3, 3]")
    file.write_text('map = "floor.map"\n' + cut)
    with pytest.raises(MapFormatError, match=r"places.toml: the zones leave robots no way from"):
        load_layout(file)
    file.write_text('map = "floor.map"\ncell_size_m = 0.5\n[stations]\ncells = [[5, 0]]\n')
    layout = load_layout(file)
    assert (layout.name, layout.map.cell_size_m, layout.stations) == ("places", 0.5, (40,))
    check_layout(layout)
    assert places(load_layout(tmp_path / "floor.map")) == places(from_map(load_map(FLOOR)))
    file.write_text('map = "none.map"\n')
    with pytest.raises(MapFormatError, match=r"none.map: cannot be read: No such file"):
        load_layout(file)
    file.write_text("[stations]\ncells = [[5, 0]]\n")
    with pytest.raises(MapFormatError, match=r"places.toml: map is missing: name the map"):
        load_layout(file)


@settings(max_examples=100, deadline=None)
@given(
    rows=drawn_rows(7),
    seed=st.integers(0, 3),
)
def test_an_empty_file_is_from_map(rows, seed):
    loaded = load_map(as_map(rows), "lorr")
    plain, furnished = from_map(loaded, seed=seed), furnish(loaded, b"", seed=seed)
    assert places(plain) == places(furnished) and plain.dropped == furnished.dropped
    assert np.array_equal(plain.pick_density, furnished.pick_density)
    assert np.array_equal(plain.map.blocked, furnished.map.blocked)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.fixed_dictionaries(
        {kind: st.none() | st.integers(1, 12) for kind in ("stations", "storage", "chargers")}
    ),
    storage_rule=st.sampled_from([None, "spread", "beside-walls"]),
    charger_rule=st.sampled_from([None, "spread", "beside-stations"]),
    seed=st.integers(0, 3),
)
def test_rules_give_the_number_asked_for(counts, storage_rule, charger_rule, seed):
    asked = {kind: {"count": n} if n else {} for kind, n in counts.items()}
    asked["storage"] |= {"rule": storage_rule} if storage_rule else {}
    asked["chargers"] |= {"rule": charger_rule} if charger_rule else {}
    base = built_in().map
    try:
        layout = furnish(base, asked, seed=seed)
    except MapFormatError as error:
        assert "nodes are left for the rule 'beside-stations'" in str(error)
        return
    check_layout(layout)
    for kind, count in counts.items():
        assert count is None or len(getattr(layout, kind)) == count
    assert places(furnish(base, asked, seed=seed)) == places(layout)


def test_a_ready_layout_keeps_what_the_file_leaves_out():
    base = ready("sortation")
    zone = {"name": "slow", "kind": "speed_limit", "rectangle": (0, 0, 5, 58), "speed_m_s": 0.2}
    layout = furnish(base, {"zones": [zone], "chargers": {"power_w": 90}})
    assert places(layout) == places(base) and layout.map is base.map
    assert np.array_equal(layout.pick_share, base.pick_share)
    assert layout.charger_w == (90.0,) * 5 and len(layout.zones) == 1
    again = furnish(layout, {"chargers": {"cells": [base.map.cell(base.storage[0])]}})
    assert len(again.zones) == 1 and base.storage[0] not in again.storage
    assert again.chargers == base.storage[:1] and again.charger_w == ()
    taken = furnish(layout, {"stations": {"cells": [base.map.cell(base.chargers[0])]}})
    assert taken.chargers == base.chargers[1:] and taken.charger_w == (90.0,) * 4


BAD = [
    ("x =", "no valid TOML"),
    ("statons = 3", "unknown key statons: known are name, map, cell_size_m, stations"),
    ("[stations]\ncell = []", "unknown key stations.cell: known are cells, nodes, rule, count"),
    ("[stations]\ncells = []", r"stations.cells = \[\]: List should have at least 1"),
    ("[stations]\ncells = [[1, 2], [3]]", r"stations.cells\[1\] = \[3\]: List should have at"),
    ("[stations]\ncells = [[0, -2]]", r"stations.cells\[0\]\[1\] = -2: Input should be greater"),
    ("[stations]\ncells = [[0, 1.5]]", r"stations.cells\[0\]\[1\] = 1.5: Input should be a valid"),
    ("[stations]\ncells = [[0, 0], [0, 8]]",
     r"stations.cells\[1\] = \[0, 8\]: cell \(0, 8\) is outside the map of 6 rows x 8 columns"),
    ("[stations]\ncells = [[1, 1]]", r"stations.cells\[0\] = \[1, 1\]: is blocked, or cut off"),
    ("[storage]\ncells = [[0, 1], [0, 1]]", "storage names a node twice"),
    ("[stations]\ncells = [[0, 1]]\n[chargers]\ncells = [[0, 1]]", "are stations and chargers"),
    ('[stations]\nrule = "spread"\ncells = [[1, 1]]', "stations gives cells and rule: choose"),
    ("[stations]\ncount = 3\ncells = [[1, 1]]", "stations gives cells and count: choose"),
    ("[stations]\ncount = 0", "stations.count = 0: Input should be greater"),
    ("[stations]\ncount = 99", "stations.count = 99: only .* nodes are left for the rule 'spread'"),
    ('[stations]\nrule = "everywhere"', "stations.rule = 'everywhere': Input should be 'spread'"),
    ('[stations]\nrule = "beside-walls"', "stations.rule = 'beside-walls': on a grid stations go"),
    ("[stations]\nnodes = [3]", r"stations.nodes: belongs to graphs: name cells"),
    ("[chargers]\npower_w = -3", "chargers.power_w = -3: Input should be greater than 0"),
    ("[chargers]\npower_w = [1, nan]", r"chargers.power_w\[1\] = nan: Input should be"),
    ("[chargers]\ncells = [[0, 0]]\npower_w = [1, 2]", "2 values for 1 chargers: give one"),
    ('map = "other.map"', "map = 'other.map': the map is given already: leave the key out"),
    ("cell_size_m = 0", "cell_size_m = 0: Input should be greater than 0"),
    ("zones = 3", "zones = 3: Input should be a valid list"),
    ('[[zones]]\nkind = "one_way"\ncells = [[0, 1]]', r"zones\[0\].name is missing: give one"),
    ('[[zones]]\nname = "a"\nkind = "one_way"', r"zones\[0\] needs one of cells, nodes, rectangle"),
    ('[[zones]]\nname = "a"\nkind = "fast"\ncells = [[1, 1]]', r"zones\[0\].kind = 'fast': Input"),
    ('[[zones]]\nname = "a"\nkind = "one_way"\ncells = [[0, 1]]',
     r"zones\[0\]: zone 'a': direction must be one of north, .*, not None"),
    ('[[zones]]\nname = "a"\nkind = "speed_limit"\ncells = [[0, 1]]\nspeed_m_s = 0',
     r"zones\[0\]: zone 'a': speed_m_s must be a finite speed > 0, not 0"),
    ('[[zones]]\nname = "a"\nkind = "keep_out"\nrectangle = [0, 0, 6, 1]',
     r"zones\[0\].rectangle = .*: must be whole numbers top <= bottom .* 6 rows x 8 columns"),
    ('[[zones]]\nname = "a"\nkind = "keep_out"\nrectangle = [0, 0.5, 1, 1]', "must be whole"),
    ('[[zones]]\nname = "a"\nkind = "keep_out"\nrectangle = [1, 1, 2, 2]', "blocked nodes only"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), BAD, ids=[text[:40] for text, _ in BAD])
def test_every_error_names_key_value_and_way_out(text, reason, tmp_path):
    file = tmp_path / "places.toml"
    file.write_text(text)
    with pytest.raises(MapFormatError, match=rf"places.toml: .*{reason}"):
        furnish(load_map(FLOOR), file)


def test_no_file_and_no_text_are_told(tmp_path):
    with pytest.raises(MapFormatError, match=r"no\.toml: cannot be read"):
        furnish(load_map(FLOOR), tmp_path / "no.toml")
    with pytest.raises(MapFormatError, match="no valid TOML"):
        furnish(load_map(FLOOR), b"\xff\xfe\x00")
    with pytest.raises(TypeError, match=r"base must be LoadedMap or GridMap or GraphMap or Layout"):
        furnish("floor.map", b"")


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_become_a_layout_or_one_error(data):
    try:
        furnish(load_map(FLOOR), data)
    except MapFormatError as error:
        assert str(error).startswith("bytes: ")


# Graphs.


def city(nodes=60, seed=3):
    """Points in the plane with streets between near ones, some one-way, a far part cut off."""
    points = nx.random_geometric_graph(nodes, 0.25, seed=seed)
    streets = nx.DiGraph()
    for u, v in points.edges:
        at = {n: tuple(1000.0 * x for x in points.nodes[n]["pos"]) for n in (u, v)}
        streets.add_node(f"n{u}", pos=at[u])
        streets.add_node(f"n{v}", pos=at[v])
        metres = float(np.hypot(*np.subtract(at[u], at[v])))
        streets.add_edge(f"n{u}", f"n{v}", length=metres)
        if (u + v) % 4:
            streets.add_edge(f"n{v}", f"n{u}", length=metres)
    streets.add_edge("far", "n0", length=9000.0)
    streets.nodes["far"]["pos"] = (-9000.0, 0.0)
    return GraphMap.from_networkx(streets)


def test_a_city_is_furnished_far_and_wide():
    graph = city()
    layout = from_graph(graph, seed=4, name="town")
    strong = connected_components(graph_matrix(graph), connection="strong")[1]
    part = strong == np.bincount(strong).argmax()
    assert layout.dropped == (~part).sum() > 0
    assert np.array_equal(~layout.map.blocked, part)
    assert layout.name == "town" and layout.map.is_blocked(graph.node("far"))
    kinds = [set(layout.stations), set(layout.storage), set(layout.chargers)]
    assert all(kinds) and len(set.union(*kinds)) == sum(map(len, kinds))
    assert places(from_graph(graph, seed=4)) == places(layout)
    assert from_graph(graph, seed=5).stations != layout.stations
    # Farthest-point choice: no node is farther from the stations than they are from each other.
    at = graph.position_m
    gaps = np.hypot(*(at[list(layout.stations)][:, None] - at[list(layout.stations)]).T)
    nearest = gaps[~np.eye(len(gaps), dtype=bool)].min()
    cover = np.hypot(*(at[:, None] - at[list(layout.stations)]).T).min(axis=0)
    assert cover[part].max() <= nearest + 1e-9
    asked = from_graph(graph, stations=3, storage=7, chargers=2)
    assert list(map(len, (asked.stations, asked.storage, asked.chargers))) == [3, 7, 2]


def test_a_city_is_a_world():
    world = World(from_graph(city()), workers=3, traffic=2, seed=1)
    for _ in range(100):
        world.step(WAIT)
    assert world.tick == 100


def test_a_city_has_zones_and_places_by_label():
    graph = city()
    labels = [graph.label(n) for n in from_graph(graph).stations]
    x, y = graph.position_m[graph.node(labels[0])]
    text = f"""
    [stations]
    nodes = ["{labels[1]}", "{labels[2]}"]
    [[zones]]
    name = "old town"
    kind = "speed_limit"
    rectangle = [{x - 1}, {y - 1}, {x + 1}, {y + 1}]
    speed_m_s = 2
    """
    layout = furnish(graph, text.encode())
    assert [layout.map.label(n) for n in layout.stations] == labels[1:3]
    assert layout.zones[0].nodes == (graph.node(labels[0]),)


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ({"stations": {"nodes": ["n1", "nowhere"]}}, r"stations.nodes\[1\] = nowhere: the"),
        ({"stations": {"nodes": ["far"]}}, r"stations.nodes\[0\] = far: is blocked, or cut off"),
        ({"stations": {"cells": [[0, 1]]}}, r"stations.cells\[0\] = \[0, 1\]: the graph has"),
        ({"storage": {"rule": "beside-walls"}}, "storage.rule = 'beside-walls': on a graph"),
        ({"cell_size_m": 2.0}, "cell_size_m = 2.0: belongs to the map of a file"),
        ({"zones": [{"name": "a", "kind": "keep_out", "rectangle": [7e6, 0, 8e6, 1]}]},
         "holds no node: positions run from"),
    ],
)  # fmt: skip
def test_bad_places_on_graphs_are_named(places, reason):
    with pytest.raises(MapFormatError, match=rf"places: .*{reason}"):
        furnish(city(), places)


def test_graphs_that_make_no_world_are_refused():
    with pytest.raises(ValueError, match="has no positions, which a world needs"):
        from_graph(GraphMap([0, 1, 2], [1, 0], [1.0, 1.0]))
    with pytest.raises(ValueError, match="storage must be at least 1, not 0"):
        from_graph(city(), storage=0)
    one = GraphMap([0, 0], [], [], position_m=[[0.0, 0.0]])
    layout = from_graph(one)
    assert places(layout) == [0, 0, 0]


def test_real_roads_are_furnished(shared_data):
    with np.load(shared_data / "roads" / "andorra.npz", allow_pickle=False) as file:
        at = np.stack([file["X"], file["Y"]], axis=1)
        graph = GraphMap(file["ptr"], file["adj"], file["w"], at)
    layout = from_graph(graph)
    assert (len(layout.stations), len(layout.storage), len(layout.chargers)) == (8, 400, 2)
    strong = connected_components(graph_matrix(graph), connection="strong")[1]
    assert np.unique(strong[places(layout)]).size == 1
    assert layout.dropped == graph.size - np.bincount(strong).max()


def test_an_aisle_graph_takes_cells_as_labels():
    aisles = built_in().as_graph()
    cell = aisles.map.label(aisles.stations[5])
    layout = furnish(aisles, {"stations": {"cells": [cell]}})
    assert layout.map.label(layout.stations[0]) == cell
    assert dataclasses.replace(layout, zones=()).storage == layout.storage
    assert isinstance(built_in().map, GridMap)


def test_places_by_rule_keep_out_of_keep_out_zones() -> None:
    zone = {"name": "wet", "kind": "keep_out", "rectangle": [0, 15, 3, 16]}
    layout = furnish(GridMap(np.zeros((20, 30))), {"zones": [zone]})
    inside = {30 * row + col for row in range(4) for col in (15, 16)}
    assert not inside & {*layout.stations, *layout.storage, *layout.chargers}
    with pytest.raises(MapFormatError, match="keep-out zone 'wet' holds"):
        furnish(GridMap(np.zeros((20, 30))), {"zones": [zone], "stations": {"cells": [[1, 15]]}})
