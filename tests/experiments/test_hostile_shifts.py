"""Hostile items and notes in whole shifts: the trace is the one of neutral words."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from hostile_texts import TEXTS
from model_server import Server

from experiments import snapshots
from experiments.deciding import Asked, decide
from experiments.shift import Shift, prepare_shift, run_shift
from experiments.snapshots import take_snapshot
from planners.tasks import NamedSnapshot
from planners.tasks.named import MAX_ITEM

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-SECRETSECRETSECRETSECRET"
QUIET = {"layout": "small", "workers": 3, "seed": 2, "minutes": 10.0, "orders_per_hour": 60.0}
AT_ONCE = "\n".join(f"+0:{k:02d} " + text.replace("\n", " ") for k, text in enumerate(TEXTS))


def trace(notes: str = "", chooser: str = "utility") -> str:
    ready = prepare_shift(Shift(notes=notes, chooser=chooser, **QUIET))
    run = run_shift(ready)
    assert not run.noted or run.noted.constraints == ()
    assert run.summary["strandings"] == 0 and run.summary["deliveries"] > 2
    return str(run.summary["trace_hash"])


@pytest.fixture(scope="module")
def neutral():
    return {chooser: trace(chooser=chooser) for chooser in ("utility", "deep")}


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_a_hostile_note_moves_nothing(neutral, number):
    assert trace(TEXTS[number]) == neutral["utility"]


@pytest.mark.parametrize("chooser", ["utility", "deep"])
def test_all_of_them_one_after_the_other_move_nothing(neutral, chooser):
    assert trace(AT_ONCE, chooser) == neutral[chooser]


def test_a_note_of_everyday_words_does_move_something(neutral):
    run = run_shift(prepare_shift(Shift(notes="O1 is cancelled.", **QUIET)))
    assert run.summary["trace_hash"] != neutral["utility"]


def test_hostile_items_move_nothing(monkeypatch):
    note = "O2 is urgent. The rest can wait."

    def once() -> tuple[str, list[dict[str, object]]]:
        run = run_shift(prepare_shift(Shift(notes=note, **QUIET)))
        return str(run.summary["trace_hash"]), run.summary["constraints"]

    before = once()
    monkeypatch.setattr(snapshots, "ITEMS", TEXTS)
    assert once() == before and len(before[1]) > 1


@pytest.mark.parametrize("chooser", ["reflex", "utility", "deep"])
def test_hostile_items_decide_nothing(chooser):
    named = take_snapshot("small", orders=4, seed=2)[0]
    expected = decide(named, Asked(chooser=chooser, notes="O2 is urgent.")).as_dict()
    for text in TEXTS:
        if text.isprintable() and len(text) <= MAX_ITEM:
            items = {**named.items, "O3": text}
            moment = NamedSnapshot(
                named.snapshot, items, named.docks, named.aisles, named.clock_s
            )  # fmt: skip
            found = decide(moment, Asked(chooser=chooser, notes="O2 is urgent.")).as_dict()
            for candidate in (
                *found["decision"]["candidates"],
                *expected["decision"]["candidates"],
            ):
                candidate.pop("item", None)
            assert found == expected, text


# --------------------------------------------------------------------------------- keys


def echoing(handler):
    one = {"kind": "deadline", "target": "O2", "level": "none", "when": KEY}
    handler.say(json.dumps({"constraints": [one]}))


def test_no_key_gets_into_what_is_kept_of_notes(call, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = Server()
    server.script = [echoing, lambda handler: handler.say(f"Dear {KEY}, no")]
    note = "O2 wobbles at 06:10.\nO1 wobbles at 06:20."
    result = call("deliver", "--layout", "small", "--minutes", "2", "--chooser", "utility",
                  "--notes", note, "--llm", server.url, "--out", tmp_path)  # fmt: skip
    server.stop()
    assert result.exit_code == 0, result.stderr
    assert len(server.requests) == 2
    assert server.requests[0][1]["Authorization"] == f"Bearer {KEY}"
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert {row["what"] for row in summary["rejected"]} == {"note", "reply"}
    for file in tmp_path.iterdir():
        assert b"SECRET" not in file.read_bytes(), file
    assert "SECRET" not in result.stdout + result.stderr


def test_no_published_row_holds_a_key():
    files = sorted((ROOT / "docs" / "rows").glob("*.jsonl.gz"))
    assert len(files) >= 5
    for file in files:
        text = gzip.decompress(file.read_bytes()).decode()
        found = re.search(r"\bsk-[A-Za-z0-9]{8}|Bearer |api_key|authorization", text, re.IGNORECASE)
        assert found is None, (file, found)
