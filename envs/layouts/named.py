"""Cells, labels and rectangles of a places file, as node ids of a map."""

from __future__ import annotations

import numpy as np

from planners import GridMap

from ..zones import Zone
from .places import Ids, Map
from .places_file import Wanted, WantedZone


def nodes_of(map: Map, wanted: Wanted, key: str) -> Ids:
    """Node ids of named cells or nodes, in their order; every one free.

    Raises:
        ValueError: one that is unknown, outside, or blocked, by its key.
    """
    field, found = _located(map, wanted, key)
    blocked = np.asarray(map.blocked).ravel()[found]
    if blocked.any():
        at = int(blocked.argmax())
        raise ValueError(
            f"{key}.{field}[{at}] = {getattr(wanted, field)[at]}: is blocked, or cut off from the "
            "largest floor: choose a free one"
        )
    return found


def _located(map: Map, wanted: Wanted | WantedZone, key: str) -> tuple[str, Ids]:
    """The key that was used, and node ids of the cells or nodes under it."""
    field = "cells" if wanted.cells is not None else "nodes"
    if field == "nodes" and isinstance(map, GridMap):
        raise ValueError(f"{key}.nodes: belongs to graphs: name cells = [[row, col], ...]")
    found = []
    for at, value in enumerate(getattr(wanted, field)):
        label = tuple(value) if isinstance(value, list) else value
        try:
            found.append(map.node(label))
        except ValueError as error:
            raise ValueError(f"{key}.{field}[{at}] = {value}: {error}") from error
    return field, np.array(found, dtype=np.int64)


def zone_of(map: Map, wanted: WantedZone, key: str) -> Zone:
    if wanted.rectangle is None:
        _, nodes = _located(map, wanted, key)
    else:
        nodes = _inside(map, wanted.rectangle, f"{key}.rectangle = {wanted.rectangle}")
    try:
        return Zone(
            wanted.name, wanted.kind, tuple(np.unique(nodes).tolist()), wanted.speed_m_s,
            wanted.direction,
        )  # fmt: skip
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error


def _inside(map: Map, corners: list[float], said: str) -> Ids:
    """Nodes in a rectangle: rows and columns of a grid, positions on a graph, edges included."""
    if isinstance(map, GridMap):
        top, left, bottom, right = (int(value) for value in corners)
        whole = all(value == int(value) for value in corners)
        if not (whole and 0 <= top <= bottom < map.rows and 0 <= left <= right < map.cols):
            raise ValueError(
                f"{said}: must be whole numbers top <= bottom and left <= right within "
                f"{map.rows} rows x {map.cols} columns, counted from 0"
            )
        inside = np.add.outer(np.arange(top, bottom + 1) * map.cols, np.arange(left, right + 1))
        return inside.ravel()
    place = map.positions_m(np.arange(map.size))
    least, most = np.array(corners[:2]), np.array(corners[2:])
    nodes = np.flatnonzero(((place >= least) & (place <= most)).all(axis=1))
    if not nodes.size:
        raise ValueError(
            f"{said}: holds no node: positions run from {place.min(axis=0).tolist()} to "
            f"{place.max(axis=0).tolist()}"
        )
    return nodes
