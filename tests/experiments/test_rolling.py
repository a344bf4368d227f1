"""Rolling shifts: settings, rows that repeat, pairs by seed, and the report on them."""

from __future__ import annotations

import gzip
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from experiments.publish import publish
from experiments.rolling_report import by_setting, late_share, markdown, paired, write_report
from experiments.rolling_study import SWAPPED_WH, RollingRun, RollingSpec, Setting, profile_of
from experiments.rows import repeats
from experiments.run import run_study
from experiments.spec import load_spec

ROWS = Path(__file__).parents[2] / "docs" / "rows" / "rolling.jsonl.gz"


def test_the_built_in_spec_runs_working_days_on_two_floors() -> None:
    quick, full = (load_spec("rolling", full=full, data=None) for full in (False, True))
    assert isinstance(full, RollingSpec) and isinstance(quick, RollingSpec)
    assert len(quick.runs()) == 12
    assert {one.hours for one in full.settings if one.capacity == 1} == {8.0}
    assert len(set(full.seeds)) == 20
    assert {one.layout for one in full.settings} == {"built-in", "sortation"}
    assert len(full.runs()) == 6 * 3 * 20
    assert len({run.run_id for run in full.runs()}) == len(full.runs())


def test_a_pack_that_is_swapped_never_matters() -> None:
    assert profile_of(False).name == "delivery"
    swapped = profile_of(True)
    assert swapped.capacity_wh == SWAPPED_WH and swapped.mass_kg == profile_of(False).mass_kg


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"choosers": ("deepest",)}, "deepest"),
        ({"settings": (Setting(layout="moon", orders_per_hour=6.0),)}, "'moon'"),
    ],
)
def test_what_is_unknown_is_refused(change: dict[str, Any], said: str) -> None:
    spec = RollingSpec(
        name="tiny", settings=(Setting(layout="small", orders_per_hour=6.0),), seeds=(0,)
    )
    with pytest.raises(ValueError, match=said):
        spec.model_copy(update=change).runs()


def test_a_study_makes_rows_that_repeat_and_a_page(tmp_path: Path) -> None:
    settings = (Setting(layout="small", orders_per_hour=60.0, hours=0.2, capacity=2, swapped=True),)
    spec = RollingSpec(name="tiny", settings=settings, seeds=(0, 1), workers=2)
    found = []
    for name in "ab":
        stand = run_study(spec, tmp_path / name, executor="threads", workers=1)
        assert (stand.made, stand.failed) == (6, 0)
        lines = (tmp_path / name / "rows.jsonl").read_text().splitlines()
        rows = [{k: v for k, v in json.loads(line).items() if repeats(k)} for line in lines]
        found.append(rows)
        assert all(row["contacts"] == row["strandings"] == 0 for row in rows)
    assert found[0] == found[1]
    page, figure = write_report(tmp_path / "a")
    assert "## small, 60 orders an hour, 0.2 h, capacity 2, pack swapped" in page.read_text()
    assert figure.stat().st_size > 5000
    packed, text = publish(tmp_path / "a", tmp_path / "docs")
    assert (packed.name, text.name) == ("tiny.jsonl.gz", "tiny.md")


def made_up(chooser: str, seed: int, **values: Any) -> dict[str, Any]:
    row = {
        "spec": "x", "map": "m", "orders_per_hour": 12.0, "hours": 8.0, "capacity": 1,
        "swapped": False, "workers": 12, "chooser": chooser, "seed": seed, "deliveries": 100,
        "late": 10, "overdue": 0, "charges": 1, "strandings": 0, "end_wh": 500.0,
        "host_versions": {"numpy": "2"}, "commit_sha": "c0ffee", "commit_dirty": False,
    }  # fmt: skip
    return {**row, **values}


SEEDS = range(5)


def test_goals_are_judged_over_pairs_of_seeds() -> None:
    rows = [made_up("deep", seed, late=2, overdue=2) for seed in reversed(SEEDS)]
    rows += [made_up(base, seed) for seed in SEEDS for base in ("utility", "reflex")]
    ((_, groups),) = by_setting(rows).items()
    assert list(groups) == ["utility", "reflex", "deep"]
    assert late_share(groups["deep"]) == pytest.approx(100.0 * 4 / 102)
    change = paired(groups["deep"], groups["utility"], late=True)
    assert change is not None and change.mean == pytest.approx(-60.0)
    text = "\n".join(markdown(rows, [{**rows[0], "error": "too hot"}]))
    assert "fewer than utility's | -60.0 % [-60.0, -60.0] | met |" in text
    assert "deliveries at most 0.5 % below utility's | +0.0 % [+0.0, +0.0] | met |" in text
    assert "- failed: deep, seed 4: too hot" in text
    worse = [row | {"late": 9, "strandings": 1} if row["chooser"] == "deep" else row
             for row in rows]  # fmt: skip
    text = "\n".join(markdown(worse, []))
    assert "+10.0 % [+10.0, +10.0] | **short** |" in text and "| 5 | **short** |" in text


def test_where_more_orders_come_than_can_be_done_deliveries_count() -> None:
    rows = [made_up("utility", seed, late=60, capacity=3) for seed in SEEDS]
    rows += [made_up("deep", seed, late=60, capacity=3, deliveries=104) for seed in SEEDS]
    text = "\n".join(markdown(rows, []))
    assert "deliveries at least 5 % more than utility's | +4.0 % [+4.0, +4.0] | **short** |" in text
    assert "late orders at least" not in text


@pytest.mark.slow
def test_a_tenth_of_the_published_rows_repeats() -> None:
    published = [json.loads(line) for line in gzip.decompress(ROWS.read_bytes()).splitlines()]
    assert len(published) == 360
    for row in sorted(published, key=lambda row: str(row["run_id"]))[::10]:
        run = RollingRun(**{one.name: row[one.name] for one in fields(RollingRun)})
        assert run.run_id == row["run_id"]
        found = json.loads(json.dumps(run.measure()))
        assert {k: row[k] for k in found if repeats(k)} == {
            k: v for k, v in found.items() if repeats(k)
        }
