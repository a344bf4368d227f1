"""Queues at chargers: first come, first served, one at the plug, and places off the way."""

from __future__ import annotations

import dataclasses
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs import chargers
from envs.assumptions import Assumptions
from envs.battery import PROFILES
from envs.chargers import (
    ROBOT,
    ChargeCycle,
    ChargerQueues,
    Recharging,
    charge_times,
    check_range,
    waiting_places,
)
from envs.floor import Floor
from envs.layouts import Layout, built_in, fulfilment
from envs.world import World
from planners import cost_to_go

CHARGERS = (3, 8, 11)
PLACES = {3: (20, 21), 8: (30,), 11: ()}


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["join", "join", "leave"]), st.integers(0, 7),
            st.sampled_from(CHARGERS), st.integers(1, 50), st.integers(0, 20),
        ),
        max_size=80,
    )
)  # fmt: skip
@settings(max_examples=200)
def test_the_queues_agree_with_plain_lists(events: list[tuple[str, int, int, int, int]]) -> None:
    queues = ChargerQueues(dict.fromkeys(CHARGERS, 200.0), PLACES, tick_s=0.5)
    lists: dict[int, list[tuple[int, int]]] = {c: [] for c in CHARGERS}
    began, tick = dict.fromkeys(CHARGERS, 0), 0
    for kind, agent, charger, ticks, pause in events:
        tick += pause
        here = [c for c in CHARGERS if any(a == agent for a, _ in lists[c])]
        if kind == "join" and here and here[0] != charger:
            with pytest.raises(ValueError, match=f"agent {agent}.*{here[0]}"):
                queues.join(agent, charger, tick, ticks)
        elif kind == "join":
            queues.join(agent, charger, tick, ticks)
            if not here:
                began[charger] = began[charger] if lists[charger] else tick
                lists[charger].append((agent, ticks))
        else:
            queues.leave(agent, tick)
            for c in here:
                began[c] = tick if lists[c][0][0] == agent else began[c]
                lists[c] = [entry for entry in lists[c] if entry[0] != agent]
        check(queues, lists, began, tick)


def check(
    queues: ChargerQueues, lists: dict[int, list[tuple[int, int]]], began: dict[int, int], tick: int
) -> None:
    for c, entries in lists.items():
        agents = [agent for agent, _ in entries]
        turns = [agent for agent in range(8) if queues.may_enter(agent, c)]
        assert turns == agents[:1]  # at most one at the plug, the first who came
        assert all(queues.charger_of(agent) == c for agent in agents)
        left = [ticks for _, ticks in entries]
        wait = max(0, began[c] + left[0] - tick) + sum(left[1:]) if left else 0
        assert queues.wait_s(c, tick) == 0.5 * wait
        for k, agent in enumerate(agents):  # those behind do not count
            ahead = wait - sum(left[k:]) if k else 0
            assert queues.wait_s(c, tick, agent=agent) == 0.5 * ahead
        places = [queues.place(agent) for agent in agents]
        kept = [place for place in places if place is not None]
        assert len(kept) == len(set(kept)) and set(kept) <= set(PLACES[c])
        assert len(kept) == min(len(PLACES[c]), max(0, len(agents) - 1))
        assert queues.others(c, agents[0] if agents else 0) == max(0, len(agents) - 1)
    best, wait_s = queues.least_wait(tick)
    assert wait_s == min(queues.wait_s(c, tick) for c in CHARGERS) == queues.wait_s(best, tick)


def test_the_next_in_the_queue_has_its_turn_when_the_first_has_left() -> None:
    queues = ChargerQueues({5: 211.2}, {5: (9,)}, tick_s=0.5)
    for agent in (4, 1, 2):
        queues.join(agent, 5, 0, 100)
    assert [queues.place(agent) for agent in (4, 1, 2)] == [None, 9, None]
    assert queues.wait_s(5, 40) == 0.5 * (60 + 100 + 100)
    assert queues.wait_s(5, 400) == 0.5 * 200  # overdue, but it may leave at any moment
    assert queues.wait_s(5, 40, agent=4) == 0.0
    assert queues.wait_s(5, 40, agent=1) == 0.5 * 60
    assert queues.wait_s(5, 40, agent=2) == 0.5 * (60 + 100)
    queues.leave(4, 60)
    assert queues.may_enter(1, 5) and not queues.may_enter(2, 5)
    queues.leave(3, 60)  # in no queue
    queues.leave(1, 70)
    assert queues.may_enter(2, 5) and queues.free_place(5) == 9


