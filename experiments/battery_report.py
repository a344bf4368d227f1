"""The table of the stressed battery, from rows and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .battery_stress import RESERVE
from .page import goal_line, provenance_lines, table, with_interval
from .report import FIGURE, REPORT, finished_rows
from .rows import Row
from .stats import FEW, Change, mean_of, paired_change

COLUMNS = (
    "charging", "shifts", "strandings", "strandings an hour", "deliveries an hour",
    "against the best threshold", "credited", "credited, against the best", "Wh a delivery",
    "charges an hour", "turned back", "refused for charge", "least charge, Wh",
    "margin at the end",
)  # fmt: skip
RATE, CREDITED = "deliveries_an_hour", "credited_an_hour"
MOST_LOST = -3.0  # per cent of the best threshold's deliveries that the rule may cost


def write_report(folder: Path) -> tuple[Path, Path]:
    """Write `report.md` and `report.png` beside the rows; returns the two files.

    Raises:
        ValueError: no rows, no finished row, rows of several settings.
    """
    from .figures import save_stranding

    rows, failed = finished_rows(folder)
    page, figure = folder / REPORT, folder / FIGURE
    lines = [*markdown(rows, failed), f"![Strandings and deliveries an hour]({FIGURE})", ""]
    page.write_text("\n".join(lines), encoding="utf-8")
    groups, hours = by_rule(rows), rows[0]["hours"]
    save_stranding(
        figure,
        [(label(rule), _per_hour(own, "strandings", hours), _mean(own, RATE))
         for rule, own in groups.items()],
        f"{rows[0]['capacity_wh']:g} Wh, one charger, {len(rows) // len(groups)} x {hours:g} h",
    )  # fmt: skip
    return page, figure


def by_rule(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by rule, thresholds first and rising; seeds rising within."""
    rules = {row["rule"] for row in rows}
    order = sorted(rules - {RESERVE}, key=float) + [RESERVE] * (RESERVE in rules)
    ordered = sorted(rows, key=lambda row: int(row["seed"]))
    return {rule: [row for row in ordered if row["rule"] == rule] for rule in order}


def label(rule: str) -> str:
    """The rule as a reader knows it."""
    return "reserve rule" if rule == RESERVE else f"below {rule} %"


def against(own: Sequence[Row], base: Sequence[Row], rate: str) -> Change | None:
    """Paired change of a rate, in percent, over the seeds that both have."""
    was = {row["seed"]: row[rate] for row in base}
    pairs = [(row[rate], was[row["seed"]]) for row in own if row["seed"] in was]
    return paired_change([pair[0] for pair in pairs], [pair[1] for pair in pairs], percent=True)


def best_threshold(groups: dict[str, list[Row]], rate: str) -> str | None:
    """The threshold with the highest rate, strandings and their lost time included."""
    thresholds = [rule for rule in groups if rule != RESERVE]
    return max(thresholds, key=lambda rule: _mean(groups[rule], rate), default=None)


def markdown(rows: Sequence[Row], failed: Sequence[Row]) -> list[str]:
    """The page, line by line: the world, the goals, the table, what failed.

    Raises:
        ValueError: rows of several settings.
    """
    for column in ("map", "map_hash", "hours", "workers", "capacity_wh", "orders_per_hour"):
        found = sorted({str(row[column]) for row in rows})
        if len(found) > 1:
            raise ValueError(f"rows with {column} = {', '.join(found)} are no one study")
    groups = by_rule(rows)
    return [
        f"# {rows[0]['spec']}", "", *_head(rows, failed), "",
        *provenance_lines(rows),
        "## Goals, and what came of them", "", *_goals(groups), "",
        "## Thresholds and the reserve rule", "",
        *table(COLUMNS, [_cells(rule, groups) for rule in groups]), "",
        *(f"- failed: {row['rule']}, seed {row['seed']}: {row.get('error')}" for row in failed),
    ]  # fmt: skip


def _head(rows: Sequence[Row], failed: Sequence[Row]) -> list[str]:
    first, seeds = rows[0], sorted({row["seed"] for row in rows})
    return [
        f"n = {len(seeds)} seeds ({seeds[0]} to {seeds[-1]}), {len(rows)} finished shifts, "
        f"{len(failed)} failed. {first['capacity_wh']:g} Wh, one charger in a corner of "
        f"{first['map']}, {first['workers']} workers, {first['orders_per_hour']:g} orders an "
        f"hour, shifts of {first['hours']:g} h. A stranded robot loses 15 min and is brought 20 % "
        "of charge. Credited: the time in which a charger brings back what a shift ended with "
        "below its start, and what stranded robots were brought, is added to its hours. The same "
        "seed is the same orders and people for every rule; intervals are 95 % over paired "
        f"seeds ({FEW})."
    ]


def _goals(groups: dict[str, list[Row]]) -> list[str]:
    if RESERVE not in groups:
        return ["No shift under the reserve rule."]
    stranded = sum(row["strandings"] for row in groups[RESERVE])
    text, verdict = "reserve rule: no stranding", "**short**" if stranded else "met"
    body = [[text, str(stranded), verdict]]
    for rate, name in ((RATE, "deliveries"), (CREDITED, "credited deliveries")):
        best = best_threshold(groups, rate)
        change = None if best is None else against(groups[RESERVE], groups[best], rate)
        text = f"reserve rule: {name} at most {-MOST_LOST:g} % below those of the best threshold"
        body.append(goal_line(text, change, MOST_LOST))
    return table(["goal", "found", "verdict"], body)


def _cells(rule: str, groups: dict[str, list[Row]]) -> list[str]:
    own = groups[rule]
    hours = own[0]["hours"]
    rates = []
    for rate in (RATE, CREDITED):
        best = best_threshold(groups, rate)
        change = None if best in (None, rule) else against(own, groups[str(best)], rate)
        rates += [f"{_mean(own, rate):.2f}", with_interval(change, unit=" %")]
    return [
        label(rule),
        str(len(own)),
        str(sum(row["strandings"] for row in own)),
        f"{_per_hour(own, 'strandings', hours):.2f}",
        *rates,
        f"{_mean(own, 'wh_per_delivery'):.1f}",
        f"{_per_hour(own, 'charges', hours):.2f}",
        str(sum(row["aborts"] for row in own)),
        str(sum(row["refusals"].get("battery", 0) for row in own)),
        f"{min(row['least_wh'] for row in own):.1f}",
        f"{max(row['margin'] for row in own):.2f}",
    ]


def _mean(rows: Sequence[Row], column: str) -> float:
    return mean_of([row[column] for row in rows]) or 0.0


def _per_hour(rows: Sequence[Row], column: str, hours: float) -> float:
    return _mean(rows, column) / hours
