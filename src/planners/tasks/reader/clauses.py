"""Chunks become clauses: who is meant by ``it``, ``the rest`` and ``the other``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .chunks import Chunk, Ref, cues
from .grammar import LEVELS, Clause

_CONCRETE = ("id", "item", "dock")


@dataclass(frozen=True)
class Unread:
    """A stretch of text that was not read, and why."""

    start: int
    end: int
    reason: str
    chunks: tuple[Chunk, ...] = ()


@dataclass
class Memory:
    """What a note has named so far. ``group`` is what ``the other`` and ``the one`` choose from."""

    all_orders: tuple[str, ...]
    orders: tuple[str, ...] = ()
    docks: bool = False
    zones: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    used: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    zone_last: bool = False

    def keep(self, clause: Clause) -> None:
        """Remember what a clause names."""
        if clause.orders:
            self.orders, self.docks, self.zone_last = clause.orders, clause.docks, False
            self.named.update(clause.orders)
        if clause.zones:
            self.zones, self.zone_last = clause.zones, True
        if clause.orders and clause.says:
            self.used.update(clause.orders)
        elif clause.orders:
            self.group, self.used = clause.orders, set()


def clause_of(chunks: Sequence[Chunk], memory: Memory) -> Clause | Unread:
    """The clause of the chunks between two pauses, or why it is none."""
    start, end = chunks[0].start, chunks[-1].end

    def unread(reason: str) -> Unread:
        return Unread(start, end, reason, tuple(chunks))

    for chunk in chunks:
        if chunk.kind in ("unread", "negated", "correction", "number"):
            return unread(f"{chunk.text!r} is not understood")
    said = frozenset(cue for chunk in chunks if chunk.kind == "cue" for cue in cues(chunk))
    whens = [chunk.when for chunk in chunks if chunk.when is not None]
    if len(whens) > 1:
        return unread("two times in one clause")
    orders = _orders([c.ref for c in chunks if c.ref is not None], memory)
    zones = _zones([c.ref for c in chunks if c.ref is not None], memory, bool(said & {"avoid"}))
    for found in (orders, zones):
        if isinstance(found, str):
            return unread(found)
    assert not isinstance(orders, str) and not isinstance(zones, str)
    sorts = {c.ref.sort for c in chunks if c.ref is not None}
    return Clause(
        cues=said,
        cue_text=next((c.text for c in chunks if c.kind == "cue"), ""),
        when=whens[0] if whens else None,
        orders=orders,
        zones=zones,
        docks="dock" in sorts and not sorts & {"id", "item", "but"},
        wide=bool(sorts & {"rest", "but"}),
        words=frozenset(w for c in chunks if c.kind == "fill" for w in c.text.split()),
        start=start,
        end=end,
    )


def _orders(refs: Sequence[Ref], memory: Memory) -> tuple[str, ...] | str:
    """The orders that all names of a clause agree on."""
    concrete = [ref for ref in refs if ref.sort in _CONCRETE]
    lost = [ref for ref in concrete if ref.unknown and not ref.names]
    if lost:
        return f"there is no {lost[0].unknown[0]}"
    chosen = [set(ref.names) for ref in concrete]
    for ref in refs:
        meant = _pointed(ref, memory, bool(concrete))
        if isinstance(meant, str):
            return meant
        if meant is not None:
            chosen.append(set(meant))
    if not chosen:
        return ()
    result = set.intersection(*chosen)
    if any(ref.sort == "but" for ref in refs):
        result = set(memory.all_orders) - result if len(concrete) == 1 == len(chosen) else set()
        return tuple(order for order in memory.all_orders if order in result) or "all but which?"
    for ref in concrete:
        whole = ref.parts if ref.sort != "dock" or len(concrete) == 1 else ()
        if any(not result & set(part) for part in whole):
            return "these names do not belong to one order"
    if not result:
        return "these names do not belong to one order"
    listed = [order for ref in concrete for order in ref.names] + [*memory.all_orders]
    return tuple(dict.fromkeys(order for order in listed if order in result))


def _pointed(ref: Ref, memory: Memory, concrete: bool) -> tuple[str, ...] | str | None:
    """The orders that a pointing word means; None where it means none by itself."""
    if ref.sort == "it":
        if memory.zone_last or not memory.orders:
            return None
        return memory.orders
    if ref.sort == "one":
        return memory.group if concrete and memory.group else None
    if ref.sort == "other":
        left = tuple(order for order in memory.group if order not in memory.used)
        return left if len(left) == 1 else "the other of which?"
    if ref.sort == "rest":
        pool = memory.group if len(memory.group) > 1 else memory.all_orders
        named = memory.used if len(memory.group) > 1 else memory.named
        left = tuple(order for order in pool if order not in named)
        return left if left and named else "the rest of what?"
    if ref.sort == "all" and not concrete:
        return "everything is too much to be read from a note"
    return None


def _zones(refs: Sequence[Ref], memory: Memory, avoid: bool) -> tuple[str, ...] | str:
    found = [ref for ref in refs if ref.sort == "aisle"]
    if len(found) > 1 and any(set(ref.names) != set(found[0].names) for ref in found):
        return "two aisles in one clause"
    if found:
        return found[0].names or f"there is no {found[0].unknown[0]}"
    pointing = any(ref.sort == "there" or (ref.sort == "it" and memory.zone_last) for ref in refs)
    return memory.zones if pointing and (avoid or memory.zone_last) else ()


@dataclass
class Sentence:
    """The clauses of one sentence, each completed by its neighbours.

    A clause without a name speaks of what was named last, one that is only a name is spoken of by
    the next, a time that stands alone belongs to the clause before it.
    """

    memory: Memory
    said: list[Clause] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    _topics: list[tuple[int, Clause]] = field(default_factory=list)
    _pending: list[Clause] = field(default_factory=list)
    _topic_last: bool = False

    def add(self, chunks: Sequence[Chunk], heads: bool = False) -> None:
        """The next clause of the sentence; ``heads``: a colon follows, so that names may too."""
        clause = clause_of(chunks, self.memory)
        if isinstance(clause, Unread):
            self.unread.append(clause)
            return
        named = bool(clause.orders or clause.zones)
        if not named and not clause.says:
            return
        if clause.zones and self._adds_time(clause) and clause.zones == self.said[-1].zones:
            self._belated(clause)
            return
        if named and self._pending:
            self.said += [_lend(one, clause) for one in self._pending]
            self._pending.clear()
        if named:
            self._keep(clause)
        elif heads and not self.said and not self._topics:
            self._pending.append(clause)
        elif self._adds_time(clause):
            self._belated(clause)
        else:
            full = self._inherited(clause)
            (self.said if full.orders or full.zones else self._pending).append(full)
            self._topic_last = False

    def _adds_time(self, clause: Clause) -> bool:
        bare = clause.says and clause.cues <= {"limit", "open_end"}
        return bare and not self._topic_last and bool(self.said)

    def _keep(self, clause: Clause) -> None:
        self._topic_last = not clause.says
        self.memory.keep(clause)
        if clause.says:
            self.said.append(clause)
        else:
            self._topics.append((len(self.said), clause))

    def _belated(self, clause: Clause) -> None:
        """A time, a limit or an open end goes to the clause before; a second time says it anew."""
        last = self.said[-1]
        whole = replace(last, cues=last.cues | clause.cues, end=clause.end)
        if clause.when is None:
            self.said[-1] = whole
        elif last.when is None:
            self.said[-1] = replace(whole, when=clause.when)
        else:
            self.said.append(replace(whole, when=clause.when, start=clause.start))

    def _inherited(self, clause: Clause) -> Clause:
        """The clause with what was named last and fits what it says."""
        memory = self.memory
        if "avoid" in clause.cues or (memory.zone_last and not clause.cues - _OF_PLACES):
            return replace(clause, zones=memory.zones)
        self.memory.used.update(memory.orders)
        return replace(clause, orders=memory.orders, docks=memory.docks)

    def finish(self) -> None:
        """What is still without a name, or without anything said of it, was not read."""
        levelled = [c for c in self.said if c.cues & LEVELS and "not_level" not in c.cues]
        self.said = [
            clause
            for clause in self.said
            if "not_level" not in clause.cues
            or not any(set(clause.orders) <= set(other.orders) for other in levelled)
        ]
        for clause in self._pending:
            self.unread.append(Unread(clause.start, clause.end, "it does not say of what"))
        for count, topic in self._topics:
            mine = {*topic.orders, *topic.zones}
            near = self.said[max(0, count - 1) :]
            if not any(mine & {*clause.orders, *clause.zones} for clause in near):
                reason = "it names something and asks for nothing"
                self.unread.append(Unread(topic.start, topic.end, reason))


_OF_PLACES = frozenset({"shut", "reopens", "open_end", "limit"})


def _lend(clause: Clause, names: Clause) -> Clause:
    return replace(clause, orders=names.orders, zones=names.zones, docks=names.docks)
