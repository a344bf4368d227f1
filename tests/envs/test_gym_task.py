"""`WarehouseTask-v0`: it is `run_episode` from the side of whoever decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.driver import Driver, PlannerSettings
from envs.episode import run_episode
from envs.gym.choices import COLUMNS
from envs.gym.nav import WarehouseNav
from envs.gym.policies import policy_of
from envs.gym.task import Pending, Undecided, WarehouseTask
from envs.layouts import Layout, fulfilment
from envs.orders import OrderModel
from envs.world import World
from planners.tasks import make_chooser

SMALL = fulfilment(2, 3)
GRAPH = SMALL.as_graph()


def task(**options: Any) -> WarehouseTask:
    return WarehouseTask(**{"layout": SMALL, "workers": 4, "seconds": 600.0, **options})


def play(env: WarehouseTask, chooser: str, seed: int) -> dict[str, float]:
    """The sums of the reward's terms over an episode."""
    policy = policy_of(chooser)
    _, info = env.reset(seed=seed)
    sums: dict[str, float] = {}
    ended = False
    while not ended:
        action = policy(env)
        assert info["action_mask"][action] == 1
        _, reward, terminated, truncated, info = env.step(action)
        assert reward == sum(info["reward_terms"].values())
        for name, value in info["reward_terms"].items():
            sums[name] = sums.get(name, 0.0) + value
        ended = terminated or truncated
    return sums


@pytest.mark.parametrize("chooser", ["utility", "reflex", "model", "goal", "earliest", "deep"])
@pytest.mark.parametrize(
    ("layout", "options"),
    [
        (SMALL, {}),
        (SMALL, {"traffic": 3, "initial_soc": 0.13, "profile": "fast"}),
        (GRAPH, {"blockages_per_hour": 12.0}),
        (SMALL, {"capacity": 3, "initial_soc": 0.6, "orders": OrderModel(per_hour=90.0)}),
    ],
)
def test_playing_a_chooser_is_running_the_episode(
    layout: Layout, options: dict[str, Any], chooser: str
) -> None:
    for seed in range(2):
        env = task(layout=layout, **options)
        sums = play(env, chooser, seed)
        world = World(env.layout, seed=seed, **{"workers": 4, **options})
        summary = run_episode(world, make_chooser(chooser), seconds=600.0).summary
        assert env.world.trace_hash == summary["trace_hash"]
        assert sums["delivered"] == 100.0 * summary["deliveries"]
        assert sums["seconds"] == -600.0
        assert sums["encounters"] == -8.0 * summary["close_encounters"]
        assert sums["near_people"] == pytest.approx(-summary["near_seconds"])


def test_a_plan_goes_with_its_own_action_only() -> None:
    env = task()
    env.reset(seed=0)
    decision = make_chooser("deep").choose(env.snapshot)
    assert decision.plan is not None
    action = env.action_of(decision)
    assert env._answer(action).plan == decision.plan
    assert env._answer(action).plan is None  # it is used up
    env.action_of(decision)
    assert env._answer(0).kind == "wait"
    with pytest.raises(TypeError, match="WarehouseNav"):
        policy_of("deep")(WarehouseNav(SMALL))


def test_a_question_stands_until_it_is_answered() -> None:
    world, pending = World(SMALL, seed=1, workers=4), Pending()
    driver = Driver(world, pending, PlannerSettings())
    asked = []
    for _ in range(3):
        with pytest.raises(Undecided):
            driver.action()
        asked.append(pending.asked)
    assert asked[0] is not None and asked[0] is asked[1] is asked[2]
    pending.answer = make_chooser("utility").choose(asked[0])
    driver.action()
    assert world.book.taken is not None


