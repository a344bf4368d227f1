"""What a robot can tell of the straight line to a place, without any search for a way.

The ``model`` agent reads this and nothing else: how far it is, how busy the nodes along the line
are believed to be, and how much of the line the map has closed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..costs import CostField
from ..graphs import GraphMap, Map
from ..maps import GridMap

READ = ("congestion", "blockage")
"""The belief layers that count; risk, energy and all others are left to `utility`."""

AROUND = 3.0  # (a) a metre of closed cells on the line stands for so many metres of driving
WIDTH = 1.1  # (a) on graphs: nodes whose way robot -> node -> place is at most so many lines


@dataclass(frozen=True)
class Beeline:
    """A straight line and what belief says of the nodes along it.

    ``travel_s`` is the line at the base pace, ``layers_s`` what `READ` adds (a mean over its free
    nodes, at the weights of the cost field), ``around_s`` the toll for ``closed_m`` of closed
    cells: shelves as well as reported blockages, ``AROUND - 1`` times their length at base pace.
    """

    length_m: float
    closed_m: float
    travel_s: float
    layers_s: float
    around_s: float

    @property
    def total_s(self) -> float:
        """The estimate: neither a lower nor an upper bound of any way."""
        return self.travel_s + self.layers_s + self.around_s


def look_along(map: Map, costs: CostField, start: int, end: int) -> Beeline | None:
    """The straight line between two nodes of a map; None on a graph without positions.

    On a grid it is sampled once per cell, without the cell it starts from; on a graph it is the
    nodes about the line, those of the ellipse around both ends.

    >>> grid = GridMap([[0, 1, 0, 0, 0]])
    >>> line = look_along(grid, CostField(grid, base=2.0), 0, 4)
    >>> line.length_m, line.closed_m, line.total_s
    (4.0, 1.0, 12.0)
    """
    if isinstance(map, GraphMap) and map.position_m is None:
        return None
    here, there = map.positions_m([start, end])
    length_m = float(np.hypot(*(there - here)))
    nodes = _cells(map, start, end) if isinstance(map, GridMap) else _about(map, start, end)
    closed = np.asarray(map.blocked).reshape(-1)[nodes]
    free = nodes[~closed]
    layers = 0.0
    for name in READ:
        if name in costs.layers and costs.is_per_node(name) and free.size:
            layers += costs.weights[name] * float(costs.layer(name)[free].mean(dtype=np.float64))
    closed_m = length_m * float(closed.mean()) if nodes.size else 0.0
    return Beeline(
        length_m, closed_m, length_m * costs.base, length_m * layers,
        (AROUND - 1.0) * closed_m * costs.base,
    )  # fmt: skip


def _cells(grid: GridMap, start: int, end: int) -> npt.NDArray[np.int64]:
    """One cell for each step along the longer side; none where both ends are one cell."""
    (row, col), (last_row, last_col) = grid.cell(start), grid.cell(end)
    steps = max(abs(last_row - row), abs(last_col - col))
    share = np.arange(1, steps + 1) / max(1, steps)
    rows = np.rint(row + share * (last_row - row)).astype(np.int64)
    cols = np.rint(col + share * (last_col - col)).astype(np.int64)
    return rows * grid.cols + cols


def _about(graph: GraphMap, start: int, end: int) -> npt.NDArray[np.int64]:
    """The nodes of the thin ellipse around the line, both its ends among them."""
    assert graph.position_m is not None
    here, there = graph.position_m[[start, end]]
    by_way_of = np.hypot(*(graph.position_m - here).T) + np.hypot(*(graph.position_m - there).T)
    return np.flatnonzero(by_way_of <= WIDTH * np.hypot(*(there - here)))
