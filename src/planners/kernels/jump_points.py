"""A* on the jump points of a uniform 8-connected grid without corner cutting.

Rows and columns are lines of bits, 1 where a cell is free, with a blank border all round, so that
64 cells are looked at in a few operations. A jump in a straight line ends at a cell that is
blocked, or free with a forced turn: a cell beside it is free while the one behind that, beside the
cell before, is not. Every operand of a bit expression is uint64.

The rules of pruning (Harabor and Grastien 2012, the variant without corner cutting): a straight
jump goes on ahead, and where a turn is forced also to that side and diagonally between; a diagonal
one goes on ahead and straight to both its sides, no turn is ever forced. What a diagonal finds
at its sides is queued at once, and the cell where it turned never is. So the way from a parent to
its child is diagonal first, then straight. A diagonal is cut after CUT steps and queued there, to
go on later if it is worth it: a query near by on a large map stays short.

Lengths are whole numbers in float64, 2^32 a straight step: sums are exact (up to 2^21 steps), so
ways of equal length compare equal.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .loop import EXHAUSTED, GROW, REACHED
from .queue import (
    EXPANDED,
    FRONTIER,
    GENERATED,
    IN_HEAP,
    LAST,
    MAX_FRONTIER,
    POPPED,
    REOPENED,
    USED,
    pop_heap,
    push_heap,
)  # fmt: skip
from .records import FLAG_BITS, begin, measure, record_of

STRAIGHT = 4294967296.0
DIAGONAL = 6074001000.0  # sqrt(2) * STRAIGHT, to 8e-12
# N, NE, E, SE, S, SW, W, NW
ROW_STEP = (-1, -1, 0, 1, 1, 1, 0, -1)
COL_STEP = (0, 1, 1, 1, 0, -1, -1, -1)
CUT = 64
NOWHERE = 8  # the direction in which the start was reached
CLOSED_FLAG = 16
ONE, LAST_BIT, ALL = np.uint64(1), np.uint64(63), np.uint64(2**64 - 1)


class Jumps(NamedTuple):
    """A map as lines of bits, the goal, and the arrays of the search."""

    bits: Any  # uint64: a blank word, the rows, the columns, a blank word
    rows: int
    cols: int
    goal: int
    goal_row: int
    goal_col: int
    index: Any  # int32 (n,)
    g: Any  # float64 (n,), by record
    item: Any  # int64 (pool,)
    link: Any  # int64 (pool,): parent, closed flag, direction of arrival
    heap_key: Any  # float64 (heap,)
    heap_node: Any  # int64 (heap,): records
    ints: Any  # int64 (INTS,)


def trailing_zeros(word: Any) -> int:
    """The zeros below the lowest one of a word that is not zero; compiled: one instruction."""
    value = int(word)
    return (value & -value).bit_length() - 1


def leading_zeros(word: Any) -> int:
    """The zeros above the highest one of a word; compiled: one instruction."""
    return 64 - int(word).bit_length()


def lane(jumps: Jumps, k: int, row: int, col: int) -> tuple[int, int, int]:
    """The line of a cell in straight direction k: its first word, its width, the cell's bit."""
    across = (jumps.cols + 65) >> 6
    if k == 2 or k == 6:
        return 1 + (row + 1) * across, across, col + 1
    along = (jumps.rows + 65) >> 6
    return 1 + (jumps.rows + 2) * across + (col + 1) * along, along, row + 1


def word(bits: Any, at: int) -> Any:
    """A word by an unsigned index, which spares compiled code a test for negative ones."""
    return bits[np.uint64(at)]


def is_free(bits: Any, first: int, bit: int) -> Any:
    """Whether a cell of a line is free, as uint64."""
    return (word(bits, first + (bit >> 6)) >> np.uint64(bit & 63)) & ONE


def end_above(bits: Any, first: int, width: int, bit: int) -> int:
    """The bit above `bit` where a jump ends: blocked, or free with a forced turn."""
    bit += 1
    at = first + (bit >> 6)
    seen = ALL << np.uint64(bit & 63)
    while True:
        left = word(bits, at - width)
        right = word(bits, at + width)
        turns = left & ~((left << ONE) | (word(bits, at - width - 1) >> LAST_BIT))
        turns |= right & ~((right << ONE) | (word(bits, at + width - 1) >> LAST_BIT))
        ends = (turns | ~word(bits, at)) & seen
        if ends != 0:
            return ((at - first) << 6) + trailing_zeros(ends)
        at += 1
        seen = ALL


