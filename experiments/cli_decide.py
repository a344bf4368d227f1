"""`aislewise snapshot` and `aislewise decide`: a moment as a file, and what to do in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_output import print_json, print_table, shown

if TYPE_CHECKING:
    from planners.tasks import NamedSnapshot

    from .deciding import Decided


@click.command()
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Of the orders, what they are of, and what is popular.")  # fmt: skip
@click.option("--orders", type=click.IntRange(1, 200), default=5, show_default=True, metavar="N",
              help="How many orders are open.")  # fmt: skip
@click.option("--capacity", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
              help="How many orders fit on board at once.")  # fmt: skip
@click.option("--map", "map_file", metavar="FILE", help="A map or a road network to live on.")
@click.option("--layout", metavar="NAME",
              help="A ready floor: built-in (default), small, long-corridor, sortation, fishbone "
              "or cross-aisles.")  # fmt: skip
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Where to (runs/snapshot-FLOOR-seedS.json).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document, nothing else.")
def snapshot(
    seed: int, orders: int, capacity: int, map_file: str | None, layout: str | None,
    out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Write the start of a shift as one file, to decide on.

    The file holds all that a chooser may know: the map itself, what belief prices it at, the robot
    and its charge, the open orders with items and docks, chargers, aisles by name.
    """
    from planners.tasks import save_snapshot

    from .snapshots import take_snapshot

    if map_file is not None and layout is not None:
        raise click.UsageError(f"--map {map_file} and --layout {layout} are two floors: give one")
    place = map_file or layout or "built-in"
    found, said = take_snapshot(place, orders=orders, seed=seed, capacity=capacity)
    floor = layout or ("built-in" if map_file is None else Path(map_file).stem)
    if out is None:
        out = Path("runs", f"snapshot-{floor}-seed{seed}.json")
        out.parent.mkdir(exist_ok=True)
    save_snapshot(out, found)
    for remark in said:
        click.echo(remark, err=True)
    if as_json:
        print_json(_described(found, out))
        return
    now = found.snapshot
    title = f"{len(now.orders)} orders on {floor}, {100 * now.soc:.0f} % charge"
    print_table(title, ("order", "item", "to", "due in s", "priority", "kg"), [
        (order.id, found.items.get(order.id), found.dock_of(order), order.due_s - now.time_s,
         order.priority, order.kg)
        for order in now.orders
    ])  # fmt: skip
    click.echo(f"written to {out}; next: aislewise decide {out}")


def _described(found: NamedSnapshot, out: Path) -> dict[str, Any]:
    now = found.snapshot
    return {
        "file": str(out),
        "nodes": now.map.size,
        "orders": [order.id for order in now.orders],
        "items": dict(found.items),
        "docks": len(found.docks),
        "aisles": len(found.aisles),
        "chargers": list(now.chargers),
        "layers": list(now.costs.layers),
        "soc": now.soc,
        "capacity": now.capacity,
    }


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--chooser", metavar="NAME",
              help="reflex (alias nearest), model, goal, earliest, utility, llm, deep or exact "
              "(utility; llm where --llm is given).")  # fmt: skip
@click.option("--notes", metavar="TEXT|@FILE",
              help="What people have to say, instead of the notes in FILE.")  # fmt: skip
@click.option("--llm", metavar="URL|local|replay:FILE",
              help="An OpenAI-compatible endpoint, a tiny model on this machine (make llm-local), "
              "or recorded calls, for llm, deep or notes; nothing is sent without.")  # fmt: skip
@click.option("--model", metavar="NAME", help="The model to ask that endpoint for.")
@click.option("--llm-deadline", "deadline_s", metavar="S", type=float, default=10.0,
              show_default=True, help="Seconds of one question, retries included.")  # fmt: skip
