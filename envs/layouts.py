"""Layouts: a map with the places that a warehouse needs, as a grid or as an aisle graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from planners import GraphMap, GridMap

from .aisles import (
    bypassable,
    cells_of,
    contract,
    diffuse,
    largest_floor,
    ring,
    within_steps,
)
from .formats import LoadedMap
from .streams import stream

Edge = Literal["north", "east", "south", "west"]
Moves = Literal["four", "eight", "eight-one-free", "eight-any"]
Mask = npt.NDArray[np.bool_]

_ALL = slice(None)
_STRIPS: dict[Edge, tuple[int | slice, int | slice]] = {
    "north": (0, _ALL),
    "east": (_ALL, -1),
    "south": (-1, _ALL),
    "west": (_ALL, 0),
}

# Assumptions, all of them:
HOT_FACES, HOT_PICKS = 0.2, 0.8  # 20 % of the pick faces see 80 % of the picks
SMOOTHING_STEPS = 6  # people stand and pass near a face, not only in front of it
STATIONS_PER_CHARGER, MAX_CHARGERS = 4, 8
PLACED_STATIONS, PLACED_STORAGE = 8, 400  # on maps that name none


@dataclass(frozen=True, eq=False)
class Layout:
    """A map and its places, which all reach each other; arrays are read-only.

    Attributes:
        name: what to call it.
        map: a `GridMap` or a `GraphMap` (see `as_graph`).
        stations: node ids where goods are handed over.
        storage: node ids of the pick faces, free nodes where goods are picked.
        chargers: node ids, never a station.
        pick_density: (size,) float32 >= 0, prior share of the picks near each node, 0 where
            blocked: where people are to be expected.
        pick_share: (len(storage),) float64, share of the picks at each face, sum 1; left out (or
            empty), the density at the faces.
        dropped: free cells of the source that its largest floor does not reach; blocked in `map`.

    Raises:
        ValueError: a place that is blocked, outside, doubled or cut off; no place of a kind; a
            charger on a station; a density or share of the wrong shape or with negative values.
    """

    name: str
    map: GridMap | GraphMap
    stations: tuple[int, ...]
    storage: tuple[int, ...]
    chargers: tuple[int, ...]
    pick_density: npt.NDArray[np.float32]
    pick_share: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    dropped: int = 0

    def __post_init__(self) -> None:
        floor = largest_floor(self.map)
        for kind in ("stations", "storage", "chargers"):
            nodes = tuple(int(node) for node in getattr(self, kind))
            _check_places(kind, nodes, floor)
            object.__setattr__(self, kind, nodes)
        both = set(self.stations) & set(self.chargers)
        if both:
            raise ValueError(f"nodes {sorted(both)} are stations and chargers: choose one")
        density = np.array(self.pick_density, dtype=np.float32)
        _check_shares("pick_density", density, self.map.size)
        density[np.asarray(self.map.blocked).ravel()] = 0.0
        given = self.pick_share if self.pick_share.size else density[list(self.storage)]
        share = np.array(given, dtype=np.float64)
        _check_shares("pick_share", share, len(self.storage))
        share = share / share.sum() if share.sum() > 0 else np.full(share.size, 1 / share.size)
        density.flags.writeable = share.flags.writeable = False
        object.__setattr__(self, "pick_density", density)
        object.__setattr__(self, "pick_share", share)

    def as_graph(self) -> Layout:
        """The same layout as an aisle graph; the layout itself if its map is a graph already.

        Nodes are stations, pick faces, chargers, junctions and dead ends, labelled (row, col);
        corridor cells between them become length. Shortest lengths between places equal those of
        four-connected paths on the grid. Ids change, the order of the places does not.
        """
        if isinstance(self.map, GraphMap):
            return self
        keep = (*self.stations, *self.storage, *self.chargers)
        aisles = contract(self.map, keep, self.pick_density.astype(np.float64))
        node_of = aisles.node_of
        return replace(
            self,
            map=aisles.graph,
            stations=tuple(node_of[list(self.stations)].tolist()),
            storage=tuple(node_of[list(self.storage)].tolist()),
            chargers=tuple(node_of[list(self.chargers)].tolist()),
            pick_density=aisles.density.astype(np.float32),
        )


def _check_places(kind: str, nodes: tuple[int, ...], floor: Mask) -> None:
    if not nodes:
        raise ValueError(f"a layout needs at least one node in {kind}")
    if len(set(nodes)) != len(nodes):
        raise ValueError(f"{kind} names a node twice: {sorted(nodes)[:10]} ...")
    for node in nodes:
        if not 0 <= node < floor.size:
            raise ValueError(f"{kind}: node {node} is outside the map, ids 0..{floor.size - 1}")
        if not floor[node]:
            raise ValueError(f"{kind}: node {node} is blocked or cut off from the largest floor")


def _check_shares(name: str, values: npt.NDArray[np.floating], size: int) -> None:
    if values.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), not {values.shape}")
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        raise ValueError(f"{name} must be finite and >= 0, found {values[wrong.argmax()]}")


@lru_cache(maxsize=8)
def built_in(seed: int = 0) -> Layout:
    """The built-in warehouse: `fulfilment` with its defaults, 33 rows x 57 columns.

    8 x 13 pod blocks of 2 x 3 cells in aisles one cell wide, 56 stations along north and south.

    >>> built_in().map.shape
    (33, 57)
    """
    return fulfilment(seed=seed, name="built-in")


def fulfilment(
    block_rows: int = 8,
    block_cols: int = 13,
    *,
    pod_rows: int = 2,
    pod_cols: int = 3,
    corridor: int = 1,
    apron: int = 4,
    side: int = 3,
    station_edges: Sequence[Edge] = ("north", "south"),
    station_every: int = 2,
    pillar_every: int = 4,
    cell_size_m: float = 1.0,
    moves: Moves = "four",
    seed: int = 0,
    name: str = "fulfilment",
) -> Layout:
    """A fulfilment warehouse: rows of pod blocks, aisles on all sides, stations along the edges.

    The map follows from the parameters; the seed only decides which faces are popular.

    Args:
        block_rows, block_cols: number of pod blocks down and across.
        pod_rows, pod_cols: cells of one block, 2 x 3 (assumption).
        corridor: width of the aisles between blocks in cells.
        apron, side: open floor above and below, left and right of the blocks, in cells.
        station_edges: edges with a strip of stations and pillars outside the open floor.
        station_every, pillar_every: a pillar every 4 cells of a strip and a station every 2
            (assumptions); a station never replaces a pillar.
        cell_size_m, moves: passed to `GridMap`.
        seed: of the popularity of the pick faces.
        name: of the layout.

    Raises:
        ValueError: a count below 1, an unknown edge, or a spacing that leaves no station.
    """
    _check_counts(block_rows=block_rows, block_cols=block_cols, pod_rows=pod_rows)
    _check_counts(pod_cols=pod_cols, corridor=corridor, apron=apron, side=side)
    _check_counts(station_every=station_every, pillar_every=pillar_every)
    edges = set(station_edges)
    if not edges or not edges <= set(_STRIPS):
        raise ValueError(f"station_edges must name some of {', '.join(_STRIPS)}: {station_edges!r}")
    top, left = apron + ("north" in edges), side + ("west" in edges)
    bottom, right = apron + ("south" in edges), side + ("east" in edges)
    in_pod_row = np.arange(block_rows * (pod_rows + corridor) - corridor) % (pod_rows + corridor)
    in_pod_col = np.arange(block_cols * (pod_cols + corridor) - corridor) % (pod_cols + corridor)
    blocks = np.logical_and.outer(in_pod_row < pod_rows, in_pod_col < pod_cols)
    pods = np.pad(blocks, ((top, bottom), (left, right)))
    pillars, stations = _strips(pods.shape, edges, station_every, pillar_every)
    if not stations.any():
        raise ValueError(
            f"no room for a station with station_every={station_every}, "
            f"pillar_every={pillar_every}: use a larger pillar_every"
        )
    faces = ring(pods)[::2].any(axis=0) & ~pods
    grid = GridMap(pods | pillars, cell_size_m, moves)
    return _furnished(name, grid, stations.ravel(), faces.ravel(), seed)


def _check_counts(**counts: int) -> None:
    for key, count in counts.items():
        if count < 1:
            raise ValueError(f"{key} must be at least 1, not {count}")


def _strips(
    shape: tuple[int, int], edges: set[Edge], station_every: int, pillar_every: int
) -> tuple[Mask, Mask]:
    """(pillars, stations) along the given edges; two strips meet in a pillar."""
    pillars, stations = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    crossings = np.zeros(shape, dtype=np.int8)
    for edge in sorted(edges):
        strip = _STRIPS[edge]
        place = np.arange(pillars[strip].size)
        pillars[strip] |= place % pillar_every == 0
        stations[strip] |= place % station_every == station_every // 2
        crossings[strip] += 1
    pillars |= crossings > 1
    return pillars, stations & ~pillars


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
    return _furnished(loaded.name, grid, stations, storage, seed)


def _furnished(name: str, grid: GridMap, stations: Mask, storage: Mask, seed: int) -> Layout:
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


def ascii_preview(layout: Layout, max_cols: int = 120) -> str:
    """The layout as text: ``#`` blocked, ``.`` free, ``S`` pick face, ``E`` station, ``C`` charger.

    A wider map is shrunk by a whole factor; a character then shows the most telling of its square.
    An aisle graph shows its nodes only.

    >>> print(ascii_preview(fulfilment(1, 2, apron=1, side=1, station_edges=("north",))))
    #ECE#E.E#
    .........
    """
    if max_cols < 1:
        raise ValueError(f"max_cols must be at least 1, not {max_cols}")
    everyone = np.arange(layout.map.size)
    if isinstance(layout.map, GridMap):
        cells, rank = layout.map.cells(everyone), np.ones(layout.map.shape, dtype=np.int8)
    else:
        cells = cells_of(layout.map)
        rank = np.zeros(tuple(cells.max(axis=0) + 1), dtype=np.int8)
    nodes = everyone[~np.asarray(layout.map.blocked).ravel()]
    kinds = (nodes, layout.storage, layout.stations, layout.chargers)
    for value, members in enumerate(kinds, start=2):
        rank[tuple(cells[list(members)].T)] = value
    factor = -(-rank.shape[1] // max_cols)
    tall, wide = (-(-side // factor) for side in rank.shape)
    padded = np.zeros((tall * factor, wide * factor), dtype=np.int8)
    padded[: rank.shape[0], : rank.shape[1]] = rank
    shrunk = padded.reshape(tall, factor, wide, factor).max(axis=(1, 3))
    return "\n".join("".join(" #.SEC"[value] for value in row).rstrip() for row in shrunk.tolist())
