"""Layered cost fields to study searches on: four families, pure functions of a map and a generator.

Each returns (rows, cols) float32 extra cost per metre >= 0 over a base pace of 1, zero on blocked
cells, at most `MOST`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from planners import GridMap

MOST = 9.0  # paces lie between 1 and 10
HOT_SPOTS, HOT_WIDTH = 24, (0.02, 0.08)  # (a) so many bumps; their sigma, as a share of the side
LINES, LINE_WIDTH, GAPS, GAP_WIDTH = 10, 0.015, 3, 0.03  # (a) shares of the side
FACE_SHARE, FACE_DECAY = 0.25, 3.0  # (a) of the cells at walls; cells to 1 / e

Values = npt.NDArray[np.float32]


def noise(grid: GridMap, rng: np.random.Generator) -> Values:
    """Independent cells: paces uniform between 1 and 10. No estimate can foresee it."""
    return _on_free(grid, rng.random(grid.shape) * MOST)


def hot_spots(grid: GridMap, rng: np.random.Generator) -> Values:
    """Gaussian bumps around free cells: crowds, spills, places to keep away from."""
    rows, cols = np.arange(grid.rows), np.arange(grid.cols)
    field = np.zeros(grid.shape)
    for row, col in _free_cells(grid, rng, HOT_SPOTS):
        width = max(1.0, rng.uniform(*HOT_WIDTH) * max(grid.shape))
        height = rng.uniform(0.3, 1.0) * MOST
        down = np.exp(-0.5 * ((rows - row) / width) ** 2)
        across = np.exp(-0.5 * ((cols - col) / width) ** 2)
        field += height * down[:, None] * across[None, :]
    return _on_free(grid, np.minimum(field, MOST))


def barriers(grid: GridMap, rng: np.random.Generator) -> Values:
    """Thick dear lines right across the map, with cheap gaps: detours that pay."""
    side = max(grid.shape)
    rows, cols = np.indices(grid.shape)
    field = np.zeros(grid.shape)
    for row, col in _free_cells(grid, rng, LINES):
        angle = rng.uniform(0.0, np.pi)
        along = (cols - col) * np.cos(angle) + (rows - row) * np.sin(angle)
        off = (rows - row) * np.cos(angle) - (cols - col) * np.sin(angle)
        line = np.abs(off) <= max(1.0, LINE_WIDTH * side / 2)
        for gap in rng.uniform(along.min(), along.max(), GAPS):
            line &= np.abs(along - gap) > max(1.0, GAP_WIDTH * side / 2)
        field[line] = rng.uniform(0.5, 1.0) * MOST
    return _on_free(grid, field)


def warehouse(grid: GridMap, rng: np.random.Generator) -> Values:
    """Risk at pick faces: cells at walls, few of them popular, fading with distance from them."""
    free = ~grid.blocked
    at_wall = free & ndimage.binary_dilation(grid.blocked)
    faces = np.flatnonzero(at_wall.ravel())
    popularity = np.zeros(grid.size)
    if faces.size:
        chosen = rng.choice(faces, max(1, round(FACE_SHARE * faces.size)), replace=False)
        popularity[chosen] = 1.0 / np.sqrt(1.0 + rng.permutation(chosen.size) / 8.0)
    risk = popularity.reshape(grid.shape)
    spread = np.exp(-np.abs(np.arange(-12, 13)) / FACE_DECAY)
    for axis in (0, 1):
        risk = ndimage.convolve1d(risk, spread, axis=axis, mode="constant")
    most = float(risk[free].max(initial=0.0))
    return _on_free(grid, risk * (MOST / most) if most > 0 else risk)


FAMILIES: dict[str, Callable[[GridMap, np.random.Generator], Values]] = {
    "noise": noise,
    "hot-spots": hot_spots,
    "barriers": barriers,
    "warehouse": warehouse,
}


def _on_free(grid: GridMap, field: npt.NDArray[np.float64]) -> Values:
    return np.where(grid.blocked, 0.0, field).astype(np.float32)


def _free_cells(grid: GridMap, rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
    free = np.flatnonzero(~grid.blocked.ravel())
    return grid.cells(rng.choice(free, count))


# --- long queries


def main_floor(grid: GridMap) -> npt.NDArray[np.int64]:
    """Node ids of the largest connected part (diagonals need both side cells free)."""
    labels, count = ndimage.label(~grid.blocked)
    if count == 0:
        raise ValueError("the map has no free cell: there is nothing to plan on")
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.flatnonzero(labels.ravel() == int(sizes.argmax()))
