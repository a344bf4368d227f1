"""Static batches of orders: made by seed, worked off decision by decision, judged by exact best.

A batch is served one order at a time; its objective is the interface's: the leg costs plus the
weighted lateness of every order at its drop.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from envs.driver import snapshot_of
from envs.layouts import ready
from envs.streams import stream
from envs.world import World
from planners import plan
from planners.tasks import Candidate, Chooser, Legs, Order, Snapshot

MAX_EXACT = 6  # orders whose sequences are all tried
DUE_S = (60.0, 150.0)  # (a) due after this many seconds an order: some come late in any sequence
PRIORITY_SHARES = {"urgent": 0.2, "normal": 0.6, "low": 0.2}  # (a)
CLOSE = 1e-6  # relative: two ways to sum the same legs


def batch(layout: str, stops: int, seed: int, notes: str = "") -> Snapshot:
    """A standing robot and ``stops / 2`` orders from storage to a station, all released.

    Raises ValueError for stops that are no even number from 4.
    """
    if stops < 4 or stops % 2:
        raise ValueError(f"a batch has an even number of stops from 4, not {stops}: a pick, a drop")
    floor = ready(layout, seed)
    snapshot = snapshot_of(World(floor, seed=seed, workers=6, orders=[]))
    rng = stream(seed, "batch", stops)
    count = stops // 2
    orders = tuple(
        Order(
            f"O{k}",
            stops=(int(rng.choice(floor.storage)), int(rng.choice(floor.stations))),
            due_s=snapshot.time_s + float(rng.uniform(*DUE_S)) * (1 + k % count),
            kg=float(rng.uniform(1.0, 20.0)),
            priority=str(rng.choice(list(PRIORITY_SHARES), p=list(PRIORITY_SHARES.values()))),
        )
        for k in range(1, count + 1)
    )
    return replace(snapshot, orders=orders, notes=notes)


@dataclass(frozen=True)
class Sequences:
    """The least and the greatest objective of all sequences, and with which order each begins."""

    best_s: float
    best_first: str
    worst_s: float
    worst_first: str


def sequences(snapshot: Snapshot, ids: tuple[str, ...]) -> Sequences:
    """Every sequence of these orders, tried: an oracle, at most `MAX_EXACT` of them.

    Raises ValueError for more, for none, or for orders that cannot be reached.
    """
    orders = {order.id: order for order in snapshot.orders if order.id in ids}
    if not 0 < len(orders) <= MAX_EXACT:
        raise ValueError(f"{len(orders)} orders to put in sequence: 1 to {MAX_EXACT} can be tried")
    legs = Legs(snapshot)
    begin = {o: _way(legs, order, None) for o, order in orders.items()}
    after = {
        (a, b): _way(legs, orders[b], orders[a].drop) for a in orders for b in orders if a != b
    }

    def total_s(sequence: tuple[str, ...]) -> float:
        cost_s, took_s = begin[sequence[0]]
        now_s, before = snapshot.time_s + took_s, sequence[0]
        late_s = orders[before].lateness_s(now_s, snapshot.lateness_weights)
        for name in sequence[1:]:
            more_s, took_s = after[before, name]
            now_s, before = now_s + took_s, name
            cost_s += more_s
            late_s += orders[name].lateness_s(now_s, snapshot.lateness_weights)
        return cost_s + late_s

    tried = [(total_s(sequence), sequence[0]) for sequence in permutations(orders)]
    (best_s, best), (worst_s, worst) = min(tried), max(tried)
    return Sequences(best_s, best, worst_s, worst)


def _way(legs: Legs, order: Order, start: int | None) -> tuple[float, float]:
    """Cost and time from a node (None: the robot) through an order."""
    found = legs.order(order, start)
    if found is None:
        raise ValueError(f"{order.id} cannot be reached")
    return math.fsum(leg.cost_s for leg in found), math.fsum(leg.time_s for leg in found)


@dataclass(frozen=True)
class Worked:
    """A batch worked off: its objective, who decided, and what was executed against the rules."""

    total_s: float
    decided_by: tuple[str, ...]
    invalid: tuple[str, ...]


def work_off(snapshot: Snapshot, chooser: Chooser) -> Worked:
    """Serve the batch as the chooser decides; every executed step is judged anew.

    Raises ValueError where it decides for none of the orders although some are left.
    """
    total_s = 0.0
    decided_by: list[str] = []
    invalid: list[str] = []
    while snapshot.orders:
        decision = chooser.choose(snapshot)
        chosen = next((c for c in decision.candidates if c.goal == decision.goal), None)
        if decision.kind != "order" or chosen is None:
            raise ValueError(f"{len(snapshot.orders)} orders are left, decided: {decision.kind}")
        invalid += _faults(snapshot, chosen)
        decided_by.append(decision.decided_by)
        total_s += chosen.cost_s + chosen.lateness_s
        snapshot = replace(
            snapshot,
            time_s=chosen.arrival_s,
            robot=chosen.order.drop,
            charge_wh=snapshot.charge_wh - snapshot.margin * chosen.energy_wh,
            orders=tuple(o for o in snapshot.orders if o.id != chosen.goal),
        )
    return Worked(total_s, tuple(decided_by), tuple(invalid))


def _faults(snapshot: Snapshot, chosen: Candidate) -> Iterator[str]:
    """What is wrong with a step, by a search of its own: order, stops, costs, energy."""
    if chosen.order not in snapshot.orders:
        yield f"{chosen.goal} is not open"
    ends = (snapshot.robot, *chosen.order.stops)
    if tuple(leg.start for leg in chosen.legs) != ends[:-1]:
        yield f"{chosen.goal} does not begin at its stops"
    if tuple(leg.end for leg in chosen.legs) != ends[1:]:
        yield f"{chosen.goal} does not end at its stops"
    label = snapshot.map.label
    for leg in chosen.legs:
        found = plan(snapshot.map, label(leg.start), label(leg.end), costs=snapshot.costs)
        if not np.isclose(found.cost, leg.cost_s, rtol=CLOSE):
            yield f"{chosen.goal}: a leg costs {found.cost}, not {leg.cost_s}"
    needs_wh = snapshot.margin * chosen.energy_wh
    if snapshot.charge_wh - needs_wh < snapshot.reserve_wh:
        yield f"{chosen.goal} goes below the reserve"
