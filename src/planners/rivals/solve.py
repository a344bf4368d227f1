"""Run a rival: lead in phases, certify, and prove where the row's theorem does not suffice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import numpy as np

from ..heuristics import tabulate, tabulate_at
from ..kernels import rivals as kernel
from ..kernels.loop import BUDGET, EXHAUSTED, PROVEN, REACHED
from ..kernels.rival_workspace import RivalQuery
from ..kernels.rivals import PAUSED, Order
from ..lead_and_prove import TOLERANCE, unfinished
from ..maps import read_only
from ..question import Outcome, Question
from ..result import Path, Status, Trace
from ..tracing import facts_of
from .lead import RivalQuestion
from .rows import Rival
from .waypoints import distances

ARA_WEIGHTS = (3.0, 2.5, 2.0, 1.75, 1.5, 1.25, 1.1, 1.05)  # those above w are searched before it
PRIOR = 0.1  # of h(start): how much of the way the mean pace stands for in h-hat of `ees`
COUNTS = [
    kernel.EXPANDED, kernel.GENERATED, kernel.REOPENED, kernel.MAX_FRONTIER, kernel.POPPED,
]  # fmt: skip
Log = tuple[dict[str, Any], ...]


def solve(question: Question) -> Outcome:
    """The answer of a rival to a question whose start is free and is not its goal."""
    return Run(question).answer()


class Run:
    """One query of one rival."""

    def __init__(self, question: Question) -> None:
        self.question, self.w = cast(RivalQuestion, question), question.weight
        self.row = cast(Rival, question.row)
        self.log: Log = ()
        self.lower, self.cost = 0.0, math.inf  # the best that are known
        self.path: Path | None = None
        options = question.options
        self.query = RivalQuery(
            question.map.workspaces,
            question.map.size,
            question.space.arrays,
            self.question.bound,
            queues=4 if self.row.order >= kernel.FOCAL else 1,
            room=question.space.room,
            textbook=options.engine == "textbook",
            trace=options.trace,
        )
        self.order = self._order()
        self.phases: list[tuple[int, Order]] = []  # the first event of each, and its order

    def answer(self) -> Outcome:
        """Lead, certify, prove; with the counts and the trace."""
        leads = {"one": self._one, "weights": self._weights, "targets": self._targets}
        outcome = self._finished(leads[self.row.phases]())
        query = self.query
        counts = tuple(query.work.ints[COUNTS].tolist())
        trace = self._trace() if self.question.options.trace else None
        return replace(outcome, log=self.log, counts=counts, trace=trace)

    def _order(self) -> Order:
        h_start = self.question.h(self.question.start)
        return Order(
            kind=self.row.order,
            weight=float(self.w),
            ratio=_mean_over_least_pace(self.question),
            h_start=h_start,
            prior=PRIOR * h_start if h_start > 0 else 1.0,
            table=self.question.table,
            goal=self.question.goal,
            pause=-1,
            reopen=self.row.repair == "reopen",
            proving=False,
            limit=self.question.options.limit,
        )

    def _search(self, order: Order, start: int = -1) -> int:
        """Search on, from the start in the first phase; the code of the loop."""
        self.order = order
        self.phases.append((self.query.count(kernel.EVENTS), order))
        if start < 0:
            self.query.requeue(order)
        return self.query.search(order, start)

    def _trace(self) -> Trace:
        """The events, with h and f of each computed afterwards."""
        kinds, nodes, parents, g = self.query.events()
        h, f = tabulate_at(self.question.bound, nodes), np.empty(nodes.size)
        ends = [first for first, _ in self.phases[1:]] + [nodes.size]
        for (first, order), end in zip(self.phases, ends, strict=True):
            events = zip(nodes[first:end].tolist(), g[first:end], h[first:end], strict=True)
            f[first:end] = [kernel.key(order, *event) for event in events]
        return Trace(kinds, nodes, parents, g, h, f, **facts_of(self.question))

    # --- leads: each returns the code of the loop

    def _one(self) -> int:
        return self._search(self.order, self.question.start)

    def _weights(self) -> int:
        """ARA*: a search per weight; what waits after one is where the next begins."""
        code, start = REACHED, self.question.start
        for weight in (*(weight for weight in ARA_WEIGHTS if weight > self.w), self.w):
            if start < 0 and self._certificate() <= weight:
                continue
            code = self._search(self.order._replace(weight=float(weight)), start)
            if code != REACHED:
                break
            start = -1
            self._certify(weight)
            entry = {"event": "incumbent", "weight": weight, "cost": self.cost,
                     "expanded": self.query.count(kernel.EXPANDED),
                     "certificate": self._certificate()}  # fmt: skip
            self.log += (entry,)
        return code

    def _targets(self) -> int:
        """LLM-A*: all of OPEN is ordered anew when the target has been expanded."""
        question, start, code = self.question, self.question.start, PAUSED
        to_goal = tabulate(self.question.bound, question.map.size)
        for target in self.question.targets:
            table = read_only(to_goal + distances(question.map, target, question.costs))
            pause = -1 if target == question.goal else target
            code = self._search(self.order._replace(table=table, pause=pause), start)
            start = -1
            if code != PAUSED:
                break
        return code

    # --- what the lead has found

    def _certify(self, promise: float) -> None:
        """Read the path; raise the lower bound by OPEN and INCONS, and by the row's theorem."""
        path, cost = self.question.path(self.query.path(self.question.goal))
        if cost < self.cost:  # a later phase may have given the path worse parents
            self.path, self.cost = path, cost
        self.lower = max(self.lower, min(self.cost, self.query.lower_bound(self.order)))
        if self.question.promised:
            self.lower = max(self.lower, self.cost / promise)

    def _certificate(self) -> float:
        return self.cost / self.lower if self.lower > 0 else math.inf

    def _finished(self, code: int) -> Outcome:
        """Certify what the lead has found, and go on to a proof where that does not suffice."""
        if code != REACHED:
            if not math.isfinite(self.cost):
                return unfinished(self.question, self.query, code)
            return Outcome("budget_spent", self.path, self.cost, self.lower)
        self._certify(self.w)
        if not self.row.bounded or self.cost <= self.w * self.lower * (1 + TOLERANCE):
            return Outcome("found", self.path, self.cost, self.lower)
        before = self.query.count(kernel.EXPANDED)
        self.query.work.cost[0] = self.cost
        proof = self.order._replace(kind=kernel.PROOF, reopen=True, proving=True, pause=-1)
        code = self._search(proof)
        spent = self.query.count(kernel.EXPANDED) - before
        self.log += ({"event": "proof", "expanded": spent},)
        self._certify(math.inf)
        if code == EXHAUSTED or (code == PROVEN and self.w == 1):
            self.lower = self.cost
        status: Status = "budget_spent" if code == BUDGET else "found"
        return Outcome(status, self.path, self.cost, self.lower)


def _mean_over_least_pace(question: Question) -> float:
    """How many times its lower bound a way costs, were every step of the mean pace."""
    if question.costs is None:
        return 1.0
    least, mean = question.costs.paces_on(question.map)
    return mean / least if least > 0 else 1.0
