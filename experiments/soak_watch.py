"""Watching an hour: contacts, shared cells, swaps, and agents that get nowhere.

The watch reads positions and counts of finished trips, and nothing of the rules that move anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from envs.contacts import contacts_of
from envs.metrics import CONTACT_M
from envs.world import World

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

STUCK_S = 900.0  # an agent without a finished trip for so long is stuck
KINDS = ("people", "traffic", "robot")


class Agents(NamedTuple):
    """Everybody, the controlled robot last; `kind` indexes `KINDS`."""

    node: Ints
    to: Ints
    kind: Ints
    x_m: Floats
    y_m: Floats


class Walked(NamedTuple):
    """Counts of the walkers so far: finished trips, trips given up, ticks waited."""

    trips: Ints
    give_ups: Ints
    waited: Ints


def agents_of(world: World) -> Agents:
    """Where everybody is."""
    walkers, floor, robot = world.crowd.walkers, world.floor, world.robot
    places = [floor.place(w.node, w.to, w.done_mm, w.length_mm) for w in walkers]
    x_m, y_m = np.array([*places, world.robot_position_m], dtype=np.float64).T
    return Agents(
        node=np.array([*(w.node for w in walkers), robot.node], dtype=np.int64),
        to=np.array([*(w.to for w in walkers), robot.to], dtype=np.int64),
        kind=np.array([*(0 if w.person else 1 for w in walkers), 2], dtype=np.int64),
        x_m=x_m,
        y_m=y_m,
    )


def walked(world: World) -> Walked:
    """What the walkers have done so far."""
    counts = [(w.trips, w.give_ups, w.waited) for w in world.crowd.walkers]
    return Walked(*np.array(counts, dtype=np.int64).reshape(-1, 3).T)


@dataclass
class Watch:
    """Call it after every tick; `columns` says what it saw.

    An agent is stuck while it has finished no trip for `stuck_s`; a trip given up is not finished.
    The robot's trips are its legs: it gets somewhere when it works at a stop or charges. Time in
    which it has nothing to do, or waits for a charged pack, is not held against it.
    """

    world: World
    stuck_s: float = STUCK_S
    contacts: int = 0
    shared_cells: int = 0
    swaps: int = 0
    robot_waited: int = 0
    robot_asked: int = 0
    _touching: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._before, self._start = agents_of(self.world), walked(self.world)
        count, now = self._before.node.size, self.world.time_s
        self._trips = self._start.trips
        self._finished_s, self._longest_s = np.full(count, now), np.zeros(count)
        self._began_tick = self.world.tick

    def __call__(self, world: World) -> None:
        """Look at a tick."""
        before, now = self._before, agents_of(world)
        self._look_for_contacts(before, now)
        self.shared_cells += shared_cells(now)
        self.swaps += swaps(before.node, now.node)
        trips = walked(world).trips
        gap_s = world.time_s - self._finished_s
        np.maximum(self._longest_s, gap_s, out=self._longest_s)
        self._finished_s[:-1][trips > self._trips] = world.time_s
        if self._robot_got_somewhere(world):
            self._finished_s[-1] = world.time_s
        else:
            self.robot_asked += 1
            stood = now.to[-1] < 0 and now.node[-1] == before.node[-1] and before.to[-1] < 0
            self.robot_waited += bool(stood and world.robot.turn_left_ms <= 0)
        self._before, self._trips = now, trips

    def _look_for_contacts(self, before: Agents, now: Agents) -> None:
        pairs = contacts_of(before.x_m, before.y_m, now.x_m, now.y_m, CONTACT_M)
        touching = {(int(i), int(j)) for i, j in pairs}
        self.contacts += len(touching - self._touching)
        self._touching = touching

    def _robot_got_somewhere(self, world: World) -> bool:
        robot, book = world.robot, world.book
        idle = book.taken is None and not book.open(world.time_s)
        return bool(robot.busy_until > world.tick or robot.charging or robot.stranded or idle)

    def stuck(self) -> list[dict[str, Any]]:
        """The agents that were stuck, and for how long at most."""
        kinds = self._before.kind
        return [
            {"agent": int(k), "kind": KINDS[kinds[k]], "gap_s": float(self._longest_s[k]),
             "node_at_end": int(self._before.node[k])}
            for k in np.flatnonzero(self._longest_s > self.stuck_s)
        ]  # fmt: skip

    def columns(self) -> dict[str, Any]:
        """The figures of what was watched, by column."""
        stuck, done, kinds = self.stuck(), walked(self.world), self._before.kind
        ticks = max(1, self.world.tick - self._began_tick)
        found: dict[str, Any] = {
            "contacts": self.contacts, "shared_cells": self.shared_cells, "swaps": self.swaps,
            "stuck": len(stuck), "stuck_agents": stuck,
        }  # fmt: skip
        for k, kind in enumerate(KINDS):
            longest_s = self._longest_s[kinds == k]
            found[f"{kind}_longest_gap_s"] = float(longest_s.max()) if longest_s.size else None
        for k, kind in enumerate(KINDS[:2]):
            own = kinds[:-1] == k
            found[f"{kind}_trips"] = int((done.trips - self._start.trips)[own].sum())
            found[f"{kind}_give_ups"] = int((done.give_ups - self._start.give_ups)[own].sum())
            waited = (done.waited - self._start.waited)[own]
            found[f"{kind}_waiting"] = float(waited.mean()) / ticks if waited.size else None
        found["robot_waiting"] = self.robot_waited / self.robot_asked if self.robot_asked else None
        return found


def shared_cells(agents: Agents) -> int:
    """How many places are held once too often: an agent on an edge holds both ends of it."""
    held = np.concatenate((agents.node, agents.to[agents.to >= 0]))
    return int(held.size - np.unique(held).size)


def swaps(before: Ints, now: Ints) -> int:
    """How many pairs of agents have changed places since the tick before."""
    moved = np.flatnonzero(before != now)
    steps = {(int(before[k]), int(now[k])) for k in moved}
    return sum((there, here) in steps for here, there in steps) // 2
