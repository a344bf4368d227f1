"""Engines for maps on which every metre costs the same: jump points, and two lists on four moves.

Both are optimal, and both take the same questions: A* on a grid of their move rule without one-way
cells, under one pace > 0, and nothing else asked for.
"""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .kernels.compiled import compiled
from .kernels.loop import GROW, REACHED
from .kernels.queue import COUNTS, DIAGONALS, LAST, STRAIGHTS
from .kernels.workspace import Workspace, workspace_of
from .maps import GridMap, Moves, read_only
from .question import Outcome, Request
from .result import Path, made
from .strategies import ASTAR

DIAGONAL_LENGTH = math.sqrt(2.0)


def lacks_jump_points(request: Request) -> str:
    """What jump points need and the request does not have; empty where they fit."""
    return _lacks(request, "eight")


def lacks_uniform_four(request: Request) -> str:
    """What the two lists need and the request does not have; empty where they fit."""
    return _lacks(request, "four")


def _lacks(request: Request, moves: Moves) -> str:
    grid = request.map
    if not isinstance(grid, GridMap) or grid.moves != moves:
        return f"a GridMap with moves={moves!r}"
    if request.row is not ASTAR:
        return "strategy 'astar'"
    if not request.plain:
        return "a question without guidance, heuristic, trace, max_expansions and on_unreachable"
    if grid.one_way is not None:
        return "a map without one_way"
    if request.costs is not None and not uniform_pace(request.costs, grid) > 0:
        return "uniform costs, the same pace > 0 on every free cell and none per edge"
    return ""


# One entry per cost field that is alive, for each map: (version, pace or NaN).
_PACES: weakref.WeakKeyDictionary[
    CostField, weakref.WeakKeyDictionary[GridMap, tuple[int, float]]
] = weakref.WeakKeyDictionary()


def uniform_pace(costs: CostField, grid: GridMap) -> float:
    """The pace of every free cell of a map, NaN if they differ; looked at once per version."""
    least, mean = costs.paces_on(grid)
    if costs.edge_pace is not None or mean != least:
        return math.nan
    by_map = _PACES.setdefault(costs, weakref.WeakKeyDictionary())
    held = by_map.get(grid)
    if held is None or held[0] != costs.version:
        same = bool(np.all(costs.pace[~grid.blocked.ravel()] == np.float32(least)))
        held = by_map[grid] = (costs.version, least if same else math.nan)
    return held[1]


def jump_points(request: Request) -> Outcome:
    """Answer a request with A* on jump points."""
    grid: Any = request.map
    work = workspace_of(grid.workspaces, grid.size)
    bits = bit_lines(grid)
    room = 8 * (min(grid.shape) + 1)
    run = compiled("run_jump_points")
    start = request.start
    while True:
        code = run(
            bits, grid.rows, grid.cols, work.parent, work.g, work.item, work.link, work.heap_key,
            work.heap_node, work.ints, room, request.goal, start,
        )  # fmt: skip
        if code != GROW:
            return _outcome(request, work, code)
        work.grow(room)
        start = -1


def uniform_four(request: Request) -> Outcome:
    """Answer a request with A* on two lists."""
    grid: Any = request.map
    work = workspace_of(grid.workspaces, grid.size)
    run = compiled("run_four")
    start = request.start
    while True:
        code = run(
            grid.move_mask, grid.cols, work.parent, work.item, work.link, work.heap_key,
            work.heap_node, work.ints, request.goal, start,
        )  # fmt: skip
        if code != GROW:
            return _outcome(request, work, code)
        work.grow(work.item.size)
        start = -1


def _outcome(request: Request, work: Workspace, code: int) -> Outcome:
    ints = work.ints.tolist()
    counts = tuple(ints[COUNTS])
    if code != REACHED:
        return Outcome("no_path", counts=counts)
    grid: Any = request.map
    straights, diagonals = ints[STRAIGHTS], ints[DIAGONALS]
    steps = straights + diagonals
    nodes = np.empty(steps + 1, dtype=np.int64)
    cells = np.empty((steps + 1, 2), dtype=np.int64)
    compiled("run_unpack")(work.item, work.link, grid.cols, ints[LAST], nodes, cells)
    length_m = (straights + diagonals * DIAGONAL_LENGTH) * grid.cell_size_m
    pace = 1.0 if request.costs is None else uniform_pace(request.costs, grid)
    path = made(Path, nodes=read_only(nodes), length_m=length_m, cells=read_only(cells),
                labels=None, edges=None)  # fmt: skip
    cost = length_m * pace
    return Outcome("found", path, cost, cost, counts=counts)


def bit_lines(grid: GridMap) -> npt.NDArray[np.uint64]:
    """The rows and columns as lines of bits, made once per map: see `kernels.jump_points`."""
    held: npt.NDArray[np.uint64] | None = grid.__dict__.get("bit_lines")
    if held is None:
        free, blank = ~grid.blocked, np.zeros(1, dtype=np.uint64)
        held = read_only(np.concatenate([blank, _lines(free), _lines(free.T), blank]))
        grid.__dict__["bit_lines"] = held
    return held


def _lines(free: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """The rows as words of 64 bits, the lowest first, with a blank border all round."""
    rows, cols = free.shape
    padded = np.zeros((rows + 2, (cols + 65) // 64 * 64), dtype=np.bool_)
    padded[1:-1, 1 : cols + 1] = free
    bits = np.packbits(padded, axis=1, bitorder="little")
    return bits.view("<u8").astype(np.uint64).ravel()
