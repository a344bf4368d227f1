"""Plans in the driver's hands: charges that end or are left, news on the way, delays learned."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from envs.driver import snapshot_of
from envs.episode import run_episode
from envs.layouts import fulfilment
from envs.orders import ListBook
from envs.robot import START_DELAY
from envs.world import World
from planners.tasks import Decision, Order, Snapshot, make_chooser
from planners.tasks.plans import Plan, Stop

SMALL = fulfilment(2, 3)
ONE_CHARGER = replace(SMALL, chargers=SMALL.chargers[:1])
CHARGER = ONE_CHARGER.chargers[0]


def quiet(**options: Any) -> World:
    defaults = {"workers": 0, "blockages_per_hour": 0.0, "orders": [], "profile": "fast"}
    return World(ONE_CHARGER, **{**defaults, **options})


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
