"""One tick of sensing: take in the look of the tick before, look anew, hear the fleet.

The only door from truth to belief. `agents` and `closed` are truth and are read for what is in
view, and for the fleet's own telemetry; everything else is in `Senses`, which is belief. Nothing
here walks over the map: the cost of a tick is that of the nodes in view.
"""

from __future__ import annotations

from typing import Any

from .dice import chance, draw
from .sense_doubts import contains, weigh
from .sense_floor import clear, heading, in_sight, near, near_places, place_of, within, x_of, y_of
from .sense_state import (
    BODIES,
    CELL_M,
    CLOSURE,
    COLS,
    DETECTION,
    FALSE_ALARM,
    FLEET_GAIN,
    LOOKED,
    NEVER,
    NEWS,
    NOW,
    OBSTACLES,
    PERSON,
    RADIUS_M,
    STANDING,
    TELEMETRY,
    TICK_S,
    TRACK_TICKS,
    TRAFFIC,
    VIEW,
    VIEW_NODE,
    Senses,
    faded,
    touch,
)  # fmt: skip


def sense_tick(tick: int, agents: Any, closed: Any, senses: Senses) -> None:
    """Sensing in tick `tick` >= 1; the robot is the last of the `agents`.

    `closed` is uint8 (n,), 1 where something stands in the way now.
    """
    senses.ints[NOW] = tick
    learn(tick, senses)
    look(tick, agents, closed, senses)
    if tick % senses.ints[TELEMETRY] == 0:
        hear_fleet(tick, agents, senses)
    if senses.ints[CLOSURE] != NEVER and tick >= senses.ints[CLOSURE]:
        senses.ints[NEWS] = 1


# Learning.


def learn(tick: int, senses: Senses) -> None:
    """Take in the look of the tick before: nodes seen, bodies, obstacles."""
    if senses.ints[LOOKED] == NEVER:
        return
    seen_s = senses.floats[TICK_S]
    evidence = senses.evidence
    for j in range(senses.ints[VIEW]):
        node = senses.in_view[j]
        touch(node, senses)
        left = faded(senses.fade, tick - senses.looked[node])
        evidence[node, 0] = (0.0 + float(evidence[node, 0])) * left + seen_s
        evidence[node, 1] = (0.0 + float(evidence[node, 1])) * left
        evidence[node, 2] = (0.0 + float(evidence[node, 2])) * left
        senses.looked[node] = tick
    for j in range(senses.ints[BODIES]):
        follow(j, senses)
        if senses.bodies[j, 2] == PERSON:
            count(tick, senses.bodies[j, 1], senses.body_m[j, 0], senses.body_m[j, 1], senses)
    weigh(tick, senses)


def count(tick: int, node: int, x: float, y: float, senses: Senses) -> None:
    """A person at (x, y): near every node around that was in view, so that rates stay unbiased."""
    evidence, seen_s = senses.evidence, senses.floats[TICK_S]
    if senses.looked[node] == tick:
        evidence[node, 2] = (0.0 + float(evidence[node, 2])) + seen_s
    for k in range(near_places(node, senses)):
        other = near(node, k, senses)
        if other >= 0 and senses.looked[other] == tick and within(other, x, y, senses):
            evidence[other, 1] = (0.0 + float(evidence[other, 1])) + seen_s


def follow(j: int, senses: Senses) -> None:
    """Carry on, or begin, the track of the j-th body of the look."""
    agent, seen = senses.bodies[j, 0], senses.ints[LOOKED]
    tracks, motion = senses.tracks, senses.motion
    x, y = senses.body_m[j, 0], senses.body_m[j, 1]
    ticks = seen - tracks[agent, 0]
    vx = vy = 0.0
    known = tracks[agent, 0] > 0 and 0 < ticks <= senses.floats[TRACK_TICKS]
    if known and agent < tracks.shape[0] - 1:
        gap_s = ticks * senses.floats[TICK_S]
        vx, vy = (x - motion[agent, 0]) / gap_s, (y - motion[agent, 1]) / gap_s
        if abs(vx) + abs(vy) > 0.05:
            tracks[agent, 2] = seen
    else:
        tracks[agent, 2] = seen
    tracks[agent, 0], tracks[agent, 1], tracks[agent, 3] = (
        seen,
        senses.bodies[j, 1],
        senses.bodies[j, 2],
    )
    motion[agent, 0], motion[agent, 1], motion[agent, 2], motion[agent, 3] = x, y, vx, vy


# Looking.


