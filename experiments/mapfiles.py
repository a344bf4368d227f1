"""The layouts to live in on the maps that a user names."""

from __future__ import annotations

from pathlib import Path

from envs.city import CityRules, city_layout
from envs.formats import LoadedGraph
from envs.formats.files import is_network, load_array, load_floor, load_place, walked
from envs.layouts import Layout, from_map, furnish, load_layout
from envs.layouts.places_file import read_places
from envs.layouts.user import furnished_floor
from planners import GraphMap

__all__ = ["is_network", "layout_of_file", "load_array", "load_floor", "load_place"]


def layout_of_file(
    path: str | Path, seed: int = 0, places: str | Path | None = None
) -> tuple[Layout, list[str]]:
    """The layout to live in on a file's map, and what a reader should know about it.

    A road network becomes a city (see `envs.city`); a grid of cells below half a metre is walked
    in cells of about a metre, each blocked if any of its fine cells is. `places` is a list of what
    stands on it; its cells are those that are walked.

    Raises:
        MapFormatError: as the loaders. ValueError: nothing to live on.
    """
    path = Path(path)
    if places is None:
        return _as_it_is(path, seed)
    if path.suffix == ".toml" or is_network(path):
        layout, said = _as_it_is(path, seed)
        return furnish(layout, places, seed=seed), said
    spec, source = read_places(places)
    return furnished_floor(path, spec, seed, source)


def _as_it_is(path: Path, seed: int) -> tuple[Layout, list[str]]:
    if path.suffix == ".toml":
        return load_layout(path, seed=seed), []
    loaded = load_place(path)
    if isinstance(loaded, LoadedGraph):
        layout = city_layout(loaded.graph, seed=seed, name=loaded.name)
        assert isinstance(layout.map, GraphMap)
        names = {str(loaded.graph.label(node)) for node in range(loaded.graph.size)}
        used = len(names.intersection(map(str, layout.map.labels or ())))
        return layout, [
            f"the robot works on {used:,} of {loaded.graph.size:,} nodes, where a round trip from "
            f"the hub is at most {2 * CityRules().reach_m:,.0f} m; --profile street is a robot "
            "for pavements"
        ]
    floor, said = walked(loaded)
    return from_map(floor, seed=seed), said
