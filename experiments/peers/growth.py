"""Growth with size: time and expansions of a query, their log-log slopes, and bytes a cell."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from planners import CostField, Layer, plan
from planners.memory import work_bytes

from . import places, terrain
from .model import Map, Query, Setting

SIDES = (128, 256, 512, 1024, 2048, 4096)
NODES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
QUERIES = 4
BYTES_GOAL = 24.0

Row = dict[str, Any]
Place = tuple[Map, CostField | None, list[Query]]


def growth(
    setting: Setting,
    sides: Sequence[int] = SIDES,
    nodes: Sequence[int] = NODES,
    on_done: Callable[[float], None] = lambda done: None,
) -> Row:
    """Queries over half the map or more by the generic loop, on weighted grids and random graphs.

    Returns:
        `rows`: a row per size with medians; `slopes`: a fit per kind of map of time and expansions
        against nodes, each with its standard error.
    """
    kinds: tuple[tuple[str, Sequence[int], Callable[[Setting, int], Place]], ...] = (
        ("grid", sides, _grid), ("graph", nodes, _graph),
    )  # fmt: skip
    rows: list[Row] = []
    for kind, sizes, make in kinds:
        for size in sizes:
            rows.append({"kind": kind, **_measured(make(setting, size), setting.rounds)})
            on_done(len(rows))
    slopes = [
        {"kind": kind, "of": column, **slope([row for row in rows if row["kind"] == kind], column)}
        for kind, _, _ in kinds
        for column in ("time_ms", "expanded")
    ]
    return {"rows": rows, "slopes": slopes, "bytes_goal": BYTES_GOAL}


def _grid(setting: Setting, side: int) -> Place:
    grid, layer = places.weighted(setting, side)
    rng = places.rng_of(setting, 14, side)
    queries = places.random_queries(grid, rng, setting.queries or QUERIES, apart=side / 2)
    return grid, CostField(grid, layers=[Layer("risk", layer)]), queries


def _graph(setting: Setting, nodes: int) -> Place:
    graph = terrain.geometric(places.rng_of(setting, 15, nodes), nodes)
    rng = places.rng_of(setting, 16, nodes)
    return graph, None, places.random_queries(graph, rng, setting.queries or QUERIES)


def _measured(place: Place, rounds: int) -> Row:
    map, costs, queries = place
    first = queries[0]
    began = time.perf_counter()
    plan(map, first.start_label, first.goal_label, costs=costs, engine="generic")
    first_s = time.perf_counter() - began
    times_s, expanded = [], []
    for query in queries:
        least = np.inf
        for _ in range(rounds):
            began = time.perf_counter()
            ends = query.start_label, query.goal_label
            result = plan(map, *ends, costs=costs, engine="generic")
            least = min(least, time.perf_counter() - began)
        times_s.append(least)
        expanded.append(result.stats.expanded)
    return {
        "nodes": map.size,
        "time_ms": 1000 * float(np.median(times_s)),
        "first_call_ms": 1000 * first_s,
        "expanded": float(np.median(expanded)),
        "ns_per_expansion": 1e9 * float(np.sum(times_s)) / max(int(np.sum(expanded)), 1),
        "work_bytes_a_node": sum(work_bytes(map).values()) / map.size,
        "n": len(queries),
    }


def slope(rows: Sequence[Row], column: str) -> Row:
    """The slope of log column against log nodes, and its standard error (both None where
    there are too few rows).

    >>> slope([{"nodes": n, "t": n**1.5} for n in (10, 100, 1000)], "t")["slope"].__round__(6)
    1.5
    """
    if len(rows) < 3:
        return {"slope": None, "error": None, "n": len(rows)}
    x, y = (np.log([max(row[key], 1e-9) for row in rows]) for key in ("nodes", column))
    if len(rows) == 3:
        return {"slope": float(np.polyfit(x, y, 1)[0]), "error": None, "n": 3}
    fit, covariance = np.polyfit(x, y, 1, cov=True)
    return {
        "slope": float(fit[0]), "error": float(np.sqrt(covariance[0, 0])), "n": len(rows),
    }  # fmt: skip