def test_bad_chargers_are_refused_by_value() -> None:
    with pytest.raises(ValueError, match=r"node 7 has 0\.0 W"):
        ChargerQueues({7: 0.0}, tick_s=0.5)
    with pytest.raises(ValueError, match="no charger on node 6"):
        ChargerQueues({7: 10.0}, tick_s=0.5).join(0, 6, 0, 1)
    with pytest.raises(ValueError, match=r"every_s.*-1"):
        ChargeCycle(every_s=-1.0)


@pytest.mark.parametrize("layout", [built_in(), fulfilment(2, 3), built_in().as_graph()])
def test_waiting_places_close_no_aisle_even_all_at_once(layout: Layout) -> None:
    floor = Floor(layout, 0.5)
    places = waiting_places(layout, floor)
    everywhere = [node for nodes in places.values() for node in nodes]
    assert set(places) == set(layout.chargers)
    assert len(everywhere) == len(set(everywhere)) >= 2 * len(layout.chargers)
    assert not set(everywhere) & {*layout.stations, *layout.storage, *layout.chargers}
    for charger in layout.chargers:
        assert not set(floor.neighbours(charger)) & set(everywhere)
    closed = floor.map.with_blocked(np.array(everywhere), True)
    to_go = cost_to_go(closed, closed.label(layout.chargers[0])).values
    assert np.isfinite(to_go[[*layout.stations, *layout.storage, *layout.chargers]]).all()


def test_a_layouts_own_charger_powers_count() -> None:
    small = fulfilment(2, 3)
    floor, count = Floor(small, 0.5), len(small.chargers)
    fields = {field.name: getattr(small, field.name) for field in dataclasses.fields(small)}
    layout: Any = SimpleNamespace(**fields | {"charger_w": (500.0, *[None] * (count - 1))})
    queues = ChargerQueues.of(layout, floor, PROFILES["delivery"], 0.5)
    assert list(queues.power_w.values()) == [500.0, *[211.2] * (count - 1)]
    plain = ChargerQueues.of(small, floor, PROFILES["tiny"], 0.5)
    assert set(plain.power_w.values()) == {60.0}


def test_traffic_robots_charge_by_their_own_streams() -> None:
    cycle = ChargeCycle()
    first = [next(charge_times(3, robot, 0.5, cycle)) for robot in range(200)]
    due_s = np.array([tick * 0.5 for tick, _ in first])
    assert due_s.min() >= 0 and due_s.max() < cycle.every_s
    assert np.histogram(due_s, bins=4, range=(0, cycle.every_s))[0].min() > 25  # staggered
    assert {ticks for _, ticks in first} == {4800}
    times = list(islice(charge_times(3, 7, 0.5, cycle), 4))
    assert np.diff([tick for tick, _ in times]).tolist() == [28_800] * 3
    assert times[0] == first[7] != next(charge_times(4, 7, 0.5, cycle))


# Batteries that are too small.


def test_a_battery_that_could_never_serve_an_order_is_refused_with_numbers() -> None:
    layout = fulfilment(2, 3)
    profile = dataclasses.replace(PROFILES["delivery"], capacity_wh=0.2)
    with pytest.raises(ValueError, match=r"too small for fulfilment: 0\.2 Wh less 0\.02 Wh"):
        World(layout, profile=profile, workers=0)
    World(layout, profile=profile, workers=0, orders=[(layout.chargers[0],)])  # a list may suit


