"""Any sequence of actions leaves the world sound; and worlds that are not sound are caught."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from world_checks import Watched, way_to

from envs.layouts import Layout, fulfilment
from envs.orders import OrderModel
from envs.world import CHARGE, SERVE, WAIT, YIELD, World
from planners import GridMap


def ring() -> Layout:
    """A tight loop round a block, with a dead end: everybody is in everybody's way."""
    blocked = np.zeros((5, 6), dtype=bool)
    blocked[1:4, 1:4] = blocked[0, 5] = blocked[3:, 5] = True
    density = np.ones(30, dtype=np.float32)
    return Layout("ring", GridMap(blocked, moves="four"), (0, 4), (24, 28, 17), (2, 26), density)


FLOORS = {
    "ring": ring(),
    "pods": fulfilment(2, 3),
    "one row": fulfilment(1, 2, station_edges=("north",)),
    "graph": fulfilment(2, 3).as_graph(),
}


class WorldMachine(RuleBasedStateMachine):
    """What a controlled robot may do between and during ticks, in any order."""

    spoil: Callable[[World, int], None] | None = None  # what a broken world does after a tick

    @initialize(
        floor=st.sampled_from(sorted(FLOORS)), seed=st.integers(0, 999),
        workers=st.integers(0, 4), traffic=st.integers(0, 3),
        soc=st.sampled_from([0.0, 0.0002, 0.02, 0.5, 0.9999, 1.0]), capacity=st.integers(1, 3),
    )  # fmt: skip
    def begin(
        self, floor: str, seed: int, workers: int, traffic: int, soc: float, capacity: int
    ) -> None:
        self.world = World(
            FLOORS[floor], seed=seed, workers=workers, traffic=traffic, initial_soc=soc,
            blockages_per_hour=60.0, orders=OrderModel(per_hour=120.0, backlog=3),
            capacity=capacity,
        )  # fmt: skip
        self.watched = Watched(self.world)

    def tick(self, action: int) -> None:
        self.world.step(action)
        if self.spoil is not None:
            type(self).spoil(self.world, self.world.tick)  # type: ignore[misc]
        self.watched.look()

    @rule(which=st.integers(0, 7))
    def move(self, which: int) -> None:
        around = self.world.floor.neighbours(self.world.robot.node)
        self.tick(around[which % len(around)] if self.world.robot_ready and around else WAIT)

    @rule(action=st.sampled_from([WAIT, YIELD]), ticks=st.integers(1, 40))
    def stay(self, action: int, ticks: int) -> None:
        for _ in range(ticks):
            self.tick(action)

    @rule(ticks=st.integers(1, 60))
    def drive(self, ticks: int) -> None:
        """Towards the next stop, or else to the first charger; and work there."""
        world, goes_on = self.world, ticks % 4 > 0
        for _ in range(ticks):
            if goes_on and world.book.taken is None and world.book.on_board:
                world.accept(world.book.on_board[0].id)
            stop = world.next_stop()
            goal = world.layout.chargers[0] if stop is None else stop
            if not world.robot_ready:
                self.tick(WAIT)
            elif world.robot.node == goal:
                self.tick(CHARGE if stop is None else SERVE)
            else:
                node = way_to(world, goal)
                self.tick(WAIT if node is None else node)

    @rule(which=st.integers(0, 11))
    def accept(self, which: int) -> None:
        world, book = self.world, self.world.book
        orders, held = book.open(world.time_s), book.on_board
        if book.taken is not None:
            with pytest.raises(ValueError):
                world.accept(orders[0].id if orders else "O1")
        elif held and (len(held) == world.capacity or which % 2):
            if orders and len(held) == world.capacity:
                with pytest.raises(ValueError, match="cannot take"):
                    world.accept(orders[0].id)
            order = world.accept(held[which % len(held)].id)
            assert world.next_stop() == order.stops[book.made(order.id)]
        elif orders:
            world.accept(orders[which % len(orders)].id)

    @precondition(lambda self: self.world.robot_ready)
    @rule()
    def set_aside(self) -> None:
        held = self.world.book.on_board
        if self.world.capacity > 1:
            self.world.set_aside()
        assert self.world.book.on_board == held
        assert self.world.capacity == 1 or self.world.next_stop() is None

    @precondition(lambda self: self.world.robot_ready)
    @rule()
    def give_up(self) -> None:
        book, before = self.world.book, self.world.tally.give_ups
        kept = [order for order in book.on_board if order is not book.taken]
        self.world.give_up()
        assert self.world.tally.give_ups == before + 1
        assert list(book.on_board) == kept
        assert self.world.book.taken is None

    @precondition(lambda self: self.world.robot_ready)
    @rule(ticks=st.integers(1, 80))
    def charge(self, ticks: int) -> None:
        world = self.world
        for _ in range(ticks):
            at_charger = world.robot_ready and world.robot.node in world.layout.chargers
            self.tick(CHARGE if at_charger else WAIT)

    @rule(name=st.sampled_from(["O0", "O999"]))
    def ask_for_what_there_is_not(self, name: str) -> None:
        with pytest.raises(ValueError, match=name):
            self.world.accept(name)


