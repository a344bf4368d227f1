"""`aislewise plan` and `aislewise verify`: one path, and every path of a scenario file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_output import print_json, print_table, progress

if TYPE_CHECKING:
    from envs.formats import LoadedGraph, LoadedMap
    from planners import CostField, GraphMap, GridMap, PlanResult

PLAN_KEYS = (
    "status", "cost", "bound", "certificate", "length_m", "expanded", "engine", "cells",
)  # fmt: skip


STRATEGY = click.option(
    "--strategy", metavar="NAME", default="astar", show_default=True,
    help="bfs, dfs, ucs, greedy, astar or wastar.",
)  # fmt: skip
WEIGHT = click.option("--weight", type=float, help="w >= 1 of wastar (1.5); 1 for all others.")
ENGINE = click.option(
    "--engine", metavar="NAME", default="auto", show_default=True,
    help="auto: the fastest that fits; generic: the one loop, compiled; textbook: the same as "
    "plain Python; jump-points, uniform-four, bucket-astar, bidirectional, landmarks or field: "
    "refused where it does not fit.",
)  # fmt: skip


def _cell(text: str, option: str) -> tuple[int, int]:
    """(row, col) of ROW,COL; a usage error names what is neither."""
    try:
        row, col = (int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not ROW,COL, such as 3,14", param_hint=f"'{option}'"
        ) from None
    return row, col


def _node(graph: GraphMap, text: str, option: str) -> Any:
    """The label of a node, or its id where the network has no labels; names what is neither."""
    try:
        return graph.label(graph.node(text if graph.labels is not None else int(text)))
    except ValueError:
        called = "a node's number" if graph.labels is None else "a node's label"
        raise click.BadParameter(
            f"{text!r} is not {called}; this network has {graph.size} nodes, the first is "
            f"{graph.label(0)}",
            param_hint=f"'{option}'",
        ) from None


@click.command()
@click.argument("map_file", metavar="MAP", type=click.Path(path_type=Path))
@click.option("--start", metavar="R,C|LABEL", required=True,
              help="Start: a cell of a grid, a node of a network.")  # fmt: skip
@click.option("--goal", metavar="R,C|LABEL", required=True,
              help="Goal: a cell of a grid, a node of a network.")  # fmt: skip
@STRATEGY
@WEIGHT
@ENGINE
@click.option("--risk", metavar="FILE.npy", type=click.Path(path_type=Path),
              help="A layer of extra cost per metre, one value a cell or node.")  # fmt: skip
@click.option("--picture", metavar="FILE", type=click.Path(path_type=Path),
              help="Draw map, path and the order of expansion: .png, .svg or .pdf.")  # fmt: skip
@click.option("--trace", metavar="FILE.trace.yaml", type=click.Path(path_type=Path),
              help="Write every event of the search, for Posthoc.")  # fmt: skip
@click.option("--animate", metavar="FILE", type=click.Path(path_type=Path),
              help="Write the search as a moving picture: .gif or .html.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document, nothing else.")
def plan(
    map_file: Path,
    start: str,
    goal: str,
    risk: Path | None,
    picture: Path | None,
    trace: Path | None,
    animate: Path | None,
    as_json: bool,
    **search: Any,
) -> None:
    """Plan one path on a map.

    MAP is a .map (MovingAI or League of Robot Runners), .npy, .yaml of ROS, or a road network
    (.npz, .gr, .graphml). A path costs its length in metres, and what --risk adds.
    """
    files = _checked_files(picture, trace, animate)
    loaded, ends = _place_and_ends(map_file, start, goal)
    costs = None if risk is None else _with_risk(_map(loaded), risk)
    result = _planned(_map(loaded), ends, costs, trace=bool(files), **search)
    _write(files, loaded, result, costs)
    if as_json:
        print_json(_document(loaded, result))
        return
    _tell(loaded, result, *ends)
    for name, file in files.items():
        click.echo(f"{name}: {file}")


def _place_and_ends(
    map_file: Path, start: str, goal: str
) -> tuple[LoadedMap | LoadedGraph, tuple[Any, Any]]:
    """The map of a file, start and goal on it; cells that are none are said before it is read."""
    from .mapfiles import is_network, load_place

    if is_network(map_file):
        loaded = load_place(map_file)
        graph = _map(loaded)
        return loaded, (_node(graph, start, "--start"), _node(graph, goal, "--goal"))
    ends = _cell(start, "--start"), _cell(goal, "--goal")
    return load_place(map_file), ends


def _planned(
    map_: GridMap | GraphMap, ends: tuple[Any, Any], costs: CostField | None, **search: Any
) -> PlanResult:
    """The answer; the engines `field` and `landmarks` get what they need first."""
    from planners import plan, prepare

    from .verify import LANDMARKS

    engine = search["engine"]
    prepare(
        map_, costs, goals=ends[1:] if engine == "field" else [],
        landmarks=LANDMARKS if engine == "landmarks" else 0,
    )  # fmt: skip
    return plan(map_, *ends, costs=costs, **search)


def _document(loaded: LoadedMap | LoadedGraph, result: PlanResult) -> dict[str, Any]:
    """For JSON: cells on a grid, labels on a network."""
    values = result.as_dict()
    document = {key: values[key] for key in PLAN_KEYS}
    if not hasattr(_map(loaded), "rows"):
        document["labels"] = None if result.path is None else result.path.labels
    return document


def _map(loaded: LoadedMap | LoadedGraph) -> Any:
    from envs.formats import LoadedGraph

    return loaded.graph if isinstance(loaded, LoadedGraph) else loaded.grid


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
    files: dict[str, Path],
    loaded: LoadedMap | LoadedGraph,
    result: PlanResult,
    costs: CostField | None,
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


def _with_risk(map_: GridMap | GraphMap, file: Path) -> CostField:
    from planners import CostField, Layer

    from .mapfiles import load_array

    values = load_array(file)
    try:
        return CostField(map_, layers=[Layer("risk", values)])
    except ValueError as error:
        raise ValueError(f"--risk {file}: {error}") from error


def _tell(loaded: LoadedMap | LoadedGraph, result: PlanResult, start: Any, goal: Any) -> None:
    map_ = _map(loaded)
    nodes = not hasattr(map_, "rows")
    shape = f"{map_.size} nodes" if nodes else f"{map_.rows} x {map_.cols}"
    name = result.strategy if result.weight == 1 else f"{result.strategy} (w {result.weight:g})"
    print_table(
        f"{name} on {loaded.name} ({shape}), {start} to {goal}",
        ("", result.status),
        [
            ("cost", None if result.path is None else f"{result.cost:.3f}"),
            ("length, m", None if result.path is None else f"{result.path.length_m:.3f}"),
            ("nodes" if nodes else "cells", None if result.path is None else len(result.path)),
            ("bound promised (cost / best)", result.bound),
            ("bound proven for this query", result.certificate),
            ("expanded", result.stats.expanded),
            ("engine", result.engine),
        ],
    )


@click.command()
@click.argument("scen_file", metavar="SCEN", type=click.Path(path_type=Path))
@click.option("--map", "map_file", metavar="FILE", type=click.Path(path_type=Path),
              help="The map of SCEN (else the one that SCEN names, beside it).")  # fmt: skip
@STRATEGY
@WEIGHT
@ENGINE
@click.option(
    "--limit", type=click.IntRange(min=1), help="Only so many queries, spread over the file (all)."
)
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
    """Hold paths against published optima.

    SCEN is a scenario file of MovingAI; every query of it is planned, checked and compared with
    the optimum that the file names. Leaves with status 1 on a deviation, a broken bound or an
    illegal path.
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
