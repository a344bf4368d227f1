"""Many ticks in one go are the same as one after the other, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from envs_worlds import SMALL, corridor, quiet, zoned
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.kernels.state import OFFERED
from envs.layouts import Layout, built_in
from envs.world import CHARGE, SERVE, WAIT, YIELD, World
from planners import cost_to_go

LAYERS = ("risk", "congestion", "energy")


def state(world: World) -> dict[str, Any]:
    """All that a user can read, belief included."""
    costs, robot = world.belief.costs(), world.robot
    return {
        "tick": world.tick,
        "hash": world.trace_hash,
        "agents": {name: row.tolist() for name, row in world.crowd.agents._asdict().items()},
        "clock": world.crowd.clock[:OFFERED].tolist(),
        "battery": (robot.battery.charge_mj, robot.battery.drained_mj),
        "robot": (robot.heading_rad, robot.stop, robot.payload_kg, robot.stranded, robot.charging),
        "tally": vars(world.tally),
        "blocked": world.belief.map().blocked.tolist(),
        "layers": {name: np.array(costs.layer(name)).tolist() for name in LAYERS},
        "events": world.take_events(),
    }


def stepped(world: World, action: int, ticks: int, goes_on: bool) -> int:
    """What `advance` promises, one `step` at a time."""
    done = 0
    goes_on = goes_on and action in (WAIT, CHARGE)
    while done < ticks:
        world.step(action)
        done += 1
        if world.robot_ready and not goes_on:
            break
    return done


def pick(world: World, rng: np.random.Generator) -> int:
    """Any action that is legal now, serving and charging as soon as they are."""
    if not world.robot_ready:
        return WAIT
    if world.robot.node == world.next_stop():
        return SERVE
    if world.robot.node in world.layout.chargers and rng.random() < 0.4:
        return CHARGE
    around, stop = list(world.floor.edges_mm(world.robot.node)), world.next_stop()
    if stop is not None and rng.random() < 0.7:
        left_m = cost_to_go(world.floor.drive_map, world.floor.drive_map.label(stop)).values
        return min(around, key=lambda node: left_m[node])
    return int(rng.choice([*around, WAIT, YIELD]))


CASES: dict[str, tuple[Callable[[], Layout], dict[str, Any]]] = {
    "small": (lambda: SMALL, {"workers": 10, "traffic": 6}),
    "flat battery": (lambda: SMALL, {"workers": 4, "initial_soc": 0.0002}),
    "zones": (zoned, {"workers": 5, "traffic": 5}),
    "graph": (lambda: zoned().as_graph(), {"workers": 3, "traffic": 2}),
    "tick of 0.3 s": (lambda: SMALL, {"workers": 6, "tick_s": 0.3}),
    "alone": (lambda: SMALL, {"workers": 0}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_advance_is_so_many_steps(case: str, seed: int) -> None:
    layout, options = CASES[case]
    one, other = (World(layout(), seed=seed, blockages_per_hour=60.0, **options) for _ in range(2))
    rng = np.random.default_rng(seed)
    for _ in range(150):
        if one.book.taken is None and (open_orders := one.book.open(one.time_s)):
            for world in (one, other):
                world.accept(open_orders[0].id)
        action, ticks = pick(one, rng), int(rng.choice([1, 2, 7, 40]))
        goes_on = bool(rng.integers(2))
        assert one.advance(action, ticks, goes_on=goes_on) == stepped(other, action, ticks, goes_on)
        assert (one.tick, one.trace_hash) == (other.tick, other.trace_hash)
    assert one.tick > 200
    assert state(one) == state(other)


def test_work_ends_in_the_middle_of_a_long_wait() -> None:
    """A stop is served, a turn is made, a charger is reached, while the robot was told to wait."""
    layout = corridor(12)
    for action in (WAIT, CHARGE):
        worlds = [quiet(layout, orders=[(11, 1)], start=1) for _ in range(2)]
        for world, going in zip(worlds, (World.advance, stepped), strict=True):
            world.advance(0, 1)  # under way to the charger
            going(world, action, 9, goes_on=True)
            world.advance(1, 100)  # no carry from before the wait
            world.accept("O1")
            while world.robot.node < 11:
                world.advance(world.robot.node + 1, 100)
            world.advance(SERVE, 2)
            going(world, WAIT, 100, goes_on=True)
            world.advance(world.robot.node - 1, 1)
        assert worlds[0].robot.stop == 1
        assert state(worlds[0]) == state(worlds[1])


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 60)), min_size=1, max_size=12))
@settings(max_examples=25)
def test_any_cut_of_the_time_gives_the_same_world(cuts: list[tuple[int, int]]) -> None:
    one, other = (World(SMALL, seed=5, workers=8, blockages_per_hour=60.0) for _ in range(2))
    for what, ticks in cuts:
        around = [*one.floor.edges_mm(one.robot.node), WAIT, YIELD]
        action = around[what % len(around)] if one.robot_ready else WAIT
        done = one.advance(action, ticks)
        assert 1 <= done <= ticks
        assert stepped(other, action, ticks, False) == done
    assert state(one) == state(other)


@pytest.mark.parametrize("action", [WAIT, CHARGE])
def test_what_goes_on_goes_on_for_all_the_ticks(action: int) -> None:
    one, other = (World(SMALL, seed=1, workers=12, initial_soc=0.4) for _ in range(2))
    assert one.advance(action, 1500, goes_on=True) == 1500
    for _ in range(1500):
        other.step(action)
    assert state(one) == state(other)


def test_a_move_ends_when_it_has_arrived() -> None:
    world = quiet(corridor(12))
    assert world.advance(1, 1000) == 3  # 1 m at 0.35 m a tick
    assert world.robot_ready
    assert world.robot.node == 1


def test_an_action_that_cannot_be_leaves_the_world_as_it_was() -> None:
    world = quiet(corridor(12), workers=2)
    world.advance(1, 3)
    before = world.tick
    for wrong in (7, SERVE, CHARGE):
        with pytest.raises(ValueError, match="node"):
            world.advance(wrong, 5)
    assert world.tick == before


def test_a_long_wait_takes_few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python is asked where somebody needs it, not tick by tick."""
    world = World(built_in(), seed=3, workers=12)
    calls, run = [], type(world._engine).run

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        calls.append(1)
        return run(self, *args, **options)

    monkeypatch.setattr(type(world._engine), "run", counted)
    world.advance(WAIT, 4000, goes_on=True)
    assert world.tick == 4000
    assert len(calls) < 2000