def end_below(bits: Any, first: int, width: int, bit: int) -> int:
    """The bit below `bit` where a jump ends."""
    bit -= 1
    at = first + (bit >> 6)
    seen = ALL >> np.uint64(63 - (bit & 63))
    while True:
        left = word(bits, at - width)
        right = word(bits, at + width)
        turns = left & ~((left >> ONE) | (word(bits, at - width + 1) << LAST_BIT))
        turns |= right & ~((right >> ONE) | (word(bits, at + width + 1) << LAST_BIT))
        ends = (turns | ~word(bits, at)) & seen
        if ends != 0:
            return ((at - first) << 6) + 63 - leading_zeros(ends)
        at -= 1
        seen = ALL


def leap(
    bits: Any, first: int, width: int, bit: int, ahead: int, goal_first: int, goal_bit: int
) -> int:
    """Steps from a cell to the jump point, or the goal, ahead of it in a line; 0 if none is."""
    end = end_above(bits, first, width, bit) if ahead > 0 else end_below(bits, first, width, bit)
    steps = (end - bit) * ahead
    goal_steps = (goal_bit - bit) * ahead
    if first == goal_first and 0 < goal_steps <= steps:
        return goal_steps
    return steps if is_free(bits, first, end) else 0


def offer(jumps: Jumps, i: int, v: int, row: int, col: int, k: int, g: float) -> None:
    """Offer v, reached in direction k, the way through record i."""
    ints = jumps.ints
    at = record_of(jumps.index, jumps.item, ints, v)
    if at < 0:
        at = int(ints[USED])
        ints[USED] = at + 1
        jumps.index[v] = at
        jumps.item[at] = v
        ints[GENERATED] += 1
        ints[FRONTIER] += 1
    else:
        if g >= jumps.g[at]:
            return
        if jumps.link[at] & CLOSED_FLAG:
            ints[REOPENED] += 1
            ints[FRONTIER] += 1
    ints[MAX_FRONTIER] = max(ints[MAX_FRONTIER], ints[FRONTIER])
    jumps.g[at] = g
    jumps.link[at] = (i << FLAG_BITS) | k
    if v == jumps.goal:
        ints[LAST] = at
    down = abs(row - jumps.goal_row)
    right = abs(col - jumps.goal_col)
    h = STRAIGHT * max(down, right) + (DIAGONAL - STRAIGHT) * min(down, right)
    push_heap(jumps, g + h, at)


def straight(jumps: Jumps, i: int, u: int, row: int, col: int, k: int) -> None:
    """Offer the jump point ahead of u."""
    first, width, bit = lane(jumps, k, row, col)
    goal_first, _, goal_bit = lane(jumps, k, jumps.goal_row, jumps.goal_col)
    ahead = ROW_STEP[k] + COL_STEP[k]
    steps = leap(jumps.bits, first, width, bit, ahead, goal_first, goal_bit)
    if steps > 0:
        down = ROW_STEP[k] * steps
        right = COL_STEP[k] * steps
        v = u + down * jumps.cols + right
        offer(jumps, i, v, row + down, col + right, k, jumps.g[i] + steps * STRAIGHT)


def arrived(jumps: Jumps, f: float) -> Any:
    """Whether the goal has been reached no later than anything that waits, f being the least."""
    last = int(jumps.ints[LAST])
    return last >= 0 and jumps.g[last] <= f


