"""A snapshot together with what people call the things in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .snapshot import Order, Snapshot, check_name

MAX_ITEM = 64  # characters (a)


@dataclass(frozen=True)
class NamedSnapshot:
    """A snapshot and what people call the things in it.

    ``items`` is what each order is of (order id -> item), ``docks`` the nodes of docks by name,
    ``aisles`` the nodes of aisles by name, ``clock_s`` the time of day at the snapshot's moment in
    seconds since midnight (None: not known). Mappings are kept as read-only copies.

    Raises ValueError for an item of an unknown order, names that are none, nodes outside the map.
    """

    snapshot: Snapshot
    items: Mapping[str, str] = field(default_factory=dict)
    docks: Mapping[str, int] = field(default_factory=dict)
    aisles: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    clock_s: float | None = None

    def __post_init__(self) -> None:
        docks = {name: int(node) for name, node in self.docks.items()}
        aisles = {name: tuple(int(node) for node in at) for name, at in self.aisles.items()}
        object.__setattr__(self, "items", MappingProxyType(dict(self.items)))
        object.__setattr__(self, "docks", MappingProxyType(docks))
        object.__setattr__(self, "aisles", MappingProxyType(aisles))
        unknown = self.items.keys() - {order.id for order in self.snapshot.orders}
        if unknown:
            raise ValueError(f"items name order {min(unknown)!r}: the snapshot has no such order")
        for item in self.items.values():
            if not (0 < len(item) <= MAX_ITEM and item.isprintable()):
                raise ValueError(f"item {item!r}: 1 to {MAX_ITEM} printable characters")
        size = self.snapshot.map.size
        places = {name: (node,) for name, node in docks.items()} | aisles
        for place, nodes in places.items():
            check_name("place", place)
            for node in nodes:
                if not 0 <= node < size:
                    raise ValueError(f"{place} has node {node}: the map has nodes 0 to {size - 1}")
        if self.clock_s is not None and not 0.0 <= self.clock_s < 86_400.0:
            raise ValueError(f"clock_s is {self.clock_s!r}: seconds since midnight, below 86,400")

    def dock_of(self, order: Order) -> str | None:
        """The dock where an order is dropped; None where its drop is no dock."""
        return next((name for name, node in self.docks.items() if node == order.drop), None)
