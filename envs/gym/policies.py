"""The library's own deciders as policies: a planner for `WarehouseNav`, a chooser for
`WarehouseTask`.

A policy is a function of the environment (wrapped or not) that returns the next action. Both use
what an agent may know: belief, body and open orders.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import gymnasium

from envs.driver import known_map
from envs.world import World
from planners import plan
from planners.tasks import Chooser, make_chooser

from .nav import GIVE_WAY, STAY, WarehouseNav
from .task import WarehouseTask

LOOK_AGAIN, OFFER_PLACE = 4, 10  # ticks (a)
Policy = Callable[[gymnasium.Env[Any, Any]], int]


def policy_of(chooser: Chooser | str) -> Policy:
    """The policy that plays `WarehouseTask-v0` as a chooser (or the one of that name) decides.

    Playing a chooser gives the trace hash that `run_episode` gives with it:
    `WarehouseTask.action_of` takes its plan along, where it has one.

    Raises TypeError where the environment is another one.
    """
    decider = make_chooser(chooser) if isinstance(chooser, str) else chooser

    def policy(env: gymnasium.Env[Any, Any]) -> int:
        task = env.unwrapped
        if not isinstance(task, WarehouseTask):
            raise TypeError(f"policy_of plays WarehouseTask-v0, not {type(task).__name__}")
        return task.action_of(decider.choose(task.snapshot))

    return policy


class PlannerPolicy:
    """The policy that plays `WarehouseNav-v0` with `plan` on the belief, and follows the path.

    It plans anew for a new goal, when it was pushed off its path, when the belief has closed or
    opened cells, and after every fourth tick behind somebody who stands in the way; from the tenth
    on it yields for two ticks of four, since traffic robots decide on even ones.
    """

    def __init__(self, strategy: str = "wastar", weight: float | None = None) -> None:
        self._strategy, self._weight = strategy, weight
        self._next: dict[int, int] = {}
        self._made_for: tuple[World, int, int] | None = None

    def __call__(self, env: gymnasium.Env[Any, Any]) -> int:
        """The next action; `wait` while the robot is not asked, has no goal, or no way to it."""
        nav = env.unwrapped
        assert isinstance(nav, WarehouseNav)
        world, blocked = nav.world, nav.blocked
        goal, node = world.next_stop(), world.robot.node
        if goal is None or not nav.asked:
            return STAY
        made_for = (world, goal, world.belief.map_version)
        standing = blocked > 0 and blocked % LOOK_AGAIN == 0
        if made_for != self._made_for or node not in self._next or standing:
            self._made_for, self._next = made_for, self._way(nav, goal)
        if node not in self._next:
            return STAY
        if blocked >= OFFER_PLACE and world.tick // 2 % 2:
            return GIVE_WAY
        return nav.direction(node, self._next[node])

    def _way(self, nav: WarehouseNav, goal: int) -> dict[int, int]:
        """Each node of a path to the goal, and the one after it."""
        map_, costs = known_map(nav.world), nav.world.belief.costs()
        ends = map_.label(nav.world.robot.node), map_.label(goal)
        found = plan(map_, *ends, costs=costs, strategy=self._strategy, weight=self._weight)
        nodes = [] if found.path is None else found.path.nodes.tolist()
        return dict(pairwise(nodes))
