"""Named policies that a study compares: a row says how a query is answered and what it costs.

A policy is a function of a `Task` (map, costs, ends, w, budget) to an `Answer`: a result of `plan`
and the set-up before it, in expansions and seconds. What is kept between the policies of one
problem (fields, landmarks, tiles) is built once and counted for each.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from planners import CostField, GridMap, Guidance, KeptFields, Landmarks, PlanResult, plan
from planners.coarse import coarse_between, coarse_cost_to_go, tile_map, tiles_fit

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
        kept: whether its set-up serves more than one query (of a goal, of a map).
    """

    name: str
    says: str
    solve: Callable[[Task], Answer]
    ours: bool = False
    kept: bool = False


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
    guide = Guidance(lead_weight=factor, estimate="none")
    return Answer(task.plan(**task.bounded(), guidance=guide))


def cheap(task: Task) -> Answer:
    """What guidance does by itself where nothing is kept: cheap tiles, none in mazes.

    Its time is all in the search's; so are tiles, made anew because the costs are a fresh copy.
    """
    fresh = replace(task, costs=copy.copy(task.costs))
    spent = 0
    if task.budget is not None and tiles_fit(task.map):
        spent = coarse_between(task.map, task.start, task.goal, fresh.costs)[1]
    result = fresh.plan(spent, **task.bounded(), guidance=Guidance())
    return Answer(result, _coarse(result))


def _coarse(result: PlanResult) -> int:
    """Tiles that were expanded for the estimate."""
    return sum(int(entry.get("estimate_expanded", 0)) for entry in result.guidance_log)


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


def _tiled(task: Task) -> tuple[CostField, int]:
    """Costs for which the tiles of the goal are kept; they are Dijkstra's on all tiles."""
    costs = copy.copy(task.costs)
    coarse_cost_to_go(task.map, task.goal, costs)
    return costs, int((tile_map(task.map, costs).pace > 0).sum())


def tiles(task: Task) -> Answer:
    """Lead by the 4 x 4 tiles of this goal, octile proof."""
    costs, expanded, seconds = task.shelf.get("tiles", lambda: _tiled(task))
    kept = replace(task, costs=costs)
    result = kept.plan(expanded, **task.bounded(), guidance=Guidance(estimate="tiles"))
    return Answer(result, expanded, seconds)


def tiles_kept(task: Task) -> Answer:
    """The same where the tiles of the goal are at hand: no set-up, and no budget goes into it."""
    costs, _, _ = task.shelf.get("tiles", lambda: _tiled(task))
    kept = replace(task, costs=costs)
    return Answer(kept.plan(**task.bounded(), guidance=Guidance(estimate="tiles")))


def _landmarks(task: Task) -> tuple[Landmarks, int]:
    made = Landmarks.build(task.map, task.costs, LANDMARKS)
    return made, 2 * len(made.nodes) * int((~task.map.blocked).sum())


def landmarks(task: Task) -> Answer:
    """Weighted A* with eight landmarks on these costs."""
    made, expanded, seconds = task.shelf.get("landmarks", lambda: _landmarks(task))
    return Answer(task.plan(expanded, **task.bounded(), heuristic=made), expanded, seconds)


def tiles_and_landmarks(task: Task) -> Answer:
    """Lead by the 4 x 4 tiles of this goal, proof by eight landmarks."""
    costs, used, tiles_s = task.shelf.get("tiles", lambda: _tiled(task))
    kept = replace(task, costs=costs)
    made, expanded, seconds = kept.shelf.get("tiled landmarks", lambda: _landmarks(kept))
    result = kept.plan(
        used + expanded, **task.bounded(), heuristic=made, guidance=Guidance(estimate="tiles")
    )
    return Answer(result, used + expanded, tiles_s + seconds)


POLICIES = {
    policy.name: policy
    for policy in (
        Policy("astar", "A*, octile h", astar),
        Policy("wastar", "weighted A*, octile h", wastar),
        Policy("wastar-reopen", "weighted A* that re-opens", _rival("wastar-reopen")),
        Policy("xdp", "XDP, octile h", _rival("xdp")),
        Policy("xup", "XUP, octile h", _rival("xup")),
        Policy("pwxdp", "piecewise XDP, octile h", _rival("pwxdp")),
        Policy("focal", "focal search with deferral and proof, octile h", _rival("focal")),
        Policy("ees", "explicit estimation search with deferral and proof", _rival("ees")),
        Policy("ara", "ARA*: weighted A* at falling weights down to w", _rival("ara")),
        Policy("wastar-alt", "weighted A*, 8 landmarks", landmarks, kept=True),
        Policy("lead", "lead g + (2 w - 1) h, octile proof", lead, ours=True),
        Policy("cheap", "lead by 8 x 8 tiles of this query, octile proof", cheap, ours=True),
        Policy("tiles", "lead by 4 x 4 tiles of this goal, octile proof", tiles, ours=True,
               kept=True),
        Policy("tiles-kept", "the same, its tiles at hand", tiles_kept, ours=True),
        Policy("tiles-alt", "lead by 4 x 4 tiles of this goal, proof by 8 landmarks",
               tiles_and_landmarks, ours=True, kept=True),
        Policy("field", "weighted A*, exact field of this goal", kept_field, ours=True,
               kept=True),
    )
}  # fmt: skip
