"""Lists are joined and corrections carried out, chunk by chunk, before clauses are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..names import Names
from .chunks import Chunk, Chunker, Ref
from .times import UNITS, When, next_time

_LISTED = ("id", "item", "dock", "aisle")
_SPAN_ROLES = {"by": "within", "before": "within", "until": "for", "at": "", "not_before": "for"}
_CLOCK_ROLES = {"within": "by", "for": "until"}


def joined(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Lists of names of one sort (``O2, O7 and O9``) become one name."""
    found: list[Chunk] = []
    for chunk in chunks:
        found.append(chunk)
        while _join_last(found):
            pass
    return found


def _join_last(found: list[Chunk]) -> bool:
    """Join the name at the end to the one before it, if only commas and articles part them."""
    last = found[-1]
    if last.ref is None or last.ref.sort not in _LISTED:
        return False
    at = len(found) - 2
    while at >= 0 and (_comma(found[at]) or found[at].text in ("the", "orders", "order")):
        at -= 1
    first = found[at] if at >= 0 else last
    commas = any(_comma(one) for one in found[at + 1 : -1])
    if at < 0 or not commas or first.ref is None or first.ref.sort != last.ref.sort:
        return False
    if at > 0 and found[at - 1].kind == "negated":
        return False
    ref = first.ref.join(last.ref)
    found[at:] = [replace(first, end=last.end, ref=ref, text=f"{first.text} {last.text}")]
    return True


def _comma(chunk: Chunk) -> bool:
    return chunk.kind == "pause" and chunk.text in (",", "and")


def counted(chunks: Sequence[Chunk], chunker: Chunker) -> list[Chunk]:
    """``the two glass orders`` where there are two, ``to 6`` where that is the order's dock."""
    found = list(chunks)
    for at, chunk in enumerate(found):
        if chunk.kind != "number":
            continue
        number = next(iter(chunk.said))
        after = found[at + 1].ref if at + 1 < len(found) else None
        if after is not None and str(len(after.names)) == number:
            found[at] = replace(chunk, kind="fill", said=frozenset())
        elif at and found[at - 1].kind == "fill" and found[at - 1].text.endswith("to"):
            dock = chunker.numbered("dock", number)
            before = [c.ref for c in found[:at] if c.ref is not None]
            if before and before[-1].names and set(before[-1].names) <= set(dock.names):
                found[at] = replace(chunk, kind="ref", ref=dock)
    return found


def corrected(chunks: Sequence[Chunk], chunker: Chunker, names: Names) -> list[Chunk]:
    """Corrections carried out; one that cannot be stays as an unread chunk."""
    found = list(chunks)
    at = 0
    while at < len(found):
        chunk = found[at]
        if chunk.kind == "negated":
            at = _not_this(found, at)
        elif "correction" in chunk.said and chunk.kind in ("correction", "fill"):
            at = _instead(found, at, chunker, names)
        else:
            at += 1
    return found


def _is_break(chunk: Chunk) -> bool:
    return chunk.kind in ("pause", "end")


def _not_this(found: list[Chunk], at: int) -> int:
    """``dock 4 ..., not dock 4, dock 3`` and ``dock 3, not dock 4``."""
    wrong = found[at + 1] if at + 1 < len(found) else found[at]
    if wrong.ref is None or wrong.ref.sort not in _LISTED:
        return at + 1
    earlier = [k for k in range(at) if found[k].ref is not None]
    same = [k for k in earlier if found[k].ref == wrong.ref]
    rest = at + 2
    while rest < len(found) and _is_break(found[rest]):
        rest += 1
    right = found[rest] if rest < len(found) else wrong
    if same and rest > at + 2 and right.ref is not None and right.ref.sort == wrong.ref.sort:
        found[same[-1]] = replace(found[same[-1]], ref=right.ref)
        del found[at : rest + 1]
        return at
    before = at - 1
    while before >= 0 and _is_break(found[before]):
        before -= 1
    left = found[before].ref if before >= 0 else None
    if left is not None and left.sort == wrong.ref.sort and not same and before < at - 1:
        del found[at : at + 2]
        return at
    return at + 1


