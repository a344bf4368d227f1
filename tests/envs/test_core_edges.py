"""Worlds at the edge of what the core allows: tiny, full, closed, very long, very large."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from envs_worlds import (
    SMALL,
    Agent,
    any_action,
    corridor,
    furnished,
    open_grid,
    put,
    quiet,
    scene,
)

from envs import floor as floor_module
from envs.assumptions import Assumptions
from envs.blockages import Blockage
from envs.kernels.state import FAR, TICK
from envs.layouts import Layout
from envs.people import WalkRules
from envs.world import CHARGE, WAIT, World
from planners import GraphMap

BOTH = pytest.mark.parametrize("engine", ["compiled", "readable"])


def driven(world: World, ticks: int, seed: int = 0) -> World:
    rng = np.random.default_rng(seed)
    for _ in range(ticks):
        world.step(any_action(world, rng))
    assert world.meetings.contacts == 0
    return world


# Small floors.


@BOTH
def test_a_floor_of_one_cell(engine: Literal["compiled", "readable"]) -> None:
    layout = Layout("cell", open_grid(1, 1), (0,), (0,), (0,), np.ones(1, dtype=np.float32))
    world = World(layout, workers=0, orders=[], engine=engine)
    world.advance(CHARGE, 500, goes_on=True)
    assert (world.tick, world.robot.node) == (500, 0)
    with pytest.raises(ValueError, match="1 walkers"):
        World(layout, workers=1, orders=[], engine=engine)


@BOTH
@pytest.mark.parametrize("length", [2, 3, 4, 7])
def test_corridors_full_to_the_half(engine: Literal["compiled", "readable"], length: int) -> None:
    layout = furnished(open_grid(1, length)) if length > 2 else furnished(open_grid(2, 1))
    most = 0
    while True:
        try:
            World(layout, workers=most + 1, orders=[])
        except ValueError:
            break
        most += 1
    driven(World(layout, workers=most, orders=[], blockages_per_hour=500.0, engine=engine), 200)


@pytest.mark.parametrize("people", [0, 1])
def test_half_of_all_cells_full_of_walkers(people: int) -> None:
    layout = furnished(open_grid(8, 8))
    count = 31
    mix = {"workers": count * people, "traffic": count - count * people}
    world = driven(World(layout, seed=1, orders=[], **mix), 1500)
    assert int(world.crowd.agents.trips.sum()) > 20


@BOTH
def test_a_graph_with_a_node_of_no_edges(engine: Literal["compiled", "readable"]) -> None:
    """Nodes 0 to 5 in a ring, node 6 alone: nobody lives there and nobody is sent there."""
    heads = [(k + step) % 6 for k in range(6) for step in (1, 5)]
    angle = np.linspace(0, 2 * np.pi, 7)[:-1]
    place = np.vstack([np.stack([np.cos(angle), np.sin(angle)], 1) * 4, [[20.0, 20.0]]])
    graph = GraphMap([*range(0, 13, 2), 12], heads, [4.0] * 12, place)
    layout = Layout("ring", graph, (1,), (2, 3, 4, 5), (0,), np.array([0, 0, 1, 1, 1, 1, 0.0]))
    world = World(layout, workers=2, orders=[], blockages_per_hour=100.0, engine=engine)
    for _ in range(400):
        world.step(WAIT)
        assert 6 not in world.crowd.agents.node.tolist()
    assert world.floor.degree == 2


def test_a_charger_is_a_goal_like_any_other() -> None:
    """A traffic robot at work on the charger is a wall to the controlled one, not a deadlock."""
    world = scene(open_grid(3, 3), [Agent(1, 0, person=False)], 8)
    for _ in range(12):
        world.step(WAIT)
    assert world.crowd.agents.node[0] == 0
    assert world.crowd.agents.trips[0] == 1


# Closed goals and blockages.


def test_a_walker_whose_goal_is_closed_gives_up_and_goes_on() -> None:
    patient = Assumptions(walk=WalkRules(give_up_s=30.0))
    world = World(SMALL, seed=3, workers=3, orders=[], blockages_per_hour=0.0, assumptions=patient)
    goal = int(world.crowd.agents.goal[0])
    put(world, Blockage((goal,), 0.0, 1e9), hours=10**6)
    trips = world.crowd.agents.trips.copy()
    for _ in range(1200):
        world.step(WAIT)
        assert world.crowd.agents.node[0] != goal
    assert world.crowd.agents.give_ups[0] >= 1
    assert (world.crowd.agents.trips[:3] > trips[:3]).all()


def test_a_person_walled_in_waits_and_walks_on_when_it_opens() -> None:
    world = scene(open_grid(3, 5), [Agent(7, 14)], 0)
    put(world, Blockage((2, 6, 8, 12), 0.0, 100.0), hours=10**6)
    for _ in range(190):
        world.step(WAIT)
        assert world.crowd.agents.node[0] == 7
    for _ in range(80):
        world.step(WAIT)
    assert world.crowd.agents.trips[0] == 1


@BOTH
def test_a_blockage_that_lands_in_front_of_a_walker(
    engine: Literal["compiled", "readable"],
) -> None:
    """Whenever it lands, it lands on nobody, and the walker goes round."""
    for start in range(12):
        world = scene(open_grid(2, 9), [Agent(0, 8)], 17, engine=engine)
        put(world, Blockage((4,), 0.5 * start, 1e9), hours=10**6)
        for _ in range(60):
            world.step(WAIT)
            agents = world.crowd.agents
            assert not world.floor.blocked & {int(agents.node[0]), int(agents.to[0])}
        assert world.crowd.agents.trips[0] == 1


def test_a_blockage_under_somebody_who_stays_waits_for_it_to_leave() -> None:
    world = quiet(corridor(6), start=3)
    put(world, Blockage((3,), 0.0, 1e9), hours=10**6)
    world.advance(WAIT, 100, goes_on=True)
    assert not world.floor.blocked
    world.advance(2, 10)
    world.advance(WAIT, 4, goes_on=True)
    assert world.floor.blocked == {3}


def test_overlapping_blockages_close_a_node_until_the_last_has_gone() -> None:
    for first, second in (((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,))):
        for ends in ((20.0, 40.0), (40.0, 20.0)):
            world = quiet(corridor(8))
            put(world, Blockage(first, 5.0, ends[0]), Blockage(second, 10.0, ends[1]), hours=10**6)
            for _ in range(100):
                world.step(WAIT)
                expected: set[int] = set()
                for nodes, start, end in ((first, 5.0, ends[0]), (second, 10.0, ends[1])):
                    if start <= world.time_s - 0.5 < end:
                        expected |= set(nodes)
                assert world.floor.blocked == expected, world.time_s


# Long times and large floors.


@BOTH
def test_a_world_a_year_later(engine: Literal["compiled", "readable"]) -> None:
    """Ticks beyond 2**31 would take 34 years; a year later everything goes on as before."""
    world = scene(open_grid(4, 9), [Agent(0, 8), Agent(8, 0)], 35, engine=engine)
    later = 63_072_000
    world.crowd.clock[TICK] = later
    world.crowd.agents.progress[:] = later
    world._next_event_s = float("inf")
    for _ in range(60):
        world._engine.run(1, goes_on=True)
    assert world.crowd.agents.trips.tolist()[:2] == [1, 1]


def districts(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    monkeypatch.setattr(floor_module, "DISTRICTS_FROM", 100)
    monkeypatch.setattr(floor_module, "DISTRICT", side)


def test_trips_stay_in_districts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A floor in 3 x 3 districts: nobody ever leaves its own, nor is sent out of it."""
    districts(monkeypatch, 9)
    stations = [r * 27 + c for r in (4, 13, 22) for c in (4, 13, 22)]
    layout = Layout(
        "wide", open_grid(27, 27), tuple(stations), tuple(n for n in range(1, 729, 5)
        if n not in stations), (0,), np.ones(729, dtype=np.float32),
    )  # fmt: skip
    hashes = []
    for engine in ("compiled", "readable"):
        world = World(
            layout, seed=2, workers=20, traffic=14, orders=[], blockages_per_hour=60.0,
            engine=engine,  # type: ignore[arg-type]
        )  # fmt: skip
        agents, home = world.crowd.agents, world.floor.district
        lives = home[agents.node[:-1]].copy()
        assert len(set(lives.tolist())) > 4
        rng = np.random.default_rng(1)
        for _ in range(900):
            world.step(any_action(world, rng))
            for nodes in (agents.node, agents.goal, agents.next_goal):
                assert (home[nodes[:-1]] == lives).all()
            going = agents.to[:-1] >= 0
            assert (home[agents.to[:-1][going]] == lives[going]).all()
        assert int(agents.trips.sum()) > 100
        assert world.meetings.contacts == 0
        hashes.append(world.trace_hash)
    assert hashes[0] == hashes[1]
    assert world.crowd.ways.fields.shape[1] == 81


def test_a_push_over_the_border_of_a_district_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    districts(monkeypatch, 12)
    monkeypatch.setattr(floor_module, "DISTRICTS_FROM", 10)
    world = scene(open_grid(1, 24), [Agent(10, 11), Agent(11, 11)], 23)
    world.step(WAIT)
    assert world.crowd.agents.to.tolist()[:2] == [-1, -1]
    assert world.crowd.ways.distance_mm(int(world.crowd.agents.slot[0]), 11) == 0


def test_too_many_walkers_for_the_districts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    districts(monkeypatch, 5)
    with pytest.raises(ValueError, match="400 walkers find no room"):
        World(furnished(open_grid(11, 11)), workers=400, orders=[])


def test_a_goal_with_no_way_is_far_and_not_an_error() -> None:
    world = quiet(corridor(6))
    world.floor.set_blocked([3])
    ways: Any = world.crowd.ways
    row = ways.hold(5, False)
    assert ways.distance_mm(row, 0) == FAR
