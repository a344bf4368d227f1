"""For a world without arrays: one tick of sensing on lists of walkers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ..kernels.sense import sense_tick

if TYPE_CHECKING:
    from ..world import World

Ids = npt.NDArray[np.int64]


class Agents(NamedTuple):
    """One entry per agent, the robot last."""

    node: Ids
    to: Ids
    done_mm: Ids
    length_mm: Ids
    busy_until: Ids
    kind: Ids
    x_m: npt.NDArray[np.float64]
    y_m: npt.NDArray[np.float64]


def sense(world: World) -> None:
    """Run `sense_tick` on a world's walkers, robot and blockages, and settle obstacle news."""
    robot, floor = world.robot, world.floor
    rows = [
        (w.node, w.to, w.done_mm, w.length_mm, w.busy_until, 0 if w.person else 1)
        for w in world.crowd.walkers
    ]
    rows.append((robot.node, robot.to, robot.done_mm, robot.length_mm, robot.busy_until, 2))
    node, to, done_mm, length_mm, busy, kind = np.array(rows, dtype=np.int64).T
    place = np.array([floor.place(*row[:4]) for row in rows])
    closed = np.zeros(floor.size, dtype=np.uint8)
    closed[list(floor.blocked)] = 1
    agents = Agents(node, to, done_mm, length_mm, busy, kind, place[:, 0], place[:, 1])
    sense_tick(world.tick, agents, closed, world.belief.senses)
    if world.belief.has_news:
        world.belief.heed(world.time_s)
