"""What to write instead: each reason for which a goal was not read gets a wording that works."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ..names import Names
from ..prompt import plain
from ..reader import Flag
from ..reader.tokens import tokenize
from ..snapshot import Snapshot, natural_key
from .clauses import Clause, Lexer
from .sentences import names_nobody

MAX_CHARS = 60  # (a) of unknown words that a reason repeats
MAX_NAMED = 6  # (a) docks or items that a reason lists
_NOBODY = re.compile(r"there is no (?:(dock) (.+)|(urgent|low) order|(?!aisle)(\S+))")
_WHAT = "before or after what?"
_WORD = re.compile(r"'(.+)' is not understood")


class Hints:
    """Reasons in the words of one snapshot."""

    def __init__(self, snapshot: Snapshot, names: Names, lexer: Lexer) -> None:
        self._ids = sorted((order.id for order in snapshot.orders), key=natural_key)
        self._names, self._lexer = names, lexer
        open_ = [o for o in self._ids if re.fullmatch(r"dock-\d+", names.docks.get(o, ""))]
        self._docks = {names.docks[order]: order for order in reversed(open_)}
        self._items = {
            names.items[o]: o for o in reversed(self._ids) if self._is_name(names.items.get(o, ""))
        }

    def _is_name(self, item: str) -> bool:
        """Whether an item is one word that stands for its orders in a note."""
        found = self._lexer.items(tokenize(item)) if item.isalpha() else []
        return len(found) == 1 and found[0].ref is not None and found[0].ref.sort == "item"

    def explained(self, flag: Flag) -> Flag:
        """The flag with a reason that names a way out, where there is one."""
        nobody = _NOBODY.fullmatch(flag.reason)
        if nobody is not None:
            return replace(flag, reason=self._nobody(*nobody.groups()))
        if flag.reason == "the rest of what?":
            return replace(flag, reason=f"{flag.reason} {self._as(self.rest)}")
        items = tuple(self._lexer.items(tokenize(flag.clause)))
        if flag.person or not items:
            return flag
        clause = Clause(items, 0)
        wrong = _WORD.fullmatch(flag.reason) is not None
        unknown = self._unknown(flag.clause, clause)
        reason = f"{unknown}: {flag.reason}" if unknown and not wrong else unknown or flag.reason
        listed = f"; open orders are of {_few(self._items)}" if self._items else ""
        verb = any(item.is_("verb") for item in items) and "R" in clause.shape
        if (wrong or flag.reason == _WHAT) and (verb or set(clause.shape) & set("FLSEBA")):
            listed = listed if names_nobody(clause) else ""
            return replace(flag, reason=f"{reason}{listed}; {self._as(self.goal(clause))}")
        if wrong and "R" not in clause.shape and unknown:
            return replace(flag, reason=flag.reason + listed)
        return flag

    def _unknown(self, text: str, clause: Clause) -> str:
        """What stands in the way: a time that cannot be, or the first words that nobody knows."""
        faults = [item.when.fault for item in clause.items if item.when and item.when.fault]
        at = [k for k, item in enumerate(clause.items) if item.is_("unread")]
        if not at:
            return faults[0] if faults else ""
        end = at[0]
        for k in range(at[0] + 1, len(clause.items)):
            if not clause.items[k].is_("fill", "unread", "when"):
                break
            end = end if clause.items[k].is_("fill") else k
        said = " ".join(text[clause.items[at[0]].start : clause.items[end].end].split())
        return f"{plain(said, MAX_CHARS)!r} is not understood"

    def _nobody(self, dock: str, number: str, level: str, order: str) -> str:
        """Why a name stands for no order that is open."""
        if dock:
            others = f"; orders go to {_few(self._docks)}" if self._docks else ""
            return f"no open order goes to dock {number}{others}"
        return f"no open order is {level}" if level else f"{order} is not open"

    def _as(self, wording: str) -> str:
        return f'write it as "{wording}"' if wording else "there is no open order"

    def goal(self, clause: Clause) -> str:
        """A goal that can be read here, of the orders of a clause where it names any."""
        if not self._ids:
            return ""
        refs = [item.ref for item in clause.items if item.ref is not None and item.ref.names]
        order = refs[0].names[0] if refs else self._ids[0]
        dock = next((d for d in self._docks if d == self._names.docks.get(order)), "")
        first = f"clear {dock or order} {self._when()}"
        last = next((i for i, o in sorted(self._items.items()) if o != order), "")
        return f"{first}, {last} last" if last else first

    @property
    def rest(self) -> str:
        """A note with a rest that can be read here."""
        return f"{self._ids[0]} is urgent, the rest can wait" if len(self._ids) > 1 else ""

    def _when(self) -> str:
        """A time that can be met: a full hour of the shift, or minutes from now."""
        clock_s, end_s = self._names.clock_s, self._names.shift_s[1]
        hour = -1 if clock_s is None else int(clock_s // 3600) + 2
        return f"before {hour:02d}:00" if 0 <= hour < end_s / 3600 else "within 60 minutes"


def _few(names: Iterable[str]) -> str:
    """At most `MAX_NAMED` of them, in natural order."""
    found = sorted(names, key=natural_key)
    return ", ".join(found[:MAX_NAMED]) + (", ..." if len(found) > MAX_NAMED else "")
