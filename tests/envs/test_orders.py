"""Orders and blockages: their streams, their books, and what a blockage may not do."""

from __future__ import annotations

import numpy as np
import pytest
from envs_worlds import SMALL, floor_of, open_grid

from envs.blockages import BlockagePlan, stays_connected
from envs.orders import ListBook, OrderModel, PoissonBook
from planners import cost_to_go

# Orders.


def test_poisson_orders_follow_two_peaks_and_the_stated_mean() -> None:
    book = PoissonBook(SMALL, 0, OrderModel(per_hour=60.0, backlog=0))
    orders = [order for hour in range(40) for order in book.release(3600.0 * (hour + 1) - 1e-6)]
    assert len(orders) / 40 == pytest.approx(60.0, rel=0.1)
    part = np.array([order.release_s % 3600.0 / 3600.0 for order in orders])
    at_peak = ((np.abs(part - 0.3) < 0.05) | (np.abs(part - 0.7) < 0.05)).mean() / 0.2
    at_start = (part < 0.1).mean() / 0.1
    assert at_peak > 2.0 * at_start
    for order in orders:
        assert order.due_s > order.release_s
        assert order.drop in SMALL.stations
        assert set(order.stops[:-1]) <= set(SMALL.storage)
    assert {order.priority for order in orders} == {"urgent", "normal", "low"}
    assert len({order.id for order in orders}) == len(orders)


def test_popular_faces_change_at_half_time() -> None:
    book = PoissonBook(SMALL, 0, OrderModel(per_hour=200.0))
    orders = [order for hour in range(10) for order in book.release(3600.0 * (hour + 1) - 1e-6)]
    share = np.asarray(SMALL.pick_share)
    hot = {SMALL.storage[k] for k in np.argsort(-share)[: len(share) // 5]}
    halves = [
        [order.pick in hot for order in orders if (order.release_s % 3600.0 >= 1800.0) is late]
        for late in (False, True)
    ]
    assert np.mean(halves[0]) > 0.7
    assert np.mean(halves[1]) < 0.4


def test_a_task_list_keeps_twelve_open_and_releases_one_for_one() -> None:
    tasks = [(SMALL.storage[k % 5], SMALL.stations[0]) for k in range(20)]
    book = ListBook(tasks)
    assert [order.id for order in book.release(0.0)] == [f"O{k}" for k in range(1, 13)]
    assert book.release(1.0) == []
    book.take("O3")
    assert book.release(2.0) == []
    book.delivered()
    assert [(order.id, order.release_s) for order in book.release(3.0)] == [("O13", 3.0)]
    with pytest.raises(ValueError, match="'O3'"):
        book.take("O3")


def test_an_order_given_back_is_held_while_there_are_others() -> None:
    book = ListBook([(1, 2), (3, 4)])
    book.release(0.0)
    book.take("O1")
    book.give_back(10.0, hold_s=60.0)
    assert [order.id for order in book.open(20.0)] == ["O2"]
    assert {order.id for order in book.open(70.0)} == {"O1", "O2"}
    book.take("O2")
    assert [order.id for order in book.open(20.0)] == ["O1"]


# Blockages.


def test_blockages_spare_stations_and_never_cut_the_floor() -> None:
    floor = floor_of(SMALL.map)
    keep = {*SMALL.stations, *SMALL.chargers}
    plan = BlockagePlan(floor, 5, 12.0, keep)
    planned = plan.until(8 * 3600.0)
    assert 60 <= len(planned) <= 140
    assert any(b.announced_s < b.start_s for b in planned)
    assert any(b.announced_s == float("inf") for b in planned)
    for blockage in planned:
        assert 1 <= len(blockage.nodes) <= 3
        assert not keep & set(blockage.nodes)
        closed = {
            node
            for other in planned
            if other.start_s <= blockage.start_s < other.end_s
            for node in other.nodes
        }
        whole = floor.map.with_blocked(sorted(closed), True)
        free = np.flatnonzero(~np.asarray(whole.blocked).ravel())
        away = cost_to_go(whole, whole.label(SMALL.stations[0])).values[free]
        assert np.isfinite(away).all()


def test_a_corridor_cannot_be_blocked_in_the_middle() -> None:
    floor = floor_of(open_grid(1, 9))
    assert not stays_connected(floor, [4], {4})
    assert stays_connected(floor, [8], {8})
