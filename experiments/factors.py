"""What each factor is worth: the same shifts with none, one, some and all of them in the costs.

A row is one shift under one factor. All factors of a seed meet the same people, orders and
blockages, so changes are taken seed by seed; rows of shifts that failed say why and leave their
seed out. See `Comparison.as_dict` for the document of `aislewise deliver --compare factors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from envs.battery import robot_profile

from .measure import RENAMED
from .pages import FrozenRun, Page, content_hash
from .rows import Row, read_rows
from .run import ROWS, run_study
from .shift import Shift, prepare_shift, run_shift, without_secrets
from .stats import FEW, LEVEL, RESAMPLES, Change, mean_of, paired_change, relative_change

FACTORS: dict[str, tuple[str, ...]] = {
    "none": (),
    "risk": ("risk",),
    "congestion": ("congestion",),
    "battery": ("battery",),
    "both": ("risk", "congestion"),
    "all": ("risk", "congestion", "battery"),
}
PER_HOUR = ("deliveries", "near_seconds", "close_encounters", "route_changes")
METRICS = (
    *(f"{name}_per_hour" for name in PER_HOUR),
    "deliveries", "late", "delivery_time_p50_s", "delivery_time_p95_s", "close_encounters",
    "near_seconds", "delay_s", "wh_per_delivery", "charges", "charger_wait_s", "strandings",
    "give_ups", "aborts", "route_changes", "paid_over_planned",
)  # fmt: skip
METHOD = (
    "change: mean of the differences to none, seed by seed; percent: ratio of the means over the "
    f"seeds to those of none, less 1; both with {LEVEL:.0%} percentile bootstrap intervals "
    f"({RESAMPLES} resamples of whole seeds, paired; {FEW})"
)


def factor_weights(factor: str, shift: Shift) -> dict[str, float]:
    """The weights of a condition: seconds an encounter, of congestion, and a watt-hour.

    A factor has the weight that the shift gives it, or 0. The battery's reserve rule holds in
    every condition.
    """
    lam_energy = shift.lam_energy
    if lam_energy is None:
        lam_energy = 3600.0 / robot_profile(shift.profile).charge_w  # the time to win it back
    weights = {
        "risk": ("lam_risk", shift.lam_risk),
        "congestion": ("lam_congestion", shift.lam_congestion),
        "battery": ("lam_energy", lam_energy),
    }
    on = FACTORS[factor]
    return {key: value if name in on else 0.0 for name, (key, value) in weights.items()}


@dataclass(frozen=True)
class FactorRun(FrozenRun):
    """One shift under one factor; the weights in `shift` are those of the factor.

    `held_out`: nobody's parameters were chosen on this map.
    """

    factor: str
    shift: Shift
    tasks_hash: str = ""
    held_out: bool = False
    kind: str = "factors"

    @classmethod
    def of(cls, factor: str, shift: Shift, held_out: bool = False) -> FactorRun:
        """The shift under a factor; OSError: no such map or tasks."""
        hashes = ["" if file is None else content_hash(file) for file in (shift.map, shift.tasks)]
        weighted = replace(shift, **factor_weights(factor, shift))  # type: ignore[arg-type]
        return cls(shift.map or shift.floor_name, hashes[0], factor, weighted, hashes[1], held_out)

    def fields(self) -> dict[str, Any]:
        """The columns: where files lie does not count, what is secret is in none of them."""
        shift = self.shift
        asked = asdict(shift) | {"weight": shift.search_weight, "chooser": shift.chooser_name}
        asked["tasks"] = None if shift.tasks is None else Path(shift.tasks).name
        asked["llm"] = None if shift.llm is None else without_secrets(shift.llm)
        if shift.llm is None:
            del asked["limits"]  # of what nobody asks
        if shift.capacity == 1:
            del asked["capacity"]  # so that rows of one order at a time keep their ids
        own = {name: getattr(self, name) for name in ("map_hash", "tasks_hash", "kind", "factor")}
        return {**asked, **own, "map": Path(self.map).name, "held_out": self.held_out}

    def measure(self) -> dict[str, Any]:
        """The summary of the shift; raises what makes no sense in it."""
        summary = run_shift(prepare_shift(self.shift)).episode.summary
        return {RENAMED.get(key, key): v for key, v in summary.items() if key != "seed"}


class Paired(Page):
    """Every factor on every seed: what `--compare factors` asks for."""

    shift: Shift
    seeds: tuple[int, ...]

    def runs(self) -> tuple[FactorRun, ...]:
        """Every run once, the factors of a seed together."""
        return tuple(
            FactorRun.of(factor, replace(self.shift, seed=seed))
            for seed in self.seeds
            for factor in FACTORS
        )


def metric_of(row: Row, metric: str) -> float | None:
    """A metric of a finished row, None where it has none (a rate without events)."""
    name = metric.removesuffix("_per_hour")
    value = row.get(RENAMED.get(name, name))
    if value is not None and name != metric:
        value = value * 60.0 / row["minutes"]
    return None if value is None else float(value)


@dataclass(frozen=True)
class Comparison:
    """Rows by factor, one for each seed and in the order of the seeds; None: that shift failed."""

    seeds: tuple[int, ...]
    minutes: float
    weights: dict[str, dict[str, float]]
    rows: dict[str, list[Row | None]]
    errors: tuple[dict[str, Any], ...] = ()
    known: int = 0  # rows that were there before

    @classmethod
    def of(
        cls, shift: Shift, seeds: Sequence[int], rows: Iterable[Row], known: int = 0
    ) -> Comparison:
        """From finished and failed rows, one for each factor and seed.

        Raises:
            ValueError: a factor without a finished shift.
        """
        found: dict[tuple[str, int], Row] = {(row["factor"], row["seed"]): row for row in rows}
        errors = [
            {"factor": factor, "seed": seed, "error": row["error"]}
            for (factor, seed), row in found.items() if row["status"] != "ok"
        ]  # fmt: skip
        ok = {place: row for place, row in found.items() if row["status"] == "ok"}
        kept = {factor: [ok.get((factor, seed)) for seed in seeds] for factor in FACTORS}
        for factor, own in kept.items():
            if not any(own):
                said = next((e["error"] for e in errors if e["factor"] == factor), "no row")
                raise ValueError(f"no shift with factor {factor} was finished: {said}")
        weights = {factor: factor_weights(factor, shift) for factor in FACTORS}
        return cls(tuple(seeds), shift.minutes, weights, kept, tuple(errors), known)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the rows know, in the order of `METRICS`."""
        known = {key for own in self.rows.values() for row in own if row for key in row}
        names = [(metric, metric.removesuffix("_per_hour")) for metric in METRICS]
        return tuple(metric for metric, name in names if RENAMED.get(name, name) in known)

    def values(self, factor: str, metric: str) -> list[float | None]:
        """A metric by seed."""
        return [None if row is None else metric_of(row, metric) for row in self.rows[factor]]

    def mean(self, factor: str, metric: str) -> float | None:
        """The mean over the seeds."""
        return mean_of(self.values(factor, metric))

    def change(self, factor: str, metric: str) -> Change | None:
        """The mean change against `none`, seed by seed."""
        return paired_change(self.values(factor, metric), self.values("none", metric))

    def percent(self, factor: str, metric: str) -> Change | None:
        """The change of the mean against that of `none`, in per cent of the latter."""
        return relative_change(self.values(factor, metric), self.values("none", metric))

    def as_dict(self) -> dict[str, Any]:
        """For JSON. Keys: `seeds, minutes, level, method, metrics, failed, factors`.

        `factors` holds by factor: `weights` (`lam_*`), `n` (finished shifts), `mean` by metric,
        `change` and `percent` by metric (against none, empty for none itself): null, or `mean`,
        `low`, `high` (the interval, null below five pairs) and `n` pairs; and `trace_hashes`, by
        seed, null where a shift failed. `failed` lists `factor, seed, error`.
        """
        factors = {
            factor: {
                "weights": self.weights[factor],
                "n": sum(row is not None for row in own),
                "mean": {metric: self.mean(factor, metric) for metric in self.metrics},
                "change": self._against_none(factor, self.change),
                "percent": self._against_none(factor, self.percent),
                "trace_hashes": [None if row is None else row["trace_hash"] for row in own],
            }
            for factor, own in self.rows.items()
        }
        return {
            "seeds": list(self.seeds), "minutes": self.minutes, "level": LEVEL, "method": METHOD,
            "metrics": list(self.metrics), "failed": list(self.errors), "factors": factors,
        }  # fmt: skip

    def _against_none(
        self, factor: str, measure: Callable[[str, str], Change | None]
    ) -> dict[str, Any]:
        metrics = () if factor == "none" else self.metrics
        changes = {metric: measure(factor, metric) for metric in metrics}
        return {metric: None if c is None else asdict(c) for metric, c in changes.items()}


def compare_factors(
    shift: Shift,
    seeds: Sequence[int],
    folder: Path,
    *,
    workers: int | None = None,
    on_done: Callable[[float], None] = lambda done: None,
) -> Comparison:
    """Run every factor on every seed, in parallel processes, and compare.

    Rows go to `folder`, each as soon as it is made; those that are there already are not made
    again, so that a comparison that was stopped goes on. `on_done` is told how many rows there are.

    Raises:
        ValueError, OSError: what makes no sense in the shift; a factor without a finished shift.
    """
    page = Paired(name="factors", shift=shift, seeds=tuple(seeds))
    stand = run_study(page, folder, workers=workers, on_done=on_done)
    asked = {run.run_id for run in page.runs()}
    rows = {row["run_id"]: row for row in read_rows(folder / ROWS) if row["run_id"] in asked}
    return Comparison.of(shift, seeds, rows.values(), stand.known)
