"""The robot at chargers: it queues, makes room, chooses, turns back in time, and learns."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.assumptions import Assumptions
from envs.battery import MJ_PER_WH, PROFILES
from envs.chargers import ROBOT, ChargeCycle
from envs.driver import Driver, PlannerSettings
from envs.episode import Episode, run_episode
from envs.layouts import Layout, fulfilment
from envs.world import World
from planners import GridMap
from planners.tasks import ChargeRule, Threshold, make_chooser

SMALL = fulfilment(2, 3)
ONE_CHARGER = replace(SMALL, chargers=SMALL.chargers[:1])
CHARGER = ONE_CHARGER.chargers[0]
OTHER = 40  # an agent that nobody sees


def quiet(layout: Any = ONE_CHARGER, **options: Any) -> World:
    defaults = {"workers": 0, "blockages_per_hour": 0.0, "orders": [], "profile": "fast"}
    return World(layout, **{**defaults, **options})


def drive(
    world: World, seconds: float, each: Callable[[World], None] = lambda world: None, **options: Any
) -> Episode:
    rule = options.get("rule", ChargeRule())
    settings = PlannerSettings(charge_rule=rule)
    chooser = make_chooser("utility", charge_rule=rule)
    return run_episode(world, chooser, settings, seconds=seconds, on_tick=each)


def events(episode: Episode, name: str) -> list[dict[str, Any]]:
    return [row for row in episode.rows if row["event"] == name]


def test_the_robot_waits_off_the_charger_until_its_turn() -> None:
    world = quiet(initial_soc=0.3, start=SMALL.stations[-1])
    world.chargers.join(OTHER, CHARGER, 0, 1200)
    seen: list[tuple[float, int]] = []

    def look(now: World) -> None:
        if now.time_s == 300.0:
            now.chargers.leave(OTHER, now.tick)
        seen.append((now.time_s, now.robot.node))

    episode = drive(world, 500.0, look)
    waited = {node for time_s, node in seen if 200.0 < time_s <= 300.0}
    places = {node for nodes in world.chargers._free.values() for node in nodes}
    assert len(waited) == 1 and waited <= places
    assert all(node != CHARGER for time_s, node in seen if time_s <= 300.0)
    assert seen[-1][1] == CHARGER and world.robot.charging
    (begun,) = events(episode, "charge")
    assert begun["time_s"] > 300.0
    wait_s = episode.summary["charger_wait_s"]
    assert 150.0 < wait_s <= 300.0
    assert episode.summary["charges"] == 1
    assert world.chargers.charger_of(-1) == CHARGER


def test_without_a_queue_nobody_waits() -> None:
    episode = drive(quiet(initial_soc=0.3, start=SMALL.stations[-1]), 300.0)
    assert episode.summary["charger_wait_s"] == 0.0
    assert episode.summary["charges"] == 1


def test_the_nearest_charger_is_left_alone_where_its_queue_is_long() -> None:
    near = SMALL.chargers[0]
    goals = {}
    for queue_s in (0.0, 3600.0):
        world = quiet(SMALL, initial_soc=0.3, start=SMALL.stations[0])
        if queue_s:
            world.chargers.join(OTHER, near, 0, round(queue_s / 0.5))
        episode = drive(world, 150.0)
        goals[queue_s] = events(episode, "charge")[0]["node"]
        assert episode.summary["charger_wait_s"] == 0.0
    assert goals[0.0] == near != goals[3600.0]


def test_an_idle_robot_makes_room_at_the_plug() -> None:
    world = quiet(initial_soc=0.9)
    where = []

    def look(now: World) -> None:
        if now.time_s == 30.0:
            now.chargers.join(OTHER, CHARGER, now.tick, 600)
        where.append(now.robot.node)

    drive(world, 120.0, look)
    assert where[40] == CHARGER
    assert where[-1] in world.chargers._free[CHARGER]
    assert world.chargers.may_enter(OTHER, CHARGER)


def test_a_place_that_cannot_be_reached_is_given_up_once_and_not_again() -> None:
    """Somebody stands on it for good: off the plug the robot is in nobody's way where it is."""
    world = quiet(initial_soc=0.9, workers=1)
    place = world.chargers.free_place(CHARGER)
    assert place is not None
    agents, holder = world.crowd.agents, world.crowd.holder
    holder[agents.node[0]], holder[place] = -1, 0
    agents.node[0], (agents.x_m[0], agents.y_m[0]) = place, world.floor.xy(place)
    agents.goal[0], agents.busy_until[0] = place, 10**9
    world.chargers.join(OTHER, CHARGER, 0, 10**6)
    episode = drive(world, 900.0)
    assert world.robot.node not in (CHARGER, place)
    assert episode.summary["give_ups"] == 1


