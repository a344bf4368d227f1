"""The stress of a battery: one charger in a corner of a large floor, and rules for charging.

With 960 Wh almost nothing strands whatever the rule; with 200 Wh on 500 x 140 m the far corner is a
sixth of the battery away from the charger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from envs.battery import MJ_PER_WH, RobotProfile, robot_profile
from envs.episode import PlannerSettings, run_episode
from envs.layouts import Layout, from_map, fulfilment
from envs.metrics import percentile
from envs.orders import OrderModel
from envs.world import World
from planners import GridMap
from planners.tasks import ChargeRule, Threshold, make_chooser

from .mapfiles import load_floor
from .pages import Count, FrozenRun, Page, content_hash, found_in
from .spec import BUILT_IN

RESERVE = "reserve"
KEPT = (
    "deliveries", "late", "strandings", "charges", "charger_wait_s", "aborts", "give_ups",
    "refusals", "wh_per_delivery", "contacts", "trace_hash",
)  # fmt: skip


def substitute(seed: int = 0) -> Layout:
    """A floor of the size of the League of Robot Runners' long corridor map, 138 x 500 cells."""
    return fulfilment(43, 45, pod_cols=10, side=2, station_every=2, seed=seed, name="long-aisles")


def one_corner_charger(layout: Layout) -> Layout:
    """The layout with a single charger: the plain free cell nearest to the upper left corner."""
    assert isinstance(layout.map, GridMap)
    free = ~np.asarray(layout.map.blocked).ravel()
    free[[*layout.stations, *layout.storage]] = False
    nodes = np.flatnonzero(free)
    corner = int(nodes[layout.map.cells(nodes).sum(axis=1).argmin()])
    return replace(layout, chargers=(corner,))


def charge_rule(name: str) -> ChargeRule:
    """``reserve``, or a threshold in percent such as ``10``; ValueError for anything else.

    >>> charge_rule("25").low_soc
    0.25
    """
    if name == RESERVE:
        return ChargeRule(top_up_soc=0.0)
    try:
        share = float(name) / 100.0
    except ValueError:
        raise ValueError(f"unknown rule {name!r}: {RESERVE}, or percent such as '25'") from None
    return Threshold(low_soc=share, top_up_soc=0.0)


def credited_hours(
    hours: float, start_wh: float, end_wh: float, profile: RobotProfile, brought_wh: float = 0.0
) -> float:
    """The hours of a shift if all energy had come from the charger.

    A robot that ends emptier than it began has lived on what somebody else charged, and so has one
    that was brought a pack (`brought_wh`): the time that a charger takes for that, the robot's own
    draw deducted, is added; what it ends with beyond its start is credited alike.

    >>> credited_hours(8.0, 180.0, 84.4, robot_profile("delivery"))
    8.5
    """
    return hours + (start_wh + brought_wh - end_wh) / (profile.charge_w - profile.ambient_w)


@dataclass(frozen=True)
class BatteryRun(FrozenRun):
    """One shift of `hours` under one rule; orders come at `orders_per_hour`, more than can be done.

    All rules meet the same people and orders with the same seed.
    """

    rule: str
    seed: int
    hours: float
    workers: int
    capacity_wh: float
    orders_per_hour: float
    chooser: str
    kind: str = "battery"

    def world(self) -> World:
        """The world at its start."""
        layout = substitute() if self.map == BUILT_IN else from_map(load_floor(self.map))
        profile = replace(robot_profile("delivery"), name="stress", capacity_wh=self.capacity_wh)
        return World(
            one_corner_charger(layout), seed=self.seed, workers=self.workers, profile=profile,
            orders=OrderModel(per_hour=self.orders_per_hour),
        )  # fmt: skip

    def measure(self) -> dict[str, Any]:
        """What the shift brought; see `credited_hours` for `credited_an_hour`."""
        world, rule = self.world(), charge_rule(self.rule)
        start_wh = world.robot.battery.charge_wh
        episode = run_episode(
            world, make_chooser(self.chooser, charge_rule=rule),
            PlannerSettings(charge_rule=rule), seconds=3600.0 * self.hours,
        )  # fmt: skip
        battery, summary = world.robot.battery, episode.summary
        packs = summary["strandings"] - world.robot.stranded
        brought_wh = packs * world.rules.handling.rescue_soc * self.capacity_wh
        hours = credited_hours(self.hours, start_wh, battery.charge_wh, world.profile, brought_wh)
        rows = [row for row in episode.rows if row["event"] == "charge"]
        return {
            **{key: summary[key] for key in KEPT},
            "deliveries_an_hour": summary["deliveries"] / self.hours,
            "credited_an_hour": summary["deliveries"] / hours,
            "credited_hours": hours,
            "start_wh": start_wh,
            "end_wh": battery.charge_wh,
            "brought_wh": brought_wh,
            "drained_wh": battery.drained_mj / MJ_PER_WH,
            "charged_from_wh_p50": percentile([row["charge_wh"] for row in rows], 50),
            "least_wh": float(episode.trace.charge_wh.min()),
            "margin": world.robot.margin,
            "host_sim_rate": summary["sim_seconds_per_wall_second"],
        }


class BatterySpec(Page):
    """Rules x seeds in the stress world."""

    map: str = BUILT_IN
    rules: Annotated[tuple[str, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    hours: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 8.0
    workers: Count = 12
    capacity_wh: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 200.0
    orders_per_hour: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 6.0
    chooser: str = "utility"

    def runs(self) -> tuple[BatteryRun, ...]:
        """Every run once, all rules of a seed together.

        Raises:
            ValueError: an unknown rule or chooser; OSError: no such map.
        """
        for rule in self.rules:
            make_chooser(self.chooser, charge_rule=charge_rule(rule))
        map_hash = "" if self.map == BUILT_IN else content_hash(self.map)
        return tuple(
            BatteryRun(
                self.map, map_hash, rule, seed, self.hours, self.workers, self.capacity_wh,
                self.orders_per_hour, self.chooser,
            )
            for seed in self.seeds
            for rule in self.rules
        )  # fmt: skip

    def placed(self, file: Path, data: Path | None) -> BatterySpec:
        """The map lies in the folder of benchmark data."""
        if self.map == BUILT_IN:
            return self
        return self.model_copy(update={"map": found_in(data, [self.map], file.name)[0]})
