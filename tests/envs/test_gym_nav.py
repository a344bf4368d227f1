"""`WarehouseNav-v0`: what is observed, what the masks promise, and that it can be learned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.gym.nav import ACTIONS, GIVE_WAY, STAY, WarehouseNav
from envs.gym.observe import BODY, CLOSED, PEOPLE, RISK, ROBOTS, WALL, WAY
from envs.gym.policies import PlannerPolicy
from envs.gym.rewards import TERMS, Rewards
from envs.kernels.state import TICK
from envs.layouts import fulfilment
from envs.world import World
from envs.zones import Zone
from planners import GridMap, plan

SMALL = fulfilment(2, 3)
GRID = SMALL.map
assert isinstance(GRID, GridMap)
ALONE = {"workers": 0, "blockages_per_hour": 0.0}


def nav(**options: Any) -> WarehouseNav:
    return WarehouseNav(**{"layout": SMALL, "workers": 4, **options})


def centre(window: npt.NDArray[np.float32], channel: int, down: int = 0, right: int = 0) -> float:
    middle = window.shape[1] // 2
    return float(window[channel, middle + down, middle + right])


# Observations.


@given(
    seed=st.integers(0, 2**40), traffic=st.integers(0, 3), radius=st.integers(1, 20),
    until_asked=st.booleans(), soc=st.sampled_from([0.0005, 0.3, 1.0]),
    actions=st.lists(st.integers(0, len(ACTIONS) - 1), max_size=60),
)  # fmt: skip
def test_any_actions_give_observations_inside_the_space(
    seed: int, traffic: int, radius: int, until_asked: bool, soc: float, actions: list[int]
) -> None:
    env = nav(
        traffic=traffic, radius=radius, until_asked=until_asked, initial_soc=soc, seconds=20.0
    )
    observation, info = env.reset(seed=seed)
    assert observation in env.observation_space
    for action in actions:
        mask, asked = info["action_mask"], info["asked"]
        assert mask.shape == (len(ACTIONS),) and mask.dtype == np.int8 and mask[STAY] == 1
        assert asked or mask.sum() == 1
        refused = asked and not mask[action]
        observation, reward, terminated, truncated, info = env.step(action)
        assert observation in env.observation_space
        terms = info["reward_terms"]
        assert type(reward) is float and reward == sum(terms.values())
        assert terms["illegal"] == (-1.0 if refused else 0.0)
        if terminated or truncated:
            break


def test_the_window_is_what_lies_around() -> None:
    env = nav(**ALONE, radius=3)
    for seed in range(20):
        observation, _ = env.reset(seed=seed)
        row, col = GRID.cells(np.array([env.world.robot.node]))[0]
        walls = np.pad(GRID.blocked, 3, constant_values=True)[row : row + 7, col : col + 7]
        assert np.array_equal(observation["window"][WALL], walls)
        risk = np.zeros(GRID.shape) + env.world.belief.costs().layer("risk").reshape(GRID.shape)
        around = np.pad(risk, 3)[row : row + 7, col : col + 7]
        assert np.allclose(observation["window"][RISK], np.minimum(around, 1.0))


def test_the_way_falls_towards_the_goal_and_the_body_points_at_it() -> None:
    env = nav(**ALONE)
    observation, info = env.reset(seed=1, options={"start": (4, 3), "stops": [(4, 9), (0, 5)]})
    assert centre(observation["window"], WAY) == 0.0
    assert centre(observation["window"], WAY, right=1) == pytest.approx(-1 / 7)
    body = dict(zip(BODY, observation["body"].tolist(), strict=True))
    assert body["goal_east"] == pytest.approx(6 / GRID.cols) and body["goal_south"] == 0.0
    assert body["charge"] == pytest.approx(0.9) and body["due"] == 1.0
    sides = [not GRID.blocked[4 + i, 3 + j] for i, j in ((-1, 0), (0, 1), (1, 0), (0, -1))]
    assert info["asked"] and info["action_mask"].tolist() == [1, *sides, 1]


def test_people_are_seen_a_tick_late_and_closed_cells_are_marked() -> None:
    env = nav(workers=12, traffic=4, radius=6)
    observation, _ = env.reset(seed=0)
    assert not observation["window"][PEOPLE].any()
    marks = 0
    for _ in range(60):
        observation, *_ = env.step(STAY)
        corner = np.subtract(divmod(env.world.robot.node, GRID.cols), 6)
        for channel, person in ((PEOPLE, True), (ROBOTS, False)):
            tracks = [t for t in env.world.belief.tracks.values() if t.person == person]
            cells = [np.subtract(divmod(t.node, GRID.cols), corner).tolist() for t in tracks]
            inside = sorted({(i, j) for i, j in cells if 0 <= i <= 12 and 0 <= j <= 12})
            assert [(i, j) for i, j in np.argwhere(observation["window"][channel])] == inside
            marks += len(inside)
    assert marks > 60
    node = env.world.robot.node
    closed = next(n for n in GRID.successors(node)[0].tolist())
    env.world.belief.bump(closed, env.world.time_s)
    observation, *_ = env.step(STAY)
    down, right = np.subtract(divmod(closed, GRID.cols), divmod(node, GRID.cols)).tolist()
    assert centre(observation["window"], CLOSED, down, right) == 1.0


class Hidden:
    """Stands where the truth stood; whoever looks at more of it than allowed is found out."""

    def __init__(self, **allowed: Any) -> None:
        vars(self).update(allowed)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"looked at the truth: {name}")


def test_observations_and_masks_do_not_touch_the_truth() -> None:
    env = nav(workers=6, traffic=2, render_mode="ansi")
    _, info = env.reset(seed=3)
    rng = np.random.default_rng(0)
    for _ in range(100):
        _, _, terminated, _, info = env.step(rng.choice(np.flatnonzero(info["action_mask"])))
        assert not terminated
        world, truth = env.world, vars(env.world).copy()
        agents, walkers = world.crowd.agents, world.crowd.n
        places = (agents.node, agents.to, agents.x_m, agents.y_m)
        kept = [place[:walkers].copy() for place in places]
        for place in places:
            place[:walkers] = -7
        for name in ("floor", "meetings", "_blockages", "_sensor", "_engine"):
            setattr(world, name, Hidden())
        world.crowd = Hidden(clock=world.crowd.clock)
        env._observer._seen = (-1, -1, -1, -1)  # so that it looks at everything anew
        observation, mask = env._observation(), env.action_masks()
        with pytest.raises(AssertionError, match="truth"):
            env.render()
        vars(world).update(truth)
        for place, values in zip(places, kept, strict=True):
            place[:walkers] = values
        again = env._observation()
        assert all(np.array_equal(observation[key], again[key]) for key in observation)
        assert np.array_equal(mask, info["action_mask"])


# Actions.


def test_alone_a_legal_move_moves_and_a_masked_one_is_refused() -> None:
    env = nav(**ALONE, seconds=3600.0)
    rng, seen = np.random.default_rng(1), set()
    _, info = env.reset(seed=0)
    for _ in range(300):
        node, mask = env.world.robot.node, info["action_mask"]
        action = int(rng.integers(1, 5))
        _, _, terminated, _, info = env.step(action)
        seen.add((action, bool(mask[action])))
        if mask[action]:
            assert info["reward_terms"]["illegal"] == 0.0
            while not info["asked"] and env.world.robot.node == node:
                _, _, terminated, _, info = env.step(GIVE_WAY)  # not looked at
                assert info["reward_terms"]["illegal"] == 0.0
            steps = (-GRID.cols, 1, GRID.cols, -1)
            assert env.world.robot.node == node + steps[action - 1]
            assert info["reward_terms"]["energy"] < 0.0
        else:
            assert info["reward_terms"]["illegal"] == -1.0
            assert env.world.robot.node == node and env.world.robot.to < 0
        while not info["asked"] and not terminated:
            _, _, terminated, _, info = env.step(STAY)
        if terminated:
            _, info = env.reset()
    assert seen == {(action, legal) for action in range(1, 5) for legal in (True, False)}


def test_zones_are_in_the_mask_and_in_the_window() -> None:
    row = 4
    free = np.flatnonzero(~GRID.blocked[row - 1 : row + 1].any(axis=0)).tolist()
    shut, lane = GRID.node((row, free[2])), GRID.node((row, free[4]))
    zones = (
        Zone("shut", "keep_out", (shut,)),
        Zone("lane", "one_way", (lane,), direction="east"),
    )
    env = nav(**ALONE, layout=replace(SMALL, zones=zones))
    observation, info = env.reset(seed=0, options={"start": shut - GRID.cols})
    assert info["action_mask"].tolist()[3] == 0  # south, into the zone
    assert centre(observation["window"], WALL, down=1) == 1.0
    before = env.world.robot.node
    *_, info = env.step(3)
    assert info["reward_terms"]["illegal"] == -1.0 and env.world.robot.node == before
    _, info = env.reset(seed=0, options={"start": lane})
    assert info["action_mask"].tolist()[2] == 1 - GRID.blocked[row, free[4] + 1]  # east
    assert info["action_mask"].tolist()[4] == 0  # west


def test_waiting_on_a_charger_charges_and_an_empty_battery_ends_it() -> None:
    charger = SMALL.chargers[0]
    env = nav(**ALONE)
    env.reset(seed=0, options={"start": charger, "soc": 0.5})
    before = env.world.robot.battery.charge_mj
    env.step(STAY)
    assert env.world.robot.battery.charge_mj > before
    start = int(env._drawing.free[0])
    for until_asked in (False, True):
        env = nav(**ALONE, until_asked=until_asked)
        env.reset(seed=0, options={"start": start, "soc": 1e-5})
        for _ in range(20):
            _, _, terminated, truncated, info = env.step(STAY)
            if terminated:
                break
        assert terminated and not truncated
        assert info["reward_terms"]["stranded"] == -900.0
        assert env.world.time_s < 10.0


def test_time_truncates() -> None:
    env = nav(seconds=5.0)
    env.reset(seed=0)
    ended = [env.step(STAY)[2:4] for _ in range(10)]
    assert ended == [(False, False)] * 9 + [(False, True)]


def test_a_step_until_asked_is_the_same_drive_in_fewer_steps() -> None:
    took = []
    for until_asked in (False, True):
        env, policy, steps, total = nav(until_asked=until_asked), PlannerPolicy(), 0, 0.0
        env.reset(seed=5)
        ended = False
        while not ended:
            _, reward, terminated, truncated, info = env.step(policy(env))
            assert info["asked"] or not until_asked or terminated or truncated
            ended, steps, total = terminated or truncated, steps + 1, total + reward
        took.append((steps, total, terminated))
    assert took[1][0] < 0.7 * took[0][0]
    assert took[0][1] == pytest.approx(took[1][1], abs=20.0) and took[0][2] and took[1][2]


def test_the_planner_delivers_and_beats_chance() -> None:
    env, policy, rng = nav(workers=6), PlannerPolicy(), np.random.default_rng(0)
    delivered, sums = 0, {"planner": 0.0, "random": 0.0}
    for seed in range(6):
        for name in sums:
            _, info = env.reset(seed=seed)
            ended = False
            while not ended:
                free = np.flatnonzero(info["action_mask"])
                action = policy(env) if name == "planner" else int(rng.choice(free))
                _, reward, terminated, truncated, info = env.step(action)
                assert info["reward_terms"]["illegal"] == 0.0
                ended, sums[name] = terminated or truncated, sums[name] + reward
            delivered += name == "planner" and info["reward_terms"]["delivered"] > 0
    assert delivered == 6
    assert sums["planner"] > sums["random"] + 6 * 200.0


def test_progress_sums_to_the_way_and_zero_switches_a_term_off() -> None:
    env, policy = nav(**ALONE, rewards=Rewards(second=0.0, wh=0.0)), PlannerPolicy("astar")
    env.reset(seed=4, options={"start": (4, 0), "stops": [(4, 9), (13, 9)]})
    legs = ((4, 0), (4, 9)), ((4, 9), (13, 9))
    way_m = sum(plan(GRID, *ends).cost for ends in legs)
    ended, sums = False, dict.fromkeys(TERMS, 0.0)
    while not ended:
        _, _, ended, _, info = env.step(policy(env))
        for name, value in info["reward_terms"].items():
            sums[name] += value
    assert sums["progress"] == way_m and sums["delivered"] == 100.0
    assert sums["seconds"] == sums["energy"] == 0.0


def test_lateness_is_paid_by_priority() -> None:
    from planners.tasks import Order

    stops = (GRID.node((4, 3)), GRID.node((4, 9)))
    late = {}
    for priority in ("urgent", "low"):
        order = Order("O1", stops, due_s=10.0, priority=priority)
        env, policy = nav(**ALONE, orders=[order]), PlannerPolicy()
        env.reset(seed=0, options={"start": (4, 0)})
        ended = False
        while not ended:
            _, _, ended, _, info = env.step(policy(env))
        late[priority] = info["reward_terms"]["late"]
        # Delivered when the work at the drop began, one tick before this observation.
        assert late[priority] == -order.lateness_s(env.world.time_s - env.world.tick_s)
    assert late["urgent"] == 16 * late["low"] < 0


def test_half_of_the_planners_offers_fall_on_ticks_in_which_traffic_decides() -> None:
    env, policy = nav(**ALONE), PlannerPolicy()
    env.reset(seed=1)
    env.blocked, offers = 11, []
    for tick in range(8):
        env.world.crowd.clock[TICK] = tick
        offers.append(policy(env) == GIVE_WAY)
    assert offers == [False, False, True, True] * 2
    assert any(offers[::2]) and any(offers[1::2])


def test_the_shortest_episode_is_a_tick() -> None:
    env = nav(**ALONE, seconds=0.1)
    env.reset(seed=1)
    assert env.step(STAY)[3]


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"graph.*WarehouseTask"):
        nav(layout=fulfilment(2, 3).as_graph())
    with pytest.raises(ValueError, match=r"radius.*0"):
        nav(radius=0)
    with pytest.raises(ValueError, match=r"blocked"):
        nav().reset(seed=0, options={"start": int(np.flatnonzero(GRID.blocked)[0])})


def test_no_orders_and_no_people_are_a_legal_world() -> None:
    env = nav(**ALONE, orders=[], seconds=10.0)
    observation, info = env.reset(seed=0)
    assert not observation["window"][WAY].any() and info["asked"]
    for _ in range(20):
        _, _, terminated, truncated, _ = env.step(STAY)
    assert truncated and not terminated
    assert isinstance(env.world, World)


# Learning.


def features(observations: dict[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float64]:
    """(n, 5): the slope of the way to the four sides, and 1."""
    way = observations["window"][:, WAY]
    middle = way.shape[1] // 2
    sides = [way[:, middle + i, middle + j] for i, j in ((-1, 0), (0, 1), (1, 0), (0, -1))]
    return np.stack([*sides, np.ones_like(sides[0])], axis=1).astype(np.float64)


def chances(weights: Any, seen: Any, masks: Any) -> npt.NDArray[np.float64]:
    """(n, actions) softmax of a linear policy over the legal actions."""
    scores = np.where(masks > 0, seen @ weights, -np.inf)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    share: npt.NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return share


def test_a_training_loop_on_a_vector_of_environments_learns() -> None:
    """Rollouts, discounted returns, a policy gradient: what a learning library does."""
    count, steps, gamma = 8, 80, 0.9
    vector = gymnasium.make_vec(
        "WarehouseNav-v0", num_envs=count, vectorization_mode="sync", layout=SMALL,
        until_asked=True, seconds=300.0, rewards=Rewards(second=-0.1), **ALONE,
    )  # fmt: skip
    rng, weights = np.random.default_rng(0), np.zeros((5, len(ACTIONS)))
    observations, infos = vector.reset(seed=0)
    masks, fresh, means = infos["action_mask"], np.ones(count, dtype=bool), []
    for _ in range(12):
        taken, rewards, ended, live = [], np.zeros((steps, count)), np.zeros((steps, count)), []
        for t in range(steps):
            seen = features(observations)
            share = chances(weights, seen, masks)
            actions = np.array([rng.choice(len(ACTIONS), p=row) for row in share])
            taken.append((seen, share, actions))
            live.append(fresh)
            observations, rewards[t], done, cut, infos = vector.step(actions)
            masks, ended[t] = infos["action_mask"], done | cut
            fresh = ~(done | cut)  # the step after an end only resets
        returns, after = np.zeros((steps, count)), np.zeros(count)
        for t in reversed(range(steps)):
            after = returns[t] = rewards[t] + gamma * after * (1.0 - ended[t])
        gain = np.array(live) * (returns - returns.mean()) / (returns.std() + 1e-9)
        for (seen, share, actions), worth in zip(taken, gain, strict=True):
            slope = np.eye(len(ACTIONS))[actions] - share
            weights += 0.02 * seen.T @ (slope * worth[:, None])
        means.append(float(rewards.mean()))
    vector.close()
    assert np.mean(means[-3:]) > np.mean(means[:3]) + 0.3
