"""Our own contestants: the public functions, as a user calls them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import planners
from planners import (
    CostField,
    Field,
    GridMap,
    Guidance,
    KeptFields,
    Landmarks,
    Layer,
    cost_to_come,
    cost_to_go,
    plan,
)
from planners import plan_many as plan_all

from .model import OURS, Contestant, Map, Query, Way, one_way

VERSION = planners.__version__
Values = npt.NDArray[np.float64]


def planner(map: Map, costs: CostField | None, name: str = OURS, **options: Any) -> Contestant:
    """`plan` with fixed options."""

    def ask(query: Query) -> Any:
        return plan(map, query.start_label, query.goal_label, costs=costs, **options)

    return Contestant(name, VERSION, ask)


def both_engines(map: Map, costs: CostField | None) -> list[Contestant]:
    """The engine that `plan` chooses, and the generic loop."""
    return [
        planner(map, costs),
        planner(map, costs, f"{OURS} generic", engine="generic"),
    ]


class Fresh:
    """A cost field of its own for every call: nothing that an earlier call learned is left.

    Work arrays, move masks and the like, which belong to the map, stay.
    """

    def __init__(self, grid: GridMap, layer: Values) -> None:
        self.grid, self._layer = grid, layer
        self.costs = self._costs()

    def _costs(self) -> CostField:
        return CostField(self.grid, layers=[Layer("risk", self._layer)])

    def renew(self, _: Any) -> None:
        """Another cost field, used once between two neighbours."""
        self.costs = self._costs()
        free = np.flatnonzero(self.grid.move_mask)[:1]
        if free.size:
            start = int(free[0])
            plan(self.grid, start, int(self.grid.successors(start)[0][0]), costs=self.costs)

    def planner(self, name: str = OURS, **options: Any) -> Contestant:
        """`plan` on it."""

        def ask(query: Query) -> Any:
            ends = query.start_label, query.goal_label
            return plan(self.grid, *ends, costs=self.costs, **options)

        return Contestant(name, VERSION, ask, renew=self.renew)

    def field(self) -> Contestant:
        """`cost_to_come` on it."""
        return Contestant(
            OURS, VERSION, lambda query: cost_to_come(self.grid, query.start_label, self.costs),
            _values, renew=self.renew,
        )  # fmt: skip

    def many(self) -> list[Contestant]:
        """`plan_many`; one field a goal and descent; separate calls, by the loop and by choice."""
        separate = f"{OURS} separate A*"
        return [
            self._many(separate, lambda queries: self._one_by_one(queries, engine="generic")),
            self._many(OURS, self._together),
            self._many(f"{OURS} separate auto", self._one_by_one),
            self._many(f"{OURS} fields", self._by_fields, _field_ways),
        ]

    def _many(
        self,
        name: str,
        ask: Callable[[Sequence[Query]], Any],
        ways: Callable[[Any, Any], list[Way]] | None = None,
    ) -> Contestant:
        return Contestant(name, VERSION, ask, ways or _many_ways, renew=self.renew)

    def _together(self, queries: Sequence[Query]) -> list[Any]:
        ends = [(query.start_label, query.goal_label) for query in queries]
        return plan_all(self.grid, ends, costs=self.costs)

    def _one_by_one(self, queries: Sequence[Query], **options: Any) -> list[Any]:
        return [
            plan(self.grid, query.start_label, query.goal_label, costs=self.costs, **options)
            for query in queries
        ]

    def _by_fields(self, queries: Sequence[Query]) -> list[Any]:
        fields: dict[int, Field] = {}
        for query in queries:
            if query.goal not in fields:
                fields[query.goal] = cost_to_go(self.grid, query.goal_label, self.costs)
        return [fields[query.goal].path(query.start) for query in queries]


def _values(query: Query, answer: Field) -> list[Way]:
    return [Way(query.start, -1, answer.values)]


def _many_ways(queries: Sequence[Query], results: list[Any]) -> list[Way]:
    return [way for pair in zip(queries, results, strict=True) for way in one_way(*pair)]


def _field_ways(queries: Sequence[Query], paths: list[Any]) -> list[Way]:
    pairs = zip(queries, paths, strict=True)
    return [Way(query.start, query.goal, nodes) for query, nodes in pairs]


def prepared(grid: GridMap, costs: CostField, queries: Sequence[Query]) -> list[Contestant]:
    """Bounds on the layered cost at hand: the goals' kept fields; eight landmarks of the map; and
    `plan` alone, for goals that it has been asked for."""
    kept, landmarks = KeptFields(grid, costs), Landmarks.build(grid, costs)
    for query in queries:
        kept.bound(query.goal_label)
    return [
        planner(grid, costs, heuristic=kept),
        planner(grid, costs, f"{OURS} landmarks", heuristic=landmarks),
        planner(grid, costs, f"{OURS} asked before"),
    ]


def led(grid: GridMap, costs: CostField, weight: float) -> list[Contestant]:
    """Weighted A* by the loop, lead and prove with its estimate E cached, and `plan`'s choice."""
    options: dict[str, Any] = {"strategy": "wastar", "weight": weight}
    guidance_for, note = _estimate(grid, costs)

    def ask(query: Query) -> Any:
        ends = query.start_label, query.goal_label
        return plan(grid, *ends, costs=costs, guidance=guidance_for(query), **options)

    return [
        planner(grid, costs, f"{OURS} weighted A*", engine="generic", **options),
        Contestant(OURS, VERSION, ask, note=note),
        planner(grid, costs, f"{OURS} weighted auto", **options),
    ]


def _estimate(grid: GridMap, costs: CostField) -> tuple[Callable[[Query], Guidance], str]:
    """Guidance by tiles; where the library has none yet, by exact fields kept per goal."""
    try:
        tiles = Guidance(estimate="tiles")
    except ValueError:
        kept: dict[int, Guidance] = {}
        return lambda query: _by_field(kept, grid, costs, query), "E is the exact field, an array"
    return lambda _: tiles, "E by tiles, cached by the goal"


def _by_field(kept: dict[int, Guidance], grid: GridMap, costs: CostField, query: Query) -> Guidance:
    if query.goal not in kept:
        values = cost_to_go(grid, query.goal_label, costs).values
        known = np.where(np.isfinite(values), values, 0.0)
        kept[query.goal] = Guidance(estimate=known)
    return kept[query.goal]
