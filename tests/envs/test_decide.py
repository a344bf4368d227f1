"""Who may go where: the cases that the rules exist for, and what holds in any crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from envs_worlds import Agent, open_grid, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from envs import rules
from envs.crowd import MAX_PUSHES, Crowd
from envs.kernels import resolve
from envs.kernels.state import PERSON, ROBOT, TICK, WALLS
from envs.kernels.walk import is_sound
from envs.world import World
from planners import GridMap

ENGINES = pytest.mark.parametrize("engine", ["compiled", "readable"])


@dataclass
class Outcome:
    """What one turn decided: agent -> node entered now, who queues, where the robot is pushed."""

    moves: dict[int, int]
    queued: set[int]
    pushed: int


def turn(world: World, offers: bool = False) -> Outcome:
    """One tick of a scene; edges are longer than anybody walks in it, so that starts show."""
    crowd = world.crowd
    before, blocked = crowd.agents.to.copy(), crowd.agents.blocked.copy()
    waited = crowd.agents.waited.copy()
    world._engine.run(1, goes_on=True, offers=offers)
    moves = np.flatnonzero((before[:-1] < 0) & (crowd.agents.to[:-1] >= 0)).tolist()
    waits = np.flatnonzero(crowd.agents.waited > waited).tolist()
    return Outcome(
        {i: int(crowd.agents.to[i]) for i in moves},
        {i for i in waits if crowd.agents.blocked[i] == blocked[i]},
        world._engine.pushed_to,
    )


def line(*agents: Agent, size: int, robot: int, engine: str) -> Outcome:
    return turn(scene(open_grid(1, size), agents, robot, engine=engine))


# The cases.


@ENGINES
def test_head_on_the_first_pushes_the_second_back(engine: str) -> None:
    found = line(Agent(3, 6), Agent(4, 1), size=8, robot=7, engine=engine)
    assert (found.moves, found.queued) == ({1: 5}, {0})


@ENGINES
def test_a_push_runs_through_a_whole_queue(engine: str) -> None:
    queue = [Agent(1, 6), Agent(2, 1), Agent(3, 1), Agent(4, 1)]
    found = line(*queue, size=8, robot=7, engine=engine)
    assert (found.moves, found.queued) == ({3: 5}, {0, 1, 2})


@ENGINES
def test_nobody_can_be_pushed_through_a_dead_end(engine: str) -> None:
    found = line(Agent(2, 3), Agent(3, 0), size=4, robot=1, engine=engine)
    assert (found.moves, found.queued) == ({}, set())


@ENGINES
def test_a_node_that_is_being_left_is_queued_for(engine: str) -> None:
    found = line(Agent(1, 6), Agent(2, 6, to=3), size=8, robot=7, engine=engine)
    assert (found.moves, found.queued) == ({}, {0})


@ENGINES
def test_nobody_queues_for_a_node_that_is_being_entered(engine: str) -> None:
    found = line(Agent(4, 0), Agent(2, 6, to=3), size=8, robot=7, engine=engine)
    assert (found.moves, found.queued) == ({}, set())
    square = scene(open_grid(2, 3), [Agent(1, 3), Agent(4, 2, to=3)], 5, engine=engine)
    assert turn(square).moves == {0: 0}, "two ways are alike: the free one"


@ENGINES
def test_the_elder_trip_goes_first_and_people_before_robots(engine: str) -> None:
    both = [Agent(1, 2), Agent(3, 2)]
    for since, first in (((0, 5), 0), ((5, 0), 1)):
        world = scene(open_grid(1, 6), both, 5, engine=engine)
        world.crowd.agents.since[:2] = since
        assert turn(world).moves.get(first) == 2
    mixed = scene(open_grid(1, 6), [Agent(1, 2), Agent(3, 2, person=False)], 5, engine=engine)
    mixed.crowd.agents.since[:2] = (5, 0)
    assert turn(mixed).moves[0] == 2


@ENGINES
def test_traffic_decides_on_even_ticks_and_when_pushed(engine: str) -> None:
    for tick, moves in ((0, {0: 2}), (1, {}), (2, {0: 2})):
        world = scene(open_grid(1, 6), [Agent(1, 4, person=False)], 5, engine=engine)
        world.crowd.clock[TICK] = tick
        assert turn(world).moves == moves
    world = scene(open_grid(1, 6), [Agent(1, 4), Agent(2, 1, person=False)], 5, engine=engine)
    world.crowd.clock[TICK] = 1
    assert turn(world).moves == {1: 3}


@ENGINES
def test_a_closed_node_is_walked_round_and_teaches(engine: str) -> None:
    world = scene(open_grid(2, 4), [Agent(0, 3)], 7, closed=[1], engine=engine)
    assert turn(world).moves == {0: 4}
    world = scene(open_grid(2, 4), [Agent(0, 3)], 7, engine=engine)
    world.floor.set_blocked([1])
    world.crowd.note_walls()
    assert turn(world).moves != {0: 1}
    assert world.crowd.agents.walls[0] == world.crowd.clock[WALLS], "it has a new way"


@ENGINES
def test_the_controlled_robot_is_pushed_only_while_it_offers(engine: str) -> None:
    for offers, pushed, queued in ((False, -1, set()), (True, 3, {0})):
        world = scene(open_grid(1, 5), [Agent(1, 4)], 2, engine=engine)
        found = turn(world, offers)
        assert (found.pushed, found.queued) == (pushed, queued)


@ENGINES
def test_robots_push_no_people_even_when_they_are_pushed_themselves(engine: str) -> None:
    world = scene(
        open_grid(1, 7), [Agent(0, 5), Agent(2, 0), Agent(1, 0, person=False)], 6, engine=engine
    )
    found = turn(world)
    assert found.queued == set()
    assert found.moves == {}


def test_without_that_rule_a_robot_would_push_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules._Turn, "_may_push", lambda self, i, other: True)
    agents = [Agent(0, 5), Agent(2, 0), Agent(1, 0, person=False)]
    world = scene(open_grid(1, 7), agents, 6, engine="readable")
    assert turn(world).moves == {1: 3}


@ENGINES
@pytest.mark.parametrize("count", [MAX_PUSHES, MAX_PUSHES + 1, MAX_PUSHES + 2])
def test_a_chain_of_pushes_ends_somewhere(engine: str, count: int) -> None:
    queue = [Agent(k, count + 5 if k == 0 else 0) for k in range(count)]
    world = scene(open_grid(1, count + 7), queue, count + 6, engine=engine)
    found = turn(world)
    assert is_sound(world.crowd.agents, world.crowd.holder, world.crowd.clock)
    if count <= MAX_PUSHES + 1:
        assert (found.moves, found.queued) == ({count - 1: count}, set(range(count - 1)))
    else:
        assert 0 not in found.queued


# Any crowd.


@st.composite
def crowds(draw: st.DrawFn) -> tuple[GridMap, list[Agent], int, list[int], bool]:
    """A crowded rectangle: people and traffic, standing, busy, or on an edge; closed nodes."""
    rows, cols = draw(st.integers(1, 5)), draw(st.integers(2, 5))
    grid = open_grid(rows, cols)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes = rng.permutation(grid.size).tolist()
    robot, *rest = nodes
    count = int(rng.integers(0, len(rest) + 1))
    free = set(rest[count:])
    closed = [n for n in rest[count:] if rng.random() < 0.1]
    free -= set(closed)
    agents = []
    for node in rest[:count]:
        near = [n for n in grid.successors(node)[0].tolist() if n in free]
        to = -1
        if near and rng.random() < 0.25:
            to = int(rng.choice(near))
            free.discard(to)
        goal, person = int(rng.integers(grid.size)), bool(rng.random() < 0.5)
        agents.append(Agent(node, goal, person, to, to < 0 and bool(rng.random() < 0.2)))
    agents.sort(key=lambda agent: not agent.person)
    return grid, agents, robot, closed, bool(rng.integers(2))


Scene = tuple[GridMap, list[Agent], int, list[int], bool]


@given(crowds())
@settings(max_examples=150)
def test_moves_enter_free_nodes_once_and_whoever_is_busy_stays(case: Scene) -> None:
    grid, agents, robot, closed, offers = case
    world = scene(grid, agents, robot, closed)
    holder = world.crowd.holder.copy()
    found = turn(world, offers)
    targets = [*found.moves.values(), *([found.pushed] if found.pushed >= 0 else [])]
    assert len(set(targets)) == len(targets)
    assert all(holder[node] < 0 for node in targets)
    assert not set(targets) & set(closed)
    for i, node in found.moves.items():
        assert agents[i].to < 0
        assert not agents[i].busy
        assert node in grid.successors(agents[i].node)[0].tolist()
    assert found.pushed < 0 or offers
    assert is_sound(world.crowd.agents, world.crowd.holder, world.crowd.clock)


@given(crowds())
@settings(max_examples=150)
def test_both_engines_decide_alike(case: Scene) -> None:
    grid, agents, robot, closed, offers = case
    worlds = [
        scene(grid, agents, robot, closed, engine=engine) for engine in ("compiled", "readable")
    ]
    found = [turn(world, offers) for world in worlds]
    assert found[0] == found[1]
    crowds = [world.crowd for world in worlds]
    assert crowds[0].rows.tolist() == crowds[1].rows.tolist()
    assert crowds[0].holder.tolist() == crowds[1].holder.tolist()


@given(crowds())
@settings(max_examples=100)
def test_the_first_gets_its_best_wish_if_that_node_is_free(case: Scene) -> None:
    """Whoever has the highest priority goes a step nearer, unless all such steps are taken."""
    grid, agents, robot, closed, _ = case
    world = scene(grid, agents, robot, closed)
    ready = [i for i, a in enumerate(agents) if a.to < 0 and not a.busy and a.node != a.goal]
    if not ready:
        return
    first, field = ready[0], world.crowd.ways.fields[world.crowd.agents.slot[ready[0]]].copy()
    agent, holder = agents[first], world.crowd.holder.copy()
    around = [n for n in grid.successors(agent.node)[0].tolist() if not world.crowd.floor.closed[n]]
    best = min((int(field[n]) for n in around), default=field[agent.node])
    if best >= field[agent.node]:
        return
    free = [n for n in around if field[n] == best and holder[n] < 0]
    found = turn(world)
    if free and holder[agent.goal] < 0:  # else the mouth of a dead end is left free
        assert found.moves[first] in free


@given(crowds())
@settings(max_examples=100)
def test_who_pushes_whom(case: Scene) -> None:
    """People push robots, robots never people, and nobody pushes who is busy or moving."""
    grid, agents, robot, closed, offers = case
    pushes: list[tuple[int, int]] = []
    decide = rules._Turn.decide

    def watched(self: Any, i: int, depth: int) -> bool:
        if depth:
            pushes.append((chain[-1], i))
        chain.append(i)
        found = decide(self, i, depth)
        chain.pop()
        return found

    chain: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules._Turn, "decide", watched)
        world = scene(grid, agents, robot, closed, engine="readable")
        turn(world, offers)
    kind = world.crowd.agents.kind
    for pusher, other in pushes:
        assert not (kind[pusher] != PERSON and kind[other] == PERSON)
        if kind[other] == ROBOT:
            assert offers
        else:
            assert agents[other].to < 0
            assert not agents[other].busy


class Forgetful(set[int]):
    """A set of claims that never remembers one."""

    def __contains__(self, node: object) -> bool:
        return False


def test_without_claims_two_enter_one_node_and_the_check_sees_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = rules._Turn.__init__

    def forgetful(self: Any, crowd: Crowd) -> None:
        made(self, crowd)
        self.claimed = Forgetful()

    agents: Sequence[Agent] = [Agent(1, 3), Agent(3, 1)]
    sound = scene(open_grid(1, 6), agents, 5, engine="readable")
    assert turn(sound).moves == {0: 2}
    monkeypatch.setattr(rules._Turn, "__init__", forgetful)
    world = scene(open_grid(1, 6), agents, 5, engine="readable")
    with pytest.raises(AssertionError, match="share a node"):
        turn(world)


def test_without_the_wait_for_a_mover_two_would_share_a_node() -> None:
    """An agent that entered a node in the tick in which it is left would stand in it with two."""
    world = scene(open_grid(1, 6), [Agent(1, 4), Agent(2, 4, to=3)], 5)
    agents = world.crowd.agents
    resolve.start_move(
        world.crowd.floor.arrays, agents, world.crowd.holder, world.crowd.clock, 0, 2
    )
    assert not is_sound(agents, world.crowd.holder, world.crowd.clock)


@ENGINES
def test_who_waits_for_an_occupied_dead_end_leaves_its_mouth_free(engine: str) -> None:
    """Whoever works in the dead end gets out past the robot that waits for it."""
    robot = Agent(6, 7, person=False)
    inside = Agent(7, 3, person=False, busy=True)
    world = scene(open_grid(1, 8), [robot, inside], 0, engine=engine)
    assert turn(world).moves == {0: 5}
    through = scene(open_grid(2, 8), [robot, inside], 0, engine=engine)
    assert turn(through).moves == {}, "there is another way out"
    person = scene(open_grid(1, 8), [Agent(6, 7), inside], 0, engine=engine)
    assert turn(person).moves == {}, "a person reaches past"