def run(machine: type[WorldMachine], *, examples: int, steps: int, find: bool = False) -> None:
    phases = (Phase.generate,) if find else (Phase.explicit, Phase.reuse, Phase.generate)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, phases=phases,
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
            derandomize=find, database=None,
        ),
    )  # fmt: skip


def test_no_sequence_of_actions_breaks_the_world() -> None:
    run(WorldMachine, examples=25, steps=25)


@pytest.mark.slow
def test_no_long_sequence_of_actions_breaks_the_world() -> None:
    run(WorldMachine, examples=250, steps=60)


# Worlds with a fault each; the machine has to find every one of them.


def overdrawn(world: World, tick: int) -> None:
    if tick > 5:
        world.robot.battery.charge_mj = -1


def overfull(world: World, tick: int) -> None:
    if tick > 5:
        world.robot.battery.charge_mj = world.robot.battery.capacity_mj + 1


def leaking(world: World, tick: int) -> None:
    battery = world.robot.battery
    if tick > 5 and battery.charge_mj > 0:
        battery.charge_mj -= 1


def ghost(world: World, tick: int) -> None:
    """Somebody walks through a wall."""
    walls = [n for n in range(world.floor.size) if world.floor.map.is_blocked(n)]
    if tick > 5 and walls:
        world.crowd.agents.node[0] = walls[0]


def doubled(world: World, tick: int) -> None:
    if tick > 5 and world.crowd.n:
        world.crowd.agents.node[0] = world.robot.node


def leaping(world: World, tick: int) -> None:
    agents, free = world.crowd.agents, np.flatnonzero(world.crowd.holder < 0)
    near = {int(agents.node[0]), *world.floor.neighbours(int(agents.node[0]))}
    far = [n for n in free.tolist() if not world.floor.map.is_blocked(n) and n not in near]
    if tick > 5 and far:
        agents.node[0], agents.to[0] = far[-1], -1


def frozen(world: World, tick: int) -> None:
    if tick > 5:
        world.crowd.clock[0] -= 1


def reopened(world: World, tick: int) -> None:
    """What has been delivered is on offer again."""
    for row in world._events:
        if row["event"] == "delivery":
            world.note("delivery", order=row["order"], delivery_time_s=1.0)
            return


def forgetful(world: World, tick: int) -> None:
    """What was seen lately is taken for old."""
    if tick > 20:
        looked = world.belief.senses.looked
        looked[looked > 1] = 1


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (overdrawn, "charge"), (overfull, "charge"), (leaking, "energy"), (ghost, "wall"),
        (doubled, "shared"), (leaping, "jump"), (frozen, "time"), (reopened, "delivered twice"),
        (forgetful, "ages"),
    ],
)  # fmt: skip
def test_a_broken_world_is_caught(spoil: Callable[[World, int], None], said: str) -> None:
    broken = type("Broken", (WorldMachine,), {"spoil": staticmethod(spoil)})
    with pytest.raises(AssertionError, match=said):
        run(broken, examples=60, steps=40, find=True)
