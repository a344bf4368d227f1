"""The page on the soak, from rows and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from .page import number, provenance_lines, table
from .report import FIGURE, REPORT, finished_rows
from .rows import Row
from .soak_watch import KINDS
from .stats import mean_of

LISTED = 40  # stuck agents that are named

Floor = tuple[str, int, int]


def floors_of(rows: Sequence[Row]) -> dict[Floor, list[Row]]:
    """The rows of each floor, by seed."""
    found: dict[Floor, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["map"], row["workers"], row["traffic"])):
        found.setdefault((row["map"], row["workers"], row["traffic"]), []).append(row)
    return {floor: sorted(own, key=lambda row: row["seed"]) for floor, own in found.items()}


def title_of(floor: Floor) -> str:
    """What to call a floor."""
    return f"{floor[0]}, {floor[1]} + {floor[2]}"


def write_report(folder: Path) -> tuple[Path, Path]:
    """Write `report.md` and `report.png` beside the rows; returns the two files."""
    rows, failed = finished_rows(folder)
    page, figure = folder / REPORT, folder / FIGURE
    _save_figure(figure, rows)
    lines = [*markdown(rows, failed), f"![Figure]({FIGURE})", ""]
    page.write_text("\n".join(lines), encoding="utf-8")
    return page, figure


def markdown(rows: Sequence[Row], failed: Sequence[Row]) -> list[str]:
    """The page, line by line."""
    floors = floors_of(rows)
    return [
        f"# {rows[0]['spec']}", "",
        f"{len(rows)} finished runs of {rows[0]['minutes']:g} minutes, {len(failed)} failed. A "
        "floor is its map, people + traffic robots; the controlled robot drives the whole loop "
        f"among them. stuck: no finished trip for {rows[0]['stuck_s'] / 60:g} minutes (a trip "
        "given up is not finished; work at the end of a trip, charging too, belongs to it; the "
        "robot's trips are its legs; having no order and queueing for a charger are not held "
        "against it). Contacts are looked for between all agents, from interpolated positions, by "
        "code that does not know the resolver.",
        "", *provenance_lines(rows),
        "## Verdict", "", *_verdict(floors), "",
        "## Giving up and waiting", "", *_waiting(floors), "",
        "## Stuck agents", "", *_stuck(rows), "",
        *(f"- failed: {row['run_id']}, seed {row['seed']}: {row['error']}" for row in failed),
    ]  # fmt: skip


def _verdict(floors: dict[Floor, list[Row]]) -> list[str]:
    body = []
    for floor, own in floors.items():
        sums = [sum(row[key] for row in own) for key in ("contacts", "shared_cells", "swaps")]
        hours = sum(row["stuck"] > 0 for row in own)
        traces = hashlib.sha256("".join(row["trace_hash"] for row in own).encode()).hexdigest()
        seeds = f"{own[0]['seed']} to {own[-1]['seed']}"
        met = not any(sums) and hours == 0
        body.append([title_of(floor), str(len(own)), seeds, *map(str, sums), str(hours),
                     "met" if met else "**short**", traces[:16]])  # fmt: skip
    columns = ["floor", "runs", "seeds", "contacts", "shared cells", "swaps", "runs with a stuck "
               "agent", "goal: all 0", "hash of the traces"]  # fmt: skip
    return table(columns, body)


def _waiting(floors: dict[Floor, list[Row]]) -> list[str]:
    body = []
    for floor, own in floors.items():
        hours = sum(row["minutes"] for row in own) / 60.0
        give_ups = [sum(row[f"{kind}_give_ups"] for row in own) / hours for kind in KINDS]
        waits = [mean_of([row[f"{kind}_waiting"] for row in own]) for kind in KINDS]
        gaps = [max(row[f"{kind}_longest_gap_s"] or 0.0 for row in own) for kind in KINDS]
        deliveries = sum(row["deliveries"] for row in own) / hours
        body.append([
            title_of(floor), number(deliveries), *map(number, give_ups),
            *("-" if wait is None else f"{100 * wait:.1f}" for wait in waits), *map(number, gaps),
        ])  # fmt: skip
    columns = ["floor", "deliveries an hour"]
    columns += [f"give-ups an hour: {kind}" for kind in KINDS]
    columns += [f"waiting, %: {kind}" for kind in KINDS]
    return table([*columns, *(f"longest gap, s: {kind}" for kind in KINDS)], body)


def _stuck(rows: Sequence[Row]) -> list[str]:
    found = [(row, agent) for row in rows for agent in row["stuck_agents"]]
    lines = [
        f"- {title_of((row['map'], row['workers'], row['traffic']))}, seed {row['seed']}: agent "
        f"{agent['agent']} ({agent['kind']}), {agent['gap_s']:g} s, of which a free way takes "
        f"{agent['way_s']:.0f} s, at the end on node {agent['node_at_end']}"
        for row, agent in found[:LISTED]
    ]
    if len(found) > LISTED:
        lines.append(f"- and {len(found) - LISTED} more")
    return lines or ["None."]


def _save_figure(file: Path, rows: Sequence[Row]) -> None:
    from .figures import save_intervals

    points: dict[str, dict[str, tuple[float, float | None, float | None]]] = {}
    for floor, own in floors_of(rows).items():
        points[title_of(floor)] = {
            kind: (float(sum(gaps) / len(gaps)), min(gaps), max(gaps))
            for kind in KINDS
            if (gaps := [g for row in own if (g := row[f"{kind}_longest_gap_s"]) is not None])
        }
    save_intervals(file, {"longest gap between finished trips, s: mean, least, most": points},
                   str(rows[0]["spec"]))  # fmt: skip
