"""Notes over time: heard once, applied at every decision, read again for orders that appear."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noted import noted_names, noted_snapshot

from planners.tasks import Decision, Order, Snapshot, make_chooser
from planners.tasks.asking import Asking, Limits
from planners.tasks.calllog import Answer
from planners.tasks.llm import LlmChooser
from planners.tasks.names import Names
from planners.tasks.noting import Note, NotedChooser, Told
from planners.tasks.prompt import Prompt, Rejection

NOW = replace(noted_snapshot(), time_s=0.0)
SPOILS = "The vaccines spoil out of the fridge at dock 6 past 10:12."


class Seen:
    """A chooser that keeps what it was shown."""

    name = "seen"

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []

    def choose(self, snapshot: Snapshot) -> Decision:
        self.snapshots.append(snapshot)
        return make_chooser("utility").choose(snapshot)

    def describe(self) -> str:
        return "seen decides"


class Model:
    """A model that says what it is told to, and counts."""

    def __init__(self, **said: str) -> None:
        full = {"kind": "deadline", "target": "O9", "level": "none", "when": "", **said}
        self.reply = json.dumps({"constraints": [full]})
        self.prompts: list[Prompt] = []

    def ask(self, prompt: Prompt, deadline: float) -> Answer:
        self.prompts.append(prompt)
        return Answer(reply=self.reply)

    def describe(self) -> str:
        return "a double"


def names_at(snapshot: Snapshot) -> Names:
    """The corpus's names, with the clock of the snapshot's moment."""
    known = noted_names()
    return replace(known, clock_s=(known.clock_s or 0.0) + snapshot.time_s)


def noted(*notes: Note, **changes: Any) -> tuple[NotedChooser, Seen, list[Told]]:
    seen, told = Seen(), list[Told]()
    chooser = NotedChooser(seen, notes, **changes)
    chooser.names, chooser.tell = names_at, told.append
    return chooser, seen, told


def orders(snapshot: Snapshot) -> dict[str, Order]:
    return {order.id: order for order in snapshot.orders}


def at(time_s: float, without: tuple[str, ...] = ()) -> Snapshot:
    return replace(NOW, time_s=time_s, orders=tuple(o for o in NOW.orders if o.id not in without))


def test_nothing_changes_before_a_note_arrives() -> None:
    chooser, seen, told = noted(Note("O3 is cancelled.", 60.0))
    snapshot = at(30.0)
    chooser.choose(snapshot)
    assert seen.snapshots == [snapshot] and seen.snapshots[0] is snapshot and told == []
    assert len(chooser.coming) == 1
    decision = chooser.choose(at(60.0))
    assert "O3" not in orders(seen.snapshots[1])
    assert [(no.goal, no.code) for no in decision.refused] == [("O3", "forbidden")]
    assert chooser.coming == () and seen.snapshots[1].notes == "O3 is cancelled."


def test_times_count_from_the_arrival_and_end() -> None:
    chooser, seen, told = noted(Note("O5 is due within 4 minutes. Hold O2 for 5 minutes.", 60.0))
    chooser.choose(at(100.0))  # heard late: the robot was under way
    assert orders(seen.snapshots[0])["O5"].due_s == 300.0
    assert orders(seen.snapshots[0])["O5"].priority == "urgent"
    assert orders(seen.snapshots[0])["O2"].release_s == 360.0
    chooser.choose(at(359.0))
    assert orders(seen.snapshots[1])["O5"].due_s == 300.0  # late by now, and goes on costing
    assert orders(seen.snapshots[1])["O2"].release_s == 360.0
    chooser.choose(at(360.0))
    assert orders(seen.snapshots[2])["O2"].release_s == 0.0
    assert list(chooser.constraints) == [
        {"kind": "deadline", "order": "O5", "due_s": 300},
        {"kind": "hold", "order": "O2", "until_s": 360},
    ]
    assert [len(one.constraints) for one in told if one.note == 1] == [2]


def test_each_thing_is_said_once() -> None:
    chooser, _, told = noted(Note("O3 is urgent, maybe O4 too. O5 is due within 4 minutes."))
    for moment in (0.0, 10.0, 20.0):
        chooser.choose(at(moment))
    lines = [line for one in told for line in one.said]
    assert len(lines) == len(set(lines)) and any("not read" in line for line in lines)
    assert [one.note for one in told] == [1, None]
    assert [row["code"] for row in chooser.rejected] == ["flagged"] * len(chooser.rejected)
    assert chooser.rejected


def test_an_order_that_appears_is_the_one_that_was_named() -> None:
    """Its time counts from the note's arrival; the rest stays what was open then."""
    note = Note("O9 within 10 minutes, the rest can wait.", 60.0)
    chooser, seen, told = noted(note)
    chooser.choose(at(60.0, without=("O9", "O12")))
    assert orders(seen.snapshots[0])["O1"].priority == "normal"
    assert [row["reason"] for row in chooser.rejected][:1] == ["O9 is not open"]
    chooser.choose(at(200.0, without=("O9",)))
    assert orders(seen.snapshots[1])["O12"].priority == "normal"
    chooser.choose(at(400.0))
    found = orders(seen.snapshots[2])
    assert (found["O9"].due_s, found["O9"].priority) == (660.0, "urgent")
    assert (found["O1"].priority, found["O12"].priority) == ("low", "normal")
    assert chooser.rejected == () and [one.note for one in told if one.constraints] == [1]
    chooser.choose(at(410.0))
    assert sum(one.note == 1 for one in told) == 2  # read once more, and no more


