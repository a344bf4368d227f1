"""Everybody else on the floor: workers who pick, and traffic robots on scripted trips.

Their itineraries come from named streams, one per walker, so the third trip of worker 7 is the same
trip whatever the controlled robot does. How they share the floor is decided by `envs.resolver`:
people first, then traffic by the age of its trip. Lengths are whole millimetres; what a step
leaves over is carried into the next edge, so 1.3 m/s stays 1.3 m/s over any number of cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .blockages import Floor
from .resolver import Resolution, resolve
from .streams import draw, stream, stream_key

if TYPE_CHECKING:
    from .layouts import Layout

ROBOT = -1  # the controlled robot's id beside the walkers 0, 1, ...


@dataclass(frozen=True)
class WalkRules:
    """How people and traffic robots move and give way; all numbers are assumptions (a)."""

    worker_m_s: float = 1.3
    traffic_m_s: float = 1.0
    dwell_median_s: float = 20.0
    dwell_sigma: float = 0.5
    station_dwell_s: float = 10.0
    traffic_dwell_s: float = 5.0
    lane_trips: int = 20  # round trips of a traffic robot before it serves another face
    detour_after: int = 4  # blocked ticks until a way round standing agents is looked for
    detour_pause: int = 20  # ticks between two such looks of one walker
    humble_after: int = 20  # blocked ticks after which a walker may drop to lowest priority
    give_up_s: float = 120.0


class Walker:
    """One worker or traffic robot; `to` is -1 while it stands on `node`."""

    __slots__ = (
        "best", "blocked", "busy_until", "carry_mm", "done_mm", "dwell", "field", "give_ups",
        "goal", "id", "length_mm", "next_detour", "node", "person", "progress_tick", "speed_mm",
        "to", "trip_tick", "trips", "waited", "walls_known",
    )  # fmt: skip

    def __init__(self, id: int, node: int, speed_mm: int, person: bool) -> None:
        self.id, self.node, self.speed_mm, self.person = id, node, speed_mm, person
        self.to = -1
        self.done_mm = self.length_mm = self.carry_mm = 0
        self.goal = node
        self.field: memoryview = np.zeros(0).data
        self.best = math.inf
        self.walls_known: frozenset[int] = frozenset()
        self.dwell = 0
        self.busy_until = 0
        self.blocked = self.waited = self.trips = self.give_ups = 0
        self.next_detour = self.progress_tick = self.trip_tick = 0


@dataclass(frozen=True)
class Body:
    """A person or robot as seen: its id, node and position."""

    id: int
    node: int
    x_m: float
    y_m: float
    person: bool


@dataclass(frozen=True)
class Sighting:
    """One look round: the nodes in view, the bodies seen there, the nodes seen blocked."""

    time_s: float
    visible: npt.NDArray[np.int64]
    bodies: tuple[Body, ...]
    obstacles: frozenset[int]


def body_of(walker: Walker, floor: Floor) -> Body:
    """Where a walker is, its part of the edge included."""
    x, y = floor.place(walker.node, walker.to, walker.done_mm, walker.length_mm)
    return Body(walker.id, walker.node, x, y, walker.person)


def worker_trips(
    layout: Layout, seed: int, worker: int, tick_s: float, rules: WalkRules
) -> Iterator[tuple[int, int]]:
    """Endless (goal, dwell in ticks): one to three skewed picks, then a station, and again."""
    rng = stream(seed, "worker", worker)
    share = np.cumsum(np.asarray(layout.pick_share, dtype=np.float64))
    while True:
        for _ in range(min(3, int(rng.geometric(0.5)))):
            at = min(int(np.searchsorted(share, rng.random())), len(share) - 1)
            dwell_s = rules.dwell_median_s * math.exp(rules.dwell_sigma * rng.standard_normal())
            yield layout.storage[at], max(1, round(dwell_s / tick_s))
        station = layout.stations[int(rng.integers(len(layout.stations)))]
        yield station, max(1, round(rules.station_dwell_s / tick_s))


def traffic_trips(
    layout: Layout, seed: int, robot: int, tick_s: float, rules: WalkRules
) -> Iterator[tuple[int, int]]:
    """Endless (goal, dwell in ticks): one station and one skewed pick face, to and fro.

    A traffic robot serves the same pair all shift long, so that its way is a lane that can be
    learned; every `lane_trips` trips it is sent to another face.
    """
    rng = stream(seed, "traffic", robot)
    share = np.cumsum(np.asarray(layout.pick_share, dtype=np.float64))
    dwell = max(1, round(rules.traffic_dwell_s / tick_s))
    station = layout.stations[int(rng.integers(len(layout.stations)))]
    while True:
        at = min(int(np.searchsorted(share, rng.random())), len(share) - 1)
        for _ in range(rules.lane_trips):
            yield layout.storage[at], dwell
            yield station, dwell


class Crowd:
    """All walkers, who holds which node, and one tick of giving way and walking.

    `holder` maps a node in use to its agent (both ends of an edge that somebody is on), `vacating`
    the ends being left. The controlled robot is in them under the id `ROBOT`; the world moves it.
    """

    def __init__(
        self,
        layout: Layout,
        floor: Floor,
        robot_node: int,
        *,
        seed: int,
        workers: int,
        traffic: int,
        tick_s: float,
        rules: WalkRules,
    ) -> None:
        self.floor, self.rules, self._tick = floor, rules, 0
        self._key = stream_key(seed, "way")
        self._give_up_ticks = round(rules.give_up_s / tick_s)
        self.at: dict[int, int] = {ROBOT: robot_node}
        self.holder: dict[int, int] = {robot_node: ROBOT}
        self.vacating: dict[int, int] = {}
        self.offers_place = False
        homes = self._homes(layout, robot_node, seed, workers + traffic)
        self.walkers: list[Walker] = []
        self._trips: list[Iterator[tuple[int, int]]] = []
        for agent, node in enumerate(homes):
            person = agent < workers
            speed_m_s = rules.worker_m_s if person else rules.traffic_m_s
            self.walkers.append(Walker(agent, node, round(1000 * speed_m_s * tick_s), person))
            trips = worker_trips if person else traffic_trips
            entity = agent if person else agent - workers
            self._trips.append(trips(layout, seed, entity, tick_s, rules))
            self.at[agent] = node
            self.holder[node] = agent
        for walker in self.walkers:
            self._next_trip(walker)

    def _homes(self, layout: Layout, robot: int, seed: int, count: int) -> list[int]:
        """Distinct start nodes from which every goal can be reached."""
        nodes = self.floor.connected(layout.stations[0])
        nodes = nodes[(nodes != robot) & ~np.isin(nodes, layout.chargers)]
        if count > len(nodes) // 2:
            raise ValueError(
                f"{count} walkers on {len(nodes)} free nodes leave no room to move: "
                f"ask for at most {len(nodes) // 2}"
            )
        chosen = stream(seed, "homes").permutation(nodes)[:count]
        return [int(node) for node in chosen]

    # One tick: who wants where, who gets it, and the walking.

    def decide(self, tick: int, *, robot_offers: bool = False) -> int | None:
        """Resolve this tick's moves and start them; the node the robot is pushed to, or None."""
        self._tick, self.offers_place = tick, robot_offers
        people = [w for w in self.walkers if w.to < 0 and self._ready(w)]
        order = sorted(people, key=self._rank)
        result = resolve(
            [w.id for w in order if w.person or tick % 2 == 0],
            at=self.at,
            holder=self.holder,
            vacating=self.vacating,
            wishes=self._wishes,
            may_push=self._may_push,
        )
        for agent, node in result.moves.items():
            if agent != ROBOT:
                self._start(self.walkers[agent], node)
        self._count_waits(order, result)
        return result.moves.get(ROBOT)

    def _ready(self, walker: Walker) -> bool:
        """Bring a standing walker up to date: dwell over, trip given up; False while it dwells."""
        if walker.busy_until > self._tick:
            return False
        if walker.node == walker.goal:
            self._next_trip(walker)
        elif self._tick - walker.progress_tick > self._give_up_ticks:
            walker.give_ups += 1
            self._next_trip(walker)
        if walker.node == walker.goal:
            self._finish(walker)
            return False
        return True

    def _rank(self, walker: Walker) -> tuple[bool, bool, int, int]:
        """People, then traffic; in each the oldest trip first, unless it has turned humble.

        Two agents head-on in a dead end would wait for ever by age alone; after a while one of
        them, by a draw of its own, lets the other go first.
        """
        humble = walker.blocked >= self.rules.humble_after and bool(
            draw(self._key, self._tick // self.rules.humble_after, walker.id) & 1
        )
        return not walker.person, humble, walker.trip_tick, walker.id

    def _may_push(self, agent: int, other: int) -> bool:
        if other == ROBOT:
            return self.offers_place
        pushed = self.walkers[other]
        if pushed.to >= 0 or pushed.busy_until > self._tick:
            return False
        return not pushed.person or (agent != ROBOT and self.walkers[agent].person)

    def _wishes(self, agent: int) -> list[int]:
        """Nodes in the order in which the agent would like to be there, its own among them."""
        here, floor, holder = self.at[agent], self.floor, self.holder
        # People choose between equal ways anew each time, traffic robots always alike.
        person = agent == ROBOT or self.walkers[agent].person
        tie = draw(self._key, self._tick if person else 0, agent + 1)
        around = floor.neighbours(here)
        if floor.blocked and not floor.blocked.isdisjoint(around):
            around = tuple(node for node in around if node not in floor.blocked)
            if agent != ROBOT and self.walkers[agent].walls_known != floor.blocked:
                self._aim(self.walkers[agent], self.walkers[agent].goal)  # bumped: now it knows
        if agent == ROBOT:
            return [*sorted(around, key=lambda n: (n in holder, (n * 40503 ^ tie) & 0xFFFF)), here]
        field = self.walkers[agent].field
        keys = [(field[n], n in holder, (n * 40503 ^ tie) & 0xFFFF, n) for n in around]
        keys.append((field[here], False, (here * 40503 ^ tie) & 0xFFFF, here))
        keys.sort()
        return [key[3] for key in keys]

    def _start(self, walker: Walker, node: int) -> None:
        here = walker.node
        walker.to = node
        walker.length_mm = self.floor.edges_mm(here)[node]
        walker.done_mm, walker.carry_mm = walker.carry_mm, 0
        walker.blocked = 0
        self.holder[node] = walker.id
        self.vacating[here] = walker.id

    def _count_waits(self, order: list[Walker], result: Resolution) -> None:
        for walker in order:
            if walker.to >= 0:
                continue
            walker.carry_mm = 0
            walker.waited += 1
            if walker.id not in result.queued:
                walker.blocked += 1
                if walker.blocked >= self.rules.detour_after and walker.next_detour <= self._tick:
                    self._look_round(walker)

    def walk(self) -> None:
        """Everybody on an edge advances by one tick; arrivals free the node left behind."""
        for walker in self.walkers:
            if walker.to < 0:
                continue
            walker.done_mm += walker.speed_mm
            if walker.done_mm < walker.length_mm:
                continue
            walker.carry_mm = min(walker.done_mm - walker.length_mm, walker.speed_mm)
            del self.holder[walker.node], self.vacating[walker.node]
            walker.node = self.at[walker.id] = walker.to
            walker.to, walker.done_mm = -1, 0
            value = walker.field[walker.node]
            if value < walker.best:
                walker.best, walker.progress_tick = value, self._tick
            if walker.node == walker.goal:
                self._finish(walker)

    # Trips.

    def _finish(self, walker: Walker) -> None:
        walker.trips += 1
        walker.goal = walker.node
        walker.carry_mm = 0
        walker.busy_until = self._tick + 1 + walker.dwell
        walker.trip_tick = walker.progress_tick = self._tick

    def _next_trip(self, walker: Walker) -> None:
        goal, walker.dwell = next(self._trips[walker.id])
        walker.trip_tick = walker.progress_tick = self._tick
        walker.next_detour = self._tick
        walker.blocked = 0
        self._aim(walker, goal)

    def _aim(self, walker: Walker, goal: int) -> None:
        """Set the goal and the way there, past the blockages of this moment."""
        walker.goal = goal
        walker.field = self.floor.field(goal)
        walker.walls_known = self.floor.blocked
        walker.best = walker.field[walker.node]

    def _look_round(self, walker: Walker) -> None:
        """After some blocked ticks: serve from the next node, or find a way round who stands."""
        walker.next_detour = self._tick + self.rules.detour_pause
        blocker = self.holder.get(walker.goal)
        if blocker is not None and walker.goal in self.floor.neighbours(walker.node):
            if walker.person and self.stands(blocker):
                self._finish(walker)  # a person reaches past whoever stands at the shelf
            return
        walls = [
            self.at[agent]
            for agent in (ROBOT, *range(len(self.walkers)))
            if agent != walker.id and self.at[agent] != walker.goal and self.stands(agent)
        ]
        field = self.floor.field_on(self.floor.with_walls(walls), walker.goal)
        if field[walker.node] < math.inf:
            walker.field, walker.best = field, field[walker.node]
            walker.walls_known = self.floor.blocked

    def stands(self, agent: int) -> bool:
        """Whether the agent will not leave its node soon, as far as anybody can see."""
        if agent == ROBOT:
            return ROBOT not in self.vacating.values()
        walker = self.walkers[agent]
        return walker.to < 0 and (
            walker.busy_until > self._tick or walker.blocked >= self.rules.detour_after
        )
