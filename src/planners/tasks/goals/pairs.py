"""What comes before what: pairs of orders, and the groups that they and the words make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..snapshot import natural_key

Pairs = set[tuple[str, str]]  # (before, after)


@dataclass(frozen=True)
class Group:
    """Orders that belong together, and the words that named them."""

    orders: tuple[str, ...]
    words: str


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
        last = [end for end in ends if not set(own).isdisjoint(end.orders)]
        words = mentions[at].words if at < len(mentions) else "the rest"
        if set(own) <= {order for end in last for order in end.orders}:
            words = ", ".join(dict.fromkeys(end.words for end in last))
        found.append(Group(own, words))
        left = [order for order in left if order not in own]
    return tuple(found)
