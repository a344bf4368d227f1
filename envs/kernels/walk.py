"""Everybody on an edge advances; where everybody is now; who came near the controlled robot."""

from __future__ import annotations

from math import sqrt

from .floor import distance_mm, x_of, y_of
from .resolve import finish_trip
from .state import CLOSE_ENCOUNTERS, CONTACTS, HELD, MOVED, NEAR_TICKS, PERSON, TICK

REACH_M = 4.0  # bodies farther apart than this cannot touch within a tick (a)


def walk_all(floor, agents, holder, fields, clock):
    """One tick of motion; arrivals free the node left behind. What is left over is carried on."""
    robot = agents.node.shape[0] - 1
    clock[MOVED] = 1 if agents.to[robot] >= 0 else 0
    for i in range(robot + 1):
        if agents.to[i] < 0:
            continue
        agents.done_mm[i] += agents.rate_mm[i]
        if agents.done_mm[i] < agents.length_mm[i]:
            continue
        agents.carry_mm[i] = min(agents.done_mm[i] - agents.length_mm[i], agents.rate_mm[i])
        holder[agents.node[i]] = -1
        clock[HELD] -= 1
        here = agents.to[i]
        agents.node[i] = here
        agents.to[i] = -1
        agents.done_mm[i] = 0
        if i == robot:
            continue
        left_mm = distance_mm(floor, fields, agents.slot[i], here, here)
        if left_mm < agents.best_mm[i]:
            agents.best_mm[i] = left_mm
            agents.progress[i] = clock[TICK]
        if here == agents.goal[i]:
            finish_trip(agents, clock, i)


def place_all(floor, agents):
    """Where everybody is, in metres, the part of the edge included; and where a tick ago."""
    for i in range(agents.node.shape[0]):
        agents.x0_m[i] = agents.x_m[i]
        agents.y0_m[i] = agents.y_m[i]
        x = x_of(floor, agents.node[i])
        y = y_of(floor, agents.node[i])
        if agents.to[i] >= 0:
            part = agents.done_mm[i] / agents.length_mm[i]
            x += part * (x_of(floor, agents.to[i]) - x)
            y += part * (y_of(floor, agents.to[i]) - y)
        agents.x_m[i] = x
        agents.y_m[i] = y


def meet(agents, clock, met, touched, near_m, contact_m):
    """Count close encounters, ticks near people, and contacts, from positions alone.

    Near is who is so at the end of the tick; for contacts both bodies are taken to move in a
    straight line within it. `met` and `touched` remember who was near and who touched a tick ago,
    so that a meeting counts once.
    """
    robot = agents.node.shape[0] - 1
    moved = clock[MOVED] != 0
    near_anyone = False
    for i in range(robot):
        x = agents.x_m[i] - agents.x_m[robot]
        y = agents.y_m[i] - agents.y_m[robot]
        if abs(x) > REACH_M + near_m or abs(y) > REACH_M + near_m:
            met[i] = 0
            touched[i] = 0
            continue
        near = agents.kind[i] == PERSON and sqrt(x * x + y * y) <= near_m + 1e-9
        meets = near and (moved or met[i] != 0)
        if meets and moved:
            near_anyone = True
        if meets and met[i] == 0:
            clock[CLOSE_ENCOUNTERS] += 1
        met[i] = 1 if meets else 0
        touches = closest(agents, i, robot) < contact_m
        if touches and touched[i] == 0:
            clock[CONTACTS] += 1
        touched[i] = 1 if touches else 0
    if near_anyone:
        clock[NEAR_TICKS] += 1


def closest(agents, i, j):
    """Least distance in metres of two agents within the last tick."""
    x = agents.x0_m[i] - agents.x0_m[j]
    y = agents.y0_m[i] - agents.y0_m[j]
    dx = agents.x_m[i] - agents.x_m[j] - x
    dy = agents.y_m[i] - agents.y_m[j] - y
    speed = dx * dx + dy * dy
    when = 0.0
    if speed > 0.0:
        when = min(1.0, max(0.0, -(x * dx + y * dy) / speed))
    x += when * dx
    y += when * dy
    return sqrt(x * x + y * y)


def is_sound(agents, holder, clock):
    """Whether everybody holds its nodes and nobody holds more: no node is shared, so no swap."""
    held = 0
    for i in range(agents.node.shape[0]):
        held += 1
        if holder[agents.node[i]] != i:
            return False
        if agents.to[i] >= 0:
            held += 1
            if holder[agents.to[i]] != i:
                return False
    return held == clock[HELD]


HELPERS = (walk_all, place_all, closest, meet, is_sound)
