"""Queues at chargers: who is at the plug, who waits where, and how long a newcomer would wait.

The controlled robot and traffic robots stand in the same queues: `join`, drive to the charger's
node once `may_enter` says so, `leave` when the node is free again. Until it is its turn the
controlled robot, which joins near the charger, waits on a `place` off the way; traffic robots work
on. First come, first served; at most one at the plug.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.spatial import cKDTree

from planners import GridMap

from .blockages import stays_connected
from .checks import expect_numbers
from .floor import Floor
from .streams import stream

if TYPE_CHECKING:
    from .battery import RobotProfile
    from .layouts import Layout

ROBOT = -1  # the controlled robot in a queue; traffic robots go by their number
PLACES_PER_CHARGER = 4  # (a)
LOOK_ROUND = 200  # (a) nodes around a charger among which waiting places are looked for


@dataclass(frozen=True)
class ChargeCycle:
    """How traffic robots charge; all numbers are assumptions (a).

    Every `every_s` one goes for `for_s`, the first time at a moment of its own stream. Where the
    least expected wait is over `patience_s` it works on and asks again `retry_s` later.
    """

    every_s: float = 4 * 3600.0
    for_s: float = 2400.0
    patience_s: float = 1800.0
    retry_s: float = 600.0

    def __post_init__(self) -> None:
        expect_numbers(self, "every_s", "for_s", "patience_s", "retry_s", above=0)


def charge_times(
    seed: int, robot: int, tick_s: float, cycle: ChargeCycle
) -> Iterator[tuple[int, int]]:
    """Endless (tick from which traffic robot `robot` wants to charge, ticks at the plug)."""
    due_s = float(stream(seed, "traffic.charge", robot).random()) * cycle.every_s
    while True:
        yield round(due_s / tick_s), max(1, round(cycle.for_s / tick_s))
        due_s += cycle.every_s


class ChargerQueues:
    """One queue for each charger, keyed by the charger's node; agents are any integers.

    Events take constant time, times are ticks. `power_w` is full power by node, `places` the nodes
    to wait on, nearest first.
    """

    def __init__(
        self,
        power_w: Mapping[int, float],
        places: Mapping[int, Sequence[int]] | None = None,
        *,
        tick_s: float,
    ) -> None:
        for node, watts in power_w.items():
            if not (math.isfinite(watts) and watts > 0):
                raise ValueError(f"the charger on node {node} has {watts!r} W: give more than 0")
        self.power_w = dict(power_w)
        self._tick_s = tick_s
        # Insertion order is the queue: agent -> ticks it will take at the plug.
        self._queue: dict[int, dict[int, int]] = {node: {} for node in power_w}
        self._behind: dict[int, int] = dict.fromkeys(power_w, 0)  # ticks of all but the first
        self._turn: dict[int, int] = dict.fromkeys(power_w, 0)  # tick since which it is its turn
        self._free = {node: deque((places or {}).get(node, ())) for node in power_w}
        self._at: dict[int, int] = {}
        self.version = 0  # rises with every event
        self._place: dict[int, int] = {}

    @classmethod
    def of(
        cls, layout: Layout, floor: Floor, profile: RobotProfile, tick_s: float
    ) -> ChargerQueues:
        """The queues of a layout: its chargers' powers where it has any, else the profile's."""
        powers = getattr(layout, "charger_w", None) or [None] * len(layout.chargers)
        watts = [profile.charge_w if power is None else power for power in powers]
        power_w = dict(zip(layout.chargers, watts, strict=True))
        return cls(power_w, waiting_places(layout, floor), tick_s=tick_s)

    def join(self, agent: int, charger: int, tick: int, ticks: int) -> None:
        """Queue for a charger, to take so many ticks at the plug; no news for who queues there.

        Raises:
            ValueError: no such charger; the agent queues at another one.
        """
        if charger not in self._queue:
            raise ValueError(f"no charger on node {charger}: {tuple(self._queue)}")
        at = self._at.setdefault(agent, charger)
        if at != charger:
            raise ValueError(f"agent {agent} queues at charger {at}: it leaves before it joins")
        queue = self._queue[charger]
        if agent in queue:
            return
        if queue:
            self._behind[charger] += ticks
        else:
            self._turn[charger] = tick
        queue[agent] = ticks
        self.version += 1

    def may_enter(self, agent: int, charger: int) -> bool:
        """Whether it is the agent's turn at that charger."""
        return self._at.get(agent) == charger and next(iter(self._queue[charger])) == agent

    def leave(self, agent: int, tick: int) -> None:
        """Give up the plug or the place in the queue; nothing to do for who is in none."""
        charger = self._at.pop(agent, None)
        if charger is None:
            return
        self.version += 1
        queue = self._queue[charger]
        first = next(iter(queue)) == agent
        ticks = queue.pop(agent)
        if not first:
            self._behind[charger] -= ticks
        elif queue:
            following = next(iter(queue))
            self._turn[charger] = tick
            self._behind[charger] -= queue[following]
            self._vacate(following, charger)
        self._vacate(agent, charger)

    def _vacate(self, agent: int, charger: int) -> None:
        place = self._place.pop(agent, None)
        if place is not None:
            self._free[charger].appendleft(place)

    def sets_out(self, agent: int, tick: int) -> None:
        """Whose turn it is comes only now: its time at the plug is counted from here."""
        charger = self._at[agent]
        if self.may_enter(agent, charger):
            self._turn[charger] = tick
            self.version += 1

    def charger_of(self, agent: int) -> int | None:
        """The charger that an agent queues for or is at, None for nobody's."""
        return self._at.get(agent)

    def place(self, agent: int) -> int | None:
        """Where an agent waits for its turn; None where no place is left (or none is needed)."""
        charger = self._at.get(agent)
        if charger is None or self.may_enter(agent, charger):
            return None
        if agent not in self._place and self._free[charger]:
            self._place[agent] = self._free[charger].popleft()
        return self._place.get(agent)

    def others(self, charger: int, agent: int) -> int:
        """How many but this agent are at the plug or queue for it."""
        queue = self._queue[charger]
        return len(queue) - (agent in queue)

    def free_place(self, charger: int) -> int | None:
        """A place at a charger that nobody waits on now; it is not kept for anybody."""
        return self._free[charger][-1] if self._free[charger] else None

    def wait_s(self, charger: int, tick: int, agent: int | None = None) -> float:
        """Seconds until an agent's turn: the rest of whose turn it is, and all between them.

        Who queues there already (0 with its turn) waits for those before it, a newcomer for all.
        """
        queue = self._queue[charger]
        if not queue or (agent is not None and self.may_enter(agent, charger)):
            return 0.0
        ticks = max(0, self._turn[charger] + queue[next(iter(queue))] - tick)
        ticks += self._behind[charger]
        if agent in queue:
            members = list(queue)
            ticks -= sum(queue[member] for member in members[members.index(agent) :])
        return ticks * self._tick_s

    def least_wait(self, tick: int) -> tuple[int, float]:
        """The charger with the least expected wait, ties to the first of the layout."""
        return min(((node, self.wait_s(node, tick)) for node in self._queue), key=lambda at: at[1])


