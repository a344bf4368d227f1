"""What the robot knows, with ages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from planners import CostField

from ..battery import RobotProfile
from ..blockages import Blockage
from ..floor import Map
from ..kernels import sense_state as at
from ..kernels.sense_doubts import doubt_place
from .layers import Layers, Weights, bodies_seen, left, people_seen
from .model import BeliefModel, SensorModel
from .senses import make_senses

if TYPE_CHECKING:
    from ..layouts import Layout

Values = npt.NDArray[np.float64]

SLOW_M_S = 0.2  # (a) slower than this is standing
PASSING_AGE_S = 1.0  # (a) somebody seen longer ago is not waited for
MEETING_AGE_S = 2.0  # (a) somebody seen longer ago is not counted on


class Track(NamedTuple):
    """A body seen lately; times are those of the looks."""

    x_m: float
    y_m: float
    vx_m_s: float
    vy_m_s: float
    node: int
    person: bool
    time_s: float
    standing_since_s: float


class Belief:
    """What the robot knows: built from its looks, telemetry and announcements only.

    The world runs `envs.kernels.sense.sense_tick` on `senses` once a tick, calls `heed` where
    `has_news` says so, and `refresh` when somebody is about to plan. `map()` and `costs()` are what
    planners and choosers get; `Layers` says what the layers hold. `age_s` tells how old each of
    them is.

    Args:
        map: as the robot may use it (one-way, keep-out), four-connected where it is a grid.
        layout: the floor that is looked at, and where people may be expected.
        profile: of the robot.
        seed: of the sensor's dice.
        staff: how many people the shift plan says are at work: the scale of the prior.
        fleet: how many traffic robots report their places.
        tick_s: length of a tick.
        model, sensor: numbers.
        lam_risk, lam_congestion, lam_energy: weights; 0 switches a factor off bit for bit, None for
            energy is 3600 / charging power, the time to win a watt-hour back.
        speed_m_s: (size,) speed limits per node, None where there are none.
        telemetry_s: between two messages of the fleet.
        agents: walkers plus the robot; staff + fleet + 1 if None.

    Raises:
        ValueError: a weight that is negative or not finite, speed limits of a wrong shape.
    """

    def __init__(
        self, map: Map, layout: Layout, profile: RobotProfile, *, seed: int, staff: int,
        fleet: int = 0, tick_s: float = 0.5, model: BeliefModel | None = None,
        sensor: SensorModel | None = None, lam_risk: float = 8.0, lam_congestion: float = 1.0,
        lam_energy: float | None = None, speed_m_s: npt.ArrayLike | None = None,
        telemetry_s: float = 5.0, agents: int | None = None,
    ) -> None:  # fmt: skip
        self.model, self.tick_s = model or BeliefModel(), tick_s
        self.senses = make_senses(
            layout.map, seed=seed, tick_s=tick_s,
            agents=staff + fleet + 1 if agents is None else agents,
            sensor=sensor or SensorModel(), model=self.model, telemetry_s=telemetry_s,
        )  # fmt: skip
        if lam_energy is None:
            lam_energy = 3600.0 / profile.charge_w
        weights = Weights(congestion=lam_congestion, risk=lam_risk, energy=lam_energy)
        self._layers = Layers(
            map, layout, profile, self.senses, self.model, weights,
            staff=staff, fleet=fleet > 0, speed_m_s=speed_m_s,
        )  # fmt: skip
        self._map, self._planning_map = map, map
        self._closures: list[Blockage] = []
        self._closed: frozenset[int] = frozenset()
        self._refreshed_s = 0.0
        self.map_version = 0

    # What planners get.

    def map(self) -> Map:
        """The map with the nodes believed blocked taken out."""
        return self._planning_map

    def costs(self) -> CostField:
        """The cost field in seconds per metre; its version rises when belief moves it."""
        return self._layers.costs

    @property
    def believed_blocked(self) -> frozenset[int]:
        """Nodes believed blocked at this moment."""
        return self._closed

    @property
    def next_refresh_s(self) -> float:
        """When map and layers are to be brought up to date next."""
        return self._refreshed_s + self.model.refresh_s

    @property
    def has_news(self) -> bool:
        """Whether the nodes believed blocked may have changed: call `heed`."""
        return bool(self.senses.ints[at.NEWS])

    @property
    def tracks(self) -> dict[int, Track]:
        """The bodies seen in the last `track_s`, by agent; the highest number is a false alarm."""
        seen = bodies_seen(self.senses, self._tick)
        return {agent: self._track(agent) for agent in seen.tolist()}

    def _track(self, agent: int) -> Track:
        stamp, node, since, kind = self.senses.tracks[agent].tolist()
        x, y, vx, vy = self.senses.motion[agent].tolist()
        times = (stamp * self.tick_s, since * self.tick_s)
        return Track(x, y, vx, vy, node, kind == at.PERSON, *times)

    @property
    def _tick(self) -> int:
        """The last tick of sensing."""
        return int(self.senses.ints[at.NOW])

    def age_s(self, layer: str) -> Values:
        """(size,) seconds since a node's evidence for a layer was last touched; inf where never.

        Between two touches an age only grows. `zones` never had evidence: it is read off the map.

        Raises:
            ValueError: no such layer.
        """
        senses = self.senses
        self.costs().layer(layer)  # raises on an unknown name
        stamps = np.zeros(senses.looked.size, dtype=np.int64)
        if layer in ("risk", "blockage", "congestion", "energy"):
            stamps = np.maximum(stamps, senses.looked)
        if layer in ("congestion", "energy", "oncoming"):
            stamps = np.maximum(stamps, senses.heard)
        if layer == "blockage":
            used = int(senses.ints[at.DOUBTS])
            nodes = senses.doubts[:used, 0]
            stamps[nodes] = np.maximum(stamps[nodes], senses.doubts[:used, 1])
        return np.where(stamps > 0, np.maximum(0, self._tick - stamps) * self.tick_s, math.inf)

    def meets(self, way_m: Sequence[tuple[float, float]], time_s: float) -> bool:
        """Whether somebody is predicted within `near_m` of `way_m[k]`, k seconds from now.

        People are taken to go on as last seen; only those seen in the last two seconds count.
        """
        return self._comes_near(way_m, time_s, 1.0, MEETING_AGE_S, 0.0)

    def passes(self, way_m: Sequence[tuple[float, float]], time_s: float, step_s: float) -> bool:
        """Whether somebody walking is predicted within `near_m` of `way_m[k]`, k steps from now.

        Only people seen moving within the last second count.
        """
        return self._comes_near(way_m, time_s, step_s, PASSING_AGE_S, SLOW_M_S)

    def _comes_near(
        self, way_m: Sequence[tuple[float, float]], time_s: float, step_s: float, most_age_s: float,
        least_m_s: float,
    ) -> bool:  # fmt: skip
        """Whether anybody seen lately, and at least so fast, comes within `near_m` of the way."""
        limit = self.model.near_m**2
        for agent in people_seen(self.senses, round(time_s / self.tick_s)).tolist():
            age_s = time_s - int(self.senses.tracks[agent, 0]) * self.tick_s
            x, y, vx, vy = self.senses.motion[agent].tolist()
            if age_s > most_age_s or math.hypot(vx, vy) < least_m_s:
                continue
            for k, (at_x, at_y) in enumerate(way_m):
                ahead_s = age_s + k * step_s
                dx, dy = x + vx * ahead_s - at_x, y + vy * ahead_s - at_y
                if dx * dx + dy * dy <= limit:
                    return True
        return False

    def is_taken(self, node: int, time_s: float) -> bool:
        """Whether somebody was seen standing on a node within the last second."""
        senses = self.senses
        seen = bodies_seen(senses, round(time_s / self.tick_s))
        for agent in seen[senses.tracks[seen, 1] == node].tolist():
            age_s = time_s - int(senses.tracks[agent, 0]) * self.tick_s
            if age_s <= PASSING_AGE_S and float(np.hypot(*senses.motion[agent, 2:])) < SLOW_M_S:
                return True
        return False

    # What comes in beside the looks.

    def bump(self, node: int, time_s: float) -> None:
        """The robot touched something on `node`: it is blocked, whatever was thought."""
        tick = round(time_s / self.tick_s)
        place = doubt_place(tick, node, self.senses)
        self.senses.doubts[place] = node, max(1, tick), 1
        self.senses.doubt_p[place] = self.model.sure_odds / (1.0 + self.model.sure_odds)
        self.heed(time_s)

    def announce(self, blockage: Blockage) -> None:
        """A closure made known by people: certain from its start to its end."""
        self._closures.append(blockage)
        self.senses.ints[at.NEWS] = 1

    def withdraw(self, blockage: Blockage) -> None:
        """People take an announced closure back; nothing happens where it has ended."""
        self._closures = [closure for closure in self._closures if closure is not blockage]
        self.senses.ints[at.NEWS] = 1

    # Bringing map and layers up to date.

    def heed(self, time_s: float) -> None:
        """Settle which nodes are believed blocked."""
        senses, tick = self.senses, round(time_s / self.tick_s)
        senses.ints[at.NEWS] = 0
        closed = set()
        for d in range(int(senses.ints[at.DOUBTS])):
            node, stamp = int(senses.doubts[d, 0]), int(senses.doubts[d, 1])
            is_blocked = bool(senses.doubt_p[d] * left(senses.doubt_fade, stamp, tick) > 0.5)
            senses.doubts[d, 2] = is_blocked
            closed.update([node] if is_blocked else [])
        self._closures = [closure for closure in self._closures if closure.end_s > time_s]
        for closure in self._closures:
            if closure.start_s <= time_s:
                closed.update(closure.nodes)
        times = [t for c in self._closures for t in (c.start_s, c.end_s) if t > time_s]
        senses.ints[at.CLOSURE] = math.ceil(min(times) / self.tick_s) if times else at.NEVER
        if closed != self._closed:
            self._closed = frozenset(closed)
            shut = sorted(closed)
            self._planning_map = self._map.with_blocked(shut, True) if shut else self._map
            self.map_version += 1

    def refresh(
        self,
        time_s: float,
        robot_m: tuple[float, float] | None,
        *,
        kg: float = 0.0,
        force: bool = False,
    ) -> bool:
        """Bring map and layers up to date, at most every `refresh_s` unless forced.

        Args:
            time_s: now.
            robot_m: where the robot is; None leaves predicted people out.
            kg: its payload.
            force: whatever the time since the last refresh.
        """
        if time_s < self.next_refresh_s and not force:
            return False
        self._refreshed_s = time_s
        self.heed(time_s)
        self._layers.carry(kg)
        node = int(self.senses.ints[at.VIEW_NODE])
        robot = node if robot_m is not None and node >= 0 else None
        self._layers.refresh(round(time_s / self.tick_s), robot, robot_m)
        return True
