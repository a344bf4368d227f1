"""From evidence to layers: what a node costs, for the few nodes where that may have changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from planners import CostField, GridMap, Layer

from ..battery import RobotProfile
from ..floor import Map
from ..kernels import sense_state as at
from .edges import EdgesInto
from .model import BeliefModel
from .prior import nearby, presence
from .senses import WIDE

if TYPE_CHECKING:
    from ..layouts import Layout

Ids = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

# A value is handed on only where it moved by more than this: caches live longer that way.
TOLERANCE = {
    "congestion": 0.005,
    "oncoming": 0.005,
    "risk": 0.002,
    "energy": 1e-4,
    "blockage": 0.05,
}
STANDS_S = 2.0  # (a) who has stood so long is taken to stand
GONE = 1e-6  # evidence in seconds, or mean robots, that counts as none


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
        self._presence = presence(layout, staff, model)
        cols = map.cols if isinstance(map, GridMap) else 0
        self._near_presence = nearby(self._presence, senses, cols)
        self._pace = _paces(map, profile, speed_m_s)
        directed = fleet and weights.congestion > 0 and map.size <= WIDE
        self._edges = EdgesInto(map, senses) if directed else None
        self._alive = np.empty(map.size, dtype=np.int32)  # nodes whose evidence has not faded yet
        self._is_alive = np.zeros(map.size, dtype=np.bool_)
        self._living = self._cursor = 0
        self._around: Ids = np.zeros(0, dtype=np.int64)
        self._taken: dict[int, float] = {}
        self.costs = self._first_costs(speed_m_s is not None)

    def _first_costs(self, zones: bool) -> CostField:
        """The field before anything was seen."""
        size, base, weights = self._map.size, 1.0 / self._profile.speed_m_s, self._weights
        zero = np.broadcast_to(np.float32(0.0), size)
        pace = self._pace.astype(np.float32)
        delay = delay_s(pace, self._presence) if weights.congestion else zero
        layers = [Layer("zones", pace - np.float32(base))] if zones else []
        layers += [
            Layer("congestion", delay, weights.congestion),
            Layer(
                "risk",
                -np.expm1(-self._near_presence * pace) if weights.risk else zero,
                weights.risk,
            ),
            Layer(
                "energy", self._energy_wh(pace + delay) if weights.energy else zero, weights.energy
            ),
            Layer("blockage", zero),
        ]
        if self._edges is not None:
            layers.append(
                Layer("oncoming", np.zeros(self._edges.shape, np.float32), weights.congestion)
            )
        return CostField(self._map, base=base, layers=layers)

    def _energy_wh(self, seconds: Any) -> Any:
        """Wh of a metre that takes so long, at the present payload."""
        profile = self._profile
        drive_j = profile.drive_j_per_m + profile.drive_j_per_m_kg * self._kg
        return (profile.ambient_w * seconds + drive_j) / 3600.0

    def carry(self, kg: float) -> None:
        """Another payload: the one change that concerns the energy of every node.

        It shifts all of them alike, so on very large maps it is left out.
        """
        if self._map.size > WIDE:
            return
        if kg != self._kg and self._weights.energy:
            more = self._profile.drive_j_per_m_kg * (kg - self._kg) / 3600.0
            self.costs.update(
                "energy", np.ones(self._map.size, dtype=bool), self.costs.layer("energy") + more
            )
        self._kg = kg

    # Which nodes.

    def refresh(self, tick: int, robot: int | None, robot_m: tuple[float, float] | None) -> None:
        """Bring up to date what was touched, what lies around the robot and a share of the rest."""
        nodes = self._stale(tick, robot)
        self._push_people(nodes, tick, robot_m)
        self._push_blockage(tick, robot_m)

    def _stale(self, tick: int, robot: int | None) -> Ids:
        ints = self._senses.ints
        touched = self._senses.changed[: ints[at.CHANGED]]
        ints[at.REFRESHED], ints[at.CHANGED] = tick, 0
        born = touched[~self._is_alive[touched]]
        self._is_alive[born] = True
        self._alive[self._living : self._living + born.size] = born
        self._living += born.size
        before, self._around = self._around, self._near_robot(tick, robot)
        return np.unique(np.concatenate((touched, self._turn(tick), before, self._around)))

    def _near_robot(self, tick: int, robot: int | None) -> Ids:
        """The free nodes around the robot, if a person was just seen."""
        if robot is None or not people_seen(self._senses, tick).size:
            return np.zeros(0, dtype=np.int64)
        senses = self._senses
        if not isinstance(self._map, GridMap):
            ids = senses.view_ids[senses.view_ptr[robot] : senses.view_ptr[robot + 1]]
            return np.asarray(ids, dtype=np.int64)
        (row, col), reach = divmod(robot, self._map.cols), int(senses.ints[at.REACH])
        rows = np.arange(max(0, row - reach), min(self._map.rows, row + reach + 1))
        cols = np.arange(max(0, col - reach), min(self._map.cols, col + reach + 1))
        nodes = np.add.outer(rows * self._map.cols, cols).reshape(-1)
        return np.asarray(nodes[senses.solid[nodes] == 0])

    def _turn(self, tick: int) -> Ids:
        """The next share of the nodes whose evidence fades; those where none is left drop out."""
        if self._cursor >= self._living:
            self._cursor = 0
        share = max(32, -(-self._living // self._model.turn_refreshes))
        first, last = self._cursor, min(self._living, self._cursor + share)
        nodes = self._alive[first:last].astype(np.int64)
        evidence, fleet = self._evidence(nodes, tick), self._fleet(nodes, tick)
        keep = (evidence.max(axis=1, initial=0.0) > GONE) | (fleet.max(axis=1, initial=0.0) > GONE)
        kept = nodes[keep]
        self._is_alive[nodes[~keep]] = False
        gone = nodes.size - kept.size
        moved = self._alive[max(last, self._living - gone) : self._living].copy()
        self._alive[first : first + kept.size] = kept
        self._alive[first + kept.size : first + kept.size + moved.size] = moved
        self._living -= gone
        self._cursor = first + kept.size
        return nodes

    # What they cost.

    def _evidence(self, nodes: Ids, tick: int) -> Values:
        """(k, 3) seconds in view, near a person, with a person on it, as they count now."""
        senses = self._senses
        return np.asarray(senses.evidence[nodes] * left(senses.fade, senses.looked[nodes], tick))

    def _fleet(self, nodes: Ids, tick: int) -> Values:
        """(k, 5) mean robots by heading and standing, (k, 1) all, as they count now."""
        senses = self._senses
        return np.asarray(senses.fleet[nodes] * left(senses.fleet_fade, senses.heard[nodes], tick))

    def rates(self, nodes: Ids, tick: int) -> tuple[Values, Values]:
        """(k,) expected people within `near_m` of each node, and on it, by prior and sightings."""
        seen, near, there = self._evidence(nodes, tick).T
        weight = self._model.prior_s
        near_rate = (weight * self._near_presence[nodes] + near) / (seen + weight)
        return near_rate, (weight * self._presence[nodes] + there) / (seen + weight)

    def _push_people(self, nodes: Ids, tick: int, robot_m: tuple[float, float] | None) -> None:
        weights = self._weights
        pace = self._pace if self._pace.size == 1 else self._pace[nodes]
        near, people = self.rates(nodes, tick)
        delay = np.zeros(nodes.size)
        if weights.congestion:
            delay = self._push_delays(nodes, pace, people, self._fleet(nodes, tick))
        if weights.risk:
            if robot_m is not None and self._around.size:
                near += self._tracked(nodes, tick, robot_m)
            self._push("risk", nodes, -np.expm1(-near * pace))
        if weights.energy:
            self._push("energy", nodes, self._energy_wh(pace + delay))

    def _push_delays(self, nodes: Ids, pace: Values, people: Values, fleet: Values) -> Values:
        """Robots that stand weigh 1, those that move `same_way` for whom they go along with."""
        moving = fleet[:, :-1].sum(axis=1)
        shared = people + fleet[:, -1] + self._model.same_way * moving
        delay = delay_s(pace, shared)
        self._push("congestion", nodes, delay)
        if self._edges is not None:
            edges, heads, ways = self._edges.into(nodes)
            others = (1.0 - self._model.same_way) * (moving[heads] - fleet[heads, ways])
            at_head = pace if pace.size == 1 else pace[heads]
            more = delay_s(at_head, shared[heads] + others) - delay[heads]
            self._push("oncoming", edges, np.maximum(more, 0.0))
        return np.asarray(delay)

    def _tracked(self, nodes: Ids, tick: int, robot_m: tuple[float, float]) -> Values:
        """Chance that a person seen just now is near a node when the robot could be there.

        Who stands stays for `stay_s` on average; who walks goes on as last seen, or stops there.
        How sure that is shrinks with the time ahead. The disc of `near_m` is taken as a bell of the
        same area: r2 / s2 exp(-d2 / s2) with s2 = r2 + 2 sigma2.
        """
        senses, model = self._senses, self._model
        place = self._map.positions_m(nodes)
        offset = place - robot_m
        tick_s = float(senses.floats[at.TICK_S])
        ahead_s = np.hypot(*offset.T) / self._profile.speed_m_s
        chance = np.zeros(nodes.size)
        area = model.near_m**2
        for agent in people_seen(senses, tick).tolist():
            x, y, vx, vy = senses.motion[agent].tolist()
            later_s = (tick - int(senses.tracks[agent, 0])) * tick_s + ahead_s
            stands = stood_s(senses, agent) >= STANDS_S
            dx, dy = place[:, 0] - x, place[:, 1] - y
            stays = (1.0 if stands else 0.3) * np.exp(-later_s / model.stay_s)
            chance += (
                (1.0 if stands else model.track_weight)
                * stays
                * np.exp(-(dx * dx + dy * dy) / area)
            )
            if not stands:
                spread = area + 2.0 * (0.3 + 0.5 * later_s) ** 2
                dx, dy = dx - vx * later_s, dy - vy * later_s
                goes = 0.7 * area / spread * np.exp(-(dx * dx + dy * dy) / spread)
                chance += model.track_weight * goes
        inside = (np.abs(offset) <= float(senses.floats[at.RADIUS_M])).all(axis=1)
        return np.asarray(chance * inside)

    def _push_blockage(self, tick: int, robot_m: tuple[float, float] | None) -> None:
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
        nodes = sorted({*taken, *self._taken})
        self._taken = taken
        self._push(
            "blockage",
            np.array(nodes, dtype=np.int64),
            np.array([taken.get(n, 0.0) for n in nodes]),
        )

    def _push(self, name: str, index: Ids, values: Values) -> None:
        moved = np.abs(values - self.costs.layer(name)[index]) > TOLERANCE[name]
        if moved.any():
            self.costs.update(name, index[moved], values[moved])


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


def delay_s(pace: Any, rho: Any) -> Any:
    """Seconds per metre lost where on average `rho` bodies are in the way: T rho / (1 - rho)."""
    return pace * rho / (1.0 - np.minimum(rho, 0.9))


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
