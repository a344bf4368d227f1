"""Ties between plans are broken by the natural order of ids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from batches import random_instance

from planners.tasks import Snapshot
from planners.tasks.deep import evaluate, improve, make_exact, make_instance, prove


def twins(seed: int, battery: bool, capacity: int) -> Snapshot:
    """Orders of which three ask for the same thing, under ids that text would sort otherwise."""
    snapshot = random_instance(seed, 3, capacity, battery).snapshot
    first, *others = snapshot.orders
    named = [replace(first, id=name) for name in ("O10", "O9", "O2")]
    return replace(snapshot, orders=(*named, *(replace(o, id=f"P{o.id}") for o in others)))


@pytest.mark.parametrize("battery", [False, True])
def test_orders_that_ask_for_the_same_come_by_their_ids(battery: bool) -> None:
    planned = 0
    for seed in range(12):
        snapshot = twins(seed, battery, 1 + seed % 2)
        for orders in (snapshot.orders, snapshot.orders[::-1]):
            instance = make_instance(snapshot, orders)
            start = improve(instance, rounds=20, seed=seed).points
            for budget in (0, 10**5):
                found = prove(instance, expansions=budget, incumbent=start)
                if found.plan is None:
                    continue
                planned += 1
                begun = list(dict.fromkeys(stop.order for stop in found.plan.visits))
                assert [name for name in begun if name in ("O2", "O9", "O10")] == [
                    "O2", "O9", "O10",
                ]  # fmt: skip
                assert found.cost_s <= evaluate(instance, start).cost_s * (1 + 1e-9)
    assert planned > 20


def test_the_chooser_takes_the_smaller_id() -> None:
    snapshot = random_instance(3, 1, 1, False).snapshot
    (one,) = snapshot.orders
    same = replace(snapshot, orders=tuple(replace(one, id=name) for name in ("O10", "O2")))
    assert make_exact().choose(same).goal == "O2"
