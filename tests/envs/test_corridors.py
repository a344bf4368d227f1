"""Aisles: the corridors of a map by the stated rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.corridors import CROSSING, SHORTEST, WIDE, corridors
from envs.layouts import READY, ready
from planners import GraphMap, GridMap


def cells(grid: GridMap, aisle: tuple[int, ...]) -> list[tuple[int, int]]:
    return [grid.cell(node) for node in aisle]


def test_the_built_in_floor_has_its_aisles() -> None:
    grid = ready("built-in").map
    assert isinstance(grid, GridMap)
    found = [cells(grid, aisle) for aisle in corridors(grid)]
    assert len(found) == 19
    across = [aisle for aisle in found if len({col for _, col in aisle}) == 1]
    along = [aisle for aisle in found if len({row for row, _ in aisle}) == 1]
    assert [aisle[0] for aisle in across] == [(5, 6 + 4 * k) for k in range(12)]
    assert [aisle[0] for aisle in along] == [(7 + 3 * k, 3) for k in range(7)]
    assert (7, 6) in across[0] and (7, 6) in along[0]  # a crossing is of both


def test_two_cells_are_an_aisle_and_three_are_a_hall() -> None:
    for wide, count in ((1, 1), (2, 1), (3, 0)):
        blocked = np.ones((wide + 2, 9), dtype=bool)
        blocked[1:-1] = False
        found = corridors(GridMap(blocked))
        assert [len(aisle) for aisle in found] == [wide * 9] * count


def test_an_aisle_goes_on_behind_a_crossing_but_not_behind_a_hall() -> None:
    for gap, count in ((CROSSING, 1), (CROSSING + 1, 2)):
        blocked = np.ones((11, 10 + gap), dtype=bool)
        blocked[5] = False
        blocked[:, 5 : 5 + gap] = False
        across = [a for a in corridors(GridMap(blocked)) if len(a) >= 5]
        assert len([a for a in across if a[0] // (10 + gap) == 5]) == count


def test_a_niche_is_no_aisle() -> None:
    blocked = np.ones((3, SHORTEST + 1), dtype=bool)
    blocked[1, : SHORTEST - 1] = False
    assert corridors(GridMap(blocked)) == ()


@pytest.mark.parametrize("name", READY)
def test_aisles_of_ready_layouts_are_free_and_distinct(name: str) -> None:
    layout = ready(name)
    found = corridors(layout.map)
    assert found and len(set(found)) == len(found)
    assert not any(layout.map.is_blocked(node) for aisle in found for node in aisle)
    graph = layout.as_graph().map
    assert corridors(graph) == corridors(graph)


def test_on_a_graph_chains_between_junctions_are_aisles() -> None:
    """0 and 5 are junctions joined by 1 - 2, by 3, and by 4; 6 and 7 hang on 0 and 5."""
    pairs = [(0, 1), (1, 2), (2, 5), (0, 3), (3, 5), (0, 4), (4, 5), (0, 6), (5, 7)]
    both = sorted([*pairs, *((b, a) for a, b in pairs)])
    counts = np.bincount([a for a, _ in both], minlength=8)
    indptr = np.concatenate(([0], np.cumsum(counts)))
    graph = GraphMap(indptr, [b for _, b in both], np.ones(len(both)))
    assert corridors(graph) == ((1, 2), (3,), (4,))
    assert corridors(graph.with_blocked([3], True)) == ((1, 2), (4,))
    ring = GraphMap([0, 1, 2, 3], [1, 2, 0], np.ones(3))
    assert corridors(ring) == ((0, 1, 2),)


@given(seed=st.integers(0, 500), share=st.floats(0.1, 0.6))
@settings(max_examples=60, deadline=None)
def test_every_aisle_is_one_free_long_piece_with_a_narrow_cell(seed: int, share: float) -> None:
    grid = GridMap(np.random.default_rng(seed).random((12, 14)) < share)
    free = ~grid.blocked
    turned = GridMap(grid.blocked.T)
    for aisle in corridors(grid):
        at = np.array(cells(grid, aisle))
        assert free[tuple(at.T)].all()
        sides = np.ptp(at, axis=0) + 1
        assert sides.max() >= SHORTEST
        runs = [min(_run(free, cell, 0), _run(free, cell, 1)) for cell in at.tolist()]
        assert min(runs) <= WIDE
    swapped = {frozenset((c, r) for r, c in cells(turned, aisle)) for aisle in corridors(turned)}
    assert swapped == {frozenset(cells(grid, aisle)) for aisle in corridors(grid)}


def _run(free: np.ndarray, cell: list[int], axis: int) -> int:
    """How many free cells the straight run through a cell has."""
    count = 1
    for sign in (-1, 1):
        at = list(cell)
        at[axis] += sign
        while 0 <= at[axis] < free.shape[axis] and free[tuple(at)]:
            count += 1
            at[axis] += sign
    return count
