"""Layouts of a user's own map."""

from __future__ import annotations

import numpy as np

from planners import GridMap
from planners.maps import Moves

from ..formats import LoadedMap
from .layout import Layout
from .places import furnished


def from_map(loaded: LoadedMap, *, moves: Moves = "four", seed: int = 0) -> Layout:
    """A layout of any loaded map, furnished where the map names no places.

    Stations are its ``E`` cells and storage its ``S`` cells (lorr dialect). Only the largest floor
    counts: free cells that it does not reach are blocked and counted in `dropped`. What the map
    does not name is placed by rule (numbers are assumptions): up to 8 stations on cells that block
    no aisle, far from each other, the first one drawn; up to 400 pick faces drawn among the cells
    beside a wall. Chargers follow from the stations: one for every 4, at most 8, beside a station,
    on cells that block no aisle, in bays and corners first, far from each other.

    Args:
        loaded: from `formats.load_map`.
        moves: of the layout's map; the living world is four-connected.
        seed: of everything that is drawn: placed stations and faces, popularity.

    Raises:
        ValueError: a largest floor of fewer than three cells.
    """
    grid = GridMap(loaded.grid.blocked, loaded.grid.cell_size_m, moves)
    stations, storage = np.zeros((2, grid.size), dtype=np.bool_)
    stations[loaded.stations] = True
    storage[loaded.storage] = True
    return furnished(loaded.name, grid, stations, storage, seed)
