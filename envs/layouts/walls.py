"""The parts that families of warehouses are built from: blocks, edges of the floor, faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

import numpy as np

from planners import GridMap
from planners.maps import Moves

from ..aisles import ring
from .layout import Layout, Mask
from .places import furnished

Edge = Literal["north", "east", "south", "west"]
EDGES: tuple[Edge, ...] = ("north", "east", "south", "west")
_ALL = slice(None)


class Common(TypedDict, total=False):
    """What every family takes beside its own parameters.

    Attributes:
        cell_size_m: side of a cell, 1.0.
        moves: of the `GridMap`, "four"; the living world is four-connected anyway.
        seed: of the popularity of the pick faces, 0; the walls do not depend on it.
        name: of the layout; the family's by default.
    """

    cell_size_m: float
    moves: Moves
    seed: int
    name: str


def check_counts(least: int = 1, **counts: int) -> None:
    """Raise a ValueError that names a count below the least."""
    for key, count in counts.items():
        if count < least:
            raise ValueError(f"{key} must be at least {least}, not {count}")


def checked_edges(edges: Sequence[Edge]) -> set[Edge]:
    """The edges as a set.

    Raises:
        ValueError: none, or one that is no edge.
    """
    if not edges or isinstance(edges, str) or not set(edges) <= set(EDGES):
        raise ValueError(f"station_edges must name some of {', '.join(EDGES)}: {edges!r}")
    return set(edges)


def blocks(
    rows: int, cols: int, tall: int, wide: int, gap_rows: int = 1, gap_cols: int = 1
) -> Mask:
    """Shelves: rows x cols blocks of tall x wide cells with gaps between them, none around."""
    in_rows = np.arange(rows * (tall + gap_rows) - gap_rows) % (tall + gap_rows) < tall
    in_cols = np.arange(cols * (wide + gap_cols) - gap_cols) % (wide + gap_cols) < wide
    return np.logical_and.outer(in_rows, in_cols)


def line_of(edge: Edge, inset: int = 0) -> tuple[int | slice, int | slice]:
    """Index of the cells along an edge, `inset` cells inside."""
    at = inset if edge in ("north", "west") else -1 - inset
    return (at, _ALL) if edge in ("north", "south") else (_ALL, at)


def faces_of(shelves: Mask, sides: Sequence[Edge] = EDGES) -> Mask:
    """Cells that are no shelf and have one to these sides."""
    beside = ring(shelves)
    return np.asarray(np.any([beside[2 * EDGES.index(side)] for side in sides], axis=0) & ~shelves)


def edge_stations(walls: Mask, edges: Sequence[Edge], every: int, inset: int = 0) -> Mask:
    """Free cells along the edges, one every so many, half a step away from the corners."""
    stations = np.zeros(walls.shape, dtype=np.bool_)
    for edge in sorted(checked_edges(edges)):
        line = line_of(edge, inset)
        stations[line] |= np.arange(stations[line].size) % every == every // 2
    return stations & ~walls


def built(
    family: str, walls: Mask, stations: Mask, faces: Mask, *, name: str | None = None,
    cell_size_m: float = 1.0, moves: Moves = "four", seed: int = 0,
) -> Layout:  # fmt: skip
    """The layout of a family's masks; a station never takes a pick face, the rest goes by rule.

    Raises:
        ValueError: no station that is no pick face.
    """
    stations = stations & ~faces
    if not stations.any():
        raise ValueError(
            f"{family}: no room for a station beside the pick faces: "
            "choose other station_edges, another station_every, or more open floor"
        )
    grid = GridMap(walls, cell_size_m, moves)
    return furnished(name or family, grid, stations.ravel(), (faces & ~walls).ravel(), seed)
