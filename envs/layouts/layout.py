"""`Layout`: a map, its places, its zones, and what they promise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from planners import GraphMap, GridMap

from ..aisles import contract, largest_floor, within_steps
from ..zones import Zone, check_zones

Mask = npt.NDArray[np.bool_]
KINDS = ("stations", "storage", "chargers")


@dataclass(frozen=True, eq=False)
class Layout:
    """A map and its places, which all reach each other; arrays are read-only.

    Attributes:
        name: what to call it.
        map: a `GridMap` or a `GraphMap` (see `as_graph`).
        stations: node ids where goods are handed over.
        storage: node ids of the pick faces, free nodes where goods are picked.
        chargers: node ids, never a station (except on a floor of one node, which is all three).
        pick_density: (size,) float32 >= 0, prior share of the picks near each node, 0 where
            blocked: where people are to be expected.
        pick_share: (len(storage),) float64, share of the picks at each face, sum 1; left out (or
            empty), the density at the faces.
        dropped: free cells of the source that its largest floor does not reach; blocked in `map`.
        zones: what binds robots beside the walls; see `envs.zones`. All places reach each other
            for robots as well.
        charger_w: most power of each charger in W; empty: what the robot's profile says.

    Raises:
        ValueError: a place that is blocked, outside, doubled or cut off; no place of a kind; a
            charger on a station; a density or share of the wrong shape or with negative values;
            zones that `envs.zones.check_zones` refuses.
    """

    name: str
    map: GridMap | GraphMap
    stations: tuple[int, ...]
    storage: tuple[int, ...]
    chargers: tuple[int, ...]
    pick_density: npt.NDArray[np.float32]
    pick_share: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    dropped: int = 0
    zones: tuple[Zone, ...] = ()
    charger_w: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        floor = largest_floor(self.map)
        for kind in KINDS:
            nodes = np.array(getattr(self, kind), dtype=np.int64)
            _check_places(kind, nodes, self.map, floor)
            object.__setattr__(self, kind, tuple(nodes.tolist()))
        both = set(self.stations) & set(self.chargers)
        if both and int(floor.sum()) > 1:
            raise ValueError(f"nodes {sorted(both)} are stations and chargers: choose one")
        object.__setattr__(self, "zones", tuple(self.zones))
        if self.zones:
            check_zones(self.map, self.zones, {kind: getattr(self, kind) for kind in KINDS})
        self._check_power()
        self._set_shares()

    def _check_power(self) -> None:
        power = np.array(self.charger_w, dtype=np.float64)
        if power.size not in (0, len(self.chargers)):
            raise ValueError(f"{len(self.chargers)} chargers but {power.size} values in charger_w")
        wrong = ~(np.isfinite(power) & (power > 0))
        if wrong.any():
            raise ValueError(f"charger_w must be finite and > 0 W, found {power[wrong.argmax()]}")
        object.__setattr__(self, "charger_w", tuple(power.tolist()))

    def _set_shares(self) -> None:
        density = np.array(self.pick_density, dtype=np.float32)
        _check_shares("pick_density", density, self.map.size)
        density[np.asarray(self.map.blocked).ravel()] = 0.0
        given = self.pick_share if self.pick_share.size else density[list(self.storage)]
        share = np.array(given, dtype=np.float64)
        _check_shares("pick_share", share, len(self.storage))
        share = share / share.sum() if share.sum() > 0 else np.full(share.size, 1 / share.size)
        density.flags.writeable = share.flags.writeable = False
        object.__setattr__(self, "pick_density", density)
        object.__setattr__(self, "pick_share", share)

    def __repr__(self) -> str:
        counts = f"{len(self.stations)} stations, {len(self.storage)} pick faces"
        zones = f", {len(self.zones)} zones" if self.zones else ""
        return (
            f"Layout({self.name!r}, {self.map!r}, {counts}, {len(self.chargers)} chargers{zones})"
        )

    def preview(self, max_cols: int = 120) -> str:
        """The layout as text with a title and a legend, at most so many characters wide.

        Raises:
            ValueError: `max_cols` below 1.
        """
        from .preview import preview

        return preview(self, max_cols)

    def as_graph(self) -> Layout:
        """The same layout as an aisle graph; the layout itself if its map is a graph already.

        Nodes are stations, pick faces, chargers, junctions, dead ends, and the cells of zones with
        those around them, labelled (row, col); corridor cells between them become length. Shortest
        lengths between places equal those of four-connected paths on the grid, for robots under
        the zones too. Ids change, the order of the places does not.
        """
        if isinstance(self.map, GraphMap):
            return self
        keep = [*self.stations, *self.storage, *self.chargers]
        zoned = [node for zone in self.zones for node in zone.nodes]
        if zoned:  # a limit or a direction holds on moves between neighbours
            around = within_steps(self.map, zoned, steps=1) & largest_floor(self.map)
            keep += np.flatnonzero(around).tolist()
        aisles = contract(self.map, keep, self.pick_density.astype(np.float64))

        def moved(nodes: tuple[int, ...]) -> tuple[int, ...]:
            found = aisles.node_of[list(nodes)]
            return tuple(found[found >= 0].tolist())

        return replace(
            self,
            map=aisles.graph,
            stations=moved(self.stations),
            storage=moved(self.storage),
            chargers=moved(self.chargers),
            pick_density=aisles.density.astype(np.float32),
            zones=tuple(
                replace(zone, nodes=nodes)
                for zone in self.zones
                if (nodes := moved(zone.nodes))  # none: a zone that no place reaches
            ),
        )


def _check_places(
    kind: str, nodes: npt.NDArray[np.int64], map: GridMap | GraphMap, floor: Mask
) -> None:
    if not nodes.size:
        raise ValueError(f"a layout needs at least one node in {kind}")
    if np.unique(nodes).size != nodes.size:
        raise ValueError(f"{kind} names a node twice: {np.sort(nodes)[:10].tolist()} ...")
    beyond = nodes[(nodes < 0) | (nodes >= floor.size)]
    if beyond.size:
        raise ValueError(f"{kind}: node {beyond[0]} is outside the map, ids 0..{floor.size - 1}")
    lost = nodes[~floor[nodes]]
    if lost.size:
        node = int(lost[0])
        reason = (
            "is blocked: move it to a free one"
            if map.is_blocked(node)
            else "is cut off from the largest floor: open a way or move it"
        )
        raise ValueError(f"{kind}: node {node} at {map.label(node)!r} {reason}")


def _check_shares(name: str, values: npt.NDArray[np.floating], size: int) -> None:
    if values.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), not {values.shape}")
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        raise ValueError(f"{name} must be finite and >= 0, found {values[wrong.argmax()]}")
