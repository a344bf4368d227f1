"""Small random maps whose costs and blocked nodes change, and what every path on them must cost.

The oracle reads the arrays that a user would pass, never those of the planners: a dense matrix of
prices of moves, and scipy's shortest paths on it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from planners import (
    CostField,
    GraphMap,
    GridMap,
    KeptFields,
    Landmarks,
    Layer,
    LearnedBound,
    prepare,
)

Array = npt.NDArray[np.float64]

MOVES = ("four", "eight", "eight-one-free", "eight-any")
BLOCKED_SIDES = {"four": -1, "eight": 0, "eight-one-free": 1, "eight-any": 2}  # of a diagonal
COMPASS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
LARGE_EVERY = 100  # one world of so many is large enough for rewards to learn (256 expansions)
GOALS = 4  # of a world: what is kept per goal is used again


def layer_values(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Values of one of several characters, ties and zeros among them."""
    kind = rng.integers(4)
    if kind == 0:
        return rng.uniform(0, 3, shape)
    if kind == 1:
        return rng.integers(0, 4, shape).astype(np.float64)
    if kind == 2:
        return np.where(rng.random(shape) < 0.3, rng.choice([10.0, 300.0]), 0.0)
    return np.zeros(shape)


class World:
    """A random map with layers.

    Attributes:
        map, costs: what the planners get; `costs` is None where metres are asked for.
        prices: (n, n) cost of the cheapest move between two nodes, infinity where none is legal.
        optima: (n, n) cost of the cheapest path.
        goals: the node ids that queries go to.
        landmarks: prepared at the beginning, or None.
        kept, marks, learned: bounds of its queries, made when the first of them asks.
    """

    map: GridMap | GraphMap
    prices: Array
    optima: Array
    landmarks: Landmarks | None = None
    kept: KeptFields | None = None
    marks: Landmarks | None = None
    learned: LearnedBound | None = None

    def __init__(self, rng: np.random.Generator, large: bool = False) -> None:
        self.rng, self.large = rng, large
        if large or rng.random() < 0.6:
            self._make_grid()
        else:
            self._make_graph()
        self.size = self.map.size
        self.base = float(rng.choice([0.0, 0.3, 1.0], p=[0.15, 0.25, 0.6]))
        layers = self._layers()
        plain = not layers and self.base == 1.0
        self.costs = None if plain else CostField(self.map, self.base, layers)
        self.goals = self._nodes(GOALS)
        self.look()
        if rng.random() < 0.3:
            count = int(rng.integers(0, 3)) if (~self.blocked).any() else 0
            goals = [self.map.label(goal) for goal in self.goals[:2]]
            hand = prepare(self.map, self.costs, goals=goals, landmarks=count)
            self.landmarks = hand.landmarks

    def _make_grid(self) -> None:
        rng = self.rng
        low, high = (20, 26) if self.large else (2, 7)
        shape = tuple(rng.integers(low, high + 1, 2).tolist())
        density = 0.1 if self.large else rng.choice([0.0, 0.15, 0.35])
        self.blocked = rng.random(shape) < density
        self.moves = MOVES[rng.integers(4)]
        self.cell_m = float(rng.choice([0.05, 1.0, 2.5]))
        self.one_way = None
        if not self.large and rng.random() < 0.25:
            mask = rng.integers(0, 256, shape) | np.where(rng.random(shape) < 0.6, 255, 0)
            self.one_way = mask.astype(np.uint8)
        self.map = GridMap(self.blocked, self.cell_m, self.moves, self.one_way)  # type: ignore[arg-type]
        self.edge_shape: tuple[int, ...] = (8, *shape)

    def _make_graph(self) -> None:
        """A digraph with parallel edges, self loops and edges of length zero."""
        rng = self.rng
        nodes = int(rng.integers(2, 26))
        count = int(rng.integers(nodes, 4 * nodes))
        ends = rng.integers(0, nodes, (count, 2))
        metres = np.where(rng.random(count) < 0.15, 0.0, rng.uniform(0.1, 5, count))
        if rng.random() < 0.4:
            metres = np.round(metres)
        if rng.random() < 0.5:
            ends, metres = np.concatenate([ends, ends[:, ::-1]]), np.concatenate([metres, metres])
        order = np.argsort(ends[:, 0], kind="stable")
        self.ends, self.metres = ends[order], metres[order]
        self.blocked = rng.random(nodes) < rng.choice([0.0, 0.2])
        position = None
        if rng.random() < 0.6:
            position = rng.uniform(-50, 50, (nodes, 2))
        elif rng.random() < 0.5:
            position = rng.integers(0, 3, (nodes, 2)).astype(np.float64)
        indptr = np.searchsorted(self.ends[:, 0], np.arange(nodes + 1)).astype(np.int64)
        self.map = GraphMap(indptr, self.ends[:, 1].astype(np.int32), self.metres,
                            position_m=position, blocked=self.blocked)  # fmt: skip
        self.edge_shape = (self.metres.size,)

    def _layers(self) -> list[Layer]:
        rng = self.rng
        self.weighted: list[tuple[str, float, Array]] = []
        for name in ("risk", "energy")[: rng.integers(0, 3)]:
            weight = float(rng.choice([0.0, 0.5, 2.0]))
            self.weighted.append((name, weight, layer_values(rng, self.blocked.shape)))
        edges = math.prod(self.edge_shape)
        if rng.random() < 0.25 and edges != self.size:
            self.weighted.append(("edge", 1.5, layer_values(rng, self.edge_shape)))
        return [Layer(name, values, weight) for name, weight, values in self.weighted]

    def _nodes(self, count: int) -> list[int]:
        """Random nodes, nine times of ten free ones."""
        free = np.flatnonzero(~self.blocked.reshape(-1))
        if free.size and self.rng.random() < 0.9:
            return [int(v) for v in self.rng.choice(free, count)]
        return [int(v) for v in self.rng.integers(self.size, size=count)]

    def ends_of_query(self) -> tuple[int, int]:
        """A random start and one of the goals."""
        return self._nodes(1)[0], self.goals[self.rng.integers(len(self.goals))]

    # --- the oracle

    def look(self) -> None:
        """Price every move anew, and find all optima."""
        pace, edge_pace = np.full(self.size, self.base), np.zeros(self.edge_shape)
        for name, weight, values in self.weighted:
            if name == "edge":
                edge_pace = edge_pace + weight * values
            else:
                pace = pace + weight * values.reshape(-1)
        self.prices = np.full((self.size, self.size), np.inf)
        if isinstance(self.map, GridMap):
            self._price_grid(pace, edge_pace)
        else:
            self._price_graph(pace, edge_pace)
        np.fill_diagonal(self.prices, np.inf)
        moves = np.isfinite(self.prices)
        indptr = np.concatenate([[0], np.cumsum(moves.sum(axis=1))])
        parts = self.prices[moves], np.nonzero(moves)[1], indptr
        self.optima = dijkstra(csr_array(parts, shape=self.prices.shape))

    def _price_grid(self, pace: Array, edge_pace: Array) -> None:
        rows, cols = self.blocked.shape
        free = np.zeros((rows + 2, cols + 2), dtype=np.bool_)
        free[1:-1, 1:-1] = ~self.blocked
        for k, (dr, dc) in enumerate(COMPASS):
            r, c = np.nonzero(
                free[1:-1, 1:-1] & free[1 + dr : 1 + dr + rows, 1 + dc : 1 + dc + cols]
            )
            if dr and dc:
                sides = 2 - free[r + 1 + dr, c + 1].astype(int) - free[r + 1, c + 1 + dc]
                legal = sides <= BLOCKED_SIDES[self.moves]
                r, c = r[legal], c[legal]
            if self.one_way is not None:
                legal = (self.one_way[r, c] >> np.uint8(k) & 1).astype(bool)
                r, c = r[legal], c[legal]
            target = (r + dr) * cols + c + dc
            metres = self.cell_m * math.hypot(dr, dc)
            self.prices[r * cols + c, target] = metres * (pace[target] + edge_pace[k, r, c])

    def _price_graph(self, pace: Array, edge_pace: Array) -> None:
        u, v = self.ends.T
        legal = ~(self.blocked[u] | self.blocked[v])
        price = self.metres * (pace[v] + edge_pace)
        np.minimum.at(self.prices, (u[legal], v[legal]), price[legal])

    # --- what changes

    def change(self) -> None:
        """Rises, falls, blocking and freeing."""
        rng = self.rng
        for name, _, values in self.weighted:
            if self.costs is None or rng.random() < 0.2:
                continue
            flat = values.reshape(-1)
            at = np.unique(rng.integers(flat.size, size=rng.integers(1, 5)))
            fresh = flat[at] + rng.integers(0, 4, at.size)
            if rng.random() < 0.5:
                fresh = np.maximum(flat[at] - rng.integers(0, 4, at.size), 0.0)
            flat[at] = fresh
            self.costs.update(name, at, fresh)
        for blocked in (True, False):
            if rng.random() < 0.3:
                at = np.unique(rng.integers(self.size, size=2))
                self.blocked = self.blocked.copy()
                self.blocked.reshape(-1)[at] = blocked
                self.map = self.map.with_blocked(at, blocked)
        self.look()

    def exact_to(self, goal: int) -> Array:
        """(n,) cost-to-go of every node; of those without a way a number beyond all others."""
        to_go = self.optima[:, goal]
        known = np.isfinite(to_go)
        return np.where(known, to_go, 10.0 + 2.0 * float(to_go[known].max(initial=0.0)))
