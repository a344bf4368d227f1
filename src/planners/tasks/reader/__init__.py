"""Notes read by rules: typed constraints where every word is known, a flag everywhere else.

Text -> `tokens` -> `chunks` (names, times, cues; the tables are in `words`) -> `repair` (lists,
corrections) -> `clauses` (who is meant) -> `grammar` (what is asked). A clause is accepted only if
all of it was read; a word that no table holds leaves it to a person. A sentence with an unread part
that speaks of the work gives nothing; neither does a note that doubts itself, contradicts itself or
speaks to the machine. So what is accepted is right more often than it is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..constraints import Constraint, Hold, Priority, contradictions, echo, fault, sort_key, target
from ..names import Names
from ..snapshot import Snapshot
from .chunks import DOUBTS, HEDGES, OFF_TOPIC, SUSPICIOUS, TRADE, Chunk, Chunker, has_phrase
from .clauses import Memory, Sentence, Unread
from .grammar import Draft, decide
from .quotes import mentioned, read_time, unknown_orders
from .repair import corrected, counted, joined
from .tokens import Token, tokenize
from .words import REQUESTS, phrases

MAX_CHARS = 4000  # (a) a longer text is no note: nothing of it is read
_REQUESTS = frozenset(map(" ".join, phrases(REQUESTS)))
_JOINING = ("and", "but", "And", "But", "&")
_SPEAKING = frozenset({"ref", "when", "cue", "number", "negated"})
_MACHINE_MARKS = frozenset("{}[]<>`=|\\$^@_~")

__all__ = ["Accepted", "Flag", "Reading", "mentioned", "read_notes", "read_time",
           "unknown_orders"]  # fmt: skip


@dataclass(frozen=True)
class Accepted:
    """A constraint and the clause of the note that it was read from."""

    constraint: Constraint
    clause: str


@dataclass(frozen=True)
class Flag:
    """A part of a note that was not read, why, and the whole ``sentence`` that it stands in.

    ``person``: for a person only, since it speaks to the machine, doubts or contradicts itself or
    names what does not exist; a model may read the others.
    """

    clause: str
    reason: str
    sentence: str
    person: bool = False


@dataclass(frozen=True)
class Reading:
    """What was read: accepted constraints, each once, in order, and flagged clauses."""

    accepted: tuple[Accepted, ...] = ()
    flagged: tuple[Flag, ...] = ()

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The accepted constraints alone."""
        return tuple(one.constraint for one in self.accepted)


def read_notes(text: str, snapshot: Snapshot, names: Names | None = None) -> Reading:
    """The constraints that a note states, and the clauses that it takes a person to read.

    Never raises, whatever the text. Every accepted constraint names an order of the snapshot or an
    aisle of ``names`` that the text names (by id, item, dock, pointing word or as the rest), and
    its seconds come from a time in the text; no two contradict each other.
    """
    whole = " ".join(text[:200].split())
    if len(text) > MAX_CHARS:
        return _refused(whole, f"longer than {MAX_CHARS} characters")
    tokens = tokenize(text)
    spoken = _speaks_to_machine(tokens)
    if spoken is not None:
        return _refused(whole, f"{spoken!r} is not for a note to speak of")
    reader = _NoteReader(text, snapshot, names or Names())
    return reader.read(tokens)


def _refused(text: str, reason: str) -> Reading:
    return Reading((), (Flag(text, reason, text, person=True),))


def _speaks_to_machine(tokens: Sequence[Token]) -> str | None:
    for token in tokens:
        if token.kind == "symbol" and token.text in _MACHINE_MARKS:
            return token.text
    return has_phrase([t for t in tokens if t.kind != "pause"], SUSPICIOUS)


