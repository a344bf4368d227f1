"""The tables of models in the loop, from rows and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .model_study import MODELS, WITHOUT
from .page import number, provenance_lines, table, with_interval
from .report import FIGURE, REPORT, finished_rows
from .rows import Row
from .stats import Change, mean_of, paired_change

BATCHES = (
    "model", "batches", "regret, %", "value added, points", "asked", "calls", "taken", "fallbacks",
    "rejections", "latency p50, ms", "p95, ms", "invalid steps", "below the exact best",
)  # fmt: skip
SHIFTS = (
    "model", "deliveries", "late", "contacts", "strandings", "largest certificate", "asked",
    "taken", "fallbacks", "not asked", "otherwise than utility", "worse by, s",
)  # fmt: skip


def write_report(folder: Path) -> tuple[Path, Path]:
    """Write `report.md` and `report.png` beside the rows; returns the two files.

    Raises:
        ValueError: no rows, no finished row, rows of several maps or lengths of shift.
    """
    from .figures import save_bars

    rows, failed = finished_rows(folder)
    page, figure = folder / REPORT, folder / FIGURE
    lines = [*markdown(rows, failed), f"![Regret and replies taken]({FIGURE})", ""]
    page.write_text("\n".join(lines), encoding="utf-8")
    points = [
        (model, 100.0 * (mean_of([row["regret"] for row in own]) or 0.0), _share_taken(own))
        for model, own in by_model(rows, "batch").items()
    ]
    note = "Static batches: regret against the best of all sequences"
    save_bars(figure, points, ("mean regret, %", "replies taken, % of those asked"), note)
    return page, figure


def by_model(rows: Sequence[Row], workload: str) -> dict[str, list[Row]]:
    """Rows of a workload by model, the one without a model first."""
    own = [row for row in rows if row["workload"] == workload]
    names = [model for model in MODELS if any(row["model"] == model for row in own)]
    return {name: [row for row in own if row["model"] == name] for name in names}


def value_added(own: Sequence[Row], without: Sequence[Row]) -> Change | None:
    """Regret without the model less regret with it, in points of per cent, batch by batch."""
    was = {(row["stops"], row["seed"]): row["regret"] for row in without}
    pairs = [(row["regret"], was.get((row["stops"], row["seed"]))) for row in own]
    return paired_change(
        [None if before is None else 100.0 * before for _, before in pairs],
        [100.0 * regret for regret, _ in pairs],
    )


def markdown(rows: Sequence[Row], failed: Sequence[Row]) -> list[str]:
    """The page, line by line: what a row is, the tables, what failed.

    Raises:
        ValueError: rows of several maps or lengths of shift.
    """
    batches, shifts = by_model(rows, "batch"), by_model(rows, "shift")
    for column, own in (("map", rows), ("minutes", [r for r in rows if r["workload"] == "shift"])):
        found = sorted({str(row[column]) for row in own})
        if len(found) > 1:
            raise ValueError(f"rows with {column} = {', '.join(found)} are no one study")
    lines = [
        f"# {rows[0]['spec']}",
        "",
        f"Layout {rows[0]['map']}. A model picks the next order among verified candidates; where "
        f"its reply is refused, `{WITHOUT}` decides. Doubles have one character each: `perfect` "
        "and `adversarial` know all sequences, `slow` never answers in time, `injecting` does what "
        "a note asks for. Regret: the objective over that of the best of all sequences, less 1. "
        f"Value added: the regret of `{WITHOUT}` less the model's, 95 % intervals over paired "
        "batches. Below 0 the model does harm. A planner that searches over sequences leaves less "
        "to add than this single step does.",
        "",
    ]
    if batches:
        lines += [*table(BATCHES, [_batch_cells(model, batches) for model in batches]), ""]
    if shifts:
        minutes = next(iter(shifts.values()))[0]["minutes"]
        lines += [f"One shift of {minutes:g} minutes each, the same orders and people:", ""]
        lines += table(SHIFTS, [_shift_cells(model, own[0]) for model, own in shifts.items()])
        lines += [""]
    lines += provenance_lines(rows)
    if failed:
        lines += ["Failed runs:", ""]
        lines += [f"- {row['model']}, seed {row['seed']}: {row.get('error')}" for row in failed]
        lines += [""]
    return lines


def _batch_cells(model: str, batches: dict[str, list[Row]]) -> list[str]:
    own = batches[model]
    rejections: Counter[str] = Counter()
    for row in own:
        rejections.update(row["rejections"])
    latencies_ms = [value for row in own for value in row["call_latencies_ms"]]
    p50, p95 = np.percentile(latencies_ms, (50, 95)).tolist() if latencies_ms else (None, None)
    added = None if model == WITHOUT else value_added(own, batches.get(WITHOUT, []))
    return [
        model,
        str(len(own)),
        number(100.0 * (mean_of([row["regret"] for row in own]) or 0.0)),
        with_interval(added),
        *(str(_sum(own, column)) for column in ("asked", "calls", "taken", "fallbacks")),
        ", ".join(f"{count} {kind}" for kind, count in sorted(rejections.items())) or "-",
        number(p50),
        number(p95),
        str(sum(len(row["invalid"]) for row in own)),
        str(_sum(own, "below_exact")),
    ]


def _shift_cells(model: str, row: Row) -> list[str]:
    names = ("deliveries", "late", "contacts", "strandings")
    unasked = sum(row[column] for column in ("skipped", "paused", "limited"))
    return [
        model,
        *(str(row[column]) for column in names),
        number(row["proven_bound"]),
        *(str(row[column]) for column in ("asked", "taken", "fallbacks")),
        str(unasked),
        str(row["differed"]),
        number(row["differed_s"]),
    ]


def _sum(rows: Sequence[Row], column: str) -> int:
    return sum(int(row[column]) for row in rows)


def _share_taken(rows: Sequence[Row]) -> float:
    asked = _sum(rows, "asked")
    return 100.0 * _sum(rows, "taken") / asked if asked else 0.0
