"""Watching an hour: contacts, shared cells, swaps, and agents that get nowhere.

The watch reads positions and counts of finished trips, and nothing of the rules that move anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from envs.chargers import ROBOT
from envs.contacts import contacts_of
from envs.metrics import CONTACT_M
from envs.world import World
from planners import cost_to_go

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

STUCK_S = 900.0  # an agent without a finished trip for so long is stuck
KINDS = ("people", "traffic", "robot")  # by number
COUNTS = ("trips", "give_ups", "waited")
BATCH = 256  # ticks whose positions are looked at together


class Seen(NamedTuple):
    """Everybody at one moment, the controlled robot last: where, and on which edge."""

    node: Ints
    to: Ints
    x_m: Floats
    y_m: Floats


def seen(world: World) -> Seen:
    """Where everybody is now."""
    agents = world.crowd.agents
    return Seen(agents.node.copy(), agents.to.copy(), agents.x_m.copy(), agents.y_m.copy())


@dataclass
class Watch:
    """Call it after every tick; `columns` says what it saw, and brings the counts up to date.

    An agent is stuck while it has finished no trip for `stuck_s`; a trip given up is not finished.
    Work at the end of a trip (picking, charging) belongs to it.
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
    _touching: set[tuple[int, int]] = field(default_factory=set)  # in the last tick looked at

    def __post_init__(self) -> None:
        agents, now = self.world.crowd.agents, self.world.time_s
        self._before, self.kind = seen(self.world), agents.kind.copy()
        self._frames = [self._before]  # the last one that was looked at, and those since
        self._start = {name: getattr(agents, name).copy() for name in COUNTS}
        self._trips = self._start["trips"]
        self._finished_s, self._longest_s = np.full(self.kind.size, now), np.zeros(self.kind.size)
        self._from = self._before.node.copy()  # where the last finished trip ended
        self._ways: dict[int, tuple[int, int]] = {}  # of the stuck: from there, to its goal
        self._tick = self._began_tick = self.world.tick

    def __call__(self, world: World) -> None:
        """Look at a tick; AssertionError if one was missed."""
        assert world.tick == self._tick + 1, (world.tick, self._tick)
        self._tick, before, now = world.tick, self._before, seen(world)
        self._frames.append(now)
        if len(self._frames) > BATCH:
            self._look()
        trips = world.crowd.agents.trips.copy()
        gap_s = world.time_s - self._finished_s
        np.maximum(self._longest_s, gap_s, out=self._longest_s)
        for k in np.flatnonzero(gap_s > self.stuck_s).tolist():
            self._ways.setdefault(k, (int(self._from[k]), self._goal(k)))
        at_work = world.crowd.agents.busy_until > world.tick
        at_work[-1] = False  # the robot is busy while it turns, too
        arrived = (trips > self._trips) | at_work
        self._finished_s[arrived], self._from[arrived] = world.time_s, now.node[arrived]
        if self._robot_got_somewhere(world):
            self._finished_s[-1], self._from[-1] = world.time_s, now.node[-1]
        else:
            self.robot_asked += 1
            stood = now.to[-1] < 0 and now.node[-1] == before.node[-1] and before.to[-1] < 0
            self.robot_waited += bool(stood and world.robot_ready)
        self._before, self._trips = now, trips

    def _look(self) -> None:
        """Look at the ticks since the last look: who touched, shared a node, changed places."""
        ticks, agents = len(self._frames) - 1, self.kind.size
        if not ticks:
            return
        node, to, x_m, y_m = (np.stack(values) for values in zip(*self._frames, strict=True))
        self._frames = [self._frames[-1]]
        apart = np.arange(ticks)[:, None]  # every tick on a floor of its own, side by side
        far_m = np.ptp(x_m) + 10.0 * CONTACT_M + np.abs(np.diff(x_m, axis=0)).max(initial=0.0)
        x0, x1 = ((x + far_m * apart).ravel() for x in (x_m[:-1], x_m[1:]))
        pairs = contacts_of(x0, y_m[:-1].ravel(), x1, y_m[1:].ravel(), CONTACT_M)
        touching = {(int(i) // agents, int(i) % agents, int(j) % agents) for i, j in pairs}
        before = {(k + 1, i, j) for k, i, j in touching} | {(0, *pair) for pair in self._touching}
        self.contacts += len(touching - before)
        self._touching = {(i, j) for k, i, j in touching if k == ticks - 1}
        nodes = int(max(node.max(), to.max())) + 1
        here, there = (values + nodes * apart for values in (node[:-1], node[1:]))
        onto = np.where(to[1:] >= 0, to[1:] + nodes * apart, -1)
        self.shared_cells += shared_cells(there.ravel(), onto.ravel())
        self.swaps += swaps(here.ravel(), there.ravel())

    def _robot_got_somewhere(self, world: World) -> bool:
        robot, book, queues = world.robot, world.book, world.chargers
        idle = book.taken is None and not book.open(world.time_s)
        plug = queues.charger_of(ROBOT)
        queues_up = plug is not None and not queues.may_enter(ROBOT, plug)
        return bool(robot.serving or robot.charging or robot.stranded or idle or queues_up)

    def _goal(self, k: int) -> int:
        stop = self.world.next_stop()
        if k < self.kind.size - 1:
            return int(self.world.crowd.agents.goal[k])
        return int(self._from[k]) if stop is None else stop

    def stuck(self) -> list[dict[str, Any]]:
        """The agents that were stuck: for how long at most, and how long their way was anyhow.

        `way_s` is the time of a free way from where the last finished trip ended to the goal at the
        moment at which the agent began to be stuck.
        """
        found = []
        for k, (start, goal) in sorted(self._ways.items()):
            metres = float(cost_to_go(self.world.floor.map, goal).values[start])
            speed_m_s = self.world.crowd.agents.speed_mm[k] / 1000.0 / self.world.tick_s
            found.append({
                "agent": k, "kind": KINDS[self.kind[k]], "gap_s": float(self._longest_s[k]),
                "way_s": metres / float(speed_m_s), "node_at_end": int(self._before.node[k]),
            })  # fmt: skip
        return found

    def columns(self) -> dict[str, Any]:
        """The figures of what was watched, by column."""
        self._look()
        stuck, agents = self.stuck(), self.world.crowd.agents
        ticks = max(1, self.world.tick - self._began_tick)
        found: dict[str, Any] = {
            "contacts": self.contacts, "shared_cells": self.shared_cells, "swaps": self.swaps,
            "stuck": len(stuck), "stuck_agents": stuck,
        }  # fmt: skip
        for k, kind in enumerate(KINDS):
            own = self.kind == k
            longest_s = self._longest_s[own]
            found[f"{kind}_longest_gap_s"] = float(longest_s.max()) if longest_s.size else None
            if kind != "robot":
                trips, give_ups, waited = (
                    getattr(agents, name)[own] - self._start[name][own] for name in COUNTS
                )
                found[f"{kind}_trips"], found[f"{kind}_give_ups"] = (
                    int(trips.sum()),
                    int(give_ups.sum()),
                )
                found[f"{kind}_waiting"] = float(waited.mean()) / ticks if waited.size else None
        found["robot_waiting"] = self.robot_waited / self.robot_asked if self.robot_asked else None
        return found


def shared_cells(node: Ints, to: Ints) -> int:
    """How many places are held once too often: an agent on an edge holds both ends of it."""
    held = np.sort(np.concatenate((node, to[to >= 0])))
    return int((held[1:] == held[:-1]).sum())


def swaps(before: Ints, now: Ints) -> int:
    """How many pairs of agents have changed places since the tick before."""
    moved = np.flatnonzero(before != now)
    here, there, base = before[moved], now[moved], int(max(before.max(), now.max())) + 1
    return int(np.intersect1d(here * base + there, there * base + here).size) // 2
