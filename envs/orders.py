"""Where orders come from: a stream over time, or a list of tasks with a limit on how many are open.

An order book shows what is open, lends orders to the robot, and takes them back delivered or given
up. Exogenous orders (when, where, due when) depend on the seed alone, never on the robot.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from reprlib import repr as shown
from typing import TYPE_CHECKING

import numpy as np

from planners.errors import expect
from planners.tasks import Order

from .blockages import HOUR_S
from .checks import expect_number, expect_numbers
from .streams import stream

if TYPE_CHECKING:
    from .layouts import Layout

OPEN_LIMIT = 12  # orders of a task list that are open at once


@dataclass(frozen=True)
class OrderModel:
    """A shift's orders; all numbers are assumptions (a).

    `per_hour` is the mean over a shift of `shift_s` with two peaks, at 30 and 70 % of it; `backlog`
    orders wait at its start. Lines are geometric with mean `1 / (1 - more_lines)`, at most
    `max_lines`. At half time the popularity of the pick faces moves on by one rank in five.
    """

    per_hour: float = 24.0
    shift_s: float = HOUR_S
    backlog: int = 4
    peak: float = 1.5
    more_lines: float = 0.25
    max_lines: int = 3
    due_least_s: float = 300.0
    due_mean_extra_s: float = 600.0
    urgent_share: float = 0.1
    low_share: float = 0.2
    max_kg: float = 15.0

    def __post_init__(self) -> None:
        expect_numbers(self, "per_hour", "peak", "due_least_s", "due_mean_extra_s", "max_kg")
        expect_numbers(self, "shift_s", above=0)
        expect_numbers(self, "backlog", whole=True)
        expect_numbers(self, "max_lines", least=1, whole=True)
        expect_numbers(self, "urgent_share", "low_share", most=1)
        if not 0 <= self.more_lines < 1:
            raise ValueError(f"more_lines must be in [0, 1), got {self.more_lines!r}")

    def rate(self, time_s: float) -> float:
        """Relative rate at a moment of the shift, between 0.5 and 0.5 + `peak`."""
        part = (time_s / self.shift_s) % 1.0
        bumps = sum(math.exp(-0.5 * ((part - at) / 0.08) ** 2) for at in (0.3, 0.7))
        return 0.5 + self.peak * min(1.0, bumps)


class OrderBook:
    """Open, taken, delivered. Subclasses say when the next order appears.

    `taken` is the order whose stop is made next; `capacity` is how many fit on board at once, which
    the world that reads the book says.
    """

    def __init__(self) -> None:
        self._open: dict[str, Order] = {}
        self._held_until: dict[str, float] = {}
        self._on_board: dict[str, Order] = {}
        self._made: dict[str, int] = {}  # stops made of what is on board
        self.taken: Order | None = None
        self.capacity = 1

    def release(self, time_s: float) -> list[Order]:
        """Open what is due by now and return it, oldest first."""
        fresh = self._due(time_s)
        for order in fresh:
            self._open[order.id] = order
        return fresh

    def next_release_s(self) -> float:
        """The next moment at which time alone may open an order; inf: none, as far as is known."""
        return math.inf

    def _due(self, time_s: float) -> list[Order]:
        raise NotImplementedError

    def open(self, time_s: float) -> tuple[Order, ...]:
        """Orders on offer: not taken, and not given up a moment ago (unless nothing else is)."""
        return self.ready(time_s) or tuple(self._open.values())

    def ready(self, time_s: float) -> tuple[Order, ...]:
        """Open orders without those that were given up a moment ago."""
        return tuple(o for o in self._open.values() if self._held_until.get(o.id, 0.0) <= time_s)

    def overdue(self, time_s: float) -> int:
        """Orders whose due time has passed, but for the one that is served now."""
        waiting = (*self._open.values(), *self._set_aside)
        return sum(order.due_s < time_s for order in waiting)

    @property
    def on_board(self) -> tuple[Order, ...]:
        """What was picked and not delivered, picked first first."""
        return tuple(self._on_board.values())

    @property
    def kg(self) -> float:
        """What is on board weighs."""
        return math.fsum(order.kg for order in self._on_board.values())

    @property
    def _set_aside(self) -> list[Order]:
        return [order for order in self._on_board.values() if order is not self.taken]

    @property
    def busy(self) -> int:
        """How many orders the robot has: on board, or taken to be picked."""
        return len(self._set_aside) + (self.taken is not None)

    def made(self, order_id: str) -> int:
        """How many stops of an order are made."""
        return self._made.get(order_id, 0)

    def take(self, order_id: str) -> Order:
        """Lend an open order to the robot, or take up one that is on board.

        Raises:
            ValueError: neither is of that name; another one is taken; there is no room.
        """
        if order_id not in self._open and order_id not in self._on_board:
            known = ", ".join(self._open) or "none"
            raise ValueError(f"no open order {order_id!r}: open are {known}")
        if self.taken is not None:
            raise ValueError(f"the robot has {self.taken.id}: it cannot take {order_id} as well")
        if order_id in self._on_board:
            self.taken = self._on_board[order_id]
            return self.taken
        if len(self._on_board) >= self.capacity:
            held = ", ".join(self._on_board)
            raise ValueError(f"the robot has {held}: it cannot take {order_id} as well")
        self.taken = self._open.pop(order_id)
        return self.taken

    def stop_made(self) -> bool:
        """The taken order's next stop is made; whether it is delivered by that.

        Where only one order fits it stays taken until then, else what to go on with is open.
        """
        order = self.taken
        assert order is not None
        self._on_board[order.id] = order
        self._made[order.id] = self.made(order.id) + 1
        done = self._made[order.id] == len(order.stops)
        if done:
            self._put_off(order)
            self.delivered()
        elif self.capacity > 1:
            self.taken = None
        return done

    def set_aside(self) -> None:
        """No order is served now: the taken one stays on board, or is open again."""
        if self.taken is not None and self.taken.id not in self._on_board:
            self._open[self.taken.id] = self.taken
        self.taken = None

    def give_back(self, time_s: float, hold_s: float = 120.0) -> None:
        """The taken order is open again; for `hold_s` (a) it is not offered if others are."""
        if self.taken is not None:
            self._put_off(self.taken)
            self._open[self.taken.id] = self.taken
            self._held_until[self.taken.id] = time_s + hold_s
            self.taken = None

    def _put_off(self, order: Order) -> None:
        self._on_board.pop(order.id, None)
        self._made.pop(order.id, None)

    def delivered(self) -> None:
        """The taken order is done."""
        self.taken = None


class PoissonBook(OrderBook):
    """Orders by a Poisson stream with two peaks, drawn hour by hour from the seed."""

    def __init__(self, layout: Layout, seed: int, model: OrderModel) -> None:
        super().__init__()
        self._layout, self._seed, self._model = layout, seed, model
        share = np.asarray(layout.pick_share, dtype=np.float64)
        # The hottest faces of the second half are not those of the first.
        by_rank = np.argsort(-share, kind="stable")
        later = np.empty_like(share)
        later[by_rank] = np.roll(share[by_rank], max(1, len(share) // 5))
        self._halves = (np.cumsum(share), np.cumsum(later))
        self._hours = 0
        self._count = 0
        self._planned: list[Order] = []

    def next_release_s(self) -> float:
        """The next order's, or the hour in which the next ones are drawn."""
        return self._planned[0].release_s if self._planned else self._hours * HOUR_S

    def _due(self, time_s: float) -> list[Order]:
        while self._hours * HOUR_S <= time_s:
            self._draw_hour(self._hours)
            self._hours += 1
        count = 0
        while count < len(self._planned) and self._planned[count].release_s <= time_s:
            count += 1
        fresh, self._planned = self._planned[:count], self._planned[count:]
        return fresh

    def _draw_hour(self, hour: int) -> None:
        rng, model = stream(self._seed, "orders", hour), self._model
        most = 0.5 + model.peak
        steps = np.linspace(0.0, model.shift_s, 241)
        mean = float(np.mean([model.rate(time_s) for time_s in steps.tolist()]))
        count = int(rng.poisson(model.per_hour * most / mean))
        times = np.sort(rng.random(count)) * HOUR_S + hour * HOUR_S
        kept = [t for t in times.tolist() if float(rng.random()) * most < model.rate(t)]
        start = [0.0] * model.backlog if hour == 0 else []
        for release_s in [*start, *kept]:
            self._count += 1
            self._planned.append(self._draw_order(rng, f"O{self._count}", release_s))

    def _draw_order(self, rng: np.random.Generator, name: str, release_s: float) -> Order:
        model, layout = self._model, self._layout
        late_half = release_s % model.shift_s >= 0.5 * model.shift_s
        share = self._halves[late_half]
        lines = min(model.max_lines, int(rng.geometric(1.0 - model.more_lines)))
        picks = np.minimum(np.searchsorted(share, rng.random(lines)), len(share) - 1)
        drop = layout.stations[int(rng.integers(len(layout.stations)))]
        due_s = release_s + model.due_least_s + float(rng.exponential(model.due_mean_extra_s))
        luck = float(rng.random())
        urgent, low = luck < model.urgent_share, luck > 1.0 - model.low_share
        return Order(
            id=name,
            stops=(*(layout.storage[k] for k in dict.fromkeys(picks.tolist())), drop),
            release_s=release_s,
            due_s=round(due_s, 1),
            kg=round(float(rng.random()) * model.max_kg, 2),
            priority="urgent" if urgent else "low" if low else "normal",
        )


