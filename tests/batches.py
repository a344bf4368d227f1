"""Random batches of orders, and an exhaustive search over all their plans in plain Python."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from planners import CostField, GridMap, Layer
from planners.tasks import EnergyModel, Order, Snapshot
from planners.tasks.deep import Instance, make_instance
from planners.tasks.plans import Plan

SHAPE = (9, 12)


def random_snapshot(
    rng: np.random.Generator, orders: int, capacity: int, battery: bool, aboard: float = 0.0,
    chained: float = 0.0, **changes: Any,
) -> Snapshot:  # fmt: skip
    """A grid with walls, congestion and risk; orders of one to three stops, some released later.

    With a battery it holds one to three orders, so that a batch needs charging. `aboard`: the share
    of room that is taken from the start; `chained`: the share of pairs of which one is to follow
    the other.
    """
    blocked = rng.random(SHAPE) < 0.15
    congestion, risk = rng.random(SHAPE), rng.random(SHAPE) * 0.3
    grid = GridMap(blocked, moves="four")
    layers = [Layer("congestion", congestion, 4.0), Layer("risk", risk, 8.0)]
    free = _largest_part(blocked)
    nodes = rng.choice(free, size=4 + 3 * orders, replace=False).tolist()
    drawn = tuple(_random_order(rng, k, nodes, 30.0 * orders) for k in range(orders))
    fields: dict[str, Any] = {
        "time_s": 500.0,
        "map": grid,
        "costs": CostField(grid, base=1.4, layers=layers),
        "robot": nodes[0],
        "charge_wh": math.inf,
        "capacity_wh": math.inf,
        "reserve_wh": 0.2,
        "charge_power_w": float(rng.choice([60.0, 200.0, 600.0])),
        "margin": float(rng.uniform(0.9, 1.5)),
        "payload_kg": float(rng.choice([0.0, 5.0])),
        "orders": drawn,
        "chargers": {"charger-1": nodes[2], "charger-2": nodes[3]},
        "charger_wait_s": {"charger-1": float(rng.choice([0.0, 40.0]))},
        "charger_power_w": {"charger-2": float(rng.choice([100.0, 300.0]))},
        "energy": EnergyModel(ambient_w=20.0, drive_j_per_m=151.0, drive_j_per_m_kg=2.16),
        "capacity": capacity,
    }
    if battery:
        capacity_wh = float(rng.uniform(2.5, 6.0))
        fields["capacity_wh"] = capacity_wh
        fields["charge_wh"] = capacity_wh * float(rng.uniform(0.25, 0.8))
    if aboard or chained:
        fields |= _tied(rng, drawn, capacity, aboard, chained, fields["payload_kg"])
    return Snapshot(**(fields | changes))


def _tied(
    rng: np.random.Generator, orders: tuple[Order, ...], capacity: int, aboard: float,
    chained: float, other_kg: float,
) -> dict[str, Any]:  # fmt: skip
    """What is on board, and which orders are to follow which."""
    shuffled = [orders[k].id for k in rng.permutation(len(orders)).tolist()]
    count = int(rng.binomial(min(capacity, len(orders)), aboard))
    on_board = tuple(shuffled[:count])
    rank = [orders[k].id for k in rng.permutation(len(orders)).tolist()]
    after = {
        late: tuple(soon for soon in rank[:k] if rng.random() < chained)
        for k, late in enumerate(rank)
    }
    kg = math.fsum(order.kg for order in orders if order.id in on_board)
    return {"on_board": on_board, "after": after, "payload_kg": other_kg + kg}


def _random_order(rng: np.random.Generator, k: int, nodes: list[int], span_s: float) -> Order:
    count = int(rng.choice([1, 2, 2, 2, 2, 3]))
    own = [int(node) for node in nodes[4 + 3 * k : 4 + 3 * k + count]]
    if rng.random() < 0.6:
        own[-1] = int(rng.choice(nodes[1:3]))
    due_s = math.inf if rng.random() < 0.2 else 500.0 + float(rng.uniform(0.0, span_s))
    release_s = 500.0 + float(rng.uniform(0, span_s / 2)) if rng.random() < 0.2 else 400.0
    priority = str(rng.choice(["urgent", "normal", "low"]))
    return Order(f"O{k + 1}", tuple(own), release_s, due_s, float(rng.uniform(0, 40)), priority)


def _largest_part(blocked: np.ndarray) -> np.ndarray:
    """Free nodes of the largest part of a four-connected grid."""
    rows, cols = blocked.shape
    left = set(np.flatnonzero(~blocked.reshape(-1)).tolist())
    best: list[int] = []
    while left:
        part = [left.pop()]
        for node in part:
            row, col = divmod(node, cols)
            for r, c in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
                if 0 <= r < rows and 0 <= c < cols and r * cols + c in left:
                    left.remove(r * cols + c)
                    part.append(r * cols + c)
        best = max(best, part, key=len)
    return np.array(sorted(best))


def random_instance(
    seed: int, orders: int, capacity: int, battery: bool, levels: tuple[float, ...] = (0.5, 1.0),
    loaded: bool | None = None, aboard: float = 0.0, chained: float = 0.0, **changes: Any,
) -> Instance:  # fmt: skip
    """A batch of a random snapshot."""
    rng = np.random.default_rng([seed, orders, capacity, battery])
    snapshot = random_snapshot(rng, orders, capacity, battery, aboard, chained, **changes)
    return make_instance(snapshot, levels=levels, loaded=loaded)


@dataclass(frozen=True)
class Robot:
    """Where a robot is in a plan, as the rules of the house say it in words."""

    point: int
    cost_s: float
    time_s: float
    wh: float
    done: tuple[int, ...]
    came_from: tuple[int, float] | None = None  # point and moment before a visit to a charger

    def on_board(self, instance: Instance) -> list[Order]:
        """Orders that were picked, or on board from the start, and not dropped."""
        pairs = zip(instance.orders, self.done, strict=True)
        held = instance.snapshot.on_board
        return [o for o, done in pairs if (done or o.id in held) and done < len(o.stops)]

    def kg(self, instance: Instance) -> float:
        """What is on board, other things than these orders included."""
        snapshot = instance.snapshot
        at_first = sum(o.kg for o in instance.orders if o.id in snapshot.on_board)
        now = sum(order.kg for order in self.on_board(instance))
        return snapshot.payload_kg - at_first + now


def _point(instance: Instance, order: int, place: int) -> int:
    return 1 + sum(len(o.stops) for o in instance.orders[:order]) + place


def _drive(instance: Instance, robot: Robot, there: int) -> Robot | None:
    legs, snapshot = instance.upper, instance.snapshot
    if math.isinf(legs.cost_s[robot.point, there]):
        return None
    kg = robot.kg(instance)
    metres = float(legs.length_m[robot.point, there])
    seconds = float(legs.time_s[robot.point, there])
    wh = robot.wh - snapshot.margin * snapshot.energy.leg_wh(metres, seconds, kg)
    cost_s = robot.cost_s + float(legs.cost_s[robot.point, there])
    clock_s = float(legs.clock_s[robot.point, there])
    return Robot(there, cost_s, robot.time_s + clock_s, wh, robot.done)


def serve(instance: Instance, robot: Robot, order: int) -> Robot | None:
    """The next stop of an order; None where a rule forbids it."""
    snapshot, what, place = instance.snapshot, instance.orders[order], robot.done[order]
    picks = place == 0 and what.id not in snapshot.on_board
    if picks and len(robot.on_board(instance)) >= snapshot.capacity:
        return None
    if place + 1 == len(what.stops):
        sooner = snapshot.after.get(what.id, ())
        pairs = zip(instance.orders, robot.done, strict=True)
        if any(o.id in sooner and done < len(o.stops) for o, done in pairs):
            return None
    robot_there = _drive(instance, robot, _point(instance, order, place))
    if robot_there is None:
        return None
    time_s, cost_s = robot_there.time_s, robot_there.cost_s
    if robot.came_from is not None:  # a millisecond later than straight on, at least
        before, left_s = robot.came_from
        straight_s = left_s + float(instance.upper.clock_s[before, robot_there.point])
        time_s = max(time_s, straight_s + 1e-3)
    if picks:
        time_s = max(time_s, what.release_s - snapshot.time_s)
    done = (*robot.done[:order], place + 1, *robot.done[order + 1 :])
    after = Robot(robot_there.point, cost_s, time_s, robot_there.wh, done)
    if place + 1 < len(what.stops):
        return after
    if after.wh < snapshot.reserve_wh + _way_out_wh(instance, after) - 1e-9:
        return None
    late_s = what.lateness_s(snapshot.time_s + time_s, snapshot.lateness_weights)
    return Robot(after.point, cost_s + late_s, time_s, after.wh, done)


def _queue(instance: Instance, there: int, name: str) -> tuple[float, float]:
    """Seconds of waiting for a plug, coming from a point, and what they draw."""
    snapshot = instance.snapshot
    charger = len(instance.nodes) - len(instance.chargers) + instance.chargers.index(name)
    drive_s = float(instance.upper.time_s[there, charger])
    wait_s = max(0.0, snapshot.charger_wait_s.get(name, 0.0) - drive_s)
    return wait_s, snapshot.energy.ambient_w * wait_s / 3600.0


def _way_out_wh(instance: Instance, robot: Robot) -> float:
    snapshot, legs = instance.snapshot, instance.upper
    if math.isinf(robot.wh):
        return 0.0
    kg = robot.kg(instance)
    needs = [0.0] if not instance.chargers else []
    for k, name in enumerate(instance.chargers):
        charger = len(instance.nodes) - len(instance.chargers) + k
        if math.isfinite(legs.cost_s[robot.point, charger]):
            metres = float(legs.length_m[robot.point, charger])
            seconds = float(legs.time_s[robot.point, charger])
            way_wh = snapshot.energy.leg_wh(metres, seconds, kg)
            needs.append(way_wh + _queue(instance, robot.point, name)[1])
    return min(needs, default=math.inf)


def charge(instance: Instance, robot: Robot, name: str, level_wh: float) -> Robot | None:
    """A visit to a charger; None where a rule forbids it."""
    snapshot = instance.snapshot
    if robot.on_board(instance) and not instance.batch.loaded:
        return None
    charger = len(instance.nodes) - len(instance.chargers) + instance.chargers.index(name)
    wait_s, wait_wh = _queue(instance, robot.point, name)
    there = _drive(instance, robot, charger)
    if there is None or there.wh - wait_wh < snapshot.reserve_wh - 1e-9:
        return None
    wh = there.wh - wait_wh
    power_w = snapshot.charger_power_w.get(name, snapshot.charge_power_w)
    time_s = there.time_s + wait_s + 3600.0 * max(0.0, level_wh - wh) / power_w
    came_from = (robot.point, robot.time_s)
    return Robot(charger, there.cost_s, time_s, max(wh, level_wh), there.done, came_from)


def start(instance: Instance) -> Robot:
    return Robot(0, 0.0, 0.0, instance.snapshot.charge_wh, (0,) * len(instance.orders))


def levels_wh(instance: Instance) -> list[float]:
    return [float(level) for level in instance.batch.levels]


def exhaustive(
    instance: Instance, sequence: list[int] | None = None, below: float = math.inf
) -> float:
    """The least cost over all interleavings (or of one sequence of orders) and all charging.

    No bound and no dominance: only what already costs more than a whole plan is left, or `below`;
    infinite where no plan costs less than that.
    """
    best = below
    stops = sum(len(order.stops) for order in instance.orders)
    battery = not math.isinf(instance.snapshot.charge_wh)

    def go(robot: Robot) -> None:
        nonlocal best
        if robot.cost_s >= best:
            return
        if sum(robot.done) == stops:
            best = robot.cost_s
            return
        orders = range(len(instance.orders)) if sequence is None else [sequence[sum(robot.done)]]
        for order in orders:
            if robot.done[order] == len(instance.orders[order].stops):
                continue
            ways = [robot]
            if battery:
                ways += [
                    plugged
                    for name in instance.chargers
                    for level in levels_wh(instance)
                    if (plugged := charge(instance, robot, name, level)) is not None
                ]
            for way in ways:
                then = serve(instance, way, order)
                if then is not None:
                    go(then)

    go(start(instance))
    return best if best < below else math.inf


def walk(instance: Instance, plan: Plan) -> float | None:
    """What a plan costs, walked stop by stop; None where a rule of the house is broken."""
    robot: Robot | None = start(instance)
    index = {order.id: k for k, order in enumerate(instance.orders)}
    for stop in plan.stops:
        assert robot is not None
        if stop.kind == "charge":
            assert stop.charger is not None and stop.to_soc is not None
            assert instance.snapshot.chargers[stop.charger] == stop.node
            wanted = stop.to_soc * instance.snapshot.capacity_wh
            level = min(levels_wh(instance), key=lambda wh: abs(wh - wanted))
            assert abs(level - wanted) < 1e-9
            robot = charge(instance, robot, stop.charger, level)
        else:
            order = index[str(stop.order)]
            if (
                stop.place != robot.done[order]
                or stop.node != instance.nodes[_point(instance, order, stop.place)]
            ):
                return None
            robot = serve(instance, robot, order)
        if robot is None:
            return None
    assert robot is not None
    whole = all(d == len(o.stops) for d, o in zip(robot.done, instance.orders, strict=True))
    return robot.cost_s if whole else None
