"""What a task planner sees at the moment of a decision: orders, robot, battery, chargers, map.

Everything here is belief, never the world's truth, and nothing changes: a snapshot can be stored,
compared and decided again. Units are in the names; nodes are ids of ``Snapshot.map``.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from ..costs import CostField
from ..graphs import Map

PRIORITIES: tuple[str, ...] = ("urgent", "normal", "low")

LATENESS_WEIGHTS: Mapping[str, float] = {"urgent": 4.0, "normal": 1.0, "low": 0.25}
"""Seconds of cost per second of lateness, by priority (assumptions; `Snapshot` takes others)."""

SLACK_KG = 1e-6  # sums of the same masses in another order must not flip a check

# Names appear in prompts, logs and file names: a closed alphabet keeps text out of them.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,31}")


@lru_cache(maxsize=4096)
def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that reads digits as numbers; every tie of this package is broken by it.

    >>> sorted(["O10", "O9", "O1"], key=natural_key)
    ['O1', 'O9', 'O10']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((0, int(p), p) if p.isdecimal() else (1, 0, p) for p in parts)


def check_name(kind: str, name: str) -> None:
    """Raise ValueError where a text is no name."""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ValueError(
            f"{kind} {name!r} is not a name: 1 to 32 letters, digits or _.:+- "
            f"starting with a letter or digit, such as 'O1'"
        )


def _node(what: str, value: Any) -> int:
    """A node id as a Python int: whatever counts as an integer, numpy's included."""
    try:
        return operator.index(value)
    except TypeError:
        raise ValueError(f"{what} is {value!r}: a node is an integer id of the map") from None


def _number(name: str, value: float, *, least: float, infinite: bool = False) -> None:
    if not (value >= least and (infinite or math.isfinite(value))):
        kind = "a number" if infinite else "a finite number"
        raise ValueError(f"{name} is {value!r}: it must be {kind} of at least {least:g}")


@dataclass(frozen=True)
class Order:
    """One order: nodes to visit in their order (the first picks, the last drops).

    ``release_s`` and ``due_s`` are moments on the snapshot's clock; ``due_s = inf`` means no due
    time. ``kg`` is carried from the first stop to the last. ``priority`` weighs lateness.

    Raises ValueError for a name, stop, time, mass or priority that makes no sense.

    >>> Order("O1", stops=(4, 20), due_s=120.0).drop
    20
    """

    id: str
    stops: tuple[int, ...]
    release_s: float = 0.0
    due_s: float = math.inf
    kg: float = 0.0
    priority: str = "normal"

    def __post_init__(self) -> None:
        check_name("order id", self.id)
        stops = tuple(_node(f"a stop of order {self.id}", node) for node in self.stops)
        object.__setattr__(self, "stops", stops)
        if not self.stops or min(self.stops) < 0:
            raise ValueError(f"order {self.id} has stops {self.stops}: give one or more node ids")
        if not math.isfinite(self.release_s):
            raise ValueError(f"order {self.id} has release_s {self.release_s!r}: give a finite one")
        if math.isnan(self.due_s) or self.due_s == -math.inf:
            raise ValueError(f"order {self.id} has due_s {self.due_s!r}: inf means no due time")
        _number(f"kg of order {self.id}", self.kg, least=0.0)
        if self.priority not in PRIORITIES:
            raise ValueError(
                f"order {self.id} has priority {self.priority!r}: one of {', '.join(PRIORITIES)}"
            )

    @property
    def pick(self) -> int:
        """The first stop."""
        return self.stops[0]

    @property
    def drop(self) -> int:
        """The last stop."""
        return self.stops[-1]

    def lateness_s(
        self, arrival_s: float, weights: Mapping[str, float] = LATENESS_WEIGHTS
    ) -> float:
        """Cost in seconds of arriving at ``arrival_s``: ``p * max(0, arrival - due)``.

        >>> Order("O1", stops=(4, 20), due_s=120.0, priority="urgent").lateness_s(130.0)
        40.0
        """
        weight = weights[self.priority]  # 0 switches lateness off, also where nobody ever arrives
        return weight * max(0.0, arrival_s - self.due_s) if weight else 0.0


