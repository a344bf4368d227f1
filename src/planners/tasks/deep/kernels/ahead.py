"""What the rest of a fixed tour costs at least, from each of its stops on.

Two bounds on the lateness to come, both exact for a robot that never charges. One knows releases:
arrivals without charging, later by the delay up to here, until a wait takes that up. One knows
energy: what has been spent by a stop must have been charged by then, as far as it was not on board
at the start, at the fastest charger and without any detour.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .batch import (
    INFINITE,
    SLACK_WH,
    Batch,
    Now,
    at_start,
    kg_after,
    on_board_after,
    stop_at,
    way_out,
)


class Ahead(NamedTuple):
    """By how many stops are done, float64 (S + 1,); S stops."""

    clock: Any  # when so many stops are done without charging, s
    rest: Any  # what the others cost then
    slope: Any  # and by how much more each second of delay
    legs: Any  # cost of the legs left
    drive: Any  # least seconds of driving up to here
    spent: Any  # least Wh up to here
    paced: Any  # lateness of the others, where charging takes as little time as it can
    pacing: Any  # and by how much more each second lost
    must: Any  # Wh that must be left here
    need: Any  # Wh with which the others can be done without charging
    detour: Any  # what one more charge adds to the legs at least


def look_ahead(batch: Batch, ahead: Ahead, tour: Any) -> None:
    """Fill in `clock`, `rest`, `slope` and `legs`: a walk along the tour without charging.

    The lateness of what is left is a convex function of the clock that never falls, so that with
    these it is bounded below; a wait for a release takes up the delays before it.
    """
    now, here, stops = Now(0.0, 0.0, INFINITE), 0, tour.shape[0]
    ahead.clock[0], ahead.rest[0], ahead.legs[0] = 0.0, 0.0, 0.0
    for row in range(stops):
        there = int(tour[row])
        order = int(batch.order_of[there])
        arrival = now.time + batch.time[here, there]
        now = stop_at(batch, now, here, there, 0.0)
        ahead.clock[row + 1], ahead.rest[row + 1] = now.time, now.cost
        ahead.legs[row + 1] = ahead.legs[row] + batch.cost[here, there]
        late = there == batch.last[order] and now.time >= batch.due[order]
        ahead.slope[row + 1] = batch.weight[order] if late else 0.0
        if there == batch.first[order] and arrival < batch.release[order]:
            ahead.slope[row + 1] = -1.0
        here = there
    slope, legs = 0.0, float(ahead.legs[stops])
    for row in range(stops, -1, -1):
        own = ahead.slope[row] if row > 0 else 0.0
        ahead.slope[row], ahead.rest[row] = slope, now.cost - ahead.rest[row]
        ahead.legs[row] = legs - ahead.legs[row]
        slope = 0.0 if own < 0.0 else slope + own


def look_at_energy(batch: Batch, ahead: Ahead, tour: Any) -> None:
    """Fill in the others, along a tour on which all can be reached; nothing is ever short of energy
    where it does not matter.

    A robot that has what the rest of the tour needs gains nothing by charging, as a way by a
    charger never costs less than straight on; one that has less charges once more at least.
    """
    stops = tour.shape[0]
    for row in range(stops + 1):
        ahead.need[row], ahead.paced[row], ahead.pacing[row] = -INFINITE, 0.0, 0.0
    if not batch.energy:
        return
    here = 0
    kg, on_board = at_start(batch)
    ahead.drive[0], ahead.spent[0] = 0.0, 0.0
    for row in range(stops):
        there = int(tour[row])
        add_leg(batch, ahead, row, here, there, kg, batch.loaded or on_board == 0)
        on_board = on_board_after(batch, on_board, there)
        kg = kg_after(batch, kg, there)
        ahead.must[row + 1] = batch.reserve_wh
        if there == batch.last[batch.order_of[there]]:
            ahead.must[row + 1] += way_out(batch, there, kg)
        here = there
    ahead.need[stops], ahead.detour[stops] = 0.0, INFINITE
    for row in range(stops - 1, -1, -1):
        ahead.need[row] += max(ahead.need[row + 1], ahead.must[row + 1])
        ahead.detour[row] = min(ahead.detour[row], ahead.detour[row + 1])
        pace(batch, ahead, row + 1, int(tour[row]))


def add_leg(
    batch: Batch, ahead: Ahead, row: int, here: int, there: int, kg: float, may_plug: bool
) -> None:
    """One leg of the tour: Wh straight on (in `need`); least seconds, Wh and detour by any way."""
    chargers = batch.power_w.shape[0]
    at = batch.order_of.shape[0] - chargers
    seconds = float(batch.time[here, there])
    straight = float(batch.margin * (batch.wh[here, there] + batch.wh_kg[here, there] * kg))
    ahead.need[row], ahead.detour[row], spent = straight, INFINITE, straight
    for place in range(chargers if may_plug else 0):
        k = int(batch.plugs[here, there, place])
        if k < 0:
            break
        cost = batch.cost[here, at + k] + batch.cost[at + k, there] - batch.cost[here, there]
        ahead.detour[row] = min(ahead.detour[row], max(0.0, cost))
        wait, on = batch.queue[here, k], batch.time[at + k, there]
        seconds = min(seconds, batch.time[here, at + k] + wait + on)
        wh = batch.wh[here, at + k] + batch.wh[at + k, there]
        wh += (batch.wh_kg[here, at + k] + batch.wh_kg[at + k, there]) * kg
        spent = min(spent, batch.margin * wh + batch.ambient_w * wait / 3600.0)
    ahead.drive[row + 1] = ahead.drive[row] + seconds
    ahead.spent[row + 1] = ahead.spent[row] + spent


def pace(batch: Batch, ahead: Ahead, row: int, there: int) -> None:
    """Take a stop into `paced` and `pacing` of the row before it."""
    ahead.paced[row - 1], ahead.pacing[row - 1] = ahead.paced[row], ahead.pacing[row]
    order = int(batch.order_of[there])
    if there == batch.last[order]:
        short = max(0.0, ahead.spent[row] + ahead.must[row] - batch.charge_wh)
        late = ahead.drive[row] + batch.rate * short - batch.due[order]
        if late >= 0.0:
            ahead.paced[row - 1] += batch.weight[order] * late
            ahead.pacing[row - 1] += batch.weight[order]


def least_cost(batch: Batch, ahead: Ahead, row: int, now: Now) -> float:
    """What a plan costs at least that is so far after `row` stops; charged Wh are seconds used."""
    if not now.cost < INFINITE:
        return INFINITE
    least = now.cost + ahead.rest[row] + ahead.slope[row] * max(0.0, now.time - ahead.clock[row])
    if now.wh + SLACK_WH < ahead.need[row]:
        charged = max(0.0, now.wh + ahead.spent[row] - batch.charge_wh)
        lost = now.time - ahead.drive[row] - batch.rate * charged
        late = ahead.paced[row] + ahead.pacing[row] * lost
        least = max(least, now.cost + ahead.legs[row] + late) + ahead.detour[row]
    return float(least)


HELPERS = (look_ahead, add_leg, pace, look_at_energy, least_cost)
