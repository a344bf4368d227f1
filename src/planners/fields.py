"""Exact cost fields: from one node to all, and from all to one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .graphs import Map
from .heuristics import NO_TABLE, closed_form
from .kernels.buckets import DONE, FULL
from .kernels.compiled import compiled
from .kernels.loop import PRIORITY, SQRT2, ZERO, Graph, Key
from .kernels.workspace import Query, free_list
from .maps import GridMap, read_only
from .spaces import Space, space_of

LEAST_STEP = 1e-300  # below it 1 / width is beyond float64


@dataclass(frozen=True, eq=False)
class Field:
    """Exact costs between one node and all others.

    Attributes:
        root: the start (`cost_to_come`) or the goal (`cost_to_go`).
        values: (size,) float64 cost units, infinity where there is no way.
        parents: (size,) int32 next node towards the root, -1 at the root and where there is no way.
        to_root: True for a `cost_to_go`.
    """

    root: int
    values: npt.NDArray[np.float64]
    parents: npt.NDArray[np.int32]
    to_root: bool

    def path(self, node: int) -> npt.NDArray[np.int64]:
        """Node ids of a cheapest way, root .. node or (cost-to-go) node .. root; empty if none.

        Raises:
            ValueError: no such node.
        """
        if not isinstance(node, (int, np.integer)) or not 0 <= node < self.values.size:
            raise ValueError(
                f"path takes a node id (map.node(cell)) from 0 to {self.values.size - 1}, "
                f"not {node!r}"
            )
        if not math.isfinite(self.values[node]):
            return np.empty(0, dtype=np.int64)
        nodes = [int(node)]
        while (node := int(self.parents[node])) >= 0:
            nodes.append(node)
        return np.array(nodes if self.to_root else nodes[::-1], dtype=np.int64)


def cost_to_come(map: Map, start: Any, costs: CostField | None = None) -> Field:
    """Exact cost from `start` to every node; metres where no costs are given.

    Raises:
        ValueError: a start outside the map, or costs that do not fit it.
    """
    return _field(map, map.node(start), costs, backward=False)


def cost_to_go(map: Map, goal: Any, costs: CostField | None = None) -> Field:
    """Exact cost from every node to `goal`; directed maps and entry costs are respected.

    Raises:
        ValueError: a goal outside the map, or costs that do not fit it.
    """
    return _field(map, map.node(goal), costs, backward=True)


def _field(map: Map, root: int, costs: CostField | None, backward: bool) -> Field:
    values = np.full(map.size, np.inf)
    parents = np.full(map.size, -1, dtype=np.int32)
    space = space_of(map, costs, backward)
    if not map.is_blocked(root):
        values[root] = 0.0
        if not _by_buckets(map, costs, space, root, values, parents):
            _by_loop(map, costs, space, root, values, parents)
    return Field(root, read_only(values), read_only(parents), backward)


def _by_buckets(
    map: Map,
    costs: CostField | None,
    space: Space,
    root: int,
    values: npt.NDArray[np.float64],
    parents: npt.NDArray[np.int32],
) -> bool:
    """Fill a field by Dijkstra's algorithm on buckets; False where the span of the steps defies it.

    Half the least step keeps the order nearly exact. The other two bounds keep the ring short and
    the empty buckets few; nodes are then expanded more than once, which is given up where it gets
    out of hand.
    """
    longest = _longest_step(map, costs, space)
    if not LEAST_STEP < longest < np.inf:
        return False
    width = max(space.width / space.slack / 2, space.typical / 64, longest / 4096)
    ring = np.full(1 << int(longest / width + 3).bit_length(), -1, dtype=np.int64)
    pool = free_list(0, 4096)
    ring[0], pool[0] = 0, -1 << 32 | root
    ints = np.array([0, 1, 1, 0])
    kernel = compiled("field_grid" if isinstance(map, GridMap) else "field_graph")
    limit = 2 * map.size + 4096
    while True:
        code = kernel(
            *space.arrays, values, parents, ring, pool, ints, 1.0 / width, space.room, limit
        )
        if code != FULL:
            return bool(code == DONE)
        pool = np.concatenate([pool, free_list(pool.size, pool.size + space.room)])


def _longest_step(map: Map, costs: CostField | None, space: Space) -> float:
    """An upper bound on the cost of every step between free nodes."""
    if isinstance(space.arrays, Graph):
        step = space.arrays.step
        return float(step.max(initial=0.0, where=np.isfinite(step)))
    if costs is None:
        return SQRT2 * space.arrays.straight_m
    pace = float(costs.pace.max())
    if space.arrays.straight_m * pace > 64 * space.typical:  # perhaps on blocked cells only
        pace = float(costs.pace.max(initial=0.0, where=~map.blocked.reshape(-1)))
    if costs.edge_pace is not None:
        pace += float(costs.edge_pace.max())
    return SQRT2 * space.arrays.straight_m * pace


def _by_loop(
    map: Map,
    costs: CostField | None,
    space: Space,
    root: int,
    values: npt.NDArray[np.float64],
    parents: npt.NDArray[np.int32],
) -> None:
    """Fill a field by the generic loop."""
    query = Query(
        map.workspaces,
        map.size,
        space.arrays,
        closed_form(map, root, costs, ZERO),
        width=space.width,
        room=space.room,
        limit=2**62,
        textbook=False,
        trace=False,
    )
    query.search(root, -1, Key(PRIORITY, 1.0, 0.0, NO_TABLE), proving=True)
    reached = query.reached()
    values[:] = np.where(reached, query.work.g, np.inf)
    parents[:] = np.where(reached, query.work.parent, -1)
