"""Maps whose costs change, and the adjacency that an oracle reads at every moment."""

from __future__ import annotations

import heapq
import math

import numpy as np
from instances import MOVES, build_graph, random_edges
from oracles import Adjacency, graph_adjacency, grid_adjacency, reverse

from planners import CostField, Layer


class World:
    """A grid or a graph with a layer per node and one per edge; values are whole numbers."""

    def __init__(self, rng: np.random.Generator, on_grid: bool, most: int = 5) -> None:
        self.on_grid = on_grid
        if on_grid:
            self._make_grid(rng, most)
        else:
            self._make_graph(rng, most * most)
        self.risk = rng.integers(0, 6, self.map.size).astype(float)
        layers = [Layer("risk", self.risk.reshape(self.blocked.shape))]
        self.toll = rng.integers(0, 6, self.edge_shape).astype(float)
        self.tolled = self.toll.size not in (0, self.map.size) and rng.random() < 0.5
        if self.tolled:
            layers.append(Layer("toll", self.toll))
        self.base = float(rng.choice([0.0, 1.0]))
        self.costs = CostField(self.map, self.base, layers)

    def _make_grid(self, rng, most):
        from planners import GridMap

        shape = tuple(rng.integers(1, most + 1, 2).tolist())
        self.blocked = rng.random(shape) < 0.2
        self.moves = MOVES[rng.integers(4)]
        self.one_way = None
        if rng.random() < 0.3:
            self.one_way = rng.integers(0, 256, shape) | np.where(rng.random(shape) < 0.5, 255, 0)
        self.map = GridMap(self.blocked, 1.0, self.moves, self.one_way)
        self.edge_shape = (8, *shape)

    def _make_graph(self, rng, most):
        nodes = int(rng.integers(1, most + 1))
        self.blocked = rng.random(nodes) < 0.2
        self.edges = random_edges(rng, nodes)
        self.map = build_graph(nodes, self.edges, blocked=self.blocked)
        self.edge_shape = (len(self.edges),)

    def update(self, node: int, value: float) -> None:
        self.risk[node] = value
        self.costs.update("risk", [node], [value])

    def update_toll(self, edge: int, value: float) -> None:
        if self.tolled:
            self.toll.flat[edge % self.toll.size] = value
            self.costs.update("toll", [edge % self.toll.size], [value])

    def block(self, node: int, blocked: bool) -> None:
        self.blocked.flat[node] = blocked
        self.map = self.map.with_blocked([node], blocked)

    def backward(self) -> Adjacency:
        """Every legal move the other way round, with its cost now."""
        pace = self.base + self.risk
        toll = self.toll if self.tolled else None
        if not self.on_grid:
            return reverse(graph_adjacency(self.map.size, self.edges, self.blocked, pace, toll))
        pace = pace.reshape(self.blocked.shape).tolist()
        blocked = self.blocked.tolist()
        return reverse(grid_adjacency(blocked, self.moves, 1.0, self.one_way, pace, toll))


def settle(backward: Adjacency, values: list[float]) -> list[float]:
    """The least `cost from v to w + values[w]` over all w: Dijkstra that starts from everywhere."""
    best = list(values)
    heap = [(value, node) for node, value in enumerate(best) if math.isfinite(value)]
    heapq.heapify(heap)
    while heap:
        g, v = heapq.heappop(heap)
        if g > best[v]:
            continue
        for u, cost in backward[v]:
            if g + cost < best[u]:
                best[u] = g + cost
                heapq.heappush(heap, (best[u], u))
    return best


def least(a: Adjacency, b: Adjacency) -> Adjacency:
    """The moves of both at the lesser cost."""
    return [x + y for x, y in zip(a, b, strict=True)]


def assert_consistent(backward: Adjacency, values, slack: float = 1e-9) -> None:
    """`h(u) <= cost(u, v) + h(v)` on every legal move."""
    for v, arriving in enumerate(backward):
        for u, cost in arriving:
            assert values[u] <= (cost + values[v]) * (1 + slack) + 1e-12, (u, v, cost)


def assert_below(values, truth, slack: float = 1e-9) -> None:
    """No value is above the true cost."""
    for node, (h, cost) in enumerate(zip(values, truth, strict=True)):
        assert h <= cost * (1 + slack) + 1e-12, (node, h, cost)
