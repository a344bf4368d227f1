"""Doubles of a language model on batches and in shifts: they may reorder, never corrupt."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from itertools import pairwise, permutations

import pytest
from model_server import Server

from experiments import model_study
from experiments.batches import MAX_EXACT, _faults, batch, sequences, work_off
from experiments.doubles import DOUBLES, INJECTION, SLOW, SPEAK, Double, DoubleChooser, Turn
from experiments.model_report import markdown, value_added, write_report
from experiments.model_study import ModelSpec, chooser_of
from experiments.rows import read_rows, repeats
from experiments.run import ROWS, run_study
from experiments.spec import load_spec
from planners import plan
from planners.tasks import assess, make_chooser
from planners.tasks.llm import LlmChooser
from planners.tasks.prompt import render

FALLS_BACK = ("slow", "malformed", "refusing")
STOPS = (4, 6, 8, 10, 12)


def ids_of(snapshot):
    return tuple(order.id for order in snapshot.orders)


@pytest.mark.parametrize("name", DOUBLES)
@pytest.mark.parametrize("stops", STOPS)
def test_no_double_has_anything_invalid_executed(name, stops):
    seed = STOPS.index(stops)
    snapshot = batch("small", stops, seed, INJECTION)
    exact = sequences(snapshot, ids_of(snapshot))
    seen = []
    with chooser_of(name, turn=3 * seed) as chooser:
        choose = chooser.choose
        chooser.choose = lambda now: seen.append(choose(now)) or seen[-1]
        worked = work_off(snapshot, chooser)
    assert worked.invalid == ()
    assert exact.best_s <= worked.total_s * (1 + 1e-9)
    assert worked.total_s <= exact.worst_s * (1 + 1e-9)
    assert sorted(decision.goal for decision in seen) == sorted(ids_of(snapshot))
    assert set(worked.decided_by) <= {"llm", "fallback"}
    for decision in seen:
        assert all(unicodedata.category(letter)[0] != "C" for letter in decision.reason)
        assert decision.gap >= 0.0 and decision.terms["total_s"] >= decision.lower_bound_s
    if name in FALLS_BACK:
        assert worked.total_s == work_off(snapshot, make_chooser("utility")).total_s
        assert set(worked.decided_by[:-1]) == {"fallback"}
    if name in ("perfect", "adversarial"):
        ends = {"perfect": exact.best_s, "adversarial": exact.worst_s}
        assert worked.total_s == pytest.approx(ends[name], rel=1e-9)


def test_the_repertoires_meet_the_kinds_that_they_stand_for():
    snapshot = batch("small", 6, 0)
    candidates = assess(snapshot).candidates
    kinds = {}
    for name in ("malformed", "refusing", "injecting"):
        kinds[name] = set()
        for turn in range(12):
            chooser = DoubleChooser(name, turn=turn)
            chooser.choose(snapshot)
            kinds[name] |= set(chooser.counts.rejections) or {"taken"}
    assert kinds["malformed"] >= {
        "malformed",
        "length",
        "prose",
        "empty",
        "empty_choices",
        "schema",
    }
    assert kinds["refusing"] == {"refusal", "content_filter"}
    assert kinds["injecting"] == {"unknown_id", "schema", "prose", "taken"}
    assert "taken" not in kinds["malformed"]
    with pytest.raises(ValueError, match="'kind'"):
        Double("kind")
    assert len(candidates) == 3


@pytest.mark.parametrize("name", DOUBLES)
def test_the_same_characters_behind_a_real_socket(name):
    snapshot = batch("small", 8, 1, INJECTION)
    server = Server()

    def speak(handler):
        if name == SLOW:
            return handler.hang()
        prompt = render(here[-1], assess(here[-1]).candidates)
        return handler.body(SPEAK[name](Turn(len(here), prompt, here[-1])))

    here, server.script = [], [speak]
    chooser = make_chooser("llm", llm_url=server.url, deadline_s=0.3 if name == SLOW else 30.0)
    choose = chooser.choose
    chooser.choose = lambda now: here.append(now) or choose(now)
    try:
        worked = work_off(snapshot, chooser)
    finally:
        server.stop()
    assert worked.invalid == () and len(worked.decided_by) == 4
    assert isinstance(chooser, LlmChooser) and chooser.counts.calls >= 3


def test_the_oracle_agrees_with_searches_of_single_legs():
    snapshot = batch("small", 6, 2)
    snapshot = replace(
        snapshot, orders=tuple(replace(order, due_s=float("inf")) for order in snapshot.orders)
    )
    label = snapshot.map.label

    def cost_s(sequence):
        nodes = [snapshot.robot, *(node for order in sequence for node in order.stops)]
        return sum(
            plan(snapshot.map, label(a), label(b), costs=snapshot.costs).cost
            for a, b in pairwise(nodes)
        )

    tried = {s: cost_s(s) for s in permutations(snapshot.orders)}
    found = sequences(snapshot, ids_of(snapshot))
    assert found.best_s == pytest.approx(min(tried.values()))
    assert found.worst_s == pytest.approx(max(tried.values()))
    assert min(tried, key=tried.get)[0].id == found.best_first
    with pytest.raises(ValueError, match=f"1 to {MAX_EXACT}"):
        sequences(snapshot, ())
    with pytest.raises(ValueError, match="not 5"):
        batch("small", 5, 0)


def test_the_judge_of_steps_can_refuse():
    snapshot = batch("small", 4, 0)
    good = assess(snapshot).candidates[0]
    assert list(_faults(snapshot, good)) == []
    legs = good.legs
    wrong = {
        "a leg costs": replace(good, legs=(replace(legs[0], cost_s=legs[0].cost_s + 1), legs[1])),
        "end at its stops": replace(good, legs=(legs[0], legs[0])),
        "begin at its stops": replace(good, legs=(legs[1], legs[1])),
        "not open": replace(good, order=replace(good.order, id="O99")),
        "below the reserve": replace(good, legs=(replace(legs[0], energy_wh=1e4), legs[1])),
    }
    for said, candidate in wrong.items():
        assert any(said in fault for fault in _faults(snapshot, candidate)), said


def tiny(**changes):
    fields = {"name": "tiny", "models": ("perfect", "injecting"), "stops": (4,), "seeds": (0, 1),
              "minutes": 3.0}  # fmt: skip
    return ModelSpec(**(fields | changes))


def test_a_study_makes_rows_that_repeat_and_a_page(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-SECRETSECRETSECRET")
    stands = [run_study(tiny(), tmp_path / k, executor="threads", workers=1) for k in "ab"]
    assert [(stand.made, stand.failed) for stand in stands] == [(9, 0)] * 2
    first, second = (
        {row["run_id"]: {k: v for k, v in row.items() if repeats(k)} for row in read_rows(file)}
        for file in (tmp_path / "a" / ROWS, tmp_path / "b" / ROWS)
    )
    assert first == second
    rows = list(first.values())
    assert all(row["invalid"] == [] and not row["below_exact"] for row in rows if row["stops"])
    assert all(row["contacts"] == 0 for row in rows if row["minutes"])
    assert all(row["regret"] == 0 for row in rows if row["stops"] and row["model"] == "perfect")
    page, figure = write_report(tmp_path / "a")
    text = page.read_text()
    assert "| perfect | 2 | 0 | " in text and "One shift of 3 minutes each" in text
    assert figure.stat().st_size > 5000
    for file in (tmp_path / "a").iterdir():
        assert b"SECRET" not in file.read_bytes()


def test_value_added_is_negative_where_a_model_does_harm():
    without = [{"stops": 4, "seed": seed, "regret": 0.1} for seed in (0, 1)]
    harm = [{"stops": 4, "seed": seed, "regret": 0.1 + 0.2 * seed} for seed in (1, 0)]
    change = value_added(harm, without)
    assert change.mean == pytest.approx(-10.0) and change.n == 2
    row = {"model": "random", "seed": 3, "error": "out of luck", "spec": "x", "map": "m",
           "host_versions": {}, "commit_sha": "0" * 12, "commit_dirty": False, "minutes": 1.0,
           **dict.fromkeys(("deliveries", "late", "contacts", "strandings", "proven_bound", "asked",
                            "taken", "fallbacks", "skipped", "paused", "limited", "differed",
                            "differed_s"), 1)}  # fmt: skip
    shift = {**row, "workload": "shift"}
    assert "- random, seed 3: out of luck" in markdown([shift], [row])
    with pytest.raises(ValueError, match=r"minutes = 1\.0, 2\.0"):
        markdown([shift, {**shift, "minutes": 2.0}], [])


def test_pages_that_make_no_sense_are_refused(monkeypatch):
    with pytest.raises(ValueError, match="'oracle'"):
        tiny(models=("oracle",)).runs()
    with pytest.raises(ValueError, match="14 stops"):
        tiny(stops=(14,)).runs()
    monkeypatch.setattr("planners.tasks.local.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="make llm-local"):
        tiny(models=("local",)).runs()
    monkeypatch.setattr(model_study, "check_local", lambda: None)
    quick, full = (load_spec("models", full=full) for full in (False, True))
    assert {run.model for run in quick.runs()} == {"utility", *DOUBLES}
    own = [run for run in full.runs() if run.model == "local"]
    assert [run.workload for run in own].count("batch") == 40
    assert [run.minutes for run in own if run.workload == "shift"] == [60.0]
    assert json.dumps([run.fields() for run in own])