def look(tick: int, agents: Any, closed: Any, senses: Senses) -> None:
    """What is noticed from the robot's node; dice are keyed by tick and thing."""
    ints, floats = senses.ints, senses.floats
    robot = agents.node.shape[0] - 1
    node = place_of(robot, agents)
    if node != ints[VIEW_NODE]:
        set_view(node, senses)
    ints[LOOKED] = tick
    ints[BODIES] = ints[OBSTACLES] = 0
    x, y = x_of(node, senses), y_of(node, senses)
    sight_m = floats[RADIUS_M] + 2.0 * floats[CELL_M]
    for agent in range(robot):
        away = max(abs(agents.x_m[agent] - x), abs(agents.y_m[agent] - y))
        if away > sight_m and ints[COLS] > 0:  # on a grid no edge is longer than a cell
            continue
        seen = in_sight(node, agents.node[agent], senses) or (
            agents.to[agent] >= 0 and in_sight(node, agents.to[agent], senses)
        )
        if seen and chance(senses.keys[0], tick, agent) < floats[DETECTION]:
            note(agent, place_of(agent, agents), agents.kind[agent], senses)
            senses.body_m[ints[BODIES] - 1, 0] = agents.x_m[agent]
            senses.body_m[ints[BODIES] - 1, 1] = agents.y_m[agent]
    for j in range(ints[VIEW]):
        other = senses.in_view[j]
        if closed[other] and chance(senses.keys[1], tick, other) < floats[DETECTION]:
            senses.obstacles[ints[OBSTACLES]] = other
            ints[OBSTACLES] += 1
    false_alarms(tick, senses)


def false_alarms(tick: int, senses: Senses) -> None:
    """Now and then an obstacle or a person that is not there, anywhere in view."""
    ints, key, rate = senses.ints, senses.keys[2], senses.floats[FALSE_ALARM]
    size = ints[VIEW]
    if chance(key, tick, 0) < rate:
        ghost = senses.in_view[draw(key, tick, 1) % size]
        if not contains(senses.obstacles, ints[OBSTACLES], ghost):
            senses.obstacles[ints[OBSTACLES]] = ghost
            ints[OBSTACLES] += 1
    if chance(key, tick, 2) < rate:
        ghost = senses.in_view[draw(key, tick, 3) % size]
        note(senses.tracks.shape[0] - 1, ghost, PERSON, senses)
        senses.body_m[ints[BODIES] - 1, 0] = x_of(ghost, senses)
        senses.body_m[ints[BODIES] - 1, 1] = y_of(ghost, senses)


def note(agent: int, node: int, kind: int, senses: Senses) -> None:
    """Add a body to the look; its position is set by the caller."""
    j = senses.ints[BODIES]
    senses.bodies[j, 0], senses.bodies[j, 1], senses.bodies[j, 2] = agent, node, kind
    senses.ints[BODIES] = j + 1


def set_view(node: int, senses: Senses) -> None:
    """List the nodes in view from a node."""
    ints, view = senses.ints, senses.in_view
    ints[VIEW_NODE] = node
    cols = ints[COLS]
    size = 0
    if cols == 0:
        for k in range(senses.view_ptr[node], senses.view_ptr[node + 1]):
            view[size] = senses.view_ids[k]
            size += 1
    else:
        row, col = node // cols, node % cols
        rows = senses.solid.shape[0] // cols
        for k in range(senses.targets.shape[0]):
            down, right = senses.targets[k, 0], senses.targets[k, 1]
            if (
                0 <= row + down < rows
                and 0 <= col + right < cols
                and clear(row, col, down, right, senses)
            ):
                view[size] = (row + down) * cols + col + right
                size += 1
    ints[VIEW] = size


# The fleet.


def hear_fleet(tick: int, agents: Any, senses: Senses) -> None:
    """Telemetry: where the traffic robots are and where they head, spread over the nodes around.

    `fleet` is a running mean: a node's share of robots nearby, tau after tau forgotten.
    """
    gain = senses.floats[FLEET_GAIN]
    for agent in range(agents.node.shape[0] - 1):
        if agents.kind[agent] != TRAFFIC:
            continue
        node = place_of(agent, agents)
        way = senses.fleet.shape[1] - 1
        if way == STANDING:
            way = way_of(agent, agents, senses)
        for k in range(near_places(node, senses)):
            other = near(node, k, senses)
            if other >= 0:
                hear_at(tick, other, senses)
                share = gain / senses.room[other]
                senses.fleet[other, way] = (0.0 + float(senses.fleet[other, way])) + share


def way_of(agent: int, agents: Any, senses: Senses) -> int:
    """Where a traffic robot is heading, or came from in the tick just past; STANDING for neither.

    Robots that drive through are between two nodes in every other tick only.
    """
    node, to = agents.node[agent], agents.to[agent]
    dx, dy = agents.x_m[agent] - agents.x0_m[agent], agents.y_m[agent] - agents.y0_m[agent]
    if to >= 0:
        dx, dy = x_of(to, senses) - x_of(node, senses), y_of(to, senses) - y_of(node, senses)
    return STANDING if dx == 0.0 and dy == 0.0 else heading(dx, dy)


def hear_at(tick: int, node: int, senses: Senses) -> None:
    """Bring a node's running means up to this tick."""
    if senses.heard[node] == tick:
        return
    touch(node, senses)
    left = faded(senses.fleet_fade, tick - senses.heard[node])
    for way in range(senses.fleet.shape[1]):
        senses.fleet[node, way] = (0.0 + float(senses.fleet[node, way])) * left
    senses.heard[node] = tick


HELPERS = (
    count, follow, learn, note, set_view, false_alarms, look, way_of, hear_at, hear_fleet,
    sense_tick,
)  # fmt: skip
ENTRIES = (sense_tick,)
