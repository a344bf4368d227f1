"""Who moves where: priority inheritance with backtracking (PIBT; Okumura et al., 2019 and 2022).

In order of priority every agent takes the best of its wishes that is still to be had. If somebody
stands there who may be pushed, that agent inherits the turn and must find itself another place
first; if it cannot, the pusher tries its next wish. `envs.rules` says the same in readable Python.

One difference to the published method, because agents here move at different speeds: an agent on
an edge holds both its ends, so a pusher does not step into a cell in the same tick in which it is
left; it claims the cell and *queues* for it. Rotations of a full ring are therefore impossible,
and nobody can run into the heels of a slower one.
"""

from __future__ import annotations

from .dice import draw
from .floor import degree, distance_mm, length_to, step, step_mm
from .state import (
    DETOUR,
    DETOUR_AFTER,
    DETOUR_PAUSE,
    FAR,
    GIVE_UP,
    HELD,
    HUMBLE_AFTER,
    KEY,
    NEW_WAY,
    NEXT_TRIP,
    OFFERED,
    PERSON,
    ROBOT,
    TICK,
    TRAFFIC,
    WALLS,
)

# What came of an agent's turn: it has a place, must stay, or waits for whom it pushes.
PLACED, STAYS, PUSHES = 1, 0, -1


def is_free_to_move(floor, agents, fields, clock, rules, i):
    """Bring a standing walker up to date: dwell over, trip given up; False while it stays."""
    tick = clock[TICK]
    if agents.to[i] >= 0 or agents.busy_until[i] > tick:
        return False
    late = tick - agents.progress[i] > rules[GIVE_UP]
    if agents.node[i] == agents.goal[i] or late:
        if agents.next_goal[i] < 0:
            return False
        if agents.node[i] != agents.goal[i]:
            agents.give_ups[i] += 1
        begin_trip(floor, agents, fields, clock, i)
    if agents.node[i] == agents.goal[i]:
        finish_trip(agents, clock, i)
        return False
    return True


def begin_trip(floor, agents, fields, clock, i):
    """Take up the next trip, and ask for one more."""
    agents.goal[i] = agents.next_goal[i]
    agents.slot[i] = agents.next_slot[i]
    agents.dwell[i] = agents.next_dwell[i]
    agents.walls[i] = agents.next_walls[i]
    agents.next_goal[i] = -1
    agents.ask[i] |= NEXT_TRIP
    agents.since[i] = clock[TICK]
    agents.progress[i] = clock[TICK]
    agents.next_detour[i] = clock[TICK]
    agents.blocked[i] = 0
    here = agents.node[i]
    agents.best_mm[i] = distance_mm(floor, fields, agents.slot[i], here, here)


def finish_trip(agents, clock, i):
    """At the goal (or beside it): the trip counts, the work there begins."""
    agents.trips[i] += 1
    agents.goal[i] = agents.node[i]
    agents.carry_mm[i] = 0
    agents.busy_until[i] = clock[TICK] + 1 + agents.dwell[i]
    agents.since[i] = clock[TICK]
    agents.progress[i] = clock[TICK]
    agents.last_finish[i] = clock[TICK]


