"""The world's smaller numbers, by topic: all of them assumptions (a), all of them parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

from planners.errors import expect

from .belief import BeliefModel, SensorModel
from .chargers import ChargeCycle
from .checks import expect_numbers
from .people import WalkRules


@dataclass(frozen=True)
class Handling:
    """What work at a place takes, and what a flat battery costs."""

    pick_s: float = 8.0
    drop_s: float = 6.0
    stranded_s: float = 900.0
    rescue_soc: float = 0.2  # charge of the pack that is brought to a stranded robot
    telemetry_s: float = 5.0
    reserve_share: float = 0.1
    start_margin: float = 1.2

    def __post_init__(self) -> None:
        expect_numbers(self, "pick_s", "drop_s", "stranded_s")
        expect_numbers(self, "telemetry_s", "start_margin", "rescue_soc", above=0)
        expect_numbers(self, "reserve_share")
        if self.reserve_share >= 1 or self.rescue_soc > 1:
            raise ValueError(
                f"reserve_share must be below 1 and rescue_soc at most 1, "
                f"got {self.reserve_share!r}, {self.rescue_soc!r}"
            )


@dataclass(frozen=True)
class Assumptions:
    """How walkers walk, the sensor sees, belief fades, work is handled, traffic robots charge."""

    walk: WalkRules = field(default_factory=WalkRules)
    sensor: SensorModel = field(default_factory=SensorModel)
    belief: BeliefModel = field(default_factory=BeliefModel)
    handling: Handling = field(default_factory=Handling)
    charge_cycle: ChargeCycle = field(default_factory=ChargeCycle)

    def __post_init__(self) -> None:
        expect(self.walk, WalkRules, "walk")
        expect(self.sensor, SensorModel, "sensor")
        expect(self.belief, BeliefModel, "belief")
        expect(self.handling, Handling, "handling")
        expect(self.charge_cycle, ChargeCycle, "charge_cycle")
