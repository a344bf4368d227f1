"""Waypoints lead and can never break a bound."""

from __future__ import annotations

import numpy as np
import pytest
from instances import open_grid, random_graph, random_grid
from oracles import RELATIVE, dijkstra

from planners import GridMap, check, plan, waypoint_guidance


@pytest.mark.parametrize("make", [random_grid, random_graph])
@pytest.mark.parametrize("trusted", [True, False])
def test_random_waypoints_keep_the_bound_of_every_strategy(make, trusted):
    for k in range(300):
        rng = np.random.default_rng([91, k])
        problem = make(rng)
        stops = [problem.map.label(int(v)) for v in rng.integers(0, problem.map.size, 3)]
        guidance = waypoint_guidance(problem.map, *problem.ends, stops, problem.costs, trusted)
        optimum = dijkstra(problem.adjacency, problem.start)[problem.goal]
        for strategy, w in (("wastar", 1.5), ("astar", 1.0), ("llm-astar-proved", 1.5)):
            weight = None if strategy == "astar" else w
            result = plan(problem.map, *problem.ends, costs=problem.costs, strategy=strategy,
                          weight=weight, guidance=guidance)  # fmt: skip
            check(problem.map, result, problem.costs, exact=True)
            if result.status == "found":
                assert result.cost <= w * optimum * (1 + RELATIVE) + 1e-12


def test_the_estimate_is_the_rule_on_a_line():
    """To the goal, plus to the end of one's own leg: on (0, 0) (0, 4) (0, 2), stop first at 4."""
    grid = GridMap(np.zeros((1, 5)), moves="four")
    guidance = waypoint_guidance(grid, (0, 0), (0, 2), [(0, 4)])
    assert np.allclose(guidance.estimate, [2 + 4, 1 + 3, 0 + 0, 1 + 1, 2 + 2], atol=1e-6)
    assert guidance.waypoints == (4,) and guidance.lead_weight == 1.0


def test_without_waypoints_it_is_twice_h():
    problem = open_grid(0)
    alone = waypoint_guidance(problem.map, *problem.ends, [], problem.costs)
    same = waypoint_guidance(problem.map, *problem.ends, [*problem.ends], problem.costs)
    assert np.array_equal(alone.estimate, same.estimate) and same.waypoints == ()
    result = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=2,
                  guidance=alone)  # fmt: skip
    plain = plan(problem.map, *problem.ends, costs=problem.costs, strategy="wastar", weight=2)
    assert result.cost == pytest.approx(plain.cost, rel=0.2)


def test_what_cannot_be_passed_is_skipped_and_what_is_outside_refused():
    grid = GridMap([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    stops = [(0, 0), (1, 1), (0, 2), (0, 2), (2, 2)]
    assert waypoint_guidance(grid, (0, 0), (2, 2), stops).waypoints == (2,)
    with pytest.raises(ValueError, match="outside"):
        waypoint_guidance(grid, (0, 0), (2, 2), [(3, 0)])
