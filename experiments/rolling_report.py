"""The tables of rolling shifts, from rows and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .page import goal_line, provenance_lines, table, with_interval
from .report import FIGURE, REPORT, finished_rows
from .rolling_study import BASES, PLANNER
from .rows import Row
from .stats import FEW, Change, mean_of, relative_change

SETTING = ("map", "orders_per_hour", "hours", "capacity", "swapped")
COLUMNS = (
    "chooser", "shifts", "deliveries an hour", "late, % of what was due", "overdue at the end",
    "charges", "strandings", "Wh at the end", "deep: late orders against it", "deep: deliveries",
)  # fmt: skip
LATE_GOALS = {"utility": -40.0, "reflex": -35.0}  # per cent of the late orders of each
KEPT_GOAL = -0.5  # per cent of utility's deliveries
SATURATED_GOAL = 5.0  # per cent more than utility's where more orders come than can be done
LATE_FROM, LATE_TO = 3.0, 25.0  # per cent late under utility, where the goals of lateness hold


def write_report(folder: Path) -> tuple[Path, Path]:
    """Write `report.md` and `report.png` beside the rows; returns the two files.

    Raises:
        ValueError: no rows, no finished row.
    """
    from .figures import save_bars

    rows, failed = finished_rows(folder)
    page, figure = folder / REPORT, folder / FIGURE
    lines = [*markdown(rows, failed), f"![Deliveries an hour and late orders]({FIGURE})", ""]
    page.write_text("\n".join(lines), encoding="utf-8")
    points = [
        (f"{_short(setting)}: {chooser}", _rate(own), late_share(own) or 0.0)
        for setting, groups in by_setting(rows).items()
        for chooser, own in groups.items()
    ]
    save_bars(figure, points, ("deliveries an hour", "late, % of what was due"), "Rolling shifts")
    return page, figure


def by_setting(rows: Sequence[Row]) -> dict[tuple[object, ...], dict[str, list[Row]]]:
    """Rows by setting, in the sequence of the spec, then by chooser; seeds rising within."""
    found: dict[tuple[object, ...], dict[str, list[Row]]] = {}
    for row in sorted(rows, key=lambda row: int(row["seed"])):
        groups = found.setdefault(tuple(row[name] for name in SETTING), {})
        groups.setdefault(str(row["chooser"]), []).append(row)
    names = [*BASES, PLANNER]
    return {
        setting: {name: groups[name] for name in sorted(groups, key=_place(names))}
        for setting, groups in found.items()
    }


def _place(names: Sequence[str]) -> Callable[[str], tuple[int, str]]:
    """Choosers that nobody compares with first, then those that are, then the planner."""
    return lambda name: (names.index(name) if name in names else -1, name)


def title(setting: tuple[object, ...]) -> str:
    """A setting in words."""
    map, rate, hours, capacity, swapped = setting
    battery = "pack swapped" if swapped else "own battery"
    return f"{map}, {rate:g} orders an hour, {hours:g} h, capacity {capacity}, {battery}"


def _short(setting: tuple[object, ...]) -> str:
    map, rate, _, capacity, swapped = setting
    return f"{map}, {rate:g}/h, capacity {capacity}{', swapped' if swapped else ''}"


def late_orders(row: Row) -> int:
    """Orders delivered late, and those that are open and late at the end."""
    return int(row["late"]) + int(row["overdue"])


def late_share(rows: Sequence[Row]) -> float | None:
    """Late orders in per cent of all that were delivered or are overdue."""
    due = sum(row["deliveries"] + row["overdue"] for row in rows)
    return 100.0 * sum(map(late_orders, rows)) / due if due else None


def paired(own: Sequence[Row], base: Sequence[Row], late: bool) -> Change | None:
    """By how many per cent the planner's late orders (or deliveries) differ from a base's."""
    was = {row["seed"]: row for row in base}
    pairs = [(row, was[row["seed"]]) for row in own if row["seed"] in was]
    value = late_orders if late else _deliveries
    return relative_change([value(mine) for mine, _ in pairs], [value(its) for _, its in pairs])


def _deliveries(row: Row) -> int:
    return int(row["deliveries"])


def markdown(rows: Sequence[Row], failed: Sequence[Row]) -> list[str]:
    """The page, line by line: what was run, goals, a table for each setting, what failed."""
    settings = by_setting(rows)
    lines = [f"# {rows[0]['spec']}", "", *_head(rows, failed), "", *provenance_lines(rows)]
    lines += ["## Goals, and what came of them", "", *_goals(settings), ""]
    for setting, groups in settings.items():
        body = [_cells(chooser, groups) for chooser in groups]
        lines += [f"## {title(setting)}", "", *table(COLUMNS, body), ""]
    return lines + [
        f"- failed: {row['chooser']}, seed {row['seed']}: {row.get('error')}" for row in failed
    ]


def _head(rows: Sequence[Row], failed: Sequence[Row]) -> list[str]:
    seeds = sorted({row["seed"] for row in rows})
    return [
        f"n = {len(seeds)} seeds ({seeds[0]} to {seeds[-1]}), {len(rows)} finished shifts, "
        f"{len(failed)} failed, {rows[0]['workers']} workers. The same seed is the same orders and "
        "people for every chooser. Late are orders delivered after their due time and those that "
        "are open and overdue at the end; *pack swapped*: a battery that never matters. Changes "
        f"are ratios of means, intervals 95 % over paired seeds ({FEW})."
    ]


def _goals(settings: dict[tuple[object, ...], dict[str, list[Row]]]) -> list[str]:
    body = []
    for setting, groups in settings.items():
        own, utility = groups.get(PLANNER, []), groups.get("utility", [])
        where = title(setting)
        share = late_share(utility)
        if not own or share is None:
            continue
        if LATE_FROM <= share <= LATE_TO:
            for base, goal in LATE_GOALS.items():
                text = f"{where}: late orders at least {-goal:g} % fewer than {base}'s"
                change = paired(own, groups.get(base, []), late=True)
                body.append(goal_line(text, change, goal, below=True))
            text = f"{where}: deliveries at most {-KEPT_GOAL:g} % below utility's"
            body.append(goal_line(text, paired(own, utility, late=False), KEPT_GOAL))
        if share > LATE_TO and setting[SETTING.index("capacity")] != 1:
            text = f"{where}: deliveries at least {SATURATED_GOAL:g} % more than utility's"
            body.append(goal_line(text, paired(own, utility, late=False), SATURATED_GOAL))
    stranded = sum(row["strandings"] for groups in settings.values() for row in groups[PLANNER])
    body.append([f"{PLANNER}: no stranding", str(stranded), "**short**" if stranded else "met"])
    return table(["goal", "found", "verdict"], body)


def _cells(chooser: str, groups: dict[str, list[Row]]) -> list[str]:
    own, planner = groups[chooser], groups.get(PLANNER, [])
    share = late_share(own)
    changes = [
        "-" if chooser == PLANNER else with_interval(paired(planner, own, late), unit=" %")
        for late in (True, False)
    ]
    return [
        chooser,
        str(len(own)),
        f"{_rate(own):.2f}",
        "-" if share is None else f"{share:.1f}",
        f"{mean_of([row['overdue'] for row in own]):.1f}",
        f"{mean_of([row['charges'] for row in own]):.1f}",
        str(sum(row["strandings"] for row in own)),
        f"{mean_of([row['end_wh'] for row in own]):.0f}",
        *changes,
    ]


def _rate(rows: Sequence[Row]) -> float:
    return float(sum(row["deliveries"] for row in rows) / sum(row["hours"] for row in rows))
