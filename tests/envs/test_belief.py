"""Belief: what is seen is learned, what is not seen fades, and truth never leaks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from envs.battery import PROFILES
from envs.belief import Belief, BeliefModel, Sensor, SensorModel
from envs.blockages import Blockage, Floor, near_matrix
from envs.layouts import Layout, fulfilment
from envs.people import Body, Sighting, Walker
from planners import GridMap, plan

DELIVERY = PROFILES["delivery"]
OPEN = GridMap(np.zeros((9, 21), dtype=bool), moves="four")
SURE = SensorModel(detection=1.0, false_alarm=0.0)


def belief_on(grid: GridMap = OPEN, faces: Sequence[int] = (), **options: object) -> Belief:
    """A belief on an open floor; its pick faces are `faces`, or everywhere alike."""
    storage = tuple(faces) or tuple(range(2, grid.size))
    density = np.zeros(grid.size) if faces else np.ones(grid.size)
    density[list(storage)] = 1.0
    layout = Layout("open", grid, (0,), storage, (1,), density)
    settings: dict[str, object] = {"staff": 0, "tick_s": 0.5, "model": BeliefModel(), **options}
    return Belief(Floor(grid), layout, DELIVERY, **settings)  # type: ignore[arg-type]


def person(node: int, grid: GridMap = OPEN, id: int = 0) -> Body:
    x, y = grid.positions_m([node])[0]
    return Body(id, node, float(x), float(y), person=True)


def sighting(
    time_s: float,
    *bodies: Body,
    obstacles: tuple[int, ...] = (),
    visible: object = None,
) -> Sighting:
    ids = np.arange(OPEN.size) if visible is None else np.array(visible)
    return Sighting(time_s, ids, bodies, frozenset(obstacles))


def walker_at(node: int, id: int = 0) -> Walker:
    return Walker(id, node, 650, person=True)


# The sensor.


def test_shelves_occlude_and_the_radius_limits() -> None:
    blocked = np.zeros((5, 30), dtype=bool)
    blocked[0:4, 6] = True
    sensor = Sensor(Floor(GridMap(blocked, moves="four")), 0, SURE)
    _, seen = sensor.view(2 * 30 + 3)
    assert 2 * 30 + 5 in seen
    assert 2 * 30 + 6 not in seen, "a shelf is no node"
    assert 2 * 30 + 8 not in seen, "behind the shelf"
    assert 2 * 30 + 0 in seen
    _, far = sensor.view(4 * 30 + 3)
    assert 4 * 30 + 11 in far
    assert 4 * 30 + 12 not in far, "beyond 8 m"


def test_on_a_graph_the_radius_alone_counts() -> None:
    layout = fulfilment(2, 3).as_graph()
    floor = Floor(layout.map)
    ids, _ = Sensor(floor, 0, SURE).view(layout.stations[0])
    away = np.hypot(*(floor.position_m - floor.position_m[layout.stations[0]]).T)
    assert set(ids.tolist()) == set(np.flatnonzero(away <= 8.0).tolist())


def test_misses_and_ghosts_come_at_their_rates() -> None:
    floor = Floor(OPEN)
    sensor = Sensor(floor, 1, SensorModel(detection=0.9, false_alarm=0.05))
    looks = [sensor.look(t, 0.5 * t, 94, [walker_at(95)], frozenset({96})) for t in range(4000)]
    seen = np.mean([any(body.id == 0 for body in look.bodies) for look in looks])
    found = np.mean([96 in look.obstacles for look in looks])
    ghosts = np.mean([bool(look.obstacles - {96}) for look in looks])
    phantoms = np.mean([any(body.id != 0 for body in look.bodies) for look in looks])
    assert seen == pytest.approx(0.9, abs=0.02)
    assert found == pytest.approx(0.9, abs=0.02)
    assert ghosts == pytest.approx(0.05, abs=0.015)
    assert phantoms == pytest.approx(0.05, abs=0.015)


def test_who_is_out_of_sight_is_not_seen() -> None:
    sensor = Sensor(Floor(OPEN), 1, SURE)
    look = sensor.look(0, 0.0, 0, [walker_at(1), walker_at(20, id=1)], frozenset({2, 19}))
    assert [body.id for body in look.bodies] == [0]
    assert look.obstacles == {2}


# Blockages.


def test_a_seen_blockage_leaves_the_map_and_comes_back_after_ten_minutes_unseen() -> None:
    belief = belief_on()
    for time_s in (-1.0, -0.5, 0.0):
        belief.sense(sighting(time_s, obstacles=(50,)))
    assert belief.map().is_blocked(50)
    belief.refresh(400.0, None)
    assert belief.map().is_blocked(50)
    belief.refresh(430.0, None)
    assert not belief.map().is_blocked(50), "p = exp(-430 / 600) < 0.5"
    doubt = belief.costs().layer("blockage")[50]
    assert doubt == pytest.approx(20.0 * math.exp(-430.0 / 600.0), rel=0.01)


def test_one_miss_does_not_clear_a_blockage_and_two_do() -> None:
    belief = belief_on()
    for time_s in (0.0, 0.5, 1.0):
        belief.sense(sighting(time_s, obstacles=(50,)))
    belief.sense(sighting(1.5))
    assert belief.map().is_blocked(50)
    belief.sense(sighting(2.0))
    assert not belief.map().is_blocked(50)


def test_a_ghost_is_gone_after_the_next_look() -> None:
    belief = belief_on()
    belief.sense(sighting(0.0, obstacles=(50,)))
    belief.sense(sighting(0.5))
    assert 50 not in belief.believed_blocked


def test_a_closure_holds_from_its_start_to_its_end() -> None:
    belief = belief_on()
    belief.announce(Blockage((40, 41), 100.0, 200.0, 10.0))
    closed = {}
    for time_s in (50.0, 100.0, 195.0, 200.0):
        belief.refresh(time_s, None)
        closed[time_s] = set(belief.believed_blocked)
    assert closed == {50.0: set(), 100.0: {40, 41}, 195.0: {40, 41}, 200.0: set()}


def test_bumping_into_something_is_believed_at_once() -> None:
    belief = belief_on()
    version = belief.map_version
    belief.bump(77, 3.0)
    assert belief.map().is_blocked(77)
    assert belief.map_version == version + 1


# Layers.


def watch(belief: Belief, node: int, seconds: float, start_s: float = 0.0) -> float:
    time_s = start_s
    while time_s < start_s + seconds:
        belief.sense(sighting(time_s, person(node)))
        time_s += 0.5
        belief.refresh(time_s, (0.0, 0.0))
    return time_s


def test_risk_rises_where_people_are_seen_and_fades_to_the_prior() -> None:
    belief = belief_on(staff=4)
    prior = belief.costs().layer("risk").copy()
    time_s = watch(belief, 94, 300.0)
    risk = belief.costs().layer("risk")
    assert risk[94] > 2.0 * prior[94]
    assert risk[95] == pytest.approx(risk[94], rel=0.2), "next to the person is as near"
    assert risk[94 + 6] < prior[94 + 6], "looked at and nobody there"
    for minute in range(60):
        belief.refresh(time_s + 60.0 * (minute + 1), None)
    # Layers are handed on in steps of 0.002, so the end may lie that far off.
    np.testing.assert_allclose(belief.costs().layer("risk"), prior, atol=0.006)


def test_the_prior_follows_pick_density_and_staff() -> None:
    risk = belief_on(faces=[94], staff=10).costs().layer("risk")
    assert risk[95] > risk[0] > 0.0
    assert risk[94 + 8] == 0.0
    more = belief_on(faces=[94], staff=20).costs().layer("risk")
    assert more[95] > risk[95]
    assert belief_on(faces=[94], staff=0).costs().layer("risk").max() == 0.0


def test_fleet_density_raises_congestion_where_it_is_and_fades() -> None:
    belief = belief_on()
    for k in range(12):
        belief.hear_fleet([94, 95], 5.0)
        belief.refresh(5.0 * (k + 1), None)
    high = belief.costs().layer("congestion")[94]
    assert high > 0.05
    assert belief.costs().layer("congestion")[94 + 8] == 0.0
    for k in range(100):
        belief.hear_fleet([], 5.0)
        belief.refresh(60.0 + 5.0 * (k + 1), None)
    assert belief.costs().layer("congestion")[94] < 0.1 * high


def test_costs_are_seconds_and_the_weights_are_the_stated_ones() -> None:
    costs = belief_on().costs()
    assert costs.base == pytest.approx(1.0 / 0.7)
    assert costs.weights["energy"] == pytest.approx(3600.0 / 211.2)
    energy_wh_m = (20.0 / 0.7 + DELIVERY.drive_j_per_m) / 3600.0
    np.testing.assert_allclose(costs.layer("energy"), energy_wh_m, rtol=1e-6)
    expected = 1.0 / 0.7 + 3600.0 / 211.2 * energy_wh_m
    np.testing.assert_allclose(costs.pace, expected, rtol=1e-5)


@pytest.mark.parametrize("factor", ["risk", "congestion", "energy"])
def test_a_factor_with_weight_zero_moves_no_route(factor: str) -> None:
    belief = belief_on(staff=4, **{f"lam_{factor}": 0.0})
    watch(belief, 94, 30.0)
    belief.hear_fleet([94], 5.0)
    belief.refresh(500.0, None)
    costs = belief.costs()
    others = [costs.weights[name] * costs.layer(name) for name in costs.layers if name != factor]
    np.testing.assert_allclose(costs.pace, costs.base + sum(others), rtol=1e-5)


def route(belief: Belief) -> set[int]:
    start, goal = OPEN.node((4, 0)), OPEN.node((4, 20))
    result = plan(belief.map(), start, goal, costs=belief.costs())
    assert result.path is not None
    return set(result.path.nodes.tolist())


def test_each_layer_sends_the_route_round() -> None:
    crowd = [OPEN.node((4, 10)), OPEN.node((4, 11))]
    direct = route(belief_on())
    assert set(crowd) <= direct, "straight ahead is shortest"

    belief = belief_on(staff=1)
    watch(belief, crowd[0], 400.0)
    belief.refresh(500.0, None)
    assert crowd[0] not in route(belief)
    unafraid = belief_on(staff=1, lam_risk=0.0, lam_congestion=0.0)
    watch(unafraid, crowd[0], 400.0)
    unafraid.refresh(500.0, None)
    assert crowd[0] in route(unafraid)

    for lam, through in ((4.0, False), (0.0, True)):
        belief = belief_on(lam_congestion=lam, lam_energy=0.0)
        for _ in range(60):
            belief.hear_fleet([*crowd, crowd[0] + 21, crowd[0] - 21], 5.0)
        belief.refresh(5.0, None, force=True)
        assert (crowd[0] in route(belief)) is through

    belief = belief_on()
    belief.sense(sighting(0.0, obstacles=tuple(crowd)))
    assert not set(crowd) & route(belief)


def test_versions_move_only_when_something_changed() -> None:
    belief = belief_on()
    version = belief.costs().version
    belief.refresh(10.0, None)
    belief.refresh(20.0, None)
    assert belief.costs().version == version
    belief.sense(sighting(20.0, person(94)))
    assert not belief.refresh(21.0, None), "at most every five seconds"
    assert belief.refresh(26.0, None)
    assert belief.costs().version > version


# Tracks.


def test_a_meeting_ahead_is_foreseen_and_a_passing_one_is_not() -> None:
    belief = belief_on()
    for k in range(3):  # walks west along row 4 at 1.3 m/s
        body = Body(0, 94, 14.0 - 0.65 * k, 4.0, person=True)
        belief.sense(sighting(0.5 * k, body))
    ahead = [(6.0 + 0.7 * k, 4.0) for k in range(6)]
    aside = [(6.0 + 0.7 * k, 7.0) for k in range(6)]
    assert belief.meets(ahead, 1.0)
    assert not belief.meets(aside, 1.0)
    assert not belief.meets(ahead, 4.0), "not seen for too long"


def test_somebody_standing_costs_a_wait() -> None:
    belief = belief_on()
    for k in range(8):
        belief.sense(sighting(0.5 * k, person(94)))
    belief.refresh(3.5, (10.0, 4.0), force=True)
    assert belief.costs().layer("blockage")[94] == pytest.approx(10.0)
    belief.refresh(3.5, (0.0, 4.0), force=True)  # by the time it gets there most stops are over
    speed = belief._profile.speed_m_s
    assert belief.costs().layer("blockage")[94] == pytest.approx(10.0 * math.exp(-1.0 / speed))
    belief.refresh(30.0, (0.0, 4.0))
    assert belief.costs().layer("blockage")[94] == 0.0


def test_near_nodes_are_the_eight_around() -> None:
    near = near_matrix(Floor(OPEN), 1.5)
    row = near.indices[near.indptr[94] : near.indptr[95]]
    assert sorted(row.tolist()) == [72, 73, 74, 93, 94, 95, 114, 115, 116]
