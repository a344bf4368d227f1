"""`aislewise verify`: it passes true scenarios and fails false ones."""

from __future__ import annotations

import json
import math

import pytest

from envs.formats import load_scenario
from experiments import verify as room
from experiments.mapfiles import load_floor
from planners import GridMap, plan

KEYS = {
    "scenarios", "deviations", "bound_violations", "illegal", "worst_ratio", "expanded", "seconds",
}  # fmt: skip

# (column, row) to (column, row) on the map of conftest.
QUERIES = [(0, 0, 6, 0), (0, 0, 2, 3), (2, 2, 4, 2), (0, 4, 0, 4)]


def scen(folder, queries, name="maps/small.map"):
    lines = ["version 1"]
    for k, (x0, y0, x1, y1, length) in enumerate(queries):
        lines.append("\t".join(map(str, (k, name, 7, 5, x0, y0, x1, y1, f"{length:.8f}"))))
    file = folder / "small.map.scen"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def queries(map_file):
    """The queries with their true optima."""
    grid = load_floor(map_file).grid
    return [
        (x0, y0, x1, y1, plan(grid, (y0, x0), (y1, x1), strategy="ucs").cost)
        for x0, y0, x1, y1 in QUERIES
    ]


def counted(call, *arguments, status=0):
    result = call("verify", *arguments, "--json")
    assert result.exit_code == status, (result.stdout, result.stderr)
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert set(document) == KEYS
    return document


def test_true_optima_pass(call, tmp_path, queries):
    for strategy in ("astar", "ucs", "wastar"):
        document = counted(call, scen(tmp_path, queries), "--strategy", strategy)
        assert document["scenarios"] == 4
        assert document["deviations"] == document["bound_violations"] == document["illegal"] == 0
        assert 1.0 <= document["worst_ratio"] <= 1.5
    assert counted(call, scen(tmp_path, queries))["worst_ratio"] == pytest.approx(1.0)


@pytest.mark.parametrize("engine", ["auto", "generic", "textbook", "jump-points"])
def test_every_engine_passes_true_optima(call, tmp_path, queries, engine):
    document = counted(call, scen(tmp_path, queries), "--engine", engine)
    assert document["scenarios"] == 4 and document["deviations"] == document["illegal"] == 0


@pytest.mark.parametrize(("error", "fails"), [(0.5, True), (-0.5, True), (0.005, False)])
def test_a_false_optimum_is_a_deviation_of_astar(call, tmp_path, queries, error, fails):
    x0, y0, x1, y1, length = queries[1]
    queries[1] = (x0, y0, x1, y1, length + error)
    document = counted(call, scen(tmp_path, queries), status=int(fails))
    assert document["deviations"] == int(fails)


def test_longer_is_no_deviation_where_the_optimum_is_not_promised(call, tmp_path, queries):
    x0, y0, x1, y1, length = queries[1]
    queries[1] = (x0, y0, x1, y1, length / 1.2)
    document = counted(call, scen(tmp_path, queries), "--strategy", "wastar")
    assert document["deviations"] == document["bound_violations"] == 0
    queries[1] = (x0, y0, x1, y1, length / 1.6)
    document = counted(call, scen(tmp_path, queries), "--strategy", "wastar", status=1)
    assert (document["deviations"], document["bound_violations"]) == (0, 1)
    document = counted(call, scen(tmp_path, queries), "--strategy", "wastar", "--weight", "3")
    assert document["bound_violations"] == 0
    # Nothing is promised for greedy, but shorter than the optimum is always wrong.
    assert counted(call, scen(tmp_path, queries), "--strategy", "greedy")["deviations"] == 0
    queries[1] = (x0, y0, x1, y1, 10 * length)
    document = counted(call, scen(tmp_path, queries), "--strategy", "greedy", status=1)
    assert document["deviations"] == 1


def test_a_missing_path_is_a_deviation(call, tmp_path, queries):
    queries.append((2, 1, 0, 0, 3.0))  # starts in a wall
    result = call("verify", scen(tmp_path, queries))
    assert result.exit_code == 1
    assert "start_blocked" in result.stdout


def test_an_illegal_path_fails(tmp_path, map_file, queries, monkeypatch):
    def cuts_corners(grid, start, goal, **options):
        return plan(GridMap(grid.blocked, moves="eight-any"), start, goal, **options)

    monkeypatch.setattr(room, "plan", cuts_corners)
    queries.append((1, 0, 2, 3, 2 + math.sqrt(2)))
    loaded, scenario = load_floor(map_file), load_scenario(scen(tmp_path, queries))
    found = room.verify_scenario(loaded, scenario)
    assert found.illegal >= 1
    assert not found.passed


def test_the_limit_spreads_over_the_file(call, tmp_path, queries):
    assert counted(call, scen(tmp_path, queries), "--limit", "2")["scenarios"] == 2
    assert counted(call, scen(tmp_path, queries), "--limit", "99")["scenarios"] == 4
    assert len(set(room.spread(1000, 999))) == 999
    assert room.spread(1000, 2) == [0, 999]


def test_the_map_is_the_one_that_the_scenario_names(call, refused, tmp_path, map_file, queries):
    other = tmp_path / "elsewhere" / "small.map"
    other.parent.mkdir()
    map_file.rename(other)
    file = scen(tmp_path, queries)
    assert "small.map is missing" in refused("verify", file)
    assert counted(call, file, "--map", other)["deviations"] == 0
    # Never a path out of the folder.
    file = scen(tmp_path, queries, name="../../elsewhere/small.map")
    assert "small.map is missing" in refused("verify", file)


@pytest.mark.parametrize(
    "content",
    ["", "version 7\n", "version 1\n", "version 1\n1 2 3\n", "version 1\n" + "x\t" * 8 + "1\n"],
)
def test_bad_scenarios_are_one_line(refused, tmp_path, map_file, content):
    file = tmp_path / "bad.scen"
    file.write_text(content)
    assert "bad.scen" in refused("verify", file)


def test_a_map_of_another_size_is_refused(refused, tmp_path, warehouse, queries):
    message = refused("verify", scen(tmp_path, queries), "--map", warehouse)
    assert "5 rows x 7 columns" in message


def test_progress_is_told(tmp_path, map_file, queries):
    loaded, scenario = load_floor(map_file), load_scenario(scen(tmp_path, queries * 20))
    told = []
    room.verify_scenario(loaded, scenario, on_done=told.append)
    assert told == [32, 64]


@pytest.mark.parametrize(
    "file",
    ["movingai/arena2.map.scen", "movingai/random512-20-0.map.scen",
     "warehouse/warehouse-10-20-10-2-1-random-1.scen"],
)  # fmt: skip
@pytest.mark.parametrize("strategy", ["astar", "wastar"])
def test_published_optima_hold(call, shared_data, file, strategy):
    document = counted(call, shared_data / file, "--limit", "25", "--strategy", strategy)
    assert document["scenarios"] == 25
    assert document["expanded"] > 25
