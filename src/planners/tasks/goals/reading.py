"""A goal on its way: sentence by sentence, what it says and what is left of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from ..asking import Asking
from ..constraints import Constraint, Deadline, Priority, contradictions, fault, sort_key
from ..names import Names
from ..prompt import Rejection
from ..reader import Flag, mentioned
from ..reader.chunks import has_phrase
from ..reader.tokens import tokenize
from ..reader.words import REQUESTS, phrases
from ..snapshot import Snapshot, natural_key
from ..translate import Refused, Translated, Translation
from .clauses import Item, Lexer, Said, clauses_of
from .hints import Hints
from .pairs import Group, Pairs, grouped, waiting_for_each_other
from .sentences import NOBODY, Mentioned, Told, names_nobody, told
from .sequence_prompt import HINTS, parse_pairs, sequence_prompt
from .unread import Span, as_written, places, unread_parts
from .words import UNSURE


class GoalReading:
    """One text on its way."""

    def __init__(self, text: str, snapshot: Snapshot, names: Names) -> None:
        self.snapshot, self.names = snapshot, names
        self._text = self.left_text = text
        self._tokens = tokenize(text)
        levels = {order.id: order.priority for order in snapshot.orders}
        self._lexer = Lexer(snapshot, names, levels)
        self._explained = Hints(snapshot, names, self._lexer).explained
        self._memory = Mentioned(self._lexer.all_orders)
        self._ids = frozenset(levels)
        self.by = "reader"
        self._mentions: list[Group] = []
        self._ends: list[Group] = []  # what is to come last
        self._last: tuple[str, ...] = ()  # the last stage of a sequence, for ``Then O5.``
        self._pairs: Pairs = set()
        self._made: list[Translated] = []
        self._flags: list[Flag] = []
        self._read: list[Span] = []  # what the rules of goals have read or flagged
        self._states = False  # whether any sentence states a goal, or tries to

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
        self._states = self._states or bool(found.said) or any(map(names_nobody, clauses))
        if found.fault is not None or not found.said:
            if unread and found.fault is not None:
                person = doubt is not None or found.fault.startswith(NOBODY)
                self._flags.append(Flag(words.strip(), found.fault, words, person))
                self._blank([(first, last)])
                self._read.append((first, last))
            return
        self._take(found.said)
        then = [item for item in items if item.is_("then")]
        spans = [(one.start, one.end) for one in found.said]
        spans += [(one.start, one.end) for one in then]
        self._read += spans
        if unread:
            self._constrain(found.said)
            self._blank(spans)

    def _doubt(self, first: int, last: int, items: list[Item]) -> str | None:
        tokens = [t for t in self._tokens if first <= t.start < last]
        unsure = has_phrase(tokens, UNSURE)
        if unsure is not None:
            return f"{unsure!r}: a sequence is not read from doubts and denials"
        asked = items[-1].text == "?" and has_phrase(tokens, phrases(REQUESTS)) is None
        return "a question" if asked else None

    def _blank(self, spans: Iterable[Span]) -> None:
        """Blanks for what has been read; all else keeps its place."""
        letters = list(self.left_text)
        for start, end in spans:
            letters[start:end] = " " * (end - start)
        self.left_text = "".join(letters)

    def _take(self, said: Sequence[Said]) -> None:
        """Mentions and pairs of one sentence."""
        ends = _named("first", said) | _named("last", said)
        scope = _named("task", said)
        for one in said:
            if one.role in ("first", "last"):
                self._take_end(one, said)
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

    def _take_end(self, one: Said, said: Sequence[Said]) -> None:
        """What is first or last of all, or among what its sentence is about."""
        among, same = self._among(one, said), _named(one.role, said)
        own = among & set(one.orders)
        others = among - same - own
        pairs = {(a, b) for a in own for b in others}
        self._pairs |= pairs if one.role == "first" else {(b, a) for a, b in pairs}
        named = self._mentions if one.role == "first" else self._ends
        named.append(Group(tuple(sorted(own, key=natural_key)), self._words(one)))

    def _among(self, one: Said, said: Sequence[Said]) -> set[str]:
        """Among which orders one is first or last: the tasks of its sentence, where it is one of
        them and not all of them come first or last; else all orders."""
        scope = _named("task", said)
        inside = scope & set(one.orders) and scope - _named(one.role, said)
        return scope if inside else set(self._memory.all_orders)

    def _words(self, one: Said) -> str:
        return " ".join(self._text[one.start : one.end].split())

    def _constrain(self, said: Sequence[Said]) -> None:
        """The due times and levels of a sentence that the reader of notes did not read."""
        now = {order.id: order.priority for order in self.snapshot.orders}
        for one in said:
            made: list[Constraint] = []
            if one.when is not None and one.when.seconds is not None:
                made += [Deadline(order, one.when.seconds) for order in one.orders]
            if one.level:
                level = "urgent" if one.role == "first" else "low"
                own = [o for o in one.orders if o in self._among(one, said)]
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

    def result(self, rest: Translation) -> tuple[tuple[Group, ...], Pairs, Translation]:
        """Groups, pairs and all the rest, contradictions taken out."""
        unread = self._unread(rest)
        rest = as_written(rest, self.left_text, self._text)
        flags = [*rest.flagged, *self._flags, *unread]
        accepted = list(dict.fromkeys((*rest.accepted, *self._made)))
        for one in self._made:
            held = [other.constraint for other in accepted]
            wrong = fault(one.constraint, self.snapshot, self.names)
            if wrong or any(one.constraint in clash for clash in contradictions(held)):
                accepted = [other for other in accepted if other != one]
                flags.append(Flag(one.clause, wrong or "the text contradicts itself", one.clause))
        pairs = self._pairs
        if waiting_for_each_other(pairs):
            round_ = ", ".join(sorted({o for pair in pairs for o in pair}, key=natural_key))
            reason = f"{round_} wait for each other: no sequence is taken"
            flags.append(Flag(self._text.strip(), reason, self.left_text, person=True))
            pairs = set()
        accepted.sort(key=lambda one: sort_key(one.constraint))
        translation = replace(
            rest,
            accepted=tuple(accepted),
            flagged=tuple(dict.fromkeys(map(self._explained, flags))),
        )
        groups = grouped(self._memory.all_orders, self._mentions, self._ends, pairs)
        return groups, pairs, translation

    def _unread(self, rest: Translation) -> list[Flag]:
        """Where a goal is stated, all of the text that neither rules nor notes nor flags hold."""
        if not self._states:
            return []
        accepted = [at for one in rest.accepted for at in places(one.clause, self.left_text)]
        flagged = [at for one in rest.flagged for at in places(one.clause, self.left_text)]
        read = [*self._read, *accepted, *flagged]
        return [
            flag
            for _, _, items in self.sentences()
            for flag in unread_parts(self._text, items, read, accepted)
        ]


def _named(role: str, said: Sequence[Said]) -> set[str]:
    """The orders of which a sentence says that they are tasks, first or last."""
    return {order for one in said if one.role == role for order in one.orders}
