"""The world's smaller numbers, by topic: all of them assumptions (a), all of them parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

from .belief import BeliefModel, SensorModel
from .chargers import ChargeCycle
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


@dataclass(frozen=True)
class Assumptions:
    """How walkers walk, the sensor sees, belief fades, work is handled, traffic robots charge."""

    walk: WalkRules = field(default_factory=WalkRules)
    sensor: SensorModel = field(default_factory=SensorModel)
    belief: BeliefModel = field(default_factory=BeliefModel)
    handling: Handling = field(default_factory=Handling)
    charge_cycle: ChargeCycle = field(default_factory=ChargeCycle)
