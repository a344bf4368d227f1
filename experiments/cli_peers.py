"""`aislewise peers`: ours and other libraries side by side in one run."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import click

from .cli_output import print_json, print_table, progress
from .peers.model import OURS, Setting, Workload
from .peers.table import WORKLOADS, choose

COLD, GROWTH = "cold-start", "growth"
EXTRA = {
    COLD: "import, first and warm call of a fresh process",
    GROWTH: "128 to 4096 a side and 10^4 to 10^6 nodes (only when named)",
}
COLUMNS = (
    "workload", "peer", "version", "ratio", "quartiles", "goal", "", "illegal", "longer by", "n",
    "ms", "engine",
)  # fmt: skip


def _listed() -> str:
    lines = [f"  {w.name:<27} {w.text} (goal {_goal(w)})" for w in WORKLOADS]
    lines += [f"  {name:<27} {text}" for name, text in EXTRA.items()]
    return "\b\nWorkloads (the part before the slash names all its variants):\n" + "\n".join(lines)


def _goal(workload: Workload) -> str:
    return f"{workload.goal:g} us" if workload.unit == "us" else f"{workload.goal:g} x"


@click.command(epilog=_listed())
@click.option("--workload", "names", multiple=True, metavar="NAME[,NAME]",
              help="Only these; may be repeated. All but growth unless given.")  # fmt: skip
@click.option("--data", metavar="FOLDER", type=click.Path(path_type=Path),
              help="Benchmark maps (else AISLEWISE_DATA, else generated maps).")  # fmt: skip
@click.option(
    "--queries",
    type=click.IntRange(min=1),
    help="So many queries a workload (its own number).",
)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True,
              help="Calls a query; the least time counts.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Of the queries and of generated maps.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document, nothing else.")
def peers(
    names: tuple[str, ...],
    data: Path | None,
    queries: int | None,
    rounds: int,
    seed: int,
    as_json: bool,
) -> None:
    """Time ours and other libraries side by side.

    All answer the same queries, query by query in one process. Ratios are medians (with quartiles)
    over queries, to the reference of the workload. Every path is checked: `illegal` counts queries
    answered with an illegal one (most libraries cut corners), `longer by` is the median excess of
    its true cost over the optimum. The other libraries come with `make peers`; those that are
    missing are listed as not installed.
    """
    wanted = [name.strip() for part in names for name in part.split(",")]
    workloads = choose(wanted if names else _all(), tuple(EXTRA))
    setting = Setting(_data_folder(data), seed, queries, rounds)
    document: dict[str, Any] = {
        "rows": _rows(workloads, setting),
        "cold_start": _cold() if not names or COLD in wanted else None,
        "growth": _growth(setting) if GROWTH in wanted else None,
        **_host(),
        "seed": seed,
    }
    document["versions"] = {
        row["peer"]: row["version"]
        for row in document["rows"]
        if row["peer"] == OURS or not row["peer"].startswith(OURS)
    }
    if as_json:
        print_json(document)
    else:
        _tell(document)


def _all() -> list[str]:
    return [workload.name for workload in WORKLOADS]


def _data_folder(given: Path | None) -> Path | None:
    named = os.environ.get("AISLEWISE_DATA")
    folder = given or (Path(named) if named else None)
    if folder is not None and not folder.is_dir():
        source = "--data" if given else "AISLEWISE_DATA"
        raise click.ClickException(f"{source} {folder}: no such folder")
    return folder


def _host() -> dict[str, Any]:
    return {"processor": _processor(), "processors": os.cpu_count(),
            "python": platform.python_version()}  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _rows(workloads: list[Workload], setting: Setting) -> list[dict[str, Any]]:
    from .peers.contest import run_workload

    rows: list[dict[str, Any]] = []
    for workload in workloads:
        total = setting.queries or workload.queries
        with progress(workload.name, total) as on_done:
            rows += run_workload(workload, setting, on_done)
    return rows


def _cold() -> dict[str, Any]:
    from .peers.cold import cold_start

    with progress(COLD, 1):
        return cold_start()


def _growth(setting: Setting) -> dict[str, Any]:
    from .peers.growth import NODES, SIDES, growth

    with progress(GROWTH, len(SIDES) + len(NODES)) as on_done:
        return growth(setting, on_done=on_done)


def _tell(document: dict[str, Any]) -> None:
    rows = document["rows"]
    for name in dict.fromkeys(row["workload"] for row in rows):
        chosen = [row for row in rows if row["workload"] == name]
        notes = dict.fromkeys(row["note"] for row in chosen if row["n"] and row["note"])
        title = f"\n{name}: 1 = {chosen[0]['reference']}; {'; '.join(notes)}"
        print_table(title, COLUMNS[1:], [_cells(row) for row in chosen])
    if document["cold_start"] is not None:
        _tell_cold(document["cold_start"])
    if document["growth"] is not None:
        _tell_growth(document["growth"])
    click.echo(f"{document['processor']}, {document['processors']} processors, "
               f"Python {document['python']}, seed {document['seed']}")  # fmt: skip


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    quartiles = None
    if row["ratio_q25"] is not None:
        quartiles = f"{row['ratio_q25']:.3g} .. {row['ratio_q75']:.3g}"
    ratio = None if row["ratio_median"] is None else f"{row['ratio_median']:.3g}"
    longer = None if row["longer_by"] is None else f"{100 * row['longer_by']:.1f} %"
    goal = None
    if row["goal"] is not None:
        goal = f"{row['goal']:g} {row['goal_unit']}"
    last = row["engine"] if row["n"] else row["note"]
    return (row["peer"], row["version"], ratio, quartiles, goal, row["verdict"], row["illegal"],
            longer, row["n"], row["time_ms"], last)  # fmt: skip


def _tell_cold(cold: dict[str, Any]) -> None:
    columns = list(dict.fromkeys(key for values in cold.values() for key in values))
    rows = [[name.replace("_", " "), *map(values.get, columns)] for name, values in cold.items()]
    names = [column.replace("_", " ") for column in columns]
    print_table("\ncold start, fresh processes", ("", *names), rows)


def _tell_growth(found: dict[str, Any]) -> None:
    columns = tuple(found["rows"][0])
    title = f"\ngrowth, generic loop; goal {found['bytes_goal']:g} bytes a cell of work arrays"
    rows = [[row[column] for column in columns] for row in found["rows"]]
    print_table(title, [column.replace("_", " ") for column in columns], rows)
    slopes = [[f"{s['kind']} {s['of']}", s["slope"], s["error"], s["n"]] for s in found["slopes"]]
    print_table("log-log slopes against nodes", ("", "slope", "standard error", "n"), slopes)
