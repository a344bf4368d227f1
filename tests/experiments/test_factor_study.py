"""The table of every factor: which runs there are, and that the page says what the rows say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.factor_study import FactorSpec
from experiments.factor_study_report import NEAR, goals, settings_of
from experiments.factors import FACTORS
from experiments.page import goal_line, with_interval
from experiments.publish import publish
from experiments.rows import read_rows
from experiments.spec import load_spec
from experiments.stats import Change

PAGE = """
kind = "factors"
name = "tiny"
first_seed = 1000
seeds = 2
minutes = 1
lam_congestion = 4.0
factors_of_others = ["none", "risk"]
searches = [{ strategy = "astar" }, { strategy = "wastar", weight = 2.0, aware = false }]
floors = [
    { map = "built-in", workers = 5, traffic = [0, 3] },
    { map = "built-in", others = false, chooser = "earliest", orders_per_hour = 60, seeds = 1 },
    { map = "shop.map", workers = 2, held_out = true, others = false },
]
"""


@pytest.fixture
def page(tmp_path, warehouse) -> Path:
    """A page with a floor of the user's beside it."""
    assert warehouse.parent == tmp_path
    file = tmp_path / "page.toml"
    file.write_text(PAGE)
    return file


def test_the_runs_are_those_of_the_page(page, tmp_path):
    spec = load_spec(str(page), data=tmp_path)
    assert isinstance(spec, FactorSpec)
    runs = spec.runs()
    # 2 seeds x (2 traffics x (6 factors + 2 under the other search) + 6 on the map held out), and
    # one of 6 with more orders than can be served
    assert len(runs) == len({run.run_id for run in runs}) == 2 * (2 * 8 + 6) + 6
    for run in runs:
        shift = run.shift
        assert (shift.lam_risk > 0) == ("risk" in FACTORS[run.factor])
        assert shift.lam_congestion == (4.0 if "congestion" in FACTORS[run.factor] else 0.0)
        assert (shift.lam_energy > 0) == ("battery" in FACTORS[run.factor])
        assert shift.aware == (shift.strategy == "astar")
        assert run.held_out == (shift.map is not None)
        assert shift.seed in (1000, 1001)


def test_rows_report_and_page(call, page, tmp_path):
    out = tmp_path / "out"
    command = ("experiment", page, "--data", tmp_path, "--out", out, "--executor", "threads",
               "--workers", "1")  # fmt: skip
    assert "50 runs: 50 made, 0 known before, 0 failed" in call(*command).stdout
    settings = settings_of(read_rows(out / "rows.jsonl"))
    assert [s.title for s in settings] == [
        "built-in, 5 people + 0 traffic robots", "built-in, 5 people + 3 traffic robots",
        "built-in, 12 people + 0 traffic robots, 60 orders an hour, earliest",
        "shop.map, 2 people + 0 traffic robots, held out",
    ]  # fmt: skip
    assert set(settings[0].searches) == {"astar", "w = 2, blind to layers"}
    assert settings[0].base is settings[0].searches["astar"]
    shown = call("report", out).stdout
    assert shown.count("| deliveries per hour |") == 4
    assert "none for fewer than 5" in shown and " %" in shown.split("| deliveries per hour |")[1]
    assert "seeds (1000 to 1001)" in shown and "0 contacts" in shown
    assert (out / "report.png").stat().st_size > 1000
    packed, text = publish(out, tmp_path / "docs")
    assert packed.name == "tiny.jsonl.gz"
    assert "bootstrap" in text.read_text() and "numpy" in text.read_text()
    with pytest.raises(ValueError, match="no rows"):
        publish(tmp_path / "nothing", tmp_path / "docs")


def row(factor: str, seed: int, near_s: float, deliveries: int, **more: object) -> dict:
    return {
        "run_id": f"{factor}{seed}{more}", "spec": "factors", "kind": "factors", "status": "ok",
        "map": "built-in", "workers": 12, "traffic": 40, "held_out": False, "minutes": 60.0,
        "chooser": "utility", "orders_per_hour": None,
        "strategy": "astar", "weight": 1.0, "aware": True, "factor": factor, "seed": seed,
        "near_s": near_s, "deliveries": deliveries, "trace_hash": "x", **more,
    }  # fmt: skip


