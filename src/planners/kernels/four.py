"""A* on a uniform 4-connected grid: f = g + h takes only the values f0, f0 + 2, f0 + 4, ...

A step towards the goal keeps f, a step away adds 2. So two lists are the whole queue: nodes of the
least f, and those of the next. Both are last in, first out, which runs straight at the goal; the
goal is always met at the least f, and the search ends there and then.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .loop import EXHAUSTED, GROW, REACHED
from .queue import (
    DIAGONALS,
    EXPANDED,
    FRONTIER,
    GENERATED,
    IN_HEAP,
    LAST,
    LATER,
    MAX_FRONTIER,
    NOW,
    POPPED,
    STRAIGHTS,
    USED,
)  # fmt: skip
from .records import FLAG_BITS, begin, record_of

STEPS = 4  # records that an expansion may add


class Four(NamedTuple):
    """A map, the goal, and the arrays of the search."""

    move: Any  # uint8 (n,): bits 0, 2, 4, 6 where the move N, E, S, W is legal
    cols: int
    goal: int
    goal_row: int
    goal_col: int
    index: Any  # int32 (n,)
    item: Any  # int64 (pool,)
    link: Any  # int64 (pool,)
    g: Any  # float64 (pool,), by record: steps from the start
    after: Any  # int64 (pool,), by record: the next of its list, or -1
    ints: Any  # int64 (INTS,)


def meet(four: Four, i: int, v: int, g: float, queue: int) -> None:
    """Offer v the way through record i; if it is new or better it goes on a list, NOW or LATER."""
    ints = four.ints
    known = record_of(four.index, four.item, ints, v)
    if known < 0:
        ints[GENERATED] += 1
        ints[FRONTIER] += 1
        ints[MAX_FRONTIER] = max(ints[MAX_FRONTIER], ints[FRONTIER])
    elif g >= four.g[known]:
        return
    at = int(ints[USED])  # a better way makes a new record, and the old one stale
    ints[USED] = at + 1
    four.index[v] = at
    four.item[at] = v
    four.link[at] = i << FLAG_BITS
    four.g[at] = g
    four.after[at] = ints[queue]
    ints[queue] = at
    if v == four.goal:
        ints[LAST] = at


def expand_four(four: Four, i: int, u: int) -> None:
    """Offer the way through u to its neighbours; those towards the goal are taken first."""
    moves = int(four.move[u])
    row = u // four.cols
    col = u - row * four.cols
    g = four.g[i] + 1.0
    if moves & 1:
        meet(four, i, u - four.cols, g, NOW if row > four.goal_row else LATER)
    if moves & 4:
        meet(four, i, u + 1, g, NOW if col < four.goal_col else LATER)
    if moves & 16:
        meet(four, i, u + four.cols, g, NOW if row < four.goal_row else LATER)
    if moves & 64:
        meet(four, i, u - 1, g, NOW if col > four.goal_col else LATER)


def search_four(four: Four) -> int:
    """Until the goal is met: REACHED, EXHAUSTED or GROW."""
    ints = four.ints
    while True:
        if ints[USED] + STEPS > min(four.item.shape[0], four.g.shape[0]):
            ints[IN_HEAP] = ints[USED]  # the heap's arrays hold g and the lists: grow them too
            return GROW
        i = int(ints[NOW])
        if i < 0:
            if ints[LATER] < 0:
                return EXHAUSTED
            ints[NOW] = ints[LATER]
            ints[LATER] = -1
            continue
        ints[NOW] = four.after[i]
        ints[POPPED] += 1
        u = int(four.item[i])
        if four.index[u] != i:
            continue
        ints[FRONTIER] -= 1
        ints[EXPANDED] += 1
        expand_four(four, i, u)
        if ints[LAST] >= 0:
            ints[STRAIGHTS] = int(four.g[ints[LAST]])
            ints[DIAGONALS] = 0
            return REACHED


def run_four(  # type: ignore[no-untyped-def]
    move, cols, index, item, link, heap_key, heap_node, ints, goal, start
):  # fmt: skip
    """A* on a uniform 4-connected grid from `start`, or (-1) from where it stopped."""
    row = goal // cols
    four = Four(move, cols, goal, row, goal - row * cols, index, item, link, heap_key, heap_node,
                ints)  # fmt: skip
    if start >= 0:
        begin(ints)
        ints[NOW] = ints[LATER] = -1
        meet(four, -1, start, 0.0, NOW)
    return search_four(four)


HELPERS = (meet, expand_four, search_four)
ENTRIES = (run_four,)
