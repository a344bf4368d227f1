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
from envs.driver import Driver, PlannerSettings, snapshot_of
from envs.episode import Episode, run_episode
from envs.layouts import Layout, fulfilment
from envs.orders import ListBook
from envs.robot import START_DELAY
from envs.world import World
from planners import GridMap
from planners.tasks import ChargeRule, Decision, Order, Snapshot, Threshold, make_chooser
from planners.tasks.plans import Plan, Stop

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


# Plans that begin with charging.


class Scripted:
    """Sends the robot to charge by a plan, to a level; takes an order where one is open."""

    name = "scripted"

    def __init__(self, to_soc: float | None, planned: bool = True) -> None:
        self.to_soc, self.planned = to_soc, planned
        self.asked: list[tuple[float, int]] = []

    def describe(self) -> str:
        return "a script decides"

    def choose(self, snapshot: Snapshot) -> Decision:
        self.asked.append((snapshot.time_s, len(snapshot.orders)))
        if snapshot.orders:
            return Decision("order", snapshot.orders[0].id, self.name, "it is there")
        stop = Stop("charge", CHARGER, charger="charger-1", to_soc=self.to_soc)
        full = snapshot.soc >= (self.to_soc or 0.9) - 1e-3
        plan = Plan((stop,)) if self.planned else None
        return Decision("wait" if full else "charge", None if full else "charger-1", self.name,
                        "to charge", plan=None if full else plan)  # fmt: skip


class Later(ListBook):
    """Its one order opens after ten minutes."""

    def _due(self, time_s: float) -> list[Order]:
        return super()._due(time_s) if time_s >= 600.0 else []

    def next_release_s(self) -> float:
        return 600.0


def test_charging_ends_where_the_plan_says() -> None:
    world = quiet(initial_soc=0.3)
    run_episode(world, Scripted(to_soc=0.4), seconds=3600.0)
    assert world.robot.battery.soc == pytest.approx(0.4, abs=0.01)
    world = quiet(initial_soc=0.3)
    run_episode(world, Scripted(to_soc=None), seconds=3600.0)
    assert world.robot.battery.soc > 0.5


@pytest.mark.parametrize("planned", [True, False])
def test_only_a_planned_charge_is_left_for_a_new_order(planned: bool) -> None:
    world = quiet(initial_soc=0.3, orders=Later([(SMALL.storage[0], SMALL.stations[0])]))
    chooser = Scripted(to_soc=None, planned=planned)
    episode = run_episode(world, chooser, seconds=1500.0)
    assert bool(episode.summary["deliveries"]) == planned
    assert episode.summary["charges"] == (2 if planned else 1)
    assert ((600.5, 1) in chooser.asked) == planned


def test_delays_are_learned_from_legs() -> None:
    world = World(SMALL, workers=4, profile="fast", seed=3)
    assert world.robot.delay == START_DELAY
    episode = run_episode(world, make_chooser("deep"), seconds=3600.0)
    assert episode.summary["deliveries"] > 5
    assert 1.0 < world.robot.delay < 3.0 and world.robot.delay != START_DELAY
    assert snapshot_of(world).timing.delay == world.robot.delay
    world.robot.learn_delay(1.0, 1e9)  # too short a leg to learn from
    assert world.robot.delay < 3.0


@pytest.mark.parametrize("planned", [True, False])
def test_only_a_plan_leaves_a_pick_for_a_new_order(planned: bool) -> None:
    tasks = [(SMALL.storage[-1], SMALL.stations[0]), (SMALL.storage[0], SMALL.stations[0])]
    world = quiet(orders=Soon(tasks))
    run_episode(world, Fickle(planned), seconds=8.0)
    assert world.book.taken is not None
    assert world.book.taken.id == ("O2" if planned else "O1")
    assert [order.id for order in world.book.open(8.0)] == (["O1"] if planned else ["O2"])
    assert world.tally.give_ups == 0


def test_an_order_given_up_is_no_news_while_the_last_one_is_served() -> None:
    tasks = [(SMALL.storage[-1], SMALL.stations[0]), (SMALL.storage[0], SMALL.stations[0])]
    world = quiet(orders=ListBook(tasks, open_limit=2))
    world.accept("O1")
    world.give_up()
    run_episode(world, Fickle(planned=True), seconds=8.0)
    assert world.book.taken is not None and world.book.taken.id == "O2"
    assert world.tally.decided_by["fickle"] == 1  # not again at every node on the way


class Soon(ListBook):
    """Its second order opens after four seconds."""

    def _due(self, time_s: float) -> list[Order]:
        self._limit = 1 if time_s < 4.0 else 2
        return super()._due(time_s)

    def next_release_s(self) -> float:
        return 4.0 if self._next < 2 else math.inf


class Fickle:
    """Takes the newest order."""

    name = "fickle"

    def __init__(self, planned: bool) -> None:
        self.planned = planned

    def describe(self) -> str:
        return "a script decides"

    def choose(self, snapshot: Snapshot) -> Decision:
        newest = max(snapshot.orders, key=lambda order: order.id)
        plan = Plan.of_orders(snapshot.orders) if self.planned else None
        return Decision("order", newest.id, self.name, "it is new", plan=plan)


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
