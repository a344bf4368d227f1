"""Rolling shifts: choosers of one step against the search over plans, on the same orders.

A setting is a floor, a rate of orders, and a robot: how many orders fit on it, and whether its
battery matters. Where it does, half of what a planner can win lies in when it charges; a robot
whose pack is swapped shows what the sequence of orders alone is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from envs.battery import RobotProfile, robot_profile
from envs.episode import run_episode
from envs.layouts import READY, ready
from envs.orders import OrderModel
from envs.world import World
from planners.tasks import make_chooser

from .pages import Count, FrozenRun, Page

PLANNER = "deep"
BASES = ("utility", "reflex")
SWAPPED_WH = 20_000.0  # (a) more than a shift takes: a pack that is swapped unseen
KEPT = (
    "deliveries", "late", "delivery_time_p50_s", "delivery_time_p95_s", "strandings", "charges",
    "charger_wait_s", "aborts", "give_ups", "near_seconds", "contacts", "wh_per_delivery",
    "decided_by", "trace_hash",
)  # fmt: skip
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Setting(BaseModel):
    """One kind of shift; `swapped`: the battery never matters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str
    orders_per_hour: Positive
    hours: Positive = 8.0
    capacity: Annotated[int, Field(ge=1)] = 1
    swapped: bool = False


def profile_of(swapped: bool) -> RobotProfile:
    """The delivery robot, or one whose battery does not matter."""
    profile = robot_profile("delivery")
    return replace(profile, name="swapped", capacity_wh=SWAPPED_WH) if swapped else profile


@dataclass(frozen=True)
class RollingRun(FrozenRun):
    """One shift under one chooser; `map` is a ready layout."""

    orders_per_hour: float
    hours: float
    capacity: int
    swapped: bool
    workers: int
    chooser: str
    seed: int
    kind: str = "rolling"

    def measure(self) -> dict[str, Any]:
        """What the shift brought; `overdue` are orders that are open and late at its end."""
        world = World(
            ready(self.map, self.seed), seed=self.seed, workers=self.workers,
            profile=profile_of(self.swapped), capacity=self.capacity,
            orders=OrderModel(per_hour=self.orders_per_hour),
        )  # fmt: skip
        start_wh = world.robot.battery.charge_wh
        episode = run_episode(world, make_chooser(self.chooser), seconds=3600.0 * self.hours)
        return {
            **{key: episode.summary[key] for key in KEPT},
            "overdue": world.book.overdue(world.time_s),
            "start_wh": start_wh,
            "end_wh": world.robot.battery.charge_wh,
            "delay": world.robot.delay,
            "host_sim_rate": episode.summary["sim_seconds_per_wall_second"],
        }


class RollingSpec(Page):
    """Settings x choosers x seeds."""

    settings: Annotated[tuple[Setting, ...], Field(min_length=1)]
    choosers: Annotated[tuple[str, ...], Field(min_length=1)] = (*BASES, PLANNER)
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    workers: Count = 12

    def runs(self) -> tuple[RollingRun, ...]:
        """Every run once, all choosers of a seed together.

        Raises:
            ValueError: an unknown chooser or layout.
        """
        for chooser in self.choosers:
            make_chooser(chooser)
        for setting in self.settings:
            if setting.layout not in READY:
                raise ValueError(f"unknown layout {setting.layout!r}: one of {', '.join(READY)}")
        return tuple(
            RollingRun(
                one.layout, "", one.orders_per_hour, one.hours, one.capacity, one.swapped,
                self.workers, chooser, seed,
            )
            for one in self.settings
            for seed in self.seeds
            for chooser in self.choosers
        )  # fmt: skip

    def placed(self, file: Path, data: Path | None) -> RollingSpec:
        """Layouts are built in."""
        return self
