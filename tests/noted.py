"""The snapshot that the corpus of notes speaks of, made from its context."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from planners import CostField, GridMap
from planners.tasks import EnergyModel, Order, Snapshot
from planners.tasks.names import Names

NOTES = Path(__file__).parent / "planners" / "tasks" / "notes"
COLS = 26


def seconds(clock: str) -> float:
    hours, minutes, rest = map(int, clock.split(":"))
    return 3600.0 * hours + 60.0 * minutes + rest


def context() -> dict[str, Any]:
    """What the notes speak of; the same as the corpus's file, which a checkout may lack."""
    items = [
        "bolts",
        "glass",
        "insulin",
        "paper",
        "paint",
        "tyres",
        "glass",
        "coffee",
        "vaccines",
        "cable",
        "seeds",
        "lamps",
    ]
    docks = [1, 2, 3, 1, 5, 4, 6, 2, 6, 5, 5, 3]
    due_s = [1800, 2400, 900, 3000, 2700, 3600, 2100, 1200, 1800, 4200, 5400, 3000]
    levels = dict.fromkeys(("O3", "O9"), "urgent") | dict.fromkeys(("O4", "O11"), "low")
    rows = zip(items, docks, due_s, strict=True)
    return {
        "time": "09:40:00",
        "shift": ["06:00:00", "18:00:00"],
        "orders": [
            {
                "id": f"O{k}",
                "item": item,
                "dock": f"dock-{dock}",
                "due_s": due,
                "priority": levels.get(f"O{k}", "normal"),
            }
            for k, (item, dock, due) in enumerate(rows, start=1)
        ],
        "aisles": [f"aisle-{k}" for k in range(1, 13)],
    }


def noted_snapshot(said: dict[str, Any] | None = None) -> Snapshot:
    """A free floor of 20 x 26 cells: picks in row 1, drops in row 18, aisles in between."""
    grid = GridMap(np.zeros((20, COLS), dtype=bool), moves="four")
    orders = tuple(
        Order(
            row["id"],
            (COLS + k, 18 * COLS + k),
            due_s=100.0 + row["due_s"],
            kg=2.0,
            priority=row["priority"],
        )
        for k, row in enumerate((said or context())["orders"])
    )
    return Snapshot(
        time_s=100.0,
        map=grid,
        costs=CostField(grid, base=1.5),
        robot=0,
        charge_wh=900.0,
        capacity_wh=960.0,
        reserve_wh=96.0,
        charge_power_w=211.0,
        margin=1.2,
        payload_kg=0.0,
        orders=orders,
        chargers={"charger-1": COLS - 1},
        energy=EnergyModel(ambient_w=20.0, drive_j_per_m=151.0, drive_j_per_m_kg=2.0),
    )


def noted_names(said: dict[str, Any] | None = None) -> Names:
    """Aisle k is a column of the floor, from row 4 to row 15."""
    found = said or context()
    return Names(
        items={row["id"]: row["item"] for row in found["orders"]},
        docks={row["id"]: row["dock"] for row in found["orders"]},
        aisles={
            name: tuple(COLS * row + 2 * k + 2 for row in range(4, 16))
            for k, name in enumerate(found["aisles"])
        },
        clock_s=seconds(found["time"]),
        shift_s=(seconds(found["shift"][0]), seconds(found["shift"][1])),
    )


def corpus_context() -> dict[str, Any]:
    """The corpus's own context."""
    found: dict[str, Any] = json.loads((NOTES / "context.json").read_text(encoding="utf-8"))
    return found
