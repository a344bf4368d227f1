"""The independent checker: it knows maps and costs, but no planner and no kernel.

Legality is decided from `blocked` and the names of the move rules, costs from the layers' composed
pace, and optima by scipy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from .costs import CostField
from .errors import CheckError, expect
from .graphs import GraphMap, Map
from .maps import GridMap
from .result import PlanResult, Status

RELATIVE = 1e-6
_STEPS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def check(
    map: Map, result: PlanResult, costs: CostField | None = None, exact: bool = False
) -> None:
    """Verify a result against its map and costs; time O(path), with `exact` O(map log map).

    Checked: the status fits the path, the path joins what was asked, every move is legal, the cost
    is that of the path, the certificate is >= 1 and within the bound. With `exact` an independent
    Dijkstra confirms `cost <= bound * optimum`, `cost / certificate <= optimum`, and that "no path"
    is true.

    Raises:
        CheckError: what does not hold, with the values.
    """
    expect(map, (GridMap, GraphMap), "map")
    expect(result, PlanResult, "result")
    if costs is not None:
        costs.expect_fit(map)
    _check_status(map, result)
    if exact and result.status == "no_path" and result.start >= 0:
        optimum = exact_costs(map, result.start, costs)[result.goal]
        if math.isfinite(optimum):
            raise CheckError(f"status is 'no_path' but a path costs {optimum!r}")
    if result.path is None:
        return
    nodes = np.asarray(result.path.nodes)
    if nodes.ndim != 1 or nodes.size == 0:
        raise CheckError(f"a path needs at least one node, not an array of shape {nodes.shape}")
    _check_legal(map, nodes, result)
    _check_cost(map, nodes, result, costs)
    if result.status in ("found", "budget_spent"):
        _check_bound(result)
    if exact and result.status in ("found", "budget_spent"):
        _check_exact(map, nodes, result, costs)


def _check_status(map: Map, result: PlanResult) -> None:
    if result.status not in get_args(Status):
        raise CheckError(f"unknown status {result.status!r}")
    if result.status == "found" and result.path is None:
        raise CheckError("status is 'found' but there is no path")
    if result.path is None or result.start < 0 or result.path.nodes.size == 0:
        return
    first, last = int(result.path.nodes[0]), int(result.path.nodes[-1])
    if first != result.start:
        raise CheckError(f"the path starts at node {first}, not at {result.start}")
    if result.status in ("found", "budget_spent") and last != result.goal:
        raise CheckError(f"the path ends at node {last}, not at {result.goal}")


def _check_legal(map: Map, nodes: npt.NDArray[np.int64], result: PlanResult) -> None:
    if nodes.min() < 0 or nodes.max() >= map.size:
        raise CheckError(f"node {nodes.max()} lies outside a map of {map.size} nodes")
    blocked = map.blocked.reshape(-1)
    if blocked[nodes].any():
        raise CheckError(f"the path enters the blocked node {nodes[blocked[nodes]][0]}")
    if isinstance(map, GridMap):
        _check_grid_moves(map, nodes)
        cells = result.path.cells if result.path is not None else None
        if cells is not None and not np.array_equal(cells[:, 0] * map.cols + cells[:, 1], nodes):
            raise CheckError("path.cells and path.nodes differ")
        return
    for u, v in zip(nodes[:-1].tolist(), nodes[1:].tolist(), strict=True):
        if v not in map.indices[map.indptr[u] : map.indptr[u + 1]]:
            raise CheckError(f"no edge leads from node {u} to node {v}")


def _check_grid_moves(grid: GridMap, nodes: npt.NDArray[np.int64]) -> None:
    rows, cols = np.divmod(nodes, grid.cols)
    down, right = np.diff(rows), np.diff(cols)

    def move(wrong: npt.NDArray[np.bool_]) -> tuple[int, str, str]:
        """The first wrong move: its index and its two cells."""
        k = int(np.flatnonzero(wrong)[0])
        return k, f"({rows[k]}, {cols[k]})", f"({rows[k + 1]}, {cols[k + 1]})"

    far = np.maximum(np.abs(down), np.abs(right)) != 1
    if far.any():
        _, here, there = move(far)
        raise CheckError(f"{here} -> {there} is not a move to a neighbour")
    if grid.one_way is not None:
        shut = ~(grid.one_way[rows[:-1], cols[:-1]] >> _kinds(down, right) & 1).astype(bool)
        if shut.any():
            _, here, there = move(shut)
            raise CheckError(f"{here} may not be left towards {there}: one-way")
    sides = grid.blocked[rows[:-1], cols[1:]].astype(int) + grid.blocked[rows[1:], cols[:-1]]
    most = {"four": -1, "eight": 0, "eight-one-free": 1, "eight-any": 2}[grid.moves]
    cut = (down != 0) & (right != 0) & (sides > most)
    if cut.any():
        k, here, there = move(cut)
        raise CheckError(
            f"{here} -> {there}: diagonal with {sides[k]} blocked sides under moves={grid.moves!r}"
        )


def _kinds(down: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """0 .. 7 for steps to N, NE, E, SE, S, SW, W, NW."""
    table = np.zeros((3, 3), dtype=np.uint8)
    for k, (dr, dc) in enumerate(_STEPS):
        table[dr, dc] = k  # -1 is the last row or column
    return table[down, right]


def _check_cost(
    map: Map, nodes: npt.NDArray[np.int64], result: PlanResult, costs: CostField | None
) -> None:
    cost = math.fsum(
        _grid_costs(map, nodes, costs)
        if isinstance(map, GridMap)
        else (
            _edge_cost(map, u, v, costs)
            for u, v in zip(nodes[:-1].tolist(), nodes[1:].tolist(), strict=True)
        )
    )
    if not math.isclose(cost, result.cost, rel_tol=RELATIVE, abs_tol=1e-12):
        raise CheckError(f"the path costs {cost!r}, the result says {result.cost!r}")
    path = result.path
    assert path is not None
    metres = _length(map, nodes, path.edges)
    if not math.isclose(metres, path.length_m, rel_tol=RELATIVE, abs_tol=1e-12):
        raise CheckError(f"the path is {metres!r} m long, the result says {path.length_m!r}")
    if isinstance(map, GraphMap) and path.labels is not None:
        labels = tuple(map.label(int(node)) for node in nodes)
        if labels != tuple(path.labels):
            raise CheckError("path.labels and path.nodes differ")


def _length(map: Map, nodes: npt.NDArray[np.int64], edges: npt.NDArray[np.int64] | None) -> float:
    """Length in metres; on graphs of `path.edges`, which have to join the nodes."""
    if isinstance(map, GridMap):
        cells = np.stack(np.divmod(nodes, map.cols), axis=1)
        steps = np.diff(cells, axis=0)
        return math.fsum(np.hypot(steps[:, 0], steps[:, 1])) * map.cell_size_m
    if edges is None or edges.size != nodes.size - 1:
        raise CheckError("a path on a graph needs one edge per move")
    joined = (map.sources[edges] == nodes[:-1]) & (map.indices[edges] == nodes[1:])
    if not joined.all():
        raise CheckError(f"edge {edges[~joined][0]} does not join its two nodes")
    return math.fsum(map.length_m[edges])


def _grid_costs(
    grid: GridMap, nodes: npt.NDArray[np.int64], costs: CostField | None
) -> list[float]:
    rows, cols = np.divmod(nodes, grid.cols)
    down, right = np.diff(rows), np.diff(cols)
    pace = np.ones(down.size) if costs is None else costs.pace[nodes[1:]].astype(np.float64)
    if costs is not None and costs.edge_pace is not None:
        pace += costs.edge_pace[_kinds(down, right).astype(np.int64) * grid.size + nodes[:-1]]
    prices: list[float] = (grid.cell_size_m * np.hypot(down, right) * pace).tolist()
    return prices


def _edge_cost(graph: GraphMap, u: int, v: int, costs: CostField | None) -> float:
    pace = 1.0 if costs is None else float(costs.pace[v])
    edge_pace = None if costs is None else costs.edge_pace
    edges = [e for e in range(graph.indptr[u], graph.indptr[u + 1]) if graph.indices[e] == v]
    extra = [0.0 if edge_pace is None else float(edge_pace[e]) for e in edges]
    return min(float(graph.length_m[e]) * (pace + x) for e, x in zip(edges, extra, strict=True))


def _check_bound(result: PlanResult) -> None:
    if not result.certificate >= 1:
        raise CheckError(f"the certificate is {result.certificate}, below 1")
    if not result.bound >= 1:
        raise CheckError(f"the bound is {result.bound}, below 1")
    if result.status == "found" and result.certificate > result.bound * (1 + RELATIVE):
        raise CheckError(f"certificate {result.certificate} is beyond the bound {result.bound}")


def _check_exact(
    map: Map, nodes: npt.NDArray[np.int64], result: PlanResult, costs: CostField | None
) -> None:
    optimum = float(exact_costs(map, int(nodes[0]), costs)[nodes[-1]])
    slack = optimum * RELATIVE + 1e-12
    if result.cost < optimum - slack:
        raise CheckError(f"cost {result.cost!r} is below the optimum {optimum!r}")
    if result.status == "found" and result.cost > result.bound * (optimum + slack):
        raise CheckError(f"cost {result.cost!r} is beyond {result.bound} x the optimum {optimum!r}")
    if math.isfinite(result.certificate) and result.cost > result.certificate * (optimum + slack):
        raise CheckError(f"certificate {result.certificate}: {result.cost!r} against {optimum!r}")


def edges_of(
    map: Map, costs: CostField | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Every legal move as (sources, targets, costs), parallel edges included.

    Built from `blocked` and the rule's name alone, for oracles.
    """
    blocked = map.blocked.reshape(-1)
    pace = np.ones(map.size) if costs is None else costs.pace.astype(np.float64)
    edge_pace = None if costs is None else costs.edge_pace
    if isinstance(map, GraphMap):
        sources, targets = map.sources.astype(np.int64), map.indices.astype(np.int64)
        extra = 0.0 if edge_pace is None else edge_pace.astype(np.float64)
        prices = map.length_m * (pace[targets] + extra)
        legal = ~(blocked[sources] | blocked[targets])
        return sources[legal], targets[legal], prices[legal]
    kinds = range(0, 8, 2 if map.moves == "four" else 1)
    parts = [_grid_edges(map, k, pace, edge_pace) for k in kinds]
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return joined[0], joined[1], joined[2]


