"""Tasks, agents and problems of the League of Robot Runners, and one robot's reading of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envs.formats import (
    load_agents,
    load_map,
    load_problem,
    load_tasks,
    orders_from_tasks,
)
from envs.formats.textio import LINE_LIMIT_BYTES
from envs.layouts import from_map
from planners import GridMap, MapFormatError

LORR = b"type octile\nheight 3\nwidth 5\nmap\n.E.E.\nS@@@S\n.....\n"
FLOOR = GridMap([[0, 0, 0, 1]])
TASKS = b"# version for LoRR 2026\n3\n0\n1,2\n2,0,1\n"


# --- tasks, agents, problems -------------------------------------------------------------------


def test_tasks_of_both_years():
    tasks = load_tasks(TASKS, FLOOR)
    assert list(tasks) == [(0,), (1, 2), (2, 0, 1)]
    assert (len(tasks), tasks[-1], tasks.shape) == (3, (2, 0, 1), (1, 4))
    old = load_tasks(b"2\r\n0\r\n\r\n2\r\n", FLOOR)
    assert list(old) == [(0,), (2,)]


def test_lines_beyond_the_count_are_left_unread():
    tasks = load_tasks(b"1\n0\n1\nnot read\n", FLOOR)
    assert (list(tasks), tasks.extra_lines) == ([(0,)], 2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"the number of tasks must be"),
        (b"0\n", "line 1: the file claims 0 tasks"),
        (b"two\n0\n1\n", "line 1: the number of tasks must be .* not 'two'"),
        (b"3\n0\n1\n", "line 3: truncated: the file claims 3 tasks but holds 2"),
        (b"1000000000\n0\n", "truncated: the file claims 1000000000 tasks but holds 1"),
        (b"2\n0\n4\n", "line 3: task location 4 is beyond the map of 1 x 4"),
        (b"2\n0\n-1\n", "line 3: a task's location must be .* not '-1'"),
        (b"# c\n1\n0,3\n", r"line 3: task location 3, cell \(0, 3\), is blocked"),
        (b"1\n0,,1\n", "line 2: a task's location must be .* not ''"),
        (b"1\n0;1\n", "line 2: a task's location must be .* not '0;1'"),
        (b"1\n" + b"0," * LINE_LIMIT_BYTES, "line 2: 8192 bytes in one line"),
    ],
)
def test_broken_tasks_name_value_and_line(data, reason):
    with pytest.raises(MapFormatError, match=reason):
        load_tasks(data, FLOOR)


def test_agents_start_on_one_cell_each():
    assert load_agents(b"# c\n2\n0\n2\n", FLOOR).tolist() == [0, 2]
    with pytest.raises(MapFormatError, match="agent 1 has 2 locations"):
        load_agents(b"2\n0\n1,2\n", FLOOR)


def write_problem(folder: Path, **changes):
    fields = {
        "mapFile": "maps/m.map",
        "agentFile": "agents/a.agents",
        "taskFile": "tasks/t.tasks",
        "teamSize": 1,
        "version": "2026 LoRR",
        **changes,
    }
    (folder / "m.map").write_bytes(LORR)
    (folder / "a.agents").write_bytes(b"2\n0\n2\n")
    (folder / "t.tasks").write_bytes(b"1\n1,5\n")
    (folder / "p.json").write_text(json.dumps(fields))
    return folder / "p.json"


def test_a_problem_finds_its_files_beside_it(tmp_path):
    problem = load_problem(write_problem(tmp_path))
    assert (problem.name, problem.version) == ("p", "2026 LoRR")
    assert list(problem.tasks) == [(1, 5)]
    assert problem.agents.tolist() == [0]
    assert problem.loaded.stations.tolist() == [1, 3]


def test_a_problem_prefers_the_stated_folder(tmp_path):
    path = write_problem(tmp_path)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "t.tasks").write_bytes(b"1\n5\n")
    assert list(load_problem(path).tasks) == [(5,)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mapFile": "../m.map"}, r"mapFile '../m.map' lies outside the folder"),
        ({"mapFile": "/etc/hostname"}, "mapFile '/etc/hostname' lies outside the folder"),
        ({"taskFile": "..\\t.tasks"}, "lies outside the folder"),
        ({"taskFile": "link.tasks"}, "taskFile 'link.tasks' lies outside the folder"),
        ({"agentFile": "b.agents"}, "agentFile 'b.agents' not found"),
        ({"agentFile": None}, "agentFile must be the name of a file, not None"),
        ({"agentFile": "a\0b"}, "agentFile"),
        ({"agentFile": "x" * 5000}, "agentFile"),
        ({"teamSize": 3}, "teamSize is 3, but .* holds 2 agents"),
        ({"teamSize": True}, "teamSize must be a whole number >= 1, not True"),
        ({"teamSize": 0}, "teamSize must be a whole number >= 1, not 0"),
    ],
)
def test_broken_problems(tmp_path, changes, reason):
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "t.tasks").write_bytes(b"1\n1,5\n")
    (folder / "link.tasks").symlink_to(tmp_path / "t.tasks")
    with pytest.raises(MapFormatError, match=reason):
        load_problem(write_problem(folder, **changes))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 100_000, '{"teamSize": ' + "9" * 5000 + "}", "\udcff"]
)
def test_problems_that_are_no_json_objects(tmp_path, text):
    path = tmp_path / "p.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(MapFormatError, match=r"p\.json: (no valid JSON|must be a JSON object)"):
        load_problem(path)


# --- tasks read for one robot ------------------------------------------------------------------


def test_one_location_tasks_go_to_the_nearest_place_by_path():
    # A wall between the left and the middle column: the straight-line neighbour is far by path.
    loaded = load_map(
        b"type octile\nheight 4\nwidth 5\nmap\n.@..E\n.@.@.\nE@.@S\n....S\n", moves="four"
    )
    layout = from_map(loaded)
    assert layout.stations == (4, 10) and layout.storage == (14, 19)
    tasks = load_tasks(b"4\n7\n14\n4\n10,19,4\n", loaded)
    # 7 = (1, 2): 3 steps to (0, 4), 5 to (2, 0). 4 is a station: picked at 14, dropped at 4.
    assert orders_from_tasks(tasks, layout) == [(7, 4), (14, 4), (14, 4), (10, 19, 4)]


def test_equally_near_stations_go_to_the_lower_id():
    loaded = load_map(b"type octile\nheight 2\nwidth 5\nmap\nE...E\n..S..\n", moves="four")
    tasks = load_tasks(b"1\n7\n", loaded)
    assert orders_from_tasks(tasks, from_map(loaded)) == [(7, 0)]


def test_tasks_off_the_floor_are_left_out():
    loaded = load_map(b"type octile\nheight 1\nwidth 6\nmap\nE.S.@.\n", moves="four")
    layout = from_map(loaded)
    tasks = load_tasks(b"2\n5\n3\n", loaded)
    assert orders_from_tasks(tasks, layout) == [(3, 0)]
    with pytest.raises(ValueError, match="grid of 1 x 4, the layout is 1 x 6"):
        orders_from_tasks(load_tasks(TASKS, FLOOR), layout)


def test_orders_on_the_aisle_graph_are_the_same_orders(shared_data):
    loaded = load_map(shared_data / "lorr" / "warehouse_small.map")
    tasks = load_tasks(shared_data / "lorr" / "warehouse_small.tasks", loaded)
    grid = from_map(loaded)
    graph = grid.as_graph()
    on_grid = orders_from_tasks(tasks, grid)
    on_graph = orders_from_tasks(tasks, graph)
    assert len(on_grid) == len(tasks) == 20_000
    labels = [tuple(graph.map.label(node) for node in order) for order in on_graph]
    cells = [tuple(grid.map.cell(node) for node in order) for order in on_grid]
    assert labels == cells
