"""The search loop of the rivals: bounded searches that order OPEN in other ways.

One loop for all of them; they differ in the order (`key` of one heap, or the choice among four), in
what happens to a closed node that improves (re-opened, or set aside on INCONS), and in where they
pause. The queues are exact heaps, so no policy needs slack for a coarse queue.

A node's mark is `phase + OPEN | CLOSED | INCONS`. A mark below the stamp is from an older search; a
closed mark below the phase is from an earlier phase of this one (ARA* may open those again).
"""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

from .indexed import Heaps, discard, push
from .loop import (
    ALMOST,
    BUDGET,
    CLOSE,
    CLOSED,
    EXHAUSTED,
    EXPAND,
    GENERATE,
    GROW,
    INCONS,
    LESS,
    OPEN,
    PROVEN,
    REACHED,
    SOURCE,
    SQRT2,
    STAMP_STEP,
    Graph,
    Grid,
    estimate_at,
)
from .queue import INFINITE

BEYOND = 1e150  # every cost is below, and its square is a number
PAUSED = 5  # what the loop returns after `Order.pause`, beside the codes of `loop`
# Orders. The first ones are the key of one heap; from FOCAL on four heaps choose.
WEIGHTED, LEAD_TABLE, XDP, XUP, PWXDP, PROOF, FOCAL, EXPLICIT = 0, 1, 2, 3, 4, 5, 6, 7
# The heaps: OPEN by key; for FOCAL and EXPLICIT also by f-hat, FOCAL by d-hat, the rest by f-hat.
BY_KEY, BY_ESTIMATE, IN_FOCAL, OUT_OF_FOCAL = 0, 1, 2, 3
# Slots of `Arena.ints`.
STAMP, PHASE, EXPANDED, GENERATED, REOPENED, FRONTIER, MAX_FRONTIER = 0, 1, 2, 3, 4, 5, 6
TURN, ASIDE, EVENTS, POPPED, INTS = 7, 8, 9, 10, 11


class Arena(NamedTuple):
    """Arrays that the loop works in."""

    g: Any  # float64 (n,)
    parent: Any  # int32 (n,)
    mark: Any  # int32 (n,)
    aside: Any  # int32 (n,): INCONS
    event: Any  # int64 (events, 3): kind, node, parent; (0, 3) without a trace
    event_g: Any  # float64 (events,)
    ints: Any  # int64 (INTS,)
    cost: Any  # float64 (1,): of the best path known
    room: int  # events that one expansion may add


class Order(NamedTuple):
    """What is expanded next, what is re-opened, and when to stop."""

    kind: int
    weight: float  # w
    ratio: float  # EXPLICIT: what is paid per unit of h, before anything has been paid
    h_start: float
    prior: float  # EXPLICIT: so many units of h is that worth
    table: Any  # float64 (n,): phi of LEAD_TABLE, or for EXPLICIT what h-hat is; or (0,)
    goal: int
    pause: int  # return PAUSED when this node has been expanded; -1: none
    reopen: bool
    proving: bool  # drop g + h >= cost, stop when cost <= w * f_min
    limit: int  # most expansions of the whole query


def lower(bound: Any, v: int) -> float:
    """h(v), finite: a node without a way to the goal may have an infinite one."""
    return min(BEYOND, float(estimate_at(bound, v)))


def xdp(g: float, h: float, w: float) -> float:
    """Convex downward: like A* near the start, slope 2 w - 1 near the goal."""
    return (g + (2 * w - 1) * h + sqrt((g - h) * (g - h) + 4 * w * g * h)) / (2 * w)


def xup(g: float, h: float, w: float) -> float:
    """Convex upward: slope 2 w - 1 near the start, like A* near the goal."""
    return (g + h + sqrt((g + h) * (g + h) + 4 * w * (w - 1) * h * h)) / (2 * w)


def pwxdp(g: float, h: float, w: float) -> float:
    """XDP in two straight pieces."""
    return g + h if h > g else (g + (2 * w - 1) * h) / w


