"""The reward: a sum of named terms, each the growth of one count since the last look."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import TYPE_CHECKING

from envs.battery import MJ_PER_WH

if TYPE_CHECKING:
    from envs.world import World

TERMS = (
    "seconds", "near_people", "encounters", "energy", "delivered", "late", "stranded",
    "give_ups", "illegal", "progress",
)  # fmt: skip


@dataclass(frozen=True)
class Rewards:
    """What each thing is worth, in seconds; a value of 0 switches its term off. Assumptions (a).

    Costs are negative. `wh=None` is the time that the robot's charger takes for a watt-hour, so
    `second`, `encounter` and `wh` together are the world's own cost. `late_second` is multiplied
    with the order's weight (4 urgent, 1 normal, 0.25 low). `metre` is paid for each metre of the
    shortest way that is behind: a potential, so that its sum over an episode depends on its ends
    only (Ng, Harada, Russell 1999); only `WarehouseNav-v0` pays it.
    """

    second: float = -1.0
    near_second: float = -1.0
    encounter: float = -8.0
    wh: float | None = None
    delivery: float = 100.0
    late_second: float = -1.0
    stranding: float = -900.0
    give_up: float = -60.0
    illegal: float = -1.0
    metre: float = 1.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if value is None and one.name == "wh":
                continue
            if not isinstance(value, Real) or not math.isfinite(value):
                raise ValueError(f"reward {one.name} must be a finite number, got {value!r}")


class RewardMeter:
    """Reads the world's counts and says what has come to them since it last did."""

    def __init__(self, world: World, rewards: Rewards) -> None:
        self._world, self._rewards = world, rewards
        charge_s = 3600.0 / world.profile.charge_w
        self._per_wh = -charge_s if rewards.wh is None else rewards.wh
        self._look()

    def _look(self) -> None:
        world = self._world
        tally, meetings = world.tally, world.meetings
        self._tick, self._near_s = world.tick, meetings.near_s
        self._met, self._drained_mj = meetings.close_encounters, world.robot.battery.drained_mj
        self._delivered = len(tally.delivery_times_s)
        self._stranded, self._give_ups = tally.strandings, tally.give_ups

    def terms(
        self, *, late_s: float = 0.0, illegal: int = 0, metres: float = 0.0
    ) -> dict[str, float]:
        """The terms of the time since the last call, keyed by `TERMS`; their sum is the reward.

        `late_s` is weighted seconds of lateness, `illegal` how many actions were refused, `metres`
        how much nearer the end of the way came.
        """
        world, worth = self._world, self._rewards
        meetings = world.meetings
        ticks, near_s = self._tick, self._near_s
        met, drained_mj, delivered = self._met, self._drained_mj, self._delivered
        stranded, give_ups = self._stranded, self._give_ups
        self._look()
        counts = (
            (worth.second, world.tick_s * (self._tick - ticks)),
            (worth.near_second, meetings.near_s - near_s),
            (worth.encounter, self._met - met),
            (self._per_wh, (self._drained_mj - drained_mj) / MJ_PER_WH),
            (worth.delivery, self._delivered - delivered),
            (worth.late_second, late_s),
            (worth.stranding, self._stranded - stranded),
            (worth.give_up, self._give_ups - give_ups),
            (worth.illegal, illegal),
            (worth.metre, metres),
        )
        # Plus 0.0 so that nothing is 0.0 and not -0.0.
        return {name: a * b + 0.0 for name, (a, b) in zip(TERMS, counts, strict=True)}
