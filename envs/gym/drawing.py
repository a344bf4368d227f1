"""What the robot's drawing of the floor says: walls, zones, legal moves, and the way to any goal.

All of it is static and known to the robot: no blockage of the moment, no person, no other robot.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from envs.layouts import Layout
from envs.zones import robot_map
from planners import GridMap, cost_to_go

NORTH, EAST, SOUTH, WEST = range(4)
_BIT_OF = (0, 2, 4, 6)  # of the four directions in a grid's mask of legal moves
_FIELD_BYTES = 32 * 2**20  # (a) ways kept


class Drawing:
    """A grid layout as the robot knows it; built once a layout (see `drawing_of`).

    Attributes:
        shape: rows, columns.
        cell_m: metres of a cell.
        moves: (size,) bytes; bit k says that direction k (north, east, south, west) may be taken.
        blocked: (rows, cols) bool, walls and keep-out zones.
        free: node ids from which the stations can be reached, chargers left out.
    """

    def __init__(self, layout: Layout) -> None:
        grid = robot_map(layout)
        if not isinstance(grid, GridMap):
            raise ValueError(
                f"WarehouseNav-v0 needs a grid and {layout.name} is a graph, which has no north: "
                "use WarehouseTask-v0 there"
            )
        self._grid = grid
        self.shape, self.cell_m = grid.shape, grid.cell_size_m
        self.diameter_m = grid.cell_size_m * float(sum(grid.shape))
        bits = np.zeros(grid.size, dtype=np.uint8)
        for k, bit in enumerate(_BIT_OF):
            bits |= ((grid.move_mask >> np.uint8(bit)) & np.uint8(1)) << np.uint8(k)
        self.moves = bits.tobytes()
        self.steps = (-grid.cols, 1, grid.cols, -1)
        self.blocked = np.asarray(grid.blocked, dtype=np.bool_)
        self._fields: OrderedDict[int, npt.NDArray[np.float32]] = OrderedDict()
        reached = np.isfinite(self.way_m(layout.stations[0]).reshape(-1))
        reached[list(layout.chargers)] = False
        self.free = np.flatnonzero(reached)

    def way_m(self, goal: int) -> npt.NDArray[np.float32]:
        """(rows, cols) metres of the shortest way to `goal`, infinite where there is none; kept."""
        field = self._fields.get(goal)
        if field is None:
            values = cost_to_go(self._grid, self._grid.label(goal)).values
            field = self._fields[goal] = values.reshape(self.shape).astype(np.float32)
            if len(self._fields) > max(4, _FIELD_BYTES // field.nbytes):
                self._fields.popitem(last=False)
        else:
            self._fields.move_to_end(goal)
        return field


@lru_cache(maxsize=4)
def drawing_of(layout: Layout) -> Drawing:
    """The drawing of a layout, made once; ValueError for a graph."""
    return Drawing(layout)
