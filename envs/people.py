"""What people and traffic robots do all day: itineraries, drawn from the seed alone.

Itineraries come from named streams, one per walker, so the third trip of worker 7 is the same trip
whatever the controlled robot does. How walkers share the floor is decided by `envs.rules`
(readable) and `envs.kernels.resolve` (compiled).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .checks import expect_numbers
from .floor import Floor, Ways
from .kernels.state import DETOUR_AFTER, DETOUR_PAUSE, FAR, GIVE_UP, HUMBLE_AFTER, RULES
from .streams import stream

if TYPE_CHECKING:
    from .layouts import Layout

Ids = npt.NDArray[np.int64]


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
    lane_m: float = 150.0  # how far from it, in a straight line, its station and that face lie
    detour_after: int = 4  # blocked ticks until a way round standing agents is looked for
    detour_pause: int = 20  # ticks between two such looks of one walker
    humble_after: int = 20  # blocked ticks after which a walker may drop to lowest priority
    give_up_s: float = 120.0

    def __post_init__(self) -> None:
        expect_numbers(
            self, "worker_m_s", "traffic_m_s", "dwell_median_s", "station_dwell_s",
            "traffic_dwell_s", "give_up_s", above=0,
        )  # fmt: skip
        expect_numbers(self, "dwell_sigma", "lane_m")
        expect_numbers(
            self, "lane_trips", "detour_after", "detour_pause", "humble_after", least=1, whole=True
        )

    def numbers(self, tick_s: float) -> Ids:
        """The rules of the floor in ticks, as the kernels take them."""
        numbers = np.zeros(RULES, dtype=np.int64)
        numbers[DETOUR_AFTER], numbers[DETOUR_PAUSE] = self.detour_after, self.detour_pause
        numbers[HUMBLE_AFTER] = self.humble_after
        numbers[GIVE_UP] = round(self.give_up_s / tick_s)
        return numbers


@dataclass(frozen=True)
class Beat:
    """Where one walker works: stations, pick faces and the cumulated share of each face."""

    stations: tuple[int, ...]
    storage: tuple[int, ...]
    share: npt.NDArray[np.float64]
    xy: Callable[[int], tuple[float, float]]  # of a node, in metres


class Places:
    """Homes and beats: the whole layout, or one district of a very large one."""

    def __init__(self, layout: Layout, floor: Floor, robot_node: int) -> None:
        self._layout, self._floor, self._robot = layout, floor, robot_node
        self._ways = Ways(floor, max_bytes=0)  # nothing is kept
        self._beats: list[Beat] = []

    def of(self, walker: int) -> Beat:
        """The beat of a walker that `homes` has placed."""
        return self._beats[walker]

    def homes(self, seed: int, workers: int, traffic: int) -> list[int]:
        """Distinct start nodes from which every goal of the beat can be reached.

        Raises:
            ValueError: more walkers than half of the free nodes.
        """
        count = workers + traffic
        if self._floor.district.size:
            return self._homes_in_districts(seed, count)
        layout = self._layout
        beat = Beat(layout.stations, layout.storage, _cumulated(layout.pick_share), self._floor.xy)
        nodes = self._nodes_around(layout.stations[0])
        nodes = nodes[~np.isin(nodes, layout.chargers)]
        if count > len(nodes) // 2:
            raise ValueError(
                f"{count} walkers on {len(nodes)} free nodes leave no room to move: "
                f"ask for at most {len(nodes) // 2}"
            )
        self._beats = [beat] * count
        return [int(node) for node in stream(seed, "homes").permutation(nodes)[:count]]

    def _nodes_around(self, anchor: int) -> Ids:
        """Nodes of the anchor's district with a way to it, for robots too; not the robot's own."""
        floor = self._floor
        inside = floor.nodes_around(anchor)
        ok = inside != self._robot
        for drives in (False, True):
            row = self._ways.hold(anchor, drives)
            at = floor.local[inside] if floor.district.size else inside
            ok &= self._ways.fields[row, at] < FAR
            self._ways.drop(row)
        return np.asarray(inside[ok], dtype=np.int64)

    def _homes_in_districts(self, seed: int, count: int) -> list[int]:
        """Walkers spread over districts with room and places, each in one of them for good."""
        layout, district = self._layout, self._floor.district
        rng = stream(seed, "homes")
        storage, stations = np.array(layout.storage), np.array(layout.stations)
        where_of = district[storage], district[stations]
        known: dict[int, tuple[Beat, list[int]]] = {}
        homes: list[int] = []
        misses = 0
        while len(homes) < count:
            where = int(where_of[0][int(rng.integers(storage.size))])
            if where not in known:
                own, ends = (np.flatnonzero(at == where) for at in where_of)
                known[where] = self._district(rng, storage, own, stations[ends])
            beat, nodes = known[where]
            misses += not nodes
            if misses > 100 * (count + 1):
                raise ValueError(
                    f"{count} walkers find no room: ask for fewer, or for more stations and faces"
                )
            if nodes:
                homes.append(nodes.pop())
                self._beats.append(beat)
        return homes

    def _district(
        self, rng: np.random.Generator, storage: Ids, own: Ids, stations: Ids
    ) -> tuple[Beat, list[int]]:
        """Beat and homes (at most half of the free nodes) of one district; no homes: unfit.

        `own` are the places of its faces in `storage`, `stations` its stations.
        """
        nodes = self._nodes_around(int(storage[own[0]]))
        own = own[np.isin(storage[own], nodes) | (storage[own] == storage[own[0]])]
        share = self._layout.pick_share[own]
        ends = stations[np.isin(stations, nodes)].tolist() or storage[own].tolist()
        beat = Beat(tuple(ends), tuple(storage[own].tolist()), _cumulated(share), self._floor.xy)
        if own.size < 2:
            return beat, []
        return beat, [int(node) for node in rng.permutation(nodes)[: nodes.size // 2]]


def _cumulated(share: npt.ArrayLike) -> npt.NDArray[np.float64]:
    values = np.asarray(share, dtype=np.float64)
    return np.cumsum(values / values.sum()) if values.sum() > 0 else np.linspace(0, 1, values.size)


class Trips:
    """Endless (goal, dwell in ticks) of one walker.

    A worker makes one to three skewed picks, then goes to a station, and so on. A traffic robot
    shuttles between one station and one skewed pick face all shift long, so that its way is a lane
    that can be learned; every `lane_trips` round trips it is sent to another face. Its station is
    near `home`, where it starts, and its faces are near its station (`lane_m`).
    """

    def __init__(
        self, beat: Beat, rng: np.random.Generator, tick_s: float, rules: WalkRules, person: bool,
        home: int,
    ) -> None:  # fmt: skip
        self._beat, self._rng, self._tick_s, self._rules = beat, rng, tick_s, rules
        self._person, self._home = person, home

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return self._worker() if self._person else self._robot()

    def _face(self) -> int:
        at = int(np.searchsorted(self._beat.share, self._rng.random()))
        return self._beat.storage[min(at, len(self._beat.storage) - 1)]

    def _near(self, node: int, draw: Callable[[], int]) -> int:
        """A draw within `lane_m` of a node; the nearest of fifty where none is."""
        best, least_m = -1, math.inf
        for _ in range(50):
            drawn = draw()
            away_m = math.dist(self._beat.xy(drawn), self._beat.xy(node))
            if away_m < least_m:
                best, least_m = drawn, away_m
            if away_m <= self._rules.lane_m:
                break
        return best

    def _station(self) -> int:
        return self._beat.stations[int(self._rng.integers(len(self._beat.stations)))]

    def _ticks(self, seconds: float) -> int:
        return max(1, round(seconds / self._tick_s))

    def _worker(self) -> Iterator[tuple[int, int]]:
        rules, rng = self._rules, self._rng
        while True:
            for _ in range(min(3, int(rng.geometric(0.5)))):
                face = self._face()
                longer = math.exp(rules.dwell_sigma * rng.standard_normal())
                yield face, self._ticks(rules.dwell_median_s * longer)
            yield self._station(), self._ticks(rules.station_dwell_s)

    def _robot(self) -> Iterator[tuple[int, int]]:
        dwell = self._ticks(self._rules.traffic_dwell_s)
        station = self._near(self._home, self._station)
        while True:
            face = self._near(station, self._face)
            for _ in range(self._rules.lane_trips):
                yield face, dwell
                yield station, dwell
