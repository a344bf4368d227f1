"""Rivals and ablations, behind the same `plan`: so that anyone can compare at equal proven bounds.

>>> from planners import GridMap, plan
>>> from planners.rivals import RIVALS
>>> grid = GridMap([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
>>> results = [plan(grid, (1, 0), (1, 3), strategy=name, weight=2.0) for name in RIVALS]
>>> {result.status for result in results}
{'found'}

Every row takes `weight=w >= 1` (1.5 unless given) and returns a cost of at most w times the
optimum, except `llm-astar`, which promises nothing. All use the library's h, or an array that is
declared `lower_bound=True`, and count as the six strategies do. Equal keys leave the queue last in,
first out; the queues are exact heaps.

Weighted A*: Pohl 1970. `xdp`, `xup`, `pwxdp`: Chen and Sturtevant 2019 and 2021. `focal`: Pearl and
Kim 1982. `ees`: Thayer and Ruml 2011; h-hat is h at the price that the way to a node has paid for
each unit that h fell, or `Guidance(estimate=E)` where given (an array, or `"tiles"`); d-hat is h.
`ara`: Likhachev, Gordon and Thrun 2003. `llm-astar`: Meng et al. 2024, its waypoints by
`waypoint_guidance`. Suboptimality that is distributed at run time (DSWA*) is no row of a table like
this and is not here.
"""

from __future__ import annotations

from .rows import RIVALS, Rival
from .waypoints import WaypointGuidance, waypoint_guidance

__all__ = ["RIVALS", "Rival", "WaypointGuidance", "waypoint_guidance"]
