"""Where stations, pick faces and chargers go on a floor that does not say so."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from planners import GridMap

from ..aisles import bypassable, diffuse, largest_floor, ring, within_steps
from ..streams import stream
from .layout import Layout, Mask

# Assumptions, all of them:
HOT_FACES, HOT_PICKS = 0.2, 0.8  # 20 % of the pick faces see 80 % of the picks
SMOOTHING_STEPS = 6  # people stand and pass near a face, not only in front of it
STATIONS_PER_CHARGER, MAX_CHARGERS = 4, 8
PLACED_STATIONS, PLACED_STORAGE = 8, 400  # on maps that name none


def furnished(name: str, grid: GridMap, stations: Mask, storage: Mask, seed: int) -> Layout:
    """A layout on the largest floor of a grid, from (cells,) masks of the places that it names."""
    floor = largest_floor(grid)
    size = int(floor.sum())
    if size < 3:
        raise ValueError(
            f"the largest floor of {name} has {size} cells: "
            "a station, a pick face and a charger need at least 3"
        )
    dropped = grid.size - int(grid.blocked.sum()) - size
    if dropped:
        grid = GridMap(~floor.reshape(grid.shape), grid.cell_size_m, grid.moves)
    named = stations & floor
    stations = _at_most(named, size - 2) if named.any() else _placed_stations(grid, storage, seed)
    named = storage & floor & ~stations
    room = size - int(stations.sum()) - 1
    storage = _at_most(named if named.any() else _placed_storage(grid, stations, seed), room)
    chargers = _placed_chargers(grid, stations, storage)
    share = _popularity(int(storage.sum()), stream(seed, "layout.popularity"))
    density = np.zeros(grid.size)
    density[storage] = share
    density = diffuse(grid, density, SMOOTHING_STEPS)
    stations_, storage_ = (tuple(np.flatnonzero(mask).tolist()) for mask in (stations, storage))
    return Layout(
        name, grid, stations_, storage_, chargers, density.astype(np.float32), share, dropped
    )


def _at_most(mask: Mask, count: int) -> Mask:
    """The first so many cells of a mask: a floor full of one kind leaves room for the others."""
    kept = np.zeros_like(mask)
    kept[np.flatnonzero(mask)[:count]] = True
    return kept


def _first_of(*masks: Mask) -> npt.NDArray[np.int64]:
    """The nodes of the first mask that has any."""
    return next(nodes for nodes in map(np.flatnonzero, masks) if nodes.size).astype(np.int64)


def _spread(grid: GridMap, nodes: npt.NDArray[np.int64], count: int, first: int) -> list[int]:
    """So many of the nodes, each next one the farthest from those before; ties to the lower id."""
    positions = grid.positions_m(nodes)
    chosen = [first]
    gap = np.full(nodes.size, math.inf)
    while len(chosen) < min(count, nodes.size):
        gap = np.minimum(gap, np.hypot(*(positions - positions[chosen[-1]]).T))
        chosen.append(int(gap.argmax()))
    return sorted(nodes[chosen].tolist())


def _placed_stations(grid: GridMap, storage: Mask, seed: int) -> Mask:
    floor: Mask = ~grid.blocked.ravel()
    nodes = _first_of(bypassable(grid.blocked).ravel() & ~storage, floor & ~storage, floor)
    count = min(PLACED_STATIONS, max(1, int(floor.sum()) // 10))
    first = int(stream(seed, "layout.stations").integers(nodes.size))
    stations = np.zeros_like(floor)
    stations[_spread(grid, nodes, count, first)] = True
    return stations


def _placed_storage(grid: GridMap, stations: Mask, seed: int) -> Mask:
    floor: Mask = ~grid.blocked.ravel()
    beside_wall = ~ring(~grid.blocked)[::2].all(axis=0).ravel()
    nodes = _first_of(floor & beside_wall & ~stations, floor & ~stations)
    count = min(PLACED_STORAGE, max(1, int(floor.sum()) // 10), nodes.size)
    storage = np.zeros_like(floor)
    storage[stream(seed, "layout.storage").choice(nodes, count, replace=False)] = True
    return storage


def _placed_chargers(grid: GridMap, stations: Mask, storage: Mask) -> tuple[int, ...]:
    plain = ~grid.blocked.ravel() & ~stations & ~storage
    open_ = bypassable(grid.blocked).ravel() & plain
    near = within_steps(grid, np.flatnonzero(stations).tolist(), steps=1)
    nodes = _first_of(near & open_, open_, near & plain, plain)
    count = min(MAX_CHARGERS, max(1, int(stations.sum()) // STATIONS_PER_CHARGER), nodes.size)
    exits = ring(~grid.blocked)[::2].sum(axis=0).ravel()[nodes]
    nodes = nodes[exits <= np.sort(exits)[count - 1]]  # bays before open floor
    return tuple(_spread(grid, nodes, count, first=0))


def _popularity(count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(count,) shares of picks, sum 1: exponential in rank, rate by the 80 / 20 rule, shuffled."""
    low, high = 1e-6, 500.0
    for _ in range(60):  # the share of the hottest faces rises with the rate: halve the bracket
        rate = (low + high) / 2
        enough = math.expm1(-rate * HOT_FACES) / math.expm1(-rate) >= HOT_PICKS
        low, high = (low, rate) if enough else (rate, high)
    shares = np.diff(np.expm1(-rate * np.linspace(0.0, 1.0, count + 1)) / math.expm1(-rate))
    return np.asarray(rng.permutation(shares))
