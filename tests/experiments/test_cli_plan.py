"""`aislewise plan`: keys, statuses, layers, pictures, and what it says to bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

KEYS = {"status", "cost", "bound", "certificate", "length_m", "expanded", "engine", "cells"}
PNG = b"\x89PNG\r\n\x1a\n"


def planned(call, *arguments):
    result = call("plan", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def test_the_document_has_exactly_the_keys_of_the_interface(call, map_file):
    document = planned(call, map_file, "--start", "0,0", "--goal", "4,6")
    assert set(document) == KEYS
    assert document["status"] == "found"
    assert document["cells"][0] == [0, 0]
    assert document["cells"][-1] == [4, 6]
    assert document["bound"] == document["certificate"] == 1.0
    # Corners are not cut: from (3, 2) the way down is straight before it goes east.
    assert [3, 2] not in document["cells"] or [4, 2] in document["cells"]


def test_weights_default_as_in_the_library(call, map_file):
    ends = ("--start", "0,0", "--goal", "4,6", "--strategy")
    assert planned(call, map_file, *ends, "wastar")["bound"] == 1.5
    assert planned(call, map_file, *ends, "wastar", "--weight", "3")["bound"] == 3
    assert planned(call, map_file, *ends, "greedy")["bound"] is None  # infinity


@pytest.mark.parametrize(("start", "status"), [("1,3", "start_blocked"), ("0,0", "no_path")])
def test_no_path_is_an_answer(call, tmp_path, start, status):
    file = tmp_path / "walled.map"
    file.write_text("type octile\nheight 2\nwidth 5\nmap\n..@..\n..@@.\n")
    document = planned(call, file, "--start", start, "--goal", "0,4")
    assert document["status"] == status
    assert document["cost"] is None
    assert document["cells"] is None
    said = call("plan", file, "--start", start, "--goal", "0,4")
    assert said.exit_code == 0
    assert status in said.stdout


def test_all_kinds_of_maps(call, tmp_path, warehouse):
    np.save(tmp_path / "cells.npy", np.array([[0, 0, 0], [1, 1, 0]]))
    document = planned(call, tmp_path / "cells.npy", "--start", "0,0", "--goal", "1,2")
    assert document["cells"] == [[0, 0], [0, 1], [0, 2], [1, 2]]
    document = planned(call, warehouse, "--start", "0,0", "--goal", "0,8")
    assert document["cost"] == 8.0


def test_risk_is_a_layer_per_metre(call, tmp_path):
    np.save(tmp_path / "open.npy", np.zeros((3, 5)))
    risk = np.zeros((3, 5))
    risk[1, 2] = 10.0
    np.save(tmp_path / "risk.npy", risk)
    ends = (tmp_path / "open.npy", "--start", "1,0", "--goal", "1,4")
    assert planned(call, *ends)["cost"] == 4.0
    document = planned(call, *ends, "--risk", tmp_path / "risk.npy")
    assert document["cost"] == pytest.approx(2 + 2 * np.sqrt(2))
    assert [1, 2] not in document["cells"]
    np.save(tmp_path / "wall.npy", np.where(np.arange(5) == 2, 1.0, 0.0) * np.ones((3, 1)))
    # Every way enters one cell of risk 1: a metre of it costs one more.
    assert planned(call, *ends, "--risk", tmp_path / "wall.npy")["cost"] == 5.0


@pytest.mark.parametrize("strategy", ["astar", "bfs"])
def test_a_picture_is_a_png(call, tmp_path, map_file, strategy):
    np.save(tmp_path / "risk.npy", np.linspace(0, 1, 35).reshape(5, 7))
    picture = tmp_path / "new folder" / "path.png"
    document = planned(
        call, map_file, "--start", "0,0", "--goal", "4,6", "--strategy", strategy,
        "--risk", tmp_path / "risk.npy", "--picture", picture,
    )  # fmt: skip
    assert document["status"] == "found"
    assert picture.read_bytes().startswith(PNG)
    blocked = call("plan", map_file, "--start", "1,2", "--goal", "4,6", "--picture", picture)
    assert blocked.exit_code == 0


def test_trace_and_animation_are_written(call, tmp_path, map_file):
    ends = ("--start", "0,0", "--goal", "4,6")
    film, page = tmp_path / "new" / "film.gif", tmp_path / "page.html"
    trace = tmp_path / "new" / "path.trace.yaml"
    document = planned(call, map_file, *ends, "--trace", trace, "--animate", film)
    events = yaml.safe_load(trace.read_text())["events"]
    assert sum(e["type"] == "expand" for e in events) == document["expanded"]
    assert (events[0]["x"], events[0]["y"]) == (0, 0)
    assert film.read_bytes().startswith(b"GIF89a")
    said = call("plan", map_file, *ends, "--animate", page)
    assert f"animation: {page}" in said.stdout
    assert "</html>" in page.read_text()
    blocked = call("plan", map_file, "--start", "1,3", "--goal", "4,6", "--trace", trace,
                   "--animate", page)  # fmt: skip
    assert blocked.exit_code == 0
    assert yaml.safe_load(trace.read_text())["events"] == []


@pytest.mark.parametrize(
    ("flag", "name", "said"),
    [
        ("--picture", "a.gif", ".png, .svg, .pdf"),
        ("--trace", "a.json", ".trace.yaml"),
        ("--animate", "a.mp4", ".gif or .html"),
        ("--animate", "a", ".gif or .html"),
    ],
)
def test_other_endings_are_refused_before_anything_is_read(refused, tmp_path, flag, name, said):
    ends = ("--start", "0,0", "--goal", "4,6")
    message = refused("plan", tmp_path / "none.map", *ends, flag, tmp_path / name)
    assert said in message and name in message


def test_the_picture_does_not_change_the_answer(call, tmp_path, map_file):
    ends = (map_file, "--start", "0,0", "--goal", "4,6", "--engine", "generic")
    plain = planned(call, *ends)
    for flag, name in (("--picture", "p.svg"), ("--trace", "t.yaml"), ("--animate", "a.html")):
        assert planned(call, *ends, flag, tmp_path / name) == plain


def test_an_engine_is_asked_for_by_name(call, map_file):
    ends = (map_file, "--start", "0,0", "--goal", "4,6")
    fast = planned(call, *ends, "--engine", "jump-points")
    assert fast["engine"] == planned(call, *ends)["engine"] == "jump-points"
    assert fast["cost"] == planned(call, *ends, "--engine", "generic")["cost"]
    refused = call("plan", *ends, "--engine", "uniform-four")
    assert refused.exit_code == 2
    assert "engine 'uniform-four' needs a GridMap with moves='four'" in refused.stderr


def test_people_get_a_table(call, map_file):
    result = call("plan", map_file, "--start", "0,0", "--goal", "4,6")
    assert result.exit_code == 0
    for word in ("small", "found", "cost", "expanded"):
        assert word in result.stdout


HEADER = "type octile\nheight {}\nwidth {}\nmap\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        (HEADER.format(0, 3), "0"),
        (HEADER.format(10**9, 10**9) + "...\n", "1000000000"),
        (HEADER.format(3, 3) + "...\n..", "truncated"),
        (HEADER.format(1, 3) + ".x.\n", "x"),
        ("hello\n", "hello"),
    ],
)
def test_bad_maps_are_named(refused, tmp_path, content, said):
    file = tmp_path / "bad.map"
    file.write_text(content)
    message = refused("plan", file, "--start", "0,0", "--goal", "0,1")
    assert "bad.map" in message
    assert said in message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--start", "9,0", "--goal", "0,1"), "(9, 0)"),
        (("--start", "0,0", "--goal", "0,-1"), "(0, -1)"),
        (("--start", "0,0", "--goal", "0,1", "--strategy", "warp"), "'warp'"),
        (("--start", "0,0", "--goal", "0,1", "--weight", "2"), "2.0"),
        (("--start", "0,0", "--goal", "0,1", "--strategy", "wastar", "--weight", "0.9"), "0.9"),
        (("--start", "0,0", "--goal", "0,1", "--strategy", "wastar", "--weight", "nan"), "nan"),
        (("--start", "0,0", "--goal", "0,1", "--picture", "path.doc"), "path.doc"),
        (("--start", "0,0", "--goal", "0,1", "--risk", "gone.npy"), "gone.npy"),
    ],
)
def test_bad_arguments_are_named(refused, map_file, arguments, said):
    assert said in refused("plan", map_file, *arguments)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full((5, 7), np.nan), "nan"),
        (np.full((5, 7), -2.0), "-2.0"),
        (np.zeros((7, 5)), "(7, 5)"),
        (np.array(["a"]), "dtype"),
    ],
)
def test_bad_layers_are_named(refused, tmp_path, map_file, values, said):
    file = tmp_path / "risk.npy"
    np.save(file, values)
    message = refused("plan", map_file, "--start", "0,0", "--goal", "4,6", "--risk", file)
    assert "risk.npy" in message
    assert said in message


def test_bad_arrays_are_named(refused, tmp_path):
    huge = tmp_path / "huge.npy"
    np.save(huge, np.zeros((3, 3)))
    huge.write_bytes(huge.read_bytes().replace(b"(3, 3)", b"(999999999, 999999999)"))
    junk, objects = tmp_path / "junk.npy", tmp_path / "objects.npy"
    junk.write_bytes(b"no array at all")
    np.save(objects, np.array([{}], dtype=object), allow_pickle=True)
    several = tmp_path / "several.npy"
    with several.open("wb") as stream:
        np.savez(stream, a=np.zeros(2), b=np.zeros(2))
    for file in (huge, junk, objects, several, tmp_path / "none.npy", tmp_path):
        message = refused("plan", file, "--start", "0,0", "--goal", "0,1")
        assert file.name in message
