"""From evidence to layers: what a node costs, for the few nodes where that may have changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from planners import CostField, GridMap, Layer
from planners.maps import read_only

from ..battery import RobotProfile
from ..floor import Map
from ..kernels import kernel
from ..kernels import sense_state as at
from ..kernels.price import CONGESTION, DRIVE_J, ENERGY, FULL, MOVED, ONCOMING, RISK, STANDS_S
from .model import BeliefModel
from .pricing import make_pricing
from .prior import nearby, presence
from .senses import WIDE

if TYPE_CHECKING:
    from ..layouts import Layout

Ids = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

BLOCKAGE_TOLERANCE = 0.05  # a value is handed on only where it moved by more
PRICED = {"congestion": CONGESTION, "risk": RISK, "energy": ENERGY}  # per node, by the kernel
NO_EDGES = read_only(np.zeros(0, dtype=np.float32))


@dataclass(frozen=True)
class Weights:
    """What one unit of a layer is worth in seconds; 0 switches its factor off, bit for bit."""

    congestion: float
    risk: float
    energy: float


class Layers:
    """The cost field of a belief in seconds per metre, kept up to date node by node.

    `congestion` is the delay that every direction pays; `oncoming` (per edge, only where there is a
    fleet) what they pay on top whom robots come towards or cross (not on
    floors of over a million nodes); `risk` expected seconds within
    `near_m` of a person per metre; `energy` Wh per metre; `blockage` seconds per metre on nodes
    that may be taken; `zones` seconds per metre that speed limits add.
    """

    def __init__(
        self, map: Map, layout: Layout, profile: RobotProfile, senses: at.Senses,
        model: BeliefModel, weights: Weights, *, staff: int, fleet: bool,
        speed_m_s: npt.ArrayLike | None,
    ) -> None:  # fmt: skip
        self._map, self._profile, self._senses, self._model = map, profile, senses, model
        self._weights, self._kg = weights, 0.0
        cols = map.cols if isinstance(map, GridMap) else 0
        expected = presence(layout, staff, model)
        directed = fleet and bool(weights.congestion) and map.size <= WIDE
        self._pricing = make_pricing(
            map, senses, model, profile, presence=expected,
            near_presence=nearby(expected, senses, cols), pace=_paces(map, profile, speed_m_s),
            wanted=(bool(weights.congestion), bool(weights.risk), bool(weights.energy), directed),
        )  # fmt: skip
        self._refresh = kernel("refresh_layers")
        self._directed = directed
        self._taken: dict[int, float] = {}
        self.costs = self._first_costs(speed_m_s is not None)

    def _first_costs(self, zones: bool) -> CostField:
        """The field before anything was seen."""
        size, base, weights = self._map.size, 1.0 / self._profile.speed_m_s, self._weights
        zero = np.broadcast_to(np.float32(0.0), size)
        pricing = self._pricing
        pace = pricing.pace.astype(np.float32)
        delay = zero
        if weights.congestion:
            delay = pace * pricing.presence / (1.0 - np.minimum(pricing.presence, FULL))
        energy = zero
        if weights.energy:
            profile = self._profile
            energy = (profile.ambient_w * (pace + delay) + profile.drive_j_per_m) / 3600.0
        layers = [Layer("zones", pace - np.float32(base))] if zones else []
        layers += [
            Layer("congestion", delay, weights.congestion),
            Layer(
                "risk",
                -np.expm1(-pricing.near_presence * pace) if weights.risk else zero,
                weights.risk,
            ),
            Layer("energy", energy, weights.energy),
            Layer("blockage", zero),
        ]
        if self._directed:
            map_ = self._map
            edges = (8, *map_.shape) if isinstance(map_, GridMap) else map_.indices.shape
            layers.append(Layer("oncoming", np.zeros(edges, np.float32), weights.congestion))
        return CostField(self._map, base=base, layers=layers)

    def carry(self, kg: float) -> None:
        """Another payload: the one change that concerns the energy of every node.

        It shifts all of them alike, so on very large maps it is left out.
        """
        if self._map.size > WIDE:
            return
        if kg != self._kg and self._weights.energy:
            more_j = self._profile.drive_j_per_m_kg * (kg - self._kg)
            energy = self.costs.layer("energy") + more_j / 3600.0
            self.costs.update("energy", np.ones(self._map.size, dtype=bool), energy)
        profile, self._kg = self._profile, kg
        drive_j = profile.drive_j_per_m + profile.drive_j_per_m_kg * kg
        self._pricing.floats[DRIVE_J] = drive_j

    def refresh(self, tick: int, robot: int | None, robot_m: tuple[float, float] | None) -> None:
        """Bring up to date what was touched, what lies around the robot and a share of the rest."""
        layer, pricing = self.costs.layer, self._pricing
        at_x, at_y = robot_m or (0.0, 0.0)
        self._refresh(
            tick, at.NEVER if robot is None else robot, at_x, at_y, self._senses, pricing,
            *(layer(name) for name in PRICED), layer("oncoming") if self._directed else NO_EDGES,
        )  # fmt: skip
        changes: dict[str, tuple[Ids, Values]] = {}
        for name, k in PRICED.items():
            count = int(pricing.ints[MOVED + k])
            changes[name] = pricing.moved[k, :count], pricing.values[k, :count]
        count = int(pricing.ints[MOVED + ONCOMING])
        changes["oncoming"] = pricing.moved_edges[:count], pricing.edge_values[:count]
        changes["blockage"] = self._blockage(tick, robot_m)
        moved = {name: change for name, change in changes.items() if change[0].size}
        if moved:
            self.costs.update_layers(moved)

    def _blockage(self, tick: int, robot_m: tuple[float, float] | None) -> tuple[Ids, Values]:
        """Nodes that may be blocked, and those where somebody was just seen standing.

        A stop ends at a rate of 1 / `standing_s`: what is left of it when the robot could be there.
        """
        senses, model = self._senses, self._model
        taken: dict[int, float] = {}
        for d in range(int(senses.ints[at.DOUBTS])):
            node, stamp = int(senses.doubts[d, 0]), int(senses.doubts[d, 1])
            taken[node] = model.detour_s * float(
                senses.doubt_p[d] * left(senses.doubt_fade, stamp, tick)
            )
        tick_s, stop_s = float(senses.floats[at.TICK_S]), max(model.standing_s, 1e-9)
        for agent in bodies_seen(senses, tick).tolist():
            if stood_s(senses, agent) >= STANDS_S:
                node = int(senses.tracks[agent, 1])
                x, y = self._map.positions_m([node])[0].tolist()
                away_m = 0.0 if robot_m is None else math.dist(robot_m, (x, y))
                later_s = (tick - int(senses.tracks[agent, 0])) * tick_s
                later_s += away_m / self._profile.speed_m_s
                taken[node] = taken.get(node, 0.0) + stop_s * math.exp(-later_s / stop_s)
        nodes = np.array(sorted({*taken, *self._taken}), dtype=np.int64)
        self._taken = taken
        values = np.array([taken.get(node, 0.0) for node in nodes.tolist()])
        moved = np.abs(values - self.costs.layer("blockage")[nodes]) > BLOCKAGE_TOLERANCE
        return nodes[moved], values[moved]


def _paces(map: Map, profile: RobotProfile, speed_m_s: npt.ArrayLike | None) -> Values:
    """(1,) or (size,) seconds per metre with nobody about."""
    if speed_m_s is None:
        return np.array([1.0 / profile.speed_m_s])
    speed = np.asarray(speed_m_s, dtype=np.float64)
    if speed.shape != (map.size,) or not np.all(speed > 0):
        raise ValueError(
            f"speed_m_s must be > 0 with shape ({map.size},), got shape {speed.shape} "
            f"and least {speed.min(initial=np.inf)}"
        )
    return np.asarray(1.0 / np.minimum(speed, profile.speed_m_s))


def left(table: Values, stamps: Any, tick: int) -> Any:
    """What is left of evidence with these stamps: (k, 1) for an array of them."""
    ticks = np.minimum(tick - stamps, table.size - 1)
    return table[ticks] if np.isscalar(stamps) else table[ticks][:, None]


def stood_s(senses: at.Senses, agent: int) -> float:
    """How long a body had stood when it was last seen."""
    ticks = int(senses.tracks[agent, 0] - senses.tracks[agent, 2])
    return ticks * float(senses.floats[at.TICK_S])


def bodies_seen(senses: at.Senses, tick: int) -> Ids:
    """The bodies seen in the last `track_s`, false alarms among them."""
    stamps = senses.tracks[:, 0]
    return np.flatnonzero((stamps > 0) & (tick - stamps <= senses.floats[at.TRACK_TICKS]))


def people_seen(senses: at.Senses, tick: int) -> Ids:
    """Those of `bodies_seen` that are people."""
    seen = bodies_seen(senses, tick)
    return np.asarray(seen[senses.tracks[seen, 3] == at.PERSON])
