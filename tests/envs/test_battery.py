"""The battery against Open-RMF's published figures, and its books to the millijoule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.battery import MJ_PER_WH, PROFILES, Battery, RobotProfile, robot_profile


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
    battery = Battery(robot, 0.5)
    for _ in range(ticks):
        battery.drain(robot.drive_mj(length_mm, 5.0))
        battery.drain(robot.ambient_mj(500))
    expected = robot.trip_wh(ticks * length_mm / 1000, ticks * 0.5, 5.0)
    assert battery.drained_mj / MJ_PER_WH == pytest.approx(expected, rel=1e-5)  # whole mJ


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
    assert robot.charging_w(0.79) == robot.charge_w
    assert robot.charging_w(0.9) == pytest.approx(robot.charge_w / 2)
    assert robot.charging_w(0.9, taper=False) == robot.charge_w
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
            assert battery.charge(amount // 1000) >= 0
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
