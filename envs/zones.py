"""Zones: where robots drive slower, one way only, or not at all. They never bind people.

A zone is a set of nodes of a layout's map. Directions are those of the floor plan: north is towards
row 0, that is towards smaller y, and east towards larger x.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from planners import GraphMap, GridMap, cost_to_come, cost_to_go

if TYPE_CHECKING:
    from .layouts import Layout

Kind = Literal["speed_limit", "one_way", "keep_out"]
Direction = Literal["north", "east", "south", "west"]
Map = GridMap | GraphMap

KINDS: tuple[Kind, ...] = ("speed_limit", "one_way", "keep_out")
DIRECTIONS: dict[Direction, tuple[int, int]] = {  # step in (x, y)
    "north": (0, -1),
    "east": (1, 0),
    "south": (0, 1),
    "west": (-1, 0),
}
_BIT: dict[Direction, int] = {"north": 0, "east": 2, "south": 4, "west": 6}  # of a move mask


@dataclass(frozen=True)
class Zone:
    """Nodes under one rule for robots.

    - `speed_limit`: every move that enters a node of the zone is driven at `speed_m_s` at most.
    - `one_way`: no move leaves a node of the zone against `direction`; turning off and crossing
      stay allowed.
    - `keep_out`: robots never enter.

    Attributes:
        name: what to call it; distinct within a layout.
        kind: see above.
        nodes: ids on the layout's map; blocked ones among them (a rectangle over shelves) count
            for nothing.
        speed_m_s: of a speed limit, > 0; None for the other kinds.
        direction: of a one-way zone: north, east, south or west; None for the other kinds.

    Raises:
        ValueError: an unknown kind, no nodes, a limit that is no speed, a direction that is none,
            or a value that does not belong to the kind.
    """

    name: str
    kind: Kind
    nodes: tuple[int, ...]
    speed_m_s: float | None = None
    direction: Direction | None = None

    def __post_init__(self) -> None:
        said = f"zone {self.name!r}"
        if not self.name:
            raise ValueError("a zone needs a name, not ''")
        if self.kind not in KINDS:
            raise ValueError(f"{said}: unknown kind {self.kind!r}: choose {', '.join(KINDS)}")
        if not len(self.nodes):
            raise ValueError(f"{said} has no nodes: name at least one")
        object.__setattr__(self, "nodes", tuple(np.asarray(self.nodes, dtype=np.int64).tolist()))
        limited, directed = self.kind == "speed_limit", self.kind == "one_way"
        speed = self.speed_m_s
        if limited and not (speed is not None and math.isfinite(speed) and speed > 0):
            raise ValueError(f"{said}: speed_m_s must be a finite speed > 0, not {speed!r}")
        if directed and self.direction not in DIRECTIONS:
            raise ValueError(
                f"{said}: direction must be one of {', '.join(DIRECTIONS)}, not {self.direction!r}"
            )
        if not limited and speed is not None:
            raise ValueError(f"{said}: speed_m_s={speed!r} belongs to speed_limit, not {self.kind}")
        if not directed and self.direction is not None:
            raise ValueError(
                f"{said}: direction={self.direction!r} belongs to one_way, not {self.kind}"
            )


def robot_map(layout: Layout) -> Map:
    """The layout's map as robots may use it, with the same node ids.

    A grid is four-connected, keep-out nodes are blocked, and moves against a one-way zone are
    gone: from the `one_way` mask of a grid, or from the edges of a graph (whose edge order
    changes then). Without such zones a graph or a four-connected grid is handed back as it is.
    """
    return restricted(layout.map, layout.zones)


def speed_m_s(layout: Layout, speed: float) -> npt.NDArray[np.float64]:
    """(size,) the speed at which a robot of top speed `speed` may enter each node.

    Raises:
        ValueError: a top speed that is not finite and > 0.
    """
    if not (math.isfinite(speed) and speed > 0):
        raise ValueError(f"speed must be finite and > 0 m/s, not {speed!r}")
    speeds = np.full(layout.map.size, float(speed))
    for zone in layout.zones:
        if zone.speed_m_s is not None:
            nodes = list(zone.nodes)
            speeds[nodes] = np.minimum(speeds[nodes], zone.speed_m_s)
    return speeds


def restricted(map: Map, zones: Sequence[Zone]) -> Map:
    """`robot_map` of a map and zones that need not be a layout yet."""
    if isinstance(map, GridMap) and map.moves != "four":
        map = GridMap(map.blocked, map.cell_size_m, "four", map.one_way)
    directed = [zone for zone in zones if zone.kind == "one_way"]
    if directed:
        map = _one_way_grid(map, directed) if isinstance(map, GridMap) else _pruned(map, directed)
    shut = [node for zone in zones if zone.kind == "keep_out" for node in zone.nodes]
    if not shut:
        return map
    if isinstance(map, GraphMap):
        return map.with_blocked(shut, True)
    blocked = np.array(map.blocked)
    blocked.ravel()[shut] = True
    return GridMap(blocked, map.cell_size_m, "four", map.one_way)


def _one_way_grid(grid: GridMap, zones: Sequence[Zone]) -> GridMap:
    mask = np.full(grid.size, 255, dtype=np.uint8)
    if grid.one_way is not None:
        mask &= grid.one_way.ravel()
    for zone in zones:
        assert zone.direction is not None
        against = 1 << (_BIT[zone.direction] + 4) % 8
        mask[list(zone.nodes)] &= np.uint8(255 - against)
    return GridMap(grid.blocked, grid.cell_size_m, "four", mask.reshape(grid.shape))


def _pruned(graph: GraphMap, zones: Sequence[Zone]) -> GraphMap:
    """The graph without the edges that leave a zone's nodes against its direction."""
    if graph.position_m is None:
        raise ValueError(f"one-way zone {zones[0].name!r} needs a graph with position_m")
    steps = graph.position_m[graph.indices] - graph.position_m[graph.sources]
    keep = np.ones(graph.indices.size, dtype=np.bool_)
    for zone in zones:
        assert zone.direction is not None
        inside = np.zeros(graph.size, dtype=np.bool_)
        inside[list(zone.nodes)] = True
        keep &= ~(inside[graph.sources] & (steps @ DIRECTIONS[zone.direction] < 0))
    indptr = np.concatenate([[0], np.cumsum(keep)])[graph.indptr]
    return GraphMap(
        indptr, graph.indices[keep], graph.length_m[keep], graph.position_m, graph.labels,
        graph.blocked,
    )  # fmt: skip


