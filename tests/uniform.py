"""Maps on which every metre costs the same, and what every engine for them must answer."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from planners import GridMap, PlanResult, check, plan
from planners.check import exact_costs
from planners.kernels import compiled

# One row, one column, and sides around 64, where a line of bits takes another word.
SIDES = (1, 2, 3, 7, 61, 62, 63, 64, 65, 66, 70)
DENSITIES = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6)


def random_map(rng: np.random.Generator, moves: str, most: int = 70) -> GridMap:
    """A map of any shape and density up to `most` cells wide."""
    sides = [side for side in SIDES if side <= most]
    rows, cols = (int(side) for side in rng.choice(sides, 2))
    return GridMap(rng.random((rows, cols)) < rng.choice(DENSITIES), moves=moves)


def drawing(text: str, moves: str = "eight") -> GridMap:
    """A map from lines of `.` (free) and `#` (blocked)."""
    return GridMap([[sign == "#" for sign in line] for line in text.split()], moves=moves)


def judge(grid: GridMap, start: int, goal: int, optimum: float, engine: str) -> PlanResult:
    """The engine's answer, which must be the optimum (to 1e-9), legal, and fully certified."""
    result = plan(grid, start, goal, engine=engine)
    assert (result.engine, result.bound) == (engine, 1.0)
    if math.isinf(optimum):
        assert (result.status, result.path, result.cost) == ("no_path", None, math.inf)
        return result
    assert (result.status, result.certificate) == ("found", 1.0)
    assert math.isclose(result.cost, optimum, rel_tol=1e-9)
    assert (result.path.nodes[0], result.path.nodes[-1]) == (start, goal)
    check(grid, result)
    return result


def judge_all_goals(grid: GridMap, start: int, engine: str, goals=None) -> int:
    """Every free cell (or those given) as a goal, against scipy; how many were judged."""
    optima = exact_costs(grid, start)
    free = np.flatnonzero(~grid.blocked.ravel()) if goals is None else goals
    chosen = [int(goal) for goal in free if goal != start]
    for goal in chosen:
        judge(grid, start, goal, float(optima[goal]), engine)
    return len(chosen)


def same_as_generic(grid: GridMap, start: int, goal: int, engine: str, costs=None) -> None:
    """Status, cost, bound and certificate of the loop."""
    one = plan(grid, start, goal, costs=costs, engine=engine)
    two = plan(grid, start, goal, costs=costs, engine="generic")
    assert (one.status, one.bound, one.certificate) == (two.status, two.bound, two.certificate)
    assert one.cost == two.cost or math.isclose(one.cost, two.cost, rel_tol=1e-9)
    assert (one.path is None) == (two.path is None)
    if one.path is not None:
        assert math.isclose(one.path.length_m, two.path.length_m, rel_tol=1e-9)
        np.testing.assert_array_equal(one.path.cells, grid.cells(one.path.nodes))
        check(grid, one, costs)


def plain_python(monkeypatch) -> None:
    """From here on the engines for uniform costs run their kernels un-jitted."""
    monkeypatch.setattr("planners.uniform.compiled", compiled.ENTRIES.__getitem__)


@st.composite
def queries(draw: st.DrawFn, moves: str) -> tuple[GridMap, int, int]:
    """A map that Hypothesis can shrink, with two of its free cells."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    blocked = draw(hnp.arrays(np.bool_, shape))
    start, goal = draw(st.tuples(*[st.integers(0, blocked.size - 1)] * 2))
    blocked.flat[[start, goal]] = False
    return GridMap(blocked, moves=moves), start, goal
