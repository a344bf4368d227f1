"""`WarehouseTask-v0`: choose the next goal; the path planner drives there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from envs.battery import MARGIN_MOST
from envs.checks import expect_number
from envs.driver import Driver, PlannerSettings, snapshot_of
from envs.layouts import Layout
from planners.errors import expect
from planners.tasks import Decision, FieldCache, Snapshot

from .base import Common, Info, Observation, WarehouseEnv
from .choices import COLUMNS, Choices

ROBOT = ("charge", "above_reserve", "margin", "east", "south", "open", "time_left")


class Undecided(Exception):
    """The driver has asked for a decision and there is none yet."""


class Pending:
    """A chooser whose answers come from outside: without one it raises `Undecided`.

    The driver's question stands until it is answered, so its action can be asked for again.
    """

    name = "policy"

    def __init__(self) -> None:
        self.asked: Snapshot | None = None
        self.answer: Decision | None = None

    def describe(self) -> str:
        """One line on who decides."""
        return "the policy that plays the environment decides"

    def choose(self, snapshot: Snapshot) -> Decision:
        """The answer that was given for this question."""
        if self.answer is None:
            self.asked = snapshot
            raise Undecided
        answer, self.answer = self.answer, None
        return answer


class WarehouseTask(WarehouseEnv):
    """One decision a step: an action is a row of the table of choices.

    Row 0 waits, rows 1 to `orders` are open orders, the others the layout's chargers. Between two
    decisions the driver of `run_episode` plans and drives, so that a chooser played through
    `policy_of` gives the very shift that `run_episode` gives. A row that may not be chosen
    (an empty one, an order that the battery rule refuses, a charger for a full battery) counts as
    waiting and costs the term ``illegal``.

    Observed are ``choices`` (rows, columns; see `COLUMNS`) and ``robot`` (7,; see `ROBOT`), all of
    it belief. `info` has ``action_mask`` (rows,) int8, ``reward_terms``, which sum to the reward,
    and ``time_s``. An episode is truncated after `seconds`; it ends when a list of orders is done.

    Args:
        layout: a name of `envs.layouts.READY` or any `Layout`, graphs included.
        seconds: world time after which an episode is truncated.
        orders_shown: rows for open orders.
        planner: settings of the path planner.
        **common: as for every environment. `workers` (12) and `traffic` (0): people and other
            robots; `rewards`: what the terms are worth; `render_mode`: "rgb_array", "ansi" or
            None; and keywords of `World`.

    Raises:
        ValueError: as `WarehouseEnv`; fewer than one row for orders.
    """

    def __init__(
        self, layout: str | Layout = "built-in", *, seconds: float = 3600.0,
        orders_shown: int = 16, planner: PlannerSettings | None = None, **common: Unpack[Common],
    ) -> None:  # fmt: skip
        super().__init__(layout, seconds=seconds, **common)
        expect_number("orders_shown", orders_shown, least=1, whole=True)
        expect(planner, (PlannerSettings, type(None)), "planner")
        self._shown, self._planner = orders_shown, planner or PlannerSettings()
        rows = 1 + orders_shown + len(self.layout.chargers)
        self.action_space = spaces.Discrete(rows)
        self.observation_space = spaces.Dict({
            "choices": spaces.Box(-1.0, 1.0, (rows, len(COLUMNS)), np.float32),
            "robot": spaces.Box(-1.0, 1.0, (len(ROBOT),), np.float32),
        })  # fmt: skip
        listed = self._world_keywords.get("orders")
        self._total = len(listed) if isinstance(listed, Sequence) else None
        at = np.asarray(self.layout.map.positions_m(np.arange(self.layout.map.size)))
        self._corner_m = at.min(axis=0)
        self._extent_m = np.maximum(at.max(axis=0) - self._corner_m, 1e-9)

    @property
    def snapshot(self) -> Snapshot:
        """What may be known at this decision: what a chooser is shown."""
        return self.choices.snapshot

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """A fresh world at its first decision; there are no options."""
        super().reset(seed=seed)
        if options:
            raise ValueError(f"unknown option {min(options)!r}: WarehouseTask-v0 has none")
        self._open(seed)
        self._pending, self._cache = Pending(), FieldCache()
        self._planned: tuple[int, Decision] | None = None
        self._driver = Driver(self.world, self._pending, self._planner)
        self._drive()
        return self._observation(), {
            "action_mask": self.action_masks(), "time_s": self.world.time_s,
        }  # fmt: skip

    def step(self, action: int) -> tuple[Observation, float, bool, bool, Info]:
        """Take the row's decision and drive until the next one is due.

        Raises:
            ValueError: an action outside the space.
        """
        action = self._checked(action)
        legal = action < len(self.choices.rows) and self.choices.rows[action].legal
        chosen = action if legal else 0
        self._pending.answer = self._answer(chosen)
        if self.choices.rows[chosen].order is not None:
            self._order = self.choices.rows[chosen].order
        self._drive()
        terms = self._meter.terms(late_s=self._late_s(), illegal=int(not legal))
        delivered = len(self.world.tally.delivery_times_s)
        terminated = self._total is not None and delivered >= self._total
        info: Info = {
            "action_mask": self.action_masks(), "reward_terms": terms,
            "time_s": self.world.time_s,
        }  # fmt: skip
        truncated = self.world.tick >= self._last_tick
        return self._observation(), float(sum(terms.values())), terminated, truncated, info

    def action_of(self, decision: Decision) -> int:
        """The action that stands for a chooser's decision; its plan goes with it if it is next.

        A plan is asked for again when an order comes on the way, and ends charges where it says.

        Raises:
            ValueError: no row stands for it.
        """
        action = self.choices.row_of(decision)
        self._planned = (action, decision)
        return action

    def _answer(self, action: int) -> Decision:
        """What the driver is told: the row's decision, or the one that the action stands for."""
        planned, self._planned = self._planned, None
        if planned is not None and planned[0] == action:
            return replace(planned[1], decided_by=Pending.name)
        return self.choices.decision(action, Pending.name)

    def _drive(self) -> None:
        """Let the driver act until it asks for a decision or time is up; look at the choices."""
        world, driver = self.world, self._driver
        snapshot = None
        try:
            while world.tick < self._last_tick:
                world.advance(driver.action(), self._last_tick - world.tick)
        except Undecided:
            snapshot = self._pending.asked
        self.choices = Choices(
            snapshot or snapshot_of(world), self._shown, self._cache, self._planner.charge_rule
        )

    def action_masks(self) -> npt.NDArray[np.int8]:
        """(rows,) int8, 1 for the rows that may be chosen now."""
        return self.choices.mask()

    def _observation(self) -> Observation:
        world, snapshot = self.world, self.snapshot
        soc, reserve = snapshot.soc, snapshot.reserve_wh / snapshot.capacity_wh
        here = np.asarray(snapshot.map.positions_m(np.array([snapshot.robot])))[0]
        east, south = ((here - self._corner_m) / self._extent_m).tolist()
        values = (
            soc,
            max(0.0, soc - reserve),
            min(1.0, snapshot.margin / MARGIN_MOST),
            east,
            south,
            min(1.0, len(snapshot.orders) / self._shown),
            max(0.0, 1.0 - world.tick / self._last_tick),
        )
        return {"choices": self.choices.table(), "robot": np.array(values, dtype=np.float32)}
