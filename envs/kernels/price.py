"""From evidence to costs: the nodes whose evidence may have moved, and what they cost now."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .sense_floor import x_of, y_of
from .sense_state import (
    CHANGED,
    COLS,
    RADIUS_M,
    REACH,
    REFRESHED,
    STANDING,
    TICK_S,
    TRACK_TICKS,
    Senses,
    faded,
)
from .state import PERSON

# Places in `ints`: nodes alive, where the turn goes on, nodes around the robot, nodes picked, the
# number of this refresh, people seen;
LIVING, CURSOR, AROUND, PICKED, ROUND, SEEN = 0, 1, 2, 3, 4, 5
# how many values moved, by layer;
MOVED = 6
CONGESTION, RISK, ENERGY, ONCOMING = 0, 1, 2, 3
# fixed: 1 where a layer is wanted, and refreshes in a turn.
WANTED, TURNS = 10, 14
PRICE_INTS = 15

# Places in `floats`: fixed, but for the joules of a metre at the present payload.
PRIOR_S, SAME_WAY, NEAR_AREA, STAY_S, TRACK_WEIGHT, SPEED_M_S, AMBIENT_W, DRIVE_J = range(8)
TOLERANCE = 8  # four: a value is handed on only where it moved by more
PRICE_FLOATS = 12

GONE = 1e-6  # evidence in seconds, or mean robots, that counts as none
STANDS_S = 2.0  # (a) who has stood so long is taken to stand
FULL = 0.9  # no place is taken to be fuller


class Pricing(NamedTuple):
    """What layers are made from beside the senses. Sizes: n nodes, v around, e edges, a agents."""

    ints: Any  # int64 (PRICE_INTS,)
    floats: Any  # float64 (PRICE_FLOATS,)
    presence: Any  # float32 (n,): people expected on a node before anything was seen
    near_presence: Any  # float32 (n,): and within `near_m` of it
    pace: Any  # float64 (1,) or (n,): seconds per metre with nobody about
    alive: Any  # int32 (n,): nodes whose evidence has not faded yet
    is_alive: Any  # bool (n,)
    around: Any  # int64 (v,): nodes around the robot
    picked: Any  # int64 (n,): nodes whose evidence may have moved
    marked: Any  # int32 (n,): the refresh in which a node was picked last
    people: Any  # int64 (a,): people seen lately
    in_ptr: Any  # int64 (n + 1,), and int32 (e,): the edges into a node, their headings (0 to 3)
    in_edges: Any
    in_ways: Any
    moved: Any  # int64 (3, n): the nodes where a layer moved
    values: Any  # float64 (3, n): what it is there now
    moved_edges: Any  # int64 (e,), float64 (e,): the same of the layer per edge
    edge_values: Any


def refresh_layers(tick, robot, at_x, at_y, senses, pricing, congestion, risk, energy, oncoming):
    """Pick the nodes whose evidence may have moved, and list the values of layers that moved.

    `robot` is the node of the robot where somebody was just seen and counts, -1 else; the layers
    are read, not written.
    """
    people_seen(tick, senses, pricing)
    near = robot if pricing.ints[SEEN] > 0 else -1
    pick_stale(tick, near, senses, pricing)
    ints = pricing.ints
    for k in range(4):
        ints[MOVED + k] = 0
    for k in range(ints[PICKED]):
        node = pricing.picked[k]
        pace = pricing.pace[node] if pricing.pace.shape[0] > 1 else pricing.pace[0]
        near_rate, rate = rates_at(node, tick, senses, pricing)
        delay = 0.0
        if ints[WANTED + CONGESTION]:
            delay = delays(node, tick, pace, rate, senses, pricing, congestion, oncoming)
        if ints[WANTED + RISK]:
            if ints[AROUND] > 0:
                near_rate += tracked(node, tick, at_x, at_y, senses, pricing)
            hand_on(RISK, node, -math.expm1(-near_rate * pace), risk, pricing)
        if ints[WANTED + ENERGY]:
            joules = pricing.floats[AMBIENT_W] * (pace + delay) + pricing.floats[DRIVE_J]
            hand_on(ENERGY, node, joules / 3600.0, energy, pricing)


def people_seen(tick: int, senses: Senses, pricing: Pricing) -> None:
    """List the people seen lately."""
    count = 0
    for agent in range(senses.tracks.shape[0]):
        stamp = senses.tracks[agent, 0]
        lately = stamp > 0 and tick - stamp <= senses.floats[TRACK_TICKS]
        if lately and senses.tracks[agent, 3] == PERSON:
            pricing.people[count] = agent
            count += 1
    pricing.ints[SEEN] = count


def pick_stale(tick: int, robot: int, senses: Senses, pricing: Pricing) -> None:
    """Pick what was touched, a share of what fades, what lies around the robot and lay before."""
    ints = pricing.ints
    ints[ROUND] += 1
    ints[PICKED] = 0
    for k in range(senses.ints[CHANGED]):
        node = senses.changed[k]
        if not pricing.is_alive[node]:
            pricing.is_alive[node] = True
            pricing.alive[ints[LIVING]] = node
            ints[LIVING] += 1
        pick(node, pricing)
    senses.ints[REFRESHED], senses.ints[CHANGED] = tick, 0
    take_turn(tick, senses, pricing)
    for k in range(ints[AROUND]):
        pick(pricing.around[k], pricing)
    look_round(robot, senses, pricing)
    for k in range(ints[AROUND]):
        pick(pricing.around[k], pricing)


def pick(node: int, pricing: Pricing) -> None:
    """Pick a node, once a refresh."""
    if pricing.marked[node] != pricing.ints[ROUND]:
        pricing.marked[node] = pricing.ints[ROUND]
        pricing.picked[pricing.ints[PICKED]] = node
        pricing.ints[PICKED] += 1


def take_turn(tick: int, senses: Senses, pricing: Pricing) -> None:
    """Pick the next share of the nodes whose evidence fades; those where none is left drop out."""
    ints, alive = pricing.ints, pricing.alive
    living = ints[LIVING]
    first = ints[CURSOR] if ints[CURSOR] < living else 0
    share = max(32, -(-living // ints[TURNS]))
    last = min(living, first + share)
    keep = first
    for k in range(first, last):
        node = alive[k]
        pick(node, pricing)
        if is_fresh(node, tick, senses):
            alive[keep] = node
            keep += 1
        else:
            pricing.is_alive[node] = False
    gone = last - keep
    source = max(last, living - gone)
    for k in range(source, living):
        alive[keep + k - source] = alive[k]
    ints[LIVING], ints[CURSOR] = living - gone, keep


def is_fresh(node: int, tick: int, senses: Senses) -> bool:
    """Whether anything is left of the evidence of a node."""
    seen = faded(senses.fade, tick - senses.looked[node])
    heard = faded(senses.fleet_fade, tick - senses.heard[node])
    fresh = False
    for k in range(senses.evidence.shape[1]):
        fresh = fresh or senses.evidence[node, k] * seen > GONE
    for k in range(senses.fleet.shape[1]):
        fresh = fresh or senses.fleet[node, k] * heard > GONE
    return fresh


def look_round(robot: int, senses: Senses, pricing: Pricing) -> None:
    """List the free nodes around the robot; none for -1."""
    count, cols = 0, senses.ints[COLS]
    if robot >= 0 and cols == 0:
        for k in range(senses.view_ptr[robot], senses.view_ptr[robot + 1]):
            pricing.around[count] = senses.view_ids[k]
            count += 1
    elif robot >= 0:
        reach, rows = senses.ints[REACH], senses.solid.shape[0] // cols
        row, col = robot // cols, robot % cols
        for r in range(max(0, row - reach), min(rows, row + reach + 1)):
            for node in range(
                r * cols + max(0, col - reach), r * cols + min(cols, col + reach + 1)
            ):
                if senses.solid[node] == 0:
                    pricing.around[count] = node
                    count += 1
    pricing.ints[AROUND] = count


def rates_at(node: int, tick: int, senses: Senses, pricing: Pricing) -> tuple[float, float]:
    """People expected within `near_m` of a node, and on it, by prior and sightings."""
    share = faded(senses.fade, tick - senses.looked[node])
    prior_s = pricing.floats[PRIOR_S]
    seen_s = senses.evidence[node, 0] * share + prior_s
    near = prior_s * pricing.near_presence[node] + senses.evidence[node, 1] * share
    there = prior_s * pricing.presence[node] + senses.evidence[node, 2] * share
    return near / seen_s, there / seen_s


def delays(node, tick, pace, people, senses, pricing, congestion, oncoming):
    """Seconds per metre lost on a node, by way of the edges into it too.

    Robots that stand weigh 1, those that move `same_way` for whom they go along with.
    """
    fleet, share = senses.fleet, faded(senses.fleet_fade, tick - senses.heard[node])
    same_way = pricing.floats[SAME_WAY]
    moving = 0.0
    for k in range(fleet.shape[1] - 1):
        moving += fleet[node, k] * share
    shared = people + fleet[node, fleet.shape[1] - 1] * share + same_way * moving
    delay = delay_s(pace, shared)
    hand_on(CONGESTION, node, delay, congestion, pricing)
    if pricing.ints[WANTED + ONCOMING] and fleet.shape[1] > STANDING:
        for k in range(pricing.in_ptr[node], pricing.in_ptr[node + 1]):
            along = fleet[node, pricing.in_ways[k]] * share
            more = delay_s(pace, shared + (1.0 - same_way) * (moving - along)) - delay
            hand_on_edge(pricing.in_edges[k], max(more, 0.0), oncoming, pricing)
    return delay


def delay_s(pace: float, rho: float) -> float:
    """Seconds per metre lost where on average `rho` bodies are in the way: T rho / (1 - rho)."""
    return pace * rho / (1.0 - min(rho, FULL))


def tracked(node, tick, at_x, at_y, senses, pricing):
    """Chance that a person seen just now is near a node when the robot could be there.

    Who stands stays for `stay_s` on average; who walks goes on as last seen, or stops there.
    How sure that is shrinks with the time ahead. The disc of `near_m` is taken as a bell of the
    same area: r2 / s2 exp(-d2 / s2) with s2 = r2 + 2 sigma2.
    """
    floats, area = pricing.floats, pricing.floats[NEAR_AREA]
    x, y = x_of(node, senses), y_of(node, senses)
    reach_m = senses.floats[RADIUS_M]
    if abs(x - at_x) > reach_m or abs(y - at_y) > reach_m:
        return 0.0
    ahead_s = math.hypot(x - at_x, y - at_y) / floats[SPEED_M_S]
    chance = 0.0
    for k in range(pricing.ints[SEEN]):
        agent = pricing.people[k]
        stamp, since = senses.tracks[agent, 0], senses.tracks[agent, 2]
        later_s = (tick - stamp) * senses.floats[TICK_S] + ahead_s
        stands = (stamp - since) * senses.floats[TICK_S] >= STANDS_S
        dx, dy = x - senses.motion[agent, 0], y - senses.motion[agent, 1]
        stays = math.exp(-later_s / floats[STAY_S]) * math.exp(-(dx * dx + dy * dy) / area)
        if stands:
            chance += stays
        else:
            spread = area + 2.0 * (0.3 + 0.5 * later_s) ** 2
            dx -= senses.motion[agent, 2] * later_s
            dy -= senses.motion[agent, 3] * later_s
            goes = 0.7 * area / spread * math.exp(-(dx * dx + dy * dy) / spread)
            chance += floats[TRACK_WEIGHT] * (0.3 * stays + goes)
    return chance


def hand_on(layer: int, node: int, value: float, held: Any, pricing: Pricing) -> None:
    """List a value of a layer where it has moved."""
    if abs(value - held[node]) > pricing.floats[TOLERANCE + layer]:
        place = pricing.ints[MOVED + layer]
        pricing.moved[layer, place] = node
        pricing.values[layer, place] = value
        pricing.ints[MOVED + layer] = place + 1


def hand_on_edge(edge: int, value: float, held: Any, pricing: Pricing) -> None:
    """The same of the layer per edge."""
    if abs(value - held[edge]) > pricing.floats[TOLERANCE + ONCOMING]:
        place = pricing.ints[MOVED + ONCOMING]
        pricing.moved_edges[place] = edge
        pricing.edge_values[place] = value
        pricing.ints[MOVED + ONCOMING] = place + 1


HELPERS = (
    people_seen, pick, is_fresh, take_turn, look_round, pick_stale, rates_at, delay_s, tracked,
    hand_on, hand_on_edge, delays,
)  # fmt: skip
ENTRIES = (refresh_layers,)
