"""`plan`: one call for one path, with its proof."""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .costs import CostField, Map, steps
from .graphs import GraphMap
from .guidance import Guidance, lead_table
from .heuristics import (
    NO_TABLE,
    Heuristic,
    closed_form,
    default_bound,
    tabulate,
    user_heuristic,
)
from .kernels.loop import BUDGET, EXHAUSTED, PRIORITY, PROVEN, REACHED, ZERO, Bound, estimate
from .kernels.queue import EVENTS, EXPANDED, GENERATED, MAX_FRONTIER, REOPENED
from .kernels.workspace import Query
from .maps import GridMap
from .result import Path, PlanResult, SearchStats, Status, Trace
from .spaces import Space, space_of
from .strategies import UCS, Strategy, checked_weight, strategy_named

Engine = Literal["auto", "generic", "textbook"]

TOLERANCE = 1e-9
UNTRUSTED_BUDGET = (
    8  # times the steps of a straight way: measured as the least that costs good advice nothing
)
NO_LIMIT = 2**62


@dataclass(frozen=True)
class _Search:
    """A query after all its arguments have been checked."""

    map: Map
    costs: CostField | None
    start: int
    goal: int
    row: Strategy
    weight: float
    bound: Bound
    key_table: npt.NDArray[np.float64]
    log: tuple[dict[str, Any], ...]
    limit: int
    engine: str
    trace: bool
    closest: bool
    trusted: bool

    @property
    def proof_weight(self) -> float:
        """The bound promised before the search."""
        if self.row.bounded:
            return self.weight
        uniform = self.row.name == "bfs" and _moves_cost_the_same(self.map, self.costs)
        return 1.0 if uniform else math.inf


