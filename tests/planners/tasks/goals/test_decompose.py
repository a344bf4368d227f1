"""Goals in free text: a zoo of sentences labelled by hand, and texts that nobody would write."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from noted import noted_names, noted_snapshot

from planners.tasks.constraints import as_json, contradictions, fault
from planners.tasks.goals import decompose
from planners.tasks.goals.decompose import Decomposition, as_after, waiting_for_each_other
from planners.tasks.goals.reading import GoalReading
from planners.tasks.goals.words import SIGNS
from planners.tasks.translate import translate

ZOO = [
    json.loads(line)
    for line in (Path(__file__).parent / "zoo.jsonl").read_text(encoding="utf-8").splitlines()
]
SNAPSHOT, NAMES = noted_snapshot(), noted_names()
ALL = [order.id for order in SNAPSHOT.orders]


def closure(pairs):
    pairs = set(pairs)
    while True:
        more = {(a, d) for (a, b), (c, d) in product(pairs, pairs) if b == c} | pairs
        if more == pairs:
            return pairs
        pairs = more


def labelled(blocks):
    """Blocks [earlier, later] as pairs; ``*`` is every other order."""
    pairs = set()
    for early, late in blocks:
        before = [o for o in ALL if o not in late] if early == "*" else early
        behind = [o for o in ALL if o not in early] if late == "*" else late
        pairs |= set(product(before, behind))
    return closure(pairs)


def pairs_of(found: Decomposition):
    return {(early, late) for late, ahead in found.after.items() for early in ahead}


def test_the_zoo_is_large_enough():
    assert len(ZOO) >= 25 and len({row["id"] for row in ZOO}) == len(ZOO)


@pytest.mark.parametrize("row", ZOO, ids=[row["id"] for row in ZOO])
def test_every_goal_comes_apart_as_labelled(row):
    found = decompose(row["goal"], SNAPSHOT, NAMES)
    assert closure(pairs_of(found)) == labelled(row["before"])
    groups = [list(group.orders) for group in found.groups]
    assert groups[: len(row["groups"])] == row["groups"]
    assert [as_json(one) for one in found.constraints] == row["constraints"]
    assert bool(found.translation.flagged) == row["flag"]
    if groups:
        assert sorted(o for group in groups for o in group) == sorted(ALL)


def test_a_goal_in_words_and_as_values():
    found = decompose("Clear dock 2, glass last.", SNAPSHOT, NAMES)
    assert found.words() == (
        "binds: O2 after O8",
        "only a group: O8 (Clear dock 2)",
        "only a group: O2 (glass last)",
        "only a group: O1, O3, O4, O5, O6, O7, O9, O10, O11, O12 (the rest)",
    )
    assert found.as_json()["after"] == {"O2": ["O8"]} and found.states_goal
    assert found.into(SNAPSHOT).after == {"O2": ("O8",)}
    assert not decompose("The insulin is urgent.", SNAPSHOT, NAMES).states_goal


def test_what_a_snapshot_demands_already_stands():
    late = decompose("O1 before O2.", SNAPSHOT, NAMES).into(SNAPSHOT)
    both = decompose("O2 before O3.", SNAPSHOT, NAMES).into(late)
    assert both.after == {"O2": ("O1",), "O3": ("O2",)}
    assert decompose("O2 before O1.", SNAPSHOT, NAMES).into(late) is late
    none = decompose("Hello.", SNAPSHOT, NAMES)
    assert none.into(late) is late


def test_without_names_nothing_but_ids_is_known():
    assert decompose("O1 before O2.", SNAPSHOT).after == {"O2": ("O1",)}
    assert decompose("Dock 3 before dock 5.", SNAPSHOT).after == {}


def test_notes_are_read_as_before():
    """Where a text has no word of sequence the reader of notes has the last word.

    One note says "Arsenal first": nobody knows that this is no item, so a person looks at it.
    """
    more = []
    notes = Path(__file__).parent.parent / "notes" / "open.jsonl"
    for line in notes.read_text(encoding="utf-8").splitlines():
        note = json.loads(line)["note"]
        found, plain = decompose(note, SNAPSHOT, NAMES), translate(note, SNAPSHOT, NAMES)
        assert found.constraints == plain.constraints and not found.after
        clauses = [{flag.clause for flag in one.flagged} for one in (found.translation, plain)]
        assert clauses[0] >= clauses[1]
        if found.translation.flagged and not plain.flagged:
            more.append(note)
    assert len(more) == 1 and "Arsenal first" in more[0]


WORDS = [phrase.strip() for table in SIGNS.values() for phrase in table.split("|")]
NAMED = ["O1", "O2", "O99", "dock 3", "the glass", "the rest", "everything", "urgent ones",
         "aisle 7", "noon", "by 10:30", "within 5 minutes", ",", ".", "and", "not", "if", "?",
         "is fragile", "hold", "battery", "\n", "it"]  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS + NAMED), max_size=14).map(" ".join) | st.text(max_size=80)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_no_text_raises_loosens_or_locks(text):
    found = decompose(text, SNAPSHOT, NAMES)
    pairs = pairs_of(found)
    assert not waiting_for_each_other(pairs)
    assert {order for pair in pairs for order in pair} <= set(ALL)
    assert all(early != late for early, late in pairs)
    assert not contradictions(found.constraints)
    assert all(fault(one, SNAPSHOT, NAMES) is None for one in found.constraints)
    changed = found.into(SNAPSHOT)
    for name in ("charge_wh", "capacity_wh", "reserve_wh", "margin", "capacity", "payload_kg"):
        assert getattr(changed, name) == getattr(SNAPSHOT, name)
    assert changed.orders == SNAPSHOT.orders and changed.chargers == SNAPSHOT.chargers
    if found.groups:
        listed = [order for group in found.groups for order in group.orders]
        assert sorted(listed) == sorted(ALL)
        at = {o: k for k, group in enumerate(found.groups) for o in group.orders}
        assert all(at[early] <= at[late] for early, late in pairs)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.booleans())
@example("clear dock 4 before noon, cancel O1", True)
def test_what_is_left_to_notes_stands_where_it_stood(text, unread):
    reading = GoalReading(text, SNAPSHOT, NAMES)
    for first, last, items in reading.sentences():
        reading.read(first, last, items, unread)
    assert len(reading.left_text) == len(text)
    assert all(left in (own, " ") for left, own in zip(reading.left_text, text, strict=True))


ODD = ["wood", "milk", "frobnicate", "dusk", "purple"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, *NAMED, *ODD]), max_size=12).map(" ".join),
       st.sampled_from(["Clear dock 4, ", "O1 before O2. ", "First O5, then "]))  # fmt: skip
@example("after O1", "First O5, then ")
def test_no_unknown_word_of_a_goal_is_lost(text, goal):
    """Whatever stands beside a goal, each word that no table holds is shown as flagged."""
    whole = goal + text + ", clear dock 5"
    found = decompose(whole, SNAPSHOT, NAMES)
    flagged = " ".join(f"{flag.clause} {flag.sentence}" for flag in found.translation.flagged)
    assert all(word in flagged for word in ODD if word in whole)
    spaced = " ".join(whole.split())
    assert all(" ".join(flag.clause.split()) in spaced for flag in found.translation.flagged)


@pytest.mark.parametrize(
    ("goal", "clauses"),
    [
        ("clear dock 4 before noon, wood last", ["wood last"]),
        ("clear dock 4 before noon, wood can wait", ["wood can wait"]),
        ("wood can wait, clear dock 4 before noon, milk last", ["wood can wait", "milk last"]),
        ("something odd, clear dock 4 before noon", ["something odd"]),
        ("something odd. Clear dock 4 before noon.", ["something odd"]),
        ("O8 first, milk is urgent", ["milk is urgent"]),
        ("wood last", ["wood last"]),
    ],
)
def test_what_is_not_read_is_shown_as_it_was_written(goal, clauses):
    flagged = decompose(goal, SNAPSHOT, NAMES).translation.flagged
    assert sorted(flag.clause for flag in flagged) == sorted(clauses)


@pytest.mark.parametrize(
    ("goal", "reason"),
    [
        ("Clear dock 9 before noon.", "no open order goes to dock 9; orders go to dock-1, dock-2, "
         "dock-3, dock-4, dock-5, dock-6"),
        ("O99 before O1", "O99 is not open"),
        ("Wood last.", "'Wood' is not understood; open orders are of bolts, cable, coffee, "
         'glass, insulin, lamps, ...; write it as "clear dock-1 before 11:00, cable last"'),
        ("clear dock 4 before dusk", "'dusk' is not understood: before or after what?; "),
        ("everything else before wood", "'wood' is not understood: before or after what?; "),
        ("clear dock 4 within the hour", "'within the hour' is not understood; write it as \"clear "
         'dock-4 before 11:00, bolts last"'),
        ("the rest can wait", 'what? write it as "O1 is urgent, the rest can wait"'),
    ],
)  # fmt: skip
def test_a_reason_names_a_wording_that_works(goal, reason):
    for names in (NAMES, replace(NAMES, clock_s=None), replace(NAMES, clock_s=17.5 * 3600)):
        said = [flag.reason for flag in decompose(goal, SNAPSHOT, names).translation.flagged]
        assert names is not NAMES or any(reason in one for one in said)
        assert not any("'clear'" in one for one in said)
        for wording in (part for one in said for part in re.findall('"(.+)"', one)):
            other = decompose(wording, SNAPSHOT, names)
            assert other.constraints and not other.translation.flagged


def test_pairs_in_a_circle_are_seen():
    assert waiting_for_each_other({("O1", "O2"), ("O2", "O3"), ("O3", "O1"), ("O4", "O1")})
    assert not waiting_for_each_other({("O1", "O2"), ("O2", "O3"), ("O1", "O3")})
    assert as_after({("O10", "O1"), ("O9", "O1")}) == {"O1": ("O9", "O10")}
