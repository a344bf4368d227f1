"""Records: the nodes that a search has met, in the order in which it met them.

`item[i]` is the node of record i and `link[i]` the record of its parent, shifted, with flags below
it. `index[v]` names the record of a node; it is believed only where that record names the node in
turn, so it may hold anything to begin with and is never cleared (Briggs and Torczon 1993).
"""

from __future__ import annotations

from typing import Any

from .queue import DIAGONALS, IN_RING, LAST, STRAIGHTS, USED

FLAG_BITS = 5


def begin(ints: Any) -> None:
    """Forget the last search; but for what the ring of buckets holds, so that the loop empties it.

    The work arrays are shared with the loop, whose ring nothing here touches.
    """
    for slot in range(ints.shape[0]):
        if slot != IN_RING:
            ints[slot] = 0
    ints[LAST] = -1


def record_of(index: Any, item: Any, ints: Any, v: int) -> int:
    """The record of a node, or -1."""
    i = int(index[v])
    return i if 0 <= i < ints[USED] and item[i] == v else -1


def parent_of(link: Any, i: int) -> int:
    """The record of the parent, or -1."""
    return int(link[i]) >> FLAG_BITS


def measure(item: Any, link: Any, ints: Any, cols: int, last: int) -> None:
    """Count the straight and the diagonal steps of the path to a record."""
    straights = 0
    diagonals = 0
    i = last
    while parent_of(link, i) >= 0:
        v = int(item[i])
        i = parent_of(link, i)
        u = int(item[i])
        down = v // cols - u // cols
        right = abs(v - u - down * cols)
        down = abs(down)
        straights += abs(down - right)
        diagonals += min(down, right)
    ints[STRAIGHTS] = straights
    ints[DIAGONALS] = diagonals


def run_unpack(item, link, cols, last, nodes, cells):  # type: ignore[no-untyped-def]
    """Write the nodes and cells of the path to a record, cell by cell, from the last to the first.

    From a parent to its child the way is diagonal first, then straight.
    """
    i = last
    row = next_row = int(item[i]) // cols
    col = next_col = int(item[i]) - row * cols
    for at in range(nodes.shape[0] - 1, -1, -1):
        nodes[at] = row * cols + col
        cells[at, 0] = row
        cells[at, 1] = col
        if row == next_row and col == next_col and at > 0:
            i = parent_of(link, i)
            next_row = int(item[i]) // cols
            next_col = int(item[i]) - next_row * cols
        down = next_row - row
        right = next_col - col
        if abs(down) >= abs(right):
            row += 1 if down > 0 else -1
        if abs(right) >= abs(down):
            col += 1 if right > 0 else -1


HELPERS = (begin, record_of, parent_of, measure)
ENTRIES = (run_unpack,)
