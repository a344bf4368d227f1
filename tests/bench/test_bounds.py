"""Prepared bounds: what they cost to set up, to keep, and what A* by them expands."""

from __future__ import annotations

import numpy as np
import pytest

from planners import CostField, GridMap, KeptFields, Landmarks, Layer, plan

pytestmark = pytest.mark.bench

SIDE = 512


def hilly(seed: int = 0) -> tuple[GridMap, CostField]:
    """An open grid with twelve smooth hills of cost: many paths cost nearly the same."""
    rng = np.random.default_rng(seed)
    rows, cols = np.indices((SIDE, SIDE))
    hills = np.zeros((SIDE, SIDE))
    for row, col in rng.uniform(0, SIDE, (12, 2)):
        away = (rows - row) ** 2 + (cols - col) ** 2
        hills = np.maximum(hills, 8 * np.exp(-away / (2 * rng.uniform(15, 50) ** 2)))
    grid = GridMap(np.zeros((SIDE, SIDE)))
    return grid, CostField(grid, layers=[Layer("risk", hills)])


@pytest.mark.parametrize("count", [8, 16])
def test_building_landmarks(benchmark, count):
    grid, costs = hilly()
    landmarks = benchmark(lambda: Landmarks.build(grid, costs, count=count))
    benchmark.extra_info["bytes_a_cell"] = landmarks.nbytes / grid.size


@pytest.mark.parametrize("kind", ["octile", "landmarks", "kept"])
def test_astar_by_a_prepared_bound(benchmark, kind):
    grid, costs = hilly()
    h = {"octile": lambda *_: "octile", "landmarks": Landmarks.build, "kept": KeptFields}[kind](
        grid, costs
    )
    queries = np.random.default_rng(1).integers(grid.size, size=(8, 2)).tolist()

    def work():
        return [plan(grid, start, goal, costs=costs, heuristic=h) for start, goal in queries]

    work()
    results = benchmark(work)
    benchmark.extra_info["expanded"] = sum(result.stats.expanded for result in results)
    benchmark.extra_info["reopened"] = sum(result.stats.reopened for result in results)


@pytest.mark.parametrize("falls", [1, 20, 200])
def test_lowering_a_kept_field(benchmark, falls):
    """Cells far from the goal and near to each other become cheaper, and dear again."""
    grid, costs = hilly()
    kept, goal = KeptFields(grid, costs), 0
    nodes = (grid.size // 2 + SIDE // 2 + np.arange(falls)) % grid.size
    values = costs.layer("risk")[nodes].copy()
    kept.bound(goal)

    def again():
        kept.clear()
        costs.update("risk", nodes, values)
        kept.bound(goal)
        costs.update("risk", nodes, 0.5 * values)

    benchmark.pedantic(lambda: kept.bound(goal), setup=again, rounds=10)
    benchmark.extra_info["lowered"] = kept.stats.lowered
    assert kept.stats.lowered == 10
