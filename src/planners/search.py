"""`plan`: one call for one path, with its proof."""

from __future__ import annotations

import math
import operator
import time
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .bounds.prepared import at_hand
from .costs import CostField
from .engines import CHOICES, Choice, engine_at_once, engine_for
from .errors import expect
from .graphs import GraphMap, Map
from .guidance import Guidance, lead_key
from .heuristics import (
    NO_TABLE,
    Heuristic,
    closed_form,
    default_bound,
    tabulate,
    user_heuristic,
    without_infinity,
)
from .kernels.loop import PRIORITY, ZERO, Key
from .lead_and_prove import TOLERANCE
from .maps import GridMap, read_only
from .question import NO_LIMIT, Log, Options, Outcome, Question, Request
from .result import Path, PlanResult, SearchStats, Status, made
from .rivals.lead import rival_question
from .rivals.rows import Rival, row_named
from .spaces import space_of
from .strategies import UCS, checked_weight
from .tracing import still, told

PLAIN = Options(NO_LIMIT, "auto", False, False, True)
PLAIN_UNTRUSTED = replace(PLAIN, trusted=False)
ALWAYS = ("auto", "generic", "textbook")  # engines that answer every question
ONE = (0, 1, 0, 1, 0)  # the start alone has been generated
NO_EDGES = read_only(np.empty(0, dtype=np.int64))


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
    engine: Choice = "auto",
    trace: bool = False,
    on_unreachable: Literal["closest"] | None = None,
) -> PlanResult:
    """One path from start to goal, and how far from the best it can be.

    Args:
        map: a `GridMap` or `GraphMap`.
        start, goal: cells `(row, col)` (or node ids) on grids; labels, else ids, on graphs.
        costs: cost field; without one a path costs its length in metres.
        strategy: `bfs`, `dfs`, `ucs`, `greedy` (alias `best-first`), `astar`, `wastar`; or one of
            `RIVALS`, for comparisons.
        weight: w >= 1 of wastar and of the rivals (1.5 unless given); every other strategy has
            weight 1.
        guidance: leads ucs, greedy, astar or wastar; it never changes the bound.
        heuristic: in place of the default: `zero`, `manhattan`, `octile`, `straight`; an array with
            a value per node; a callable `(node, goal) -> cost`; `Landmarks`, `KeptFields` or a
            `LearnedBound`. It only leads, unless the library knows it as a lower bound.
        lower_bound: the user declares that `heuristic` never overestimates.
        max_expansions: stop after so many; the status is then `budget_spent`.
        engine: `auto`: the fastest that fits, named in `result.engine`; `generic`: the compiled
            loop; `textbook`: the same loop as plain Python; `jump-points`, `uniform-four`,
            `bucket-astar`, `bidirectional`, `field` or `landmarks`: refused where it does not fit.
        trace: record every event in `result.trace`, to draw, animate and save.
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
    request = request_of(
        map, start, goal, costs=costs, strategy=strategy, weight=weight, heuristic=heuristic,
        guidance=guidance, max_expansions=max_expansions, engine=engine, trace=trace,
        on_unreachable=on_unreachable,
    )  # fmt: skip
    return solved(request, began, heuristic, lower_bound, guidance)


def solved(
    request: Request,
    began: float,
    heuristic: Heuristic | None = None,
    lower_bound: bool = False,
    guidance: Guidance | None = None,
) -> PlanResult:
    """The answer of a request by the engine that fits; `began` is when its clock was started."""
    settled, options = without_search(request), request.options
    if settled is None:
        quick = engine_at_once(request)
        if quick is not None:
            return answer(request, quick.solve(request), (), quick.name, began)
    name = "generic" if options.engine == "auto" else options.engine
    if settled is not None and request.plain and options.engine in ALWAYS:
        return answer(request, settled, (), name, began)
    question = question_of(request, heuristic, lower_bound, guidance)
    chosen = engine_for(question)
    if settled is not None:
        settled.trace = still(question, settled) if options.trace else None
        return answer(request, settled, question.log, name, began)
    return answer(request, chosen.solve(question), question.log, chosen.name, began)


def request_of(
    map: Map,
    start: Any,
    goal: Any,
    *,
    costs: CostField | None = None,
    strategy: str = "astar",
    weight: float | None = None,
    heuristic: Heuristic | None = None,
    guidance: Guidance | None = None,
    max_expansions: int | None = None,
    engine: str = "auto",
    trace: bool = False,
    on_unreachable: str | None = None,
) -> Request:
    """The arguments of `plan`, checked, but for what leads.

    Raises:
        ValueError, TypeError: as `plan`.
    """
    expect(map, (GridMap, GraphMap), "map")
    if costs is not None:
        expect(costs, (CostField, type(None)), "costs")
        costs.expect_fit(map)
    if guidance is not None:
        expect(guidance, (Guidance, type(None)), "guidance")
    row = row_named(strategy)
    w = checked_weight(row, weight)
    options = _options(max_expansions, engine, trace, on_unreachable, guidance)
    source, target = map.node(start), map.node(goal)
    if options.closest and isinstance(map, GraphMap) and map.position_m is None:
        raise ValueError("on_unreachable='closest' needs a graph with positions")
    plain = heuristic is None and guidance is None and options.plain
    return Request(map, costs, source, target, row, w, options, plain)


def _options(
    max_expansions: int | None,
    engine: str,
    trace: bool,
    on_unreachable: str | None,
    guidance: Guidance | None,
) -> Options:
    if max_expansions is None and engine == "auto" and not trace and on_unreachable is None:
        return PLAIN if guidance is None or guidance.trusted else PLAIN_UNTRUSTED
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


def question_of(
    request: Request,
    heuristic: Heuristic | None = None,
    lower_bound: bool = False,
    guidance: Guidance | None = None,
) -> Question:
    """The request with the bound h (and whether it is consistent), the key that leads, the log."""
    if isinstance(request.row, Rival):
        return rival_question(request, heuristic, lower_bound, guidance)
    map, costs, row, weight = request.map, request.costs, request.row, request.weight
    if (heuristic is not None or guidance is not None) and row.discipline != PRIORITY:
        raise ValueError(f"{row.name!r} has no key to lead: choose ucs, greedy, astar or wastar")
    goal = request.goal
    bound, consistent, aids = _bound(request, heuristic is None)
    table = NO_TABLE
    if heuristic is not None and row is not UCS:  # ucs: f = g, only guidance may lead it
        leading, proves, consistently = user_heuristic(map, goal, costs, heuristic, lower_bound)
        if proves:
            bound, consistent = leading, consistently
        elif guidance is None:
            table = _scaled(tabulate(leading, map.size), row.key_weight(weight))
        else:
            guidance = guidance.expecting(map, tabulate(leading, map.size))
    if request.options.closest:
        bound = without_infinity(bound)
    key: Any = Key(row.discipline, float(row.g_weight), float(row.key_weight(weight)), table)
    log: Log = ()
    if guidance is not None:
        key, aid, log = lead_key(request, guidance, key, exact=aids == ("field",))
        aids += aid
    return Question(
        map, costs, request.start, goal, row, weight, request.options, request.plain,
        space_of(map, costs), bound, consistent, key, log, aids,
    )  # fmt: skip


def _bound(request: Request, unasked: bool) -> tuple[Any, bool, tuple[str, ...]]:
    """h, whether it is consistent, and what was at hand for it."""
    map, costs, goal, row = request.map, request.costs, request.goal, request.row
    if row is UCS:
        return closed_form(map, goal, costs, ZERO), True, ()
    asked = request.options.engine
    if unasked and asked in ("auto", "field", "landmarks") and row.bounded:
        prepared = at_hand(map, costs)
        best = None if prepared is None else prepared.best(map, goal, costs, asked)
        if best is not None:
            name, bound, consistent = best
            return bound, consistent, (name,)
    return default_bound(map, goal, costs), True, ()


def _scaled(h: npt.NDArray[np.float64], weight: float) -> npt.NDArray[np.float64]:
    with np.errstate(over="ignore"):
        table = weight * h
    if not np.isfinite(table).all():
        raise ValueError(f"weight {weight} times the heuristic is beyond float64: scale it down")
    return read_only(table)


def without_search(request: Request) -> Outcome | None:
    """The outcome where no search is needed: a blocked end, or start = goal."""
    map, start = request.map, request.start
    blocked: Status | None = None
    if map.is_blocked(start):
        blocked = "start_blocked"
    elif map.is_blocked(request.goal) and not request.options.closest:
        blocked = "goal_blocked"
    if blocked is not None:
        return Outcome(blocked)
    if start != request.goal:
        return None
    nodes = read_only(np.array((start,), dtype=np.int64))
    if isinstance(map, GridMap):
        cells = np.array(divmod(start, map.cols), dtype=np.int64).reshape(1, 2)
        path = made(
            Path, nodes=nodes, length_m=0.0, cells=read_only(cells), labels=None, edges=None
        )
    else:
        path = Path(nodes, 0.0, labels=(map.label(start),), edges=NO_EDGES)
    return Outcome("found", path, 0.0, counts=ONE)


def answer(request: Request, outcome: Outcome, log: Log, engine: str, began: float) -> PlanResult:
    """The public form of an outcome; `began` is when the clock (`perf_counter`) was started."""
    bound, certificate = request.proof_weight, math.inf
    if outcome.status in ("found", "budget_spent"):
        certificate = _ratio(outcome.cost, outcome.lower_bound)
    if outcome.status == "found":
        certificate = min(certificate, bound)
    expanded, generated, reopened, frontier, popped = outcome.counts
    stats = made(
        SearchStats, expanded=expanded, generated=generated, reopened=reopened,
        max_frontier=frontier, runtime_s=time.perf_counter() - began, popped=popped,
    )  # fmt: skip
    return made(
        PlanResult,
        status=outcome.status,
        path=outcome.path,
        cost=outcome.cost,
        bound=bound,
        certificate=certificate,
        stats=stats,
        engine=engine,
        strategy=request.row.name,
        weight=request.weight,
        guidance_log=log + outcome.log,
        trace=None if outcome.trace is None else told(outcome.trace, outcome),
        start=request.start,
        goal=request.goal,
    )


def _ratio(cost: float, lower: float) -> float:
    """cost / lower bound; 0 / 0 certifies 1, and so does a difference within rounding."""
    if math.isinf(cost):
        return math.inf
    if cost <= lower * (1 + TOLERANCE):
        return 1.0
    return cost / lower if lower > 0 else math.inf
