"""From evidence to costs: the kernel against the formulas, written again with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.battery import PROFILES
from envs.belief import BeliefModel
from envs.belief.edges import edges_into
from envs.kernels import price
from envs.kernels import sense_state as at
from envs.layouts import Layout, fulfilment, furnish
from envs.world import WAIT, World
from planners import GridMap

HALL = fulfilment(2, 3)
GRAPH = HALL.as_graph()
FLOORS = pytest.mark.parametrize("layout", [HALL, GRAPH], ids=["grid", "graph"])

DELIVERY, MODEL = PROFILES["delivery"], BeliefModel()
MOST = {"congestion": 0.005, "risk": 0.002, "energy": 1e-4, "oncoming": 0.005}


def busy_world(layout: Layout, seed: int, ticks: int, workers: int = 6, traffic: int = 16) -> World:
    """A world in which the robot has stood and looked for some time."""
    world = World(layout, seed=seed, workers=workers, traffic=traffic, orders=[])
    while world.tick < ticks:
        world.advance(WAIT, ticks - world.tick)
    return world


def delay(rho: np.ndarray, pace: np.ndarray) -> np.ndarray:
    return rho * pace / (1.0 - np.minimum(rho, 0.9))


def asked_of(world: World, tick: int) -> dict[str, np.ndarray]:
    """Every layer from the evidence as it stands, for all nodes at once, people just seen aside."""
    senses, pricing = world.belief.senses, world.belief._layers._pricing
    ago = np.minimum(tick - senses.looked, senses.fade.size - 1)
    seen, near, there = (senses.evidence * senses.fade[ago][:, None]).astype(float).T
    heard = np.minimum(tick - senses.heard, senses.fleet_fade.size - 1)
    fleet = (senses.fleet * senses.fleet_fade[heard][:, None]).astype(float)
    near = (MODEL.prior_s * pricing.near_presence + near) / (MODEL.prior_s + seen)
    there = (MODEL.prior_s * pricing.presence + there) / (MODEL.prior_s + seen)
    moving = fleet[:, :4].sum(axis=1)
    shared = there + fleet[:, 4] + MODEL.same_way * moving
    limit = world.floor.speed_m_s
    pace = 1.0 / np.minimum(DELIVERY.speed_m_s, np.inf if limit is None else limit)
    pace = np.broadcast_to(pace, shared.shape)
    congestion = delay(shared, pace)
    joules = DELIVERY.ambient_w * (pace + congestion) + DELIVERY.drive_j_per_m
    ptr, edges, ways = edges_into(world.layout.map, senses)
    heads = np.repeat(np.arange(world.layout.map.size), np.diff(ptr))
    others = (1.0 - MODEL.same_way) * (moving[heads] - fleet[heads, ways])
    oncoming = np.zeros(world.belief.costs().layer("oncoming").size)
    oncoming[edges] = np.maximum(
        delay(shared[heads] + others, pace[heads]) - congestion[heads], 0.0
    )
    return {
        "congestion": congestion, "risk": 1.0 - np.exp(-near * pace),
        "energy": joules / 3600.0, "oncoming": oncoming,
    }  # fmt: skip


SLOW = furnish(HALL, {"zones": [{"name": "slow", "kind": "speed_limit", "speed_m_s": 0.3,
                                 "rectangle": [0, 0, HALL.map.rows - 1, 9]}]})  # fmt: skip


@pytest.mark.parametrize("layout", [HALL, GRAPH, SLOW], ids=["grid", "graph", "zones"])
@pytest.mark.parametrize("seed", range(3))
def test_after_a_turn_every_layer_is_what_its_evidence_says(layout: Layout, seed: int) -> None:
    world = busy_world(layout, seed, 400)
    belief, tick = world.belief, world.tick
    for _ in range(MODEL.turn_refreshes + 1):  # all that fades has its turn; time stands still
        belief.refresh(world.time_s, None, force=True)
    for name, values in asked_of(world, tick).items():
        held = belief.costs().layer(name)
        free = slice(None)
        if held.size == layout.map.size:
            free = ~np.asarray(layout.map.blocked).reshape(-1)
        np.testing.assert_allclose(held[free], values[free], atol=1.001 * MOST[name], err_msg=name)
        assert np.ptp(values) > 2 * MOST[name], name  # there was something to be seen


def test_a_node_left_out_of_the_turn_would_be_noticed() -> None:
    world = busy_world(HALL, 1, 400)
    belief, pricing = world.belief, world.belief._layers._pricing
    belief.refresh(world.time_s, None, force=True)
    pricing.ints[price.LIVING] = 0  # forget whom to look after
    later = world.tick + 2000
    for _ in range(MODEL.turn_refreshes + 1):
        belief.refresh(0.5 * later, None, force=True)
    risk = asked_of(world, later)["risk"]
    assert np.abs(belief.costs().layer("risk") - risk).max() > 5 * MOST["risk"]


@FLOORS
def test_compiled_and_plain_pricing_agree(layout: Layout) -> None:
    worlds = [busy_world(layout, 7, 300) for _ in range(2)]
    worlds[1].belief._layers._refresh = price.refresh_layers
    for world in worlds:
        for _ in range(20):
            world.advance(WAIT, 10)
            world.belief.refresh(world.time_s, world.robot_position_m, force=True)
    fast, plain = (world.belief for world in worlds)
    assert fast._layers._pricing.ints[price.SEEN] + fast._layers._pricing.ints[price.LIVING] > 0
    for name in fast.costs().layers:
        one, other = fast.costs().layer(name), plain.costs().layer(name)
        np.testing.assert_allclose(one, other, rtol=1e-6, err_msg=name)
    for k in (price.LIVING, price.CURSOR, price.AROUND, price.PICKED, price.ROUND):
        assert fast._layers._pricing.ints[k] == plain._layers._pricing.ints[k]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), ticks=st.integers(1, 30), age=st.integers(0, 4000))
def test_nobody_is_picked_twice_and_nobody_alive_is_lost(seed: int, ticks: int, age: int) -> None:
    world = busy_world(HALL, seed % 50, 20 * ticks)
    senses, pricing = world.belief.senses, world.belief._layers._pricing
    tick = world.tick + age
    price.people_seen(tick, senses, pricing)
    price.pick_stale(tick, at.NEVER, senses, pricing)
    ints = pricing.ints
    picked = pricing.picked[: ints[price.PICKED]].tolist()
    alive = pricing.alive[: ints[price.LIVING]].tolist()
    assert len(picked) == len(set(picked)) and len(alive) == len(set(alive))
    assert set(alive) == set(np.flatnonzero(pricing.is_alive).tolist())
    fresh = {n for n in range(HALL.map.size) if price.is_fresh(n, tick, senses)}
    assert fresh <= set(alive)
    for _ in range(MODEL.turn_refreshes):
        price.pick_stale(tick, at.NEVER, senses, pricing)
    assert set(pricing.alive[: ints[price.LIVING]].tolist()) == fresh


@FLOORS
def test_edges_lead_to_their_node_in_their_heading(layout: Layout) -> None:
    world = World(layout, seed=0, workers=0, traffic=1, orders=[])
    map_, at_m = layout.map, layout.map.positions_m(np.arange(layout.map.size))
    ptr, edges, ways = edges_into(map_, world.belief.senses)
    assert ptr[0] == 0 and ptr[-1] == edges.size == len(set(edges.tolist()))
    for node in range(map_.size):
        for k in range(ptr[node], ptr[node + 1]):
            if isinstance(map_, GridMap):
                plane, tail = divmod(int(edges[k]), map_.size)
                assert plane == 2 * ways[k]
            else:
                tail = int(map_.sources[edges[k]])
                assert map_.indices[edges[k]] == node
            east, south = at_m[node] - at_m[tail]
            assert (0, 1, 0, -1)[ways[k]] * east + (-1, 0, 1, 0)[ways[k]] * south > 0


@FLOORS
@pytest.mark.parametrize("ago", [0, 3])
def test_people_just_seen_raise_the_risk_where_the_robot_could_meet_them(layout, ago: int) -> None:
    world = busy_world(layout, 3, 200, traffic=0)
    belief = world.belief
    senses, pricing, tick = belief.senses, belief._layers._pricing, world.tick + ago
    at_m = layout.map.positions_m(np.arange(layout.map.size))
    rng = np.random.default_rng(5)
    robot_m = at_m[world.robot.node]
    senses.tracks[:, 0] = 0
    walks, stands = 0, 1  # two people near the robot, one of them standing for four seconds
    for agent, since, speed in ((walks, world.tick, (0.9, -0.4)), (stands, world.tick - 8, (0, 0))):
        senses.tracks[agent] = world.tick, world.robot.node, since, 0
        senses.motion[agent] = *(robot_m + rng.uniform(-3, 3, 2)), *speed
    price.people_seen(tick, senses, pricing)
    assert pricing.ints[price.SEEN] == 2
    offset = at_m - robot_m
    ahead_s = np.hypot(*offset.T) / DELIVERY.speed_m_s
    later_s = 0.5 * ago + ahead_s
    area, expected = MODEL.near_m**2, np.zeros(layout.map.size)
    for agent in (walks, stands):
        x, y, vx, vy = senses.motion[agent]
        away2 = ((at_m - (x, y)) ** 2).sum(axis=1)
        stays = np.exp(-later_s / MODEL.stay_s) * np.exp(-away2 / area)
        if agent == stands:
            expected += stays
            continue
        spread = area + 2 * (0.3 + 0.5 * later_s) ** 2
        gone2 = (at_m[:, 0] - x - vx * later_s) ** 2 + (at_m[:, 1] - y - vy * later_s) ** 2
        expected += MODEL.track_weight * (
            0.3 * stays + 0.7 * area / spread * np.exp(-gone2 / spread)
        )
    expected[(np.abs(offset) > 8.0).any(axis=1)] = 0.0
    found = [price.tracked(n, tick, *robot_m, senses, pricing) for n in range(layout.map.size)]
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.sum(expected > 0.1) > 2 and np.sum(expected == 0.0) > 10
