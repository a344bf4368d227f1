"""The best charging of a sequence: against every way to charge, and against plain Python."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from batches import exhaustive, random_instance, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from planners.tasks.deep import Instance, evaluate
from planners.tasks.deep.evaluate import table_for
from planners.tasks.deep.improve import starts
from planners.tasks.deep.kernels import kernel, labels


def orders_of(instance: Instance, points: tuple[int, ...]) -> list[int]:
    """The sequence of orders, as the exhaustive search takes it."""
    return [int(instance.batch.order_of[point]) for point in points]


@pytest.mark.parametrize(("orders", "capacity"), [(2, 1), (3, 1), (2, 2), (1, 1)])
def test_charging_is_the_best_of_all(orders: int, capacity: int) -> None:
    possible = 0
    for seed in range(25):
        instance = random_instance(seed, orders, capacity, True)
        for points in starts(instance):
            found = evaluate(instance, points)
            best_s = exhaustive(instance, orders_of(instance, points))
            assert found.cost_s == pytest.approx(best_s, rel=1e-9)
            assert (found.plan is None) == math.isinf(best_s)
            if found.plan is not None:
                possible += 1
                assert walk(instance, found.plan) == pytest.approx(best_s, rel=1e-9)
    assert possible > 15


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 3), st.booleans())
def test_compiled_and_plain_tables_agree(
    seed: int, orders: int, capacity: int, battery: bool
) -> None:
    instance = random_instance(seed, orders, capacity, battery)
    tour = np.array(starts(instance)[0], dtype=np.int64)
    tables = [table_for(instance, room=6) for _ in range(2)]
    fast_s = kernel("label_table")(instance.batch, tables[0], tour, math.inf)
    plain_s = labels.label_table(instance.batch, tables[1], tour, math.inf)
    assert fast_s == pytest.approx(plain_s, rel=1e-12)
    assert tables[0].count.tolist() == tables[1].count.tolist()


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3))
def test_more_charge_and_more_levels_never_cost_more(seed: int, orders: int, capacity: int) -> None:
    few = random_instance(seed, orders, capacity, True, levels=(1.0,))
    more = random_instance(seed, orders, capacity, True, levels=(0.4, 0.7, 1.0))
    free = random_instance(seed, orders, capacity, True)
    points = starts(few)[0]
    cost_s = evaluate(few, points).cost_s
    assert evaluate(more, points).cost_s <= cost_s * (1 + 1e-12)
    charged = few.batch._replace(charge_wh=few.batch.charge_wh + 0.5)
    assert evaluate(replaced(few, charged), points).cost_s <= cost_s * (1 + 1e-12)
    unbound = free.batch._replace(energy=False)
    assert evaluate(replaced(free, unbound), points).cost_s <= cost_s * (1 + 1e-12)


def replaced(instance: Instance, batch: Any) -> Instance:
    return replace(instance, batch=batch)


def test_a_row_that_is_cut_makes_the_table_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["planners.tasks.deep.evaluate"]
    grown = 0
    for seed in range(20):
        instance = random_instance(seed, 4, 2, True)
        points = starts(instance)[0]
        whole_s = evaluate(instance, points).cost_s
        with monkeypatch.context() as patch:
            patch.setattr(module, "FIRST_ROOM", 1)
            assert evaluate(instance, points).cost_s == whole_s
        cut = table_for(instance, room=1)
        cut_s = kernel("label_table")(
            instance.batch, cut, np.array(points, dtype=np.int64), math.inf
        )
        grown += cut_s > whole_s
    assert grown > 0  # a table that does not grow pays for it


@pytest.mark.parametrize("points", [[], [1, 2], [1, 2, 2, 4], [0, 1, 2, 3], [2, 1, 3, 4]])
def test_what_is_no_tour_is_refused(points: list[int]) -> None:
    instance = next(
        found
        for seed in range(100)
        if (found := random_instance(seed, 2, 1, False)).batch.last.tolist() == [2, 4]
    )
    with pytest.raises(ValueError, match="is no tour"):
        evaluate(instance, points)


def test_an_order_too_many_on_board_cannot_be_done() -> None:
    instance = next(
        found
        for seed in range(100)
        if (found := random_instance(seed, 2, 1, False)).batch.last.tolist() == [2, 4]
    )
    assert math.isinf(evaluate(instance, [1, 3, 2, 4]).cost_s)


def test_a_rule_of_dominance_that_forgets_the_clock_is_unsafe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A label that costs less and lags behind must not oust one that will be in time."""
    worse = 0
    for seed in range(60):
        instance = random_instance(seed, 3, 1, True)
        tour = np.array(starts(instance)[0], dtype=np.int64)
        best_s = labels.label_table(instance.batch, table_for(instance), tour, math.inf)
        with monkeypatch.context() as patch:
            patch.setattr(labels, "beats", lambda a, b, *_: a.wh >= b.wh and a.cost <= b.cost)
            cost_s = labels.label_table(instance.batch, table_for(instance), tour, math.inf)
        worse += cost_s > best_s * (1 + 1e-9)
    assert worse >= 3
