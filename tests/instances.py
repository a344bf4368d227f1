"""Random problems: maps with costs, and the adjacency that the oracles read.

Small on purpose: a map of 20 nodes has all the corners, parallel aisles and ties of a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import Adjacency, graph_adjacency, grid_adjacency

from planners import CostField, GraphMap, GridMap, Layer

MOVES = ("four", "eight", "eight-one-free", "eight-any")


@dataclass(frozen=True)
class Problem:
    """A query with everything that an oracle needs."""

    map: GridMap | GraphMap
    costs: CostField | None
    adjacency: Adjacency
    start: int
    goal: int

    @property
    def ends(self) -> tuple[object, object]:
        """Start and goal as `plan` wants them: labels where the graph has labels."""
        return self.map.label(self.start), self.map.label(self.goal)


def values_for(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Layer values of one of several characters, ties and zeros among them."""
    kind = rng.integers(5)
    if kind == 0:
        return rng.uniform(0, 3, shape)
    if kind == 1:
        return rng.integers(0, 4, shape)
    if kind == 2:
        return np.where(rng.random(shape) < 0.3, rng.choice([10.0, 300.0]), 0.0)
    if kind == 3:
        return rng.exponential(1.0, shape).astype(np.float32)
    return rng.random(shape) < 0.4


def two_nodes(rng: np.random.Generator, blocked: np.ndarray) -> tuple[int, int]:
    """A start and a goal, nine times of ten on free nodes where there are any."""
    free = np.flatnonzero(~blocked.reshape(-1))
    if free.size and rng.random() < 0.9:
        start, goal = rng.choice(free, 2)
    else:
        start, goal = rng.integers(blocked.size, size=2)
    return int(start), int(goal)


def random_grid(rng: np.random.Generator, side: int = 7) -> Problem:
    """A layered grid of at most side x side cells."""
    shape = (int(rng.integers(1, side + 1)), int(rng.integers(1, side + 1)))
    blocked = rng.random(shape) < rng.choice([0.0, 0.15, 0.35])
    moves = MOVES[rng.integers(4)]
    cell_size_m = float(rng.choice([0.05, 1.0, 2.5]))
    one_way = None
    if rng.random() < 0.3:
        one_way = rng.integers(0, 256, shape) | np.where(rng.random(shape) < 0.5, 255, 0)
    grid = GridMap(blocked, cell_size_m, moves, one_way)
    base = float(rng.choice([0.0, 0.3, 1.0]))
    pace, edge_pace, layers = np.full(shape, base), None, []
    for k in range(rng.integers(0, 3)):
        weight = float(rng.choice([0.0, 0.5, 2.0]))
        values = values_for(rng, shape)
        pace = pace + weight * values
        if values.dtype == np.float64:
            values[blocked] = rng.choice([np.nan, 7.0])  # values on blocked cells are ignored
        layers.append(Layer(f"node {k}", values, weight))
    if rng.random() < 0.3:
        values = values_for(rng, (8, *shape))
        edge_pace = 1.5 * values
        layers.append(Layer("edge", values, 1.5))
    plain = not layers and base == 1.0 and rng.random() < 0.5
    costs = None if plain else CostField(grid, base, layers)
    adjacency = grid_adjacency(
        blocked.tolist(), moves, cell_size_m, one_way, pace.tolist(), edge_pace
    )
    return Problem(grid, costs, adjacency, *two_nodes(rng, blocked))


def random_edges(rng: np.random.Generator, nodes: int) -> list[tuple[int, int, float]]:
    """Edges with parallels, self loops and lengths of zero, sorted by the node that they leave."""
    count = int(rng.integers(0, 3 * nodes + 1))
    ends = rng.integers(0, nodes, (count, 2)).tolist()
    lengths = np.where(rng.random(count) < 0.15, 0.0, rng.uniform(0.1, 5, count))
    if rng.random() < 0.4:
        lengths = np.round(lengths)
    edges = [(u, v, metres) for (u, v), metres in zip(ends, lengths.tolist(), strict=True)]
    if rng.random() < 0.4:
        edges += [(v, u, metres) for u, v, metres in edges]
    if edges and rng.random() < 0.5:
        u, v, metres = edges[0]
        edges += [(u, v, metres * 0.5), (v, v, 1.0)]
    return sorted(edges, key=lambda edge: edge[0])


def build_graph(nodes, edges, **options) -> GraphMap:
    """A `GraphMap` of edges that are sorted by the node that they leave."""
    counts = np.bincount([u for u, _, _ in edges], minlength=nodes) if edges else np.zeros(nodes)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return GraphMap(
        indptr,
        np.array([v for _, v, _ in edges], dtype=np.int32),
        [metres for _, _, metres in edges],
        **options,
    )


def doubling(stages: int) -> GraphMap:
    """Ways whose exploration doubles with every stage where a bucket holds them all."""
    edges = [(0, 2 * stages + 1, 2.0**30)]
    for s in range(stages):
        here, aside, following = 2 * s, 2 * s + 1, 2 * s + 2
        edges += [(here, aside, 0.0), (here, following, 2.0 ** (stages - s)), (aside, following, 0)]
    return build_graph(2 * stages + 2, sorted(edges, key=lambda edge: edge[0]))


