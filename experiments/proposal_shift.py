"""One shift of `deep` with each double or the local model as proposer, and one without."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from planners.tasks import Decision, Snapshot
from planners.tasks.critics import Limits, feasible, judge
from planners.tasks.goals import GoalChooser

from .rows import Row
from .shift import Shift, prepare_shift, run_shift

SHIFT = "shift"  # in the column of efforts
KEPT = (
    "deliveries", "late", "contacts", "strandings", "delivery_time_p50_s", "decided_by",
    "trace_hash",
)  # fmt: skip


@dataclass
class Watched:
    """A chooser whose every plan is judged, and timed without what a double thinks."""

    inner: GoalChooser
    plans: int = 0
    invalid: list[str] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def name(self) -> str:
        """Of the chooser behind it."""
        return self.inner.name

    def describe(self) -> str:
        """Who decides."""
        return self.inner.describe()

    def choose(self, snapshot: Snapshot) -> Decision:
        """The next goal."""
        double = getattr(self.inner, "double", None)
        thought_s = double.cpu_s if double else 0.0
        began_s = time.process_time()
        decision = self.inner.choose(snapshot)
        self.cpu_s += time.process_time() - began_s
        self.cpu_s -= (double.cpu_s - thought_s) if double else 0.0
        if decision.plan is not None:
            self.plans += 1
            verdicts = judge(snapshot, decision.plan, Limits(orders=decision.plan.orders))
            if not feasible(verdicts):
                self.invalid.append(verdicts[-1].sentence)
        return decision


def shift_id(model: str, layout: str, minutes: float, seed: int) -> str:
    """The name of a shift among the rows."""
    return f"shift-{layout}-{minutes:g}-{seed}-{model}"


def measure_shift(model: str, chooser: GoalChooser, layout: str, minutes: float, seed: int) -> Row:
    """What a shift brought, and what asking took."""
    shift = Shift(
        layout=layout, minutes=minutes, seed=seed, orders_per_hour=30.0, workers=6, chooser="deep"
    )
    watched = Watched(chooser)
    summary = run_shift(prepare_shift(shift), watched).episode.summary
    counts = chooser.counts
    return {
        "run_id": shift_id(model, layout, minutes, seed),
        "effort": SHIFT,
        "model": model,
        "minutes": minutes,
        **{name: summary[name] for name in KEPT},
        "plans": watched.plans,
        "invalid": watched.invalid,
        "decisions_cpu_ms": 1000.0 * watched.cpu_s,
        **counts.as_dict(),
        "call_latencies_ms": list(counts.latencies_ms),
    }
