"""LLM-A*'s queries: operations, storage and length of bounded searches, A* being 100 %.

The problem as that project's data and code state it: integer points, 8 moves, walls one point
thick. A move is illegal when its segment touches a wall or the border; all of them run along grid
lines, so that is the rule of `moves="eight-any"` with walls and border blocked.

Counting: operations are queue pops, duplicates and the goal included; storage is the number of
cells that hold a (finite) g; length is that of the path. Set-up that expands anything is counted as
well. A figure is the geometric mean over the queries of the ratio to textbook A* with the
straight-line h. Meng et al., LLM-A*: Large Language Model Enhanced Incremental Heuristic Search on
Path Planning, 2024.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from envs.streams import stream
from planners import CheckError, GridMap, MapFormatError, PlanResult, check, plan
from planners.heuristics import closed_form, tabulate
from planners.kernels.loop import STRAIGHT
from planners.maps import COL_STEP, ROW_STEP, STEP_LENGTH
from planners.rivals import waypoint_guidance

from .pages import FrozenRun, Page, content_hash, found_in
from .stats import geometric_mean

DATA = "llm-astar/environment_50_30.json"
WAYPOINTS = 3  # (a) as many as their models usually answer
MOST_SIDE = 4096

Cell = tuple[int, int]
Query = tuple[Cell, Cell]


@dataclass(frozen=True, eq=False)
class Problem:
    """One map with its queries, cells being (row, col) = (y, x)."""

    number: int
    grid: GridMap
    queries: tuple[Query, ...]


@lru_cache(maxsize=2)
def load_problems(file: str) -> tuple[Problem, ...]:
    """The maps of a data file.

    Raises:
        MapFormatError: no such JSON; names file and map.
    """
    try:
        entries = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MapFormatError(f"is not readable JSON: {error}", source=file) from None
    if not isinstance(entries, list) or not entries:
        raise MapFormatError("must be a list of maps", source=file)
    problems = []
    for number, entry in enumerate(entries):
        try:
            problems.append(_problem(number, entry))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            reason = f"map {number} is not one of this data: {type(error).__name__} {error}"
            raise MapFormatError(reason, source=file) from None
    return tuple(problems)


def _problem(number: int, entry: Mapping[str, Any]) -> Problem:
    cols, rows = (int(entry[name][1]) for name in ("range_x", "range_y"))
    if not (2 < cols <= MOST_SIDE and 2 < rows <= MOST_SIDE):
        raise ValueError(f"{cols} x {rows} points")
    blocked = np.zeros((rows, cols), dtype=np.bool_)
    blocked[[0, -1], :] = blocked[:, [0, -1]] = True
    for y, one, other in entry["horizontal_barriers"]:
        if 0 <= y < rows:  # some lie outside the map
            blocked[y, max(0, min(one, other)) : max(0, max(one, other) + 1)] = True
    for x, one, other in entry["vertical_barriers"]:
        if 0 <= x < cols:
            blocked[max(0, min(one, other)) : max(0, max(one, other) + 1), x] = True
    grid = GridMap(blocked, moves="eight-any")
    queries = tuple(
        ((int(start[1]), int(start[0])), (int(goal[1]), int(goal[0])))
        for start, goal, *_ in entry["start_goal"]
    )
    for query in queries:
        for cell in query:
            if grid.is_blocked(grid.node(cell)):
                raise ValueError(f"{cell} is blocked")
    return Problem(number, grid, queries)


@dataclass(frozen=True)
class Effort:
    """What one search took and brought: `length <= bound x optimum` is promised."""

    operations: int
    storage: int
    expanded: int
    length: float
    bound: float
    illegal: bool = False


def textbook(grid: GridMap, start: Cell, goal: Cell, w: float = 1.0) -> Effort:
    """(Weighted) A* with a lazy heap and the straight-line h, ties by (x, y).

    At w = 1 it is the 100 % of the table. Raises ValueError where there is no way.

    >>> textbook(GridMap(np.zeros((3, 3)), moves="eight-any"), (0, 0), (2, 2)).operations
    3
    """
    cost = {start: 0.0}
    waiting = [(w * math.dist(start, goal), start[1], start[0])]
    closed: set[Cell] = set()
    operations = 0
    while waiting:
        _, col, row = heapq.heappop(waiting)
        operations += 1
        here = (row, col)
        if here == goal:
            return Effort(operations, len(cost), len(closed), cost[goal], w)
        closed.add(here)
        for k in np.flatnonzero(_moves(grid)[grid.node(here)]).tolist():
            there = (row + ROW_STEP[k], col + COL_STEP[k])
            g = cost[here] + STEP_LENGTH[k]
            if there not in closed and g < cost.get(there, math.inf):
                cost[there] = g
                heapq.heappush(waiting, (g + w * math.dist(there, goal), there[1], there[0]))
    raise ValueError(f"no way leads from {start} to {goal}")


@lru_cache(maxsize=1)
def _moves(grid: GridMap) -> npt.NDArray[np.bool_]:
    return (grid.move_mask[:, None] >> np.arange(8, dtype=np.uint8) & 1).astype(np.bool_)


# --- policies: how each query is answered


@dataclass(frozen=True)
class Task:
    """One query as a policy sees it; `rng` is the same for every policy."""

    grid: GridMap
    start: Cell
    goal: Cell
    weight: float
    rng: np.random.Generator


@dataclass(frozen=True)
class Policy:
    """A row of the table: a name, what it does in words, and the call."""

    name: str
    says: str
    solve: Callable[[Task], Effort]


def _effort(task: Task, result: PlanResult) -> Effort:
    """A planner's answer under this table's counting; the independent checker looks at its path."""
    illegal = False
    try:
        check(task.grid, result)
    except CheckError:
        illegal = True
    stats = result.stats
    operations = max(stats.popped, stats.expanded + 1)  # where start = goal nothing is popped
    return Effort(operations, stats.generated, stats.expanded, result.cost, result.bound, illegal)


def _planned(options: Callable[[Task], dict[str, Any]]) -> Callable[[Task], Effort]:
    """A policy that is one call of `plan`."""

    def solve(task: Task) -> Effort:
        asked = {"engine": "generic", **options(task)}
        return _effort(task, plan(task.grid, task.start, task.goal, **asked))

    return solve


def _straight(task: Task, to: Cell) -> npt.NDArray[np.float64]:
    return tabulate(closed_form(task.grid, task.grid.node(to), None, STRAIGHT), task.grid.size)


def _wastar(**options: Any) -> Callable[[Task], Effort]:
    return _planned(lambda task: {"strategy": "wastar", "weight": task.weight, **options})


def _lead(factor: float) -> Callable[[Task], Effort]:
    def options(task: Task) -> dict[str, Any]:
        lead = factor / task.weight * _straight(task, task.goal)
        return {"strategy": "wastar", "weight": task.weight, "heuristic": lead}

    return _planned(options)


def _rising(first: float, last: float) -> Callable[[Task], Effort]:
    """A lead whose weight on the straight line rises from the start to the goal, then a proof."""

    def options(task: Task) -> dict[str, Any]:
        h = _straight(task, task.goal)
        whole = max(float(h[task.grid.node(task.start)]), 1e-9)
        near = np.minimum(h, whole)
        lead = last * near - (last - first) * near**2 / (2 * whole) + first * (h - near)
        return {"strategy": "wastar", "weight": task.weight, "heuristic": lead / task.weight}

    return _planned(options)


def _waypoints(strategy: str, trusted: bool = True) -> Callable[[Task], Effort]:
    """Random waypoints, the same for every policy, as that project would take a model's."""

    def options(task: Task) -> dict[str, Any]:
        free = np.flatnonzero(~task.grid.blocked.ravel())
        picked = task.rng.choice(free, size=WAYPOINTS, replace=False).tolist()
        guide = waypoint_guidance(task.grid, task.start, task.goal, picked, trusted=trusted)
        if not trusted:  # as strong as the clamp to w h lets it be
            guide = replace(guide, lead_weight=task.weight)
        return {"strategy": strategy, "weight": task.weight, "guidance": guide}

    return _planned(options)


