"""`aislewise layout`: names, files, previews, pictures, maps, and what it says to bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from envs.layouts import READY, built_in, from_graph, furnish, ready
from envs.metrics import EpisodeTrace
from experiments import figures
from experiments.layout_pictures import draw_layout, draw_zones
from planners import GraphMap

PNG = b"\x89PNG\r\n\x1a\n"

TOML = """
[stations]
cells = [[0, 0], [0, 8]]
[chargers]
cells = [[4, 0]]
power_w = 150
[[zones]]
name = "crossing"
kind = "speed_limit"
rectangle = [2, 0, 2, 8]
speed_m_s = 0.4
[[zones]]
name = "loop"
kind = "one_way"
cells = [[0, 3], [0, 4]]
direction = "east"
[[zones]]
name = "office"
kind = "keep_out"
cells = [[4, 8]]
"""


def described(call, *arguments):
    result = call("layout", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", READY)
def test_ready_layouts_by_name(call, name):
    document = described(call, name)
    assert document["name"] == name and document["kind"] == "grid"
    layout = ready(name)
    assert (document["rows"], document["cols"]) == layout.map.shape
    assert document["storage"] == len(layout.storage) and document["edges"] is None
    graph = described(call, name, "--graph")
    assert graph["kind"] == "graph" and graph["nodes"] == layout.as_graph().map.size
    assert graph["rows"] is None and graph["stations"] == document["stations"]


def test_maps_and_places(call, warehouse, tmp_path):
    places = tmp_path / "places.toml"
    places.write_text(TOML)
    plain = described(call, warehouse)
    assert (plain["stations"], plain["storage"], plain["zones"]) == (2, 6, [])
    document = described(call, warehouse, "--places", places)
    assert document["charger_w"] == [150.0] and document["chargers"] == 1
    assert [zone["kind"] for zone in document["zones"]] == ["speed_limit", "one_way", "keep_out"]
    assert document["zones"][0]["nodes"] == 9 and document["zones"][1]["direction"] == "east"
    said = call("layout", warehouse, "--places", places).stdout
    assert "crossing (speed limit, 9 nodes), loop (one way, 2 nodes)" in said
    whole = tmp_path / "whole.toml"
    whole.write_text(f'map = "{warehouse.name}"\n' + TOML)
    assert described(call, whole) == document | {"name": "whole"}
    np.save(tmp_path / "cells.npy", np.array([[0, 0, 0], [1, 1, 0]]))
    assert described(call, tmp_path / "cells.npy")["free"] == 4


def test_a_written_map_is_read_again(call, tmp_path):
    file = tmp_path / "out.map"
    said = call("layout", "sortation", "--out", file).stdout
    assert f"map: {file}" in said
    first, again = described(call, "sortation"), described(call, file)
    assert again == first | {"name": "out"}


def test_a_road_network_is_a_city(call, shared_data, tmp_path):
    file = shared_data / "roads" / "andorra.npz"
    result = call("layout", file, "--json")
    document = json.loads(result.stdout)
    assert document["kind"] == "graph" and document["stations"] > 0 and "nodes" in result.stderr
    out = tmp_path / "city.map"
    assert call("layout", file, "--out", out).exit_code == 2 and not out.exists()


def test_a_preview_is_text(call):
    assert call("layout", "fishbone", "--preview").stdout == ready("fishbone").preview() + "\n"
    assert described(call, "small", "--preview")["preview"] == ready("small").preview()


@pytest.mark.parametrize("flags", [(), ("--graph",)])
def test_a_picture_is_drawn(call, warehouse, tmp_path, flags):
    places, file = tmp_path / "places.toml", tmp_path / "picture.png"
    places.write_text(TOML)
    said = call("layout", warehouse, "--places", places, "--picture", file, *flags)
    assert said.exit_code == 0 and f"picture: {file}" in said.stdout
    assert file.read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("huge",), "unknown layout 'huge': choose built-in, small, long-corridor"),
        (("none.map",), "none.map: cannot be read: No such file"),
        (("none.toml",), "none.toml: cannot be read: No such file"),
        (("small", "--places", "none.toml"), "none.toml: cannot be read"),
        (("small", "--picture", "a.bmp"), "a.bmp: a picture's name ends in .png"),
        (("small", "--out", "a.txt"), "--out a.txt: a map's name ends in .map"),
        (("small", "--out", "a.map", "--graph"), "--graph has none: choose one"),
    ],
)
def test_bad_input_is_one_line(refused, arguments, reason):
    assert reason in refused("layout", *arguments)


def test_bad_places_name_file_and_key(refused, warehouse, tmp_path):
    places = tmp_path / "places.toml"
    places.write_text("[stations]\ncells = [[1, 2]]\n")
    said = refused("layout", warehouse, "--places", places)
    assert "places.toml: stations.cells[0] = [1, 2]: is blocked" in said


# Pictures.


def labels(axes):
    return axes.get_legend_handles_labels()[1]


def test_a_drawing_names_everything_that_it_shows():
    zone = {"name": "packing", "kind": "speed_limit", "rectangle": [1, 0, 3, 56], "speed_m_s": 0.3}
    layout = furnish(built_in(), {"zones": [zone]})
    for one in (layout, layout.as_graph()):
        axes = Figure().add_subplot()
        assert draw_layout(one, axes) is axes
        assert labels(axes) == [
            "pick face (575), darker: more picks",
            "packing: speed limit 0.3 m/s",
            "station (56)",
            "charger (8)",
        ]
        assert axes.get_title() == "built-in"
        top, bottom = axes.get_ylim()[::-1]
        assert top < bottom, "row 0 at the top"


ZONES = {
    "zones": [
        {"name": "packing", "kind": "speed_limit", "rectangle": [1, 0, 6, 20], "speed_m_s": 0.3},
        {"name": "loop", "kind": "one_way", "rectangle": [7, 3, 7, 52], "direction": "east"},
        {"name": "spill", "kind": "keep_out", "cells": [[29, 10], [29, 11]]},
    ]
}


@pytest.mark.parametrize("as_graph", [False, True])
def test_the_map_of_a_shift_names_its_zones(tmp_path, as_graph):
    layout = furnish(built_in(), ZONES)
    layout = layout.as_graph() if as_graph else layout
    values, one = np.zeros(layout.map.size), np.ones(1)
    trace = EpisodeTrace(
        visits=values, time_s=one, node=one, charge_wh=one, reserve_wh=0.1, capacity_wh=1.0,
        risk=values, congestion=values,
    )  # fmt: skip
    figures.save_map(tmp_path / "map.svg", layout, trace)
    drawn = (tmp_path / "map.svg").read_text()
    for said in ("packing: speed limit 0.3 m/s", "loop: one way east", "spill: keep out"):
        assert drawn.count(f"<!-- {said} -->") == 1


def test_a_zone_is_outlined_as_a_whole():
    """So many sides as its cells have to others, and a hatch on each of its cells."""
    axes = Figure().add_subplot()
    layout = furnish(built_in(), ZONES)
    draw_zones(axes, layout, 4.0)
    sides = [int(np.isnan(line.get_xydata()).any(axis=1).sum()) for line in axes.lines[1::2]]
    assert sides == [2 * (6 + 21), 2 * (1 + 50), 6]
    x, y = axes.lines[-1].get_data()
    assert (np.nanmin(x), np.nanmax(x), np.nanmin(y), np.nanmax(y)) == (9.5, 11.5, 28.5, 29.5)
    hatched = []
    for patch in axes.patches:
        if (box := patch.get_xy()).size:
            (left, top), (right, bottom) = (box.min(axis=0) + 0.5, box.max(axis=0) + 0.5)
            assert bottom == top + 1
            hatched += [layout.map.node((int(top), col)) for col in range(int(left), int(right))]
    expected = [node for zone in layout.zones if zone.direction is None for node in zone.nodes]
    assert sorted(hatched) == sorted(expected)


def test_places_are_drawn_where_they_are():
    layout = built_in()
    axes = figures.draw_places(Figure().add_subplot(), layout, 4.0)
    stations, chargers = axes.collections
    assert stations.get_offsets()[:, ::-1].tolist() == layout.map.cells(layout.stations).tolist()
    assert len(chargers.get_offsets()) == 8
    graph = layout.as_graph()
    axes = figures.draw_places(Figure().add_subplot(), graph, 4.0)
    at = graph.map.position_m[list(graph.stations)]
    assert axes.collections[0].get_offsets().tolist() == at.tolist()


def test_a_city_of_one_crossing_can_be_drawn(tmp_path):
    layout = from_graph(GraphMap([0, 0], [], [], position_m=[[3.0, 4.0]]))
    figures.save_layout(tmp_path / "one.png", layout)
    assert (tmp_path / "one.png").read_bytes().startswith(PNG)
