"""Labelled notes: what the rule reader accepts, alone and with a model beside it.

    python -m experiments.note_study tests/planners/tasks/notes --llm local --out runs/note-study

The folder holds the context of the notes and files of labelled ones. Rows are totals by style and
by kind: no note, no id and no constraint of one is written or printed, and no call is logged.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from planners import CostField, GridMap
from planners.tasks import EnergyModel, Order, Snapshot
from planners.tasks.asking import Asking
from planners.tasks.client import Client, OpenAIClient
from planners.tasks.constraints import as_json
from planners.tasks.local import endpoint
from planners.tasks.names import Names
from planners.tasks.translate import Translation, translate

from .page import table
from .rows import Row, RowWriter, read_rows

PATIENCE_S = 300.0  # of one note: what a model can read is asked, not how fast it is
COLS = 40  # of the free floor that the notes speak of: only names and times matter
READERS = ("reader", "reader and model")


def clock(text: str) -> float:
    """Seconds after midnight of a time of day."""
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return 3600.0 * hours + 60.0 * minutes + seconds


def moment_of(context: Mapping[str, Any]) -> tuple[Snapshot, Names]:
    """The snapshot and the names of a context: orders in row 1, drops in row 2, aisles below."""
    grid = GridMap(np.zeros((20, COLS), dtype=bool), moves="four")
    rows = context["orders"]
    orders = tuple(
        Order(row["id"], (COLS + k, 2 * COLS + k), due_s=row["due_s"], priority=row["priority"])
        for k, row in enumerate(rows)
    )
    snapshot = Snapshot(
        time_s=0.0, map=grid, costs=CostField(grid), robot=0, charge_wh=900.0, capacity_wh=960.0,
        reserve_wh=96.0, charge_power_w=200.0, margin=1.0, payload_kg=0.0, orders=orders,
        chargers={"charger-1": COLS - 1}, energy=EnergyModel(20.0, 150.0),
    )  # fmt: skip
    names = Names(
        items={row["id"]: row["item"] for row in rows},
        docks={row["id"]: row["dock"] for row in rows},
        aisles={
            name: tuple((4 + r) * COLS + 2 * k for r in range(12))
            for k, name in enumerate(context["aisles"])
        },
        clock_s=clock(context["time"]),
        shift_s=(clock(context["shift"][0]), clock(context["shift"][1])),
    )
    return snapshot, names


def score(
    notes: Sequence[Mapping[str, Any]], read: Callable[[str], Translation]
) -> dict[tuple[str, str], Counter[str]]:
    """Totals by style, by kind and of all: accepted, right, expected, and what a model did."""
    totals: dict[tuple[str, str], Counter[str]] = {}
    for note in notes:
        found = read(note["note"])
        style = ("style", str(note["style"]))
        for one in found.accepted:
            plain = as_json(one.constraint)
            for key in (style, ("kind", one.constraint.kind), ("all", "notes")):
                count = totals.setdefault(key, Counter())
                right = plain in note["expect"]
                count.update(accepted=1, right=right)
                count.update(by_model=one.by == "model", right_by_model=right * (one.by == "model"))
        for one in note["expect"]:
            for key in (style, ("kind", str(one["kind"])), ("all", "notes")):
                totals.setdefault(key, Counter())["expected"] += 1
        for key in (style, ("all", "notes")):
            count = totals.setdefault(key, Counter())
            count.update(notes=1, to_flag=bool(note["flag"]), calls=found.calls)
            count["not_flagged"] += bool(note["flag"] and not found.flagged)
            count["refused_replies"] += len(found.refused)
    return totals


COUNTS = (
    "notes", "expected", "accepted", "right", "by_model", "right_by_model", "to_flag",
    "not_flagged", "calls", "refused_replies",
)  # fmt: skip


def study(folder: Path, client: Client | None) -> Iterator[Row]:
    """The rows: both readers, each file of the folder and all of them together."""
    context = json.loads((folder / "context.json").read_text(encoding="utf-8"))
    snapshot, names = moment_of(context)
    halves = {file.stem: _notes(file) for file in sorted(folder.glob("*.jsonl"))}
    for reader in READERS if client is not None else READERS[:1]:
        asked = client if reader != READERS[0] else None
        together: dict[tuple[str, str], Counter[str]] = {}
        for half, notes in halves.items():
            read = partial(_read, snapshot=snapshot, names=names, client=asked)
            totals = score(notes, read)
            for key, count in totals.items():
                together.setdefault(key, Counter()).update(count)
            yield from _rows(reader, half, totals)
        yield from _rows(reader, "both", together)


def _notes(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _read(text: str, snapshot: Snapshot, names: Names, client: Client | None) -> Translation:
    """One note, with a breaker of its own: what one note meets does not silence the next."""
    asking = None if client is None else Asking(client)
    return translate(text, snapshot, names, asking=asking, deadline_s=PATIENCE_S)


def _rows(reader: str, half: str, totals: Mapping[tuple[str, str], Counter[str]]) -> Iterator[Row]:
    for (sort, name), count in sorted(totals.items()):
        row = {"run_id": f"{reader}/{half}/{sort}/{name}", "reader": reader, "half": half}
        yield {**row, sort: name, **{key: count[key] for key in COUNTS}}


def share(row: Mapping[str, Any], of: str) -> str:
    """Right ones among the accepted (precision) or the expected (recall).

    >>> share({"right": 3, "accepted": 4, "expected": 0}, "accepted")
    '.75 (3 of 4)'
    """
    if not row[of]:
        return "-"
    number = f"{row['right'] / row[of]:.2f}".removeprefix("0")
    return f"{number} ({row['right']} of {row[of]})"


def markdown(rows: Sequence[Row], half: str) -> list[str]:
    """The table of a half (or `both`): by style and by kind, one reader beside the other."""
    known = {row["run_id"]: row for row in rows}
    keys = sorted({i.split("/", 2)[2] for i in known if i.split("/")[1] == half})
    readers = [r for r in READERS if f"{r}/{half}/all/notes" in known]
    columns = ["", *(f"{r}: {what}" for r in readers for what in ("precision", "recall"))]
    nothing = dict.fromkeys(COUNTS, 0)
    body = []
    for key in keys:
        found = [known.get(f"{r}/{half}/{key}", nothing) for r in readers]
        cells = [share(row, of) for row in found for of in ("accepted", "expected")]
        body.append([key.replace("/", ": ").replace("_", " "), *cells])
    return table(columns, body)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--llm", metavar="URL|local", help="A model beside the reader; none if not given.")
@click.option("--model", metavar="NAME")
def main(folder: Path, out: Path, llm: str | None, model: str | None) -> None:
    """Score the labelled notes of FOLDER, write totals into OUT/rows.jsonl, print the tables."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "rows.jsonl"
    file.unlink(missing_ok=True)
    with RowWriter(file) as writer, endpoint(llm, model) as (url, name):
        for row in study(folder, None if url is None else OpenAIClient(url, name)):
            writer.append(row)
    rows = read_rows(file)
    for half in dict.fromkeys(row["half"] for row in rows):
        click.echo("\n".join([f"{half}:", "", *markdown(rows, half), ""]))
        for row in rows:
            if row["half"] == half and "all" in row:
                click.echo(" ".join(f"{key}={row[key]}" for key in ("reader", *COUNTS)))


if __name__ == "__main__":
    main()
