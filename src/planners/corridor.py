"""Corridors: guidance that may come from anywhere, drawn by hand or named by a language model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .graphs import GraphMap, Map
from .guidance import Guidance, Reward


def corridor_guidance(
    map: Map,
    points: Sequence[Any],
    width_m: float,
    costs: CostField | None = None,
    trusted: bool = True,
) -> Guidance:
    """Look first within a corridor; a proof follows, so a wrong one costs time, never truth.

    A node outside is repelled by what it would cost at the least pace to come back into the
    corridor in a straight line.

    Args:
        points: at least two cells (labels or ids on graphs), the corners of the corridor's axis in
            order; they may be blocked.
        width_m: of the corridor, > 0, in metres (on graphs: in the unit of the positions).
        trusted: False clamps the lead to `w h`, and drops it if it is bad.

    Raises:
        ValueError: fewer than two points, one outside the map, a width that is not a number > 0, or
            a graph without positions.

    >>> import numpy as np
    >>> from planners import GridMap, plan
    >>> grid = GridMap(np.zeros((9, 9)))
    >>> guide = corridor_guidance(grid, [(0, 0), (8, 0), (8, 8)], width_m=2.0)
    >>> result = plan(grid, (0, 0), (8, 8), strategy="wastar", weight=1.5, guidance=guide)
    >>> result.certificate <= 1.5
    True
    """
    if isinstance(map, GraphMap) and map.position_m is None:
        raise ValueError("a corridor needs a graph with positions")
    if len(points) < 2:
        raise ValueError(f"a corridor needs at least two points, not {points!r}")
    if not (isinstance(width_m, (int, float, np.number)) and 0 < width_m < np.inf):
        raise ValueError(f"width_m must be a number > 0, not {width_m!r}")
    corners = map.positions_m([map.node(point) for point in points])
    at = map.positions_m(np.arange(map.size))
    away = np.min([_to_segment(at, a, b) for a, b in pairwise(corners)], axis=0)
    pace = 1.0 if costs is None else costs.paces_on(map)[0]
    outside = pace * np.maximum(away - width_m / 2, 0.0)
    return Guidance(rewards=[Reward("corridor", -outside)], trusted=trusted)


def _to_segment(
    at: npt.NDArray[np.float64], a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(k,) distances of k points to the segment from a to b."""
    along = b - a
    square = float(along @ along)
    share = np.clip((at - a) @ along / square, 0.0, 1.0) if square > 0 else np.zeros(len(at))
    nearest = a + share[:, None] * along
    return np.asarray(np.hypot(*(at - nearest).T))
