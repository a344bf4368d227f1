"""What people call things: the items and docks of orders, the aisles of the map, the clock.

A snapshot knows ids and nodes only. Whoever reads notes needs to know what the words in them stand
for, and nothing that costs or forbids anything is here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .snapshot import natural_key

DAY_S = 86_400


@dataclass(frozen=True)
class Names:
    """Names beside a snapshot; every part may be missing, and then notes that use it are flagged.

    ``items`` and ``docks`` go from an order's id to what it carries (``glass``) and where to
    (``dock-2``). ``aisles`` goes from an aisle's name (``aisle-7``) to its nodes. ``clock_s`` is
    the snapshot's moment in seconds after midnight, ``shift_s`` the first and the last second of
    the shift, in which every time of day in a note lies.

    Raises ValueError for a time that is none of a day, or a shift that ends before it begins.

    >>> names = Names(items={"O1": "glass", "O2": "glass"}, docks={"O1": "dock-2"}, clock_s=34_800)
    >>> names.of_item("glass"), names.of_dock("dock-2"), names.at(600)
    (('O1', 'O2'), ('O1',), '09:50:00')
    """

    items: Mapping[str, str] = field(default_factory=dict)
    docks: Mapping[str, str] = field(default_factory=dict)
    aisles: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    clock_s: float | None = None
    shift_s: tuple[float, float] = (0.0, float(DAY_S))

    def __post_init__(self) -> None:
        for name in ("items", "docks"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        aisles = {name: tuple(nodes) for name, nodes in self.aisles.items()}
        object.__setattr__(self, "aisles", MappingProxyType(aisles))
        first_s, last_s = self.shift_s
        if not 0.0 <= first_s < last_s <= DAY_S:
            raise ValueError(f"shift_s is {self.shift_s!r}: two seconds after midnight, in order")
        if self.clock_s is not None and not 0.0 <= self.clock_s < DAY_S:
            raise ValueError(f"clock_s is {self.clock_s!r}: seconds after midnight, below {DAY_S}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again from its fields: a read-only view can be neither pickled nor copied."""
        maps = (dict(self.items), dict(self.docks), dict(self.aisles))
        return Names, (*maps, self.clock_s, self.shift_s)

    def of_item(self, item: str) -> tuple[str, ...]:
        """The orders that carry an item, in natural order."""
        found = (order for order, name in self.items.items() if name == item)
        return tuple(sorted(found, key=natural_key))

    def of_dock(self, dock: str) -> tuple[str, ...]:
        """The orders that go to a dock, in natural order."""
        found = (order for order, name in self.docks.items() if name == dock)
        return tuple(sorted(found, key=natural_key))

    def at(self, seconds: float) -> str:
        """A moment so many seconds from the snapshot's: the time of day, or the seconds."""
        if self.clock_s is None or not math.isfinite(seconds):
            return f"{seconds:g} s from now"
        moment = round(self.clock_s + seconds) % DAY_S
        return f"{moment // 3600:02d}:{moment // 60 % 60:02d}:{moment % 60:02d}"
