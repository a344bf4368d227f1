"""Snapshots to decide on: a warehouse at the start of a shift, with the names that people use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from envs.corridors import corridors
from envs.driver import snapshot_of
from envs.layouts import READY, Layout, ready
from envs.orders import OrderModel
from envs.streams import stream
from envs.world import World
from planners.tasks import Order, Timing
from planners.tasks.named import NamedSnapshot

from .mapfiles import layout_of_file

ITEMS = (
    "bolts", "cable", "coffee", "filters", "glass", "gloves", "insulin", "lamps", "paint", "paper",
    "seeds", "soap", "tiles", "toys", "tyres", "vaccines",
)  # fmt: skip

SHIFT_BEGINS_S = 6 * 3600.0  # (a) the clock at the start


def take_snapshot(
    place: str = "built-in", *, orders: int = 5, seed: int = 0, capacity: int = 1
) -> tuple[NamedSnapshot, list[str]]:
    """The start of a shift: so many orders open, the robot charged at its charger; and remarks.

    Docks are the layout's stations, ``dock-1`` on; aisles the corridors of its map, ``aisle-1`` on
    (see `envs.corridors`). What an order is of is drawn from `ITEMS`: two orders may be of one.

    Args:
        place: a name of `envs.layouts.READY`, or the file of a map.
        orders: 1 or more.
        seed: of orders, items, and what is popular.
        capacity: how many orders the robot may have on board at once.

    Raises:
        ValueError, OSError: an unknown place, as `layout_of_file`; no order, or no room for any.
    """
    if orders < 1:
        raise ValueError(f"orders is {orders}: a snapshot to decide on has 1 or more")
    layout, said = (ready(place, seed), []) if place in READY else layout_of_file(place, seed)
    world = World(layout, seed=seed, orders=OrderModel(backlog=orders), capacity=capacity)
    return _named(world, layout), said


def _named(world: World, layout: Layout) -> NamedSnapshot:
    snapshot = replace(snapshot_of(world), timing=Timing())  # nothing has been learned yet
    return NamedSnapshot(
        snapshot,
        items=items_of(world.seed, snapshot.orders),
        docks={f"dock-{k}": node for k, node in enumerate(layout.stations, start=1)},
        aisles={f"aisle-{k}": at for k, at in enumerate(corridors(snapshot.map), start=1)},
        clock_s=SHIFT_BEGINS_S + world.time_s,
    )


def items_of(seed: int, orders: Iterable[Order]) -> dict[str, str]:
    """What orders are of, by id: that of `O7` is the seventh that is drawn, whoever else is there.

    Other ids, which only a caller's own orders have, are of nothing.

    >>> items_of(3, [Order("O1", (4, 8)), Order("O7", (4, 8)), Order("mine", (4, 8))])
    {'O1': 'bolts', 'O7': 'tyres'}
    """
    numbers = {o.id: int(o.id[1:]) for o in orders if re.fullmatch(r"O[1-9][0-9]{0,5}", o.id)}
    drawn = stream(seed, "items").integers(len(ITEMS), size=max(numbers.values(), default=0))
    return {name: ITEMS[int(drawn[number - 1])] for name, number in numbers.items()}
