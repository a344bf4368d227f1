"""Changes of several layers in one step: as one by one, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from planners import CostField, GridMap, Layer


def two_layers(dtype: type = np.float64) -> CostField:
    grid = GridMap(np.zeros((2, 3), dtype=bool))
    edges = np.zeros((8, 2, 3))
    layers = [Layer("a", np.ones((2, 3), dtype=dtype), 2.0), Layer("b", np.full((2, 3), 5.0)),
              Layer("way", edges, 3.0)]  # fmt: skip
    return CostField(grid, base=1.0, layers=layers)


def test_several_layers_change_in_one_step() -> None:
    costs, one_by_one = two_layers(), two_layers()
    changes = {"a": ([1, 2, 2], [3.0, 4.0, 4.0]), "way": ([8], [0.5]), "b": ([2, 5], 7.0)}
    costs.update_layers(changes)
    for name, (places, values) in changes.items():
        one_by_one.update(name, places, values)
    assert costs.version == 1 and one_by_one.version == 3
    assert costs.pace.tolist() == one_by_one.pace.tolist()
    assert costs.edge_pace.tolist() == one_by_one.edge_pace.tolist()
    rises = costs.history.rises.since(0)
    assert sorted(np.concatenate([c.places for c in rises if c.per_node]).tolist()) == [1, 2, 5]
    costs.update_layers({})
    assert costs.version == 1


def test_layers_can_be_exchanged() -> None:
    costs = two_layers()
    every = np.arange(6)
    costs.update_layers({"a": (every, costs.layer("b")), "b": (every, costs.layer("a"))})
    assert costs.layer("a").tolist() == [5.0] * 6 and costs.layer("b").tolist() == [1.0] * 6


@pytest.mark.parametrize("wrong", [np.nan, -1.0, 1e39])
def test_one_bad_layer_changes_none(wrong: float) -> None:
    costs = two_layers(np.float32)
    before = [costs.layer(name).copy() for name in costs.layers]
    with pytest.raises(ValueError, match=r"layer 'a' cannot be|beyond float32"):
        costs.update_layers({"b": ([0], [6.0]), "a": ([1], [wrong])})
    assert costs.version == 0 and costs.pace.tolist() == [8.0] * 6
    for name, values in zip(costs.layers, before, strict=True):
        assert np.array_equal(costs.layer(name), values)


def test_what_a_layer_cannot_hold_is_refused_at_weight_zero_too() -> None:
    grid = GridMap(np.zeros((1, 3), dtype=bool))
    costs = CostField(grid, layers=[Layer("a", np.zeros(3, dtype=np.float32), weight=0.0)])
    with pytest.raises(ValueError, match="layer 'a' cannot be inf"):
        costs.update("a", [1], 1e39)
    assert costs.pace.tolist() == [1.0, 1.0, 1.0]
