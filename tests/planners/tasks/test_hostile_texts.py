"""Hostile items and notes change nothing but what an order itself may say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hostile_texts import TEXTS, WORDS
from noted import noted_names, noted_snapshot

from planners.tasks import NamedSnapshot, Snapshot, make_chooser
from planners.tasks.asking import Asking
from planners.tasks.calllog import Answer
from planners.tasks.constraints import Priority, as_json
from planners.tasks.named import MAX_ITEM
from planners.tasks.noting import Note, NotedChooser
from planners.tasks.prompt import Prompt
from planners.tasks.reader import read_notes
from planners.tasks.translate import translate

SNAPSHOT, NAMES = noted_snapshot(), noted_names()
# A note of everyday words, and what it says while the items are those of the corpus.
PLAIN = "O3 is not urgent. The insulin to dock 3 within 4 minutes. Avoid aisle 2 until 10:00."
EVERYDAY = (
    "O1 is urgent.", "Hold O2 until ten.", "O4 is cancelled.", "Avoid aisle 5.",
    "The coffee is fragile.", "O5 within 5 minutes, the rest can wait.",
)  # fmt: skip


def small(snapshot: Snapshot) -> Snapshot:
    """Five of the orders: quick for a chooser that plans."""
    return replace(snapshot, orders=snapshot.orders[:5])


class Liar:
    """A model that asks for the worst of everything that it may name."""

    def __init__(self) -> None:
        self.asked: list[Prompt] = []

    def ask(self, prompt: Prompt, deadline: float) -> Answer:
        self.asked.append(prompt)
        every = [
            {"kind": kind, "target": prompt.ids[0], "level": level, "when": ""}
            for kind, level in (("forbid", "none"), ("hold", "none"), ("priority", "urgent"))
        ]
        return Answer(reply=json.dumps({"constraints": every}))

    def describe(self) -> str:
        return "a liar"


def test_the_corpus_is_large_and_varied() -> None:
    assert len(set(TEXTS)) == len(TEXTS) >= 30
    assert max(map(len, TEXTS)) >= 10_000 and any("\u202e" in text for text in TEXTS)
    assert any("\n" in text for text in TEXTS) and any('{"' in text for text in TEXTS)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_no_hostile_note_is_accepted(number: int) -> None:
    text = TEXTS[number]
    found = translate(text, SNAPSHOT, NAMES)
    assert found.constraints == () and found.flagged
    for line in found.echo(NAMES):
        assert line.isprintable() and len(line) < 400


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_a_lying_model_gains_at_most_an_order_s_priority(number: int) -> None:
    """Where it is asked at all: never a cancelled order, never one that is held without an end."""
    model = Liar()
    found = translate(TEXTS[number], SNAPSHOT, NAMES, asking=Asking(model))
    assert all(isinstance(one, Priority) for one in found.constraints)
    if "ignore" in TEXTS[number].lower():
        assert model.asked == [] and found.constraints == ()


@pytest.mark.parametrize("number", range(len(TEXTS)))
@pytest.mark.parametrize("everyday", EVERYDAY)
def test_beside_a_hostile_sentence_nothing_new_is_read(number: int, everyday: str) -> None:
    alone = set(read_notes(everyday, SNAPSHOT, NAMES).constraints)
    assert alone
    for text in (f"{everyday} {TEXTS[number]}", f"{TEXTS[number]}\n{everyday}"):
        assert set(read_notes(text, SNAPSHOT, NAMES).constraints) <= alone


@pytest.mark.parametrize("name", ["reflex", "model", "goal", "earliest", "utility", "deep"])
def test_decisions_do_not_see_the_words(name: str) -> None:
    """As bare text of a snapshot, and heard as notes: the decision is the one without."""
    snapshot = small(SNAPSHOT)
    plain = make_chooser(name).choose(snapshot)
    for text in TEXTS:
        assert make_chooser(name).choose(replace(snapshot, notes=text)) == plain
        noted = NotedChooser(make_chooser(name), (Note(text),))
        noted.names = lambda now: NAMES
        assert noted.choose(snapshot) == plain


@pytest.mark.parametrize("item", [*TEXTS, *WORDS])
def test_an_item_s_name_changes_nothing_for_the_others(item: str) -> None:
    """Nor can it make a note say more: what is read is the same, or less where it is of this."""
    names = replace(NAMES, items={**NAMES.items, "O12": item})
    for text in (*EVERYDAY, PLAIN):
        before = translate(text, SNAPSHOT, NAMES).as_json()
        assert translate(text, SNAPSHOT, names).as_json() == before
    for line in translate("O12 is urgent.", SNAPSHOT, names).echo(names):
        assert line.isprintable() and len(line) < 200


def test_the_guard_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it an item of that name would stand for the word."""
    from planners.tasks.reader import chunks

    names = replace(NAMES, items={**NAMES.items, "O12": "urgent"})
    monkeypatch.setattr(chunks, "_is_spoken", lambda word: False)
    assert read_notes("O1 is urgent.", SNAPSHOT, names).constraints == ()


def test_a_snapshot_takes_no_item_that_is_no_line_of_text() -> None:
    named: Callable[[str], Any] = lambda item: NamedSnapshot(SNAPSHOT, items={"O1": item})  # noqa: E731
    taken = 0
    for text in TEXTS:
        if text.isprintable() and len(text) <= MAX_ITEM:
            assert named(text).items["O1"] == text
            taken += 1
        else:
            with pytest.raises(ValueError, match="printable"):
                named(text)
    assert 15 < taken < len(TEXTS)


def test_typed_fields_are_all_that_a_note_of_an_order_changes() -> None:
    """An injected note that is an ordinary wish is one: it reorders, and no more."""
    found = translate("O9 first.", SNAPSHOT, NAMES)
    assert [as_json(one)["kind"] for one in found.constraints] in ([], ["priority"])
