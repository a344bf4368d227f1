"""The best charging for a fixed sequence of stops: a table of labels, one row per stop."""

from __future__ import annotations

from typing import Any, NamedTuple

from .batch import (
    INFINITE,
    NEAR,
    Batch,
    Now,
    begins,
    by_plug,
    kg_after,
    on_board_after,
    passing,
    stop_at,
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
    clock: Any  # float64 (S + 1,) when so many stops are done without charging
    rest: Any  # float64 (S + 1,) what the others cost then
    slope: Any  # float64 (S + 1,) and by how much more each second of delay


def beats(a: Now, b: Now, weight: float) -> bool:
    """Whether whatever b can do from here, a can do at no higher cost.

    Where a lags behind b, every order still open may become so much later. Time is never quite
    free: of plans that cost the same the earliest is left.
    """
    lag = max(0.0, a.time - b.time)
    return a.wh >= b.wh and a.cost + max(weight, LEAST_WEIGHT) * lag <= b.cost


def keep(table: Table, row: int, new: Now, weight: float, before: int, plug: int) -> None:
    """Add a label to a row, unless another beats it; those that it beats go."""
    count = int(table.count[row])
    j = 0
    while j < count:
        old = Now(table.cost[row, j], table.time[row, j], table.wh[row, j])
        if beats(old, new, weight):
            return
        if beats(new, old, weight):
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


def look_ahead(batch: Batch, table: Table, tour: Any) -> None:
    """Fill in `clock`, `rest` and `slope`: what a tour costs from each stop on without charging.

    The lateness of what is left is a convex function of the clock that never falls, so that with
    these three it is bounded below; a wait for a release takes up the delays before it.
    """
    now, here = Now(0.0, 0.0, INFINITE), 0
    table.clock[0], table.rest[0] = 0.0, 0.0
    for row in range(tour.shape[0]):
        there = int(tour[row])
        order = int(batch.order_of[there])
        arrival = now.time + batch.time[here, there]
        now = stop_at(batch, now, here, there, 0.0)
        table.clock[row + 1], table.rest[row + 1] = now.time, now.cost
        late = there == batch.last[order] and now.time >= batch.due[order]
        table.slope[row + 1] = batch.weight[order] if late else 0.0
        if there == batch.first[order] and arrival < batch.release[order]:
            table.slope[row + 1] = -1.0
        here = there
    slope = 0.0
    for row in range(tour.shape[0], -1, -1):
        own = table.slope[row] if row > 0 else 0.0
        table.slope[row], table.rest[row] = slope, now.cost - table.rest[row]
        slope = 0.0 if own < 0.0 else slope + own


def may_pass(table: Table, row: int, now: Now, limit: float) -> bool:
    """Whether a label may still lead to a cost below `limit`."""
    delay = max(0.0, now.time - table.clock[row])
    return bool(now.cost + table.rest[row] + table.slope[row] * delay < limit)


def extend(
    batch: Batch, table: Table, row: int, here: int, there: int, kg: float, plugs: bool,
    weight: float, limit: float,
) -> None:  # fmt: skip
    """All labels of the next row: straight on, and by every charger and level."""
    levels = batch.levels.shape[0]
    table.count[row + 1] = 0
    for j in range(int(table.count[row])):
        now = Now(table.cost[row, j], table.time[row, j], table.wh[row, j])
        straight = stop_at(batch, now, here, there, kg)
        if straight.cost < limit and may_pass(table, row + 1, straight, limit):
            keep(table, row + 1, straight, weight, j, -1)
        if not plugs:
            continue
        for k in range(batch.power_w.shape[0]):
            if not may_pass(table, row + 1, passing(batch, now, here, k, there), limit):
                continue
            for level in range(levels):
                then = by_plug(batch, now, here, k, level, there, kg)
                if then.cost < limit and may_pass(table, row + 1, then, limit):
                    keep(table, row + 1, then, weight, j, k * levels + level)


def tabulate(batch: Batch, table: Table, tour: Any, limit: float) -> float:
    """The least cost of the stops of `tour` in this sequence; infinite where it reaches `limit`,
    where an order is begun on a full robot or ends before one that it is to follow, or where no
    charging makes the charge suffice.
    """
    look_ahead(batch, table, tour)
    if not table.rest[0] < limit:
        return INFINITE
    weight, kg, on_board = 0.0, 0.0, 0
    for order in range(batch.weight.shape[0]):
        weight += batch.weight[order]
        if batch.aboard[order]:
            kg += batch.kg[order]
            on_board += 1
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
        plugs = batch.energy and (batch.loaded or on_board == 0)
        extend(batch, table, row, here, there, kg, plugs, max(0.0, weight), limit)
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


HELPERS = (beats, keep, look_ahead, may_pass, extend, may_end, cheapest, tabulate)
ENTRIES = (label_table,)
