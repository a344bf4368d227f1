"""Maps and layers from the files that a user names, and the layouts to live in them.

The ending decides: `.map` in either dialect, `.npy`, `.yaml` of ROS; `.npz`, `.gr`, `.graphml` are
road networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from envs.city import CityRules, city_layout
from envs.formats import LoadedGraph, LoadedMap, coarsen, load_graph, load_map, load_ros_map
from envs.formats.roads import GRAPH_SUFFIXES
from envs.layouts import Layout, from_map, load_layout
from planners import GraphMap, GridMap, MapFormatError

Moves = Literal["four", "eight"]

WALKED_M, FINE_M = 1.0, 0.5  # maps of cells below FINE_M are walked in cells of WALKED_M (a)


def is_network(path: str | Path) -> bool:
    """Whether the name of a file says that it holds a road network."""
    return Path(path).suffix in GRAPH_SUFFIXES


def load_place(path: str | Path, moves: Moves = "eight") -> LoadedMap | LoadedGraph:
    """The map of a file, or the road network; see `load_floor` and `load_graph`."""
    return load_graph(path) if is_network(path) else load_floor(path, moves)


def load_floor(path: str | Path, moves: Moves = "eight") -> LoadedMap:
    """The map of a file: `.npy` (rows, cols), non-zero is blocked; `.yaml` of ROS; else a `.map`.

    Raises:
        MapFormatError: unreadable, or not such a map; names file, line and reason.
    """
    path = Path(path)
    if is_network(path):
        raise MapFormatError("is a road network: here a grid is needed", source=str(path))
    if path.suffix in (".yaml", ".yml"):
        return load_ros_map(path, moves=moves)
    if path.suffix != ".npy":
        return load_map(path, moves=moves)
    values = load_array(path)
    try:
        grid = GridMap(values, moves=moves)
    except ValueError as error:
        raise MapFormatError(str(error), source=str(path)) from error
    symbols = np.where(grid.blocked, np.uint8(ord("@")), np.uint8(ord(".")))
    symbols.flags.writeable = False
    return LoadedMap(path.stem, grid, symbols, "movingai")


def layout_of_file(path: str | Path, seed: int = 0) -> tuple[Layout, list[str]]:
    """The layout to live in on a file's map, and what a reader should know about it.

    A road network becomes a city (see `envs.city`); a grid of cells below half a metre is walked
    in cells of about a metre, each blocked if any of its fine cells is.

    Raises:
        MapFormatError: as the loaders. ValueError: nothing to live on.
    """
    if Path(path).suffix == ".toml":
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
    fine, size_m = loaded.grid.size, loaded.grid.cell_size_m
    if size_m >= FINE_M:
        return from_map(loaded, seed=seed), []
    coarse = coarsen(loaded, WALKED_M, "any")
    return from_map(coarse, seed=seed), [
        f"{fine:,} cells of {size_m:g} m are walked as {coarse.grid.size:,} cells of "
        f"{coarse.grid.cell_size_m:g} m, each blocked if any of its fine cells is"
    ]


def load_array(path: str | Path) -> npt.NDArray[Any]:
    """The array of an `.npy` file, mapped and not read: a header cannot ask for memory.

    Raises:
        MapFormatError: missing, unreadable, pickled, cut short, or no `.npy` at all.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise MapFormatError("is not a regular file", source=str(path))
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise MapFormatError(reason, source=str(path)) from error
    except MapFormatError:
        raise
    except (ValueError, EOFError, OverflowError) as error:
        reason = f"is not a whole numpy array (.npy, without pickled objects): {error}"
        raise MapFormatError(reason, source=str(path)) from error
    if not isinstance(array, np.ndarray):
        raise MapFormatError("holds several arrays: save one as .npy", source=str(path))
    return array
