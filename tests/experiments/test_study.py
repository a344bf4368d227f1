"""`aislewise experiment` and `report`: frozen runs, rows that survive a kill, a page from rows."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.kinds import DEFAULT, KINDS
from experiments.measure import measure_paths
from experiments.report import load_study, markdown
from experiments.rows import RowWriter, read_rows, repeats
from experiments.run import execute, run_study
from experiments.spec import SPECS, Spec, load_spec

COMMAND = Path(sys.executable).with_name("aislewise")
PNG = b"\x89PNG\r\n\x1a\n"

PAGE = """
name = "small"
seeds = [0, 1]
strategies = ["astar", "wastar"]
weights = [1.5, 3.0]
queries = 4
learn_minutes = 0.5
shift_minutes = 0.5

[layers]
none = {}
risk = { risk = 8.0 }

[full]
seeds = [0, 1, 2]
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A spec of 2 layer sets x 3 searches x 2 seeds."""
    file = tmp_path / "small.toml"
    file.write_text(PAGE)
    return file


def table(folder: Path) -> dict[str, dict[str, object]]:
    """What repeats of every row, by id."""
    rows = read_rows(folder / "rows.jsonl")
    assert len({row["run_id"] for row in rows}) == len(rows)
    return {row["run_id"]: {k: v for k, v in row.items() if repeats(k)} for row in rows}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run, on one thread."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.toml").write_text(PAGE)
    stand = run_study(load_spec(str(folder / "small.toml")), folder, executor="threads", workers=1)
    assert (stand.made, stand.known, stand.failed) == (12, 0, 0)
    return folder


def test_a_spec_expands_to_frozen_runs(page):
    spec = load_spec(str(page))
    runs = spec.runs()
    assert len(runs) == 12
    assert len({run.run_id for run in runs}) == 12
    assert runs == load_spec(str(page)).runs()
    assert {(run.strategy, run.weight) for run in runs} == {
        ("astar", 1.0), ("wastar", 1.5), ("wastar", 3.0),
    }  # fmt: skip
    assert len(load_spec(str(page), full=True).runs()) == 18
    # Every field counts.
    assert replace(runs[0], queries=5).run_id != runs[0].run_id
    assert replace(runs[0], lam_risk=1.0).run_id != runs[0].run_id


def test_the_id_follows_the_content_of_the_map_not_its_place(tmp_path, warehouse):
    ids = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shop.map").write_bytes(warehouse.read_bytes())
        (tmp_path / name / "s.toml").write_text('map = "shop.map"\n' + PAGE)
        ids.append([run.run_id for run in load_spec(str(tmp_path / name / "s.toml")).runs()])
    assert ids[0] == ids[1]
    (tmp_path / "b" / "shop.map").write_bytes(warehouse.read_bytes().replace(b"S", b".", 1))
    changed = [run.run_id for run in load_spec(str(tmp_path / "b" / "s.toml")).runs()]
    assert not set(changed) & set(ids[0])


def test_built_in_specs_are_one_page():
    assert "first" in {file.stem for file in SPECS.glob("*.toml")}
    for file in SPECS.glob("*.toml"):
        assert len(file.read_text().splitlines()) <= 60
        page = tomllib.loads(file.read_text())
        assert page["name"] == file.stem
        assert page.get("kind", DEFAULT) in KINDS
    assert len(load_spec("first").seeds) >= 5
    assert len(load_spec("first", full=True).seeds) >= 20


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("seeds = [0, 1]", "seeds = []"), "seeds"),
        (("seeds = [0, 1]", "seeds = [-1]"), "-1"),
        (("seeds = [0, 1]", ""), "seeds"),
        (('"astar"', '"warp"'), "warp"),
        (("[1.5, 3.0]", "[0.5]"), "0.5"),
        (("risk = 8.0", "fear = 8.0"), "fear"),
        (("risk = 8.0", "risk = -8.0"), "-8.0"),
        (("risk = 8.0", "risk = nan"), "nan"),
        (("queries = 4", "queries = 0"), "0"),
        (("queries = 4", "speed = 4"), "speed"),
        (('name = "small"', 'name = "../up"'), "../up"),
        (("queries = 4", "queries = = 4"), "TOML"),
        (("queries = 4", 'map = "gone.map"'), "gone.map"),
    ],
)
def test_bad_specs_are_one_line_and_leave_nothing(refused, elsewhere, page, change, said):
    page.write_text(PAGE.replace(*change))
    assert said in refused("experiment", page)
    assert list(elsewhere.iterdir()) == []


def test_other_bad_input_is_one_line(refused, page, tmp_path):
    assert "'nowhere'" in refused("experiment", "nowhere")
    assert "'fibres'" in refused("experiment", page, "--executor", "fibres")
    assert "0" in refused("experiment", page, "--workers", "0")
    assert "holds no rows" in refused("report", tmp_path)


def test_rows_do_not_depend_on_executor_or_workers(finished, page, tmp_path):
    stand = run_study(load_spec(str(page)), tmp_path, executor="processes", workers=2)
    assert (stand.made, stand.failed) == (12, 0)
    assert table(tmp_path) == table(finished)


def test_rows_say_where_they_come_from(finished):
    for row in read_rows(finished / "rows.jsonl"):
        assert row["status"] == "ok"
        assert row["host_versions"]["numpy"]
        assert row["host_runtime_s"] > 0
        assert {"commit_sha", "commit_dirty", "host_processor", "plan_p50_ms"} <= set(row)
        assert "plan_ms_p50" not in row
        assert "near_seconds" not in row
        assert row["illegal"] == row["bound_violations"] == row["contacts"] == 0
        assert 1.0 <= row["cost_ratio_mean"] <= row["cost_ratio_max"] <= row["weight"] + 1e-9
        assert row["cost_ratio_max"] <= row["certificate_max"] + 1e-6 <= row["weight"] + 2e-6


def test_a_failure_is_a_row(page, tmp_path, call):
    page.write_text(PAGE.replace("queries = 4", 'queries = 4\nprofile = "truck"'))
    result = call("experiment", page, "--out", tmp_path / "out", "--executor", "threads")
    assert result.exit_code == 0
    assert "12 failed" in result.stdout
    rows = read_rows(tmp_path / "out" / "rows.jsonl")
    assert {row["status"] for row in rows} == {"failed"}
    assert "truck" in rows[0]["error"]
    report = call("report", tmp_path / "out")
    assert report.exit_code == 2
    assert "truck" in report.stderr


def test_one_failure_spoils_no_other_run(page, monkeypatch):
    good, bad = load_spec(str(page)).runs()[:2]
    assert execute("small", good)["status"] == "ok"
    assert execute("small", replace(bad, chooser="oracle"))["status"] == "failed"


def test_known_runs_are_skipped(finished, page, tmp_path, call):
    folder = tmp_path / "out"
    folder.mkdir()
    lines = (finished / "rows.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "rows.jsonl").write_bytes(b"".join(lines[:-1]))
    result = call("experiment", page, "--out", folder, "--executor", "threads")
    assert "12 runs: 1 made, 11 known before, 0 failed" in result.stdout
    assert table(folder) == table(finished)


def test_a_torn_last_line_is_ignored_and_made_again(finished, page, tmp_path):
    whole = (finished / "rows.jsonl").read_bytes()
    file = tmp_path / "rows.jsonl"
    for cut in (1, 200):  # the line end alone is missing; the row is cut short
        file.write_bytes(whole[:-cut])
        assert len(read_rows(file)) == 11
    stand = run_study(load_spec(str(page)), tmp_path, executor="threads")
    assert (stand.made, stand.known) == (1, 11)
    assert table(tmp_path) == table(finished)


def test_a_spoiled_line_in_the_middle_is_an_error(finished, tmp_path, refused):
    lines = (finished / "rows.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "rows.jsonl").write_bytes(lines[0] + b'{"half": \n' + lines[1])
    assert "line 2" in refused("report", tmp_path)


def test_two_writers_are_one_too_many(page, tmp_path, refused):
    with RowWriter(tmp_path / "rows.jsonl"):
        assert "another process" in refused("experiment", page, "--out", tmp_path)


def test_kill_and_resume_give_the_same_table(finished, page, tmp_path):
    folder = tmp_path / "out"
    command = [str(COMMAND), "experiment", str(page), "--out", str(folder), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    file = folder / "rows.jsonl"
    deadline = time.monotonic() + 60
    while not (file.exists() and file.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "it finished before it was killed"
    done = len(read_rows(file))
    assert 1 <= done < 12
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert workers and not any(map(alive, workers))
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{done} known before" in again.stdout
    assert table(folder) == table(finished)
    assert markdown(load_study(folder)) == markdown(load_study(finished))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_report_is_made_from_rows_alone(finished, tmp_path, call):
    (tmp_path / "rows.jsonl").write_bytes((finished / "rows.jsonl").read_bytes())
    result = call("report", tmp_path)
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "report.md").read_text()
    assert "n = 2 seeds (0, 1)" in page
    assert "12 finished runs, 0 failed" in page
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 6
    assert len({line.count("|") for line in lines}) == 1
    assert "![" in page and "(report.png)" in page
    assert (tmp_path / "report.png").read_bytes().startswith(PNG)


def test_the_figures_of_the_report_are_those_of_the_rows(finished):
    study = load_study(finished)
    rows = read_rows(finished / "rows.jsonl")
    group = next(g for g in study.groups if g.search == "wastar 3" and g.layers == "risk")
    base = study.same_layers(group)
    assert (base.strategy, base.layers) == ("astar", "risk")
    assert study.no_layers(group).layers == "none"
    assert study.no_layers(group).search == "wastar 3"

    def column(strategy, weight):
        return {
            row["seed"]: row["expanded_mean"] for row in rows
            if (row["strategy"], row["weight"], row["layers"]) == (strategy, weight, "risk")
        }  # fmt: skip

    ours, astar = column("wastar", 3.0), column("astar", 1.0)
    change = group.change(base, "expanded_mean", percent=True)
    expected = sum(100 * (ours[s] - astar[s]) / astar[s] for s in (0, 1)) / 2
    assert change.mean == pytest.approx(expected)
    assert group.mean("expanded_mean") == pytest.approx(sum(ours.values()) / 2)


def test_settings_are_not_mixed(finished, tmp_path, refused):
    rows = read_rows(finished / "rows.jsonl")
    rows.append({**rows[0], "run_id": "other", "queries": 99})
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "queries" in refused("report", tmp_path)


def test_the_layers_make_paths_safer(page):
    runs = load_spec(str(page)).runs()
    runs = [replace(run, queries=40) for run in runs if run.strategy == "astar" and run.seed == 0]
    none, risk = (measure_paths(run) for run in runs)
    assert risk["path_encounters_mean"] < none["path_encounters_mean"]
    assert risk["path_drive_mean_s"] > none["path_drive_mean_s"]
    assert none["cost_ratio_max"] == pytest.approx(1.0)


def test_a_spec_can_be_made_in_python():
    spec = Spec(name="x", seeds=(0,), strategies=("ucs",), layers={"none": {}})
    assert [run.strategy for run in spec.runs()] == ["ucs"]
