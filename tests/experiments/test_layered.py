"""Layered fields, policies, rows and the report on them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.streams import stream
from experiments.layered import FAMILIES, MOST, main_floor
from experiments.layered_report import Group, losses, table, total, wash_out
from experiments.layered_study import Problem, long_query
from experiments.policies import POLICIES
from experiments.rows import read_rows
from experiments.stats import clustered_mean
from planners import GridMap, check, cost_to_go, floor_size

PAGE = """
kind = "layered"
name = "tiny"
maps = ["one.map", "two.map"]
held_out = ["three.map"]
families = ["noise", "warehouse"]
policies = ["astar", "wastar", "lead", "cheap", "field"]
weights = [1.25, 2.0]
seeds = [0, 1]
"""
ANYTIME = PAGE.replace("[1.25, 2.0]", "[1.0]") + "budgets = [0.1, 0.5, 1.0]\n"


def a_grid(seed: int = 0, side: int = 28) -> GridMap:
    blocked = np.random.default_rng([5, seed]).random((side, side)) < 0.15
    blocked[0, 0] = False
    return GridMap(blocked)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three maps, and two specs."""
    folder = tmp_path_factory.mktemp("data")
    for seed, name in enumerate(("one", "two", "three")):
        grid = a_grid(seed)
        body = "\n".join("".join("@" if b else "." for b in row) for row in grid.blocked)
        head = f"type octile\nheight {grid.rows}\nwidth {grid.cols}\nmap\n"
        (folder / f"{name}.map").write_text(f"{head}{body}\n")
    (folder / "page.toml").write_text(PAGE)
    (folder / "anytime.toml").write_text(ANYTIME)
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_a_layer(family):
    grid = a_grid()
    one, again, other = (FAMILIES[family](grid, stream(seed, "test")) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert one.shape == grid.shape and one.dtype == np.float32
    assert one.min() >= 0.0 and 0.1 < one.max() <= MOST + 1e-6
    assert not one[grid.blocked].any()
    assert FAMILIES[family](GridMap([[0, 0, 0]]), stream(0, "test")).shape == (1, 3)


def likeness(field: np.ndarray) -> float:
    """Correlation of neighbours."""
    return float(np.corrcoef(field[:, :-1].ravel(), field[:, 1:].ravel())[0, 1])


def test_the_families_differ_as_they_say():
    grid = GridMap(np.zeros((120, 120), dtype=bool))
    fields = {name: make(grid, stream(3, "test")) for name, make in FAMILIES.items()}
    assert abs(likeness(fields["noise"])) < 0.05
    assert likeness(fields["hot-spots"]) > 0.99
    lines = fields["barriers"]
    assert 0.02 < (lines > 0).mean() < 0.5
    assert not fields["warehouse"].any()  # no wall, no pick face
    shelf = np.zeros((60, 60), dtype=bool)
    shelf[30, 5:55] = True
    risk = FAMILIES["warehouse"](GridMap(shelf), stream(3, "test"))
    near, far = risk[28:30, 10:50].mean(), risk[:10, 10:50].mean()
    assert near > 4 * far


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), density=st.floats(0.0, 0.5))
def test_long_queries_are_long(seed, density):
    rng = np.random.default_rng(seed)
    blocked = rng.random((17, 23)) < density
    blocked[3, 3] = False
    grid = GridMap(blocked)
    start, goal, path = long_query(grid, rng)
    floor = set(main_floor(grid).tolist())
    assert {start, goal} <= floor and path[0] == start and path[-1] == goal
    # The true longest way, from a search at every cell of the floor.
    ways = [cost_to_go(grid, node).values for node in sorted(floor)]
    longest = max(float(way[np.isfinite(way)].max()) for way in ways)
    mine = float(cost_to_go(grid, goal).values[start])
    assert mine >= 0.25 * longest - 1e-9  # two sweeps find at least half of the longest
    assert all(np.isfinite(way[list(floor)]).all() for way in ways)


def test_a_map_without_floor_is_refused():
    with pytest.raises(ValueError, match="no free cell"):
        main_floor(GridMap(np.ones((3, 3), dtype=bool)))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_problem_says_is_true(family):
    problem = Problem(a_grid(), family, 4, "a map")
    grid, costs = problem.grid, problem.costs
    for weight in (1.0, 1.5, 3.0):
        found = floor_size(grid, costs, problem.start, problem.goal, weight)
        assert (problem.floor(weight), problem.optimum) == (
            found.nodes, pytest.approx(found.optimum),
        )  # fmt: skip
    assert problem.layer_cost(problem.best) >= 0
    total_cost = math.fsum(costs.explain(problem.best).values())
    assert total_cost == pytest.approx(problem.optimum)
    blind = math.fsum(costs.explain(problem.blind).values())
    assert blind >= problem.optimum - 1e-9


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_policy_keeps_its_bound_and_tells_no_lie(policy, family):
    problem = Problem(a_grid(1), family, 2, "a map")
    for weight in (1.0, 1.25, 2.0):
        answer = POLICIES[policy].solve(problem.task(weight))
        result = answer.result
        assert result.status == "found"
        check(problem.grid, result, problem.costs, exact=True)
        assert result.cost <= weight * problem.optimum * (1 + 1e-9)
        assert result.cost <= result.certificate * problem.optimum * (1 + 1e-9)
        builds = policy in ("cheap", "tiles", "tiles-alt", "wastar-alt", "field")
        assert (answer.setup_expanded > 0) == builds