class ListBook(OrderBook):
    """A fixed list: up to `open_limit` are open at once, the next one opens on a delivery.

    `tasks` are node ids per order (first pick, last drop) or finished orders, which then keep their
    due times and weights and are released in this order.
    """

    def __init__(
        self, tasks: Sequence[tuple[int, ...] | Order], open_limit: int = OPEN_LIMIT
    ) -> None:
        super().__init__()
        expect(tasks, Sequence, "tasks")
        expect_number("open_limit", open_limit, least=1, whole=True)
        self._tasks, self._limit, self._next = tasks, open_limit, 0

    def _due(self, time_s: float) -> list[Order]:
        fresh: list[Order] = []
        busy = len(self._open) + self.busy
        while busy + len(fresh) < self._limit and self._next < len(self._tasks):
            task = self._tasks[self._next]
            self._next += 1
            if isinstance(task, Order):
                fresh.append(replace(task, release_s=time_s))
            else:
                fresh.append(Order(id=f"O{self._next}", stops=task, release_s=time_s))
        return fresh


def order_book(
    orders: OrderBook | OrderModel | Sequence[tuple[int, ...] | Order] | None,
    layout: Layout,
    seed: int,
) -> OrderBook:
    """The book for what a caller may hand over; None is the Poisson stream with its defaults."""
    if isinstance(orders, OrderBook):
        return orders
    if orders is None or isinstance(orders, OrderModel):
        return PoissonBook(layout, seed, orders or OrderModel())
    if not isinstance(orders, Iterable) or isinstance(orders, (str, Mapping)):
        raise TypeError(
            "orders must be None, an OrderModel, a list of orders or an OrderBook, "
            f"not {shown(orders)}"
        )
    listed: dict[str, Order] = {}
    for k, task in enumerate(orders, start=1):
        if not isinstance(task, (Order, Iterable)):
            raise TypeError(f"order {k} must be an Order or the nodes of its stops, not {task!r}")
        order = task if isinstance(task, Order) else Order(f"O{k}", tuple(task))
        check_stops(order.id, order.stops, layout)
        if order.id in listed:
            raise ValueError(f"two orders are called {order.id!r}: order ids must be unique")
        listed[order.id] = order
    return ListBook(list(listed.values()))


def check_stops(name: str, stops: Sequence[int], layout: Layout) -> None:
    """Raise a ValueError where an order leads beyond the map or into a shelf."""
    size = layout.map.size
    for node in stops:
        if not 0 <= node < size:
            raise ValueError(
                f"order {name} has a stop on node {node}: the map has nodes 0 to {size - 1}"
            )
        if layout.map.is_blocked(node):
            raise ValueError(f"order {name} has a stop on node {node}, which is blocked")