def key(order: Order, v: int, g: float, h: float) -> float:
    """What the heap of all open nodes is ordered by; f = g + h for PROOF, FOCAL and EXPLICIT."""
    if order.kind == WEIGHTED:
        return g + order.weight * h
    if order.kind == LEAD_TABLE:
        return g + float(order.table[v])
    if order.kind == XDP:
        return xdp(g, h, order.weight)
    if order.kind == XUP:
        return xup(g, h, order.weight)
    if order.kind == PWXDP:
        return pwxdp(g, h, order.weight)
    return g + h


def expected(order: Order, v: int, g: float, h: float) -> float:
    """h-hat >= h: what is expected to remain; focal search expects h.

    Without a table it is h at the price that the way to v has paid for each unit that h fell: the
    sum of the errors of its single steps, where d is in proportion to h.
    """
    if order.kind == FOCAL:
        return h
    if order.table.shape[0] > 0:
        return max(h, float(order.table[v]))
    fallen = max(order.h_start - h, 0.0)
    return max(h, h * (g + order.ratio * order.prior) / (fallen + order.prior))


# --- the queues


def enter(heaps: Heaps, arena: Arena, order: Order, v: int, h: float) -> None:
    """Queue an open node by its g, anew or again."""
    g = float(arena.g[v])
    turn = int(arena.ints[TURN]) - 1
    arena.ints[TURN] = turn
    push(heaps, BY_KEY, v, key(order, v, g, h), turn)
    if order.kind >= FOCAL:
        discard(heaps, IN_FOCAL, v)
        f_hat = g + expected(order, v, g, h)
        for q in range(BY_ESTIMATE, OUT_OF_FOCAL + 1, 2):
            push(heaps, q, v, f_hat, turn)


def drop(heaps: Heaps, order: Order, v: int) -> None:
    """Take a node out of every queue."""
    queues = OUT_OF_FOCAL + 1 if order.kind >= FOCAL else 1
    for q in range(queues):
        discard(heaps, q, v)


def choose(heaps: Heaps, order: Order, bound: Any) -> int:
    """The node to expand next, left in its queues; -1: none is open.

    With four heaps by the rule of explicit estimation search: the node nearest to the goal (least
    d-hat) among those with `f-hat <= w f-hat_min`, else the best by f-hat, else the best by f,
    whichever is the first with `f-hat <= w f_min`.
    """
    if heaps.size[BY_KEY] == 0:
        return -1
    if order.kind < FOCAL:
        return int(heaps.node[BY_KEY, 0])
    f_min = float(heaps.key[BY_KEY, 0])
    least = float(heaps.key[BY_ESTIMATE, 0])
    nearest = nearest_in_focal(heaps, order, bound, order.weight * least)
    if heaps.key[BY_ESTIMATE, heaps.at[BY_ESTIMATE, nearest]] <= order.weight * f_min:
        return nearest
    if least <= order.weight * f_min:
        return int(heaps.node[BY_ESTIMATE, 0])
    return int(heaps.node[BY_KEY, 0])


def nearest_in_focal(heaps: Heaps, order: Order, bound: Any, limit: float) -> int:
    """Bring FOCAL up to date with its limit on f-hat; its node of least d-hat."""
    while heaps.size[OUT_OF_FOCAL] > 0 and heaps.key[OUT_OF_FOCAL, 0] <= limit:
        v = int(heaps.node[OUT_OF_FOCAL, 0])
        turn = int(heaps.turn[OUT_OF_FOCAL, 0])
        discard(heaps, OUT_OF_FOCAL, v)
        push(heaps, IN_FOCAL, v, lower(bound, v), turn)
    while True:
        v = int(heaps.node[IN_FOCAL, 0])
        where = heaps.at[BY_ESTIMATE, v]
        f_hat = float(heaps.key[BY_ESTIMATE, where])
        if f_hat <= limit:
            return v
        discard(heaps, IN_FOCAL, v)
        push(heaps, OUT_OF_FOCAL, v, f_hat, int(heaps.turn[BY_ESTIMATE, where]))


