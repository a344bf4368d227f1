"""Anytime: what policies hold after a share of A*'s expansions, from rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .policies import POLICIES
from .rows import Row
from .stats import mean_of

COLUMNS = ("policy", "budget, % of A*", "n", "solved, %", "cost", "worst", "certificate")


def tables(rows: Sequence[Row]) -> list[str]:
    """One table for the maps tuned on, one for those held out."""
    lines = [
        "Budgets are expansions, set-up included, as a share of the nodes that A* expands. solved: "
        "a path is held. cost: mean C / C* over the solved ones; certificate likewise.",
        "",
    ]
    for held, title in ((False, "Maps tuned on"), (True, "Maps held out")):
        here = [row for row in rows if row["held_out"] == held and row["budget"] is not None]
        if here:
            lines += [f"## {title}", "", *_table(here), ""]
    return lines


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [f"| {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * (len(COLUMNS) - 1)}"]
    for name, budget, own in _grouped(rows):
        ratios = [row["cost_ratio"] for row in own if row["cost_ratio"] is not None]
        proven = mean_of([row["certificate"] for row in own])
        cells = (
            name, f"{100 * budget:g}", str(len(own)), f"{100 * len(ratios) / len(own):.0f}",
            "-" if not ratios else f"{sum(ratios) / len(ratios):.3f}",
            "-" if not ratios else f"{max(ratios):.3f}",
            "-" if proven is None else f"{proven:.3f}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _grouped(rows: Sequence[Row]) -> list[tuple[str, float, list[Row]]]:
    budgets = sorted({row["budget"] for row in rows})
    found = []
    for name in POLICIES:
        for budget in budgets:
            own = [row for row in rows if row["policy"] == name and row["budget"] == budget]
            if own:
                found.append((name, budget, own))
    return found


def save_figure(file: Path, rows: Sequence[Row]) -> None:
    """Solved share and cost against the budget, one line a policy."""
    from .figures import save_budgets

    lines: dict[str, list[tuple[float, float, float | None]]] = {}
    for name, budget, own in _grouped([row for row in rows if row["budget"] is not None]):
        ratios = [row["cost_ratio"] for row in own]
        solved = sum(ratio is not None for ratio in ratios) / len(own)
        lines.setdefault(name, []).append((100 * budget, 100 * solved, mean_of(ratios)))
    queries = len({(row["map"], row["family"], row["seed"]) for row in rows})
    save_budgets(file, lines, f"{rows[0]['spec']}: n = {queries} queries")
