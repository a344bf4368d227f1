"""Lower bounds on what is left of a plan: legs and lateness apart, energy left out.

The legs: exact, from a table over (what is done, last order), built backward; or a spanning tree of
the stops left, where the table would not fit. The lateness: every order as if it came next. Costs,
seconds here are closed under the triangle inequality, so that no way by a charger undercuts them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .batch import INFINITE, Batch


class Bound(NamedTuple):
    """n orders, P points. A state counts the stops done of each order, in mixed radix."""

    cost: Any  # float64 (P, P) closed lower bounds, s
    time: Any  # float64 (P, P) closed lower bounds, s
    rest: Any  # float64 (P,) least seconds from a stop to the last one of its order
    radix: Any  # int64 (n + 1,), the last one is the number of states
    table: Any  # float64 (states * n,), or empty
    tree: Any  # float64 (P,) work space of the spanning tree
    done: Any  # int64 (n,) work space: stops done


def decode(batch: Batch, bound: Bound, state: int) -> int:
    """Fill `done` from a state; how many orders are on board."""
    on_board = 0
    for order in range(bound.done.shape[0]):
        stops = bound.radix[order + 1] // bound.radix[order] - 1
        bound.done[order] = state // bound.radix[order] % (stops + 1)
        if is_open(batch, bound, order) and is_begun(batch, bound, order):
            on_board += 1
    return on_board


def is_open(batch: Batch, bound: Bound, order: int) -> bool:
    """Whether stops of an order are left."""
    return bool(batch.first[order] + bound.done[order] <= batch.last[order])


def is_begun(batch: Batch, bound: Bound, order: int) -> bool:
    """Whether an order has come on board."""
    return bool(bound.done[order] > 0 or batch.aboard[order])


def may_go_on(batch: Batch, bound: Bound, order: int, on_board: int) -> bool:
    """Whether the next stop of an open order may be made: room to begin, leave to end."""
    if on_board >= batch.capacity and not is_begun(batch, bound, order):
        return False
    if batch.first[order] + bound.done[order] == batch.last[order]:
        for pair in range(batch.follows.shape[0]):
            sooner = int(batch.follows[pair, 1])
            if batch.follows[pair, 0] == order and is_open(batch, bound, sooner):
                return False
    return True


def least_from(batch: Batch, bound: Bound, state: int, here: int, on_board: int) -> float:
    """The least legs from a point to the end, by the table's entries one stop on."""
    n, least, left = bound.done.shape[0], INFINITE, False
    for order in range(n):
        if is_open(batch, bound, order):
            left = True
            if may_go_on(batch, bound, order, on_board):
                there = batch.first[order] + bound.done[order]
                then = bound.table[(state + bound.radix[order]) * n + order]
                least = min(least, bound.cost[here, there] + then)
    return least if left else 0.0


def step_back(batch: Batch, bound: Bound) -> int:
    """`done` of the state before this one; how many orders are on board then."""
    for order in range(bound.done.shape[0]):
        if bound.done[order] > 0:
            bound.done[order] -= 1
            break
        bound.done[order] = batch.last[order] - batch.first[order] + 1
    on_board = 0
    for order in range(bound.done.shape[0]):
        if is_open(batch, bound, order) and is_begun(batch, bound, order):
            on_board += 1
    return on_board


def tabulate_legs(batch, bound):  # type: ignore[no-untyped-def]
    """Fill the table, from the end of all orders back; what no plan passes stays as it is."""
    n = bound.done.shape[0]
    state = int(bound.radix[n]) - 1
    on_board = decode(batch, bound, state)
    while state > 0:
        if on_board <= batch.capacity:
            for order in range(n):
                if bound.done[order] > 0:
                    here = batch.first[order] + bound.done[order] - 1
                    bound.table[state * n + order] = least_from(batch, bound, state, here, on_board)
        state -= 1
        on_board = step_back(batch, bound)
    return 0


def spanning_tree(batch: Batch, bound: Bound, here: int) -> float:
    """The least tree that joins a point and all stops left, each link in its cheaper direction."""
    points = bound.tree.shape[0]
    for p in range(points):
        bound.tree[p] = -1.0
    left = 0
    for order in range(bound.done.shape[0]):
        for p in range(batch.first[order] + bound.done[order], batch.last[order] + 1):
            bound.tree[p] = INFINITE
            left += 1
    last, total = here, 0.0
    for _ in range(left):
        nearest = -1
        for p in range(points):
            if bound.tree[p] >= 0.0:
                link = min(bound.cost[last, p], bound.cost[p, last])
                bound.tree[p] = min(bound.tree[p], link)
                if nearest < 0 or bound.tree[p] < bound.tree[nearest]:
                    nearest = p
        total += bound.tree[nearest]
        bound.tree[nearest] = -1.0
        last = nearest
    return total


def legs_left(batch: Batch, bound: Bound, state: int, here: int, on_board: int) -> float:
    """The least cost of all legs left; `done` holds the state."""
    if bound.table.shape[0] == 0:
        return spanning_tree(batch, bound, here)
    order = int(batch.order_of[here])
    if order < 0:
        return least_from(batch, bound, state, here, on_board)
    return float(bound.table[state * bound.done.shape[0] + order])


def lateness_left(batch: Batch, bound: Bound, here: int, time: float) -> float:
    """The weighted lateness of all open orders, each driven directly from here; see `done`."""
    total = 0.0
    for order in range(bound.done.shape[0]):
        if batch.weight[order] > 0.0 and is_open(batch, bound, order):
            there = int(batch.first[order] + bound.done[order])
            arrival = time + bound.time[here, there]
            if bound.done[order] == 0:
                arrival = max(arrival, float(batch.release[order]))
            arrival += bound.rest[there]
            total += batch.weight[order] * max(0.0, arrival - batch.due[order])
    return total


HELPERS = (
    decode, is_open, is_begun, may_go_on, least_from, step_back, spanning_tree, legs_left,
    lateness_left,
)  # fmt: skip
ENTRIES = (tabulate_legs,)
