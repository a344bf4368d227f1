"""`aislewise plan` and `aislewise verify`: one path, and every path of a scenario file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_output import print_json, print_table, progress

if TYPE_CHECKING:
    from envs.formats import LoadedMap
    from planners import CostField, PlanResult

PLAN_KEYS = (
    "status", "cost", "bound", "certificate", "length_m", "expanded", "engine", "cells",
)  # fmt: skip


ENGINE = click.option(
    "--engine", default="auto", show_default=True,
    help="auto, generic, textbook; jump-points, landmarks or field.",
)  # fmt: skip


def _cell(context: click.Context, option: click.Parameter, value: str) -> tuple[int, int]:
    """(row, col) of ROW,COL; a usage error names what is neither."""
    try:
        row, col = (int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not ROW,COL, such as 3,14") from None
    return row, col


@click.command()
@click.argument("map_file", metavar="MAP", type=click.Path(path_type=Path))
@click.option("--start", metavar="R,C", callback=_cell, required=True, help="Cell to start from.")
@click.option("--goal", metavar="R,C", callback=_cell, required=True, help="Cell to reach.")
@click.option("--strategy", default="astar", show_default=True, help="bfs, dfs, ucs, greedy, ...")
@ENGINE
@click.option("--weight", type=float, help="w of wastar (1.5); 1 for all others.")
@click.option("--risk", metavar="FILE.npy", type=click.Path(path_type=Path),
              help="A layer of extra cost per metre, one value a cell.")  # fmt: skip
@click.option("--picture", metavar="FILE", type=click.Path(path_type=Path),
              help="Draw map, path and the order of expansion.")  # fmt: skip
@click.option("--trace", metavar="FILE.trace.yaml", type=click.Path(path_type=Path),
              help="Write every event of the search, for Posthoc.")  # fmt: skip
@click.option("--animate", metavar="FILE", type=click.Path(path_type=Path),
              help="Write the search as a moving picture: FILE.gif or FILE.html.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document, nothing else.")
def plan(
    map_file: Path,
    start: tuple[int, int],
    goal: tuple[int, int],
    strategy: str,
    weight: float | None,
    engine: Any,
    risk: Path | None,
    picture: Path | None,
    trace: Path | None,
    animate: Path | None,
    as_json: bool,
) -> None:
    """Plan one path on MAP (.map of MovingAI or the League of Robot Runners, or .npy)."""
    from planners import plan as plan_path
    from planners import prepare

    from .mapfiles import load_floor
    from .verify import LANDMARKS

    files = _checked_files(picture, trace, animate)
    loaded = load_floor(map_file)
    costs = None if risk is None else _with_risk(loaded, risk)
    prepare(
        loaded.grid, costs, goals=[goal] if engine == "field" else [],
        landmarks=LANDMARKS if engine == "landmarks" else 0,
    )  # fmt: skip
    result = plan_path(
        loaded.grid, start, goal, costs=costs, strategy=strategy, weight=weight, engine=engine,
        trace=bool(files),
    )  # fmt: skip
    _write(files, loaded, result, costs)
    if as_json:
        values = result.as_dict()
        print_json({key: values[key] for key in PLAN_KEYS})
        return
    _tell(loaded, result, start, goal)
    for name, file in files.items():
        click.echo(f"{name}: {file}")


def _checked_files(
    picture: Path | None, trace: Path | None, animation: Path | None
) -> dict[str, Path]:
    """The files that are asked for; names whose ending we do not write are refused."""
    files = {}
    if picture is not None:
        from .figures import checked_picture

        files["picture"] = checked_picture(picture)
    if trace is not None:
        from planners.posthoc import checked_trace

        files["trace"] = checked_trace(trace)
    if animation is not None:
        from planners.drawing.animation import checked_animation

        files["animation"] = checked_animation(animation)
    return files


def _write(
    files: dict[str, Path], loaded: LoadedMap, result: PlanResult, costs: CostField | None
) -> None:
    if result.trace is None:
        return
    if "picture" in files:
        from .figures import save_plan

        risk = None if costs is None else costs.layer("risk")
        save_plan(files["picture"], loaded, result, risk)
    if "trace" in files:
        result.trace.save(files["trace"])
    if "animation" in files:
        result.trace.animate(files["animation"])


def _with_risk(loaded: LoadedMap, file: Path) -> CostField:
    from planners import CostField, Layer

    from .mapfiles import load_array

    values = load_array(file)
    try:
        return CostField(loaded.grid, layers=[Layer("risk", values)])
    except ValueError as error:
        raise ValueError(f"--risk {file}: {error}") from error


def _tell(
    loaded: LoadedMap, result: PlanResult, start: tuple[int, int], goal: tuple[int, int]
) -> None:
    shape = f"{loaded.grid.rows} x {loaded.grid.cols}"
    name = result.strategy if result.weight == 1 else f"{result.strategy} (w {result.weight:g})"
    print_table(
        f"{name} on {loaded.name} ({shape}), {start} to {goal}",
        ("", result.status),
        [
            ("cost", None if result.path is None else f"{result.cost:.3f}"),
            ("length, m", None if result.path is None else f"{result.path.length_m:.3f}"),
            ("cells", None if result.path is None else len(result.path)),
            ("bound promised (cost / best)", result.bound),
            ("bound proven for this query", result.certificate),
            ("expanded", result.stats.expanded),
            ("engine", result.engine),
        ],
    )


@click.command()
@click.argument("scen_file", metavar="SCEN", type=click.Path(path_type=Path))
@click.option("--map", "map_file", metavar="FILE", type=click.Path(path_type=Path),
              help="The map; else the one beside SCEN that it names.")  # fmt: skip
@click.option("--strategy", default="astar", show_default=True, help="bfs, dfs, ucs, greedy, ...")
@click.option("--weight", type=float, help="w of wastar (1.5); 1 for all others.")
@ENGINE
@click.option("--limit", type=click.IntRange(min=1), help="So many queries, spread over the file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, nothing else.")
def verify(
    scen_file: Path,
    map_file: Path | None,
    strategy: str,
    weight: float | None,
    engine: Any,
    limit: int | None,
    as_json: bool,
) -> int:
    """Hold every path of a MovingAI scenario file against its published optimum.

    Leaves with status 1 on a deviation, a broken bound or an illegal path.
    """
    from .verify import load_queries, spread, verify_scenario

    loaded, scenario = load_queries(scen_file, map_file)
    total = len(spread(len(scenario), limit))
    with progress(f"verify {loaded.name}", total) as on_done:
        found = verify_scenario(
            loaded, scenario, strategy=strategy, weight=weight, engine=engine, limit=limit,
            on_done=on_done,
        )  # fmt: skip
    if as_json:
        print_json(found.as_dict())
    else:
        verdict = "passed" if found.passed else "failed"
        rows = [(key.replace("_", " "), value) for key, value in found.as_dict().items()]
        print_table(f"{strategy} on {scen_file.name}", ("", verdict), rows)
        for finding in found.findings:
            click.echo(finding)
    return 0 if found.passed else 1
