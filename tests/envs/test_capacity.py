"""Several orders on board: books, worlds, drivers, and that one at a time is as ever."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from world_checks import Watched

from envs.driver import Driver, PlannerSettings, snapshot_of
from envs.episode import Episode, run_episode
from envs.gym.choices import COLUMNS
from envs.gym.nav import WarehouseNav
from envs.gym.policies import PlannerPolicy, policy_of
from envs.gym.task import WarehouseTask
from envs.layouts import fulfilment
from envs.orders import ListBook, OrderModel
from envs.world import SERVE, World
from planners.tasks import Decision, Order, Snapshot, make_chooser

SMALL = fulfilment(2, 3)
BUSY = OrderModel(per_hour=120.0, backlog=6)
CHOOSERS = ("reflex", "utility", "deep")


def busy(capacity: int = 3, **options: Any) -> World:
    defaults = {"seed": 4, "workers": 3, "traffic": 1, "orders": BUSY, "capacity": capacity}
    return World(SMALL, **{**defaults, **options})


def shift(chooser: str, seconds: float = 1200.0, **options: Any) -> tuple[World, Episode]:
    world = busy(**options)
    return world, run_episode(world, make_chooser(chooser), seconds=seconds)


# Books.


def a_book(capacity: int = 2) -> ListBook:
    book = ListBook([(1, 2), (3, 4), (5, 6, 7)], open_limit=3)
    book.capacity = capacity
    book.release(0.0)
    return book


def test_a_book_lends_as_many_orders_as_fit() -> None:
    book = a_book()
    for name in ("O1", "O3"):
        book.take(name)
        assert not book.stop_made() and book.taken is None
    assert [order.id for order in book.on_board] == ["O1", "O3"]
    with pytest.raises(ValueError, match="the robot has O1, O3: it cannot take O2 as well"):
        book.take("O2")
    assert book.take("O3").id == "O3" and book.made("O3") == 1
    with pytest.raises(ValueError, match="the robot has O3: it cannot take O1 as well"):
        book.take("O1")
    assert not book.stop_made()
    book.take("O3")
    assert book.stop_made() and [order.id for order in book.on_board] == ["O1"]
    assert book.made("O3") == 0 and [o.id for o in book.open(0.0)] == ["O2"]


def test_one_order_at_a_time_stays_taken_until_it_is_delivered() -> None:
    book = a_book(capacity=1)
    order = book.take("O3")
    assert [book.stop_made() for _ in order.stops] == [False, False, True]
    assert book.taken is None and book.on_board == ()


def test_what_is_set_aside_stays_on_board_or_is_open_at_once() -> None:
    book = a_book()
    book.take("O1")
    book.set_aside()
    assert [o.id for o in book.open(0.0)] == ["O2", "O3", "O1"] and book.taken is None
    book.take("O2")
    book.stop_made()
    book.take("O2")
    book.set_aside()
    assert [o.id for o in book.on_board] == ["O2"] and [o.id for o in book.open(0.0)] == [
        "O3",
        "O1",
    ]


def test_other_hands_take_only_what_is_given_back() -> None:
    book = a_book()
    for name in ("O1", "O2"):
        book.take(name)
        book.stop_made()
    book.take("O2")
    book.give_back(time_s=10.0)
    assert [o.id for o in book.on_board] == ["O1"] and book.made("O2") == 0
    assert [o.id for o in book.open(20.0)] == ["O3"]
    assert {o.id for o in book.open(200.0)} == {"O2", "O3"}


def test_what_is_on_board_counts_as_open_and_as_overdue() -> None:
    orders = [Order(f"O{k}", (k, k + 1), due_s=10.0 * k) for k in range(1, 6)]
    book = ListBook(orders, open_limit=3)
    book.capacity = 2
    book.release(0.0)
    book.take("O1")
    book.stop_made()
    assert book.release(1.0) == [] and book.overdue(15.0) == 1
    book.take("O1")
    assert book.release(1.0) == [] and book.overdue(15.0) == 0  # the one that is served now
    book.stop_made()
    assert [order.id for order in book.release(2.0)] == ["O4"]


# Worlds.


@pytest.mark.parametrize("chooser", CHOOSERS)
def test_a_shift_with_three_orders_at_once_is_sound(chooser: str) -> None:
    """Never more than fit, each delivered once, its stops in order, its mass while it rides."""
    world = busy()
    watched = Watched(world)
    rows: list[dict[str, Any]] = []
    note = world.note

    def noted(event: str, **values: Any) -> None:
        rows.append({"event": event, **values})
        note(event, **values)

    world.note = noted  # type: ignore[method-assign]
    driver, most = Driver(world, make_chooser(chooser), PlannerSettings()), 0
    while world.time_s < 900.0:
        watched.step(driver.action())
        most = max(most, len(world.book.on_board))
    assert most >= 2 and len(watched.deliveries) > 5
    stops: dict[str, list[int]] = {}
    for row in rows:
        if row["event"] == "stop":
            stops.setdefault(row["order"], []).append(row["stop"])
    assert all(seen == list(range(len(seen))) for seen in stops.values())
    names = [row["order"] for row in rows if row["event"] == "stop"]
    pairs = enumerate(pairwise(names))
    assert any(a != b and a in names[k + 2 :] for k, (a, b) in pairs)


def test_a_chooser_is_asked_again_after_every_stop_and_sees_what_is_left() -> None:
    seen: list[Snapshot] = []

    class Watching:
        name = "watching"

        def choose(self, snapshot: Snapshot) -> Decision:
            seen.append(snapshot)
            return make_chooser("reflex").choose(snapshot)

        def describe(self) -> str:
            return self.name

    world = busy(workers=0, traffic=0, blockages_per_hour=0.0)
    rows = run_episode(world, Watching(), seconds=600.0).rows
    made = sum(row["event"] == "stop" for row in rows)
    orders = sum(row["event"] == "decision" and row["kind"] == "order" for row in rows)
    assert made > 10 and orders - 1 <= made <= orders
    for snapshot in seen:
        assert snapshot.capacity == 3
        held = snapshot.orders[: len(snapshot.on_board)]
        assert tuple(order.id for order in held) == snapshot.on_board
        assert snapshot.payload_kg == pytest.approx(math.fsum(order.kg for order in held))
    assert any(len(snapshot.on_board) == 3 for snapshot in seen)


def test_one_fits_by_default_and_snapshots_say_what_is_on_board() -> None:
    world = World(SMALL, orders=[(SMALL.storage[0], SMALL.storage[1], SMALL.stations[0])],
                  workers=0, blockages_per_hour=0.0, start=SMALL.storage[0])  # fmt: skip
    assert world.capacity == 1 == snapshot_of(world).capacity
    world.accept("O1")
    assert snapshot_of(world).on_board == () and snapshot_of(world).orders == ()
    world.advance(SERVE, 1000)
    snapshot = snapshot_of(world)
    assert snapshot.on_board == ("O1",) and world.book.taken is not None
    assert snapshot.orders[0].stops == (SMALL.storage[1], SMALL.stations[0])


def test_the_same_seed_is_the_same_shift_and_the_same_orders_whatever_fits() -> None:
    first, again = shift("utility"), shift("utility")
    assert first[0].trace_hash == again[0].trace_hash
    assert first[0].trace_hash != shift("utility", capacity=1)[0].trace_hash
    orders = [
        [row for row in shift("utility", capacity=n)[1].rows if row["event"] == "order"]
        for n in (1, 3)
    ]
    assert orders[0] == orders[1] and len(orders[0]) > 10


def test_more_fit_more_is_delivered() -> None:
    """At saturation, over some seeds."""
    delivered = {
        capacity: sum(
            shift("reflex", seconds=1500.0, capacity=capacity, seed=seed)[1].summary["deliveries"]
            for seed in range(2)
        )
        for capacity in (1, 3)
    }
    assert delivered[3] > delivered[1]


# Giving up, turning back.


def loaded(**options: Any) -> World:
    """A robot that has picked O1 and is under way to the pick of O2."""
    stops = [(SMALL.storage[0], SMALL.stations[0]), (SMALL.storage[5], SMALL.stations[1])]
    orders = [Order(f"O{k}", nodes, kg=5.0 * k) for k, nodes in enumerate(stops, start=1)]
    world = World(SMALL, workers=0, blockages_per_hour=0.0, start=SMALL.storage[0], orders=orders,
                  capacity=2, **options)  # fmt: skip
    world.accept("O1")
    world.advance(SERVE, 1000)
    world.accept("O2")
    return world


def test_giving_up_hands_back_the_taken_order_alone() -> None:
    world = loaded()
    assert world.robot.payload_kg == 5.0
    world.give_up()
    assert [o.id for o in world.book.on_board] == ["O1"] and world.robot.payload_kg == 5.0
    world.accept("O1")
    assert world.next_stop() == SMALL.stations[0]
    world.give_up()
    assert world.book.on_board == () and world.robot.payload_kg == 0.0


def test_turning_back_keeps_what_is_on_board_and_opens_the_rest_at_once() -> None:
    world = loaded(initial_soc=0.9)
    driver = Driver(world, make_chooser("utility"), PlannerSettings())
    for _ in range(4):
        world.advance(driver.action(), 1)
    battery = world.robot.battery
    kept = round(0.25 * world.reserve_wh / world.profile.capacity_wh * battery.capacity_mj)
    battery.start_mj -= battery.charge_mj - kept  # so that the books stay right
    battery.charge_mj = kept
    driver._charging._look_mj = 0.0  # look now
    rows: list[dict[str, Any]] = []
    while world.tally.aborts == 0 and world.time_s < 200.0:
        world.advance(driver.action(), 1)
        rows += world.take_events()
    assert world.tally.aborts == 1 and world.tally.give_ups == 0
    assert [o.id for o in world.book.on_board] == ["O1"] and world.robot.payload_kg == 5.0
    assert [o.id for o in world.book.open(world.time_s)] == ["O2"]
    while len(world.tally.delivery_times_s) < 2 and world.time_s < 20000.0:
        world.advance(driver.action(), 10)
    assert world.tally.strandings == 0 and len(world.tally.delivery_times_s) == 2


# Others that read it.


@pytest.mark.parametrize("bad", [0, -1, 1.5, math.nan])
def test_a_capacity_that_is_none_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"capacity must be .*, got"):
        World(SMALL, capacity=bad)


def test_the_environment_plays_the_shift_that_the_driver_drives() -> None:
    options = {"workers": 2, "traffic": 0, "capacity": 3, "orders": BUSY}
    env = WarehouseTask(SMALL, seconds=900.0, orders_shown=40, **options)  # type: ignore[arg-type]
    policy, cut, held = policy_of("utility"), False, 0
    observation, _ = env.reset(seed=3)
    while not cut:
        observation, _, _, cut, _ = env.step(policy(env))
        held += int(observation["choices"][:, COLUMNS.index("on_board")].sum() > 0)
    world = World(SMALL, seed=3, **options)  # type: ignore[arg-type]
    episode = run_episode(world, make_chooser("utility"), seconds=900.0)
    assert env.world.trace_hash == world.trace_hash
    assert episode.summary["deliveries"] > 5 and held > 5


def test_a_robot_that_is_driven_step_by_step_goes_on_with_what_it_has() -> None:
    stops = (SMALL.storage[0], SMALL.stations[0])
    env = WarehouseNav(SMALL, workers=0, capacity=2, seconds=600.0)
    env.reset(seed=1, options={"start": stops[0], "stops": stops})
    policy, done = PlannerPolicy(), False
    while not done:
        *_, done, cut, _ = env.step(policy(env))
        assert not cut
    assert len(env.world.tally.delivery_times_s) == 1
