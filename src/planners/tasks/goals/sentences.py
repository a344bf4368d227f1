"""Clauses become what they say, sentence by sentence, or a reason why they say nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..reader.times import When
from .clauses import Clause, Item, Said

NOBODY = "there is no"
_ARRIVAL = ("by", "before", "within")
_TIMED = str.maketrans("", "", "W")


@dataclass(frozen=True)
class Told:
    """What a sentence says of a goal, what of it is left to the reader of notes, or why not."""

    said: tuple[Said, ...] = ()
    left: tuple[Clause, ...] = ()
    fault: str | None = None


@dataclass
class Mentioned:
    """The orders that a note has named so far."""

    all_orders: tuple[str, ...]
    named: set[str] = field(default_factory=set)

    def orders(self, items: Sequence[Item]) -> tuple[str, ...] | str:
        """The orders that names side by side agree on (``the glass for dock 2``)."""
        chosen: list[set[str]] = []
        but = False
        for item in items:
            assert item.ref is not None
            ref = item.ref
            if ref.sort == "but":
                but = True
                continue
            if ref.unknown:
                return f"{NOBODY} {ref.unknown[0]}"
            names = set(self.all_orders) if ref.sort == "all" else set(ref.names)
            if ref.sort == "rest":
                names = set(self.all_orders) - self.named if self.named else set()
            if len(ref.names) > len(names):
                return f"{item.text!r} names an order twice"
            chosen.append(set(self.all_orders) - names if but else names)
            but = False
        meant = set.intersection(*chosen) if chosen and not but else set()
        return tuple(o for o in self.all_orders if o in meant) or "these names fit no order"


def told(clauses: Sequence[Clause], memory: Mentioned) -> Told:
    """Read a sentence. Clauses without any word of sequence may be left to others."""
    said: list[Said] = []
    left: list[Clause] = []
    waiting: Clause | None = None  # ``before O1,`` speaks of what follows
    for clause in clauses:
        shape = clause.shape
        if waiting is not None:
            clause = Clause((*waiting.items, *clause.items), waiting.then, waiting.led)
            shape, waiting = clause.shape, None
        if shape in ("BR", "AR") and clause is not clauses[-1]:
            waiting = clause
            continue
        if shape == "W" and said and said[-1].when is None and said[-1].role != "pair":
            timed = _timed(said[-1], clause)
            if isinstance(timed, str):
                return Told(fault=timed)
            said[-1] = timed
            continue
        made = _read(clause, memory)
        if isinstance(made, str):
            if clause.led or made.startswith(NOBODY) or set(clause.shape) & set("BASE"):
                return Told(fault=made)
            left.append(clause)
            continue
        memory.named.update(made.orders, made.others)
        if clause is clauses[0] and shape.startswith("F") and clauses[-1].then > clause.then:
            made = replace(made, role="task", level=False)  # where a sequence begins
        said.append(made)
    return Told(tuple(said), tuple(left))


def _timed(before: Said, clause: Clause) -> Said | str:
    when = next(item.when for item in clause.items if item.when is not None)
    wrong = _unfit(when)
    return wrong or replace(before, when=when, end=clause.end, level=False)


def _unfit(when: When) -> str | None:
    if when.fault is not None:
        return when.fault
    return None if when.role in _ARRIVAL and when.seconds is not None else "a time, but not by when"


def _read(clause: Clause, memory: Mentioned) -> Said | str:
    """What a clause says, or why it is no part of a goal."""
    whens = [item.when for item in clause.items if item.when is not None]
    if len(whens) > 1:
        return "two times in one clause"
    wrong = _unfit(whens[0]) if whens else None
    if wrong is not None:
        return wrong
    shape = clause.shape.translate(_TIMED)
    if set(shape) & set("FLSE") and set(shape) & set("BA"):
        return "two things of one order in one clause"
    if "B" in shape or "A" in shape:
        return "a sequence, and a time" if whens else _pair(clause, shape, memory)
    role = _ROLES.get(shape.replace("RR", "R"))
    if role is None:
        return f"{' '.join(i.text for i in clause.items)!r} is not understood"
    orders = memory.orders([item for item in clause.items if item.ref is not None])
    if isinstance(orders, str):
        return orders
    level = bool(set(shape) & set("FL")) and not whens
    return Said(role, orders, clause.start, clause.end,
                when=whens[0] if whens else None, level=level, then=clause.then)  # fmt: skip


_ROLES = {
    "R": "task", "RF": "first", "FR": "first", "RL": "last", "LR": "last", "SR": "first",
    "ER": "last",
}  # fmt: skip


def names_nobody(clause: Clause) -> bool:
    """Whether a clause would have a place in a goal if its unknown words were a name."""
    shape = re.sub("[xR]+", "R", clause.shape.translate(_TIMED))
    return "x" in clause.shape and (shape in ("RBR", "RAR") or _ROLES.get(shape, "task") != "task")


def _pair(clause: Clause, shape: str, memory: Mentioned) -> Said | str:
    """``one before other``, ``before other, one``, and the same with after."""
    at = next(k for k, item in enumerate(clause.items) if item.is_("before", "after"))
    names = [item for item in clause.items if item.ref is not None]
    ahead = [item for item in clause.items[:at] if item.ref is not None]
    if not ahead:
        other, one = names[:1], names[1:]
    else:
        one, other = ahead, names[len(ahead) :]
    if shape.count("A") + shape.count("B") != 1 or not one or not other or "x" in shape:
        return "before or after what?"
    left, right = memory.orders(one), memory.orders(other)
    if isinstance(left, str) or isinstance(right, str):
        return left if isinstance(left, str) else str(right)
    if set(left) & set(right):
        return "an order cannot come before itself"
    early, late = (left, right) if clause.items[at].is_("before") else (right, left)
    return Said("pair", early, clause.start, clause.end, others=late, then=clause.then)
