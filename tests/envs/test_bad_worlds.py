"""Worlds that make no sense are refused when they are made, or refusals are counted; none hangs."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from world_checks import Watched

from envs import orders, world
from envs.battery import PROFILES
from envs.episode import Episode, run_episode
from envs.layouts import Layout, fulfilment
from envs.orders import ListBook, OrderModel
from envs.people import WalkRules
from envs.world import SERVE, WAIT, Assumptions, World
from planners import GraphMap, GridMap
from planners.tasks import Order, make_chooser

SMALL = fulfilment(2, 3)
LIMIT_S = 60  # of one test; what hangs is stopped and fails


@pytest.fixture(autouse=True)
def time_limit() -> Iterator[None]:
    """Nothing here may take for ever."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"not done within {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def laid_out(rows: Sequence[str], **more: object) -> Layout:
    """A layout drawn with letters: `#` wall, `E` station, `S` pick face, `C` charger."""
    cells = np.array([list(row) for row in rows])
    letters = {"stations": "E", "storage": "S", "chargers": "C"}
    places = {
        key: tuple(np.flatnonzero(cells.ravel() == letter).tolist())
        for key, letter in letters.items()
    }
    density = np.ones(cells.size, dtype=np.float32)
    values = {**places, "pick_density": density, **more}
    return Layout("drawn", GridMap(cells == "#", moves="four"), **values)  # type: ignore[arg-type]


def quiet(layout: Layout, **options: object) -> World:
    values: dict[str, object] = {"workers": 0, "blockages_per_hour": 0.0}
    return World(layout, **{**values, **options})  # type: ignore[arg-type]


def driven(world: World, seconds: float = 900.0) -> Episode:
    return run_episode(world, make_chooser("utility"), seconds=seconds)


def refusals(episode: Episode) -> set[tuple[str, str]]:
    """Goal and code of everything refused."""
    rows = [row for row in episode.rows if row["event"] == "decision"]
    return {(goal, code) for row in rows for goal, code in row["refused"]}


# Refused when made.


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["E..S", "####", "...C"], "cut off"),
        (["C..S", "####", "...E"], "cut off"),
        (["E..S", "####"], "chargers"),
        (["E..C", "####"], "storage"),
        (["C..S"], "stations"),
    ],
)
def test_a_place_out_of_reach_or_missing_is_named(rows: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        laid_out(rows)


@pytest.mark.parametrize("kind", ["stations", "storage", "chargers"])
def test_a_place_inside_a_shelf_is_named_with_its_node(kind: str) -> None:
    shelf = int(np.flatnonzero(SMALL.map.blocked.ravel())[0])
    with pytest.raises(ValueError, match=rf"{kind}.*{shelf}.*blocked"):
        replace(SMALL, **{kind: (shelf,)})


def test_a_charger_that_can_be_reached_but_not_left_is_refused() -> None:
    one_way = GraphMap([0, 1, 3, 3], [1, 0, 2], [5.0, 5.0, 5.0],
                       position_m=np.array([[0.0, 0.0], [5.0, 0.0], [10.0, 0.0]]))  # fmt: skip
    with pytest.raises(ValueError, match="cut off"):
        Layout("one way", one_way, (0,), (1,), (2,), np.ones(3, dtype=np.float32))


@pytest.mark.parametrize("stops", [(10**6, 5), (5, -1), (SMALL.stations[0], SMALL.map.size)])
@pytest.mark.parametrize("given", ["tuples", "orders"])
def test_an_order_beyond_the_map_is_named_at_once(stops: tuple[int, int], given: str) -> None:
    beyond = next(str(n) for n in stops if not 0 <= n < SMALL.map.size)
    with pytest.raises(ValueError, match=beyond):
        quiet(SMALL, orders=[stops if given == "tuples" else Order("O1", stops)])


def test_an_order_beyond_the_map_is_named_at_once_however_far_down_the_list() -> None:
    good = (SMALL.storage[0], SMALL.stations[0])
    with pytest.raises(ValueError, match="1000000"):
        quiet(SMALL, orders=[good] * 30 + [(10**6, SMALL.stations[0])])


def test_the_stops_of_a_list_are_looked_at_once_and_those_of_a_book_as_they_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []
    for module in (orders, world):
        monkeypatch.setattr(module, "check_stops", lambda name, *_: looked.append(name))
    good = [(SMALL.storage[k], SMALL.stations[0]) for k in range(3)]
    quiet(SMALL, orders=good)
    assert looked == ["O1", "O2", "O3"]
    looked.clear()
    made = quiet(SMALL, orders=ListBook(good, open_limit=1))
    assert looked == ["O1"]
    made.accept("O1")
    made.book.delivered()
    made._fall_due()
    assert looked == ["O1", "O2"]
    quiet(SMALL)  # drawn orders lie on the layout's own places
    assert looked == ["O1", "O2"]


def test_an_order_of_a_book_that_leads_beyond_the_map_is_named_as_it_opens() -> None:
    with pytest.raises(ValueError, match="1000000"):
        quiet(SMALL, orders=ListBook([(10**6, SMALL.stations[0])]))


def test_an_order_that_leads_into_a_shelf_is_named() -> None:
    shelf = int(np.flatnonzero(SMALL.map.blocked.ravel())[0])
    with pytest.raises(ValueError, match=f"node {shelf}, which is blocked"):
        quiet(SMALL, orders=[(shelf, SMALL.stations[0])])


@pytest.mark.parametrize("action", [-5, -99])
def test_an_action_that_is_none_is_named(action: int) -> None:
    with pytest.raises(ValueError, match=f"no action {action}"):
        quiet(SMALL).step(action)


def test_two_orders_of_one_name_and_giving_up_at_work_are_refused() -> None:
    order = Order("O1", (SMALL.storage[0], SMALL.stations[0]))
    with pytest.raises(ValueError, match="two orders are called 'O1'"):
        quiet(SMALL, orders=[order, order])
    world = quiet(SMALL, orders=[order], start=SMALL.storage[0])
    world.accept("O1")
    world.step(SERVE)
    with pytest.raises(ValueError, match="give up when it is ready"):
        world.give_up()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("tick_s", 1e-9, "tick_s must be finite and >= 0.001, got 1e-09"),
        ("tick_s", 0.001, "counted in whole ones: use a longer tick"),
        ("blockages_per_hour", 1e6, r"must be a number in \[0, 1000\], got 1000000.0"),
        ("start", (99, 99), r"cell \(99, 99\) is outside the map"),
    ],
)
def test_numbers_that_nobody_means_are_refused(option: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        quiet(SMALL, **{option: value})


def test_a_world_is_made_of_a_layout() -> None:
    with pytest.raises(ValueError, match=r"such as ready\('small'\), not 'small'"):
        World("small")  # type: ignore[arg-type]


def test_a_start_inside_a_shelf_is_named() -> None:
    shelf = int(np.flatnonzero(SMALL.map.blocked.ravel())[0])
    with pytest.raises(ValueError, match=str(shelf)):
        quiet(SMALL, start=shelf)


def test_an_order_without_stops_is_refused() -> None:
    with pytest.raises(ValueError):
        quiet(SMALL, orders=[()])


# Refused in the world, and counted with the reason.


def test_an_order_that_cannot_be_reached_is_refused_and_the_others_are_done() -> None:
    layout = laid_out(["E..S..", "..C...", "######", "......"])
    lost = 3 * 6 + 2  # cut off
    world = quiet(layout, orders=[(lost, 0), (3, 0), (3, lost)])
    episode = driven(world)
    assert episode.summary["deliveries"] == 1
    assert refusals(episode) == {("O1", "unreachable"), ("O3", "unreachable")}
    assert episode.summary["refusals"]["unreachable"] >= 2
    assert episode.summary["strandings"] == 0


@pytest.mark.parametrize("capacity_wh", [0.5, 2.0])
def test_a_battery_too_small_for_the_map_is_refused_with_numbers(capacity_wh: float) -> None:
    profile = replace(PROFILES["delivery"], name="toy", capacity_wh=capacity_wh)
    rows = ["C" + "." * 118 + "S", "." * 119 + "E"]
    layout = laid_out(rows)
    try:
        world = quiet(layout, profile=profile, orders=[(119, 239)])
    except ValueError as error:
        assert "Wh" in str(error)
        return
    episode = driven(world, 1800.0)
    assert episode.summary["strandings"] == 0
    assert episode.summary["deliveries"] == 0
    assert {code for _, code in refusals(episode)} & {"battery", "full_battery", "no_charger"}


def test_an_empty_battery_at_the_charger_is_charged_first() -> None:
    world = quiet(SMALL, initial_soc=0.0, start=SMALL.chargers[0])
    driven(world, 300.0)
    assert world.robot.battery.charged_mj > 0


# Legal, however empty.


@pytest.mark.parametrize("options", [
    {"workers": 0}, {"orders": []}, {"workers": 0, "orders": [], "blockages_per_hour": 0.0},
    {"orders": OrderModel(per_hour=0.0, backlog=0)}, {"traffic": 0}, {"blockages_per_hour": 0.0},
])  # fmt: skip
def test_nobody_and_nothing_to_do_is_a_legal_world(options: dict[str, object]) -> None:
    world = World(SMALL, **{"workers": 2, **options})  # type: ignore[arg-type]
    episode = driven(world, 300.0)
    if "orders" in options:
        assert episode.summary["deliveries"] == 0
        assert episode.summary["delivery_time_p50_s"] is None
    assert world.tick == 600


def one_cell(blocked_around: bool) -> Layout:
    blocked = np.ones((3, 3), dtype=bool) if blocked_around else np.zeros((1, 1), dtype=bool)
    node = 4 if blocked_around else 0
    blocked.ravel()[node] = False
    density = np.zeros(blocked.size, dtype=np.float32)
    density[node] = 1.0
    return Layout("cell", GridMap(blocked, moves="four"), (node,), (node,), (node,), density)


@pytest.mark.parametrize("blocked_around", [True, False])
def test_one_free_cell_is_a_legal_world(blocked_around: bool) -> None:
    layout = one_cell(blocked_around)
    node = layout.stations[0]
    world = World(layout, workers=0, orders=[(node, node)], blockages_per_hour=12.0)
    watched = Watched(world)
    world.accept("O1")
    for _ in range(120):
        serves = world.robot_ready and world.next_stop() == node
        watched.step(SERVE if serves else WAIT)
    assert watched.deliveries == ["O1"]


@pytest.mark.parametrize("blocked_around", [True, False])
def test_an_episode_on_one_free_cell_delivers(blocked_around: bool) -> None:
    layout = one_cell(blocked_around)
    node = layout.stations[0]
    world = World(layout, workers=0, orders=[(node, node)], blockages_per_hour=0.0)
    assert driven(world, 120.0).summary["deliveries"] == 1


def test_no_room_for_a_walker_is_said() -> None:
    with pytest.raises(ValueError, match="walkers"):
        World(one_cell(True), workers=1)


def test_a_robot_walled_in_by_people_gives_up_and_counts_it() -> None:
    """A dead end, and somebody who never leaves it: the goal is given up, again and again."""
    layout = laid_out(["C....S", "E#####"])
    world = quiet(layout, workers=1, seed=1, orders=[(5, 6)],
                  assumptions=Assumptions(WalkRules(give_up_s=1e6)))  # fmt: skip
    agents = world.crowd.agents
    world.crowd.holder[agents.node[0]] = -1
    agents.node[0], agents.x_m[0], agents.y_m[0] = 4, *world.floor.xy(4)
    world.crowd.holder[4] = 0
    agents.busy_until[0] = 10**9
    episode = driven(world, 900.0)
    assert episode.summary["deliveries"] == 0
    assert episode.summary["give_ups"] >= 2
    assert episode.summary["contacts"] == 0
