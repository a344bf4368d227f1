"""The ticks of the world: as many in one go as nobody has to be asked between."""

from __future__ import annotations

from .resolve import decide_all, start_move
from .sense import sense_tick
from .sense_state import NEWS
from .state import ASKS, DEPARTED, OFFERED, PUSHED, TICK, WANTED, Turn, agents_of
from .walk import is_sound, meet, place_all, walk_all

BROKEN = -1  # two agents share a node


def run_ticks(
    floor, rows, places, holder, closed, fields, clock, rules, order, stamps, claim, wish, stack,
    met, near_m, contact_m, senses, trace, ticks, repeats,
):  # fmt: skip
    """Run whole ticks, so many at most, until Python is needed; how many it was, or BROKEN.

    That is where somebody asks for something (`clock[ASKS]`), where belief has news of what is
    blocked, or where the controlled robot's next action counts (not with `repeats`: a standing
    robot's action goes on).
    """
    agents = agents_of(rows, places)
    turn = turn_of(order, stamps, claim, wish, stack)
    robot = agents.node.shape[0] - 1
    done = 0
    while True:
        pushed = decide_all(floor, agents, holder, closed, fields, clock, rules, turn)
        if done == 0:
            depart(floor, agents, holder, closed, clock, pushed)
            clock[OFFERED] = 0
        walk_all(floor, agents, holder, fields, clock)
        place_all(floor, agents)
        meet(agents, clock, met[0], met[1], near_m, contact_m)
        note(agents, clock, trace, done)
        done += 1
        clock[TICK] += 1
        clock[ASKS] = asked(agents)
        sense_tick(clock[TICK], agents, closed, senses)
        if not is_sound(agents, holder, clock):
            return BROKEN
        stands = agents.to[robot] < 0
        ready = not repeats and stands and agents.busy_until[robot] <= clock[TICK]
        if done >= ticks or ready or clock[ASKS] != 0 or senses.ints[NEWS] != 0:
            return done


def turn_of(order, stamps, claim, wish, stack):
    """Names for the work arrays of a turn."""
    return Turn(
        order[0], order[1], claim, stamps[0], stamps[1], stamps[2], wish[0], wish[1],
        stack[0], stack[1], stack[2],
    )  # fmt: skip


def depart(floor, agents, holder, closed, clock, pushed):
    """Step 5: the controlled robot goes where it is pushed, or where it wants to and may."""
    robot = agents.node.shape[0] - 1
    node = clock[WANTED]
    if node >= 0 and (holder[node] >= 0 or closed[node] != 0):
        node = -1
        agents.carry_mm[robot] = 0
    if pushed >= 0:
        node = pushed
    clock[PUSHED] = pushed
    clock[DEPARTED] = node
    if node >= 0:
        start_move(floor, agents, holder, clock, robot, node)


def asked(agents):
    """1 where any walker asks for something."""
    found = 0
    for i in range(agents.node.shape[0] - 1):
        if agents.ask[i] != 0:
            found = 1
    return found


def note(agents, clock, trace, at):
    """The true state of this tick in whole numbers: one row of the trace."""
    trace[at, 0] = clock[TICK]
    k = 2  # place 1 is for the charge
    for i in range(agents.node.shape[0]):
        trace[at, k] = agents.node[i]
        trace[at, k + 1] = agents.to[i]
        trace[at, k + 2] = agents.done_mm[i]
        k += 3


HELPERS = (turn_of, depart, asked, note)
ENTRIES = (run_ticks,)