def test_after_charging_the_plug_is_given_back() -> None:
    world = quiet(initial_soc=0.88, orders=[(SMALL.storage[-1], SMALL.stations[-1])])
    world.robot.battery.drain(round(0.5 * world.robot.battery.capacity_mj))
    rule = Threshold(low_soc=0.5, top_up_soc=0.0)
    driver = Driver(world, make_chooser("utility", charge_rule=rule), PlannerSettings())
    held = []
    while world.tick < 12_000 and world.book.taken is None:
        world.step(driver.action())
        held.append(world.chargers.charger_of(-1))
    assert held[10] == CHARGER
    assert world.robot.battery.soc == pytest.approx(0.9, abs=0.01)
    for _ in range(60):
        world.step(driver.action())
    assert world.robot.node != CHARGER and world.chargers.charger_of(-1) is None


# Turning back.


def far_order() -> list[tuple[int, ...]]:
    return [(SMALL.storage[-1], SMALL.stations[-1])]


def leak(at_s: float, to_wh: float) -> Callable[[World], None]:
    """Something unforeseen takes charge at a moment; the books stay right."""

    def look(now: World) -> None:
        if now.time_s == at_s:
            now.robot.battery.drain(now.robot.battery.charge_mj - round(to_wh * MJ_PER_WH))

    return look


@pytest.mark.parametrize("rule", [ChargeRule(), Threshold(low_soc=0.25, top_up_soc=0.0)])
def test_a_robot_that_runs_low_on_its_way_turns_back_and_a_threshold_strands(
    rule: ChargeRule,
) -> None:
    profile = replace(PROFILES["fast"], capacity_wh=4.0)
    world = quiet(orders=far_order(), profile=profile)
    episode = drive(world, 200.0, leak(18.0, 1.25), rule=rule)
    turned = isinstance(rule, Threshold) is False
    assert episode.summary["aborts"] == int(turned)
    assert episode.summary["strandings"] == int(not turned)
    if turned:
        (row,) = events(episode, "abort")
        assert re.fullmatch(
            r"turning back: [\d.]+ Wh left, [\d.]+ Wh predicted to charger-1, "
            r"1\.20 times that to be safe",
            row["reason"],
        )
        assert episode.summary["charges"] == 1
        decided = events(episode, "decision")[1]
        assert (decided["kind"], decided["decided_by"]) == ("charge", "reserve")
        assert [order.id for order in world.book.open(world.time_s)] == ["O1"] or (
            world.book.taken is not None
        )


def test_nobody_turns_back_without_need() -> None:
    episode = drive(quiet(orders=far_order()), 300.0)
    assert episode.summary["aborts"] == 0
    assert episode.summary["deliveries"] == 1


def test_a_queue_that_grows_on_the_way_turns_the_robot_back() -> None:
    """Waiting draws as well: what was enough for a free plug is not for one taken for long."""
    profile = replace(PROFILES["fast"], capacity_wh=12.0, ambient_w=100.0)
    aborts = {}
    for queue_s in (0.0, 290.0):

        def join(now: World, queue_s: float = queue_s) -> None:
            if now.time_s == 15.0 and queue_s:
                now.chargers.join(OTHER, CHARGER, now.tick, round(queue_s / 0.5))
            if queue_s and now.time_s == 15.0 + queue_s:
                now.chargers.leave(OTHER, now.tick)

        world = quiet(orders=far_order(), profile=profile, initial_soc=0.9)
        summary = drive(world, 600.0, join).summary
        aborts[queue_s] = summary["aborts"]
        assert summary["strandings"] == 0
    assert aborts == {0.0: 0, 290.0: 1}


