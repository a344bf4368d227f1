"""Typed constraints: their JSON, their checks, their contradictions, their words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from noted import noted_names, noted_snapshot

from planners.tasks.constraints import (
    KINDS,
    MAX_AHEAD_S,
    Avoid,
    Constraint,
    Deadline,
    Forbid,
    Fragile,
    Hold,
    Priority,
    as_json,
    contradictions,
    echo,
    fault,
    from_json,
    later,
)

JSON = [
    {"kind": "deadline", "order": "O3", "due_s": 240},
    {"kind": "priority", "order": "O3", "level": "urgent"},
    {"kind": "avoid", "zone": "aisle-7", "until_s": 600},
    {"kind": "avoid", "zone": "aisle-7", "until_s": None},
    {"kind": "hold", "order": "O5", "until_s": 300},
    {"kind": "hold", "order": "O5", "until_s": None},
    {"kind": "forbid", "order": "O5"},
    {"kind": "fragile", "order": "O2"},
]


@pytest.mark.parametrize("data", JSON)
def test_json_there_and_back(data: dict) -> None:
    made = from_json(data)
    assert as_json(made) == data and from_json(as_json(made)) == made
    assert fault(made, noted_snapshot(), noted_names()) is None
    assert echo(made, noted_names())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "no constraint"),
        ([], "no constraint"),
        ({"kind": ["deadline"]}, "no constraint"),
        ({"kind": "speed", "m_s": 4}, "'speed' is unknown"),
        ({"kind": "deadline", "order": "O3"}, "has kind, order, due_s"),
        ({"kind": "forbid", "order": "O3", "until_s": 4}, "has kind, order, not"),
        ({"kind": "fragile", "order": 3}, "must be text"),
        ({"kind": "priority", "order": "O3", "level": "maximal"}, "one of urgent"),
        ({"kind": "deadline", "order": "O3", "due_s": None}, "number of seconds"),
        ({"kind": "deadline", "order": "O3", "due_s": True}, "number of seconds"),
        ({"kind": "deadline", "order": "O3", "due_s": "240"}, "number of seconds"),
        ({"kind": "deadline", "order": "O3", "due_s": -1}, "from 0 to"),
        ({"kind": "deadline", "order": "O3", "due_s": math.nan}, "from 0 to"),
        ({"kind": "hold", "order": "O3", "until_s": math.inf}, "from 0 to"),
        ({"kind": "hold", "order": "O3", "until_s": MAX_AHEAD_S + 1}, "from 0 to"),
    ],
)
def test_another_shape_is_refused_in_words(data: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_json(data)


def test_unknown_ids_are_faults() -> None:
    snapshot, names = noted_snapshot(), noted_names()
    assert fault(Forbid("O31"), snapshot, names) == "there is no order O31"
    assert fault(Avoid("aisle-14", None), snapshot, names) == "there is no aisle-14"
    assert "from 0 to" in str(fault(Deadline("O3", math.inf), snapshot, names))


CLASHES: list[tuple[Constraint, Constraint]] = [
    (Deadline("O1", 100.0), Deadline("O1", 200.0)),
    (Priority("O1", "low"), Priority("O1", "urgent")),
    (Avoid("a", 100.0), Avoid("a", None)),
    (Hold("O1", 100.0), Hold("O1", 200.0)),
    (Forbid("O1"), Deadline("O1", 200.0)),
    (Forbid("O1"), Priority("O1", "low")),
    (Forbid("O1"), Hold("O1", None)),
    (Hold("O1", 300.0), Deadline("O1", 300.0)),
    (Hold("O1", None), Deadline("O1", 300.0)),
    (Hold("O1", None), Priority("O1", "urgent")),
]


@pytest.mark.parametrize(("a", "b"), CLASHES)
def test_contradictions_are_found_either_way_round(a: Constraint, b: Constraint) -> None:
    assert contradictions([a, b]) == ((a, b),)
    assert contradictions([b, a]) == ((b, a),)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Deadline("O1", 100.0), Deadline("O2", 200.0)),
        (Deadline("O1", 100.0), Deadline("O1", 100.0)),
        (Forbid("O1"), Fragile("O1")),
        (Hold("O1", 100.0), Deadline("O1", 101.0)),
        (Hold("O1", 100.0), Priority("O1", "urgent")),
        (Hold("O1", None), Priority("O1", "low")),
        (Avoid("O1", 100.0), Hold("O1", 200.0)),
    ],
)
def test_what_can_hold_together_does(a: Constraint, b: Constraint) -> None:
    assert contradictions([a, b]) == contradictions([b, a]) == ()


def test_the_echo_says_every_field() -> None:
    names = noted_names()
    assert echo(Deadline("O3", 240.0), names) == "O3 (insulin) is due within 4 min (by 09:44:00)"
    assert echo(Avoid("aisle-7", 90.0)) == "aisle-7 is avoided for 1 min 30 s (until 90 s from now)"
    assert echo(Hold("O5", 0.0), names).startswith("O5 (paint) is held for 0 s")


@given(st.sampled_from(JSON), st.floats(0, 1000), st.floats(0, 1000))
def test_later_twice_is_later_by_the_sum(data: dict, first_s: float, second_s: float) -> None:
    def ends(constraints: tuple[Constraint, ...]) -> list[tuple[str, float | None]]:
        return [(c.kind, getattr(c, "until_s", getattr(c, "due_s", None))) for c in constraints]

    twice = ends(later(later([from_json(data)], first_s), second_s))
    once = ends(later([from_json(data)], first_s + second_s))
    for (kind, end_s), (other, other_s) in zip(twice, once, strict=len(twice) == len(once)):
        assert kind == other
        assert end_s == other_s or end_s == pytest.approx(other_s, abs=1e-6)


def test_later_refuses_to_run_backwards() -> None:
    with pytest.raises(ValueError, match="finite seconds from 0"):
        later([], -1.0)


def test_no_kind_has_a_field_of_battery_capacity_or_safety() -> None:
    fields = {name for kind in KINDS.values() for name in kind.__dataclass_fields__}
    assert fields - {"kind"} == {"order", "zone", "level", "due_s", "until_s"}