def rank_of(agents, clock, rules, i):
    """People, then traffic; in each the oldest trip first, unless it has turned humble.

    Two agents head-on in a dead end would wait for ever by age alone; after a while one of them,
    by a draw of its own, lets the other go first.
    """
    humble = 0
    if agents.blocked[i] >= rules[HUMBLE_AFTER]:
        humble = draw(clock[KEY], clock[TICK] // rules[HUMBLE_AFTER], i) & 1
    kind = 0 if agents.kind[i] == PERSON else 1
    return ((kind << 1 | humble) << 50) + (agents.since[i] << 20) + i


def list_by_rank(floor, agents, fields, clock, rules, turn):
    """Fill `turn.order` with the walkers free to move, highest priority first; their number."""
    found = 0
    for i in range(agents.node.shape[0] - 1):
        if not is_free_to_move(floor, agents, fields, clock, rules, i):
            continue
        rank = rank_of(agents, clock, rules, i)
        at = found
        while at > 0 and turn.rank[at - 1] > rank:
            turn.rank[at] = turn.rank[at - 1]
            turn.order[at] = turn.order[at - 1]
            at -= 1
        turn.rank[at] = rank
        turn.order[at] = i
        found += 1
    return found


def list_wishes(floor, agents, holder, closed, fields, clock, turn, i, depth):
    """Write into `turn.wish[depth]` where the agent would like to be, best first, its node too.

    Among equals a node that nobody holds comes first, then dice: people throw them anew each tick,
    traffic robots never, so that each keeps its way.
    """
    here = agents.node[i]
    kind = agents.kind[i]
    mouth = busy_mouth(floor, agents, holder, i)
    moment = 0 if kind == TRAFFIC else clock[TICK]
    tie = draw(clock[KEY], moment, i + 1)
    count = 0
    bumped = False
    for k in range(degree(floor, here) + 1):
        node = here if k == degree(floor, here) else step(floor, here, k, kind)
        if node < 0:
            continue
        if closed[node] != 0 and node != here:
            bumped = True
            continue
        far = 0
        if kind != ROBOT:
            far = distance_mm(floor, fields, agents.slot[i], here, node)
            if far == FAR and node != here and floor.local.shape[0] > 0:
                continue  # not out of the district
            if node == mouth:
                far += 3 * step_mm(floor, node, 0)
        elif node == here:
            far = 1
        taken = 1 if node != here and holder[node] >= 0 else 0
        key = far << 17 | taken << 16 | (((node * 40503) ^ tie) & 0xFFFF)
        insert_wish(turn, depth, count, key, node)
        count += 1
    if bumped and kind != ROBOT and agents.walls[i] != clock[WALLS]:
        agents.ask[i] |= NEW_WAY  # bumped: now it knows
    return count


def insert_wish(turn, depth, count, key, node):
    """Sort a node in among the `count` wishes so far; behind those of an equal key."""
    at = count
    while at > 0 and turn.key[depth, at - 1] > key:
        turn.key[depth, at] = turn.key[depth, at - 1]
        turn.wish[depth, at] = turn.wish[depth, at - 1]
        at -= 1
    turn.key[depth, at] = key
    turn.wish[depth, at] = node


def busy_mouth(floor, agents, holder, i):
    """The only way left out of a robot's goal while somebody else is in there, else -1.

    A robot that waits there would lock the other in; the node before it is the place to wait.
    People wait there for a moment only: they reach past.
    """
    goal = agents.goal[i]
    if agents.kind[i] != TRAFFIC or holder[goal] < 0 or holder[goal] == i:
        return -1
    mouth = -1
    for k in range(degree(floor, goal)):
        node = step(floor, goal, k, agents.kind[i])
        if node < 0:
            continue
        other = holder[node]
        if other >= 0 and other != i and agents.to[other] < 0:
            continue  # somebody stands there: no way out for now
        if mouth >= 0:
            return -1
        mouth = node
    return mouth


def may_push(agents, clock, turn, i, other, depth):
    """People push robots, robots never people; the controlled one only when it offers place."""
    if turn.decided[other] == clock[TICK] + 1 or depth + 1 >= turn.stack.shape[0]:
        return False
    if agents.kind[other] == ROBOT:
        return clock[OFFERED] != 0
    if agents.to[other] >= 0 or agents.busy_until[other] > clock[TICK]:
        return False
    return agents.kind[other] != PERSON or agents.kind[i] == PERSON


def decide(floor, agents, holder, closed, fields, clock, turn, first):
    """Find the agent a place, and whomever it pushes; an explicit stack instead of recursion."""
    now = clock[TICK] + 1
    depth = 0
    turn.stack[0] = first
    found = PUSHES  # what came of the last one in turn; the first is as if pushed
    while depth >= 0:
        i = turn.stack[depth]
        if found == PLACED:  # whom it pushed leaves: it waits for that node
            turn.queued[i] = now
        else:
            if found == PUSHES:
                turn.decided[i] = now
                turn.at[depth] = 0
                turn.count[depth] = list_wishes(
                    floor, agents, holder, closed, fields, clock, turn, i, depth
                )
            else:
                turn.at[depth] += 1  # whom it pushed stays: on to its next wish
            found = try_wishes(agents, holder, clock, turn, i, depth)
        depth += 1 if found == PUSHES else -1


def try_wishes(agents, holder, clock, turn, i, depth):
    """From the wish it is at: PLACED, or PUSHES somebody, who is next; STAYS where all fail."""
    now = clock[TICK] + 1
    here = agents.node[i]
    while turn.at[depth] < turn.count[depth]:
        node = turn.wish[depth, turn.at[depth]]
        other = holder[node]
        if turn.claim[node] != now:
            if node == here or other < 0:
                turn.claim[node] = now
                turn.target[i] = -1 if node == here else node
                return PLACED
            if leaves(agents, turn, other, node):
                turn.claim[node] = now
                turn.queued[i] = now
                return PLACED
            if may_push(agents, clock, turn, i, other, depth):
                turn.claim[node] = now  # so that the other may not simply stay
                turn.stack[depth + 1] = other
                return PUSHES
        turn.at[depth] += 1
    turn.claim[here] = now
    return STAYS


def leaves(agents, turn, other, node):
    """Whether the other is on its way out of the node, by an earlier or by this tick's move."""
    return agents.node[other] == node and (agents.to[other] >= 0 or turn.target[other] >= 0)


def start_move(floor, agents, holder, clock, i, node):
    """Onto the edge to a free neighbour; both its ends are held from now on."""
    here = agents.node[i]
    agents.to[i] = node
    agents.length_mm[i] = length_to(floor, here, node, agents.kind[i])
    rate = agents.speed_mm[i]
    if agents.kind[i] != PERSON and floor.limit_mm.shape[0] > 0:
        rate = min(rate, floor.limit_mm[node])
    carry = agents.carry_mm[i]
    if carry > 0 and rate < agents.rate_mm[i]:
        carry = carry * rate // agents.rate_mm[i]  # the rest of the tick, driven slower
    agents.done_mm[i] = carry
    agents.carry_mm[i] = 0
    agents.blocked[i] = 0
    agents.rate_mm[i] = rate
    holder[node] = i
    clock[HELD] += 1


def decide_all(floor, agents, holder, closed, fields, clock, rules, turn):
    """Steps 2 to 4 of a tick: moves that start now; the node the controlled robot is pushed to."""
    now = clock[TICK] + 1
    found = list_by_rank(floor, agents, fields, clock, rules, turn)
    robot = agents.node.shape[0] - 1
    for i in range(robot + 1):
        turn.target[i] = -1
    for j in range(found):
        i = turn.order[j]
        decides = agents.kind[i] == PERSON or clock[TICK] % 2 == 0
        if decides and turn.decided[i] != now:
            decide(floor, agents, holder, closed, fields, clock, turn, i)
    for i in range(robot):
        if turn.target[i] >= 0:
            start_move(floor, agents, holder, clock, i, turn.target[i])
    for j in range(found):
        i = turn.order[j]
        if agents.to[i] < 0:
            wait(floor, agents, holder, clock, rules, turn, i)
    return turn.target[robot]


def wait(floor, agents, holder, clock, rules, turn, i):
    """A tick without a move; after some without even a queue to stand in: look round."""
    agents.carry_mm[i] = 0
    agents.waited[i] += 1
    if turn.queued[i] == clock[TICK] + 1:
        return
    agents.blocked[i] += 1
    if agents.blocked[i] < rules[DETOUR_AFTER] or agents.next_detour[i] > clock[TICK]:
        return
    agents.next_detour[i] = clock[TICK] + rules[DETOUR_PAUSE]
    other = holder[agents.goal[i]]
    kind = agents.kind[i]
    if other < 0 or length_to(floor, agents.node[i], agents.goal[i], kind) < 0:
        agents.ask[i] |= DETOUR
    elif kind == PERSON and stands(agents, clock, rules, other):
        finish_trip(agents, clock, i)  # a person reaches past whoever stands at the shelf


def stands(agents, clock, rules, i):
    """Whether the agent will not leave its node soon, as far as anybody can see."""
    if agents.to[i] >= 0:
        return False
    if agents.kind[i] == ROBOT:
        return True
    return agents.busy_until[i] > clock[TICK] or agents.blocked[i] >= rules[DETOUR_AFTER]


HELPERS = (
    finish_trip, begin_trip, is_free_to_move, rank_of, list_by_rank, busy_mouth, insert_wish,
    list_wishes, may_push, leaves, try_wishes, decide, start_move, stands, wait, decide_all,
)  # fmt: skip
