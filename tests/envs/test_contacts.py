"""Contacts from positions: against pair by pair, against fine time steps, and what they catch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.contacts import contacts_of

Point = tuple[float, ...]


def closest_approach(a0: Point, a1: Point, b0: Point, b1: Point) -> float:
    """Least distance of two points that move evenly: of the ends, or where the gap turns."""
    (x0, y0), (x1, y1) = ((b[0] - a[0], b[1] - a[1]) for a, b in ((a0, b0), (a1, b1)))
    dx, dy = x1 - x0, y1 - y0
    gaps = [math.hypot(x0, y0), math.hypot(x1, y1)]
    if x0 * dx + y0 * dy < 0 < x1 * dx + y1 * dy:
        gaps.append(abs(x0 * dy - y0 * dx) / math.hypot(dx, dy))
    return min(gaps)


places = st.floats(-3.0, 3.0).map(lambda value: round(value, 3))
bodies = st.lists(st.tuples(places, places, places, places), max_size=14)


def touching(ways: list[tuple[float, ...]], limit_m: float) -> list[list[int]]:
    columns = np.array(ways, dtype=np.float64).reshape(-1, 4).T
    return contacts_of(*columns, limit_m).tolist()


def one_by_one(ways: list[tuple[float, ...]], limit_m: float) -> list[list[int]]:
    """Slow and plain: every pair by the formula of one pair."""
    found = []
    for i, (ax, ay, bx, by) in enumerate(ways):
        for j, (cx, cy, dx, dy) in enumerate(ways):
            least = closest_approach((ax, ay), (bx, by), (cx, cy), (dx, dy)) if i < j else math.inf
            if least < limit_m:
                found.append([i, j])
    return found


@given(bodies, st.sampled_from([0.0, 0.25, 0.5, 2.0]))
@settings(max_examples=200)
def test_the_pairs_are_those_found_one_by_one(ways, limit_m):
    least = [
        closest_approach(a[:2], a[2:], b[:2], b[2:]) for k, a in enumerate(ways) for b in ways[:k]
    ]
    if any(abs(gap - limit_m) < 1e-9 for gap in least):
        return  # on the edge, rounding decides
    assert touching(ways, limit_m) == one_by_one(ways, limit_m)


@pytest.mark.parametrize("seed", range(20))
def test_a_crowd_agrees_with_fine_time_steps(seed):
    rng = np.random.default_rng(seed)
    ways = rng.uniform(0.0, 12.0, (60, 2)).repeat(2, axis=0).reshape(60, 4)[:, [0, 2, 1, 3]]
    ways[:, 2:] = ways[:, :2] + rng.uniform(-1.0, 1.0, (60, 2))
    seen = set()
    for t in np.linspace(0.0, 1.0, 401):
        at = ways[:, :2] + t * (ways[:, 2:] - ways[:, :2])
        gaps = np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1))
        seen |= {(int(i), int(j)) for i, j in np.argwhere(gaps < 0.5) if i < j}
    found = {(i, j) for i, j in touching([tuple(way) for way in ways], 0.5)}
    missed = {(i, j) for i, j in touching([tuple(way) for way in ways], 0.5 - 0.01)}
    assert missed <= seen <= found
    assert len(found) > 3


def test_a_swap_is_a_contact_though_neither_tick_shows_it():
    swap = [(0.0, 0.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0)]
    assert touching(swap, 0.5) == [[0, 1]]
    ends_only = [math.hypot(a[k] - b[k], a[k + 1] - b[k + 1]) for a, b in [swap] for k in (0, 2)]
    assert min(ends_only) == 1.0  # what looking at the ends alone would see


def test_a_body_far_off_that_shoots_past_is_found():
    assert touching([(0.0, 0.0, 0.0, 0.0), (-50.0, 0.1, 50.0, 0.1)], 0.5) == [[0, 1]]


def test_at_the_limit_is_no_contact_and_few_bodies_are_none():
    assert touching([(0.0, 0.0, 1.0, 0.0), (0.0, 0.5, 1.0, 0.5)], 0.5) == []
    assert touching([], 0.5) == touching([(0.0, 0.0, 1.0, 0.0)], 0.5) == []


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"\(2,\), \(3,\)"):
        contacts_of(np.zeros(2), np.zeros(3), np.zeros(2), np.zeros(2), 0.5)
