"""What is best: a base pace plus weighted layers, composed once.

Cost units are the user's; the living world uses seconds. Moving u -> v costs
`length(u, v) * pace(v)`, charged on entry; a layer per edge is added to the pace of its own move.
"""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import expect, expect_all
from .graphs import GraphMap, Map
from .history import History
from .maps import GridMap, read_only
from .result import Path
from .walks import alike, on_map, steps

PIECE = 1 << 20


@dataclass(frozen=True, eq=False)
class Layer:
    """An extra cost per metre, finite and >= 0.

    Args:
        name: `risk`, `congestion`, `energy`, a zone: any name, once in a cost field.
        values: float32 is kept as it is, all else as float64. One value per node, (rows, cols) or
            (size,); or per edge: (8, rows, cols) by leaving
            direction on grids, CSR order on graphs. Where a graph has as many edges as nodes, the
            values are per node. Copied; values on blocked nodes are ignored.
        weight: finite and >= 0; 0 switches the layer off, bit for bit.
    """

    name: str
    values: npt.ArrayLike
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not (isinstance(self.weight, (int, float, np.number)) and 0 <= self.weight < math.inf):
            raise ValueError(
                f"layer {self.name!r}: weight must be finite and >= 0, not {self.weight!r}"
            )


class CostField:
    """Base pace plus weighted layers: the one mutable, versioned object of the library.

    Args:
        map: any map of the same kind and size may use the field (blocked cells may differ).
        base: cost units per metre where every layer is zero, finite and >= 0.
        layers: see `Layer`; their names are distinct.

    Raises:
        ValueError: a layer of a wrong shape, with NaN, infinite or negative values on free nodes, a
            name used twice, or a sum beyond float32.

    `pace` is stored in float32 and every cost is computed from those stored values (what is below
    1e-45 is zero). Every layer is
    >= 0, so `pace_min * distance` is a lower bound under any change of the layers. Calling `update`
    while a plan runs on the same field is an error that is not detected.

    >>> grid = GridMap([[0, 0, 0]])
    >>> costs = CostField(grid, base=2.0, layers=[Layer("risk", [[0, 1, 0]], weight=3.0)])
    >>> costs.pace.tolist()
    [2.0, 5.0, 2.0]
    """

    def __init__(self, map: Map, base: float = 1.0, layers: Sequence[Layer] = ()) -> None:
        expect(map, (GridMap, GraphMap), "map")
        if not (isinstance(base, (int, float, np.number)) and 0 <= base < math.inf):
            raise ValueError(f"base must be a finite number >= 0, not {base!r}")
        self.base = float(base)
        self.version = 0
        self.history = History(max(1024, map.size // 4))
        self.map = map
        self._grid_shape = map.shape if isinstance(map, GridMap) else None
        self._nodes = map.size
        self._edges = 8 * map.size if isinstance(map, GridMap) else int(map.indices.size)
        self._blocked = map.blocked.reshape(-1)
        self._layers: dict[str, npt.NDArray[np.floating]] = {}
        self._weights: dict[str, float] = {}
        for layer in expect_all(layers, Layer, "layers"):
            if layer.name in self._layers or layer.name == "base":
                raise ValueError(f"layer {layer.name!r} is given twice (or named like the base)")
            self._layers[layer.name] = self._checked(layer)
            self._weights[layer.name] = float(layer.weight)
        self._compose()

    def __getstate__(self) -> dict[str, Any]:
        derived = ("pace", "edge_pace", "weights", "_paces", "at_hand")
        return {name: value for name, value in self.__dict__.items() if name not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._publish()

    def __copy__(self) -> CostField:
        return copy.deepcopy(self)  # a copy that shared arrays would change with its original

    def _publish(self) -> None:
        """Read-only views of the composed arrays: updates show, writes through them fail."""
        self.pace = read_only(self._pace.view())
        self.edge_pace = None if self._edge_pace is None else read_only(self._edge_pace.view())
        self.weights: Mapping[str, float] = MappingProxyType(self._weights)
        self._paces: weakref.WeakKeyDictionary[Map, tuple[int, float, float]]
        self._paces = weakref.WeakKeyDictionary()

    def _checked(self, layer: Layer) -> npt.NDArray[np.floating]:
        array = np.asarray(layer.values)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"layer {layer.name!r} must hold numbers, not dtype {array.dtype}")
        shapes: list[tuple[int, ...]] = [(self._nodes,), (self._edges,)]
        if self._grid_shape is not None:
            shapes = [self._grid_shape, (self._nodes,), (8, *self._grid_shape)]
        if array.shape not in shapes:
            raise ValueError(
                f"layer {layer.name!r} has shape {array.shape}, but the map needs "
                + " or ".join(map(str, shapes))
            )
        kept: Any = np.float32 if array.dtype == np.float32 else np.float64
        values: npt.NDArray[np.floating] = np.zeros(array.size, dtype=kept)
        if array.any():  # else the zeros need not even be written
            values[:] = array.reshape(-1)
        wrong = ~(np.isfinite(values) & (values >= 0))
        if values.size == self._nodes:
            values[wrong & self._blocked] = 0.0
            wrong &= ~self._blocked
        elif self._grid_shape is not None:
            outside = np.tile(self._blocked, 8) | ~on_map(self._grid_shape)
            values[wrong & outside] = 0.0
            wrong &= ~outside
        if wrong.any():
            where = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"layer {layer.name!r} holds {values[where]} at {self._place(where)}: "
                "values must be finite and >= 0"
            )
        return values

    def _place(self, index: int) -> str:
        if self._grid_shape is None:
            return f"index {index}"
        plane, node = divmod(index, self._nodes)
        cell = divmod(node, self._grid_shape[1])
        return f"cell {cell}" if plane == 0 else f"direction {plane}, cell {cell}"

    def _compose(self) -> None:
        pace = np.full(self._nodes, self.base)
        edge_pace = None
        for name, values in self._layers.items():
            weight = self._weights[name]
            with np.errstate(over="ignore"):
                if values.size == self._nodes:
                    _add_weighted(pace, values, weight)
                elif weight:
                    edge_pace = np.zeros(self._edges) if edge_pace is None else edge_pace
                    _add_weighted(edge_pace, values, weight)
        self._pace = self._stored(pace, ~self._blocked)
        self._edge_pace = None if edge_pace is None else self._stored(edge_pace)
        self._publish()

    def _stored(
        self, values: npt.NDArray[np.float64], where: npt.NDArray[np.bool_] | bool = True
    ) -> npt.NDArray[np.float32]:
        most = float(np.finfo(np.float32).max)
        worst = float(np.max(values, initial=0.0, where=where))
        if worst > most:
            raise ValueError(f"base plus layers reach {worst:.3g}, beyond float32: scale down")
        return np.minimum(values, most, out=values).astype(np.float32)

    @property
    def pace_min(self) -> float:
        """The least pace over the free nodes of the field's own map."""
        return self.paces_on(self.map)[0]

    def paces_on(self, map: Map) -> tuple[float, float]:
        """Least and mean pace over the free nodes of a map, kept per version.

        Raises:
            ValueError: the field was made for a map of another shape.
        """
        held = self._paces.get(map)
        if held is None or held[0] != self.version:
            self.expect_fit(map)
            free = self._pace[~map.blocked.reshape(-1)]
            least = float(free.min()) if free.size else self.base
            mean = float(free.mean(dtype=np.float64)) if free.size else self.base
            held = self._paces[map] = (self.version, least, mean)
        return held[1:]

    def fits(self, map: Map) -> bool:
        """Whether this field can price moves on the given map."""
        return alike(self.map, map)

    def expect_fit(self, map: Map) -> None:
        """Raise a ValueError where this field cannot price moves on the given map."""
        if not self.fits(map):
            raise ValueError(f"the cost field was made for {self.map!r} and does not fit {map!r}")

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers, in their order."""
        return tuple(self._layers)

    def layer(self, name: str) -> npt.NDArray[np.floating]:
        """A read-only view of a layer's values, flat: (size,) or (edges,)."""
        view = self._known(name).view()
        view.flags.writeable = False
        return view

    def _known(self, name: str) -> npt.NDArray[np.floating]:
        if name not in self._layers:
            known = ", ".join(self._layers) or "none"
            raise ValueError(f"no layer named {name!r}: the field has {known}")
        return self._layers[name]

    def is_per_node(self, name: str) -> bool:
        """Whether a layer has one value per node (else per edge)."""
        return self._known(name).size == self._nodes

    def update(self, name: str, nodes: npt.ArrayLike, values: npt.ArrayLike) -> None:
        """Set some values of one layer; `version` goes up by one.

        `history` notes what rose and what fell, in time O(changed).

        Args:
            name: a layer of this field.
            nodes: (k,) node ids ((k,) edge indices for a layer per edge), a (k, 2) array of cells,
                one cell as a tuple, or a boolean mask over the layer.
            values: (k,) new values, or one for all; finite and >= 0.

        Raises:
            ValueError: unknown layer, indices outside, bad values; nothing is changed then.
        """
        self.update_layers({name: (nodes, values)})

    def update_layers(self, changes: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]]) -> None:
        """Set some values of several layers in one step: all or, on an error, none of them.

        Args:
            changes: by name of the layer, `nodes` and `values` as in `update`, which is the same
                for one layer; `version` goes up by one whatever their number.

        Raises:
            ValueError: as in `update`.

        >>> layers = [Layer("risk", [0, 0]), Layer("jam", [0, 0])]
        >>> costs = CostField(GridMap([[0, 0]]), layers=layers)
        >>> costs.update_layers({"risk": ([1], [2.0]), "jam": ([0, 1], 0.5)})
        >>> costs.pace.tolist(), costs.version
        ([1.5, 3.5], 1)
        """
        places = {}
        fresh = {}
        for name, (nodes, values) in changes.items():
            places[name] = self._indices(nodes, self._known(name).size)
            fresh[name] = self._fresh(name, places[name], values)
        kept = {name: self._layers[name][index] for name, index in places.items()}
        try:
            self._set(places, fresh)
            self._recompose(places)
        except Exception:
            self._set(places, kept)
            raise
        self.version += bool(changes)

    def _set(
        self, places: Mapping[str, npt.NDArray[np.int64]], values: Mapping[str, npt.NDArray[Any]]
    ) -> None:
        for name, index in places.items():
            self._layers[name][index] = values[name]

    def _fresh(
        self, name: str, index: npt.NDArray[np.int64], values: npt.ArrayLike
    ) -> npt.NDArray[np.floating]:
        """(k,) new values of a layer as it keeps them, checked; a copy."""
        with np.errstate(over="ignore"):
            fresh = np.array(values, dtype=self._layers[name].dtype).reshape(-1)
        if fresh.size not in (1, index.size):
            raise ValueError(f"{index.size} places need as many values, or one; not {fresh.size}")
        fresh = np.broadcast_to(fresh, index.shape)
        wrong = ~((fresh >= 0) & (fresh < np.inf))
        if wrong.any() and self.is_per_node(name):
            fresh = np.where(wrong & self._blocked[index], 0.0, fresh)
            wrong &= ~self._blocked[index]
        if wrong.any():
            where = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"layer {name!r} cannot be {fresh[where]} at {self._place(int(index[where]))}: "
                "values must be finite and >= 0"
            )
        return fresh

    def _indices(self, nodes: npt.ArrayLike, size: int) -> npt.NDArray[np.int64]:
        array = np.asarray(nodes)
        if isinstance(nodes, tuple) and array.shape == (2,) and self._grid_shape is not None:
            array = array[None, :]  # a tuple is a cell, as everywhere
        if array.dtype == np.bool_:
            grid = self._grid_shape
            shape = grid if grid is None or size == self._nodes else (8, *grid)
            if array.shape not in ((size,), shape):
                raise ValueError(f"a mask needs {size} entries, one per value, not {array.shape}")
            return np.flatnonzero(array)
        if array.size and array.dtype.kind not in "iu":
            raise ValueError(f"nodes must be whole numbers or a mask, not {array.dtype}")
        if array.ndim == 2 and array.shape[1] == 2 and self._grid_shape is not None:
            if size != self._nodes:
                raise ValueError("a layer per edge is updated by index: direction * size + node")
            array = self._nodes_of(array)
        index = array.reshape(-1).astype(np.int64)
        if index.size and (index.min() < 0 or index.max() >= size):
            bad = index[(index < 0) | (index >= size)][0]
            raise ValueError(f"index {bad} is outside the layer: 0 to {size - 1}")
        return index

    def _nodes_of(self, cells: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Node ids of (k, 2) cells."""
        assert self._grid_shape is not None
        outside = (cells < 0) | (cells >= np.array(self._grid_shape))
        if outside.any():
            cell = tuple(cells[outside.any(axis=1)][0].tolist())
            raise ValueError(f"cell {cell} is outside the map of {self._grid_shape}")
        return np.asarray(cells[:, 0].astype(np.int64) * self._grid_shape[1] + cells[:, 1])

    def _recompose(self, places: Mapping[str, npt.NDArray[np.int64]]) -> None:
        """Refresh the composed paces at the places of some layers, per node and per edge."""
        fresh = {}
        for per_node in (True, False):
            own = [index for name, index in places.items() if self.is_per_node(name) == per_node]
            if own:
                index = own[0] if len(own) == 1 else np.unique(np.concatenate(own))
                fresh[per_node] = index, self._composed(per_node, index)
        for per_node, (index, stored) in fresh.items():
            composed = self._pace if per_node else self._edge_pace
            if composed is not None:
                self.history.record(self.version + 1, per_node, index, composed[index], stored)
                composed[index] = stored

    def _composed(self, per_node: bool, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """(k,) base and layers at some indices, as stored."""
        total = np.full(index.shape, self.base if per_node else 0.0)
        with np.errstate(over="ignore"):
            for name, values in self._layers.items():
                if (values.size == self._nodes) == per_node:
                    total += np.multiply(values[index], self._weights[name], dtype=np.float64)
        return self._stored(total, ~self._blocked[index] if per_node else True)

    def step_costs(self, nodes: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(k - 1,) cost of each move along k node ids, in float64."""
        ids = np.asarray(nodes, dtype=np.int64)
        return self.price(ids, *steps(self.map, ids, self))

    def price(
        self,
        nodes: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.float64],
        edges: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float64]:
        """(k - 1,) cost of moves whose `steps` are known."""
        pace = self.pace[nodes[1:]].astype(np.float64)
        return lengths * (pace if self.edge_pace is None else pace + self.edge_pace[edges])

    def explain(self, path: Path | npt.ArrayLike) -> dict[str, float]:
        """Cost of a path by layer, weights included, plus `base`; the parts sum to its cost.

        Args:
            path: a `Path`, or its node ids.
        """
        nodes = path.nodes if isinstance(path, Path) else np.asarray(path, dtype=np.int64)
        lengths, edges = steps(self.map, nodes, self)
        parts = {"base": float(np.sum(lengths) * self.base)}
        for name, values in self._layers.items():
            index = nodes[1:] if values.size == self._nodes else edges
            parts[name] = float(np.sum(lengths * values[index]) * self.weights[name])
        return parts


def _add_weighted(
    total: npt.NDArray[np.float64], values: npt.NDArray[np.floating], weight: float
) -> None:
    """Add weighted values in float64, piece by piece: a large map needs no second array."""
    for low in range(0, total.size, PIECE):
        piece = slice(low, low + PIECE)
        total[piece] += np.multiply(values[piece], weight, dtype=np.float64)
