"""One door for all files: the ending decides what a file holds.

`.map` in either dialect, `.npy`, `.yaml` of ROS; `.npz`, `.gr`, `.graphml` are road networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from planners import GridMap, MapFormatError

from .coarse import coarsen
from .movingai import LoadedMap, load_map
from .roads import GRAPH_SUFFIXES, LoadedGraph, load_graph
from .ros import load_ros_map

Moves = Literal["four", "eight"]

WALKED_M, FINE_M = 1.0, 0.5  # maps of cells below FINE_M are walked in cells of WALKED_M (a)


def is_network(path: str | Path) -> bool:
    """Whether the name of a file says that it holds a road network."""
    return Path(path).suffix in GRAPH_SUFFIXES


def load_place(path: str | Path, moves: Moves = "eight") -> LoadedMap | LoadedGraph:
    """The map of a file, or the road network; see `load_floor` and `load_graph`."""
    return load_graph(path) if is_network(path) else load_floor(path, moves)


def load_floor(path: str | Path, moves: Moves = "eight", cell_size_m: float = 1.0) -> LoadedMap:
    """The map of a file: `.npy` (rows, cols), non-zero is blocked; `.yaml` of ROS; else a `.map`.

    `cell_size_m` is for files that do not say it themselves.

    Raises:
        MapFormatError: unreadable, or not such a map; names file, line and reason.
    """
    path = Path(path)
    if is_network(path):
        raise MapFormatError("is a road network: here a grid is needed", source=str(path))
    if path.suffix in (".yaml", ".yml"):
        return load_ros_map(path, moves=moves)
    if path.suffix != ".npy":
        return load_map(path, moves=moves, cell_size_m=cell_size_m)
    values = load_array(path)
    try:
        grid = GridMap(values, cell_size_m, moves)
    except ValueError as error:
        raise MapFormatError(str(error), source=str(path)) from error
    symbols = np.where(grid.blocked, np.uint8(ord("@")), np.uint8(ord(".")))
    symbols.flags.writeable = False
    return LoadedMap(path.stem, grid, symbols, "movingai")


def walked(loaded: LoadedMap) -> tuple[LoadedMap, list[str]]:
    """The map as robots and people walk it, and what a reader should know about that.

    A grid of cells below half a metre is walked in cells of about a metre, each blocked if any of
    its fine cells is: a door has to be as wide as that.
    """
    fine, size_m = loaded.grid.size, loaded.grid.cell_size_m
    if size_m >= FINE_M:
        return loaded, []
    coarse = coarsen(loaded, WALKED_M, "any")
    return coarse, [
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
