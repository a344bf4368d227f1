"""Clusters of a graph: what is left to pay, estimated on a quotient graph under the current layers.

256 seeded nodes; every node belongs to the seed that it reaches by the shortest way. A cluster has
the pace `3/4 mean + 1/4 least` of its nodes; neighbouring clusters are linked by the shortest way
between their seeds across one edge, times the mean of the two paces. From the cluster's cost-to-go
E slopes with the straight line to the goal, where the graph has positions. Graph Voronoi diagrams:
Erwig 2000.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .coarse import LEAST_SHARE
from .costs import CostField
from .graphs import GraphMap
from .heuristics import NO_POSITIONS, NO_TABLE, metres_per_unit
from .kernels.loop import PRIORITY, ZERO, Bound, Graph, Key
from .kernels.tiles import UNREACHED, Tiles
from .kernels.workspace import Query
from .maps import read_only
from .question import NO_LIMIT
from .spaces import space_of

CLUSTERS = 256
DETOUR = 1.1  # metres of way per metre of straight line, inside a cluster
SEED = 0


@dataclass(frozen=True, eq=False)
class Clusters:
    """The clusters of a graph, by its lengths alone: blocked nodes and costs do not change them.

    Attributes:
        seeds: (k,) node ids.
        member: (n,) int32 cluster of each node; k where no seed is reached.
        sources, targets: (links,) clusters that an edge joins.
        length_m: (links,) the shortest way between their seeds across one edge.
    """

    seeds: npt.NDArray[np.int64]
    member: npt.NDArray[np.int32]
    sources: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    length_m: npt.NDArray[np.float64]


def clusters_of(graph: GraphMap) -> Clusters:
    """The clusters of a graph: found once, and kept by the graphs that `with_blocked` makes of it.

    >>> line = GraphMap([0, 1, 2, 2], [1, 2], [1.0, 1.0])
    >>> clusters_of(line).seeds.size
    3
    """
    held: Clusters | None = graph.__dict__.get("clusters")
    if held is None:
        held = graph.__dict__["clusters"] = _clusters(graph)
    return held


def _clusters(graph: GraphMap) -> Clusters:
    rng = np.random.default_rng(SEED)
    count = min(CLUSTERS, graph.size)
    seeds = np.sort(rng.choice(graph.size, count, replace=False)).astype(np.int64)
    to_seed, member = _nearest(graph, seeds)
    here, there = member[graph.sources], member[graph.indices]
    crossing = np.flatnonzero((here != there) & (here < count) & (there < count))
    lengths = to_seed[graph.sources[crossing]] + graph.length_m[crossing]
    lengths += to_seed[graph.indices[crossing]]  # as if that way led back as well
    pairs = here[crossing].astype(np.int64) * count + there[crossing]
    links, at = np.unique(pairs, return_inverse=True)
    length_m = np.full(links.size, np.inf)
    np.minimum.at(length_m, at, lengths)
    return Clusters(read_only(seeds), read_only(member), links // count, links % count, length_m)


def _nearest(
    graph: GraphMap, seeds: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """(n,) the way to the nearest seed, and which: Dijkstra from one more node before all seeds."""
    free = graph.with_blocked(np.flatnonzero(graph.blocked), False)
    space = space_of(free, None, backward=True)
    backward = space.arrays
    assert isinstance(backward, Graph)
    n, edges = graph.size, backward.indices.size
    joined = Graph(
        read_only(np.append(backward.indptr, edges + seeds.size)),
        read_only(np.append(backward.indices, seeds.astype(np.int32))),
        read_only(np.append(backward.step, np.zeros(seeds.size))),
    )
    bound = Bound(ZERO, 0.0, 0.0, 0.0, 1, NO_POSITIONS, NO_TABLE)
    query = Query(threading.local(), n + 1, joined, bound, width=space.width,
                  room=max(space.room, seeds.size + 2), limit=NO_LIMIT, textbook=False,
                  trace=False)  # fmt: skip
    query.search(n, -1, Key(PRIORITY, 1.0, 0.0, NO_TABLE), proving=True)
    reached = query.reached()[:n]
    root = np.where(reached, query.work.parent[:n], np.arange(n))
    root[seeds] = seeds
    while (root[root] != root).any():
        root = root[root]
    cluster = np.full(n, seeds.size, dtype=np.int32)
    cluster[seeds] = np.arange(seeds.size)
    return np.where(reached, query.work.g[:n], np.inf), np.where(reached, cluster[root], seeds.size)


def cluster_cost_to_go(graph: GraphMap, goal: int, costs: CostField | None = None) -> Tiles:
    """E to a goal from every node of a graph.

    Args:
        goal: node id.

    Returns:
        What `kernels.tiles.tile_estimate` and `coarse.tabulate` read. `UNREACHED` only where no way
        leads; 0 where the clusters know nothing (nodes, or a goal, that reach no seed).

    Raises:
        ValueError: costs that do not fit the graph.

    >>> from planners.coarse import tabulate
    >>> line = GraphMap([0, 1, 2, 2], [1, 2], [1.0, 1.0])
    >>> tabulate(cluster_cost_to_go(line, goal=2), size=3).tolist()
    [2.0, 1.0, 0.0]
    """
    space_of(graph, costs)  # raises where the costs do not fit
    clusters = clusters_of(graph)
    known = clusters.member[goal] < clusters.seeds.size
    pace = _paces(graph, clusters, costs)
    to_go = np.zeros(clusters.seeds.size + 1)  # the last: what reaches no seed
    if known:
        links = clusters.length_m * (pace[clusters.sources] + pace[clusters.targets]) / 2
        to_go[:-1] = _to(int(clusters.member[goal]), clusters, links)
    slope, position, x, y = np.zeros(to_go.size), NO_POSITIONS, 0.0, 0.0
    per_unit = metres_per_unit(graph)
    if graph.position_m is not None and per_unit > 0 and known:
        position = graph.position_m
        x, y = position[goal].tolist()
        slope[:-1] = DETOUR * per_unit * pace
        straight = np.hypot(*(position[clusters.seeds] - position[goal]).T)
        to_go[:-1] -= slope[:-1] * straight
    cost = read_only(np.minimum(to_go, UNREACHED))
    return Tiles(cost, 0, 0, 0.0, 1, y, x, 0.0, 0.0, clusters.member, read_only(slope), position)


def _to(root: int, clusters: Clusters, links: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(k,) cost-to-go of the clusters; scipy drops links of zero, so they cost next to nothing."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    k = clusters.seeds.size
    ends = clusters.targets, clusters.sources
    return np.asarray(
        dijkstra(csr_array((np.maximum(links, 1e-300), ends), shape=(k, k)), indices=root)
    )


# Paces of the clusters by cost field that is alive: (version, paces).
_PACES: weakref.WeakKeyDictionary[CostField, tuple[int, npt.NDArray[np.float64]]]
_PACES = weakref.WeakKeyDictionary()


def _paces(graph: GraphMap, clusters: Clusters, costs: CostField | None) -> npt.NDArray[np.float64]:
    """(k,) cost units per metre in each cluster, kept per version."""
    k = clusters.seeds.size
    if costs is None:
        return np.ones(k)
    held = _PACES.get(costs)
    if held is None or held[0] != costs.version:
        mean = _mean(clusters.member, costs.pace, k)
        least = np.full(k + 1, np.inf)
        np.minimum.at(least, clusters.member, costs.pace.astype(np.float64))
        pace = (1 - LEAST_SHARE) * mean + LEAST_SHARE * least[:k]
        if costs.edge_pace is not None:
            pace += _mean(clusters.member[graph.sources], costs.edge_pace, k)
        held = _PACES[costs] = (costs.version, pace)
    return held[1]


def _mean(
    member: npt.NDArray[np.int32], values: npt.NDArray[np.float32], k: int
) -> npt.NDArray[np.float64]:
    count = np.bincount(member, minlength=k + 1)[:k]
    return np.asarray(np.bincount(member, values, k + 1)[:k] / np.maximum(count, 1))
