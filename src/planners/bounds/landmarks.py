"""Landmarks: a lower bound on the layered cost for any goal, from exact fields of a few nodes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..costs import CostField
from ..errors import expect
from ..fields import cost_to_come, cost_to_go
from ..graphs import GraphMap, Map
from ..heuristics import tabulate
from ..kernels.alt import FAR, Alt
from ..maps import GridMap, read_only
from ..walks import alike
from .changes import freed, least_step

MOST_COST = 1e36  # tables are float32
ULPS = 1.5  # rounding to the nearest float32, and one step beyond
LEAST_SCALE = 0.99  # below it the slack would cost more than consistency is worth
DRAWS = 8  # (a) nodes that may be drawn until one reaches half of the map


class Landmarks:
    """A lower bound for every goal: ALT (Goldberg and Harrelson 2005) on a floor of the costs.

    Tables hold the exact costs to and from each landmark (they differ: costs are paid on entry, and
    moves may be one-way) under the costs of the moment they were built: the floor. They bound every
    later cost that is nowhere below the floor, so costs may rise and cells may be blocked; where a
    cost fell below it, or a cell was freed, they must not be used, and every use checks that.

    The tables are float32. What is subtracted is rounded up, the rest down (to the nearest, then
    one step further, far more than the rounding of the sums), so h never overestimates. Rounding
    may let h fall along a move by 1.5 units in the last place of the greatest cost; h is scaled by
    `1 - that / least step`, which keeps it consistent.

    Attributes:
        nodes: (k,) ids of the landmarks.
        to_table, from_table: (size, k) float32 cost units.
        version: of the costs when the tables were built.
        consistent: whether h is consistent: false where steps may cost (next to) nothing.
    """

    def __init__(
        self, map: Map, costs: CostField | None, nodes: list[int], fields: list[Any]
    ) -> None:
        self.map, self.costs = map, costs
        self.version = 0 if costs is None else costs.version
        self.nodes = read_only(np.array(nodes, dtype=np.int64))
        self._pace = np.float32(1.0) if costs is None else costs.pace.copy()
        edge_pace = None if costs is None else costs.edge_pace
        self._edge_pace = None if edge_pace is None else edge_pace.copy()
        self.to_table = read_only(_table([to.values for to, _ in fields], map.size, -np.inf))
        self.from_table = read_only(_table([come.values for _, come in fields], map.size, np.inf))
        tables = (self.to_table, self.from_table)
        most = max(float(t.max(initial=0.0, where=t < FAR / 2)) for t in tables)
        rounding = ULPS * float(np.spacing(np.float32(most)))
        least = least_step(map, costs)
        scale = 1.0 - rounding / least if least > 0 else 0.0
        self.consistent = scale >= LEAST_SCALE
        self._scale = scale if self.consistent else 1.0
        self._checked: tuple[Any, ...] = (map, costs, self.version)

    @classmethod
    def build(
        cls, map: Map, costs: CostField | None = None, count: int = 8, seed: int = 0
    ) -> Landmarks:
        """Landmarks far from each other, two Dijkstra searches each; time O(count map log map).

        Args:
            costs: the floor; metres where none are given.
            count: how many landmarks, fewer where the map has fewer nodes; 8 bytes a node and each.
            seed: of the draw of the first node; equal seeds give equal landmarks.

        Raises:
            ValueError: a count below 1, a map without a free node, costs that do not fit the map or
                are beyond float32.

        >>> from planners import GridMap, plan
        >>> grid = GridMap([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
        >>> landmarks = Landmarks.build(grid)
        >>> round(float(landmarks.table((0, 3))[grid.node((2, 0))]), 3)
        5.0
        >>> plan(grid, (2, 0), (0, 3), heuristic=landmarks).cost
        5.0
        """
        expect(map, (GridMap, GraphMap), "map")
        expect(costs, (CostField, type(None)), "costs")
        wanted = operator.index(count)
        if wanted < 1:
            raise ValueError(f"count must be at least 1, not {count!r}")
        nodes: list[int] = []
        fields: list[Any] = []
        apart = _first_field(map, costs, np.random.default_rng(seed))
        while len(nodes) < min(wanted, map.size):
            node = int(np.argmax(np.where(np.isfinite(apart), apart, -1.0)))
            if nodes and not 0 < apart[node] < np.inf:
                break
            label = map.label(node)
            to, come = cost_to_go(map, label, costs), cost_to_come(map, label, costs)
            nodes.append(node)
            fields.append((to, come))
            near = np.fmin(to.values, come.values)
            apart = near if len(nodes) == 1 else np.fmin(apart, near)
        return cls(map, costs, nodes, fields)

    @property
    def nbytes(self) -> int:
        """Bytes of the tables and of the floor."""
        floor = self._pace.nbytes + (0 if self._edge_pace is None else self._edge_pace.nbytes)
        return self.to_table.nbytes + self.from_table.nbytes + floor

    def require_valid(self, map: Map, costs: CostField | None) -> None:
        """Check that no cost is below the floor; O(1) while nothing changed, else O(map).

        Raises:
            ValueError: costs fell below the floor, moves were freed, or the map is another one.
        """
        state = (map, costs, 0 if costs is None else costs.version)
        if all(a is b or a == b for a, b in zip(state, self._checked, strict=True)):
            return
        if not alike(self.map, map) or (costs is not None and not costs.fits(map)):
            raise ValueError(f"the landmarks were built for {self.map!r}, not for {map!r}")
        if costs is None or costs is not self.costs or costs.history.falls.last > self.version:
            self._require_above_floor(map, costs)
        nodes = freed(self.map, map)
        if nodes.size:
            raise ValueError(
                f"landmark set older than the map: {nodes.size} nodes can be entered by moves "
                f"that were not legal then, {map.label(int(nodes[0]))!r} first: build anew"
            )
        self._checked = state

    def _require_above_floor(self, map: Map, costs: CostField | None) -> None:
        pace = np.ones(map.size, dtype=np.float32) if costs is None else costs.pace
        edge_pace = None if costs is None else costs.edge_pace
        fell = int(((pace < self._pace) & ~map.blocked.reshape(-1)).sum())
        if self._edge_pace is not None:
            now = np.float32(0.0) if edge_pace is None else edge_pace
            fell += int((now < self._edge_pace).sum())
        if fell:
            raise ValueError(
                f"landmark set older than the costs: {fell} costs fell since version "
                f"{self.version}: build anew"
            )

    def valid_for(self, costs: CostField | None, map: Map | None = None) -> bool:
        """Whether the bounds hold under these costs, as `require_valid` decides."""
        try:
            self.require_valid(self.map if map is None else map, costs)
        except ValueError:
            return False
        return True

    def bound_for(self, map: Map, goal: int, costs: CostField | None) -> tuple[Alt, bool]:
        """The bound for one goal as the search loop takes it, and whether it is consistent.

        Raises:
            ValueError: as `require_valid`.
        """
        self.require_valid(map, costs)
        to, come = self.to_table[goal], self.from_table[goal]
        inf, zero = np.float32(np.inf), np.float32(0.0)
        # Two steps: from rounded down to rounded up, and the other way round.
        up = np.nextafter(np.nextafter(to, inf), inf).astype(np.float64)
        down = np.nextafter(np.nextafter(come, zero), zero).astype(np.float64)
        goal_to = read_only(np.where(to < FAR / 2, up, np.inf))
        goal_from = read_only(np.where(come < FAR / 2, down, FAR))
        cols = map.cols if isinstance(map, GridMap) else 1
        tables = self.to_table, self.from_table, goal_to, goal_from
        return Alt(*tables, self._scale, cols), self.consistent

    def table(
        self, goal: Any, map: Map | None = None, costs: CostField | None = None
    ) -> npt.NDArray[np.float64]:
        """(size,) lower bounds on the cost to the goal, infinity where no way leads to it.

        Args:
            map, costs: what is to be bounded; those that the landmarks were built for unless given.

        Raises:
            ValueError: as `require_valid`, or a goal outside the map.
        """
        now = self.map if map is None else map
        bound, _ = self.bound_for(now, now.node(goal), self.costs if costs is None else costs)
        values = tabulate(bound, now.size)
        values[values >= FAR / 4] = np.inf
        return read_only(values)


def _first_field(
    map: Map, costs: CostField | None, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Costs from a drawn free node; of several draws one that reaches half of the map, or most."""
    free = np.flatnonzero(~map.blocked.reshape(-1))
    if not free.size:
        raise ValueError(f"{map!r} has no free node for a landmark")
    best, most = np.empty(0), -1
    for node in rng.choice(free, DRAWS).tolist():
        values = cost_to_come(map, map.label(node), costs).values
        reached = int(np.isfinite(values).sum())
        if reached > most:
            best, most = values, reached
        if 2 * most >= free.size:
            break
    return best


def _table(
    fields: list[npt.NDArray[np.float64]], size: int, direction: float
) -> npt.NDArray[np.float32]:
    """(size, k) float32, rounded in a direction; FAR where there is no way."""
    table = np.empty((size, len(fields)), dtype=np.float32)
    for k, values in enumerate(fields):
        known = np.isfinite(values)
        most = float(values.max(initial=0.0, where=known))
        if most > MOST_COST:
            raise ValueError(f"costs reach {most:.3g}, beyond float32 tables: scale down")
        rounded = np.nextafter(values.astype(np.float32), np.float32(direction))
        table[:, k] = np.where(known, np.maximum(rounded, np.float32(0.0)), np.float32(FAR))
    return table
