"""The floor as it is now: fixed topology, zones for robots, temporary blockages.

`Floor` is truth. The robot never reads its blockages; what it believes about them stands in
`envs.belief`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from planners import GraphMap, GridMap

from .checks import FASTEST_M_S
from .kernels.floor import GraphFloor, GridFloor
from .zones import restricted, robot_map, speed_m_s

if TYPE_CHECKING:
    from .layouts import Layout

Map = GridMap | GraphMap
Ids = npt.NDArray[np.int64]

DISTRICTS_FROM = 400_000  # cells of a grid from which trips keep to districts (a)
DISTRICT = 128  # cells a side


class Floor:
    """Who may go where, as arrays for the kernels and as plain values for everybody else.

    Grids are walked four-connected. Parallel edges of a graph count once (the shortest), self loops
    never. On grids of more than `DISTRICTS_FROM` cells trips keep to districts of 128 x 128 cells,
    so that a field of distances stays small.

    Args:
        layout: map and zones.
        tick_s: seconds of a tick, for speed limits in millimetres a tick.

    Raises:
        ValueError: a graph without positions.

    Attributes:
        map: as people walk it; drive_map: as robots may use it, the same object without zones.
        arrays: for the kernels, `GridFloor` or `GraphFloor`.
        closed: (size,) uint8, 1 where something stands now; blocked: the same nodes as a set.
        speed_m_s: (size,) the most that zones allow robots on entering a node, None without any.
        walls: how often the blockages have changed.
    """

    def __init__(self, layout: Layout, tick_s: float) -> None:
        if isinstance(layout.map, GraphMap) and layout.map.position_m is None:
            raise ValueError("a living world needs positions: this GraphMap has position_m None")
        self.map: Map = restricted(layout.map, ())
        self.drive_map: Map = robot_map(layout)
        self.size = self.map.size
        self.closed = np.zeros(self.size, dtype=np.uint8)
        self.blocked: frozenset[int] = frozenset()
        self.walls = 0
        self._around = _known_edges(layout)
        limit_mm = np.empty(0, dtype=np.int64)
        self.speed_m_s: npt.NDArray[np.float64] | None = None
        if any(zone.kind == "speed_limit" for zone in layout.zones):
            self.speed_m_s = speed_m_s(layout, FASTEST_M_S)
            limit_mm = np.rint(1000 * tick_s * self.speed_m_s).astype(np.int64)
        self.local, self.district = self._districts()
        if isinstance(self.map, GridMap):
            self.arrays: GridFloor | GraphFloor = self._grid_arrays(limit_mm)
        else:
            self.arrays = self._graph_arrays(limit_mm)

    def _districts(self) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
        """Index within the district, and district, of every node; empty where one is all."""
        if isinstance(self.map, GraphMap) or self.size <= DISTRICTS_FROM:
            return np.empty(0, dtype=np.int16), np.empty(0, dtype=np.int16)
        rows = np.arange(self.map.rows, dtype=np.int16)[:, None]
        cols = np.arange(self.map.cols, dtype=np.int16)[None, :]
        local = rows % DISTRICT * DISTRICT + cols % DISTRICT
        district = rows // DISTRICT * -(-self.map.cols // DISTRICT) + cols // DISTRICT
        return local.reshape(-1), district.reshape(-1)

    def nodes_around(self, node: int) -> Ids:
        """All nodes of a node's district, the whole floor where one district is all."""
        if not (self.district.size and isinstance(self.map, GridMap)):
            return np.arange(self.size)
        row, col = (place // DISTRICT * DISTRICT for place in divmod(node, self.map.cols))
        rows = np.arange(row, min(row + DISTRICT, self.map.rows))
        cols = np.arange(col, min(col + DISTRICT, self.map.cols))
        return np.add.outer(rows * self.map.cols, cols).reshape(-1)

    @property
    def field_width(self) -> int:
        """Entries of one field of distances."""
        return DISTRICT * DISTRICT if self.district.size else self.size

    def _grid_arrays(self, limit_mm: Ids) -> GridFloor:
        assert isinstance(self.map, GridMap) and isinstance(self.drive_map, GridMap)
        grid = self.map
        edge_mm = max(1, round(1000 * grid.cell_size_m))
        return GridFloor(
            grid.move_mask, self.drive_map.move_mask, limit_mm, self.local, self.district,
            grid.cols, edge_mm, grid.cell_size_m,
        )  # fmt: skip

    def _graph_arrays(self, limit_mm: Ids) -> GraphFloor:
        assert isinstance(self.map, GraphMap) and isinstance(self.drive_map, GraphMap)
        tails, heads, length_mm = _simple_edges(self.map)
        robots = _simple_edges(self.drive_map)
        drive = np.isin(tails * self.size + heads, robots[0] * self.size + robots[1])
        indptr = np.concatenate(([0], np.cumsum(np.bincount(tails, minlength=self.size))))
        assert self.map.position_m is not None
        return GraphFloor(
            indptr.astype(np.int64), heads.astype(np.int32), length_mm, drive.astype(np.uint8),
            limit_mm, self.local, self.district, self.map.position_m,
        )  # fmt: skip

    @property
    def degree(self) -> int:
        """The most steps that leave a node."""
        if isinstance(self.arrays, GridFloor):
            return 4
        return int(np.diff(self.arrays.indptr).max())

    def xy(self, node: int) -> tuple[float, float]:
        """The position of a node in metres."""
        floor = self.arrays
        if isinstance(floor, GridFloor):
            row, col = divmod(node, floor.cols)
            return col * floor.cell_m, row * floor.cell_m
        x, y = floor.position_m[node].tolist()
        return x, y

    def edges_mm(self, node: int) -> dict[int, int]:
        """Neighbour -> length in whole millimetres, of the edges that robots may use."""
        edges = self._around.get(node)
        if edges is None:
            edges = self._around[node] = _least_mm(self.drive_map, node)
        return edges

    def neighbours(self, node: int) -> tuple[int, ...]:
        """Nodes that one move of a person reaches on the empty floor."""
        if self.drive_map is self.map:
            return tuple(self.edges_mm(node))
        return tuple(_least_mm(self.map, node))

    def around(self, node: int) -> set[int]:
        """Nodes that a move of a person reaches from here, or from which one leads here."""
        if isinstance(self.map, GridMap):
            arrive, cols = int(self.map.arrival_mask[node]), self.map.cols
            steps = ((0, -cols), (2, 1), (4, cols), (6, -1))
            return {*self.neighbours(node), *(node + d for k, d in steps if arrive >> k & 1)}
        start, end = self._entering[0][node : node + 2].tolist()
        return {*self.neighbours(node), *self._entering[1][start:end].tolist()}

    @cached_property
    def _entering(self) -> tuple[Ids, npt.NDArray[np.int32]]:
        """The edges of a graph by the node that they enter: indptr and tails."""
        assert isinstance(self.arrays, GraphFloor)
        heads = self.arrays.indices
        tails = np.repeat(np.arange(self.size, dtype=np.int32), np.diff(self.arrays.indptr))
        ends = np.cumsum(np.bincount(heads, minlength=self.size))
        order = np.argsort(heads, kind="stable")
        return np.concatenate(([0], ends)).astype(np.int64), tails[order]

    def set_blocked(self, nodes: Iterable[int]) -> None:
        """Replace the temporary blockages."""
        self.closed[list(self.blocked)] = 0
        self.blocked = frozenset(nodes)
        self.closed[list(self.blocked)] = 1
        self.walls += 1


@lru_cache(maxsize=4)
def _known_edges(layout: Layout) -> dict[int, dict[int, int]]:
    """The edges looked up so far, kept from one world of a layout to its next."""
    return {}


def _least_mm(map: Map, node: int) -> dict[int, int]:
    edges: dict[int, int] = {}
    nodes, lengths = map.successors(node)
    for other, length_m in zip(nodes.tolist(), lengths.tolist(), strict=True):
        length_mm = max(1, round(1000.0 * length_m))
        if other != node and length_mm < edges.get(other, length_mm + 1):
            edges[other] = length_mm
    return edges


def _simple_edges(graph: GraphMap) -> tuple[Ids, Ids, Ids]:
    """Tails, heads and millimetres of the edges between free nodes, by tail and head, once each."""
    tails, heads = graph.sources.astype(np.int64), graph.indices.astype(np.int64)
    length_mm = np.maximum(1, np.rint(1000.0 * graph.length_m)).astype(np.int64)
    keep = (tails != heads) & ~graph.blocked[tails] & ~graph.blocked[heads]
    tails, heads, length_mm = tails[keep], heads[keep], length_mm[keep]
    order = np.lexsort((length_mm, heads, tails))
    tails, heads, length_mm = tails[order], heads[order], length_mm[order]
    first = np.ones(tails.size, dtype=np.bool_)
    first[1:] = (np.diff(tails) != 0) | (np.diff(heads) != 0)
    return tails[first], heads[first], length_mm[first]


class Ways:
    """Fields of distances to goals, kept in the rows of one array and counted by their users.

    A field knows the blockages of the moment it was made. Rows that nobody uses are kept for the
    next one with the same goal, as long as `max_bytes` allow.
    """

    def __init__(self, floor: Floor, max_bytes: int = 96 * 2**20) -> None:
        from .kernels import kernel

        self._floor = floor
        width = floor.field_width
        self._most = max(16, max_bytes // (4 * width))
        self.fields = np.empty((min(16, self._most), width), dtype=np.int32)
        self._free = list(range(len(self.fields)))[::-1]
        self._users = [0] * len(self.fields)
        self._row: dict[tuple[int, bool, int], int] = {}
        self._key: dict[int, tuple[int, bool, int]] = {}
        self._idle: dict[int, None] = {}  # rows without a user, the one unused longest first
        self._shared = floor.drive_map is floor.map
        arrays = floor.arrays
        self._arguments: dict[bool, tuple[Any, ...]] = {}
        if isinstance(arrays, GridFloor):
            self._kernel = kernel("run_field_grid")
            self._work = np.empty(min(width, floor.size) + 1, dtype=np.int32)
        else:
            self._kernel = kernel("run_field_graph")
            self._work = np.empty(arrays.indices.size + 2, dtype=np.int64)

    def hold(self, goal: int, drives: bool) -> int:
        """The row of the field to a goal past the present blockages, with one user more."""
        key = (goal, drives and not self._shared, self._floor.walls)
        row = self._row.get(key)
        if row is None:
            row = self._fill(goal, drives, ())
            self._row[key], self._key[row] = row, key
        self._idle.pop(row, None)
        self._users[row] += 1
        return row

    def hold_detour(self, goal: int, drives: bool, standing: Iterable[int]) -> int:
        """The row of a field of one's own, past those who stand."""
        row = self._fill(goal, drives, standing)
        self._idle.pop(row, None)
        self._users[row] += 1
        return row

    def drop(self, row: int) -> None:
        """One user less."""
        self._users[row] -= 1
        if self._users[row] == 0:
            if row in self._key and self._key[row][2] == self._floor.walls:
                self._idle[row] = None
            else:
                self._forget(row)

    def _forget(self, row: int) -> None:
        key = self._key.pop(row, None)
        if key is not None:
            del self._row[key]
        self._free.append(row)

    def distance_mm(self, row: int, node: int) -> int:
        """What a field says at a node of its district."""
        at = self._floor.local[node] if self._floor.local.size else node
        return int(self.fields[row, at])

    def _fill(self, goal: int, drives: bool, standing: Iterable[int]) -> int:
        if not self._free:
            self._make_room()
        row = self._free.pop()
        floor, arrays = self._floor, self._floor.arrays
        stood = np.array(tuple(standing), dtype=np.int64)
        out = self.fields[row]
        if isinstance(arrays, GridFloor):
            map_ = floor.drive_map if drives else floor.map
            assert isinstance(map_, GridMap)
            self._kernel(
                map_.arrival_mask, floor.closed, stood, floor.local, floor.district, out,
                self._work, goal, arrays.cols, arrays.edge_mm,
            )  # fmt: skip
        else:
            self._kernel(*self._reversed(drives), floor.closed, stood, out, self._work, goal)
        return row

    def _make_room(self) -> None:
        if len(self.fields) >= self._most and self._idle:
            for row in list(self._idle)[: max(1, len(self._idle) // 4)]:
                del self._idle[row]
                self._forget(row)
            return
        have = len(self.fields)
        more = have if have >= self._most else min(have, self._most - have)
        fresh = np.empty((more, self.fields.shape[1]), dtype=np.int32)
        self.fields = np.concatenate((self.fields, fresh))
        self._users += [0] * more
        self._free = list(range(have, have + more))[::-1]

    def _reversed(self, drives: bool) -> tuple[Any, ...]:
        """The edges by the node that they enter: indptr, sources, length_mm, allowed."""
        if drives not in self._arguments:
            graph = self._floor.arrays
            assert isinstance(graph, GraphFloor)
            tails = np.repeat(np.arange(self._floor.size), np.diff(graph.indptr))
            order = np.argsort(graph.indices, kind="stable")
            counts = np.bincount(graph.indices, minlength=self._floor.size)
            allowed = graph.drive[order] if drives else np.ones(order.size, dtype=np.uint8)
            self._arguments[drives] = (
                np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
                tails[order].astype(np.int32), graph.length_mm[order], allowed,
            )  # fmt: skip
        return self._arguments[drives]
