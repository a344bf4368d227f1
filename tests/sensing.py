"""What tests of sensing share: agents as arrays, beliefs on open floors, compiled entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from envs.battery import PROFILES
from envs.belief import Belief, SensorModel
from envs.floor import Map
from envs.kernels import sense, sense_state
from envs.layouts import Layout
from planners import GridMap

DELIVERY = PROFILES["delivery"]
OPEN = GridMap(np.zeros((9, 21), dtype=bool), moves="four")
SURE = SensorModel(radius_m=40.0, detection=1.0, false_alarm=0.0)
PERSON, TRAFFIC, ROBOT = 0, 1, 2


class Agents(NamedTuple):
    """One entry per agent, the robot last: what sensing reads of `envs.kernels.state.Agents`."""

    node: Any
    to: Any
    done_mm: Any
    length_mm: Any
    busy_until: Any
    kind: Any
    x_m: Any
    y_m: Any
    x0_m: Any
    y0_m: Any


def layout_on(map: Map, faces: Sequence[int] = ()) -> Layout:
    """Places on a map: pick faces on `faces`, or everywhere alike."""
    free = np.flatnonzero(~np.asarray(map.blocked).reshape(-1)).tolist()
    storage = tuple(faces) or tuple(free[2:])
    density = np.zeros(map.size) if faces else np.ones(map.size)
    density[list(storage)] = 1.0
    return Layout("open", map, (free[0],), storage, (free[1],), density)


def belief_on(map: Map = OPEN, faces: Sequence[int] = (), **options: Any) -> Belief:
    """A belief with a sensor that sees all of an open floor; nobody is expected anywhere."""
    settings: dict[str, Any] = {"seed": 0, "staff": 0, "sensor": SURE, "agents": 8, **options}
    return Belief(map, layout_on(map, faces), DELIVERY, **settings)


def agents_on(map: Map, rows: Iterable[Sequence[float]]) -> Agents:
    """Agents from rows (kind, node, to, done_mm, length_mm), the last three may be left out."""
    table = np.array([[*row, *(-1, 0, 0)[len(row) - 2 :]] for row in rows], dtype=np.int64)
    kind, node, to, done, length = table.T
    x, y = map.positions_m(node).T.copy()
    going = to >= 0
    part = done[going] / length[going]
    for values, k in ((x, 0), (y, 1)):
        values[going] += part * (map.positions_m(to[going])[:, k] - values[going])
    return Agents(node, to, done, length, np.zeros_like(node), kind, x, y, x.copy(), y.copy())


def closed_on(map: Map, nodes: Iterable[int] = ()) -> np.ndarray[Any, Any]:
    """(size,) 1 where something stands."""
    closed = np.zeros(map.size, dtype=np.uint8)
    closed[list(nodes)] = 1
    return closed


def watch(
    belief: Belief,
    first: int,
    ticks: int,
    rows: Iterable[Sequence[float]] = (),
    closed: Iterable[int] = (),
    *,
    map: Map = OPEN,
    robot: int = 0,
) -> int:
    """So many ticks of sensing the same scene, the last look learned too; the tick of that."""
    agents, walls = agents_on(map, [*rows, (ROBOT, robot)]), closed_on(map, closed)
    for tick in range(first, first + ticks):
        sense.sense_tick(tick, agents, walls, belief.senses)
    sense.learn(first + ticks, belief.senses)
    belief.senses.ints[sense_state.NOW] = first + ticks
    belief.senses.ints[sense_state.LOOKED] = sense_state.NEVER
    if belief.has_news:
        belief.heed(belief.tick_s * (first + ticks))
    return first + ticks
