"""Waypoints: guidance that may come from anywhere, also from a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..costs import CostField
from ..graphs import Map
from ..guidance import Guidance
from ..heuristics import default_bound, tabulate


@dataclass(frozen=True, eq=False)
class WaypointGuidance(Guidance):
    """Guidance by waypoints, made by `waypoint_guidance`.

    As guidance of the strategies it is the estimate `|n - goal| + |n - target(n)|`, with a proof
    after it. The rivals `llm-astar` and `llm-astar-proved` follow the waypoints themselves: the
    target is the next one that has not been reached, for all nodes alike.

    Attributes:
        waypoints: node ids, without blocked ones, the start, and repeats.
    """

    waypoints: tuple[int, ...] = ()


def waypoint_guidance(
    map: Map,
    start: Any,
    goal: Any,
    waypoints: Sequence[Any],
    costs: CostField | None = None,
    trusted: bool = True,
) -> WaypointGuidance:
    """LLM-A*'s rule as guidance: `g + |n - goal| + |n - target|`, and no bound is at risk.

    Distances are the map's default lower bounds (octile, Manhattan or straight, times the least
    pace). The target of a node is the end of the leg that it is nearest to, of the legs from the
    start over the waypoints to the goal. Without waypoints it is weighted A* with w = 2, followed
    by a proof. With `trusted=False` the lead is clamped to `w h`, and abandoned if it is bad.

    Args:
        waypoints: cells (labels or ids on graphs) in the order to pass; blocked ones are skipped.

    Raises:
        ValueError: a waypoint outside the map.

    Source: Meng et al., LLM-A*: Large Language Model Enhanced Incremental Heuristic Search on Path
    Planning, 2024.

    >>> from planners import GridMap, plan
    >>> grid = GridMap([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    >>> guide = waypoint_guidance(grid, (0, 0), (2, 2), [(2, 0), (1, 1)])
    >>> guide.waypoints
    (6,)
    >>> plan(grid, (0, 0), (2, 2), strategy="wastar", guidance=guide).cost
    4.0
    """
    source, target = map.node(start), map.node(goal)
    ids = [map.node(waypoint) for waypoint in waypoints]
    kept = [v for v in dict.fromkeys(ids) if v not in (source, target) and not map.is_blocked(v)]
    stops = [source, *kept, target]
    fields = [distances(map, stop, costs) for stop in stops]
    estimate = fields[-1] + _to_own_target(stops, fields)
    return WaypointGuidance(
        estimate=estimate, lead_weight=1.0, trusted=trusted, waypoints=tuple(kept)
    )


def distances(map: Map, target: int, costs: CostField | None) -> npt.NDArray[np.float64]:
    """(size,) the default lower bound of the way to a node."""
    return tabulate(default_bound(map, target, costs), map.size)


def _to_own_target(
    stops: list[int], fields: list[npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    """(size,) distance to the end of the nearest leg, the later one of equal legs."""
    detours = [fields[k] + fields[k + 1] - fields[k + 1][stops[k]] for k in range(len(stops) - 1)]
    own = len(detours) - 1 - np.argmin(detours[::-1], axis=0)
    return np.asarray(np.take_along_axis(np.array(fields[1:]), own[None, :], axis=0)[0])