@dataclass(frozen=True)
class _Outcome:
    """What the phases of a search found."""

    status: Status
    end: int  # node that the path leads to, or -1
    lower_bound: float
    log: tuple[dict[str, Any], ...] = ()


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
        start, goal: cells `(row, col)` on grids; labels (else ids) on graphs; node ids on grids too.
        costs: cost field; without one a path costs its length in metres.
        strategy: `bfs`, `dfs`, `ucs`, `greedy` (alias `best-first`), `astar`, `wastar`.
        weight: w >= 1 of wastar (1.5 unless given); every other strategy has weight 1.
        guidance: leads ucs, greedy, astar or wastar; it never changes the bound.
        heuristic: in place of the default: a name, an array with a value per node, or a callable
            `(node, goal) -> cost`. It only leads, unless the library knows it as a lower bound.
        lower_bound: the user declares that `heuristic` never overestimates.
        max_expansions: stop after so many; the status is then `budget_spent`.
        engine: `auto` or `generic`: the compiled loop; `textbook`: the same loop as plain Python.
        trace: record every event in `result.trace`.
        on_unreachable: `"closest"`: where the goal cannot be reached, status `no_path` comes with the
            path to the reachable node nearest to it in straight line (ties: least id).

    Returns:
        A `PlanResult`. For ucs, astar and wastar `cost <= bound * optimum`, whatever leads.

    Raises:
        ValueError: a start or goal outside the map, or an argument that makes no sense.

    >>> grid = GridMap([[0, 1, 0], [0, 0, 0]], moves="four")
    >>> result = plan(grid, (0, 0), (0, 2))
    >>> result.status, result.cost, result.path.cells.tolist()
    ('found', 4.0, [[0, 0], [1, 0], [1, 1], [1, 2], [0, 2]])
    """
    began = time.perf_counter()
    row = strategy_named(strategy)
    w = checked_weight(row, weight)
    options = _checked_options(max_expansions, engine, trace, on_unreachable)
    source, target = map.node(start), map.node(goal)
    space = space_of(map, costs)
    lead = _lead(map, costs, target, row, w, heuristic, lower_bound, guidance)
    search = _Search(map, costs, source, target, row, w, *lead, *options,
                     trusted=guidance is None or guidance.trusted)  # fmt: skip
    blocked = _blocked_status(search)
    if blocked is not None:
        return _answer(search, None, _Outcome(blocked, -1, 0.0), began)
    if source == target:
        return _stand_still(search, began)
    query = Query(map.workspaces, map.size, space.arrays, search.bound, width=space.width,
                  room=space.room, limit=search.limit, textbook=search.engine == "textbook",
                  trace=search.trace)  # fmt: skip
    return _answer(search, query, _run(search, query, space), began)


def plan_many(
    map: Map, queries: Iterable[tuple[Any, Any]], *, costs: CostField | None = None, **options: Any
) -> list[PlanResult]:
    """`plan` for each (start, goal), in order; the options are those of `plan`."""
    return [plan(map, start, goal, costs=costs, **options) for start, goal in queries]


def _checked_options(
    max_expansions: int | None, engine: str, trace: bool, on_unreachable: str | None
) -> tuple[int, str, bool, bool]:
    limit = NO_LIMIT
    if max_expansions is not None:
        try:
            limit = operator.index(max_expansions)
        except TypeError:
            raise ValueError(
                f"max_expansions must be a whole number, not {max_expansions!r}"
            ) from None
        if limit < 0:
            raise ValueError(f"max_expansions must be >= 0, not {max_expansions!r}")
    if engine not in ("auto", "generic", "textbook"):
        raise ValueError(f"unknown engine {engine!r}: choose one of auto, generic, textbook")
    if on_unreachable not in (None, "closest"):
        raise ValueError(f"on_unreachable must be None or 'closest', not {on_unreachable!r}")
    return (
        limit,
        "generic" if engine == "auto" else engine,
        bool(trace),
        on_unreachable == "closest",
    )


def _lead(
    map: Map,
    costs: CostField | None,
    goal: int,
    row: Strategy,
    weight: float,
    heuristic: Heuristic | None,
    lower_bound: bool,
    guidance: Guidance | None,
) -> tuple[Bound, npt.NDArray[np.float64], tuple[dict[str, Any], ...]]:
    """The bound h, the table of the lead key (empty: the key is closed form), and the log."""
    if (heuristic is not None or guidance is not None) and row.discipline != PRIORITY:
        raise ValueError(
            f"{row.name!r} has no key: nothing can lead it; take greedy, astar or wastar"
        )
    bound = closed_form(map, goal, costs, ZERO) if row is UCS else default_bound(map, goal, costs)
    leading, table = bound, NO_TABLE
    if heuristic is not None:
        leading, proves = user_heuristic(map, goal, costs, heuristic, lower_bound)
        if proves and row is not UCS:
            bound = leading
        else:
            table = row.key_weight(weight) * tabulate(leading, map.size)
            table.flags.writeable = False
    if guidance is None:
        return bound, table, ()
    table, log = lead_table(map, costs, guidance, tabulate(leading, map.size), weight)
    return bound, table, log


def _blocked_status(search: _Search) -> Status | None:
    if search.map.is_blocked(search.start):
        return "start_blocked"
    if search.map.is_blocked(search.goal) and not search.closest:
        return "goal_blocked"
    return None


def _stand_still(search: _Search, began: float) -> PlanResult:
    stats = SearchStats(generated=1, max_frontier=1, runtime_s=time.perf_counter() - began)
    path = _path(search, np.array([search.start], dtype=np.int64))
    return PlanResult("found", path, 0.0, search.proof_weight, 1.0, stats, search.engine,
                      search.row.name, search.weight, search.log,
                      _empty_trace(search) if search.trace else None)  # fmt: skip


def _run(search: _Search, query: Query, space: Space) -> _Outcome:
    """Lead, certify, prove."""
    row, w = search.row, search.proof_weight
    closed_key = search.key_table.size == 0
    is_proof = row.discipline == PRIORITY and row.g_weight == 1 and closed_key and w == 1
    lead = {
        "discipline": row.discipline,
        "g_weight": row.g_weight,
        "h_weight": row.key_weight(search.weight),
        "key_table": search.key_table,
    }
    if is_proof:
        code = query.search(search.start, search.goal, **lead, proving=True, w=1.0)
        return _proven(search, query, code, 1.0, ())
    log: tuple[dict[str, Any], ...] = ()
    budget = None if search.trusted else UNTRUSTED_BUDGET * _straight_steps(search, space)
    code = query.search(search.start, search.goal, **lead, proving=False, w=w, limit=budget)
    spent = int(query.work.ints[EXPANDED])
    if code == BUDGET and budget is not None and spent < search.limit:
        log = ({"event": "abandoned", "expanded": spent},)
        code = _restart(search, query, w)
    if code != REACHED:
        return replace(_unfinished(search, query, code), log=log)
    return _certified(search, query, w, log)


def _restart(search: _Search, query: Query, w: float) -> int:
    """Drop an untrusted lead and search again by the strategy's own key; the counts go on."""
    counts = query.work.ints[[EXPANDED, GENERATED, REOPENED, MAX_FRONTIER]].copy()
    query.work.begin(search.trace)
    query.work.ints[[EXPANDED, GENERATED, REOPENED, MAX_FRONTIER]] = counts
    return query.search(search.start, search.goal, discipline=PRIORITY, g_weight=1.0,
                        h_weight=search.weight, key_table=NO_TABLE, proving=False, w=w)  # fmt: skip


