"""The search loop: one source, run as plain Python (the textbook) or compiled (the kernel).

Breadth-first, depth-first, uniform-cost, best-first, A* and weighted A* are one loop; they differ
in the queue discipline and in the key `g_weight * g + h_weight * h` (or `g_weight * g + table`).

Everything here is in the subset that numba compiles without reference counting: no function
allocates, raises or prints. Work arrays come from outside; when one is full the loop returns `GROW`
and is called again with a larger one, so it can also be stopped and resumed at any expansion.

A node's mark is `stamp + OPEN | CLOSED | INCONS`; a mark below the stamp is from an older search,
so a query costs nothing for the nodes that it does not touch.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

from .queue import (
    EVENTS,
    EXPANDED,
    FRONTIER,
    GENERATED,
    IN_HEAP,
    INFINITE,
    MAX_FRONTIER,
    POPPED,
    REOPENED,
    SET_ASIDE,
    USED,
    Work,
    entry_for,
    least_key,
    put,
    take,
)  # fmt: skip

# What the loop returns.
EXHAUSTED, REACHED, PROVEN, BUDGET, GROW, REOPENS = 0, 1, 2, 3, 4, 5
# Marks of a node, above the stamp.
OPEN, CLOSED, INCONS, STAMP_STEP = 0, 1, 2, 4
# Queue disciplines.
PRIORITY, FIFO, LIFO = 0, 1, 2
# Kinds of the bound h.
ZERO, MANHATTAN, OCTILE, STRAIGHT, TABLE = 0, 1, 2, 3, 4
# Events of a trace.
SOURCE, GENERATE, EXPAND, CLOSE = 0, 1, 2, 3
SQRT2 = 1.4142135623730951
LESS = 1.0 - 1e-13  # an improvement below this is rounding: two sums of the same steps
ALMOST = 1.0 + 1e-9  # C is proven when C <= w * f * ALMOST for every f that waits


class Grid(NamedTuple):
    """A grid in arrays: `move[u]` holds bit k where the move in direction k is legal."""

    move: Any  # uint8 (n,)
    pace: Any  # float32 (n,)
    edge_pace: Any  # float32 (8 n,), or (0,)
    cols: int
    straight_m: float
    backward: bool  # search from the goal: a move costs as if made the other way round


class Graph(NamedTuple):
    """A graph in compressed sparse rows, with the cost of every edge."""

    indptr: Any  # int64 (n + 1,)
    indices: Any  # int32 (edges,)
    step: Any  # float64 (edges,), infinite where the edge leads to a blocked node


class Bound(NamedTuple):
    """h: a consistent lower bound on the remaining cost, by kind."""

    kind: int
    x: float
    y: float
    scale: float
    cols: int
    position: Any  # float64 (n, 2) for STRAIGHT on graphs, else (0, 2)
    table: Any  # float64 (n,) for TABLE, else (0,)


class Key(NamedTuple):
    """What orders the queue: `g_weight * g + h_weight * h`, or `g_weight * g + table`."""

    discipline: int
    g_weight: float
    h_weight: float
    table: Any  # float64 (n,), or (0,) for the closed form


class Rule(NamedTuple):
    """When to stop, and whether a closed node that improves is opened again."""

    goal: int  # -1: none, explore everything
    proving: bool  # re-open improved nodes, drop g + h >= cost, stop when cost <= w * f_min
    w: float
    limit: int  # most expansions of the whole query
    patience: int  # most nodes to be opened again before the queue has to be ordered anew


# --- what differs by type: chosen while compiling


def estimate_closed(bound: Bound, v: int, row: int, col: int) -> Any:
    """h(v) of a closed form or a table; `row` and `col` matter on grids only."""
    if bound.kind == ZERO:
        return 0.0
    if bound.kind == TABLE:
        return float(bound.table[v])
    if bound.position.shape[0] > 0:
        dx = abs(bound.position[v, 0] - bound.x)
        dy = abs(bound.position[v, 1] - bound.y)
    else:
        dx = abs(col - bound.x)
        dy = abs(row - bound.y)
    if bound.kind == OCTILE:
        return bound.scale * (max(dx, dy) + (SQRT2 - 1.0) * min(dx, dy))
    if bound.kind == MANHATTAN:
        return bound.scale * (dx + dy)
    return bound.scale * sqrt(dx * dx + dy * dy)


def key_weighted(key: Key, g: float, h: float, v: int, row: int, col: int) -> Any:
    """The key of a node from its g and h."""
    if key.table.shape[0] > 0:
        return key.g_weight * g + key.table[v]
    return key.g_weight * g + key.h_weight * h


def learn_nothing(key: Key, work: Work, u: int) -> None:
    """A formula does not change while the search runs."""


ESTIMATES: dict[type, Any] = {Bound: estimate_closed}
KEYS: dict[type, Any] = {Key: key_weighted}
LEARNS: dict[type, Any] = {Key: learn_nothing}


def estimate(bound: Any, v: int, row: int, col: int) -> float:
    """h(v), by the type of the bound."""
    return float(ESTIMATES[type(bound)](bound, v, row, col))


def key_of(key: Any, g: float, h: float, v: int, row: int, col: int) -> float:
    """What orders the queue, by the type of the key."""
    return float(KEYS[type(key)](key, g, h, v, row, col))


def learn(key: Any, work: Work, u: int) -> None:
    """What the key makes of an expansion, by its type."""
    LEARNS[type(key)](key, work, u)


def estimate_at(bound: Any, v: int) -> float:
    """h(v) where the row and the column are not at hand."""
    row = v // bound.cols
    return estimate(bound, v, row, v - row * bound.cols)


# --- one expansion


def note(work: Work, kind: int, node: int) -> None:
    """Append an event to the trace, where one is kept."""
    if work.event.shape[0] > 0:
        at = work.ints[EVENTS]
        work.event[at, 0] = kind
        work.event[at, 1] = node
        work.event[at, 2] = work.parent[node]
        work.event_g[at] = work.g[node]
        work.ints[EVENTS] = at + 1


def relax(
    work: Work, rule: Rule, key: Any, bound: Any, u: int, v: int, row: int, col: int, step: float
) -> None:
    """Offer v, which lies at (row, col) on a grid, the way through u."""
    ints = work.ints
    g = work.g[u] + step
    mark = int(work.mark[v]) - work.stamp
    if mark >= 0:
        if key.discipline == FIFO or (key.discipline == LIFO and mark != OPEN):
            return
        if key.discipline == PRIORITY and g >= work.g[v] * LESS:
            return
    h = estimate(bound, v, row, col)
    if rule.proving and (g + h) * ALMOST >= work.cost[0]:
        return
    work.g[v] = g
    work.parent[v] = u
    if mark < 0:
        ints[GENERATED] += 1
        note(work, GENERATE, v)
    elif mark != OPEN:
        if not rule.proving:
            if mark == CLOSED:
                set_aside(work, v)
            return
        ints[REOPENED] += 1
    if mark != OPEN:
        work.mark[v] = work.stamp + OPEN
        ints[FRONTIER] += 1
        ints[MAX_FRONTIER] = max(ints[MAX_FRONTIER], ints[FRONTIER])
    put(work, key_of(key, g, h, v, row, col), v, key.discipline == FIFO)


def set_aside(work: Work, v: int) -> None:
    """A closed node has improved: onto INCONS, kept as a list beside the queue, not re-opened."""
    ints = work.ints
    work.mark[v] = work.stamp + INCONS
    entry = entry_for(work, v)
    work.link[entry] = ints[SET_ASIDE]
    ints[SET_ASIDE] = entry


def move_to(
    space: Grid, work: Work, rule: Rule, key: Any, bound: Any,
    u: int, v: int, row: int, col: int, k: int, length: float,
) -> None:  # fmt: skip
    """Relax the grid move u -> v in direction k; backward it stands for the move v -> u."""
    if space.backward:
        pace = 0.0 + float(space.pace[u])  # 0.0: numba keeps float(float32) in single precision
        leaving = ((k + 4) & 7) * space.move.shape[0] + v
    else:
        pace = 0.0 + float(space.pace[v])
        leaving = k * space.move.shape[0] + u
    if space.edge_pace.shape[0] > 0:
        pace += float(space.edge_pace[leaving])
    relax(work, rule, key, bound, u, v, row, col, length * pace)


def expand_grid(
    space: Grid, work: Work, rule: Rule, key: Any, bound: Any, u: int, row: int, col: int
) -> None:
    """Offer the way through u to its neighbours, in the order N, NE, E, SE, S, SW, W, NW."""
    moves = int(space.move[u])
    cols = space.cols
    straight = space.straight_m
    diagonal = SQRT2 * space.straight_m
    if moves & 1:
        move_to(space, work, rule, key, bound, u, u - cols, row - 1, col, 0, straight)
    if moves & 2:
        move_to(space, work, rule, key, bound, u, u - cols + 1, row - 1, col + 1, 1, diagonal)
    if moves & 4:
        move_to(space, work, rule, key, bound, u, u + 1, row, col + 1, 2, straight)
    if moves & 8:
        move_to(space, work, rule, key, bound, u, u + cols + 1, row + 1, col + 1, 3, diagonal)
    if moves & 16:
        move_to(space, work, rule, key, bound, u, u + cols, row + 1, col, 4, straight)
    if moves & 32:
        move_to(space, work, rule, key, bound, u, u + cols - 1, row + 1, col - 1, 5, diagonal)
    if moves & 64:
        move_to(space, work, rule, key, bound, u, u - 1, row, col - 1, 6, straight)
    if moves & 128:
        move_to(space, work, rule, key, bound, u, u - cols - 1, row - 1, col - 1, 7, diagonal)


def expand_graph(
    space: Graph, work: Work, rule: Rule, key: Any, bound: Any, u: int, row: int, col: int
) -> None:
    """Offer the way through u along its edges, in CSR order."""
    for edge in range(int(space.indptr[u]), int(space.indptr[u + 1])):
        step = float(space.step[edge])
        if step < INFINITE:
            relax(work, rule, key, bound, u, int(space.indices[edge]), row, col, step)


EXPANDS: dict[type, Any] = {Grid: expand_grid, Graph: expand_graph}


def expand(
    space: Any, work: Work, rule: Rule, key: Any, bound: Any, u: int, row: int, col: int
) -> None:
    """Grid or graph, by the type of the space."""
    EXPANDS[type(space)](space, work, rule, key, bound, u, row, col)


# --- the loop


def has_room(work: Work) -> Any:
    """Whether one more expansion fits into the work arrays."""
    ints = work.ints
    if ints[USED] + work.room > work.link.shape[0]:
        return False
    if ints[IN_HEAP] + work.room > work.heap_key.shape[0]:
        return False
    return work.event.shape[0] == 0 or ints[EVENTS] + 2 * work.room <= work.event.shape[0]


def source(work: Work, key: Any, bound: Any, start: int) -> None:
    """Open the start node."""
    ints = work.ints
    work.g[start] = 0.0
    work.parent[start] = -1
    work.mark[start] = work.stamp + OPEN
    ints[GENERATED] += 1
    ints[FRONTIER] = 1
    ints[MAX_FRONTIER] = max(ints[MAX_FRONTIER], 1)
    note(work, SOURCE, start)
    row = start // bound.cols
    col = start - row * bound.cols
    h = estimate(bound, start, row, col)
    put(work, key_of(key, 0.0, h, start, row, col), start, False)


def leave(work: Work, u: int) -> None:
    """Close an open node."""
    work.mark[u] = work.stamp + CLOSED
    work.ints[FRONTIER] -= 1


def search(space: Any, work: Work, rule: Rule, key: Any, bound: Any) -> int:
    """Search until the goal is reached (leading) or its cost is proven (proving).

    Returns REACHED, PROVEN, EXHAUSTED (nothing is left to expand), BUDGET, GROW, or REOPENS (the
    order of the queue is so coarse that too many nodes are opened again).
    """
    ints = work.ints
    while True:
        if not has_room(work):
            return GROW
        if rule.proving and work.cost[0] < INFINITE:  # noqa: SIM102  (numba folds this one better)
            if work.cost[0] <= rule.w * least_key(work) * ALMOST:
                return PROVEN
        u = take(work)
        if u < 0:
            return EXHAUSTED
        ints[POPPED] += 1
        if work.mark[u] != work.stamp + OPEN:
            continue
        if u == rule.goal:
            leave(work, u)
            note(work, CLOSE, u)
            work.cost[0] = min(work.cost[0], work.g[u])
            if rule.proving:
                continue
            return REACHED
        row = u // bound.cols
        col = u - row * bound.cols
        if rule.proving and (work.g[u] + estimate(bound, u, row, col)) * ALMOST >= work.cost[0]:
            leave(work, u)
            continue
        if ints[EXPANDED] >= rule.limit or ints[REOPENED] > rule.patience:
            put(work, work.g[u], u, False)
            return BUDGET if ints[EXPANDED] >= rule.limit else REOPENS
        leave(work, u)
        ints[EXPANDED] += 1
        note(work, EXPAND, u)
        learn(key, work, u)
        expand(space, work, rule, key, bound, u, row, col)
        note(work, CLOSE, u)


HELPERS = (
    estimate_closed, key_weighted, learn_nothing, estimate_at, note, relax, set_aside, move_to,
    expand_grid, expand_graph, has_room, leave, source, search,
)  # fmt: skip
CHOSEN = ((estimate, ESTIMATES), (key_of, KEYS), (learn, LEARNS), (expand, EXPANDS))
