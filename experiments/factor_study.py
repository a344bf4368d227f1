"""The table of every factor: floors x traffic x searches x factors x seeds, one row each.

The first search of the page runs every factor; the others ask how much of its effects is left, and
run `factors_of_others` only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from envs.layouts import READY
from planners.tasks import make_chooser

from .factors import FACTORS, FactorRun
from .pages import Count, Page, found_in
from .shift import Shift, on_floor
from .spec import BUILT_IN

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Part(BaseModel):
    """A table within the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FloorAsked(Part):
    """A map with its people and numbers of traffic robots.

    `others`: the other searches too; `seeds`: other than the page's; `chooser` and
    `orders_per_hour`: other than a shift's own.
    """

    map: str = BUILT_IN
    workers: Count = 12
    traffic: Annotated[tuple[Count, ...], Field(min_length=1)] = (0,)
    held_out: bool = False
    others: bool = True
    seeds: Annotated[int, Field(ge=1)] | None = None
    chooser: str | None = None
    orders_per_hour: Weight | None = None


class Search(Part):
    """A strategy with its w; `aware` of the layers, or with distance alone ahead of it."""

    strategy: str
    weight: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    aware: bool = True


class FactorSpec(Page):
    """Paired shifts of `minutes` on seeds `first_seed`, `first_seed` + 1, ..."""

    floors: Annotated[tuple[FloorAsked, ...], Field(min_length=1)]
    searches: Annotated[tuple[Search, ...], Field(min_length=1)]
    factors_of_others: tuple[str, ...] = ("none", "risk", "congestion", "both")
    first_seed: Count = 1000
    seeds: Annotated[int, Field(ge=1)] = 40
    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60.0
    lam_risk: Weight = 8.0
    lam_congestion: Weight = 1.0

    def runs(self) -> tuple[FactorRun, ...]:
        """Every run once, those of a floor and seed together.

        Raises:
            ValueError: an unknown strategy, factor or chooser, a weight that does not fit; OSError:
                no map.
        """
        for floor in self.floors:
            if floor.chooser is not None:
                make_chooser(floor.chooser)
        for factor in self.factors_of_others:
            if factor not in FACTORS:
                raise ValueError(f"unknown factor {factor!r}: one of {', '.join(FACTORS)}")
        return tuple(
            FactorRun.of(factor, self._shift(floor, traffic, search, seed), floor.held_out)
            for floor in self.floors
            for traffic in floor.traffic
            for seed in range(self.first_seed, self.first_seed + (floor.seeds or self.seeds))
            for k, search in enumerate(self.searches[: None if floor.others else 1])
            for factor in (self.factors_of_others if k else FACTORS)
        )

    def _shift(self, floor: FloorAsked, traffic: int, search: Search, seed: int) -> Shift:
        return Shift(
            **on_floor(floor.map), minutes=self.minutes, seed=seed, workers=floor.workers,
            traffic=traffic, chooser=floor.chooser, orders_per_hour=floor.orders_per_hour,
            strategy=search.strategy, weight=search.weight, aware=search.aware,
            lam_risk=self.lam_risk, lam_congestion=self.lam_congestion,
        )  # fmt: skip

    def placed(self, file: Path, data: Path | None) -> FactorSpec:
        """The maps lie in the folder of benchmark data; a ready floor needs none."""
        floors = tuple(
            floor if floor.map in READY
            else floor.model_copy(update={"map": found_in(data, [floor.map], file.name)[0]})
            for floor in self.floors
        )  # fmt: skip
        return self.model_copy(update={"floors": floors})
