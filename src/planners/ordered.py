"""A graph in an order in which neighbours lie close in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .graphs import GraphMap
from .heuristics import NO_POSITIONS
from .maps import read_only

REORDERED_FROM = 2**15  # nodes; below, a graph fits into the processor's cache in any order
_HILBERT_BITS = 16
_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class Ordered:
    """The edges of a graph, by the node that they leave and by the node that they reach.

    Attributes:
        node: (n,) the graph's node at each place.
        place: (n,) the place of each of its nodes.
        indptr, indices, edge: edges by the place that they leave, and their ids in the graph.
        back_indptr, back_indices, back_edge: the same by the place that they reach.
        position: (n, 2) positions by place; (0, 2) without.
        straight: sum of the straight lines between the ends of all edges, in units of position.
    """

    node: npt.NDArray[np.int64]
    place: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    edge: npt.NDArray[np.int64]
    back_indptr: npt.NDArray[np.int64]
    back_indices: npt.NDArray[np.int32]
    back_edge: npt.NDArray[np.int64]
    position: npt.NDArray[np.float64]
    straight: float


def ordered(graph: GraphMap) -> Ordered:
    """The graph in a good order, made once; maps that only block other nodes share it.

    From `REORDERED_FROM` nodes on: along a Hilbert curve where there are positions, else by reverse
    Cuthill-McKee; smaller graphs stay as they are.
    """
    held: Ordered | None = graph.__dict__.get("ordered")
    if held is None:
        with _LOCK:
            held = graph.__dict__.get("ordered") or _ordered(graph)
            graph.__dict__["ordered"] = held
    return held


def _ordered(graph: GraphMap) -> Ordered:
    node = np.arange(graph.size)
    if graph.size >= REORDERED_FROM:
        node = _along_hilbert(graph.position_m) if graph.position_m is not None else _banded(graph)
    place = np.empty(graph.size, dtype=np.int32)
    place[node] = np.arange(graph.size, dtype=np.int32)
    back_indptr, back_edge = graph.reverse_order
    position, straight = NO_POSITIONS, 0.0
    if graph.position_m is not None:
        position = graph.position_m[node]
        apart = graph.position_m[graph.indices] - graph.position_m[graph.sources]
        straight = float(np.hypot(apart[:, 0], apart[:, 1]).sum())
    return Ordered(
        read_only(node),
        read_only(place),
        *_rows(node, place, graph.indptr, np.arange(graph.indices.size), graph.indices),
        *_rows(node, place, back_indptr, back_edge, graph.sources),
        read_only(position),
        straight,
    )


def _rows(
    node: npt.NDArray[np.int64],
    place: npt.NDArray[np.int32],
    indptr: npt.NDArray[np.int64],
    edge: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Compressed sparse rows (indptr, indices, edge ids) with nodes renamed to places."""
    counts = np.diff(indptr)[node]
    fresh = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    at = np.arange(edge.size) + np.repeat(indptr[node] - fresh[:-1], counts)
    edge = edge[at]
    return read_only(fresh), read_only(place[ends[edge]]), read_only(edge)


def _along_hilbert(position: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Nodes in the order in which a Hilbert curve visits them (Hilbert 1891)."""
    low = position.min(axis=0)
    span = float((position.max(axis=0) - low).max()) or 1.0
    side = 1 << _HILBERT_BITS
    x, y = np.minimum((position - low) / span * side, side - 1).astype(np.int64).T
    key = np.zeros(position.shape[0], dtype=np.int64)
    for bit in range(_HILBERT_BITS - 1, -1, -1):
        half = 1 << bit
        right, upper = (x & half) > 0, (y & half) > 0
        key = key << 2 | np.where(right, 3 - upper, upper)
        x, y = x & (half - 1), y & (half - 1)
        flipped = right & ~upper
        x, y = np.where(flipped, half - 1 - x, x), np.where(flipped, half - 1 - y, y)
        x, y = np.where(upper, x, y), np.where(upper, y, x)
    return np.argsort(key, kind="stable").astype(np.int64)


def _banded(graph: GraphMap) -> npt.NDArray[np.int64]:
    """Nodes in the order of reverse Cuthill and McKee (1969): edges join places close by."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    ones = np.ones(graph.indices.size, dtype=np.int8)
    matrix = csr_array((ones, graph.indices, graph.indptr), shape=(graph.size, graph.size))
    return np.asarray(reverse_cuthill_mckee(matrix), dtype=np.int64)
