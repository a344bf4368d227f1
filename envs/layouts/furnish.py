"""Places and zones on any map: what a file names, what the map names, and the rest by rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planners import GraphMap, GridMap, MapFormatError
from planners.errors import expect

from ..formats import LoadedMap
from ..formats.textio import Source
from ..zones import Zone
from .layout import KINDS, Layout
from .named import nodes_of, zone_of
from .places import Ids, Map, assembled, on_largest_floor
from .places_file import Places, Wanted, read_places
from .rules import by_rule

Base = LoadedMap | GridMap | GraphMap | Layout
Chosen = dict[str, Ids]  # by kind of place

_NONE = np.empty(0, dtype=np.int64)


def furnish(
    base: Base,
    places: Source | Mapping[str, Any],
    *,
    seed: int = 0,
) -> Layout:
    """A map with the places and zones that a TOML file (or a mapping like it) names.

    What the file does not name stays as the map or layout has it; what neither names is placed by
    rule, see `from_map` and `from_graph`. Only the largest floor counts, as for `from_map`. The
    format stands in `envs/layouts/places_file.py`.

    Args:
        base: a loaded map, a grid, a graph with positions (a road network), or a layout.
        places: path of a file, its content as bytes, or a mapping with its keys.
        seed: of everything that is drawn.

    Raises:
        MapFormatError: whatever of the file makes no sense, alone or on this map; names the key,
            the value and the way out.
        ValueError: a map without a free node, or a graph without positions.

    >>> layout = furnish(GridMap([[0, 0, 0], [0, 1, 0]]), {"stations": {"cells": [[0, 1]]}})
    >>> layout.stations
    (1,)
    """
    expect(base, (LoadedMap, GridMap, GraphMap, Layout), "base")
    spec, source = read_places(places)
    return furnished_by(base, spec, seed, source)


def furnished_by(base: Base, spec: Places, seed: int, source: str) -> Layout:
    """`furnish` with a file that is read already; `source` is its name in messages."""
    start = _start(base)
    try:
        return _furnished(start, spec, seed)
    except ValueError as error:
        raise MapFormatError(str(error), source=source) from error


@dataclass(frozen=True)
class _Start:
    """A map on its largest floor, what it names by itself, and the layout that it came from."""

    name: str
    map: Map
    own: Chosen
    dropped: int = 0
    layout: Layout | None = None


def _start(base: Base) -> _Start:
    if isinstance(base, Layout):
        own = {kind: np.array(getattr(base, kind), dtype=np.int64) for kind in KINDS}
        return _Start(base.name, base.map, own, base.dropped, base)
    if isinstance(base, GraphMap):
        if base.position_m is None:
            raise ValueError(f"{base!r} has no positions, which a world needs: give position_m")
        graph, dropped = on_largest_floor(base)
        return _Start("graph", graph, {}, dropped)
    grid = base.grid if isinstance(base, LoadedMap) else base
    four = GridMap(grid.blocked, grid.cell_size_m, "four", grid.one_way)
    four, dropped = on_largest_floor(four)
    if isinstance(base, GridMap):
        return _Start("grid", four, {}, dropped)
    free = ~four.blocked.ravel()
    own = {"stations": base.stations, "storage": base.storage}
    return _Start(base.name, four, {k: nodes[free[nodes]] for k, nodes in own.items()}, dropped)


def _furnished(start: _Start, spec: Places, seed: int) -> Layout:
    start = _resized(start, spec)
    wanted = {kind: getattr(spec, kind) or Wanted() for kind in KINDS}
    told = {k: nodes_of(start.map, w, k) for k, w in wanted.items() if w.names_some}
    chosen = {k: start.own.get(k, _NONE) for k, w in wanted.items() if not w.goes_by_rule}
    chosen |= told
    zones = tuple(zone_of(start.map, zone, f"zones[{k}]") for k, zone in enumerate(spec.zones))
    shut = [node for zone in zones if zone.kind == "keep_out" for node in zone.nodes]
    allowed = start.map.with_blocked(shut, True) if shut else start.map  # where rules may place
    free = start.map.size - int(np.count_nonzero(start.map.blocked))
    for k, kind in enumerate(KINDS):
        if kind in told:
            continue
        # What the map names gives way to what the file names, and later kinds to earlier ones.
        before = [chosen[other] for other in KINDS[:k]]
        others = [nodes for other, nodes in told.items() if other != kind]
        left = chosen.pop(kind, _NONE)
        left = left[~np.isin(left, np.concatenate([_NONE, *before, *others]))]
        left = left[: max(1, free - sum(nodes.size for nodes in before) - 2 + k)]  # room for others
        chosen[kind] = left if left.size else by_rule(allowed, kind, wanted[kind], chosen, seed)
    return _assembled(start, spec, chosen, zones, seed)


def _resized(start: _Start, spec: Places) -> _Start:
    """The start with the file's cell size; keys that do not belong here are refused."""
    if spec.map is not None:
        raise ValueError(f"map = {spec.map!r}: the map is given already: leave the key out")
    if spec.cell_size_m is None:
        return start
    if start.layout is not None or not isinstance(start.map, GridMap):
        raise ValueError(
            f"cell_size_m = {spec.cell_size_m}: belongs to the map of a file: leave the key out"
        )
    grid = GridMap(start.map.blocked, spec.cell_size_m, "four", start.map.one_way)
    return replace(start, map=grid)


def _assembled(
    start: _Start, spec: Places, chosen: Chosen, zones: tuple[Zone, ...], seed: int
) -> Layout:
    name, power = spec.name or start.name, _power(spec, chosen["chargers"].size)
    same = start.layout is not None and np.array_equal(chosen["storage"], start.own["storage"])
    if start.layout is not None:
        zones = (*start.layout.zones, *zones)
        known = dict(zip(start.layout.chargers, start.layout.charger_w, strict=False))
        if not power and known.keys() >= set(chosen["chargers"].tolist()):
            power = tuple(known[node] for node in chosen["chargers"].tolist())
    stations, storage, chargers = (chosen[kind] for kind in KINDS)
    if start.layout is not None and same:
        return replace(
            start.layout,
            name=name,
            stations=tuple(stations.tolist()),
            chargers=tuple(chargers.tolist()),
            zones=zones,
            charger_w=power,
        )
    return assembled(
        name, start.map, (stations, storage, chargers), seed, dropped=start.dropped, zones=zones,
        charger_w=power,
    )  # fmt: skip


def _power(spec: Places, chargers: int) -> tuple[float, ...]:
    power = None if spec.chargers is None else spec.chargers.power_w
    if power is None:
        return ()
    if not isinstance(power, list):
        return (power,) * chargers
    if len(power) != chargers:
        raise ValueError(
            f"chargers.power_w = {power}: {len(power)} values for {chargers} chargers: "
            "give one number for all, or one for each"
        )
    return tuple(power)
