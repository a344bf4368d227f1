"""The robot's body and battery: what motion, waiting and turning cost, how a charger gives back.

Energies are stored as whole millijoules (what is left below one is carried), so that sums are exact
and the same on every machine; `envs.power` holds the arithmetic. The closed form
(`RobotProfile.trip_wh`) is that of Open-RMF: friction times weight times way, plus a constant draw
times time, without acceleration. The world pays more than that: starts, stops and turns. What
tasks took over what was predicted is the margin that the robot learns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

from .checks import expect_number, expect_numbers
from .power import NJ_PER_MJ, EnergyRates, charge_nj, settle

GRAVITY_M_S2 = 9.81
MJ_PER_WH = 3_600_000  # millijoules in a watt-hour


@dataclass(frozen=True)
class RobotProfile:
    """A robot's constants, in SI units and watt-hours.

    `turn_rad_s` is the speed of turning on the spot; a `reversible` robot may drive backwards, so
    that turning round costs nothing. `regen` is the share of braking energy won back and
    `efficiency` the share of battery energy that reaches the wheels (both assumptions).
    """

    name: str
    capacity_wh: float
    mass_kg: float
    inertia_kg_m2: float
    friction: float
    ambient_w: float
    speed_m_s: float
    turn_rad_s: float
    charge_w: float
    reversible: bool = True
    efficiency: float = 1.0
    regen: float = 0.0

    def __post_init__(self) -> None:
        expect_numbers(
            self, "capacity_wh", "mass_kg", "speed_m_s", "turn_rad_s", "charge_w", above=0
        )
        expect_numbers(self, "inertia_kg_m2", "friction", "ambient_w")
        expect_numbers(self, "efficiency", above=0, most=1)
        expect_numbers(self, "regen", most=1)

    @property
    def drive_j_per_m_kg(self) -> float:
        """Energy per metre for each kilogram moved: friction times gravity."""
        return self.friction * GRAVITY_M_S2 / self.efficiency

    @property
    def drive_j_per_m(self) -> float:
        """Energy per metre of the empty robot."""
        return self.drive_j_per_m_kg * self.mass_kg

    def trip_wh(self, length_m: float, time_s: float, kg: float = 0.0) -> float:
        """Closed-form energy of a trip; no acceleration, no turns.

        >>> round(PROFILES["delivery"].trip_wh(1000.0, 1000.0 / 0.7), 2)
        49.9
        """
        drive_j = (self.drive_j_per_m + self.drive_j_per_m_kg * kg) * length_m
        return (drive_j + self.ambient_w * time_s) / 3600.0

    def turn_ms(self, angle_rad: float) -> int:
        """Milliseconds to turn by `angle_rad`, an angle in [0, pi]."""
        return round(1000.0 * angle_rad / self.turn_rad_s)

    def charge_time_s(
        self, soc_from: float, soc_to: float, *, taper: bool = True, charge_w: float | None = None
    ) -> float:
        """Seconds from one state of charge to another, at the profile's power unless told.

        The closed form of what `envs.power.charge_nj` does tick by tick; with `taper=False` the
        power is constant, as Open-RMF has it. Raises ValueError where the end is never reached.
        """
        if taper and soc_to >= 1.0:
            raise ValueError(f"a tapering charger never reaches soc {soc_to!r}: ask for less")
        if soc_to <= soc_from:
            return 0.0
        seconds_per_soc = 3600.0 * self.capacity_wh / (charge_w or self.charge_w)
        if not taper:
            return (soc_to - soc_from) * seconds_per_soc
        flat = max(0.0, min(soc_to, 0.8) - soc_from)
        low, high = max(soc_from, 0.8), max(soc_to, 0.8)
        return seconds_per_soc * (flat + 0.2 * log((1.0 - low) / (1.0 - high)))


_DELIVERY = RobotProfile(
    name="delivery",
    capacity_wh=960.0,
    mass_kg=70.0,
    inertia_kg_m2=40.0,
    friction=0.22,
    ambient_w=20.0,
    speed_m_s=0.7,
    turn_rad_s=0.6,
    charge_w=211.2,
)

PROFILES: dict[str, RobotProfile] = {
    "delivery": _DELIVERY,
    "tiny": RobotProfile(
        name="tiny",
        capacity_wh=288.0,
        mass_kg=20.0,
        inertia_kg_m2=10.0,
        friction=0.22,
        ambient_w=20.0,
        speed_m_s=0.5,
        turn_rad_s=0.6,
        charge_w=60.0,
    ),
    # A robot for pavements: a walker's speed, some 10 km a charge. Makers of such robots publish up
    # to 6.4 km/h and loads of about 10 kg; all other figures are assumptions.
    "street": RobotProfile(
        name="street",
        capacity_wh=160.0,
        mass_kg=35.0,
        inertia_kg_m2=3.0,
        friction=0.1,
        ambient_w=25.0,
        speed_m_s=1.5,
        turn_rad_s=1.0,
        charge_w=150.0,
    ),
    # The delivery robot on a charger that fills it in an hour (an assumption, not a product).
    "fast": replace(_DELIVERY, name="fast", charge_w=960.0),
}
"""Constants of Open-RMF's demo fleets (voltage times ampere-hours; Apache-2.0, figures only)."""