def check_zones(map: Map, zones: Sequence[Zone], places: dict[str, tuple[int, ...]]) -> None:
    """Zones against the map and the places of a layout.

    Raises:
        ValueError: two zones of one name, a node outside the map, a zone on blocked nodes only, a
            place in a keep-out zone, or a place that robots cannot reach from all others.
    """
    names = [zone.name for zone in zones]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise ValueError(f"zones must have distinct names, found {sorted(doubled)[0]!r} twice")
    blocked = np.asarray(map.blocked).ravel()
    for zone in zones:
        nodes = np.array(zone.nodes)
        beyond = nodes[(nodes < 0) | (nodes >= map.size)]
        if beyond.size:
            raise ValueError(
                f"zone {zone.name!r}: node {beyond[0]} is outside the map, ids 0..{map.size - 1}"
            )
        if blocked[nodes].all():
            raise ValueError(f"zone {zone.name!r} covers blocked nodes only: move it to the floor")
        if zone.kind == "keep_out":
            _check_keep_out(map, zone, places)
    if any(zone.kind != "speed_limit" for zone in zones):
        _check_reach(restricted(map, zones), places)


def _check_keep_out(map: Map, zone: Zone, places: dict[str, tuple[int, ...]]) -> None:
    shut = set(zone.nodes)
    for kind, nodes in places.items():
        for node in nodes:
            if node in shut:
                raise ValueError(
                    f"keep-out zone {zone.name!r} holds {kind} node {node} at "
                    f"{map.label(node)!r}: shrink the zone or move the place"
                )


def _check_reach(robots: Map, places: dict[str, tuple[int, ...]]) -> None:
    """All places on one strongly connected part of the robots' map."""
    home = places["stations"][0]
    label = robots.label(home)
    ways = (
        ("from", "to", cost_to_go(robots, label).values),
        ("to", "from", cost_to_come(robots, label).values),
    )
    for kind, nodes in places.items():
        for way, back, metres in ways:
            lost = np.array(nodes)[~np.isfinite(metres[list(nodes)])]
            if lost.size:
                node = int(lost[0])
                raise ValueError(
                    f"the zones leave robots no way {way} {kind} node {node} at "
                    f"{robots.label(node)!r} {back} station {home} at {label!r}: "
                    "shrink a keep-out zone or turn a one-way zone"
                )
