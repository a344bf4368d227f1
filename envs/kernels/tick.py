"""The ticks of the world: as many in one go as nobody has to be asked between."""

from __future__ import annotations

from .resolve import decide_all
from .state import OFFERED, TICK, Turn, agents_of
from .walk import is_sound, meet, place_all, walk_all

DONE, ASKED, READY, BROKEN = 0, 1, 2, 3  # why the ticks ended


def run_ticks(  # type: ignore[no-untyped-def]
    floor, rows, places, holder, closed, fields, clock, rules, order, stamps, claim, wish, stack,
    met, near_m, contact_m, trace, ticks, repeats,
):  # fmt: skip
    """`ticks` 0: steps 2 to 4 of a tick; the node the controlled robot is pushed to (-1: none).

    Else finish this tick and run whole ones, so many at most; how many it was, and why it ended.
    """
    turn = turn_of(order, stamps, claim, wish, stack)
    return ticks_of(
        floor, agents_of(rows, places), holder, closed, fields, clock, rules, turn, met, near_m,
        contact_m, trace, ticks, repeats,
    )  # fmt: skip


def turn_of(order, stamps, claim, wish, stack):  # type: ignore[no-untyped-def]
    """Names for the work arrays of a turn."""
    return Turn(
        order[0], order[1], claim, stamps[0], stamps[1], stamps[2], wish[0], wish[1],
        stack[0], stack[1], stack[2],
    )  # fmt: skip


def ticks_of(  # type: ignore[no-untyped-def]
    floor, agents, holder, closed, fields, clock, rules, turn, met, near_m, contact_m, trace,
    ticks, repeats,
):  # fmt: skip
    """Run ticks until Python is needed: somebody asks, or the robot's next action counts.

    With `repeats` a standing robot's action goes on, so that only asking ends the run.
    """
    robot = agents.node.shape[0] - 1
    done = 0
    decides = ticks == 0
    while True:
        if decides:
            pushed = decide_all(floor, agents, holder, closed, fields, clock, rules, turn)
            if ticks == 0:
                return pushed, DONE
        decides = True
        walk_all(floor, agents, holder, fields, clock)
        place_all(floor, agents)
        meet(agents, clock, met[0], met[1], near_m, contact_m)
        note(agents, clock, trace, done)
        done += 1
        clock[TICK] += 1
        if not is_sound(agents, holder, clock):
            return done, BROKEN
        if done >= ticks:
            return done, DONE
        if asked(agents):
            return done, ASKED
        stands = agents.to[robot] < 0
        if not repeats and stands and agents.busy_until[robot] <= clock[TICK]:
            return done, READY
        clock[OFFERED] = 0


def asked(agents):  # type: ignore[no-untyped-def]
    """Whether any walker asks for something."""
    for i in range(agents.node.shape[0] - 1):
        if agents.ask[i] != 0:
            return True
    return False


def note(agents, clock, trace, at):  # type: ignore[no-untyped-def]
    """The true state of this tick in whole numbers: one row of the trace."""
    trace[at, 0] = clock[TICK]
    k = 2  # place 1 is for the charge
    for i in range(agents.node.shape[0]):
        trace[at, k] = agents.node[i]
        trace[at, k + 1] = agents.to[i]
        trace[at, k + 2] = agents.done_mm[i]
        k += 3


HELPERS = (turn_of, asked, note, ticks_of)
ENTRIES = (run_ticks,)