def diagonal(jumps: Jumps, i: int, u: int, row: int, col: int, k: int, f: float) -> None:
    """Offer the jump points at the sides of a diagonal, the goal on it, and where it is cut."""
    bits = jumps.bits
    down = ROW_STEP[k]
    right = COL_STEP[k]
    across = 2 if right > 0 else 6
    along = 4 if down > 0 else 0
    first, width, bit = lane(jumps, across, row, col)
    goal_first, _, goal_bit = lane(jumps, across, jumps.goal_row, jumps.goal_col)
    first_2, width_2, bit_2 = lane(jumps, along, row, col)
    goal_first_2, _, goal_bit_2 = lane(jumps, along, jumps.goal_row, jumps.goal_col)
    v = u
    g = float(jumps.g[i])
    for left in range(CUT, 0, -1):
        beside = first + down * width
        sides = is_free(bits, first, bit + right) & is_free(bits, beside, bit)
        if not (sides & is_free(bits, beside, bit + right)):
            return
        row += down
        col += right
        v += down * jumps.cols + right
        g += DIAGONAL
        if v == jumps.goal or left == 1:
            offer(jumps, i, v, row, col, k, g)
        first = beside
        first_2 += right * width_2
        bit += right
        bit_2 += down
        steps = leap(bits, first, width, bit, right, goal_first, goal_bit)
        if steps > 0:
            far = right * steps
            offer(jumps, i, v + far, row, col + far, across, g + steps * STRAIGHT)
        steps = leap(bits, first_2, width_2, bit_2, down, goal_first_2, goal_bit_2)
        if steps > 0:
            far = down * steps
            offer(jumps, i, v + far * jumps.cols, row + far, col, along, g + steps * STRAIGHT)
        if v == jumps.goal or arrived(jumps, f):
            return


def forced(bits: Any, beside: int, bit: int, behind: int, k: int, turn: int) -> int:
    """The directions that a corner behind and to one side forces: that side, and the diagonal.

    Args:
        beside: first word of the line on that side.
        turn: direction of that side.
    """
    if not is_free(bits, beside, bit) or is_free(bits, beside, behind):
        return 0
    between = k + 1 if (turn - k) & 7 == 2 else k - 1
    return (1 << turn) | (1 << (between & 7))


def expand(jumps: Jumps, i: int, u: int, k: int, f: float) -> None:
    """Offer the way through u, reached in direction k, to the jump points around it."""
    row = u // jumps.cols
    col = u - row * jumps.cols
    turns = 255
    if k & 1:
        turns = 1 << k
    elif k != NOWHERE:
        first, width, bit = lane(jumps, k, row, col)
        along = k == 0 or k == 4
        turns = 1 << k
        behind = bit - ROW_STEP[k] - COL_STEP[k]
        turns |= forced(jumps.bits, first + width, bit, behind, k, 2 if along else 4)
        turns |= forced(jumps.bits, first - width, bit, behind, k, 6 if along else 0)
    for turn in range(0, 8, 2):
        if (turns >> turn) & 1:
            straight(jumps, i, u, row, col, turn)
    if row < jumps.goal_row:
        ahead = 3 if col < jumps.goal_col else 5
    else:
        ahead = 1 if col < jumps.goal_col else 7
    for around in range(0, 8, 2):
        turn = (ahead + around) & 7
        if (turns >> turn) & 1 and not arrived(jumps, f):
            diagonal(jumps, i, u, row, col, turn, f)


def search_jumps(jumps: Jumps, room: int) -> int:
    """Until the goal is reached no later than anything waits: REACHED, EXHAUSTED or GROW."""
    ints = jumps.ints
    while ints[IN_HEAP] > 0:
        if ints[USED] + room > jumps.item.shape[0]:
            return GROW
        if ints[IN_HEAP] + room > jumps.heap_key.shape[0]:
            return GROW
        f = jumps.heap_key[0]
        i = pop_heap(jumps)
        ints[POPPED] += 1
        link = int(jumps.link[i])
        if link & CLOSED_FLAG:
            continue
        jumps.link[i] = link | CLOSED_FLAG
        ints[FRONTIER] -= 1
        ints[EXPANDED] += 1
        expand(jumps, i, int(jumps.item[i]), link & 15, f)
        if arrived(jumps, f):
            measure(jumps.item, jumps.link, ints, jumps.cols, int(ints[LAST]))
            return REACHED
    return EXHAUSTED


def run_jump_points(  # type: ignore[no-untyped-def]
    bits, rows, cols, index, g, item, link, heap_key, heap_node, ints, room, goal, start
):  # fmt: skip
    """A* on jump points from `start`, or (-1) from where it stopped."""
    row = goal // cols
    jumps = Jumps(bits, rows, cols, goal, row, goal - row * cols, index, g, item, link,
                  heap_key, heap_node, ints)  # fmt: skip
    if start >= 0:
        begin(ints)
        row = start // cols
        offer(jumps, -1, start, row, start - row * cols, NOWHERE, 0.0)
    return search_jumps(jumps, room)


HELPERS = (
    lane, word, is_free, end_above, end_below, leap, offer, straight, arrived, diagonal, forced,
    expand, search_jumps,
)  # fmt: skip
ENTRIES = (run_jump_points,)
