"""Grid maps: which cells are free, and which moves are legal between them."""

from __future__ import annotations

import math
import threading
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Moves = Literal["four", "eight", "eight-one-free", "eight-any"]
Cell = tuple[int, int]

MOVES: tuple[Moves, ...] = ("four", "eight", "eight-one-free", "eight-any")

# Directions in which a cell can be left, in the order of every (8, rows, cols) array and of the
# bits of a move mask: N, NE, E, SE, S, SW, W, NW. Row 0 is north.
ROW_STEP = (-1, -1, 0, 1, 1, 1, 0, -1)
COL_STEP = (0, 1, 1, 1, 0, -1, -1, -1)
STEP_LENGTH = tuple(math.hypot(dr, dc) for dr, dc in zip(ROW_STEP, COL_STEP, strict=True))

MAX_NODES = 2**31 - 8
FARTHEST = 1e150  # lengths and coordinates beyond it have no float64 sums and distances


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Mark an array that we own as read-only and hand it back."""
    array.setflags(write=False)
    return array


def as_blocked(values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """A fresh boolean grid from any numeric array; non-zero is blocked.

    Raises:
        ValueError: not two-dimensional, without a single cell, not numeric, or with NaN.
    """
    array = np.asarray(values)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(
            f"blocked must be a (rows, cols) array with at least one cell, not shape {array.shape}"
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"blocked must hold booleans or numbers, not dtype {array.dtype}")
    if array.dtype.kind == "f" and np.isnan(array).any():
        row, col = np.argwhere(np.isnan(array))[0]
        raise ValueError(f"blocked holds NaN at cell ({row}, {col}): use 0 (free) or 1 (blocked)")
    if array.size > MAX_NODES:
        raise ValueError(f"a map of {array.size} cells is over the limit of {MAX_NODES}")
    return np.array(array != 0, dtype=np.bool_, order="C")


def move_masks(
    blocked: npt.NDArray[np.bool_], moves: Moves, one_way: npt.NDArray[np.uint8] | None = None
) -> npt.NDArray[np.uint8]:
    """One byte a cell: bit k is set where the move in direction k (N, NE, .., NW) is legal.

    A byte answers connectivity, corner rule and one-way aisles at once; its shape is `blocked`'s.
    """
    rows, cols = blocked.shape
    free = np.zeros((rows + 2, cols + 2), dtype=np.bool_)
    np.logical_not(blocked, out=free[1:-1, 1:-1])

    def shifted(k: int) -> npt.NDArray[np.bool_]:
        dr, dc = ROW_STEP[k], COL_STEP[k]
        return free[1 + dr : 1 + dr + rows, 1 + dc : 1 + dc + cols]

    here = free[1:-1, 1:-1]
    masks = np.zeros((rows, cols), dtype=np.uint8)
    for k in range(0, 8, 1 if moves != "four" else 2):
        legal = here & shifted(k)
        if k % 2 and moves != "eight-any":
            before, after = shifted(k - 1), shifted((k + 1) % 8)
            legal &= (before & after) if moves == "eight" else (before | after)
        masks |= legal.astype(np.uint8) << np.uint8(k)
    return masks if one_way is None else masks & one_way


class GridMap:
    """A grid of square cells, some of them blocked. Immutable.

    A cell is `(row, col)`, row 0 at the top; its node id is `row * cols + col`.

    Args:
        blocked: (rows, cols), any numeric dtype; non-zero is blocked. Copied.
        cell_size_m: side of a cell in metres, > 0.
        moves: `"four"`; `"eight"` (default: a diagonal needs both its side cells free, the MovingAI
            rule); `"eight-one-free"` (one of them); `"eight-any"`.
        one_way: optional (rows, cols) uint8 mask of the directions in which a cell may be *left*
            (bit 0 = N, then clockwise to bit 7 = NW).

    Raises:
        ValueError: an empty or not two-dimensional map, an unknown rule, a bad size or mask.

    Attributes:
        blocked: (rows, cols) booleans, read-only.
        rows, cols, shape, size: of the map, blocked cells included.

    >>> grid = GridMap([[0, 0, 1], [0, 0, 0]])
    >>> grid.shape, grid.size, grid.node((1, 2))
    ((2, 3), 6, 5)
    """

    def __init__(
        self,
        blocked: npt.ArrayLike,
        cell_size_m: float = 1.0,
        moves: Moves = "eight",
        one_way: npt.ArrayLike | None = None,
    ) -> None:
        if moves not in MOVES:
            raise ValueError(f"unknown moves {moves!r}: choose one of {', '.join(MOVES)}")
        if not (isinstance(cell_size_m, (int, float, np.number)) and 0 < cell_size_m < FARTHEST):
            raise ValueError(f"cell_size_m must be a number > 0, < {FARTHEST}, not {cell_size_m!r}")
        self._set_blocked(as_blocked(blocked))
        self.cell_size_m = float(cell_size_m)
        self.moves: Moves = moves
        self.one_way = None if one_way is None else self._checked_one_way(one_way)
        self.workspaces = threading.local()

    def _set_blocked(self, blocked: npt.NDArray[np.bool_]) -> None:
        self.blocked = read_only(blocked)
        self.rows, self.cols = int(blocked.shape[0]), int(blocked.shape[1])
        self.shape = (self.rows, self.cols)
        self.size = self.rows * self.cols

    def _checked_one_way(self, one_way: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        mask = np.asarray(one_way)
        if mask.shape != self.shape or mask.dtype.kind not in "biu":
            raise ValueError(
                f"one_way must be integers of shape {self.shape}, not {mask.dtype} {mask.shape}"
            )
        if mask.size and (int(mask.min()) < 0 or int(mask.max()) > 255):
            raise ValueError(f"one_way must lie in 0..255, found {mask.min()}..{mask.max()}")
        return read_only(mask.astype(np.uint8))

    def __repr__(self) -> str:
        free = self.size - int(self.blocked.sum())
        return f"GridMap({self.rows} x {self.cols}, {free} free, moves={self.moves!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return GridMap, (self.blocked, self.cell_size_m, self.moves, self.one_way)

    @cached_property
    def move_mask(self) -> npt.NDArray[np.uint8]:
        """(size,) uint8: the legal moves out of each cell, bit k for direction k."""
        return read_only(move_masks(self.blocked, self.moves, self.one_way).ravel())

    @cached_property
    def arrival_mask(self) -> npt.NDArray[np.uint8]:
        """(size,) uint8: bit k: the neighbour in direction k may move *into* the cell."""
        masks = np.zeros((self.rows + 2, self.cols + 2), dtype=np.uint8)
        masks[1:-1, 1:-1] = self.move_mask.reshape(self.shape)
        arrivals = np.zeros(self.shape, dtype=np.uint8)
        for k in range(8):
            dr, dc = ROW_STEP[k], COL_STEP[k]
            there = masks[1 + dr : 1 + dr + self.rows, 1 + dc : 1 + dc + self.cols]
            arrivals |= ((there >> np.uint8((k + 4) % 8)) & np.uint8(1)) << np.uint8(k)
        return read_only(arrivals.ravel())

    def node(self, cell: Any) -> int:
        """The node id of a cell `(row, col)`, or of a node id itself.

        Raises:
            ValueError: the cell lies outside the map, or is no cell at all.
        """
        if type(cell) is tuple and len(cell) == 2 and type(cell[0]) is type(cell[1]) is int:
            row, col = cell
            if 0 <= row < self.rows and 0 <= col < self.cols:
                known: int = row * self.cols + col
                return known
        values = np.asarray(cell)
        if values.dtype.kind not in "iu" or values.shape not in ((), (2,)):
            raise ValueError(f"a cell is (row, col) or a node id, whole numbers, not {cell!r}")
        if values.shape == ():
            if 0 <= int(values) < self.size:
                return int(values)
            raise ValueError(f"node {cell} is outside the map: ids run from 0 to {self.size - 1}")
        row, col = int(values[0]), int(values[1])
        if 0 <= row < self.rows and 0 <= col < self.cols:
            return row * self.cols + col
        raise ValueError(
            f"cell ({row}, {col}) is outside the map of {self.rows} rows x {self.cols} columns"
        )

    def cell(self, node: int) -> Cell:
        """The (row, col) of a node id."""
        return divmod(self.node(node), self.cols)

    def label(self, node: int) -> Cell:
        """What a user calls the node: its cell."""
        return self.cell(node)

    def cells(self, nodes: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """(k, 2) rows and columns of k node ids."""
        ids = np.asarray(nodes, dtype=np.int64)
        return np.stack(np.divmod(ids, self.cols), axis=-1)

    def positions_m(self, nodes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(k, 2) positions in metres: x = col, y = row (down), times the cell size."""
        return np.asarray(self.cells(nodes)[..., ::-1] * self.cell_size_m, dtype=np.float64)

    def is_blocked(self, node: int) -> bool:
        """Whether a node id is blocked."""
        return bool(self.blocked.item(node))

    def successors(self, node: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Nodes that one legal move reaches, and the lengths of those moves in metres."""
        mask = int(self.move_mask[self.node(node)])
        ks = [k for k in range(8) if mask >> k & 1]
        nodes = [node + ROW_STEP[k] * self.cols + COL_STEP[k] for k in ks]
        lengths = [STEP_LENGTH[k] * self.cell_size_m for k in ks]
        return np.array(nodes, dtype=np.int64), np.array(lengths, dtype=np.float64)

    def with_blocked(self, cells: npt.ArrayLike, blocked: bool) -> GridMap:
        """A new map in which the given cells are blocked or free; work arrays are shared.

        Args:
            cells: (k, 2) cells, (k,) node ids, or one cell as a tuple.
            blocked: True to block them, False to free them.
        """
        array = np.atleast_1d(np.asarray(cells))
        if array.size == 0:
            return self
        if array.ndim == 1 and isinstance(cells, tuple) and array.shape == (2,):
            array = array[None, :]
        nodes = [self.node(cell) for cell in array]
        grid = np.array(self.blocked)
        grid.flat[nodes] = blocked
        fresh = GridMap.__new__(GridMap)
        fresh._set_blocked(grid)
        fresh.cell_size_m, fresh.moves, fresh.one_way = self.cell_size_m, self.moves, self.one_way
        fresh.workspaces = self.workspaces
        if "move_mask" in self.__dict__ and len(nodes) <= 64:
            fresh.__dict__["move_mask"] = self._patched_masks(fresh, nodes)
        return fresh

    def _patched_masks(self, fresh: GridMap, nodes: list[int]) -> npt.NDArray[np.uint8]:
        """The move masks of `fresh`, recomputed only around the changed nodes."""
        masks = np.array(self.move_mask).reshape(self.shape)
        for node in nodes:
            row, col = divmod(node, self.cols)
            top, left = max(row - 2, 0), max(col - 2, 0)
            window = (slice(top, row + 3), slice(left, col + 3))
            one_way = None if self.one_way is None else self.one_way[window]
            local = move_masks(fresh.blocked[window], self.moves, one_way)
            inner = (slice(max(row - 1, 0), row + 2), slice(max(col - 1, 0), col + 2))
            shift = (slice(inner[0].start - top, None), slice(inner[1].start - left, None))
            target = masks[inner]
            masks[inner] = local[shift][: target.shape[0], : target.shape[1]]
        return read_only(masks.ravel())
