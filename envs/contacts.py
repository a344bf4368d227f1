"""Who touches whom between two ticks: from positions alone, knowing nothing of any rule.

If the rules of the road fail, this shows it. Everybody is taken to move in a straight line at even
speed from where it was to where it is, which is exact where nobody changes edges within a tick.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Positions = npt.NDArray[np.float64]
Pairs = npt.NDArray[np.int64]


def contacts_of(
    x0: Positions, y0: Positions, x1: Positions, y1: Positions, limit_m: float
) -> Pairs:
    """The pairs of bodies that come closer than a limit on the way from (x0, y0) to (x1, y1).

    Args:
        x0, y0, x1, y1: (n,) metres, where each body was and is.
        limit_m: closer than this is a contact; at exactly this it is none.

    Returns:
        (k, 2) int64, i < j, in ascending order: all such pairs and no other.

    Raises:
        ValueError: arrays of different lengths.

    >>> x0, x1, y = np.array([0.0, 2.0]), np.array([2.0, 0.0]), np.array([0.0, 0.4])
    >>> contacts_of(x0, y, x1, y, 0.5).tolist()
    [[0, 1]]
    """
    if not x0.shape == y0.shape == x1.shape == y1.shape == (x0.size,):
        shapes = [array.shape for array in (x0, y0, x1, y1)]
        raise ValueError(f"x0, y0, x1 and y1 must be (n,) arrays of one length, not {shapes}")
    i, j = _near_pairs(x0, y0, x1, y1, limit_m)
    x, y = x0[j] - x0[i], y0[j] - y0[i]
    dx, dy = x1[j] - x1[i] - x, y1[j] - y1[i] - y
    near = np.flatnonzero(_least_square(x, y, dx, dy) < limit_m * limit_m)
    near = near[np.lexsort((j[near], i[near]))]
    return np.stack((i[near], j[near]), axis=1).astype(np.int64)


def _least_square(x: Positions, y: Positions, dx: Positions, dy: Positions) -> Positions:
    """Least squared length of (x, y) + t (dx, dy) for t in [0, 1]."""
    speed = dx * dx + dy * dy
    t = np.clip(-(x * dx + y * dy) / np.where(speed > 0.0, speed, 1.0), 0.0, 1.0)
    return (x + t * dx) ** 2 + (y + t * dy) ** 2


def _near_pairs(
    x0: Positions, y0: Positions, x1: Positions, y1: Positions, limit_m: float
) -> tuple[Pairs, Pairs]:
    """Pairs that may come that close: halfway they are no farther apart than the limit and a way.

    On its way a body is at most half its way from where it is halfway.
    """
    longest_m = float(np.hypot(x1 - x0, y1 - y0).max(initial=0.0))
    halfway = np.stack(((x0 + x1) / 2, (y0 + y1) / 2), axis=1)
    reach_m = (limit_m + longest_m) * (1 + 1e-9)
    pairs = cKDTree(halfway).query_pairs(reach_m, output_type="ndarray")
    return pairs[:, 0], pairs[:, 1]
