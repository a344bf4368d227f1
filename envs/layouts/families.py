"""Families of warehouses in blocks: walls follow from the parameters, popularity from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Unpack

import numpy as np

from .layout import Layout, Mask
from .walls import (
    Common,
    Edge,
    blocks,
    built,
    check_counts,
    checked_edges,
    edge_stations,
    faces_of,
    line_of,
)


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
    **common: Unpack[Common],
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
        common: see `Common`.

    Raises:
        ValueError: a count below 1, an unknown edge, or a spacing that leaves no station.
    """
    check_counts(block_rows=block_rows, block_cols=block_cols, pod_rows=pod_rows)
    check_counts(pod_cols=pod_cols, corridor=corridor, apron=apron, side=side)
    check_counts(station_every=station_every, pillar_every=pillar_every)
    edges = checked_edges(station_edges)
    pods = blocks(block_rows, block_cols, pod_rows, pod_cols, corridor, corridor)
    pods = np.pad(np.pad(pods, ((apron, apron), (side, side))), _widths(edges))
    pillars, stations = _strips(pods.shape, edges, station_every, pillar_every)
    return built("fulfilment", pods | pillars, stations, faces_of(pods), **common)


def _widths(edges: set[Edge]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Of the strips before and after the rows, before and after the columns: 1 or 0."""
    north, south, west, east = (int(e in edges) for e in ("north", "south", "west", "east"))
    return (north, south), (west, east)


def _strips(
    shape: tuple[int, int], edges: set[Edge], station_every: int, pillar_every: int
) -> tuple[Mask, Mask]:
    """(pillars, stations) along the given edges; two strips meet in a pillar.

    Raises:
        ValueError: pillars wherever a station would stand.
    """
    pillars, stations = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    crossings = np.zeros(shape, dtype=np.int8)
    for edge in sorted(edges):
        strip = line_of(edge)
        place = np.arange(pillars[strip].size)
        pillars[strip] |= place % pillar_every == 0
        stations[strip] |= place % station_every == station_every // 2
        crossings[strip] += 1
    pillars |= crossings > 1
    stations &= ~pillars
    if not stations.any():
        raise ValueError(
            f"no room for a station with station_every={station_every}, "
            f"pillar_every={pillar_every}: use a larger pillar_every"
        )
    return pillars, stations


def pod_blocks(
    block_rows: int = 7,
    block_cols: int = 9,
    *,
    pod_rows: int = 2,
    pod_cols: int = 5,
    corridor: int = 1,
    apron: int = 5,
    side: int = 3,
    station_edges: Sequence[Edge] = ("south",),
    station_every: int = 6,
    **common: Unpack[Common],
) -> Layout:
    """Blocks of movable pods on open floor, picking stations on one side.

    Args:
        block_rows, block_cols: number of blocks down and across.
        pod_rows, pod_cols: pods of one block, 2 x 5 (assumption).
        corridor: width of the aisles between blocks in cells.
        apron, side: open floor above and below, left and right of the blocks, in cells.
        station_edges, station_every: the outermost cells of these edges hold a station every so
            many cells.
        common: see `Common`.

    Raises:
        ValueError: a count below 1, an unknown edge, or no room for a station.

    >>> pod_blocks(2, 3).map
    GridMap(15 x 23, 285 free, moves='four')
    """
    check_counts(block_rows=block_rows, block_cols=block_cols, pod_rows=pod_rows)
    check_counts(pod_cols=pod_cols, corridor=corridor, apron=apron, side=side)
    check_counts(station_every=station_every)
    pods = blocks(block_rows, block_cols, pod_rows, pod_cols, corridor, corridor)
    pods = np.pad(pods, ((apron, apron), (side, side)))
    stations = edge_stations(pods, station_edges, station_every)
    return built("pod blocks", pods, stations, faces_of(pods), **common)


def sortation(
    chute_rows: int = 13,
    chute_cols: int = 27,
    *,
    gap: int = 1,
    apron: int = 3,
    station_edges: Sequence[Edge] = ("east", "west"),
    station_every: int = 3,
    **common: Unpack[Common],
) -> Layout:
    """A sortation floor: chutes of 1 x 1 cell all over it, loading stations along two edges.

    Goods are handed in at a chute's four sides, which are the pick faces here.

    Args:
        chute_rows, chute_cols: number of chutes down and across.
        gap: cells between two chutes.
        apron: open floor around the chutes, in cells.
        station_edges, station_every: as for `pod_blocks`.
        common: see `Common`.

    Raises:
        ValueError: a count below 1, an unknown edge, or no room for a station.
    """
    check_counts(chute_rows=chute_rows, chute_cols=chute_cols, gap=gap, apron=apron)
    check_counts(station_every=station_every)
    chutes = np.pad(blocks(chute_rows, chute_cols, 1, 1, gap, gap), apron)
    stations = edge_stations(chutes, station_edges, station_every)
    return built("sortation", chutes, stations, faces_of(chutes), **common)


def long_corridors(
    corridors: int = 10,
    length: int = 90,
    *,
    shelf_rows: int = 2,
    width: int = 1,
    head: int = 4,
    station_edges: Sequence[Edge] = ("west",),
    station_every: int = 3,
    **common: Unpack[Common],
) -> Layout:
    """Long corridors side by side that meet only at their two ends.

    Who is in one has to go on or back; with `width=1` nobody can pass.

    Args:
        corridors: how many; there is a shelf between two of them, and none outside.
        length: of a corridor in cells.
        shelf_rows: depth of a shelf, 2 (assumption): one row for either corridor.
        width: of a corridor in cells.
        head: open floor at both ends, in cells.
        station_edges, station_every: as for `pod_blocks`.
        common: see `Common`.

    Raises:
        ValueError: a count below 1 (fewer than two corridors), an unknown edge, or no room for
            a station.
    """
    check_counts(2, corridors=corridors)
    check_counts(length=length, shelf_rows=shelf_rows, width=width, head=head)
    check_counts(station_every=station_every)
    shelves = blocks(corridors - 1, 1, shelf_rows, length, width)
    shelves = np.pad(shelves, ((width, width), (head, head)))
    stations = edge_stations(shelves, station_edges, station_every)
    faces = faces_of(shelves, ("north", "south"))
    return built("long corridors", shelves, stations, faces, **common)


def mapf_warehouse(
    block_cols: int = 10,
    block_rows: int = 20,
    length: int = 10,
    depth: int = 2,
    corridor: int = 1,
    *,
    side: int | None = None,
    station_every: int = 4,
    **common: Unpack[Common],
) -> Layout:
    """A warehouse of the multi-agent benchmark; `warehouse-10-20-10-2-1` has these numbers.

    The same cells as the benchmark's maps of that name (Stern et al. 2019, movingai.com); they
    name no places, so stations stand along the open floor on both sides.

    Args:
        block_cols, block_rows: number of shelves across and down.
        length, depth: cells of a shelf across and down.
        corridor: width of the aisles between and around the shelves, in cells.
        side: open floor left and right; by default a quarter of all shelf lengths, as there.
        station_every: a station every so many cells of the two sides.
        common: see `Common`.

    Raises:
        ValueError: a count below 1.

    >>> mapf_warehouse(10, 20, 10, 2, 1).map.shape
    (63, 161)
    """
    side = max(1, block_cols * length // 4) if side is None else side
    check_counts(block_cols=block_cols, block_rows=block_rows, length=length, depth=depth)
    check_counts(corridor=corridor, side=side, station_every=station_every)
    shelves = blocks(block_rows, block_cols, depth, length, corridor, corridor)
    shelves = np.pad(shelves, ((corridor + 1, corridor + 1), (side + 1, side + 1)))
    walls = np.pad(shelves[1:-1, 1:-1], 1, constant_values=True)
    stations = edge_stations(walls, ("east", "west"), station_every, inset=1)
    family = f"warehouse-{block_cols}-{block_rows}-{length}-{depth}-{corridor}"
    return built(family, walls, stations, faces_of(shelves), **common)
