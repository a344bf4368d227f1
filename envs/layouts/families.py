"""Families of warehouses: walls follow from the parameters, popularity from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from planners import GridMap

from ..aisles import ring
from .layout import Layout, Mask
from .places import furnished

Edge = Literal["north", "east", "south", "west"]
Moves = Literal["four", "eight", "eight-one-free", "eight-any"]

_ALL = slice(None)
_STRIPS: dict[Edge, tuple[int | slice, int | slice]] = {
    "north": (0, _ALL),
    "east": (_ALL, -1),
    "south": (-1, _ALL),
    "west": (_ALL, 0),
}


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
    return furnished(name, grid, stations.ravel(), faces.ravel(), seed)


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
