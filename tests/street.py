"""A street to judge plans on, small enough to count by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from planners import CostField, GridMap
from planners.tasks import EnergyModel, Order, Snapshot
from planners.tasks.critics import Limits, Verdict, feasible, judge
from planners.tasks.plans import Plan, Stop
from planners.tasks.spans import LegSpans

COLS = 9


def street(**changes: Any) -> Snapshot:
    """Two rows of 9 cells a second each, joined at the right; a cell of its own in row 4.

    The robot stands at the left of row 0, the charger at its right; a metre takes 0.05 Wh.
    """
    blocked = np.zeros((5, COLS), dtype=bool)
    blocked[1, :8] = blocked[3] = True
    grid = GridMap(blocked, moves="four")
    fields: dict[str, Any] = {
        "time_s": 100.0, "map": grid, "costs": CostField(grid), "robot": 0,
        "charge_wh": 50.0, "capacity_wh": 100.0, "reserve_wh": 2.0, "charge_power_w": 360.0,
        "margin": 1.0, "payload_kg": 0.0,
        "orders": (Order("O1", (2, 4)), Order("O2", (3, 20, 22), due_s=116.0)),
        "chargers": {"charger-1": 8}, "energy": EnergyModel(0.0, 180.0),
    }  # fmt: skip
    return Snapshot(**(fields | changes))


def visit(order: str, place: int, node: int) -> Stop:
    return Stop("visit", node, order=order, place=place)


PLUG = Stop("charge", 8, charger="charger-1")
O1 = (visit("O1", 0, 2), visit("O1", 1, 4))
O2 = (visit("O2", 0, 3), visit("O2", 1, 20), visit("O2", 2, 22))
GOOD = (*O1, *O2)


def said(snapshot: Snapshot, stops: Any, limits: Limits | None = None) -> list[Verdict]:
    """What is wrong by exact legs; by lazy ones it is the same, or less."""
    plan = Plan(stops) if isinstance(stops, tuple) else stops
    exact = judge(snapshot, plan, limits, legs=LegSpans(snapshot))
    lazy = judge(snapshot, plan, limits)
    bad = {v.code for v in exact if v.status == "bad"}
    assert not any(v.status == "unknown" for v in exact)
    assert bad >= {v.code for v in lazy if v.status == "bad"} and feasible(lazy) == feasible(exact)
    return [v for v in exact if v.status != "ok"]