class Recharging:
    """When a traffic robot goes to charge instead of on its next trip.

    It queues as soon as charging is due and the least wait is within its patience, and works on
    until it is its turn.
    """

    def __init__(
        self, queues: ChargerQueues, robot: int, *, seed: int, tick_s: float, cycle: ChargeCycle
    ) -> None:
        self._queues, self._robot = queues, robot
        self._times = charge_times(seed, robot, tick_s, cycle)
        self._cycle, self._tick_s = cycle, tick_s
        self._due, self._ticks = next(self._times)
        self._trips_to_charge = 0  # 2: the next trip leads to the plug, 1: this one does

    def due(self, tick: int) -> tuple[int, int] | None:
        """The charger and the ticks at its plug if the trip planned now leads there, else None."""
        queues, robot = self._queues, self._robot
        if self._trips_to_charge or tick < self._due or not queues.power_w:
            return None
        charger = queues.charger_of(robot)
        if charger is None:
            charger, wait_s = queues.least_wait(tick)
            if wait_s > self._cycle.patience_s:
                self._due = tick + round(self._cycle.retry_s / self._tick_s)
                return None
            queues.join(robot, charger, tick, self._ticks)
        if not queues.may_enter(robot, charger):
            return None
        self._trips_to_charge = 2
        return charger, self._ticks

    def trip_begins(self, tick: int) -> None:
        """The robot sets out on the trip planned last; after charging its place is free."""
        if self._trips_to_charge == 1:
            self._queues.leave(self._robot, tick)
            self._due, self._ticks = next(self._times)
        elif self._trips_to_charge == 2:
            self._queues.sets_out(self._robot, tick)
        self._trips_to_charge = max(0, self._trips_to_charge - 1)


