"""Temporary blockages, drawn ahead of time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from planners import GridMap

from .checks import expect_number
from .floor import Floor
from .streams import stream

HOUR_S = 3600.0
MOST_PER_HOUR = 1000  # (a) more would be a floor under construction


@dataclass(frozen=True)
class Blockage:
    """Nodes that something stands on from `start_s` to `end_s`; `announced_s` inf: never told."""

    nodes: tuple[int, ...]
    start_s: float
    end_s: float
    announced_s: float = math.inf


class BlockagePlan:
    """Temporary blockages of a shift: a Poisson stream, drawn hour by hour ahead of time.

    Assumptions (a), all parameters: 1 to 3 nodes each, log-normal length with median 10 min, three
    in ten announced five minutes ahead, none within a step of `keep_free` nodes. A blockage never
    cuts the floor in two: somebody would have cleared it.
    """

    def __init__(
        self,
        floor: Floor,
        seed: int,
        per_hour: float,
        keep_free: Iterable[int] = (),
        *,
        median_s: float = 600.0,
        sigma: float = 0.5,
        announced_share: float = 0.3,
        notice_s: float = 300.0,
    ) -> None:
        expect_number("blockages_per_hour", per_hour, most=MOST_PER_HOUR)
        self._floor, self._seed, self._per_hour = floor, seed, per_hour
        self._median_s, self._sigma = median_s, sigma
        self._announced_share, self._notice_s = announced_share, notice_s
        kept = set(keep_free)
        self._free_of = kept.union(*(floor.neighbours(node) for node in kept))
        self._hours = 0
        self.planned: list[Blockage] = []

    def until(self, time_s: float) -> list[Blockage]:
        """All blockages that start before the end of the hour after `time_s`; draws as needed."""
        while self._per_hour > 0 and self._hours * HOUR_S <= time_s + HOUR_S:
            self._draw_hour(self._hours)
            self._hours += 1
        return self.planned

    def _draw_hour(self, hour: int) -> None:
        rng = stream(self._seed, "blockages", hour)
        count = int(rng.poisson(self._per_hour))
        starts = np.sort(rng.random(count)) * HOUR_S + hour * HOUR_S
        for start_s in starts.tolist():
            length_s = self._median_s * math.exp(self._sigma * float(rng.standard_normal()))
            told = float(rng.random()) < self._announced_share
            nodes = self._place(rng, start_s, start_s + length_s)
            if nodes:
                told_s = max(0.0, start_s - self._notice_s) if told else math.inf
                self.planned.append(Blockage(nodes, start_s, start_s + length_s, told_s))

    def next_change_s(self, time_s: float) -> float:
        """The first moment after this one at which a blockage starts, ends or is announced."""
        moments = [time_s // HOUR_S * HOUR_S + HOUR_S]
        for blockage in self.planned:
            moments += (blockage.start_s, blockage.end_s, blockage.announced_s)
        return min(moment for moment in moments if moment > time_s)

    def _place(self, rng: np.random.Generator, start_s: float, end_s: float) -> tuple[int, ...]:
        """1 to 3 adjoining nodes that leave the floor connected; empty if 20 tries found none."""
        others = {
            node
            for blockage in self.planned
            if blockage.start_s < end_s and start_s < blockage.end_s
            for node in blockage.nodes
        }
        for _ in range(20):
            nodes = [self._free_node(rng)]
            for _ in range(int(rng.integers(3))):
                around = [n for n in self._floor.neighbours(nodes[-1]) if n not in nodes]
                if around:
                    nodes.append(around[int(rng.integers(len(around)))])
            closed = others.union(nodes)
            if self._free_of.isdisjoint(nodes) and stays_connected(self._floor, nodes, closed):
                return tuple(nodes)
        return ()

    def _free_node(self, rng: np.random.Generator) -> int:
        """A node with neighbours; the last one drawn where there is none in a thousand."""
        node = 0
        for _ in range(1000):
            node = int(rng.integers(self._floor.size))
            if self._floor.neighbours(node):
                break
        return node


def stays_connected(
    floor: Floor, nodes: Iterable[int], closed: set[int], limit: int = 4000
) -> bool:
    """Whether the open neighbours of `nodes` still reach each other with `closed` nodes shut.

    People and, where zones bind them, robots too; neighbours are those of both directions.

    Looks at no more than `limit` nodes for each; a longer way round counts as cut off.
    """
    border = {n for node in nodes for n in floor.around(node) if n not in closed}
    if floor.drive_map is floor.map:
        return _all_reach(floor.neighbours, border, closed, limit, plain=_plain(floor, limit))
    open_to_robots = {n for n in border if floor.edges_mm(n)}
    return _all_reach(floor.neighbours, border, closed, limit, plain=False) and _all_reach(
        floor.edges_mm, open_to_robots, closed, limit, plain=False
    )


def _plain(floor: Floor, limit: int) -> bool:
    """Whether every move can be undone and the limit is out of reach: one start speaks for all."""
    return isinstance(floor.map, GridMap) and floor.map.one_way is None and floor.size <= limit


def _all_reach(
    moves: Callable[[int], Iterable[int]],
    border: set[int],
    closed: set[int],
    limit: int,
    *,
    plain: bool,
) -> bool:
    """Whether the border's nodes reach each other, with `limit` nodes looked at for each."""
    for start in list(border)[:1] if plain else border:
        missing = border - {start}
        seen, queue = {start}, deque([start])
        while missing and queue and len(seen) < limit:
            for node in moves(queue.popleft()):
                if node not in seen and node not in closed:
                    seen.add(node)
                    missing.discard(node)
                    queue.append(node)
        if missing:
            return False
    return True
