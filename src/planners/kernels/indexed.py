"""Binary heaps that know where each node stands, so that a node can be moved or taken out.

Several heaps lie side by side in the rows of one set of arrays; row q is heap q. Order is exact:
by key, and equal keys last in, first out.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Heaps(NamedTuple):
    """`rows` heaps over n nodes."""

    key: Any  # float64 (rows, n)
    turn: Any  # int64 (rows, n): when the entry came in, negated: the last goes first
    node: Any  # int32 (rows, n)
    at: Any  # int32 (rows, n): where a node stands, or -1
    size: Any  # int64 (rows,)


def push(heaps: Heaps, q: int, v: int, key: float, turn: int) -> None:
    """Put a node into heap q, or move it there to its new key."""
    where = int(heaps.at[q, v])
    if where < 0:
        where = int(heaps.size[q])
        heaps.size[q] = where + 1
    settle(heaps, q, where, v, key, turn)


def discard(heaps: Heaps, q: int, v: int) -> None:
    """Take a node out of heap q, where it is in there."""
    where = int(heaps.at[q, v])
    if where < 0:
        return
    heaps.at[q, v] = -1
    last = int(heaps.size[q]) - 1
    heaps.size[q] = last
    if where < last:
        moved = int(heaps.node[q, last])
        settle(heaps, q, where, moved, float(heaps.key[q, last]), int(heaps.turn[q, last]))


def settle(heaps: Heaps, q: int, hole: int, v: int, key: float, turn: int) -> None:
    """Let an entry climb or sink from a hole of heap q to its place."""
    while hole > 0:
        above = (hole - 1) >> 1
        if not precedes(key, turn, heaps.key[q, above], heaps.turn[q, above]):
            break
        shift(heaps, q, above, hole)
        hole = above
    size = int(heaps.size[q])
    child = 2 * hole + 1
    while child < size:
        other = child + 1
        if other < size and precedes(
            heaps.key[q, other], heaps.turn[q, other], heaps.key[q, child], heaps.turn[q, child]
        ):
            child = other
        if not precedes(heaps.key[q, child], heaps.turn[q, child], key, turn):
            break
        shift(heaps, q, child, hole)
        hole = child
        child = 2 * hole + 1
    heaps.key[q, hole] = key
    heaps.turn[q, hole] = turn
    heaps.node[q, hole] = v
    heaps.at[q, v] = hole


def precedes(key: Any, turn: Any, other_key: Any, other_turn: Any) -> Any:
    """Whether one entry goes before another."""
    return key < other_key or (key == other_key and turn < other_turn)


def shift(heaps: Heaps, q: int, source: int, target: int) -> None:
    """Move an entry of heap q into a hole."""
    heaps.key[q, target] = heaps.key[q, source]
    heaps.turn[q, target] = heaps.turn[q, source]
    v = heaps.node[q, source]
    heaps.node[q, target] = v
    heaps.at[q, v] = target


HELPERS = (push, discard, settle, precedes, shift)
