"""What both environments share: opening a world from a seed, time limit, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from reprlib import repr as shown
from typing import Any, Literal, TypedDict, Unpack

import gymnasium
import numpy as np
import numpy.typing as npt

from envs.assumptions import Assumptions
from envs.battery import RobotProfile
from envs.checks import expect_number
from envs.layouts import Layout, ready
from envs.orders import OrderModel
from envs.world import World
from planners.errors import expect
from planners.tasks import Order

from .render import draw, write
from .rewards import RewardMeter, Rewards

Observation = dict[str, npt.NDArray[np.float32]]
Info = dict[str, Any]


class WorldKeywords(TypedDict, total=False):
    """Keywords that an environment hands on to `World`, which has their defaults."""

    profile: str | RobotProfile
    orders: OrderModel | Sequence[tuple[int, ...] | Order] | None
    initial_soc: float
    blockages_per_hour: float
    lam_risk: float
    lam_congestion: float
    lam_energy: float | None
    start: Any
    capacity: int
    tick_s: float
    assumptions: Assumptions | None
    engine: Literal["compiled", "readable"]


class Common(WorldKeywords, total=False):
    """What every environment takes beside its own; the defaults are those of `WarehouseEnv`."""

    workers: int
    traffic: int
    rewards: Rewards | None
    render_mode: str | None


WORLD_KEYWORDS = frozenset(WorldKeywords.__annotations__)


@lru_cache(maxsize=8)
def _ready(name: str) -> Layout:
    return ready(name)


class WarehouseEnv(gymnasium.Env[Any, Any]):
    """A world behind `reset` and `step`; subclasses say what an action is and what is observed.

    `reset(seed=s)` opens the world of seed s, the one that `aislewise deliver --seed s` runs on the
    same layout; `reset()` draws the next seed from the environment's own `np_random`. An
    environment cannot be copied in mid-episode: repeat its seed and its actions instead.

    Args:
        layout: a name of `envs.layouts.READY` or a `Layout`.
        workers, traffic: people and other robots.
        seconds: world time after which an episode is truncated, at least a tick.
        rewards: what the terms of the reward are worth.
        render_mode: "rgb_array", "ansi" or None. Pictures show the truth, observations never do.
        **world: keywords of `World`, see `WorldKeywords`.

    Raises:
        ValueError: an unknown name or keyword, numbers out of range, an `OrderBook` as `orders`.
    """

    metadata = {  # noqa: RUF012 - declared so by Gymnasium
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 4,
    }
    world: World

    def __init__(
        self, layout: str | Layout, *, seconds: float, workers: int = 12, traffic: int = 0,
        rewards: Rewards | None = None, render_mode: str | None = None,
        **world: Unpack[WorldKeywords],
    ) -> None:  # fmt: skip
        unknown = sorted(world.keys() - WORLD_KEYWORDS)
        if unknown:
            known = ", ".join(sorted(WORLD_KEYWORDS))
            raise ValueError(f"unknown keyword {unknown[0]!r}: a world takes {known}")
        orders = world.get("orders")
        if not isinstance(orders, OrderModel | Sequence | None) or isinstance(orders, str):
            raise ValueError(
                f"orders is {shown(orders)}: give an OrderModel or a list, which do for many "
                "episodes (an OrderBook is used up by one)"
            )
        expect(layout, (str, Layout), "layout")
        expect_number("seconds", seconds, above=0)
        if render_mode not in (None, *self.metadata["render_modes"]):
            modes = ", ".join(self.metadata["render_modes"])
            raise ValueError(f"unknown render_mode {render_mode!r}: None or one of {modes}")
        if not isinstance(rewards, Rewards | None):
            raise ValueError(f"rewards must be a Rewards or None, got {rewards!r}")
        self.layout = layout if isinstance(layout, Layout) else _ready(layout)
        self.render_mode = render_mode
        self._seconds, self._rewards = seconds, rewards or Rewards()
        self._world_keywords: dict[str, Any] = {"workers": workers, "traffic": traffic, **world}

    def _open(self, seed: int | None, **keywords: Any) -> None:
        """A fresh world and its meter; `keywords` go before those of the constructor."""
        world_seed = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        self.world = World(self.layout, seed=world_seed, **self._world_keywords | keywords)
        self._meter = RewardMeter(self.world, self._rewards)
        self._last_tick = max(1, round(self._seconds / self.world.tick_s))
        self._order: Order | None = None  # the one that the robot took last

    def _checked(self, action: Any) -> int:
        """The action as a number; ValueError for what the space does not hold."""
        if not isinstance(action, (int, np.integer)) or not self.action_space.contains(int(action)):
            raise ValueError(f"action {shown(action)} is not in {self.action_space}")
        return int(action)

    def _late_s(self) -> float:
        """Weighted lateness of a delivery since the last call; empties the world's log."""
        late_s = 0.0
        for row in self.world.take_events():
            if row["event"] == "delivery" and self._order is not None:
                late_s += self._order.lateness_s(row["time_s"])
        return late_s

    def render(self) -> npt.NDArray[np.uint8] | str | None:
        """The floor as it is: an (H, W, 3) uint8 picture, or text; the world does not notice."""
        if self.render_mode is None:
            return None
        if self.render_mode == "ansi":
            return write(self.world)
        return draw(self.world)
