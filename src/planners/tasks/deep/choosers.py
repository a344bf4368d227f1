"""The choosers ``deep`` and ``exact``: the first step of the best plan for a batch of orders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..choosers import Assessment, assess
from ..decision import Candidate, Decision
from ..legs import FieldCache
from ..plans import Plan, Stop
from ..reserve import (
    DEFAULT_RULE,
    ChargeRule,
    Threshold,
    charge_decision,
    within_charge,
    without_order,
)
from ..snapshot import Order, Snapshot, natural_key
from .improve import improve, repair
from .instance import LEVELS, Instance, make_instance
from .lazy import Budget, solve_lazily
from .prove import Solution, prove

if TYPE_CHECKING:
    from ..goals.trajectory import Trajectory

WAITING = frozenset({"not_released", "full", "after"})
HOPELESS = frozenset({"unreachable", "no_charger", "full_battery"})  # no charge now helps these
LAZY_NODES = 5_000_000  # (a) on larger maps a field costs more than planning once more


@dataclass(frozen=True)
class Effort:
    """How much a chooser plans for and how long it may take, in counts: results repeat.

    ``orders``: how many of the open orders are planned for, at most ``stops`` stops of them;
    ``instead`` of all where more are open, those ``due_first`` or the cheapest that can be in time.
    ``rounds`` of improvement, ``expansions`` of the proof. Idle, it goes to charge where more than
    ``idle_soc`` is missing to the rule's limit.
    """

    orders: int
    stops: int
    instead: int
    rounds: int
    expansions: int
    due_first: bool = False
    idle_soc: float = 0.05


DEEP = Effort(orders=8, stops=24, instead=8, rounds=400, expansions=2_000)  # (a)
EXACT = Effort(
    orders=12, stops=12, instead=6, rounds=2_000, expansions=200_000, due_first=True
)  # (a)


class PlanChooser:
    """Plans for a batch of the orders and takes the first step of that plan.

    The numbers of the decision speak of the plan: ``lower_bound_s`` is proven for every plan of the
    batch (with the charging levels given), ``gap`` is the share by which this plan may exceed the
    best one. What may be chosen is what the battery rule allows, as for every chooser.
    """

    def __init__(
        self,
        name: str,
        effort: Effort,
        *,
        rule: ChargeRule = DEFAULT_RULE,
        levels: Sequence[float] = LEVELS,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.effort = effort
        self._rule, self._levels, self._seed = rule, tuple(levels), seed
        self._cache = FieldCache()

    def describe(self) -> str:
        """One line on who decides."""
        return f"{self.name} decides; no language model is asked"

    def choose(self, snapshot: Snapshot) -> Decision:
        """The next goal: the plan's first, with reasons."""
        return self.choose_with(snapshot)

    def choose_with(self, snapshot: Snapshot, proposals: Sequence[Plan] = ()) -> Decision:
        """`choose` where others propose plans: further starts of the improvement, no more."""
        found = assess(snapshot, self._cache, self._rule)
        hopeless = {order.id for order in snapshot.orders if self._is_hopeless(found, order)}
        orders = [
            order
            for order in snapshot.orders
            if order.id not in hopeless and hopeless.isdisjoint(snapshot.sooner(order))
        ]
        batch, said = self._batch(orders, found)
        if not batch:
            return self._idle(found)
        if snapshot.map.size > LAZY_NODES:
            budget = Budget(self.effort.rounds, self.effort.expansions)
            lazy = solve_lazily(
                snapshot, batch, budget=budget, cache=self._cache, rule=self._rule,
                levels=self._levels, proposals=proposals, seed=self._seed,
            )  # fmt: skip
            return self._decide(found, lazy.solution, said)
        instance = make_instance(
            snapshot, batch, cache=self._cache, rule=self._rule, levels=self._levels
        )
        solution, trajectory = self.plan_for(instance, proposals)
        decision = self._decide(found, solution, said)
        return decision if trajectory is None else replace(decision, trajectory=trajectory)

    def plan_for(
        self, instance: Instance, proposals: Sequence[Plan] = ()
    ) -> tuple[Solution, Trajectory | None]:
        """The best plan known, and how it came about where there is more to tell than its cost."""
        return self.solve(instance, proposals), None

    def _idle(self, found: Assessment) -> Decision:
        """Nothing can be served: to a charger, unless the charge is near the rule's limit.

        It may leave off as soon as orders come, so that it costs only the way there.
        """
        snapshot, rule = found.snapshot, self._rule
        ways = within_charge(snapshot, found.legs)
        full = snapshot.soc >= rule.limit_soc - self.effort.idle_soc
        if full or not ways or isinstance(rule, Threshold):
            return without_order(snapshot, found.legs, found.refused, self.name, rule)
        reason = f"no order can be served; {100 * snapshot.soc:.0f} % charge, and time to charge"
        decided = charge_decision(snapshot, ways, rule, self.name, reason, found.refused)
        assert decided.goal is not None
        node = snapshot.chargers[decided.goal]
        return replace(decided, plan=Plan((Stop("charge", node, charger=decided.goal),)))

    def solve(self, instance: Instance, proposals: Sequence[Plan] = ()) -> Solution:
        """Improve, then prove."""
        repaired = [repair(instance, proposal).points for proposal in proposals]
        better = improve(instance, rounds=self.effort.rounds, seed=self._seed, proposals=repaired)
        return prove(instance, expansions=self.effort.expansions, incumbent=better.points)

    def _is_hopeless(self, found: Assessment, order: Order) -> bool:
        """Whether no plan can serve it; one that has to wait is judged as if it had not."""
        code = next((r.code for r in found.refused if r.goal == order.id), "")
        if code in WAITING:
            own = found.legs.order(order)
            no = None if own is None else self._rule.refusal(found.snapshot, found.legs, order, own)
            return own is None or (no is not None and no.code in HOPELESS)
        return code in HOPELESS

    def _batch(self, orders: list[Order], found: Assessment) -> tuple[list[Order], str]:
        """The orders to plan for (all, or those due first), and how to say so."""
        stops = sum(len(order.stops) for order in orders)
        every = sorted(orders, key=lambda order: natural_key(order.id))
        if len(orders) <= self.effort.orders and stops <= self.effort.stops:
            return every, f"all {len(orders)} orders" if len(orders) != 1 else "the one order"
        known = {c.goal: c for c in (*found.candidates, *found.waiting)}
        now_s, by_due = found.snapshot.time_s, self.effort.due_first

        def rank(order: Order) -> tuple[object, ...]:
            one = known.get(order.id)
            return _due_first(order, one) if by_due else _cheap_in_time(order, one, now_s)

        held = [order for order in every if order.id in found.snapshot.on_board]
        kept = self._with_sooner(found.snapshot, orders, held)
        for order in sorted(orders, key=rank):
            more = self._with_sooner(found.snapshot, orders, [*kept, order])
            if len(more) <= max(self.effort.instead, len(kept)):
                kept = more
        which = "due first" if by_due else "that are cheapest to deliver in time"
        return kept, f"the {len(kept)} of {len(orders)} orders {which}"

    @staticmethod
    def _with_sooner(snapshot: Snapshot, orders: list[Order], kept: Sequence[Order]) -> list[Order]:
        """Orders and those that they are to follow."""
        names = {name for order in kept for name in (order.id, *snapshot.sooner(order))}
        first = list(dict.fromkeys(kept))
        return first + [o for o in orders if o.id in names and o not in first]

    def _decide(self, found: Assessment, solution: Solution, said: str) -> Decision:
        """The plan's first step, where it may be taken now."""
        snapshot = found.snapshot
        if solution.plan is None:
            return self._step_back(found, f"no plan is known that serves {said}")
        first = solution.plan.stops[0]
        reason = f"the plan for {said} costs {solution.cost_s:.1f} s, {how_good(solution)}"
        if first.kind == "charge":
            assert first.charger is not None
            here = snapshot.chargers[first.charger] == snapshot.robot
            if here and self._rule.at_limit(snapshot):
                return self._step_back(found, f"{first.charger} has nothing more to give")
            ways = found.legs.chargers(snapshot.robot)
            forced = not found.candidates
            decided = charge_decision(
                snapshot, {first.charger: ways[first.charger]}, self._rule,
                self._rule.name if forced else self.name,
                f"{reason}; it begins at {first.charger}", found.refused,
            )  # fmt: skip
            return self._with_plan(replace(decided, candidates=found.candidates), solution)
        ready = (*found.candidates, *found.waiting)
        chosen = next((c for c in ready if c.goal == first.order), None)
        if chosen is None:
            refusal = next(r for r in found.refused if r.goal == first.order)
            if refusal.code != "not_released":
                return self._step_back(found, f"the best plan begins with {first.order}")
            waits = Decision("wait", None, self.name, f"{reason}; {refusal.sentence}",
                             candidates=found.candidates, refused=found.refused)  # fmt: skip
            return self._with_plan(waits, solution)
        decided = found.take(chosen, self.name, f"{reason}; it begins with {first.order}")
        return self._with_plan(decided, solution)

    def _with_plan(self, decision: Decision, solution: Solution) -> Decision:
        """The plan's own numbers in place of those of the step."""
        return replace(
            decision,
            plan=solution.plan,
            plan_s=solution.cost_s,
            lower_bound_s=solution.lower_bound_s,
            gap=solution.gap,
        )

    def _step_back(self, found: Assessment, why: str) -> Decision:
        """Without a plan: the candidate of least total, else what the battery rule says."""
        if not found.candidates:
            return without_order(found.snapshot, found.legs, found.refused, self.name, self._rule)
        best = min(found.candidates, key=lambda c: (c.total_s, natural_key(c.goal)))
        return found.take(best, "fallback", f"{why}; {best.goal} has the least total by itself")


