"""What the robot sees, and what it therefore believes.

`Sensor` is the only door from truth to belief: it turns the true floor into a `Sighting`, with
misses and false alarms, which reaches the belief one tick later. `Belief` keeps sightings with
their ages and turns them into what a planner needs: a map without the nodes believed blocked, and
a `CostField` in seconds per metre.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from planners import CostField, GridMap, Layer

from .battery import RobotProfile
from .blockages import Blockage, near_matrix
from .floor import Floor, Map
from .streams import draw, stream_key, unit

if TYPE_CHECKING:
    from .layouts import Layout

Ids = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SensorModel:
    """Assumptions (a): reach, chance to notice what is there, chance per tick to see a ghost."""

    radius_m: float = 8.0
    detection: float = 0.98
    false_alarm: float = 1e-3


@dataclass(frozen=True)
class BeliefModel:
    """How sightings become layers; all numbers are assumptions (a)."""

    refresh_s: float = 5.0
    near_m: float = 1.5
    risk_tau_s: float = 600.0
    density_tau_s: float = 120.0
    blocked_tau_s: float = 600.0
    prior_s: float = 300.0  # seconds of looking that the pick-density prior is worth
    at_face: float = 0.45  # share of a worker's time spent standing at pick faces,
    at_station: float = 0.1  # and at stations; the rest it walks where picks are dense
    track_weight: float = 0.25
    track_s: float = 5.0
    detour_s: float = 20.0  # cost of a node that may be blocked, times that probability
    standing_s: float = 10.0  # cost of a node where somebody was just seen standing


@dataclass(frozen=True)
class Body:
    """A person or robot as seen: its id, node and position."""

    id: int
    node: int
    x_m: float
    y_m: float
    person: bool


@dataclass(frozen=True)
class Sighting:
    """One look round: the nodes in view, the bodies seen there, the nodes seen blocked."""

    time_s: float
    visible: npt.NDArray[np.int64]
    bodies: tuple[Body, ...]
    obstacles: frozenset[int]


class Sensor:
    """A look from a node: radius and, on grids, line of sight past the fixed blocked cells.

    On a graph, which has no walls, every node within the radius is in view. Temporary blockages
    are low and hide nothing (a).
    """

    def __init__(self, floor: Floor, seed: int, model: SensorModel) -> None:
        self._floor, self._model = floor, model
        self._key = stream_key(seed, "sensor")
        self._views: dict[int, tuple[Ids, frozenset[int]]] = {}
        self._tree: cKDTree | None = None
        if isinstance(floor.map, GridMap):
            self._prepare_rays(floor.map)
        else:
            self._tree = cKDTree(floor.position_m)

    def _prepare_rays(self, grid: GridMap) -> None:
        reach = int(self._model.radius_m / grid.cell_size_m)
        span = range(-reach, reach + 1)
        limit = (self._model.radius_m / grid.cell_size_m) ** 2
        targets = [(dr, dc) for dr in span for dc in span if dr * dr + dc * dc <= limit]
        rays = np.zeros((len(targets), reach + 1, 2), dtype=np.int64)
        for ray, (dr, dc) in zip(rays, targets, strict=True):
            steps = max(abs(dr), abs(dc), 1)
            for k in range(1, steps + 1):  # the last sample is the target itself
                ray[k] = round(k * dr / steps), round(k * dc / steps)
        self._padded = np.pad(grid.blocked, reach, constant_values=True)
        self._rays, self._targets, self._reach = rays, np.array(targets), reach
        self._cols = grid.cols

    def view(self, node: int) -> tuple[Ids, frozenset[int]]:
        """The nodes in view from `node`, as an array and as a set."""
        found = self._views.get(node)
        if found is None:
            if self._tree is not None:
                around = self._tree.query_ball_point(self._floor.xy(node), self._model.radius_m)
                ids = np.array(sorted(around), dtype=np.int64)
            else:
                row, col = divmod(node, self._cols)
                samples = self._rays + np.array((row + self._reach, col + self._reach))
                clear = ~self._padded[samples[..., 0], samples[..., 1]].any(axis=1)
                cells = self._targets[clear] + np.array((row, col))
                ids = cells[:, 0] * self._cols + cells[:, 1]
            found = self._views[node] = (ids, frozenset(ids.tolist()))
        return found

    def look(
        self,
        tick: int,
        time_s: float,
        node: int,
        walkers: Sequence[Any],
        blocked: frozenset[int],
    ) -> Sighting:
        """What is noticed from `node`; dice are keyed by tick and thing."""
        ids, inside = self.view(node)
        model, key = self._model, self._key
        bodies = [
            Body(walker.id, walker.node, walker.x_m, walker.y_m, walker.person)
            for walker in walkers
            if (walker.node in inside or walker.to in inside)
            and unit(key, tick, walker.id) < model.detection
        ]
        seen = {n for n in inside & blocked if unit(key + 1, tick, n) < model.detection}
        if unit(key + 2, tick, 0) < model.false_alarm:
            seen.add(self._somewhere(ids, tick, 1))
        if unit(key + 2, tick, 2) < model.false_alarm:
            ghost = self._somewhere(ids, tick, 3)
            x, y = self._floor.xy(ghost)
            bodies.append(Body(1_000_000 + tick, ghost, x, y, person=True))
        return Sighting(time_s, ids, tuple(bodies), frozenset(seen))

    def _somewhere(self, ids: Ids, tick: int, what: int) -> int:
        return int(ids[draw(self._key + 2, tick, what) % len(ids)])


class Track:
    """A body seen lately: where, how fast, and since when it stands."""

    __slots__ = ("node", "person", "standing_since", "time_s", "vx", "vy", "x", "y")

    def __init__(self, body: Body, time_s: float) -> None:
        self.x, self.y, self.node, self.person = body.x_m, body.y_m, body.node, body.person
        self.vx = self.vy = 0.0
        self.time_s = self.standing_since = time_s

    def follow(self, body: Body, time_s: float) -> None:
        """Take a new sighting in: position, velocity, standing or not."""
        gap_s = max(time_s - self.time_s, 1e-9)
        self.vx, self.vy = (body.x_m - self.x) / gap_s, (body.y_m - self.y) / gap_s
        if abs(self.vx) + abs(self.vy) > 0.05:
            self.standing_since = time_s
        self.x, self.y, self.node, self.time_s = body.x_m, body.y_m, body.node, time_s


class Belief:
    """What the robot knows, with ages; built from sightings, telemetry and announcements only.

    `map()` and `costs()` are what planners and choosers get. The layers are `congestion` (extra
    seconds per metre), `risk` (expected close encounters per metre), `energy` (Wh per metre) and
    `blockage` (seconds per metre for nodes that may be taken). `staff` is how many people the
    shift plan says are at work: the scale of the prior, which follows the layout's pick shares.
    A `lam_*` of 0 switches its factor off; `lam_energy=None` is 3600 / charging power: the time to
    win a watt-hour back.
    """

    def __init__(
        self,
        floor: Floor,
        layout: Layout,
        profile: RobotProfile,
        *,
        staff: int,
        tick_s: float,
        model: BeliefModel,
        lam_risk: float = 8.0,
        lam_congestion: float = 1.0,
        lam_energy: float | None = None,
    ) -> None:
        # Of the floor only what a drawing of it shows: never its blockages of the moment.
        self._map, self._position_m = floor.map, floor.position_m
        self._profile, self._tick_s, self.model, self.staff = profile, tick_s, model, staff
        self._near = near_matrix(floor, model.near_m)
        self._near_count = np.maximum(1.0, np.asarray(self._near.sum(axis=1)).ravel())
        self._presence = self._prior(layout)
        self._near_presence: Values = np.asarray(self._near @ self._presence)
        self._seen_s, self._near_s, self._at_s, self._fleet = np.zeros((4, floor.size))
        self._doubts: dict[int, tuple[float, float]] = {}  # node -> (odds, when)
        self._closures: list[Blockage] = []
        self._closed: frozenset[int] = frozenset()
        self._planning_map: Map | None = None
        self._refreshed_s = -math.inf
        self.tracks: dict[int, Track] = {}
        self.map_version = 0
        if lam_energy is None:
            lam_energy = 3600.0 / profile.charge_w
        weights = {"congestion": lam_congestion, "risk": lam_risk, "energy": lam_energy}
        zero = np.zeros(floor.size)
        layers = [
            Layer(name, zero, weight) for name, weight in {**weights, "blockage": 1.0}.items()
        ]
        self._costs = CostField(floor.map, base=1.0 / profile.speed_m_s, layers=layers)
        self.refresh(0.0, None, force=True)

    def _prior(self, layout: Layout) -> Values:
        """Expected number of people on each node before anything was seen."""
        walking = np.asarray(layout.pick_density, dtype=np.float64)
        if walking.sum() <= 0:
            walking = np.where(np.asarray(self._map.blocked).reshape(-1), 0.0, 1.0)
        at_face, at_station = self.model.at_face, self.model.at_station
        share = (1.0 - at_face - at_station) * walking / walking.sum()
        share[list(layout.storage)] += at_face * np.asarray(layout.pick_share, dtype=np.float64)
        share[list(layout.stations)] += at_station / len(layout.stations)
        return np.asarray(self.staff * share, dtype=np.float64)

    # What planners get.

    def map(self) -> Map:
        """The map with the nodes believed blocked taken out."""
        if self._planning_map is None:
            closed = sorted(self._closed)
            self._planning_map = self._map.with_blocked(closed, True) if closed else self._map
        return self._planning_map

    def costs(self) -> CostField:
        """The cost field in seconds per metre; its version rises when belief moves it."""
        return self._costs

    @property
    def believed_blocked(self) -> frozenset[int]:
        """Nodes believed blocked at this moment."""
        return self._closed

    def meets(self, way_m: Sequence[tuple[float, float]], time_s: float) -> bool:
        """Whether somebody is predicted within `near_m` of `way_m[k]`, k seconds from now.

        People are taken to go on as last seen; only those seen in the last two seconds count.
        """
        limit = self.model.near_m**2
        for track in self.tracks.values():
            age_s = time_s - track.time_s
            if not track.person or age_s > 2.0:
                continue
            for k, (x, y) in enumerate(way_m):
                ahead_s = age_s + k
                dx, dy = track.x + track.vx * ahead_s - x, track.y + track.vy * ahead_s - y
                if dx * dx + dy * dy <= limit:
                    return True
        return False

    # What comes in.

    def sense(self, sighting: Sighting) -> None:
        """Take in one look round."""
        time_s, dt = sighting.time_s, self._tick_s
        self._seen_s[sighting.visible] += dt
        near = self._near
        for body in sighting.bodies:
            track = self.tracks.get(body.id)
            if track is None:
                self.tracks[body.id] = Track(body, time_s)
            else:
                track.follow(body, time_s)
            if body.person:
                around = slice(near.indptr[body.node], near.indptr[body.node + 1])
                self._near_s[near.indices[around]] += dt
                self._at_s[body.node] += dt
        if self._doubts or sighting.obstacles:
            self._weigh_obstacles(sighting)

    def _weigh_obstacles(self, sighting: Sighting) -> None:
        """Bayes' rule on the odds of each node in doubt that was in view."""
        hit, miss = 0.98 / 1e-3, 0.02 / 0.999
        visible = set(sighting.visible.tolist())
        for node in sighting.obstacles.union(visible.intersection(self._doubts)):
            odds, when = self._doubts.get(node, (0.01, sighting.time_s))
            share = self._decayed(odds, sighting.time_s - when)
            odds = min(share / max(1e-9, 1.0 - share), 1e3)
            odds *= hit if node in sighting.obstacles else miss
            if odds < 1e-3:
                self._doubts.pop(node, None)
            else:
                self._doubts[node] = (min(odds, 1e3), sighting.time_s)
        self._close(sighting.time_s)

    def _decayed(self, odds: float, age_s: float) -> float:
        """Probability now of what had these odds `age_s` ago."""
        return odds / (1.0 + odds) * math.exp(-age_s / self.model.blocked_tau_s)

    def bump(self, node: int, time_s: float) -> None:
        """The robot touched something on `node`: it is blocked, whatever was thought."""
        self._doubts[node] = (1e3, time_s)
        self._close(time_s)

    def announce(self, blockage: Blockage) -> None:
        """A closure made known by people: certain from its start to its end."""
        self._closures.append(blockage)

    def hear_fleet(self, nodes: Iterable[int], gap_s: float) -> None:
        """Telemetry: where the traffic robots are; density over each node's surroundings."""
        there, places = np.zeros(len(self._fleet)), list(nodes)
        if not places and not self._fleet.any():
            return
        there[places] = 1.0
        density = np.asarray(self._near @ there) / self._near_count
        self._fleet += gap_s / self.model.density_tau_s * (density - self._fleet)

    def _close(self, time_s: float) -> None:
        doubts = self._doubts.items()
        closed = {node for node, (odds, t) in doubts if self._decayed(odds, time_s - t) > 0.5}
        for closure in self._closures:
            if closure.start_s <= time_s < closure.end_s:
                closed.update(closure.nodes)
        if closed != self._closed:
            self._closed = frozenset(closed)
            self._planning_map = None
            self.map_version += 1

    # From sightings to layers.

    def refresh(
        self,
        time_s: float,
        robot_m: tuple[float, float] | None,
        *,
        kg: float = 0.0,
        force: bool = False,
    ) -> bool:
        """Bring map and layers up to date, at most every `refresh_s` unless forced."""
        gap_s = time_s - self._refreshed_s
        if gap_s < self.model.refresh_s and not force:
            return False
        if math.isfinite(gap_s):
            fade = math.exp(-gap_s / self.model.risk_tau_s)
            for values in (self._seen_s, self._near_s, self._at_s):
                values *= fade
        self._refreshed_s = time_s
        self._closures = [c for c in self._closures if c.end_s > time_s]
        self._close(time_s)
        old = [i for i, t in self.tracks.items() if time_s - t.time_s > self.model.track_s]
        for track in old:
            del self.tracks[track]
        self._push_layers(time_s, robot_m, kg)
        return True

    def _push_layers(self, time_s: float, robot_m: tuple[float, float] | None, kg: float) -> None:
        pace = 1.0 / self._profile.speed_m_s
        weight = self.model.prior_s
        looked = self._seen_s + weight
        rho = self._fleet + (weight * self._presence + self._at_s) / looked
        delay = pace * rho / (1.0 - np.minimum(rho, 0.9))
        rate = (weight * self._near_presence + self._near_s) / looked
        if robot_m is not None:
            self._add_tracks(rate, time_s, robot_m)
        drive_j = self._profile.drive_j_per_m + self._profile.drive_j_per_m_kg * kg
        self._push("congestion", delay, 0.005)
        self._push("risk", 1.0 - np.exp(-rate * pace), 0.002)
        self._push("energy", (self._profile.ambient_w * (pace + delay) + drive_j) / 3600.0, 1e-4)
        self._push("blockage", self._doubt_costs(time_s), 0.0)

    def _add_tracks(self, rate: Values, time_s: float, robot_m: tuple[float, float]) -> None:
        """Chance that a person seen just now is near a node when the robot could be there."""
        people = [track for track in self.tracks.values() if track.person]
        if not people:
            return
        offset = self._position_m - robot_m
        ids = np.flatnonzero((np.abs(offset) <= 12.0).all(axis=1))
        place = self._position_m[ids]
        ahead_s = np.hypot(*offset[ids].T) / self._profile.speed_m_s
        area = 0.5 * self.model.near_m**2
        for track in people:
            age_s = time_s - track.time_s
            variance = (0.3 + 0.5 * (age_s + ahead_s)) ** 2
            stays = 0.9 if time_s - track.standing_since >= 2.0 else 0.3
            moved = place - (track.x, track.y)
            rode = moved - np.outer(age_s + ahead_s, (track.vx, track.vy))
            for share, miss in ((stays, moved), (1.0 - stays, rode)):
                square = (miss**2).sum(axis=1)
                near = np.minimum(1.0, area / variance * np.exp(-0.5 * square / variance))
                rate[ids] += self.model.track_weight * share * near

    def _doubt_costs(self, time_s: float) -> Values:
        cost = np.zeros(len(self._fleet))
        for node, (odds, when) in self._doubts.items():
            cost[node] += self.model.detour_s * self._decayed(odds, time_s - when)
        for track in self.tracks.values():
            if time_s - track.standing_since >= 2.0:
                cost[track.node] += self.model.standing_s
        return cost

    def _push(self, name: str, values: Values, tolerance: float) -> None:
        """Hand on only what changed by more than `tolerance`: caches live longer that way."""
        changed = np.flatnonzero(np.abs(values - self._costs.layer(name)) > tolerance)
        if changed.size:
            self._costs.update(name, changed, values[changed])
