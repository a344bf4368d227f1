"""The soak: seeded hours, each watched tick by tick for contacts and for agents that get nowhere.

`aislewise experiment soak --full --out runs/soak` makes the rows (one an hour) that are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from envs.layouts import READY

from .factor_study import Part
from .measure import RENAMED
from .pages import Count, FrozenRun, Page, content_hash, found_in
from .shift import Shift, on_floor, prepare_shift, run_shift
from .soak_watch import STUCK_S, Watch
from .spec import BUILT_IN


@dataclass(frozen=True)
class SoakRun(FrozenRun):
    """One hour, or however many minutes, of the whole loop under a watch."""

    seed: int
    workers: int
    traffic: int
    minutes: float = 60.0
    stuck_s: float = STUCK_S
    kind: str = "soak"

    def measure(self) -> dict[str, Any]:
        """What the watch saw, and what the robot did meanwhile."""
        shift = Shift(
            minutes=self.minutes, seed=self.seed, workers=self.workers, traffic=self.traffic,
            **on_floor(self.map),
        )  # fmt: skip
        prepared = prepare_shift(shift)
        watch = Watch(prepared.world, self.stuck_s)
        episode = run_shift(prepared, on_tick=watch).episode
        kept = ("deliveries", "strandings", "give_ups", "charges", "trace_hash",
                "sim_seconds_per_wall_second")  # fmt: skip
        robot = {RENAMED.get(key, key): episode.summary[key] for key in kept}
        robot["robot_give_ups"] = robot.pop("give_ups")
        return {**watch.columns(), **robot, "contacts_of_robot": episode.summary["contacts"]}


class SoakFloor(Part):
    """So many seeded hours on a map with so many on it; `instead` where the map is not at hand."""

    map: str = BUILT_IN
    instead: str | None = None
    workers: Count = 12
    traffic: Count = 0
    hours: Annotated[int, Field(ge=1)] = 1


class SoakSpec(Page):
    """Hours with seeds `first_seed`, `first_seed` + 1, ... on each floor."""

    floors: Annotated[tuple[SoakFloor, ...], Field(min_length=1)]
    first_seed: Count = 0
    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60.0

    def runs(self) -> tuple[SoakRun, ...]:
        """Every hour once; OSError: no such map."""
        return tuple(
            SoakRun(floor.map, map_hash, seed, floor.workers, floor.traffic, self.minutes)
            for floor in self.floors
            for map_hash in ["" if floor.map in READY else content_hash(floor.map)]
            for seed in range(self.first_seed, self.first_seed + floor.hours)
        )

    def placed(self, file: Path, data: Path | None) -> SoakSpec:
        """Maps lie in the folder of benchmark data; without one, `instead` takes their place."""
        return self.model_copy(update={"floors": tuple(
            floor.model_copy(update={"map": _found(floor, file, data)}) for floor in self.floors
        )})  # fmt: skip


def _found(floor: SoakFloor, file: Path, data: Path | None) -> str:
    if floor.map in READY:
        return floor.map
    if data is None and floor.instead is not None:
        return floor.instead
    return found_in(data, [floor.map], file.name)[0]
