"""Layouts as text: a preview to look at, and the symbols of a map file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planners import GridMap

from ..aisles import cells_of
from .layout import Layout
from .walls import check_counts

# What a character shows, the least telling first.
SYMBOLS = " #.~^>v<xSEC"
_ZONE = {"speed_limit": "~", "keep_out": "x", "north": "^", "east": ">", "south": "v", "west": "<"}
EVERYWHERE = 0.5  # a sign in more than half of all squares tells nothing (a)
CHAR_RATIO = 0.5  # width over height of a character, for maps whose nodes lie anywhere


def preview(layout: Layout, max_cols: int = 120) -> str:
    """A line about the map, the layout as text (see `ascii_preview`), and what its signs mean."""
    check_counts(max_cols=max_cols)
    map, zones = layout.map, layout.zones
    if isinstance(map, GridMap):
        factor = _factor(map.cols, max_cols)
        size = f"{map.rows} x {map.cols} cells of {map.cell_size_m:g} m"
        size += f", one sign for {factor} x {factor}" if factor > 1 else ""
    else:
        size = f"graph of {map.size} nodes, {map.indices.size} edges"
    signs = [
        f"S pick face ({len(layout.storage)})",
        f"E station ({len(layout.stations)})",
        f"C charger ({len(layout.chargers)})",
    ]
    signs = ["# blocked", ". free", *signs] if isinstance(map, GridMap) else [". node", *signs]
    told = {_sign(zone.kind, zone.direction): zone.kind.replace("_", " ") for zone in zones}
    signs += [f"{sign} {kind}" for sign, kind in sorted(told.items())]
    return f"{layout.name}: {size}\n{ascii_preview(layout, max_cols)}\n{'  '.join(signs)}"


def ascii_preview(layout: Layout, max_cols: int = 120) -> str:
    """The layout as text: ``#`` blocked, ``.`` free, ``S`` pick face, ``E`` station, ``C`` charger.

    Free cells of zones are ``~`` (speed limit), ``^ > v <`` (one way) or ``x`` (keep out). A wider
    map is shrunk by a whole factor; a character then shows the most telling of its square, of
    those that are not in most squares. An aisle graph shows its nodes only, any other graph its
    nodes by position.

    >>> from envs.layouts import fulfilment
    >>> print(ascii_preview(fulfilment(1, 2, apron=1, side=1, station_edges=("north",))))
    #ECE#E.E#
    .SSS.SSS.
    S###S###S
    S###S###S
    .SSS.SSS.
    """
    check_counts(max_cols=max_cols)
    rank = _shrunk(_ranks(layout, max_cols), max_cols)
    signs = np.frombuffer(SYMBOLS.encode(), dtype=np.uint8)[rank]
    return "\n".join(bytes(row).decode().rstrip() for row in signs)


def symbols(layout: Layout) -> npt.NDArray[np.uint8]:
    """(rows, cols) characters of a grid layout in the lorr dialect; read-only.

    A map file has no sign for chargers and zones.

    Raises:
        ValueError: a layout on a graph.
    """
    grid = layout.map
    if not isinstance(grid, GridMap):
        raise ValueError(f"{grid!r} has no cells to write: take the layout on its grid")
    signs = np.where(grid.blocked.ravel(), np.uint8(ord("@")), np.uint8(ord(".")))
    signs[list(layout.storage)] = ord("S")
    signs[list(layout.stations)] = ord("E")
    signs = signs.reshape(grid.shape)
    signs.flags.writeable = False
    return signs


def _sign(kind: str, direction: str | None) -> str:
    return _ZONE[direction or kind]


def _factor(cols: int, max_cols: int) -> int:
    return -(-cols // max_cols)


def _ranks(layout: Layout, max_cols: int) -> npt.NDArray[np.int8]:
    """(rows, cols) what to show at each place of the plane, as an index of `SYMBOLS`."""
    rank = np.where(np.asarray(layout.map.blocked).ravel(), np.int8(1), np.int8(2))
    for zone in layout.zones:
        nodes = np.array(zone.nodes)
        nodes = nodes[rank[nodes] > 1]
        rank[nodes] = np.maximum(rank[nodes], SYMBOLS.index(_sign(zone.kind, zone.direction)))
    for sign, members in zip(
        "SEC", (layout.storage, layout.stations, layout.chargers), strict=True
    ):
        rank[list(members)] = SYMBOLS.index(sign)
    if isinstance(layout.map, GridMap):
        return rank.reshape(layout.map.shape)
    cells = _plane(layout, max_cols)
    shown = rank > 1  # a blocked node is no wall
    table = np.zeros(tuple(cells.max(axis=0) + 1), dtype=np.int8)
    np.maximum.at(table, tuple(cells[shown].T), rank[shown])
    return table


def _plane(layout: Layout, max_cols: int) -> npt.NDArray[np.int64]:
    """(nodes, 2) row and column of a graph's nodes: its cells, else by position."""
    assert not isinstance(layout.map, GridMap)
    try:
        return cells_of(layout.map)
    except ValueError:
        place = layout.map.positions_m(np.arange(layout.map.size))
    place = place - place.min(axis=0)
    step = float(np.max(place.max(axis=0) * (1.0, CHAR_RATIO))) / max(1, max_cols - 1)
    cells = place[:, ::-1] * (CHAR_RATIO, 1.0) / (step or 1.0)
    return np.asarray(np.round(cells), dtype=np.int64)


def _shrunk(rank: npt.NDArray[np.int8], max_cols: int) -> npt.NDArray[np.int8]:
    """One sign for each square: the most telling one, or the commonest where it is everywhere."""
    factor = _factor(rank.shape[1], max_cols)
    if factor == 1:
        return rank
    tall, wide = (-(-side // factor) for side in rank.shape)
    padded = np.zeros((tall * factor, wide * factor), dtype=np.int8)
    padded[: rank.shape[0], : rank.shape[1]] = rank
    squares = padded.reshape(tall, factor, wide, factor)
    commonest, telling = np.zeros((2, tall, wide), dtype=np.int8)
    most = np.zeros((tall, wide), dtype=np.int64)
    for sign in np.unique(rank).tolist():
        count = np.count_nonzero(squares == sign, axis=(1, 3))
        commonest[count >= np.maximum(most, 1)] = sign
        most = np.maximum(most, count)
        if np.count_nonzero(count) <= EVERYWHERE * count.size:
            telling[count > 0] = sign
    return np.asarray(np.maximum(telling, commonest))