def test_a_later_note_stands_where_two_contradict_each_other() -> None:
    notes = (Note("O3 is urgent. O5 is cancelled."), Note("O3 can wait.", 60.0))
    chooser, seen, told = noted(*notes)
    chooser.choose(at(0.0))
    chooser.choose(at(60.0))
    assert orders(seen.snapshots[0])["O3"].priority == "urgent"
    assert orders(seen.snapshots[1])["O3"].priority == "low"
    assert all("O5" not in orders(snapshot) for snapshot in seen.snapshots)
    assert [row["code"] for row in chooser.rejected] == ["replaced"]
    assert sum("no longer" in line for one in told for line in one.said) == 1


def test_what_has_been_delivered_binds_nobody() -> None:
    chooser, seen, _ = noted(Note("O3 is urgent. O4 is cancelled."))
    chooser.choose(at(0.0))
    chooser.choose(at(60.0, without=("O3", "O4")))
    assert set(orders(seen.snapshots[1])) == set(orders(NOW)) - {"O3", "O4"}


def test_what_is_on_board_is_delivered() -> None:
    chooser, seen, told = noted(Note("O3 is cancelled. Hold O4. Avoid aisle 2."))
    carried = replace(at(0.0), on_board=("O3", "O4"), capacity=2, payload_kg=4.0)
    through = replace(carried.orders[3], stops=(noted_names().aisles["aisle-2"][0],))
    carried = replace(
        carried, orders=(*carried.orders[:3], through, *carried.orders[4:])
    )  # fmt: skip
    chooser.choose(carried)
    assert {"O3", "O4"} <= set(orders(seen.snapshots[0]))
    assert seen.snapshots[0].map.blocked.sum() == 0  # dear, not closed: O4 has to get there
    lines = " ".join(line for one in told for line in one.said)
    for order in ("O3", "O4"):
        assert f"{order} is on board already: it is delivered all the same" in lines
    assert "cannot be closed" in lines


def test_a_sequence_never_stops_a_full_robot_for_good() -> None:
    chooser, seen, _ = noted(Note("O3 after O5. O4 after O5."))
    carried = replace(at(0.0), on_board=("O3", "O4"), capacity=2, payload_kg=4.0)
    chooser.choose(carried)
    assert not seen.snapshots[0].after  # O5 finds no room: O3 or O4 has to leave first
    for freer in (replace(carried, capacity=3), replace(carried, on_board=("O3",))):
        chooser.choose(freer)
        assert seen.snapshots[-1].after == {"O3": ("O5",), "O4": ("O5",)}


def test_closed_aisles_are_told_with_their_end() -> None:
    closed: list[Any] = []
    chooser, _, _ = noted(Note("Avoid aisle 2 for 10 minutes. Avoid aisle 5.", 30.0))
    chooser.close = closed.append
    chooser.choose(at(40.0))
    chooser.choose(at(630.0))
    assert closed == [{"aisle-2": 630.0, "aisle-5": None}, {"aisle-5": None}]


