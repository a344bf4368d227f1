"""Routes in the living world: what a spared search would change, what leads the others."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_world import FakeWorld

from envs.driver import Driver, PlannerSettings, known_map
from envs.episode import Episode, run_episode
from envs.layouts import built_in, fulfilment
from envs.replanning import BY_LAYERS, Replanner
from envs.world import World
from planners import CostField, GridMap, Guidance, Layer, PlanResult, cost_to_go, plan
from planners.check import exact_costs
from planners.tasks import make_chooser

SMALL = fulfilment(2, 3)


def shift(seconds: float = 900.0, planner: PlannerSettings | None = None, **options: Any) -> Any:
    options = {"workers": 8, "traffic": 12, "layout": fulfilment(3, 5), "seed": 3, **options}
    world = World(options.pop("layout"), **options)
    return world, run_episode(world, make_chooser("utility"), planner, seconds=seconds)


def test_sparing_a_search_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = shift()
    assert sum(world.tally.spared.values()) > 3 * sum(world.tally.replans.values())
    assert world.tally.route_changes > 0
    monkeypatch.setattr(Replanner, "_can_pay", lambda *_: True)
    always, _ = shift()
    assert always.trace_hash == world.trace_hash
    assert not always.tally.spared
    assert sum(always.tally.replans.values()) == sum(
        (world.tally.replans + world.tally.spared).values()
    )
    monkeypatch.setattr(Replanner, "_can_pay", lambda *_: False)
    never, _ = shift()
    assert never.trace_hash != world.trace_hash


def test_what_is_spared_could_not_have_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    """An independent Dijkstra at each replan: spared where no way is cheaper by a tenth."""
    seen = {"spared": 0, "changed": 0}
    replan = Replanner.replan

    def checked(self: Replanner, reason: str) -> None:
        old, changes = self.route, self.world.tally.route_changes
        searches = sum(self.world.tally.replans.values())
        replan(self, reason)
        if old is None or not self._is_open(old):
            return
        costs, map = self.world.belief.costs(), known_map(self.world)
        rest_s = float(costs.step_costs(old.rest).sum())
        assert self.leg is not None
        optimum_s = exact_costs(map, self.world.robot.node, costs)[self.leg.goal]
        if sum(self.world.tally.replans.values()) == searches:
            assert optimum_s >= 0.9 * rest_s * (1 - 1e-6)
            seen["spared"] += 1
        elif self.world.tally.route_changes > changes:
            assert self.route is not None
            now_s = float(costs.step_costs(self.route.rest).sum())
            assert now_s < 0.9 * rest_s
            assert (
                optimum_s * (1 - 1e-6) <= now_s <= 1.5 * optimum_s
            )  # less turns, within the bound
            seen["changed"] += 1

    monkeypatch.setattr(Replanner, "replan", checked)
    shift()
    assert seen["spared"] > 50 and seen["changed"] >= 2


def test_an_empty_floor_delays_nobody() -> None:
    world, _ = shift(workers=0, traffic=0, blockages_per_hour=0.0)
    assert world.tally.delay_s == 0.0
    assert world.tally.route_changes == 0 and world.tally.churn == 0.0
    assert world.tally.driven_m > 200.0
    crowded, _ = shift()
    assert crowded.tally.delay_s > 5.0


def rows_of(episode: Episode) -> str:
    """The rows without the milliseconds, which do not repeat."""
    return json.dumps([{k: v for k, v in r.items() if k != "plan_ms"} for r in episode.rows])


@pytest.mark.parametrize("every", [1, 7, 10])
def test_watching_changes_nothing(every: int) -> None:
    shifts = []
    for look in (None, lambda world: world.robot_position_m):
        world = World(SMALL, workers=4, seed=5)
        chooser = make_chooser("utility")
        shifts.append(run_episode(world, chooser, seconds=251.5, on_tick=look, trace_every=every))
        assert world.tick == 503
    hashes = {one.summary["trace_hash"] for one in shifts}
    assert len(hashes) == 1
    assert rows_of(shifts[0]) == rows_of(shifts[1])
    assert len(shifts[0].trace.node) == -(-503 // every)


def test_advance_asks_as_often_as_the_robot_can_act() -> None:
    """Tick by tick or in leaps: the same shift, and the driver is asked for what counts only."""
    worlds = [World(SMALL, workers=4, seed=8) for _ in range(2)]
    asked = [0, 0]
    for k, (world, most) in enumerate(zip(worlds, (1, 50), strict=True)):
        driver = Driver(world, make_chooser("utility"), PlannerSettings())
        while world.tick < 400:
            asked[k] += 1
            world.advance(driver.action(), min(most, 400 - world.tick))
    assert worlds[0].trace_hash == worlds[1].trace_hash
    assert asked[0] == 400 > 1.5 * asked[1]


# What leads.


def recorded(world: World, seconds: float) -> list[tuple[GridMap, dict[str, Any], int]]:
    """Believed maps and layers of a shift, one a minute, with where the robot was."""
    moments: list[tuple[GridMap, dict[str, Any], int]] = []

    def look(world: World) -> None:
        if world.tick % 120 == 0:
            costs = world.belief.costs()
            shape = world.layout.map.shape
            layers = {
                name: np.array(costs.layer(name)).reshape(
                    shape if costs.is_per_node(name) else (8, *shape)
                )
                for name in costs.layers
            }
            moments.append((known_map(world), layers, world.robot.node))

    run_episode(world, make_chooser("utility"), seconds=seconds, on_tick=look)
    return moments


def layered_plan(world: World, costs: CostField, map: GridMap, **settings: Any) -> PlanResult:
    start, goal = settings.pop("ends")
    fake: Any = FakeWorld()
    fake.belief = SimpleNamespace(
        costs=lambda: costs, map=lambda: map, map_version=0, believed_blocked=frozenset()
    )
    fake.floor, fake.robot.node = world.floor, start
    way = Replanner(fake, PlannerSettings(check_share=1.0, **settings))
    way.begin(goal)
    return way._plan(None)[0]


def test_layers_lead_to_the_same_ways_at_any_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    """At w = 1.5 and 2 the searches cost what those of w = 1 cost; without the layers they do not.

    (Before what the bound leaves free is spent on fewer turns.)
    """
    monkeypatch.setattr(Replanner, "_straighter", lambda self, result, map, old: result)
    world = World(built_in(), seed=21, traffic=10, lam_congestion=4.0)
    base = 1.0 / world.profile.speed_m_s
    ratios: dict[tuple[str, float], list[float]] = {}
    risks: dict[tuple[str, float], float] = {}
    for map, layers, start in recorded(world, 900.0):
        weights = world.belief.costs().weights
        costs = CostField(map, base, [Layer(n, v, weights[n]) for n, v in layers.items()])
        for goal in world.layout.stations[::3]:
            if goal == start or map.is_blocked(goal):
                continue
            best = plan(map, map.label(start), map.label(goal), costs=costs)
            assert best.path is not None
            least_s = cost_to_go(map, map.label(goal), costs).values[start]
            assert best.cost == pytest.approx(least_s)
            for weight in (1.5, 2.0):
                for name, options in (
                    ("exact", {}),
                    ("no field", {"exact_nodes": 0}),
                    ("none", {"guidance": None}),
                ):
                    found = layered_plan(
                        world, costs, map, weight=weight, ends=(start, goal), **options
                    )
                    assert found.path is not None and found.bound == weight
                    assert found.certificate <= weight
                    ratios.setdefault((name, weight), []).append(found.cost / best.cost)
                    share = costs.explain(found.path)["risk"] / costs.explain(best.path)["risk"]
                    risks[name, weight] = risks.get((name, weight), 0.0) + share
    assert len(ratios["exact", 2.0]) > 40
    for weight in (1.5, 2.0):
        assert max(ratios["exact", weight]) < 1.001  # the order of the lead is that of buckets
        assert max(ratios["no field", weight]) < 1.001
        assert np.mean(ratios["none", weight]) > 1.02
        assert risks["none", weight] > 1.05 * risks["exact", weight]


def test_a_large_map_has_no_field_and_others_are_led_as_they_say() -> None:
    world: Any = FakeWorld()
    large = Replanner(world, PlannerSettings(exact_nodes=10))
    large.begin(5)
    assert large._lead() == {"heuristic": None, "guidance": BY_LAYERS}
    assert large._can_pay(1.0)
    mine = Guidance(lead_weight=1.2)
    for settings, lead in (
        (PlannerSettings(guidance=mine), {"guidance": mine}),
        (PlannerSettings(guidance=None), {"guidance": None}),
        (PlannerSettings(strategy="bfs"), {}),
    ):
        way = Replanner(world, settings)
        way.begin(5)
        assert way._lead() == lead


@pytest.mark.slow
def test_routes_are_stable_in_traffic() -> None:
    """At most ten changes an hour at 12 + 40, on average."""
    changes = []
    for seed in range(400, 410):
        world = World(built_in(), seed=seed, workers=12, traffic=40)
        run_episode(world, make_chooser("utility"), seconds=3600.0)
        changes.append(world.tally.route_changes)
    assert math.fsum(changes) / len(changes) <= 10.0, changes