def test_another_action_is_another_shift() -> None:
    env = task()
    play(env, "utility", 1)
    hashes = {env.world.trace_hash}
    env.reset(seed=1)
    while not env.step(0)[3]:
        pass
    assert len(hashes | {env.world.trace_hash}) == 2
    assert not env.world.tally.delivery_times_s


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**40), soc=st.sampled_from([0.102, 0.3, 0.95]),
    picks=st.lists(st.integers(0, 40), max_size=8), shown=st.integers(1, 6),
)  # fmt: skip
def test_any_actions_give_observations_inside_the_space(
    seed: int, soc: float, picks: list[int], shown: int
) -> None:
    env = task(seconds=200.0, initial_soc=soc, orders_shown=shown, traffic=2)
    observation, info = env.reset(seed=seed)
    assert observation in env.observation_space
    for one in picks:
        mask = info["action_mask"]
        pick = one % mask.size
        legal = bool(mask[pick])
        assert mask.dtype == np.int8 and mask.shape == (env.action_space.n,) and mask[0] == 1
        rows = env.choices.rows
        goal = rows[pick].goal if legal else None
        observation, reward, terminated, truncated, info = env.step(pick)
        assert observation in env.observation_space
        assert reward == sum(info["reward_terms"].values())
        assert info["reward_terms"]["illegal"] == (0.0 if legal else -1.0)
        if legal and rows[pick].kind == "order" and truncated:
            taken = env.world.book.taken
            assert taken is None or taken.id == goal
        if terminated or truncated:
            break


def test_rows_say_what_they_stand_for() -> None:
    env = task(seconds=3600.0)
    observation, info = env.reset(seed=0)
    snapshot, rows = env.snapshot, env.choices.rows
    assert [row.goal for row in rows if row.kind == "order"] == [o.id for o in snapshot.orders]
    assert [row.goal for row in rows if row.kind == "charge"] == list(snapshot.chargers)
    table = observation["choices"]
    assert table.shape == (len(rows), len(COLUMNS))
    by_name = {name: table[:, k] for k, name in enumerate(COLUMNS)}
    assert np.array_equal(by_name["legal"], info["action_mask"])
    for row, cost in zip(rows, by_name["cost"], strict=True):
        if row.candidate is not None:
            total_s = row.candidate.cost_s
            assert cost == pytest.approx(total_s / (total_s + 300.0))
    empty = [k for k, row in enumerate(rows) if row.kind == "none"]
    assert empty and not table[empty].any()
    # At 90 % charging would bring nothing.
    assert not info["action_mask"][-len(snapshot.chargers) :].any()


def test_what_the_battery_rule_refuses_is_masked_and_a_charger_is_not() -> None:
    env = task(initial_soc=0.1001)
    _, info = env.reset(seed=0)
    kinds = {env.choices.rows[k].kind for k in np.flatnonzero(info["action_mask"])}
    assert kinds == {"wait", "charge"}
    charger = next(k for k, row in enumerate(env.choices.rows) if row.kind == "charge")
    soc = env.world.robot.battery.soc
    _, _, _, _, info = env.step(charger)
    assert env.world.robot.battery.soc > soc
    assert info["reward_terms"]["illegal"] == 0.0


def test_of_too_many_orders_those_due_first_are_shown() -> None:
    from planners.tasks import Order

    stops = (SMALL.storage[0], SMALL.stations[0])
    orders = [Order(f"O{k}", stops, due_s=1000.0 - k) for k in range(1, 8)]
    env = task(orders=orders, orders_shown=3)
    env.reset(seed=0)
    assert [row.goal for row in env.choices.rows if row.kind == "order"] == ["O5", "O6", "O7"]
    decision = env.choices.found.take(env.choices.found.candidates[0], "x", "y")
    assert decision.goal == "O1"
    with pytest.raises(ValueError, match=r"O1.*more orders"):
        env.choices.row_of(decision)


def test_a_list_of_orders_ends_when_it_is_done() -> None:
    stops = (SMALL.storage[0], SMALL.stations[0])
    env = task(orders=[stops, stops[::-1]], seconds=3600.0)
    sums = play(env, "utility", 0)
    assert sums["delivered"] == 200.0
    assert env.world.time_s < 3600.0
    with pytest.raises(ValueError, match=r"orders_shown.*0"):
        task(orders_shown=0)
