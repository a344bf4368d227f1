"""Close encounters and contacts: counted from positions, by a kernel and by a slow twin alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from envs_worlds import SMALL, Seen, SlowMeetings, any_action, closest_approach
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.kernels.state import (
    CLOCK,
    CLOSE_ENCOUNTERS,
    CONTACTS,
    COUNTERS,
    MOVED,
    NEAR_TICKS,
    PERSON,
    ROBOT,
    TRAFFIC,
    agents_of,
)
from envs.kernels.walk import closest, meet
from envs.metrics import CONTACT_M, NEAR_M
from envs.world import World

Point = tuple[float, float]


class Looks:
    """The kernel, fed with positions."""

    def __init__(self, kinds: Sequence[int]) -> None:
        self.clock = np.zeros(CLOCK, dtype=np.int64)
        self.places = np.zeros((4, len(kinds) + 1))
        self.agents = agents_of(np.zeros((COUNTERS, len(kinds) + 1), dtype=np.int64), self.places)
        self.agents.kind[:] = [*kinds, ROBOT]
        self._met = np.zeros((2, len(kinds)), dtype=np.uint8)
        self._fresh = True

    def observe(self, robot: Point, moving: bool, others: Sequence[Point]) -> None:
        a = self.agents
        a.x0_m[:], a.y0_m[:] = a.x_m, a.y_m
        a.x_m[:], a.y_m[:] = np.array([*others, robot]).T
        if self._fresh:
            a.x0_m[:], a.y0_m[:], self._fresh = a.x_m, a.y_m, False
        self.clock[MOVED] = moving
        meet(a, self.clock, self._met[0], self._met[1], NEAR_M, CONTACT_M)

    @property
    def counts(self) -> tuple[int, float, int]:
        clock = self.clock.tolist()
        return clock[CLOSE_ENCOUNTERS], 0.5 * clock[NEAR_TICKS], clock[CONTACTS]


def test_a_meeting_counts_once_until_it_ends() -> None:
    looks = Looks([PERSON])
    for x in (5.0, 1.5, 1.0, 1.4, 3.0, 1.2):
        looks.observe((0.0, 0.0), True, [(x, 0.0)])
    assert looks.counts == (2, 2.0, 0)


def test_standing_robots_and_other_robots_make_no_meeting() -> None:
    looks = Looks([PERSON, TRAFFIC])
    looks.observe((0.0, 0.0), False, [(1.0, 0.0), (9.0, 0.0)])
    looks.observe((0.0, 0.0), True, [(9.0, 0.0), (1.0, 0.0)])
    assert looks.counts == (0, 0.0, 0)


def test_bodies_that_change_places_are_a_contact_though_no_tick_shows_it() -> None:
    looks = Looks([PERSON])
    looks.observe((0.0, 0.0), True, [(1.0, 0.0)])
    assert looks.counts[2] == 0
    looks.observe((1.0, 0.0), True, [(0.0, 0.0)])
    assert looks.counts[2] == 1


def test_diagonal_crossing_is_closer_than_its_ends() -> None:
    assert closest_approach((0, 0), (1, 1), (1, 0), (0, 1)) == pytest.approx(0.0)
    assert closest_approach((0, 0), (1, 0), (0, 1), (1, 1)) == pytest.approx(1.0)


points = st.tuples(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))


@given(points, points, points, points)
@settings(max_examples=200)
def test_the_closest_approach_is_the_least_of_many_moments(
    a0: Point, a1: Point, b0: Point, b1: Point
) -> None:
    looks = Looks([PERSON])
    a = looks.agents
    (a.x0_m[0], a.y0_m[0]), (a.x_m[0], a.y_m[0]) = a0, a1
    (a.x0_m[1], a.y0_m[1]), (a.x_m[1], a.y_m[1]) = b0, b1
    when = np.linspace(0.0, 1.0, 2001)[:, None]
    gap = np.array(a0) + when * (np.array(a1) - a0) - np.array(b0) - when * (np.array(b1) - b0)
    least = float(np.hypot(gap[:, 0], gap[:, 1]).min())
    assert closest(a, 0, 1) <= least + 1e-9
    assert closest(a, 0, 1) == pytest.approx(least, abs=0.02)
    assert closest(a, 0, 1) == pytest.approx(closest_approach(a0, a1, b0, b1))


kinds = st.lists(st.sampled_from([PERSON, TRAFFIC]), min_size=1, max_size=4)


@given(kinds, st.integers(0, 2**32 - 1))
@settings(max_examples=80)
def test_the_kernel_counts_as_the_slow_twin_does(kind: list[int], seed: int) -> None:
    """Random walks in steps that a body can make in a tick."""
    rng = np.random.default_rng(seed)
    looks, slow = Looks(kind), SlowMeetings()
    places = rng.uniform(-2.5, 2.5, (len(kind) + 1, 2))
    for _ in range(40):
        places += rng.uniform(-0.7, 0.7, places.shape)
        moving = bool(rng.integers(2))
        *others, robot = [(float(x), float(y)) for x, y in places]
        looks.observe(robot, moving, others)
        slow.observe(robot, moving, [Seen(i, *p, kind[i] == PERSON) for i, p in enumerate(others)])
        assert looks.counts == (slow.close_encounters, slow.near_s, slow.contacts)


def test_a_world_counts_as_the_slow_twin_does() -> None:
    world, slow = World(SMALL, seed=2, workers=14, traffic=6), SlowMeetings()
    rng = np.random.default_rng(2)
    for _ in range(600):
        world.step(any_action(world, rng))
        a = world.crowd.agents
        others = [
            Seen(i, float(a.x_m[i]), float(a.y_m[i]), i < world.crowd.people)
            for i in range(world.crowd.n)
        ]
        slow.observe(world.robot_position_m, world.robot.moving, others)
    meetings = world.meetings
    assert meetings.close_encounters > 3
    assert (meetings.close_encounters, meetings.near_s, meetings.contacts) == (
        slow.close_encounters, slow.near_s, slow.contacts,
    )  # fmt: skip