def _xdp(task: Task) -> Effort:
    options = {"strategy": "xdp", "weight": task.weight, "heuristic": "straight"}
    return _planned(lambda _: options)(task)


def _by_the_book(task: Task) -> Effort:
    return textbook(task.grid, task.start, task.goal, task.weight)


POLICIES = {
    policy.name: policy
    for policy in (
        Policy("textbook", "weighted A*, straight-line h, lazy heap", _by_the_book),
        Policy("astar", "A*, octile h", _planned(lambda task: {})),
        Policy("wastar-straight", "weighted A*, straight-line h", _wastar(heuristic="straight")),
        Policy("wastar-octile", "weighted A*, octile h", _wastar(heuristic="octile")),
        Policy("lead-1.6", "lead g + 1.6 straight line, octile proof", _lead(1.6)),
        Policy("lead-2", "lead g + 2 straight line, octile proof", _lead(2.0)),
        Policy("rising", "lead by 1.25 at the start to 1.95 at the goal", _rising(1.25, 1.95)),
        Policy("xdp-straight", "XDP, straight-line h", _xdp),
        Policy("llm-astar", "their rule on random waypoints, no bound", _waypoints("llm-astar")),
        Policy("waypoints", "random waypoints lead, octile proof", _waypoints("wastar")),
        Policy("waypoints-clamped", "random waypoints lead, clamped, octile proof",
               _waypoints("wastar", trusted=False)),
    )
}  # fmt: skip


