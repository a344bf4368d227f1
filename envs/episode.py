"""The closed loop: a chooser picks goals, a planner finds ways, the driver follows them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from planners.errors import expect
from planners.tasks import Chooser

from .checks import expect_number
from .driver import Driver, PlannerSettings
from .metrics import EpisodeTrace, summary_of, trace_of
from .world import World

__all__ = ["Episode", "PlannerSettings", "run_episode"]


@dataclass(frozen=True)
class Episode:
    """What happened: figures, rows for `episode.jsonl` in order, and arrays for pictures."""

    summary: dict[str, Any]
    rows: list[dict[str, Any]]
    trace: EpisodeTrace
    settings: PlannerSettings = field(default_factory=PlannerSettings)


def run_episode(
    world: World,
    chooser: Chooser,
    planner: PlannerSettings | None = None,
    *,
    seconds: float = 3600.0,
    on_tick: Callable[[World], None] | None = None,
    trace_every: int = 10,
) -> Episode:
    """Run the closed loop for `seconds` of world time from where the world stands.

    `on_tick(world)` is called after every tick; a row on the robot is kept every `trace_every`
    ticks. Raises ValueError for seconds below 0, CheckError if a plan fails its check.
    """
    expect(world, World, "world")
    expect(planner, (PlannerSettings, type(None)), "planner")
    expect_number("seconds", seconds)
    expect_number("trace_every", trace_every, least=1, whole=True)
    settings = planner or PlannerSettings()
    driver = Driver(world, chooser, settings)
    rows: list[dict[str, Any]] = []
    began = time.perf_counter()
    ticks = round(seconds / world.tick_s)
    tick = 0
    while tick < ticks:
        row = -(-tick // trace_every) * trace_every  # the next tick with a row on the robot
        most = 1 if on_tick is not None else min(row + 1, ticks) - tick
        tick += world.advance(driver.action(), most)
        if tick == row + 1:
            battery = world.robot.battery
            world.note("robot", node=world.robot.node, charge_wh=battery.charge_wh)
        rows += world.take_events()
        if on_tick is not None:
            on_tick(world)
    wall_s = time.perf_counter() - began
    summary = summary_of(world, ticks * world.tick_s / wall_s if ticks else None)
    world.note("end", overdue=world.book.overdue(world.time_s))
    rows += world.take_events()
    return Episode(summary, rows, trace_of(world, rows), settings)
