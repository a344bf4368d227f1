"""What a rush note is worth: orders whose true due time stands in a note and nowhere else.

    python -m experiments.rush_notes --out runs/rush-notes

A batch of eight orders is open from the start, due as any order of a shift is. One or two of them
are in a hurry: the time by which they are really wanted can be kept if they go first, and the
system does not know it. What is on time is judged by the true times. The arms of a pair differ in
the note alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import click
from pydantic import Field

from envs.driver import snapshot_of
from envs.layouts import Layout, ready
from envs.orders import OrderModel, PoissonBook
from envs.streams import stream
from envs.world import World
from planners.tasks import Legs, Order
from planners.tasks.constraints import as_json

from .pages import Count, FrozenRun, Page
from .run import run_study
from .shift import ReadyShift, Shift, run_shift
from .shift_notes import ShiftNames

ORDERS = 8  # of a batch
ROOM = 1.3  # (a) the time that a rush order has, over what it takes if rush orders go first
MINUTES = 30.0  # (a) every batch is done long before
DUES = ("roomy", "tight")
ARMS = ("none", "reader", "perfect", "wrong")
# Sentences as people may write them; which of them the reader flags is for it to say.
WORDINGS = (
    "{id} must be at its dock within {minutes} minutes.",
    "Please deliver {id} by {clock}.",
    "The {item} for {dock} has to be there by {clock}.",
    "We need {id} at {dock} in {minutes} minutes at the latest.",
    "{id} is urgent, it is due at {clock}.",
    "can you get {id} out by {clock}, the truck won't wait",
    "hey, forget the rest for a moment: {item} to {dock} asap, {minutes} min tops",
    "{id} no later than {clock}, please.",
    "The driver for {id} says that he is off at {clock}.",
    "{id} first, it is due in {minutes} minutes.",
)
PLAIN = WORDINGS[0]


@dataclass(frozen=True)
class Rush:
    """An order in a hurry: its id, and the whole minutes from the start that it has."""

    order: str
    minutes: int


@dataclass(frozen=True)
class Batch:
    """Orders as the system knows them, which of them are in a hurry, and one that is not."""

    orders: tuple[Order, ...]
    rush: tuple[Rush, ...]
    other: str

    def due_s(self, order: Order) -> float:
        """The true due time."""
        return next((60.0 * r.minutes for r in self.rush if r.order == order.id), order.due_s)


def draw_batch(layout: Layout, seed: int, rush: int, dues: str, workers: int = 12) -> Batch:
    """Eight orders of a shift's own stream; those in a hurry are drawn among them.

    Each of these has `ROOM` times what it takes, at the paces believed at the start, if those in a
    hurry go first, one after the other; in whole minutes, rounded up. Only orders that the system
    lets wait longer than that are drawn. With `roomy` dues the system's due times lie between once
    and twice the time that all orders take one after the other as drawn; with `tight` they are the
    stream's own, and many of the eight are late whoever decides.
    """
    book = PoissonBook(layout, seed, OrderModel(per_hour=0.0, backlog=ORDERS))
    orders = list(book.release(0.0))
    world = World(layout, seed=seed, workers=workers, orders=orders)
    legs, handling, rng = Legs(snapshot_of(world)), world.rules.handling, stream(seed, "rush")
    sequence = rng.permutation(ORDERS).tolist()

    def ends(indices: Sequence[int]) -> list[float]:
        """When these orders are there if they are driven in this sequence."""
        found: list[float] = []
        took_s, here = 0.0, None
        for k in indices:
            ways = legs.order(orders[k], here)
            assert ways is not None
            took_s += sum(leg.time_s for leg in ways) + handling.pick_s * len(ways[1:])
            found.append(took_s)
            took_s, here = took_s + handling.drop_s, orders[k].drop
        return found

    if dues == "roomy":
        whole_s = ends(sequence)[-1]
        shares = rng.uniform(1.0, 2.0, ORDERS).tolist()
        orders = [
            replace(o, due_s=round(whole_s * x, 1)) for o, x in zip(orders, shares, strict=True)
        ]
    hurried: list[int] = []
    for k in sequence:
        minutes = math.ceil(ROOM * ends([*hurried, k])[-1] / 60.0)
        if len(hurried) < rush and 60.0 * minutes < orders[k].due_s:
            hurried.append(k)
    rest = [orders[k].id for k in sequence if k not in hurried]
    times = (math.ceil(ROOM * end_s / 60.0) for end_s in ends(hurried))
    found = tuple(Rush(orders[k].id, m) for k, m in zip(hurried, times, strict=True))
    return Batch(tuple(orders), found, rest[0])


@dataclass(frozen=True)
class RushRun(FrozenRun):
    """One batch, worked off by one chooser under one kind of note."""

    seed: int
    rush: int
    dues: str
    chooser: str
    arm: str
    workers: int = 12
    kind: str = "rush-notes"

    def measure(self) -> dict[str, Any]:
        """What was on time by the true times, and what was made of the note."""
        layout = ready(self.map, self.seed)
        batch = draw_batch(layout, self.seed, self.rush, self.dues, self.workers)
        world = World(layout, seed=self.seed, workers=self.workers, orders=batch.orders)
        names, wordings = ShiftNames.of(world, layout), self._wordings()
        note = note_of(self.arm, batch, names, wordings, world)
        shift = Shift(
            layout=self.map, seed=self.seed, workers=self.workers, minutes=MINUTES,
            chooser=self.chooser, notes=note,
        )  # fmt: skip
        run = run_shift(ReadyShift(shift, layout, world, ()))
        there = {row["order"]: row["time_s"] for row in run.episode.rows
                 if row["event"] == "delivery"}  # fmt: skip
        on_time = {o.id: there.get(o.id, math.inf) <= batch.due_s(o) for o in batch.orders}
        wanted = [as_json_of(one) for one in batch.rush]
        read = [] if run.noted is None else list(run.noted.constraints)
        return {
            "rush_orders": [one.order for one in batch.rush],
            "rush_minutes": [one.minutes for one in batch.rush],
            "rush_on_time": [on_time[one.order] for one in batch.rush],
            "on_time": sum(on_time.values()),
            "delivered": len(there),
            "wordings": list(wordings),
            "read_right": sum(one in wanted for one in read),
            "read_wrong": sum(one not in wanted for one in read),  # or that it is urgent
            "flagged": 0 if run.noted is None else len(run.noted.rejected),
            "trace_hash": run.summary["trace_hash"],
        }

    def _wordings(self) -> tuple[int, ...]:
        """Which sentences, one for each order in a hurry: in turn, by seed."""
        return tuple((self.seed + k) % len(WORDINGS) for k in range(self.rush))


def as_json_of(rush: Rush) -> dict[str, Any]:
    """The constraint that a note on it means."""
    from planners.tasks.constraints import Deadline

    return as_json(Deadline(rush.order, 60.0 * rush.minutes))


def note_of(
    arm: str, batch: Batch, names: ShiftNames, wordings: Sequence[int], world: World
) -> str:
    """The text of an arm: one line for each order in a hurry."""
    known = names(snapshot_of(world))
    begins_s = known.clock_s or 0.0
    lines = []
    for rush, wording in zip(batch.rush, wordings, strict=True):
        about = replace(rush, order=batch.other) if arm == "wrong" else rush
        moment = int(begins_s) + 60 * rush.minutes
        clock = f"{moment // 3600:02d}:{moment // 60 % 60:02d}"
        sentence = WORDINGS[wording] if arm == "reader" else PLAIN
        lines.append(
            sentence.format(
                id=about.order, item=known.items[about.order], dock=known.docks[about.order],
                minutes=rush.minutes, clock=clock,
            )
        )  # fmt: skip
        if arm == "wrong":
            break
    return "" if arm == "none" else "\n".join(lines)


class RushSpec(Page):
    """The study: batches x choosers x arms."""

    layouts: Annotated[tuple[str, ...], Field(min_length=1)] = ("built-in", "sortation")
    choosers: Annotated[tuple[str, ...], Field(min_length=1)] = ("utility", "deep")
    dues: Annotated[tuple[str, ...], Field(min_length=1)] = DUES
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    workers: Count = 12

    def runs(self) -> tuple[RushRun, ...]:
        """Every run once, arms innermost: pairs lie side by side."""
        return tuple(
            RushRun(
                map=layout, map_hash="", seed=seed, rush=rush, dues=dues, chooser=chooser,
                arm=arm, workers=self.workers,
            )
            for dues in self.dues
            for layout in self.layouts
            for seed in self.seeds
            for rush in (1, 2)
            for chooser in self.choosers
            for arm in ARMS
        )  # fmt: skip


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True)
@click.option("--first-seed", type=click.IntRange(0), default=1000, show_default=True)
@click.option("--workers", type=click.IntRange(1), help="processes; one a processor if not given")
@click.option("--dues", type=click.Choice(DUES), multiple=True, default=DUES)
@click.option("--chooser", "choosers", multiple=True, default=("utility", "deep"))
def main(
    out: Path, seeds: int, first_seed: int, workers: int | None, dues: tuple[str, ...],
    choosers: tuple[str, ...],
) -> None:  # fmt: skip
    """Run the batches that DIR lacks, then print the tables."""
    from .report import finished_rows
    from .rush_report import markdown

    spec = RushSpec(
        name="rush-notes", dues=dues, choosers=choosers,
        seeds=tuple(range(first_seed, first_seed + seeds)),
    )  # fmt: skip
    progress = run_study(spec, out, workers=workers)
    click.echo("\n".join(markdown(*finished_rows(out))))
    if progress.failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
