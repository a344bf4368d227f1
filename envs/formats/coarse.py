"""Fine maps made coarse enough to be walked."""

from __future__ import annotations

from typing import Literal

import numpy as np

from planners import GridMap

from .movingai import LoadedMap
from .textio import owned

Rule = Literal["any", "most"]


def coarsen(loaded: LoadedMap, cell_size_m: float = 1.0, rule: Rule = "any") -> LoadedMap:
    """The same floor in cells of about `cell_size_m`, a whole number of fine cells each.

    The lower left corner (ROS's origin) stays where it is; what sticks out at the top and on the
    right is filled with blocked cells. Symbols become `.` and `@`.

    Args:
        loaded: a map whose cells are smaller; one that is coarse enough is returned as it is.
        cell_size_m: what a cell should measure.
        rule: a coarse cell is blocked if `any` of its fine cells is (its free cells are free all
            over, but doors narrower than about two cells may close), or if `most`, more than half,
            are (doors stay, but thin walls may vanish).

    Raises:
        ValueError: a size that is not above 0, or an unknown rule.

    >>> floor = GridMap([[0, 0, 0, 1], [0, 0, 0, 0]], 0.5)
    >>> fine = LoadedMap("fine", floor, np.zeros((2, 4), np.uint8), "movingai")
    >>> [coarsen(fine, 1.0, rule).grid.blocked.tolist() for rule in ("any", "most")]
    [[[False, True]], [[False, False]]]
    """
    if not 0 < cell_size_m < float("inf"):
        raise ValueError(f"cell_size_m must be finite and above 0, not {cell_size_m!r}")
    if rule not in ("any", "most"):
        raise ValueError(f"rule must be 'any' or 'most', not {rule!r}")
    grid = loaded.grid
    factor = round(cell_size_m / grid.cell_size_m)
    if factor <= 1:
        return loaded
    rows, cols = -(-grid.rows // factor), -(-grid.cols // factor)
    missing = (rows * factor - grid.rows, 0), (0, cols * factor - grid.cols)
    fine = np.pad(grid.blocked, missing, constant_values=True)
    share = fine.reshape(rows, factor, cols, factor).mean(axis=(1, 3))
    blocked = share > (0.0 if rule == "any" else 0.5)
    symbols = owned(np.where(blocked, ord("@"), ord(".")), np.uint8)
    coarse = GridMap(blocked, factor * grid.cell_size_m, grid.moves)
    return LoadedMap(loaded.name, coarse, symbols, "movingai")
