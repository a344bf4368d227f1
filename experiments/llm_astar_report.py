"""The table of LLM-A*'s queries, from rows and nothing else."""

from __future__ import annotations

from pathlib import Path

from .llm_astar import POLICIES
from .report import FIGURE, REPORT, finished_rows
from .rows import Row

# What there is to beat: weighted A* at w = 1.5 under the same counting.
TO_BEAT = {"operations_pct": 40.1, "storage_pct": 59.6, "length_pct": 100.7}
COLUMNS = (
    "policy", "w", "operations, %", "storage, %", "length, %", "worst length", "expansions, %",
    "bound", "broken bounds", "illegal", "beats",
)  # fmt: skip


def write_report(folder: Path) -> tuple[Path, Path]:
    """Write `report.md` and `report.png` beside the rows; returns the two files."""
    from .figures import save_tradeoff

    rows, failed = finished_rows(folder)
    order = list(POLICIES)
    rows.sort(key=lambda row: (order.index(row["policy"]), row["weight"]))
    points = [
        {
            "strategy": row["policy"],
            "weight": row["weight"],
            "x": row["operations_pct"],
            "y": row["length_pct"],
        }
        for row in rows
    ]
    page, figure = folder / REPORT, folder / FIGURE
    save_tradeoff(
        figure, {"": points}, f"LLM-A*'s queries, n = {rows[0]['queries']}",
        labels=("operations, % of A* (logarithmic)", "length, % of A*"), optimum=100.0,
    )  # fmt: skip
    page.write_text(markdown(rows, failed), encoding="utf-8")
    return page, figure


def beats(row: Row) -> bool:
    """Better on two of the three at least, to one decimal, the third no worse, nothing broken."""
    rounded = {column: round(row[column], 1) for column in TO_BEAT}
    better = sum(rounded[column] < most for column, most in TO_BEAT.items())
    no_worse = all(rounded[column] <= most for column, most in TO_BEAT.items())
    return better >= 2 and no_worse and not row["bound_violations"] and not row["illegal"]


def markdown(rows: list[Row], failed: list[Row]) -> str:
    """The page: the counting, the table, what failed."""
    first = rows[0]
    lines = [
        f"# {first['spec']}",
        "",
        f"n = {first['queries']} queries of LLM-A*'s data ({first['map']}), each policy on all of "
        "them. 100 % is textbook A* with the straight-line h on the same moves (8-connected, any "
        "diagonal between free points). Operations are queue pops, duplicates and the goal "
        "included; storage is cells that hold a g; each figure is the geometric mean of the ratios "
        "query by query. A broken bound is a path longer than bound x the optimum. To beat: "
        f"{' / '.join(f'{value:g}' for value in TO_BEAT.values())} (weighted A*, w = 1.5, "
        "straight-line h): better on two to one decimal, the third no worse. Weights were chosen "
        "on these very queries.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"| --- |{' ---: |' * (len(COLUMNS) - 2)} --- |",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
        "",
        *(f"- {policy.name}: {policy.says}" for policy in POLICIES.values()),
        "",
        f"![Length against operations]({FIGURE})",
    ]
    if failed:
        lines += ["", "Failed runs:", ""]
        lines += [f"- {row['policy']} {row['weight']:g}: {row.get('error')}" for row in failed]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    return [
        row["policy"],
        f"{row['weight']:g}",
        *(f"{row[column]:.1f}" for column in TO_BEAT),
        f"{row['length_worst']:.3f}",
        f"{row['expansions_pct']:.1f}",
        "none" if row["bound"] is None else f"{row['bound']:g}",
        str(row["bound_violations"]),
        str(row["illegal"]),
        "yes" if beats(row) else "",
    ]
