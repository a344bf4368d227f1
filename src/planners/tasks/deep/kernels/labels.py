"""The best charging for a fixed sequence of stops: a table of labels, one row per stop."""

from __future__ import annotations

from typing import Any, NamedTuple

from .ahead import Ahead, least_cost, look_ahead, look_at_energy
from .batch import (
    INFINITE,
    NEAR,
    SLACK_WH,
    Batch,
    Now,
    arrive,
    at_start,
    begins,
    charger_at,
    kg_after,
    leave,
    on_board_after,
    passing,
    plug_in,
)

LEAST_WEIGHT = 1e-6  # cost of a second in comparisons, where no lateness counts


class Table(NamedTuple):
    """Labels that no other beats, by how many stops are done; S stops, room for R in a row."""

    cost: Any  # float64 (S + 1, R)
    time: Any  # float64 (S + 1, R)
    wh: Any  # float64 (S + 1, R)
    before: Any  # int64 (S + 1, R) the label in the row above
    plug: Any  # int64 (S + 1, R) charger * levels + level just before this stop, or -1
    count: Any  # int64 (S + 1,)
    cut: Any  # int64 (1,) how many labels found no room
    best: Any  # int64 (1,) the label of the last row that counts
    ahead: Ahead


def beats(a: Now, b: Now, weight: float, enough: float) -> bool:
    """Whether whatever b can do from here, a can do at no higher cost; `enough` Wh serve for all.

    Where a lags behind b, every order still open may become so much later. Time is never quite
    free: of plans that cost the same the earliest is left.
    """
    lag = max(0.0, a.time - b.time)
    return (a.wh >= b.wh or a.wh >= enough) and a.cost + max(weight, LEAST_WEIGHT) * lag <= b.cost


def keep(table: Table, row: int, new: Now, weight: float, before: int, plug: int) -> None:
    """Add a label to a row, unless another beats it; those that it beats go."""
    count, enough = int(table.count[row]), float(table.ahead.need[row])
    j = 0
    while j < count:
        old = Now(table.cost[row, j], table.time[row, j], table.wh[row, j])
        if beats(old, new, weight, enough):
            return
        if beats(new, old, weight, enough):
            count -= 1
            table.cost[row, j] = table.cost[row, count]
            table.time[row, j] = table.time[row, count]
            table.wh[row, j] = table.wh[row, count]
            table.before[row, j] = table.before[row, count]
            table.plug[row, j] = table.plug[row, count]
        else:
            j += 1
    if count == table.cost.shape[1]:
        table.cut[0] += 1
    else:
        table.cost[row, count], table.time[row, count] = new.cost, new.time
        table.wh[row, count] = new.wh
        table.before[row, count], table.plug[row, count] = before, plug
        count += 1
    table.count[row] = count


def extend(
    batch: Batch, table: Table, row: int, here: int, there: int, kg: float, may_plug: bool,
    weight: float, limit: float,
) -> None:  # fmt: skip
    """All labels of the next row: straight on, and by every charger and level."""
    table.count[row + 1] = 0
    for j in range(int(table.count[row])):
        now = Now(table.cost[row, j], table.time[row, j], table.wh[row, j])
        offer(batch, table, row + 1, arrive(batch, now, here, there, kg), weight, limit, j, -1)
        if not may_plug or now.wh >= table.ahead.need[row]:
            continue
        for place in range(batch.power_w.shape[0]):
            k = int(batch.plugs[here, there, place])
            if k < 0:
                break
            by_way = passing(batch, now, here, k, there)
            if least_cost(batch, table.ahead, row + 1, by_way) < limit:
                charge(batch, table, row, now, here, k, there, kg, weight, limit, j)


