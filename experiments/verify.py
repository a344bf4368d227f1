"""Every path of a scenario file against its published optimum and the independent checker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from envs.formats import LoadedMap, Scenario, load_scenario
from planners import (
    CheckError,
    GridMap,
    MapFormatError,
    PlanResult,
    check,
    plan,
    prepare,
)
from planners.engines import Choice

from .mapfiles import load_floor

TOLERANCE = 0.01  # some published optima are off by up to 0.005
SHOWN_FINDINGS = 5
LANDMARKS = 8


@dataclass
class Verification:
    """Counts over a scenario file; `findings` are the first few in words.

    A deviation is a path shorter than the optimum, a missing path, or a longer path where the
    strategy promises the optimum; a bound violation is a path longer than bound x optimum.
    """

    scenarios: int = 0
    deviations: int = 0
    bound_violations: int = 0
    illegal: int = 0
    worst_ratio: float | None = None
    expanded: int = 0
    seconds: float = 0.0
    findings: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not (self.deviations or self.bound_violations or self.illegal)

    def as_dict(self) -> dict[str, Any]:
        """The counts, for JSON."""
        return {key: value for key, value in vars(self).items() if key != "findings"}

    def judge(self, name: str, result: PlanResult, optimum: float) -> None:
        """Take in one answer."""
        self.scenarios += 1
        self.expanded += result.stats.expanded
        if result.status != "found":
            self.deviations += 1
            self._note(f"{name}: {result.status}, but the optimum is {optimum:g}")
            return
        if optimum > 0:
            self.worst_ratio = max(self.worst_ratio or 0.0, result.cost / optimum)
        off = result.cost - optimum
        if off < -TOLERANCE or (off > TOLERANCE and result.bound == 1.0):
            self.deviations += 1
            self._note(f"{name}: length {result.cost:.6f}, the optimum is {optimum:.6f}")
        if math.isfinite(result.bound) and result.cost > result.bound * optimum + TOLERANCE:
            self.bound_violations += 1
            self._note(f"{name}: length {result.cost:.6f} > {result.bound:g} x {optimum:.6f}")

    def judge_legality(self, name: str, grid: GridMap, result: PlanResult) -> None:
        """Ask the independent checker."""
        try:
            check(grid, result)
        except CheckError as error:
            self.illegal += 1
            self._note(f"{name}: {error}")

    def _note(self, finding: str) -> None:
        if len(self.findings) < SHOWN_FINDINGS:
            self.findings += (finding,)


def load_queries(path: str | Path, map_path: str | Path | None) -> tuple[LoadedMap, Scenario]:
    """A scenario with its map: the file given, or the one beside the scenario that it names.

    Raises:
        MapFormatError: either is unreadable or malformed, the sizes differ, or the map is missing.
    """
    scenario = load_scenario(path)
    loaded = load_floor(_map_beside(Path(path), scenario) if map_path is None else map_path)
    if loaded.grid.shape != scenario.shape:
        rows, cols = scenario.shape
        raise MapFormatError(
            f"the queries are for a map of {rows} rows x {cols} columns, "
            f"{loaded.name} has {loaded.grid.rows} x {loaded.grid.cols}",
            source=str(path),
        )
    return loaded, scenario


def _map_beside(path: Path, scenario: Scenario) -> Path:
    names = sorted({PurePosixPath(n.replace("\\", "/")).name for n in scenario.map_names})
    if len(names) > 1:
        raise MapFormatError(f"names several maps {names[:3]}: give --map FILE", source=str(path))
    beside = path.parent / names[0]
    if not beside.is_file():
        raise MapFormatError(f"its map {beside} is missing: give --map FILE", source=str(path))
    return beside


def verify_scenario(
    loaded: LoadedMap,
    scenario: Scenario,
    *,
    strategy: str = "astar",
    weight: float | None = None,
    engine: Choice = "auto",
    limit: int | None = None,
    on_done: Callable[[float], None] = lambda done: None,
) -> Verification:
    """Plan and check every query, or `limit` of them spread over the file.

    Published optima are for octile moves without corner cutting, so the map must have
    `moves="eight"`. `on_done` is told how many are done.
    """
    began = time.perf_counter()
    verification = Verification()
    grid = loaded.grid
    prepare(grid, landmarks=LANDMARKS if engine == "landmarks" else 0)
    starts, goals = scenario.starts.tolist(), scenario.goals.tolist()
    for done, k in enumerate(spread(len(scenario), limit), start=1):
        start, goal = tuple(starts[k]), tuple(goals[k])
        if engine == "field":
            prepare(grid, goals=[goal])
        result = plan(grid, start, goal, strategy=strategy, weight=weight, engine=engine)
        name = f"query {k} {start} -> {goal}"
        verification.judge(name, result, float(scenario.optimal[k]))
        verification.judge_legality(name, grid, result)
        if done % 32 == 0:
            on_done(done)
    verification.seconds = time.perf_counter() - began
    return verification


def spread(size: int, limit: int | None) -> list[int]:
    """Indices 0 .. size - 1, or `limit` of them evenly over the range with both ends.

    >>> spread(10, 4)
    [0, 3, 6, 9]
    """
    if limit is None or limit >= size:
        return list(range(size))
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    return [int(k) for k in np.linspace(0, size - 1, limit).round()]
