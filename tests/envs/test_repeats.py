"""The same seed is the same world: whoever plans, whatever is drawn, in whichever process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from envs.episode import PlannerSettings, run_episode
from envs.layouts import built_in, fulfilment
from envs.world import CHARGE, SERVE, WAIT, World
from planners.tasks import make_chooser

SMALL = fulfilment(2, 3)
PLANNERS = {
    "astar, no layers": (PlannerSettings(strategy="astar"), 0.0),
    "wastar, layers": (PlannerSettings(strategy="wastar", weight=2.0), 8.0),
}


def written_down(trips: Iterator[tuple[int, int]], into: list[tuple[int, int]]) -> Iterator[Any]:
    for trip in trips:
        into.append(trip)
        yield trip


def an_hour(name: str, seed: int) -> tuple[World, list[list[tuple[int, int]]], list[Any]]:
    """The world after an hour, the trips that every walker was given, and the orders."""
    settings, lam = PLANNERS[name]
    world = World(built_in(), seed=seed, workers=12, traffic=6, lam_risk=lam, lam_congestion=lam,
                  lam_energy=lam, blockages_per_hour=8.0)  # fmt: skip
    trips: list[list[tuple[int, int]]] = [[] for _ in range(world.crowd.n)]
    world.crowd._trips = [
        written_down(own, into) for own, into in zip(world.crowd._trips, trips, strict=True)
    ]
    episode = run_episode(world, make_chooser("utility"), settings, seconds=3600.0)
    orders = [row for row in episode.rows if row["event"] == "order"]
    return world, trips, orders


def test_people_orders_and_blockages_are_the_same_under_two_planners() -> None:
    (plain, plain_trips, plain_orders), (layered, layered_trips, layered_orders) = (
        an_hour(name, seed=77) for name in PLANNERS
    )
    assert plain.trace_hash != layered.trace_hash  # the two robots went different ways
    for one, other in zip(plain_trips, layered_trips, strict=True):
        shared = min(len(one), len(other))  # who was delayed began fewer of its trips
        assert shared > 15 and one[:shared] == other[:shared]
    assert plain_orders == layered_orders and len(plain_orders) > 15
    planned = [world._blockages.until(3600.0) for world in (plain, layered)]
    assert planned[0] == planned[1] and len(planned[0]) > 3


CODE = """
import sys
from envs.episode import PlannerSettings, run_episode
from envs.layouts import fulfilment
from envs.world import World
from planners.tasks import make_chooser
world = World(fulfilment(2, 3), seed=5, workers=5, traffic=4, blockages_per_hour=20.0)
episode = run_episode(world, make_chooser("utility"), PlannerSettings(), seconds=600.0)
print(episode.summary["trace_hash"])
"""


def hash_of(**options: Any) -> str:
    world = World(SMALL, seed=5, workers=5, traffic=4, blockages_per_hour=20.0)
    found = run_episode(world, make_chooser("utility"), seconds=600.0, **options)
    return str(found.summary["trace_hash"])


def test_processes_and_hash_seeds_agree_with_this_one() -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", CODE], env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE, text=True,
        )
        for seed in ("0", "1", "4711")
    ]  # fmt: skip
    hashes = {run.communicate(timeout=300)[0].strip() for run in runs}
    assert hashes == {hash_of()}


def test_drawing_every_minute_changes_nothing(tmp_path: Any) -> None:
    from envs.metrics import trace_of
    from experiments.figures import save_map

    drawn = []

    def draw(world: World) -> None:
        if world.tick % 240 == 0:
            file = tmp_path / f"{world.tick}.png"
            save_map(file, world.layout, trace_of(world, []))
            drawn.append(file.stat().st_size)

    assert hash_of(on_tick=draw) == hash_of() == hash_of(trace_every=7)
    assert len(drawn) == 5 and min(drawn) > 1000


def test_rendering_an_environment_changes_nothing() -> None:
    gymnasium = pytest.importorskip("gymnasium")
    import envs.gym  # noqa: F401  registers

    traces = []
    for mode in (None, "rgb_array"):
        env = gymnasium.make("WarehouseNav-v0", render_mode=mode)
        env.reset(seed=3)
        env.action_space.seed(3)
        for _ in range(60):
            env.step(env.action_space.sample())
            if mode is not None:
                assert env.render().dtype == np.uint8
        traces.append(env.unwrapped.world.trace_hash)
        env.close()
    assert traces[0] == traces[1]


def test_steps_and_advances_are_the_same_bit_for_bit() -> None:
    """Whoever looks at every tick sees what the world does by itself."""
    one, other = (World(SMALL, seed=8, workers=4, traffic=3) for _ in range(2))
    for k in range(400):
        ready = one.robot_ready
        around = one.floor.neighbours(one.robot.node)
        action = around[k % len(around)] if ready and k % 3 else WAIT
        assert (ready, one.tick) == (other.robot_ready, other.tick)
        done = other.advance(action, 5)
        for step in range(done):
            one.step(action if step == 0 or action == WAIT else WAIT)
    assert one.trace_hash == other.trace_hash
    assert one.tick > 600


@pytest.mark.parametrize("refused", ["nowhere", "serve", "charge"])
def test_a_refused_action_changes_nothing(refused: str) -> None:
    one, other = (
        World(SMALL, seed=2, workers=6, traffic=4, start=SMALL.stations[0]) for _ in range(2)
    )
    action = {"nowhere": 10**6, "serve": SERVE, "charge": CHARGE}[refused]
    for _ in range(40):
        with pytest.raises(ValueError):
            one.step(action)
        for world in (one, other):
            world.step(WAIT)
    assert one.trace_hash == other.trace_hash
    np.testing.assert_array_equal(one.crowd.rows, other.crowd.rows)
