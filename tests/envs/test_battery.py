"""The battery against Open-RMF's published figures, and its books to the millijoule."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.battery import (
    MARGIN_TASKS,
    MJ_PER_WH,
    PROFILES,
    SPARED_SHARE,
    Battery,
    RobotProfile,
    energy_rates,
    robot_profile,
)
from envs.episode import run_episode
from envs.layouts import fulfilment
from envs.power import NJ_PER_MJ, charge_nj, departure_nj, settle
from envs.robot import Robot
from envs.world import YIELD, World
from planners.tasks import make_chooser


def rmf_robot(**values: float) -> RobotProfile:
    return replace(PROFILES["delivery"], name="rmf", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("robot", "length_m", "soc"),
    [
        # Open-RMF's own unit tests: state of charge after one trip from a full battery.
        (
            rmf_robot(
                mass_kg=20.0, friction=0.3, ambient_w=10.0, speed_m_s=0.7, capacity_wh=12.0 * 24.0
            ),
            15_000.0,
            -0.0582,
        ),
        (
            rmf_robot(
                mass_kg=70.0, friction=0.22, ambient_w=20.0, speed_m_s=1.0, capacity_wh=24.0 * 40.0
            ),
            20_000.0,
            0.0100,
        ),
    ],
)
def test_closed_form_agrees_with_open_rmf(robot: RobotProfile, length_m: float, soc: float) -> None:
    used = robot.trip_wh(length_m, length_m / robot.speed_m_s) / robot.capacity_wh
    assert 1.0 - used == pytest.approx(soc, abs=5e-5)


def test_tick_by_tick_energy_equals_the_closed_form() -> None:
    robot, ticks, length_mm = PROFILES["delivery"], 2000, 350
    battery, rates = Battery(robot, 0.5), energy_rates(robot, 0.5)
    for _ in range(ticks):
        battery.drain_nj(departure_nj(rates, 5000, length_mm, False, False))
        battery.drain_nj(rates.ambient_nj)
    expected = robot.trip_wh(ticks * length_mm / 1000, ticks * 0.5, 5.0)
    assert battery.drained_mj / MJ_PER_WH == pytest.approx(expected, rel=1e-9)


def test_profiles_carry_the_published_constants() -> None:
    delivery = PROFILES["delivery"]
    assert delivery.drive_j_per_m == pytest.approx(151.07, abs=0.01)
    assert delivery.charge_w == pytest.approx(24.0 * 8.8)
    assert PROFILES["tiny"].capacity_wh == 288.0
    assert PROFILES["fast"].charge_w == PROFILES["fast"].capacity_wh
    with pytest.raises(ValueError, match=r"'huge'.*delivery"):
        robot_profile("huge")


@pytest.mark.parametrize("name", sorted(PROFILES))
@pytest.mark.parametrize(("start", "end"), [(0.1, 0.7), (0.5, 0.9), (0.85, 0.95)])
@pytest.mark.parametrize("taper", [True, False])
def test_charging_takes_as_long_as_predicted(
    name: str, start: float, end: float, taper: bool
) -> None:
    robot = PROFILES[name]
    battery, seconds = Battery(robot, start, taper=taper), 0.0
    while battery.soc < end:
        battery.charge(500)
        seconds += 0.5
    assert seconds == pytest.approx(robot.charge_time_s(start, end, taper=taper), rel=0.01)


def test_taper_halves_the_power_at_ninety_percent_and_never_fills() -> None:
    robot = PROFILES["delivery"]
    for soc, taper, share in ((0.79, True, 1.0), (0.9, True, 0.5), (0.9, False, 1.0)):
        added_j = Battery(robot, soc, taper=taper).charge(1000) / 1000
        assert added_j == pytest.approx(share * robot.charge_w, abs=0.001)
    assert Battery(robot, 1.0).charge(1000) == 0
    with pytest.raises(ValueError, match=r"soc 1\.0"):
        robot.charge_time_s(0.5, 1.0)


@given(
    st.floats(0.0, 1.0),
    st.lists(st.tuples(st.sampled_from(["drain", "charge"]), st.integers(0, 5_000_000))),
)
def test_the_books_balance_to_the_millijoule(soc: float, moves: list[tuple[str, int]]) -> None:
    battery = Battery(replace(PROFILES["tiny"], capacity_wh=2.0), soc)
    for kind, amount in moves:
        if kind == "drain":
            assert 0 <= battery.drain(amount) <= amount
        else:
            before_mj = battery.charge_mj
            added_mj = battery.charge(amount // 1000)
            assert added_mj >= 0
            assert battery.charge_mj == before_mj + added_mj
        assert 0 <= battery.charge_mj <= battery.capacity_mj
        balance = battery.start_mj + battery.charged_mj - battery.drained_mj
        assert battery.charge_mj == balance


@pytest.mark.parametrize(
    ("field", "value"), [("capacity_wh", 0.0), ("speed_m_s", -1.0), ("efficiency", 0.0)]
)
def test_impossible_constants_are_refused_by_value(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field}.*{value}"):
        rmf_robot(**{field: value})


def test_impossible_charge_is_refused_by_value() -> None:
    with pytest.raises(ValueError, match=r"1\.5"):
        Battery(PROFILES["tiny"], 1.5)


# Published fleets.


@pytest.mark.parametrize(
    ("file", "name"),
    [("office_tinyRobot_config", "tiny"), ("airport_terminal_deliveryRobot_config", "delivery")],
)
def test_profiles_are_those_of_the_demo_fleets(shared_data: Path, file: str, name: str) -> None:
    fleet = yaml.safe_load((shared_data / "rmf" / f"{file}.yaml").read_text())["rmf_fleet"]
    battery, body, robot = fleet["battery_system"], fleet["mechanical_system"], PROFILES[name]
    assert robot.capacity_wh == pytest.approx(battery["voltage"] * battery["capacity"])
    assert robot.charge_w == pytest.approx(battery["voltage"] * battery["charging_current"])
    assert robot.mass_kg == body["mass"]
    assert robot.inertia_kg_m2 == body["moment_of_inertia"]
    assert robot.friction == body["friction_coefficient"]
    assert robot.ambient_w == fleet["ambient_system"]["power"]
    assert robot.speed_m_s == fleet["limits"]["linear"][0]
    assert robot.turn_rad_s == fleet["limits"]["angular"][0]
    assert robot.reversible is fleet["reversible"]


# Whole numbers.


@pytest.mark.parametrize("tick_s", [0.5, 1 / 3, 0.0007, 1e-6])
def test_short_ticks_drain_as_much_as_long_ones(tick_s: float) -> None:
    robot, battery, ticks = PROFILES["tiny"], Battery(PROFILES["tiny"], 0.5), 40_000
    rates = energy_rates(robot, tick_s)
    for _ in range(ticks):
        battery.drain_nj(rates.ambient_nj)
    assert battery.drained_mj == ticks * rates.ambient_nj // NJ_PER_MJ
    joules = robot.ambient_w * tick_s * ticks
    assert battery.drained_mj / 1000 == pytest.approx(joules, rel=1e-6, abs=0.001)
    assert round(robot.ambient_w * 1000 * 1e-6) == 0  # what rounding to millijoules would drain


@given(
    name=st.sampled_from(sorted(PROFILES)), grams=st.integers(0, 500_000),
    length_mm=st.integers(1, 10_000_000), starts=st.booleans(), turns=st.booleans(),
)  # fmt: skip
def test_a_departure_costs_what_physics_says(
    name: str, grams: int, length_mm: int, starts: bool, turns: bool
) -> None:
    robot = replace(PROFILES[name], regen=0.3, efficiency=0.9)
    kg, metres = grams / 1000, length_mm / 1000
    joules = robot.friction * 9.81 * (robot.mass_kg + kg) * metres / 0.9
    joules += starts * 0.5 * (robot.mass_kg + kg) * robot.speed_m_s**2 * 0.7
    joules += turns * 0.5 * robot.inertia_kg_m2 * robot.turn_rad_s**2
    found_nj = departure_nj(energy_rates(robot, 0.5), grams, length_mm, starts, turns)
    # At most a nanojoule of rounding for each millimetre and constant.
    assert found_nj / 1e9 == pytest.approx(joules, rel=1e-12, abs=(2 * length_mm + 4) * 1e-9)
    assert abs(found_nj) < 2**63


@given(
    capacity_mj=st.integers(1, 2**40), share=st.floats(0.0, 1.0), full_nj=st.integers(0, 2**50),
    taper=st.booleans(),
)  # fmt: skip
@settings(max_examples=300)
def test_a_tick_of_charging_is_the_same_compiled(
    capacity_mj: int, share: float, full_nj: int, taper: bool
) -> None:
    charge_mj = min(capacity_mj, int(share * capacity_mj))
    found = charge_nj(charge_mj, capacity_mj, full_nj, taper)
    assert compiled_charge_nj()(charge_mj, capacity_mj, full_nj, taper) == found
    assert 0 <= found <= full_nj
    exact = Fraction(full_nj)
    if taper:
        exact *= min(Fraction(1), 5 * (1 - Fraction(charge_mj, capacity_mj)))
    assert float(abs(found - exact)) <= 1 + float(exact) * 1e-12


@cache
def compiled_charge_nj() -> Any:
    import numba

    return numba.njit(charge_nj)


def test_a_battery_charges_as_the_kernel_does() -> None:
    battery = Battery(PROFILES["fast"], 0.7)
    charge_mj, due_nj = battery.charge_mj, 0
    for _ in range(5000):
        battery.charge(500, 960.0)
        full_nj = 960 * 500 * NJ_PER_MJ
        whole, due_nj = settle(
            due_nj, charge_nj(charge_mj, battery.capacity_mj, full_nj, battery.taper)
        )
        charge_mj += whole
        assert (battery.charge_mj, battery.due_nj) == (charge_mj, due_nj)
    assert 0.8 < battery.soc < 1.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10**12)), max_size=60))
def test_nothing_below_a_millijoule_is_lost(moves: list[tuple[bool, int]]) -> None:
    battery, asked_nj = Battery(PROFILES["delivery"], 0.9), 0
    for _, energy_nj in moves:
        battery.drain_nj(energy_nj)
        asked_nj += energy_nj
        assert battery.drained_mj * NJ_PER_MJ + battery.owed_nj == asked_nj
        assert 0 <= battery.owed_nj < NJ_PER_MJ


# The margin.


def a_robot() -> Robot:
    return World(fulfilment(1, 1), workers=0, orders=[]).robot


def test_the_margin_rises_at_once_and_falls_late() -> None:
    robot = a_robot()
    for _ in range(MARGIN_TASKS - 1):
        robot.learn_margin(20.0, 22.0)
    assert robot.margin == 1.2  # the first guess still counts
    robot.learn_margin(20.0, 40.0)
    high = robot.margin
    assert high == pytest.approx((40.0 - 2.4) / 20.0)
    for _ in range(MARGIN_TASKS - 1):
        robot.learn_margin(20.0, 24.4)
        assert robot.margin == high
    robot.learn_margin(20.0, 24.4)
    assert robot.margin == pytest.approx(1.1)


@given(st.lists(st.tuples(st.floats(0.1, 60.0), st.floats(0.0, 2.8)), min_size=1, max_size=60))
def test_the_margin_covers_every_task_that_it_looks_back_on(
    tasks: list[tuple[float, float]],
) -> None:
    robot = a_robot()
    for predicted_wh, ratio in tasks:
        robot.learn_margin(predicted_wh, ratio * predicted_wh)
    spared_wh = SPARED_SHARE * 960.0
    for predicted_wh, ratio in tasks[-MARGIN_TASKS:]:
        assert robot.margin * predicted_wh + spared_wh >= ratio * predicted_wh - 1e-9


# A robot that is pushed aside.


def test_who_is_pushed_pays_for_the_start_the_turn_and_the_way() -> None:
    turned = pushed = 0
    for seed in range(4):
        world = World(fulfilment(2, 3), seed=seed, workers=10, orders=[], blockages_per_hour=0.0)
        robot, rates = world.robot, energy_rates(world.profile, 0.5)
        for _ in range(4000):
            node, drained_mj, drove = robot.node, robot.battery.drained_mj, robot.moving
            heading, pushes = robot.heading_rad, world.tally.pushes
            world.step(YIELD)
            if world.tally.pushes == pushes:
                continue
            turns = heading is not None and turns_across(world, heading, node, robot.to)
            pushed, turned = pushed + 1, turned + turns
            expected_nj = departure_nj(rates, 0, 1000, not drove, turns) + rates.ambient_nj
            paid_mj = robot.battery.drained_mj - drained_mj
            assert paid_mj == pytest.approx(expected_nj / NJ_PER_MJ, abs=1.0)
    assert pushed >= 10 and turned >= 2


def turns_across(world: World, heading: float, start: int, end: int) -> bool:
    (x0, y0), (x1, y1) = world.floor.xy(start), world.floor.xy(end)
    return abs((y1 - y0) * math.cos(heading) - (x1 - x0) * math.sin(heading)) > 0.5


# Whole episodes.


@given(
    seed=st.integers(0, 1000), soc=st.floats(0.01, 0.9), capacity_wh=st.floats(3.0, 40.0),
    tick_s=st.sampled_from([0.5, 0.25, 1 / 3]),
)  # fmt: skip
@settings(max_examples=10, deadline=None)
def test_an_episode_balances_to_the_millijoule(
    seed: int, soc: float, capacity_wh: float, tick_s: float
) -> None:
    profile = replace(PROFILES["delivery"], capacity_wh=capacity_wh, charge_w=900.0)
    world = World(
        fulfilment(2, 3), seed=seed, workers=3, profile=profile, initial_soc=soc, tick_s=tick_s
    )
    battery, drained = world.robot.battery, [0]

    def balance(now: World) -> None:
        assert battery.start_mj + battery.charged_mj - battery.drained_mj == battery.charge_mj
        assert 0 <= battery.charge_mj <= battery.capacity_mj
        assert battery.drained_mj >= drained[-1]
        drained.append(battery.drained_mj)

    run_episode(world, make_chooser("utility"), seconds=240.0, on_tick=balance)
    assert drained[-1] > 0
