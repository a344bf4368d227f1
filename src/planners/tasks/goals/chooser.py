"""The chooser ``deep`` with goals and proposals: propose, evaluate, reflect, continue.

Groups of orders, a stated sequence or a model give it more starts than its own search. Each is
judged by critics and by verified costs; the best that is not bad goes on. A model can win nothing
but its plan's verified cost, and lose nothing but the time of its calls.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from ..asking import Asking, CallCounts
from ..choosers import check_deadline
from ..deep import DEEP, Effort, Instance, PlanChooser, Solution
from ..deep.choosers import how_good
from ..plans import Plan
from ..prompt import Rejection
from ..reserve import DEFAULT_RULE, ChargeRule
from .candidates import MODEL, Judge, Judged, groups_of, parallel, sequential
from .prompts import parse_plans, plan_of, render_plans
from .trajectory import Step, Trajectory

CLOSE = 1e-9  # relative: costs nearer than this are the same
MAX_ROUNDS = 3  # questions of one decision: the proposal, and what critics send back


class GoalChooser(PlanChooser):
    """`PlanChooser` that also weighs candidates of a goal and the proposals of a model.

    ``groups`` are orders that belong together, in the sequence that a goal states; without any they
    follow from `Snapshot.after`. Where there is neither a goal nor a model it is `PlanChooser`, bit
    for bit; else the decision has a ``trajectory``. ``lower_bound_s`` and what may be executed
    never depend on a proposal. One decision waits at most ``deadline_s`` for the model.

    Raises ValueError for a deadline that is no positive number.
    """

    def __init__(
        self,
        name: str = "deep",
        effort: Effort = DEEP,
        *,
        rule: ChargeRule = DEFAULT_RULE,
        seed: int = 0,
        asking: Asking | None = None,
        deadline_s: float = 10.0,
        groups: Sequence[Sequence[str]] = (),
    ) -> None:
        super().__init__(name, effort, rule=rule, seed=seed)
        check_deadline(deadline_s)
        self.deadline_s = deadline_s
        self.groups = tuple(tuple(group) for group in groups)
        self.asking = asking
        self.counts = CallCounts() if asking is None else asking.counts

    def describe(self) -> str:
        """One line on who decides."""
        if self.asking is None:
            return super().describe()
        return (
            f"{self.name} decides; {self.asking.client.describe()} proposes plans, which are "
            f"judged by verified costs, in {self.deadline_s:g} s at most"
        )

    def plan_for(
        self, instance: Instance, proposals: Sequence[Plan] = ()
    ) -> tuple[Solution, Trajectory | None]:
        """The best plan known, and how it came about."""
        groups = self._groups(instance)
        if self.asking is None and len(groups) < 2:
            return super().plan_for(instance, proposals)
        steps: list[Step] = []
        judge = Judge(instance, self._rule, self._cache)
        solution = self.solve(instance)
        judged = [judge(f"proposal {k}", plan) for k, plan in enumerate(proposals, start=1)]
        if len(groups) > 1:
            judged += self._searched(instance, judge, groups, solution)
        self._tell(judged, steps)
        least_s = solution.cost_s * (1.0 - CLOSE)  # a plan for less would go on
        judged += self._asked(instance, judge, least_s, steps)
        repaired = [judge.repaired(one, least_s) for one in judged if one.bad]
        judged += self._tell([one for one in repaired if not one.bad], steps)
        solution, step = self._continued(instance, judged, solution)
        return solution, Trajectory((*steps, step))

    def _tell(self, judged: list[Judged], steps: list[Step]) -> list[Judged]:
        """The same candidates, with a step for each, and one for what is wrong with it."""
        for one in judged:
            steps.append(_evaluated(one))
            if one.bad:
                steps.append(_reflected(one))
        return judged

    def _groups(self, instance: Instance) -> tuple[tuple[str, ...], ...]:
        """The stated groups, as far as they are in this batch."""
        ids = {order.id for order in instance.orders}
        own = [tuple(name for name in group if name in ids) for group in self.groups]
        stated = tuple(group for group in own if group)
        return stated if len(stated) > 1 else groups_of(instance.snapshot, instance.orders)

    def _searched(
        self,
        instance: Instance,
        judge: Judge,
        groups: Sequence[Sequence[str]],
        solution: Solution,
    ) -> list[Judged]:
        """The candidates of the search over plans."""
        rounds = self.effort.rounds
        one = sequential(instance, groups, self._rule, self._cache, rounds)
        found = [judge("sequential", one)]
        bound = any(instance.snapshot.after.get(order.id) for order in instance.orders)
        if bound:
            free = parallel(instance, self._rule, self._cache, self._levels, rounds)
            found.append(judge("parallel", free))
        if solution.plan is not None:
            found.append(judge.points("hybrid" if bound else "parallel", solution.points))
        return found

    def _asked(
        self, instance: Instance, judge: Judge, least_s: float, steps: list[Step]
    ) -> list[Judged]:
        """What a model proposes, in at most `MAX_ROUNDS` questions; the steps are told."""
        if self.asking is None:
            return []
        if len(instance.orders) == 1:
            self.counts.skipped += 1
            steps.append(Step("propose", "a single order: no model was asked"))
            return []
        deadline = time.monotonic() + self.deadline_s
        found: list[Judged] = []
        faults: tuple[str, ...] = ()
        ids = [order.id for order in instance.orders]

        def read(text: str | None) -> tuple[tuple[str, ...], ...] | Rejection:
            return parse_plans(text, ids, instance.stops)

        for turn in range(1, MAX_ROUNDS + 1):
            reply = self.asking.ask(render_plans(instance, faults), read, deadline)
            steps.append(_proposed(reply, turn))
            if isinstance(reply, Rejection):
                break
            now = [
                judge(f"{MODEL} {turn}.{k}", plan_of(sequence, instance.orders), least_s)
                for k, sequence in enumerate(reply, start=1)
            ]
            found += self._tell(now, steps)
            faults = tuple(fault for one in now for fault in one.faults)
            if not all(one.bad for one in now) or time.monotonic() >= deadline:
                break
        return found

    def _continued(
        self, instance: Instance, judged: Sequence[Judged], solution: Solution
    ) -> tuple[Solution, Step]:
        """The best that is not bad goes on; the search begins anew only from a better plan."""
        same = [one.name for one in judged if one.points == solution.points]
        name = next((name for name in ("hybrid", "parallel") if name in same), "the search")
        proposed_s = solution.cost_s
        good = [one for one in judged if not one.bad]
        best = min(good, key=lambda one: one.cost_s, default=None)
        if best is not None and best.cost_s < solution.cost_s * (1.0 - CLOSE):
            name, proposed_s, own_s = best.name, best.cost_s, solution.cost_s
            solution = self.solve(instance, [best.plan])
            if best.by_model:
                self.counts.differed += 1
                self.counts.differed_s += solution.cost_s - own_s if own_s < math.inf else 0.0
        if solution.plan is None:
            return solution, Step("continue", "no candidate can be carried out")
        words = f"{name} goes on: {solution.cost_s:.1f} s, {how_good(solution)}"
        values = {
            "name": name, "proposed_s": proposed_s, "cost_s": solution.cost_s,
            "lower_bound_s": solution.lower_bound_s, "gap": solution.gap,
        }  # fmt: skip
        return solution, Step("continue", words, values)


def _proposed(reply: tuple[tuple[str, ...], ...] | Rejection, turn: int) -> Step:
    if isinstance(reply, Rejection):
        said = f"{reply.kind}, {reply.detail}" if reply.detail else reply.kind
        return Step("propose", f"no proposal: {said}", {"by": "model", "code": reply.kind})
    shown = "; ".join(" ".join(sequence) for sequence in reply)
    values = {"by": "model", "round": turn, "plans": [list(sequence) for sequence in reply]}
    return Step("propose", f"the model proposes {shown}", values)


def _evaluated(one: Judged) -> Step:
    orders = [stop.order or f"({stop.charger})" for stop in one.plan.stops]
    status = "bad" if one.bad else "ok"
    words = f"{one.name}: bad" if one.bad else f"{one.name}: {one.cost_s:.1f} s"
    values = {
        "name": one.name, "status": status, "cost_s": one.cost_s, "stops": orders,
        "codes": list(one.codes),
    }  # fmt: skip
    return Step("evaluate", words, values)


def _reflected(one: Judged) -> Step:
    faults = list(one.faults)
    return Step("reflect", f"{one.name}: {'; '.join(faults)}", {"name": one.name, "faults": faults})