def requeue(heaps: Heaps, arena: Arena, order: Order, bound: Any) -> None:
    """A new phase: OPEN and INCONS in the order of one heap; leading, the goal with them."""
    ints = arena.ints
    ints[PHASE] += STAMP_STEP
    count = int(heaps.size[BY_KEY])
    heaps.size[BY_KEY] = 0
    for k in range(count):
        v = int(heaps.node[BY_KEY, k])
        turn = int(heaps.turn[BY_KEY, k])
        arena.mark[v] = ints[PHASE] + OPEN
        heaps.at[BY_KEY, v] = -1
        push(heaps, BY_KEY, v, key(order, v, float(arena.g[v]), lower(bound, v)), turn)
    for k in range(int(ints[ASIDE])):
        ints[REOPENED] += 1
        open_again(heaps, arena, order, bound, int(arena.aside[k]))
    ints[ASIDE] = 0
    mark = int(arena.mark[order.goal])
    if not order.proving and mark >= ints[STAMP] and (mark & 3) != OPEN:
        open_again(heaps, arena, order, bound, order.goal)


def open_again(heaps: Heaps, arena: Arena, order: Order, bound: Any, v: int) -> None:
    """Open a node between two phases."""
    arena.mark[v] = arena.ints[PHASE] + OPEN
    arena.ints[FRONTIER] += 1
    enter(heaps, arena, order, v, lower(bound, v))


def lower_bound(heaps: Heaps, arena: Arena, bound: Any) -> float:
    """The least g + h over OPEN and INCONS: no path through them costs less."""
    least = INFINITE
    for k in range(int(heaps.size[BY_KEY])):
        v = int(heaps.node[BY_KEY, k])
        least = min(least, float(arena.g[v]) + lower(bound, v))
    for k in range(int(arena.ints[ASIDE])):
        v = int(arena.aside[k])
        least = min(least, float(arena.g[v]) + lower(bound, v))
    return least


# --- one expansion


def note(arena: Arena, kind: int, node: int) -> None:
    """Append an event to the trace, where one is kept."""
    if arena.event.shape[0] > 0:
        at = arena.ints[EVENTS]
        arena.event[at, 0] = kind
        arena.event[at, 1] = node
        arena.event[at, 2] = arena.parent[node]
        arena.event_g[at] = arena.g[node]
        arena.ints[EVENTS] = at + 1


def offer(
    heaps: Heaps, arena: Arena, order: Order, bound: Any, u: int, v: int, step: float
) -> None:
    """Offer v the way through u."""
    ints = arena.ints
    g = arena.g[u] + step
    mark = int(arena.mark[v])
    known = mark >= ints[STAMP]
    if known and g >= arena.g[v] * LESS:
        return
    h = lower(bound, v)
    if order.proving and (g + h) * ALMOST >= arena.cost[0]:
        return
    arena.g[v] = g
    arena.parent[v] = u
    if not known:
        ints[GENERATED] += 1
        note(arena, GENERATE, v)
        for q in range(heaps.size.shape[0]):
            heaps.at[q, v] = -1
    elif (mark & 3) != OPEN:
        if not order.reopen and mark >= ints[PHASE]:
            if (mark & 3) == CLOSED:
                arena.mark[v] = ints[PHASE] + INCONS
                arena.aside[ints[ASIDE]] = v
                ints[ASIDE] += 1
            return
        ints[REOPENED] += 1
    if not known or (mark & 3) != OPEN:
        arena.mark[v] = ints[PHASE] + OPEN
        ints[FRONTIER] += 1
        ints[MAX_FRONTIER] = max(ints[MAX_FRONTIER], ints[FRONTIER])
    enter(heaps, arena, order, v, h)


def offer_grid(space: Grid, heaps: Heaps, arena: Arena, order: Order, bound: Any, u: int) -> None:
    """Offer the way through u to its neighbours, in the order N, NE, E, SE, S, SW, W, NW."""
    moves = int(space.move[u])
    for k in range(8):
        if not (moves >> k) & 1:
            continue
        down = (1 if 3 <= k <= 5 else 0) - (1 if k <= 1 or k == 7 else 0)
        right = (1 if 1 <= k <= 3 else 0) - (1 if k >= 5 else 0)
        v = u + down * int(space.cols) + right
        pace = 0.0 + float(space.pace[v])  # 0.0: numba keeps float(float32) in single precision
        if space.edge_pace.shape[0] > 0:
            pace += float(space.edge_pace[k * space.move.shape[0] + u])
        length = space.straight_m * (SQRT2 if k & 1 else 1.0)
        offer(heaps, arena, order, bound, u, v, length * pace)


