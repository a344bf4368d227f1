"""The study on labelled notes: what it counts, and that it shows totals alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from noted import corpus_context, noted_names

from experiments.note_study import main, markdown, moment_of, score, study
from planners.tasks.calllog import Answer
from planners.tasks.reader import read_notes
from planners.tasks.translate import translate

SAID = [
    {"style": "plain", "note": "O1 is urgent.", "flag": False,
     "expect": [{"kind": "priority", "order": "O1", "level": "urgent"}]},
    {"style": "chat", "note": "O2 wobbles before 10:00, mind.", "flag": True,
     "expect": [{"kind": "fragile", "order": "O2"}]},
]  # fmt: skip


class Model:
    """Says of every sentence that its first order is fragile."""

    def ask(self, prompt, deadline):
        one = {"kind": "fragile", "target": prompt.ids[0], "level": "none", "when": ""}
        return Answer(reply=json.dumps({"constraints": [one]}))

    def describe(self):
        return "a double"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "context.json").write_text(json.dumps(corpus_context()))
    for half in ("one", "two"):
        lines = "".join(json.dumps({**note, "id": half}) + "\n" for note in SAID)
        (tmp_path / f"{half}.jsonl").write_text(lines)
    return tmp_path


def test_the_moment_has_the_names_of_the_context():
    snapshot, names = moment_of(corpus_context())
    known = noted_names(corpus_context())
    assert (names.items, names.docks, names.clock_s) == (known.items, known.docks, known.clock_s)
    assert set(names.aisles) == set(known.aisles) and names.shift_s == known.shift_s
    assert len(read_notes("O1 is urgent. Avoid aisle 7.", snapshot, names).constraints) == 2


def test_totals_are_counted():
    snapshot, names = moment_of(corpus_context())
    totals = score(SAID, lambda text: translate(text, snapshot, names))
    every = totals["all", "notes"]
    assert (every["accepted"], every["right"], every["expected"], every["notes"]) == (1, 1, 2, 2)
    assert (every["to_flag"], every["not_flagged"]) == (1, 0)
    wrong = [{**SAID[0], "expect": []}]
    assert (
        score(wrong, lambda text: translate(text, snapshot, names))["style", "plain"]["right"] == 0
    )


def test_a_model_is_counted_beside_the_reader(folder):
    rows = {row["run_id"]: row for row in study(folder, Model())}
    alone, beside = (rows[f"{r}/both/all/notes"] for r in ("reader", "reader and model"))
    assert (alone["accepted"], alone["by_model"], alone["calls"]) == (2, 0, 0)
    assert (beside["accepted"], beside["by_model"], beside["calls"]) == (4, 2, 2)
    assert beside["right_by_model"] == 2
    page = "\n".join(markdown(list(rows.values()), "both"))
    assert "| style: chat | - | .00 (0 of 2) | 1.00 (2 of 2) | 1.00 (2 of 2) |" in page


def test_no_note_is_shown(folder, tmp_path):
    result = CliRunner().invoke(main, [str(folder), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    kept = (tmp_path / "out" / "rows.jsonl").read_text() + result.output
    assert "wobbles" not in kept and "O1" not in kept and "O2" not in kept
    assert {file.name for file in Path(tmp_path / "out").iterdir()} == {"rows.jsonl"}
