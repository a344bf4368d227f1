"""Energy in whole numbers, as a kernel runs it: what a move costs, what a tick drains or charges.

Plain functions on integers, in the subset that numba compiles; `Battery` runs the same ones, so
both agree bit for bit. Costs are nanojoules, the charge is millijoules: a drain moves the whole
millijoules and carries the rest, so that a short tick or an odd product never drains nothing.
"""

from __future__ import annotations

from typing import NamedTuple

NJ_PER_MJ = 1_000_000  # nanojoules in a millijoule


class EnergyRates(NamedTuple):
    """A robot's costs in whole nanojoules; `_kg` is the extra for each kilogram on board.

    ``ambient_nj`` is what one tick draws. Made by `envs.battery.energy_rates`.
    """

    drive_nj_mm: int
    drive_nj_mm_kg: int
    start_nj: int
    start_nj_kg: int
    turn_nj: int
    ambient_nj: int


def drive_nj(rates: EnergyRates, grams: int, length_mm: int) -> int:
    """Driving `length_mm` at constant speed with `grams` on board."""
    return (rates.drive_nj_mm + rates.drive_nj_mm_kg * grams // 1000) * length_mm


def start_nj(rates: EnergyRates, grams: int) -> int:
    """One start and the stop that will follow it."""
    return rates.start_nj + rates.start_nj_kg * grams // 1000


def departure_nj(rates: EnergyRates, grams: int, length_mm: int, starts: bool, turns: bool) -> int:
    """Leaving a node along an edge, by choice or pushed aside: it is paid alike."""
    energy_nj = drive_nj(rates, grams, length_mm)
    if starts:
        energy_nj += start_nj(rates, grams)
    if turns:
        energy_nj += rates.turn_nj
    return energy_nj


def settle(owed_nj: int, energy_nj: int) -> tuple[int, int]:
    """(whole millijoules due now, nanojoules still owed, in [0, 1_000_000))."""
    total_nj = owed_nj + energy_nj
    whole_mj = total_nj // NJ_PER_MJ
    return whole_mj, total_nj - whole_mj * NJ_PER_MJ


def charge_nj(charge_mj: int, capacity_mj: int, full_nj: int, taper: bool) -> int:
    """What one tick charges of the `full_nj` that full power would: all of it below a state of
    charge of 0.8, then in proportion to what is missing.

    The order of the operations is part of the result: the missing share in float64 (integers
    below 2^53 over each other), times five, times `full_nj`, cut to an integer.
    """
    left = 5.0 * ((capacity_mj - charge_mj) / capacity_mj)
    if not taper or left >= 1.0:
        return full_nj
    return int(full_nj * left)


HELPERS = (drive_nj, start_nj, departure_nj, settle, charge_nj)
