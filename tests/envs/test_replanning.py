"""When a route is planned anew, and when it is kept: the reasons are provoked one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_world import COLS, FakeWorld, under_way
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.driver import PlannerSettings, known_map
from envs.episode import run_episode
from envs.layouts import ready
from envs.orders import OrderModel
from envs.replanning import Replanner
from envs.turns import turns
from envs.world import WAIT, YIELD, World
from planners.check import exact_costs
from planners.tasks import make_chooser


def drive(world: FakeWorld, way: Replanner, ticks: int = 2) -> None:
    """One move along the route, which the world lets happen."""
    action = way.move()
    assert action >= 0
    world.robot.node = action
    world.tick += ticks
    way.follow()


# Reasons.


def test_a_blocked_node_ahead_is_driven_round() -> None:
    world, way = under_way()
    assert way.route is not None
    old = set(way.route.nodes)
    world.belief.close(3)
    assert way.reason() == "blocked"
    way.replan("blocked")
    assert way.route is not None and 3 not in way.route.nodes
    assert world.tally.replans == {"new_goal": 1, "blocked": 1}
    assert world.tally.route_changes == 1
    assert world.tally.changed_m == len(old - set(way.route.nodes)) >= 1
    far, way = under_way(look_ahead=2)
    far.belief.close(5)
    assert way.reason() is None


def test_without_a_way_it_asks_again_after_a_while_or_when_the_map_changes() -> None:
    world, way = under_way()
    world.belief.close(COLS - 1)
    assert way.reason() == "blocked"
    way.replan("blocked")
    assert way.route is None
    assert way.move() == WAIT
    world.tick += 1
    assert way.reason() is None
    world.belief.close()
    assert way.reason() == "off_route"
    way.replan("off_route")
    assert way.route is not None
    assert world.tally.delay_s == 0.5  # the tick without a way


def test_a_push_aside_is_off_route() -> None:
    world, way = under_way()
    way.move()
    world.robot.node, world.tick = COLS, 6
    way.follow()
    assert way.reason() == "off_route"


def test_costs_that_rise_by_a_fifth_are_looked_at_once() -> None:
    world, way = under_way()
    world.belief.costs().update("risk", range(7 * COLS), 0.15)
    assert way.reason() is None
    world.belief.costs().update("risk", range(7 * COLS), 0.5)
    assert way.reason() == "cost_change"
    way.replan("cost_change")
    assert way.reason() is None
    assert world.tally.spared == {"cost_change": 1}  # dearer everywhere: no other way is better
    assert way.route is not None and way.route.left_s[0] == pytest.approx(11 * 1.5)


def test_every_five_seconds_and_soon_before_an_encounter() -> None:
    world, way = under_way()
    world.belief.meeting = True
    world.tick = 3
    assert way.reason() is None
    world.tick = 4
    assert way.reason() == "encounter"
    way.replan("encounter")
    assert world.belief.forced == 2
    world.tick += 9
    world.belief.meeting = False
    assert way.reason() is None
    world.tick += 1
    assert way.reason() == "periodic"
    way.replan("periodic")
    assert way.reason() is None
    assert world.belief.forced == 2
    assert world.tally.spared == {"encounter": 1, "periodic": 1}


def test_standing_counts_ticks_that_a_move_failed_and_a_turn_is_none() -> None:
    world, way = under_way()
    reasons = []
    for k in range(14):
        world.tick += 1 if k else 0
        way._planned_s = world.time_s  # nothing else falls due
        way.follow()
        reasons.append(way.reason())
        assert way.move() >= 0 or way.blocked_ticks >= 10
    assert [k for k, reason in enumerate(reasons) if reason] == [4, 8, 12]
    assert set(reasons) == {None, "standing"}
    assert world.tally.delay_s == 13 * 0.5
    for k in range(
        3
    ):  # after 12 failed moves it turns: that is no failed move, nor one more reason
        world.robot.heading_rad = 1.0 + k
        way.follow()
        assert way.reason() is None
        way.move()
    assert world.tally.delay_s == 13 * 0.5


def test_after_long_standing_the_place_is_offered_in_turn() -> None:
    world, way = under_way()
    actions = []
    for _ in range(14):
        world.tick += 1
        way.follow()
        actions.append(way.move())
    assert YIELD not in actions[:10]
    assert {YIELD, 1} == set(actions[10:])


# Keeping a route.


def test_only_a_tenth_less_changes_the_route() -> None:
    for extra, changes in ((0.1, 0), (0.5, 1)):
        world, way = under_way(goal=6 * COLS + COLS - 1, strategy="astar")
        assert way.route is not None
        ids = way.route.ids[1:-1]
        world.belief.costs().update("risk", ids, extra)
        way.replan("periodic")
        assert world.tally.route_changes == changes
        assert world.tally.replans["periodic"] == changes  # what cannot pay is not searched
        assert world.tally.spared["periodic"] == 1 - changes


def replanned(seed: int, hysteresis: float, exact_nodes: int) -> tuple[float, float, float, bool]:
    """Rest of the old route, of the route kept or taken, the optimum; did the route change?"""
    rng = np.random.default_rng(seed)
    goal = int(rng.integers(2 * COLS, 7 * COLS))
    world, way = under_way(goal, strategy="astar", hysteresis=hysteresis, exact_nodes=exact_nodes)
    costs, old = world.belief.costs(), way.route
    assert old is not None
    nodes = rng.choice(7 * COLS, int(rng.integers(1, 50)), replace=False)
    costs.update("risk", nodes, rng.choice([0.05, 0.3, 2.0]) * rng.random(nodes.size))
    way.replan("periodic")
    assert way.route is not None
    rest_s, now_s = (float(costs.step_costs(route.rest).sum()) for route in (old, way.route))
    changed = world.tally.route_changes == 1
    assert changed == (way.route is not old)
    return rest_s, now_s, float(exact_costs(costs.map, 0, costs)[goal]), changed


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0, 10**6]))
def test_a_route_is_changed_where_and_only_where_it_pays(
    seed: int, hysteresis: float, exact_nodes: int
) -> None:
    rest_s, now_s, optimum_s, changed = replanned(seed, hysteresis, exact_nodes)
    limit_s = (1.0 - hysteresis) * rest_s
    if changed:
        assert now_s < limit_s
    else:
        assert now_s == rest_s
        assert optimum_s >= limit_s * (1 - 2e-3)


def test_without_hysteresis_routes_change_for_next_to_nothing() -> None:
    changes = {h: sum(replanned(seed, h, 10**6)[3] for seed in range(60)) for h in (0.0, 0.1)}
    assert changes[0.0] > 1.5 * changes[0.1] > 0


def test_progress_and_metres_are_counted() -> None:
    world, way = under_way()
    for _ in range(3):
        drive(world, way)
    assert way.leg is not None and way.leg.progress_s == world.time_s
    assert world.tally.driven_m == 3.0
    assert world.tally.delay_s == 0.0
    assert not way.stuck()
    world.tick += 241
    assert way.stuck()


def test_a_leg_given_up_is_paid_against_the_part_that_was_driven() -> None:
    world, way = under_way()
    for _ in range(3):
        drive(world, way, ticks=4)
    way.end(arrived=False)
    assert (world.tally.paid_s, world.tally.planned_s) == (6.0, pytest.approx(3.0))
    way.begin(COLS - 1)
    way.replan("new_goal")
    while world.robot.node != COLS - 1:
        drive(world, way)
    way.end(arrived=True)
    assert (world.tally.paid_s, world.tally.planned_s) == (14.0, pytest.approx(11.0))


def test_settings_refuse_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="tiles"):
        PlannerSettings(guidance="tiles")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"1\.0"):
        PlannerSettings(hysteresis=1.0)
    with pytest.raises(ValueError, match="standing_after"):
        PlannerSettings(standing_after=0)


def test_the_node_underfoot_is_free_and_the_map_is_made_once() -> None:
    world: Any = FakeWorld()
    held = world.belief.map()
    world.belief.map = lambda: held
    assert known_map(world) is held
    held = held.with_blocked([0], True)
    first = known_map(world)
    assert not first.is_blocked(0) and known_map(world) is first
    world.robot.node = 1
    assert known_map(world) is held


# Courtesy.


def test_somebody_passing_is_waited_for_as_long_as_a_meeting_would_cost() -> None:
    world, way = under_way()
    world.belief.passing = True
    waits = 0
    while (action := way.move()) == WAIT:
        waits += 1
        world.tick += 1
        way.follow()
        assert waits < 100
    assert waits * world.tick_s == world.belief.costs().weights["risk"] == 1.0
    assert world.tally.delay_s == 1.0
    world.robot.node = action
    way.follow()
    assert way.move() == WAIT, "the next one is waited for anew"
    world.belief.passing = False
    assert way.move() >= 0


def test_nobody_is_waited_for_where_risk_weighs_nothing() -> None:
    world, way = under_way()
    world.belief.passing = True
    world.belief._costs._weights["risk"] = 0.0
    assert way.move() >= 0


def test_a_goal_that_somebody_stands_on_is_kept_off_two_steps_before() -> None:
    world, way = under_way(goal=4)
    world.belief.taken = 4
    drive(world, way)
    drive(world, way)
    assert world.robot.node == 2
    for _ in range(
        40
    ):  # they have to get out: the place is on offer, and nothing counts as blocked
        assert way.move() == YIELD
        world.tick += 1
        way.follow()
    assert way.blocked_ticks == 0
    world.belief.taken = -1
    drive(world, way)
    assert world.robot.node == 3


def turns_driven(monkeypatch: pytest.MonkeyPatch, exact: int, straight: int) -> float:
    """Turns a metre of a robot with more orders than it can serve."""
    monkeypatch.setattr("envs.replanning.STRAIGHT_NODES", straight)
    world = World(ready("small"), seed=4, workers=6, orders=OrderModel(per_hour=60.0))
    nodes = [world.robot.node]

    def look(world: World) -> None:
        if world.robot.node != nodes[-1]:
            nodes.append(world.robot.node)

    settings = PlannerSettings(exact_nodes=exact)
    run_episode(world, make_chooser("earliest"), settings, seconds=1200, on_tick=look)
    assert len(nodes) > 300
    return turns(np.array(nodes)) / len(nodes)


def test_large_floors_drive_few_turns_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond `exact_nodes` no field is at hand: one is made for routes that are driven."""
    kept = turns_driven(monkeypatch, 10_000, 0)
    made = turns_driven(monkeypatch, 0, 10_000)
    none = turns_driven(monkeypatch, 0, 0)
    assert made < 1.2 * kept
    assert none > 1.2 * made
