"""Everybody else on the floor, in arrays: their trips, their ways, and who holds which node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .chargers import ChargeCycle, ChargerQueues, Recharging
from .floor import Floor, Ways
from .kernels.state import (
    CLOCK,
    COUNTERS,
    DETOUR,
    DETOUR_AFTER,
    FAR,
    HELD,
    KEY,
    NEW_WAY,
    NEXT_TRIP,
    PERSON,
    ROBOT,
    TICK,
    TRAFFIC,
    WALLS,
    Agents,
    agents_of,
)
from .people import Places, Trips, WalkRules
from .streams import stream, stream_key

if TYPE_CHECKING:
    from .layouts import Layout

Ids = npt.NDArray[np.int64]

MAX_PUSHES = 48  # longest chain of agents that push each other in one tick (a)
ASK = 22  # row of `Agents.ask`


@dataclass(frozen=True)
class Work:
    """Work arrays of the kernels; see `envs.kernels.state.Turn`."""

    order: Ids
    stamps: Ids
    claim: Ids
    wish: Ids
    stack: Ids

    @classmethod
    def of(cls, size: int, walkers: int, degree: int) -> Work:
        """Arrays for so many nodes, walkers and steps."""
        deep = MAX_PUSHES + 1
        return cls(
            np.zeros((2, max(1, walkers)), dtype=np.int64),
            np.zeros((3, walkers + 1), dtype=np.int64),
            np.zeros(size, dtype=np.int32),
            np.zeros((2, deep, degree + 1), dtype=np.int64),
            np.zeros((3, deep), dtype=np.int64),
        )


class Crowd:
    """All walkers, and beside them the controlled robot's place among the agents.

    Attributes:
        agents: see `envs.kernels.state.Agents`; walkers 0 .. n - 1 and the robot, n.
        n: how many walkers; people: how many of them are people (the first ones).
        holder: (size,) int32, the agent on each node, -1 where nobody is.
        clock: int64, the world's scalars.

    Raises:
        ValueError: more walkers than half of the free nodes.
    """

    def __init__(
        self, layout: Layout, floor: Floor, robot_node: int, *, seed: int, workers: int,
        traffic: int, tick_s: float, robot_m_s: float, rules: WalkRules,
        chargers: ChargerQueues, charge_cycle: ChargeCycle,
    ) -> None:  # fmt: skip
        self.floor, self.rules, self.seed = floor, rules, seed
        self._charging = [
            Recharging(chargers, i, seed=seed, tick_s=tick_s, cycle=charge_cycle)
            for i in range(traffic)
        ]
        self.n, self.people = workers + traffic, workers
        self.ways = Ways(floor)
        self.clock = np.zeros(CLOCK, dtype=np.int64)
        self.clock[KEY] = stream_key(seed, "way")
        self.rule_numbers = rules.numbers(tick_s)
        self.holder = np.full(floor.size, -1, dtype=np.int32)
        self.rows = np.zeros((COUNTERS, self.n + 1), dtype=np.int64)
        self.places = np.zeros((4, self.n + 1))
        self.agents: Agents = agents_of(self.rows, self.places)
        self.work = Work.of(floor.size, self.n, floor.degree)
        self._where = Places(layout, floor, robot_node)
        homes = self._where.homes(seed, workers, traffic)
        self._stand(homes, robot_node, tick_s, robot_m_s)
        self._trips: list[Iterator[tuple[int, int]]] = [
            iter(self._trips_of(i, tick_s)) for i in range(self.n)
        ]
        self._held: list[list[int]] = [[-1, -1] for _ in range(self.n)]  # rows: this and next trip
        for i in range(self.n):
            self._plan_trip(i)
            self._begin(i)

    def _stand(self, homes: list[int], robot: int, tick_s: float, robot_m_s: float) -> None:
        """Everybody on its first node."""
        agents, rules = self.agents, self.rules
        agents.node[:] = [*homes, robot]
        agents.to[:] = agents.next_goal[:] = -1
        agents.kind[: self.people], agents.kind[self.people :] = PERSON, TRAFFIC
        agents.kind[-1] = ROBOT
        speeds = {PERSON: rules.worker_m_s, TRAFFIC: rules.traffic_m_s, ROBOT: robot_m_s}
        for kind, speed in speeds.items():
            agents.speed_mm[agents.kind == kind] = round(1000 * speed * tick_s)
        self.holder[agents.node] = np.arange(self.n + 1)
        self.clock[HELD] = self.n + 1
        for i, node in enumerate(agents.node.tolist()):
            agents.x_m[i], agents.y_m[i] = self.floor.xy(node)
        agents.x0_m[:], agents.y0_m[:] = agents.x_m, agents.y_m

    def _trips_of(self, i: int, tick_s: float) -> Trips:
        person = i < self.people
        return Trips(
            self._where.of(i), stream(self.seed, "worker" if person else "traffic",
            i if person else i - self.people), tick_s, self.rules, person,
            int(self.agents.node[i]),
        )  # fmt: skip

    # Trips and ways.

    def _plan_trip(self, i: int) -> None:
        """Look up the way of the trip after this one."""
        agents = self.agents
        charge = None
        if i >= self.people:
            charge = self._charging[i - self.people].due(int(self.clock[TICK]))
        goal, dwell = charge or next(self._trips[i])
        row = self.ways.hold(goal, i >= self.people)
        self._held[i][1] = row
        agents.next_goal[i], agents.next_dwell[i], agents.next_slot[i] = goal, dwell, row
        agents.next_walls[i] = self.floor.walls

    def _begin(self, i: int) -> None:
        """The first trip of all."""
        agents = self.agents
        agents.goal[i], agents.dwell[i] = agents.next_goal[i], agents.next_dwell[i]
        agents.slot[i], agents.walls[i] = agents.next_slot[i], agents.next_walls[i]
        agents.best_mm[i] = self.ways.distance_mm(int(agents.slot[i]), int(agents.node[i]))
        self._follow_on(i)

    def _follow_on(self, i: int) -> None:
        """The trip planned last begins: plan the one after it."""
        if i >= self.people:
            self._charging[i - self.people].trip_begins(int(self.clock[TICK]))
        self._held[i] = [self._held[i][1], -1]
        self._plan_trip(i)

    def answer(self) -> None:
        """Provide what walkers asked for in the last tick: a next trip, a new way, a detour."""
        asks = self.rows[ASK]
        for i in np.flatnonzero(asks).tolist():
            ask = int(asks[i])
            asks[i] = 0
            if ask & NEXT_TRIP:
                self.ways.drop(self._held[i][0])
                self._follow_on(i)
            elif ask & (NEW_WAY | DETOUR) and self.agents.goal[i] != self.agents.node[i]:
                self._find_way(i, detour=bool(ask & DETOUR))

    def _find_way(self, i: int, *, detour: bool) -> None:
        """A field past what is closed now, and for a detour past everybody who stands."""
        agents, goal, drives = self.agents, int(self.agents.goal[i]), i >= self.people
        if detour:
            row = self.ways.hold_detour(goal, drives, self._standing(i, goal))
        else:
            row = self.ways.hold(goal, drives)
        best = self.ways.distance_mm(row, int(agents.node[i]))
        if detour and best == FAR:
            self.ways.drop(row)
            return
        self.ways.drop(self._held[i][0])
        self._held[i][0] = row
        agents.slot[i], agents.best_mm[i], agents.walls[i] = row, best, self.floor.walls

    def _standing(self, i: int, goal: int) -> list[int]:
        """Nodes of all others that will not leave them soon, as far as anybody can see."""
        agents, tick = self.agents, int(self.clock[TICK])
        stands = (agents.to < 0) & (agents.node != goal)
        stands[:-1] &= (agents.busy_until[:-1] > tick) | (
            agents.blocked[:-1] >= self.rule_numbers[DETOUR_AFTER]
        )
        stands[i] = False
        return list(agents.node[stands].tolist())

    def note_walls(self) -> None:
        """The blockages have changed: who bumps into one may look for a new way."""
        self.clock[WALLS] = self.floor.walls

    # What the kernels take.

    def arguments(self) -> tuple[Any, ...]:
        """The arrays of one tick, in the order of the kernels."""
        work = self.work
        return (
            self.floor.arrays, self.rows, self.places, self.holder, self.floor.closed,
            self.ways.fields, self.clock, self.rule_numbers, work.order, work.stamps, work.claim,
            work.wish, work.stack,
        )  # fmt: skip
