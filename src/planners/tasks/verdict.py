"""What critics look at and what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .plans import Plan
from .reserve import ChargeRule
from .snapshot import Order, Snapshot
from .spans import Drive, LegSpans
from .walk import Walk

Status = Literal["ok", "bad", "unknown"]

SLACK = 1e-9  # of seconds and watt-hours: sums in another order must not flip a verdict


@dataclass(frozen=True)
class Verdict:
    """What one critic says: a code for programs, a sentence for people, a witness to check it by.

    ``witness`` names the stop (its index in the plan, where there is one) and the numbers that
    decide. ``code`` is the critic's name where nothing is wrong. ``hangs_on`` are the legs that an
    ``unknown`` would need tighter.
    """

    critic: str
    status: Status
    code: str
    sentence: str
    witness: Mapping[str, Any] = field(default_factory=dict)
    hangs_on: tuple[Drive, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What is asked of a plan beyond the rules of the house.

    ``orders``: the ids that it must serve (None: all of the snapshot). ``latest_s``: hard ends of
    time windows by order, moments on the snapshot's clock; due times alone are no limits, lateness
    has its price in the objective. ``closed``: nodes by the name of what is closed (an aisle), for
    as long as the plan takes or until its ``opens_s``, a moment on that clock. ``budget_s``: the
    most that its objective may come to. ``loaded``: whether a robot with orders on board may charge
    (None: where more than one fits).
    """

    orders: Collection[str] | None = None
    latest_s: Mapping[str, float] = field(default_factory=dict)
    closed: Mapping[str, Collection[int]] = field(default_factory=dict)
    opens_s: Mapping[str, float] = field(default_factory=dict)
    budget_s: float = math.inf
    loaded: bool | None = None


@dataclass(frozen=True)
class Case:
    """What critics look at; the walk is empty for those of the form."""

    snapshot: Snapshot
    plan: Plan
    limits: Limits
    rule: ChargeRule
    legs: LegSpans
    walk: Walk = field(default_factory=lambda: Walk(()))

    @property
    def wanted(self) -> dict[str, Order]:
        """The orders to serve."""
        ids = self.limits.orders
        return {o.id: o for o in self.snapshot.orders if ids is None or o.id in ids}


Critic = Callable[[Case], Verdict | None]


def bad(critic: str, code: str, sentence: str, **witness: Any) -> Verdict:
    """A verdict against the plan."""
    return Verdict(critic, "bad", code, sentence, witness)