def _instead(found: list[Chunk], at: int, chunker: Chunker, names: Names) -> int:
    """``..., no, O11`` and ``... Make that 10:20.``: what follows replaces its like before."""
    marker = found[at]
    if at == 0 or not (_is_break(found[at - 1]) or " " in marker.text):
        return _unread(found, at)
    first = at + 1
    while first < len(found) and (_is_break(found[first]) or "correction" in found[first].said):
        first += 1
    last = first
    while last < len(found) and not _is_break(found[last]):
        last += 1
    new = [chunk for chunk in found[first:last] if chunk.kind != "fill"]
    new = [c for c in new if c.ref is None or c.ref.sort not in ("it", "there")]
    kinds = [chunk.kind for chunk in new]
    if not new or len(set(kinds)) < len(kinds) or set(kinds) - {"ref", "when", "cue", "number"}:
        return _unread(found, at)
    made: dict[int, Chunk] = {}
    added = [c for c in new if c.kind == "when" and "cue" in kinds and _like(found, at, c) is None]
    for chunk in new:
        place = _like(found, at, chunk)
        better = None if place is None else _replacement(found[place], chunk, chunker, names)
        if place is not None and better is not None:
            made[place] = better
        elif chunk not in added:
            return _unread(found, at)
    for place, better in made.items():
        found[place] = better
    found[at:last] = []
    cues = [place for place, better in made.items() if better.kind == "cue"]
    for place in cues:
        found[place + 1 : place + 1] = added
    return at


def _unread(found: list[Chunk], at: int) -> int:
    found[at] = replace(found[at], kind="unread")
    return at + 1


def _like(found: Sequence[Chunk], at: int, new: Chunk) -> int | None:
    """The last chunk before the correction that the new one can replace."""
    for place in range(at - 1, -1, -1):
        old = found[place]
        if new.kind == "number" and (old.kind == "when" or _has_number(old)):
            return place
        if new.kind == "ref" and old.kind == "ref" and _same_class(old.ref, new.ref):
            return place
        if new.kind == old.kind and new.kind in ("when", "cue"):
            return place
    return None


def _has_number(old: Chunk) -> bool:
    return old.ref is not None and old.ref.sort in ("id", "dock", "aisle")


def _same_class(old: Ref | None, new: Ref | None) -> bool:
    if old is None or new is None or old.sort not in _LISTED or new.sort not in _LISTED:
        return False
    return (old.sort == "aisle") == (new.sort == "aisle")


def _replacement(old: Chunk, new: Chunk, chunker: Chunker, names: Names) -> Chunk | None:
    if new.kind == "number":
        number = int(next(iter(new.said)))
        if old.when is not None:
            when = _renumbered(old, old.when, number, names)
            return None if when is None else replace(old, when=when)
        assert old.ref is not None
        sole = len(old.ref.names) + len(old.ref.unknown) == 1 or old.ref.sort == "dock"
        return replace(old, ref=chunker.numbered(old.ref.sort, str(number))) if sole else None
    if new.when is not None and old.when is not None:
        roles = _CLOCK_ROLES if new.when.clock else _SPAN_ROLES
        role = new.when.role or roles.get(old.when.role, old.when.role)
        return replace(old, when=replace(new.when, role=role))
    if new.kind == "cue" and "limit" in str(old.said):
        return None
    return replace(old, ref=new.ref, said=new.said, text=new.text)


def _renumbered(old: Chunk, when: When, number: int, names: Names) -> When | None:
    """The time with another number: an hour for an hour, ten minutes for five."""
    if when.clock:
        if ":" in old.text or not 1 <= number <= 24:
            return None
        seconds, fault = next_time(number % 24, 0, "" if number <= 12 else "24", names)
        return replace(when, seconds=seconds, fault=fault)
    unit = UNITS.get(old.text.split()[-1])
    return None if unit is None else replace(when, seconds=float(number * unit))
