"""A route under way, and the leg that it serves: what was promised, what is paid."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planners import CostField
from planners.walks import steps

from .floor import Map

Ids = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass
class Route:
    """A way under way and the node reached on it.

    Attributes:
        ids: (k,) its nodes; `nodes` the same as a list.
        lengths_m, edges: (k - 1,) of its moves, as `planners.walks.steps` has them.
        along_m: (k,) metres from its beginning.
        place_m: (k,) position of each node.
        left_s: (k,) what the rest from each node was to cost when that was last looked at.
        at: index of the node reached.
    """

    ids: Ids
    nodes: list[int]
    lengths_m: Values
    edges: Ids
    along_m: list[float]
    place_m: list[tuple[float, float]]
    left_s: Values
    at: int = 0

    @classmethod
    def on(cls, map: Map, ids: Ids, costs: CostField) -> Route:
        """A route along node ids, none of it driven yet, at the costs of now."""
        lengths_m, edges = steps(map, ids, costs)
        along_m = [0.0, *np.cumsum(lengths_m).tolist()]
        left_s = rest_sums(costs.price(ids, lengths_m, edges))
        place_m = [(x, y) for x, y in map.positions_m(ids).tolist()]
        return cls(ids, ids.tolist(), lengths_m, edges, along_m, place_m, left_s)

    def rest_costs(self, costs: CostField) -> Values:
        """Cost of each move of the rest at the costs of now."""
        at = self.at
        return costs.price(self.ids[at:], self.lengths_m[at:], self.edges[at:])

    def expect(self, step_costs_s: Values) -> None:
        """From here on, expect the rest to cost these moves."""
        self.left_s[self.at :] = rest_sums(step_costs_s)

    @property
    def left_m(self) -> float:
        """Metres still to go."""
        return self.along_m[-1] - self.along_m[self.at]

    @property
    def rest(self) -> list[int]:
        """The nodes still to go, the present one first."""
        return self.nodes[self.at :]

    def ahead_m(self, speed_m_s: float, seconds: int) -> list[tuple[float, float]]:
        """The position of the node reached 0, 1, ... `seconds` seconds from now, if nothing stops
        the robot; the last one beyond the end."""
        along_m, here_m = self.along_m, self.along_m[self.at] + 1e-9
        reached = (bisect_right(along_m, here_m + k * speed_m_s) - 1 for k in range(seconds + 1))
        return [self.place_m[k] for k in reached]

    def follow(self, node: int) -> bool:
        """Note where the robot stands: on the node reached or on the next; False if beside it."""
        if self.at + 1 < len(self.nodes) and self.nodes[self.at + 1] == node:
            self.at += 1
        return self.nodes[self.at] == node

    def left_out_m(self, nodes: list[int]) -> float:
        """Metres of the rest that a route along `nodes` does not drive."""
        kept = set(nodes)
        moves = zip(self.nodes[self.at + 1 :], self.lengths_m[self.at :].tolist(), strict=True)
        return math.fsum(length_m for node, length_m in moves if node not in kept)


def rest_sums(step_costs_s: Values) -> Values:
    """(k + 1,) sums of the last steps, from all k of them down to none."""
    return np.concatenate((np.cumsum(step_costs_s[::-1])[::-1], [0.0]))


@dataclass
class Leg:
    """The drive to one goal: what the first route promised and what was paid.

    Paid is counted in the planner's own terms: seconds, seconds near people and watt-hours, each
    at the weight that the costs give it.
    """

    goal: int
    began_s: float
    drained_mj: int
    near_s: float
    planned_s: float | None = None
    planned_m: float = 0.0
    progress_s: float = 0.0
    least_m: float = math.inf

    def promise(self, parts: Mapping[str, float]) -> None:
        """Note the first route's cost by layer."""
        self.planned_s = math.fsum(parts.values())

    def paid_s(
        self, seconds: float, near_s: float, wh: float, weights: Mapping[str, float]
    ) -> float:
        """Seconds paid, with seconds near people and energy at their weights."""
        return seconds + weights["risk"] * near_s + weights["energy"] * wh

    def done_share(self, left_m: float) -> float:
        """The share of the promised metres that is driven, in [0, 1]."""
        return min(1.0, max(0.0, 1.0 - left_m / self.planned_m)) if self.planned_m > 0 else 1.0
