"""The world: it repeats, it does not leak, it does not freeze, and its invariants hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from envs_worlds import SMALL, corridor, floor_of, positions, put, quiet
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.assumptions import Assumptions, Handling
from envs.battery import PROFILES
from envs.belief import SensorModel
from envs.blockages import Blockage
from envs.floor import Floor
from envs.layouts import Layout, ready
from envs.people import Places, Trips, WalkRules
from envs.streams import stream
from envs.world import CHARGE, SERVE, WAIT, YIELD, World
from planners import GraphMap, GridMap

# Motion.


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_the_robot_drives_at_its_speed_with_no_loss_per_cell(profile: str) -> None:
    layout = corridor(80)
    world = quiet(layout, profile=profile)
    while world.robot.node < 70:
        world.step(world.robot.node + 1 if world.robot_ready else WAIT)
    assert world.time_s == pytest.approx(70 / world.profile.speed_m_s, abs=1.0)


def test_a_worker_walks_at_1_3_metres_a_second() -> None:
    layout = corridor(120)
    world = quiet(layout, workers=1, seed=3)
    agents = world.crowd.agents
    times: dict[int, float] = {}
    for _ in range(2000):
        world.step()
        node = int(agents.node[0])
        if agents.goal[0] == 119:
            times.setdefault(node, world.time_s)
        if node == 119:
            break
    first = min(times)
    assert 119 - first > 20
    speed = (119 - first) / (times[119] - times[first])
    assert speed == pytest.approx(1.3, rel=0.02)


def test_a_turn_takes_its_time_and_reversing_is_free() -> None:
    grid = GridMap(np.zeros((9, 9), dtype=bool), moves="four")
    density = np.ones(81, dtype=np.float32)
    layout = Layout("open", grid, (80,), (8,), (0,), density)
    time_s = {}
    for name, route in {"straight": range(9), "bend": [0, 1, 2, 3, 4, 13, 22, 31, 40]}.items():
        world, way = quiet(layout), dict(pairwise(route))
        while world.robot.node != list(route)[-1]:
            world.step(way[world.robot.node] if world.robot_ready else WAIT)
        time_s[name] = world.time_s
    quarter_s = np.pi / 2 / PROFILES["delivery"].turn_rad_s
    assert time_s["bend"] - time_s["straight"] == pytest.approx(quarter_s, abs=0.5)
    world, there = quiet(layout), True
    for _ in range(14):
        world.step(1 if there else 0)
        there = world.robot.node == 0 and world.robot.to < 0
    assert world.time_s == 7.0, "seven seconds of driving to and fro"
    assert world.robot.battery.drained_mj < 14 * 200_000


def test_actions_that_cannot_be_are_refused_by_value() -> None:
    world = quiet()
    node = world.robot.node
    with pytest.raises(ValueError, match=f"from node {node} to 0"):
        world.step(0)
    with pytest.raises(ValueError, match="nothing to serve"):
        world.step(SERVE)
    away = quiet(start=SMALL.stations[0])
    with pytest.raises(ValueError, match=f"no charger on node {SMALL.stations[0]}"):
        away.step(CHARGE)


@pytest.mark.parametrize(
    ("option", "value"),
    [("workers", -1), ("workers", 10_000), ("initial_soc", 2.0), ("start", 10**6),
     ("tick_s", 0.0), ("profile", "huge"), ("blockages_per_hour", float("nan")), ("seed", -3)],
)  # fmt: skip
def test_bad_numbers_are_refused_by_value(option: str, value: object) -> None:
    with pytest.raises(ValueError, match=str(value).replace("nan", "nan|NaN")):
        quiet(**{option: value})


def test_a_graph_without_positions_is_refused() -> None:
    graph = GraphMap([0, 1, 2], [1, 0], [1.0, 1.0])
    with pytest.raises(ValueError, match="position_m"):
        Floor(Layout("line", graph, (0,), (1,), (1,), np.ones(2)), 0.5)


def test_an_eight_connected_map_is_walked_in_four_directions() -> None:
    floor = floor_of(GridMap(np.zeros((3, 3), dtype=bool), moves="eight"))
    assert sorted(floor.neighbours(4)) == [1, 3, 5, 7]


# Giving way.


def test_a_waiting_robot_is_a_wall_and_a_yielding_one_is_pushed() -> None:
    for action, passed in ((WAIT, False), (YIELD, True)):
        layout = corridor(12)
        world = quiet(layout, workers=1, start=6, assumptions=Assumptions(WalkRules(give_up_s=1e6)))
        homes = {int(world.crowd.agents.node[0])}
        nodes = set()
        for _ in range(1200):
            world.step(action)
            nodes.add(int(world.crowd.agents.node[0]))
        crossed = min(nodes) < 6 < max(nodes) or (min(nodes | homes) < 5 and 11 in nodes)
        assert crossed is passed
        assert (world.tally.pushes > 0) is passed


def test_a_blocked_move_is_vetoed_and_teaches_the_robot() -> None:
    world = quiet(assumptions=Assumptions(sensor=SensorModel(detection=0.0, false_alarm=0.0)))
    node, before = world.floor.neighbours(world.robot.node)[0], world.robot.node
    put(world, Blockage((node,), 1.0, 60.0))
    for _ in range(4):
        world.step(WAIT)
    assert node in world.floor.blocked
    assert node not in world.belief.believed_blocked
    world.step(node)
    assert world.robot.node == before
    assert world.tally.vetoes == 1
    assert node in world.belief.believed_blocked


def test_invariants_catch_a_node_held_by_nobody() -> None:
    world = quiet(workers=3, seed=1)
    world.step()
    robot = world.robot.node
    world.crowd.holder[robot] = 0
    with pytest.raises(AssertionError, match="share a node"):
        world.step()


@given(seed=st.integers(0, 10_000), workers=st.integers(1, 20), traffic=st.integers(0, 20))
@settings(max_examples=8, deadline=None)
def test_no_swaps_no_jumps_whatever_the_density(seed: int, workers: int, traffic: int) -> None:
    world = quiet(seed=seed, workers=workers, traffic=traffic, blockages_per_hour=12.0)
    rng = np.random.default_rng(seed)
    before = positions(world)
    for _ in range(120):
        choices = (*world.floor.neighbours(world.robot.node), WAIT, YIELD)
        world.step(int(rng.choice(choices)) if world.robot_ready else WAIT)
        after = positions(world)
        taken: set[int] = set()
        for (node, to), (node_now, to_now) in zip(before, after, strict=True):
            assert node_now in (node, to) or (to < 0 and node_now in world.floor.neighbours(node))
            nodes = {node_now, to_now} - {-1}
            assert not nodes & taken
            taken |= nodes
        before = after
    assert world.meetings.contacts == 0


# Determinism and common random numbers.

HASH_CODE = """
from envs.episode import run_episode
from envs.layouts import fulfilment
from envs.world import World
from planners.tasks import make_chooser
world = World(fulfilment(2, 3), seed=4, workers=5, traffic=2, blockages_per_hour=12.0)
print(run_episode(world, make_chooser("utility"), seconds=150).summary["trace_hash"])
"""


def test_two_processes_with_different_hash_seeds_agree() -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", HASH_CODE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1")
    ]
    hashes = [run.communicate(timeout=120)[0] for run in runs]
    assert hashes[0] == hashes[1]
    assert len(hashes[0].strip()) == 64


def recorded(trips: Iterator[tuple[int, int]], into: list[tuple[int, int]]) -> Iterator[Any]:
    for trip in trips:
        into.append(trip)
        yield trip


def test_what_is_exogenous_does_not_depend_on_the_robot() -> None:
    worlds = [World(SMALL, seed=7, workers=6, blockages_per_hour=12.0) for _ in range(2)]
    trips: list[list[list[tuple[int, int]]]] = [[[] for _ in range(6)] for _ in worlds]
    rng = np.random.default_rng(0)
    for world, seen, wild in zip(worlds, trips, (False, True), strict=True):
        world.crowd._trips = [
            recorded(trip, into) for trip, into in zip(world.crowd._trips, seen, strict=True)
        ]
        for _ in range(1200):
            around = world.floor.neighbours(world.robot.node)
            world.step(int(rng.choice(around)) if wild and world.robot_ready else WAIT)
    assert worlds[0].trace_hash != worlds[1].trace_hash
    for one, other in zip(*trips, strict=True):
        shared = min(len(one), len(other))
        assert shared > 3
        assert one[:shared] == other[:shared]
    orders = [[row for row in w.take_events() if row["event"] == "order"] for w in worlds]
    assert orders[0] == orders[1]
    plans = [world._blockages.until(3600.0) for world in worlds]
    assert plans[0] == plans[1]


def test_a_workers_trips_depend_on_its_own_number_only() -> None:
    def goals(worker: int) -> list[tuple[int, int]]:
        places = Places(SMALL, floor_of(SMALL.map), SMALL.chargers[0])
        places.homes(3, 4, 0)
        trips = iter(
            Trips(places.of(worker), stream(3, "worker", worker), 0.5, WalkRules(), True, 0)
        )
        return [next(trips) for _ in range(8)]

    assert goals(2) == goals(2) != goals(3)


def test_another_seed_is_another_world() -> None:
    hashes = set()
    for seed in range(3):
        world = quiet(workers=4, seed=seed)
        for _ in range(40):
            world.step()
        hashes.add(world.trace_hash)
    assert len(hashes) == 3


# Blockages and the battery in the world.


def test_a_blockage_never_lands_on_somebody_and_goes_away_in_time() -> None:
    world = quiet(start=SMALL.stations[0])
    here, free = world.robot.node, world.floor.neighbours(world.robot.node)[0]
    away = next(n for n in world.floor.neighbours(free) if n != here)
    put(world, Blockage((here,), 5.0, 20.0), Blockage((free,), 5.0, 12.0))
    blocked_at = {}
    for _ in range(60):
        ready = world.robot_ready and world.time_s >= 12.0
        world.step({here: free, free: away}.get(world.robot.node, WAIT) if ready else WAIT)
        blocked_at[world.time_s] = set(world.floor.blocked)
        assert not world.floor.blocked & {world.robot.node, world.robot.to}
    assert blocked_at[10.0] == {free}, "the robot stands on the other"
    assert blocked_at[13.0] == set()
    assert blocked_at[18.0] == {here}, "once it has left"
    assert blocked_at[25.0] == set()


def test_a_blockage_lands_as_a_whole_or_not_yet() -> None:
    world = quiet(start=SMALL.stations[0])
    here, free = world.robot.node, world.floor.neighbours(world.robot.node)[0]
    put(world, Blockage((here, free), 5.0, 20.0))
    world.advance(WAIT, 20, goes_on=True)
    assert not world.floor.blocked


def test_a_flat_battery_strands_for_fifteen_minutes_and_comes_back_charged() -> None:
    world = quiet(corridor(40), initial_soc=0.00005)
    for _ in range(400):
        world.step(world.robot.node + 1 if world.robot_ready and world.robot.node < 39 else WAIT)
        if world.robot.stranded:
            break
    assert world.tally.strandings == 1
    since = world.time_s
    stuck_at = world.robot.node
    while world.robot.stranded:
        world.step(WAIT)
        assert world.robot.node == stuck_at
    assert world.time_s - since == pytest.approx(900.0, abs=1.0)
    assert world.robot.battery.soc == pytest.approx(Handling().rescue_soc, rel=0.01)


def test_charging_in_the_world_follows_the_profile() -> None:
    world = quiet(initial_soc=0.5)
    for _ in range(2400):
        world.step(CHARGE)
    profile, battery = world.profile, world.robot.battery
    net_wh = (profile.charge_w - profile.ambient_w) * 1200.0 / 3600.0
    assert battery.charge_wh == pytest.approx(0.5 * profile.capacity_wh + net_wh, rel=1e-4)


def test_load_costs_energy() -> None:
    drained = []
    for kg in (0.0, 50.0):
        world = quiet(corridor(30))
        world.robot.payload_kg = kg
        while world.robot.node < 20:
            world.step(world.robot.node + 1 if world.robot_ready else WAIT)
        drained.append(world.robot.battery.drained_mj)
    extra_mj = 20_000 * 50.0 * world.profile.drive_j_per_m_kg
    assert drained[1] - drained[0] == pytest.approx(extra_mj, rel=0.02)


# What it says.


def test_events_are_plain_rows() -> None:
    world = World(SMALL, seed=2, workers=2)
    for _ in range(50):
        world.step()
    rows = world.take_events()
    assert rows
    assert json.loads(json.dumps(rows)) == rows
    assert world.take_events() == []


def test_assumptions_reach_the_world() -> None:
    slow = replace(Assumptions(), walk=WalkRules(worker_m_s=0.5))
    world = quiet(workers=1, assumptions=slow)
    assert world.crowd.agents.speed_mm[0] == 250


def test_traffic_robots_work_near_where_they_start_and_people_anywhere() -> None:
    layout, rules = ready("built-in"), WalkRules(lane_m=20.0)
    world = World(layout, seed=2, workers=5, traffic=40, assumptions=Assumptions(walk=rules))
    place = layout.map.positions_m(np.arange(layout.map.size))
    stations, near = np.array(layout.stations), 0
    for robot in range(5, 45):
        home = int(world.crowd.agents.node[robot])
        trips = iter(world.crowd._trips_of(robot, 0.5))
        face, station = (node for node, _ in islice(trips, 2))
        away_m = np.hypot(*(place[[station, face]] - place[[home, station]]).T)
        within = np.hypot(*(place[stations] - place[home]).T) <= rules.lane_m
        if within.mean() > 0.2:
            assert (away_m <= rules.lane_m).all(), (robot, away_m)
            near += 1
    assert near > 20
    goals = [node for node, _ in islice(iter(world.crowd._trips_of(0, 0.5)), 40)]
    assert np.ptp(place[goals, 0]) > 2 * rules.lane_m
