"""Notes to a shift: when they arrive, what they close, what is kept of them, who is asked."""

from __future__ import annotations

import json

import pytest

from envs.metrics import SUMMARY_KEYS
from experiments.shift import Shift, chooser_of, counts_of, prepare_shift, run_shift
from experiments.shift_notes import Closures, ShiftNames, notes_of
from experiments.snapshots import items_of, take_snapshot
from planners.tasks.noting import Note, NotedChooser

MINUTES = 10.0
SEED = 3


def driven(notes, *, chooser="utility", minutes=MINUTES, **more):
    """The run, and where the robot was at which moment."""
    ready = prepare_shift(Shift(seed=SEED, minutes=minutes, chooser=chooser, notes=notes, **more))
    places = []
    run = run_shift(ready, on_tick=lambda world: places.append((world.time_s, world.robot.node)))
    return run, places


@pytest.fixture(scope="module")
def plain_run():
    return driven("")


def rows(run, event="note"):
    return [row for row in run.episode.rows if row["event"] == event]


# ------------------------------------------------------------------------------ the text


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("", ()),
        ("\n \n", ()),
        ("O3 first", (Note("O3 first"),)),
        ("a\nb\n", (Note("a\nb"),)),
        ("+0:00 a", (Note("a", 0.0),)),
        ("+12:05\tb\nc\n\n+100:00 d", (Note("b\nc", 725.0), Note("d", 6000.0))),
        ("a\n+1:00:01 b", (Note("a"), Note("b", 3601.0))),
        ("+1:00", ()),
        ("the +12:30 train", (Note("the +12:30 train"),)),
    ],
)
def test_a_line_may_say_when_its_note_arrives(text, notes):
    assert notes_of(text) == notes


@pytest.mark.parametrize("line", ["+12 O3", "+1:75 x", "+5min x", "+1:2:3:4 x", "+01:2 x"])
def test_a_moment_that_is_none_is_refused(line, refused):
    with pytest.raises(ValueError, match=r"\+12:30"):
        notes_of(f"first\n{line}")
    assert "+12:30" in refused("deliver", "--notes", line, "--minutes", "1")


def test_things_are_called_as_in_a_snapshot():
    named = take_snapshot(orders=4, seed=SEED)[0]
    ready = prepare_shift(Shift(seed=SEED))
    known = ShiftNames.of(ready.world, ready.layout)
    names = known(named.snapshot)
    assert dict(names.items) == dict(named.items)
    assert dict(names.aisles) == dict(named.aisles)
    assert names.docks == {o.id: named.dock_of(o) for o in named.snapshot.orders}
    assert names.clock_s == named.clock_s
    assert items_of(SEED, named.snapshot.orders[2:]) == {
        o.id: named.items[o.id] for o in named.snapshot.orders[2:]
    }


# ------------------------------------------------------------------------------ what changes


def test_without_notes_nothing_is_added(plain_run):
    run, _ = plain_run
    assert set(run.summary) == set(SUMMARY_KEYS)
    assert rows(run) == [] and run.noted_words == ()


def test_an_idle_note_changes_nothing_but_the_log(plain_run):
    run, _ = driven("mind the forklift")
    assert run.summary["trace_hash"] == plain_run[0].summary["trace_hash"]
    assert set(run.summary) - set(SUMMARY_KEYS) == {"constraints", "rejected"}


@pytest.mark.parametrize("chooser", ["reflex", "utility", "deep"])
def test_every_chooser_decides_under_the_notes(chooser):
    run, _ = driven("O1 is cancelled. Hold O2.\n+1:00 Hold O4 for 30 minutes.", chooser=chooser)
    delivered = [row["order"] for row in rows(run, "delivery")]
    assert not {"O1", "O2"} & set(delivered)
    first = next(row for row in rows(run, "decision") if row["time_s"] == 0.0)
    assert ["O1", "forbidden"] in first["refused"] and ["O2", "held"] in first["refused"]
    assert run.summary["refusals"]["forbidden"] == run.summary["refusals"]["held"] == 1
    assert run.summary["constraints"][:2] == [
        {"kind": "hold", "order": "O2", "until_s": None}, {"kind": "forbid", "order": "O1"},
    ]  # fmt: skip
    assert [row["note"] for row in rows(run)] == [1, 2]


@pytest.mark.parametrize("chooser", ["utility", "deep"])
def test_notes_and_several_orders_on_board(chooser):
    note = "O1 is cancelled. Avoid aisle 16 for 8 minutes.\n+1:00 Every order is fragile. Hold O4."
    run, _ = driven(note, chooser=chooser, capacity=3, orders_per_hour=60.0)
    delivered = [row["order"] for row in rows(run, "delivery")]
    assert delivered and "O1" not in delivered
    assert run.summary["strandings"] == run.summary["contacts"] == 0
    assert ["O1", "forbidden"] in next(iter(rows(run, "decision")))["refused"]


