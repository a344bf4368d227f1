"""The choices of one decision as a padded table: waiting, the open orders, the chargers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from planners.tasks import (
    Candidate,
    ChargeRule,
    Decision,
    FieldCache,
    Leg,
    Order,
    Snapshot,
    assess,
)
from planners.tasks.choosers import Assessment
from planners.tasks.reserve import DEFAULT_RULE
from planners.tasks.snapshot import natural_key

Table = npt.NDArray[np.float32]

COLUMNS = (
    "order", "charger", "legal", "cost", "length", "energy", "due", "lateness", "others", "kg",
    "priority", "stops", "on_board", "queue",
)  # fmt: skip
SCALE_S, SCALE_M, FULL_KG, MANY_STOPS = 300.0, 100.0, 50.0, 4  # scales (a)


@dataclass(frozen=True)
class Choice:
    """One row: what it stands for, and what it would take; an order that is refused has no value.

    `kind` is ``wait``, ``order``, ``charge``, or ``none`` for an empty row; `goal` as in a
    `Decision`.
    """

    kind: Literal["wait", "order", "charge", "none"]
    goal: str | None = None
    legal: bool = False
    order: Order | None = None
    candidate: Candidate | None = None
    leg: Leg | None = None


class Choices:
    """The rows of one moment: 0 waits, 1 to `orders` are orders, the rest are chargers.

    Orders come in the natural order of their ids; of more than fit, those on board and those due
    first. An order is legal where `assess` says that it is feasible (battery rule included), a
    charger where it can be reached and the battery is below the limit of charging; waiting is
    always legal.
    """

    def __init__(
        self, snapshot: Snapshot, orders: int, cache: FieldCache | None = None,
        rule: ChargeRule = DEFAULT_RULE,
    ) -> None:  # fmt: skip
        self.snapshot = snapshot
        self.found: Assessment = assess(snapshot, cache, rule)
        self.rows: tuple[Choice, ...] = (
            Choice("wait", legal=True), *self._orders(orders), *self._chargers(rule),
        )  # fmt: skip

    def _orders(self, room: int) -> list[Choice]:
        feasible = {candidate.goal: candidate for candidate in self.found.candidates}
        held = self.snapshot.on_board

        def urgency(order: Order) -> tuple[object, ...]:
            return order.id not in held, order.due_s, natural_key(order.id)

        urgent = sorted(self.snapshot.orders, key=urgency)[:room]
        shown = sorted(urgent, key=lambda order: natural_key(order.id))
        rows = [
            Choice("order", order.id, order.id in feasible, order, feasible.get(order.id))
            for order in shown
        ]
        return rows + [Choice("none")] * (room - len(rows))

    def _chargers(self, rule: ChargeRule) -> list[Choice]:
        snapshot, ways = self.snapshot, self.found.legs.chargers(self.snapshot.robot)
        full = rule.at_limit(snapshot)
        return [
            Choice("charge", name, name in ways and not full, leg=ways.get(name))
            for name in snapshot.chargers
        ]

    def mask(self) -> npt.NDArray[np.int8]:
        """(rows,) int8, 1 where the row may be chosen."""
        return np.array([row.legal for row in self.rows], dtype=np.int8)

    def table(self) -> Table:
        """(rows, columns) float32 in [-1, 1], columns as in `COLUMNS`."""
        return np.array([self._values(row) for row in self.rows], dtype=np.float32)

    def _values(self, row: Choice) -> Sequence[float]:
        values: dict[str, float] = dict.fromkeys(COLUMNS, 0.0)
        values["legal"] = float(row.legal)
        capacity_wh = self.snapshot.capacity_wh
        if row.order is not None:
            values |= self._of_order(row.order)
        if row.candidate is not None:
            one = row.candidate
            values |= {
                "cost": _squash(one.cost_s, SCALE_S),
                "length": _squash(one.length_m, SCALE_M),
                "energy": _share(one.energy_wh + one.to_charger_wh, capacity_wh),
                "lateness": _squash(one.lateness_s, SCALE_S),
                "others": _squash(one.others_s, SCALE_S),
            }
        if row.kind == "charge" and row.goal is not None:
            wait_s = self.snapshot.charger_wait_s.get(row.goal, 0.0)
            values |= {"charger": 1.0, "queue": _squash(wait_s, SCALE_S)}
        if row.leg is not None:
            values |= {
                "cost": _squash(row.leg.cost_s, SCALE_S),
                "length": _squash(row.leg.length_m, SCALE_M),
                "energy": _share(row.leg.energy_wh, capacity_wh),
            }
        return list(values.values())

    def _of_order(self, order: Order) -> Mapping[str, float]:
        weights = self.snapshot.lateness_weights
        most = max(weights.values())
        slack_s = order.due_s - self.snapshot.time_s
        return {
            "order": 1.0,
            "due": 1.0 if slack_s == math.inf else _squash(slack_s, SCALE_S),
            "kg": min(1.0, order.kg / FULL_KG),
            "priority": weights[order.priority] / most if most > 0 else 0.0,
            "stops": min(1.0, len(order.stops) / MANY_STOPS),
            "on_board": float(order.id in self.snapshot.on_board),
        }

    def decision(self, action: int, name: str) -> Decision:
        """The decision that a row stands for; `name` is who decided."""
        row, reason = self.rows[action], f"row {action} of {len(self.rows)}"
        if row.candidate is not None:
            return self.found.take(row.candidate, name, reason)
        kind = row.kind if row.kind == "charge" else "wait"
        return Decision(kind, row.goal, name, reason, refused=self.found.refused)

    def row_of(self, decision: Decision) -> int:
        """The row that stands for a decision; ValueError where none does."""
        for k, row in enumerate(self.rows):
            if row.kind == decision.kind and row.goal == decision.goal:
                return k
        raise ValueError(
            f"no row stands for {decision.kind} {decision.goal}: {len(self.rows)} rows do not hold "
            f"all of {len(self.snapshot.orders)} open orders; make the environment with more orders"
        )


def _squash(value: float, scale: float) -> float:
    """A value of any size to (-1, 1): half at `scale`."""
    return value / (abs(value) + scale)


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if math.isfinite(whole) and whole > 0 else 0.0
