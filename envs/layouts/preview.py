"""Layouts as text."""

from __future__ import annotations

import numpy as np

from planners import GridMap

from ..aisles import cells_of
from .layout import Layout


def ascii_preview(layout: Layout, max_cols: int = 120) -> str:
    """The layout as text: ``#`` blocked, ``.`` free, ``S`` pick face, ``E`` station, ``C`` charger.

    A wider map is shrunk by a whole factor; a character then shows the most telling of its square.
    An aisle graph shows its nodes only.

    >>> from envs.layouts import fulfilment
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
