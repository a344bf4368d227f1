"""Families of warehouses in picking aisles: traditional with cross aisles, and fishbone."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from .layout import Layout, Mask
from .walls import Common, blocks, built, check_counts, edge_stations, faces_of


def traditional(
    aisles: int = 20,
    cross_aisles: int = 3,
    *,
    block_rows: int = 10,
    aisle: int = 1,
    cross: int = 2,
    apron: int = 3,
    station_every: int = 4,
    **common: Unpack[Common],
) -> Layout:
    """Parallel picking aisles with shelves on both sides, and n cross aisles.

    The usual model of picking studies (Roodbergen and de Koster 2001): pick faces lie in the aisles
    only, cross aisles are for changing aisles, stations stand in front (south).

    Args:
        aisles: number of picking aisles, north to south.
        cross_aisles: n, the front and the back one included, so at least 2.
        block_rows: cells of an aisle between two cross aisles.
        aisle, cross: widths of picking and cross aisles in cells.
        apron: open floor in front of the front cross aisle, in cells.
        station_every: a station every so many cells of the south edge.
        common: see `Common`.

    Raises:
        ValueError: a count below 1, or fewer than 2 cross aisles.

    >>> traditional(4, 2, block_rows=3).map.shape
    (10, 12)
    """
    check_counts(2, cross_aisles=cross_aisles)
    check_counts(aisles=aisles, block_rows=block_rows, aisle=aisle, cross=cross, apron=apron)
    check_counts(station_every=station_every)
    shelf_rows = blocks(cross_aisles - 1, 1, block_rows, 1, cross)[:, 0]
    shelf_cols = np.tile(np.pad(np.zeros(aisle, dtype=np.bool_), 1, constant_values=True), aisles)
    shelves = np.logical_and.outer(np.pad(shelf_rows, (cross, cross + apron)), shelf_cols)
    stations = edge_stations(shelves, ("south",), station_every)
    return built("cross aisles", shelves, stations, faces_of(shelves, ("east", "west")), **common)


def fishbone(
    rows: int = 36,
    half: int = 36,
    *,
    shelf: int = 2,
    cross: int = 2,
    apron: int = 3,
    side: int = 2,
    station_every: int = 4,
    **common: Unpack[Common],
) -> Layout:
    """A fishbone: two diagonal cross aisles from the front's middle to the upper corners.

    Above them picking aisles run north to south, below them east to west (Gue and Meller 2009). On
    the grid a diagonal is a staircase: in each column it frees the rows from where the straight
    line from the middle of the front to a corner enters the column to where it leaves it, and
    `cross - 1` more below. So neighbouring columns share a row, and the way along it is as long as
    down and across together (the world is four-connected): the shape of the warehouse is that of
    the study, its shorter diagonal ways are not.

    Args:
        rows, half: storage area: rows down, columns on either side of the middle column.
        shelf: cells between two picking aisles, 2 (assumption): one for either aisle.
        cross: width of the diagonal aisles in rows, see above.
        apron, side: open floor in front and behind, and left and right, in cells.
        station_every: a station every so many cells of the south edge.
        common: see `Common`.

    Raises:
        ValueError: a count below 1, or an area too small for a shelf.
    """
    check_counts(rows=rows, half=half, shelf=shelf, cross=cross, apron=apron, side=side)
    check_counts(station_every=station_every)
    bones = _bones(rows, half, shelf, cross)
    upright, level = (np.pad(part, ((apron, apron), (side, side))) for part in bones)
    stations = edge_stations(upright | level, ("south",), station_every)
    faces = faces_of(upright, ("east", "west")) | faces_of(level, ("north", "south"))
    return built("fishbone", upright | level, stations, faces, **common)


def _bones(rows: int, half: int, shelf: int, cross: int) -> tuple[Mask, Mask]:
    """Upright and level shelves of a fishbone's storage area, (rows, 2 half + 1) each.

    Raises:
        ValueError: none of a kind.
    """
    away = np.abs(np.arange(-half, half + 1))
    # Rows of the line from (rows, 0) to (0, half + 1) at `away` and `away + 1`: whole numbers.
    enters, leaves = (rows - -(-rows * at // (half + 1)) for at in (away, away + 1))
    row = np.arange(rows)[:, None]
    above, below = row < leaves, row > enters + cross - 1
    upright = above & (away % (shelf + 1) > 0)
    level = below & ((rows - 1 - row) % (shelf + 1) < shelf)
    if not (upright.any() and level.any()):
        raise ValueError(
            f"rows={rows}, half={half} leave no shelf beside diagonals of cross={cross}: "
            "use a larger area"
        )
    return upright, level
