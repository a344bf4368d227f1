"""Critics of a plan that is walked: ways, energy, time, cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .spans import Drive, Span
from .verdict import SLACK, Case, Critic, Status, Verdict, bad
from .walk import Step, Walk


def _of_spans(
    critic: str, code: str, value: Span, most: Span, sentence: str, witness: Mapping[str, Any],
    drives: tuple[Drive, ...],
) -> Verdict | None:  # fmt: skip
    """Whether ``value <= most``, all of both spans considered; None: proven."""
    if value.most <= most.least + SLACK:
        return None
    status: Status = "bad" if value.least > most.most + SLACK else "unknown"
    return Verdict(critic, status, code, sentence, witness, drives if status == "unknown" else ())


def _worst(found: list[Verdict | None]) -> Verdict | None:
    """The first that is bad, else the first that is unknown."""
    said = [verdict for verdict in found if verdict is not None]
    return next((v for v in said if v.status == "bad"), said[0] if said else None)


def _until(walked: Walk, k: int) -> tuple[Drive, ...]:
    """The legs that step k hangs on, those of the steps before it included."""
    return tuple(drive for step in walked.steps[: k + 1] for drive in step.drives)


def reach(case: Case) -> Verdict | None:
    """A way leads to every stop."""
    steps = case.walk.steps
    for k, step in enumerate(steps):
        drive = step.drives[0]
        cost_s = case.legs.leg(drive).cost_s
        if cost_s.least == math.inf:
            said = f"no way leads to stop {k}, node {step.stop.node}, from node {drive.start}"
            return bad("reach", "unreachable", said, stop=k, start=drive.start)
        if cost_s.most == math.inf:
            said = f"whether a way leads to stop {k} is not known"
            return Verdict("reach", "unknown", "unreachable", said, {"stop": k}, (drive,))
    return None


def exclusive(case: Case) -> Verdict | None:
    """No stop and no way in what is closed, for as long as it is.

    The robot is in an aisle from the moment at which it sets out for its first node there.
    """
    found = []
    for name, nodes in case.limits.closed.items():
        zone, steps = frozenset(nodes), case.walk.steps
        stops_first = sorted(range(len(steps)), key=lambda k: steps[k].stop.node not in zone)
        found += [_entered(case, name, zone, k) for k in stops_first]
    return _worst(found)


def _entered(case: Case, name: str, zone: frozenset[int], k: int) -> Verdict | None:
    """Whether step k keeps out of a zone until it opens; None: proven."""
    opens_s = case.limits.opens_s.get(name, math.inf)
    step, drive = case.walk.steps[k], case.walk.steps[k].drives[0]
    stops_there = step.stop.node in zone
    if not stops_there and all(case.snapshot.map.is_blocked(node) for node in zone):
        return None  # no way leads there
    left_s = case.walk.steps[k - 1].time_s if k else Span(0.0, 0.0)
    at = left_s.plus(case.snapshot.time_s)  # not in before that
    node, surely = step.stop.node, stops_there
    if case.legs.leg(drive).exact:
        inside = next((i for i, n in enumerate(case.legs.nodes(drive)) if n in zone), None)
        if inside is None:
            return None
        node, surely = case.legs.nodes(drive)[inside], True
        at = at.plus(case.legs.seconds_to(drive, max(0, inside - 1)))
    elif opens_s < math.inf:
        at = Span(at.least, at.plus(case.legs.leg(drive).time_s).most)
    if at.least >= opens_s - SLACK:
        return None
    until = "" if opens_s == math.inf else f" until {opens_s:.1f} s"
    if surely and (opens_s == math.inf or at.most < opens_s - SLACK):
        what = (
            f"stop {k}, node {node}, is in" if stops_there else f"the way to stop {k} leads through"
        )
        return bad("exclusive", "closed", f"{what} {name}, which is closed{until}",
                   stop=k, node=node, enters_s=at)  # fmt: skip
    said = f"whether the way to stop {k} keeps out of {name} is not known{until and ',' + until}"
    return Verdict("exclusive", "unknown", "closed", said, {"stop": k, "enters_s": at},
                   _until(case.walk, k))  # fmt: skip


def battery(case: Case) -> Verdict | None:
    """At every drop the reserve and the way to a charger are left, at every charger the reserve."""
    return _worst([_battery(case, k, step) for k, step in enumerate(case.walk.steps)])


def _battery(case: Case, k: int, step: Step) -> Verdict | None:
    if step.needed_wh is None:
        return None
    if step.needed_wh.least == math.inf:
        said = f"no charger can be reached from stop {k}, node {step.stop.node}"
        return bad("battery", "no_charger", said, stop=k)
    what = "in reserve" if step.stop.kind == "charge" else "in reserve and for the way to a charger"
    said = (
        f"stop {k} is reached with {_shown_span(step.before_wh)} Wh: "
        f"{_shown_span(step.needed_wh)} Wh must be left {what}"
    )
    witness = {"stop": k, "wh": step.before_wh, "needed_wh": step.needed_wh}
    return _of_spans(
        "battery", "battery", step.needed_wh, step.before_wh, said, witness, _until(case.walk, k)
    )


def _shown_span(span: Span) -> str:
    least, most = (f"{value:.1f}" for value in span)
    return least if least == most else f"{least} to {most}"


def windows(case: Case) -> Verdict | None:
    """Every order with a hard end of its window is there by then."""
    found = []
    for k, step in enumerate(case.walk.steps):
        order = case.wanted.get(str(step.stop.order))
        if order is None or order.id not in case.limits.latest_s or order.drop != step.stop.node:
            continue
        if step.stop.place == len(order.stops) - 1:
            end_s = case.limits.latest_s[order.id]
            at = step.time_s.plus(case.snapshot.time_s)
            said = f"{order.id} is there at {_shown_span(at)} s, by {end_s:.1f} s is asked"
            found.append(
                _of_spans(
                    "windows", "late", at, Span(end_s, end_s), said,
                    {"stop": k, "order": order.id, "arrival_s": at}, _until(case.walk, k),
                )
            )  # fmt: skip
    return _worst(found)


def budget(case: Case) -> Verdict | None:
    """The objective stays within the budget."""
    most_s, total_s = case.limits.budget_s, case.walk.total_s
    if most_s == math.inf:
        return None
    said = f"the plan costs {_shown_span(total_s)} s: {most_s:.1f} s are allowed"
    drives = _until(case.walk, len(case.walk.steps))
    return _of_spans(
        "budget", "budget", total_s, Span(most_s, most_s), said, {"total_s": total_s}, drives
    )


WALKED: Mapping[str, Critic] = {
    "reach": reach, "exclusive": exclusive, "battery": battery, "windows": windows,
    "budget": budget,
}  # fmt: skip
