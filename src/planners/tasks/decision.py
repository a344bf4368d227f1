"""What a task planner answers: the decision, its candidates, and what was refused and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from .legs import Leg
from .plans import Plan
from .snapshot import Order


@dataclass(frozen=True)
class Candidate:
    """A feasible order with its verified values: each leg is one exact cost-optimal path.

    ``total_s = cost_s + lateness_s + others_s`` is the objective if this order comes next:

    * ``cost_s``: the sum of the leg costs, robot -> pick -> ... -> drop;
    * ``lateness_s``: this order's own weighted lateness at ``arrival_s``;
    * ``others_s``: the weighted lateness of every other open order, each driven directly (drop of
      this one -> its pick -> its drop) as soon as this one is done; where more than one order fits
      on board, from the next stop of this one, after which the robot may turn to them.

    ``energy_wh`` is the prediction without margin, ``to_charger_wh`` the way from the drop to
    ``charger`` (None: no charger is known). ``straight_m`` is the beeline to the pick, or None on
    a graph without positions.
    """

    order: Order
    legs: tuple[Leg, ...]
    arrival_s: float
    lateness_s: float
    others_s: float
    to_charger_wh: float
    charger: str | None
    straight_m: float | None

    @property
    def goal(self) -> str:
        """The order's id."""
        return self.order.id

    @property
    def cost_s(self) -> float:
        """Sum of the leg costs."""
        return math.fsum(leg.cost_s for leg in self.legs)

    @property
    def time_s(self) -> float:
        """Predicted driving time to the drop."""
        return math.fsum(leg.time_s for leg in self.legs)

    @property
    def length_m(self) -> float:
        """Length of all legs."""
        return math.fsum(leg.length_m for leg in self.legs)

    @property
    def energy_wh(self) -> float:
        """Predicted energy of all legs, without margin."""
        return math.fsum(leg.energy_wh for leg in self.legs)

    @property
    def total_s(self) -> float:
        """The objective when this order comes next."""
        return math.fsum((self.cost_s, self.lateness_s, self.others_s))

    @property
    def terms(self) -> dict[str, float]:
        """The objective term by term, in seconds, and its sum ``total_s``."""
        return {
            **leg_terms(self.legs),
            "lateness_s": self.lateness_s,
            "others_lateness_s": self.others_s,
            "total_s": self.total_s,
        }


def leg_terms(legs: tuple[Leg, ...]) -> dict[str, float]:
    """Cost of the legs by origin: travel, congestion, risk, energy and every other layer.

    The four named terms are always there; another layer ``x`` appears as ``x_s``.
    """
    names = {"base": "travel_s", "congestion": "congestion_s", "risk": "risk_s"}
    terms = dict.fromkeys((*names.values(), "energy_s"), 0.0)
    for leg in legs:
        for layer, cost_s in leg.layers.items():
            key = names.get(layer, f"{layer}_s")
            terms[key] = terms.get(key, 0.0) + cost_s
    return terms


@dataclass(frozen=True)
class Refusal:
    """An order that may not be chosen now, with a code for programs and a sentence for people.

    Codes: ``battery`` (charging helps), ``full_battery`` (no charger within reach helps),
    ``unreachable``, ``no_charger`` (none can be reached from the drop), ``not_released``, ``full``
    (no room for it beside what is on board), ``after`` (orders that it is to follow are still to be
    delivered).
    """

    goal: str
    code: str
    sentence: str


@dataclass(frozen=True)
class Decision:
    """What to do next, who decided and why.

    ``kind`` is ``order``, ``charge`` or ``wait``; ``goal`` the order's id, the charger's name or
    None. ``decided_by`` is the chooser's name, the battery rule's (``reserve``: a charger forced by
    it) or ``fallback`` (a language model was to decide, ``utility`` did). ``lower_bound_s`` is the
    least ``total_s`` over the candidates of this very decision, ``gap`` the share by which the
    chosen one exceeds it: 0 for ``utility``, by definition; both speak of this one step, not of
    the best sequence. A chooser that plans gives its ``plan``, of which this is the first step, and
    the plan's objective ``plan_s``; bound and gap then speak of the plan.
    """

    kind: str
    goal: str | None
    decided_by: str
    reason: str
    terms: Mapping[str, float] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    refused: tuple[Refusal, ...] = ()
    lower_bound_s: float = 0.0
    gap: float = 0.0
    plan: Plan | None = None
    plan_s: float | None = None
