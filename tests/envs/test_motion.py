"""How everybody moves: at full speed when the way is free, within limits, within their zones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from envs_worlds import Agent, any_action, furnished, open_grid, quiet, scene, zoned

from envs.kernels.state import PERSON
from envs.layouts import Layout
from envs.world import WAIT, YIELD, World
from envs.zones import Zone
from planners import GridMap

# Free flow.


@pytest.mark.parametrize(("person", "speed_mm"), [(True, 650), (False, 500)])
def test_a_free_way_is_walked_at_full_speed(person: bool, speed_mm: int) -> None:
    """Stretch 1.00: so many ticks as the way needs, and not one more."""
    for goal in (1, 5, 29, 30 * 7 + 13, 30 * 29 + 28):
        world = scene(open_grid(30, 30), [Agent(0, goal, person)], 30 * 29 + 29)
        far_mm = int(world.crowd.agents.best_mm[0])
        ticks = 0
        while world.crowd.agents.trips[0] == 0:
            world.step(WAIT)
            ticks += 1
        assert ticks == -(-far_mm // speed_mm)
        assert world.crowd.agents.waited[0] == 0


@pytest.mark.parametrize("cell_m", [0.7, 1.0, 2.5])
def test_people_lose_nothing_per_cell_whatever_the_cells(cell_m: float) -> None:
    grid = GridMap(np.zeros((1, 40), dtype=bool), cell_size_m=cell_m, moves="four")
    world = scene(grid, [Agent(0, 38)], 39)
    while world.crowd.agents.trips[0] == 0:
        world.step(WAIT)
    assert world.tick == -(-round(38_000 * cell_m) // 650)


def test_crossing_streams_still_get_through() -> None:
    """Two people and a robot cross in one place: somebody waits, nobody for long."""
    agents = [Agent(4, 94), Agent(45, 54), Agent(94, 4, person=False)]
    world = scene(open_grid(10, 10), agents, 99)
    for _ in range(60):
        world.step(WAIT)
    assert world.crowd.agents.trips.tolist()[:3] == [1, 1, 1]


# Speed limits.


def slow_lane(speed_m_s: float) -> Layout:
    """A corridor whose cells 10 to 29 are under a limit."""
    zone = Zone("slow", "speed_limit", tuple(range(10, 30)), speed_m_s=speed_m_s)
    return furnished(open_grid(1, 42), storage=(41,), zones=(zone,))


@pytest.mark.parametrize("limit_m_s", [0.3, 0.35, 0.6, 5.0])
@pytest.mark.parametrize("profile", ["delivery", "tiny"])
def test_the_controlled_robot_keeps_speed_limits_to_the_tick(
    limit_m_s: float, profile: str
) -> None:
    world = quiet(slow_lane(limit_m_s), profile=profile)
    at: dict[int, float] = {}
    while world.robot.node < 40:
        world.step(world.robot.node + 1 if world.robot_ready else WAIT)
        at.setdefault(world.robot.node, world.time_s)
    free, slow = world.profile.speed_m_s, min(world.profile.speed_m_s, limit_m_s)
    assert at[29] - at[9] == pytest.approx(20 / slow, abs=world.tick_s)
    assert at[29] - at[9] > 20 / slow - world.tick_s
    assert at[40] == pytest.approx(20 / free + 20 / slow, abs=2 * world.tick_s)


def test_traffic_keeps_speed_limits_and_people_do_not() -> None:
    layout = slow_lane(0.5)
    for person, slow_mm in ((True, 650), (False, 250)):
        world = World(
            layout, seed=4, workers=int(person), traffic=int(not person), orders=[],
            blockages_per_hour=0.0,
        )  # fmt: skip
        agents, seen = world.crowd.agents, set()
        for _ in range(3000):
            before = int(agents.done_mm[0]), int(agents.to[0])
            world.step(WAIT)
            to = int(agents.to[0])
            if to >= 0:
                slow = 10 <= to < 30
                seen.add(slow)
                assert agents.rate_mm[0] == (slow_mm if slow else (650 if person else 500))
                if to == before[1]:
                    assert agents.done_mm[0] - before[0] == agents.rate_mm[0]
        assert seen == {True, False}


def test_what_is_left_of_a_fast_tick_is_driven_slowly_in_a_slow_zone() -> None:
    world = quiet(slow_lane(0.1), profile="fast")
    agents, first = world.crowd.agents, []
    while world.robot.node < 12:
        world.step(world.robot.node + 1 if world.robot_ready else WAIT)
        if world.robot.to >= 10:
            first.append(int(agents.done_mm[-1]))
    assert world.profile.speed_m_s > 0.5
    assert first[0] <= 2 * 50, "its own tick, and the rest of the one before"


# Zones.


@pytest.mark.parametrize("made", [zoned, lambda: zoned().as_graph()])
@pytest.mark.parametrize("seed", range(3))
def test_robots_keep_to_their_zones_and_people_walk_through(
    made: Callable[[], Layout], seed: int
) -> None:
    """Every move of every robot is one of the robots' map, pushed or not; people's need not be."""
    layout = made()
    few = layout.map.size < 60
    world = World(
        layout, seed=seed, workers=4 if few else 8, traffic=3 if few else 8, orders=[],
        blockages_per_hour=10.0,
    )  # fmt: skip
    rng, drive, walk = np.random.default_rng(seed), world.floor.drive_map, world.floor.map
    legal = [
        {node: set(map_.successors(node)[0].tolist()) for node in range(map_.size)}
        for map_ in (walk, drive)
    ]
    kept = {n for z in layout.zones if z.kind == "keep_out" for n in z.nodes}
    agents, against = world.crowd.agents, 0
    for _ in range(1500):
        world.step(any_action(world, rng))
        for i, (node, to) in enumerate(zip(agents.node.tolist(), agents.to.tolist(), strict=True)):
            person = agents.kind[i] == PERSON
            if to >= 0:
                assert to in legal[not person][node]
                against += person and to not in legal[1][node]
            if not person and world.tick > 200:  # homes may lie anywhere
                assert node not in kept
    assert against > 0, "people do what robots may not"
    assert world.meetings.contacts == 0


def test_nobody_starts_where_robots_may_not_be() -> None:
    layout = zoned()
    kept = {n for z in layout.zones if z.kind == "keep_out" for n in z.nodes}
    for seed in range(30):
        world = World(layout, seed=seed, workers=20, traffic=20, orders=[])
        assert not kept & set(world.crowd.agents.node[world.crowd.people :].tolist())


def test_a_start_in_a_keep_out_zone_is_refused_by_value() -> None:
    layout = zoned()
    node = next(z for z in layout.zones if z.kind == "keep_out").nodes[0]
    with pytest.raises(ValueError, match=f"node {node}: blocked"):
        World(layout, start=node)


def test_a_robot_cannot_be_sent_against_a_one_way_zone() -> None:
    layout = zoned()
    lane = next(z for z in layout.zones if z.direction == "east").nodes
    world = quiet(layout, start=lane[2])
    with pytest.raises(ValueError, match=f"no move from node {lane[2]} to {lane[1]}"):
        world.step(lane[1])
    world.advance(lane[3], 20)
    assert world.robot.node == lane[3]


# What it costs.


def test_a_pushed_robot_pays_for_its_way_as_if_it_had_driven() -> None:
    def cost_mj(pushed: bool) -> tuple[int, int]:
        world = scene(open_grid(1, 12), [Agent(4, 9)] if pushed else [], 5)
        world.advance(YIELD if pushed else 6, 1)
        while not world.robot_ready:
            world.step(WAIT)
        assert world.robot.node == 6
        assert world.tally.pushes == int(pushed)
        return world.robot.battery.drained_mj, world.tick

    assert cost_mj(True) == cost_mj(False)


@pytest.mark.parametrize("seed", range(3))
def test_the_books_balance_whatever_happens(seed: int) -> None:
    world = World(
        furnished(open_grid(5, 9)), seed=seed, workers=6, traffic=4, initial_soc=0.5, orders=[]
    )
    rng, battery = np.random.default_rng(seed), world.robot.battery
    start_mj = battery.charge_mj
    moved_mm, drives = 0, 0
    for _ in range(1500):
        before = world.robot.to
        drained = battery.drained_mj
        world.step(any_action(world, rng))
        if world.robot.moving and before < 0:
            moved_mm += world.robot.length_mm
            drives += 1
            assert battery.drained_mj > drained
    assert battery.charge_mj == start_mj + battery.charged_mj - battery.drained_mj
    assert drives > 50
    assert world.tally.pushes > 0
    standing = quiet(initial_soc=0.5)
    standing.advance(WAIT, 1500, goes_on=True)
    driving_mj = battery.drained_mj - standing.robot.battery.drained_mj
    assert driving_mj >= world.profile.drive_j_per_m * moved_mm - drives
