"""What each factor is worth: the same shifts with none, one, and all of them in the costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, replace
from typing import Any

from envs.battery import robot_profile

from .pool import open_pool
from .shift import Shift, prepare_shift, run_shift
from .stats import Change, mean_of, paired_change

FACTORS = ("none", "risk", "congestion", "battery", "all")
METRICS = (
    "deliveries", "late", "delivery_time_p50_s", "delivery_time_p95_s", "close_encounters",
    "near_seconds", "wh_per_delivery", "charges", "strandings", "give_ups", "route_changes",
    "paid_over_planned",
)  # fmt: skip

Summary = dict[str, Any]


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
    return {key: v if factor in (name, "all") else 0.0 for name, (key, v) in weights.items()}


@dataclass(frozen=True)
class Comparison:
    """Summaries by factor, one for each seed and in the order of the seeds."""

    seeds: tuple[int, ...]
    minutes: float
    weights: dict[str, dict[str, float]]
    summaries: dict[str, list[Summary]]

    def mean(self, factor: str, metric: str) -> float | None:
        """The mean over the seeds."""
        return mean_of([summary[metric] for summary in self.summaries[factor]])

    def change(self, factor: str, metric: str) -> Change | None:
        """The mean change against `none`, seed by seed."""
        values, base = (
            [summary[metric] for summary in self.summaries[name]] for name in (factor, "none")
        )
        return paired_change(values, base)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: by factor the means, and the changes against none with their intervals."""
        factors: dict[str, Any] = {}
        for factor in self.summaries:
            changes = {} if factor == "none" else {m: self.change(factor, m) for m in METRICS}
            factors[factor] = {
                "weights": self.weights[factor],
                "mean": {metric: self.mean(factor, metric) for metric in METRICS},
                "change": {m: None if c is None else asdict(c) for m, c in changes.items()},
                "trace_hashes": [summary["trace_hash"] for summary in self.summaries[factor]],
            }
        return {"seeds": list(self.seeds), "minutes": self.minutes, "factors": factors}


def compare_factors(
    shift: Shift,
    seeds: Sequence[int],
    *,
    workers: int | None = None,
    on_done: Callable[[float], None] = lambda done: None,
) -> Comparison:
    """Run every condition on every seed, in parallel; the same seed meets the same people, orders
    and blockages in each.

    Raises:
        ValueError, OSError: what makes no sense in the shift.
    """
    weights = {factor: factor_weights(factor, shift) for factor in FACTORS}
    jobs = {
        (factor, k): replace(shift, seed=seed, **weights[factor])  # type: ignore[arg-type]
        for k, seed in enumerate(seeds)
        for factor in FACTORS
    }
    summaries: dict[str, list[Summary]] = {factor: [{}] * len(seeds) for factor in FACTORS}
    pool = open_pool("processes", workers)
    try:
        futures = {pool.submit(_summary, job): place for place, job in jobs.items()}
        for done, future in enumerate(as_completed(futures), start=1):
            factor, k = futures[future]
            summaries[factor][k] = future.result()
            on_done(done)
    finally:
        pool.shutdown(cancel_futures=True)
    return Comparison(tuple(seeds), shift.minutes, weights, summaries)


def _summary(shift: Shift) -> Summary:
    return run_shift(prepare_shift(shift)).episode.summary
