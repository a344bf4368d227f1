"""`plan`: one call for one path, with its proof."""

from __future__ import annotations

import math
import operator
import time
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .engines import CHOICES, engine_for
from .errors import expect
from .graphs import GraphMap, Map
from .guidance import Guidance, lead_table
from .heuristics import NO_TABLE, Heuristic, closed_form, default_bound, tabulate, user_heuristic
from .kernels.loop import PRIORITY, ZERO, Bound
from .kernels.workspace import Key
from .lead_and_prove import TOLERANCE
from .maps import GridMap, read_only
from .question import NO_LIMIT, Options, Outcome, Question
from .result import PlanResult, SearchStats, Status, Trace
from .spaces import space_of
from .strategies import UCS, Strategy, checked_weight, strategy_named

Engine = Literal["auto", "generic", "textbook"]


def plan(
    map: Map,
    start: Any,
    goal: Any,
    *,
    costs: CostField | None = None,
    strategy: str = "astar",
    weight: float | None = None,
    guidance: Guidance | None = None,
    heuristic: Heuristic | None = None,
    lower_bound: bool = False,
    max_expansions: int | None = None,
    engine: Engine = "auto",
    trace: bool = False,
    on_unreachable: Literal["closest"] | None = None,
) -> PlanResult:
    """One path from start to goal, and how far from the best it can be.

    Args:
        map: a `GridMap` or `GraphMap`.
        start, goal: cells `(row, col)` (or node ids) on grids; labels, else ids, on graphs.
        costs: cost field; without one a path costs its length in metres.
        strategy: `bfs`, `dfs`, `ucs`, `greedy` (alias `best-first`), `astar`, `wastar`.
        weight: w >= 1 of wastar (1.5 unless given); every other strategy has weight 1.
        guidance: leads ucs, greedy, astar or wastar; it never changes the bound.
        heuristic: in place of the default: a name, an array with a value per node, or a callable
            `(node, goal) -> cost`. It only leads, unless the library knows it as a lower bound.
        lower_bound: the user declares that `heuristic` never overestimates.
        max_expansions: stop after so many; the status is then `budget_spent`.
        engine: `auto`: the fastest that fits, named in `result.engine`; `generic`: the compiled
            loop; `textbook`: the same loop as plain Python.
        trace: record every event in `result.trace`.
        on_unreachable: `"closest"`: where the goal cannot be reached, status `no_path` comes with
            the path to the reachable node nearest in straight line (ties: least id).

    Returns:
        A `PlanResult`. For ucs, astar and wastar `cost <= bound * optimum`, whatever leads.

    Raises:
        ValueError: a start or goal outside the map, or an argument that makes no sense.

    >>> from planners import GridMap
    >>> grid = GridMap([[0, 1, 0], [0, 0, 0]], moves="four")
    >>> result = plan(grid, (0, 0), (0, 2))
    >>> result.status, result.cost, result.path.cells.tolist()
    ('found', 4.0, [[0, 0], [1, 0], [1, 1], [1, 2], [0, 2]])
    """
    began = time.perf_counter()
    question = question_of(
        map, start, goal, costs=costs, strategy=strategy, weight=weight, guidance=guidance,
        heuristic=heuristic, lower_bound=lower_bound, max_expansions=max_expansions, engine=engine,
        trace=trace, on_unreachable=on_unreachable,
    )  # fmt: skip
    return solved(question, began)


def solved(question: Question, began: float) -> PlanResult:
    """The answer of a question by the engine that fits."""
    outcome = without_search(question)
    asked = question.options.engine
    name = "generic" if asked == "auto" else asked
    if outcome is None:
        chosen = engine_for(question)
        name, outcome = chosen.name, chosen.solve(question)
    return answer(question, outcome, name, began)


def question_of(
    map: Map,
    start: Any,
    goal: Any,
    *,
    costs: CostField | None = None,
    strategy: str = "astar",
    weight: float | None = None,
    guidance: Guidance | None = None,
    heuristic: Heuristic | None = None,
    lower_bound: bool = False,
    max_expansions: int | None = None,
    engine: str = "auto",
    trace: bool = False,
    on_unreachable: str | None = None,
) -> Question:
    """The arguments of `plan`, checked.

    Raises:
        ValueError, TypeError: as `plan`.
    """
    expect(map, (GridMap, GraphMap), "map")
    expect(costs, (CostField, type(None)), "costs")
    expect(guidance, (Guidance, type(None)), "guidance")
    row = strategy_named(strategy)
    w = checked_weight(row, weight)
    options = _options(max_expansions, engine, trace, on_unreachable, guidance)
    source, target = map.node(start), map.node(goal)
    if options.closest and isinstance(map, GraphMap) and map.position_m is None:
        raise ValueError("on_unreachable='closest' needs a graph with positions")
    space = space_of(map, costs)
    lead = _lead(map, costs, target, row, w, heuristic, lower_bound, guidance)
    plain = guidance is None and heuristic is None and options.plain
    return Question(map, costs, space, source, target, row, w, *lead, options, plain)


