"""Constraints become costs: due times, priorities, closed aisles, orders that may not be chosen.

Nothing else of a snapshot changes: charge, capacity, reserve, margin, chargers, masses and the
energy model are copied as they are, and no constraint has a field that could reach them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..costs import CostField, Layer
from ..fields import cost_to_come, cost_to_go
from ..graphs import Map
from ..maps import GridMap
from .constraints import (
    Avoid,
    Constraint,
    Deadline,
    Forbid,
    Fragile,
    Hold,
    Priority,
    contradictions,
    echo,
    fault,
)
from .decision import Decision, Refusal
from .names import Names
from .snapshot import Order, Snapshot, natural_key

AVOID_LAYER = "avoid"
AVOID_S_PER_M = 60.0  # (a) where an aisle cannot be closed: a minute for every metre in it
_SAME_S = 1e-6  # due times nearer to each other than that are the same
_FRAGILE = "{} is fragile: shown to whoever loads, no cost of this plan changes"
_ON_BOARD = "{} is on board already: it is delivered all the same"


@dataclass(frozen=True)
class Applied:
    """A snapshot that the constraints have entered, and what they changed.

    ``refused`` holds the orders that were taken out: codes ``forbidden``, ``held`` (without an
    end) and ``closed`` (a stop of theirs lies in a closed aisle). ``zones`` are the aisles that the
    robot may not enter now, ``closed`` their nodes, ``fragile`` the orders that break easily.
    ``changes`` says in words what changed, ``notes`` what a constraint could not change and why,
    and which due times are later than they were.
    """

    snapshot: Snapshot
    refused: tuple[Refusal, ...] = ()
    closed: frozenset[int] = frozenset()
    zones: tuple[str, ...] = ()
    fragile: frozenset[str] = frozenset()
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def into(self, decision: Decision) -> Decision:
        """A decision on this snapshot, with the orders that were taken out among the refused."""
        refused = sorted((*decision.refused, *self.refused), key=lambda no: natural_key(no.goal))
        return replace(decision, refused=tuple(refused))


def apply(
    snapshot: Snapshot,
    constraints: Sequence[Constraint],
    names: Names | None = None,
    *,
    rushed: str | None = "urgent",
    margin: float = 1.0,
) -> Applied:
    """The snapshot under the constraints.

    * deadline: the due time moves. Where it comes nearer and no priority is given beside it, the
      order's lateness weighs as ``rushed`` (a) from then on, for a moved due time alone trades one
      late order for another; an order that is given more time keeps its priority. None: never.
      With a ``margin`` above 1 it is planned for as if only the time left / margin were left.
    * priority: the weight of lateness.
    * hold: the order is released later; without an end it is refused as ``held``.
    * forbid: it is refused as ``forbidden``.
    * avoid: blocked where that cuts off nothing else, orders with a stop there being refused as
      ``closed``; else a layer ``avoid`` of `AVOID_S_PER_M` seconds a metre.
    * fragile: named; it changes no cost, for the snapshot knows no speeds and no shocks.

    An order on board is past hold and forbid: it keeps its room until it is delivered, so it is,
    and no zone is closed where it has a stop.

    Expiry: a snapshot is one moment. Apply `constraints.later` to the next one.

    Raises ValueError for a margin below 1, and for a constraint that `constraints.fault` or
    `constraints.contradictions` objects to (a deadline may have passed).
    """
    known = names or Names()
    if not 1.0 <= margin < math.inf:
        raise ValueError(f"margin is {margin!r}: a factor of at least 1, such as 1.2")
    _expect(snapshot, constraints, known)
    levels = {c.order: c.level for c in constraints if isinstance(c, Priority)}
    orders = _timed(snapshot, constraints, levels, rushed, margin)
    refused = _refusals(snapshot, constraints, known)
    out = {no.goal for no in refused}
    left = replace(snapshot, orders=tuple(o for i, o in orders.items() if i not in out))
    changed = Applied(
        snapshot=left,
        refused=refused,
        fragile=frozenset(c.order for c in constraints if isinstance(c, Fragile)),
        changes=(*(echo(one, known) for one in constraints), *_raised(snapshot, orders, levels)),
        notes=tuple(said for c in constraints if (said := _remark(snapshot, c, known)) is not None),
    )
    return _without_zones(changed, [c for c in constraints if isinstance(c, Avoid)], known)


def _expect(snapshot: Snapshot, constraints: Sequence[Constraint], names: Names) -> None:
    for one in constraints:
        passed = isinstance(one, Deadline) and -math.inf < one.due_s < 0.0
        checked = replace(one, due_s=0.0) if passed and isinstance(one, Deadline) else one
        wrong = fault(checked, snapshot, names)
        if wrong is not None:
            raise ValueError(f"{one!r} cannot be applied: {wrong}")
        if isinstance(one, Avoid):
            outside = [node for node in names.aisles[one.zone] if not 0 <= node < snapshot.map.size]
            if outside:
                raise ValueError(f"{one.zone} has node {outside[0]}, which is not on the map")
    clash = contradictions(constraints)
    if clash:
        a, b = clash[0]
        raise ValueError(f"{echo(a)}, but {echo(b)}: the two cannot both hold; leave one out")


def _timed(
    snapshot: Snapshot,
    constraints: Sequence[Constraint],
    levels: dict[str, str],
    rushed: str | None,
    margin: float,
) -> dict[str, Order]:
    """The orders by id, with the due times, priorities and releases of the constraints."""
    orders = {order.id: order for order in snapshot.orders}
    for one in constraints:
        if isinstance(one, Deadline):
            level = None if one.order in levels else rushed
            due_s = one.due_s / margin if one.due_s > 0.0 else one.due_s
            orders[one.order] = _due(orders[one.order], snapshot.time_s + due_s, level)
        elif isinstance(one, Priority):
            orders[one.order] = replace(orders[one.order], priority=one.level)
        elif isinstance(one, Hold) and one.until_s is not None:
            release_s = max(orders[one.order].release_s, snapshot.time_s + one.until_s)
            orders[one.order] = replace(orders[one.order], release_s=release_s)
    return orders


def _remark(snapshot: Snapshot, constraint: Constraint, names: Names) -> str | None:
    """What a constraint could not change and why, or that it gives more time than there was."""
    if isinstance(constraint, Deadline):
        return _loosened(snapshot, constraint, names)
    if isinstance(constraint, Fragile):
        return _FRAGILE.format(constraint.order)
    if isinstance(constraint, (Hold, Forbid)) and constraint.order in snapshot.on_board:
        return _ON_BOARD.format(constraint.order)
    return None


def _loosened(snapshot: Snapshot, deadline: Deadline, names: Names) -> str | None:
    """That a due time is later than it was: people may give time, and see that they do."""
    due_s = next(o.due_s for o in snapshot.orders if o.id == deadline.order) - snapshot.time_s
    if deadline.due_s <= due_s + _SAME_S:
        return None
    was = "the order's own due time" if names.clock_s is None else f"it was, {names.at(due_s)}"
    return f"{deadline.order} is due later than {was}"


def _refusals(
    snapshot: Snapshot, constraints: Sequence[Constraint], names: Names
) -> tuple[Refusal, ...]:
    """The orders that may not be delivered at all, each with its code."""
    return tuple(
        Refusal(one.order, code, f"a note says: {echo(one, names)}")
        for one in dict.fromkeys(constraints)
        if isinstance(one, (Hold, Forbid))
        and one.order not in snapshot.on_board
        and (code := _code(one)) is not None
    )


def _code(constraint: Hold | Forbid) -> str | None:
    """The code under which an order is refused; None where it is only released later."""
    if isinstance(constraint, Forbid):
        return "forbidden"
    return "held" if constraint.until_s is None else None


def _due(order: Order, due_s: float, level: str | None) -> Order:
    nearer = due_s < order.due_s and level is not None
    return replace(order, due_s=due_s, priority=level if nearer and level else order.priority)


def _raised(snapshot: Snapshot, orders: dict[str, Order], levels: dict[str, str]) -> Iterable[str]:
    """In words, the priorities that changed although no note named one."""
    for old in snapshot.orders:
        new = orders[old.id]
        if new.priority != old.priority and old.id not in levels:
            yield f"{old.id} is due sooner, so its lateness weighs as {new.priority}"


def _without_zones(changed: Applied, avoids: Sequence[Avoid], names: Names) -> Applied:
    """Each zone closed where that cuts off nothing else, else made dear."""
    for one in dict.fromkeys(avoids):
        nodes = frozenset(names.aisles[one.zone])
        closed = _closed(changed.snapshot, nodes)
        if closed is None:
            dear = _with_layer(changed.snapshot, nodes)
            said = (
                f"{one.zone} cannot be closed, for the robot, a charger, a stop of what is on "
                "board or the only way to one of the stops lies in it: driving there costs "
                f"{AVOID_S_PER_M:g} s more per metre"
            )
            changed = replace(changed, snapshot=dear, notes=(*changed.notes, said))
            continue
        inside = [o for o in changed.snapshot.orders if nodes & set(o.stops)]
        refused = tuple(
            Refusal(o.id, "closed", f"a note says: {echo(one, names)}; a stop of {o.id} is there")
            for o in inside
        )
        changed = replace(
            changed,
            snapshot=closed,
            refused=(*changed.refused, *refused),
            closed=changed.closed | nodes,
            zones=(*changed.zones, one.zone),
        )
    return changed


def _closed(snapshot: Snapshot, nodes: frozenset[int]) -> Snapshot | None:
    """The snapshot with blocked nodes and without the orders that stop there.

    None where the robot, a charger or a stop of what is on board is there, or where another stop or
    charger that could be reached, or from which the robot's place could be reached, no longer can.
    """
    if snapshot.robot in nodes or nodes & set(snapshot.chargers.values()):
        return None
    orders = tuple(order for order in snapshot.orders if not nodes & set(order.stops))
    if not {order.id for order in orders}.issuperset(snapshot.on_board):
        return None
    if all(snapshot.map.is_blocked(node) for node in nodes):
        return replace(snapshot, orders=orders)
    places = {node for order in orders for node in order.stops} | set(snapshot.chargers.values())
    blocked = snapshot.map.with_blocked(np.array(sorted(nodes), dtype=np.int64), True)
    before = _joined(snapshot.map, snapshot, places)
    if before != _joined(blocked, snapshot, places):
        return None
    return replace(snapshot, map=blocked, orders=orders)


def _joined(map: Map, snapshot: Snapshot, places: Iterable[int]) -> tuple[list[int], list[int]]:
    """Which places the robot reaches, and from which its own place is reached."""
    here = map.label(snapshot.robot)
    there = cost_to_come(map, here, snapshot.costs).values
    back = cost_to_go(map, here, snapshot.costs).values
    wanted = sorted(places)
    return (
        [node for node in wanted if math.isfinite(there[node])],
        [node for node in wanted if math.isfinite(back[node])],
    )


def _with_layer(snapshot: Snapshot, nodes: frozenset[int]) -> Snapshot:
    """The snapshot with the layer `AVOID_LAYER`; a zone that is dear already stays as dear."""
    costs = snapshot.costs
    values = np.zeros(snapshot.map.size)
    values[sorted(nodes)] = AVOID_S_PER_M
    if AVOID_LAYER in costs.layers:
        values = np.maximum(values, costs.layer(AVOID_LAYER).reshape(-1))
    kept = [
        Layer(name, _shaped(costs, snapshot.map, name), costs.weights[name])
        for name in costs.layers
        if name != AVOID_LAYER
    ]
    field = CostField(
        snapshot.map, base=costs.base, layers=[*kept, Layer(AVOID_LAYER, values, 1.0)]
    )
    return replace(snapshot, costs=field)


def _shaped(costs: CostField, map: Map, name: str) -> npt.NDArray[np.floating]:
    """A layer's values in a shape that `Layer` takes."""
    values = costs.layer(name)
    if isinstance(map, GridMap) and not costs.is_per_node(name):
        return values.reshape((8, -1, map.cols))
    return values
