"""The closed loop: it delivers, its figures add up, each factor matters, and truth stays hidden."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from envs_worlds import SMALL, put

from envs.blockages import Blockage
from envs.driver import Driver, snapshot_of
from envs.episode import Episode, PlannerSettings, run_episode
from envs.kernels.sense_state import VIEW, VIEW_NODE
from envs.layouts import built_in, fulfilment
from envs.metrics import SUMMARY_KEYS
from envs.world import World
from planners.tasks import make_chooser

DELIVER_KEYS = {
    "deliveries", "late", "delivery_time_p50_s", "delivery_time_p95_s", "close_encounters",
    "near_seconds", "contacts", "wh_per_delivery", "charges", "charger_wait_s", "strandings",
    "give_ups", "aborts", "refusals", "replans", "spared", "route_changes", "churn", "delay_s",
    "plan_ms_p50", "plan_ms_p99", "proven_bound", "paid_over_planned",
    "decided_by", "sim_seconds_per_wall_second", "trace_hash", "seed",
}  # fmt: skip


def run(
    seconds: float, planner: PlannerSettings | None = None, **options: Any
) -> tuple[World, Episode]:
    layout = options.pop("layout", SMALL)
    chooser = options.pop("chooser", "utility")
    world = World(layout, **{"workers": 4, **options})
    return world, run_episode(world, make_chooser(chooser), planner, seconds=seconds)


@cache
def half_hour() -> tuple[World, Episode]:
    return run(1800.0, seed=1, blockages_per_hour=6.0)


def rows(episode: Episode, event: str) -> list[dict[str, Any]]:
    return [row for row in episode.rows if row["event"] == event]


def test_the_summary_has_exactly_the_keys_of_the_interface() -> None:
    _, episode = half_hour()
    assert set(episode.summary) == DELIVER_KEYS == set(SUMMARY_KEYS)
    json.dumps([episode.summary, episode.rows], allow_nan=False)


def test_the_figures_add_up() -> None:
    world, episode = half_hour()
    summary = episode.summary
    deliveries = rows(episode, "delivery")
    assert summary["deliveries"] == len(deliveries) >= 5
    assert summary["late"] == sum(row["late"] for row in deliveries)
    times = [row["delivery_time_s"] for row in deliveries]
    assert summary["delivery_time_p50_s"] == pytest.approx(float(np.median(times)))
    plans = rows(episode, "plan")
    assert sum(summary["replans"].values()) == len(plans) == len(world.tally.plan_ms)
    changed = [row["adopted"] for row in plans if row["reason"] != "new_goal"]
    assert summary["route_changes"] <= sum(changed)
    assert sum(summary["decided_by"].values()) == len(rows(episode, "decision"))
    assert 1.0 <= summary["proven_bound"] <= 1.5 + 1e-9
    assert 0.95 <= summary["paid_over_planned"] <= 2.0
    assert summary["contacts"] == 0
    assert summary["strandings"] == 0
    battery = world.robot.battery
    assert battery.charge_mj == battery.start_mj + battery.charged_mj - battery.drained_mj
    assert int(episode.trace.visits.sum()) == sum(world.tally.visits.values()) > 100
    assert episode.trace.charge_wh[0] > episode.trace.charge_wh[-1] > episode.trace.reserve_wh
    assert episode.trace.risk.shape == episode.trace.congestion.shape == (SMALL.map.size,)


def test_no_time_gives_no_rates() -> None:
    _, episode = run(0.0)
    empty = ("delivery_time_p50_s", "wh_per_delivery", "plan_ms_p50", "proven_bound",
             "paid_over_planned", "sim_seconds_per_wall_second")  # fmt: skip
    assert [episode.summary[key] for key in empty] == [None] * len(empty)
    with pytest.raises(ValueError, match=r"-1\.0"):
        run(-1.0)


def test_the_same_seed_is_the_same_shift_and_planning_time_is_not_in_it() -> None:
    hashes = {run(200.0, seed=3)[1].summary["trace_hash"] for _ in range(2)}
    assert len(hashes) == 1
    assert run(200.0, seed=4)[1].summary["trace_hash"] not in hashes


def test_stops_are_served_in_their_order() -> None:
    faces = SMALL.storage
    tasks = [(faces[0], faces[9], faces[3], SMALL.stations[2]), (faces[5], SMALL.stations[0])]
    _, episode = run(900.0, orders=tasks, workers=0, chooser="earliest")
    for row in rows(episode, "delivery"):
        task = tasks[int(row["order"][1:]) - 1]
        stops = [s for s in rows(episode, "stop") if s["order"] == row["order"]]
        assert [s["node"] for s in stops] == list(task)
        assert [s["stop"] for s in stops] == list(range(len(task)))
    assert episode.summary["deliveries"] == 2


@pytest.mark.parametrize("traffic", [0, 4])
def test_a_graph_runs_the_same_loop(traffic: int) -> None:
    _, episode = run(900.0, layout=SMALL.as_graph(), traffic=traffic, seed=2)
    assert episode.summary["deliveries"] >= 3
    assert episode.summary["contacts"] == 0


@pytest.mark.parametrize("strategy", ["astar", "ucs", "greedy", "bfs"])
def test_every_strategy_drives(strategy: str) -> None:
    _, episode = run(300.0, PlannerSettings(strategy=strategy, check_share=1.0), seed=2)
    assert episode.summary["deliveries"] >= 1
    if strategy in ("astar", "ucs"):
        assert episode.summary["proven_bound"] == pytest.approx(1.0)


# Each factor changes what the robot does.


def test_risk_and_congestion_change_the_shift() -> None:
    base = {"seed": 6, "workers": 8, "traffic": 16, "layout": fulfilment(3, 5)}
    plain = run(600.0, **base, lam_congestion=4.0)[1].summary["trace_hash"]
    for factor in ("lam_risk", "lam_congestion", "lam_energy"):
        weights = {"lam_congestion": 4.0, factor: 0.0}
        assert run(600.0, **base, **weights)[1].summary["trace_hash"] != plain, factor


def test_fear_keeps_the_robot_farther_from_people() -> None:
    near = {}
    for lam in (0.0, 32.0):
        shifts = [
            run(900.0, seed=seed, workers=8, lam_risk=lam, layout=fulfilment(3, 5))[1]
            for seed in range(2)
        ]
        near[lam] = sum(shift.summary["near_seconds"] for shift in shifts)
    assert near[32.0] < 0.9 * near[0.0]


def test_a_low_battery_is_charged_before_it_strands() -> None:
    world, episode = run(1200.0, initial_soc=0.1005, profile="fast")
    assert episode.summary["charges"] >= 1
    assert episode.summary["strandings"] == 0
    assert episode.summary["decided_by"].get("reserve", 0) >= 1
    assert rows(episode, "decision")[0]["kind"] == "charge"
    assert world.robot.battery.soc > 0.3


def test_an_unseen_blockage_is_learned_and_driven_round() -> None:
    task = (SMALL.storage[-1], SMALL.stations[0])

    def shift(closed: tuple[int, ...]) -> Episode:
        world = World(
            SMALL, workers=0, blockages_per_hour=0.0, orders=[task], start=SMALL.storage[0]
        )
        put(world, *([Blockage(closed, 1.0, 3000.0)] if closed else []))
        return run_episode(world, make_chooser("nearest"), seconds=400.0)

    driven = list(dict.fromkeys(shift(()).trace.node.tolist()))
    ahead = driven[driven.index(task[0]) * 3 // 4]
    assert ahead not in (task[0], SMALL.storage[0])
    blocked = shift((ahead,))
    assert blocked.summary["deliveries"] == 1
    assert blocked.summary["replans"].get("blocked", 0) >= 1
    assert ahead not in blocked.trace.node.tolist()


def test_a_goal_out_of_reach_is_given_up_and_goes_back() -> None:
    goal = SMALL.storage[-1]
    world = World(SMALL, workers=0, blockages_per_hour=0.0, orders=[(goal, SMALL.stations[0])])
    put(world, Blockage((goal,), 10.0, 10_000.0))
    episode = run_episode(world, make_chooser("utility"), seconds=400.0)
    assert episode.summary["give_ups"] >= 1
    assert episode.summary["deliveries"] == 0
    assert [order.id for order in world.book.open(400.0)] == ["O1"] or world.book.taken is not None


# Truth does not leak.


def scramble(world: World, rng: np.random.Generator) -> int:
    """Change everything that the robot cannot know; returns how many walkers were moved."""
    senses = world.belief.senses
    assert senses.ints[VIEW_NODE] == world.robot.node
    inside = set(senses.in_view[: senses.ints[VIEW]].tolist())
    crowd, moved = world.crowd, 0
    free = np.flatnonzero(~world.floor.map.blocked.ravel() & (crowd.holder < 0))
    spots = [n for n in rng.permutation(free).tolist() if n not in inside]
    agents = crowd.agents
    for i in range(crowd.n):
        if agents.node[i] in inside or agents.to[i] >= 0:
            continue
        spot = spots.pop()
        crowd.holder[agents.node[i]], crowd.holder[spot] = -1, i
        agents.node[i] = spot
        agents.x_m[i], agents.y_m[i] = world.floor.xy(spot)
        moved += 1
    world.floor.set_blocked(spots[:5])
    world._blockages.planned.clear()
    if hasattr(world.book, "_planned"):
        world.book._planned.clear()
    return moved


def test_scrambling_what_is_unseen_changes_no_action() -> None:
    layout, rng, moved = built_in(), np.random.default_rng(0), 0

    def at(tick: int) -> tuple[World, Driver]:
        world = World(layout, seed=11, traffic=10, blockages_per_hour=12.0)
        driver = Driver(world, make_chooser("utility"), PlannerSettings())
        while world.tick < tick or not world.robot_ready:
            world.step(driver.action())
        return world, driver

    for tick in (60, 90, 150, 260):
        (true, driver), (false, scrambled) = at(tick), at(tick)
        moved += scramble(false, rng)
        for one in (driver, scrambled):
            one.replanner._planned_s = -math.inf  # so that it must plan now
        assert driver.action() == scrambled.action()
        plans = [
            [(r["reason"], r["cost"]) for r in w.take_events() if r["event"] == "plan"]
            for w in (true, false)
        ]
        assert plans[0] == plans[1]
    assert moved >= 20


def test_what_is_believed_does_change_the_action() -> None:
    world = World(SMALL, workers=0, blockages_per_hour=0.0, orders=[(SMALL.storage[-1],)])
    driver = Driver(world, make_chooser("utility"), PlannerSettings())
    while not world.robot_ready or world.tick < 20:
        world.step(driver.action())
    ahead = driver.action()
    assert ahead >= 0
    world.belief.bump(ahead, world.time_s)
    assert driver.action() != ahead


def test_a_snapshot_is_belief_and_body_only() -> None:
    world, _ = half_hour()
    snapshot = snapshot_of(world)
    assert snapshot.robot == world.robot.node
    assert snapshot.charge_wh == world.robot.battery.charge_wh
    assert snapshot.costs is world.belief.costs()
    assert snapshot.map is world.belief.map()
    assert tuple(snapshot.chargers.values()) == SMALL.chargers
    leg_wh = snapshot.energy.leg_wh(length_m=100.0, time_s=150.0, kg=3.0)
    assert leg_wh == pytest.approx(world.profile.trip_wh(100.0, 150.0, 3.0))


# Nobody waits for ever.


def longest_without_a_trip_s(seed: int, seconds: float, **options: Any) -> float:
    world = World(built_in(), seed=seed, **options)
    since: dict[int, tuple[int, float]] = {}
    worst = 0.0

    def look(world: World) -> None:
        nonlocal worst
        if world.tick % 40:
            return
        done = dict(enumerate(world.crowd.agents.trips.tolist()))
        done[world.crowd.n] = len(world.tally.delivery_times_s) + world.tally.charges
        idle = world.book.taken is None
        works = world.crowd.agents.busy_until > world.tick  # at the end of a trip: it belongs to it
        for agent, trips in done.items():
            before = since.setdefault(agent, (trips, world.time_s))
            if before[0] != trips or works[agent] or (agent == world.crowd.n and idle):
                since[agent] = (trips, world.time_s)
            else:
                worst = max(worst, world.time_s - before[1])

    run_episode(world, make_chooser("utility"), seconds=seconds, on_tick=look)
    assert world.meetings.contacts == 0
    return worst


def test_nobody_goes_fifteen_minutes_without_a_trip() -> None:
    assert longest_without_a_trip_s(21, 1800.0, traffic=20) < 900.0


@pytest.mark.slow
@pytest.mark.parametrize("traffic", [0, 40])
@pytest.mark.parametrize("seed", range(300, 306))
def test_nobody_freezes_over_seeded_hours(seed: int, traffic: int) -> None:
    assert longest_without_a_trip_s(seed, 3600.0, traffic=traffic) < 900.0


@pytest.mark.slow
def test_the_reserve_rule_keeps_a_small_battery_from_stranding() -> None:
    _, episode = run(8 * 3600.0, profile="tiny", initial_soc=0.3, layout=built_in(), workers=12)
    assert episode.summary["strandings"] == 0
    assert episode.summary["charges"] >= 1
