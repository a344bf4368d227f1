"""Small worlds for the tests of envs, and slow, obvious twins of what its kernels do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from envs.blockages import Blockage
from envs.floor import Floor
from envs.kernels.state import HELD, WALLS
from envs.layouts import Layout, fulfilment
from envs.metrics import CONTACT_M, NEAR_M
from envs.people import Beat, Places
from envs.world import CHARGE, WAIT, YIELD, World
from envs.zones import Zone
from planners import GraphMap, GridMap

SMALL = fulfilment(2, 3)

Point = tuple[float, float]


def furnished(
    map: GridMap | GraphMap,
    *,
    charger: int | None = None,
    station: int | None = None,
    storage: Sequence[int] = (),
    zones: Sequence[Zone] = (),
) -> Layout:
    """A layout on any map: its first two free nodes are charger and station, the rest storage."""
    free = np.flatnonzero(~np.asarray(map.blocked).ravel()).tolist()
    home = free[0] if charger is None else charger
    end = next(n for n in (*free, home) if n != home) if station is None else station
    faces = tuple(storage) or tuple(n for n in free if n not in (home, end)) or (free[-1],)
    density = np.zeros(map.size, dtype=np.float32)
    density[list(faces)] = 1.0
    return Layout("test", map, (end,), faces, (home,), density, zones=tuple(zones))


def open_grid(rows: int, cols: int, blocked: Iterable[tuple[int, int]] = ()) -> GridMap:
    """A four-connected grid with some cells blocked."""
    cells = np.zeros((rows, cols), dtype=bool)
    for cell in blocked:
        cells[cell] = True
    return GridMap(cells, moves="four")


def floor_of(map: GridMap | GraphMap, tick_s: float = 0.5) -> Floor:
    """The floor of a bare map."""
    return Floor(furnished(map), tick_s)


def corridor(length: int = 12) -> Layout:
    """A corridor one cell wide: a charger, a station, and the pick face at the dead end."""
    return furnished(open_grid(1, length), storage=(length - 1,))


def quiet(layout: Layout = SMALL, **options: Any) -> World:
    """A world without people, orders or blockages, changed by `options`."""
    return World(layout, **{"workers": 0, "blockages_per_hour": 0.0, "orders": [], **options})


def put(world: World, *blockages: Blockage, hours: int = 1) -> None:
    """These blockages instead of drawn ones for so many hours."""
    world._blockages._hours = hours
    world._blockages.planned[:] = blockages
    world._next_event_s = 0.0


def positions(world: World) -> list[tuple[int, int]]:
    """(node, to) of all walkers."""
    agents = world.crowd.agents
    return list(zip(agents.node[:-1].tolist(), agents.to[:-1].tolist(), strict=True))


def any_action(world: World, rng: np.random.Generator) -> int:
    """A legal action drawn at random: a move, WAIT, YIELD, or CHARGE where that is possible."""
    choices = [*world.floor.edges_mm(world.robot.node), WAIT, YIELD]
    if world.robot.node in world.layout.chargers:
        choices.append(CHARGE)
    return int(rng.choice(choices)) if world.robot_ready else WAIT


def zoned() -> Layout:
    """A small grid with a zone of every kind, none of which cuts a place off."""
    plain = furnished(
        open_grid(9, 14, [(r, c) for r in (2, 3, 5, 6) for c in (3, 4, 5, 8, 9, 10)]),
        charger=0, station=13, storage=[18, 44, 59, 65, 102, 107, 125],
    )  # fmt: skip
    cols = plain.map.cols

    def block(rows: range, columns: range) -> tuple[int, ...]:
        return tuple(r * cols + c for r in rows for c in columns)

    zones = (
        Zone("slow", "speed_limit", block(range(8, 9), range(2, 12)), speed_m_s=0.35),
        Zone("east", "one_way", block(range(4, 5), range(3, 11)), direction="east"),
        Zone("west", "one_way", block(range(1, 2), range(3, 11)), direction="west"),
        Zone("kiosk", "keep_out", block(range(2, 4), range(6, 7))),
    )
    return replace(plain, name="zoned", zones=zones)


@dataclass(frozen=True)
class Agent:
    """A walker of a scene: where it is, where it wants to go, and what it is doing."""

    node: int
    goal: int
    person: bool = True
    to: int = -1
    busy: bool = False


def scene(
    map: GridMap | GraphMap,
    agents: Sequence[Agent],
    robot: int,
    closed: Iterable[int] = (),
    **options: Any,
) -> World:
    """A world in this very state at tick 0: people first, each list the oldest trip first.

    The walkers may be as many as there are nodes; agents on an edge are half-way along it. Nobody
    has a next trip.
    """
    people = sum(agent.person for agent in agents)
    assert all(agent.person for agent in agents[:people]), "people come first"
    homes, traffic = [agent.node for agent in agents], len(agents) - people
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Places, "homes", _homes(homes))
        world = quiet(furnished(map), workers=people, traffic=traffic, start=robot, **options)
    crowd, rows = world.crowd, world.crowd.agents
    world.floor.set_blocked(closed)
    crowd.note_walls()
    rows.walls[:] = crowd.clock[WALLS]
    rows.next_goal[:] = -1
    for i, agent in enumerate(agents):
        rows.goal[i] = agent.goal
        rows.slot[i] = crowd.ways.hold(agent.goal, not agent.person)
        crowd._held[i][0] = int(rows.slot[i])
        rows.best_mm[i] = crowd.ways.distance_mm(int(rows.slot[i]), agent.node)
        rows.busy_until[i] = 10**6 if agent.busy else 0
        if agent.to >= 0:
            rows.to[i], rows.length_mm[i], rows.done_mm[i] = agent.to, 1000, 500
            rows.rate_mm[i] = rows.speed_mm[i]
            crowd.holder[agent.to] = i
            crowd.clock[HELD] += 1
    return world


def _homes(nodes: list[int]) -> Any:
    def homes(self: Places, seed: int, workers: int, traffic: int) -> list[int]:
        layout = self._layout
        share = np.cumsum(layout.pick_share)
        self._beats = [Beat(layout.stations, layout.storage, share, self._floor.xy)] * len(nodes)
        return nodes

    return homes


# A twin of `envs.kernels.walk.meet`.


@dataclass(frozen=True)
class Seen:
    """Somebody, where they are in metres."""

    id: int
    x_m: float
    y_m: float
    person: bool = True


@dataclass
class SlowMeetings:
    """Close encounters, seconds near people, and contacts: dictionaries and sets, no state."""

    tick_s: float = 0.5
    close_encounters: int = 0
    near_s: float = 0.0
    contacts: int = 0
    _before: dict[int, Point] = field(default_factory=dict)
    _robot_before: Point | None = None
    _met: set[int] = field(default_factory=set)
    _touching: set[int] = field(default_factory=set)

    def observe(self, robot: Point, moving: bool, others: Iterable[Seen]) -> None:
        """One tick: where the robot and everybody else are now."""
        robot_before = self._robot_before or robot
        here: dict[int, Point] = {}
        met: set[int] = set()
        touching: set[int] = set()
        for other in others:
            here[other.id] = place = (other.x_m, other.y_m)
            before = self._before.get(other.id, place)
            if closest_approach(robot_before, robot, before, place) < CONTACT_M:
                touching.add(other.id)
            near = other.person and math.dist(place, robot) <= NEAR_M + 1e-9
            if near and (moving or other.id in self._met):
                met.add(other.id)
        if met and moving:
            self.near_s += self.tick_s
        self.close_encounters += len(met - self._met)
        self.contacts += len(touching - self._touching)
        self._met, self._touching = met, touching
        self._before, self._robot_before = here, robot


def closest_approach(a0: Point, a1: Point, b0: Point, b1: Point) -> float:
    """Least distance of two points that move in straight lines a0 -> a1 and b0 -> b1 at once."""
    x, y = b0[0] - a0[0], b0[1] - a0[1]
    dx, dy = b1[0] - a1[0] - x, b1[1] - a1[1] - y
    speed = dx * dx + dy * dy
    when = 0.0 if speed == 0.0 else min(1.0, max(0.0, -(x * dx + y * dy) / speed))
    return math.hypot(x + when * dx, y + when * dy)
