"""The resolver's guarantees on random scenes, and the cases that it exists for."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from envs.resolver import Resolution, resolve

Scene = dict[str, Any]


def neighbours(node: int, side: int) -> list[int]:
    row, col = divmod(node, side)
    steps = ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1))
    return [r * side + c for r, c in steps if 0 <= r < side and 0 <= c < side]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """A crowded square: standing agents, agents on an edge, walls that never move."""
    side = draw(st.integers(2, 5))
    nodes = draw(st.permutations(range(side * side)))
    count = draw(st.integers(1, side * side - 1))
    at = dict(enumerate(nodes[:count]))
    holder = {node: agent for agent, node in at.items()}
    vacating: dict[int, int] = {}
    movers: set[int] = set()
    for agent in range(count):
        free = [n for n in neighbours(at[agent], side) if n not in holder]
        if free and draw(st.booleans()) and draw(st.booleans()):
            holder[draw(st.sampled_from(free))] = agent
            vacating[at[agent]] = agent
            movers.add(agent)
    walls = {a for a in at if a not in movers and draw(st.integers(0, 4)) == 0}
    ready = [a for a in at if a not in movers | walls]
    wishes = {
        a: draw(st.permutations([at[a], *neighbours(at[a], side)])) for a in at if a not in movers
    }
    return {
        "order": draw(st.permutations(ready)),
        "at": at,
        "holder": holder,
        "vacating": vacating,
        "wishes": wishes,
        "walls": walls | movers,
    }


def run(scene: Scene) -> Resolution:
    return resolve(
        scene["order"],
        at=scene["at"],
        holder=scene["holder"],
        vacating=scene["vacating"],
        wishes=lambda agent: scene["wishes"][agent],
        may_push=lambda agent, other: other not in scene["walls"],
    )


@given(scenes())
@settings(max_examples=150, deadline=None)
def test_moves_enter_free_nodes_once_and_walls_stay(scene: Scene) -> None:
    result = run(scene)
    targets = list(result.moves.values())
    assert len(set(targets)) == len(targets)
    assert not set(targets) & set(scene["holder"])
    assert not set(result.moves) & scene["walls"]
    assert not set(result.moves) & result.queued
    for agent, node in result.moves.items():
        assert node in scene["wishes"][agent]


@given(scenes())
@settings(max_examples=150, deadline=None)
def test_the_first_gets_its_best_wish_if_that_node_is_free(scene: Scene) -> None:
    if not scene["order"]:
        return
    first = scene["order"][0]
    best = scene["wishes"][first][0]
    if best not in scene["holder"]:
        assert run(scene).moves[first] == best


@given(scenes())
@settings(max_examples=60, deadline=None)
def test_the_same_scene_has_one_resolution(scene: Scene) -> None:
    once, again = run(scene), run(scene)
    assert (once.moves, once.queued) == (again.moves, again.queued)


def line(order: list[int], at: dict[int, int], goals: dict[int, int], size: int) -> Resolution:
    def wishes(agent: int) -> list[int]:
        here = at[agent]
        around = [n for n in (here - 1, here, here + 1) if 0 <= n < size]
        return sorted(around, key=lambda n: (abs(n - goals[agent]), n))

    return resolve(
        order,
        at=at,
        holder={node: agent for agent, node in at.items()},
        vacating={},
        wishes=wishes,
        may_push=lambda agent, other: True,
    )


def test_head_on_the_first_pushes_the_second_back() -> None:
    result = line([0, 1], at={0: 2, 1: 3}, goals={0: 5, 1: 0}, size=6)
    assert result.moves == {1: 4}
    assert result.queued == {0}


def test_a_push_runs_through_a_whole_queue() -> None:
    at = {0: 0, 1: 1, 2: 2, 3: 3}
    result = line([0, 1, 2, 3], at=at, goals={0: 5, 1: 0, 2: 0, 3: 0}, size=6)
    assert result.moves == {3: 4}
    assert result.queued == {0, 1, 2}


def test_nobody_can_be_pushed_through_a_dead_end() -> None:
    result = line([0, 1], at={0: 2, 1: 3}, goals={0: 3, 1: 0}, size=4)
    assert result.moves == {}
    assert result.queued == set()


def test_a_node_that_is_being_left_is_waited_for() -> None:
    result = resolve(
        [0],
        at={0: 0, 1: 1},
        holder={0: 0, 1: 1, 2: 1},
        vacating={1: 1},
        wishes=lambda agent: [1, 0],
        may_push=lambda agent, other: False,
    )
    assert (result.moves, result.queued) == ({}, {0})


def test_nobody_waits_for_a_node_that_is_being_entered() -> None:
    result = resolve(
        [0],
        at={0: 3, 1: 1},
        holder={3: 0, 1: 1, 2: 1},
        vacating={1: 1},
        wishes=lambda agent: [2, 4, 3],
        may_push=lambda agent, other: False,
    )
    assert result.moves == {0: 4}
