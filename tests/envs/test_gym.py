"""Both environments as Gymnasium wants them: registered, checked, seeded, drawn, vectorised."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envs  # noqa: F401 - registers
from envs.gym import ENTRY_POINTS, register_all
from envs.gym.base import WORLD_KEYWORDS
from envs.gym.nav import WarehouseNav
from envs.gym.rewards import TERMS, Rewards
from envs.gym.task import WarehouseTask
from envs.layouts import fulfilment
from envs.orders import OrderModel, PoissonBook
from envs.world import World

NAMES = tuple(ENTRY_POINTS)
SMALL = fulfilment(2, 3)
FEW: dict[str, Any] = {"layout": SMALL, "workers": 4}


def make(name: str, **options: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(name, **{**FEW, **options})


def play(
    env: gymnasium.Env[Any, Any], seed: int | None, steps: int, *, draw: bool = False
) -> tuple[str, list[float]]:
    """The trace hash and the rewards of so many masked random actions."""
    _, info = env.reset(seed=seed)
    rng, rewards = np.random.default_rng(0), []
    for _ in range(steps):
        if draw:
            env.render()
        action = rng.choice(np.flatnonzero(info["action_mask"]))
        _, reward, terminated, truncated, info = env.step(action)
        assert reward == sum(info["reward_terms"].values())
        assert tuple(info["reward_terms"]) == TERMS
        rewards.append(float(reward))
        if terminated or truncated:
            break
    return env.unwrapped.world.trace_hash, rewards  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"traffic": 3, "render_mode": "rgb_array"}])
def test_gymnasiums_own_checker_has_no_complaint(name: str, options: dict[str, Any]) -> None:
    env = make(name, **options)
    check_env(env.unwrapped)
    env.close()


def test_the_built_in_floor_passes_the_checker_too() -> None:
    for name in NAMES:
        check_env(gymnasium.make(name, seconds=60.0).unwrapped)


def test_import_envs_registers_and_loads_nothing_else() -> None:
    script = (
        "import sys, envs, gymnasium; print(sorted(n for n in gymnasium.registry if 'House' in n or"
        " 'house' in n)); print('envs.world' in sys.modules, 'envs.gym.nav' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert said.stdout.split("\n")[:2] == [str(sorted(NAMES)), "False False"]
    quiet = subprocess.run(
        [sys.executable, "-c", "import sys, planners; print('gymnasium' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert quiet.stdout.strip() == "False"
    register_all()  # again: nothing happens, and Gymnasium does not warn of an override


@pytest.mark.parametrize("name", NAMES)
def test_seeds_really_seed(name: str) -> None:
    first, again = make(name), make(name)
    assert play(first, 3, 8) == play(again, 3, 8)
    # Without a seed the stream goes on: the same in both, and another world each time.
    after = [play(env, None, 8) for env in (first, again)]
    assert after[0] == after[1]
    third = play(first, None, 8)
    assert len({third[0], after[0][0], play(again, 4, 8)[0], play(again, 3, 8)[0]}) == 4


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_is_the_seed_of_the_world(name: str) -> None:
    env = make(name)
    env.reset(seed=11)
    assert env.unwrapped.world.seed == 11  # type: ignore[attr-defined]
    env.reset()
    assert env.unwrapped.world.seed != 11  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["rgb_array", "ansi"])
def test_rendering_changes_nothing(name: str, mode: str) -> None:
    drawn, blind = make(name, render_mode=mode, traffic=3), make(name, traffic=3)
    assert play(drawn, 5, 20, draw=True) == play(blind, 5, 20)
    assert blind.unwrapped.render() is None


def test_pictures_show_what_is_there() -> None:
    env = make("WarehouseNav-v0", render_mode="rgb_array", traffic=2, seconds=900.0)
    env.reset(seed=2)
    before = env.render()
    assert isinstance(before, np.ndarray)
    rows, cols = SMALL.map.shape  # type: ignore[union-attr]
    px = before.shape[0] // rows
    assert before.shape == (rows * px, cols * px, 3)
    world = env.unwrapped.world  # type: ignore[attr-defined]
    row, col = divmod(world.robot.node, cols)
    colour = before[row * px + px // 2, col * px + px // 2]
    assert colour[2] > 150 > colour[0]
    for _ in range(40):
        env.step(0)
    assert not np.array_equal(before, env.render())


def test_text_shows_what_is_there() -> None:
    env = make("WarehouseNav-v0", render_mode="ansi", workers=3, traffic=2)
    env.reset(seed=2)
    text = env.render()
    assert isinstance(text, str)
    *lines, state = text.split("\n")
    signs = "".join(lines)
    assert (signs.count("@"), signs.count("p"), signs.count("t")) == (1, 3, 2)
    assert "#" in signs and "S" in signs and "C" in signs and "charge 90.0 %" in state


def test_a_graph_is_drawn_and_played() -> None:
    graph = fulfilment(2, 3).as_graph()
    for mode in ("rgb_array", "ansi"):
        env = make("WarehouseTask-v0", layout=graph, render_mode=mode, seconds=300.0)
        check_env(env.unwrapped, skip_render_check=True)
        assert play(env, 1, 30, draw=True)[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_of_environments_is_each_of_them(name: str) -> None:
    vector = gymnasium.make_vec(name, num_envs=3, vectorization_mode="sync", **FEW)
    observations, infos = vector.reset(seed=7)
    singles = [make(name) for _ in range(3)]
    for k, single in enumerate(singles):
        one, info = single.reset(seed=7 + k)
        for key, value in one.items():
            assert np.array_equal(observations[key][k], value)
        assert np.array_equal(infos["action_mask"][k], info["action_mask"])
    actions = np.array([1, 2, 0])
    observations, rewards, *_, infos = vector.step(actions)
    for k, single in enumerate(singles):
        one, reward, *_ = single.step(int(actions[k]))
        assert rewards[k] == reward
        assert np.array_equal(observations[next(iter(one))][k], one[next(iter(one))])
        assert infos["reward_terms"]["seconds"][k] < 0
    vector.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_processes_give_the_same_as_a_loop(name: str) -> None:
    took = []
    for mode in ("sync", "async"):
        vector = gymnasium.make_vec(name, num_envs=2, vectorization_mode=mode, **FEW)
        observations, _ = vector.reset(seed=1)
        sums = [sum(float(value.sum()) for value in observations.values())]
        for _ in range(10):
            observations, rewards, *_ = vector.step(np.array([0, 1]))
            sums += [*rewards.tolist(), sum(float(v.sum()) for v in observations.values())]
        took.append(sums)
        vector.close()
    assert took[0] == took[1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layout": "castle"}, "'castle'.*built-in"),
        ({"seconds": 0.0}, "seconds.*0.0"),
        ({"render_mode": "oils"}, "'oils'.*rgb_array"),
        ({"lam_fear": 1.0}, "'lam_fear'.*lam_risk"),
        ({"orders": PoissonBook(SMALL, 0, OrderModel())}, "OrderBook"),
        ({"rewards": "all"}, "rewards"),
    ],
)
def test_bad_options_are_refused_by_name(name: str, options: dict[str, Any], said: str) -> None:
    made = {"WarehouseNav-v0": WarehouseNav, "WarehouseTask-v0": WarehouseTask}[name]
    with pytest.raises(ValueError, match=said):
        made(**{**FEW, **options})


def test_an_environment_hands_on_every_keyword_of_the_world_but_those_it_decides() -> None:
    takes = set(inspect.signature(World).parameters)
    assert takes - WORLD_KEYWORDS == {"layout", "seed", "workers", "traffic"}
    assert takes >= WORLD_KEYWORDS


def test_bad_rewards_and_reset_options_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"encounter.*nan"):
        Rewards(encounter=float("nan"))
    for name in NAMES:
        with pytest.raises(ValueError, match="'colour'"):
            make(name).reset(options={"colour": "red"})


def test_the_environment_only_wraps_the_world() -> None:
    """Waiting in the environment is waiting in the world: the same trace."""
    env = make("WarehouseNav-v0", start=SMALL.chargers[0])
    env.reset(seed=9)
    world = World(SMALL, seed=9, workers=4, orders=OrderModel(0.0, backlog=1))
    world.accept("O1")
    for _ in range(30):
        env.step(0)
        world.step(-3)  # the robot stands on a charger
    assert env.unwrapped.world.trace_hash == world.trace_hash  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["WarehouseNav-v0", "WarehouseTask-v0"])
@pytest.mark.parametrize("action", [1.7, -1, 99, None, "north"])
def test_an_action_outside_the_space_is_an_error(name, action) -> None:
    env = gymnasium.make(name, layout="small", workers=2, disable_env_checker=True)
    env.reset(seed=1)
    with pytest.raises(ValueError, match="is not in Discrete"):
        env.unwrapped.step(action)
    env.unwrapped.step(np.int64(0))
