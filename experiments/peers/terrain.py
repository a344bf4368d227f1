"""Generated maps of the families of the benchmark maps, for runs without their files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planners import GraphMap

Mask = npt.NDArray[np.bool_]


def caves(rng: np.random.Generator, side: int = 512) -> Mask:
    """Winding caves: the upper two fifths of a smoothed noise are rock."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.random((side, side)), 6.0)
    return largest_part(noise > np.quantile(noise, 0.6))


def city(rng: np.random.Generator, side: int = 1024) -> Mask:
    """Houses of all sizes between wide streets and squares."""
    blocked = np.zeros((side, side), dtype=bool)
    for row, col in rng.integers(0, side, (side * side // 1200, 2)).tolist():
        rows, cols = rng.integers(8, 36, 2).tolist()
        blocked[row : row + rows, col : col + cols] = True
    return largest_part(blocked)


def rooms(rng: np.random.Generator, side: int = 512, room: int = 16) -> Mask:
    """Square rooms with a door to most of their neighbours."""
    blocked = np.zeros((side, side), dtype=bool)
    walls = np.arange(room, side, room + 1)
    blocked[walls, :] = blocked[:, walls] = True
    for wall in walls.tolist():
        for first in range(0, side - room, room + 1):
            at, across = first + rng.integers(0, room, 2)
            blocked[wall, at] = blocked[wall, at] and rng.random() < 0.1
            blocked[across, wall] = blocked[across, wall] and rng.random() < 0.1
    return largest_part(blocked)


def shelves(rows: int, cols: int, length: int = 10, aisle: int = 1) -> Mask:
    """Rows of shelves two deep with aisles between them, open ground on both sides."""
    row, col = np.indices((rows, cols))
    inside = (col >= 8) & (col < cols - 8) & (row > 0) & (row < rows - 1)
    on_shelf = ((row - 1) % (2 + aisle) >= aisle) & ((col - 8) % (length + aisle) >= aisle)
    return np.asarray(inside & on_shelf)


def largest_part(blocked: Mask) -> Mask:
    """The mask with everything but the largest four-connected part blocked.

    >>> largest_part(np.array([[0, 1, 0, 0]], dtype=bool)).astype(int)
    array([[1, 1, 0, 0]])
    """
    from scipy.ndimage import label

    parts, _ = label(~blocked)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts != np.argmax(sizes))


def streets(rng: np.random.Generator, nodes: int, straight: bool = True) -> GraphMap:
    """A town: a lattice with moved crossings and a fifth of its streets missing.

    Args:
        straight: with positions; streets are then up to 30 % longer than the straight line.
    """
    side = round(nodes**0.5)
    at = np.indices((side, side)).reshape(2, -1).T * 100.0 + rng.uniform(-30, 30, (side * side, 2))
    ids = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate([
        np.stack([ids[:, :-1].ravel(), ids[:, 1:].ravel()], axis=1),
        np.stack([ids[:-1].ravel(), ids[1:].ravel()], axis=1),
    ])  # fmt: skip
    pairs = pairs[rng.random(len(pairs)) < 0.8]
    detour = rng.uniform(1.0, 1.3, len(pairs))
    return undirected(at, pairs, detour, straight)


def geometric(rng: np.random.Generator, nodes: int, neighbours: float = 10.0) -> GraphMap:
    """Points in a square, joined where they are near; so many neighbours in the mean."""
    from scipy.spatial import cKDTree

    at = rng.random((nodes, 2)) * 1000.0
    radius = 1000.0 * (neighbours / (np.pi * nodes)) ** 0.5
    pairs = cKDTree(at).query_pairs(radius, output_type="ndarray")
    return undirected(at, pairs, np.ones(len(pairs)))


def undirected(
    at: npt.NDArray[np.float64],
    pairs: npt.NDArray[np.integer],
    detour: npt.NDArray[np.float64],
    with_positions: bool = True,
) -> GraphMap:
    """A graph map of undirected edges, each as long as `detour` times the straight line."""
    tails, heads = np.concatenate([pairs, pairs[:, ::-1]]).T
    step = at[tails] - at[heads]
    length_m = np.hypot(step[:, 0], step[:, 1]) * np.tile(detour, 2)
    order = np.lexsort((heads, tails))
    indptr = np.searchsorted(tails[order], np.arange(len(at) + 1))
    return GraphMap(indptr, heads[order], length_m[order], at if with_positions else None)
