"""Candidate plans for a batch, and what critics and verified costs say of each.

* ``sequential``: group after group, nothing of two groups on the way at once;
* ``parallel``: all orders at once, whatever sequence is stated;
* ``hybrid``: the stated sequence kept, all else free.

All three come from the search over plans. A model's proposals stand beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..critics import Limits, Verdict, feasible, judge
from ..deep import Instance, evaluate, improve, make_instance, repair
from ..legs import FieldCache
from ..plans import Plan
from ..reserve import ChargeRule
from ..snapshot import Order, Snapshot
from ..spans import LegSpans
from ..walk import walk

MODEL = "model"  # the names of its proposals begin so


@dataclass(frozen=True)
class Judged:
    """A candidate with its verdicts.

    ``plan`` has the best charging for its sequence (or is what was proposed, where there is none);
    ``cost_s`` is verified, infinite where the plan is not feasible. ``verdicts`` is None where
    critics had no need to look: a plan of finite cost that costs more than what is known already.
    """

    name: str
    plan: Plan
    points: tuple[int, ...]
    cost_s: float
    verdicts: tuple[Verdict, ...] | None
    complaints: tuple[str, ...] = ()

    @property
    def by_model(self) -> bool:
        """Whether a model proposed it."""
        return self.name.startswith(MODEL)

    @property
    def bad(self) -> bool:
        """Whether it may not go on."""
        objected = self.verdicts is not None and not feasible(self.verdicts)
        return bool(self.complaints) or objected or math.isinf(self.cost_s)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with it, in sentences."""
        said = [v.sentence for v in self._objections] or [*self.complaints]
        if not said and math.isinf(self.cost_s):
            said = ["no charging makes this sequence feasible"]
        return tuple(dict.fromkeys(said))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the verdicts against it."""
        return tuple(v.code for v in self._objections)

    @property
    def _objections(self) -> tuple[Verdict, ...]:
        return tuple(v for v in self.verdicts or () if v.status != "ok")


@dataclass(frozen=True)
class Judge:
    """Judges plans for one batch, with exact legs."""

    instance: Instance
    rule: ChargeRule
    cache: FieldCache

    def __call__(self, name: str, plan: Plan, below_s: float = math.inf) -> Judged:
        """A proposal as it is, charging apart: that is placed anew, by verified energy.

        Critics look at what is wrong, and at what costs less than ``below_s``.
        """
        fixed = repair(self.instance, plan)
        if fixed.complaints:
            said = self._verdicts(plan)
            return Judged(name, plan, fixed.points, math.inf, said, fixed.complaints)
        return self.points(name, fixed.points, plan, below_s)

    def points(
        self,
        name: str,
        points: Sequence[int],
        plan: Plan | None = None,
        below_s: float = math.inf,
    ) -> Judged:
        """A sequence of points of the instance, whatever way it came about."""
        found = evaluate(self.instance, points)
        shown = found.plan or plan or self.instance.plan(points, [-1] * len(points))
        asked = not below_s <= found.cost_s < math.inf
        said = self._verdicts(shown) if asked else None
        return Judged(name, shown, tuple(points), found.cost_s, said)

    def repaired(self, judged: Judged, below_s: float = math.inf) -> Judged:
        """What a plan that may not go on becomes, where every stop finds its place."""
        return self.points(f"{judged.name}, repaired", judged.points, below_s=below_s)

    def _verdicts(self, plan: Plan) -> tuple[Verdict, ...]:
        snapshot = self.instance.snapshot
        limits = Limits(orders=[order.id for order in self.instance.orders])
        legs = LegSpans(snapshot, self.cache)
        return judge(snapshot, plan, limits, rule=self.rule, legs=legs)


Solve = Callable[[Instance], Sequence[int]]
"""An instance to the points of a good plan for it."""


def groups_of(snapshot: Snapshot, orders: Sequence[Order]) -> tuple[tuple[str, ...], ...]:
    """The groups that `Snapshot.after` makes: each as soon as what it waits for is done.

    Orders that neither wait nor are waited for come last. One group where nothing is stated.
    """
    ids = [order.id for order in orders]
    waits = {name: set(snapshot.after.get(name, ())).intersection(ids) for name in ids}
    bound = {name for name in ids if waits[name]}.union(*waits.values())
    left, groups = [name for name in ids if name in bound], []
    while left:
        free = tuple(name for name in left if not waits[name].intersection(left))
        groups.append(free)
        left = [name for name in left if name not in free]
    loose = tuple(name for name in ids if name not in bound)
    return (*groups, loose) if loose else tuple(groups)


def sequential(
    instance: Instance, groups: Sequence[Sequence[str]], rule: ChargeRule, cache: FieldCache,
    rounds: int,
) -> Plan:  # fmt: skip
    """Group after group, each planned from where the one before it ends.

    What is on board now belongs to the first group, orders in no group to the last.
    """
    now, whole, stops = instance.snapshot, list(instance.orders), []
    for group in _whole(groups, whole, now.on_board):
        orders = tuple(order for order in whole if order.id in group)
        held = tuple(name for name in now.on_board if name in group)
        now = replace(now, orders=orders, on_board=held, after={})
        part = make_instance(now, cache=cache, rule=rule)
        better = improve(part, rounds=rounds)
        plan = evaluate(part, better.points).plan
        charged = plan is not None
        if plan is None:
            plan = part.plan(better.points, [-1] * len(better.points))
        stops += [stop for stop in plan.stops if stop.kind == "visit"]
        now = _after(now, plan, rule, cache, charged)
    return Plan(tuple(stops))


def _whole(
    groups: Sequence[Sequence[str]], orders: Sequence[Order], on_board: Sequence[str]
) -> list[set[str]]:
    """Every order in one group, and no group empty."""
    ids = {order.id for order in orders}
    own = [set(group) & ids - set(on_board) for group in groups]
    rest = ids - set(on_board) - set().union(*own)
    first, *others = (*own, rest)
    return [group for group in (first | set(on_board), *others) if group]


def _after(
    now: Snapshot, plan: Plan, rule: ChargeRule, cache: FieldCache, charged: bool
) -> Snapshot:
    """Where the robot is when a plan is done, as predicted."""
    steps = walk(now, plan, LegSpans(now, cache), rule).steps
    last = steps[-1]
    carried = sum(order.kg for order in now.orders if order.id in now.on_board)
    time_s = last.time_s.most if math.isfinite(last.time_s.most) else 0.0
    charge_wh = max(0.0, last.wh.least) if charged else now.charge_wh
    return replace(
        now, time_s=now.time_s + time_s, robot=last.stop.node, charge_wh=charge_wh, orders=(),
        on_board=(), payload_kg=max(0.0, now.payload_kg - carried),
    )  # fmt: skip


def parallel(
    instance: Instance, rule: ChargeRule, cache: FieldCache, levels: Sequence[float], rounds: int
) -> Plan:
    """All orders at once, as if no sequence were stated."""
    free = replace(instance.snapshot, after={})
    made = make_instance(free, instance.orders, cache=cache, rule=rule, levels=levels)
    better = improve(made, rounds=rounds)
    return evaluate(made, better.points).plan or made.plan(better.points, [-1] * made.stops)
