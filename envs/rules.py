"""The rules of the floor, to be read: who moves where, and how everybody walks.

The same rules as `envs.kernels.resolve` and `envs.kernels.walk`, in plain Python on the same
arrays: dictionaries, sorting and recursion instead of work arrays and an explicit stack. Worlds
made with `engine="readable"` run on them, tick for tick the same.

Priority inheritance with backtracking (PIBT; Okumura et al., 2019 and 2022): people first, then
traffic robots, the oldest trip first. An agent on an edge holds both its ends, so a pusher does
not step into a node in the tick in which it is left; it *queues* for it.
"""

from __future__ import annotations

from .crowd import MAX_PUSHES, Crowd
from .kernels.dice import draw
from .kernels.floor import degree, distance_mm, length_to, step, step_mm
from .kernels.resolve import begin_trip, finish_trip, rank_of, stands, start_move
from .kernels.state import (
    DETOUR,
    DETOUR_AFTER,
    DETOUR_PAUSE,
    FAR,
    GIVE_UP,
    HELD,
    KEY,
    MOVED,
    NEW_WAY,
    OFFERED,
    PERSON,
    ROBOT,
    TICK,
    TRAFFIC,
    WALLS,
)


def decide_all(crowd: Crowd) -> int:
    """Moves that start now; the node to which the controlled robot is pushed, or -1."""
    agents, tick = crowd.agents, int(crowd.clock[TICK])
    ready = [i for i in range(crowd.n) if _is_free_to_move(crowd, i)]
    ready.sort(key=lambda i: int(rank_of(agents, crowd.clock, crowd.rule_numbers, i)))
    turn = _Turn(crowd)
    for i in ready:
        if i not in turn.decided and (agents.kind[i] == PERSON or tick % 2 == 0):
            turn.decide(i, 0)
    pushed = turn.moves.pop(crowd.n, -1)
    for i in sorted(turn.moves):
        start_move(crowd.floor.arrays, agents, crowd.holder, crowd.clock, i, turn.moves[i])
    for i in ready:
        if agents.to[i] < 0:
            _wait(crowd, i, queued=i in turn.queued)
    return pushed


def _is_free_to_move(crowd: Crowd, i: int) -> bool:
    """Bring a standing walker up to date: dwell over, trip given up; False while it stays."""
    agents, tick = crowd.agents, crowd.clock[TICK]
    if agents.to[i] >= 0 or agents.busy_until[i] > tick:
        return False
    arrived = agents.node[i] == agents.goal[i]
    if arrived or tick - agents.progress[i] > crowd.rule_numbers[GIVE_UP]:
        if agents.next_goal[i] < 0:
            return False
        agents.give_ups[i] += not arrived
        begin_trip(crowd.floor.arrays, agents, crowd.ways.fields, crowd.clock, i)
    if agents.node[i] == agents.goal[i]:
        finish_trip(agents, crowd.clock, i)
        return False
    return True


