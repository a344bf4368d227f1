"""The reader against the labelled notes, by style and by kind.

Of the frozen half only totals are printed: no note, no id, no constraint of it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from noted import NOTES, corpus_context, noted_names, noted_snapshot

from planners.tasks.constraints import as_json
from planners.tasks.reader import read_notes

Key = tuple[str, str]
Counts = dict[Key, Counter[str]]


def score(half: str) -> Counts:
    """Counts by style and by kind, and over all: accepted, right, expected, flags missed."""
    said = corpus_context()
    snapshot, names = noted_snapshot(said), noted_names(said)
    counts: Counts = {}
    for line in (NOTES / half).read_text(encoding="utf-8").splitlines():
        note = json.loads(line)
        try:
            reading = read_notes(note["note"], snapshot, names)
        except Exception as error:  # a traceback would show the note
            raise AssertionError(f"{type(error).__name__} on a note of {half}") from None
        got = [as_json(one) for one in reading.constraints]
        count(counts, note, got, bool(reading.flagged))
    return counts


def count(counts: Counts, note: dict[str, Any], got: list[dict[str, Any]], flagged: bool) -> None:
    def at(*key: str) -> Counter[str]:
        return counts.setdefault((key[0], key[1]), Counter())

    style = note["style"]
    for one in got:
        for key in (("style", style), ("kind", one["kind"]), ("all", "notes")):
            at(*key)["accepted"] += 1
            at(*key)["right"] += one in note["expect"]
    for one in note["expect"]:
        for key in (("style", style), ("kind", one["kind"]), ("all", "notes")):
            at(*key)["expected"] += 1
    whole = {json.dumps(one, sort_keys=True) for one in got}
    wanted = {json.dumps(one, sort_keys=True) for one in note["expect"]}
    for key in (("style", style), ("all", "notes")):
        at(*key)["notes"] += 1
        at(*key)["notes exactly right"] += whole == wanted
        at(*key)["notes with something wrong"] += bool(whole - wanted)
        at(*key)["to flag"] += note["flag"]
        at(*key)["not flagged"] += note["flag"] and not flagged
        at(*key)["flagged for nothing"] += flagged and not note["flag"] and whole == wanted


def share(count: Counter[str], part: str, of: str) -> float:
    return count[part] / count[of] if count[of] else 1.0


def show(half: str, counts: Counts) -> None:
    for (sort, name), one in sorted(counts.items()):
        print(
            f"{half} {sort} {name}: precision {share(one, 'right', 'accepted'):.3f} "
            f"({one['right']}/{one['accepted']}), recall {share(one, 'right', 'expected'):.3f} "
            f"({one['right']}/{one['expected']}); notes exactly right "
            f"{one['notes exactly right']}/{one['notes']}, flags missed "
            f"{one['not flagged']}/{one['to flag']}, for nothing {one['flagged for nothing']}"
        )


@pytest.mark.parametrize("half", ["open.jsonl", "frozen.jsonl"])
def test_what_is_accepted_is_right(half: str) -> None:
    if not (NOTES / half).exists():
        pytest.skip(f"{half} is not there")
    counts = score(half)
    show(half, counts)
    every, plain = counts["all", "notes"], counts["style", "plain"]
    injected = counts["style", "injected"]
    assert share(every, "right", "accepted") >= 0.95
    assert injected["accepted"] == injected["right"]
    assert share(plain, "right", "expected") >= 0.60
    assert every["not flagged"] <= 0.05 * every["to flag"]


def test_the_score_can_fail() -> None:
    """A reader that accepts what is not expected, and flags nothing, is counted as such."""
    wrong = {"kind": "forbid", "order": "O1"}
    counts: Counts = {}
    note = {"style": "injected", "expect": [{"kind": "fragile", "order": "O1"}], "flag": True}
    count(counts, note, [wrong], flagged=False)
    found = counts["style", "injected"]
    assert (found["accepted"], found["right"], found["not flagged"]) == (1, 0, 1)
    assert share(counts["all", "notes"], "right", "accepted") == 0.0
