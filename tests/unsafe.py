"""A best-first search of a few lines, for the variants that lack what makes a search safe."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from oracles import Adjacency


@dataclass
class Led:
    """What a search without a proof knows when it pops the goal."""

    cost: float
    g: dict[int, float]
    open: set[int]
    set_aside: set[int]
    expanded: int


def led(adjacency: Adjacency, start, goal, extra, reopen=False) -> Led:
    """Best-first on g + extra; closed nodes that improve are re-opened, or set aside."""
    g, closed, aside, expanded = {start: 0.0}, set(), set(), 0
    heap = [(extra[start], start)]
    while heap:
        _, u = heapq.heappop(heap)
        if u in closed:
            continue
        closed.add(u)
        if u == goal:
            break
        expanded += 1
        for v, cost in adjacency[u]:
            if g[u] + cost >= g.get(v, math.inf):
                continue
            g[v] = g[u] + cost
            if v in closed and not reopen:
                aside.add(v)
                continue
            closed.discard(v)
            heapq.heappush(heap, (g[v] + extra[v], v))
    waiting = {v for v in g if v not in closed}
    return Led(g.get(goal, math.inf), g, waiting, aside, expanded)


def lower_bounds(found: Led, h):
    """g + h over OPEN, and over the nodes set aside."""
    waiting = min((found.g[v] + h[v] for v in found.open), default=math.inf)
    aside = min((found.g[v] + h[v] for v in found.set_aside), default=math.inf)
    return waiting, aside
