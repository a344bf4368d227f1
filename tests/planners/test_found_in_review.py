"""Constructed cases that once gave a false bound, a stale answer or an unclear error."""

from __future__ import annotations

import copy
import os
import subprocess
import sys

import numpy as np
import pytest

from planners import (
    CostField,
    GraphMap,
    GridMap,
    Guidance,
    Layer,
    Reward,
    check,
    check_heuristic,
    cost_to_go,
    plan,
    plan_many,
)


def test_an_admissible_but_inconsistent_name_is_proven():
    """Manhattan on an eight-connected map may be a lower bound under layers, yet inconsistent."""
    blocked = [[0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 1]]
    risk = [[6, 0, 3, 0], [0, 0.3, 0.3, 0], [3, 0, 0, 0], [0.3, 0, 0, 0]]
    grid = GridMap(blocked, moves="eight-any")
    costs = CostField(grid, layers=[Layer("r", risk)])
    assert not check_heuristic(grid, "manhattan", 0, costs).consistent
    result = plan(grid, 10, 0, costs=costs, strategy="wastar", weight=1.01,
                  heuristic="manhattan", lower_bound=True)  # fmt: skip
    check(grid, result, costs, exact=True)


def test_a_copy_of_costs_is_its_own():
    graph = GraphMap([0, 2, 3, 3], [1, 2, 2], [1.0, 5.0, 1.0])
    costs = CostField(graph, layers=[Layer("risk", [0, 0, 0])])
    before = plan(graph, 0, 2, costs=costs).cost
    for other in (copy.copy(costs), copy.deepcopy(costs)):
        other.update("risk", [1], [100.0])
        assert plan(graph, 0, 2, costs=other).cost == 5.0
    after = plan(graph, 0, 2, costs=costs)
    check(graph, after, costs, exact=True)
    assert after.cost == before == 2.0


def test_counts_depend_on_the_costs_and_not_on_their_history():
    grid = GridMap(np.zeros((40, 40)))
    costs = CostField(grid, layers=[Layer("r", np.full((40, 40), 9.0))])
    fresh = plan(grid, (0, 0), (39, 20), costs=costs).stats
    costs.update("r", [0], 0.0)
    costs.update("r", [0], 9.0)
    assert plan(grid, (0, 0), (39, 20), costs=costs).stats == fresh


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda: GraphMap([0, 1, 1], [1], [1.5e308]), "1.5e+308"),
        (lambda: GridMap([[0]], 1e300), "1e+300"),
        (lambda: GridMap([[0]], None), "None"),
        (lambda: GraphMap([0, 0], [], [], [[1e200, 0]]), "1e+200"),
    ],
)
def test_lengths_without_a_sum_are_refused(make, value):
    with pytest.raises(ValueError, match="must be") as error:
        make()
    assert value in str(error.value) or "e+" in str(error.value)


def test_weights_cannot_be_changed_behind_the_back():
    costs = CostField(GridMap([[0, 0]]), layers=[Layer("risk", [[1, 1]])])
    with pytest.raises(TypeError):
        costs.weights["risk"] = 50.0


GRID = GridMap(np.zeros((3, 3)))
COSTS = CostField(GRID, layers=[Layer("risk", np.zeros((3, 3)))])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plan(np.zeros((3, 3)), 0, 1), "map must be GridMap or GraphMap, not ndarray"),
        (lambda: plan(GRID, 0, 1, costs=np.ones(9)), "costs must be CostField or None"),
        (lambda: plan(GRID, 0, 1, guidance="auto"), "guidance must be Guidance or None"),
        (lambda: CostField(GRID, layers=[np.ones(9)]), "each of layers must be Layer"),
        (lambda: CostField(GRID, layers=Layer("r", np.ones(9))), "layers must be Iterable"),
        (lambda: Guidance(rewards=[np.ones(9)]), "each of rewards must be Reward"),
        (lambda: Guidance(soc="full"), "soc must be"),
        (lambda: plan(GRID, 0, 1, heuristic=lambda u, v: None), "returned None"),
        (lambda: check(GRID, plan(GRID, 0, 1), CostField(GridMap([[0]]))), "does not fit"),
        (lambda: COSTS.update("risk", np.array([[2**62, 1]]), 1.0), str(2**62)),
        (lambda: COSTS.update("risk", [[0, 7]], 1.0), r"\(0, 7\)"),
        (lambda: COSTS.update("risk", [0, 1, 2], [1.0, 2.0]), "3 places"),
        (lambda: cost_to_go(GRID, 4).path(-1), "-1"),
        (lambda: Guidance(estimate="bricks"), "bricks"),
    ],
)
def test_misuse_names_the_argument(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()


def test_a_budget_beyond_every_count_is_no_limit():
    assert plan(GRID, 0, 8, max_expansions=2**70).status == "found"


def test_values_on_blocked_cells_are_ignored_by_update():
    grid = GridMap([[0, 1, 0], [0, 0, 0]])
    costs = CostField(grid, layers=[Layer("risk", np.zeros((2, 3)))])
    costs.update("risk", np.ones(6, dtype=bool), [1.0, np.nan, 1.0, 1.0, 1.0, 1.0])
    assert costs.pace.tolist() == [2.0, 1.0, 2.0, 2.0, 2.0, 2.0]


def test_float_labels_are_never_taken_for_ids():
    graph = GraphMap([0, 0, 0, 0], [], [], labels=[0.0, 5.0, 1.5])
    with pytest.raises(ValueError, match="labelled 1"):
        graph.node(1)


def test_results_are_read_only():
    path = plan(GRID, 0, 8).path
    for array in (path.nodes, path.cells):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 3


def test_plan_many_is_plan_again_and_again():
    queries = [((0, 0), (2, 2)), ((1, 1), (1, 1)), ((2, 0), (0, 1))]
    rewards = Guidance([Reward("r", np.arange(9.0))])
    many = plan_many(GRID, queries, costs=COSTS, strategy="wastar", guidance=rewards)
    singles = [plan(GRID, *q, costs=COSTS, strategy="wastar", guidance=rewards) for q in queries]
    assert [r.cost for r in many] == [r.cost for r in singles]
    assert [r.stats for r in many] == [r.stats for r in singles]


CODE = """
import sys
from planners import GridMap, plan
print(plan(GridMap([[0, 0, 0]]), 0, 2).cost)
"""


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"", b"\x80\x04garbage"])
def test_a_damaged_cache_is_done_without(tmp_path, damage):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True)
        assert done.stdout.strip() == "2.0", done.stderr
        for file in [*tmp_path.rglob("*.nbi"), *tmp_path.rglob("*.nbc")]:
            file.write_bytes(damage)


def test_no_home_folder_is_no_crash(monkeypatch):
    from planners.kernels import compiled

    def homeless(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(compiled.Path, "expanduser", homeless)
    assert list(compiled.ROOM.cache_folders())
