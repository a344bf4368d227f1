"""The table of choosers: one protocol, one assessment of the orders, one rule per row.

Every chooser sees the same feasible candidates with the same verified values, and the same battery
rule stands before all of them; a row only says which candidate it takes. The rows are the agents of
the textbook, told apart by what they look at and what they minimise:

* ``reflex``: the beeline to the pick; no map.
* ``model``: that beeline in seconds, corrected by what belief says of the nodes along it.
* ``goal``: the driving time to the drop, on the way that the path planner has found.
* ``utility``: the whole expected cost: way, risk, energy, and everybody's lateness.
* ``deep``, ``exact``: that cost of a whole plan for a batch of orders, charging included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .beeline import READ, Beeline, look_along
from .decision import Candidate, Decision, Refusal
from .legs import FieldCache, Leg, Legs
from .reserve import DEFAULT_RULE, ChargeRule, without_order
from .snapshot import Order, Snapshot, natural_key

if TYPE_CHECKING:
    from .asking import Limits


class Chooser(Protocol):
    """Decides what the robot does next."""

    @property
    def name(self) -> str:
        """The name in the table, which `Decision.decided_by` repeats."""
        ...

    def choose(self, snapshot: Snapshot) -> Decision:
        """The next goal, with reasons."""
        ...

    def describe(self) -> str:
        """One line on who decides."""
        ...


@dataclass(frozen=True)
class Assessment:
    """All orders of a snapshot, judged: feasible candidates (natural order) and refusals.

    ``waiting`` are orders that nothing speaks against but a lack of room, or those that they are to
    follow: a plan may begin them later, and the latter at once.
    """

    snapshot: Snapshot
    legs: Legs
    candidates: tuple[Candidate, ...]
    refused: tuple[Refusal, ...]
    waiting: tuple[Candidate, ...] = ()

    def take(self, chosen: Candidate, decided_by: str, reason: str) -> Decision:
        """The decision for one of the candidates."""
        least_s = min(one.total_s for one in (chosen, *self.candidates))
        return Decision(
            kind="order",
            goal=chosen.goal,
            decided_by=decided_by,
            reason=reason,
            terms=chosen.terms,
            candidates=self.candidates + ((chosen,) if chosen in self.waiting else ()),
            refused=self.refused,
            lower_bound_s=least_s,
            gap=_gap(chosen.total_s, least_s),
        )


def assess(
    snapshot: Snapshot, cache: FieldCache | None = None, rule: ChargeRule = DEFAULT_RULE
) -> Assessment:
    """Judge every order of a snapshot: released, reachable, with room, within the battery rule.

    Candidates carry ``others_s`` as `Candidate` defines it; it counts all other released orders
    that can be reached, those that are refused now included. Orders on board are candidates with
    what is left of them. An order is refused as ``after`` while orders that it is to follow are
    still there: picking it ahead of them can fill the robot for good, so it is left to plans, which
    see further; what is on board may go on to any stop but its last one.
    """
    legs = Legs(snapshot, cache)
    open_legs: dict[str, tuple[Leg, ...]] = {}
    refused: list[Refusal] = []
    orders = sorted(snapshot.orders, key=lambda order: natural_key(order.id))
    for order in orders:
        found = legs.order(order)
        if order.release_s > snapshot.time_s and order.id not in snapshot.on_board:
            sentence = f"{order.id} is released in {order.release_s - snapshot.time_s:.0f} s"
            refused.append(Refusal(order.id, "not_released", sentence))
        elif found is None:
            sentence = f"{order.id} cannot be reached: no path joins the robot and its stops"
            refused.append(Refusal(order.id, "unreachable", sentence))
        else:
            open_legs[order.id] = found
    reachable = [order for order in orders if order.id in open_legs]
    candidates: list[Candidate] = []
    waiting: list[Candidate] = []
    for order in reachable:
        waits = _full(snapshot, order) or _after(snapshot, order)
        by_rule = rule.refusal(snapshot, legs, order, open_legs[order.id])
        no = waits or by_rule
        if no is not None:
            refused.append(no)
        if by_rule is None:
            made = _candidate(legs, snapshot, order, open_legs, reachable)
            (candidates if waits is None else waiting).append(made)
    refused.sort(key=lambda refusal: natural_key(refusal.goal))
    return Assessment(snapshot, legs, tuple(candidates), tuple(refused), tuple(waiting))


def _full(snapshot: Snapshot, order: Order) -> Refusal | None:
    held = snapshot.on_board
    if order.id in held or len(held) < snapshot.capacity:
        return None
    names = ", ".join(sorted(held, key=natural_key))
    return Refusal(order.id, "full", f"{order.id} finds no room: {names} on board")


def _after(snapshot: Snapshot, order: Order) -> Refusal | None:
    sooner = snapshot.sooner(order) if snapshot.after else ()
    goes_on = order.id in snapshot.on_board and len(order.stops) > 1 and snapshot.capacity > 1
    if not sooner or goes_on:
        return None
    sentence = f"{order.id} is to follow {', '.join(sooner)}, still to be delivered"
    return Refusal(order.id, "after", sentence)


def _candidate(
    legs: Legs,
    snapshot: Snapshot,
    order: Order,
    open_legs: Mapping[str, tuple[Leg, ...]],
    reachable: list[Order],
) -> Candidate:
    own = open_legs[order.id]
    arrival_s = snapshot.time_s + math.fsum(leg.time_s for leg in own)
    turn, turn_s = order.drop, arrival_s  # where and when the others may come next
    if snapshot.capacity > 1:
        turn, turn_s = order.pick, snapshot.time_s + own[0].time_s
    to_charger = legs.to_charger(order.drop, snapshot.kg_after(order))
    weights = snapshot.lateness_weights
    late_s = []
    for other in reachable:
        if other is not order and other.due_s < math.inf:
            direct = legs.order(other, start=turn)
            took_s = math.inf if direct is None else math.fsum(leg.time_s for leg in direct)
            late_s.append(other.lateness_s(turn_s + took_s, weights))
    return Candidate(
        order=order,
        legs=own,
        arrival_s=arrival_s,
        lateness_s=order.lateness_s(arrival_s, weights),
        others_s=math.fsum(late_s),
        to_charger_wh=0.0 if to_charger is None else to_charger[1].energy_wh,
        charger=None if to_charger is None else to_charger[0],
        straight_m=_straight_m(snapshot, order.pick),
    )


def _straight_m(snapshot: Snapshot, node: int) -> float | None:
    if getattr(snapshot.map, "position_m", True) is None:
        return None
    here, there = snapshot.map.positions_m(np.array([snapshot.robot, node]))
    return float(np.hypot(*(there - here)))


def _gap(total_s: float, least_s: float) -> float:
    if total_s <= least_s:
        return 0.0
    return (total_s - least_s) / least_s if least_s > 0.0 else math.inf


Rule = Callable[[Assessment], tuple[Candidate, str]]


def reflex(candidates: tuple[Candidate, ...]) -> tuple[Candidate, str]:
    """The order whose pick is nearest as the crow drives; no path cost enters.

    On a graph without positions the length of the way to the pick stands in for the beeline.
    """
    best = min(candidates, key=lambda c: (_beeline_m(c), natural_key(c.goal)))
    if best.straight_m is None:
        return best, f"{best.goal} has the shortest way to its pick, {_beeline_m(best):.1f} m"
    return best, f"{best.goal} has the nearest pick, {_beeline_m(best):.1f} m in a straight line"


def _beeline_m(candidate: Candidate) -> float:
    if candidate.straight_m is None:
        return candidate.legs[0].length_m
    return candidate.straight_m


def model(found: Assessment) -> tuple[Candidate, str]:
    """The order whose pick is the fewest seconds away along the beeline, as belief has it.

    `beeline.look_along` says what is read: base pace, congestion and blockage at the nodes along
    the line, and how much of the line the map has closed. No way is searched for. On a graph
    without positions the way to the pick stands in, at the same layers.
    """
    snapshot = found.snapshot
    lines = {
        c.goal: look_along(snapshot.map, snapshot.costs, snapshot.robot, c.order.pick)
        for c in found.candidates
    }

    def seconds(candidate: Candidate) -> float:
        line = lines[candidate.goal]
        layers = candidate.legs[0].layers
        return sum(layers.get(n, 0.0) for n in ("base", *READ)) if line is None else line.total_s

    best = min(found.candidates, key=lambda c: (seconds(c), natural_key(c.goal)))
    return best, f"{best.goal} has the nearest pick, {_said(lines[best.goal], seconds(best))}"


def _said(line: Beeline | None, seconds: float) -> str:
    if line is None:
        return f"{seconds:.1f} s of way, congestion and blockage"
    return (
        f"{seconds:.1f} s along {line.length_m:.1f} m of straight line: {line.travel_s:.1f} s + "
        f"{line.layers_s:.1f} s congestion and blockage + {line.around_s:.1f} s for "
        f"{line.closed_m:.1f} m that are closed"
    )


def goal(candidates: tuple[Candidate, ...]) -> tuple[Candidate, str]:
    """The order that can be delivered soonest: least driving time robot -> pick -> ... -> drop.

    The ways are the path planner's. Due times, risk, energy and the other orders do not count.
    """
    best = min(candidates, key=lambda c: (c.time_s, natural_key(c.goal)))
    said = f"{best.time_s:.1f} s of driving, {best.length_m:.1f} m"
    return best, f"{best.goal} can be delivered soonest, {said}"


def earliest(candidates: tuple[Candidate, ...]) -> tuple[Candidate, str]:
    """The order that is due first; ties: released first, then natural order of ids."""
    orders = {c.goal: c.order for c in candidates}
    best = min(
        candidates,
        key=lambda c: (orders[c.goal].due_s, orders[c.goal].release_s, natural_key(c.goal)),
    )
    due_s = best.order.due_s
    when = "no order has a due time; it was released first" if due_s == math.inf else "due first"
    return best, f"{best.goal}: {when}" + ("" if due_s == math.inf else f", at {due_s:.0f} s")


def utility(candidates: tuple[Candidate, ...]) -> tuple[Candidate, str]:
    """The order of the least total cost if it comes next.

    ``total = sum of leg costs + p * max(0, arrival - due)`` of this order ``+ the sum over every
    other open order o of p_o * max(0, arrival + T(drop -> pick_o -> drop_o) - due_o)``: the
    interface's objective over all open orders, each other one driven directly after this one. The
    others do not delay one another in it, so it is optimistic; it is the same for every candidate.
    Where more than one order fits on board, the others are driven directly after its next stop:
    at saturation that delivers 11 to 15 % more than after its drop.
    """
    best = min(candidates, key=lambda c: (c.total_s, natural_key(c.goal)))
    reason = (
        f"{best.goal} has the least total of {len(candidates)}: {best.total_s:.1f} s = "
        f"{best.cost_s:.1f} s driving cost + {best.lateness_s:.1f} s own lateness + "
        f"{best.others_s:.1f} s lateness of the others"
    )
    return best, reason


RULES: Mapping[str, Rule] = {
    "reflex": lambda found: reflex(found.candidates),
    "model": model,
    "goal": lambda found: goal(found.candidates),
    "earliest": lambda found: earliest(found.candidates),
    "utility": lambda found: utility(found.candidates),
}
ALIASES: Mapping[str, str] = {"nearest": "reflex"}
PLANNING: tuple[str, ...] = ("deep", "exact")
CHOOSERS: tuple[str, ...] = (*RULES, "llm", *PLANNING)
"""Names that `make_chooser` knows, aliases apart."""


class RuleChooser:
    """A chooser that applies one row of `RULES` to the feasible candidates."""

    def __init__(self, name: str, charge_rule: ChargeRule = DEFAULT_RULE) -> None:
        self.name = name
        self._rule = RULES[name]
        self._charge_rule = charge_rule
        self._cache = FieldCache()

    def describe(self) -> str:
        """One line on who decides."""
        return f"{self.name} decides; no language model is asked"

    def choose(self, snapshot: Snapshot) -> Decision:
        """The next goal by this row's rule; the charger or a wait where no order is feasible."""
        found = assess(snapshot, self._cache, self._charge_rule)
        if not found.candidates:
            return without_order(snapshot, found.legs, found.refused, self.name, self._charge_rule)
        chosen, reason = self._rule(found)
        return found.take(chosen, self.name, reason)