@dataclass(frozen=True)
class EnergyModel:
    """The planner's static projection of the robot's consumption: no turns, no starts, no stops.

    ``ambient_w`` runs all the time, ``drive_j_per_m`` moves the empty robot and
    ``drive_j_per_m_kg`` each kilogram on it.
    """

    ambient_w: float
    drive_j_per_m: float
    drive_j_per_m_kg: float = 0.0

    def __post_init__(self) -> None:
        for name in ("ambient_w", "drive_j_per_m", "drive_j_per_m_kg"):
            _number(name, getattr(self, name), least=0.0)

    def leg_wh(self, length_m: float, time_s: float, kg: float = 0.0) -> float:
        """Energy in Wh of driving ``length_m`` in ``time_s`` with ``kg`` on board.

        >>> EnergyModel(ambient_w=36.0, drive_j_per_m=150.0).leg_wh(length_m=24.0, time_s=100.0)
        2.0
        """
        drive_j = (self.drive_j_per_m + self.drive_j_per_m_kg * kg) * length_m
        return (self.ambient_w * time_s + drive_j) / 3600.0


MOST_DELAY, MOST_WORK_S = 100.0, 86_400.0  # (a) more is a mistake


@dataclass(frozen=True)
class Timing:
    """What a plan's stops take beyond driving times as the legs have them.

    ``delay`` is actual over predicted driving time, at least 1: turns, starts, people in the way.
    ``pick_s`` and ``drop_s`` are the seconds of work at an order's stops before the last one and at
    the last one; an order counts as delivered on arrival there. The search over plans and whoever
    evaluates plans goes by it; choosers of one step see driving times alone.

    >>> Timing(delay=1.25).leg_s(100.0)
    125.0
    """

    delay: float = 1.0
    pick_s: float = 0.0
    drop_s: float = 0.0

    def __post_init__(self) -> None:
        _number("delay", self.delay, least=1.0)
        _number("pick_s", self.pick_s, least=0.0)
        _number("drop_s", self.drop_s, least=0.0)
        if self.delay > MOST_DELAY or max(self.pick_s, self.drop_s) > MOST_WORK_S:
            raise ValueError(
                f"delay {self.delay:g}, pick_s {self.pick_s:g}, drop_s {self.drop_s:g}: a delay is "
                f"at most {MOST_DELAY:g}, work at a stop at most {MOST_WORK_S:g} s"
            )

    def leg_s(self, driving_s: float) -> float:
        """How long a leg takes that is predicted to take so many seconds of driving."""
        return self.delay * driving_s


