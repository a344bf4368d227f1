"""What a note may ask for: six typed constraints, their checks, and how they contradict each other.

The vocabulary is closed. None of its words can speak of the battery, of capacity or of safety, so
nothing that is read, by rules or by a model, can loosen them. Times are seconds from the snapshot's
moment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Any, ClassVar

from .names import Names
from .prompt import plain
from .snapshot import PRIORITIES, Snapshot, natural_key

MAX_SHOWN = 64  # (a) characters of an item's name, wherever it is echoed
MAX_AHEAD_S = 86_400.0  # (a) a day: no note speaks of a moment further away


@dataclass(frozen=True)
class Deadline:
    """The order is to be delivered within ``due_s`` seconds."""

    order: str
    due_s: float
    kind: ClassVar[str] = "deadline"


@dataclass(frozen=True)
class Priority:
    """The lateness of the order weighs as ``level`` says."""

    order: str
    level: str
    kind: ClassVar[str] = "priority"


@dataclass(frozen=True)
class Avoid:
    """The robot stays out of the zone for ``until_s`` seconds; None: no end is known."""

    zone: str
    until_s: float | None
    kind: ClassVar[str] = "avoid"


@dataclass(frozen=True)
class Hold:
    """The order does not set out for ``until_s`` seconds; None: no end is known."""

    order: str
    until_s: float | None
    kind: ClassVar[str] = "hold"


@dataclass(frozen=True)
class Forbid:
    """The order is not to be delivered."""

    order: str
    kind: ClassVar[str] = "forbid"


@dataclass(frozen=True)
class Fragile:
    """What the order carries breaks easily."""

    order: str
    kind: ClassVar[str] = "fragile"


Constraint = Deadline | Priority | Avoid | Hold | Forbid | Fragile
_CLASSES: tuple[type[Constraint], ...] = (Deadline, Priority, Avoid, Hold, Forbid, Fragile)
KINDS: Mapping[str, type[Constraint]] = {one.kind: one for one in _CLASSES}


def target(constraint: Constraint) -> str:
    """The order or the zone that it speaks of."""
    return constraint.zone if isinstance(constraint, Avoid) else constraint.order


def sort_key(constraint: Constraint) -> tuple[Any, ...]:
    """By kind in the order of `KINDS`, then by order or zone, then by value."""
    place = list(KINDS).index(constraint.kind)
    return place, natural_key(target(constraint)), str(as_json(constraint))


def as_json(constraint: Constraint) -> dict[str, Any]:
    """The constraint as in the interface; whole seconds are written as integers.

    >>> as_json(Avoid("aisle-7", 600.0))
    {'kind': 'avoid', 'zone': 'aisle-7', 'until_s': 600}
    """
    values = {one.name: getattr(constraint, one.name) for one in fields(constraint)}
    whole = {n: int(v) for n, v in values.items() if isinstance(v, float) and v == v // 1.0}
    return {"kind": constraint.kind, **values, **whole}


def from_json(data: Any) -> Constraint:
    """The inverse of `as_json`.

    Raises ValueError for another shape, an unknown kind or level, a field too many or missing, or
    seconds that are not finite, below 0 or beyond `MAX_AHEAD_S`.

    >>> from_json({"kind": "hold", "order": "O5", "until_s": None})
    Hold(order='O5', until_s=None)
    """
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        raise ValueError(f"{data!r} is no constraint: it is an object with a kind")
    made = KINDS.get(data["kind"])
    if made is None:
        raise ValueError(f"kind {data['kind']!r} is unknown: one of {', '.join(KINDS)}")
    names = [one.name for one in fields(made)]
    if data.keys() != {*names, "kind"}:
        given = ", ".join(sorted(map(str, data)))
        raise ValueError(f"a {made.kind} has kind, {', '.join(names)}, not {given}")
    values = {name: _value(name, data[name]) for name in names}
    return made(**values)


def _value(name: str, value: Any) -> Any:
    if name in ("order", "zone", "level"):
        if not isinstance(value, str):
            raise ValueError(f"{name} is {value!r}: it must be text")
        if name == "level" and value not in PRIORITIES:
            raise ValueError(f"level is {value!r}: one of {', '.join(PRIORITIES)}")
        return value
    if value is None and name == "until_s":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is {value!r}: it must be a number of seconds")
    if not 0.0 <= value <= MAX_AHEAD_S:
        raise ValueError(f"{name} is {value!r}: from 0 to {MAX_AHEAD_S:g} seconds from now")
    return float(value)


def fault(constraint: Constraint, snapshot: Snapshot, names: Names) -> str | None:
    """Why a constraint makes no sense here, in words; None where it does.

    Known ids, known level, seconds from 0 to `MAX_AHEAD_S`.
    """
    if isinstance(constraint, Avoid):
        if constraint.zone not in names.aisles:
            return f"there is no {constraint.zone}"
    elif constraint.order not in {order.id for order in snapshot.orders}:
        return f"there is no order {constraint.order}"
    try:
        from_json(as_json(constraint))
    except (ValueError, OverflowError) as error:
        return str(error)
    return None


def contradictions(constraints: Sequence[Constraint]) -> tuple[tuple[Constraint, Constraint], ...]:
    """The pairs that cannot both hold, in order. Equal constraints never contradict each other.

    Of one order or zone: two values of one kind; cancelled and anything that expects a delivery;
    held beyond its deadline, or without an end and yet due or urgent.

    >>> contradictions([Hold("O1", 600.0), Deadline("O1", 300.0), Fragile("O1")])
    ((Hold(order='O1', until_s=600.0), Deadline(order='O1', due_s=300.0)),)
    """
    distinct = list(dict.fromkeys(constraints))
    return tuple((a, b) for a, b in combinations(distinct, 2) if _clash(a, b) or _clash(b, a))


def _clash(a: Constraint, b: Constraint) -> bool:
    if target(a) != target(b) or isinstance(a, Avoid) != isinstance(b, Avoid):
        return False
    if a.kind == b.kind:
        return a != b
    if isinstance(a, Forbid):
        return not isinstance(b, Fragile)
    if isinstance(a, Hold):
        end_s = math.inf if a.until_s is None else a.until_s
        if isinstance(b, Deadline):
            return end_s >= b.due_s
        return isinstance(b, Priority) and b.level == "urgent" and end_s == math.inf
    return False


def echo(constraint: Constraint, names: Names | None = None) -> str:
    """The constraint in words, for whoever wrote the note to compare with what was meant.

    >>> echo(Hold("O5", None))
    'O5 is held until further notice'
    """
    known = names or Names()
    what = target(constraint)
    carried = known.items.get(what)
    named = f"{what} ({plain(' '.join(carried.split()), MAX_SHOWN)})" if carried else what
    if isinstance(constraint, Deadline):
        return f"{named} is due within {_span(constraint.due_s)} (by {known.at(constraint.due_s)})"
    if isinstance(constraint, Priority):
        return f"{named} has {constraint.level} priority"
    if isinstance(constraint, (Avoid, Hold)):
        done = "avoided" if isinstance(constraint, Avoid) else "held"
        until_s = constraint.until_s
        if until_s is None:
            return f"{named} is {done} until further notice"
        return f"{named} is {done} for {_span(until_s)} (until {known.at(until_s)})"
    return f"{named} is " + (
        "fragile" if isinstance(constraint, Fragile) else "not to be delivered"
    )


def _span(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60.0)
    parts = [f"{minutes:g} min"] if minutes else []
    parts += [f"{rest:g} s"] if rest or not parts else []
    return " ".join(parts)


def later(constraints: Sequence[Constraint], elapsed_s: float) -> tuple[Constraint, ...]:
    """The same constraints, told ``elapsed_s`` seconds later: ends are nearer, what ended is gone.

    A deadline that has passed stays, negative: the order is late, and goes on costing. Raises
    ValueError where time runs backwards.

    >>> later([Avoid("aisle-7", 600.0), Hold("O5", 100.0), Fragile("O2")], 200.0)
    (Avoid(zone='aisle-7', until_s=400.0), Fragile(order='O2'))
    """
    if not 0.0 <= elapsed_s < math.inf:
        raise ValueError(f"elapsed_s is {elapsed_s!r}: give finite seconds from 0")
    left: list[Constraint] = []
    for one in constraints:
        if isinstance(one, Deadline):
            left.append(replace(one, due_s=one.due_s - elapsed_s))
        elif isinstance(one, (Avoid, Hold)) and one.until_s is not None:
            if one.until_s > elapsed_s:
                left.append(replace(one, until_s=one.until_s - elapsed_s))
        else:
            left.append(one)
    return tuple(left)


def dated(constraint: Constraint, at_s: float) -> Constraint:
    """A constraint told at a moment, with its times on the clock of that moment: undone by `later`.

    >>> dated(Deadline("O3", 240.0), 600.0), later([dated(Deadline("O3", 240.0), 600.0)], 600.0)
    (Deadline(order='O3', due_s=840.0), (Deadline(order='O3', due_s=240.0),))
    """
    if isinstance(constraint, Deadline):
        return replace(constraint, due_s=constraint.due_s + at_s)
    if isinstance(constraint, (Avoid, Hold)) and constraint.until_s is not None:
        return replace(constraint, until_s=constraint.until_s + at_s)
    return constraint
