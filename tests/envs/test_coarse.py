"""Fine maps made coarse enough to be walked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.formats import LoadedMap, coarsen
from planners import GridMap


def loaded_of(blocked, cell_size_m):
    grid = GridMap(blocked, cell_size_m)
    return LoadedMap("fine", grid, np.where(grid.blocked, 64, 46).astype(np.uint8), "movingai")


def test_coarse_cells_keep_the_lower_left_corner():
    fine = np.zeros((5, 5))
    fine[4, 0] = 1
    coarse = coarsen(loaded_of(fine, 0.5)).grid
    assert coarse.cell_size_m == 1.0
    assert coarse.blocked.tolist() == [[True, True, True], [False, False, True],
                                       [True, False, True]]  # fmt: skip


def test_a_thin_wall_stays_under_any_and_vanishes_under_most():
    fine = np.zeros((20, 40))
    fine[:, 19] = 1
    assert coarsen(loaded_of(fine, 0.1)).grid.blocked.tolist() == [[False, True, False, False]] * 2
    assert not coarsen(loaded_of(fine, 0.1), rule="most").grid.blocked.any(), "the unsafe rule"


def test_what_is_coarse_stays():
    loaded = loaded_of(np.eye(5), 1.0)
    assert coarsen(loaded) is loaded
    assert coarsen(loaded, 1.4) is loaded
    for bad in ({"cell_size_m": 0.0}, {"rule": "some"}):
        with pytest.raises(ValueError, match="must be"):
            coarsen(loaded, **bad)


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(2, 5), st.integers(0, 2**32))
def test_a_free_coarse_cell_is_free_all_over(rows, cols, factor, seed):
    fine = np.random.default_rng(seed).random((rows, cols)) < 0.2
    coarse = coarsen(loaded_of(fine, 1 / factor)).grid
    shift = coarse.rows * factor - rows
    for row, col in np.argwhere(~coarse.blocked).tolist():
        top = row * factor - shift
        assert top >= 0 and (col + 1) * factor <= cols
        assert not fine[top : top + factor, col * factor : (col + 1) * factor].any()
