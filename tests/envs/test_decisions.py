"""Decisions of a living shift, against fresh choosers and an independent Dijkstra."""

from __future__ import annotations

from typing import Any

import pytest

from envs.episode import run_episode
from envs.layouts import fulfilment
from envs.world import World
from planners.check import exact_costs
from planners.tasks import Decision, Snapshot, make_chooser


class Doubted:
    """A chooser whose every decision is taken again from scratch while its costs are those."""

    name = "utility"

    def __init__(self) -> None:
        self._kept = make_chooser("utility")
        self.compared = self.legs = self.versions = 0
        self._version = -1

    def describe(self) -> str:
        return "utility, doubted"

    def choose(self, snapshot: Snapshot) -> Decision:
        decision = self._kept.choose(snapshot)
        assert decision == make_chooser("utility").choose(snapshot)
        self.versions += snapshot.costs.version != self._version
        self._version = snapshot.costs.version
        for candidate in decision.candidates:
            self.compared += 1
            for leg in candidate.legs:
                self.legs += 1
                optimum_s = exact_costs(snapshot.map, leg.start, snapshot.costs)[leg.end]
                assert leg.cost_s == pytest.approx(optimum_s, rel=1e-6)
                assert sum(leg.layers.values()) == pytest.approx(leg.cost_s)
        return decision


@pytest.mark.parametrize("graph", [False, True])
def test_what_is_kept_between_decisions_changes_none(graph: bool) -> None:
    layout: Any = fulfilment(2, 3)
    layout = layout.as_graph() if graph else layout
    tasks = [
        (layout.storage[k * 5 % len(layout.storage)], layout.stations[k % 2]) for k in range(20)
    ]
    world = World(layout, workers=4, traffic=4, seed=3, orders=tasks)
    chooser = Doubted()
    run_episode(world, chooser, seconds=600.0)
    assert chooser.compared > 30
    assert chooser.legs == 2 * chooser.compared
    assert chooser.versions > 3
