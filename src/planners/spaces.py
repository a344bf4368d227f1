"""A map and its costs in the arrays that the kernel walks on."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .graphs import GraphMap, Map
from .kernels.loop import Graph, Grid
from .maps import GridMap, read_only

NO_EDGE_PACE = read_only(np.empty(0, dtype=np.float32))
GRID_ROOM = 9

# Narrow buckets come close to the order of a heap, at no price. Where steps may cost nothing, a
# width below every key sends all keys to the heap: exact order.
BUCKETS_PER_STEP = 128
EXACT = 1e-300


@dataclass(frozen=True)
class Space:
    """What `Query` needs of a map.

    Attributes:
        arrays: what the kernel walks on.
        width: bucket width.
        typical: cost of a typical step.
        slack: bucket width over the least step: how much a queue that orders by buckets only may
            add to the weight of weighted A* (infinite where a step may cost nothing).
        room: one more than the most nodes that an expansion generates.
    """

    arrays: Grid | Graph
    width: float
    typical: float
    slack: float
    room: int


def space_of(map: Map, costs: CostField | None, backward: bool = False) -> Space:
    """The kernel's view of a map under costs; `backward` to search from the goal.

    Raises:
        ValueError: the cost field was made for a map of another shape.
    """
    if costs is not None:
        costs.expect_fit(map)
    if isinstance(map, GridMap):
        return _grid_space(map, costs, backward)
    return _graph_space(map, costs, backward)


def _space(arrays: Grid | Graph, least: float, typical: float, room: int) -> Space:
    width = least / BUCKETS_PER_STEP
    if width <= EXACT:
        return Space(arrays, EXACT, typical, np.inf, room)
    return Space(arrays, width, typical, 1.0 / BUCKETS_PER_STEP, room)


def _grid_space(grid: GridMap, costs: CostField | None, backward: bool) -> Space:
    moves = grid.arrival_mask if backward else grid.move_mask
    metres = grid.cell_size_m
    if costs is None:
        arrays = Grid(moves, _plain_pace(grid), NO_EDGE_PACE, grid.cols, metres, backward)
        return _space(arrays, metres, metres, GRID_ROOM)
    edge_pace = NO_EDGE_PACE if costs.edge_pace is None else costs.edge_pace
    arrays = Grid(moves, costs.pace, edge_pace, grid.cols, metres, backward)
    least, mean = costs.paces_on(grid)
    return _space(arrays, metres * least, metres * mean, GRID_ROOM)


def _plain_pace(grid: GridMap) -> npt.NDArray[np.float32]:
    """A pace of one, kept beside the work arrays of the map."""
    store = grid.workspaces.__dict__
    held: npt.NDArray[np.float32] | None = store.get("plain_pace")
    if held is None:
        held = store["plain_pace"] = read_only(np.ones(grid.size, dtype=np.float32))
    return held


def _graph_space(graph: GraphMap, costs: CostField | None, backward: bool) -> Space:
    step, least, typical = edge_costs(graph, costs)
    room = graph.__dict__.get("room") or _room(graph)
    if not backward:
        step = _without(step, graph, graph.indices)
        return _space(Graph(graph.indptr, graph.indices, step), least, typical, room)
    indptr, order = graph.reverse_order
    sources = read_only(graph.sources[order])
    step = _without(read_only(step[order]), graph, sources)
    return _space(Graph(read_only(indptr), sources, step), least, typical, room)


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


# One entry per cost field (or graph) that is alive: (version, costs of the edges, least, typical).
EdgeCosts = tuple[int, npt.NDArray[np.float64], float, float]
_EDGE_COSTS: weakref.WeakKeyDictionary[CostField | GraphMap, EdgeCosts] = (
    weakref.WeakKeyDictionary()
)


def edge_costs(
    graph: GraphMap, costs: CostField | None
) -> tuple[npt.NDArray[np.float64], float, float]:
    """(edges,) cost of every edge in float64, the least and the median; kept per version."""
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
        least, typical = (float(step.min()), float(np.median(step))) if step.size else (1.0, 1.0)
        held = _EDGE_COSTS[owner] = (version, step, least, typical)
    return held[1:]
