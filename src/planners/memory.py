"""How much memory searches on a map keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .graphs import Map


def work_bytes(map: Map) -> dict[str, int]:
    """Bytes of every array that the calling thread's searches on a map keep between queries.

    Returns:
        Bytes by the array's name; empty before the first search of this thread on this map. The
        map itself and its cost fields are not among them.

    >>> from planners import GridMap, plan
    >>> grid = GridMap(np.zeros((8, 8), dtype=bool))
    >>> work_bytes(grid)
    {}
    >>> _ = plan(grid, (0, 0), (7, 7), engine="generic")
    >>> work_bytes(grid)["workspace.parent"]
    256
    """
    found: dict[str, int] = {}
    seen: set[int] = set()
    for name, kept in vars(map.workspaces).items():
        for place, array in _arrays(name, kept):
            owner = array if array.base is None else array.base
            if id(owner) not in seen:
                seen.add(id(owner))
                found[place] = int(array.nbytes)
    return found


def _arrays(name: str, kept: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """The arrays in a value: itself, in a tuple, list or dict, or in an object's attributes."""
    if isinstance(kept, np.ndarray):
        yield name, kept
        return
    if isinstance(kept, (tuple, list)):
        parts: Any = enumerate(kept)
    elif isinstance(kept, dict):
        parts = kept.items()
    else:
        parts = getattr(kept, "__dict__", {}).items()
    for key, part in parts:
        yield from _arrays(f"{name}.{key}", part)
