"""The table of rivals: bounded searches that others have proposed, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..kernels import rivals as kernel
from ..kernels.loop import PRIORITY
from ..strategies import Strategy, strategy_named

Repair = Literal["none", "reopen", "prove"]
Phases = Literal["one", "weights", "targets"]
Guide = Literal["", "rewards", "waypoints", "estimate"]


@dataclass(frozen=True)
class Rival(Strategy):
    """A row of the table.

    Attributes:
        order: what is expanded next, a code of `kernels.rivals`.
        repair: what keeps the bound where a closed node has improved. `none`: nothing has to, by
            the edge test or a condition like it; `reopen`: it is opened again; `prove`: it is set
            aside, and a proof follows the lead as in lead and prove.
        phases: one search; or one per weight, or per target.
        guide: what part of a `Guidance` the row follows.
    """

    order: int = kernel.WEIGHTED
    repair: Repair = "reopen"
    phases: Phases = "one"
    guide: Guide = ""


def _row(
    name: str,
    formula: str,
    order: int,
    repair: Repair,
    *,
    phases: Phases = "one",
    guide: Guide = "",
    bounded: bool = True,
) -> Rival:
    return Rival(name, formula, PRIORITY, 1, None, bounded, order, repair, phases, guide)


FOCAL = "the least h among g + h <= w f_min, f_min over all of OPEN"
EES = "the least h among g + h^ <= w f^_min, where it has g + h^ <= w f_min; else f^, else f"
ADDITIVE = "f = g + clip(W h - r, 0, w h)"
MULTIPLICATIVE = "f = g + clip(w (1 - r / max |r|), 0, w) h"
LLM_ASTAR = "f = g + |n - goal| + |n - next waypoint|"

ROWS = (
    _row("wastar-reopen", "f = g + w h", kernel.WEIGHTED, "reopen"),
    _row("xdp", "f = (g + (2w - 1) h + sqrt((g - h)^2 + 4 w g h)) / 2w", kernel.XDP, "none"),
    _row("xup", "f = (g + h + sqrt((g + h)^2 + 4 w (w - 1) h^2)) / 2w", kernel.XUP, "none"),
    _row("pwxdp", "f = g + h where h > g, else (g + (2w - 1) h) / w", kernel.PWXDP, "none"),
    _row("focal", FOCAL, kernel.FOCAL, "prove"),
    _row("focal-reopen", FOCAL, kernel.FOCAL, "reopen"),
    _row("ees", EES, kernel.EXPLICIT, "prove", guide="estimate"),
    _row("ees-reopen", EES, kernel.EXPLICIT, "reopen", guide="estimate"),
    _row("ara", "f = g + w_k h, w_k falling to w", kernel.WEIGHTED, "prove", phases="weights"),
    _row("llm-astar", LLM_ASTAR, kernel.LEAD_TABLE, "reopen", phases="targets",
         guide="waypoints", bounded=False),
    _row("llm-astar-proved", LLM_ASTAR, kernel.LEAD_TABLE, "prove", phases="targets",
         guide="waypoints"),
    _row("additive-reward", ADDITIVE, kernel.LEAD_TABLE, "prove", guide="rewards"),
    _row("additive-reward-reopen", ADDITIVE, kernel.LEAD_TABLE, "reopen", guide="rewards"),
    _row("additive-reward-unproved", ADDITIVE, kernel.LEAD_TABLE, "none", guide="rewards"),
    _row("multiplicative-reward", MULTIPLICATIVE, kernel.LEAD_TABLE, "prove", guide="rewards"),
    _row("multiplicative-reward-reopen", MULTIPLICATIVE, kernel.LEAD_TABLE, "reopen",
         guide="rewards"),
    _row("multiplicative-reward-unproved", MULTIPLICATIVE, kernel.LEAD_TABLE, "none",
         guide="rewards"),
)  # fmt: skip

RIVALS = {row.name: row for row in ROWS}

# What someone may ask for, and why it is not there.
UNSAFE = {
    name: f"{name!r} has no bound: without re-opening or a proof it can pay any multiple of the "
    f"optimum (43 instead of 14 at weight 2, on 7 edges): choose {safe!r} or '{safe}-reopen'"
    for name, safe in (("focal-unproved", "focal"), ("ees-unproved", "ees"))
}


def row_named(name: str) -> Strategy:
    """The strategy or rival of that name.

    Raises:
        ValueError: none of that name, or one without a bound; the message says why.
    """
    if isinstance(name, str) and name in UNSAFE:
        raise ValueError(UNSAFE[name])
    return strategy_named(name, RIVALS)
