"""Pieces of a Markdown page made from rows: tables, intervals, goals, where the rows come from."""

from __future__ import annotations

from collections.abc import Sequence

from .rows import Row
from .stats import Change


def table(columns: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """A table, its first column to the left and the rest to the right."""
    lines = [f"| {' | '.join(columns)} |", f"| --- |{' ---: |' * (len(columns) - 1)}"]
    return lines + [f"| {' | '.join(cells)} |" for cells in body]


def number(value: float | None) -> str:
    """Three digits that count, or a dash."""
    return "-" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def with_interval(change: Change | None, *, unit: str = "", sign: bool = True) -> str:
    """A change and its interval, if it has one.

    >>> with_interval(Change(-25.0, -30.5, -19.0, 40), unit=" %")
    '-25.0 % [-30.5, -19.0]'
    """
    if change is None:
        return "-"
    digits = "+.1f" if sign else ".1f"
    if abs(change.mean) < 1 and not unit:
        digits = digits.replace(".1f", ".3f")
    shown = f"{change.mean:{digits}}{unit}"
    if change.low is None or change.high is None:
        return shown
    return f"{shown} [{change.low:{digits}}, {change.high:{digits}}]"


def goal_line(
    text: str, change: Change | None, goal: float, *, below: bool = False, sign: bool = True
) -> list[str]:
    """A goal, what was found (in per cent), and the verdict.

    met: the whole interval is beyond the goal; met in the mean: the mean is; short otherwise.

    >>> goal_line("deliveries at least 5 % more", Change(8.0, 4.0, 12.0, 40), 5.0)
    ['deliveries at least 5 % more', '+8.0 % [+4.0, +12.0]', 'met in the mean']
    """
    if change is None:
        return [text, "-", "no rows"]

    def beyond(value: float | None) -> bool:
        return value is not None and (value <= goal if below else value >= goal)

    met = beyond(change.high if below else change.low)
    verdict = "met" if met else "met in the mean" if beyond(change.mean) else "**short**"
    return [text, with_interval(change, unit=" %", sign=sign), verdict]


def provenance_lines(rows: Sequence[Row]) -> list[str]:
    """Versions and commits that the rows name, each once."""
    versions = {", ".join(f"{k} {v}" for k, v in row["host_versions"].items()) for row in rows}
    commits = {
        f"{str(row['commit_sha'])[:12]}{' with changes' if row['commit_dirty'] else ''}"
        for row in rows
    }
    return [f"Made with {'; '.join(sorted(versions))}; commit {', '.join(sorted(commits))}.", ""]
