"""Lower bounds at hand: prepared once for a map and its costs, found by every later plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..costs import CostField
from ..errors import expect
from ..graphs import GraphMap, Map
from ..maps import GridMap
from .kept import MAX_BYTES, KeptFields
from .landmarks import Landmarks


@dataclass(eq=False)
class AtHand:
    """What has been prepared for one map and its costs.

    Attributes:
        fields: exact fields by goal, brought up to date whenever they are asked.
        landmarks: a bound for every goal, or None; unused while the costs are below its floor.
    """

    fields: KeptFields
    landmarks: Landmarks | None = None

    def best(
        self, map: Map, goal: int, costs: CostField | None, asked: str
    ) -> tuple[str, Any, bool] | None:
        """The closest bound at hand: its name, the bound as the loop takes it, is it consistent.

        A field where the goal has one, else landmarks where they hold, else None.

        Args:
            asked: `auto`, or the one of them that is wanted.
        """
        if asked != "landmarks" and self.fields.has(goal):
            return ("field", *self.fields.bound_for(map, goal, costs))
        if asked == "field" or self.landmarks is None:
            return None
        if self.landmarks.valid_for(costs, map):
            return ("landmarks", *self.landmarks.bound_for(map, goal, costs))
        return None


def prepare(
    map: Map,
    costs: CostField | None = None,
    *,
    goals: Iterable[Any] = (),
    landmarks: int = 0,
    seed: int = 0,
    max_bytes: int = MAX_BYTES,
) -> AtHand:
    """Build lower bounds that later plans on this map and these costs find by themselves.

    From then on astar and wastar (and guidance on top of them) use the exact field of a goal that
    has one, else landmarks; `result.engine` says `field` or `landmarks`, and `engine="generic"`
    does without. Bounds keep up with `costs.update`: fields are lowered or built anew, landmarks
    rest while a cost is below their floor. Calling it again adds goals, and replaces landmarks
    where a count is given.

    Args:
        map: a grid or a graph.
        costs: None for plans in metres; such bounds belong to this very map, others to the costs.
        goals: cells or labels whose exact cost-to-go is kept, 8 bytes a node and goal.
        landmarks: how many, 8 bytes a node and each; 8 are a good start, 0 for none.
        seed: of the choice of landmarks.
        max_bytes: of all fields; the one unused longest goes first.

    Returns:
        What is at hand from now on; there is no need to keep it.

    Raises:
        ValueError: goals that are one cell; as `KeptFields` and `Landmarks.build`.

    >>> from planners import CostField, GridMap, Layer, plan, prepare
    >>> grid = GridMap([[0, 0, 0, 0]])
    >>> costs = CostField(grid, layers=[Layer("risk", [[0, 1, 2, 0]])])
    >>> _ = prepare(grid, costs, goals=[(0, 3)], landmarks=1)
    >>> [plan(grid, (0, 0), goal, costs=costs).engine for goal in [(0, 3), (0, 2)]]
    ['field', 'landmarks']
    """
    expect(map, (GridMap, GraphMap), "map")
    if isinstance(map, GridMap) and isinstance(goals, tuple) and np.shape(goals) == (2,):
        raise ValueError(f"goals is a list of cells, [{goals!r}], not one cell")
    found = at_hand(map, costs)
    if found is None or found.fields.max_bytes != max_bytes:
        kept = KeptFields(map, costs, max_bytes)
        found = AtHand(kept, None if found is None else found.landmarks)
    for goal in goals:
        found.fields.bound(goal, map)
    if landmarks:
        found.landmarks = Landmarks.build(map, costs, landmarks, seed)
    _owner(map, costs).__dict__["at_hand"] = found
    return found


def forget(map: Map, costs: CostField | None = None) -> None:
    """Drop what `prepare` has built."""
    _owner(map, costs).__dict__.pop("at_hand", None)


def at_hand(map: Map, costs: CostField | None) -> AtHand | None:
    """What has been prepared for the costs (without costs: for the map), or None."""
    found: AtHand | None = _owner(map, costs).__dict__.get("at_hand")
    return found


def _owner(map: Map, costs: CostField | None) -> Map | CostField:
    return map if costs is None else costs