@pytest.mark.parametrize("policy", POLICIES)
def test_budgets_count_the_set_up(policy):
    problem = Problem(a_grid(1), "noise", 2, "a map")
    for budget in (0, 5, 60, 700):
        answer = POLICIES[policy].solve(problem.task(1.0, budget))
        assert answer.result.stats.expanded <= max(0, budget - answer.setup_expanded)


def test_rows_resume_and_report(data, call, tmp_path):
    out = tmp_path / "out"
    command = ("experiment", data / "page.toml", "--data", data, "--out", out)
    done = call(*command, "--executor", "threads", "--workers", "1")
    # 3 maps x 2 families x 2 seeds x (A* once + 4 policies x 2 weights)
    assert "108 runs: 108 made, 0 known before, 0 failed" in done.stdout
    file = out / "rows.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert "0 failed" in call(*command, "--executor", "threads").stdout
    rows = read_rows(file)
    assert len({row["run_id"] for row in rows}) == len(rows) == 108
    assert sum(row["held_out"] for row in rows) == 36
    for row in rows:
        assert not (row["illegal"] or row["bound_broken"] or row["false_certificate"])
        assert row["policy"] != "field" or row["setup_expanded"] > 0
        if row["policy"] == "astar":
            assert row["expanded"] - row["reopened"] == row["astar_expanded"] >= row["floor"]
    shown = call("report", out).stdout
    assert "0 illegal paths, 0 broken bounds, 0 false certificates" in shown
    assert "## Maps held out" in shown and "## Where ours loses" in shown
    assert shown.count("### ") == 2 * 3 and (out / "report.png").stat().st_size > 1000


def test_anytime_rows_and_report(data, call, tmp_path):
    out = tmp_path / "out"
    done = call("experiment", data / "anytime.toml", "--data", data, "--out", out,
                "--executor", "threads", "--workers", "1")  # fmt: skip
    assert "0 failed" in done.stdout
    rows = read_rows(out / "rows.jsonl")
    for row in rows:
        most = math.ceil(row["budget"] * row["astar_expanded"])
        assert row["expanded"] + (row["setup_expanded"] if row["expanded"] else 0) <= most
        assert (row["cost_ratio"] is None) == (row["result"] == "budget_spent" and
                                               row["layer_cost"] is None)  # fmt: skip
    shown = call("report", out).stdout
    assert "| lead | 50 |" in shown and (out / "report.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"noise", "warehouse"', '"noise", "mud"'), "unknown family 'mud'"),
        (('"lead"', '"fly"'), "unknown policy 'fly'"),
        (("[1.25, 2.0]", "[0.5]"), "0.5"),
        (('"one.map"', '"gone.map"'), "gone.map is missing"),
        (("seeds = [0, 1]", "seeds = []"), "seeds"),
    ],
)
def test_bad_pages_are_one_line(data, refused, tmp_path, change, said):
    page = tmp_path / "bad.toml"
    page.write_text(PAGE.replace(*change))
    assert said in refused("experiment", page, "--data", data)


def test_maps_are_the_clusters_of_the_interval():
    values = [1.0] * 12 + [3.0] * 12
    apart = clustered_mean(values, [str(k // 4) for k in range(24)])
    mixed = clustered_mean(values, [str(k % 6) for k in range(24)])
    assert (apart.mean, apart.n) == (2.0, 24) and apart.low < 1.5 and apart.high > 2.5
    assert (mixed.low, mixed.high) == (2.0, 2.0)
    few = clustered_mean(values, [str(k % 4) for k in range(24)])
    assert (few.mean, few.low, few.high) == (2.0, None, None)
    assert clustered_mean([], []) is None


def row(policy: str, seed: int, expanded: int, **more) -> dict:
    return {
        "map": "a.map", "family": "noise", "seed": seed, "policy": policy, "weight": 1.5,
        "expanded": expanded, "setup_expanded": 0, "reopened": 0, "search_ms": 1.0,
        "setup_ms": 0.0, "cost_ratio": 1.1, "certificate": 1.2, "floor": 10,
        "astar_expanded": 100, "layer_cost": 6.0, "layer_cost_best": 4.0,
        "layer_cost_blind": 14.0, "held_out": False, **more,
    }  # fmt: skip


def test_the_table_says_what_the_rows_say():
    base = {("a.map", "noise", k): row("wastar", k, 100) for k in (0, 1)}
    own = {
        ("a.map", "noise", 0): row("tiles", 0, 20, setup_expanded=5),
        ("a.map", "noise", 1): row("tiles", 1, 80, setup_expanded=320),
    }
    group = Group("tiles", 1.5, own, base)
    assert group.against_base(total).mean == pytest.approx(1.0)  # 0.25 and 4
    cells = table([group])[2].split(" | ")
    assert cells[5:8] == ["1.00", "0.40", "2.12"]
    assert wash_out(list(own.values())) == pytest.approx(0.2)
    assert wash_out([row("x", 0, 1, layer_cost_blind=4.0)]) is None
    rows = [*base.values(), *own.values()]
    assert losses(rows) == ["Nowhere in these rows."]
    for one in own.values():
        one["expanded"] = 150  # set-up apart: tiles serve every query to the goal
    assert losses(rows) == [
        "- tiles, w = 1.5, noise on a.map (n = 2): 1.50 of wastar's expansions, set-up kept"
    ]
    for one in own.values():
        one |= {"policy": "cheap", "expanded": 20, "setup_expanded": 100}
    assert losses(rows)[0].endswith("(n = 2): 1.20 of wastar's expansions")
