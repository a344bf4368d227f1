"""LLM-A*'s queries: the problem, the counting, the table."""

from __future__ import annotations

import json
import math
from pathlib import Path

import networkx as nx
import pytest

from envs.streams import stream
from experiments.llm_astar import POLICIES, Effort, Tally, Task, load_problems, textbook
from experiments.llm_astar_report import beats
from planners import MapFormatError

MAP = {
    "id": 0,
    "range_x": [0, 12],
    "range_y": [0, 9],
    "horizontal_barriers": [[4, 0, 8], [20, 0, 3]],
    "vertical_barriers": [[6, 6, 11]],
    "start_goal": [[[2, 2], [2, 6], "a sentence"], [[1, 1], [10, 7]], [[10, 7], [10, 7]]],
}

PAGE = """
kind = "llm-astar"
name = "tiny"
data = "tiny.json"
[searches]
textbook = [1.0]
wastar-straight = [1.5]
rising = [1.5]
waypoints-clamped = [1.5]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with one map of three queries, and a spec for it."""
    (tmp_path / "tiny.json").write_text(json.dumps([MAP]))
    (tmp_path / "page.toml").write_text(PAGE)
    return tmp_path


def collides(one, two) -> bool:
    """Whether the segment of a move touches a wall or the border, from the segments themselves."""
    walls = [((x0, y), (x1, y)) for y, x0, x1 in MAP["horizontal_barriers"]]
    walls += [((x, y0), (x, y1)) for x, y0, y1 in MAP["vertical_barriers"]]
    walls += [((x, 0), (x, 8)) for x in (0, 11)] + [((0, y), (11, y)) for y in (0, 8)]
    for (xa, ya), (xb, yb) in walls:
        for k in range(5):  # walls lie on whole coordinates: a touch is at an end or in the middle
            x = one[0] + (two[0] - one[0]) * k / 4
            y = one[1] + (two[1] - one[1]) * k / 4
            if min(xa, xb) <= x <= max(xa, xb) and min(ya, yb) <= y <= max(ya, yb):
                return True
    return False


def by_segments() -> nx.Graph:
    graph = nx.Graph()
    points = [(x, y) for x in range(12) for y in range(9)]
    for x, y in points:
        for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1)):
            there = (x + dx, y + dy)
            if there in points and not collides((x, y), there):
                graph.add_edge((x, y), there, length=(dx * dx + dy * dy) ** 0.5)
    return graph


def test_the_rule_of_moves_is_that_of_the_segments(data):
    (problem,) = load_problems(str(data / "tiny.json"))
    graph = by_segments()
    for node in range(problem.grid.size):
        row, col = problem.grid.cell(node)
        found = {problem.grid.cell(int(v))[::-1] for v in problem.grid.successors(node)[0]}
        expected = set(graph[(col, row)]) if (col, row) in graph else set()
        assert found == expected


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_keeps_its_bound(data, policy):
    (problem,) = load_problems(str(data / "tiny.json"))
    graph = by_segments()
    for start, goal in problem.queries:
        best = nx.dijkstra_path_length(graph, start[::-1], goal[::-1], weight="length")
        for w in (1.0, 1.5, 3.0):
            task = Task(problem.grid, start, goal, w, stream(0, "test"))
            answer = POLICIES[policy].solve(task)
            most = answer.bound * best if best else 0.0
            assert best - 1e-9 <= answer.length <= most + 1e-9
            promised = {"astar": 1.0, "llm-astar": math.inf}.get(policy, w)
            assert answer.bound == promised and not answer.illegal
            assert answer.expanded < answer.operations and answer.storage > answer.expanded


def test_the_textbook_counts_duplicates_and_the_goal(data):
    (problem,) = load_problems(str(data / "tiny.json"))
    efforts = [textbook(problem.grid, *query) for query in problem.queries]
    assert efforts[2] == Effort(1, 1, 0, 0.0, 1.0)
    for start_goal, effort in zip(problem.queries, efforts, strict=True):
        best = nx.dijkstra_path_length(
            by_segments(), *(cell[::-1] for cell in start_goal), weight="length"
        )
        assert effort.length == pytest.approx(best)


