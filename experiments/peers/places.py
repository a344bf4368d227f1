"""Where a contest takes place: benchmark maps from a folder, else generated ones of their kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from envs.formats import load_map, load_scenario
from planners import CostField, GraphMap, GridMap, Layer

from . import terrain
from .model import Map, Query, Setting, query_on

GENERATED = "generated map of the family"
Moves = Literal["four", "eight"]


def rng_of(setting: Setting, *key: int) -> np.random.Generator:
    """The stream of a place."""
    return np.random.default_rng([setting.seed, *key])


def benchmark_grid(
    setting: Setting, file: str, moves: Moves, family: Callable[[np.random.Generator], Any]
) -> tuple[GridMap, Sequence[Query], str]:
    """A map with queries spread over the longer half of its scenario, else between random cells.

    Args:
        file: the map inside the data folder; its scenario is looked for beside it.
        family: makes a map of the same kind where there is no file.
    """
    rng = rng_of(setting, 1)
    path = setting.data / file if setting.data is not None else None
    if path is None or not path.is_file():
        grid = GridMap(family(rng), moves=moves)
        return grid, random_queries(grid, rng, setting.queries), GENERATED
    loaded = load_map(path, moves=moves)
    scenario = next((s for s in _scenarios(path) if s.is_file()), None)
    if scenario is None:
        return loaded.grid, random_queries(loaded.grid, rng, setting.queries), path.name
    pairs = load_scenario(scenario, loaded)
    by_length = np.argsort(pairs.optimal, kind="stable")[len(pairs) // 2 :]
    chosen = by_length[np.linspace(0, by_length.size - 1, setting.queries or 1).astype(int)]
    starts = [loaded.grid.node(cell) for cell in pairs.starts[chosen]]
    goals = [loaded.grid.node(cell) for cell in pairs.goals[chosen]]
    queries = [query_on(loaded.grid, s, g) for s, g in zip(starts, goals, strict=True)]
    return loaded.grid, queries, f"{path.name}, longer half of its scenario"


def _scenarios(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}.scen"), path.with_name(f"{path.stem}-random-1.scen")]


def random_queries(
    map: Map, rng: np.random.Generator, count: int | None, apart: float = 0.0
) -> list[Query]:
    """Queries between random free nodes of the largest part, at least `apart` cells from each other
    in rows or columns (grids only)."""
    free = connected_nodes(map)
    queries: list[Query] = []
    while len(queries) < (count or 1):
        start, goal = rng.choice(free, 2).tolist()
        if isinstance(map, GridMap) and apart:
            (r0, c0), (r1, c1) = divmod(start, map.cols), divmod(goal, map.cols)
            if max(abs(r1 - r0), abs(c1 - c0)) < apart:
                continue
        if start != goal:
            queries.append(query_on(map, start, goal))
    return queries


def connected_nodes(map: Map) -> npt.NDArray[np.int64]:
    """Node ids of the largest part in which every node reaches every other."""
    if isinstance(map, GridMap):
        return np.flatnonzero(~terrain.largest_part(map.blocked).ravel())
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(map.indices.size, dtype=np.int8)
    matrix = csr_array((ones, map.indices, map.indptr.astype(np.int32)), shape=(map.size,) * 2)
    _, parts = connected_components(matrix, directed=True, connection="strong")
    return np.flatnonzero(parts == np.argmax(np.bincount(parts)))


def weighted(
    setting: Setting, side: int, share_blocked: float = 0.1
) -> tuple[GridMap, npt.NDArray[np.float64]]:
    """An eight-connected grid and a layer for paces from 1 to 10, independent from cell to cell."""
    rng = rng_of(setting, 2, side)
    grid = GridMap(terrain.largest_part(rng.random((side, side)) < share_blocked))
    return grid, 9.0 * rng.random((side, side))


def hot_spots(setting: Setting, side: int) -> tuple[GridMap, CostField]:
    """Forty round spots of up to nine times the base pace, each a layer's worth of risk."""
    from scipy.ndimage import gaussian_filter

    rng = rng_of(setting, 3, side)
    grid = GridMap(terrain.largest_part(rng.random((side, side)) < 0.1))
    seeds = np.zeros((side, side))
    seeds[tuple(rng.integers(0, side, (2, 40)))] = rng.uniform(0.3, 1.0, 40)
    spots = gaussian_filter(seeds, side / 25)
    return grid, CostField(grid, layers=[Layer("risk", 9.0 * spots / spots.max())])


def andorra(setting: Setting) -> tuple[GraphMap, str]:
    """Roads with positions, 21 k nodes."""
    path = None if setting.data is None else setting.data / "roads" / "andorra.npz"
    if path is None or not path.is_file():
        return terrain.streets(rng_of(setting, 4), 20_736), GENERATED
    with np.load(path, allow_pickle=False) as file:
        position = np.stack([file["X"], file["Y"]], axis=1)
        return GraphMap(file["ptr"], file["adj"], file["w"], position), path.name


def bremen(setting: Setting) -> tuple[GraphMap, str]:
    """Roads without positions, 33 k nodes; arcs `a u v w`."""
    path = None if setting.data is None else setting.data / "roads" / "bremen_dist.gr"
    if path is None or not path.is_file():
        return terrain.streets(rng_of(setting, 5), 33_124, straight=False), GENERATED
    lines = path.read_text().splitlines()
    arcs = np.array([line.split()[1:4] for line in lines if line.startswith("a ")], dtype=float)
    ends = arcs[:, :2].astype(np.int64)
    ends -= ends.min()
    order = np.argsort(ends[:, 0], kind="stable")
    indptr = np.searchsorted(ends[order, 0], np.arange(int(ends.max()) + 2))
    return GraphMap(indptr, ends[order, 1], arcs[order, 2]), path.name
