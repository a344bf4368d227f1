"""What of a goal nobody has read: such parts are never left out without a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..reader import Flag
from ..translate import Translation
from .clauses import Item

Span = tuple[int, int]  # where a part begins in its text, and where it ends


def places(part: str, text: str) -> Iterator[Span]:
    """Wherever a part stands in a text."""
    at = text.find(part) if part else -1
    while at >= 0:
        yield at, at + len(part)
        at = text.find(part, at + 1)


def as_written(found: Translation, left: str, text: str) -> Translation:
    """The same with clauses of ``text``, of which parts are blank in ``left``."""

    def whole(clause: str) -> str:
        start, end = next(places(clause, left), (0, 0))
        return text[start:end] or clause

    accepted = tuple(replace(one, clause=whole(one.clause)) for one in found.accepted)
    flagged = tuple(replace(one, clause=whole(one.clause)) for one in found.flagged)
    return replace(found, accepted=accepted, flagged=flagged)


def unread_parts(
    text: str, sentence: Sequence[Item], read: Sequence[Span], accepted: Sequence[Span]
) -> Iterator[Flag]:
    """A flag for each part between two pauses that holds a word which no span of ``read`` covers.

    Words that say nothing need none, nor does a name that the accepted rest of its sentence speaks
    of (``the paint, it is urgent``).
    """
    first, last = sentence[0].start, sentence[-1].end
    spoken = any(first <= start < last for start, _ in accepted)
    for part in _parts(sentence):
        if spoken and all(item.ref is not None or item.is_("fill") for item in part):
            continue
        lost = [item for item in part if not item.is_("fill") and not _inside(item, read)]
        if lost:
            unknown = [item.text for item in part if item.is_("unread")] or [
                one.text for one in lost
            ]
            reason = f"{' '.join(unknown)!r} is not understood"
            yield Flag(text[part[0].start : part[-1].end], reason, text[first:last])


def _parts(sentence: Iterable[Item]) -> Iterator[list[Item]]:
    part: list[Item] = []
    for item in sentence:
        if item.is_("pause", "end", "then"):
            yield part
            part = []
        else:
            part.append(item)
    yield part


def _inside(item: Item, spans: Sequence[Span]) -> bool:
    return any(start <= item.start and item.end <= end for start, end in spans)
