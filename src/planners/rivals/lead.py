"""What leads a rival: its heuristic and its guidance, checked and in arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from ..costs import CostField
from ..edge_test import satisfies_edge_test, steepest_edge
from ..graphs import Map
from ..guidance import Guidance, estimate_table, reward_total
from ..heuristics import (
    NO_TABLE,
    UNREACHABLE,
    Heuristic,
    default_bound,
    tabulate,
    user_heuristic,
)
from ..kernels import rivals as kernel
from ..kernels.loop import PRIORITY, TABLE, Bound, Key
from ..maps import read_only
from ..question import Question, Request
from ..spaces import space_of
from .rows import Rival
from .waypoints import WaypointGuidance


@dataclass(slots=True)
class RivalQuestion(Question):
    """A question to a rival.

    Attributes:
        table: (size,) phi of the key `g + phi`, or h-hat; empty where the key is a formula.
        promised: whether the row's own theorem bounds the cost with this h.
        targets: node ids to be reached in turn, the goal last.
    """

    table: npt.NDArray[np.float64]
    promised: bool
    targets: tuple[int, ...]


def rival_question(
    request: Request, heuristic: Heuristic | None, lower_bound: bool, guidance: Guidance | None
) -> RivalQuestion:
    """Check what a user passed to a rival.

    Raises:
        ValueError: a heuristic that is no lower bound, guidance that the row does not follow, or a
            reward that breaks the edge test and would be followed without re-opening or a proof.
    """
    map, costs, goal, row = request.map, request.costs, request.goal, request.row
    assert isinstance(row, Rival)
    bound, consistent = default_bound(map, goal, costs), True
    if heuristic is not None:
        bound, proves, consistent = user_heuristic(map, goal, costs, heuristic, lower_bound)
        if not proves:
            raise ValueError(
                f"{row.name!r} needs a lower bound: declare the heuristic with lower_bound=True, "
                f"or let it lead 'wastar'"
            )
    _check_guidance(row, guidance)
    table = NO_TABLE
    targets: tuple[int, ...] = (goal,)
    if row.guide == "rewards":
        table = _reward_table(request, row, tabulate(bound, map.size), guidance)
    elif isinstance(guidance, WaypointGuidance):
        targets = (*(v for v in guidance.waypoints if v != goal), goal)
    elif _has_estimate(guidance):
        table = read_only(estimate_table(request, guidance))
    return RivalQuestion(
        map, costs, request.start, goal, row, request.weight, request.options, False,
        space_of(map, costs), bound, consistent, Key(PRIORITY, 1.0, request.weight, NO_TABLE), (),
        (), table, _promised(map, costs, row, bound, consistent), targets,
    )  # fmt: skip


def _promised(map: Map, costs: CostField | None, row: Rival, bound: Any, consistent: bool) -> bool:
    """Whether the row needs no proof with this h.

    With re-opening any lower bound will do. Without it h has to be consistent, and where a key
    rises faster than h (XDP near the goal) also backward, so that h rises along no edge by more
    than its cost: then `key(h + d, g + c) <= key(h, g) + c + d` for all d in [-c, c], and by
    induction every closed node has `key <= g* + h`, which is at most the optimum at the goal.
    """
    if row.order == kernel.LEAD_TABLE:
        return row.repair != "prove" and row.bounded
    if row.repair != "none" and row.phases != "weights":
        return row.repair == "reopen"
    promised = consistent or _is_consistent(map, costs, bound)
    closed_form = isinstance(bound, Bound) and bound.kind != TABLE
    if row.order in (kernel.XDP, kernel.PWXDP) and not closed_form:
        promised = promised and _is_consistent(map, costs, bound, backward=True)
    return promised


def _has_estimate(guidance: Guidance | None) -> TypeGuard[Guidance]:
    """Whether E was asked for by name or given; `"auto"` asks for none of a rival."""
    if guidance is None or not isinstance(guidance.estimate, str):
        return guidance is not None
    return guidance.estimate == "tiles"


def _check_guidance(row: Rival, guidance: Guidance | None) -> None:
    if guidance is None:
        return
    if not row.guide:
        raise ValueError(f"{row.name!r} does not follow guidance: guide 'wastar' by it")
    given = set()
    if isinstance(guidance, WaypointGuidance):
        given.add("waypoints")
    elif _has_estimate(guidance):
        given.add("estimate")
    if isinstance(guidance.rewards, str) or guidance.rewards:
        given.add("rewards")
    for part in given - {row.guide}:
        raise ValueError(f"{row.name!r} does not follow {part}: guide 'wastar' by it")


def _is_consistent(map: Map, costs: CostField | None, bound: Any, backward: bool = False) -> bool:
    """Whether h falls (`backward`: rises) along no edge by more than its cost."""
    h = tabulate(bound, map.size)
    known = h < UNREACHABLE
    h = np.minimum(h, h[known].max(initial=0.0))
    return satisfies_edge_test(map, costs, -h if backward else h, 1.0)


def _reward_table(
    request: Request, row: Rival, h: npt.NDArray[np.float64], guidance: Guidance | None
) -> npt.NDArray[np.float64]:
    """phi of the key `g + phi`, `0 <= phi <= w h`."""
    map, costs, w = request.map, request.costs, request.weight
    guidance = Guidance(rewards="auto") if guidance is None else guidance
    reward = reward_total(map, costs, guidance)
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.isfinite(reward).all():
            raise ValueError("the rewards add up beyond float64: scale them down")
        lead_weight = w if guidance.lead_weight is None else guidance.lead_weight
        if row.name.startswith("additive"):
            phi = np.clip(lead_weight * h - reward, 0.0, w * h)
        else:
            largest = float(np.abs(reward).max(initial=0.0))
            share = reward / largest if largest > 0 else reward
            phi = np.clip(lead_weight * (1.0 - share), 0.0, w) * h
    if row.repair == "none":
        _demand_edge_test(map, costs, phi, w, row)
    return read_only(np.ascontiguousarray(phi))


def _demand_edge_test(
    map: Map, costs: CostField | None, phi: npt.NDArray[np.float64], w: float, row: Rival
) -> None:
    edge = steepest_edge(map, costs, phi, w)
    if edge is None:
        return
    u, v, cost = edge
    safe = row.name.removesuffix("-unproved")
    raise ValueError(
        f"{row.name!r} has no bound here: from {map.label(u)!r} to {map.label(v)!r} the lead falls "
        f"by {phi[u] - phi[v]:.6g}, more than weight {w:g} x cost {cost:.6g}; without re-opening "
        f"or a proof every move must pass this edge test: choose {safe!r}"
    )
