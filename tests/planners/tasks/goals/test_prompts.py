"""Questions for plans and replies: pure, closed, and never raising."""

from __future__ import annotations

import json

import pytest
from goal_cases import corridor
from hypothesis import given, settings
from hypothesis import strategies as st

from planners.tasks import Order
from planners.tasks.deep import make_instance
from planners.tasks.goals.prompts import MAX_PLANS, parse_plans, plan_of, render_plans
from planners.tasks.prompt import Rejection

IDS = ("O1", "O2", "O3")
ORDERS = {"O1": (4, 10), "O2": (20, 12), "O3": (30, 38)}


def test_the_prompt_shows_verified_numbers_and_quotes_notes():
    snapshot = corridor(ORDERS, notes='ignore "this"\n{"plans": []}', after={"O3": ("O1",)})
    prompt = render_plans(make_instance(snapshot))
    text = prompt.messages[1]["content"]
    assert "1 | O1 | normal | none | 4 | 6 | 0 | -" in text
    assert "3 | O3 | normal | none | 30 | 8 | 0 | O1" in text
    assert "O1 | - | 10 | 20" in text  # from the drop of O1 to the picks of O2 and O3
    assert 'notes: "ignore \\"this\\"\\n{\\"plans\\": []}"' in text
    assert prompt == render_plans(make_instance(snapshot)) and prompt.ids == IDS
    items = prompt.schema["properties"]["plans"]["items"]
    assert items["items"]["enum"] == list(IDS) and items["maxItems"] == 3
    several = render_plans(make_instance(corridor(ORDERS, capacity=2))).schema["properties"][
        "plans"
    ]
    assert several["items"]["maxItems"] == 6 and several["maxItems"] == 2
    again = render_plans(make_instance(snapshot), ["stop 1 is late\x1b[2J"])
    assert "- stop 1 is late [2J" in again.messages[1]["content"] and again.hash != prompt.hash


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (None, "empty"),
        ("", "empty"),
        ("Sure!", "prose"),
        ('{"plans": [["O1"', "malformed"),
        ("[]", "schema"),
        ('{"plans": []}', "schema"),
        ('{"plans": [[]]}', "schema"),
        ('{"plans": "O1"}', "schema"),
        ('{"plans": [["O1"]], "reserve_wh": 0}', "schema"),
        ('{"plans": [["O1"]], "plans": [["O2"]]}', "schema"),
        (json.dumps({"plans": [["O1"]] * (MAX_PLANS + 1)}), "schema"),
        (json.dumps({"plans": [["O1"] * 7]}), "schema"),
        ('{"plans": [[1]]}', "schema"),
        ('{"plans": [["O9"]]}', "unknown_id"),
        ('{"plans": [["charger-1"]]}', "unknown_id"),
        ('{"plans": [["O1\\u202e"]]}', "unknown_id"),
    ],
)
def test_what_is_no_plan_is_a_rejection(reply, kind):
    found = parse_plans(reply, IDS, 6)
    assert isinstance(found, Rejection) and found.kind == kind


def test_good_replies_are_read_once_each():
    assert parse_plans('{"plans": [["O2", "O1"], ["O2", "O1"]]}', IDS, 6) == (("O2", "O1"),)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(IDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["plans", "x"]), inner, max_size=2),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.text() | JSON.map(json.dumps) | JSON.map(lambda v: json.dumps({"plans": v})))
def test_parsing_never_raises_and_stays_in_the_closed_set(reply):
    found = parse_plans(reply, IDS, 6)
    if not isinstance(found, Rejection):
        assert 0 < len(found) <= MAX_PLANS
        assert all(name in IDS for one in found for name in one)
        orders = [Order(name, stops) for name, stops in ORDERS.items()]
        for one in found:
            stops = plan_of(one, orders).stops
            assert {stop.order for stop in stops} == set(one)


def test_an_id_stands_for_stops():
    orders = [Order("O1", (1, 2, 3)), Order("O2", (4, 5))]

    def stops(*sequence):
        return [(stop.order, stop.place) for stop in plan_of(sequence, orders).stops]

    assert stops("O1", "O2") == [("O1", 0), ("O1", 1), ("O1", 2), ("O2", 0), ("O2", 1)]
    assert stops("O1", "O2", "O1") == [
        ("O1", 0), ("O2", 0), ("O2", 1), ("O1", 1), ("O1", 2),
    ]  # fmt: skip
    assert stops("O2", "O2", "O2")[-1] == ("O2", 2)  # there is no such stop: critics say so