def make_chooser(
    name: str,
    *,
    llm_url: str | None = None,
    model: str | None = None,
    deadline_s: float = 10.0,
    log: str | Path | None = None,
    replay: str | Path | None = None,
    charge_rule: ChargeRule = DEFAULT_RULE,
    limits: Limits | None = None,
) -> Chooser:
    """The chooser of that name: one of `CHOOSERS`, or ``nearest``, which is ``reflex``.

    Only ``llm`` and ``deep`` take the other arguments: an endpoint (``http(s)://.../v1``, or
    ``replay:FILE``), the model's name, the seconds of one decision, a JSONL file to log calls to,
    a logged file to replay, and limits on what all calls together may take. The model of ``llm``
    chooses among verified candidates, that of ``deep`` proposes plans. Nothing is sent without
    ``llm_url``, whatever the environment says; ``llm`` without an endpoint lets utility decide and
    says so.

    Raises ValueError for an unknown name, for model options of another chooser, for a bad url or
    file, and for a deadline, whoever decides, that is no positive number.

    >>> make_chooser("nearest").name
    'reflex'
    >>> make_chooser("llm").describe()
    'utility decides; no language model is asked (give --llm URL to ask one)'
    """
    known = ALIASES.get(name, name)
    if known not in CHOOSERS:
        names = ", ".join((*CHOOSERS, *ALIASES))
        raise ValueError(f"unknown chooser {name!r}: one of {names}")
    check_deadline(deadline_s)
    if known == "llm":
        from .llm import make_llm  # the model's machinery is loaded only for those who ask

        return make_llm(llm_url, model, deadline_s, log, replay, charge_rule, limits)
    if known == "deep":
        from .goals.chooser import GoalChooser  # so is the machinery of planning
        from .llm import make_asking

        asking = make_asking(llm_url, model, log, limits, replay)
        return GoalChooser(rule=charge_rule, asking=asking, deadline_s=deadline_s)
    options = {"llm_url": llm_url, "model": model, "log": log, "replay": replay, "limits": limits}
    _expect_none(name, options)
    if known == "exact":
        from .deep import make_exact

        return make_exact(charge_rule)
    return RuleChooser(known, charge_rule)


def _expect_none(name: str, options: Mapping[str, object]) -> None:
    """Raise ValueError for an option that only a model's chooser has."""
    for option, value in options.items():
        if value is not None:
            from .client import bare_url

            shown = bare_url(str(value))
            raise ValueError(
                f"chooser {name!r} asks no model: choose 'llm' or 'deep', give notes for it to "
                f"read, or leave out {option}={shown!r}"
            )


def check_deadline(deadline_s: float) -> None:
    """Raise ValueError where the seconds of a decision are not finite and above 0."""
    if not 0.0 < deadline_s < math.inf:
        raise ValueError(f"deadline_s is {deadline_s!r}: give seconds above 0, such as 10")
