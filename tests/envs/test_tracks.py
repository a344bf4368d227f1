"""Belief about bodies: who is foreseen to come near, who stands, who walks by."""

from __future__ import annotations

import math

import pytest
from sensing import OPEN, PERSON, TRAFFIC, belief_on, watch

MIDDLE = OPEN.node((4, 10))


def test_a_meeting_ahead_is_foreseen_and_a_passing_one_is_not() -> None:
    belief = belief_on()
    for k in range(3):  # walks west along row 4 at 1.3 m/s
        start = OPEN.node((4, 14))
        tick = watch(belief, 1 + k, 1, [(PERSON, start, start - 1, 650 * k, 1000)])
    ahead = [(6.0 + 0.7 * k, 4.0) for k in range(6)]
    aside = [(6.0 + 0.7 * k, 7.0) for k in range(6)]
    assert belief.tracks[0].vx_m_s == pytest.approx(-1.3)
    assert belief.meets(ahead, 0.5 * tick)
    assert not belief.meets(aside, 0.5 * tick)
    assert not belief.meets(ahead, 0.5 * tick + 3.0), "not seen for too long"


def test_somebody_standing_costs_a_wait() -> None:
    belief = belief_on()
    tick = watch(belief, 1, 8, [(PERSON, MIDDLE)])
    x, y = OPEN.positions_m([MIDDLE])[0].tolist()
    belief.refresh(0.5 * tick, (x, y), force=True)
    beside = belief.costs().layer("blockage")[MIDDLE]
    assert beside == pytest.approx(10.0, rel=0.06)  # seen a tick ago
    belief.refresh(0.5 * tick, (x + 7.0, y), force=True)  # most stops are over when it gets there
    far = belief.costs().layer("blockage")[MIDDLE]
    assert far == pytest.approx(beside * math.exp(-1.0))  # 7 m at 0.7 m/s, stops of 10 s
    belief.refresh(30.0, (0.0, 4.0))
    assert belief.costs().layer("blockage")[MIDDLE] == 0.0


def test_who_walked_when_last_seen_is_not_taken_to_stand() -> None:
    belief = belief_on()
    start = OPEN.node((4, 14))
    for k in range(3):
        tick = watch(belief, 1 + k, 1, [(PERSON, start, start - 1, 300 * k, 1000)])
    belief.refresh(0.5 * tick + 4.0, (0.0, 4.0), force=True)
    assert belief.costs().layer("blockage").max() == 0.0


def test_somebody_standing_is_expected_to_go_on_standing() -> None:
    """Without a prior: the chance at arrival is that of a dwell that has no memory."""
    belief = belief_on()
    tick = watch(belief, 1, 8, [(PERSON, MIDDLE)], robot=MIDDLE - 7)
    belief.refresh(0.5 * tick, (3.0, 4.0), force=True)
    ahead_s = 7.0 / 0.7
    seen_s, pace = 4.0, 1.0 / 0.7
    learned = seen_s / (seen_s + 300.0)
    expected = learned + math.exp(-(ahead_s + 0.5) / 15.0)
    risk = belief.costs().layer("risk")[MIDDLE]
    assert risk == pytest.approx(1.0 - math.exp(-expected * pace), rel=0.02)


def test_who_walks_by_is_waited_for_and_who_stands_takes_the_node() -> None:
    belief = belief_on()
    for k in range(3):  # walks west along row 4 at 1.3 m/s, nearly at column 12
        start = OPEN.node((4, 14))
        tick = watch(belief, 1 + k, 1, [(PERSON, start, start - 1, 650 * k, 1000)])
    crossing = [(12.0, 3.0 + 0.35 * k) for k in range(3)]
    aside = [(12.0, 8.0 - 0.35 * k) for k in range(3)]
    assert belief.passes(crossing, 0.5 * tick, 0.5)
    assert not belief.passes(aside, 0.5 * tick, 0.5)
    assert not belief.passes(crossing, 0.5 * tick + 1.5, 0.5), "not seen for too long"
    assert not belief.is_taken(OPEN.node((4, 13)), 0.5 * tick), "on the move"
    still = belief_on()
    tick = watch(still, 1, 6, [(PERSON, MIDDLE), (TRAFFIC, MIDDLE + 3)])
    x, y = OPEN.positions_m([MIDDLE])[0].tolist()
    assert not still.passes([(x, y)] * 3, 0.5 * tick, 0.5), "standing"
    assert still.is_taken(MIDDLE, 0.5 * tick) and still.is_taken(MIDDLE + 3, 0.5 * tick)
    assert not still.is_taken(MIDDLE + 1, 0.5 * tick)
    assert not still.is_taken(MIDDLE, 0.5 * tick + 1.5)
