"""Sentences of a goal, clause by clause: what is named, and what comes before what.

Names and times are found by the reader of notes; around them stand signs (see `words`). A clause is
part of a goal only if every word of it is known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..names import Names
from ..reader.chunks import Chunk, Chunker, Ref
from ..reader.times import When
from ..reader.tokens import Token
from ..snapshot import Snapshot
from .words import signs

_SIGNS = signs()
_LONGEST = max(map(len, _SIGNS))
_AHEAD = 12  # tokens that a name or a time may take
_LISTED = ("id", "item", "dock")
_ARRIVAL = ("by", "before", "within")


@dataclass(frozen=True)
class Item:
    """A sign, a name, a time, a pause, a filler or an unknown word, and where it stands."""

    signs: frozenset[str]
    start: int
    end: int
    text: str
    ref: Ref | None = None
    when: When | None = None

    def is_(self, *wanted: str) -> bool:
        """Whether it is one of these."""
        return not self.signs.isdisjoint(wanted)


@dataclass(frozen=True)
class Said:
    """What one clause says of ``orders``.

    ``role``: ``task`` (to be done), ``first``, ``last``, or ``pair`` (before ``others``).
    ``level`` tells that it was said by the very words first or last, which notes read as urgent and
    low. ``then`` counts the words of sequence before it in its sentence.
    """

    role: str
    orders: tuple[str, ...]
    start: int
    end: int
    others: tuple[str, ...] = ()
    when: When | None = None
    level: bool = False
    then: int = 0


@dataclass(frozen=True)
class Clause:
    """The items between two pauses or words of sequence.

    ``then`` counts the words of sequence before it, ``led`` tells that one stands right before.
    """

    items: tuple[Item, ...]
    then: int
    led: bool = False

    @property
    def start(self) -> int:
        """Where it begins in the text."""
        return self.items[0].start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.items[-1].end

    @cached_property
    def shape(self) -> str:
        """One letter for each item that counts; ``x`` for what has no place in a goal."""
        letters = {
            "first": "F",
            "last": "L",
            "start": "S",
            "close": "E",
            "before": "B",
            "after": "A",
        }
        found = ""
        for item in self.items:
            if item.is_("fill", "verb", "done"):
                continue
            if item.ref is not None:
                found += "R"
            elif item.when is not None:
                found += "W"
            else:
                found += next((c for sign, c in letters.items() if item.is_(sign)), "x")
        return found


class Lexer:
    """Cuts one note into items, with the names of one snapshot."""

    def __init__(self, snapshot: Snapshot, names: Names, levels: dict[str, str]) -> None:
        self._chunker = Chunker(snapshot, names)
        self._levels = levels
        self.all_orders = self._chunker.all_orders

    def items(self, tokens: Sequence[Token]) -> list[Item]:
        """The items of a note in order."""
        found: list[Item] = []
        at = 0
        while at < len(tokens):
            size, item = self._next(tokens, at)
            found.append(item)
            at += size
        return self._named(found)

    def _next(self, tokens: Sequence[Token], at: int) -> tuple[int, Item]:
        chunk = self._chunk(tokens, at)
        size = sum(token.start < chunk.end for token in tokens[at : at + _AHEAD])
        span = (chunk.start, chunk.end, chunk.text)
        if chunk.kind in ("pause", "end") and chunk.text != "but":
            return 1, Item(frozenset({chunk.kind}), *span)
        length, sign = _sign(tokens, at)
        if length and length >= size + (chunk.kind in ("ref", "when")):
            text = " ".join(token.text for token in tokens[at : at + length])
            return length, Item(sign, chunk.start, tokens[at + length - 1].end, text)
        if chunk.ref is not None and chunk.ref.sort in (*_LISTED, "rest", "all", "but"):
            return size, Item(frozenset({"ref"}), *span, ref=chunk.ref)
        if chunk.when is not None:
            return size, Item(frozenset({"when"}), *span, when=chunk.when)
        if chunk.kind == "fill":
            named = size > 1 and self._chunk(tokens, at + 1).kind in ("ref", "when")
            end = tokens[at].end if named else chunk.end
            return 1 if named else size, Item(frozenset({"fill"}), chunk.start, end, chunk.text)
        return size, Item(frozenset({"unread"}), *span)

    def _chunk(self, tokens: Sequence[Token], at: int) -> Chunk:
        return self._chunker.chunks(tokens[at : at + _AHEAD])[0]

    def _named(self, items: list[Item]) -> list[Item]:
        """Levels that name orders (``the urgent ones``) and times that a vehicle makes a limit."""
        found: list[Item] = []
        for item in items:
            before = found[-1] if found else None
            level = _level(before, item)
            if level is not None:
                if not item.is_("rush"):
                    assert before is not None
                    found.pop()
                    item = replace(item, start=before.start, text=f"{before.text} {item.text}")
                held = tuple(o for o in self.all_orders if self._levels.get(o) == level)
                unknown = () if held else (f"{level} order",)
                item = replace(item, signs=frozenset({"ref"}), ref=Ref("id", held, unknown))
            found.append(item)
            _join_vehicle(found)
        return found


def _sign(tokens: Sequence[Token], at: int) -> tuple[int, frozenset[str]]:
    """The longest phrase of signs that begins at a token: its length and what it may be."""
    said: list[str] = []
    best: tuple[int, frozenset[str]] = (0, frozenset())
    for token in tokens[at : at + _LONGEST]:
        if token.kind != "word":
            break
        said.append(token.text)
        known = _SIGNS.get(tuple(said))
        if known is not None:
            best = len(said), known
    return best


def _level(before: Item | None, item: Item) -> str | None:
    if item.is_("rush"):
        return "urgent"
    if before is None or not item.is_("ones") or not before.is_("urgent", "low"):
        return None
    return "urgent" if before.is_("urgent") else "low"


def _join_vehicle(found: list[Item]) -> None:
    """``before the noon truck``, ``before the truck at noon``: a limit out of three items."""
    at = [k for k, item in enumerate(found) if not item.is_("fill")][-3:]
    if len(at) < 3:
        return
    limit, *rest = (found[k] for k in at)
    whens = [item.when for item in rest if item.when is not None]
    vehicle = any(item.is_("vehicle") for item in rest if item.when is None)
    fits = len(whens) == 1 and whens[0].clock and whens[0].role in ("", "at")
    if limit.is_("before", "by") and vehicle and fits:
        text = f"{limit.text} {rest[0].text} {rest[1].text}"
        when = replace(whens[0], role="by")
        found[at[0] :] = [Item(frozenset({"when"}), limit.start, found[-1].end, text, when=when)]


def clauses_of(items: Sequence[Item]) -> list[Clause]:
    """A sentence cut at pauses and words of sequence, lists of names put together first."""
    whole = _lists(items)
    found: list[Clause] = []
    now: list[Item] = []
    then, led = 0, False
    for item in [*whole, None]:
        if item is None or item.is_("pause", "end", "then"):
            if any(not one.is_("fill") for one in now):
                found.append(Clause(tuple(now), then, led))
                led = False
            now = []
            if item is not None and item.is_("then"):
                then, led = then + 1, True
        else:
            now.append(item)
    return found


def _lists(items: Sequence[Item]) -> list[Item]:
    """``O1, O2 and O5`` as one name; lists by commas alone only where no verb stands before."""
    found: list[Item] = []
    at = 0
    while at < len(items):
        names, end = _run(items, at)
        if _stands_apart(items, found, names, end):
            names, end = names[:-1], items.index(names[-2]) + 1
        if len(names) > 1:
            verb = bool(found) and any(one.is_("verb") for one in _back(found))
            words = [one.text for one in items[at:end] if one.is_("pause")]
            sorts = {one.ref.sort for one in names if one.ref is not None}
            joins = "and" in words if verb or len(sorts) > 1 else True
            if joins and not (verb and len(sorts) > 1):
                ref = names[0].ref
                assert ref is not None
                for one in names[1:]:
                    assert one.ref is not None
                    ref = ref.join(one.ref)
                text = ", ".join(one.text for one in names)
                found.append(replace(names[0], end=names[-1].end, text=text, ref=ref))
                at = end
                continue
        found.append(items[at])
        at += 1
    return found


def _run(items: Sequence[Item], at: int) -> tuple[list[Item], int]:
    """The names from here on that only commas, ``and`` and fillers part, and where they end."""
    names: list[Item] = []
    end, paused = at, True
    for k in range(at, len(items)):
        item = items[k]
        if item.ref is not None and item.ref.sort in _LISTED and paused:
            names.append(item)
            end, paused = k + 1, False
        elif item.is_("pause") and item.text in (",", "and") and names:
            paused = True
        elif not (item.is_("fill") and names and paused):
            break
    return names, end


def _stands_apart(
    items: Sequence[Item], found: Sequence[Item], names: Sequence[Item], end: int
) -> bool:
    """Whether the last name of a list has an end of its own: ``then O1, and O2 last``."""
    if len(names) < 2 or not found or not found[-1].is_("then"):
        return False
    between = [one.text for one in items[items.index(names[-2]) : end] if one.is_("pause")]
    after = next((one for one in items[end:] if not one.is_("fill")), None)
    return between == [",", "and"] and after is not None and after.is_("first", "last")


def _back(found: Sequence[Item]) -> list[Item]:
    """The items since the last pause or word of sequence."""
    now: list[Item] = []
    for item in reversed(found):
        if item.is_("pause", "end", "then"):
            break
        now.append(item)
    return now