def robot_profile(profile: str | RobotProfile) -> RobotProfile:
    """The profile of that name, or the profile itself; ValueError names the known ones."""
    if isinstance(profile, RobotProfile):
        return profile
    if profile not in list(PROFILES):
        known = ", ".join(sorted(PROFILES))
        raise ValueError(
            f"unknown robot profile {profile!r}: choose one of {known}, or give a RobotProfile"
        )
    return PROFILES[profile]


def energy_rates(profile: RobotProfile, tick_s: float) -> EnergyRates:
    """The profile in whole nanojoules, for ticks of `tick_s` seconds.

    >>> energy_rates(PROFILES["delivery"], 0.5).ambient_nj  # 20 W for half a second: 10 J
    10000000000
    """

    def nj(joules: float) -> int:
        return round(1e9 * joules)

    start_j_kg = 0.5 * profile.speed_m_s**2 * (1.0 - profile.regen)
    return EnergyRates(
        drive_nj_mm=nj(profile.drive_j_per_m / 1000.0),
        drive_nj_mm_kg=nj(profile.drive_j_per_m_kg / 1000.0),
        start_nj=nj(start_j_kg * profile.mass_kg),
        start_nj_kg=nj(start_j_kg),
        turn_nj=nj(0.5 * profile.inertia_kg_m2 * profile.turn_rad_s**2),
        ambient_nj=nj(profile.ambient_w * tick_s),
    )


class Battery:
    """A charge in whole millijoules that balances: start + charged - drained == charge.

    It never leaves [0, capacity]: what cannot be drained is not counted as drained. Less than a
    millijoule each way is carried, in nanojoules: `owed_nj` to be drained, `due_nj` to be charged.
    """

    def __init__(self, profile: RobotProfile, soc: float = 0.9, *, taper: bool = True) -> None:
        expect_number("state of charge", soc, most=1)
        self.profile = profile
        self.taper = taper
        self.capacity_mj = round(profile.capacity_wh * MJ_PER_WH)
        self.start_mj = round(soc * self.capacity_mj)
        self.charge_mj = self.start_mj
        self.drained_mj = 0
        self.charged_mj = 0
        self.owed_nj = 0
        self.due_nj = 0

    @property
    def soc(self) -> float:
        """State of charge in [0, 1]."""
        return self.charge_mj / self.capacity_mj

    @property
    def charge_wh(self) -> float:
        return self.charge_mj / MJ_PER_WH

    @property
    def empty(self) -> bool:
        return self.charge_mj == 0

    @property
    def balanced(self) -> bool:
        """Whether the books are right to the millijoule; the world asserts it every tick."""
        return self.charge_mj == self.start_mj + self.charged_mj - self.drained_mj

    def drain(self, energy_mj: int) -> int:
        """Take up to `energy_mj` and return what was taken."""
        return self.drain_nj(energy_mj * NJ_PER_MJ)

    def drain_nj(self, energy_nj: int) -> int:
        """Take up to so many nanojoules and return the millijoules taken; the rest is carried."""
        whole_mj, self.owed_nj = settle(self.owed_nj, energy_nj)
        taken = min(whole_mj, self.charge_mj)
        self.charge_mj -= taken
        self.drained_mj += taken
        return taken

    def charge(self, time_ms: float, power_w: float | None = None) -> int:
        """Charge for `time_ms` at the power of this moment and return the millijoules added.

        `power_w` is the charger's full power, the profile's if None; it tapers as the profile says.
        """
        full_w = self.profile.charge_w if power_w is None else power_w
        full_nj = round(full_w * time_ms * NJ_PER_MJ)
        energy_nj = charge_nj(self.charge_mj, self.capacity_mj, full_nj, self.taper)
        whole_mj, self.due_nj = settle(self.due_nj, energy_nj)
        return self.add(whole_mj)

    def add(self, energy_mj: int) -> int:
        """Add up to `energy_mj` and return what fitted in."""
        added = min(energy_mj, self.capacity_mj - self.charge_mj)
        self.charge_mj += added
        self.charged_mj += added
        return added


MARGIN_TASKS = 20  # (a) tasks that the margin looks back on
MARGIN_MOST = 3.0  # (a)
SPARED_SHARE = 0.0025  # (a) of the capacity: a task may take so much more without any margin


def task_margin(predicted_wh: float, actual_wh: float, spared_wh: float) -> float:
    """The margin that a task would have needed, in [1, `MARGIN_MOST`].

    ``margin * predicted + spared >= actual``: what a wait adds to a short way is small beside the
    reserve but many times the prediction, so `spared_wh` of it is left to the reserve.

    >>> task_margin(10.0, 13.0, 2.0), task_margin(0.5, 2.0, 2.0)
    (1.1, 1.0)
    """
    if predicted_wh <= 0:
        return 1.0
    return min(MARGIN_MOST, max(1.0, (actual_wh - spared_wh) / predicted_wh))
