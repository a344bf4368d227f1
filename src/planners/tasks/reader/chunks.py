"""Tokens become chunks: names, times, cues, words that say nothing, and words that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from ..names import Names
from ..snapshot import Snapshot, natural_key
from . import words
from .times import UNITS, When, read_number, read_when
from .tokens import Token, tokenize
from .words import phrases


@dataclass(frozen=True)
class Ref:
    """What a name stands for. ``sort``: id, item, dock, aisle, it, there, rest, but, other,
    one, all.

    ``names`` are the orders or aisles that exist, ``unknown`` what does not, as it was written.
    ``parts`` are the orders of every single thing that was named.
    """

    sort: str
    names: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()

    def join(self, other: Ref) -> Ref:
        """Both of a list such as ``the paint and the paper``."""
        names = tuple(dict.fromkeys((*self.names, *other.names)))
        parts = (*self.parts, *other.parts)
        return Ref(self.sort, names, (*self.unknown, *other.unknown), parts)


@dataclass(frozen=True)
class Chunk:
    """``kind``: ref, when, cue, fill, correction, number, pause, end, negated or unread."""

    kind: str
    start: int
    end: int
    text: str = ""
    ref: Ref | None = None
    when: When | None = None
    said: frozenset[str] = field(default_factory=frozenset)


_REFS = {
    "there": words.THERE, "it": words.PRONOUNS, "rest": words.REST, "other": words.OTHER,
    "but": words.ALL_BUT, "one": words.THE_ONE, "all": words.ALL_ORDERS,
}  # fmt: skip


def _table() -> dict[tuple[str, ...], frozenset[str]]:
    """Every phrase and what it may be; a phrase may be more than one thing."""
    found: dict[tuple[str, ...], set[str]] = {}
    rows = chain(
        ((f"cue {cue}", table) for cue, table in words.CUES.items()),
        ((f"ref {sort}", table) for sort, table in _REFS.items()),
        (
            ("correction", words.CORRECTIONS),
            ("fill", words.FILLERS),
            ("unread", words.PITFALLS),
        ),
    )
    for said, table in rows:
        for phrase in phrases(table):
            found.setdefault(phrase, set()).add(said)
    return {phrase: frozenset(said) for phrase, said in found.items()}


_PHRASES = _table()
_LONGEST = max(map(len, _PHRASES))
_KINDS_OF = {"order": "id", "orders": "id", "dock": "dock", "docks": "dock", "aisle": "aisle",
             "aisles": "aisle", "bay": "", "gate": ""}  # fmt: skip


def _spellings(item: str) -> set[str]:
    """The item and its singular; no plural is made: glasses are not the glass."""
    return {item, item[:-1]} if len(item) > 3 and item.endswith("s") else {item}


def _is_spoken(word: str) -> bool:
    """Whether a word means something in any note: whatever is called so goes by its id alone."""
    known = (word,) in _PHRASES or word in UNITS or word in _KINDS_OF
    if known or word in ("and", "but", "not", "never", "o", "no", "nr", "number"):
        return True
    tokens = tokenize(word)
    return len(tokens) == 1 and (
        read_number(tokens, 0) is not None or read_when(tokens, 0, Names()) is not None
    )


class Chunker:
    """Cuts the tokens of one note into chunks, with the names of one snapshot."""

    def __init__(self, snapshot: Snapshot, names: Names) -> None:
        self._names = names
        self._orders = {order.id.lower(): order.id for order in snapshot.orders}
        self._aisles = {aisle.lower(): aisle for aisle in names.aisles}
        self._docks = {dock.lower(): dock for dock in names.docks.values()}
        self._items: dict[str, tuple[str, ...]] = {}
        for item in sorted(set(names.items.values())):
            held = tuple(i for i in names.of_item(item) if i in self._orders.values())
            for spelled in _spellings(item.lower()):
                if not _is_spoken(spelled):
                    self._items.setdefault(spelled, held)

    def chunks(self, tokens: Sequence[Token]) -> list[Chunk]:
        """The chunks of a note; together they hold every token once."""
        found: list[Chunk] = []
        at = 0
        while at < len(tokens):
            size, chunk = self._next(tokens, at)
            found.append(chunk)
            at += size
        return found

    def _next(self, tokens: Sequence[Token], at: int) -> tuple[int, Chunk]:
        token = tokens[at]
        if token.kind in ("pause", "end"):
            return 1, Chunk(token.kind, token.start, token.end, token.text)
        options: list[tuple[int, int, Chunk]] = []
        if token.text in ("and", "but"):
            options.append((1, 0, Chunk("pause", token.start, token.end, token.text)))

        def add(size: int, rank: int, kind: str, **values: object) -> None:
            text = " ".join(t.text for t in tokens[at : at + size])
            start, end = token.start, tokens[at + size - 1].end
            options.append((size, rank, Chunk(kind, start, end, text, **values)))  # type: ignore[arg-type]

        when = read_when(tokens, at, self._names)
        if when is not None:
            add(when[0], 3, "when", when=when[1])
        ref = self._ref(tokens, at)
        if ref is not None:
            add(ref[0], 2, "ref", ref=ref[1])
        phrase = self._phrase(tokens, at)
        if phrase is not None:
            size, said = phrase
            add(size, 1, _kind(said), said=said, ref=_pronoun(said))
        number = read_number(tokens, at)
        if number is not None:
            add(number[0], 0, "number", said=frozenset({str(number[1])}))
        if not options:
            add(1, 0, "negated" if token.text in ("not", "never") else "unread")
        size, _, chunk = max(options, key=lambda option: option[:2])
        return size, chunk

    def _phrase(self, tokens: Sequence[Token], at: int) -> tuple[int, frozenset[str]] | None:
        said: list[str] = []
        best = None
        for token in tokens[at : at + _LONGEST]:
            if token.kind != "word":
                break
            said.append(token.text)
            known = _PHRASES.get(tuple(said))
            if known is not None:
                best = len(said), known
        return best

    def _ref(self, tokens: Sequence[Token], at: int) -> tuple[int, Ref] | None:
        return self._numbered(tokens, at) or self._by_id(tokens, at) or self._item(tokens, at)

    def _item(self, tokens: Sequence[Token], at: int) -> tuple[int, Ref] | None:
        held = self._items.get(tokens[at].text)
        return None if not held else (1, Ref("item", held, (), (held,)))

    def _by_id(self, tokens: Sequence[Token], at: int) -> tuple[int, Ref] | None:
        """An id as the snapshot writes it, small or capital: letters and digits side by side."""
        if at + 1 >= len(tokens) or tokens[at].kind != "word" or tokens[at + 1].kind != "number":
            return None
        if tokens[at + 1].start - tokens[at].end > 1 or tokens[at].text in UNITS:
            return None
        if _glued(tokens, at + 2):
            return None
        written = tokens[at].text + tokens[at + 1].text
        gap = tokens[at + 1].start > tokens[at].end
        if written in self._orders:
            return (2, self._one("id", written)) if not gap or tokens[at].text == "o" else None
        return (2, Ref("id", (), (written.upper(),))) if tokens[at].text == "o" else None

    def _numbered(self, tokens: Sequence[Token], at: int) -> tuple[int, Ref] | None:
        """``order 5``, ``aisle seven``, ``docks 1 and 2``, ``order number five``."""
        sort = _KINDS_OF.get(tokens[at].text)
        if not sort or tokens[at].kind != "word":
            return None
        size = 1
        if at + 1 < len(tokens) and tokens[at + 1].text in ("number", "no", "nr"):
            size += 1 + (tokens[at + 2 : at + 3] != [] and tokens[at + 2].text == ".")
        by_id = self._by_id(tokens, at + size) if sort == "id" else None
        if by_id is not None:
            return size + by_id[0], by_id[1]
        number = read_number(tokens, at + size)
        if number is None or self._goes_on(tokens, at + size + number[0]):
            return None
        ref, size = self._one(sort, str(number[1])), size + number[0]
        while tokens[at].text.endswith("s"):
            skip = _separators(tokens, at + size)
            more = read_number(tokens, at + size + skip) if skip else None
            if more is None or self._goes_on(tokens, at + size + skip + more[0]):
                break
            ref, size = ref.join(self._one(sort, str(more[1]))), size + skip + more[0]
        return size, ref

    def _goes_on(self, tokens: Sequence[Token], at: int) -> bool:
        """Whether what stands here makes a time, or another name, of the number before it."""
        if at >= len(tokens):
            return False
        times = (*UNITS, "oclock", "am", "pm", "past")
        return _glued(tokens, at) or tokens[at].text in times

    def numbered(self, sort: str, number: str) -> Ref:
        """The order, dock or aisle of a number."""
        return self._one(sort, number)

    def _one(self, sort: str, written: str) -> Ref:
        if sort == "id":
            order = self._orders.get(written) or self._orders.get(f"o{written}")
            shown = written.upper() if written[:1].isalpha() else f"O{written}"
            return Ref("id", (order,), (), ((order,),)) if order else Ref("id", (), (shown,))
        if sort == "aisle":
            aisle = self._aisles.get(f"aisle-{written}")
            return Ref("aisle", (aisle,)) if aisle else Ref("aisle", (), (f"aisle {written}",))
        dock = self._docks.get(f"dock-{written}")
        held = self._names.of_dock(dock) if dock else ()
        held = tuple(i for i in held if i in self._orders.values())
        return Ref("dock", held, (), (held,)) if held else Ref("dock", (), (f"dock {written}",))

    @property
    def all_orders(self) -> tuple[str, ...]:
        """Every order's id, in natural order."""
        return tuple(sorted(self._orders.values(), key=natural_key))


