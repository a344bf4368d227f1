"""The way that takes the least seconds, turns included: A* over nodes and the axis of the robot."""

from __future__ import annotations

from typing import Any, NamedTuple

ROUND, HELD = 0, 1  # places in `ints`: number of this search, entries in the heap
HERE = 1e-9  # seconds: less is rounding
# Entries of the heap for each state, at most: it is reached from four states, each expanded once
# (h is consistent), and may be a start; the rest is for rounding.
PUSHES = 8


class TurnWork(NamedTuple):
    """Arrays that the search works in, for n nodes; a state is 2 node + 1 along rows, + 0 else."""

    ints: Any  # int64 (2,)
    g: Any  # float64 (2 n,)
    parent: Any  # int32 (2 n,)
    stamp: Any  # int32 (2 n,): the search that wrote g and parent last
    heap_f: Any  # float64 (2 n PUSHES,), heap_g alike, heap_state int32
    heap_g: Any
    heap_state: Any
    way: Any  # int64 (n,): the nodes found, from the goal back to the start


def least_turning(start, goal, axis, turn_s, cols, cell_m, masks, pace, edge_pace, to_go, work):
    """Find the way of least `cost + turn_s * turns`; how many nodes of `way` it has, 0 for none.

    On a four-connected grid. `axis` is 0 or 2 as directions N and E are numbered, -1 for a robot
    without heading; `edge_pace` may be empty; `to_go` is the exact cost from every node to the
    goal without turns, which makes it an admissible and consistent h.
    """
    ints, size = work.ints, to_go.shape[0]
    ints[ROUND] += 1
    ints[HELD] = 0
    for side in range(2):
        if axis < 0 or side == axis // 2:
            reach(2 * start + side, -1, 0.0, to_go[start], work)
    while ints[HELD] > 0:
        g, state = work.heap_g[0], work.heap_state[0]
        pop(work)
        node, side = state // 2, state % 2
        if node == goal:
            return trace(state, work)
        if g > work.g[state] + HERE:
            continue
        for k in range(0, 8, 2):
            if masks[node] >> k & 1 == 0:
                continue
            other = node + (k == 2) - (k == 6) + cols * ((k == 4) - (k == 0))
            step = 0.0 + pace[other]
            if edge_pace.shape[0] > 0:
                step += edge_pace[k * size + node]
            turned = turn_s if (k % 4) // 2 != side else 0.0
            reach(2 * other + (k % 4) // 2, state, g + cell_m * step + turned, to_go[other], work)
    return 0


def reach(state: int, parent: int, g: float, to_go: float, work: TurnWork) -> None:
    """Queue a state where it is reached better than before and the goal can be reached from it."""
    if to_go > 1e300:
        return
    if work.stamp[state] == work.ints[ROUND] and work.g[state] <= g + HERE:
        return
    work.stamp[state], work.g[state], work.parent[state] = work.ints[ROUND], g, parent
    push(state, g, g + to_go, work)


def before(f: float, g: float, state: int, k: int, work: TurnWork) -> bool:
    """Whether an entry comes before the k-th of the heap: least f, most g, least state."""
    if f != work.heap_f[k]:
        return bool(f < work.heap_f[k])
    if g != work.heap_g[k]:
        return bool(g > work.heap_g[k])
    return bool(state < work.heap_state[k])


def place(k: int, f: float, g: float, state: int, work: TurnWork) -> None:
    """Write an entry."""
    work.heap_f[k], work.heap_g[k], work.heap_state[k] = f, g, state


def push(state: int, g: float, f: float, work: TurnWork) -> None:
    """Add an entry; a full heap drops it (`PUSHES` for each state is never reached)."""
    k = work.ints[HELD]
    if k == work.heap_f.shape[0]:
        return
    work.ints[HELD] += 1
    while k > 0 and before(f, g, state, (k - 1) // 2, work):
        up = (k - 1) // 2
        place(k, work.heap_f[up], work.heap_g[up], work.heap_state[up], work)
        k = up
    place(k, f, g, state, work)


def pop(work: TurnWork) -> None:
    """Remove the first entry."""
    last = work.ints[HELD] - 1
    work.ints[HELD] = last
    f, g, state = work.heap_f[last], work.heap_g[last], work.heap_state[last]
    k = 0
    while 2 * k + 1 < last:
        low = 2 * k + 1
        if low + 1 < last and before(
            work.heap_f[low + 1], work.heap_g[low + 1], work.heap_state[low + 1], low, work
        ):
            low += 1
        if before(f, g, state, low, work):
            break
        place(k, work.heap_f[low], work.heap_g[low], work.heap_state[low], work)
        k = low
    place(k, f, g, state, work)


def trace(state: int, work: TurnWork) -> int:
    """Write the way that leads to a state, from there back; how many nodes it has."""
    count = 0
    while state >= 0:
        work.way[count] = state // 2
        count += 1
        state = work.parent[state]
    return count


HELPERS = (before, place, push, pop, reach, trace)
ENTRIES = (least_turning,)
