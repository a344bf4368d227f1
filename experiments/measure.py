"""What one run measures: paths on learned layers, and a shift with the same planner in the loop."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.layouts import Layout
from envs.streams import stream
from planners import (
    CheckError,
    CostField,
    GraphMap,
    GridMap,
    Layer,
    PlanResult,
    check,
    cost_to_come,
    plan,
)

from .shift import Shift, prepare_shift, run_shift
from .spec import BUILT_IN, LAYERS, Run
from .stats import mean_of

# Columns of a row that do not repeat say so in their names.
RENAMED = {
    "plan_ms_p50": "plan_p50_ms",
    "plan_ms_p99": "plan_p99_ms",
    "sim_seconds_per_wall_second": "host_sim_rate",
    "near_seconds": "near_s",
}

Measures = dict[str, Any]
Map = GridMap | GraphMap


def measure(run: Run) -> Measures:
    """Everything that a run measures, by column.

    Raises:
        ValueError, OSError: what makes no sense in the run; CheckError: a plan of the shift fails.
    """
    measures = measure_paths(run)
    if run.shift_minutes > 0:
        measures |= measure_shift(run)
    return measures


def _shift(run: Run, minutes: float, **options: Any) -> Shift:
    return Shift(
        map=None if run.map == BUILT_IN else run.map, minutes=minutes, seed=run.seed,
        workers=run.workers, traffic=run.traffic, chooser=run.chooser, profile=run.profile,
        **options,
    )  # fmt: skip


def measure_shift(run: Run) -> Measures:
    """A shift with this run's planner and layers: its summary, and the effort of its plans."""
    shift = _shift(
        run, run.shift_minutes, strategy=run.strategy,
        weight=None if run.strategy != "wastar" else run.weight, lam_risk=run.lam_risk,
        lam_congestion=run.lam_congestion, lam_energy=run.lam_energy,
    )  # fmt: skip
    episode = run_shift(prepare_shift(shift)).episode
    plans = [row for row in episode.rows if row["event"] == "plan"]
    summary = {RENAMED.get(key, key): value for key, value in episode.summary.items()}
    del summary["seed"]
    return {**summary, "plans": len(plans), "plans_expanded": sum(row["expanded"] for row in plans)}


@lru_cache(maxsize=8)
def _learned(shift: Shift) -> tuple[Layout, CostField]:
    """The warehouse, and the layers that the robot believes in after a shift."""
    ready = run_shift(prepare_shift(shift)).ready
    return ready.layout, ready.world.belief.costs()


def measure_paths(run: Run) -> Measures:
    """Paths between stations and pick faces, each held against the optimum."""
    layout, learned = _learned(_shift(run, run.learn_minutes))
    weights = {layer: getattr(run, f"lam_{layer}") for layer in LAYERS}
    costs = _reweighted(layout.map, learned, weights)
    bare = _reweighted(layout.map, learned, dict.fromkeys(LAYERS, 1.0))
    tally = PathTally(layout.map, costs, bare)
    weight = run.weight if run.strategy == "wastar" else None
    for from_node, to_node in draw_queries(layout, run.seed, run.queries):
        result = plan(
            layout.map, from_node, to_node, costs=costs, strategy=run.strategy, weight=weight
        )
        tally.add(from_node, to_node, result)
    return tally.columns()


def _reweighted(map_: Map, learned: CostField, weights: dict[str, float]) -> CostField:
    layers = [Layer(name, learned.layer(name), weight) for name, weight in weights.items()]
    return CostField(map_, base=learned.base, layers=layers)


def draw_queries(layout: Layout, seed: int, count: int) -> list[tuple[int, int]]:
    """So many (from, to): a station to a pick face or back, popular faces more often."""
    rng = stream(seed, "experiment.queries")
    stations = rng.choice(layout.stations, count)
    faces = rng.choice(layout.storage, count, p=layout.pick_share)
    pairs = zip(stations.tolist(), faces.tolist(), strict=True)
    return [(a, b) if k % 2 else (b, a) for k, (a, b) in enumerate(pairs)]


class PathTally:
    """Cost over optimum, effort, and what lies along the paths, over many queries.

    Illegal paths and broken bounds are counted, never raised: they are findings.
    """

    def __init__(self, map_: Map, costs: CostField, bare: CostField) -> None:
        self._map, self._costs, self._bare = map_, costs, bare
        self._results: list[PlanResult] = []
        self._ratios: list[float] = []
        self._parts: list[dict[str, float]] = []
        self.illegal = self.bound_violations = 0

    def add(self, start: int, goal: int, result: PlanResult) -> None:
        """Take in one answer."""
        self._results.append(result)
        try:
            check(self._map, result, self._costs)
        except CheckError:
            self.illegal += 1
        if result.path is None:
            return
        optimum = float(cost_to_come(self._map, start, self._costs).values[goal])
        self._ratios.append(result.cost / optimum if optimum > 0 else 1.0)
        self.bound_violations += result.cost > result.bound * optimum * (1 + 1e-6)
        self._parts.append(self._bare.explain(result.path.nodes))

    def columns(self) -> Measures:
        """The row's columns; means and largest values are over the paths found."""
        stats = [result.stats for result in self._results]
        proven = [r.certificate for r in self._results if math.isfinite(r.certificate)]
        runtimes_ms = 1000 * np.array([s.runtime_s for s in stats], dtype=np.float64)
        return {
            "paths_found": len(self._ratios),
            "illegal": self.illegal,
            "bound_violations": self.bound_violations,
            "cost_ratio_mean": mean_of(self._ratios),
            "cost_ratio_max": max(self._ratios, default=None),
            "certificate_mean": mean_of(proven),
            "certificate_max": max(proven, default=None),
            "expanded_mean": mean_of([float(s.expanded) for s in stats]),
            "generated_mean": mean_of([float(s.generated) for s in stats]),
            "reopened": sum(s.reopened for s in stats),
            "path_drive_mean_s": self._mean("base"),
            "path_congestion_mean_s": self._mean("congestion"),
            "path_encounters_mean": self._mean("risk"),
            "path_energy_mean_wh": self._mean("energy"),
            "query_p50_ms": _percentile(runtimes_ms, 50),
            "query_p99_ms": _percentile(runtimes_ms, 99),
        }

    def _mean(self, layer: str) -> float | None:
        return mean_of([parts[layer] for parts in self._parts])


def _percentile(values: npt.NDArray[np.float64], share: float) -> float | None:
    return float(np.percentile(values, share)) if values.size else None
