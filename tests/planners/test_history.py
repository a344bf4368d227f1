"""The history of a cost field: what rose, what fell, and what had to be forgotten."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planners import CostField, GridMap, Layer
from planners.history import History, Log


def field(**options):
    grid = GridMap(np.zeros((2, 3)))
    return CostField(grid, layers=[Layer("risk", np.full((2, 3), 4.0))], **options)


def test_rises_and_falls_are_told_apart():
    costs = field()
    costs.update("risk", [0, 1, 2], [5.0, 4.0, 1.0])
    (rise,), (fall,) = costs.history.rises.since(0), costs.history.falls.since(0)
    assert (rise.version, rise.places.tolist(), rise.old[0], rise.new[0]) == (1, [0], 5.0, 6.0)
    assert (fall.version, fall.places.tolist(), fall.old[0], fall.new[0]) == (1, [2], 5.0, 2.0)
    assert rise.per_node and fall.per_node
    assert costs.history.falls.since(1) == [] and costs.history.falls.last == 1


def test_what_changes_nothing_is_not_noted():
    costs = field()
    costs.update("risk", [0], [4.0])
    assert costs.version == 1 and costs.history.falls.last == costs.history.rises.last == 0
    off = CostField(costs.map, layers=[Layer("risk", np.ones((2, 3)), weight=0.0)])
    off.update("risk", [0], [0.0])
    assert off.history.falls.last == 0


def test_a_refused_update_is_not_noted():
    costs = field()
    with pytest.raises(ValueError, match="float32"):
        costs.update("risk", [0, 1], [1.0, 1e39])
    with pytest.raises(ValueError, match="finite"):
        costs.update("risk", [0, 1], [1.0, np.nan])
    assert costs.history.falls.last == 0 and costs.history.falls.since(0) == []


def test_layers_per_edge():
    grid = GridMap(np.zeros((1, 2)))
    costs = CostField(grid, layers=[Layer("toll", np.ones((8, 1, 2)))])
    costs.update("toll", [4], [0.0])
    (fall,) = costs.history.falls.since(0)
    assert not fall.per_node and fall.places.tolist() == [4]


def test_a_place_named_twice_has_its_last_value():
    costs = field()
    costs.update("risk", [1, 1], [9.0, 2.0])
    assert costs.history.rises.last == 0
    assert set(costs.history.falls.since(0)[0].new.tolist()) == {3.0}


@given(sizes=st.lists(st.integers(1, 6), max_size=30), room=st.integers(1, 12))
def test_memory_is_bounded_and_nothing_is_missed(sizes, room):
    log, history = Log(room), History(room)
    for version, size in enumerate(sizes, start=1):
        places = np.arange(size, dtype=np.int64)
        old, new = np.ones(size, np.float32), np.zeros(size, np.float32)
        history.record(version, True, places, old, new)
        log = history.falls
        kept = log.since(log.forgotten)
        assert sum(change.places.size for change in kept) <= room
    assert history.rises.last == 0 and log.last == len(sizes)
    for version in range(len(sizes) + 1):
        since = log.since(version)
        if since is None:
            assert version < log.forgotten
        else:
            assert [c.version for c in since] == list(range(len(sizes), version, -1))


def test_a_log_forgets_only_what_does_not_fit():
    places = np.arange(3, dtype=np.int64)
    history = History(3)
    for version, size in ((1, 1), (2, 2), (3, 1)):
        old, new = np.zeros(size, np.float32), np.ones(size, np.float32)
        history.record(version, True, places[:size], old, new)
        assert history.rises.forgotten == max(0, version - 2)
    assert [change.version for change in history.rises.since(1)] == [3, 2]


def test_copies_have_their_own():
    costs = field()
    costs.update("risk", [0], [1.0])
    for twin in (copy.copy(costs), copy.deepcopy(costs), pickle.loads(pickle.dumps(costs))):  # noqa: S301
        twin.update("risk", [1], [1.0])
        assert len(twin.history.falls.since(0)) == 2
    assert len(costs.history.falls.since(0)) == 1
