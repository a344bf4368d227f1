"""What a text names, and the time that some words of it say: for checking a model's reply."""

from __future__ import annotations

from collections.abc import Sequence

from ..names import Names
from ..snapshot import Snapshot, natural_key
from .chunks import Chunker
from .times import When, read_when
from .tokens import Token, tokenize


def mentioned(text: str, snapshot: Snapshot, names: Names) -> tuple[str, ...]:
    """The orders and aisles that a text names by id, item or dock, in natural order."""
    chunks = Chunker(snapshot, names).chunks(tokenize(text))
    found = {name for chunk in chunks if chunk.ref is not None for name in chunk.ref.names}
    return tuple(sorted(found, key=natural_key))


def unknown_orders(text: str, snapshot: Snapshot, names: Names) -> tuple[str, ...]:
    """The ids of orders that a text names and that the snapshot does not have, in natural order."""
    refs = (chunk.ref for chunk in Chunker(snapshot, names).chunks(tokenize(text)))
    found = {name for ref in refs if ref is not None and ref.sort == "id" for name in ref.unknown}
    return tuple(sorted(found, key=natural_key))


def read_time(quote: str, clause: str, snapshot: Snapshot, names: Names, order: str) -> float | str:
    """Seconds from the snapshot's moment of a time quoted from a clause, or why it gives none.

    The quote must stand in the clause, whatever its capitals and spaces, and be all of a time; one
    that moves a due time (``5 minutes earlier``) needs ``order``'s.
    """
    inside, whole = _plain(quote), _plain(clause)
    if not inside or f" {inside} " not in f" {whole} ":
        return f"{quote!r} does not stand in the clause"
    tokens = [token for token in tokenize(quote) if token.kind not in ("pause", "end")]
    found = _whole_time(tokens, names)
    if found is None:
        return f"{quote!r} is not a time that can be read"
    if found.fault is not None or found.seconds is None:
        return found.fault or "no end"
    if found.role not in ("sooner", "later"):
        return found.seconds
    due_s = {one.id: one.due_s for one in snapshot.orders}.get(order, float("inf"))
    moved_s = due_s - snapshot.time_s + found.seconds * (1 if found.role == "later" else -1)
    fits = 0.0 <= moved_s < float("inf")
    return moved_s if fits else "earlier or later than what? No due time could move so"


def _whole_time(tokens: Sequence[Token], names: Names) -> When | None:
    """The time that all of the tokens are; a bare hour counts as if ``at`` stood before it."""
    found = read_when(tokens, 0, names)
    if found is None or found[0] < len(tokens):
        tokens = [*tokenize("at"), *tokens]
        found = read_when(tokens, 0, names)
    return None if found is None or found[0] < len(tokens) else found[1]


def _plain(text: str) -> str:
    return " ".join(token.text for token in tokenize(text) if token.kind != "end")
