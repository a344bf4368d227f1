"""A map and its costs in the arrays that the kernel walks on."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .costs import CostField, Map
from .graphs import GraphMap
from .kernels.loop import Graph, Grid
from .maps import GridMap, read_only

NO_EDGE_PACE = read_only(np.empty(0, dtype=np.float32))

# Narrow buckets come close to the order of a heap, at no price.
BUCKETS_PER_STEP = 128
LEAST_STEP_SHARE = 8  # but no narrower than an eighth of the mean step would give


@dataclass(frozen=True)
class Space:
    """What `Query` needs of a map: the arrays, the bucket width, and the largest branching.

    Attributes:
        slack: bucket width over the least step: how much a queue that orders by buckets only may
            add to the weight of weighted A* (infinite where a step may cost nothing).
    """

    arrays: Grid | Graph
    width: float
    slack: float
    room: int


def space_of(map: Map, costs: CostField | None, backward: bool = False) -> Space:
    """The kernel's view of a map under costs; `backward` to search from the goal.

    Raises:
        ValueError: the cost field was made for a map of another shape.
    """
    if costs is not None and not costs.fits(map):
        raise ValueError(f"the cost field was made for {costs.map!r} and does not fit {map!r}")
    if isinstance(map, GridMap):
        return _grid_space(map, costs, backward)
    return _graph_space(map, costs, backward)


def _width(least: float, mean: float) -> float:
    width = max(least, mean / LEAST_STEP_SHARE) / BUCKETS_PER_STEP
    return width if np.isfinite(width) and width > 1e-300 else 1.0


def _slack(width: float, least: float) -> float:
    return width / least if least > 0 else np.inf


def _grid_space(grid: GridMap, costs: CostField | None, backward: bool) -> Space:
    moves = grid.arrival_mask if backward else grid.move_mask
    metres = grid.cell_size_m
    if costs is None:
        pace, edge_pace, width = _plain_pace(grid), NO_EDGE_PACE, _width(metres, metres)
        least = metres
    else:
        pace = costs.pace
        edge_pace = NO_EDGE_PACE if costs.edge_pace is None else costs.edge_pace
        least = metres * costs.pace_min
        width = _width(least, metres * costs.pace_mean)
    arrays = Grid(moves, pace, edge_pace, grid.cols, metres, backward)
    return Space(arrays, width, _slack(width, least), 10)


def _plain_pace(grid: GridMap) -> npt.NDArray[np.float32]:
    """A pace of one, kept beside the work arrays of the map."""
    store = grid.workspaces.__dict__
    held: npt.NDArray[np.float32] | None = store.get("plain_pace")
    if held is None:
        held = store["plain_pace"] = read_only(np.ones(grid.size, dtype=np.float32))
    return held


def _graph_space(graph: GraphMap, costs: CostField | None, backward: bool) -> Space:
    step, width, least = edge_costs(graph, costs)
    slack = _slack(width, least)
    room = graph.__dict__.get("room") or _room(graph)
    if not backward:
        step = _without(step, graph, graph.indices)
        return Space(Graph(graph.indptr, graph.indices, step), width, slack, room)
    indptr, order = graph.reverse_order
    sources = read_only(graph.sources[order])
    step = _without(read_only(step[order]), graph, sources)
    return Space(Graph(read_only(indptr), sources, step), width, slack, room)


def _room(graph: GraphMap) -> int:
    """One more than the most edges that leave (or reach) a node."""
    leaving = int(np.diff(graph.indptr).max(initial=0))
    arriving = int(np.bincount(graph.indices, minlength=1).max(initial=0))
    graph.__dict__["room"] = room = max(leaving, arriving) + 2
    return room


def _without(
    step: npt.NDArray[np.float64], graph: GraphMap, ends: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Edges to blocked nodes cost infinity."""
    if not graph.blocked.any():
        return step
    return read_only(np.where(graph.blocked[ends], np.inf, step))


# One entry per cost field (or graph) that is alive: (version, costs of the edges, width, least).
EdgeCosts = tuple[int, npt.NDArray[np.float64], float, float]
_EDGE_COSTS: weakref.WeakKeyDictionary[CostField | GraphMap, EdgeCosts] = (
    weakref.WeakKeyDictionary()
)


def edge_costs(
    graph: GraphMap, costs: CostField | None
) -> tuple[npt.NDArray[np.float64], float, float]:
    """(edges,) cost of every edge in float64, the bucket width, the least cost; per version."""
    owner = graph if costs is None else costs
    version = 0 if costs is None else costs.version
    held = _EDGE_COSTS.get(owner)
    if held is None or held[0] != version:
        step = graph.length_m
        if costs is not None:
            pace = costs.pace[graph.indices].astype(np.float64)
            if costs.edge_pace is not None:
                pace += costs.edge_pace
            step = read_only(graph.length_m * pace)
        least = float(step.min()) if step.size else 1.0
        held = _EDGE_COSTS[owner] = (version, step, _graph_width(step), least)
    return held[1:]


def _graph_width(step: npt.NDArray[np.float64]) -> float:
    if not step.size:
        return 1.0
    return _width(float(step.min()), float(np.median(step)))
