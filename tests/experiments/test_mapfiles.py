"""Every kind of map file at the command line: planned on, lived in, drawn, or refused in a line."""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
import pytest

from envs.formats import LoadedGraph, RosMap, save_ros_map
from experiments.mapfiles import layout_of_file, load_floor, load_place
from planners import GridMap, MapFormatError

PNG = b"\x89PNG\r\n\x1a\n"
DELIVER = ("--minutes", "5", "--workers", "0", "--traffic", "2")


@pytest.fixture
def town(tmp_path):
    """A grid of streets of 40 m as GraphML, named by their corner."""
    graph = nx.grid_2d_graph(6, 6)
    nx.set_edge_attributes(graph, 40.0, "length")
    nx.set_node_attributes(graph, {(r, c): {"x": 40.0 * c, "y": -40.0 * r} for r, c in graph})
    file = tmp_path / "town.graphml"
    nx.write_graphml(nx.relabel_nodes(graph, {(r, c): f"{r}-{c}" for r, c in graph}), file)
    return file


@pytest.fixture
def office(tmp_path):
    """Two rooms and a wide door as a map of ROS with cells of 0.1 m."""
    blocked = np.zeros((80, 120), dtype=bool)
    blocked[:, 60] = True
    blocked[30:60, 60] = False
    save_ros_map(tmp_path / "office.yaml", GridMap(blocked, 0.1), encoding="png")
    return tmp_path / "office.yaml"


def test_the_ending_decides(town, office, map_file):
    assert isinstance(load_place(town), LoadedGraph)
    assert isinstance(load_place(office), RosMap)
    assert load_place(map_file).dialect == "movingai"
    with pytest.raises(MapFormatError, match=r"town\.graphml: is a road network: here a grid"):
        load_floor(town)


def test_plan_on_a_network_by_label(call, town, tmp_path):
    ends = ("--start", "0-0", "--goal", "2-1")
    document = json.loads(call("plan", town, *ends, "--json").stdout)
    assert document["cost"] == 120.0 and document["cells"] is None
    assert document["labels"][0] == "0-0" and document["labels"][-1] == "2-1"
    np.save(tmp_path / "risk.npy", np.arange(36) / 36)
    more = ("--risk", tmp_path / "risk.npy", "--picture", tmp_path / "town.png")
    said = call("plan", town, *ends, *more)
    assert said.exit_code == 0 and "36 nodes" in said.stdout, said.stderr
    assert (tmp_path / "town.png").read_bytes().startswith(PNG)


def test_plan_on_a_network_by_number(call, tmp_path):
    (tmp_path / "r.gr").write_text("a 0 1 5\na 1 2 7\n")
    document = json.loads(call("plan", tmp_path / "r.gr", "--start", "0", "--goal", "2",
                               "--json").stdout)  # fmt: skip
    assert (document["cost"], document["labels"]) == (12.0, [0, 1, 2])
    document = json.loads(call("plan", tmp_path / "r.gr", "--start", "2", "--goal", "0",
                               "--json").stdout)  # fmt: skip
    assert (document["status"], document["labels"]) == ("no_path", None)


def test_nodes_that_are_none_are_named(refused, town, tmp_path):
    said = refused("plan", town, "--start", "0-0", "--goal", "9-9")
    assert "'--goal': '9-9' is not a node's label" in said and "36 nodes" in said
    (tmp_path / "r.gr").write_text("a 0 1 5\n")
    assert "'x' is not a node's number" in refused(
        "plan", tmp_path / "r.gr", "--start", "x", "--goal", "1"
    )
    picture = ("--picture", tmp_path / "p.png")
    said = refused("plan", tmp_path / "r.gr", "--start", "0", "--goal", "1", *picture)
    assert "no positions to draw" in said


def test_plan_on_a_map_of_ros(call, office):
    document = json.loads(call("plan", office, "--start", "5,5", "--goal", "5,100",
                               "--json").stdout)  # fmt: skip
    assert document["status"] == "found" and [30, 60] in document["cells"]
    assert 10.0 < document["length_m"] < 15.0, "metres, not cells"


def test_deliver_in_a_town(call, town, tmp_path):
    run = call("deliver", "--map", town, *DELIVER, "--profile", "street", "--out", tmp_path / "o",
               "--json")  # fmt: skip
    assert run.exit_code == 0, run.stderr
    assert json.loads(run.stdout)["contacts"] == 0
    assert "the robot works on 36 of 36 nodes" in run.stderr
    assert (tmp_path / "o" / "map.png").read_bytes().startswith(PNG)


def test_deliver_on_a_fine_map(call, office, tmp_path):
    run = call("deliver", "--map", office, *DELIVER, "--out", tmp_path / "o", "--json")
    assert run.exit_code == 0, run.stderr
    assert "9,600 cells of 0.1 m are walked as 96 cells of 1 m" in run.stderr
    layout, said = layout_of_file(office)
    assert layout.map.shape == (8, 12) and len(said) == 1
    assert layout.map.blocked[:, 6].tolist() == [True] * 3 + [False] * 3 + [True] * 2


def test_places_stand_on_the_cells_that_are_walked(call, refused, office, tmp_path):
    """A list beside the map and a list that names the map are one floor."""
    places, whole = tmp_path / "places.toml", tmp_path / "whole.toml"
    listed = "[stations]\ncells = [[1, 1], [7, 10]]\n"
    places.write_text(listed)
    fine = np.zeros((80, 120), dtype=bool)
    np.save(tmp_path / "fine.npy", fine)
    for file, size in ((office, ""), (tmp_path / "fine.npy", "cell_size_m = 0.1\n")):
        places.write_text(size + listed)
        whole.write_text(f'map = "{file.name}"\n' + size + listed)
        shown = call("layout", file, "--places", places, "--json")
        assert "9,600 cells of 0.1 m are walked as 96 cells of 1 m" in shown.stderr
        document = json.loads(shown.stdout)
        assert (document["rows"], document["cols"], document["cell_size_m"]) == (8, 12, 1.0)
        again = json.loads(call("layout", whole, "--json").stdout)
        assert document == again | {"name": file.stem}
        (ours, _), (theirs, _) = layout_of_file(file, places=places), layout_of_file(whole)
        assert (ours.stations, ours.storage) == (theirs.stations, theirs.storage)
        assert ours.chargers == theirs.chargers and ours.stations == (13, 94)
    places.write_text('map = "office.yaml"\n' + listed)
    assert "the map is given already" in refused("layout", office, "--places", places)


def test_a_cell_size_is_of_no_network(refused, town, tmp_path):
    places, whole = tmp_path / "places.toml", tmp_path / "whole.toml"
    places.write_text("cell_size_m = 0.5\n")
    whole.write_text(f'map = "{town.name}"\ncell_size_m = 0.5\n')
    for asked in ((town, "--places", places), (whole,)):
        assert "cell_size_m = 0.5: belongs to the map of a file" in refused("layout", *asked)


def test_what_cannot_be_lived_in_is_said(refused, tmp_path, town):
    (tmp_path / "r.gr").write_text("a 0 1 5\n")
    said = refused("deliver", "--map", tmp_path / "r.gr", "--out", tmp_path / "o")
    assert "needs positions" in said and not (tmp_path / "o").exists()
    (tmp_path / "t.tasks").write_text("1\n0\n")
    said = refused("deliver", "--map", town, "--tasks", tmp_path / "t.tasks")
    assert "lies on a grid, town is a road network" in said
    said = refused("verify", tmp_path / "x.scen", "--map", town)
    assert "x.scen" in said or "road network" in said
