"""Maps and layers from the files that a user names: `.map` in either dialect, or `.npy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from envs.formats import LoadedMap, load_map
from planners import GridMap, MapFormatError

Moves = Literal["four", "eight"]


def load_floor(path: str | Path, moves: Moves = "eight") -> LoadedMap:
    """The map of a file: `.npy` (rows, cols), non-zero is blocked, else a `.map` of any dialect.

    Raises:
        MapFormatError: unreadable, or not such a map; names file, line and reason.
    """
    path = Path(path)
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