class _Turn:
    """One tick's decisions in the making."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.moves: dict[int, int] = {}
        self.queued: set[int] = set()
        self.claimed: set[int] = set()
        self.decided: set[int] = set()

    def decide(self, i: int, depth: int) -> bool:
        """Find agent i a place; False if it must stay although somebody wants its node."""
        agents, holder = self.crowd.agents, self.crowd.holder
        self.decided.add(i)
        for node in self._wishes(i):
            if node in self.claimed:
                continue
            other = int(holder[node])
            if node == agents.node[i] or other < 0:
                self.claimed.add(node)
                if node != agents.node[i]:
                    self.moves[i] = node
                return True
            leaves = agents.node[other] == node and (agents.to[other] >= 0 or other in self.moves)
            if leaves or self._push(i, other, node, depth):
                self.claimed.add(node)
                self.queued.add(i)
                return True
        self.claimed.add(int(agents.node[i]))
        return False

    def _push(self, i: int, other: int, node: int, depth: int) -> bool:
        if other in self.decided or depth >= MAX_PUSHES or not self._may_push(i, other):
            return False
        self.claimed.add(node)  # so that the other may not simply stay
        return self.decide(other, depth + 1)

    def _may_push(self, i: int, other: int) -> bool:
        """People push robots, robots never people; the controlled one only while it offers."""
        agents, clock = self.crowd.agents, self.crowd.clock
        if agents.kind[other] == ROBOT:
            return bool(clock[OFFERED])
        if agents.to[other] >= 0 or agents.busy_until[other] > clock[TICK]:
            return False
        return bool(agents.kind[other] != PERSON or agents.kind[i] == PERSON)

    def _wishes(self, i: int) -> list[int]:
        """Nodes in the order in which the agent would like to be there, its own among them."""
        crowd, agents = self.crowd, self.crowd.agents
        floor, clock, kind = crowd.floor.arrays, crowd.clock, agents.kind[i]
        here = int(agents.node[i])
        around = [step(floor, here, k, kind) for k in range(degree(floor, here))]
        around = [node for node in around if node >= 0]
        free = [node for node in around if not crowd.floor.closed[node]]
        if len(free) < len(around) and kind != ROBOT and agents.walls[i] != clock[WALLS]:
            agents.ask[i] |= NEW_WAY  # bumped: now it knows
        # People choose between equal ways anew each time, traffic robots always alike.
        mouth = self._busy_mouth(i)
        tie = draw(int(clock[KEY]), 0 if kind == TRAFFIC else int(clock[TICK]), i + 1)
        keys = []
        for place, node in enumerate([*free, here]):
            if kind == ROBOT:
                far = int(node == here)
            else:
                far = distance_mm(floor, crowd.ways.fields, int(agents.slot[i]), here, node)
                if far == FAR and node != here and floor.local.size:
                    continue  # not out of the district
                if node == mouth:
                    far += 3 * step_mm(floor, node, 0)
            taken = node != here and crowd.holder[node] >= 0
            keys.append((far, taken, (node * 40503 ^ tie) & 0xFFFF, place, node))
        return [key[-1] for key in sorted(keys)]

    def _busy_mouth(self, i: int) -> int:
        """The only way left out of a robot's goal while somebody else is in there, else -1."""
        agents, floor, holder = self.crowd.agents, self.crowd.floor.arrays, self.crowd.holder
        goal, kind = int(agents.goal[i]), agents.kind[i]
        if kind != TRAFFIC or holder[goal] in (-1, i):
            return -1
        around = [step(floor, goal, k, kind) for k in range(degree(floor, goal))]
        ways = [n for n in around if n >= 0 and (holder[n] in (-1, i) or agents.to[holder[n]] >= 0)]
        return ways[0] if len(ways) == 1 else -1


def _wait(crowd: Crowd, i: int, *, queued: bool) -> None:
    """A tick without a move; after some without even a queue to stand in: look round."""
    agents, clock, rules = crowd.agents, crowd.clock, crowd.rule_numbers
    agents.carry_mm[i] = 0
    agents.waited[i] += 1
    if queued:
        return
    agents.blocked[i] += 1
    if agents.blocked[i] < rules[DETOUR_AFTER] or agents.next_detour[i] > clock[TICK]:
        return
    agents.next_detour[i] = clock[TICK] + rules[DETOUR_PAUSE]
    other = int(crowd.holder[agents.goal[i]])
    here, goal, kind = int(agents.node[i]), int(agents.goal[i]), agents.kind[i]
    if other < 0 or length_to(crowd.floor.arrays, here, goal, kind) < 0:
        agents.ask[i] |= DETOUR
    elif kind == PERSON and stands(agents, clock, rules, other):
        finish_trip(agents, clock, i)  # a person reaches past whoever stands at the shelf


def walk_all(crowd: Crowd) -> None:
    """Everybody on an edge advances by one tick; arrivals free the node left behind."""
    agents, clock = crowd.agents, crowd.clock
    clock[MOVED] = agents.to[crowd.n] >= 0
    for i in range(crowd.n + 1):
        if agents.to[i] < 0:
            continue
        agents.done_mm[i] += agents.rate_mm[i]
        left_over = int(agents.done_mm[i] - agents.length_mm[i])
        if left_over < 0:
            continue
        agents.carry_mm[i] = min(left_over, int(agents.rate_mm[i]))
        crowd.holder[agents.node[i]] = -1
        clock[HELD] -= 1
        here = agents.node[i] = int(agents.to[i])
        agents.to[i], agents.done_mm[i] = -1, 0
        if i == crowd.n:
            continue
        left_mm = crowd.ways.distance_mm(int(agents.slot[i]), here)
        if left_mm < agents.best_mm[i]:
            agents.best_mm[i], agents.progress[i] = left_mm, clock[TICK]
        if here == agents.goal[i]:
            finish_trip(agents, clock, i)
