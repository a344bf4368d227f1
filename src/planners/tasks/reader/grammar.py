"""What one clause says: its cues, its time and its names make constraints, or a reason why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..constraints import Avoid, Constraint, Deadline, Forbid, Fragile, Hold, Priority
from ..snapshot import Order
from .times import When

LEVELS = frozenset({"urgent", "low", "normal"})
_MODIFIERS = frozenset({"limit", "any_more", "due", "open_end", "reopens"})
_DELAYS = ("delay", "delayed", "postpone", "postponed")
_ARRIVAL = frozenset(
    [
        "deliver",
        "delivered",
        "delivers",
        "delivering",
        "bring",
        "brings",
        "arrive",
        "arrives",
        "arrived",
        "reach",
        "reaches",
        "be",
    ]
)


@dataclass(frozen=True)
class Clause:
    """A clause whose words are all known: what it names, what it says of it, and when.

    ``docks`` tells that the orders were named by their dock alone, ``wide`` that they are all but
    some. ``words`` are the words that
    say nothing.
    """

    cues: frozenset[str] = frozenset()
    cue_text: str = ""
    when: When | None = None
    orders: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    docks: bool = False
    wide: bool = False
    words: frozenset[str] = frozenset()
    start: int = 0
    end: int = 0

    @property
    def says(self) -> bool:
        """Whether it says anything at all."""
        return bool(self.cues) or self.when is not None


@dataclass(frozen=True)
class Draft:
    """A constraint as read; ``open`` tells that no end was said, so that one may still come."""

    constraint: Constraint
    open: bool
    start: int
    end: int


def decide(clause: Clause, orders: Mapping[str, Order], now_s: float) -> list[Draft] | str:
    """The constraints of a clause, or in words why it gives none."""
    if clause.when is not None and clause.when.fault is not None:
        return clause.when.fault
    if clause.zones and clause.orders:
        return "an aisle and orders in one clause"
    if clause.zones:
        return _zones(clause)
    mains = clause.cues - _MODIFIERS
    if "not_level" in mains:
        return "not this level, but which?"
    if mains & {"avoid"}:
        return "only an aisle can be avoided"
    if mains & {"shut"} or "reopens" in clause.cues:
        return _shut_docks(clause)
    for cue, (rule, beside) in _RULES.items():
        if cue in mains:
            alone = clause.cues <= {cue, *beside}
            return rule(clause) if alone else "two things of one order in one clause"
    if clause.when is not None and clause.when.role == "not_before" and not mains:
        return _not_before(clause)
    return _wanted(clause, orders, now_s)


def _drafts(clause: Clause, made: list[Constraint], open: bool = False) -> list[Draft]:
    return [Draft(one, open, clause.start, clause.end) for one in made]


def _end(clause: Clause, roles: str) -> tuple[float | None, bool] | str:
    """When something ends, and whether that is still open; ``roles`` are those that fit."""
    when = clause.when
    if "open_end" in clause.cues:
        return (None, False) if when is None else "an end, and none"
    if when is None:
        return None, True
    if when.role in roles.split() or (not when.role and not when.clock):
        return when.seconds, False
    return "this time is no end"


def _zones(clause: Clause) -> list[Draft] | str:
    mains = clause.cues - {"open_end", "any_more"}
    if not mains or mains - {"avoid", "shut", "reopens"}:
        return "nothing but avoiding can be asked of an aisle"
    roles = "until for"
    if "reopens" in mains:
        roles += " at within"
        if clause.when is None:
            return "open again: nothing is taken back"
    elif clause.cue_text.startswith(("do not", "no ", "not ", "never")):
        roles += " before not_before"
    found = _end(clause, roles)
    if isinstance(found, str):
        return found
    return _drafts(clause, [Avoid(zone, found[0]) for zone in clause.zones], found[1])


def _shut_docks(clause: Clause) -> list[Draft] | str:
    if not clause.docks:
        return "an order is neither open nor closed"
    if "reopens" in clause.cues and clause.when is None:
        return "open again: nothing is taken back"
    if clause.cues - {"shut", "reopens", "open_end", "any_more"}:
        return "two things of one dock in one clause"
    found = _end(clause, "until for not_before" + " at within" * ("reopens" in clause.cues))
    return found if isinstance(found, str) else _held(clause, *found)


def _held(clause: Clause, until_s: float | None, open: bool) -> list[Draft]:
    return _drafts(clause, [Hold(order, until_s) for order in clause.orders], open)


def _hold(clause: Clause) -> list[Draft] | str:
    found = _end(clause, "until for not_before")
    return found if isinstance(found, str) else _held(clause, *found)


def _hold_before(clause: Clause) -> list[Draft] | str:
    if clause.when is None and "open_end" not in clause.cues:
        return "held, or cancelled?"
    if clause.cue_text in _DELAYS and clause.when is not None and not clause.when.clock:
        return "later by that much, or held for that long?"
    found = _end(clause, "before until for not_before")
    return found if isinstance(found, str) else _held(clause, *found)


def _not_before(clause: Clause) -> list[Draft] | str:
    if clause.words & _ARRIVAL:
        return "a time of arrival not to be undercut has no form"
    assert clause.when is not None
    return _held(clause, clause.when.seconds, False)


def _forbid(clause: Clause) -> list[Draft] | str:
    if clause.when is not None or "open_end" in clause.cues:
        return "cancelled, or for a time only?"
    if clause.wide:
        return "too much to be cancelled by one note"
    return _drafts(clause, [Forbid(order) for order in clause.orders])


_RULES: Mapping[str, tuple[Callable[[Clause], list[Draft] | str], tuple[str, ...]]] = {
    "forbid": (_forbid, ("any_more",)),
    "hold": (_hold, ("open_end",)),
    "hold_before": (_hold_before, ("open_end",)),
}
"""Rules by cue, and the cues that may stand beside it."""


def _wanted(clause: Clause, orders: Mapping[str, Order], now_s: float) -> list[Draft] | str:
    """Level, fragility and due time, which may stand in one clause."""
    made: list[Constraint] = []
    levels = clause.cues & LEVELS
    if len(levels) > 1:
        return "two levels in one clause"
    if clause.cues & {"open_end", "any_more"} or (
        clause.cues & {"limit", "due"} and not clause.when
    ):
        return "a limit, but of what?"
    if clause.when is not None:
        if "low" in levels:
            return "low, and yet by a time"
        for order in clause.orders:
            due_s = _due_s(clause, clause.when, orders[order].due_s - now_s)
            if isinstance(due_s, str):
                return due_s
            made.append(Deadline(order, due_s))
    made += [Priority(order, level) for level in levels for order in clause.orders]
    if "fragile" in clause.cues:
        made += [Fragile(order) for order in clause.orders]
    return _drafts(clause, made) if made else "it asks for nothing that is known"


def _due_s(clause: Clause, when: When, due_s: float) -> float | str:
    assert when.seconds is not None
    due, limit = "due" in clause.cues, "limit" in clause.cues
    if when.role in ("sooner", "later"):
        moved_s = due_s + (when.seconds if when.role == "later" else -when.seconds)
        if not 0.0 <= moved_s < float("inf"):
            return "earlier or later than what? There is no due time that this could move"
        return moved_s
    fits = {"by", "before", "within"} | ({"at", ""} if due else set())
    if when.role in fits or (when.role == "for" and when.clock):
        return when.seconds
    if limit and when.role in ("", "for"):
        return when.seconds
    return "a time, but not by when"
