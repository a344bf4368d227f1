"""The study of static batches: its batches repeat, its rows and its table say what was measured."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from experiments.rows import repeats
from experiments.task_batches import (
    Case,
    batch_snapshot,
    layout_for,
    measure,
    proof_ms,
    regret_at,
    report,
)
from planners.tasks.deep import evaluate, improve, make_instance


def test_a_batch_repeats_and_is_measured(warehouse: Path) -> None:
    layout = layout_for(str(warehouse))
    case = Case(str(warehouse), 4, 2, True, 1)
    rows = [measure(case, layout, steps=2) for _ in range(2)]
    same = [{k: v for k, v in row.items() if repeats(k) and k != "ladder"} for row in rows]
    assert same[0] == same[1]
    for one, two in zip(*(row["ladder"] for row in rows), strict=True):
        assert {k: one[k] for k in one if repeats(k)} == {k: two[k] for k in two if repeats(k)}
    row = rows[0]
    assert row["proven"] and row["best"] <= min(row["insertion"], row["utility"], row["nearest"])
    assert row["ladder"][-1]["lower_bound"] == pytest.approx(row["best"])
    assert "| 4 | 2 | 1 |" in report(rows[:1])


def test_a_battery_makes_a_batch_charge(warehouse: Path) -> None:
    layout, charged = layout_for(str(warehouse)), 0
    for seed in range(4):
        snapshot = batch_snapshot(layout, Case(str(warehouse), 6, 1, True, seed))
        assert snapshot.charge_wh <= snapshot.capacity_wh < math.inf
        instance = make_instance(snapshot)
        free = make_instance(batch_snapshot(layout, Case(str(warehouse), 6, 1, False, seed)))
        assert not free.batch.energy
        plan = evaluate(instance, improve(instance, rounds=20).points).plan
        charged += plan is not None and len(plan.charges) > 0
    assert charged >= 2


def step(cost: float, improved: float, ms: float, proven: bool) -> dict[str, Any]:
    return {
        "cost": cost, "improved": improved, "proven": proven, "improve_ms": ms, "table_ms": ms,
        "prove_ms": ms,
    }  # fmt: skip


def test_regret_counts_what_fits_the_budget() -> None:
    row = {
        "best": 100.0,
        "ladder": [step(120.0, 130.0, 10.0, False), step(100.0, 110.0, 40.0, True)],
    }
    assert regret_at(row, 5.0) is None
    assert regret_at(row, 15.0) == pytest.approx(0.30)
    assert regret_at(row, 50.0) == pytest.approx(0.20)  # the smaller effort fits as a whole
    assert regret_at(row, 120.0) == pytest.approx(0.0)
    assert proof_ms(row) == pytest.approx(120.0)
    assert math.isinf(proof_ms({"ladder": [step(1.0, 1.0, 1.0, False)]}))
