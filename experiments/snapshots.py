"""Snapshots to decide on: a warehouse at the start of a shift, with the names that people use."""

from __future__ import annotations

from dataclasses import replace

from envs.corridors import corridors
from envs.driver import snapshot_of
from envs.layouts import READY, Layout, ready
from envs.orders import OrderModel
from envs.streams import stream
from envs.world import World
from planners.tasks import Timing
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
    rng = stream(world.seed, "items")
    drawn = rng.integers(len(ITEMS), size=len(snapshot.orders)).tolist()
    return NamedSnapshot(
        snapshot,
        items={order.id: ITEMS[k] for order, k in zip(snapshot.orders, drawn, strict=True)},
        docks={f"dock-{k}": node for k, node in enumerate(layout.stations, start=1)},
        aisles={f"aisle-{k}": at for k, at in enumerate(corridors(snapshot.map), start=1)},
        clock_s=SHIFT_BEGINS_S + world.time_s,
    )