def _grid_edges(
    grid: GridMap,
    k: int,
    pace: npt.NDArray[np.float64],
    edge_pace: npt.NDArray[Any] | None,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    dr, dc = _STEPS[k]
    rows, cols = np.nonzero(~grid.blocked)
    inside = (rows + dr >= 0) & (rows + dr < grid.rows) & (cols + dc >= 0) & (cols + dc < grid.cols)
    rows, cols = rows[inside], cols[inside]
    legal = ~grid.blocked[rows + dr, cols + dc]
    if k % 2:
        sides = grid.blocked[rows + dr, cols].astype(int) + grid.blocked[rows, cols + dc]
        most = {"four": -1, "eight": 0, "eight-one-free": 1, "eight-any": 2}[grid.moves]
        legal &= sides <= most
    if grid.one_way is not None:
        legal &= (grid.one_way[rows, cols] >> np.uint8(k) & 1).astype(bool)
    rows, cols = rows[legal], cols[legal]
    sources, targets = rows * grid.cols + cols, (rows + dr) * grid.cols + cols + dc
    extra = 0.0 if edge_pace is None else edge_pace[k * grid.size + sources].astype(np.float64)
    return sources, targets, grid.cell_size_m * math.hypot(dr, dc) * (pace[targets] + extra)


def exact_costs(
    map: Map, root: int, costs: CostField | None = None, to_root: bool = False
) -> npt.NDArray[np.float64]:
    """(size,) optimal costs from (or to) a node id by scipy; infinity where no way leads."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    sources, targets, prices = edges_of(map, costs)
    if to_root:
        sources, targets = targets, sources
    size = (map.size, map.size)
    if isinstance(map, GridMap):  # no two moves join the same cells
        matrix = csr_array((prices, (sources, targets)), shape=size)
        return np.asarray(dijkstra(matrix, indices=root), dtype=np.float64)
    order = np.lexsort((prices, targets, sources))
    sources, targets, prices = sources[order], targets[order], prices[order]
    first = np.ones(sources.size, dtype=bool)
    first[1:] = (np.diff(sources) != 0) | (np.diff(targets) != 0)
    indptr = np.searchsorted(sources[first], np.arange(map.size + 1))
    matrix = csr_array((prices[first], targets[first], indptr), shape=size)
    distances: npt.NDArray[np.float64] = dijkstra(matrix, indices=root)
    return distances


@dataclass(frozen=True)
class HeuristicCheck:
    """What `check_heuristic` found.

    Attributes:
        consistent: whether `h(u) <= cost(u, v) + h(v)` on every edge (within 1e-9).
        accuracy: mean of h / optimum over nodes with a way to the goal; 1 is perfect.
        worst_edge: where it is inconsistent, the edge (u, v) by labels that breaks it most, by
            `h(u) - h(v) - cost(u, v)`; else None.
    """

    consistent: bool
    accuracy: float
    worst_edge: tuple[Any, Any] | None = None


def check_heuristic(
    map: Map, heuristic: Any, goal: Any, costs: CostField | None = None
) -> HeuristicCheck:
    """Verify that a heuristic is a lower bound, against scipy's Dijkstra; time O(map log map).

    Args:
        heuristic: as for `plan`.

    Raises:
        CheckError: it overestimates somewhere; the message names the worst node, and the edge
            along which h falls most beyond its cost.
        ValueError: no heuristic of that name or shape.
    """
    from .heuristics import tabulate, user_heuristic

    target = map.node(goal)
    h = tabulate(user_heuristic(map, target, costs, heuristic, lower_bound=True)[0], map.size)
    optima = exact_costs(map, target, costs, to_root=True)
    free = ~map.blocked.reshape(-1)
    known = free & np.isfinite(optima)
    excess = np.full(map.size, -np.inf)
    excess[known] = h[known] - optima[known]
    worst = int(np.argmax(excess))
    edge, broken = _worst_edge(map, h, costs)
    if excess[worst] > RELATIVE * abs(optima[worst]) + 1e-12:
        raise CheckError(
            f"the heuristic says {h[worst]!r} at {map.label(worst)!r}, "
            f"but the optimum is {optima[worst]!r}: it is no lower bound" + broken
        )
    away = known & (optima > 0)
    accuracy = float(np.mean(h[away] / optima[away])) if away.any() else 1.0
    return HeuristicCheck(edge is None, accuracy, edge)


def _worst_edge(
    map: Map, h: npt.NDArray[np.float64], costs: CostField | None
) -> tuple[tuple[Any, Any] | None, str]:
    """The edge along which h falls most beyond its cost, and that in words; None where none is."""
    sources, targets, prices = edges_of(map, costs)
    beyond = h[sources] - h[targets] - prices
    beyond[beyond <= 1e-9 * (1 + np.abs(h[sources]))] = 0.0
    if not beyond.any():
        return None, ""
    worst = int(np.argmax(beyond))
    u, v = int(sources[worst]), int(targets[worst])
    edge = map.label(u), map.label(v)
    return edge, (
        f"; on the edge {edge[0]!r} -> {edge[1]!r} it falls from {h[u]!r} to {h[v]!r} "
        f"at a cost of {prices[worst]!r}"
    )
