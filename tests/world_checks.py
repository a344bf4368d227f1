"""What has to hold of a world after every tick, written without its rules.

Test files import this module by name (`pythonpath = ["tests"]` in pyproject.toml).
"""

from __future__ import annotations

import math

import numpy as np

from envs.contacts import contacts_of
from envs.metrics import CONTACT_M
from envs.world import World

LAYERS = ("risk", "congestion", "energy", "blockage")


class Watched:
    """A world that is stepped tick by tick and looked at after each; AssertionError names a fault.

    `deliveries` collects the names of the orders delivered so far.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.deliveries: list[str] = []
        self.released: set[str] = set()
        self._tick, self._time_s = world.tick, world.time_s
        self._battery = (world.robot.battery.charge_mj, 0)
        agents = world.crowd.agents
        self._before = agents.node.copy(), agents.to.copy(), agents.x_m.copy(), agents.y_m.copy()
        self._ages = self._belief_ages()
        self._read_events()

    def step(self, action: int) -> None:
        """One tick, and all checks."""
        self.world.step(action)
        self.look()

    def look(self) -> None:
        """Compare with what was seen a tick ago."""
        self._time()
        self._places()
        self._battery_balances()
        self._read_events()
        self._orders()
        self._belief()

    def _time(self) -> None:
        world = self.world
        assert world.tick == self._tick + 1, "time: a tick is one tick"
        assert world.time_s == self._time_s + world.tick_s, "time: it goes on evenly"
        self._tick, self._time_s = world.tick, world.time_s

    def _places(self) -> None:
        floor, agents = self.world.floor, self.world.crowd.agents
        now = agents.node.copy(), agents.to.copy(), agents.x_m.copy(), agents.y_m.copy()
        (node, to, x_m, y_m), (was, was_to, was_x, was_y) = now, self._before
        held = np.concatenate((node, to[to >= 0]))
        for place in held.tolist():
            assert not floor.map.is_blocked(place), "wall: somebody is inside it"
        for place in to[(to >= 0) & (was_to != to)].tolist():
            assert place not in floor.blocked, "wall: somebody enters a closed node"
        assert np.unique(held).size == held.size, "shared: two agents hold one node"
        for k in range(node.size):
            near = {was[k], was_to[k], *floor.neighbours(int(was[k]))}
            assert node[k] in near, "jump: somebody is two nodes further"
        moved = {(int(a), int(b)) for a, b in zip(was, node, strict=True) if a != b}
        assert not any((b, a) in moved for a, b in moved), "swap: two agents changed places"
        touched = contacts_of(was_x, was_y, x_m, y_m, CONTACT_M)
        assert not touched.size, "contact: two bodies touched"
        self._before = now

    def _battery_balances(self) -> None:
        battery = self.world.robot.battery
        assert 0 <= battery.charge_mj <= battery.capacity_mj, "charge: below 0 or above capacity"
        balance = battery.start_mj + battery.charged_mj - battery.drained_mj
        assert balance == battery.charge_mj, "energy: it is not conserved"
        charge_mj, drained_mj = self._battery
        assert battery.drained_mj >= drained_mj, "energy: what was drained came back"
        gained = battery.charge_mj > charge_mj
        busy = self.world.robot.charging or self.world.robot.stranded or self._rescued()
        assert not gained or busy, "charge: it rose away from a charger"
        self._battery = battery.charge_mj, battery.drained_mj

    def _rescued(self) -> bool:
        """A pack was brought: the charge is at most what such a pack holds."""
        robot = self.world.robot
        most = self.world.rules.handling.rescue_soc * robot.battery.capacity_mj
        return bool(self.world.tally.strandings and robot.battery.charge_mj <= most + 1)

    def _read_events(self) -> None:
        for row in self.world.take_events():
            if row["event"] == "order":
                assert row["order"] not in self.released, "orders: released twice"
                self.released.add(row["order"])
            if row["event"] == "delivery":
                assert row["order"] in self.released, "orders: delivered before its release"
                assert row["order"] not in self.deliveries, "orders: delivered twice"
                self.deliveries.append(row["order"])

    def _orders(self) -> None:
        world, book = self.world, self.world.book
        open_ = {order.id for order in book.open(world.time_s)}
        held = {order.id for order in book.on_board}
        assert len(held) <= world.capacity, "orders: more on board than fit"
        assert not self.settled or held.isdisjoint(self.deliveries), (
            "orders: delivered and on board"
        )
        kg = math.fsum(order.kg for order in book.on_board)
        assert world.robot.payload_kg == kg, "orders: payload of something else"
        for order in book.on_board:
            assert 0 < book.made(order.id) < len(order.stops), "orders: on board before its pick"
        taken = held | ({book.taken.id} if book.taken is not None else set())
        assert len(taken) <= world.capacity, "orders: taken without room"
        assert not open_ & taken, "orders: open and taken at once"
        assert open_ | taken <= self.released, "orders: open before its release"
        done = set(self.deliveries) - (taken if world.robot.busy_until > 0 else set())
        assert not done & open_, "orders: delivered and open again"
        assert len(self.deliveries) == len(world.tally.delivery_times_s), "orders: miscounted"

    @property
    def settled(self) -> bool:
        """Whether nothing is being put down or picked up now."""
        return not self.world.robot.serving

    def _belief_ages(self) -> dict[str, np.ndarray]:
        return {layer: self.world.belief.age_s(layer) for layer in LAYERS}

    def _belief(self) -> None:
        """Ages grow with time or start anew; what is believed is a cost, never a gain."""
        costs = self.world.belief.costs()
        for layer in LAYERS:
            values = costs.layer(layer)
            assert np.isfinite(values).all() and (values >= 0).all(), "belief: no cost"
        now, before = self._belief_ages(), self._ages
        for layer in LAYERS:
            known = np.isfinite(before[layer])
            assert (now[layer] >= 0).all(), "ages: below 0"
            assert np.isfinite(now[layer][known]).all(), "ages: what was known is forgotten"
            older = now[layer][known] - before[layer][known]
            assert (older <= self.world.tick_s + 1e-9).all(), "ages: older than time allows"
            older = older[older > 0]
            assert np.allclose(older, self.world.tick_s), "ages: they grow evenly or start anew"
        self._ages = now


def way_to(world: World, goal: int) -> int | None:
    """The neighbour of the robot's node that is nearest to a goal by breadth-first search."""
    floor = world.floor
    steps, edge = {goal: 0}, [goal]
    while edge:
        here = edge.pop(0)
        for node in floor.neighbours(here):
            if node not in steps and not floor.map.is_blocked(node) and node not in floor.blocked:
                steps[node] = steps[here] + 1
                edge.append(node)
    around = [n for n in floor.neighbours(world.robot.node) if n in steps]
    best = min(around, key=lambda n: (steps[n], n), default=None)
    return best if best is None or math.isfinite(steps[best]) else None
