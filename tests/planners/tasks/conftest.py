"""Snapshots to decide on, an independent reading of them, and a scripted model server."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from model_server import Server

from planners import CostField, GridMap, Layer
from planners.tasks import EnergyModel, Order, Snapshot, assess
from planners.tasks.client import OpenAIClient
from planners.tasks.prompt import render


def small_snapshot(orders: int = 3, notes: str = "") -> Snapshot:
    grid = GridMap(np.zeros((6, 8), dtype=bool), moves="four")
    costs = CostField(grid, base=1.5, layers=[Layer("risk", np.full((6, 8), 0.1), weight=8.0)])
    return Snapshot(
        time_s=100.0,
        map=grid,
        costs=costs,
        robot=0,
        charge_wh=900.0,
        capacity_wh=960.0,
        reserve_wh=96.0,
        charge_power_w=211.0,
        margin=1.2,
        payload_kg=0.0,
        orders=tuple(
            Order(f"O{k}", stops=(5 + k, 47 - k), due_s=110.0 + 5 * k, kg=2.0)
            for k in range(1, orders + 1)
        ),
        chargers={"charger-1": 7},
        energy=EnergyModel(ambient_w=20.0, drive_j_per_m=151.0, drive_j_per_m_kg=2.0),
        notes=notes,
    )


@pytest.fixture(scope="session")
def a_snapshot() -> Callable[..., Snapshot]:
    """Makes a snapshot of 6 x 8 free cells with orders O1, O2, ... that the battery allows."""
    return small_snapshot


BASE_S = 1.4
CONGESTION_WEIGHT = 4.0
RISK_WEIGHT = 8.0


@dataclass(frozen=True)
class Case:
    """A random snapshot, and its four-connected grid as networkx sees it."""

    snapshot: Snapshot
    graph: nx.DiGraph

    def way(self, start: int, end: int) -> tuple[float, float, float] | None:
        """Cost, seconds and metres of the one cheapest path (random paces make it unique)."""
        try:
            nodes = nx.dijkstra_path(self.graph, start, end, weight="cost")
        except nx.NetworkXNoPath:
            return None
        edges = [self.graph.edges[edge] for edge in pairwise(nodes)]
        return (
            sum(edge["cost"] for edge in edges),
            sum(edge["time"] for edge in edges),
            float(len(edges)),
        )

    def ways(self, start: int, order: Order) -> list[tuple[float, float, float]] | None:
        found = [self.way(a, b) for a, b in pairwise((start, *order.stops))]
        return None if None in found else [way for way in found if way is not None]

    def total_s(self, order: Order) -> float:
        """The objective of taking this order next, from the interface's sentence."""
        weights = {"urgent": 4.0, "normal": 1.0, "low": 0.25}
        own = self.ways(self.snapshot.robot, order)
        assert own is not None
        arrival_s = self.snapshot.time_s + sum(way[1] for way in own)
        total_s = sum(way[0] for way in own)
        total_s += weights[order.priority] * max(0.0, arrival_s - order.due_s)
        for other in self.snapshot.orders:
            if other.id != order.id and self.ways(self.snapshot.robot, other) is not None:
                direct = self.ways(order.drop, other)
                assert direct is not None
                late_s = arrival_s + sum(way[1] for way in direct) - other.due_s
                total_s += weights[other.priority] * max(0.0, late_s)
        return total_s

    def needs_wh(self, order: Order) -> tuple[float, float]:
        """Predicted energy of the order, and from its drop to the charger that takes least."""
        model = self.snapshot.energy

        def wh(way: tuple[float, float, float], kg: float) -> float:
            drive_j = (model.drive_j_per_m + model.drive_j_per_m_kg * kg) * way[2]
            return (model.ambient_w * way[1] + drive_j) / 3600.0

        ways = self.ways(self.snapshot.robot, order)
        assert ways is not None
        on_board_kg = self.snapshot.payload_kg
        masses = [on_board_kg] + [on_board_kg + order.kg] * (len(ways) - 1)
        back = [self.way(order.drop, node) for node in self.snapshot.chargers.values()]
        return (
            sum(wh(way, kg) for way, kg in zip(ways, masses, strict=True)),
            min(wh(way, on_board_kg) for way in back if way is not None),
        )


def make_case(seed: int, orders: int = 5, **changes: Any) -> Case:
    """A 7 x 9 grid with walls, random congestion and risk, and random orders on free cells."""
    rng = np.random.default_rng(seed)
    shape = (7, 9)
    blocked = rng.random(shape) < 0.25
    congestion, risk = rng.random(shape), rng.random(shape) * 0.3
    grid = GridMap(blocked, moves="four")
    layers = [Layer("congestion", congestion, CONGESTION_WEIGHT), Layer("risk", risk, RISK_WEIGHT)]
    graph: nx.DiGraph = nx.DiGraph()
    for row, col in np.argwhere(~blocked).tolist():
        graph.add_node(row * shape[1] + col)
        for r, c in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
            if 0 <= r < shape[0] and 0 <= c < shape[1] and not blocked[r, c]:
                time_s = BASE_S + congestion[r, c]
                cost_s = BASE_S + CONGESTION_WEIGHT * congestion[r, c] + RISK_WEIGHT * risk[r, c]
                graph.add_edge(row * shape[1] + col, r * shape[1] + c, cost=cost_s, time=time_s)
    free = rng.permutation(np.flatnonzero(~blocked.reshape(-1)))

    def order(k: int) -> Order:
        count = int(rng.integers(1, 4))
        stops = tuple(int(node) for node in rng.choice(free, size=count, replace=False))
        due_s = math.inf if rng.random() < 0.2 else float(500 + rng.uniform(-30, 60))
        priority = str(rng.choice(["urgent", "normal", "low"]))
        return Order(f"O{k}", stops, 400.0 + k, due_s, float(rng.uniform(0, 40)), priority)

    fields: dict[str, Any] = {
        "time_s": 500.0,
        "map": grid,
        "costs": CostField(grid, base=BASE_S, layers=layers),
        "robot": int(free[0]),
        "charge_wh": 500.0,
        "capacity_wh": 960.0,
        "reserve_wh": 96.0,
        "charge_power_w": 211.0,
        "margin": 1.2,
        "payload_kg": 0.0,
        "orders": tuple(order(k) for k in range(1, orders + 1)),
        "chargers": {"charger-1": int(free[1]), "charger-2": int(free[2])},
        "energy": EnergyModel(ambient_w=20.0, drive_j_per_m=151.0, drive_j_per_m_kg=2.16),
    }
    return Case(Snapshot(**(fields | changes)), graph)


@pytest.fixture(scope="session")
def a_case() -> Callable[..., Case]:
    """Makes a random case from a seed, the number of orders and changed snapshot fields."""
    return make_case


@pytest.fixture(scope="session")
def _warm() -> None:
    """The first call of a process imports the package's parts; small deadlines start after it."""
    server = Server()
    server.script = [lambda handler: handler.choose("O1")]
    snapshot = small_snapshot()
    prompt = render(snapshot, assess(snapshot).candidates)
    answer = OpenAIClient(server.url).ask(prompt, time.monotonic() + 60.0)
    server.stop()
    assert answer.reply is not None


@pytest.fixture
def server(_warm: None) -> Iterator[Server]:
    """A scripted model server."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def second_server() -> Iterator[Server]:
    """Another one, where nothing should arrive."""
    made = Server()
    yield made
    made.stop()
