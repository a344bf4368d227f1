"""`WarehouseNav-v0`: drive the robot cell by cell to pick and drop one order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from envs.checks import expect_number
from envs.layouts import Layout
from envs.orders import OrderModel
from envs.world import CHARGE, SERVE, WAIT, YIELD
from planners import GridMap
from planners.errors import expect

from .base import Common, Info, Observation, WarehouseEnv
from .drawing import drawing_of
from .observe import Observer, spaces_of

ACTIONS = ("wait", "north", "east", "south", "west", "yield")
STAY, GIVE_WAY = 0, 5
OPTIONS = ("start", "soc", "stops")

# One row for each set of legal directions, and one for a robot that is not asked.
_MASKS = np.array([[1, *(bits >> k & 1 for k in range(4)), 1] for bits in range(16)], dtype=np.int8)
_NOT_ASKED = np.array([1, 0, 0, 0, 0, 0], dtype=np.int8)


class WarehouseNav(WarehouseEnv):
    """One tick (half a second) a step: wait, one of four moves, or yield.

    The robot has one order (its stops, then it is done), a battery, and people around it. While it
    is between two cells, turning, or at work on a stop, where work begins by itself, the action is
    not looked at: the mask then shows `wait` alone, and nothing is refused. `wait` on a charger
    charges. `yield` offers the robot's cell to whoever wants it. A legal move may still wait for
    somebody on the next cell; a move that the drawing of the floor does not have is refused: it
    counts as `wait` and costs the term ``illegal``.

    An episode ends when the order reaches its last stop, or the battery is empty; after `seconds`
    it is truncated. `info` has ``action_mask`` (6,) int8, ``reward_terms`` (they sum to the
    reward), ``asked`` (whether the next action will be looked at) and ``time_s``.

    `reset(options={...})` takes ``start`` (a node or (row, col); else drawn), ``soc`` (state of
    charge) and ``stops`` (nodes or cells, the order's; else one is drawn, with a due time).

    Args:
        layout: a name of `envs.layouts.READY` or a `Layout` on a grid.
        seconds: world time after which an episode is truncated.
        radius: cells from the robot to the edge of its window.
        until_asked: a step lasts until the robot is asked again, in place of one tick.
        **common: as for every environment. `workers` (12) and `traffic` (0): people and other
            robots; `rewards`: what the terms are worth; `render_mode`: "rgb_array", "ansi" or
            None; and keywords of `World`.

    Raises:
        ValueError: as `WarehouseEnv`; a graph; a radius below 1.
    """

    def __init__(
        self, layout: str | Layout = "built-in", *, seconds: float = 600.0, radius: int = 7,
        until_asked: bool = False, **common: Unpack[Common],
    ) -> None:  # fmt: skip
        super().__init__(layout, seconds=seconds, **common)
        expect_number("radius", radius, least=1, whole=True)
        self._radius, self._until_asked = radius, until_asked
        self._drawing = drawing_of(self.layout)
        self._chargers = frozenset(self.layout.chargers)
        self.action_space = spaces.Discrete(len(ACTIONS))
        self.observation_space = spaces_of(radius)

    # Episodes.

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """A fresh world, an order, and the robot on a free cell."""
        super().reset(seed=seed)
        expect(options, (Mapping, type(None)), "options")
        asked = options or {}
        unknown = sorted(asked.keys() - set(OPTIONS))
        if unknown:
            raise ValueError(f"unknown option {unknown[0]!r}: reset takes {', '.join(OPTIONS)}")
        self._open(seed, **self._first_words(asked))
        self._observer = Observer(self.world, self._drawing, self._radius)
        self._turn_to, self.blocked = -1, 0
        self._take_order()
        self._left_m = self._way_left_m()
        return self._observation(), {
            "action_mask": self.action_masks(), "asked": self.asked, "time_s": 0.0,
        }  # fmt: skip

    def _first_words(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Keywords of the world that this episode decides: start, charge, order."""
        keywords: dict[str, Any] = {}
        if "start" in asked or "start" not in self._world_keywords:
            free = self._drawing.free
            drawn = int(free[self.np_random.integers(free.size)])
            keywords["start"] = self._node(asked["start"]) if "start" in asked else drawn
        if "soc" in asked:
            expect_number("soc", asked["soc"], most=1)
            keywords["initial_soc"] = float(asked["soc"])
        if "stops" in asked:
            expect(asked["stops"], Iterable, "stops")
            keywords["orders"] = [tuple(self._node(stop) for stop in asked["stops"])]
        elif self._world_keywords.get("orders") is None:
            keywords["orders"] = OrderModel(per_hour=0.0, backlog=1)
        return keywords

    def _node(self, place: Any) -> int:
        """A node id from a node id or a cell."""
        assert isinstance(self.layout.map, GridMap)
        return self.layout.map.node(place if np.ndim(place) == 0 else tuple(place))

    def _take_order(self) -> None:
        """Take the open order that is due first, if there is one; note its way."""
        world = self.world
        open_ = world.book.open(world.time_s)
        if not open_:
            return
        first = min(open_, key=lambda order: order.due_s)
        self._order = world.accept(first.id)
        # Metres from each stop to the end: what is left after the way to the next one.
        after = [0.0]
        stops = self._order.stops
        for here, there in zip(stops[-2::-1], stops[:0:-1], strict=True):
            way = self._drawing.way_m(there)
            after.append(after[-1] + way.item(here))
        self._after_m = after[::-1]

    def _way_left_m(self) -> float:
        """Metres of shortest way to the end of the order; 0 without one."""
        goal, robot = self.world.next_stop(), self.world.robot
        if goal is None:
            return 0.0
        left_m = self._drawing.way_m(goal).item(robot.node) + self._after_m[robot.stop]
        return left_m if math.isfinite(left_m) else 0.0

    # Steps.

    def step(self, action: int) -> tuple[Observation, float, bool, bool, Info]:
        """One tick; any action of the space is taken, see the class for those that are refused.

        Raises:
            ValueError: an action outside the space.
        """
        world, action = self.world, self._checked(action)
        if world.book.taken is None and world.book.on_board:
            world.accept(world.book.on_board[0].id)
        elif world.book.taken is None and self._order is None:
            self._take_order()
        illegal = self._act(action)
        if self._until_asked:
            while not (self.asked or self._done() or world.tick >= self._last_tick):
                self._act(STAY)
        left_m = self._way_left_m()
        terms = self._meter.terms(
            late_s=self._late_s(), illegal=illegal, metres=self._left_m - left_m
        )
        self._left_m = left_m
        info: Info = {
            "action_mask": self.action_masks(), "reward_terms": terms, "asked": self.asked,
            "time_s": world.time_s,
        }  # fmt: skip
        reward = float(sum(terms.values()))
        truncated = world.tick >= self._last_tick
        return self._observation(), reward, self._done(), truncated, info

    def _done(self) -> bool:
        """Whether the order is delivered or the battery empty."""
        tally = self.world.tally
        return bool(tally.delivery_times_s) or tally.strandings > 0

    def _act(self, action: int) -> int:
        """Advance one tick; 1 if the action was refused."""
        world, robot = self.world, self.world.robot
        command, refused = self._command(action)
        node = robot.node
        world.step(command)
        if robot.to >= 0 or robot.node != node:
            self.blocked, self._turn_to = 0, -1
        elif command >= 0 and robot.turning:
            self._turn_to = command
        elif command >= 0:
            self.blocked, self._turn_to = self.blocked + 1, -1
        return refused

    def _command(self, action: int) -> tuple[int, int]:
        """What the world is told, and 1 if that is not what was asked for."""
        world, node = self.world, self.world.robot.node
        if not world.robot_ready:
            return WAIT, 0
        if self._turn_to >= 0:
            return self._turn_to, 0
        if node == world.next_stop():
            return SERVE, 0
        if action == GIVE_WAY:
            return YIELD, 0
        if 1 <= action <= 4 and self._drawing.moves[node] >> (action - 1) & 1:
            return node + self._drawing.steps[action - 1], 0
        waiting = CHARGE if node in self._chargers else WAIT
        return waiting, int(action != STAY)

    @property
    def asked(self) -> bool:
        """Whether the next action will be looked at."""
        world = self.world
        return world.robot_ready and self._turn_to < 0 and world.robot.node != world.next_stop()

    def direction(self, node: int, after: int) -> int:
        """The action that leads from a node to its neighbour; ValueError where none does."""
        return 1 + self._drawing.steps.index(after - node)

    def action_masks(self) -> npt.NDArray[np.int8]:
        """(6,) int8, 1 for the actions that would be carried out now; `wait` always is."""
        if not self.asked:
            return _NOT_ASKED.copy()
        mask: npt.NDArray[np.int8] = _MASKS[self._drawing.moves[self.world.robot.node]]
        return mask.copy()

    def _observation(self) -> Observation:
        goal = self.world.next_stop()
        left = max(0.0, 1.0 - self.world.tick / self._last_tick)
        body = self._observer.body(
            goal, turning=self._turn_to >= 0, blocked=self.blocked, time_left=left
        )
        return {"window": self._observer.window(goal), "body": body}
