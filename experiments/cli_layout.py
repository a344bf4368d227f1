"""`aislewise layout`: a warehouse by name or from a file, as text, picture, map or numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_output import print_json, print_table

if TYPE_CHECKING:
    from envs.layouts import Layout


@click.command()
@click.argument("source", metavar="NAME|FILE")
@click.option("--places", metavar="FILE.toml", type=click.Path(path_type=Path),
              help="A list of stations, storage, chargers and zones for it.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Of the popularity of faces, and of places that go by rule.")  # fmt: skip
@click.option("--graph", is_flag=True, help="As an aisle graph instead of a grid.")
@click.option("--preview", is_flag=True, help="Show it as text.")
@click.option("--picture", metavar="FILE", type=click.Path(path_type=Path),
              help="Draw it: .png, .svg or .pdf.")  # fmt: skip
@click.option("--out", metavar="FILE.map", type=click.Path(path_type=Path),
              help="Write it as a map: cells, stations, pick faces.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document, nothing else.")
def layout(
    source: str,
    places: Path | None,
    seed: int,
    graph: bool,
    preview: bool,
    picture: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show a warehouse or a city.

    NAME is built-in, small, long-corridor, sortation, fishbone or cross-aisles; FILE a map (.map,
    .npy, .yaml of ROS), a road network (.npz, .gr, .graphml), or a .toml that names a map and what
    stands on it.
    """
    _refuse(graph, picture, out)
    found, said = _found(source, places, seed)
    found = found.as_graph() if graph else found
    for remark in said:
        click.echo(remark, err=True)
    files = {name: file for name, file in (("picture", picture), ("map", out)) if file is not None}
    _write(found, files)
    if as_json:
        print_json(described(found) | ({"preview": found.preview()} if preview else {}))
        return
    if preview:
        click.echo(found.preview())
    else:
        rows = [(key.replace("_", " "), _shown(value)) for key, value in described(found).items()]
        print_table(f"layout {found.name}", ("", "value"), rows)
    for name, file in files.items():
        click.echo(f"{name}: {file}")


def _refuse(graph: bool, picture: Path | None, out: Path | None) -> None:
    """Files that could not be written, before anything is made."""
    if graph and out is not None:
        raise click.UsageError(f"--out {out} writes cells, --graph has none: choose one")
    if out is not None and out.suffix.lower() != ".map":
        raise click.UsageError(f"--out {out}: a map's name ends in .map")
    if picture is not None:
        from .figures import checked_picture

        checked_picture(picture)


def _found(source: str, places: Path | None, seed: int) -> tuple[Layout, list[str]]:
    """The layout of a name or a file, and what a reader should know about it."""
    from envs.formats.roads import GRAPH_SUFFIXES
    from envs.layouts import READY, furnish, ready

    from .mapfiles import layout_of_file

    endings = (".map", ".npy", ".yaml", ".yml", ".toml", *GRAPH_SUFFIXES)
    suffix = Path(source).suffix
    if source in READY:
        base = ready(source, seed)
        return (base if places is None else furnish(base, places, seed=seed)), []
    if suffix not in endings:
        raise ValueError(
            f"unknown layout {source!r}: choose {', '.join(READY)}, or a file {', '.join(endings)}"
        )
    return layout_of_file(source, seed, places)


def described(layout: Layout) -> dict[str, Any]:
    """What a layout holds, in numbers."""
    import numpy as np

    from planners import GridMap

    map = layout.map
    on_grid = isinstance(map, GridMap)
    return {
        "name": layout.name,
        "kind": "grid" if on_grid else "graph",
        "rows": map.rows if isinstance(map, GridMap) else None,
        "cols": map.cols if isinstance(map, GridMap) else None,
        "cell_size_m": map.cell_size_m if isinstance(map, GridMap) else None,
        "nodes": map.size,
        "edges": None if isinstance(map, GridMap) else map.indices.size,
        "free": map.size - int(np.count_nonzero(map.blocked)),
        "dropped": layout.dropped,
        "stations": len(layout.stations),
        "storage": len(layout.storage),
        "chargers": len(layout.chargers),
        "charger_w": list(layout.charger_w) or None,
        "zones": [
            {
                "name": zone.name,
                "kind": zone.kind,
                "nodes": len(zone.nodes),
                "speed_m_s": zone.speed_m_s,
                "direction": zone.direction,
            }
            for zone in layout.zones
        ],
    }


def _shown(value: Any) -> Any:
    """Lists as one line of a table."""
    if not isinstance(value, list):
        return value
    parts = [
        f"{item['name']} ({item['kind'].replace('_', ' ')}, {item['nodes']} nodes)"
        if isinstance(item, dict)
        else f"{item:g}"
        for item in value
    ]
    return ", ".join(parts) or None


def _write(layout: Layout, files: dict[str, Path]) -> None:
    if "picture" in files:
        from .figures import save_layout

        save_layout(files["picture"], layout)
    if "map" in files:
        from envs.formats import LoadedMap, save_map
        from envs.layouts.preview import symbols
        from planners import GridMap

        signs = symbols(layout)
        assert isinstance(layout.map, GridMap)
        save_map(files["map"], LoadedMap(layout.name, layout.map, signs, "lorr"))
