"""Graph maps: nodes, directed edges with lengths, and (where there are any) positions."""

from __future__ import annotations

import numbers
import threading
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .maps import FARTHEST, MAX_NODES, GridMap, read_only

if TYPE_CHECKING:
    import networkx


class GraphMap:
    """A directed graph in compressed sparse rows. Immutable.

    Edges `indptr[u] .. indptr[u + 1]` leave node u. Parallel edges, self loops and lengths of zero
    are legal. An undirected street is two edges.

    Args:
        indptr: (n + 1,) integers, from 0 to the number of edges, never falling.
        indices: (edges,) node ids that the edges lead to.
        length_m: (edges,) finite lengths >= 0 in metres.
        position_m: optional (n, 2) finite positions, in any unit (x, y).
        labels: optional n distinct hashable names; start and goal are then given by label.
        blocked: optional (n,) mask of nodes that may not be entered.

    Raises:
        ValueError: shapes that do not fit, ids out of range, negative or infinite lengths.

    >>> graph = GraphMap([0, 1, 1], [1], [5.0], labels=["dock", "shelf"])
    >>> graph.node("shelf"), graph.size
    (1, 2)
    """

    def __init__(
        self,
        indptr: npt.ArrayLike,
        indices: npt.ArrayLike,
        length_m: npt.ArrayLike,
        position_m: npt.ArrayLike | None = None,
        labels: Sequence[Hashable] | None = None,
        blocked: npt.ArrayLike | None = None,
    ) -> None:
        self.indptr = read_only(_integers(indptr, "indptr", np.int64))
        targets = _integers(indices, "indices", np.int64)
        self.length_m = read_only(np.array(length_m, dtype=np.float64).reshape(-1))
        self._check_edges(targets)
        self.indices = read_only(targets.astype(np.int32))
        self.position_m = None if position_m is None else self._checked_positions(position_m)
        self.labels = None if labels is None else self._checked_labels(labels)
        self.blocked = read_only(self._checked_blocked(blocked))
        self.workspaces = threading.local()

    def _check_edges(self, targets: npt.NDArray[np.int64]) -> None:
        if self.indptr.size < 2:
            raise ValueError(
                f"a graph needs at least one node: indptr has {self.indptr.size} entry"
            )
        edges = targets.size
        if self.indptr[0] != 0 or self.indptr[-1] != edges or np.any(np.diff(self.indptr) < 0):
            raise ValueError(f"indptr must rise from 0 to the number of edges, {edges}")
        if self.length_m.size != edges:
            raise ValueError(f"{edges} edges but {self.length_m.size} lengths")
        if self.size > MAX_NODES:
            raise ValueError(f"a graph of {self.size} nodes is over the limit of {MAX_NODES}")
        if edges and not (targets.min() >= 0 and targets.max() < self.size):
            bad = targets[(targets < 0) | (targets >= self.size)][0]
            raise ValueError(f"an edge leads to node {bad}: ids run from 0 to {self.size - 1}")
        wrong = ~((self.length_m >= 0) & (self.length_m < FARTHEST))
        if wrong.any():
            edge = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"edge {edge} has length {self.length_m[edge]}: must be >= 0, < {FARTHEST}"
            )

    def _checked_positions(self, position_m: npt.ArrayLike) -> npt.NDArray[np.float64]:
        array = np.array(position_m, dtype=np.float64, order="C")
        if array.shape != (self.size, 2):
            raise ValueError(f"position_m needs shape ({self.size}, 2), not {array.shape}")
        if not (np.abs(array) < FARTHEST).all():
            node = int(np.flatnonzero(~(np.abs(array) < FARTHEST).all(axis=1))[0])
            raise ValueError(f"node {node} has position {array[node]}: must be < {FARTHEST}")
        return read_only(array)

    def _checked_labels(self, labels: Sequence[Hashable]) -> tuple[Hashable, ...]:
        names = tuple(labels)
        if len(names) != self.size or len(set(names)) != self.size:
            raise ValueError(
                f"{self.size} nodes need as many distinct labels, not {len(names)} "
                f"({len(set(names))} distinct)"
            )
        return names

    def _checked_blocked(self, blocked: npt.ArrayLike | None) -> npt.NDArray[np.bool_]:
        if blocked is None:
            return np.zeros(self.size, dtype=np.bool_)
        array = np.array(blocked, dtype=np.bool_).reshape(-1)
        if array.size != self.size:
            raise ValueError(f"blocked must have {self.size} entries, not {array.size}")
        return array

    @classmethod
    def from_networkx(
        cls, graph: networkx.Graph[Any], length: str = "length", position: str | None = "pos"
    ) -> GraphMap:
        """A map of any networkx graph; node objects become labels, in the graph's order.

        Args:
            graph: Graph, DiGraph or their multi forms; undirected edges become two.
            length: edge attribute with the length in metres.
            position: node attribute with (x, y); used when every node has it.

        Raises:
            ValueError: an edge without a length, or a graph without nodes.
        """
        labels = list(graph.nodes)
        ids = {label: k for k, label in enumerate(labels)}
        sources, targets, lengths = [], [], []
        for u, v, data in graph.edges(data=True):
            if length not in data:
                raise ValueError(
                    f"edge {u!r} -> {v!r} has no attribute {length!r}: name it in length="
                )
            pairs = [(u, v)] if graph.is_directed() or u == v else [(u, v), (v, u)]
            for a, b in pairs:
                sources.append(ids[a])
                targets.append(ids[b])
                lengths.append(float(data[length]))
        order = np.argsort(np.array(sources, dtype=np.int64), kind="stable")
        counts = np.bincount(np.array(sources, dtype=np.int64), minlength=len(labels))
        indptr = np.concatenate([[0], np.cumsum(counts)])
        positions = None
        if position is not None and labels and all(position in graph.nodes[n] for n in labels):
            positions = [tuple(graph.nodes[n][position])[:2] for n in labels]
        targets_array = np.array(targets, dtype=np.int64)[order]
        return cls(indptr, targets_array, np.array(lengths)[order], positions, labels)

    def to_networkx(self) -> networkx.MultiDiGraph[Any]:
        """The graph for networkx: `length` on edges, `pos` on nodes, labels (else ids) as nodes."""
        import networkx as nx

        graph: networkx.MultiDiGraph[Any] = nx.MultiDiGraph()
        for node in range(self.size):
            data = {} if self.position_m is None else {"pos": tuple(self.position_m[node].tolist())}
            graph.add_node(self.label(node), **data)
        for u, v, metres in zip(self.sources, self.indices, self.length_m, strict=True):
            graph.add_edge(self.label(int(u)), self.label(int(v)), length=float(metres))
        return graph

    def __repr__(self) -> str:
        return f"GraphMap({self.size} nodes, {self.indices.size} edges)"

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (
            self.indptr,
            self.indices,
            self.length_m,
            self.position_m,
            self.labels,
            self.blocked,
        )
        return GraphMap, parts

    @property
    def size(self) -> int:
        """Number of nodes, blocked ones included."""
        return self.indptr.size - 1

    @cached_property
    def sources(self) -> npt.NDArray[np.int32]:
        """(edges,) the node that each edge leaves."""
        counts = np.diff(self.indptr)
        return read_only(np.repeat(np.arange(self.size, dtype=np.int32), counts))

    @cached_property
    def reverse_order(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """(indptr, edge ids) of the edges sorted by the node that they lead to."""
        order = np.argsort(self.indices, kind="stable").astype(np.int64)
        counts = np.bincount(self.indices, minlength=self.size)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), order

    @cached_property
    def _ids(self) -> dict[Hashable, int]:
        return {label: k for k, label in enumerate(self.labels or ())}

    @cached_property
    def _number_labels(self) -> bool:
        return any(isinstance(label, (numbers.Number, np.generic)) for label in self.labels or ())

    def node(self, label: Any) -> int:
        """The node id of a label; of an id where the graph has no labels, or none that is a number.

        Raises:
            ValueError: no such label, or an id outside the graph.
        """
        if self.labels is not None:
            try:
                found = self._ids.get(label)
            except TypeError:
                found = None
            if found is not None:
                return found
            if self._number_labels or not isinstance(label, (int, np.integer)):
                raise ValueError(f"the graph has no node labelled {label!r}")
        if isinstance(label, (bool, np.bool_)) or not isinstance(label, (int, np.integer)):
            raise ValueError(f"a node of a graph without labels is a whole number, not {label!r}")
        if not 0 <= int(label) < self.size:
            raise ValueError(
                f"node {label} is outside the graph: ids run from 0 to {self.size - 1}"
            )
        return int(label)

    def label(self, node: int) -> Any:
        """What a user calls the node: its label, else its id."""
        return self.labels[node] if self.labels is not None else int(node)

    def positions_m(self, nodes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(k, 2) positions of k node ids; zeros where the graph has none."""
        ids = np.asarray(nodes, dtype=np.int64)
        if self.position_m is None:
            return np.zeros((*ids.shape, 2))
        return self.position_m[ids]

    def is_blocked(self, node: int) -> bool:
        """Whether a node id is blocked."""
        return bool(self.blocked[node])

    def successors(self, node: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Free nodes that one edge reaches, and the lengths of those edges in metres."""
        if self.blocked[node]:
            return np.empty(0, dtype=np.int64), np.empty(0)
        span = slice(self.indptr[node], self.indptr[node + 1])
        targets = self.indices[span].astype(np.int64)
        free = ~self.blocked[targets]
        return targets[free], self.length_m[span][free]

    def with_blocked(self, nodes: npt.ArrayLike, blocked: bool) -> GraphMap:
        """A new map in which the given node ids are blocked or free; other arrays are shared.

        Raises:
            ValueError: no whole numbers (take node(label) of labels), or ids outside the graph.
        """
        ids = _integers(nodes, "nodes", np.int64)
        if ids.size == 0:
            return self
        if ids.min() < 0 or ids.max() >= self.size:
            raise ValueError(f"nodes {ids.min()}..{ids.max()} are outside 0..{self.size - 1}")
        fresh = GraphMap.__new__(GraphMap)
        fresh.__dict__.update(self.__dict__)
        mask = np.array(self.blocked)
        mask[ids] = blocked
        fresh.blocked = read_only(mask)
        return fresh


def _integers(values: npt.ArrayLike, name: str, dtype: type) -> npt.NDArray[Any]:
    array = np.asarray(values).reshape(-1)
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"{name} must hold whole numbers, not {array.dtype}")
    return np.array(array, dtype=dtype)


Map = GridMap | GraphMap
