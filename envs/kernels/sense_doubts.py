"""Doubts: how likely it is that something stands in the way on a node."""

from __future__ import annotations

from typing import Any

from .sense_floor import in_sight
from .sense_state import (
    DETECTION,
    DOUBT_LEAST,
    DOUBT_MOST,
    DOUBT_PRIOR,
    DOUBTS,
    FALSE_ALARM,
    NEWS,
    OBSTACLES,
    VIEW,
    VIEW_NODE,
    Senses,
    faded,
)  # fmt: skip


def weigh(tick: int, senses: Senses) -> None:
    """Bayes' rule on every node in doubt that was in view, then whether it counts as blocked."""
    ints, doubts = senses.ints, senses.doubts
    for j in range(ints[OBSTACLES]):
        doubt_place(tick, senses.obstacles[j], senses)
    d = 0
    while d < ints[DOUBTS]:
        node = doubts[d, 0]
        hit = contains(senses.obstacles, ints[OBSTACLES], node)
        p = senses.doubt_p[d] * faded(senses.doubt_fade, tick - doubts[d, 1])
        if hit or in_sight(ints[VIEW_NODE], node, senses):
            p = updated(p, hit, senses)
            senses.doubt_p[d], doubts[d, 1] = p, tick
        is_blocked = 1 if p > 0.5 else 0
        if is_blocked != doubts[d, 2]:
            doubts[d, 2] = is_blocked
            ints[NEWS] = 1
        if p < senses.floats[DOUBT_LEAST]:
            drop_doubt(d, senses)
        else:
            d += 1


def updated(p: float, hit: bool, senses: Senses) -> float:
    """Probability that a node is blocked after it was seen blocked, or seen free."""
    detection, most = senses.floats[DETECTION], senses.floats[DOUBT_MOST]
    ghost = senses.floats[FALSE_ALARM] / senses.ints[VIEW]  # a false alarm is anywhere in view
    odds = p / (1.0 - p)
    if not hit:
        odds *= (1.0 - detection) / (1.0 - ghost)
    elif ghost * most > odds * detection:
        odds *= detection / ghost
    else:
        odds = most
    if odds > most:
        odds = most
    return float(odds / (1.0 + odds))


def doubt_place(tick: int, node: int, senses: Senses) -> int:
    """The place of a node among the doubts; a new one starts at the prior.

    Where there is no room left, the doubt with the oldest stamp makes way.
    """
    doubts, used = senses.doubts, senses.ints[DOUBTS]
    oldest = 0
    for d in range(used):
        if doubts[d, 0] == node:
            return d
        if doubts[d, 1] < doubts[oldest, 1]:
            oldest = d
    if used == doubts.shape[0]:
        drop_doubt(oldest, senses)
        used -= 1
    odds = senses.floats[DOUBT_PRIOR]
    doubts[used, 0], doubts[used, 1], doubts[used, 2] = node, tick, 0
    senses.doubt_p[used] = odds / (1.0 + odds)
    senses.ints[DOUBTS] = used + 1
    return int(used)


def drop_doubt(d: int, senses: Senses) -> None:
    """Forget a doubt; the last one takes its place."""
    last = senses.ints[DOUBTS] - 1
    if senses.doubts[d, 2]:
        senses.ints[NEWS] = 1
    for k in range(3):
        senses.doubts[d, k] = senses.doubts[last, k]
    senses.doubt_p[d] = senses.doubt_p[last]
    senses.ints[DOUBTS] = last


def contains(values: Any, size: int, value: int) -> bool:
    """Whether `value` is among the first `size` values."""
    k = 0
    while k < size and values[k] != value:
        k += 1
    return k < size


HELPERS = (contains, updated, drop_doubt, doubt_place, weigh)
