"""Bounds on the rest of a tour, and the chargers that are left out: nothing is lost by them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from batches import random_instance
from hypothesis import given, settings
from hypothesis import strategies as st

from planners.tasks.deep import Instance, evaluate, prove
from planners.tasks.deep.evaluate import table_for
from planners.tasks.deep.improve import starts
from planners.tasks.deep.kernels import kernel
from planners.tasks.deep.kernels.ahead import least_cost
from planners.tasks.deep.kernels.batch import Now
from planners.tasks.deep.kernels.labels import Table

KINDS = st.tuples(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 3))


def tabulated(instance: Instance, points: tuple[int, ...], limit: float) -> tuple[Table, float]:
    table = table_for(instance, room=4096)
    tour = np.array(points, dtype=np.int64)
    return table, float(kernel("label_table")(instance.batch, table, tour, limit))


def bounds_along(instance: Instance, table: Table) -> list[float]:
    """What is said of the cheapest plan's cost, after each of its stops."""
    label, said = int(table.best[0]), []
    for row in range(len(table.count) - 1, -1, -1):
        now = Now(*(float(what[row, label]) for what in (table.cost, table.time, table.wh)))
        said.append(least_cost(instance.batch, table.ahead, row, now))
        label = int(table.before[row, label])
    return said


@settings(max_examples=80)
@given(KINDS)
def test_no_plan_costs_less_than_was_said_of_it(kind: tuple[int, int, int]) -> None:
    instance = random_instance(*kind, True)
    table, cost_s = tabulated(instance, starts(instance)[0], math.inf)
    if math.isfinite(cost_s):
        assert max(bounds_along(instance, table)) <= cost_s * (1 + 1e-9)


def test_a_bound_on_too_slow_a_charger_is_unsafe() -> None:
    lies = 0
    for seed in range(40):
        instance = random_instance(seed, 4, 1, True)
        cost_s = evaluate(instance, starts(instance)[0]).cost_s
        slow = instance.batch._replace(rate=4.0 * instance.batch.rate)
        slowed = replace(instance, batch=slow)
        table, found_s = tabulated(slowed, starts(instance)[0], math.inf)
        if math.isfinite(cost_s):
            assert found_s == pytest.approx(cost_s)
            lies += max(bounds_along(slowed, table)) > cost_s * (1 + 1e-9)
    assert lies >= 3


@settings(max_examples=80)
@given(KINDS, st.booleans())
def test_a_limit_only_hides_what_reaches_it(kind: tuple[int, int, int], battery: bool) -> None:
    instance = random_instance(*kind, battery)
    for points in starts(instance):
        cost_s = tabulated(instance, points, math.inf)[1]
        assert tabulated(instance, points, cost_s * (1 + 1e-6))[1] == pytest.approx(cost_s)
        assert math.isinf(tabulated(instance, points, cost_s * (1 - 1e-6))[1])


def with_all_chargers(instance: Instance) -> Instance:
    """The same batch where no charger is left out."""
    size, count = instance.batch.queue.shape
    plugs = np.broadcast_to(np.arange(count), (size, size, count)).copy()
    return replace(instance, batch=instance.batch._replace(plugs=plugs))


def test_a_charger_is_left_out_only_where_another_is_no_worse() -> None:
    left_out = 0
    for seed in range(30):
        chargers = {f"charger-{k}": 9 * k + seed % 7 for k in range(1, 7)}
        waits = {f"charger-{k}": 20.0 * (k % 3) for k in range(1, 7)}
        instance = random_instance(
            seed, 2, 1 + seed % 2, True, chargers=chargers, charger_wait_s=waits
        )
        everyone = with_all_chargers(instance)
        left_out += int((instance.batch.plugs < 0).sum())
        for points in starts(instance):
            cost_s = evaluate(everyone, points).cost_s
            assert evaluate(instance, points).cost_s == pytest.approx(cost_s, rel=1e-9)
        cost_s = prove(everyone, expansions=10**5).cost_s
        assert prove(instance, expansions=10**5).cost_s == pytest.approx(cost_s, rel=1e-9)
    assert left_out > 1000


def test_leaving_out_a_charger_for_cost_alone_is_unsafe() -> None:
    """The nearest one may be the slower one, or busy."""
    worse = 0
    for seed in range(40):
        instance = random_instance(seed, 3, 1, True)
        plugs = instance.batch.plugs.copy()
        plugs[..., 1:] = -1
        one = replace(instance, batch=instance.batch._replace(plugs=plugs))
        points = starts(instance)[0]
        worse += evaluate(one, points).cost_s > evaluate(instance, points).cost_s * (1 + 1e-9)
    assert worse >= 3