@click.option("--log", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Append every call to it, for --llm replay:FILE.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document, nothing else.")
def decide(file: Path, notes: str | None, as_json: bool, **asked: Any) -> None:
    """Decide what the robot of a snapshot does next, and say why.

    FILE is what `aislewise snapshot` wrote. The chooser is asked until all orders are served; the
    plan that comes of it is charged as well as its sequence allows, whoever decided, and compared
    with what no plan can beat.
    """
    from planners.tasks import load_snapshot

    from .deciding import Asked
    from .deciding import decide as decide_on
    from .shift_notes import read_notes

    _refuse_lonely(asked)
    named = load_snapshot(file)
    text = "" if notes is None else read_notes(notes)
    if asked["llm"] is not None and not text:
        text = named.snapshot.notes
    found = decide_on(named, Asked(notes=text, **asked))
    click.echo(found.chooser.describe(), err=as_json)
    if as_json:
        print_json(found.as_dict())
    else:
        _tell(found, named)


def _refuse_lonely(asked: dict[str, Any]) -> None:
    for option in ("model", "log"):
        if asked[option] is not None and asked["llm"] is None:
            raise click.UsageError(f"--{option} {asked[option]} needs --llm URL, whom to ask")
    if not 0 < asked["deadline_s"] < math.inf:
        raise click.UsageError(
            f"--llm-deadline must be finite seconds above 0, not {asked['deadline_s']}"
        )


def _tell(found: Decided, named: NamedSnapshot) -> None:
    decision, rolled = found.decision, found.rollout
    for line in found.noted.said:
        click.echo(f"note: {line}")
    if decision.candidates:
        _tell_candidates(found, named)
    for no in {no.goal: no for no in (*decision.refused, *rolled.refused)}.values():
        click.echo(f"refused: {no.sentence} ({no.code})")
    what = {"order": f"serve {decision.goal}", "charge": f"charge at {decision.goal}"}
    click.echo(f"decision: {what.get(decision.kind, 'wait')}, by {decision.decided_by}")
    click.echo(f"why: {decision.reason}")
    if rolled.walk.steps:
        _tell_plan(found, named)
    for number, line in enumerate(found.trajectory.words(), start=1):
        click.echo(f"step {number}, {line}")
    for verdict in found.objections:
        click.echo(f"the plan is {verdict.status}: {verdict.sentence} ({verdict.code})")


TERMS = {
    "travel_s": "travel", "congestion_s": "congestion", "risk_s": "risk", "energy_s": "energy",
    "lateness_s": "own lateness", "others_lateness_s": "others' lateness", "total_s": "total",
}  # fmt: skip


def _tell_candidates(found: Decided, named: NamedSnapshot) -> None:
    candidates, now = found.decision.candidates, named.snapshot
    terms = [name for one in candidates for name in one.terms if name not in TERMS]
    other = [n for n in dict.fromkeys(terms) if any(one.terms.get(n) for one in candidates)]
    columns = {**{n: n.removesuffix("_s") for n in other}, **TERMS}
    print_table(
        "orders that may come next: what each costs if it does, in seconds",
        ("", "order", "item", "to", "due in", "priority", *columns.values()),
        [
            ("->" if one.goal == found.decision.goal else "", one.goal,
             named.items.get(one.goal), named.dock_of(one.order), one.order.due_s - now.time_s,
             one.order.priority, *(one.terms.get(name, 0.0) for name in columns))
            for one in candidates
        ],
    )  # fmt: skip


def _tell_plan(found: Decided, named: NamedSnapshot) -> None:
    rolled, rows = found.rollout, []
    for k, step in enumerate(rolled.walk.steps, start=1):
        stop, now = step.stop, named.snapshot
        if stop.kind == "charge":
            what, order = f"charge at {stop.charger}", None
        else:
            order = next(order for order in now.orders if order.id == stop.order)
            last = stop.place == len(order.stops) - 1
            place = named.dock_of(order) or f"node {stop.node}"
            what = f"drop at {place}" if last else f"pick at {now.map.label(stop.node)}"
        item = None if order is None else named.items.get(order.id)
        late_s = step.late_s.most or None
        rows.append((k, what, stop.order, item, _clock(step.time_s.most), late_s, step.wh.least))
    columns = ("", "stop", "order", "item", "left at", "late s", "charge Wh")
    print_table("the plan", columns, rows)
    left = [row["of"] for row in found.rejected if row["what"] == "order"]
    if left:
        click.echo(f"not served: {', '.join(left)}")
    gap = "the least possible" if rolled.gap == 0.0 else f"at most {100 * rolled.gap:.1f} % more"
    click.echo(
        f"total {shown(rolled.total_s)} s; no plan for these orders costs less than "
        f"{shown(rolled.lower_bound_s)} s: {gap}"
    )


def _clock(seconds: float) -> str:
    """Minutes and seconds from now.

    >>> _clock(75.4)
    '1:15'
    """
    if not math.isfinite(seconds):
        return "never"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