def waiting_places(
    layout: Layout, floor: Floor, count: int = PLACES_PER_CHARGER
) -> dict[int, tuple[int, ...]]:
    """For each charger up to `count` nodes to wait on, nearest first, no node twice.

    A place is no station, pick face or charger, is two steps or more from every charger, and all
    places together, with somebody on each, close no aisle to others. There may be none.
    """
    taken = {*layout.stations, *layout.storage, *layout.chargers}
    for charger in layout.chargers:
        taken.update(floor.neighbours(charger))
    found: dict[int, tuple[int, ...]] = {}
    closed: set[int] = set()
    for charger in layout.chargers:
        nodes: list[int] = []
        for node in _around(floor, charger, LOOK_ROUND):
            if len(nodes) == count:
                break
            if node in taken:
                continue
            if stays_connected(floor, (node,), closed | {node}, limit=LOOK_ROUND):
                nodes.append(node)
                closed.add(node)
        taken.update(nodes)
        found[charger] = tuple(nodes)
    return found


def check_range(
    layout: Layout, floor: Floor, profile: RobotProfile, start: int, reserve_wh: float
) -> None:
    """Refuse a battery with which no order of a grid's pick faces could ever be served.

    A lower bound on the least order is in straight lines from the start or a charger to a pick
    face and on to a charger, without load or stop. What passes may still be too small for this
    or that order: the battery rule refuses those one by one, and they are counted.

    Raises:
        ValueError: with range and need, and the way out.
    """
    if not isinstance(floor.map, GridMap):
        return  # positions of a graph need not be metres
    at = floor.map.positions_m
    faces = at(layout.storage)
    there_m, _ = cKDTree(at([start, *layout.chargers])).query(faces)
    back_m, _ = cKDTree(at(layout.chargers)).query(faces)
    need_m = float((there_m + back_m).min())
    usable_wh = profile.capacity_wh - reserve_wh
    range_m = usable_wh / profile.trip_wh(1.0, 1.0 / profile.speed_m_s)
    if need_m > range_m:
        raise ValueError(
            f"the battery is too small for {layout.name}: {profile.capacity_wh:g} Wh less "
            f"{reserve_wh:g} Wh in reserve drive {range_m:.0f} m, the nearest pick face and back "
            f"to a charger are {need_m:.0f} m or more: give it more capacity_wh or nearer chargers"
        )


def _around(floor: Floor, start: int, count: int) -> list[int]:
    """The first so many nodes of a breadth-first walk."""
    order, seen = [start], {start}
    for node in order:
        if len(order) >= count:
            break
        fresh = [n for n in floor.neighbours(node) if n not in seen]
        order += fresh
        seen.update(fresh)
    return order
