"""A floor on which sequences matter: one long corridor, picks and drops in a row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from planners import CostField, GridMap
from planners.tasks import EnergyModel, NamedSnapshot, Order, Snapshot

COLS = 41


def corridor(orders: dict[str, tuple[int, int]], robot: int = 0, **changes: Any) -> Snapshot:
    """Orders by name: the columns of pick and drop; one metre and one second a cell."""
    grid = GridMap(np.zeros((1, COLS), dtype=bool), moves="four")
    fields: dict[str, Any] = {
        "time_s": 0.0, "map": grid, "costs": CostField(grid, base=1.0), "robot": robot,
        "charge_wh": math.inf, "capacity_wh": math.inf, "reserve_wh": 0.0,
        "charge_power_w": 200.0, "margin": 1.2, "payload_kg": 0.0,
        "orders": tuple(Order(name, stops) for name, stops in orders.items()),
        "chargers": {"charger-1": COLS - 1}, "energy": EnergyModel(20.0, 151.0),
    }  # fmt: skip
    return Snapshot(**(fields | changes))


def named(snapshot: Snapshot, items: dict[str, str], docks: dict[str, int]) -> NamedSnapshot:
    """With names; the moment is half past nine."""
    return NamedSnapshot(snapshot, items=items, docks=docks, clock_s=9.5 * 3600.0)
