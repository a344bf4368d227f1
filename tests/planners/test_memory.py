"""Bytes of the work arrays: few a cell, and those of the calling thread."""

from __future__ import annotations

import threading

import numpy as np

from planners import GraphMap, GridMap, plan
from planners.memory import work_bytes


def test_work_arrays_are_a_few_bytes_a_cell():
    grid = GridMap(np.zeros((512, 512), dtype=bool))
    assert work_bytes(grid) == {}
    plan(grid, (0, 0), (5, 9), engine="generic")
    assert 16 <= sum(work_bytes(grid).values()) / grid.size <= 24
    graph = GraphMap([0, 1, 1], [1], [5.0])
    plan(graph, 0, 1, engine="generic")
    assert sum(work_bytes(graph).values()) > 0


def test_each_thread_has_its_own():
    grid = GridMap(np.zeros((8, 8), dtype=bool))
    plan(grid, (0, 0), (5, 7), engine="generic")
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(work_bytes(grid)))
    thread.start()
    thread.join()
    assert elsewhere == [{}]
    assert work_bytes(grid)


def test_an_array_that_is_kept_twice_counts_once():
    grid = GridMap(np.zeros((8, 8), dtype=bool))
    array = np.zeros(10)
    grid.workspaces.first, grid.workspaces.again = array, (array, array[:5])
    assert work_bytes(grid) == {"first": 80}
