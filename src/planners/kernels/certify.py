"""Certify and prove: the lower bound over OPEN and INCONS, and the queue of the proof."""

from __future__ import annotations

from typing import Any

from .loop import CLOSED, INCONS, OPEN, estimate_at
from .queue import (
    FLOOR,
    FREE,
    FRONTIER,
    IN_HEAP,
    IN_RING,
    INFINITE,
    MAX_FRONTIER,
    REOPENED,
    SET_ASIDE,
    Work,
    entry_for,
    least_bucket,
    put,
)  # fmt: skip


def lower_bound(work: Work, bound: Any) -> float:
    """The least g + h over OPEN and INCONS: no path through them costs less."""
    ints = work.ints
    least = INFINITE
    for k in range(int(ints[IN_HEAP])):
        least = min(least, value_if_live(work, bound, int(work.heap_node[k])))
    mask = work.ring.shape[0] - 1
    left = int(ints[IN_RING])
    bucket = int(ints[FLOOR])
    while left > 0:
        entry = int(work.ring[bucket & mask])
        while entry >= 0:
            least = min(least, value_if_live(work, bound, int(work.item[entry])))
            entry = int(work.link[entry])
            left -= 1
        bucket += 1
    entry = int(ints[SET_ASIDE])
    while entry >= 0:
        least = min(least, value_if_live(work, bound, int(work.item[entry])))
        entry = int(work.link[entry])
    return least


def value_if_live(work: Work, bound: Any, v: int) -> float:
    """g + h of a node that waits for expansion, else INFINITE."""
    if work.mark[v] == work.stamp + CLOSED:
        return INFINITE
    return min(INFINITE, float(work.g[v]) + estimate_at(bound, v))


def requeue(work: Work, bound: Any) -> None:
    """Order OPEN and INCONS anew by g + h: the start of the proof."""
    ints = work.ints
    mask = work.ring.shape[0] - 1
    loose = int(ints[SET_ASIDE])
    ints[SET_ASIDE] = -1
    while ints[IN_RING] > 0:
        slot = least_bucket(work) & mask
        entry = int(work.ring[slot])
        work.ring[slot] = work.link[entry]
        work.link[entry] = loose
        loose = entry
        ints[IN_RING] -= 1
    for k in range(int(ints[IN_HEAP])):
        entry = entry_for(work, work.heap_node[k])
        work.link[entry] = loose
        loose = entry
    ints[IN_HEAP] = 0
    while loose >= 0:
        v = int(work.item[loose])
        following = int(work.link[loose])
        work.link[loose] = ints[FREE]
        ints[FREE] = loose
        loose = following
        if work.mark[v] == work.stamp + INCONS:
            ints[REOPENED] += 1
            ints[FRONTIER] += 1
            ints[MAX_FRONTIER] = max(ints[MAX_FRONTIER], ints[FRONTIER])
            work.mark[v] = work.stamp + OPEN
        if work.mark[v] == work.stamp + OPEN:
            put(work, work.g[v] + estimate_at(bound, v), v, False)


HELPERS = (lower_bound, value_if_live, requeue)