class _NoteReader:
    """One note on its way: sentence by sentence, clause by clause."""

    def __init__(self, text: str, snapshot: Snapshot, names: Names) -> None:
        self._text, self._snapshot, self._names = text, snapshot, names
        self._orders = {order.id: order for order in snapshot.orders}
        self._chunker = Chunker(snapshot, names)
        self._memory = Memory(self._chunker.all_orders)
        self._drafts: list[Draft] = []
        self._flags: list[Flag] = []
        self._sentences: list[tuple[int, int]] = []
        self._doubt = False

    def read(self, tokens: Sequence[Token]) -> Reading:
        self._tokens = tokens
        chunks = joined(counted(self._chunker.chunks(tokens), self._chunker))
        chunks = corrected(chunks, self._chunker, self._names)
        for sentence in _split(chunks, ("end",)):
            self._sentences.append((sentence[0].start, sentence[-1].end))
            self._sentence(sentence)
        return self._result()

    def _sentence(self, chunks: list[Chunk]) -> None:
        found = Sentence(self._memory)
        asked = chunks[-1].text == "?" and not any(c.text in _REQUESTS for c in chunks)
        for part in _split([c for c in chunks if c.kind != "end"], ("pause",)):
            self._flag_unknown(part)
            found.add(part, heads=self._text[part[-1].end :].lstrip().startswith(":"))
        found.finish()
        drafts: list[Draft] = []
        for clause in found.said:
            made = decide(clause, self._orders, self._snapshot.time_s)
            if isinstance(made, str):
                found.unread.append(Unread(clause.start, clause.end, made))
            else:
                drafts += made
        if asked and (drafts or found.unread):
            found.unread.append(Unread(chunks[0].start, chunks[-1].end, "a question"))
        self._weigh(chunks, drafts, found.unread)

    def _flag_unknown(self, part: Sequence[Chunk]) -> None:
        """Unknown names in a list beside known ones; where all are unknown the clause is unread."""
        for chunk in part:
            if chunk.ref is not None and chunk.ref.names:
                for unknown in chunk.ref.unknown:
                    self._flag(chunk.start, chunk.end, f"there is no {unknown}", person=True)

    def _weigh(self, chunks: list[Chunk], drafts: list[Draft], unread: list[Unread]) -> None:
        """Accept a sentence's constraints unless a part of it that matters was not read."""
        numbered = any(c.ref and c.ref.sort in ("id", "dock", "aisle") for c in chunks)
        idle = has_phrase(self._within(chunks[0].start, chunks[-1].end), OFF_TOPIC)
        if idle and not numbered and not drafts:
            return
        if any("correction" in c.said for part in unread for c in part.chunks):
            self._doubt = True  # it takes something back, and does not say what stands instead
        matters = [part for part in unread if self._matters(part)]
        doubt = has_phrase(self._within(chunks[0].start, chunks[-1].end), DOUBTS) is not None
        for part in matters:
            self._flag(part.start, part.end, part.reason, doubt)
        if not matters:
            self._drafts += drafts
            return
        self._drop(drafts, "stands beside a part that was not read", doubt)
        named = any(c.ref is not None and c.ref.names for c in chunks)
        if not named and any(has_phrase(self._within(p.start, p.end), HEDGES) for p in matters):
            self._doubt = True

    def _matters(self, part: Unread) -> bool:
        """Whether an unread part may ask for something, or take back what stands beside it."""
        speaking = any(c.kind in _SPEAKING or "correction" in c.said for c in part.chunks)
        if speaking or not part.chunks:
            return True
        before, after = self._text[: part.start].rstrip(), self._text[part.end :].lstrip()
        if before.endswith(_JOINING) or after.startswith((*_JOINING, ":")):
            return True  # a condition or a speaker more often than a reason
        words = self._within(part.start, part.end)
        if any(token.kind in ("number", "clock", "symbol") for token in words):
            return True
        return has_phrase(words, TRADE) is not None or has_phrase(words, HEDGES) is not None

    def _within(self, start: int, end: int) -> list[Token]:
        return [token for token in self._tokens if start <= token.start < end]

    def _drop(self, drafts: Sequence[Draft], reason: str, person: bool) -> None:
        for start, end in dict.fromkeys((draft.start, draft.end) for draft in drafts):
            self._flag(start, end, reason, person)

    def _flag(self, start: int, end: int, reason: str, person: bool = False) -> None:
        around = [s for s in self._sentences if s[0] <= start < s[1]]
        first, last = around[0] if around else (start, end)
        clause, sentence = self._text[start:end], self._text[first:last]
        self._flags.append(Flag(clause, reason, sentence, person))

    def _result(self) -> Reading:
        drafts = _closed(self._drafts)
        found = [draft.constraint for draft in drafts]
        clash = contradictions(found) or tuple(
            (a, b)
            for a in found
            for b in found
            if isinstance(a, Hold) and b == Priority(a.order, "urgent")
        )
        if self._doubt or clash:
            a, b = clash[0] if clash else (None, None)
            reason = f"{echo(a)}, but {echo(b)}" if a and b else "the note doubts itself"
            self._drop(drafts, reason, person=True)
            drafts = []
        accepted = []
        for draft in sorted(drafts, key=lambda draft: sort_key(draft.constraint)):
            wrong = fault(draft.constraint, self._snapshot, self._names)
            if wrong is None:
                clause = self._text[draft.start : draft.end]
                accepted.append(Accepted(draft.constraint, clause))
            else:
                self._flag(draft.start, draft.end, wrong)
        return Reading(tuple(accepted), tuple(dict.fromkeys(self._flags)))


def _split(chunks: Sequence[Chunk], kinds: tuple[str, ...]) -> list[list[Chunk]]:
    """The stretches between chunks of the kinds; an end stays with its sentence."""
    parts: list[list[Chunk]] = [[]]
    for chunk in chunks:
        if chunk.kind in kinds:
            if kinds == ("end",) and parts[-1]:
                parts[-1].append(chunk)
            parts.append([])
        else:
            parts[-1].append(chunk)
    return [part for part in parts if part]


def _closed(drafts: Sequence[Draft]) -> list[Draft]:
    """Each constraint once; one without a said end gives way to one of its kind that has one."""
    ended = {_of(draft.constraint) for draft in drafts if not draft.open}
    found: dict[Constraint, Draft] = {}
    for draft in drafts:
        if not (draft.open and _of(draft.constraint) in ended):
            found.setdefault(draft.constraint, draft)
    return list(found.values())


def _of(constraint: Constraint) -> tuple[str, str]:
    return constraint.kind, target(constraint)
