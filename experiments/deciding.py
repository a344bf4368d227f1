"""One decision on one snapshot, with all that led to it: `aislewise decide` in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from planners.tasks import Candidate, Chooser, Decision, NamedSnapshot, Refusal, make_chooser
from planners.tasks.applying import apply
from planners.tasks.asking import Asking
from planners.tasks.constraints import as_json
from planners.tasks.critics import Limits, Verdict, judge
from planners.tasks.goals import Decomposition, GoalChooser, Trajectory, decompose
from planners.tasks.llm import LlmChooser, make_asking
from planners.tasks.local import endpoint
from planners.tasks.names import Names
from planners.tasks.rollout import Rollout, roll_out

from .shift import ASKING

AskingChooser = LlmChooser | GoalChooser


@dataclass(frozen=True)
class Asked:
    """Who is to decide, and which model may be asked; nothing is sent without ``llm``.

    ``llm`` is an address, ``local`` or ``replay:FILE``; ``log`` takes every call.

    Raises ValueError for an unknown chooser, and where a model is given and neither the chooser nor
    notes would ask it.
    """

    chooser: str | None = None
    notes: str = ""
    llm: str | None = None
    model: str | None = None
    deadline_s: float = 10.0
    log: Path | None = None

    def __post_init__(self) -> None:
        make_chooser(self.chooser_name)  # an unknown name is said before anything else
        if self.llm is not None and self.chooser_name not in ASKING and not self.notes:
            raise ValueError(
                f"--llm has nothing to do: chooser {self.chooser_name} asks no model, and there "
                "are no notes to read; choose llm or deep, give --notes, or leave it out"
            )

    @property
    def chooser_name(self) -> str:
        """Utility unless named; llm where an endpoint is given."""
        return self.chooser or ("utility" if self.llm is None else "llm")

    def make(self) -> Chooser:
        """The chooser; ValueError as `make_chooser`."""
        if self.chooser_name not in ASKING:
            return make_chooser(self.chooser_name)
        return make_chooser(
            self.chooser_name, llm_url=self.llm, model=self.model, deadline_s=self.deadline_s,
            log=None if self.llm is None else self.log,
        )  # fmt: skip

    def asking(self, chooser: Chooser) -> Asking | None:
        """Who is asked about notes: whoever the chooser asks, else whom ``llm`` names."""
        if isinstance(chooser, AskingChooser):
            return chooser.asking
        return make_asking(self.llm, self.model, None if self.llm is None else self.log)


@dataclass(frozen=True)
class Noted:
    """What notes made of a snapshot: constraints as in the interface, words for people."""

    named: NamedSnapshot
    constraints: tuple[dict[str, Any], ...] = ()
    said: tuple[str, ...] = ()
    rejected: tuple[dict[str, Any], ...] = ()
    refused: tuple[Refusal, ...] = ()
    goal: Decomposition = field(default_factory=Decomposition)


@dataclass(frozen=True)
class Decided:
    """The answer: the first decision, the plan that it leads to, and what critics say of it.

    ``calls`` counts questions to a model, about notes or to decide, retries included.
    """

    noted: Noted
    chooser: Chooser
    rollout: Rollout
    verdicts: tuple[Verdict, ...]
    calls: int = 0

    @property
    def decision(self) -> Decision:
        """The first decision, with the orders that notes took out among the refused."""
        refused = (*self.rollout.first.refused, *self.noted.refused)
        return replace(self.rollout.first, refused=refused)

    @property
    def objections(self) -> tuple[Verdict, ...]:
        """What critics say against the plan."""
        return tuple(verdict for verdict in self.verdicts if verdict.status != "ok")

    def as_dict(self) -> dict[str, Any]:
        """The document of ``decide --json``."""
        rolled, named = self.rollout, self.noted.named
        return {
            "decision": _decision(self.decision, named),
            "plan": _plan(rolled, named),
            "total_cost_s": rolled.total_s,
            "lower_bound_s": rolled.lower_bound_s,
            "gap": rolled.gap,
            "decided_by": self.decision.decided_by,
            "constraints": list(self.noted.constraints),
            "rejected": self.rejected,
            "calls": self.calls,
            "trajectory": self.trajectory.as_json(),
        }

    @property
    def trajectory(self) -> Trajectory:
        """How the first decision came about: the goal's parts, and what was weighed."""
        own = self.rollout.first.trajectory or Trajectory()
        return Trajectory((*self.noted.goal.steps(), *own.steps))

    @property
    def rejected(self) -> list[dict[str, Any]]:
        """Everything that was not taken: orders, clauses of notes, replies, and what is wrong."""
        orders = {no.goal: no for no in (*self.noted.refused, *self.rollout.refused)}
        found: list[dict[str, Any]] = [
            {"what": "order", "of": no.goal, "code": no.code, "reason": no.sentence}
            for no in orders.values()
        ]
        found += self.noted.rejected
        if isinstance(self.chooser, AskingChooser):
            found += [
                {"what": "reply", "of": "chooser", "code": kind, "reason": f"{count} times"}
                for kind, count in sorted(self.chooser.counts.rejections.items())
            ]
        found += [
            {"what": "plan", "of": v.critic, "code": v.code, "reason": v.sentence}
            for v in self.objections
        ]
        return found