def _certified(
    search: _Search, query: Query, w: float, log: tuple[dict[str, Any], ...]
) -> _Outcome:
    """The goal is reached: how good is the path, and does that suffice?"""
    cost = _path_cost(search, query.path(search.goal))
    if search.row.discipline != PRIORITY:
        lower = cost if w == 1 else _value(search, search.start)
        return _Outcome("found", search.goal, lower, log)
    lower = min(cost, query.certify())
    if math.isinf(w) or cost <= w * lower * (1 + TOLERANCE):
        return _Outcome("found", search.goal, lower, log)
    query.certify(prove=True)
    query.work.cost[0] = cost
    before = int(query.work.ints[EXPANDED])
    code = query.search(-1, search.goal, discipline=PRIORITY, g_weight=1.0, h_weight=1.0,
                        key_table=NO_TABLE, proving=True, w=w)  # fmt: skip
    log += ({"event": "proof", "expanded": int(query.work.ints[EXPANDED]) - before},)
    return _proven(search, query, code, w, log)


def _proven(
    search: _Search, query: Query, code: int, w: float, log: tuple[dict[str, Any], ...]
) -> _Outcome:
    if not math.isfinite(query.work.cost[0]):
        return replace(_unfinished(search, query, code), log=log)
    cost = _path_cost(search, query.path(search.goal))
    if code == EXHAUSTED or (code == PROVEN and w == 1):
        return _Outcome("found", search.goal, cost, log)
    lower = min(cost, query.certify())
    return _Outcome("found" if code == PROVEN else "budget_spent", search.goal, lower, log)


def _unfinished(search: _Search, query: Query, code: int) -> _Outcome:
    """The goal was not reached: the budget is spent, or there is no way to it."""
    if code == BUDGET:
        return _Outcome("budget_spent", -1, 0.0)
    if not search.closest:
        return _Outcome("no_path", -1, 0.0)
    if isinstance(search.map, GraphMap) and search.map.position_m is None:
        raise ValueError("on_unreachable='closest' needs a graph with positions")
    reached = np.flatnonzero(query.reached())
    away = search.map.positions_m(reached) - search.map.positions_m([search.goal])
    return _Outcome("no_path", int(reached[np.argmin(np.hypot(away[:, 0], away[:, 1]))]), 0.0)


def _value(search: _Search, node: int) -> float:
    return float(estimate(search.bound, node))