@dataclass(frozen=True)
class Snapshot:
    """All that a chooser may know: one frozen moment.

    ``robot`` and the values of ``chargers`` (name -> node) are nodes of ``map``; ``costs`` is in
    seconds per metre. ``margin`` is actual over predicted energy as learned so far (>= 1 to be on
    the safe side; any positive value is taken). ``payload_kg`` is on board now. ``notes`` is free
    text from people: data that nobody here obeys. ``lateness_weights`` is p by priority.
    ``capacity_wh = charge_wh = inf`` says that energy does not matter. ``charger_wait_s`` is what
    fleet telemetry expects a newcomer to wait for the plug, ``charger_power_w`` a charger's own
    full power; chargers that they do not name have no queue, and ``charge_power_w``. ``capacity``
    is how many orders may be on board at once, ``on_board`` the ids of those that are now: their
    ``stops`` are what is left of them, and ``payload_kg`` counts them in. ``after`` says which
    orders must have been delivered before another is (id -> ids); names that are not among
    ``orders`` bind nobody. It binds an order's last stop alone: picking it earlier is allowed.
    Mappings are kept as read-only copies.

    Raises ValueError for nodes outside the map, two orders of one id, more on board than fit, than
    there are or than ``payload_kg`` weighs, orders that wait for each other, or impossible
    energies.
    """

    time_s: float
    map: Map
    costs: CostField
    robot: int
    charge_wh: float
    capacity_wh: float
    reserve_wh: float
    charge_power_w: float
    margin: float
    payload_kg: float
    orders: tuple[Order, ...]
    chargers: Mapping[str, int]
    energy: EnergyModel
    notes: str = ""
    lateness_weights: Mapping[str, float] = field(default_factory=lambda: LATENESS_WEIGHTS)
    charger_wait_s: Mapping[str, float] = field(default_factory=dict)
    charger_power_w: Mapping[str, float] = field(default_factory=dict)
    capacity: int = 1
    on_board: tuple[str, ...] = ()
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    timing: Timing = field(default_factory=Timing)

    def __post_init__(self) -> None:
        object.__setattr__(self, "orders", tuple(self.orders))
        object.__setattr__(self, "on_board", tuple(self.on_board))
        after = {name: tuple(others) for name, others in self.after.items()}
        object.__setattr__(self, "after", MappingProxyType(after))
        object.__setattr__(self, "robot", _node("robot", self.robot))
        chargers = {name: _node(f"charger {name}", node) for name, node in self.chargers.items()}
        object.__setattr__(self, "chargers", MappingProxyType(chargers))
        for name in ("lateness_weights", "charger_wait_s", "charger_power_w"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        self._check_numbers()
        ids = [order.id for order in self.orders]
        twice = sorted({i for i in ids if ids.count(i) > 1}, key=natural_key)
        if twice:
            raise ValueError(f"two orders are called {twice[0]!r}: order ids must be unique")
        self._on_map("robot", self.robot)
        for order in self.orders:
            for stop in order.stops:
                self._on_map(f"order {order.id}", stop)
        for name, node in self.chargers.items():
            check_name("charger", name)
            self._on_map(f"charger {name}", node)
        self._check_on_board(set(ids))
        self._check_after(set(ids))

    def _check_on_board(self, ids: set[str]) -> None:
        strange = sorted(set(self.on_board) - ids, key=natural_key)
        if strange or len(set(self.on_board)) < len(self.on_board):
            raise ValueError(
                f"on_board is {list(self.on_board)}: ids of orders, each once"
                + (f"; there is no order {strange[0]!r}" if strange else "")
            )
        if len(self.on_board) > self.capacity:
            raise ValueError(f"{len(self.on_board)} orders on board: {self.capacity} fit")
        own_kg = math.fsum(order.kg for order in self.orders if order.id in self.on_board)
        if own_kg > self.payload_kg + SLACK_KG:
            raise ValueError(
                f"payload_kg is {self.payload_kg!r}: the orders on board weigh {own_kg:g} kg"
            )

    def _check_after(self, ids: set[str]) -> None:
        waits = {name: ids.intersection(self.after.get(name, ())) for name in ids}
        while free := {name for name, others in waits.items() if not others}:
            waits = {n: others - free for n, others in waits.items() if n not in free}
        if waits:
            round_ = ", ".join(sorted(waits, key=natural_key))
            raise ValueError(f"after lets {round_} wait for each other: leave one of these out")

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again from its fields: a read-only view itself can be neither pickled nor copied."""
        values = (getattr(self, one.name) for one in fields(self))
        return Snapshot, tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)

    def _check_numbers(self) -> None:
        if not math.isfinite(self.time_s):
            raise ValueError(f"time_s is {self.time_s!r}: give a finite moment")
        _number("charge_wh", self.charge_wh, least=0.0, infinite=True)
        _number("capacity_wh", self.capacity_wh, least=0.0, infinite=True)
        _number("reserve_wh", self.reserve_wh, least=0.0)
        _number("charge_power_w", self.charge_power_w, least=0.0, infinite=True)
        _number("payload_kg", self.payload_kg, least=0.0)
        for priority in PRIORITIES:
            weight = self.lateness_weights.get(priority, math.nan)
            _number(f"lateness weight of {priority!r}", weight, least=0.0)
        for name in ("charger_wait_s", "charger_power_w"):
            for charger, value in getattr(self, name).items():
                _number(f"{name} of {charger!r}", value, least=0.0, infinite=True)
                if charger not in self.chargers:
                    raise ValueError(
                        f"{name} names {charger!r}: chargers are {list(self.chargers)}"
                    )
        if not (isinstance(self.capacity, int) and self.capacity >= 1):
            raise ValueError(f"capacity is {self.capacity!r}: how many orders fit, 1 or more")
        if not (0.0 < self.margin < math.inf):
            raise ValueError(f"margin is {self.margin!r}: give a positive factor such as 1.2")
        if self.charge_wh > self.capacity_wh * (1.0 + 1e-9):
            raise ValueError(f"charge {self.charge_wh} Wh exceeds capacity {self.capacity_wh} Wh")

    def _on_map(self, what: str, node: int) -> None:
        if not 0 <= node < self.map.size:
            raise ValueError(
                f"{what} is at node {node}: the map has nodes 0 to {self.map.size - 1}"
            )

    def sooner(self, order: Order) -> tuple[str, ...]:
        """The orders still there that must be delivered before this one, chains included."""
        there = {other.id for other in self.orders}
        found: dict[str, None] = {}
        todo = [order.id]
        while todo:
            names = [n for n in self.after.get(todo.pop(), ()) if n in there and n not in found]
            found.update(dict.fromkeys(names))
            todo += names
        return tuple(sorted(found, key=natural_key))

    def kg_after(self, order: Order) -> float:
        """What rides along after the last stop of an order that is begun and ended next."""
        own_kg = order.kg if order.id in self.on_board else 0.0
        return max(0.0, self.payload_kg - own_kg)

    @property
    def soc(self) -> float:
        """State of charge in [0, 1]; 1 where energy does not matter."""
        if not 0.0 < self.capacity_wh < math.inf:
            return 1.0
        return min(1.0, self.charge_wh / self.capacity_wh)