def test_the_tally_takes_geometric_means_and_finds_broken_bounds():
    tally = Tally()
    best = Effort(operations=10, storage=10, expanded=9, length=10.0, bound=1.0)
    tally.add(Effort(20, 10, 19, 12.0, 1.25), best)
    tally.add(Effort(5, 10, 4, 13.0, 1.25, illegal=True), best)
    columns = tally.columns()
    assert columns["operations_pct"] == pytest.approx(100.0)
    assert columns["expansions_pct"] == pytest.approx(100.0)
    assert (columns["bound_violations"], columns["illegal"], columns["bound"]) == (1, 1, 1.25)
    assert columns["length_worst"] == 1.3


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ((40.0, 59.5, 100.74), True),
        ((40.1, 59.5, 100.6), True),
        ((40.1, 59.6, 100.6), False),
        ((30.0, 50.0, 100.8), False),
    ],
)
def test_better_on_two_and_no_worse_on_the_third(row, verdict):
    columns = ("operations_pct", "storage_pct", "length_pct")
    known = {"bound_violations": 0, "illegal": 0, **dict(zip(columns, row, strict=True))}
    assert beats(known) is verdict
    assert not beats({**known, "bound_violations": 1})


def test_rows_and_table(data, call, tmp_path):
    out = tmp_path / "out"
    done = call("experiment", data / "page.toml", "--data", data, "--out", out,
                "--executor", "threads")  # fmt: skip
    assert "4 runs: 4 made" in done.stdout and "0 failed" in done.stdout
    shown = call("report", out).stdout
    lines = [line for line in shown.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| textbook", "| wastar-straight", "| rising", "| waypoints-clamped",
    ]  # fmt: skip
    assert lines[2].split(" | ")[2:5] == ["100.0", "100.0", "100.0"]
    assert "duplicates" in shown and (out / "report.png").stat().st_size > 1000
    again = call("experiment", data / "page.toml", "--data", data, "--out", out)
    assert "4 known before" in again.stdout


def test_without_data_the_way_out_is_named(data, refused, monkeypatch):
    monkeypatch.delenv("AISLEWISE_DATA", raising=False)
    assert "--data FOLDER" in refused("experiment", data / "page.toml")
    (data / "tiny.json").unlink()
    assert "tiny.json is missing" in refused("experiment", data / "page.toml", "--data", data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"range_x": [0]}, "map 0"),
        ({"range_x": [0, 10**9]}, "1000000000"),
        ({"start_goal": [[[2, 4], [2, 6]]]}, r"\(4, 2\) is blocked"),
        ({"vertical_barriers": [[1]]}, "map 0"),
    ],
)
def test_data_that_is_none_is_refused(tmp_path, change, said):
    file = tmp_path / "bad.json"
    file.write_text(json.dumps([{**MAP, **change}]))
    with pytest.raises(MapFormatError, match=said):
        load_problems(str(file))
    file.write_text("[")
    with pytest.raises(MapFormatError, match="JSON"):
        load_problems(f"{file.parent}/./bad.json")


def test_the_real_data_gives_the_known_figures(shared_data):
    problems = load_problems(str(shared_data / "llm-astar/environment_50_30.json"))
    assert sum(len(problem.queries) for problem in problems) == 1000
    tally = Tally()
    for problem in problems:
        for query in problem.queries:
            tally.add(textbook(problem.grid, *query, 1.5), textbook(problem.grid, *query))
    columns = tally.columns()
    shown = [round(columns[f"{name}_pct"], 1) for name in ("operations", "storage", "length")]
    assert shown == [40.1, 59.6, 100.7]
    assert columns["bound_violations"] == 0