def _due_first(order: Order, known: Candidate | None) -> tuple[object, ...]:
    to_pick_s = math.inf if known is None else known.legs[0].cost_s
    return order.due_s, to_pick_s, natural_key(order.id)


def _cheap_in_time(order: Order, known: Candidate | None, now_s: float) -> tuple[object, ...]:
    """Where there are more orders than anybody can serve in time, those that are late anyway would
    make all others late: they come last."""
    arrival_s = now_s if known is None else known.arrival_s
    cost_s = math.inf if known is None else known.cost_s
    return arrival_s > order.due_s, cost_s, order.due_s, natural_key(order.id)


def how_good(solution: Solution) -> str:
    """What is proven about a plan, in words."""
    if solution.gap == 0.0:
        return "the least possible"
    if solution.gap < math.inf:
        return f"at most {100 * solution.gap:.1f} % more than the least possible"
    return "and how little is possible is not known"


def make_deep(
    rule: ChargeRule = DEFAULT_RULE, *, effort: Effort = DEEP, seed: int = 0
) -> PlanChooser:
    """The chooser ``deep``: horizon 8 orders, improved and proven within a small budget.

    >>> make_deep().name
    'deep'
    """
    return PlanChooser("deep", effort, rule=rule, seed=seed)


def make_exact(rule: ChargeRule = DEFAULT_RULE, *, effort: Effort = EXACT) -> PlanChooser:
    """The chooser ``exact``: batches up to 12 stops; beyond that the 6 orders due first.

    >>> make_exact().name
    'exact'
    """
    return PlanChooser("exact", effort, rule=rule)