def test_turning_back_is_seldom_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way can only grow as fast as energy is drained: most ticks need no search."""
    world = quiet(orders=far_order())
    driver = Driver(world, make_chooser("utility"), PlannerSettings())
    looks = []
    inner = driver._charging._look
    monkeypatch.setattr(driver._charging, "_look", lambda: looks.append(world.tick) or inner())
    for _ in range(400):
        world.step(driver.action())
    assert world.tally.delivery_times_s
    assert len(looks) <= 3


# Learning.


def test_the_margin_is_learned_from_whole_tasks() -> None:
    world = quiet(orders=far_order(), initial_soc=0.6)
    episode = drive(world, 300.0)
    (decision, *_) = (row for row in events(episode, "decision") if row["kind"] == "order")
    assert episode.summary["deliveries"] == 1 and decision["goal"] == "O1"
    # The first guess, the order, and the way to charge if the robot went there.
    assert 2 <= len(world.robot._needed) <= 3
    assert world.robot.margin == max(world.robot._needed) >= 1.2


def test_a_task_that_took_more_raises_the_margin() -> None:
    world = quiet(orders=far_order())
    drive(world, 200.0, leak(20.0, 700.0))
    assert world.robot.margin == 3.0  # over 100 Wh more than predicted: the most it may be


# Worlds in which nothing can be served.


def test_orders_beyond_the_battery_are_refused_counted_and_never_hang() -> None:
    profile = replace(PROFILES["fast"], capacity_wh=1.0)
    world = quiet(orders=far_order(), profile=profile)
    episode = drive(world, 900.0)
    assert episode.summary["deliveries"] == 0
    assert episode.summary["refusals"] == {"full_battery": 1}
    assert episode.summary["strandings"] == 0  # it waits at its charger, and tops up
    reasons = [row["reason"] for row in events(episode, "decision") if row["kind"] == "wait"]
    assert "cannot be served on a full battery from charger-1 either" in reasons[0]


def test_a_charger_believed_to_be_cut_off_is_a_counted_refusal_and_no_hang() -> None:
    world = quiet(orders=far_order(), start=SMALL.stations[-1])
    world.step()
    for node in world.floor.neighbours(CHARGER):
        world.belief.bump(node, world.time_s)
    episode = drive(world, 900.0)
    first = events(episode, "decision")[0]
    assert (first["kind"], first["refused"]) == ("wait", [["O1", "no_charger"]])
    assert first["reason"].endswith("O1 ends where no charger can be reached from")
    assert episode.summary["refusals"] == {"no_charger": 1}
    assert episode.summary["deliveries"] == 1  # once belief has faded


def test_a_floor_whose_charger_nobody_can_leave_is_refused_when_it_is_made() -> None:
    one_way = np.full((1, 5), 0b0000_0100, dtype=np.uint8)  # eastward only
    grid = GridMap(np.zeros((1, 5), dtype=bool), moves="four", one_way=one_way)
    with pytest.raises(ValueError, match="cut off"):
        Layout("line", grid, (0,), (2,), (4,), np.ones(5, dtype=np.float32))


def test_a_long_shift_on_a_small_battery_strands_nobody() -> None:
    profile = replace(PROFILES["delivery"], capacity_wh=12.0, charge_w=200.0)
    world = World(ONE_CHARGER, seed=5, workers=8, profile=profile, traffic=3)
    episode = drive(world, 1800.0)
    summary = episode.summary
    assert summary["strandings"] == 0
    assert summary["charges"] >= 2 and summary["deliveries"] >= 3
    assert summary["refusals"]["battery"] >= 1
    assert math.isfinite(summary["charger_wait_s"])


def test_the_robot_shares_a_charger_with_traffic_robots() -> None:
    layout = fulfilment(3, 5)
    layout = replace(layout, chargers=layout.chargers[:1])
    profile = replace(PROFILES["delivery"], capacity_wh=40.0, charge_w=300.0)
    cycle = ChargeCycle(every_s=2400.0, for_s=240.0)
    world = World(
        layout, seed=1, workers=4, traffic=5, profile=profile, initial_soc=0.6,
        assumptions=Assumptions(charge_cycle=cycle),
    )  # fmt: skip
    (charger,), on_it = layout.chargers, []

    def look(now: World) -> None:
        agents = now.crowd.agents
        here = [a for a, node in enumerate(agents.node.tolist()) if node == charger]
        assert len(here) <= 1
        if now.robot.charging:
            assert here == [now.crowd.n] and now.chargers.may_enter(ROBOT, charger)
        on_it.extend(here)

    summary = drive(world, 5400.0, look).summary
    assert summary["strandings"] == summary["contacts"] == 0
    assert summary["charges"] >= 2 and summary["charger_wait_s"] > 0.0
    assert len(set(on_it)) >= 4  # traffic robots and the robot, each in its turn
    assert summary["deliveries"] >= 5