def random_positions(rng: np.random.Generator, nodes: int) -> np.ndarray | None:
    """No positions, scattered ones in an arbitrary unit, or several nodes on one spot."""
    kind = rng.integers(3)
    if kind == 0:
        return None
    if kind == 1:
        return rng.uniform(-50, 50, (nodes, 2))
    return rng.integers(0, 3, (nodes, 2))


def random_graph(rng: np.random.Generator, most: int = 14) -> Problem:
    """A layered directed graph of at most `most` nodes."""
    nodes = int(rng.integers(1, most + 1))
    edges = random_edges(rng, nodes)
    blocked = rng.random(nodes) < rng.choice([0.0, 0.2])
    labels = [f"n{k}" for k in range(nodes)] if rng.random() < 0.3 else None
    graph = build_graph(
        nodes, edges, position_m=random_positions(rng, nodes), labels=labels, blocked=blocked
    )
    base = float(rng.choice([0.0, 0.3, 1.0]))
    pace, edge_pace, layers = np.full(nodes, base), None, []
    for k in range(rng.integers(0, 3)):
        weight = float(rng.choice([0.0, 0.5, 2.0]))
        values = values_for(rng, (nodes,))
        pace = pace + weight * values
        layers.append(Layer(f"node {k}", values, weight))
    if rng.random() < 0.4 and len(edges) not in (0, nodes):
        values = values_for(rng, (len(edges),))
        edge_pace = 1.5 * values
        layers.append(Layer("edge", values, 1.5))
    plain = not layers and base == 1.0 and rng.random() < 0.5
    costs = None if plain else CostField(graph, base, layers)
    adjacency = graph_adjacency(nodes, edges, blocked, pace, edge_pace)
    return Problem(graph, costs, adjacency, *two_nodes(rng, blocked))


def open_grid(seed: int, side: int = 9, density: float = 0.2, **options) -> Problem:
    """A layered grid whose corners are free and joined: start top left, goal bottom right."""
    rng = np.random.default_rng(seed)
    while True:
        blocked = rng.random((side, side)) < density
        blocked[0, 0] = blocked[-1, -1] = False
        risk = rng.uniform(0, 4, (side, side))
        adjacency = grid_adjacency(blocked.tolist(), pace=(1 + risk).tolist(), **options)
        if np.isfinite(reach(adjacency)[-1]):
            grid = GridMap(blocked, **options)
            costs = CostField(grid, layers=[Layer("risk", risk)])
            return Problem(grid, costs, adjacency, 0, side * side - 1)


def reach(adjacency: Adjacency) -> list[float]:
    """Cost from node 0, for connectivity."""
    from oracles import dijkstra

    return dijkstra(adjacency, 0)


def lead_values(rng: np.random.Generator, size: int) -> np.ndarray:
    """A lead of one of several characters: mild, signed and huge, a few spikes, constant, noise."""
    kind = rng.integers(5)
    if kind == 0:
        return rng.normal(0, 2, size)
    if kind == 1:
        return rng.choice([-1.0, 1.0], size) * 10.0 ** rng.uniform(-3, 9, size)
    if kind == 2:
        return np.where(rng.random(size) < 0.2, rng.choice([-1e3, 1e3]), 0.0)
    if kind == 3:
        return np.full(size, float(rng.normal(0, 50)))
    return rng.uniform(0, 1000, size)


# --- Hypothesis

# Paces are stored in float32: a cost per metre is zero or far above its smallest number.
COST_VALUES = st.just(0.0) | st.floats(1e-6, 1e6)


@st.composite
def grid_problems(draw: st.DrawFn) -> Problem:
    """Grids that Hypothesis can shrink."""
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    blocked = draw(hnp.arrays(np.bool_, shape))
    moves = draw(st.sampled_from(MOVES))
    masks = hnp.arrays(np.uint8, shape)
    one_way = draw(st.none() | masks)
    risk = draw(hnp.arrays(np.float64, shape, elements=COST_VALUES))
    edge = draw(st.none() | hnp.arrays(np.float64, (8, *shape), elements=COST_VALUES))
    base = draw(st.sampled_from([0.0, 1.0]))
    grid = GridMap(blocked, 1.0, moves, one_way)
    layers = [Layer("risk", risk)] + ([] if edge is None else [Layer("edge", edge)])
    adjacency = grid_adjacency(blocked.tolist(), moves, 1.0, one_way, (base + risk).tolist(), edge)
    nodes = st.integers(0, blocked.size - 1)
    return Problem(grid, CostField(grid, base, layers), adjacency, draw(nodes), draw(nodes))


@st.composite
def graph_problems(draw: st.DrawFn) -> Problem:
    """Directed graphs that Hypothesis can shrink."""
    nodes = draw(st.integers(1, 8))
    ids = st.integers(0, nodes - 1)
    edge = st.tuples(ids, ids, COST_VALUES)
    edges = sorted(draw(st.lists(edge, max_size=20)), key=lambda e: e[0])
    blocked = draw(hnp.arrays(np.bool_, nodes))
    risk = draw(hnp.arrays(np.float64, nodes, elements=COST_VALUES))
    coordinates = hnp.arrays(np.float64, (nodes, 2), elements=st.floats(-1e3, 1e3))
    position_m = draw(st.none() | coordinates)
    graph = build_graph(nodes, edges, position_m=position_m, blocked=blocked)
    costs = CostField(graph, layers=[Layer("risk", risk)])
    adjacency = graph_adjacency(nodes, edges, blocked, 1 + risk)
    return Problem(graph, costs, adjacency, draw(ids), draw(ids))