def charge(
    batch: Batch, table: Table, row: int, now: Now, here: int, k: int, there: int, kg: float,
    weight: float, limit: float, before: int,
) -> None:  # fmt: skip
    """Labels of the next row by way of a charger: to every level, as long as more may help."""
    levels, charger = batch.levels.shape[0], charger_at(batch, k)
    for level in range(levels):
        full = plug_in(batch, now, here, k, level, kg)
        if not full.cost < INFINITE:
            break
        if level > 0 and full.wh > batch.levels[level] + SLACK_WH:
            continue  # the same as the level before: nothing is charged
        there_on = leave(batch, now, full, here, k, there)
        then = arrive(batch, there_on, charger, there, kg)
        offer(batch, table, row + 1, then, weight, limit, before, k * levels + level)
        if then.wh >= max(table.ahead.need[row + 1], table.ahead.must[row + 1]):
            break


def offer(
    batch: Batch, table: Table, row: int, new: Now, weight: float, limit: float, before: int,
    plug: int,
) -> None:  # fmt: skip
    """Keep a label with the charge that its stop asks for, if it may lead to less than `limit`."""
    if batch.energy and new.wh + SLACK_WH < table.ahead.must[row]:
        return
    if least_cost(batch, table.ahead, row, new) < limit:
        keep(table, row, new, weight, before, plug)


def tabulate(batch: Batch, table: Table, tour: Any, limit: float) -> float:
    """The least cost of the stops of `tour` in this sequence; infinite where it reaches `limit`,
    where an order is begun on a full robot or ends before one that it is to follow, or where no
    charging makes the charge suffice.
    """
    look_ahead(batch, table.ahead, tour)
    if not table.ahead.rest[0] < limit:
        return INFINITE
    look_at_energy(batch, table.ahead, tour)
    if not least_cost(batch, table.ahead, 0, Now(0.0, 0.0, batch.charge_wh)) < limit:
        return INFINITE
    kg, on_board = at_start(batch)
    weight = 0.0
    for order in range(batch.weight.shape[0]):
        weight += batch.weight[order]
    table.cost[0, 0], table.time[0, 0], table.wh[0, 0] = 0.0, 0.0, batch.charge_wh
    table.count[0], table.cut[0] = 1, 0
    here = 0
    for row in range(tour.shape[0]):
        there = int(tour[row])
        order = int(batch.order_of[there])
        if begins(batch, there) and on_board >= batch.capacity:
            return INFINITE
        if there == batch.last[order]:
            if not may_end(batch, tour, row, order):
                return INFINITE
            weight -= batch.weight[order]
        may_plug = batch.energy and (batch.loaded or on_board == 0)
        extend(batch, table, row, here, there, kg, may_plug, max(0.0, weight), limit)
        if table.count[row + 1] == 0:
            return INFINITE
        on_board = on_board_after(batch, on_board, there)
        kg = kg_after(batch, kg, there)
        here = there
    table.best[0] = cheapest(table, tour.shape[0])
    return float(table.cost[tour.shape[0], table.best[0]])


def may_end(batch: Batch, tour: Any, row: int, order: int) -> bool:
    """Whether all orders that an order is to follow end within the first `row` stops."""
    for pair in range(batch.follows.shape[0]):
        if batch.follows[pair, 0] == order:
            end = batch.last[batch.follows[pair, 1]]
            at = 0
            while at < row and tour[at] != end:
                at += 1
            if at == row:
                return False
    return True


def cheapest(table: Table, row: int) -> int:
    """The label of least cost in a row; of those that are as good as equal the earliest."""
    least = INFINITE
    for j in range(int(table.count[row])):
        least = min(least, float(table.cost[row, j]))
    best, limit = -1, least + NEAR * max(1.0, least)
    for j in range(int(table.count[row])):
        sooner = best < 0 or table.time[row, j] < table.time[row, best]
        if table.cost[row, j] <= limit and sooner:
            best = j
    return best


def label_table(batch, table, tour, limit):  # type: ignore[no-untyped-def]
    """`tabulate` for one tour."""
    return tabulate(batch, table, tour, limit)


HELPERS = (beats, keep, offer, charge, extend, may_end, cheapest, tabulate)
ENTRIES = (label_table,)
