"""What a language model in the loop brings: doubles of known characters, and the real local one.

A model replaces one step of `utility`; so `utility` is the row without a model, and the value added
by a model is the regret without it less the regret with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from planners.tasks import Chooser, make_chooser
from planners.tasks.asking import CallCounts
from planners.tasks.llm import LlmChooser
from planners.tasks.local import LOCAL, check_local, endpoint

from .batches import MAX_EXACT, batch, sequences, work_off
from .doubles import DOUBLES, INJECTION, SLOW, DoubleChooser
from .pages import Count, FrozenRun, Page
from .shift import Shift, prepare_shift, run_shift

WITHOUT = "utility"
MODELS = (WITHOUT, *DOUBLES, LOCAL)
DEADLINE_S = 10.0
SLOW_DEADLINE_S = 0.05  # every decision of `slow` takes all of its deadline
LOCAL_DEADLINE_S = 60.0  # (a) rows repeat on a busy machine too; a shift allows 10 s
CLOSE = 1e-9  # relative: two ways to sum the same legs
KEPT = (
    "deliveries", "late", "contacts", "strandings", "delivery_time_p50_s", "proven_bound",
    "trace_hash",
)  # fmt: skip


@contextmanager
def chooser_of(model: str, turn: int = 0) -> Iterator[Chooser]:
    """The chooser of a row; the local model is served until the block ends."""
    if model == WITHOUT:
        yield make_chooser(WITHOUT)
    elif model == LOCAL:
        with endpoint(LOCAL, None) as (url, name):
            yield make_chooser("llm", llm_url=url, model=name, deadline_s=LOCAL_DEADLINE_S)
    else:
        yield DoubleChooser(
            model, turn=turn, deadline_s=SLOW_DEADLINE_S if model == SLOW else DEADLINE_S
        )


@dataclass(frozen=True)
class ModelRun(FrozenRun):
    """One model on one batch of `stops`, or in one shift of `minutes`; notes try to mislead it."""

    model: str
    workload: Literal["batch", "shift"]
    seed: int
    stops: int
    minutes: float
    kind: str = "models"

    def measure(self) -> dict[str, Any]:
        """What the batch or the shift brought, and what asking the model took."""
        with chooser_of(self.model, self.seed) as chooser:
            found = self._batch(chooser) if self.workload == "batch" else self._shift(chooser)
            counts = chooser.counts if isinstance(chooser, LlmChooser) else CallCounts()
        return {**found, **counts.as_dict(), "call_latencies_ms": counts.latencies_ms}

    def _batch(self, chooser: Chooser) -> dict[str, Any]:
        snapshot = batch(self.map, self.stops, self.seed, INJECTION)
        exact = sequences(snapshot, tuple(order.id for order in snapshot.orders))
        worked = work_off(snapshot, chooser)
        excess = worked.total_s / exact.best_s - 1.0
        return {
            "total_s": worked.total_s,
            "exact_s": exact.best_s,
            "worst_s": exact.worst_s,
            "regret": excess if excess > CLOSE else 0.0,
            "below_exact": excess < -CLOSE,
            "invalid": list(worked.invalid),
            "decided_by": dict(Counter(worked.decided_by)),
        }

    def _shift(self, chooser: Chooser) -> dict[str, Any]:
        shift = Shift(
            layout=self.map, minutes=self.minutes, seed=self.seed, orders_per_hour=30.0, workers=6,
        )  # fmt: skip
        summary = run_shift(prepare_shift(shift), chooser).episode.summary
        return {**{key: summary[key] for key in KEPT}, "decided_by": summary["decided_by"]}


class ModelSpec(Page):
    """Models x (batches of stops and seeds, and one shift)."""

    map: str = "small"
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    stops: Annotated[tuple[Count, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 60.0

    def runs(self) -> tuple[ModelRun, ...]:
        """Every run once, `utility` with each; 0 minutes leave the shifts out.

        Raises:
            ValueError: an unknown model, the local one where it is not installed, other stops than
                4, 6, ..., 12, an unknown layout.
        """
        for model in self.models:
            if model not in MODELS:
                raise ValueError(f"unknown model {model!r}: one of {', '.join(MODELS)}")
        if LOCAL in self.models:
            check_local()
        for stops in self.stops:
            if stops not in range(4, 2 * MAX_EXACT + 1, 2):
                raise ValueError(f"{stops} stops: 4, 6, ... or {2 * MAX_EXACT}")
        models = (WITHOUT, *(model for model in self.models if model != WITHOUT))
        batches = tuple(
            ModelRun(self.map, "", model, "batch", seed, stops, 0.0)
            for stops in self.stops for seed in self.seeds for model in models
        )  # fmt: skip
        if not self.minutes:
            return batches
        return batches + tuple(
            ModelRun(self.map, "", model, "shift", self.seeds[0], 0, self.minutes)
            for model in models
        )

    def placed(self, file: Path, data: Path | None) -> ModelSpec:
        """Layouts are built in."""
        return self
