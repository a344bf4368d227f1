"""The state of a world in arrays: who is where, who holds which node, what everybody wants.

Agents 0 .. n - 1 are walkers, people first, then traffic robots; agent n is the controlled robot.
An agent on an edge (`to >= 0`) holds both its ends: `holder[v]` is the agent on node v, or -1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

PERSON, TRAFFIC, ROBOT = 0, 1, 2  # kinds of agents
FAR = 2**31 - 1  # no way to the goal, in a field of millimetres

# What a walker asks of the world after a tick, bit by bit.
NEXT_TRIP, NEW_WAY, DETOUR = 1, 2, 4

# The clock: scalars of the world.
TICK, WALLS, HELD, KEY, MOVED, ASKS = 0, 1, 2, 3, 4, 5
CLOSE_ENCOUNTERS, NEAR_TICKS, CONTACTS = 6, 7, 8
# In: does the controlled robot offer its place, which neighbour does it want to enter (-1: none).
# Out: the node it was pushed to, the one it left for (-1: none).
OFFERED, WANTED, PUSHED, DEPARTED = 9, 10, 11, 12
CLOCK = 13

# The rules in whole numbers (`envs.people.WalkRules`).
DETOUR_AFTER, DETOUR_PAUSE, HUMBLE_AFTER, GIVE_UP = 0, 1, 2, 3
RULES = 4


class Agents(NamedTuple):
    """One entry per agent; int64 (n + 1,), the places float64.

    Attributes:
        node, to: the node stood on or left, and the node under way to (-1: standing).
        done_mm, length_mm: along the edge; `carry_mm` is what the last tick left over.
        rate_mm, speed_mm: millimetres a tick on this edge, and at most.
        kind: PERSON, TRAFFIC, ROBOT.
        busy_until: tick at which work at a place ends.
        goal, slot, dwell, walls: the trip: goal, row of its field, ticks to stay, the floor's
            blockages that the field knows; `next_*` are those of the next trip (goal -1: none yet).
        best_mm, progress: least distance to the goal so far, and the tick it was reached.
        since: tick at which the trip began; blocked: ticks in a row without a place to go.
        next_detour: tick from which a way round may be looked for again.
        ask: what the world has to provide after this tick.
        waited, trips, give_ups, last_finish: counts, and the tick of the last finished trip.
        x_m, y_m, x0_m, y0_m: position now and a tick ago.
    """

    node: Any
    to: Any
    done_mm: Any
    length_mm: Any
    carry_mm: Any
    rate_mm: Any
    speed_mm: Any
    kind: Any
    busy_until: Any
    goal: Any
    slot: Any
    dwell: Any
    walls: Any
    next_goal: Any
    next_slot: Any
    next_dwell: Any
    next_walls: Any
    best_mm: Any
    progress: Any
    since: Any
    blocked: Any
    next_detour: Any
    ask: Any
    waited: Any
    trips: Any
    give_ups: Any
    last_finish: Any
    x_m: Any
    y_m: Any
    x0_m: Any
    y0_m: Any


COUNTERS = 27  # the int64 rows above


class Turn(NamedTuple):
    """Work arrays of one tick's decisions; stamps hold tick + 1 where they are true.

    Attributes:
        order, rank: int64 (n,) walkers, highest priority first, and their sort keys.
        claim: int64 (size,) stamp: the node is spoken for.
        decided, queued: int64 (n + 1,) stamps; target: int64 (n + 1,) the node entered now, or -1.
        wish, key: int64 (depth, degree + 1) nodes by preference, and their sort keys.
        stack, count, at: int64 (depth,) agents in turn, how many wishes, which is tried.
    """

    order: Any
    rank: Any
    claim: Any
    decided: Any
    queued: Any
    target: Any
    wish: Any
    key: Any
    stack: Any
    count: Any
    at: Any


def agents_of(rows: Any, places: Any) -> Agents:
    """Names for the rows of the two arrays that hold the state."""
    return Agents(
        rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7], rows[8], rows[9],
        rows[10], rows[11], rows[12], rows[13], rows[14], rows[15], rows[16], rows[17], rows[18],
        rows[19], rows[20], rows[21], rows[22], rows[23], rows[24], rows[25], rows[26],
        places[0], places[1], places[2], places[3],
    )  # fmt: skip


HELPERS = (agents_of,)
