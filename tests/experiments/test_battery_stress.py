"""The stressed battery: its world, its rules, its rows and the report on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envs.battery import robot_profile
from envs.formats import load_map
from envs.layouts import from_map
from experiments.battery_report import best_threshold, by_rule, markdown, write_report
from experiments.battery_stress import (
    BatterySpec,
    charge_rule,
    credited_hours,
    one_corner_charger,
    substitute,
)
from experiments.publish import publish
from experiments.rows import RowWriter, read_rows
from experiments.run import ROWS, run_study
from experiments.spec import load_spec
from planners.tasks import ChargeRule, Threshold


def test_the_substitute_is_of_the_size_of_the_real_floor(shared_data: Path) -> None:
    real = from_map(load_map(shared_data / "lorr" / "warehouse_long_corridor_large.map"))
    ours = substitute()
    for mine, theirs in zip(ours.map.shape, real.map.shape, strict=True):  # type: ignore[union-attr]
        assert mine == pytest.approx(theirs, rel=0.02)
    for layout in (ours, real):
        (charger,) = one_corner_charger(layout).chargers
        row, col = layout.map.cells([charger])[0]  # type: ignore[union-attr]
        assert row + col <= 8
        assert charger not in {*layout.stations, *layout.storage}


def test_rules_by_name() -> None:
    assert charge_rule("reserve") == ChargeRule(top_up_soc=0.0)
    assert charge_rule("10") == Threshold(low_soc=0.1, top_up_soc=0.0)
    with pytest.raises(ValueError, match=r"'often'.*'25'"):
        charge_rule("often")
    with pytest.raises(ValueError, match=r"0\.95"):
        charge_rule("95")


def test_what_a_shift_ends_with_is_credited() -> None:
    profile = robot_profile("delivery")
    assert credited_hours(8.0, 180.0, 180.0, profile) == 8.0
    lower, higher = (credited_hours(8.0, 180.0, end, profile) for end in (100.0, 190.0))
    assert lower > 8.0 > higher
    # The hours added are those in which the charger brings the difference back.
    net_w = profile.charge_w - profile.ambient_w
    assert (lower - 8.0) * net_w == pytest.approx(80.0)
    brought = credited_hours(8.0, 180.0, 180.0, profile, brought_wh=40.0)
    assert (brought - 8.0) * net_w == pytest.approx(40.0)


@pytest.mark.parametrize("name", ["battery", "battery-long-corridor"])
def test_the_built_in_specs_compare_thresholds_with_the_rule(name: str, shared_data: Path) -> None:
    quick, full = (load_spec(name, full=full, data=shared_data) for full in (False, True))
    assert isinstance(full, BatterySpec) and isinstance(quick, BatterySpec)
    assert (len(full.runs()), full.hours, full.capacity_wh) == (80, 8.0, 200.0)
    assert {run.rule for run in quick.runs()} == {"5", "10", "25", "reserve"}


def test_a_study_makes_rows_and_a_page(tmp_path: Path) -> None:
    spec = BatterySpec(name="tiny", rules=("25", "reserve"), seeds=(0,), hours=0.1, workers=2)
    stand = run_study(spec, tmp_path, executor="threads", workers=1)
    assert (stand.made, stand.failed) == (2, 0)
    rows = read_rows(tmp_path / ROWS)
    for row in rows:
        assert row["kind"] == "battery" and row["contacts"] == row["strandings"] == 0
        spent = row["start_wh"] - row["end_wh"]
        assert spent == pytest.approx(row["drained_wh"], abs=1e-6)
        assert row["credited_hours"] == pytest.approx(0.1 + spent / 191.2)
    page, figure = write_report(tmp_path)
    assert "| reserve rule | 1 |" in page.read_text() and figure.stat().st_size > 5000
    packed, text = publish(tmp_path, tmp_path / "docs")
    assert (packed.name, text.name) == ("tiny.jsonl.gz", "tiny.md")
    assert "| reserve rule | 1 |" in text.read_text() and "numpy" in text.read_text()
    assert "report.png" not in text.read_text()  # no figure is published
    with RowWriter(tmp_path / ROWS) as writer:
        writer.append({**rows[0], "run_id": "other", "capacity_wh": 960.0})
    for written in (write_report, lambda folder: publish(folder, folder)):
        with pytest.raises(ValueError, match=r"capacity_wh = 200\.0, 960\.0"):
            written(tmp_path)


def made_up(rule: str, seed: int, **values: Any) -> dict[str, Any]:
    row = {
        "rule": rule, "seed": seed, "spec": "x", "map": "m", "map_hash": "", "hours": 8.0,
        "workers": 1, "capacity_wh": 200.0, "orders_per_hour": 6.0, "strandings": 0, "aborts": 0,
        "deliveries_an_hour": 3.0, "credited_an_hour": 2.0, "wh_per_delivery": 30.0,
        "charges": 8, "refusals": {}, "least_wh": 1.0, "margin": 1.2,
        "host_versions": {"numpy": "2"}, "commit_sha": "c0ffee", "commit_dirty": False,
    }  # fmt: skip
    return {**row, **values}


SEEDS = (1, 2, 3, 4, 5)


def test_the_rule_is_compared_with_the_best_threshold_seed_by_seed() -> None:
    rows = [made_up("reserve", seed, deliveries_an_hour=2.0 * seed) for seed in reversed(SEEDS)]
    rows += [made_up("25", seed, deliveries_an_hour=4.0 * seed) for seed in SEEDS]
    rows += [made_up("5", seed, strandings=16) for seed in SEEDS]
    groups = by_rule(rows)
    assert list(groups) == ["5", "25", "reserve"]
    assert best_threshold(groups, "deliveries_an_hour") == "25"
    page = "\n".join(markdown(rows, [{**rows[0], "error": "too hot"}]))
    assert "| reserve rule | 5 | 0 | 0.00 | 6.00 | -50.0 % [-50.0, -50.0] | 2.00 |" in page
    assert "| below 5 % | 5 | 80 | 2.00 | 3.00 |" in page
    assert "- failed: reserve, seed 5: too hot" in page


@pytest.mark.parametrize(
    ("reserve", "verdicts"),
    [
        ({}, ("0 | met", "+0.0 % [+0.0, +0.0] | met")),
        ({"deliveries_an_hour": 2.94}, ("0 | met", "-2.0 % [-2.0, -2.0] | met")),
        (
            {"deliveries_an_hour": 2.7, "strandings": 1},
            ("5 | **short**", "-10.0 % [-10.0, -10.0] | **short**"),
        ),
    ],
)
def test_goals_stand_beside_what_the_rows_say(
    reserve: dict[str, float], verdicts: tuple[str, str]
) -> None:
    rows = [made_up("25", seed) for seed in SEEDS]
    page = "\n".join(markdown([*rows, *(made_up("reserve", s, **reserve) for s in SEEDS)], []))
    assert f"| reserve rule: no stranding | {verdicts[0]} |" in page
    assert f"at most 3 % below those of the best threshold | {verdicts[1]} |" in page
    assert "No shift under the reserve rule." in markdown(rows, [])