def decide(named: NamedSnapshot, asked: Asked) -> Decided:
    """Read the notes, let the chooser decide, roll it out, and let the critics look at the plan.

    The model ``local`` is served until the decision is made. Raises ValueError as `make_chooser`;
    OSError where the local model's server does not start.
    """
    with endpoint(asked.llm, asked.model) as (llm, model):
        return _decide(named, replace(asked, llm=llm, model=model))


def _decide(named: NamedSnapshot, asked: Asked) -> Decided:
    chooser = asked.make()
    text = asked.notes or named.snapshot.notes
    asking = asked.asking(chooser)
    noted = noted_of(named, text, asking, asked.deadline_s) if text else Noted(named)
    if isinstance(chooser, GoalChooser):
        chooser.groups = tuple(group.orders for group in noted.goal.groups)
    snapshot = replace(noted.named.snapshot, notes=text)
    rolled = roll_out(snapshot, chooser)
    verdicts = judge(snapshot, rolled.plan, Limits(orders=rolled.served)) if rolled.served else ()
    return Decided(noted, chooser, rolled, verdicts, asking.counts.calls if asking else 0)


def noted_of(
    named: NamedSnapshot, text: str, asking: Asking | None = None, deadline_s: float = 10.0
) -> Noted:
    """The snapshot under its notes, read by rules, and by a model where one may be asked."""
    names = _names(named)
    goal = decompose(text, named.snapshot, names, asking=asking, deadline_s=deadline_s)
    found = goal.translation
    applied = apply(goal.into(named.snapshot), found.constraints, names)
    items = {o.id: named.items[o.id] for o in applied.snapshot.orders if o.id in named.items}
    return Noted(
        named=replace(named, snapshot=applied.snapshot, items=items),
        constraints=tuple(as_json(one) for one in found.constraints),
        said=(
            *goal.words(),
            *found.echo(names),
            *applied.changes[len(found.constraints) :],
            *applied.notes,
        ),
        rejected=found.rejected,
        refused=applied.refused,
        goal=goal,
    )


def _names(named: NamedSnapshot) -> Names:
    """What the reader of notes wants to know of names."""
    docks = {order.id: named.dock_of(order) for order in named.snapshot.orders}
    return Names(
        named.items, {order: dock for order, dock in docks.items() if dock}, named.aisles,
        named.clock_s,
    )  # fmt: skip


def _decision(decision: Decision, named: NamedSnapshot) -> dict[str, Any]:
    return {
        "kind": decision.kind,
        "goal": decision.goal,
        "reason": decision.reason,
        "terms": dict(decision.terms),
        "candidates": [_candidate(one, named) for one in decision.candidates],
        "refused": [
            {"goal": no.goal, "code": no.code, "sentence": no.sentence} for no in decision.refused
        ],
    }


def _candidate(one: Candidate, named: NamedSnapshot) -> dict[str, Any]:
    return {
        "goal": one.goal,
        "item": named.items.get(one.goal),
        "dock": named.dock_of(one.order),
        "priority": one.order.priority,
        "due_in_s": one.order.due_s - named.snapshot.time_s,
        "arrives_in_s": one.arrival_s - named.snapshot.time_s,
        "length_m": one.length_m,
        "energy_wh": one.energy_wh,
        "straight_m": one.straight_m,
        "terms": one.terms,
    }


def _plan(rolled: Rollout, named: NamedSnapshot) -> list[Mapping[str, Any]]:
    """The stops, and the seconds from now and the charge on leaving each."""
    return [
        {**step.stop.as_json(), "at_s": step.time_s.most, "charge_wh": step.wh.least,
         "late_s": step.late_s.most}
        for step in rolled.walk.steps
    ]  # fmt: skip
