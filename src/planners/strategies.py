"""The table of strategies: a queue discipline and a key, one row each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .kernels.loop import FIFO, LIFO, PRIORITY


@dataclass(frozen=True)
class Strategy:
    """A row of the table.

    Attributes:
        name: the name to give to `plan`.
        formula: the definition, as a sentence.
        discipline: PRIORITY, FIFO or LIFO.
        g_weight, h_weight: the key is `g_weight * g + h_weight * h`; `None` stands for w.
        bounded: whether the cost is at most w times the optimum (w = 1 for all but wastar).

    Ties: keys that fall into one bucket of the queue are taken last in, first out; neighbours are
    offered in the order N, NE, E, SE, S, SW, W, NW on grids and in CSR order on graphs.
    """

    name: str
    formula: str
    discipline: int
    g_weight: float
    h_weight: float | None
    bounded: bool

    def key_weight(self, weight: float) -> float:
        """The factor of h in the key, for a weight w."""
        return weight if self.h_weight is None else self.h_weight


BFS = Strategy("bfs", "first in, first out", FIFO, 0, 0, False)
DFS = Strategy("dfs", "last in, first out", LIFO, 0, 0, False)
UCS = Strategy("ucs", "f = g", PRIORITY, 1, 0, True)
GREEDY = Strategy("greedy", "f = h", PRIORITY, 0, 1, False)
ASTAR = Strategy("astar", "f = g + h", PRIORITY, 1, 1, True)
WASTAR = Strategy("wastar", "f = g + w h", PRIORITY, 1, None, True)

STRATEGIES = {row.name: row for row in (BFS, DFS, UCS, GREEDY, ASTAR, WASTAR)}
ALIASES = {"best-first": "greedy"}

DEFAULT_WEIGHT = 1.5  # of wastar and of the rivals; every other strategy has weight 1


def strategy_named(name: str, others: Mapping[str, Strategy] | None = None) -> Strategy:
    """The row of that name (or alias), of the table or of another one beside it.

    Raises:
        ValueError: no such strategy; the message lists them.
    """
    row = None
    if isinstance(name, str):
        title = ALIASES.get(name, name)
        row = STRATEGIES.get(title) or (others or {}).get(title)
    if row is None:
        known = ", ".join([*STRATEGIES, *(others or {}), *ALIASES])
        raise ValueError(f"unknown strategy {name!r}: choose one of {known}")
    return row


def checked_weight(row: Strategy, weight: float | None) -> float:
    """The weight w of a query: unless given 1.5 where the key has one (wastar), else 1.

    Raises:
        ValueError: not a finite number >= 1, or other than 1 with a strategy that has none.
    """
    if weight is None:
        return DEFAULT_WEIGHT if row.h_weight is None else 1.0
    try:
        w = float(weight)
    except (TypeError, ValueError):
        raise ValueError(f"weight must be a number >= 1, not {weight!r}") from None
    if not (math.isfinite(w) and w >= 1):
        raise ValueError(f"weight must be a finite number >= 1, not {weight!r}")
    if row.h_weight is not None and w != 1:
        raise ValueError(f"weight {weight!r} needs strategy 'wastar'; {row.name!r} has weight 1")
    return w
