"""Critics: is this a plan that the robot can make, and if not, why not?

Each critic is sound: ``ok`` and ``bad`` are proven, by numbers that no tightening can overturn.
What the spans of the legs leave open is ``unknown``; `judge` then tightens a leg and asks again, so
that with exact legs nothing stays open. A critic speaks only where those before it are satisfied:
whether a plan comes late means little while it drops what it never picked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .critics_form import FORM, read_plan
from .critics_walk import WALKED
from .plans import Plan
from .reserve import DEFAULT_RULE, ChargeRule
from .snapshot import Snapshot
from .spans import LegSpans
from .verdict import Case, Limits, Verdict
from .walk import walk

__all__ = ["CRITICS", "Limits", "Verdict", "feasible", "judge", "read_plan"]

CRITICS: tuple[str, ...] = (*FORM, *WALKED)


def judge(
    snapshot: Snapshot,
    plan: Plan | Any,
    limits: Limits | None = None,
    *,
    rule: ChargeRule = DEFAULT_RULE,
    legs: LegSpans | None = None,
) -> tuple[Verdict, ...]:
    """What every critic that is asked says of a plan, or of JSON from anybody that should be one.

    A plan is feasible where all of `CRITICS` answer ``ok`` (see `feasible`). The first part, about
    its form, stops at the first ``bad``; if all is well there, the plan is walked, and every critic
    of the second part speaks, unless a stop cannot be reached. By default legs begin as straight
    lines, so that a plan that is hopeless costs no search.

    >>> import numpy as np
    >>> from planners import CostField, GridMap
    >>> from planners.tasks import EnergyModel, Order, Snapshot
    >>> from planners.tasks.plans import Stop
    >>> grid = GridMap(np.zeros((3, 9)), moves="four")
    >>> snapshot = Snapshot(
    ...     0.0, grid, CostField(grid), 0, 900.0, 960.0, 96.0, 200.0, 1.2, 0.0,
    ...     (Order("O1", (4, 8)),), {"charger-1": 18}, EnergyModel(20.0, 151.0))
    >>> backwards = Plan((Stop("visit", 8, order="O1", place=1), Stop("visit", 4, order="O1")))
    >>> judge(snapshot, backwards)[-1].sentence
    'stop 0 is place 1 of O1, before its place 0'
    """
    asked = limits or Limits()
    if not isinstance(plan, Plan):
        read = read_plan(plan)
        if isinstance(read, Verdict):
            return (read,)
        plan = read
    case = Case(snapshot, plan, asked, rule, legs or LegSpans(snapshot, lazy=True))
    said = []
    for name, critic in FORM.items():
        said.append(critic(case) or Verdict(name, "ok", name, f"{name}: nothing is wrong"))
        if said[-1].status == "bad":
            return tuple(said)
    return (*said, *_settled(case))


def _settled(case: Case) -> tuple[Verdict, ...]:
    """The second part, asked again until no verdict is open or no leg can be tightened."""
    while True:
        walked = walk(case.snapshot, case.plan, case.legs, case.rule)
        now = replace(case, walk=walked)
        said: list[Verdict] = []
        for name, critic in WALKED.items():
            said.append(critic(now) or Verdict(name, "ok", name, f"{name}: nothing is wrong"))
            if name == "reach" and said[-1].status == "bad":
                return tuple(said)
        loose = [d for v in said for d in v.hangs_on if not case.legs.leg(d).exact]
        if any(v.status == "bad" for v in said) or not loose:
            return tuple(said)
        case.legs.tighten(loose[0])


def feasible(verdicts: Sequence[Verdict]) -> bool:
    """Whether every critic was asked and none objects."""
    return [v.critic for v in verdicts if v.status == "ok"] == list(CRITICS)
