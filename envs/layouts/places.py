"""Where stations, pick faces and chargers go on a floor that does not say so."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from planners import GraphMap, GridMap

from ..aisles import bypassable, diffuse, largest_floor, ring, within_steps
from ..streams import stream
from ..zones import Zone
from .layout import Layout, Mask

Map = GridMap | GraphMap
M = TypeVar("M", GridMap, GraphMap)
Ids = npt.NDArray[np.int64]

# Assumptions, all of them:
HOT_FACES, HOT_PICKS = 0.2, 0.8  # 20 % of the pick faces see 80 % of the picks
SMOOTHING_STEPS = 6  # people stand and pass near a face, not only in front of it
STATIONS_PER_CHARGER, MAX_CHARGERS = 4, 8
PLACED_STATIONS, PLACED_STORAGE = 8, 400  # on maps that name none


def furnished(name: str, grid: GridMap, stations: Mask, storage: Mask, seed: int) -> Layout:
    """A layout on the largest floor of a grid, from (cells,) masks of the places that it names.

    What is named fills the floor at most up to the last two cells, so that there is room for a
    place of every kind; where the floor is smaller than that, a cell serves for several.
    """
    grid, dropped = on_largest_floor(grid)
    floor: Mask = ~grid.blocked.ravel()
    room = max(1, int(floor.sum()) - 2)
    named = stations & floor
    stations = (
        _at_most(named, room)
        if named.any()
        else mask_of(grid, stations_by_rule(grid, storage, seed))
    )
    named = storage & floor & ~stations
    if not named.any():
        named = mask_of(grid, storage_by_rule(grid, stations, seed))
    storage = _at_most(named, max(1, room + 1 - int(stations.sum())))
    chargers = chargers_by_rule(grid, stations, storage)
    places = (np.flatnonzero(stations), np.flatnonzero(storage), chargers)
    return assembled(name, grid, places, seed, dropped=dropped)


def on_largest_floor(map: M) -> tuple[M, int]:
    """The map with the free nodes blocked that its largest floor does not reach; how many."""
    floor = largest_floor(map)
    lost = ~floor & ~np.asarray(map.blocked).ravel()
    dropped = int(lost.sum())
    if not dropped:
        return map, 0
    if isinstance(map, GridMap):
        return GridMap(~floor.reshape(map.shape), map.cell_size_m, map.moves, map.one_way), dropped
    return map.with_blocked(np.flatnonzero(lost), True), dropped


def assembled(
    name: str, map: Map, places: tuple[Ids, Ids, Ids], seed: int, *, dropped: int = 0,
    zones: tuple[Zone, ...] = (), charger_w: tuple[float, ...] = (),
) -> Layout:  # fmt: skip
    """A layout of given (stations, storage, chargers); popularity and density are drawn."""
    stations, storage, chargers = (tuple(nodes.tolist()) for nodes in places)
    share = popularity(len(storage), stream(seed, "layout.popularity"))
    density = np.zeros(map.size)
    density[list(storage)] = share
    density = diffuse(map, density, SMOOTHING_STEPS)
    return Layout(
        name, map, stations, storage, chargers, density.astype(np.float32), share, dropped, zones,
        charger_w,
    )  # fmt: skip


def mask_of(map: Map, nodes: npt.ArrayLike) -> Mask:
    """(size,) mask of node ids."""
    mask = np.zeros(map.size, dtype=np.bool_)
    mask[np.asarray(nodes, dtype=np.int64)] = True
    return mask


def _at_most(mask: Mask, count: int) -> Mask:
    """The first so many cells of a mask: a floor full of one kind leaves room for the others."""
    kept = np.zeros_like(mask)
    kept[np.flatnonzero(mask)[:count]] = True
    return kept


def first_of(*masks: Mask) -> Ids:
    """The nodes of the first mask that has any."""
    return next(nodes for nodes in map(np.flatnonzero, masks) if nodes.size).astype(np.int64)


def spread(map: Map, nodes: Ids, count: int, first: int, beside: Ids | None = None) -> Ids:
    """So many of the nodes, each next one the farthest from those before; ties to the lower id.

    Args:
        map: whose positions count, in a straight line.
        nodes: to choose from, at least one.
        count: how many, at most all.
        first: index in `nodes` of the one to begin with.
        beside: chosen before, to keep away from; `first` is not looked at then.
    """
    positions = map.positions_m(nodes)
    gap = np.full(nodes.size, math.inf)
    for place in map.positions_m(() if beside is None else beside):
        gap = np.minimum(gap, np.hypot(*(positions - place).T))
    chosen = [first if beside is None or not beside.size else int(gap.argmax())]
    while len(chosen) < min(count, nodes.size):
        gap = np.minimum(gap, np.hypot(*(positions - positions[chosen[-1]]).T))
        gap[chosen] = -1.0  # several nodes may share one position
        chosen.append(int(gap.argmax()))
    return np.sort(nodes[chosen])


def stations_by_rule(grid: GridMap, storage: Mask, seed: int, count: int | None = None) -> Ids:
    """Cells that block no aisle, far from each other, the first one drawn."""
    floor: Mask = ~grid.blocked.ravel()
    nodes = first_of(bypassable(grid.blocked).ravel() & ~storage, floor & ~storage, floor)
    if count is None:
        count = min(PLACED_STATIONS, max(1, int(floor.sum()) // 10))
    first = int(stream(seed, "layout.stations").integers(nodes.size))
    return spread(grid, nodes, count, first)


def storage_by_rule(grid: GridMap, stations: Mask, seed: int, count: int | None = None) -> Ids:
    """Cells drawn among those beside a wall."""
    floor: Mask = ~grid.blocked.ravel()
    beside_wall = ~ring(~grid.blocked)[::2].all(axis=0).ravel()
    nodes = first_of(floor & beside_wall & ~stations, floor & ~stations, floor)
    if count is None:
        count = min(PLACED_STORAGE, max(1, int(floor.sum()) // 10))
    drawn = stream(seed, "layout.storage").choice(nodes, min(count, nodes.size), replace=False)
    return np.sort(drawn)


def chargers_by_rule(grid: GridMap, stations: Mask, storage: Mask, count: int | None = None) -> Ids:
    """Cells beside a station that block no aisle, bays and corners first, far from each other."""
    floor: Mask = ~grid.blocked.ravel()
    plain = floor & ~stations & ~storage
    open_ = bypassable(grid.blocked).ravel() & plain
    near = within_steps(grid, np.flatnonzero(stations).tolist(), steps=1)
    nodes = first_of(near & open_, open_, near & plain, plain, floor & ~stations, floor)
    if count is None:
        count = min(MAX_CHARGERS, max(1, int(stations.sum()) // STATIONS_PER_CHARGER))
    count = min(count, nodes.size)
    exits = ring(~grid.blocked)[::2].sum(axis=0).ravel()[nodes]
    nodes = nodes[exits <= np.sort(exits)[count - 1]]  # bays before open floor
    return spread(grid, nodes, count, first=0)


def popularity(count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(count,) shares of picks, sum 1: exponential in rank, rate by the 80 / 20 rule, shuffled."""
    low, high = 1e-6, 500.0
    for _ in range(60):  # the share of the hottest faces rises with the rate: halve the bracket
        rate = (low + high) / 2
        enough = math.expm1(-rate * HOT_FACES) / math.expm1(-rate) >= HOT_PICKS
        low, high = (low, rate) if enough else (rate, high)
    shares = np.diff(np.expm1(-rate * np.linspace(0.0, 1.0, count + 1)) / math.expm1(-rate))
    return np.asarray(rng.permutation(shares))