def _straight_steps(search: _Search, space: Space) -> int:
    """Expansions of a straight way: h(start) over a typical step, at least 64."""
    typical = space.width * 4
    return max(64, int(_value(search, search.start) / typical)) if typical > 0 else 64


def _moves_cost_the_same(map: Map, costs: CostField | None) -> bool:
    """Whether the fewest moves are also the cheapest way."""
    if isinstance(map, GridMap):
        if map.moves != "four":
            return False
        return costs is None or (
            costs.edge_pace is None and _constant(costs.pace, ~map.blocked.ravel())
        )
    pace = np.ones(map.size, dtype=np.float32) if costs is None else costs.pace
    if costs is not None and costs.edge_pace is not None:
        return False
    return bool(np.ptp(map.length_m * pace[map.indices]) == 0) if map.length_m.size else True


def _constant(values: npt.NDArray[np.float32], where: npt.NDArray[np.bool_]) -> bool:
    chosen = values[where]
    return bool(chosen.size == 0 or np.ptp(chosen) == 0)


def _path_cost(search: _Search, nodes: npt.NDArray[np.int64]) -> float:
    """Cost along the nodes, recomputed in float64 from the stored costs."""
    if search.costs is not None:
        return math.fsum(search.costs.step_costs(nodes))
    return math.fsum(steps(search.map, nodes)[0])


def _path(search: _Search, nodes: npt.NDArray[np.int64]) -> Path:
    lengths, edges = steps(search.map, nodes, search.costs)
    length_m = math.fsum(lengths)
    if isinstance(search.map, GridMap):
        return Path(nodes, length_m, cells=search.map.cells(nodes))
    labels = tuple(search.map.label(int(node)) for node in nodes)
    return Path(nodes, length_m, labels=labels, edges=edges)


def _answer(search: _Search, query: Query | None, outcome: _Outcome, began: float) -> PlanResult:
    path, cost = None, math.inf
    if query is not None and outcome.end >= 0:
        path = _path(search, query.path(outcome.end))
        cost = _path_cost(search, path.nodes)
    reached_goal = outcome.end == search.goal
    certificate = _ratio(cost, outcome.lower_bound) if reached_goal else math.inf
    if outcome.status == "found":
        certificate = min(certificate, search.proof_weight)
    return PlanResult(
        status=outcome.status,
        path=path,
        cost=cost,
        bound=search.proof_weight,
        certificate=certificate,
        stats=_stats(query, began),
        engine=search.engine,
        strategy=search.row.name,
        weight=search.weight,
        guidance_log=search.log + outcome.log,
        trace=_trace(search, query) if search.trace else None,
    )


def _ratio(cost: float, lower: float) -> float:
    """cost / lower bound; 0 / 0 certifies 1, and so does a difference within rounding."""
    if cost <= lower * (1 + TOLERANCE):
        return 1.0
    return cost / lower if lower > 0 else math.inf


def _stats(query: Query | None, began: float) -> SearchStats:
    runtime_s = time.perf_counter() - began
    if query is None:
        return SearchStats(runtime_s=runtime_s)
    counts = query.work.ints[[EXPANDED, GENERATED, REOPENED, MAX_FRONTIER]].tolist()
    return SearchStats(*counts, runtime_s=runtime_s)


def _trace(search: _Search, query: Query | None) -> Trace:
    if query is None:
        return _empty_trace(search)
    count = int(query.work.ints[EVENTS])
    events = query.work.event[:count]
    kinds, nodes, parents = events.T.copy()
    return Trace(kinds.astype(np.uint8), nodes, parents, query.work.event_g[:count].copy())


def _empty_trace(search: _Search) -> Trace:
    """Start is the goal: the source is all that happened."""
    found = not search.map.is_blocked(search.start)
    nodes = np.array(
        [search.start] if found and search.start == search.goal else [], dtype=np.int64
    )
    return Trace(np.zeros(nodes.size, dtype=np.uint8), nodes, nodes * 0 - 1, np.zeros(nodes.size))
