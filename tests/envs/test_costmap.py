"""Costmaps of Nav2 as maps and layers: values, rows, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from envs.formats import costmap_of, load_costmap
from planners import CostField, GridMap, Layer, plan


def test_cost_values():
    grid, layer = load_costmap(np.array([[0, 1, 252, 253, 254, 255]]), cell_size_m=0.05)
    assert grid.blocked.tolist() == [[False, False, False, True, True, True]]
    assert grid.cell_size_m == 0.05
    assert np.allclose(layer.values, [[0, 2 / 252, 2, 0, 0, 0]])
    free, layer = load_costmap(np.array([[255, 0]]), cell_size_m=1.0, unknown="free")
    assert not free.blocked.any() and not np.any(layer.values)


def test_a_costmap_bends_the_way_as_in_the_planner_that_the_rule_is_from():
    costs = np.zeros((3, 5), dtype=np.uint8)
    costs[1, 1:4] = 252
    grid, layer = load_costmap(costs, cell_size_m=1.0, moves="four")
    field = CostField(grid, base=1.0, layers=[layer])
    assert plan(grid, (1, 0), (1, 4), costs=field).cost == 6.0, "round: 6 m, through: 1 + 3 x 3 m"
    through = load_costmap(costs, cell_size_m=1.0, moves="four", extra_at_252=0.5)[1]
    assert plan(grid, (1, 0), (1, 4), costs=CostField(grid, layers=[through])).cost == 5.5


def test_messages_begin_at_the_bottom():
    message = np.array([[0, 0], [254, 0]])
    top, _ = load_costmap(message, cell_size_m=1.0)
    bottom, _ = load_costmap(message, cell_size_m=1.0, first_row="bottom")
    assert top.blocked.tolist() == [[False, False], [True, False]]
    assert bottom.blocked.tolist() == [[True, False], [False, False]]
    assert costmap_of(bottom, np.zeros(4), first_row="bottom").tolist() == message.tolist()


def test_published_occupancy_values_are_costs_again():
    costs = np.arange(256)
    published = np.where(costs > 0, 1 + 97 * (costs - 1) // 251, 0)  # the publisher's table
    published[[253, 254, 255]] = 99, 100, -1
    grid, layer = load_costmap(published[None], cell_size_m=1.0, scale="occupancy")
    assert grid.blocked[0].tolist() == (costs >= 253).tolist()
    again = costmap_of(grid, layer.values)[0]
    assert np.abs(again[:253].astype(int) - costs[:253]).max() <= 2, "98 levels stand for 252"
    assert np.array_equal(1 + 97 * (again[1:253].astype(int) - 1) // 251, published[1:253])


def test_a_layer_goes_out_saturated_and_blocked_is_lethal():
    grid = GridMap([[0, 0, 1, 0]])
    assert costmap_of(grid, [1.0, 5.0, 9.0, 0.0]).tolist() == [[126, 252, 254, 0]]
    costs = CostField(grid, layers=[Layer("risk", [[0.5, 2.0, 0.0, 0.25]])])
    assert costmap_of(grid, costs.layer("risk"), extra_at_252=4.0).tolist() == [[32, 126, 254, 16]]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: load_costmap(np.array([[0.5]]), cell_size_m=1.0), "whole numbers"),
        (lambda: load_costmap(np.array([[256]]), cell_size_m=1.0), "0 to 255"),
        (lambda: load_costmap(np.array([[1]])), "cell_size_m="),
        (lambda: load_costmap(np.array([[1]]), cell_size_m=1.0, extra_at_252=0), "extra_at_252"),
        (lambda: load_costmap(np.array([[1]]), cell_size_m=1.0, scale="x"), "or 'occupancy', not"),
        (lambda: load_costmap(np.array([[1]]), cell_size_m=1.0, unknown="x"), "unknown must be"),
        (lambda: costmap_of(GridMap([[0, 0]]), [1.0]), "each of 2 cells"),
        (lambda: costmap_of(GridMap([[0, 0]]), [1.0, np.inf]), "finite"),
    ],
)
def test_costmap_arguments(call, reason):
    with pytest.raises(ValueError, match=reason):
        call()
