"""Belief: what is seen is learned, what is not seen fades."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sensing import OPEN, PERSON, SURE, TRAFFIC, belief_on, watch

from envs.assumptions import Assumptions
from envs.battery import PROFILES
from envs.belief import Belief, BeliefModel, SensorModel
from envs.blockages import Blockage
from envs.episode import PlannerSettings, run_episode
from envs.kernels import sense_state as at
from envs.layouts import fulfilment
from envs.world import WAIT, World
from planners import CostField, GridMap, Layer, plan
from planners.tasks import make_chooser

MIDDLE = OPEN.node((4, 10))


# Blockages.


def test_a_seen_blockage_leaves_the_map_and_comes_back_after_some_minutes_unseen() -> None:
    belief = belief_on()
    watch(belief, 1, 3, closed=[50])
    assert belief.map().is_blocked(50)
    belief.refresh(400.0, None)
    assert belief.map().is_blocked(50)
    belief.refresh(430.0, None)
    assert not belief.map().is_blocked(50), "p = exp(-430 / 600) < 0.5"
    doubt = belief.costs().layer("blockage")[50]
    assert doubt == pytest.approx(20.0 * math.exp(-430.0 / 600.0), rel=0.01)


def test_news_come_by_themselves_when_a_doubt_has_faded() -> None:
    belief = belief_on(sensor=SensorModel(radius_m=2.0, detection=1.0, false_alarm=0.0))
    watch(belief, 1, 1, closed=[50], robot=51)
    assert belief.map().is_blocked(50)
    tick = watch(belief, 800, 20, robot=0)
    assert belief.map().is_blocked(50), tick
    watch(belief, 836, 1, robot=0)
    assert not belief.map().is_blocked(50)


def test_one_miss_does_not_clear_a_blockage_and_two_do() -> None:
    belief = belief_on(sensor=SensorModel(radius_m=40.0, detection=0.98, false_alarm=0.0))
    belief.bump(50, 0.5)
    tick = watch(belief, 1, 1)
    assert belief.map().is_blocked(50)
    watch(belief, tick, 1)
    assert not belief.map().is_blocked(50)


@pytest.mark.parametrize("detection", [0.5, 0.9, 0.98, 1.0])
@pytest.mark.parametrize("false_alarm", [0.0, 1e-3, 0.5])
def test_doubts_follow_bayes_rule_with_the_sensors_own_numbers(
    detection: float, false_alarm: float
) -> None:
    belief = belief_on(sensor=SensorModel(8.0, detection, false_alarm), seed=3)
    odds: dict[int, float] = {}
    senses = belief.senses
    for tick in range(1, 60):
        watch(belief, tick, 1, closed=[MIDDLE + 1], robot=MIDDLE)
        seen = set(senses.obstacles[: senses.ints[at.OBSTACLES]].tolist())
        ghost = false_alarm / int(senses.ints[at.VIEW])
        for node in {*odds, *seen}:
            p = odds.get(node, 1e-3 / 1.001)
            p = p if node not in odds else p * math.exp(-0.5 / 600.0)
            rate = p / (1 - p)
            if node not in seen:
                rate *= (1 - detection) / (1 - ghost)
            else:
                rate = min(1e3, rate * detection / ghost) if ghost else 1e3
            odds[node] = rate / (1 + rate)
            if odds[node] < 1e-3 / 1.001:
                del odds[node]
        used = int(senses.ints[at.DOUBTS])
        nodes, doubts = senses.doubts[:used, 0].tolist(), senses.doubt_p[:used].tolist()
        assert dict(zip(nodes, doubts, strict=True)) == pytest.approx(odds, rel=1e-9), tick


def test_a_ghost_is_gone_after_two_looks() -> None:
    belief = belief_on(sensor=SensorModel(40.0, 0.98, 1e-3))
    tick = watch(belief, 1, 1, closed=[50])
    tick = watch(belief, tick, 2)
    assert 50 not in belief.believed_blocked


def test_a_closure_holds_from_its_start_to_its_end() -> None:
    belief = belief_on()
    belief.announce(Blockage((40, 41), 100.0, 200.0, 10.0))
    closed = {}
    for time_s in (50.0, 100.0, 195.0, 200.0):
        belief.refresh(time_s, None)
        closed[time_s] = set(belief.believed_blocked)
    assert closed == {50.0: set(), 100.0: {40, 41}, 195.0: {40, 41}, 200.0: set()}


def test_an_announcement_is_taken_back() -> None:
    belief = belief_on()
    first, second = Blockage((40, 41), 0.0, 200.0, 0.0), Blockage((41, 42), 0.0, 200.0, 0.0)
    belief.announce(first)
    belief.announce(second)
    belief.heed(1.0)
    assert belief.believed_blocked == {40, 41, 42}
    belief.withdraw(first)
    assert belief.has_news
    belief.heed(1.0)
    assert belief.believed_blocked == {41, 42}
    belief.withdraw(first)  # once more changes nothing
    belief.heed(1.0)
    assert belief.believed_blocked == {41, 42}


def test_an_announced_start_is_news_in_its_tick() -> None:
    belief = belief_on()
    belief.announce(Blockage((40,), 10.0, 12.0, 0.0))
    tick = watch(belief, 1, 18)
    assert belief.believed_blocked == frozenset()
    tick = watch(belief, tick, 2)
    assert belief.believed_blocked == {40}
    watch(belief, tick, 4)
    assert belief.believed_blocked == frozenset()


def test_bumping_into_something_is_believed_at_once() -> None:
    belief = belief_on()
    version = belief.map_version
    belief.bump(77, 3.0)
    assert belief.map().is_blocked(77)
    assert belief.map_version == version + 1


def test_there_is_room_for_the_newest_doubts() -> None:
    belief = belief_on(GridMap(np.zeros((30, 30), dtype=bool), moves="four"))
    for node in range(400):
        belief.bump(node, 1.0 + node)
    assert belief.believed_blocked == set(range(400 - 256, 400))


# Layers.


def seconds_with(belief: Belief, node: int, seconds: float, first: int = 1) -> int:
    """A person stands on a node for so long, the robot in the corner; the next tick."""
    tick = first
    while tick < first + 2 * seconds:
        tick = watch(belief, tick, 10, [(PERSON, node)])
        belief.refresh(0.5 * tick, (0.0, 0.0))
    return tick


def test_risk_rises_where_people_are_seen_and_fades_to_the_prior() -> None:
    belief = belief_on(staff=4)
    prior = belief.costs().layer("risk").copy()
    tick = seconds_with(belief, MIDDLE, 300.0)
    risk = belief.costs().layer("risk")
    assert risk[MIDDLE] > 2.0 * prior[MIDDLE]
    assert risk[MIDDLE + 1] == pytest.approx(risk[MIDDLE], rel=0.2), "next to the person is as near"
    assert risk[MIDDLE + 6] < prior[MIDDLE + 6], "looked at and nobody there"
    for minute in range(60):
        belief.refresh(0.5 * tick + 60.0 * (minute + 1), None)
    np.testing.assert_allclose(belief.costs().layer("risk"), prior, atol=0.006)


def test_the_prior_follows_pick_density_and_staff() -> None:
    risk = belief_on(faces=[MIDDLE], staff=10).costs().layer("risk")
    assert risk[MIDDLE + 1] > risk[MIDDLE + 5] >= 0.0
    more = belief_on(faces=[MIDDLE], staff=20).costs().layer("risk")
    assert more[MIDDLE + 1] > risk[MIDDLE + 1]
    assert belief_on(faces=[MIDDLE], staff=0).costs().layer("risk").max() == 0.0


def test_fleet_density_raises_congestion_where_it_is_and_fades() -> None:
    belief = belief_on(fleet=2)
    tick = watch(belief, 1, 120, [(TRAFFIC, MIDDLE), (TRAFFIC, MIDDLE + 1)])
    belief.refresh(0.5 * tick, None)
    high = belief.costs().layer("congestion")[MIDDLE]
    assert high > 0.05
    assert belief.costs().layer("congestion")[MIDDLE + 8] == 0.0
    for k in range(100):
        belief.refresh(0.5 * tick + 5.0 * (k + 1), None)
    assert belief.costs().layer("congestion")[MIDDLE] < 0.1 * high


def test_oncoming_robots_delay_more_than_those_that_go_along() -> None:
    belief = belief_on(fleet=1)
    east = (TRAFFIC, MIDDLE, MIDDLE + 1, 400, 1000)
    tick = watch(belief, 1, 120, [east])
    belief.refresh(0.5 * tick, None)
    extra = belief.costs().layer("oncoming").reshape(8, -1)
    along, against = extra[2, MIDDLE - 1], extra[6, MIDDLE + 1]
    across = extra[0, MIDDLE + 21]
    assert along == 0.0
    assert against == pytest.approx(across)
    assert against > 0.02
    costs = belief.costs()
    there = costs.step_costs([MIDDLE - 2, MIDDLE - 1, MIDDLE, MIDDLE + 1]).sum()
    back = costs.step_costs([MIDDLE + 2, MIDDLE + 1, MIDDLE, MIDDLE - 1]).sum()
    assert back > there


def test_on_a_graph_the_edges_know_their_direction_too() -> None:
    layout = fulfilment(2, 3).as_graph()
    node = layout.stations[0]
    heads, lengths = layout.map.successors(node)
    other, length = int(heads[0]), round(1000 * float(lengths[0]))
    belief = Belief(layout.map, layout, PROFILES["delivery"], seed=0, staff=0, fleet=1, agents=8)
    tick = watch(belief, 1, 120, [(TRAFFIC, node, other, 0, length)], map=layout.map, robot=node)
    belief.refresh(0.5 * tick, None)
    costs = belief.costs()
    there, back = costs.step_costs([node, other])[0], costs.step_costs([other, node])[0]
    assert back > there > length / 1000 / 0.7


def test_costs_are_seconds_and_the_weights_are_the_stated_ones() -> None:
    costs = belief_on().costs()
    assert costs.base == pytest.approx(1.0 / 0.7)
    assert costs.weights["energy"] == pytest.approx(3600.0 / 211.2)
    energy_wh_m = (20.0 / 0.7 + 151.0) / 3600.0
    np.testing.assert_allclose(costs.layer("energy"), energy_wh_m, rtol=1e-3)
    expected = 1.0 / 0.7 + 3600.0 / 211.2 * costs.layer("energy")[0]
    np.testing.assert_allclose(costs.pace, expected, rtol=1e-5)


def test_payload_and_speed_limits_cost_what_they_should() -> None:
    limits = np.full(OPEN.size, 2.0)
    limits[MIDDLE] = 0.35
    belief = belief_on(speed_m_s=limits)
    zones = belief.costs().layer("zones")
    assert zones[MIDDLE] == pytest.approx(1.0 / 0.7)
    assert np.count_nonzero(zones) == 1, "a limit above the robot's own speed changes nothing"
    before = belief.costs().layer("energy").copy()
    assert before[MIDDLE] - before[0] == pytest.approx(20.0 / 0.7 / 3600.0, rel=1e-5)
    belief.refresh(5.0, None, kg=10.0)
    more = belief.costs().layer("energy") - before
    np.testing.assert_allclose(more, 10.0 * 0.22 * 9.81 / 3600.0, rtol=1e-5)
    with pytest.raises(ValueError, match="speed_m_s must be > 0"):
        belief_on(speed_m_s=np.zeros(OPEN.size))


def busy(**options: Any) -> Belief:
    """A belief after a minute with people, robots and an obstacle in view."""
    belief = belief_on(staff=4, fleet=2, **options)
    rows = [(PERSON, MIDDLE), (TRAFFIC, MIDDLE + 5, MIDDLE + 6, 100, 1000), (TRAFFIC, 30)]
    for k in range(12):
        tick = watch(belief, 1 + 10 * k, 10, rows, [70])
        belief.refresh(0.5 * tick, (3.0, 4.0), kg=5.0)
    return belief


@pytest.mark.parametrize("factor", ["risk", "congestion", "energy"])
def test_a_factor_with_weight_zero_is_as_if_its_layer_had_never_been(factor: str) -> None:
    costs = busy(**{f"lam_{factor}": 0.0}).costs()
    everything = busy().costs()
    kept = [name for name in costs.layers if name != factor]
    layers = [Layer(name, _shaped(costs, name), costs.weights[name]) for name in kept]
    rest = CostField(OPEN, costs.base, layers)
    assert np.array_equal(costs.pace, rest.pace)
    assert (costs.edge_pace is None) is (factor == "congestion")
    assert not np.array_equal(costs.pace, everything.pace)
    if factor == "congestion":
        assert np.ptp(costs.layer("energy")) == 0.0, "its delay draws no current either"


def _shaped(costs: CostField, name: str) -> np.ndarray[Any, Any]:
    values = costs.layer(name)
    return values if values.size == OPEN.size else values.reshape(8, *OPEN.shape)


def route(belief: Belief) -> set[int]:
    start, goal = OPEN.node((4, 0)), OPEN.node((4, 20))
    result = plan(belief.map(), start, goal, costs=belief.costs())
    assert result.path is not None
    return set(result.path.nodes.tolist())


def test_each_layer_sends_the_route_round() -> None:
    crowd = [MIDDLE, MIDDLE + 1]
    assert set(crowd) <= route(belief_on()), "straight ahead is shortest"

    belief = belief_on(staff=1)
    tick = seconds_with(belief, MIDDLE, 400.0)
    belief.refresh(0.5 * tick + 100.0, None)
    assert MIDDLE not in route(belief)
    unafraid = belief_on(staff=1, lam_risk=0.0, lam_congestion=0.0)
    tick = seconds_with(unafraid, MIDDLE, 400.0)
    unafraid.refresh(0.5 * tick + 100.0, None)
    assert MIDDLE in route(unafraid)

    for lam, through in ((4.0, False), (0.0, True)):
        belief = belief_on(lam_congestion=lam, lam_energy=0.0, fleet=4)
        rows = [(TRAFFIC, node) for node in (*crowd, MIDDLE + 21, MIDDLE - 21)]
        tick = watch(belief, 1, 600, rows, robot=1)
        belief.refresh(0.5 * tick + 20.0, None, force=True)
        assert (MIDDLE in route(belief)) is through

    belief = belief_on()
    watch(belief, 1, 2, closed=crowd)
    assert not set(crowd) & route(belief)


def test_versions_move_only_when_something_changed() -> None:
    belief = belief_on()
    version = belief.costs().version
    belief.refresh(10.0, None)
    belief.refresh(20.0, None)
    assert belief.costs().version == version
    watch(belief, 41, 20, [(PERSON, MIDDLE)])
    assert not belief.refresh(21.0, None), "at most every five seconds"
    assert belief.refresh(31.0, None)
    assert belief.costs().version > version


# Ages.


def test_ages_are_infinite_until_something_is_seen_and_grow_until_it_is_seen_again() -> None:
    belief = belief_on(sensor=SensorModel(radius_m=4.0))
    assert np.isinf(belief.age_s("risk")).all()
    watch(belief, 1, 1, robot=MIDDLE)
    seen = np.isfinite(belief.age_s("risk"))
    assert seen[MIDDLE + 4]
    assert not seen[MIDDLE + 5]
    tick = 2
    for _ in range(5):
        before = belief.age_s("risk")
        tick = watch(belief, tick, 4, robot=0)
        after = belief.age_s("risk")
        again = belief.senses.looked == tick
        assert np.array_equal(after[~again], before[~again] + 2.0)
        assert (after[again] == 0.0).all()
    assert np.isinf(belief.age_s("risk")).any()
    with pytest.raises(ValueError, match="no layer named 'mood'"):
        belief.age_s("mood")


def test_very_large_maps_do_without_directions_and_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envs.belief.senses.WIDE", 10)
    monkeypatch.setattr("envs.belief.layers.WIDE", 10)
    belief = belief_on(fleet=1)
    energy = belief.costs().layer("energy").copy()
    tick = watch(belief, 1, 60, [(TRAFFIC, MIDDLE, MIDDLE + 1, 400, 1000)])
    belief.refresh(0.5 * tick, None, kg=10.0)
    assert belief.senses.fleet.shape == (OPEN.size, 1)
    assert "oncoming" not in belief.costs().layers
    assert belief.costs().layer("congestion")[MIDDLE] > 0.02
    assert belief.costs().layer("energy")[0] == energy[0]


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="detection must be in"):
        SensorModel(detection=1.5)
    with pytest.raises(ValueError, match="radius_m must be finite"):
        SensorModel(radius_m=-1.0)
    assert BeliefModel().near_m == 1.5
    assert SURE.detection == 1.0


# Switched off in a living world.


@pytest.mark.parametrize(
    ("factor", "numbers"),
    [
        ("risk", {"track_weight": 5.0, "stay_s": 99.0}),
        ("congestion", {"same_way": 2.0, "density_tau_s": 5.0}),
    ],
)
def test_nothing_that_a_factor_knows_matters_where_its_weight_is_zero(
    factor: str, numbers: dict[str, float]
) -> None:
    def trace_hash(model: BeliefModel, weight: float) -> str:
        world = World(
            fulfilment(3, 4), seed=5, workers=8, traffic=10, assumptions=Assumptions(belief=model),
            **{f"lam_{factor}": weight},
        )  # fmt: skip
        settings = PlannerSettings(strategy="astar")
        run_episode(world, make_chooser("utility"), settings, seconds=900.0)
        return world.trace_hash

    other = BeliefModel(**numbers)
    assert trace_hash(BeliefModel(), 0.0) == trace_hash(other, 0.0)
    assert trace_hash(BeliefModel(), 20.0) != trace_hash(other, 20.0), "where it is on, they matter"


def test_telemetry_at_whole_cells_hears_the_fleet_move() -> None:
    # Cells of a metre take two ticks and messages come every ten: in step, robots are between two
    # nodes in no message.
    world = World(fulfilment(2, 3), seed=1, workers=0, traffic=8, orders=[])
    while world.tick < 200:
        world.advance(WAIT, 200)
    assert world.belief.senses.fleet[:, :4].max(axis=0).min() > 0.01
