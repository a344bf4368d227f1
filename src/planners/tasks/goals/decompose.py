"""A goal in free text becomes groups of orders, what comes before what, and constraints.

Rules read the words of sequence (first, last, then, before, after); everything else of the text is
read as a note is. What no rule reads is flagged, never guessed. A goal reorders: like a note it has
no word for the battery, for capacity or for safety.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

from ..asking import Asking
from ..constraints import Constraint, Deadline, Priority, contradictions, fault, sort_key
from ..names import Names
from ..prompt import Rejection
from ..reader import Flag, mentioned, read_notes
from ..reader.chunks import has_phrase
from ..reader.tokens import Token, tokenize
from ..reader.words import REQUESTS, phrases
from ..snapshot import Snapshot, natural_key
from ..translate import Refused, Translated, Translation, translate
from .clauses import Clause, Item, Lexer, Said, clauses_of
from .model_words import HINTS, parse_pairs, sequence_prompt
from .sentences import NOBODY, Mentioned, Told, told
from .trajectory import Step
from .words import UNSURE

Pairs = set[tuple[str, str]]  # (before, after)


@dataclass(frozen=True)
class Group:
    """Orders that belong together, and the words that named them."""

    orders: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Decomposition:
    """What a goal comes to.

    ``groups`` are in the sequence that the text states, each order once, orders that it does not
    name in the last one. ``after`` is for `Snapshot.after`. ``translation`` holds the constraints
    and everything that was not understood; ``by`` who read the sequence.
    """

    groups: tuple[Group, ...] = ()
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    translation: Translation = field(default_factory=Translation)
    by: str = "reader"

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The typed constraints, for `applying.apply`."""
        return self.translation.constraints

    @property
    def states_goal(self) -> bool:
        """Whether the text says anything of groups or their sequence."""
        return len(self.groups) > 1 or bool(self.after)

    def into(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the stated sequence beside what it has; constraints are `apply`'s.

        Where the two let orders wait for each other, or a full robot for what finds no room on it,
        the snapshot's own stands.
        """
        ids = {order.id for order in snapshot.orders}
        both = {(e, late) for late, early in snapshot.after.items() for e in early}
        own = {(e, late) for late, early in self.after.items() for e in early if late in ids}
        if not own or waiting_for_each_other(both | own):
            return snapshot
        bound = replace(snapshot, after=as_after(both | own))
        return snapshot if _stands_still(bound) else bound

    def words(self) -> tuple[str, ...]:
        """The sequence in words, for whoever wrote the goal."""
        lines = [
            f"group {k}: {', '.join(group.orders)} ({group.words})"
            for k, group in enumerate(self.groups, start=1)
        ]
        waits: dict[tuple[str, ...], list[str]] = {}
        for late, early in self.after.items():
            waits.setdefault(early, []).append(late)
        lines += [f"{', '.join(late)} after {', '.join(early)}" for early, late in waits.items()]
        return tuple(lines)

    def steps(self) -> tuple[Step, ...]:
        """The first step of a trajectory; none where no goal is stated."""
        if not self.states_goal:
            return ()
        return (Step("decompose", "; ".join(self.words()), {"by": self.by, **self.as_json()}),)

    def as_json(self) -> dict[str, Any]:
        """Groups and sequence as plain values."""
        groups = [{"orders": list(g.orders), "words": g.words} for g in self.groups]
        return {"groups": groups, "after": {k: list(v) for k, v in self.after.items()}}


def decompose(
    text: str,
    snapshot: Snapshot,
    names: Names | None = None,
    *,
    asking: Asking | None = None,
    deadline_s: float = 10.0,
) -> Decomposition:
    """Read a goal, or a note, or both in one text.

    Never raises, whatever the text. Sentences that notes can say are read by `translate`; a
    sentence of sequence that doubts, denies or corrects itself is flagged. Precedence that goes
    round in a circle is none. With ``asking`` a model is asked about what rules flag and is not
    for a person only: for constraints, and for pairs of the orders that a sentence names. All
    questions together take at most ``deadline_s``.
    """
    deadline = time.monotonic() + deadline_s
    known = names or Names()
    whole = read_notes(text, snapshot, known)
    if _refused(text, whole.flagged):
        return Decomposition(translation=Translation(flagged=whole.flagged))
    unread = {flag.sentence for flag in whole.flagged}
    reading = _Reading(text, snapshot, known)
    for first, last, items in reading.sentences():
        reading.read(first, last, items, text[first:last] in unread)
    rest = translate(reading.left_text, snapshot, known, asking=asking, deadline_s=deadline_s)
    if asking is not None:
        rest = reading.ask(rest, asking, deadline)
    return reading.result(rest)


def _stands_still(snapshot: Snapshot) -> bool:
    """Whether the robot is full, and all on board is to follow what is not delivered yet."""
    held = [order for order in snapshot.orders if order.id in snapshot.on_board]
    return len(held) >= snapshot.capacity and all(snapshot.sooner(order) for order in held)


def _refused(text: str, flags: Sequence[Flag]) -> bool:
    """Whether the reader of notes refuses the text as a whole."""
    shown = " ".join(text[:200].split())
    return len(flags) == 1 and flags[0].person and flags[0].clause == shown == flags[0].sentence


class _Reading:
    """One text on its way."""

    def __init__(self, text: str, snapshot: Snapshot, names: Names) -> None:
        self.snapshot, self.names = snapshot, names
        self._text = self.left_text = text
        self._tokens = tokenize(text)
        levels = {order.id: order.priority for order in snapshot.orders}
        self._lexer = Lexer(snapshot, names, levels)
        self._memory = Mentioned(self._lexer.all_orders)
        self._ids = frozenset(levels)
        self.by = "reader"
        self._mentions: list[Group] = []
        self._ends: list[Group] = []  # what is to come last
        self._last: tuple[str, ...] = ()  # the last stage of a sequence, for ``Then O5.``
        self._pairs: Pairs = set()
        self._made: list[Translated] = []
        self._flags: list[Flag] = []

    def sentences(self) -> Iterable[tuple[int, int, list[Item]]]:
        """Where each sentence begins and ends, and its items."""
        now: list[Item] = []
        for item in self._lexer.items(self._tokens):
            now.append(item)
            if item.is_("end"):
                yield now[0].start, now[-1].end, now
                now = []
        if now:
            yield now[0].start, now[-1].end, now

    def read(self, first: int, last: int, items: list[Item], unread: bool) -> None:
        """Take what a sentence says of a goal; the rest of it stays for the reader of notes."""
        clauses = clauses_of(items)
        letters = set("".join(clause.shape for clause in clauses))
        ordered = bool(letters & set("FLSEBA")) or any(clause.then for clause in clauses)
        verb = any(item.is_("verb") for item in items) and "R" in letters
        if not (ordered or verb):
            return
        words = self.left_text[first:last]
        doubt = self._doubt(first, last, items) if ordered else None
        found = Told(fault=doubt) if doubt else told(clauses, self._memory)
        if found.fault is not None or not found.said:
            if unread and found.fault is not None:
                person = doubt is not None or found.fault.startswith(NOBODY)
                self._flags.append(Flag(words.strip(), found.fault, words, person))
                self._blank(first, last)
            return
        self._take(found.said)
        if unread:
            self._constrain(found.said)
            self._keep_only(first, last, found.left)

    def _doubt(self, first: int, last: int, items: list[Item]) -> str | None:
        tokens: list[Token] = [t for t in self._tokens if first <= t.start < last]
        unsure = has_phrase(tokens, UNSURE)
        if unsure is not None:
            return f"{unsure!r}: a sequence is not read from doubts and denials"
        asked = items[-1].text == "?" and has_phrase(tokens, phrases(REQUESTS)) is None
        return "a question" if asked else None

    def _blank(self, start: int, end: int) -> None:
        text = self.left_text
        self.left_text = text[:start] + " " * (end - start) + text[end:]

    def _keep_only(self, first: int, last: int, left: Sequence[Clause]) -> None:
        """Leave only these clauses of a sentence to the reader of notes."""
        at = first
        for clause in left:
            self._blank(at, clause.start)
            at = clause.end
        self._blank(at, last - (1 if left else 0))

    def _take(self, said: Sequence[Said]) -> None:
        """Mentions and pairs of one sentence."""
        ends = {o for one in said if one.role in ("first", "last") for o in one.orders}
        tasks = [one for one in said if one.role == "task"]
        scope = {o for one in tasks for o in one.orders}
        for one in said:
            if one.role in ("first", "last"):
                self._take_end(one, said, scope)
        stages: dict[int, set[str]] = {0: set(self._last)} if said[0].then else {}
        for one in said:
            own = [o for o in one.orders if one.role != "task" or o not in ends & scope]
            stages.setdefault(one.then, set()).update(own if one.role != "pair" else one.orders)
            if one.role == "pair":
                self._pairs |= {(a, b) for a in one.orders for b in one.others}
                self._mentions.append(Group(one.orders, self._words(one)))
                self._mentions.append(Group(one.others, self._words(one)))
            elif one.role == "task":
                self._mentions.append(Group(one.orders, self._words(one)))
        chain = [stages[k] for k in sorted(stages) if stages[k]]
        for early, late in pairwise(chain):
            self._pairs |= {(a, b) for a in early for b in late - early}
        self._last = tuple(chain[-1]) if chain else self._last

    def _take_end(self, one: Said, said: Sequence[Said], scope: set[str]) -> None:
        """What is first or last: among the tasks of its sentence where it is one, else of all."""
        same = {o for other in said if other.role == one.role for o in other.orders}
        inside = set(one.orders) & scope
        own = inside or set(one.orders)
        others = (scope if inside else set(self._memory.all_orders)) - same - own
        pairs = {(a, b) for a in own for b in others}
        self._pairs |= pairs if one.role == "first" else {(b, a) for a, b in pairs}
        named = self._mentions if one.role == "first" else self._ends
        named.append(Group(tuple(sorted(own, key=natural_key)), self._words(one)))

    def _words(self, one: Said) -> str:
        return " ".join(self._text[one.start : one.end].split())

    def _constrain(self, said: Sequence[Said]) -> None:
        """The due times and levels of a sentence that the reader of notes did not read."""
        scope = {o for one in said if one.role == "task" for o in one.orders}
        now = {order.id: order.priority for order in self.snapshot.orders}
        for one in said:
            made: list[Constraint] = []
            if one.when is not None and one.when.seconds is not None:
                made += [Deadline(order, one.when.seconds) for order in one.orders]
            if one.level:
                level = "urgent" if one.role == "first" else "low"
                own = [o for o in one.orders if o in scope] or list(one.orders)
                made += [Priority(order, level) for order in own if now[order] != level]
            self._made += [Translated(each, "reader", self._words(one)) for each in made]

    def ask(self, rest: Translation, asking: Asking, deadline: float) -> Translation:
        """Ask a model about sentences of sequence that were flagged."""
        flags = [*rest.flagged, *self._flags]
        spared = {flag.sentence for flag in flags if flag.person}
        refused, calls = list(rest.refused), rest.calls
        for sentence in dict.fromkeys(flag.sentence for flag in flags):
            ids = [o for o in mentioned(sentence, self.snapshot, self.names) if o in self._ids]
            if sentence in spared or len(ids) < 2 or not has_phrase(tokenize(sentence), HINTS):
                continue
            if time.monotonic() >= deadline:
                break
            calls += 1
            found = asking.ask_once(
                sequence_prompt(sentence, ids), partial(parse_pairs, ids=ids), deadline
            )
            wrong = self._add_pairs(found)
            if wrong is None:
                self._flags = [flag for flag in self._flags if flag.sentence != sentence]
                self.by = "model"
            elif wrong:
                refused.append(Refused("a sequence", sentence, wrong))
        return replace(rest, refused=tuple(refused), calls=calls)

    def _add_pairs(self, found: tuple[tuple[str, str], ...] | Rejection) -> str | None:
        """Take pairs of a reply; why not, in words, empty where it has none."""
        if isinstance(found, Rejection):
            return f"{found.kind}, {found.detail}" if found.detail else found.kind
        if not found:
            return ""
        if waiting_for_each_other(self._pairs | set(found)):
            return "with what rules have read, these would wait for each other"
        self._pairs |= set(found)
        self._mentions += [Group((name,), "a model") for pair in found for name in pair]
        return None

    def result(self, rest: Translation) -> Decomposition:
        """Everything together, contradictions taken out."""
        flags = [*rest.flagged, *self._flags]
        accepted = list(dict.fromkeys((*rest.accepted, *self._made)))
        for one in self._made:
            held = [other.constraint for other in accepted]
            wrong = fault(one.constraint, self.snapshot, self.names)
            if wrong or any(one.constraint in clash for clash in contradictions(held)):
                accepted = [other for other in accepted if other != one]
                flags.append(Flag(one.clause, wrong or "the text contradicts itself", one.clause))
        pairs = self._pairs
        if waiting_for_each_other(pairs):
            flags.append(Flag(self._circle(), "these wait for each other: no sequence is taken",
                              self.left_text, person=True))  # fmt: skip
            pairs = set()
        accepted.sort(key=lambda one: sort_key(one.constraint))
        translation = replace(rest, accepted=tuple(accepted), flagged=tuple(dict.fromkeys(flags)))
        groups = grouped(self._memory.all_orders, self._mentions, self._ends, pairs)
        return Decomposition(groups, as_after(pairs), translation, self.by)

    def _circle(self) -> str:
        return ", ".join(sorted({o for pair in self._pairs for o in pair}, key=natural_key))


def as_after(pairs: Pairs) -> dict[str, tuple[str, ...]]:
    """Pairs (before, after) as `Snapshot.after`, in natural order."""
    late = sorted({b for _, b in pairs}, key=natural_key)
    return {b: tuple(sorted({a for a, c in pairs if c == b}, key=natural_key)) for b in late}


def waiting_for_each_other(pairs: Pairs) -> bool:
    """Whether some orders could never be served, each waiting for another.

    >>> waiting_for_each_other({("O1", "O2"), ("O2", "O1")})
    True
    """
    left = set(pairs)
    while left:
        late = {b for _, b in left}
        free = {pair for pair in left if pair[0] not in late}
        if not free:
            return True
        left -= free
    return False


def grouped(
    all_orders: Sequence[str], mentions: Sequence[Group], ends: Sequence[Group], pairs: Pairs
) -> tuple[Group, ...]:
    """Every order once: as early as it was named, and only after what it waits for.

    ``ends`` only lend their words. Without any mention there are no groups.
    """
    if not mentions and not ends:
        return ()
    named: dict[str, int] = {}
    for k, mention in enumerate(mentions):
        for order in mention.orders:
            named.setdefault(order, k)
    left = list(all_orders)
    found: list[Group] = []
    while left:
        free = [o for o in left if not any(a in left for a, b in pairs if b == o)]
        if not free:
            free = list(left)
        at = min(named.get(order, len(mentions)) for order in free)
        own = tuple(o for o in free if named.get(o, len(mentions)) == at)
        words = [end.words for end in ends if set(own) <= set(end.orders)]
        words += [mentions[at].words] if at < len(mentions) else ["the rest"]
        found.append(Group(own, words[0]))
        left = [order for order in left if order not in own]
    return tuple(found)