def _glued(tokens: Sequence[Token], at: int) -> bool:
    """Whether a word follows the token before without a space, as in ``5a``."""
    inside = 0 < at < len(tokens)
    return inside and tokens[at].kind == "word" and tokens[at].start == tokens[at - 1].end


def _separators(tokens: Sequence[Token], at: int) -> int:
    size = 0
    while at + size < len(tokens) and tokens[at + size].text in (",", "and"):
        size += 1
    return size


def _kind(said: frozenset[str]) -> str:
    """What a phrase most likely is; corrections are looked for where they can stand."""
    for kind in ("unread", "cue", "ref", "fill"):
        if any(one.startswith(kind) for one in said):
            return kind
    return "correction"


def _pronoun(said: frozenset[str]) -> Ref | None:
    sorts = sorted(one.removeprefix("ref ") for one in said if one.startswith("ref "))
    return Ref(sorts[0]) if sorts else None


def cues(chunk: Chunk) -> Iterator[str]:
    """What a chunk's phrase says, as keys of `words.CUES`."""
    return (one.removeprefix("cue ") for one in sorted(chunk.said) if one.startswith("cue "))


SUSPICIOUS: tuple[tuple[str, ...], ...] = phrases(words.SUSPICIOUS)
DOUBTS: tuple[tuple[str, ...], ...] = phrases(words.DOUBTS)
HEDGES: tuple[tuple[str, ...], ...] = (*DOUBTS, *phrases(words.HEDGES))
TRADE: tuple[tuple[str, ...], ...] = phrases(words.TRADE)
OFF_TOPIC: tuple[tuple[str, ...], ...] = phrases(words.OFF_TOPIC)


def _by_first(table: Sequence[tuple[str, ...]]) -> Mapping[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for phrase in table:
        found.setdefault(phrase[0], []).append(phrase)
    return found


def has_phrase(tokens: Sequence[Token], table: Sequence[tuple[str, ...]]) -> str | None:
    """The first phrase of a table that occurs among the tokens, in words; None where none does."""
    first = _by_first(table)
    for at, token in enumerate(tokens):
        for phrase in first.get(token.text, ()):
            if tuple(t.text for t in tokens[at : at + len(phrase)]) == phrase:
                return " ".join(phrase)
    return None
