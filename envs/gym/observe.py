"""What the robot observes: a window of its belief around it, and its own body.

Nothing here reads the truth. The window is egocentric and north-up; most of it changes only when
the robot enters another cell or its belief moves, and is kept in between.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from envs.kernels.sense_state import PERSON

from .drawing import Drawing

if TYPE_CHECKING:
    from envs.belief import Belief
    from envs.world import World

Window = npt.NDArray[np.float32]

CHANNELS = ("wall", "closed", "risk", "congestion", "way", "people", "robots")
WALL, CLOSED, RISK, CONGESTION, WAY, PEOPLE, ROBOTS = range(len(CHANNELS))
BODY = (
    "goal_east", "goal_south", "way_left", "charge", "heading_east", "heading_south", "payload",
    "on_edge", "turning", "blocked", "last_stop", "due", "time_left",
)  # fmt: skip
FULL_KG, SOON_S, LONG_BLOCKED = 50.0, 300.0, 10  # scales (a)


def spaces_of(radius: int) -> spaces.Dict:
    """``window`` (channels, 2 radius + 1, 2 radius + 1) and ``body`` (13,), float32 in [-1, 1].

    Channels in the order of `CHANNELS`: walls of the drawing and outside; cells believed blocked;
    expected seconds near people a metre; delay d by congestion as ``d / (1 + d)``, in times of the
    free travel time; metres of way to the goal less those from here, over the window's radius,
    from -1 (nearer) to 1; people and other robots seen lately, 1 now and fading. The body in the
    order of `BODY`; ``due`` is slack over itself plus five minutes, negative when late, 1 without
    a due time.
    """
    side = 2 * radius + 1
    window = spaces.Box(-1.0, 1.0, (len(CHANNELS), side, side), np.float32)
    return spaces.Dict({"window": window, "body": spaces.Box(-1.0, 1.0, (len(BODY),), np.float32)})


class Observer:
    """Windows of one world, from its belief."""

    def __init__(self, world: World, drawing: Drawing, radius: int) -> None:
        self._world, self._drawing, self.radius = world, drawing, radius
        self._belief: Belief = world.belief
        self._speed_m_s = world.profile.speed_m_s
        self._tracks = world.belief.senses.tracks  # a row an agent: when, where, since, what
        self._lasts = 1 + round(world.belief.model.track_s / world.tick_s)  # ticks until forgotten
        self._seen = (-1, -1, -1, -1)
        self._still = np.zeros((len(CHANNELS), 2 * radius + 1, 2 * radius + 1), dtype=np.float32)

    def window(self, goal: int | None) -> Window:
        """(channels, side, side) float32, a fresh array."""
        belief, node = self._belief, self._world.robot.node
        now = (node, -1 if goal is None else goal, belief.map_version, belief.costs().version)
        if now != self._seen:
            self._seen = now
            self._look(node, goal)
        window = self._still.copy()
        self._mark_seen(window, node)
        return window

    def _look(self, node: int, goal: int | None) -> None:
        """Fill what does not move: walls, closed cells, layers, the way."""
        (rows, cols), r = self._drawing.shape, self.radius
        row, col = divmod(node, cols)
        top, bottom = max(0, row - r), min(rows, row + r + 1)
        left, right = max(0, col - r), min(cols, col + r + 1)
        inside = (slice(top, bottom), slice(left, right))
        still = self._still
        still.fill(0.0)
        still[WALL] = 1.0
        view = still[:, top - row + r : bottom - row + r, left - col + r : right - col + r]
        view[WALL] = self._drawing.blocked[inside]
        costs, shape = self._belief.costs(), self._drawing.shape
        np.minimum(costs.layer("risk").reshape(shape)[inside], 1.0, out=view[RISK],
                   casting="same_kind")  # fmt: skip
        delay = costs.layer("congestion").reshape(shape)[inside] * self._speed_m_s
        np.divide(delay, 1.0 + delay, out=view[CONGESTION], casting="same_kind")
        if goal is not None:
            way = self._drawing.way_m(goal)
            self._slope(way[inside], float(way[row, col]), view[WAY])
        for closed in self._belief.believed_blocked:
            i, j = divmod(closed, cols)
            if top <= i < bottom and left <= j < right:
                still[CLOSED, i - row + r, j - col + r] = 1.0

    def _slope(self, way: Window, here: float, out: Window) -> None:
        if math.isfinite(here):
            np.subtract(way, here, out=out)
            out /= self.radius * self._drawing.cell_m
            np.clip(out, -1.0, 1.0, out=out)
        else:
            out.fill(1.0)

    def _mark_seen(self, window: Window, node: int) -> None:
        """People and robots of the last seconds, where they were last seen (`Belief.tracks`)."""
        tracks, tick = self._tracks, self._world.tick
        seen = (tracks[:, 0] > max(0, tick - self._lasts)).nonzero()[0]
        if not seen.size:
            return
        r, cols = self.radius, self._drawing.shape[1]
        row, col = divmod(node, cols)
        for stamp, place, _, kind in tracks[seen].tolist():
            i, j = place // cols - row + r, place % cols - col + r
            if 0 <= i <= 2 * r and 0 <= j <= 2 * r:
                channel = PEOPLE if kind == PERSON else ROBOTS
                fresh = 1.0 - (tick - stamp) / self._lasts
                window[channel, i, j] = max(window[channel, i, j], fresh)

    def body(self, goal: int | None, *, turning: bool, blocked: int, time_left: float) -> Window:
        """(13,) float32 in the order of `BODY`, a fresh array."""
        world, drawing = self._world, self._drawing
        robot = world.robot
        east = south = way = 0.0
        if goal is not None:
            cols = drawing.shape[1]
            row, col = divmod(robot.node, cols)
            i, j = divmod(goal, cols)
            east, south = (j - col) / cols, (i - row) / drawing.shape[0]
            way = min(1.0, float(drawing.way_m(goal)[row, col]) / drawing.diameter_m)
        heading, order = robot.heading_rad, world.book.taken
        due = 1.0
        if order is not None and order.due_s < math.inf:
            slack_s = order.due_s - world.time_s
            due = slack_s / (abs(slack_s) + SOON_S)
        values = (
            east, south, way, robot.battery.soc,
            0.0 if heading is None else math.cos(heading),
            0.0 if heading is None else math.sin(heading),
            min(1.0, robot.payload_kg / FULL_KG),
            robot.done_mm / robot.length_mm if robot.to >= 0 else 0.0,
            float(turning),
            min(1.0, blocked / LONG_BLOCKED),
            float(order is not None and robot.stop == len(order.stops) - 1),
            due,
            time_left,
        )  # fmt: skip
        return np.array(values, dtype=np.float32)
