"""The workloads: what is asked, of whom, against what, and the goal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from planners import CostField, GraphMap, GridMap, Layer

from . import places, terrain
from .graph_peers import FIELD_OF_SCIPY, GRAPH_LIBRARIES, matrix_of
from .grid_peers import (
    DIJKSTRA3D,
    FIELD,
    GRID_LIBRARIES,
    PYASTAR2D,
    SKIMAGE,
    TCOD,
    cells_as_nodes,
)
from .judge import FieldJudge, PathJudge
from .libraries import Library
from .model import BEST_PEER, OURS, Absent, Contestant, Query, Scene, Setting, Way, Workload
from .model import query_on as query_between
from .ours import Fresh, both_engines, led, planner, prepared

Contestants = list[Contestant | Absent]
LARGE = 4096


def on_grid(
    libraries: Sequence[Library], grid: GridMap, costs: CostField | None = None
) -> Contestants:
    """Grid libraries as contestants."""
    ways = cells_as_nodes(grid)
    return [library.enter(grid.size, grid, costs, ways=ways) for library in libraries]


def on_graph(map: GridMap | GraphMap) -> Contestants:
    """Graph libraries as contestants; they share one matrix."""
    matrix = matrix_of(map)
    return [library.enter(map.size, matrix) for library in GRAPH_LIBRARIES]


def weighted(setting: Setting, ready: bool) -> Scene:
    """Long queries on paces from 1 to 10: each cold, or with a bound prepared for its goal."""
    grid, layer = places.weighted(setting, 1024)
    costs = CostField(grid, layers=[Layer("risk", layer)])
    rng = places.rng_of(setting, 6)
    queries = places.random_queries(grid, rng, setting.queries, apart=512)
    if ready:
        contestants = [*prepared(grid, costs, queries), *on_grid([PYASTAR2D], grid, costs)]
    else:
        fresh = Fresh(grid, layer)
        contestants = [
            fresh.planner(), fresh.planner(f"{OURS} generic", engine="generic"),
            *on_grid([PYASTAR2D, DIJKSTRA3D, TCOD, SKIMAGE], grid, costs),
        ]  # fmt: skip
    return Scene(queries, contestants, PathJudge(grid, costs), "10 % blocked, >= 512 cells apart")


def uniform(setting: Setting, file: str, moves: places.Moves, family: Callable[..., Any]) -> Scene:
    """A benchmark map whose cells all cost the same."""
    grid, queries, note = places.benchmark_grid(setting, file, moves, family)
    contestants = [*both_engines(grid, None), *on_grid(GRID_LIBRARIES, grid)]
    if grid.size <= 60_000:
        contestants += on_graph(grid)
    return Scene(queries, contestants, PathJudge(grid, None), note)


def short(setting: Setting, cells: int) -> Scene:
    """Queries over so many cells in open ground of 4096 x 4096."""
    grid = GridMap(np.zeros((LARGE, LARGE), dtype=bool))
    rng = places.rng_of(setting, 7)
    starts = rng.integers(1000, 3000, (setting.queries or 1, 2)).tolist()
    queries = [_along(grid, row, col, cells) for row, col in starts]
    libraries = [PYASTAR2D, TCOD] if cells else [PYASTAR2D]
    contestants = [*both_engines(grid, None), *on_grid(libraries, grid)]
    return Scene(queries, contestants, PathJudge(grid, None), "open ground")


def short_against_64(setting: Setting) -> Scene:
    """The same short queries at 4096 x 4096 and at 64 x 64."""
    large, small = (GridMap(np.zeros((side, side), dtype=bool)) for side in (LARGE, 64))
    starts = places.rng_of(setting, 7).integers(20, 40, (setting.queries or 1, 2)).tolist()
    queries = [_along(large, row, col, 5) for row, col in starts]
    contestants = [planner(large, None), planner(small, None, f"{OURS} 64 x 64")]
    return Scene(queries, [contestants[0], _renumbered(contestants[1], small, large)],
                 PathJudge(large, None), "open ground")  # fmt: skip


def _along(grid: GridMap, row: int, col: int, cells: int) -> Query:
    return query_between(grid, grid.node((row, col)), grid.node((row, col + cells)))


def _renumbered(contestant: Contestant, small: GridMap, large: GridMap) -> Contestant:
    """Answers on the small map, judged as paths of the large one."""

    def ways(query: Query, answer: Any) -> list[Way]:
        cells = answer.path.cells
        return [Way(query.start, query.goal, cells[:, 0] * large.cols + cells[:, 1])]

    return Contestant(contestant.name, contestant.version, contestant.ask, ways)


def roads(setting: Setting, place: Callable[[Setting], tuple[GraphMap, str]]) -> Scene:
    """Random queries on a road network."""
    graph, note = place(setting)
    queries = places.random_queries(graph, places.rng_of(setting, 8), setting.queries)
    contestants = [*both_engines(graph, None), *on_graph(graph)]
    return Scene(queries, contestants, PathJudge(graph, None), note)


def geometric(setting: Setting, nodes: int) -> Scene:
    """Random queries on points in a square that are joined where they are near."""
    graph = terrain.geometric(places.rng_of(setting, 9), nodes)
    queries = places.random_queries(graph, places.rng_of(setting, 10), setting.queries)
    contestants = [*both_engines(graph, None), *on_graph(graph)]
    note = f"{graph.indices.size / graph.size:.1f} edges a node"
    return Scene(queries, contestants, PathJudge(graph, None), note)


def field(setting: Setting, side: int) -> Scene:
    """Costs from one cell to all cells, on paces from 1 to 10."""
    grid, layer = places.weighted(setting, side)
    fresh = Fresh(grid, layer)
    rng = places.rng_of(setting, 11)
    queries = places.random_queries(grid, rng, setting.queries)
    large = side * side > 4_000_000
    matrix = matrix_of(grid, fresh.costs)
    scipy = FIELD_OF_SCIPY.enter(grid.size, matrix, ways=_as_values)
    peers = [scipy, FIELD.enter(grid.size, grid, fresh.costs, ways=_as_values)]
    contestants = [_unhurried(c) if large else c for c in peers]
    note = "scipy without the making of its matrix; dijkstra3d has diagonals of length 1"
    return Scene(queries, [*contestants, fresh.field()], FieldJudge("scipy"), note)


def _as_values(query: Query, answer: npt.NDArray[Any]) -> list[Way]:
    return [Way(query.start, -1, answer)]


def _unhurried(contestant: Contestant | Absent) -> Contestant | Absent:
    if isinstance(contestant, Absent):
        return contestant
    return Contestant(contestant.name, contestant.version, contestant.ask, contestant.ways,
                      slow=True)  # fmt: skip


def many(setting: Setting, side: int = 512) -> Scene:
    """Batches of 100 queries to 10 goals on paces from 1 to 10."""
    grid, layer = places.weighted(setting, side)
    fresh = Fresh(grid, layer)
    rng = places.rng_of(setting, 12)
    batches = [_batch(grid, rng) for _ in range(setting.queries or 1)]
    note = "a query is a batch of 100 to 10 goals"
    return Scene(batches, fresh.many(), PathJudge(grid, fresh.costs), note)


def _batch(grid: GridMap, rng: np.random.Generator) -> list[Query]:
    queries = places.random_queries(grid, rng, 100)
    goals = [query.goal for query in queries[:10]]
    return [query_between(grid, query.start, goals[k % 10]) for k, query in enumerate(queries)]


def lead_and_prove(setting: Setting, side: int = 512, weight: float = 1.5) -> Scene:
    """Long queries among hot spots, proven within 1.5 of the optimum."""
    grid, costs = places.hot_spots(setting, side)
    rng = places.rng_of(setting, 13)
    queries = places.random_queries(grid, rng, setting.queries, apart=side / 2)
    note = "forty hot spots, 10 % blocked"
    return Scene(queries, led(grid, costs, weight), PathJudge(grid, costs), note)


def gym_steps(setting: Setting) -> Scene:
    """Random steps of environments for learning."""
    from .gym_peers import steps  # the worlds are loaded only for those who ask

    return steps(setting)


def _eight(file: str, family: Callable[..., Any]) -> Callable[[Setting], Scene]:
    return partial(uniform, file=f"movingai/{file}.map", moves="eight", family=family)


def _four(file: str, rows: int, cols: int, aisle: int) -> Callable[[Setting], Scene]:
    family = partial(_shelves, rows=rows, cols=cols, aisle=aisle)
    return partial(uniform, file=file, moves="four", family=family)


def _shelves(_: np.random.Generator, rows: int, cols: int, aisle: int) -> terrain.Mask:
    return terrain.shelves(rows, cols, aisle=aisle)


_SMALL, _WIDE = "warehouse-10-20-10-2-1", "warehouse-20-40-10-2-2"
_CORRIDOR = "lorr/warehouse_long_corridor_large.map"
_GRID, _SELF = "pyastar2d", f"{OURS} separate A*"

WORKLOADS: tuple[Workload, ...] = (
    Workload("weighted-1024/cold", "costs 1 to 10, nothing prepared",
             partial(weighted, ready=False), _GRID, 0.67, queries=12),
    Workload("weighted-1024/prepared", "the same, a bound prepared for the goal",
             partial(weighted, ready=True), _GRID, 0.15, queries=12),
    Workload("uniform-eight/brc202d", "caves", _eight("brc202d", terrain.caves), _GRID, 0.07,
             queries=16),
    Workload("uniform-eight/Berlin_1_1024", "streets", _eight("Berlin_1_1024", terrain.city),
             _GRID, 0.012, queries=12),
    Workload("uniform-eight/16room_000", "rooms", _eight("16room_000", terrain.rooms), _GRID, 0.06,
             queries=16),
    Workload("uniform-four/10-20-10-2-1", "a narrow warehouse",
             _four(f"warehouse/{_SMALL}.map", 63, 161, 1), _GRID, 0.10, queries=20),
    Workload("uniform-four/20-40-10-2-2", "a wide warehouse",
             _four(f"warehouse/{_WIDE}.map", 164, 340, 2), _GRID, 0.10, queries=20),
    Workload("uniform-four/long-corridor", "long corridors", _four(_CORRIDOR, 140, 500, 1),
             _GRID, 0.10, queries=20),
    Workload("short-query/4096", "5 cells at 4096 x 4096", partial(short, cells=5), _GRID, 20.0,
             "us", queries=8),
    Workload("short-query/against-64", "the same against 64 x 64", short_against_64,
             f"{OURS} 64 x 64", 2.0, queries=20),
    Workload("short-query/start-is-goal", "nowhere to go", partial(short, cells=0), _GRID, 5.0,
             "us", queries=8),
    Workload("roads/andorra", "21 k nodes with positions", partial(roads, place=places.andorra),
             BEST_PEER, 0.4, queries=20),
    Workload("roads/bremen", "33 k nodes without positions", partial(roads, place=places.bremen),
             BEST_PEER, 0.4, queries=20),
    Workload("geometric-1e5", "random geometric graph", partial(geometric, nodes=100_000),
             BEST_PEER, 0.10, queries=8),
    Workload("geometric-1e6", "a larger one", partial(geometric, nodes=1_000_000), BEST_PEER, 0.10,
             queries=5),
    Workload("field-1024", "whole cost field", partial(field, side=1024), "scipy", 0.22,
             queries=4),
    Workload("field-4096", "a larger one", partial(field, side=LARGE), "scipy", 0.22, queries=1),
    Workload("many", "100 queries to 10 goals", many, _SELF, 0.4, queries=3),
    Workload("lead-and-prove", "w = 1.5 among hot spots, E cached", lead_and_prove,
             f"{OURS} weighted A*", 0.6, queries=12),
    Workload("gym", "1,000 random steps of environments for learning", gym_steps, BEST_PEER,
             66_667.0, "us", queries=8),
)  # fmt: skip


def choose(names: Sequence[str], others: Sequence[str] = ()) -> list[Workload]:
    """The workloads of the names (a family stands for its variants), in the table's order.

    Args:
        others: names that are no workloads, but known.

    Raises:
        ValueError: a name that is neither.
    """
    known = {*others, *(name for w in WORKLOADS for name in (w.name, w.family))}
    for name in names:
        if name not in known:
            families = dict.fromkeys([*(w.family for w in WORKLOADS), *others])
            raise ValueError(f"unknown workload {name!r}: choose from {', '.join(families)}")
    return [w for w in WORKLOADS if w.name in names or w.family in names]