# --- runs and their rows


@dataclass(frozen=True)
class LlmAStarRun(FrozenRun):
    """One policy at one weight on every query of the first `maps` maps."""

    policy: str
    weight: float
    maps: int
    seed: int
    kind: str = "llm-astar"

    def measure(self) -> dict[str, Any]:
        """Geometric means in per cent of A*, and what broke."""
        if self.policy not in POLICIES:
            raise ValueError(f"unknown policy {self.policy!r}: one of {', '.join(POLICIES)}")
        tally = Tally()
        for problem, query, best in _baseline(self.map, self.maps):
            rng = stream(self.seed, f"llm-astar.{problem.number}", problem.queries.index(query))
            task = Task(problem.grid, *query, self.weight, rng)
            tally.add(POLICIES[self.policy].solve(task), best)
        return tally.columns()


@lru_cache(maxsize=2)
def _baseline(file: str, maps: int) -> tuple[tuple[Problem, Query, Effort], ...]:
    return tuple(_answered(load_problems(file)[:maps]))


def _answered(problems: tuple[Problem, ...]) -> Iterator[tuple[Problem, Query, Effort]]:
    for problem in problems:
        for query in problem.queries:
            yield problem, query, textbook(problem.grid, *query)


class Tally:
    """Ratios to A*, query by query; illegal paths and broken bounds are counted, not raised."""

    def __init__(self) -> None:
        self._ratios: list[tuple[float, float, float, float]] = []
        self._answers: list[Effort] = []
        self.bound_violations = 0

    def add(self, answer: Effort, best: Effort) -> None:
        """Take in one answer."""
        self._answers.append(answer)
        most = answer.bound * best.length * (1 + 1e-9) if best.length else 0.0
        self.bound_violations += not answer.length <= most
        self._ratios.append((
            answer.operations / best.operations,
            answer.storage / best.storage,
            answer.length / best.length if best.length else 1.0,
            (answer.expanded + 1) / (best.expanded + 1),
        ))  # fmt: skip

    def columns(self) -> dict[str, Any]:
        """The row's columns."""
        operations, storage, length, expanded = zip(*self._ratios, strict=True)
        return {
            "queries": len(self._ratios),
            "operations_pct": 100 * geometric_mean(operations),
            "storage_pct": 100 * geometric_mean(storage),
            "length_pct": 100 * geometric_mean(length),
            "expansions_pct": 100 * geometric_mean(expanded),
            "length_worst": max(length),
            "bound": max(answer.bound for answer in self._answers),
            "bound_violations": self.bound_violations,
            "illegal": sum(answer.illegal for answer in self._answers),
        }


class LlmAStarSpec(Page):
    """Policies and weights on LLM-A*'s data; `searches` maps a policy to its weights."""

    searches: Annotated[
        dict[str, tuple[Annotated[float, Field(ge=1, allow_inf_nan=False)], ...]],
        Field(min_length=1),
    ]
    maps: Annotated[int, Field(ge=1)] = 100
    seed: Annotated[int, Field(ge=0)] = 0
    data: str = DATA

    def runs(self) -> tuple[LlmAStarRun, ...]:
        """Every policy at each of its weights."""
        unknown = sorted(set(self.searches) - set(POLICIES))
        if unknown:
            raise ValueError(f"unknown policy {unknown[0]!r}: one of {', '.join(POLICIES)}")
        map_hash = content_hash(self.data)
        return tuple(
            LlmAStarRun(self.data, map_hash, policy, weight, self.maps, self.seed)
            for policy, weights in self.searches.items()
            for weight in weights
        )

    def placed(self, file: Path, data: Path | None) -> LlmAStarSpec:
        """The queries lie in the folder of benchmark data."""
        (found,) = found_in(data, (self.data,), file.name)
        return self.model_copy(update={"data": found})