@given(capacity_wh=st.floats(0.05, 3.0))
@settings(max_examples=30, deadline=None)
def test_what_is_refused_could_indeed_never_be_served(capacity_wh: float) -> None:
    layout = fulfilment(2, 3)
    floor, profile = Floor(layout, 0.5), PROFILES["delivery"]
    small = dataclasses.replace(profile, capacity_wh=capacity_wh)
    to_go = [cost_to_go(layout.map, layout.map.label(c)).values for c in layout.chargers]
    nearest_m = np.min(to_go, axis=0)[list(layout.storage)].min()
    least_wh = small.trip_wh(2 * nearest_m, 2 * nearest_m / small.speed_m_s)
    try:
        check_range(layout, floor, small, layout.chargers[0], 0.1 * capacity_wh)
    except ValueError:
        assert least_wh > 0.9 * capacity_wh


# Traffic robots.


def test_traffic_robots_queue_charge_and_go_on() -> None:
    layout = fulfilment(3, 5)
    layout = dataclasses.replace(layout, chargers=layout.chargers[:2])
    cycle = ChargeCycle(every_s=700.0, for_s=90.0, patience_s=600.0, retry_s=60.0)
    world = World(
        layout, seed=2, workers=3, traffic=10, start=layout.stations[-1], blockages_per_hour=0.0,
        orders=[], assumptions=Assumptions(charge_cycle=cycle),
    )  # fmt: skip
    agents, queues = world.crowd.agents, world.chargers
    visits: list[int] = []
    last: dict[int, int] = {}
    plugged, longest = dict.fromkeys(layout.chargers, 0), 0
    for _ in range(7200):
        world.step()
        nodes, moving, goals = agents.node.tolist(), agents.to.tolist(), agents.goal.tolist()
        for agent in range(3, 13):
            node = nodes[agent]
            if node in plugged and moving[agent] < 0 and goals[agent] == node:
                assert queues.may_enter(agent - 3, node)
                plugged[node] += 1
                if last.get(node) != agent:
                    visits.append(agent)
                last[node] = agent
        longest = max(longest, *(queues.others(c, ROBOT) for c in layout.chargers))
    assert set(visits) == set(range(3, 13))  # everybody had its turn
    assert longest >= 2
    assert sum(plugged.values()) >= 0.8 * 180 * len(visits) >= 0.8 * 180 * 20
    assert world.meetings.contacts == 0


def test_an_impatient_traffic_robot_works_on_and_asks_again() -> None:
    cycle = ChargeCycle(every_s=100.0, for_s=50.0, patience_s=30.0, retry_s=10.0)
    queues = ChargerQueues({5: 211.2}, tick_s=0.5)
    robot = Recharging(queues, 1, seed=0, tick_s=0.5, cycle=cycle)
    queues.join(0, 5, 0, 400)
    assert robot.due(300) is None and queues.charger_of(1) is None  # 50 s to wait
    assert robot.due(319) is None  # it does not ask yet
    assert robot.due(345) is None and queues.charger_of(1) == 5  # 27.5 s: in the queue
    queues.leave(0, 380)
    assert robot.due(382) == (5, 100)  # planned while the trip before is under way
    robot.trip_begins(400)  # to the plug
    assert robot.due(400) is None and queues.charger_of(1) == 5
    robot.trip_begins(520)  # charged, and on its way to the next goal
    assert queues.charger_of(1) is None


def test_a_robot_that_is_due_at_once_charges_first_and_frees_the_plug_as_it_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chargers, "charge_times", lambda *_: iter([(0, 60), (10**9, 60)]))
    layout = fulfilment(3, 5)
    layout = dataclasses.replace(layout, chargers=layout.chargers[:1])
    world = World(
        layout, seed=1, workers=0, traffic=1, start=layout.stations[-1], blockages_per_hour=0.0,
        orders=[],
    )  # fmt: skip
    (plug,), agents, queues = layout.chargers, world.crowd.agents, world.chargers
    assert agents.goal[0] == plug
    seen = []
    for _ in range(1200):
        world.step()
        here = agents.node[0] == plug and agents.to[0] < 0
        seen.append((here and agents.busy_until[0] > world.tick, queues.charger_of(0) == plug))
    charged = [tick for tick, (charges, _) in enumerate(seen) if charges]
    assert len(charged) == 60
    assert all(held for _, held in seen[: charged[-1]])
    assert not any(held for _, held in seen[charged[-1] + 4 :])
