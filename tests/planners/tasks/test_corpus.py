"""The labelled notes: well formed, about things that exist, two halves alike, one frozen."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from planners.tasks.snapshot import PRIORITIES

FOLDER = Path(__file__).with_name("notes")
ROOT = Path(__file__).resolve().parents[3]
FROZEN_SHA256 = "4a29adf78ae4cfdcf9c1ba71d70bb09cc8077bfa02d5dce3e7f2723c79bc1939"
STYLES = (
    "plain",
    "spelled_numbers",
    "negation",
    "two_in_one",
    "chat",
    "clock",
    "contradictory",
    "irrelevant",
    "injected",
    "unknown",
    "correction",
    "implication",
)
FIELDS = {
    "deadline": {"order", "due_s"},
    "priority": {"order", "level"},
    "avoid": {"zone", "until_s"},
    "hold": {"order", "until_s"},
    "forbid": {"order"},
    "fragile": {"order"},
}
Row = dict[str, Any]


def read(half: str) -> list[Row]:
    lines = (FOLDER / f"{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


CONTEXT = json.loads((FOLDER / "context.json").read_text(encoding="utf-8"))
HALVES = {half: read(half) for half in ("open", "frozen")}
ROWS = [row for rows in HALVES.values() for row in rows]
ORDERS = {order["id"] for order in CONTEXT["orders"]}


def seconds(clock: str) -> int:
    """Seconds since midnight of 09:40, 10.15 or 09:40:00."""
    parts = [int(part) for part in re.split("[:.]", clock)]
    return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))


NOW_S = seconds(CONTEXT["time"])
SHIFT_S = seconds(CONTEXT["shift"][1]) - NOW_S


def wrong(constraint: dict[str, Any]) -> str:
    """What is wrong with a constraint; empty if nothing is."""
    names = set(constraint) - {"kind"}
    if names != FIELDS.get(constraint["kind"]):
        return "kind or fields"
    if "order" in names and constraint["order"] not in ORDERS:
        return "order"
    if "zone" in names and constraint["zone"] not in CONTEXT["aisles"]:
        return "zone"
    if "level" in names and constraint["level"] not in PRIORITIES:
        return "level"
    times = [constraint[name] for name in ("due_s", "until_s") if name in names]
    if times == [None] and "until_s" in names:
        return ""
    good = all(type(time_s) is int and 0 < time_s <= SHIFT_S for time_s in times)
    return "" if good else "time"


def template(note: str) -> str:
    """The note without its ids, numbers and punctuation."""
    numbers = "one two three four five six seven eight nine ten eleven twelve fifteen twenty forty"
    text = re.sub(r"\d+", " # ", note.lower())
    text = re.sub(rf"\b({'|'.join(numbers.split())})\b", " # ", text)
    return " ".join(re.findall(r"[a-z]+|#", text))


def test_the_context_is_whole() -> None:
    assert [order["id"] for order in CONTEXT["orders"]] == [f"O{k}" for k in range(1, 13)]
    for order in CONTEXT["orders"]:
        assert set(order) == {"id", "item", "dock", "due_s", "priority"}
        assert order["dock"] in CONTEXT["docks"]
        assert order["priority"] in PRIORITIES
        assert 0 < order["due_s"] <= SHIFT_S
    items = Counter(order["item"] for order in CONTEXT["orders"])
    assert sorted(items.values())[-2:] == [1, 2]
    assert {order["dock"] for order in CONTEXT["orders"]} == set(CONTEXT["docks"])


@pytest.mark.parametrize("half", HALVES)
def test_every_row_is_well_formed(half: str) -> None:
    for row in HALVES[half]:
        assert set(row) == {"id", "style", "note", "expect", "flag", "why"}, row["id"]
        assert row["style"] in STYLES and re.fullmatch(rf"{row['style']}-\d\d", row["id"])
        assert row["note"].strip() == row["note"] != ""
        assert isinstance(row["flag"], bool) and row["why"]
        assert [wrong(one) for one in row["expect"] if wrong(one)] == [], row["id"]


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        ({"kind": "deadline", "order": "O3"}, "kind or fields"),
        ({"kind": "teleport", "order": "O3"}, "kind or fields"),
        ({"kind": "forbid", "order": "O13"}, "order"),
        ({"kind": "avoid", "zone": "aisle-13", "until_s": None}, "zone"),
        ({"kind": "priority", "order": "O3", "level": "highest"}, "level"),
        ({"kind": "deadline", "order": "O3", "due_s": None}, "time"),
        ({"kind": "hold", "order": "O3", "until_s": 0}, "time"),
        ({"kind": "hold", "order": "O3", "until_s": 40_000}, "time"),
    ],
)
def test_a_malformed_label_is_seen(constraint: dict[str, Any], reason: str) -> None:
    assert wrong(constraint) == reason


def test_no_label_contradicts_itself() -> None:
    for row in ROWS:
        targets = [(c["kind"], c.get("order", c.get("zone"))) for c in row["expect"]]
        assert len(targets) == len(set(targets)), row["id"]
        forbidden = {c["order"] for c in row["expect"] if c["kind"] == "forbid"}
        others = {c.get("order") for c in row["expect"] if c["kind"] != "forbid"}
        assert not forbidden & others, row["id"]


def test_styles_say_what_is_expected() -> None:
    for row in ROWS:
        if row["style"] in ("contradictory", "irrelevant"):
            assert row["expect"] == [], row["id"]
        if row["style"] in ("contradictory", "injected", "unknown"):
            assert row["flag"], row["id"]
        if row["style"] in ("plain", "spelled_numbers", "two_in_one"):
            assert row["expect"] and not row["flag"], row["id"]
        assert row["expect"] or row["flag"] or row["style"] == "irrelevant", row["id"]


def test_plain_times_follow_from_their_digits() -> None:
    for row in ROWS:
        if row["style"] == "plain":
            clocks = re.findall(r"\b\d\d:\d\d\b", row["note"])
            minutes = re.findall(r"\b(\d+) minutes", row["note"])
            said = {seconds(c) - NOW_S for c in clocks} | {60 * int(m) for m in minutes}
            times = {c[name] for c in row["expect"] for name in ("due_s", "until_s") if name in c}
            assert times - {None} == said, row["id"]


def test_both_halves_are_alike() -> None:
    def count(half: str, *names: str) -> Counter[tuple[Any, ...]]:
        return Counter(tuple(row[name] for name in names) for row in HALVES[half])

    assert count("open", "style", "flag") == count("frozen", "style", "flag")
    assert set(count("open", "style")) == {(style,) for style in STYLES}
    assert min(count("open", "style").values()) >= 5
    kinds = [Counter(c["kind"] for row in rows for c in row["expect"]) for rows in HALVES.values()]
    assert set(kinds[0]) == set(kinds[1]) == set(FIELDS)
    assert all(abs(kinds[0][kind] - kinds[1][kind]) <= 2 for kind in FIELDS)


def test_nothing_is_said_twice() -> None:
    assert len(ROWS) >= 120
    for values in (
        [row["id"] for row in ROWS],
        [template(row["note"]) for row in ROWS],
    ):
        assert [value for value, times in Counter(values).items() if times > 1] == []


def test_the_frozen_half_is_frozen() -> None:
    data = (FOLDER / "frozen.jsonl").read_bytes()
    assert hashlib.sha256(data).hexdigest() == FROZEN_SHA256
    assert hashlib.sha256(data.replace(b"O3", b"O4", 1)).hexdigest() != FROZEN_SHA256


def test_no_program_reads_the_frozen_half() -> None:
    for room in ("src", "envs", "experiments", "notebooks"):
        for path in (ROOT / room).rglob("*"):
            if path.suffix in (".py", ".ipynb", ".toml"):
                assert "frozen.jsonl" not in path.read_text(encoding="utf-8"), path
