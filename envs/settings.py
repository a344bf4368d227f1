"""How routes are planned, and when again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planners import Guidance
from planners.errors import expect
from planners.strategies import checked_weight, strategy_named
from planners.tasks import ChargeRule
from planners.tasks.reserve import DEFAULT_RULE

from .checks import expect_numbers


@dataclass(frozen=True)
class PlannerSettings:
    """How routes are planned and when again; times and shares are assumptions (a).

    `weight=None` is the strategy's own (1.5 for wastar). A new route replaces the old one between
    goals only if it is cheaper by `hysteresis`. `check_share` of the plans are checked against an
    independent search, all of them for legality, cost and bound.

    `guidance="layers"` leads astar and wastar in the order of w = 1, on maps of at most
    `exact_nodes` nodes with the exact cost-to-go of the goal as h. A weighted search with the
    closed-form h (`guidance=None`) grants the layers' own size as slack, and they wash out.
    Belief moves every few seconds: at 70,000 nodes a search in that order takes a third of the time
    of a new field and half of that of new tiles. `charge_rule` says where charging ends and when to
    turn back on the way; the chooser should go by the same one.

    Raises ValueError for an unknown strategy, a weight that does not fit it, another word than
    `layers`, or times and shares that make no sense.
    """

    strategy: str = "wastar"
    weight: float | None = None
    guidance: Guidance | Literal["layers"] | None = "layers"
    check_share: float = 0.01
    hysteresis: float = 0.1
    replan_s: float = 5.0
    encounter_pause_s: float = 2.0
    look_ahead: int = 12
    cost_change: float = 0.2
    standing_after: int = 4
    yield_after: int = 10
    give_up_s: float = 120.0
    ask_again_s: float = 5.0
    charge_rule: ChargeRule = DEFAULT_RULE
    exact_nodes: int = 10_000

    def __post_init__(self) -> None:
        checked_weight(strategy_named(self.strategy), self.weight)
        if not isinstance(self.guidance, Guidance | None) and self.guidance != "layers":
            raise ValueError(
                f"guidance must be 'layers', None or a Guidance, not {self.guidance!r}"
            )
        expect(self.charge_rule, ChargeRule, "charge_rule")
        expect_numbers(self, "hysteresis", "check_share", "encounter_pause_s", "cost_change")
        if self.hysteresis >= 1:
            raise ValueError(f"hysteresis must be in [0, 1), not {self.hysteresis!r}")
        expect_numbers(self, "replan_s", "give_up_s", "ask_again_s", above=0)
        expect_numbers(self, "look_ahead", "standing_after", "yield_after", least=1, whole=True)
        expect_numbers(self, "exact_nodes", whole=True)
