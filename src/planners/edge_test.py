"""The edge test: which leads are w-bounded although nothing is re-opened and nothing proven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .errors import expect
from .graphs import GraphMap, Map
from .maps import COL_STEP, ROW_STEP, STEP_LENGTH, GridMap
from .walks import as_per_node

ROUNDING = 1e-9
SPAN = 1e-9 / 2.0**-52  # beyond this many least steps, float64 cannot tell keys apart


def satisfies_edge_test(
    map: Map, costs: CostField | None, phi: npt.ArrayLike, weight: float
) -> bool:
    """Whether `phi(u) - phi(v) <= weight * cost(u, v)` on every legal move; time O(edges).

    Best-first search on `g + phi` is then w-bounded without re-opening and without a proof: let
    n leave the queue while v, the first node of an optimal path to n that has not left it, waits.
    `g(v) <= w g*(v)` by induction, so `g(n) <= g(v) + phi(v) - phi(n) <= w g*(v) + w cost*(v, n)
    = w g*(n)`. That needs an exact queue; one that orders by buckets of width d asks for the test
    at `weight - d / least step`. With `phi = h` and weight 1 it is the test of consistency.

    A phi whose span is so large that float64 no longer resolves a step fails.

    Args:
        phi: (rows, cols) or (size,) values in cost units, any sign; ignored on blocked nodes.
        weight: w > 0.

    Raises:
        ValueError: phi of the wrong shape or not finite, or weight not a number > 0.

    >>> from planners import GridMap
    >>> row = GridMap([[0, 0, 0]])
    >>> satisfies_edge_test(row, None, [3.0, 1.5, 0.0], 1.5)
    True
    >>> satisfies_edge_test(row, None, [3.0, 1.5, 0.0], 1.4)
    False
    """
    return steepest_edge(map, costs, phi, weight) is None


def steepest_edge(
    map: Map, costs: CostField | None, phi: npt.ArrayLike, weight: float
) -> tuple[int, int, float] | None:
    """The move `(u, v, cost)` that breaks the edge test by the most; None where it holds.

    Where only the span of phi fails, the move is one of least cost.
    """
    expect(map, (GridMap, GraphMap), "map")
    expect(costs, (CostField, type(None)), "costs")
    if costs is not None:
        costs.expect_fit(map)
    if not 0 < float(weight) < np.inf:
        raise ValueError(f"weight must be a finite number > 0, not {weight!r}")
    values = as_per_node(map, phi, "phi")
    free = ~map.blocked.reshape(-1)
    if not np.isfinite(values[free]).all():
        node = int(np.flatnonzero(free & ~np.isfinite(values))[0])
        raise ValueError(f"phi is {values[node]} at {map.label(node)!r}: it must be finite")
    values[~free] = 0.0
    worst, found = 0.0, None
    least, shortest = np.inf, None
    for u, v, price in _moves(map, costs):
        if price.size == 0:
            continue
        excess = values[u] - values[v] - weight * price * (1 + ROUNDING)
        at = int(np.argmax(excess))
        if excess[at] > worst:
            worst, found = float(excess[at]), (int(u[at]), int(v[at]), float(price[at]))
        positive = np.where(price > 0, price, np.inf)
        at = int(np.argmin(positive))
        if positive[at] < least:
            least, shortest = float(positive[at]), (int(u[at]), int(v[at]), float(price[at]))
    if found is None and free.any() and float(np.ptp(values[free])) > SPAN * least:
        return shortest
    return found


Moves = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.float64]]


def _moves(map: Map, costs: CostField | None) -> Iterator[Moves]:
    """Sources, targets and costs of all legal moves, in parts."""
    if isinstance(map, GridMap):
        for k in range(8):
            yield _grid_moves(map, costs, k)
        return
    blocked = map.blocked
    price = map.length_m
    if costs is not None:
        extra = 0.0 if costs.edge_pace is None else costs.edge_pace.astype(np.float64)
        price = price * (costs.pace[map.indices].astype(np.float64) + extra)
    legal = ~(blocked[map.sources] | blocked[map.indices])
    yield map.sources[legal], map.indices[legal], price[legal]


def _grid_moves(grid: GridMap, costs: CostField | None, k: int) -> Moves:
    """The moves in direction k."""
    sources = np.flatnonzero(grid.move_mask & np.uint8(1 << k))
    targets = sources + (ROW_STEP[k] * grid.cols + COL_STEP[k])
    length = STEP_LENGTH[k] * grid.cell_size_m
    if costs is None:
        return sources, targets, np.full(sources.size, length)
    pace = costs.pace[targets].astype(np.float64)
    if costs.edge_pace is not None:
        pace += costs.edge_pace[k * grid.size + sources]
    return sources, targets, length * pace
