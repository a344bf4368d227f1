"""The numbers of sensing and believing, all of them assumptions (a) and parameters."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import expect_numbers


@dataclass(frozen=True)
class SensorModel:
    """Reach, chance to notice what is there, chance per tick to see something that is not there.

    Raises:
        ValueError: a radius below 0, or a chance outside [0, 1].
    """

    radius_m: float = 8.0
    detection: float = 0.98
    false_alarm: float = 1e-3

    def __post_init__(self) -> None:
        if not 0.0 <= self.radius_m < float("inf"):
            raise ValueError(f"radius_m must be finite and >= 0, got {self.radius_m!r}")
        for name in ("detection", "false_alarm"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)!r}")


@dataclass(frozen=True)
class BeliefModel:
    """How sightings become layers; ValueError where a number makes no sense."""

    refresh_s: float = 5.0
    near_m: float = 1.5
    risk_tau_s: float = 600.0
    density_tau_s: float = 120.0
    blocked_tau_s: float = 600.0
    prior_s: float = 300.0  # seconds of looking that the prior is worth
    at_face: float = 0.45  # share of a worker's time spent standing at pick faces,
    at_station: float = 0.1  # and at stations; the rest it walks
    track_weight: float = 0.25  # of a prediction for somebody who walks
    stay_s: float = 15.0  # mean time that somebody who stands goes on standing
    track_s: float = 5.0
    detour_s: float = 20.0  # cost of a node that may be blocked, times that probability
    standing_s: float = 10.0  # mean of what is left of the stop of somebody seen standing
    blocked_odds: float = 1e-3  # odds that a node is blocked before it was looked at
    sure_odds: float = 1e3  # nothing is believed more firmly than at these odds
    same_way: float = 0.3  # weight of a robot that goes my way; any other one weighs 1
    turn_refreshes: int = 12  # refreshes in which every fading node is brought up to date once

    def __post_init__(self) -> None:
        expect_numbers(
            self, "refresh_s", "near_m", "risk_tau_s", "density_tau_s", "blocked_tau_s",
            "prior_s", "stay_s", "track_s", "blocked_odds", "sure_odds", above=0,
        )  # fmt: skip
        expect_numbers(self, "at_face", "at_station", "track_weight", "detour_s", "standing_s")
        expect_numbers(self, "same_way")
        expect_numbers(self, "turn_refreshes", least=1)
