"""Critics against plans that are walked by hand, and against random changes of plans."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from batches import exhaustive, random_instance
from batches import walk as walked_by_hand
from hypothesis import given, settings
from hypothesis import strategies as st
from street import GOOD, PLUG, said, street, visit

from planners import CostField, Layer
from planners.tasks import Snapshot
from planners.tasks import walk as walk_module
from planners.tasks.critics import Limits, feasible, judge, read_plan
from planners.tasks.deep import Instance, improve
from planners.tasks.deep.evaluate import evaluate
from planners.tasks.deep.kernels import batch as batch_module
from planners.tasks.plans import Plan, Stop
from planners.tasks.spans import LegSpans
from planners.tasks.verdict import SLACK

CASES = [(3, 1, True), (3, 2, True), (4, 1, False), (4, 2, False), (2, 1, True), (4, 2, True)]


def random_plan(rng: np.random.Generator, instance: Instance) -> Plan:
    """Stops in an order that tends to be right, with a charge before some of them."""
    names = [k for k, order in enumerate(instance.orders) for _ in order.stops]
    if rng.random() < 0.7:
        rank = rng.permutation(len(instance.orders)).tolist()
        names.sort(key=rank.__getitem__)
        if instance.snapshot.capacity > 1 and len(names) > 2:
            at = int(rng.integers(len(names) - 1))
            names[at], names[at + 1] = names[at + 1], names[at]
    else:
        rng.shuffle(names)
    done, stops = [0] * len(instance.orders), []
    for k in names:
        if math.isfinite(instance.snapshot.charge_wh) and rng.random() < 0.3:
            name = str(rng.choice(instance.chargers))
            soc = float(rng.choice(instance.batch.levels)) / instance.snapshot.capacity_wh
            node = instance.snapshot.chargers[name]
            stops.append(Stop("charge", node, charger=name, to_soc=soc))
        order = instance.orders[k]
        stops.append(visit(order.id, done[k], order.stops[done[k]]))
        done[k] += 1
    return Plan(tuple(stops))


def test_the_walk_and_the_search_share_their_rules() -> None:
    assert walk_module.LATER_S == batch_module.LATER_S
    assert SLACK == batch_module.SLACK_WH


@pytest.mark.parametrize("tied", [{}, {"aboard": 0.5, "chained": 0.2}])
@pytest.mark.parametrize("case", CASES)
def test_the_verdict_is_that_of_a_walk_by_hand(
    case: tuple[int, int, bool], tied: dict[str, float]
) -> None:
    counts = {True: 0, False: 0}
    for seed in range(12):
        instance = random_instance(seed, *case, **tied)
        rng = np.random.default_rng(seed)
        for _ in range(12):
            plan = random_plan(rng, instance)
            cost_s = walked_by_hand(instance, plan)
            lazy = judge(instance.snapshot, plan)
            assert feasible(lazy) == (cost_s is not None), (seed, plan, lazy)
            counts[cost_s is not None] += 1
            if cost_s is not None:
                within = Limits(budget_s=cost_s + 1e-6), Limits(budget_s=cost_s - 1e-6)
                assert feasible(judge(instance.snapshot, plan, within[0]))
                assert [v.code for v in said(instance.snapshot, plan, within[1])] == ["budget"]
    assert min(counts.values()) > (4 if tied else 8)  # both happen


@pytest.mark.parametrize("case", CASES)
def test_the_best_plan_of_all_is_never_rejected(case: tuple[int, int, bool]) -> None:
    for seed in range(4):
        instance = random_instance(seed, *case)
        found = evaluate(instance, improve(instance, rounds=80, seed=0).points)
        if found.plan is not None:
            assert feasible(judge(instance.snapshot, found.plan))
            assert feasible(judge(instance.snapshot, found.plan.as_json()))
            if case[0] < 4:  # and no plan at all stays below what is the least
                least_s = exhaustive(instance)
                assert [v.code for v in said(
                    instance.snapshot, found.plan, Limits(budget_s=least_s * (1 - 1e-6))
                )] == ["budget"]  # fmt: skip


# ------------------------------------------------------------------------------------- mutations


def mutated(stops: list[Stop], rng: np.random.Generator) -> list[Stop]:
    """One random change, right or wrong."""
    at, to = (int(k) for k in rng.integers(len(stops), size=2))
    one = stops[at]
    kind = int(rng.integers(6))
    if kind == 0:
        return stops[:at] + stops[at + 1 :]
    if kind == 1:
        return [*stops[:to], one, *stops[to:]]
    if kind == 2:
        stops = stops.copy()
        stops[at], stops[to] = stops[to], stops[at]
        return stops
    if kind == 3 and one.kind == "visit":
        return [*stops[:at], replace(one, place=one.place + 1), *stops[at + 1 :]]
    if kind == 4:
        return [*stops[:at], replace(one, node=int(rng.integers(45))), *stops[at + 1 :]]
    return [*stops[:at], PLUG, *stops[at:]]


def right(snapshot: Snapshot, stops: list[Stop]) -> bool:
    """In plain words, for `street` where the battery lasts and every way is there."""
    visits = [(s.order, s.place, s.node) for s in stops if s.kind == "visit"]
    wanted = [(o.id, k, node) for o in snapshot.orders for k, node in enumerate(o.stops)]
    if sorted(visits) != sorted(wanted):
        return False
    on_board: set[str | None] = set()
    done: list[tuple[str | None, int]] = []
    for stop in stops:
        if stop.kind == "charge":
            if stop.node != 8 or on_board:
                return False
            continue
        order = next(o for o in snapshot.orders if o.id == stop.order)
        if stop.place and (stop.order, stop.place - 1) not in done:
            return False
        if not stop.place and on_board:
            return False
        done.append((stop.order, stop.place))
        on_board = {stop.order} if stop.place + 1 < len(order.stops) else set()
    return True


@given(seed=st.integers(0, 10_000), changes=st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_mutations_are_judged_as_plain_words_judge_them(seed: int, changes: int) -> None:
    rng = np.random.default_rng(seed)
    stops = list(GOOD)
    for _ in range(changes):
        stops = mutated(stops, rng) if stops else stops
    verdicts = judge(street(), Plan(tuple(stops)))
    assert feasible(verdicts) == right(street(), stops)
    assert all(v.sentence and "\n" not in v.sentence for v in verdicts)
    assert sum(v.status == "bad" for v in verdicts) <= 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["kind", "node", "order", "place", "charger", "to_soc", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(data=ANYTHING)
@settings(max_examples=200, deadline=None)
def test_no_json_raises(data: Any) -> None:
    verdicts = judge(street(), data)
    if data != []:
        assert not feasible(verdicts)
    read = read_plan(data)
    assert isinstance(read, Plan) or read.code == "schema"


@given(
    congestion=st.floats(0.0, 3.0), charge_wh=st.floats(1.5, 20.0), latest_s=st.floats(90, 200),
    budget_s=st.floats(0.0, 200.0), seed=st.integers(0, 50),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_lazy_and_exact_legs_agree(
    congestion: float, charge_wh: float, latest_s: float, budget_s: float, seed: int
) -> None:
    base = street()
    rng = np.random.default_rng(seed)
    layer = Layer("congestion", congestion * rng.random(base.map.size))
    costs = CostField(base.map, layers=[layer])
    snapshot = replace(base, costs=costs, charge_wh=charge_wh)
    limits = Limits(latest_s={"O2": latest_s}, budget_s=budget_s)
    lazy = judge(snapshot, Plan(GOOD), limits)
    exact = judge(snapshot, Plan(GOOD), limits, legs=LegSpans(snapshot))
    assert feasible(lazy) == feasible(exact)
    bad = {v.critic for v in exact if v.status == "bad"}
    assert {v.critic for v in lazy if v.status == "bad"} <= bad
    assert not any(v.status == "unknown" for v in exact)
