"""Calls that a newcomer gets wrong: the error names the value and says what was wanted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from envs.assumptions import Assumptions
from envs.battery import Battery, RobotProfile, robot_profile
from envs.chargers import ChargeCycle
from envs.city import CityRules, city_layout
from envs.driver import Driver, PlannerSettings
from envs.episode import run_episode
from envs.formats import load_map, orders_from_tasks
from envs.gym.nav import WarehouseNav
from envs.gym.rewards import Rewards
from envs.gym.task import WarehouseTask
from envs.layouts import fulfilment, furnish, ready
from envs.orders import ListBook, OrderModel
from envs.people import WalkRules
from envs.world import World
from planners import GridMap
from planners.tasks import make_chooser

SMALL = fulfilment(2, 3)
GRID = GridMap(np.zeros((3, 3), dtype=bool))
ORDER = (SMALL.storage[0], SMALL.stations[0])


def a_world(**options: Any) -> World:
    return World(SMALL, **{"workers": 0, "blockages_per_hour": 0.0, "orders": [], **options})


def run(*parts: Any, **options: Any) -> None:
    run_episode(a_world(), *(parts or (make_chooser("utility"),)), **{"seconds": 1.0, **options})


def nav(**options: Any) -> Any:
    return WarehouseNav(SMALL, workers=0, **options)


COUNT = "must be a whole number >= 0, got"
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    # A world.
    "workers, text": (lambda: a_world(workers="3"), f"workers {COUNT} '3'"),
    "workers, half": (lambda: a_world(workers=2.5), f"workers {COUNT} 2.5"),
    "traffic": (lambda: a_world(traffic=None), f"traffic {COUNT} None"),
    "seed, negative": (lambda: a_world(seed=-1), f"seed {COUNT} -1"),
    "seed, none": (lambda: a_world(seed=None), f"seed {COUNT} None"),
    "layout, its name": (lambda: World("small"), "such as ready('small'), not 'small'"),  # type: ignore[arg-type]
    "profile, number": (lambda: a_world(profile=7), "robot profile 7: choose one of delivery"),
    "profile, list": (lambda: a_world(profile=["tiny"]), "robot profile ['tiny']: choose one of"),
    "orders, text": (lambda: a_world(orders=[("a", "b")]), "a stop of order O1 is 'a': a node is"),
    "orders, cells": (lambda: a_world(orders=[((0, 1), 3)]), "a stop of order O1 is (0, 1)"),
    "orders, numbers": (
        lambda: a_world(orders=[5, 6]),
        "order 1 must be an Order or the nodes of its stops, not 5",
    ),
    "orders, a file": (lambda: a_world(orders="a.tasks"), "a list of orders or an OrderBook, not"),
    "orders, by name": (lambda: a_world(orders={"a": ORDER}), "a list of orders or an OrderBook"),
    "charge": (lambda: a_world(initial_soc="90%"), "must be a number in [0, 1], got '90%'"),
    "blockages": (lambda: a_world(blockages_per_hour="x"), "blockages_per_hour must be a number"),
    "tick": (lambda: a_world(tick_s="0.5"), "tick_s must be finite and >= 0.001, got '0.5'"),
    "weight": (lambda: a_world(lam_risk="x"), "'risk': weight must be finite and >= 0, not 'x'"),
    "start": (lambda: a_world(start="dock"), "a cell is (row, col) or a node id"),
    "assumptions, a part": (
        lambda: a_world(assumptions=WalkRules()),
        "assumptions must be Assumptions, not WalkRules",
    ),
    "assumptions, in place": (lambda: Assumptions(walk=3), "walk must be WalkRules, not int: 3"),  # type: ignore[arg-type]
    "engine": (lambda: a_world(engine=["x"]), "unknown engine ['x']: choose one of compiled"),
    # What a world is told.
    "step, text": (lambda: a_world().step("north"), "no action 'north': a neighbouring node"),  # type: ignore[arg-type]
    "step, half": (lambda: a_world().step(1.5), "no action 1.5: a neighbouring node"),  # type: ignore[arg-type]
    "step, far": (lambda: a_world().step(200), "to 200: to 3, 19, 1 only"),
    "accept": (lambda: a_world(orders=[ORDER]).accept("O9"), "no open order 'O9': open are O1"),
    # An episode.
    "chooser, its name": (lambda: run("utility"), "such as make_chooser('utility') gives, not"),
    "chooser, none": (lambda: run(None), "must have a method choose(snapshot)"),
    "driver": (
        lambda: Driver(a_world(), "utility", PlannerSettings()),  # type: ignore[arg-type]
        "must have a method choose(snapshot)",
    ),
    "world, a layout": (
        lambda: run_episode(SMALL, make_chooser("utility")),  # type: ignore[arg-type]
        "world must be World, not Layout",
    ),
    "planner": (lambda: run(make_chooser("utility"), "astar"), "must be PlannerSettings or None"),
    "seconds": (lambda: run(seconds="60"), "seconds must be finite and >= 0, got '60'"),
    "trace": (lambda: run(trace_every=0), "trace_every must be a whole number >= 1, got 0"),
    "strategy": (lambda: PlannerSettings(strategy="A*"), "unknown strategy 'A*': choose one of"),
    "w": (lambda: PlannerSettings("astar", weight=2), "weight 2 needs strategy 'wastar'"),
    "guidance": (lambda: PlannerSettings(guidance=3), "None or a Guidance, not 3"),  # type: ignore[arg-type]
    "look ahead": (lambda: PlannerSettings(look_ahead=1.5), "look_ahead must be a whole number"),  # type: ignore[arg-type]
    "rule": (lambda: PlannerSettings(charge_rule="reserve"), "charge_rule must be ChargeRule"),  # type: ignore[arg-type]
    # Parts.
    "a profile's name": (lambda: robot_profile("x"), "'x': choose one of delivery, fast, street"),
    "a profile's number": (
        lambda: RobotProfile("a", "b", 1, 1, 1, 1, 1, 1, 1),  # type: ignore[arg-type]
        "capacity_wh must be finite and > 0, got 'b'",
    ),
    "efficiency": (
        lambda: RobotProfile("a", 1, 1, 1, 1, 1, 1, 1, 1, efficiency=0.0),
        "efficiency must be a number in (0, 1], got 0.0",
    ),
    "battery": (lambda: Battery(robot_profile("tiny"), 90), "must be a number in [0, 1], got 90"),
    "orders an hour": (lambda: OrderModel(per_hour="x"), "per_hour must be finite and >= 0"),  # type: ignore[arg-type]
    "backlog": (lambda: OrderModel(backlog=1.5), f"backlog {COUNT} 1.5"),  # type: ignore[arg-type]
    "lines for ever": (lambda: OrderModel(more_lines=1.0), "more_lines must be in [0, 1), got 1.0"),
    "a book": (lambda: ListBook(5), "tasks must be Sequence, not int: 5"),  # type: ignore[arg-type]
    "a walker": (lambda: WalkRules(worker_m_s="fast"), "worker_m_s must be finite and > 0"),  # type: ignore[arg-type]
    "a cycle": (lambda: ChargeCycle(every_s="x"), "every_s must be finite and > 0, got 'x'"),  # type: ignore[arg-type]
    "a city": (lambda: city_layout(GRID), "graph must be GraphMap, not GridMap"),  # type: ignore[arg-type]
    "its numbers": (lambda: CityRules(drops=2.5), "drops must be a whole number >= 1, got 2.5"),  # type: ignore[arg-type]
    "an array to furnish": (
        lambda: furnish(np.zeros((3, 3)), {}),  # type: ignore[arg-type]
        "base must be LoadedMap or GridMap or GraphMap or Layout, not ndarray",
    ),
    "a number to furnish with": (lambda: furnish(GRID, 5), "path must be str or PathLike"),  # type: ignore[arg-type]
    "a file": (lambda: load_map(3), "path must be str or PathLike or bytes or bytearray"),  # type: ignore[arg-type]
    "tasks": (lambda: orders_from_tasks([(1, 2)], SMALL), "tasks must be Tasks, not list"),  # type: ignore[arg-type]
    "a floor": (lambda: ready("x"), "unknown layout 'x': choose built-in"),
    # Environments.
    "env, floor": (lambda: WarehouseNav(GRID), "layout must be str or Layout, not GridMap"),  # type: ignore[arg-type]
    "env, seconds": (lambda: nav(seconds="60"), "seconds must be finite and > 0, got '60'"),
    "env, radius": (lambda: nav(radius=1.5), "radius must be a whole number >= 1, got 1.5"),
    "env, orders": (lambda: nav(orders=iter([ORDER])), "give an OrderModel or a list"),
    "env, planner": (
        lambda: WarehouseTask(SMALL, planner="astar"),  # type: ignore[arg-type]
        "planner must be PlannerSettings or None, not str: 'astar'",
    ),
    "env, shown": (lambda: WarehouseTask(SMALL, orders_shown=0), "orders_shown must be a whole"),
    "reset, charge": (lambda: nav().reset(options={"soc": 90}), "soc must be a number in [0, 1]"),
    "reset, stops": (lambda: nav().reset(options={"stops": 3}), "stops must be Iterable, not int"),
    "reset, a list": (lambda: nav().reset(options=["soc"]), "options must be Mapping or None"),
    "rewards": (lambda: Rewards(delivery="x"), "reward delivery must be a finite number, got 'x'"),  # type: ignore[arg-type]
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_is_told_by_value(case: str) -> None:
    call, said = WRONG[case]
    with pytest.raises((ValueError, TypeError), match=re.escape(said)):
        call()


def test_what_only_looks_wrong_is_taken() -> None:
    for stops in ([*ORDER], np.array(ORDER)):
        assert a_world(orders=[stops]).book.open(0.0)[0].stops == ORDER
    assert a_world(orders=iter([ORDER])).book.open(0.0)[0].stops == ORDER
    assert a_world(seed=np.int64(4), workers=np.int32(1)).crowd.n == 1
    assert a_world(initial_soc=np.float32(0.5)).robot.battery.soc == 0.5


@pytest.mark.parametrize("ticks", [-3, 1.5, float("nan"), "x", True])
def test_ticks_are_whole_numbers(ticks) -> None:
    world = World(ready("small"), workers=1)
    with pytest.raises(ValueError, match="ticks must be a whole number >= 0"):
        world.advance(-1, ticks)
    assert world.advance(-1, np.int32(2)) in (1, 2)
