"""What is counted: meetings, contacts, deliveries, plans; and the hash of the true trace.

Meetings and contacts are measured from where bodies are, tick by tick, by code that knows nothing
of who gave way to whom: if the rules of the road fail, these numbers show it.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .battery import MJ_PER_WH
from .kernels.state import CLOSE_ENCOUNTERS, CONTACTS, NEAR_TICKS

if TYPE_CHECKING:
    from .world import World

NEAR_M = 1.5  # a close encounter: the robot moves this close to a person
CONTACT_M = 0.5  # two bodies this close have touched (a)

SUMMARY_KEYS = (
    "deliveries", "late", "delivery_time_p50_s", "delivery_time_p95_s", "close_encounters",
    "near_seconds", "contacts", "wh_per_delivery", "charges", "charger_wait_s", "strandings",
    "give_ups", "aborts", "refusals", "replans", "spared", "route_changes", "churn", "delay_s",
    "plan_ms_p50", "plan_ms_p99", "proven_bound", "paid_over_planned",
    "decided_by", "sim_seconds_per_wall_second", "trace_hash", "seed",
)  # fmt: skip


class Meetings:
    """Close encounters, seconds near people, and contacts, as `envs.kernels.walk.meet` counts them.

    Positions alone decide. An encounter: the moving robot is within `NEAR_M` of a person at the end
    of a tick. A contact: the robot and another body come within `CONTACT_M`, between ticks too:
    bodies are taken to move in a straight line within a tick.
    """

    def __init__(self, clock: npt.NDArray[np.int64], tick_s: float) -> None:
        self._clock, self._tick_s = clock, tick_s

    @property
    def close_encounters(self) -> int:
        """How many, each person once until it has been left."""
        return int(self._clock[CLOSE_ENCOUNTERS])

    @property
    def near_s(self) -> float:
        """Seconds of moving near people."""
        return int(self._clock[NEAR_TICKS]) * self._tick_s

    @property
    def contacts(self) -> int:
        """How many; must be 0."""
        return int(self._clock[CONTACTS])


class TraceHash:
    """A sha256 over the true state, tick by tick: whole numbers only, so it repeats anywhere."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, numbers: npt.NDArray[np.int64]) -> None:
        """Take in some more int64 numbers."""
        self._hash.update(numbers.tobytes())

    def hexdigest(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()


@dataclass
class Tally:
    """Counts of one episode; times in seconds, energies in Wh."""

    delivery_times_s: list[float] = field(default_factory=list)
    late: int = 0
    charges: int = 0
    strandings: int = 0
    give_ups: int = 0  # aborts among them
    aborts: int = 0  # orders given up to reach a charger in time
    charger_wait_s: float = 0.0  # for the plug, from joining its queue
    refused: set[tuple[str, str]] = field(default_factory=set)  # (order, code), each counted once
    vetoes: int = 0
    pushes: int = 0
    replans: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)  # replans that needed no search
    decided_by: Counter[str] = field(default_factory=Counter)
    route_changes: int = 0
    changed_m: float = 0.0  # of routes, left out by those that replaced them
    driven_m: float = 0.0
    delay_s: float = 0.0  # on a leg, neither driving nor turning
    plan_ms: list[float] = field(default_factory=list)
    proven_bound: float | None = None
    paid_s: float = 0.0
    planned_s: float = 0.0
    visits: dict[int, int] = field(default_factory=dict)

    def delivered(self, release_s: float, due_s: float, arrival_s: float) -> None:
        """Count a delivery that reached its drop at `arrival_s`."""
        self.delivery_times_s.append(arrival_s - release_s)
        self.late += arrival_s > due_s

    @property
    def churn(self) -> float:
        """Metres of routes that were changed per kilometre driven."""
        return 1000.0 * self.changed_m / self.driven_m if self.driven_m > 0 else 0.0

    def certified(self, certificate: float) -> None:
        """Remember the largest certificate of an executed plan."""
        self.proven_bound = max(certificate, self.proven_bound or 1.0)

    def summary(self, meetings: Meetings, drained_wh: float) -> dict[str, Any]:
        """The figures of a shift; a rate without events is None, infinity is None too."""
        times, bound = self.delivery_times_s, self.proven_bound
        return {
            "deliveries": len(times),
            "late": self.late,
            "delivery_time_p50_s": percentile(times, 50),
            "delivery_time_p95_s": percentile(times, 95),
            "close_encounters": meetings.close_encounters,
            "near_seconds": meetings.near_s,
            "contacts": meetings.contacts,
            "wh_per_delivery": drained_wh / len(times) if times else None,
            "charges": self.charges,
            "strandings": self.strandings,
            "give_ups": self.give_ups,
            "aborts": self.aborts,
            "charger_wait_s": self.charger_wait_s,
            "refusals": dict(sorted(Counter(code for _, code in self.refused).items())),
            "replans": dict(sorted(self.replans.items())),
            "spared": dict(sorted(self.spared.items())),
            "route_changes": self.route_changes,
            "churn": self.churn if self.driven_m > 0 else None,
            "delay_s": self.delay_s,
            "plan_ms_p50": percentile(self.plan_ms, 50),
            "plan_ms_p99": percentile(self.plan_ms, 99),
            "proven_bound": bound if bound is not None and math.isfinite(bound) else None,
            "paid_over_planned": self.paid_s / self.planned_s if self.planned_s > 0 else None,
            "decided_by": dict(sorted(self.decided_by.items())),
        }


@dataclass(frozen=True)
class EpisodeTrace:
    """Arrays for pictures: visits per node, charge over time, final layers and blocked nodes."""

    visits: npt.NDArray[np.int64]
    time_s: npt.NDArray[np.float64]
    node: npt.NDArray[np.int64]
    charge_wh: npt.NDArray[np.float64]
    reserve_wh: float
    capacity_wh: float
    risk: npt.NDArray[np.float64]
    congestion: npt.NDArray[np.float64]


def summary_of(world: World, rate: float | None) -> dict[str, Any]:
    """The figures so far, keyed by `SUMMARY_KEYS`; `rate` is simulated per wall seconds."""
    values = world.tally.summary(world.meetings, world.robot.battery.drained_mj / MJ_PER_WH)
    values["sim_seconds_per_wall_second"] = rate
    values["trace_hash"], values["seed"] = world.trace_hash, world.seed
    return {key: values[key] for key in SUMMARY_KEYS}


def trace_of(world: World, rows: Sequence[Mapping[str, Any]]) -> EpisodeTrace:
    """The arrays of an episode, from its rows and the world at its end."""
    robot = [row for row in rows if row["event"] == "robot"]
    visits = np.zeros(world.floor.size, dtype=np.int64)
    visits[list(world.tally.visits)] = list(world.tally.visits.values())
    costs = world.belief.costs()
    return EpisodeTrace(
        visits=visits,
        time_s=np.array([row["time_s"] for row in robot]),
        node=np.array([row["node"] for row in robot], dtype=np.int64),
        charge_wh=np.array([row["charge_wh"] for row in robot]),
        reserve_wh=world.reserve_wh,
        capacity_wh=world.profile.capacity_wh,
        risk=np.array(costs.layer("risk")),
        congestion=np.array(costs.layer("congestion")),
    )


def percentile(values: Sequence[float], share: float) -> float | None:
    """The percentile of some values, or None if there are none."""
    return float(np.percentile(values, share)) if values else None


def finite(value: float) -> float | None:
    """JSON has no infinity: None instead."""
    return value if math.isfinite(value) else None
