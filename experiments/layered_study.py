"""Long queries on layered fields: every policy at every bound, one row each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from envs.streams import stream
from planners import CheckError, CostField, GridMap, Layer, check, cost_to_come, cost_to_go
from planners.heuristics import default_bound, tabulate

from .layered import FAMILIES, main_floor
from .mapfiles import load_floor
from .pages import Count, FrozenRun, Page, content_hash, found_in
from .policies import POLICIES, Answer, Shelf, Task

LONG = 0.5  # of the longest way of the map: no query is shorter
KEPT_PROBLEMS = 2

Nodes = npt.NDArray[np.int64]


class Problem:
    """One field of a family on a map, one long query on it, and what the truth is."""

    def __init__(self, grid: GridMap, family: str, seed: int, name: str) -> None:
        rng = stream(seed, f"layered.{name}.{family}")
        self.grid = grid
        self.start, self.goal, self.blind = long_query(grid, rng)
        values = FAMILIES[family](grid, rng)
        self.costs = CostField(grid, layers=[Layer(family, values)])
        to_go = cost_to_go(grid, self.goal, self.costs)
        self.optimum = float(to_go.values[self.start])
        self.best = to_go.path(self.start)
        self.shelf = Shelf()

    def task(self, weight: float, budget: int | None = None) -> Task:
        """The query at a bound."""
        return Task(self.grid, self.costs, self.start, self.goal, weight, self.shelf, budget)

    def layer_cost(self, nodes: Nodes) -> float:
        """What a path pays above the base pace."""
        parts = self.costs.explain(nodes)
        return math.fsum(value for name, value in parts.items() if name != "base")

    @cached_property
    def astar_expanded(self) -> int:
        """Nodes that A* expands, each once: what budgets and ratios are shares of.

        Where costs differ by less than a bucket of the queue A* opens nodes again; those expansions
        do not make the others look better.
        """
        stats = POLICIES["astar"].solve(self.task(1.0)).result.stats
        return stats.expanded - stats.reopened

    @cached_property
    def _f(self) -> npt.NDArray[np.float64]:
        """g* + h of every node that can be reached."""
        g = cost_to_come(self.grid, self.start, self.costs).values
        reached = np.isfinite(g)
        h = tabulate(default_bound(self.grid, self.goal, self.costs), self.grid.size)
        return np.asarray(g[reached] + h[reached])

    def floor(self, weight: float) -> int:
        """Nodes with `g* + h < C* / w`: what every search that knows only h has to expand."""
        return int((self._f < self.optimum / weight * (1 - 1e-9)).sum())


def long_query(grid: GridMap, rng: np.random.Generator) -> tuple[int, int, Nodes]:
    """Start and goal at least half the longest way apart, and a shortest path between them.

    The longest way is what two sweeps find (from anywhere to the farthest, and again).
    """
    floor, longest = _extent(grid)
    goal = int(rng.choice(floor))
    field = cost_to_go(grid, goal)
    far = field.values[floor] >= LONG * longest
    start = int(rng.choice(floor[far]))
    return start, goal, field.path(start)


@lru_cache(maxsize=8)
def _extent(grid: GridMap) -> tuple[Nodes, float]:
    floor = main_floor(grid)
    once = cost_to_go(grid, int(floor[0])).values[floor]
    twice = cost_to_go(grid, int(floor[int(once.argmax())])).values[floor]
    return floor, float(twice.max())


@lru_cache(maxsize=8)
def _grid(file: str) -> GridMap:
    return load_floor(file).grid


@lru_cache(maxsize=KEPT_PROBLEMS)
def _problem(file: str, family: str, seed: int) -> Problem:
    return Problem(_grid(file), family, seed, Path(file).name)


@lru_cache(maxsize=64)
def _warm(policy: str) -> None:
    """Compile what a policy needs before its time counts."""
    grid = GridMap(np.zeros((24, 24), dtype=np.bool_))
    problem = Problem(grid, "noise", 0, "warm-up")
    for weight in (1.0, 1.5):
        POLICIES[policy].solve(problem.task(weight))


@dataclass(frozen=True)
class LayeredRun(FrozenRun):
    """One policy at one bound on one query; `budget` is a share of A*'s expansions, None is none.

    `held_out`: the map took no part in choosing anybody's parameters.
    """

    family: str
    seed: int
    policy: str
    weight: float
    budget: float | None
    held_out: bool
    kind: str = "layered"

    def measure(self) -> dict[str, Any]:
        """Effort, cost, proof and what lies along the path; set-up stands in columns of its own."""
        _warm(self.policy)
        problem = _problem(self.map, self.family, self.seed)
        most = None
        if self.budget is not None:
            most = math.ceil(self.budget * problem.astar_expanded)
        answer = POLICIES[self.policy].solve(problem.task(self.weight, most))
        return {**_effort(answer), **_quality(problem, answer, self.weight)}


def _effort(answer: Answer) -> dict[str, Any]:
    stats = answer.result.stats
    return {
        "result": answer.result.status,
        "engine": answer.result.engine,
        "expanded": stats.expanded,
        "setup_expanded": answer.setup_expanded,
        "generated": stats.generated,
        "reopened": stats.reopened,
        "search_ms": 1000 * stats.runtime_s,
        "setup_ms": 1000 * answer.setup_s,
    }


def _quality(problem: Problem, answer: Answer, weight: float) -> dict[str, Any]:
    result, best = answer.result, problem.optimum
    illegal = False
    try:
        check(problem.grid, result, problem.costs)
    except CheckError:
        illegal = True
    found = result.path is not None
    return {
        "optimum": best,
        "cost_ratio": result.cost / best if found else None,
        "certificate": result.certificate if math.isfinite(result.certificate) else None,
        "illegal": int(illegal),
        "bound_broken": int(
            result.status == "found" and result.cost > result.bound * best * (1 + 1e-6)
        ),
        "false_certificate": int(found and result.cost > result.certificate * best * (1 + 1e-6)),
        "floor": problem.floor(weight),
        "astar_expanded": problem.astar_expanded,
        "layer_cost": problem.layer_cost(result.path.nodes) if result.path is not None else None,
        "layer_cost_best": problem.layer_cost(problem.best),
        "layer_cost_blind": problem.layer_cost(problem.blind),
    }


Weight = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class LayeredSpec(Page):
    """Maps x families x seeds x policies x weights (x budgets); maps lie in the benchmark data.

    `held_out` maps are for a verdict only. `astar` runs once, at weight 1.
    """

    maps: Annotated[tuple[str, ...], Field(min_length=1)]
    held_out: tuple[str, ...] = ()
    families: tuple[str, ...] = tuple(FAMILIES)
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    held_out_seeds: tuple[Count, ...] = ()
    policies: Annotated[tuple[str, ...], Field(min_length=1)]
    weights: Annotated[tuple[Weight, ...], Field(min_length=1)]
    budgets: tuple[Share, ...] = ()

    def runs(self) -> tuple[LayeredRun, ...]:
        """Every run once, all runs of a problem together.

        Raises:
            ValueError: an unknown family or policy; OSError: no such map.
        """
        _known("family", self.families, FAMILIES)
        _known("policy", self.policies, POLICIES)
        sets = [(file, self.seeds, False) for file in self.maps]
        sets += [(file, self.held_out_seeds or self.seeds, True) for file in self.held_out]
        return tuple(
            LayeredRun(file, map_hash, family, seed, policy, weight, budget, held_out)
            for file, seeds, held_out in sets
            for map_hash in [content_hash(file)]
            for family in self.families
            for seed in seeds
            for policy in self.policies
            for weight in ((1.0,) if policy == "astar" else self.weights)
            for budget in self.budgets or (None,)
        )

    def placed(self, file: Path, data: Path | None) -> LayeredSpec:
        """The maps lie in the folder of benchmark data."""
        found = {name: found_in(data, getattr(self, name), file.name)
                 for name in ("maps", "held_out")}  # fmt: skip
        return self.model_copy(update=found)


def _known(kind: str, names: tuple[str, ...], table: dict[str, Any]) -> None:
    for name in names:
        if name not in table:
            raise ValueError(f"unknown {kind} {name!r}: one of {', '.join(table)}")
