"""Lead and prove: any key leads, a lower bound proves, and only as far as needed.

1. Lead. Best-first on any key. A closed node whose g improves takes it but is set aside on INCONS.
2. Certify. `LB = min(C, min over OPEN and INCONS of g + h) <= C*`, because the first node of an
   optimal path that has not been expanded with its optimal g waits there, else C = C*.
3. Prove. Where `C > w LB`: go on in the order of `g + h` until `C <= w f_min`.

So `C <= w C*` for any key whatever, and with a consistent h no node is expanded more than twice
(three times after an abandoned lead): the proof's queue is a heap, its order exact. Close
relatives: ARA*'s INCONS list (Likhachev, Gordon and Thrun 2003) and optimistic search (Thayer and
Ruml 2008).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from .edge_test import satisfies_edge_test
from .guidance import learned
from .heuristics import NO_TABLE
from .kernels.lead import Lead
from .kernels.loop import (
    BUDGET,
    EXHAUSTED,
    PRIORITY,
    PROVEN,
    REACHED,
    REOPENS,
    TABLE,
    ZERO,
    Bound,
    Key,
)
from .kernels.queue import COUNTS, EXPANDED
from .kernels.rival_workspace import RivalQuery
from .kernels.workspace import Query
from .question import Outcome, Question
from .result import Path
from .spaces import EXACT, Space
from .tracing import trace_of

TOLERANCE = 1e-9
# Times the steps of a straight way: the least budget that costs good advice nothing.
UNTRUSTED_BUDGET = 8

# With landmarks, the narrowest at which the ring of buckets still holds most keys (measured).
NARROWER = 8

PATIENCE = 1000  # nodes opened again, before the order of A* becomes exact

ROUNDING = 1e-11  # of a path's cost: more than two sums of its steps differ by

PROOF_KEY = Key(PRIORITY, 1.0, 1.0, NO_TABLE)


def loop(question: Question) -> Outcome:
    """Answer a question with the loop: lead, certify, prove."""
    space, options = question.space, question.options
    query = Query(
        question.map.workspaces,
        question.map.size,
        space.arrays,
        question.bound,
        width=space.width,
        room=space.room,
        limit=options.limit,
        textbook=options.engine == "textbook",
        trace=options.trace,
    )
    outcome = lead_and_prove(question, query, space)
    outcome.counts = tuple(query.work.ints[COUNTS].tolist())
    outcome.trace = trace_of(question, query) if options.trace else None
    return outcome


def lead_and_prove(question: Question, query: Query, space: Space) -> Outcome:
    """Answer a question whose start is free and is not its goal."""
    key, w = question.key, question.proof_weight
    best_first = key.discipline == PRIORITY and key.g_weight == 1
    if best_first and isinstance(key, Key) and not key.table.size:
        if w == 1:
            return _astar(question, query, key, _width(question, space))
        if question.consistent and w - space.slack >= 1:
            return _weighted(question, query, w, key._replace(h_weight=w - space.slack))
    code, abandoned = _lead(question, query, space)
    log = learned(key, question.costs) if isinstance(key, Lead) else ()
    if abandoned:
        log += ({"event": "abandoned", "expanded": abandoned},)
    if code != REACHED:
        return replace(unfinished(question, query, code), log=log)
    return _certified(question, query, w, log, steady=not abandoned and _is_steady(question, w))


def _astar(question: Question, query: Query, key: Key, width: float) -> Outcome:
    """A* re-opens what leaves its bucket out of order; where that gets frequent, order is exact.

    So on nearly flat costs, where many f share a bucket, no more than PATIENCE expansions are lost.
    """
    query.order_by(width)
    start, goal = question.start, question.goal
    code = query.search(start, goal, key, proving=True, w=1.0, patience=PATIENCE)
    if code == REOPENS:
        query.order_by(EXACT)
        query.certify(prove=True)
        code = query.search(-1, goal, key, proving=True, w=1.0)
    return _proven(question, query, code, 1.0, ())


def _width(question: Question, space: Space) -> float:
    """Bucket width of an A* that re-opens, by the type of its h.

    The closer h comes to the truth the flatter is f, the more nodes share a bucket, and whatever
    leaves it out of order is expanded again. With a table (mostly an exact field) a bucket holds
    what differs by rounding only: the order is exact, and of equal keys the last one in leads.
    """
    bound: Any = question.bound
    if not isinstance(bound, Bound):
        return max(EXACT, space.width / NARROWER)
    return max(EXACT, ROUNDING * question.h(question.start)) if bound.kind == TABLE else space.width


def _weighted(question: Question, query: Query, w: float, key: Key) -> Outcome:
    """Weighted A* needs no proof: without re-opening it is w-bounded where h is consistent.

    The queue orders by buckets only, which adds at most one bucket width per step of the optimal
    path, so at most width / least step to the weight: the lead has so much less.
    """
    code = query.search(question.start, question.goal, key)
    if code != REACHED:
        return unfinished(question, query, code)
    path, cost = question.path(query.path(question.goal))
    return Outcome("found", path, cost, max(cost / w, min(cost, query.certify())))


def _lead(question: Question, query: Query, space: Space) -> tuple[int, int]:
    """The code of the lead, and the expansions of an untrusted one that was dropped for w-A*."""
    budget = None
    if not question.options.trusted:
        straight = question.h(question.start) / space.typical if space.typical else 0.0
        budget = UNTRUSTED_BUDGET * max(64, math.ceil(straight))
    code = query.search(question.start, question.goal, question.key, budget=budget)
    spent = query.count(EXPANDED)
    if code != BUDGET or budget is None or spent >= question.options.limit:
        return code, 0
    query.work.restart()
    key = Key(PRIORITY, 1.0, float(question.weight), NO_TABLE)
    return query.search(question.start, question.goal, key), spent


def _is_steady(question: Question, w: float) -> bool:
    """Whether the lead is `g + W h - r` with W below w: then the edge test may spare the proof."""
    key = question.key
    if not isinstance(key, Lead) or not (question.consistent and key.reward.size):
        return False
    fixed = isinstance(key.expected, Bound) and key.expected.kind == ZERO and not key.mean.size
    unclamped = math.isinf(key.ceiling) and key.g_weight == 1
    return fixed and unclamped and w - question.space.slack > key.weight


def _passes(question: Question, w: float) -> bool:
    """The edge test of a steady lead; W h takes W of the weight, the buckets their slack."""
    key = question.key
    assert isinstance(key, Lead)
    left = w - question.space.slack - key.weight
    return satisfies_edge_test(question.map, question.costs, -key.reward, left)


def _certified(
    question: Question, query: Query, w: float, log: tuple[dict[str, Any], ...], steady: bool
) -> Outcome:
    """The goal is reached: how good is the path, and does that suffice?"""
    path, cost = question.path(query.path(question.goal))
    if question.row.discipline != PRIORITY:
        lower = cost if w == 1 else question.h(question.start)
        return Outcome("found", path, cost, lower, log)
    lower = min(cost, query.certify())
    if math.isinf(w) or cost <= w * lower * (1 + TOLERANCE):
        return Outcome("found", path, cost, lower, log)
    if steady and _passes(question, w):
        return Outcome("found", path, cost, cost / w, (*log, {"event": "edge test"}))
    log += ({"event": "incumbent", "expanded": query.count(EXPANDED), "cost": cost},)
    query.order_by(EXACT)
    query.certify(prove=True)
    query.work.cost[0] = cost
    before = query.count(EXPANDED)
    code = query.search(-1, question.goal, PROOF_KEY, proving=True, w=w)
    log += ({"event": "proof", "expanded": query.count(EXPANDED) - before},)
    return _proven(question, query, code, w, log, (path, cost))


def _proven(
    question: Question,
    query: Query,
    code: int,
    w: float,
    log: tuple[dict[str, Any], ...],
    led: tuple[Path | None, float] = (None, math.inf),
) -> Outcome:
    """What the proof has found, or the path of the lead where that is better.

    Along the lead's path the g of a node may be more than the path costs up to it, where one before
    it was set aside. The proof may then give the node a parent that betters its g, not the path.
    """
    if not math.isfinite(query.work.cost[0]):
        return replace(unfinished(question, query, code), log=log)
    path, cost = min(question.path(query.path(question.goal)), led, key=lambda found: found[1])
    if code == EXHAUSTED or (code == PROVEN and w == 1):
        return Outcome("found", path, cost, cost, log)
    lower = min(cost, query.certify())
    return Outcome("found" if code == PROVEN else "budget_spent", path, cost, lower, log)


def unfinished(question: Question, query: Query | RivalQuery, code: int) -> Outcome:
    """The goal was not reached: the budget is spent, or there is no way to it."""
    if code == BUDGET:
        return Outcome("budget_spent")
    if not question.options.closest:
        return Outcome("no_path")
    map = question.map
    reached = np.flatnonzero(query.reached())
    away = map.positions_m(reached) - map.positions_m([question.goal])
    nearest = int(reached[np.argmin(np.hypot(away[:, 0], away[:, 1]))])
    return Outcome("no_path", *question.path(query.path(nearest)))
