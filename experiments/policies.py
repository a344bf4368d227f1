"""Named policies that a study compares: a row says how a query is answered and what it costs.

A policy is a function of a `Task` (map, costs, ends, w, budget) to an `Answer`: a result of `plan`
and the set-up before it, in expansions and seconds. What is kept between the policies of one
problem (fields, landmarks, tiles) is built once and counted for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from planners import CostField, GridMap, Guidance, KeptFields, Landmarks, PlanResult, plan
from planners.coarse import LEAD_WEIGHT, coarse_between, coarse_cost_to_go, tabulate, tile_map

T = TypeVar("T")
LANDMARKS = 8


@dataclass
class Shelf:
    """Set-up of one problem by name: what was built, the expansions and the seconds it took."""

    built: dict[str, tuple[Any, int, float]] = field(default_factory=dict)

    def get(self, name: str, build: Callable[[], tuple[T, int]]) -> tuple[T, int, float]:
        """What `build` returns with its expansions, and how long it took the first time."""
        if name not in self.built:
            began = time.perf_counter()
            made, expanded = build()
            self.built[name] = (made, expanded, time.perf_counter() - began)
        return self.built[name]


@dataclass(frozen=True)
class Task:
    """One query: node ids of its ends, w, and the most expansions, set-up included (None: any)."""

    map: GridMap
    costs: CostField
    start: int
    goal: int
    weight: float
    shelf: Shelf
    budget: int | None = None

    def plan(self, spent: int = 0, **options: Any) -> PlanResult:
        """`plan` with what is left of the budget, by the compiled loop."""
        left = None if self.budget is None else max(0, self.budget - spent)
        return plan(
            self.map, self.start, self.goal, costs=self.costs, max_expansions=left,
            **{"engine": "generic", **options},
        )  # fmt: skip

    def bounded(self) -> dict[str, Any]:
        """The options that promise w."""
        if self.weight == 1:
            return {"strategy": "astar"}
        return {"strategy": "wastar", "weight": self.weight}


@dataclass(frozen=True)
class Answer:
    """A result and the set-up before it."""

    result: PlanResult
    setup_expanded: int = 0
    setup_s: float = 0.0


@dataclass(frozen=True)
class Policy:
    """A row of the table.

    Attributes:
        name: in specs and rows.
        says: the search in words.
        solve: answers a task.
        ours: whether the report looks for where it loses.
    """

    name: str
    says: str
    solve: Callable[[Task], Answer]
    ours: bool = False


def _rival(strategy: str) -> Callable[[Task], Answer]:
    """A strategy of `plan` that takes w and nothing else."""
    return lambda task: Answer(task.plan(strategy=strategy, weight=task.weight))


def astar(task: Task) -> Answer:
    """`g + h`, whatever w."""
    return Answer(task.plan(strategy="astar"))


def wastar(task: Task) -> Answer:
    """`g + w h`."""
    return Answer(task.plan(**task.bounded()))


def lead(task: Task) -> Answer:
    """`g + (2 w - 1) h`, then the proof; nothing is set up."""
    factor = 2 * task.weight - 1 if task.weight > 1 else 2.0
    return Answer(task.plan(**task.bounded(), guidance=Guidance(lead_weight=factor)))


def _reached(costs_to_go: Any) -> int:
    return int(np.isfinite(costs_to_go).sum())


def _kept(task: Task) -> tuple[KeptFields, int]:
    kept = KeptFields(task.map, task.costs)
    return kept, _reached(kept.bound(task.map.cell(task.goal)).values)


def kept_field(task: Task) -> Answer:
    """Weighted A* with the exact cost-to-go of the goal."""
    kept, expanded, seconds = task.shelf.get("field", lambda: _kept(task))
    result = task.plan(expanded, **task.bounded(), heuristic=kept)
    return Answer(result, expanded, seconds)


def _tiles(task: Task) -> tuple[Any, int]:
    estimate = coarse_cost_to_go(task.map, task.goal, task.costs)
    used = int((tile_map(task.map, task.costs).pace > 0).sum())
    return tabulate(estimate, task.map.size), used


def _cheap_tiles(task: Task) -> tuple[Any, int]:
    estimate, expanded = coarse_between(task.map, task.start, task.goal, task.costs)
    return tabulate(estimate, task.map.size), expanded


def _led(name: str, build: Callable[[Task], tuple[Any, int]]) -> Callable[[Task], Answer]:
    def solve(task: Task) -> Answer:
        estimate, expanded, seconds = task.shelf.get(name, lambda: build(task))
        guide = Guidance(estimate=estimate, lead_weight=LEAD_WEIGHT)
        result = task.plan(expanded, **task.bounded(), guidance=guide)
        return Answer(result, expanded, seconds)

    return solve


def _landmarks(task: Task) -> tuple[Landmarks, int]:
    made = Landmarks.build(task.map, task.costs, LANDMARKS)
    return made, 2 * len(made.nodes) * int((~task.map.blocked).sum())


def landmarks(task: Task) -> Answer:
    """Weighted A* with eight landmarks on these costs."""
    made, expanded, seconds = task.shelf.get("landmarks", lambda: _landmarks(task))
    return Answer(task.plan(expanded, **task.bounded(), heuristic=made), expanded, seconds)


def tiles_and_landmarks(task: Task) -> Answer:
    """Lead by 4 x 4 tiles, proof by landmarks."""
    estimate, used, tiles_s = task.shelf.get("tiles", lambda: _tiles(task))
    made, expanded, seconds = task.shelf.get("landmarks", lambda: _landmarks(task))
    guide = Guidance(estimate=estimate, lead_weight=LEAD_WEIGHT)
    result = task.plan(used + expanded, **task.bounded(), heuristic=made, guidance=guide)
    return Answer(result, used + expanded, tiles_s + seconds)


POLICIES = {
    policy.name: policy
    for policy in (
        Policy("astar", "A*, octile h", astar),
        Policy("wastar", "weighted A*, octile h", wastar),
        Policy("wastar-alt", "weighted A*, 8 landmarks", landmarks),
        Policy("lead", "lead g + (2 w - 1) h, octile proof", lead, ours=True),
        Policy("tiles-cheap", "lead by 8 x 8 tiles of this query, octile proof",
               _led("cheap", _cheap_tiles), ours=True),
        Policy("tiles", "lead by 4 x 4 tiles of this goal, octile proof",
               _led("tiles", _tiles), ours=True),
        Policy("tiles-alt", "lead by 4 x 4 tiles, proof by 8 landmarks",
               tiles_and_landmarks, ours=True),
        Policy("field", "weighted A*, exact field of this goal", kept_field, ours=True),
    )
}  # fmt: skip
