"""What the proof says is true: against all plans, tried one by one in plain Python."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from batches import exhaustive, random_instance, walk

from planners import CostField, GridMap, Layer
from planners.tasks import Order
from planners.tasks.deep import Instance, Solution, improve, make_instance, prove
from planners.tasks.deep.prove import make_bound

# (orders, capacity, battery)
SMALL = [(2, 1, False), (3, 1, False), (3, 2, False), (4, 1, False), (2, 1, True), (2, 2, True)]
LARGE = [
    (1, 1, True), (4, 2, False), (5, 1, False), (5, 2, False), (3, 1, True), (3, 3, False),
    (4, 1, True), (2, 3, True),
]  # fmt: skip


def close(a: float, b: float) -> bool:
    return a == b or math.isclose(a, b, rel_tol=1e-7)


def true(instance: Instance, solution: Solution) -> bool:
    """The plan can be done, costs what is said, and no plan at all costs less than the bound."""
    if solution.plan is not None:
        cost_s = walk(instance, solution.plan)
        if cost_s is None or not close(cost_s, solution.cost_s):
            return False
    else:
        assert math.isinf(solution.cost_s)
    assert solution.lower_bound_s <= solution.cost_s
    below = solution.lower_bound_s * (1 - 1e-9)
    return math.isinf(exhaustive(instance, below=below))


def checked(seed: int, orders: int, capacity: int, battery: bool, **tied: float) -> bool:
    """A proof from scratch, or from an incumbent; whole, or cut short; with table or tree."""
    instance = random_instance(seed, orders, capacity, battery, **tied)
    incumbent = improve(instance, rounds=5, seed=seed).points if seed % 2 else None
    bound = make_bound(instance, most_entries=0 if seed % 3 == 2 else 10**6)
    budget = (1, 4, 16, 10**6, 10**6, 10**6)[seed % 6]
    solution = prove(instance, expansions=budget, incumbent=incumbent, bound=bound)
    assert solution.proven or budget < 10**6
    assert true(instance, solution), (seed, orders, capacity, battery)
    return solution.proven and solution.plan is not None


@pytest.mark.parametrize(("orders", "capacity", "battery"), SMALL)
def test_bounds_are_true(orders: int, capacity: int, battery: bool) -> None:
    proven = sum(checked(seed, orders, capacity, battery) for seed in range(40))
    assert proven >= 15


TIED = {"aboard": 0.5, "chained": 0.25}


@pytest.mark.parametrize(("orders", "capacity", "battery"), SMALL)
def test_bounds_are_true_with_orders_on_board_and_after_others(
    orders: int, capacity: int, battery: bool
) -> None:
    assert sum(checked(seed, orders, capacity, battery, **TIED) for seed in range(40)) >= 12


@pytest.mark.slow
@pytest.mark.parametrize(("orders", "capacity", "battery"), SMALL + LARGE)
def test_tied_bounds_are_true_in_many_cases(orders: int, capacity: int, battery: bool) -> None:
    found = [checked(seed, orders, capacity, battery, **TIED) for seed in range(1000, 1180)]
    assert sum(found) >= 60


@pytest.mark.parametrize("forgotten", ["aboard", "follows", "kg"])
def test_what_is_on_board_and_what_comes_after_count(forgotten: str) -> None:
    """A search that forgets one of them finds plans that cannot be done, or lies about the rest."""
    lies = 0
    for seed in range(30):
        orders, battery = (2, True) if forgotten == "kg" else (3, False)
        instance = random_instance(seed, orders, 2, battery, **TIED)
        assert true(instance, prove(instance, expansions=10**6))
        batch = instance.batch
        without = {
            "aboard": {"aboard": np.zeros_like(batch.aboard)},
            "follows": {"follows": batch.follows[:0]},
            "kg": {"kg": np.where(batch.aboard, 0.0, batch.kg)},
        }[forgotten]
        wrong = replace(instance, batch=batch._replace(**without))
        lies += not true(wrong, prove(wrong, expansions=10**6))
    assert lies >= 2, lies


@pytest.mark.slow
@pytest.mark.parametrize(("orders", "capacity", "battery"), SMALL + LARGE)
def test_bounds_are_true_in_many_cases(orders: int, capacity: int, battery: bool) -> None:
    assert sum(checked(seed, orders, capacity, battery) for seed in range(1000, 1180)) >= 80


@pytest.mark.slow
@pytest.mark.parametrize(("orders", "capacity", "seeds"), [(3, 2, 12), (3, 3, 4), (5, 3, 30)])
def test_bounds_are_true_with_much_on_board(orders: int, capacity: int, seeds: int) -> None:
    assert sum(checked(seed, orders, capacity, orders < 5) for seed in range(seeds)) >= seeds // 4


def test_batches_exercise_what_they_are_for() -> None:
    """Charges, several levels, late orders, few infeasible batches."""
    charges = late = infeasible = 0
    levels = set()
    for seed in range(60):
        instance = random_instance(seed, 3, 1, True)
        solution = prove(instance, expansions=10**6)
        if solution.plan is None:
            infeasible += 1
            continue
        legs_s = prove(on_time(instance), expansions=10**6).cost_s
        late += solution.cost_s > legs_s + 1.0
        for stop in solution.plan.charges:
            charges += 1
            levels.add(round((stop.to_soc or 0.0) / 0.45))
    assert charges > 30
    assert levels == {1, 2}
    assert late > 10
    assert infeasible < 30


def on_time(instance: Instance) -> Instance:
    """The same batch where lateness costs nothing."""
    batch = instance.batch._replace(weight=np.zeros_like(instance.batch.weight))
    return replace(instance, batch=batch)


def test_an_unsafe_bound_shows() -> None:
    """Legs that are one part in five too long: some certificate is then a lie, and is found out."""
    lies = 0
    for seed in range(30):
        instance = random_instance(seed, 3, 2, False)
        bound = make_bound(instance)
        unsafe = bound._replace(table=bound.table * 1.2)
        worst = tuple(range(1, instance.stops + 1))
        assert true(instance, prove(instance, expansions=10**6, incumbent=worst, bound=bound))
        lies += not true(instance, prove(instance, expansions=10**6, incumbent=worst, bound=unsafe))
    assert lies >= 3, lies


def test_lateness_from_legs_that_are_not_closed_is_unsafe() -> None:
    """The time of a cheapest way is not the least time: by way of another order it may be less.

    Straight on to O1, the way is cheap and slow; by way of O2 it is dear and fast. A bound on the
    raw seconds says that O1 must be late, and it need not be.
    """
    instance = detour_instance()
    solution = prove(instance, expansions=1000)
    assert solution.plan is not None and solution.plan.orders == ("O2", "O1")
    assert true(instance, solution)
    bound = make_bound(instance)
    raw = bound._replace(time=instance.lower.time_s)
    first = prove(instance, expansions=0, bound=bound)
    lie = prove(instance, expansions=0, bound=raw)
    assert first.lower_bound_s <= solution.cost_s < lie.lower_bound_s


def detour_instance() -> Instance:
    """Two corridors: the upper one is congested, which little is paid for, the lower one risky."""
    blocked = np.zeros((3, 12), dtype=bool)
    blocked[1, 1:-1] = True
    congestion, risk = np.zeros((3, 12)), np.zeros((3, 12))
    congestion[0], risk[2] = 10.0, 0.15
    grid = GridMap(blocked, moves="four")
    layers = [Layer("congestion", congestion, 0.1), Layer("risk", risk, 8.0)]
    snapshot = random_instance(0, 1, 1, False).snapshot
    far = Order("O1", stops=(23,), due_s=snapshot.time_s + 60.0, priority="urgent")
    costs = CostField(grid, base=1.4, layers=layers)
    return make_instance(
        replace(
            snapshot, map=grid, costs=costs, robot=12, orders=(far, Order("O2", (30,))),
            chargers={}, charger_wait_s={}, charger_power_w={},
        )
    )  # fmt: skip


def test_the_proof_never_costs_more_than_its_incumbent() -> None:
    for seed in range(20):
        instance = random_instance(seed, 5, 2, seed % 2 == 0)
        start = improve(instance, rounds=0, seed=seed)
        costs = [
            prove(instance, expansions=budget, incumbent=start.points).cost_s
            for budget in (0, 5, 50, 500)
        ]
        assert all(b <= a * (1 + 1e-9) for a, b in pairwise([start.cost_s, *costs]))


def test_more_expansions_never_lower_the_bound() -> None:
    for seed in range(20):
        instance = random_instance(seed, 5, 2, seed % 2 == 0)
        start = improve(instance, rounds=0, seed=seed).points
        bounds = [
            prove(instance, expansions=budget, incumbent=start).lower_bound_s
            for budget in (0, 2, 8, 32, 128, 10**6)
        ]
        assert all(b >= a * (1 - 1e-9) for a, b in pairwise(bounds))


def test_the_table_is_never_looser_than_the_tree() -> None:
    for seed in range(20):
        instance = random_instance(seed, 6, 1 + seed % 3, False)
        table = prove(instance, expansions=0).lower_bound_s
        tree = prove(
            instance, expansions=0, bound=make_bound(instance, most_entries=0)
        ).lower_bound_s
        assert tree <= table * (1 + 1e-9)


def test_the_search_grows_its_room() -> None:
    instance = random_instance(1, 10, 3, True)
    solution = prove(instance, expansions=20_000, bound=make_bound(instance, most_entries=0))
    assert solution.expansions > 5_000
    assert solution.plan is None or walk(instance, solution.plan) is not None


def test_bad_budgets_are_refused() -> None:
    instance = random_instance(0, 2, 1, False)
    with pytest.raises(ValueError, match="expansions is -1"):
        prove(instance, expansions=-1)
    with pytest.raises(ValueError, match="rounds is -1"):
        improve(instance, rounds=-1)
    with pytest.raises(ValueError, match="is no tour"):
        prove(instance, expansions=1, incumbent=(1, 1))