def test_no_way_leads_through_a_closed_aisle_until_it_opens(plain_run):
    note = "Avoid aisle 16 for 8 minutes."
    run, places = driven(note)
    ready = prepare_shift(Shift(seed=SEED))
    zone = set(ShiftNames.of(ready.world, ready.layout).aisles["aisle-16"])
    assert any(node in zone for time_s, node in plain_run[1] if time_s < 480.0)
    assert not any(node in zone for time_s, node in places if time_s < 480.0)
    assert any(node in zone for time_s, node in places if time_s >= 480.0)
    said = [line for row in rows(run) for line in row["said"]]
    assert sum("a stop of O3 is there" in line for line in said) == 1
    assert ["O3", "closed"] in [no for row in rows(run, "decision") for no in row["refused"]]


def test_a_closure_is_taken_back():
    world = prepare_shift(Shift(seed=SEED)).world
    closures = Closures(world, {"a": (500, 501), "b": (600,)})
    version = world.belief.map_version
    closures({"a": None, "b": 90.0})
    assert world.belief.believed_blocked == {500, 501, 600}
    closures({"a": None, "b": 90.0})
    assert world.belief.map_version == version + 1
    closures({"b": 90.0})
    assert world.belief.believed_blocked == {600}
    closures({})
    assert world.belief.believed_blocked == frozenset()


def test_the_words_come_after_the_table(call, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("O2 is urgent.\n+1:00 O4 is fragile, I think\n+59:00 O1 is urgent.\n")
    result = call("deliver", "--minutes", "4", "--seed", SEED, "--notes", f"@{file}", "--out",
                  tmp_path / "out")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    words = result.stdout.split("trace hash")[1]
    assert "0:00 note: O2 (coffee) has urgent priority (reader)" in words
    assert "not read: 'O4 is fragile'" in words and "1 note came too late" in words
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert document["constraints"] == [{"kind": "priority", "order": "O2", "level": "urgent"}]
    assert {row["code"] for row in document["rejected"]} == {"flagged"}


# ------------------------------------------------------------------------------ a model


SPOILS = "O2 goes off out of the fridge past 06:10."


def translated(handler):
    one = {"kind": "deadline", "target": "O2", "level": "none", "when": "06:10"}
    handler.say(json.dumps({"constraints": [one]}))


def test_with_utility_a_model_is_asked_about_flagged_clauses_only(call, server, tmp_path):
    server.script = [translated]
    asked = ("deliver", "--minutes", "6", "--seed", SEED, "--chooser", "utility", "--notes",
             f"O1 is urgent. {SPOILS}")  # fmt: skip
    live = call(*asked, "--llm", server.url, "--out", tmp_path / "live")
    assert live.exit_code == 0, live.stderr
    assert len(server.requests) == 1
    assert "O1" not in json.dumps(server.requests[0][2]["messages"][1])
    summary = json.loads((tmp_path / "live" / "summary.json").read_text())
    assert summary["constraints"] == [
        {"kind": "deadline", "order": "O2", "due_s": 600},
        {"kind": "priority", "order": "O1", "level": "urgent"},
    ]
    assert summary["model_calls"]["calls"] == summary["model_calls"]["taken"] == 1
    assert set(summary["decided_by"]) == {"utility"}
    assert "the model was asked about 1 sentence of the notes; 1 of its replies" in live.stdout
    assert "is asked what rules cannot read" in live.stdout.splitlines()[0]
    log = tmp_path / "live" / "calls.jsonl"
    again = call(*asked, "--llm", f"replay:{log}", "--json", "--out", tmp_path / "again")
    document = json.loads(again.stdout)
    assert document["trace_hash"] == summary["trace_hash"]
    assert document["constraints"] == summary["constraints"]


def test_the_llm_chooser_is_asked_about_notes_within_the_same_limits(server):
    server.script = [translated, lambda handler: handler.first()]
    shift = Shift(seed=SEED, minutes=6.0, llm=server.url, notes=SPOILS)
    chooser = chooser_of(shift)
    assert isinstance(chooser, NotedChooser) and chooser.asking is chooser.inner.asking
    run = run_shift(prepare_shift(shift), chooser)
    counts = counts_of(chooser)
    assert counts is chooser.asking.counts and (chooser.asked, chooser.taken) == (1, 1)
    assert counts.asked == len(server.requests) >= 2
    assert run.summary["model_calls"]["asked"] == counts.asked
    last = server.requests[-1][2]["messages"][1]["content"]
    assert "fridge" in last.splitlines()[-1]


def test_a_model_needs_something_to_do(refused):
    said = refused("deliver", "--chooser", "utility", "--llm", "http://127.0.0.1:9/v1")
    assert "asks no model" in said
