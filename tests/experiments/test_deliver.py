"""`aislewise deliver`: a shift end to end, its files, its repeatability, and bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from envs.metrics import SUMMARY_KEYS
from experiments.factors import FACTORS, METRICS, Comparison, FactorRun, factor_weights
from experiments.shift import Shift, chooser_of, prepare_shift, read_notes, run_shift
from planners.tasks import CHOOSERS

COMMAND = Path(sys.executable).with_name("aislewise")
PNG = b"\x89PNG\r\n\x1a\n"
FILES = {"summary.json", "episode.jsonl", "map.png", "battery.png"}
RATES = {"plan_ms_p50", "plan_ms_p99", "sim_seconds_per_wall_second"}


def delivered(call, out, *arguments):
    result = call("deliver", "--out", out, "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def rows_of(folder):
    return [json.loads(line) for line in (folder / "episode.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("chooser", [*CHOOSERS, "nearest"])
def test_every_chooser_runs_a_shift(call, tmp_path, chooser):
    document = delivered(call, tmp_path, "--minutes", "2", "--chooser", chooser)
    assert set(document) == set(SUMMARY_KEYS)
    assert document["contacts"] == 0
    decided = {"nearest": "reflex", "llm": "fallback"}.get(chooser, chooser)
    assert set(document["decided_by"]) <= {decided, "reserve"}


def test_the_folder_holds_the_whole_shift(call, tmp_path):
    document = delivered(call, tmp_path, "--minutes", "5", "--traffic", "3", "--seed", "4")
    assert {file.name for file in tmp_path.iterdir()} == FILES
    assert json.loads((tmp_path / "summary.json").read_text()) == document
    head, *rows = rows_of(tmp_path)
    assert head["event"] == "shift"
    assert (head["minutes"], head["seed"], head["traffic"]) == (5.0, 4, 3)
    assert head["chooser"] == "utility"
    assert sum(row["event"] == "delivery" for row in rows) == document["deliveries"]
    assert sum(row["event"] == "plan" for row in rows) == sum(document["replans"].values())
    for picture in ("map.png", "battery.png"):
        assert (tmp_path / picture).read_bytes().startswith(PNG)


def test_people_are_told_who_decides_and_where_it_is_written(call, elsewhere):
    result = call("deliver", "--minutes", "1", "--seed", "3")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "utility decides; no language model is asked"
    folder = Path("runs", "deliver-built-in-seed3")
    assert f"written to {folder}" in result.stdout
    assert {file.name for file in folder.iterdir()} == FILES
    for key in SUMMARY_KEYS:
        assert key.replace("_", " ") in result.stdout


def test_the_same_seed_has_the_same_trace_in_two_processes(tmp_path):
    arguments = [COMMAND, "deliver", "--minutes", "2", "--traffic", "2", "--json"]
    documents = []
    for seed in ("0", "1"):
        out = ["--out", str(tmp_path / seed)]
        done = subprocess.run(
            [*arguments, *out], capture_output=True, text=True, check=True, cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        document = json.loads(done.stdout)
        said = done.stderr.splitlines()
        assert said[0] == "utility decides; no language model is asked"
        assert all("kernels took" in line for line in said[1:])  # a cold cache
        documents.append({k: v for k, v in document.items() if k not in RATES})
    assert documents[0] == documents[1]
    assert len(documents[0]["trace_hash"]) == 64


def test_another_seed_is_another_shift(call, tmp_path):
    first, second = (
        delivered(call, tmp_path / seed, "--minutes", "1", "--seed", seed) for seed in "01"
    )
    assert first["trace_hash"] != second["trace_hash"]
    assert (first["seed"], second["seed"]) == (0, 1)


def test_a_map_and_tasks_of_ones_own(call, tmp_path, warehouse):
    tasks = tmp_path / "shop.tasks"
    tasks.write_text("3\n10\n28,8\n8\n")
    out = tmp_path / "out"
    call_it = ("deliver", "--map", warehouse, "--tasks", tasks, "--minutes", "10", "--out", out)
    result = call(*call_it, "--workers", "0")
    assert result.exit_code == 0, result.stderr
    assert "3 of 3 tasks" in result.stdout
    assert "up to 12 orders" in result.stdout
    rows = rows_of(out)
    stops = {row["order"]: row["stops"] for row in rows if row["event"] == "order"}
    assert stops["O2"] == [28, 8]
    assert stops["O1"][0] == 10
    assert stops["O3"][-1] == 8
    delivered_ = {row["order"] for row in rows if row["event"] == "delivery"}
    assert delivered_ == {"O1", "O2", "O3"}


@pytest.mark.parametrize(
    ("map_name", "tasks"),
    [
        ("warehouse_small.map", "warehouse_small.tasks"),
        ("warehouse_long_corridor_large.map", "fulfill-example_2500.tasks"),
    ],
)
def test_real_maps_and_tasks(call, shared_data, tmp_path, map_name, tasks):
    folder = shared_data / "lorr"
    document = delivered(
        call, tmp_path, "--map", folder / map_name, "--tasks", folder / tasks, "--minutes", "2"
    )
    assert set(document) == set(SUMMARY_KEYS)
    assert document["deliveries"] > 0 or document["delivery_time_p50_s"] is None
    assert document["replans"]["new_goal"] >= 1


def test_a_ready_warehouse_by_name(call, elsewhere):
    result = call("deliver", "--layout", "sortation", "--minutes", "2", "--json")
    assert result.exit_code == 0, result.stderr
    head = rows_of(elsewhere / "runs" / "deliver-sortation-seed0")[0]
    assert head["layout"] == "sortation"


def test_recorded_calls_replay(call, tmp_path):
    log = tmp_path / "calls.jsonl"
    log.write_text("")
    document = delivered(call, tmp_path / "out", "--minutes", "1", "--llm", f"replay:{log}")
    assert document["decided_by"] == {"fallback": 1}
    assert not (tmp_path / "out" / "calls.jsonl").exists()
    assert rows_of(tmp_path / "out")[0]["llm"] == f"replay:{log}"


def test_a_dead_endpoint_falls_back_and_is_logged_without_secrets(call, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    url = "http://user:word@127.0.0.1:9/v1"
    document = delivered(
        call, tmp_path, "--minutes", "1", "--llm", url, "--llm-deadline", "0.5", "--notes", "O2 now"
    )
    assert document["decided_by"] == {"fallback": 1}
    calls = (tmp_path / "calls.jsonl").read_text()
    assert "O2 now" in calls
    for file in ("calls.jsonl", "episode.jsonl", "summary.json"):
        text = (tmp_path / file).read_text()
        assert "very-secret" not in text
        assert "user:word" not in text


def test_no_address_in_the_environment_opts_in(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert Shift().chooser_name == "utility"
    assert "no language model is asked" in chooser_of(Shift(chooser="llm")).describe()


def test_notes_reach_every_snapshot(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mind the forklift\n")
    assert read_notes(f"@{file}") == "mind the forklift\n"
    seen = []
    ready = prepare_shift(Shift(minutes=0.5, notes="mind the forklift"))
    chooser = chooser_of(ready.shift)
    inner = chooser.inner
    choose = inner.choose
    inner.choose = lambda snapshot: seen.append(snapshot.notes) or choose(snapshot)
    run_shift(ready, chooser)
    assert set(seen) == {"mind the forklift"}
    assert "llm chooser only" in chooser.describe()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--minutes", "-5"), "-5"),
        (("--minutes", "0"), "0"),
        (("--minutes", "nan"), "nan"),
        (("--minutes", "inf"), "inf"),
        (("--seed", "-1"), "-1"),
        (("--workers", "-2"), "-2"),
        (("--traffic", "99999"), "100011"),
        (("--chooser", "oracle"), "oracle"),
        (("--strategy", "warp"), "warp"),
        (("--weight", "0.5"), "0.5"),
        (("--strategy", "astar", "--weight", "2"), "2.0"),
        (("--profile", "truck"), "truck"),
        (("--map", "gone.map"), "gone.map"),
        (("--map", "."), "folder"),
        (("--tasks", "gone.tasks"), "gone.tasks"),
        (("--layout", "castle"), "castle"),
        (("--layout", "small", "--map", "gone.map"), "two floors"),
        (("--notes", "@gone.txt"), "gone.txt"),
        (("--llm", "local", "--model", "gpt-x"), "gpt-x"),
        (("--llm", "local", "--chooser", "utility"), "utility"),
        (("--llm", "http://127.0.0.1:9", "--llm-calls", "-1"), "-1"),
        (("--llm", "http://127.0.0.1:9", "--llm-seconds", "nan"), "nan"),
        (("--llm-tokens", "7"), "--llm URL"),
        (("--llm", "ftp://x"), "ftp://x"),
        (("--llm", "replay:gone"), "gone"),
        (("--chooser", "utility", "--llm", "http://127.0.0.1:9"), "utility"),
        (("--llm", "http://127.0.0.1:9", "--llm-deadline", "0"), "0.0"),
        (("--compare", "everything"), "everything"),
        (("--seeds", "3"), "--compare"),
        (("--compare", "factors", "--seeds", "0"), "0"),
        (("--compare", "factors", "--workers", "-2"), "-2"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(refused, elsewhere, arguments, said):
    assert said in refused("deliver", *arguments)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("tasks", "said"),
    [("1\n45\n", "45"), ("2\n10\n", "truncated"), ("0\n", "0"), ("x\n", "x"), ("1\n11\n", "11")],
)
def test_bad_tasks_are_one_line(refused, tmp_path, warehouse, tasks, said):
    file = tmp_path / "bad.tasks"
    file.write_text(tasks)
    message = refused("deliver", "--map", warehouse, "--tasks", file)
    assert "bad.tasks" in message
    assert said in message


def test_a_folder_that_cannot_be_written_is_one_line(call, tmp_path):
    file = tmp_path / "taken"
    file.write_text("")
    result = call("deliver", "--minutes", "1", "--out", file)
    assert result.exit_code == 2
    assert "taken" in result.stderr
    assert result.stderr.count("\n") == 1


def test_factors_are_compared_in_pairs(call, tmp_path):
    document = delivered(
        call, tmp_path, "--compare", "factors", "--seeds", "2", "--minutes", "2", "--seed", "5"
    )
    assert document["seeds"] == [5, 6]
    assert tuple(document["factors"]) == tuple(FACTORS)
    assert json.loads((tmp_path / "factors.json").read_text()) == document
    none, every = document["factors"]["none"], document["factors"]["all"]
    assert none["change"] == {}
    assert set(every["change"]) == set(document["metrics"]) == set(none["mean"]) <= set(METRICS)
    change = every["change"]["near_seconds"]
    assert change["n"] == 2
    assert change["low"] is change["high"] is None  # of two pairs
    expected = every["mean"]["near_seconds"] - none["mean"]["near_seconds"]
    assert change["mean"] == pytest.approx(expected)
    percent = every["percent"]["near_seconds"]["mean"]
    assert percent == pytest.approx(100 * expected / none["mean"]["near_seconds"])
    assert none["percent"] == {} and none["n"] == 2 and document["failed"] == []
    assert "bootstrap" in document["method"] and document["level"] == 0.95
    # `all` is the shift as it is without a comparison, in whatever process it runs.
    alone = run_shift(prepare_shift(Shift(minutes=2, seed=6))).episode.summary
    assert every["trace_hashes"][1] == alone["trace_hash"]
    assert (
        len({hash_ for factor in FACTORS for hash_ in document["factors"][factor]["trace_hashes"]})
        > 2
    )


def test_a_comparison_goes_on_where_it_stopped_and_failures_are_rows(call, tmp_path):
    ask = (call, tmp_path, "--compare", "factors", "--seeds", "2", "--minutes", "1", "--seed", "7")
    first = delivered(*ask)
    file = tmp_path / "rows.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {(row["factor"], row["seed"]) for row in rows} == {
        (factor, seed) for factor in FACTORS for seed in (7, 8)
    }
    file.write_bytes(file.read_bytes()[:-900])  # killed in the middle of the last row
    result = call("deliver", "--out", tmp_path, "--json", *ask[2:])
    assert json.loads(result.stdout) == first
    assert "11 shifts were in" in result.stderr
    rows[3] |= {"status": "failed", "error": "CheckError: a plan that was wrong"}
    comparison = Comparison.of(Shift(minutes=1.0, seed=7), (7, 8), rows)
    place = (rows[3]["factor"], rows[3]["seed"])
    assert [(e["factor"], e["seed"]) for e in comparison.errors] == [place]
    document = comparison.as_dict()
    assert document["failed"][0]["error"] == "CheckError: a plan that was wrong"
    assert document["factors"][place[0]]["n"] == 1
    assert None in document["factors"][place[0]]["trace_hashes"]
    for row in rows:
        if row["factor"] == "risk":
            row |= {"status": "failed", "error": "no"}
    with pytest.raises(ValueError, match="risk was finished: no"):
        Comparison.of(Shift(minutes=1.0, seed=7), (7, 8), rows)


def test_metrics_are_rates_and_new_keys_are_taken_when_they_are_there():
    shift = Shift(minutes=30.0)
    values = {"status": "ok", "minutes": 30.0, "deliveries": 5, "near_s": 8.0, "trace_hash": "x"}
    rows = [
        {**values, "factor": factor, "seed": seed, "near_s": 8.0 - 4 * ("risk" in on)}
        for factor, on in FACTORS.items() for seed in (0, 1)
    ]  # fmt: skip
    comparison = Comparison.of(shift, (0, 1), rows)
    assert comparison.metrics == (
        "deliveries_per_hour", "near_seconds_per_hour", "deliveries", "near_seconds",
    )  # fmt: skip
    assert comparison.mean("none", "deliveries_per_hour") == 10.0
    assert comparison.percent("both", "near_seconds_per_hour").mean == -50.0
    assert comparison.change("both", "near_seconds_per_hour").mean == -8.0
    for row in rows:
        row["delay_s"] = 7.0
    assert "delay_s" in Comparison.of(shift, (0, 1), rows).metrics


def test_a_row_names_no_secret_and_no_folder(tmp_path, warehouse):
    tasks = tmp_path / "shop.tasks"
    tasks.write_text("1\n10\n")
    shift = Shift(map=str(warehouse), tasks=str(tasks), llm="http://user:word@127.0.0.1:9/v1")
    run = FactorRun.of("risk", shift)
    shown = json.dumps(run.fields())
    assert "user:word" not in shown and str(tmp_path) not in shown
    moved = tmp_path / "elsewhere" / warehouse.name
    moved.parent.mkdir()
    moved.write_bytes(warehouse.read_bytes())
    assert FactorRun.of("risk", replace(shift, map=str(moved))).run_id == run.run_id
    tasks.write_text("1\n11\n")
    assert FactorRun.of("risk", shift).run_id != run.run_id


def test_a_factor_switches_its_own_weight_alone():
    shift = Shift(profile="delivery")
    energy = 3600 / 211.2
    assert factor_weights("none", shift) == dict.fromkeys(
        ("lam_risk", "lam_congestion", "lam_energy"), 0.0
    )
    assert factor_weights("risk", shift)["lam_risk"] == 8.0
    assert factor_weights("risk", shift)["lam_congestion"] == 0.0
    assert factor_weights("battery", shift)["lam_energy"] == pytest.approx(energy)
    assert factor_weights("both", shift) == {
        "lam_risk": 8.0, "lam_congestion": 1.0, "lam_energy": 0.0,
    }  # fmt: skip
    every = {"lam_risk": 8.0, "lam_congestion": 1.0, "lam_energy": pytest.approx(energy)}
    assert factor_weights("all", shift) == every


def test_a_rate_of_orders_keeps_a_robot_busy(refused, tmp_path):
    busy = run_shift(prepare_shift(Shift(minutes=30, seed=6, orders_per_hour=90.0)))
    few = run_shift(prepare_shift(Shift(minutes=30, seed=6, orders_per_hour=0.0)))
    assert busy.episode.summary["deliveries"] > few.episode.summary["deliveries"]
    with pytest.raises(ValueError, match=r"90 orders per hour and the tasks of a\.tasks"):
        Shift(map="a.map", tasks="a.tasks", orders_per_hour=90.0)
    assert "-3.0" in refused("deliver", "--orders-per-hour", "-3", "--out", tmp_path)


def test_a_shift_with_several_orders_on_board(call, refused, tmp_path):
    asked = ("--minutes", "20", "--orders-per-hour", "60", "--seed", "2", "--layout", "small")
    found = {
        n: json.loads(call("deliver", *asked, *n, "--out", tmp_path, "--json").stdout)
        for n in ((), ("--capacity", "1"), ("--capacity", "3"))
    }
    one, same, three = found.values()
    assert one["trace_hash"] == same["trace_hash"] != three["trace_hash"]
    assert set(one) == set(three) and three["deliveries"] > 3
    head = json.loads((tmp_path / "episode.jsonl").read_text().splitlines()[0])
    assert head["capacity"] == 3
    with pytest.raises(ValueError, match="capacity must be a whole number >= 1, got 0"):
        prepare_shift(Shift(capacity=0))
    assert "x>=1" in refused("deliver", "--capacity", "0", "--out", tmp_path)
