"""Coarse maps: what is left to pay, estimated on tiles of a grid under the current layers.

The estimate leads a search and proves nothing. A tile has the pace
`3/4 mean + 1/4 least` of its free cells (a path dodges the dear ones), neighbouring tiles are
linked where a legal move crosses, and a link costs the distance of the centres times the mean of
the two paces. The cost-to-go of the tiles is found by the search loop itself, on the tiles as a
grid; between the centres it is bilinear. State-space abstractions as heuristics: Holte, Perez,
Zimmer and MacDonald 1996.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .heuristics import NO_POSITIONS, NO_TABLE
from .kernels.compiled import compiled
from .kernels.loop import CLOSED, OCTILE, PRIORITY, SQRT2, ZERO, Bound, Grid, Key
from .kernels.queue import EXPANDED
from .kernels.tiles import UNREACHED, Tiles
from .kernels.workspace import Query
from .maps import GridMap, read_only
from .question import NO_LIMIT
from .spaces import BUCKETS_PER_STEP, EXACT, GRID_ROOM, space_of

SIDE = 4  # cells, where the cost-to-go of every tile is kept for a goal
CHEAP_SIDE = 8  # cells, where nothing is kept
LEAST_SHARE = 0.25
LEAD_WEIGHT = 1.1  # the lead weight that goes with this estimate
COARSE_WEIGHT = 0.5  # of the straight way at mean pace, in the search between two tiles
BEYOND = 1.1  # where that search has not been, the rest is dearer by so much
GOALS_KEPT = 32
SAMPLED_GOALS, BALL, LEAST_FIT = 5, 20_000, 0.75  # of `tiles_fit`

NO_MEMBER = read_only(np.empty(0, dtype=np.int32))
_NO_BOUND = Bound(ZERO, 0.0, 0.0, 0.0, 1, NO_POSITIONS, NO_TABLE)
_DIJKSTRA = Key(PRIORITY, 1.0, 0.0, NO_TABLE)


@dataclass(frozen=True, eq=False)
class TileMap:
    """A grid in tiles, under one version of its costs.

    Attributes:
        shape: (rows, cols) of tiles.
        side: cells along a tile.
        pace: (tiles,) float32 cost units per metre; 0 where no cell is free.
        space: the tiles as the search loop takes them, searched from the goal.
        goals: estimates that were asked for, the latest last.
    """

    shape: tuple[int, int]
    side: int
    pace: npt.NDArray[np.float32]
    space: Grid
    workspaces: threading.local = field(default_factory=threading.local)
    goals: OrderedDict[int, Tiles] = field(default_factory=OrderedDict)

    def tile(self, cell: tuple[int, int]) -> int:
        """The number of the tile that holds a cell (row, col)."""
        return cell[0] // self.side * self.shape[1] + cell[1] // self.side

    def query(self, bound: Bound, limit: int = NO_LIMIT) -> Query:
        """A query over the tiles, from the goal backward."""
        free = self.pace[self.pace > 0]
        least = float(free.min()) * self.space.straight_m if free.size else 0.0
        return Query(self.workspaces, self.pace.size, self.space, bound,
                     width=max(least / BUCKETS_PER_STEP, EXACT), room=GRID_ROOM, limit=limit,
                     textbook=False, trace=False)  # fmt: skip


def tile_map(grid: GridMap, costs: CostField | None = None, side: int = SIDE) -> TileMap:
    """The tiles of a grid, kept per map, version of the costs, and side.

    Args:
        side: cells along a tile, >= 1; tiles at the lower and right edge may be smaller.

    Raises:
        ValueError: costs that do not fit the grid, or a side below 1.

    >>> tiles = tile_map(GridMap(np.zeros((8, 6))), side=4)
    >>> tiles.shape, tiles.pace.tolist()
    ((2, 2), [1.0, 1.0, 1.0, 1.0])
    """
    if side < 1:
        raise ValueError(f"side must be a whole number of cells >= 1, not {side!r}")
    version = 0 if costs is None else costs.version
    kept = _KEPT.setdefault(grid if costs is None else costs, weakref.WeakKeyDictionary())
    by_side = kept.setdefault(grid, {})
    held = by_side.get(side)
    if held is None or held[0] != version:
        held = by_side[side] = (version, _tile_map(grid, costs, side))
    return held[1]


# By cost field (a map where there is none), then by map: side -> (version, tiles).
_Kept = weakref.WeakKeyDictionary[GridMap, dict[int, tuple[int, TileMap]]]
_KEPT: weakref.WeakKeyDictionary[CostField | GridMap, _Kept] = weakref.WeakKeyDictionary()
# Links depend on the map alone: side -> arrival masks.
_LINKS: weakref.WeakKeyDictionary[GridMap, dict[int, npt.NDArray[np.uint8]]]
_LINKS = weakref.WeakKeyDictionary()


def _tile_map(grid: GridMap, costs: CostField | None, side: int) -> TileMap:
    shape = -(-grid.rows // side), -(-grid.cols // side)
    tiles = shape[0] * shape[1]
    cells = space_of(grid, costs).arrays
    assert isinstance(cells, Grid)
    total, least, count = np.zeros(tiles), np.full(tiles, np.inf), np.zeros(tiles)
    compiled("tile_paces")(
        grid.blocked.reshape(-1), cells.move, cells.pace, cells.edge_pace, grid.cols, side,
        shape[1], total, least, count,
    )  # fmt: skip
    has_free = count > 0
    pace = np.zeros(tiles)
    pace[has_free] = (1 - LEAST_SHARE) * total[has_free] / count[has_free]
    pace[has_free] += LEAST_SHARE * least[has_free]
    stored = np.minimum(pace, np.finfo(np.float32).max).astype(np.float32)
    half = read_only(stored / 2)
    space = Grid(_links(grid, side, shape), half, read_only(np.tile(half, 8)), shape[1],
                 side * grid.cell_size_m, True)  # fmt: skip
    return TileMap(shape, side, read_only(stored), space)


def _links(grid: GridMap, side: int, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    by_side = _LINKS.setdefault(grid, {})
    if side not in by_side:
        arrival = np.zeros(shape[0] * shape[1], dtype=np.uint8)
        compiled("tile_links")(grid.move_mask, grid.cols, side, shape[1], arrival)
        by_side[side] = read_only(arrival)
    return by_side[side]


def coarse_cost_to_go(
    grid: GridMap, goal: int, costs: CostField | None = None, side: int = SIDE
) -> Tiles:
    """E to a goal from every tile: Dijkstra on the tiles, kept for the last 32 goals.

    Args:
        goal: node id.
        side: cells along a tile.

    Returns:
        What `kernels.tiles.tile_estimate` reads. E(goal) = 0; `UNREACHED` only where no way leads.

    Raises:
        ValueError: costs that do not fit the grid, a goal outside it, or a side below 1.

    >>> E = coarse_cost_to_go(GridMap(np.zeros((64, 64))), goal=0)
    >>> round(float(tabulate(E, 64 * 64)[63 * 64 + 63]))  # 15 tiles of 4 cells, diagonally
    85
    """
    tiles = tile_map(grid, costs, side)
    estimate = tiles.goals.pop(goal, None)
    if estimate is None:
        cell = grid.cell(goal)
        cost, _ = _ball(tiles.query(_NO_BOUND), tiles.tile(cell))
        estimate = _as_estimate(grid, tiles, cell, cost)
    tiles.goals[goal] = estimate
    if len(tiles.goals) > GOALS_KEPT:
        tiles.goals.popitem(last=False)
    return estimate


def coarse_between(
    grid: GridMap, start: int, goal: int, costs: CostField | None = None, side: int = CHEAP_SIDE
) -> tuple[Tiles, int]:
    """E for one query, and the tiles that were expanded for it: weighted A* from goal to start.

    Where the coarse search has not been, a tile T has `1.1 D(start) / d(start) * d(T)`, with d the
    octile distance (Manhattan on four-connected maps) to the goal.

    Raises:
        ValueError: costs that do not fit the grid, ends outside it, or a side below 1.
    """
    tiles = tile_map(grid, costs, side)
    here, there = grid.cell(start), grid.cell(goal)
    root, target = tiles.tile(there), tiles.tile(here)
    typical = _mean_pace(grid, costs) * tiles.space.straight_m
    row, col = divmod(target, tiles.shape[1])
    bound = Bound(OCTILE, float(col), float(row), typical, tiles.shape[1], NO_POSITIONS, NO_TABLE)
    query = tiles.query(bound)
    query.search(root, target, Key(PRIORITY, 1.0, COARSE_WEIGHT, NO_TABLE))
    reached = query.reached()
    away = _distances(grid, tiles, root)
    cost = np.full(tiles.pace.size, UNREACHED)
    if reached[target]:
        beyond = BEYOND * query.work.g[target] / away[target] if target != root else typical
        cost = np.where(reached, query.work.g, beyond * away)
    return _as_estimate(grid, tiles, there, cost), query.count(EXPANDED)


def _mean_pace(grid: GridMap, costs: CostField | None) -> float:
    return 1.0 if costs is None else costs.paces_on(grid)[1]


def _distances(grid: GridMap, tiles: TileMap, root: int) -> npt.NDArray[np.float64]:
    """(tiles,) distances to the centre of a tile, in tiles."""
    rows, cols = np.divmod(np.arange(tiles.pace.size), tiles.shape[1])
    dy, dx = np.abs(rows - root // tiles.shape[1]), np.abs(cols - root % tiles.shape[1])
    return np.asarray(np.maximum(dx, dy) + (_diagonal(grid) - 1.0) * np.minimum(dx, dy))


def _diagonal(grid: GridMap) -> float:
    return 2.0 if grid.moves == "four" else SQRT2


def _as_estimate(
    grid: GridMap, tiles: TileMap, goal: tuple[int, int], cost: npt.NDArray[np.float64]
) -> Tiles:
    """The costs-to-go of tile centres, inside a border, as the kernel reads them."""
    rows, cols = tiles.shape
    bordered = np.full((rows + 2, cols + 2), UNREACHED)
    bordered[1:-1, 1:-1] = np.minimum(cost, UNREACHED).reshape(tiles.shape)
    near = grid.cell_size_m * float(tiles.pace[tiles.tile(goal)])
    return Tiles(
        read_only(bordered.reshape(-1)), cols + 2, tiles.side, 1.0 / tiles.side, grid.cols,
        float(goal[0]), float(goal[1]), near, _diagonal(grid), NO_MEMBER, NO_TABLE, NO_POSITIONS,
    )  # fmt: skip


def tabulate(tiles: Tiles, size: int) -> npt.NDArray[np.float64]:
    """(size,) E of every node, as `tile_estimate` computes it node by node."""
    table = np.empty(size)
    compiled("tabulate_tiles")(*tiles, table)
    return table


def tiles_fit(grid: GridMap) -> bool:
    """Whether tiles see the ways of a grid: not in a maze, whose walls run through the tiles.

    Measured, once per map and thread (and kept by maps that `with_blocked` makes of it): around
    five seeded goals, the median over cells of coarse over exact distance, within 20,000 cells. The
    median of the five is below 0.75 where the estimate misleads: 0.55 on a maze with corridors of 8
    cells, 0.82 to 1.03 on rooms, cities, games, random obstacles and warehouses.

    >>> tiles_fit(GridMap(np.zeros((64, 64))))
    True
    """
    store = grid.workspaces.__dict__
    if "tiles_fit" not in store:
        free = np.flatnonzero(~grid.blocked.reshape(-1))
        goals = np.random.default_rng(0).choice(free, SAMPLED_GOALS) if free.size else free
        ratios = [_coarse_over_exact(grid, int(goal)) for goal in goals]
        store["tiles_fit"] = not ratios or bool(np.median(ratios) >= LEAST_FIT)
    fits: bool = store["tiles_fit"]
    return fits


def _coarse_over_exact(grid: GridMap, goal: int) -> float:
    """The median of coarse over exact distance, over the farther half of a ball of cells."""
    exact, cells = _ball(_exact_query(grid, goal), goal)
    tiles = tile_map(grid)
    coarse, _ = _ball(tiles.query(_NO_BOUND, BALL), tiles.tile(grid.cell(goal)))
    cells = cells[(exact[cells] > 0) & (exact[cells] >= 0.5 * exact[cells].max())]
    rows, cols = np.divmod(cells, grid.cols)
    ratios = coarse[rows // tiles.side * tiles.shape[1] + cols // tiles.side] / exact[cells]
    return float(np.median(ratios)) if cells.size else 1.0


def _exact_query(grid: GridMap, goal: int) -> Query:
    space = space_of(grid, None, backward=True)
    return Query(grid.workspaces, grid.size, space.arrays, _NO_BOUND, width=space.width,
                 room=space.room, limit=BALL, textbook=False, trace=False)  # fmt: skip


def _ball(query: Query, root: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """(size,) distances to the root, infinite where not reached, and the nodes that are settled."""
    query.search(root, -1, _DIJKSTRA, proving=True)
    distances = np.where(query.reached(), query.work.g, np.inf)
    return distances, np.flatnonzero(query.work.mark == query.work.stamp + CLOSED)
