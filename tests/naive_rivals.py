"""The rivals once more, slow and obvious: sets, `min`, and nothing shared with the planners."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from oracles import Adjacency


@dataclass
class Race:
    """What a search knows: g, the open nodes with their turn, and the nodes set aside."""

    adjacency: Adjacency
    start: int
    goal: int
    reopen: bool
    g: dict[int, float] = field(default_factory=dict)
    turn: dict[int, int] = field(default_factory=dict)  # of the open nodes: the last goes first
    closed: set[int] = field(default_factory=set)
    aside: set[int] = field(default_factory=set)
    order: list[int] = field(default_factory=list)
    turns: int = 0

    def enter(self, v: int) -> None:
        self.turns += 1
        self.turn[v] = -self.turns

    def run(self, choose: Callable[[], int]) -> float:
        """Expand what `choose` says until that is the goal; its cost."""
        if not self.g:
            self.g[self.start] = 0.0
            self.enter(self.start)
        while self.turn:
            u = choose()
            del self.turn[u]
            self.closed.add(u)
            if u == self.goal:
                return self.g[u]
            self.order.append(u)
            for v, cost in self.adjacency[u]:
                if self.g[u] + cost >= self.g.get(v, math.inf) * (1 - 1e-13):
                    continue
                self.g[v] = self.g[u] + cost
                if v in self.closed and not self.reopen:
                    self.aside.add(v)
                    continue
                self.closed.discard(v)
                self.enter(v)
        return math.inf


def best_first(adjacency, start, goal, key, reopen) -> Race:
    """Best-first on `key(v, g)`."""
    race = Race(adjacency, start, goal, reopen)
    race.run(lambda: min(race.turn, key=lambda v: (key(v, race.g[v]), race.turn[v])))
    return race


def explicit(adjacency, start, goal, w, h, h_hat, reopen) -> Race:
    """Explicit estimation search; focal search where `h_hat(v, g)` is h."""
    race = Race(adjacency, start, goal, reopen)

    def choose() -> int:
        def f(v):
            return race.g[v] + h[v]

        def f_hat(v):
            return race.g[v] + h_hat(v, race.g[v])

        best_f = min(race.turn, key=lambda v: (f(v), race.turn[v]))
        best_f_hat = min(race.turn, key=lambda v: (f_hat(v), race.turn[v]))
        focal = [v for v in race.turn if f_hat(v) <= w * f_hat(best_f_hat)]
        nearest = min(focal, key=lambda v: (h[v], race.turn[v]))
        for v in (nearest, best_f_hat):
            if f_hat(v) <= w * f(best_f):
                return v
        return best_f

    race.run(choose)
    return race


def anytime(adjacency, start, goal, weights, h) -> list[float]:
    """ARA*: the cost after the search with each weight."""
    race = Race(adjacency, start, goal, reopen=False)
    found = []
    for w in weights:

        def f(v, w=w):
            return race.g[v] + w * h[v], race.turn[v]

        race.closed.clear()
        for v in sorted(race.aside):
            race.enter(v)
        race.aside.clear()
        if found:
            race.enter(goal)
        race.run(lambda f=f: min(race.turn, key=f))
        found.append(race.g.get(goal, math.inf))
    return found


def towards_targets(adjacency, start, targets, fields) -> Race:
    """LLM-A*: `g + |n - goal| + |n - target|`; `fields` are the distances to each target."""
    race = Race(adjacency, start, targets[-1], reopen=True)
    left = list(range(len(targets)))

    def choose() -> int:
        to_goal, to_target = fields[-1], fields[left[0]]
        u = min(race.turn, key=lambda v: (race.g[v] + to_goal[v] + to_target[v], race.turn[v]))
        if u == targets[left[0]] and len(left) > 1:
            left.pop(0)
        return u

    race.run(choose)
    return race