def made_up() -> list[dict]:
    rows = []
    for seed in range(5):
        level = 100.0 + 10 * seed
        for factor in FACTORS:
            less = 0.4 if factor in ("both", "all", "risk") else 0.0
            rows.append(row(factor, seed, level * (1 - less), 24 + (2 if factor == "both" else 0)))
        other = {"strategy": "wastar", "weight": 2.0}
        rows.append(row("both", seed, level * 0.65, 25, **other))
    return rows


def test_goals_stand_beside_what_the_rows_say():
    setting = settings_of(made_up())[0]
    assert setting.base.percent("both", NEAR).mean == pytest.approx(-40.0)
    assert setting.kept("w = 2", "both", NEAR).mean == pytest.approx(87.5)
    assert setting.kept("w = 2", "congestion", NEAR) is None
    lines = [line.split(" | ") for line in goals([setting])[2:]]
    verdicts = {line[1]: (line[2], line[3].removesuffix(" |")) for line in lines}
    assert verdicts["both: near-seconds at least 30 % fewer"] == ("-40.0 % [-40.0, -40.0]", "met")
    assert verdicts["congestion alone: deliveries at least 5 % more"][1] == "**short**"
    assert verdicts["both: deliveries at least 6 % more"][1] == "met"
    kept = "w = 2 keeps at least 80 % of the effect of both on near-seconds"
    assert verdicts[kept] == ("87.5 % [87.5, 87.5]", "met")


def test_a_seed_whose_shift_failed_is_in_no_pair():
    rows = [one for one in made_up() if (one["factor"], one["seed"]) != ("both", 3)]
    setting = settings_of(rows)[0]
    assert setting.base.percent("both", NEAR).n == 4


def test_a_goal_is_met_by_the_whole_interval():
    for low, high, verdict in ((-40, -31, "met"), (-40, -20, "met in the mean")):
        assert goal_line("x", Change(-33.0, low, high, 9), -30.0, below=True)[2] == verdict
    assert goal_line("x", Change(-20.0, -35, -5, 9), -30.0, below=True)[2] == "**short**"
    assert goal_line("x", None, 1.0)[2] == "no rows"
    assert with_interval(Change(0.25, None, None, 1)) == "+0.250"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"none", "risk"]', '"none", "mud"]'), "unknown factor 'mud'"),
        (('"astar" }', '"warp" }'), "warp"),
        (("weight = 2.0", "weight = 0.5"), "0.5"),
        (("shop.map", "gone.map"), "gone.map is missing"),
        (("seeds = 2", "seeds = 0"), "seeds"),
        (("workers = 5", "wrkers = 5"), "wrkers"),
    ],
)
def test_bad_pages_are_one_line(refused, page, tmp_path, change, said):
    page.write_text(PAGE.replace(*change))
    assert said in refused("experiment", page, "--data", tmp_path)


@pytest.mark.parametrize("name", ["factors", "soak"])
def test_the_built_in_pages_expand(name, monkeypatch):
    monkeypatch.delenv("AISLEWISE_DATA", raising=False)
    runs = load_spec(name).runs()
    assert runs and {run.fields()["kind"] for run in runs} == {name}
    json.dumps([run.fields() for run in runs])


def test_the_full_pages_expand_on_the_real_maps(shared_data):
    runs = load_spec("factors", full=True, data=shared_data).runs()
    floors = {(run.fields()["map"], run.shift.traffic, run.shift.chooser) for run in runs}
    assert len(floors) == 9 and len(runs) == 40 * (2 * (6 + 3 * 4) + 7 * 6)
    assert min(run.shift.seed for run in runs) >= 1000
    hours = load_spec("soak", full=True, data=shared_data).runs()
    assert len(hours) == 2020
