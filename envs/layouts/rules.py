"""Places by rule: which rules there are for a kind of place on a kind of map."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from planners import GridMap

from ..aisles import bypassable
from ..streams import stream
from .layout import KINDS, Mask
from .places import (
    MAX_CHARGERS,
    PLACED_STATIONS,
    PLACED_STORAGE,
    STATIONS_PER_CHARGER,
    Ids,
    Map,
    chargers_by_rule,
    first_of,
    mask_of,
    spread,
    stations_by_rule,
    storage_by_rule,
)
from .places_file import Wanted


def by_rule(map: Map, kind: str, wanted: Wanted, chosen: Mapping[str, Ids], seed: int) -> Ids:
    """Places of a kind, away from all that are chosen.

    Raises:
        ValueError: a rule that is none for this kind on this map, or more than there is room for.
    """
    taken = {other: mask_of(map, chosen.get(other, ())) for other in KINDS}
    if isinstance(map, GridMap):
        rules = _grid_rules(map, kind, taken, wanted.count, seed)
    else:
        rules = {"spread": lambda: _spread_over(map, kind, taken, wanted.count, seed)}
    rule: str = wanted.rule or next(iter(rules))
    if rule not in rules:
        raise ValueError(
            f"{kind}.rule = {rule!r}: on a {'grid' if isinstance(map, GridMap) else 'graph'} "
            f"{kind} go by {' or '.join(rules)}"
        )
    found = rules[rule]()
    if wanted.count is not None and found.size < wanted.count:
        raise ValueError(
            f"{kind}.count = {wanted.count}: only {found.size} nodes are left for the rule "
            f"{rule!r}: ask for fewer"
        )
    return found


def _grid_rules(
    grid: GridMap, kind: str, taken: dict[str, Mask], count: int | None, seed: int
) -> dict[str, Callable[[], Ids]]:
    """Rules for a kind of place on a grid, the usual one first."""
    stations, storage, chargers = (taken[other] for other in KINDS)
    far = {"spread": lambda: _spread_over(grid, kind, taken, count, seed)}
    if kind == "stations":
        return {"spread": lambda: stations_by_rule(grid, storage | chargers, seed, count)}
    if kind == "storage":
        return {
            "beside-walls": lambda: storage_by_rule(grid, stations | chargers, seed, count), **far
        }  # fmt: skip
    return {"beside-stations": lambda: chargers_by_rule(grid, stations, storage, count), **far}


def _spread_over(map: Map, kind: str, taken: dict[str, Mask], count: int | None, seed: int) -> Ids:
    """Free nodes far from each other (farthest-point choice), the first one drawn.

    On grids chargers block no aisle, where such cells are left. Storage keeps away from stations.
    """
    free = ~np.asarray(map.blocked).ravel()
    most = {
        "stations": PLACED_STATIONS,
        "storage": PLACED_STORAGE,
        "chargers": min(MAX_CHARGERS, max(1, int(taken["stations"].sum()) // STATIONS_PER_CHARGER)),
    }
    others = np.any([mask for other, mask in taken.items() if other != kind], axis=0)
    plain = [free & ~others, free & ~taken["stations"], free]
    if isinstance(map, GridMap) and kind == "chargers":
        plain.insert(0, bypassable(map.blocked).ravel() & ~others)
    nodes = first_of(*plain)
    count = min(most[kind], max(1, int(free.sum()) // 10)) if count is None else count
    first = int(stream(seed, f"layout.{kind}").integers(nodes.size))
    beside = np.flatnonzero(taken["stations"]) if kind == "storage" else None
    return spread(map, nodes, count, first, beside)