def _options(
    max_expansions: int | None,
    engine: str,
    trace: bool,
    on_unreachable: str | None,
    guidance: Guidance | None,
) -> Options:
    limit = NO_LIMIT
    if max_expansions is not None:
        try:
            limit = operator.index(max_expansions)
        except TypeError:
            raise ValueError(
                f"max_expansions must be a whole number, not {max_expansions!r}"
            ) from None
        limit = min(limit, NO_LIMIT)
        if limit < 0:
            raise ValueError(f"max_expansions must be >= 0, not {max_expansions!r}")
    if engine not in CHOICES:
        raise ValueError(f"unknown engine {engine!r}: choose one of {', '.join(CHOICES)}")
    if on_unreachable not in (None, "closest"):
        raise ValueError(f"on_unreachable must be None or 'closest', not {on_unreachable!r}")
    trusted = guidance is None or guidance.trusted
    return Options(limit, engine, bool(trace), on_unreachable == "closest", trusted)


def _lead(
    map: Map,
    costs: CostField | None,
    goal: int,
    row: Strategy,
    weight: float,
    heuristic: Heuristic | None,
    lower_bound: bool,
    guidance: Guidance | None,
) -> tuple[Bound, bool, Key, tuple[dict[str, Any], ...]]:
    """The bound h, whether it is consistent, the key that leads, and the log."""
    if (heuristic is not None or guidance is not None) and row.discipline != PRIORITY:
        raise ValueError(f"{row.name!r} has no key to lead: choose ucs, greedy, astar or wastar")
    bound = closed_form(map, goal, costs, ZERO) if row is UCS else default_bound(map, goal, costs)
    leading, table, consistent = bound, NO_TABLE, True
    log: tuple[dict[str, Any], ...] = ()
    if heuristic is not None:
        leading, proves, consistently = user_heuristic(map, goal, costs, heuristic, lower_bound)
        if row is UCS:
            pass  # f = g: only guidance may lead by it
        elif proves:
            bound, consistent = leading, consistently
        else:
            table = _scaled(tabulate(leading, map.size), row.key_weight(weight))
    if guidance is not None:
        table, log = lead_table(map, costs, guidance, tabulate(leading, map.size), weight)
    key = Key(row.discipline, float(row.g_weight), float(row.key_weight(weight)), table)
    return bound, consistent, key, log


def _scaled(h: npt.NDArray[np.float64], weight: float) -> npt.NDArray[np.float64]:
    with np.errstate(over="ignore"):
        table = weight * h
    if not np.isfinite(table).all():
        raise ValueError(f"weight {weight} times the heuristic is beyond float64: scale it down")
    return read_only(table)


def without_search(question: Question) -> Outcome | None:
    """The outcome where no search is needed: a blocked end, or start = goal."""
    trace = _still(()) if question.options.trace else None
    blocked: Status | None = None
    if question.map.is_blocked(question.start):
        blocked = "start_blocked"
    elif question.map.is_blocked(question.goal) and not question.options.closest:
        blocked = "goal_blocked"
    if blocked is not None:
        return Outcome(blocked, trace=trace)
    if question.start != question.goal:
        return None
    path, cost = question.path(np.array([question.start], dtype=np.int64))
    counts = SearchStats(generated=1, max_frontier=1)
    trace = _still((question.start,)) if question.options.trace else None
    return Outcome("found", path, cost, counts=counts, trace=trace)


def _still(nodes: tuple[int, ...]) -> Trace:
    """The trace of a query that needs no search."""
    ids = np.array(nodes, dtype=np.int64)
    return Trace(np.zeros(ids.size, dtype=np.uint8), ids, ids * 0 - 1, np.zeros(ids.size))


def answer(question: Question, outcome: Outcome, engine: str, began: float) -> PlanResult:
    """The public form of an outcome; `began` is when the clock (`perf_counter`) was started."""
    certificate = math.inf
    if outcome.status in ("found", "budget_spent"):
        certificate = _ratio(outcome.cost, outcome.lower_bound)
    if outcome.status == "found":
        certificate = min(certificate, question.proof_weight)
    return PlanResult(
        status=outcome.status,
        path=outcome.path,
        cost=outcome.cost,
        bound=question.proof_weight,
        certificate=certificate,
        stats=replace(outcome.counts, runtime_s=time.perf_counter() - began),
        engine=engine,
        strategy=question.row.name,
        weight=question.weight,
        guidance_log=question.log + outcome.log,
        trace=outcome.trace,
        start=question.start,
        goal=question.goal,
    )


def _ratio(cost: float, lower: float) -> float:
    """cost / lower bound; 0 / 0 certifies 1, and so does a difference within rounding."""
    if math.isinf(cost):
        return math.inf
    if cost <= lower * (1 + TOLERANCE):
        return 1.0
    return cost / lower if lower > 0 else math.inf
