"""Plans on legs that are tightened on demand: on large maps every exact field is dear.

Plan on what every leg takes at least, tighten the legs that the best plan drives, plan again. What
is proven on the least legs is true of every plan; a plan's cost is known when all its legs are
exact, so that cost, bound and gap are true whenever this stops.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..legs import FieldCache
from ..plans import Plan
from ..reserve import DEFAULT_RULE, ChargeRule
from ..snapshot import Order, Snapshot
from ..spans import Drive, LegSpans
from .evaluate import evaluate
from .improve import improve, repair
from .instance import LEVELS, Instance, drive_of, make_instance
from .kernels.batch import NEAR, at_start, kg_after
from .prove import Solution, prove

Hub = tuple[bool, int]  # one field: whether it leads to its node (else: from it), and the node


@dataclass(frozen=True)
class Budget:
    """Rounds of improvement and expansions of the proof, each time; the gap that is good enough."""

    rounds: int
    expansions: int
    gap: float = 0.0


@dataclass(frozen=True)
class Lazy:
    """What was found, the instance of the last round, how many fields it took, of how many."""

    solution: Solution
    instance: Instance
    fields: int
    all_fields: int


def solve_lazily(
    snapshot: Snapshot,
    orders: Sequence[Order] | None = None,
    *,
    budget: Budget,
    cache: FieldCache | None = None,
    rule: ChargeRule = DEFAULT_RULE,
    levels: Sequence[float] = LEVELS,
    proposals: Sequence[Plan] = (),
    seed: int = 0,
) -> Lazy:
    """Improve and prove, with no more exact fields than the best plan asks for.

    ``solution.cost_s`` is that of exact legs alone, and no plan costs less than
    ``solution.lower_bound_s``. With a budget that proves each round the plan is as good as with all
    legs exact. Fields that every plan drives by are exact from the start.

    Raises ValueError as `make_instance` does.
    """
    spans = LegSpans(snapshot, cache, lazy=True)

    def made() -> Instance:
        return make_instance(snapshot, orders, rule=rule, levels=levels, spans=spans)

    instance = made()
    fields = _fields(instance)
    exact: set[Hub] = set()
    tours: list[Sequence[int]] = [repair(instance, proposal).points for proposal in proposals]
    wanted = set(_always(instance))
    bound_s = 0.0
    while True:
        for hub in wanted - exact:
            for drive in fields[hub]:
                spans.tighten(drive)
        exact |= wanted
        instance = made()
        better = improve(instance, rounds=budget.rounds, seed=seed, proposals=tours)
        found = prove(instance, expansions=budget.expansions, incumbent=better.points)
        bound_s = max(bound_s, found.lower_bound_s)
        tours = [found.points] if found.points else []
        wanted = set(_driven_by(instance, found)) - exact
        best = _known(instance, found, bound_s)
        if not wanted or best.gap <= max(budget.gap, NEAR):
            return Lazy(best, instance, len(exact), len(fields))


def _known(instance: Instance, found: Solution, bound_s: float) -> Solution:
    """The same tour by exact legs only, beside what is proven."""
    cost_s, plan = found.cost_s, found.plan
    if plan is not None:
        judged = evaluate(replace(instance, batch=instance.cautious), found.points)
        cost_s, plan = judged.cost_s, judged.plan
    lower_s = min(cost_s, bound_s)
    proven = found.proven and (plan is None or cost_s <= lower_s * (1.0 + NEAR))
    return replace(found, plan=plan, cost_s=cost_s, lower_bound_s=lower_s, proven=proven)


def _hub(drive: Drive) -> Hub:
    return drive.along, drive.end if drive.along else drive.start


def _drive(instance: Instance, a: int, b: int) -> Drive:
    return drive_of(instance.nodes, instance.batch.order_of, a, b)


def _fields(instance: Instance) -> dict[Hub, set[Drive]]:
    """The legs that some plan may drive, by the field that makes them exact."""
    fields: dict[Hub, set[Drive]] = {}
    for a, b in np.argwhere(np.isfinite(instance.lower.cost_s)).tolist():
        drive = _drive(instance, a, b)
        fields.setdefault(_hub(drive), set()).add(drive)
    return fields


def _always(instance: Instance) -> Iterator[Hub]:
    """The fields that every plan needs: from the robot, and along the orders."""
    yield False, instance.nodes[0]
    for order in range(len(instance.orders)):
        points = instance.points(order)
        for a, b in itertools.pairwise(points):
            yield _hub(_drive(instance, a, b))


def _driven_by(instance: Instance, found: Solution) -> Iterator[Hub]:
    """The fields of a plan's legs, and of the ways out that its drops are judged by."""
    if found.plan is None:
        return
    chargers = len(instance.nodes) - len(instance.chargers)
    points = iter(found.points)
    here, (kg, _) = 0, at_start(instance.batch)
    for stop in found.plan.stops:
        if stop.charger is not None:
            there = chargers + instance.chargers.index(stop.charger)
        else:
            there = int(next(points))
        yield _hub(_drive(instance, here, there))
        if stop.charger is None:
            kg = kg_after(instance.batch, kg, there)
            ends = there == instance.batch.last[instance.batch.order_of[there]]
            if ends and instance.batch.energy and instance.chargers:
                yield _hub(_drive(instance, there, chargers + _way_out(instance, there, kg)))
        here = there


def _way_out(instance: Instance, there: int, kg: float) -> int:
    """The charger that takes the least energy from a stop, as far as is known."""
    batch = instance.batch
    first = len(instance.nodes) - len(instance.chargers)
    wh = batch.wh[there, first:] + batch.wh_kg[there, first:] * kg
    return int(np.argmin(wh + batch.ambient_w * batch.queue[there] / 3600.0))
