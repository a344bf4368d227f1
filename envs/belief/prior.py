"""Where people are to be expected before anything was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..kernels.sense_state import Senses
from .model import BeliefModel
from .senses import shifted_sum

if TYPE_CHECKING:
    from ..layouts import Layout

Values = npt.NDArray[np.float32]


def presence(layout: Layout, staff: int, model: BeliefModel) -> Values:
    """(size,) expected number of people on each node; the sum is `staff`.

    People stand at pick faces and stations for stated shares of their time and otherwise walk where
    picks are dense.
    """
    walking = np.array(layout.pick_density, dtype=np.float32)
    if not walking.any():
        walking[:] = ~np.asarray(layout.map.blocked).reshape(-1)
    walks = 1.0 - model.at_face - model.at_station
    walking *= np.float32(walks / walking.sum(dtype=np.float64))
    walking[list(layout.storage)] += model.at_face * np.asarray(layout.pick_share)
    walking[list(layout.stations)] += model.at_station / len(layout.stations)
    walking *= np.float32(staff)
    return walking


def nearby(values: Values, senses: Senses, cols: int) -> Values:
    """(size,) sum of the values of the nodes within `near_m` of each node, itself among them."""
    if cols:
        grid = values.reshape(-1, cols)
        total = shifted_sum(grid, senses.near_steps, np.dtype(np.float32)).reshape(-1)
        return np.asarray(np.where(senses.solid, np.float32(0.0), total))
    sums = np.concatenate(([0.0], np.cumsum(values[senses.near_ids], dtype=np.float64)))
    return np.asarray(np.diff(sums[senses.near_ptr]), dtype=np.float32)
