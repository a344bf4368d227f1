"""A plan: the stops of several orders in a sequence, with the visits to chargers between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from .snapshot import Order

Kind = Literal["visit", "charge"]
KINDS: tuple[Kind, ...] = ("visit", "charge")


@dataclass(frozen=True)
class Stop:
    """One thing to do at one node.

    A ``visit`` serves ``order``'s stop number ``place`` (0 picks, the last one drops); a ``charge``
    plugs in at ``charger`` until the state of charge is ``to_soc`` (None: to the rule's limit).

    Raises ValueError where the fields do not fit the kind.

    >>> Stop("visit", 4, order="O1").place
    0
    """

    kind: Kind
    node: int
    order: str | None = None
    place: int = 0
    charger: str | None = None
    to_soc: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a stop's kind is {self.kind!r}: one of {', '.join(KINDS)}")
        visit = self.kind == "visit"
        if (self.order is not None) != visit or (self.charger is not None) == visit:
            raise ValueError(
                f"stop {self.kind!r} has order {self.order!r} and charger {self.charger!r}: "
                f"a visit names an order, a charge a charger, and neither names both"
            )
        if self.place < 0 or (self.place and not visit):
            raise ValueError(f"stop {self.kind!r} has place {self.place}: an index of order stops")
        if self.to_soc is not None and (visit or not 0.0 <= self.to_soc <= 1.0):
            raise ValueError(f"to_soc is {self.to_soc!r}: a share in [0, 1], of a charge only")

    def as_json(self) -> dict[str, Any]:
        """Only what the kind has."""
        if self.kind == "visit":
            return {"kind": "visit", "node": self.node, "order": self.order, "place": self.place}
        to_soc = self.to_soc
        return {"kind": "charge", "node": self.node, "charger": self.charger, "to_soc": to_soc}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Stop:
        """The inverse of `as_json`; ValueError for another shape."""
        known = {"kind", "node", "order", "place", "charger", "to_soc"}
        if not isinstance(data, dict) or not {"kind", "node"} <= data.keys() <= known:
            raise ValueError(f"{data!r} is no stop: it has kind, node and order or charger")
        return Stop(**data)


@dataclass(frozen=True)
class Plan:
    """Stops in the sequence in which the robot makes them. Whether that can be done is for critics.

    >>> plan = Plan.of_orders([Order("O2", (4, 20)), Order("O1", (5,))])
    >>> plan.orders, len(plan.stops)
    (('O2', 'O1'), 3)
    """

    stops: tuple[Stop, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "stops", tuple(self.stops))

    @staticmethod
    def of_orders(orders: list[Order] | tuple[Order, ...]) -> Plan:
        """One order after the other, each from its first stop to its last, without charging."""
        return Plan(
            tuple(
                Stop("visit", node, order=order.id, place=place)
                for order in orders
                for place, node in enumerate(order.stops)
            )
        )

    @property
    def visits(self) -> tuple[Stop, ...]:
        """The stops of orders."""
        return tuple(stop for stop in self.stops if stop.kind == "visit")

    @property
    def charges(self) -> tuple[Stop, ...]:
        """The visits to chargers."""
        return tuple(stop for stop in self.stops if stop.kind == "charge")

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders' ids in the sequence of their first stops in the plan."""
        return tuple(dict.fromkeys(cast(str, stop.order) for stop in self.visits))

    def as_json(self) -> list[dict[str, Any]]:
        """The stops as dictionaries."""
        return [stop.as_json() for stop in self.stops]

    @staticmethod
    def from_json(data: list[dict[str, Any]]) -> Plan:
        """The inverse of `as_json`."""
        return Plan(tuple(Stop.from_json(stop) for stop in data))
