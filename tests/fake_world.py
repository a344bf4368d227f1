"""A world of which only the belief exists: the test says what it costs, closes and meets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from envs.battery import robot_profile
from envs.metrics import Tally
from envs.replanning import PlannerSettings, Replanner
from planners import CostField, GridMap, Layer

COLS = 12


class FakeBelief:
    """An open floor whose costs, closures and meetings the test sets."""

    def __init__(self) -> None:
        self._map = GridMap(np.zeros((7, COLS), dtype=bool), moves="four")
        names = ("risk", "congestion", "energy")
        layers = [Layer(name, np.zeros((7, COLS)), 1.0) for name in names]
        self._costs = CostField(self._map, base=1.0, layers=layers)
        self.believed_blocked: frozenset[int] = frozenset()
        self.map_version, self.meeting, self.forced = 0, False, 0
        self.passing, self.taken = False, -1

    def map(self) -> GridMap:
        return self._map.with_blocked(sorted(self.believed_blocked), True)

    def costs(self) -> CostField:
        return self._costs

    def meets(self, way_m: list[tuple[float, float]], time_s: float) -> bool:
        assert len(way_m) == 6
        return self.meeting

    def passes(self, way_m: list[tuple[float, float]], time_s: float, step_s: float) -> bool:
        assert len(way_m) == 3 and step_s > 0
        return self.passing

    def is_taken(self, node: int, time_s: float) -> bool:
        return node == self.taken

    def refresh(self, *_: Any, force: bool = False, **__: Any) -> None:
        self.forced += force

    def close(self, *nodes: int) -> None:
        self.believed_blocked, self.map_version = frozenset(nodes), self.map_version + 1


class FakeWorld:
    """As much of a world as a replanner reads."""

    def __init__(self) -> None:
        self.seed, self.tick, self.tick_s = 0, 0, 0.5
        self.belief, self.tally, self.profile = FakeBelief(), Tally(), robot_profile("delivery")
        self.meetings = SimpleNamespace(close_encounters=0, near_s=0.0)
        self.robot = SimpleNamespace(
            node=0, heading_rad=0.0, axis=2, payload_kg=0.0, battery=SimpleNamespace(drained_mj=0)
        )
        self.floor = SimpleNamespace(
            size=7 * COLS, xy=lambda node: (float(node % COLS), float(node // COLS))
        )
        self.robot_position_m = (0.0, 0.0)
        self.rows: list[dict[str, Any]] = []

    @property
    def time_s(self) -> float:
        return self.tick * self.tick_s

    def note(self, event: str, **values: Any) -> None:
        self.rows.append({"event": event, **values})


def under_way(goal: int = COLS - 1, **settings: Any) -> tuple[FakeWorld, Replanner]:
    """A robot with its first route: along the top row of the floor."""
    world: Any = FakeWorld()
    way = Replanner(world, PlannerSettings(**settings))
    way.begin(goal)
    way.follow()
    assert way.reason() == "new_goal"
    way.replan("new_goal")
    assert way.route is not None
    assert way.reason() is None
    return world, way