# ------------------------------------------------------------------------------ with a model


def test_the_model_is_asked_about_a_sentence_once() -> None:
    model = Model(when="10:12")
    asking = Asking(model)
    chooser, seen, _ = noted(Note(f"{SPOILS}\nO12 is urgent."), asking=asking)
    chooser.choose(at(0.0, without=("O12",)))
    assert orders(seen.snapshots[0])["O9"].due_s == 1920.0
    chooser.choose(at(60.0))  # O12 appears, the whole note is read again
    found = orders(seen.snapshots[1])
    assert (found["O9"].due_s, found["O12"].priority) == (1920.0, "urgent")
    assert len(model.prompts) == asking.counts.calls == 1
    assert (chooser.asked, chooser.taken) == (1, 1)


def test_limits_hold_for_notes_too() -> None:
    model = Model(when="10:12")
    asking = Asking(model, limits=Limits(calls=0))
    chooser, seen, _ = noted(Note(SPOILS), asking=asking)
    chooser.choose(at(0.0))
    assert model.prompts == [] and asking.counts.limited == 1
    assert orders(seen.snapshots[0])["O9"].priority == "urgent"  # as it was
    assert [row["what"] for row in chooser.rejected] == ["note", "reply"]


def test_the_llm_chooser_shares_its_questions_and_quotes_the_note() -> None:
    model = Model(when="10:12")
    inner = LlmChooser(model)
    chooser = NotedChooser(inner, (Note(SPOILS),), asking=inner.asking)
    chooser.names = names_at
    chooser.choose(at(0.0))
    assert inner.counts.calls == 2 and (chooser.asked, chooser.taken) == (1, 1)
    assert "spoil" in model.prompts[1].messages[1]["content"].splitlines()[-1]
    assert "it is asked" in chooser.describe()


def test_a_question_is_put_once_unless_nobody_was_asked() -> None:
    model = Model()
    asking = Asking(model, limits=Limits(calls=1))
    prompts = [Prompt(({"role": "user", "content": text},), {}, ()) for text in "ab"]

    def read(said: str | None) -> str | Rejection:
        return Rejection("prose") if said is None else said

    first = asking.ask_once(prompts[0], read, 1e9)
    assert asking.ask_once(prompts[0], read, 1e9) == first == model.reply
    for _ in range(2):
        limited = asking.ask_once(prompts[1], read, 1e9)
        assert isinstance(limited, Rejection) and limited.kind == "limit"
    assert asking.counts.limited == 2 and len(model.prompts) == 1


@pytest.mark.parametrize("extra", [{}, {"asking": Asking(Model())}])
def test_who_reads_is_said(extra: dict[str, Any]) -> None:
    said = noted(Note("x"), **extra)[0].describe()
    assert ("a double is asked" in said) if extra else ("read by rules" in said)


WORDS = ["O3", "O9", "O40", "is", "urgent", "cancelled.", "hold", "until", "10:00", "avoid",
         "aisle", "2", "the", "rest", "can", "wait.", "within", "5", "minutes,", "not", "no,",
         "reserve", "battery"]  # fmt: skip


@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), max_size=4),
    moments=st.lists(st.integers(0, 1200), min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_notes_over_time_never_loosen_anything(texts: list[str], moments: list[int]) -> None:
    notes = [Note(text, 250.0 * k) for k, text in enumerate(texts)]
    chooser, seen, _ = noted(*notes)
    for moment in sorted(moments):
        snapshot = at(float(moment), without=("O9",) if moment < 600 else ())
        decision = chooser.choose(snapshot)
        shown = seen.snapshots[-1]
        for field in ("charge_wh", "capacity_wh", "reserve_wh", "margin", "payload_kg", "capacity",
                      "chargers", "energy", "robot", "lateness_weights"):  # fmt: skip
            assert getattr(shown, field) == getattr(snapshot, field)
        assert set(orders(shown)) <= set(orders(snapshot))
        assert {no.goal for no in decision.refused} <= set(orders(snapshot))
        for order in shown.orders:
            was = orders(snapshot)[order.id]
            assert (order.stops, order.kg) == (was.stops, was.kg)
            assert order.release_s >= was.release_s
