"""Corridors lead and can never break a bound."""

from __future__ import annotations

import numpy as np
import pytest
from instances import random_graph, random_grid

from planners import GraphMap, GridMap, check, corridor_guidance, plan


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("trusted", [True, False])
def test_random_corridors_keep_the_bound(make, trusted):
    for k in range(150):
        rng = np.random.default_rng([92, k])
        problem = make(rng)
        if isinstance(problem.map, GraphMap) and problem.map.position_m is None:
            continue
        points = [problem.map.label(int(v)) for v in rng.integers(0, problem.map.size, 3)]
        width = float(rng.uniform(0.5, 4))
        guidance = corridor_guidance(problem.map, points, width, problem.costs, trusted)
        result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar",
                      weight=1.5, guidance=guidance)  # fmt: skip
        check(problem.map, result, problem.costs, exact=True)


def test_a_node_is_repelled_by_its_way_back():
    """Two metres per cell, an axis along row 1 and then down column 3, two metres wide."""
    guidance = corridor_guidance(GridMap(np.zeros((5, 5)), cell_size_m=2.0),
                                 [(1, 0), (1, 3), (4, 3)], width_m=2.0)  # fmt: skip
    (reward,) = guidance.rewards
    values = np.reshape(reward.values, (5, 5))
    assert np.all(values[1, :4] == 0) and np.all(values[1:, 3] == 0)
    assert values[0, 0] == pytest.approx(-1.0)  # one cell off the axis, half the width inside
    assert values[4, 0] == pytest.approx(-(6.0 - 1.0))
    assert values[3, 1] == pytest.approx(-(4.0 - 1.0))


def test_the_search_stays_inside_where_it_may():
    """Two ways of equal cost around a block: the corridor decides."""
    blocked = np.zeros((21, 21), dtype=bool)
    blocked[5:16, 5:16] = True
    grid = GridMap(blocked, moves="four")
    for corner in ((0, 20), (20, 0)):
        guide = corridor_guidance(grid, [(0, 0), corner, (20, 20)], width_m=4.0)
        result = plan(grid, (0, 0), (20, 20), strategy="wastar", weight=1.5, guidance=guide)
        assert result.cost == 40
        below = float((result.path.cells[:, 0] > result.path.cells[:, 1]).mean())
        assert (corner[0] > 0) == (below > 0.5)


def test_bad_corridors_are_refused_in_words():
    grid = GridMap(np.zeros((3, 3)))
    for points, width, words in (
        ([(0, 0)], 1.0, "two points"),
        ([(0, 0), (3, 3)], 1.0, "outside"),
        ([(0, 0), (2, 2)], 0.0, "width_m"),
        ([(0, 0), (2, 2)], float("nan"), "width_m"),
    ):
        with pytest.raises(ValueError, match=words):
            corridor_guidance(grid, points, width)
    with pytest.raises(ValueError, match="positions"):
        corridor_guidance(GraphMap([0, 1, 1], [1], [1.0]), [0, 1], 1.0)
