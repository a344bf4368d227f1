"""Layouts of a user's own map: a loaded map, a graph, or a small TOML file that names them."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from planners import GraphMap, GridMap, MapFormatError
from planners.maps import Moves

from ..formats import LoadedMap, load_graph, load_map
from ..formats.files import is_network, load_floor, walked
from .furnish import furnished_by
from .layout import Layout
from .places import furnished
from .places_file import Places, Wanted, WantedChargers, read_places


def from_map(loaded: LoadedMap, *, moves: Moves = "four", seed: int = 0) -> Layout:
    """A layout of any loaded map, furnished where the map names no places.

    Stations are its ``E`` cells and storage its ``S`` cells (lorr dialect). Only the largest floor
    counts: free cells that it does not reach are blocked and counted in `dropped`. What the map
    does not name is placed by rule (numbers are assumptions): up to 8 stations on cells that block
    no aisle, far from each other, the first one drawn; up to 400 pick faces drawn among the cells
    beside a wall. Chargers follow from the stations: one for every 4, at most 8, beside a station,
    on cells that block no aisle, in bays and corners first, far from each other. A floor of one or
    two cells is furnished too: there a cell serves for several.

    Args:
        loaded: from `formats.load_map`.
        moves: of the layout's map; the living world is four-connected.
        seed: of everything that is drawn: placed stations and faces, popularity.

    Raises:
        ValueError: no free cell at all.
    """
    grid = GridMap(loaded.grid.blocked, loaded.grid.cell_size_m, moves)
    stations, storage = np.zeros((2, grid.size), dtype=np.bool_)
    stations[loaded.stations] = True
    storage[loaded.storage] = True
    return furnished(loaded.name, grid, stations, storage, seed)


def from_graph(
    graph: GraphMap,
    *,
    stations: int | None = None,
    storage: int | None = None,
    chargers: int | None = None,
    seed: int = 0,
    name: str = "graph",
) -> Layout:
    """A layout of a graph with positions: in a city, stations are where goods are dropped, storage
    where they are picked up.

    All places go by farthest-point choice in a straight line, the first one drawn: each next place
    is the node farthest from those before; storage keeps away from stations as well. Nodes outside
    the largest strongly connected part are blocked and counted in `dropped`.

    Args:
        graph: road network, aisle graph or any other map with `position_m`.
        stations, storage, chargers: how many; by default (assumptions) a tenth of the nodes and at
            most 8 stations and 400 pick-up points, and a charger for every 4 stations, at most 8.
        seed: of the first places and of popularity.
        name: of the layout.

    Raises:
        ValueError: a graph without positions or free nodes, or a count below 1.
    """
    counts = {"stations": stations, "storage": storage, "chargers": chargers}
    for kind, count in counts.items():
        if count is not None and count < 1:
            raise ValueError(f"{kind} must be at least 1, not {count}")
    places = Places(
        name=name,
        stations=Wanted(rule="spread", count=stations),
        storage=Wanted(rule="spread", count=storage),
        chargers=WantedChargers(rule="spread", count=chargers),
    )
    return furnished_by(graph, places, seed, name)


def load_layout(path: str | PathLike[str], *, seed: int = 0) -> Layout:
    """The layout of a file: a `.map`, or a `.toml` that names a map and what stands on it.

    The map may be of any kind that `envs.formats.files` reads: fine cells of a ROS map are walked
    as cells of a metre, a road network becomes a city first.

    Args:
        path: a `.map` is furnished as by `from_map`; the keys of a `.toml` stand in
            `envs/layouts/places_file.py`, its `map` is looked for in its own folder.
        seed: of everything that is drawn.

    Raises:
        MapFormatError: an unreadable file, or content that makes no sense; names file, key and
            value.
    """
    path = Path(path)
    if path.suffix.lower() != ".toml":
        return from_map(load_map(path), seed=seed)
    spec, source = read_places(path)
    if spec.map is None:
        raise MapFormatError(
            'map is missing: name the map, such as map = "floor.map"', source=source
        )
    file = path.parent / spec.map
    if file.suffix.lower() == ".toml":
        raise MapFormatError(f"map = {spec.map!r}: name a map, not another list", source=source)
    spec = spec.model_copy(update={"map": None})
    if is_network(file):
        from ..city import city_layout  # which is made of layouts itself

        loaded = load_graph(file)
        base = city_layout(loaded.graph, seed=seed, name=loaded.name)
        layout = furnished_by(base, spec, seed, source)
    else:
        layout, _ = furnished_floor(file, spec, seed, source)
    return layout if spec.name else replace(layout, name=path.stem)


def furnished_floor(file: Path, spec: Places, seed: int, source: str) -> tuple[Layout, list[str]]:
    """The floor of a file as it is walked, with what a list of places says; and remarks on it.

    The list's cells are those that are walked; its cell size is that of the file's cells. `source`
    is the list's name in messages.
    """
    floor, said = walked(load_floor(file, "four", cell_size_m=spec.cell_size_m or 1.0))
    spec = spec.model_copy(update={"cell_size_m": None})
    return furnished_by(floor, spec, seed, source), said
