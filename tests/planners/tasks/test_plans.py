"""Plans as data: what they refuse, and the way to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from planners.tasks import Order, Snapshot
from planners.tasks.plans import Plan, Stop


def test_a_plan_comes_back_from_json() -> None:
    plan = Plan(
        (
            Stop("charge", 7, charger="charger-1", to_soc=0.65),
            Stop("visit", 4, order="O2"),
            Stop("visit", 9, order="O1"),
            Stop("visit", 20, order="O2", place=1),
            Stop("charge", 7, charger="charger-1"),
        )
    )
    assert Plan.from_json(json.loads(json.dumps(plan.as_json()))) == plan
    assert plan.orders == ("O2", "O1")
    assert (len(plan.visits), len(plan.charges)) == (3, 2)


def test_orders_one_after_the_other() -> None:
    plan = Plan.of_orders([Order("O2", (4, 20)), Order("O1", (5,))])
    assert [(s.order, s.place, s.node) for s in plan.stops] == [
        ("O2", 0, 4),
        ("O2", 1, 20),
        ("O1", 0, 5),
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "fly"}, "one of visit, charge"),
        ({"kind": "visit"}, "a visit names an order"),
        ({"kind": "visit", "order": "O1", "charger": "c"}, "neither names both"),
        ({"kind": "charge", "order": "O1"}, "a charge a charger"),
        ({"kind": "visit", "order": "O1", "place": -1}, "an index"),
        ({"kind": "charge", "charger": "c", "to_soc": 1.5}, "in \\[0, 1\\]"),
        ({"kind": "visit", "order": "O1", "to_soc": 0.5}, "of a charge only"),
        ({"kind": "visit", "order": "O1", "speed": 3}, "is no stop"),
    ],
)
def test_a_stop_that_makes_no_sense_is_refused(fields: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Stop.from_json({"node": 1, **fields})


@pytest.mark.parametrize("capacity", [0, -1, 1.5, "two"])
def test_a_capacity_is_a_number_of_orders(
    a_snapshot: Callable[..., Snapshot], capacity: object
) -> None:
    with pytest.raises(ValueError, match="how many orders fit"):
        replace(a_snapshot(), capacity=capacity)
