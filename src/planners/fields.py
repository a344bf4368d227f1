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
from .kernels.loop import PRIORITY, ZERO, Key
from .kernels.workspace import Query
from .maps import read_only
from .spaces import space_of


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
    if not map.is_blocked(root):
        space = space_of(map, costs, backward)
        query = Query(map.workspaces, map.size, space.arrays, closed_form(map, root, costs, ZERO),
                      width=space.width, room=space.room, limit=2**62, textbook=False,
                      trace=False)  # fmt: skip
        query.search(root, -1, Key(PRIORITY, 1.0, 0.0, NO_TABLE), proving=True)
        reached = query.reached()
        values[reached] = query.work.g[reached]
        parents[reached] = query.work.parent[reached]
    return Field(root, read_only(values), read_only(parents), backward)
