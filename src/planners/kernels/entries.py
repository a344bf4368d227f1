"""Flat entries of the kernels: numba takes plain arrays and numbers faster than tuples of them."""

from __future__ import annotations

from .certify import lower_bound, requeue
from .loop import Bound, Graph, Grid, Key, Rule, search, source
from .queue import Work


def run_grid(
    move, pace, edge_pace, cols, straight_m, backward,
    g, parent, mark, ring, link, item, heap_key, heap_node, event, event_g, ints, cost, stamp,
    per_width, room, goal, proving, w, limit, patience, discipline, g_weight, h_weight, key_table,
    kind, x, y, scale, width, position, table, start,
):  # fmt: skip
    """`search` on a grid, from `start` or (-1) from where it stopped."""
    space = Grid(move, pace, edge_pace, cols, straight_m, backward)
    work = Work(g, parent, mark, ring, link, item, heap_key, heap_node, event, event_g, ints, cost,
                stamp, per_width, room)  # fmt: skip
    key = Key(discipline, g_weight, h_weight, key_table)
    bound = Bound(kind, x, y, scale, width, position, table)
    if start >= 0:
        source(work, key, bound, start)
    return search(space, work, Rule(goal, proving, w, limit, patience), key, bound)


def run_graph(
    indptr, indices, step,
    g, parent, mark, ring, link, item, heap_key, heap_node, event, event_g, ints, cost, stamp,
    per_width, room, goal, proving, w, limit, patience, discipline, g_weight, h_weight, key_table,
    kind, x, y, scale, width, position, table, start,
):  # fmt: skip
    """`search` on a graph, from `start` or (-1) from where it stopped."""
    space = Graph(indptr, indices, step)
    work = Work(g, parent, mark, ring, link, item, heap_key, heap_node, event, event_g, ints, cost,
                stamp, per_width, room)  # fmt: skip
    key = Key(discipline, g_weight, h_weight, key_table)
    bound = Bound(kind, x, y, scale, width, position, table)
    if start >= 0:
        source(work, key, bound, start)
    return search(space, work, Rule(goal, proving, w, limit, patience), key, bound)


def run_certify(
    g, parent, mark, ring, link, item, heap_key, heap_node, event, event_g, ints, cost, stamp,
    per_width, room, kind, x, y, scale, width, position, table, again,
):  # fmt: skip
    """The lower bound over OPEN and INCONS; with `again` both are then queued anew by g + h."""
    work = Work(g, parent, mark, ring, link, item, heap_key, heap_node, event, event_g, ints, cost,
                stamp, per_width, room)  # fmt: skip
    bound = Bound(kind, x, y, scale, width, position, table)
    least = lower_bound(work, bound)
    if again:
        requeue(work, bound)
    return least


def run(space, work, rule, key, bound, start):
    """`search` for any types of space, key and bound."""
    if start >= 0:
        source(work, key, bound, start)
    return search(space, work, rule, key, bound)


def run_certify_any(work, bound, again):
    """`run_certify` for any type of bound."""
    least = lower_bound(work, bound)
    if again:
        requeue(work, bound)
    return least


ENTRIES = (run_grid, run_graph, run_certify, run, run_certify_any)