def offer_graph(space: Graph, heaps: Heaps, arena: Arena, order: Order, bound: Any, u: int) -> None:
    """Offer the way through u along its edges, in CSR order."""
    for edge in range(int(space.indptr[u]), int(space.indptr[u + 1])):
        step = float(space.step[edge])
        if step < INFINITE:
            offer(heaps, arena, order, bound, u, int(space.indices[edge]), step)


OFFERS: dict[type, Any] = {Grid: offer_grid, Graph: offer_graph}


def offer_all(space: Any, heaps: Heaps, arena: Arena, order: Order, bound: Any, u: int) -> None:
    """Grid or graph, by the type of the space."""
    OFFERS[type(space)](space, heaps, arena, order, bound, u)


# --- the loop


def begin(heaps: Heaps, arena: Arena, order: Order, bound: Any, start: int) -> None:
    """Open the start node."""
    ints = arena.ints
    arena.g[start] = 0.0
    arena.parent[start] = -1
    arena.mark[start] = ints[PHASE] + OPEN
    ints[GENERATED] = 1
    ints[FRONTIER] = 1
    ints[MAX_FRONTIER] = 1
    note(arena, SOURCE, start)
    for q in range(heaps.size.shape[0]):
        heaps.size[q] = 0
        heaps.at[q, start] = -1
    enter(heaps, arena, order, start, lower(bound, start))


def compete(space: Any, heaps: Heaps, arena: Arena, order: Order, bound: Any) -> int:
    """Search until the goal is reached (leading) or its cost is proven (proving).

    Returns REACHED, PROVEN, EXHAUSTED (nothing is left to expand), BUDGET, PAUSED, or GROW.
    """
    ints = arena.ints
    while True:
        if arena.event.shape[0] > 0 and ints[EVENTS] + arena.room > arena.event.shape[0]:
            return GROW
        if order.proving and arena.cost[0] < INFINITE and heaps.size[BY_KEY] > 0:  # noqa: SIM102
            if arena.cost[0] <= order.weight * heaps.key[BY_KEY, 0] * ALMOST:
                return PROVEN
        u = choose(heaps, order, bound)
        if u < 0:
            return EXHAUSTED
        useless = order.proving and (arena.g[u] + lower(bound, u)) * ALMOST >= arena.cost[0]
        if u != order.goal and not useless and ints[EXPANDED] >= order.limit:
            return BUDGET
        drop(heaps, order, u)
        ints[POPPED] += 1
        arena.mark[u] = ints[PHASE] + CLOSED
        ints[FRONTIER] -= 1
        if u == order.goal:
            note(arena, CLOSE, u)
            arena.cost[0] = min(arena.cost[0], arena.g[u])
            if not order.proving:
                return REACHED
        elif not useless:
            ints[EXPANDED] += 1
            note(arena, EXPAND, u)
            offer_all(space, heaps, arena, order, bound, u)
            note(arena, CLOSE, u)
            if u == order.pause:
                return PAUSED


# --- entries


def run_rival(space: Any, heaps: Heaps, arena: Arena, order: Order, bound: Any, start: int) -> int:
    """`compete` from `start`, or (-1) from where it stopped."""
    if start >= 0:
        begin(heaps, arena, order, bound, start)
    return compete(space, heaps, arena, order, bound)


def run_rival_certify(heaps: Heaps, arena: Arena, order: Order, bound: Any, again: bool) -> float:
    """The lower bound over OPEN and INCONS; with `again` both are then queued in a new order."""
    least = lower_bound(heaps, arena, bound)
    if again:
        requeue(heaps, arena, order, bound)
    return least


HELPERS = (
    lower, xdp, xup, pwxdp, key, expected, enter, drop, nearest_in_focal, choose, open_again,
    requeue, lower_bound, note, offer, offer_grid, offer_graph, begin, compete,
)  # fmt: skip
ENTRIES = (run_rival, run_rival_certify)
CHOSEN = ((offer_all, OFFERS),)
