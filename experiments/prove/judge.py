"""What is asked, what has been promised, and whether the answer keeps the promise."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from planners import CheckError, PlanResult, check, plan

from .worlds import World

RELATIVE, ABSOLUTE = 1e-6, 1e-12  # paces are stored in float32


@dataclass(frozen=True)
class Ask:
    """One call of `plan` and its promise.

    Attributes:
        strategy, bound, options: of the call; `bound` is w, or infinity.
        most: how often a node may be expanded (once more after an abandoned lead); 0: no limit.
    """

    strategy: str
    bound: float
    options: dict[str, Any] = field(default_factory=dict)
    most: int = 0

    def of(self, world: World, start: int, goal: int, **more: Any) -> PlanResult:
        """The answer between two node ids."""
        options = {"strategy": self.strategy, "costs": world.costs} | self.options | more
        return plan(world.map, world.map.label(start), world.map.label(goal), **options)


@dataclass(frozen=True)
class Verdict:
    """What came of one instance.

    Attributes:
        problem: what does not hold, in words; empty where all does.
        found: whether there was a path to judge.
        refused: whether the library said that the question has no bound.
        of_bound: cost / (bound x optimum), where the bound is above 1; at most 1.
        of_optimum: proven lower bound / optimum, where the path is not optimal; at most 1.
        most: the most expansions of one node, where they were looked at.
        engine: what answered.
        events: what the guidance log tells of: proof, abandoned, beta, ...
    """

    problem: str = ""
    found: bool = False
    refused: bool = False
    of_bound: float = 0.0
    of_optimum: float = 0.0
    most: int = 0
    engine: str = ""
    events: tuple[str, ...] = ()


def judged(world: World, ask: Ask, start: int, goal: int, result: PlanResult) -> Verdict:
    """Hold an answer against the oracle."""
    seen = result.engine, tuple({entry["event"]: 0 for entry in result.guidance_log})
    problem = wrong_status(world, ask, start, goal, result)
    most = _most_expansions(result)
    problem = problem or _too_much_work(world, ask, result, most)
    if problem or result.path is None:
        return Verdict(problem, False, False, 0.0, 0.0, most, *seen)
    try:
        check(world.map, result, world.costs)
    except CheckError as error:
        return Verdict(f"check: {error}", most=most)
    optimum, cost = float(world.optima[start, goal]), result.cost
    problem = _wrong_cost(world, result, optimum, ask.bound)
    of_bound = of_optimum = 0.0
    if ask.bound > 1 and optimum > 0:
        of_bound = cost / (ask.bound * optimum) if result.status == "found" else 0.0
        better = cost > optimum * (1 + RELATIVE)
        of_optimum = cost / result.certificate / optimum if better else 0.0
    return Verdict(problem, True, False, of_bound, of_optimum, most, *seen)


def wrong_status(world: World, ask: Ask, start: int, goal: int, result: PlanResult) -> str:
    """What is wrong with the status, or nothing."""
    blocked = world.blocked.reshape(-1)
    if blocked[start]:
        due = "start_blocked"
    elif blocked[goal]:
        due = "goal_blocked"
    else:
        due = "found" if np.isfinite(world.optima[start, goal]) else "no_path"
    limit = ask.options.get("max_expansions")
    if limit is not None and result.status == "budget_spent":
        return "" if not due.endswith("blocked") else f"budget_spent where {due} is due"
    return "" if result.status == due else f"{result.status} where {due} is due"


def _wrong_cost(world: World, result: PlanResult, optimum: float, bound: float) -> str:
    nodes, cost = result.path.nodes, result.cost  # type: ignore[union-attr]
    paid = float(world.prices[nodes[:-1], nodes[1:]].sum())
    if not math.isclose(paid, cost, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
        return f"the moves cost {paid!r}, the result says {cost!r}"
    if cost < optimum * (1 - RELATIVE) - ABSOLUTE:
        return f"cost {cost!r} is below the optimum {optimum!r}"
    if result.bound != bound:
        return f"bound {result.bound} instead of {bound}"
    if result.status == "found" and cost > bound * optimum * (1 + RELATIVE) + ABSOLUTE:
        return f"cost {cost!r} is beyond {bound} x the optimum {optimum!r}"
    if not result.certificate >= 1 or cost > (
        result.certificate * optimum * (1 + RELATIVE) + ABSOLUTE
    ):
        return f"certificate {result.certificate!r} for {cost!r} against {optimum!r}"
    return ""


def _most_expansions(result: PlanResult) -> int:
    if result.trace is None or result.trace.expanded.size == 0:
        return 0
    return int(np.bincount(result.trace.expanded).max())


def _too_much_work(world: World, ask: Ask, result: PlanResult, most: int) -> str:
    """Expansions beyond the budget, or of one node beyond what the theorem allows."""
    spent, limit = result.stats.expanded, ask.options.get("max_expansions", math.inf)
    if spent > limit:
        return f"{spent} expansions of {limit} that were allowed"
    if ask.most == 0 or not _is_consistent(world, result):
        return ""
    abandoned = any(entry["event"] == "abandoned" for entry in result.guidance_log)
    allowed = ask.most + abandoned
    if most > allowed or spent > allowed * world.size:
        return f"a node was expanded {most} times ({spent} expansions), {allowed} are allowed"
    return ""


def _is_consistent(world: World, result: PlanResult) -> bool:
    """Landmarks are not where steps may cost nothing."""
    landmarks = world.landmarks
    return landmarks is None or landmarks.consistent or "landmarks" not in result.engine
