"""Kept fields: exact, still a bound, lowered or built anew, and never above the truth."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from bounds_worlds import World, assert_below, assert_consistent, least, settle
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from oracles import dijkstra, scipy_dijkstra

from planners import CostField, GridMap, KeptFields, Layer, check, plan
from planners.bounds import kept as kept_module
from planners.bounds.changes import fallen
from planners.kernels import lower
from planners.kernels.loop import BUDGET, EXHAUSTED, GROW
from planners.kernels.queue import IN_HEAP, INTS
from planners.spaces import space_of

WHOLE = st.integers(0, 9).map(float)
ANY = st.integers(0, 10**6)


class Changing(RuleBasedStateMachine):
    """Rises, falls, blocking and freeing in any order, and fields that are asked in between."""

    @initialize(seed=st.integers(0, 2**32 - 1), on_grid=st.booleans())
    def begin(self, seed, on_grid):
        self.world = World(np.random.default_rng(seed), on_grid)
        self.kept = KeptFields(self.world.map, self.world.costs, max_bytes=3 * 8 * 25)
        self.served = {}  # goal: (values, the least that every move has cost since they were built)

    @rule(node=ANY, value=WHOLE)
    def change(self, node, value):
        self.world.update(node % self.world.map.size, value)

    @rule(edge=ANY, value=WHOLE)
    def change_toll(self, edge, value):
        self.world.update_toll(edge, value)

    @rule(node=ANY, blocked=st.booleans())
    def block(self, node, blocked):
        self.world.block(node % self.world.map.size, blocked)

    @rule(goal=ANY)
    def ask(self, goal):
        goal %= self.world.map.size
        before = self.kept.stats
        field = self.kept.bound(goal, self.world.map)
        after = self.kept.stats
        backward = self.world.backward()
        truth = dijkstra(backward, goal)
        if self.world.map.is_blocked(goal):
            truth = np.full(self.world.map.size, np.inf)
        fresh = after.misses > before.misses or after.rebuilt > before.rebuilt
        old, floor = (None, backward) if fresh else self.served[goal]
        if fresh or field.exact:
            np.testing.assert_allclose(field.values, truth, rtol=1e-9)
        if not fresh:
            np.testing.assert_allclose(field.values, settle(backward, old.tolist()), rtol=1e-9)
            assert_below(scipy_dijkstra(floor, goal), field.values)
        free = ~self.world.map.blocked.reshape(-1)
        assert_below(np.where(free, field.values, 0.0), truth)
        assert_consistent(backward, field.values)
        self.served[goal] = field.values, floor

    @invariant()
    def every_floor_is_the_least_so_far(self):
        backward = self.world.backward()
        self.served = {
            goal: (values, least(floor, backward)) for goal, (values, floor) in self.served.items()
        }

    @invariant()
    def within_the_limit(self):
        assert self.kept.stats.bytes <= self.kept.max_bytes


Changing.TestCase.settings = settings(deadline=None, max_examples=60, stateful_step_count=25)
TestChanging = Changing.TestCase


def noisy(side=30, seed=0):
    rng = np.random.default_rng(seed)
    grid = GridMap(rng.random((side, side)) < 0.1)
    risk = rng.integers(1, 9, (side, side)).astype(float)
    return grid, CostField(grid, layers=[Layer("risk", risk)]), risk


def truth(grid, costs, goal):
    from planners.check import exact_costs

    return exact_costs(grid, goal, costs, to_root=True)


def test_served_as_it_is_lowered_and_built_anew():
    grid, costs, risk = noisy()
    kept, goal = KeptFields(grid, costs), grid.node((3, 3))
    first = kept.bound(goal)
    assert first.exact and kept.bound(goal) is first
    assert kept.stats[:4] == (1, 1, 0, 0)
    costs.update("risk", [grid.node((20, 20))], [100.0])
    risen = kept.bound(goal)
    assert not risen.exact and risen.values is first.values and kept.stats[:4] == (2, 1, 0, 0)
    costs.update("risk", [grid.node((25, 25))], [0.0])
    fallen = kept.bound(goal)
    assert not fallen.exact and kept.stats[:4] == (2, 1, 1, 0)
    assert (fallen.values <= first.values).all() and (fallen.values < first.values).any()
    costs.update("risk", np.arange(grid.size), 0.5 * risk.ravel())
    anew = kept.bound(goal)
    assert anew.exact and kept.stats[:4] == (2, 1, 1, 1)
    np.testing.assert_allclose(anew.values, truth(grid, costs, goal), rtol=1e-9)


def test_falls_alone_keep_it_exact():
    grid, costs, _ = noisy()
    kept, rng = KeptFields(grid, costs), np.random.default_rng(1)
    for _ in range(20):
        node = rng.integers(grid.size, size=3)
        costs.update("risk", node, np.minimum(costs.layer("risk")[node], rng.integers(0, 9)))
        field = kept.bound(5)
        assert field.exact
        np.testing.assert_allclose(field.values, truth(grid, costs, 5), rtol=1e-9)
    assert kept.stats.lowered > 5


def test_what_was_served_is_never_changed():
    grid, costs, _ = noisy()
    kept = KeptFields(grid, costs)
    before = kept.bound(0)
    copy = before.values.copy()
    costs.update("risk", [31, 62, 93], 0.0)
    assert not np.array_equal(kept.bound(0).values, copy)
    assert np.array_equal(before.values, copy) and not before.values.flags.writeable


def test_a_field_that_is_not_lowered_overestimates():
    """The variant without lowering breaks the bound: the repair is needed."""
    grid, costs, _ = noisy()
    kept = KeptFields(grid, costs)
    stale = kept.bound(0).values
    costs.update("risk", [31, 62, 93], 0.0)
    now = truth(grid, costs, 0)
    reached = np.isfinite(now)
    assert (stale[reached] > now[reached] * (1 + 1e-6)).any()
    assert_below(kept.bound(0).values, now)


def test_a_freed_cell_opens_a_way_and_a_freed_goal_its_field():
    grid = GridMap([[0, 0, 1, 0], [0, 0, 1, 1]])
    kept = KeptFields(grid)
    assert np.isinf(kept.bound((0, 3)).values[0]) and np.isinf(kept.bound((1, 3)).values).all()
    opened = grid.with_blocked([(0, 2)], False)
    assert kept.bound((0, 3), opened).values[0] == 3.0 and kept.stats.lowered == 1
    opened = opened.with_blocked([(1, 3)], False)
    assert kept.bound((1, 3), opened).values[3] == 1.0 and kept.stats.rebuilt == 1


def test_a_goal_without_moves_that_is_blocked_is_not_exact_any_more():
    """No move closes, yet the goal itself can no longer be stood on (found by chance)."""
    grid = GridMap([[0, 1]])
    kept = KeptFields(grid)
    assert kept.bound(0).exact
    assert not kept.bound(0, grid.with_blocked([0], True)).exact


def test_forgotten_falls_are_built_anew():
    """Where the history was cut, nothing may be served as it is."""
    grid, costs, _ = noisy(side=20)
    kept = KeptFields(grid, costs)
    kept.bound(0)
    costs.update("risk", [21], 0.0)
    every = np.arange(grid.size)
    for value in (9.0, 8.0, 7.0, 6.0):
        costs.update("risk", every, value)
    assert fallen(grid, costs, 0) is None
    field = kept.bound(0)
    assert field.exact and kept.stats.rebuilt == 1
    np.testing.assert_allclose(field.values, truth(grid, costs, 0), rtol=1e-9)


def test_rises_alone_are_never_forgotten():
    grid, costs, _ = noisy(side=20)
    kept = KeptFields(grid, costs)
    kept.bound(0)
    for value in range(10, 30):
        costs.update("risk", np.arange(grid.size), float(value))
    assert not kept.bound(0).exact and kept.stats[:4] == (1, 1, 0, 0)


def test_memory_is_bounded_and_the_one_unused_longest_goes():
    grid, costs, _ = noisy(side=10)
    kept = KeptFields(grid, costs, max_bytes=3 * 800)
    for goal in (0, 1, 2, 0, 3):
        kept.bound(goal)
    assert kept.stats.bytes == 2400 and kept.stats.evicted == 1
    misses = kept.stats.misses
    kept.bound(0)
    assert kept.stats.misses == misses
    kept.bound(1)
    assert kept.stats.misses == misses + 1
    kept.clear()
    assert kept.stats.bytes == 0
    with pytest.raises(ValueError, match=r"799.*800"):
        KeptFields(grid, costs, max_bytes=799)


def test_other_maps_and_goals_outside_are_refused():
    grid, costs, _ = noisy(side=10)
    kept = KeptFields(grid, costs)
    with pytest.raises(ValueError, match="11 x 10"):
        kept.bound(0, GridMap(np.zeros((11, 10))))
    with pytest.raises(ValueError, match="outside"):
        kept.bound(100)
    with pytest.raises(ValueError, match="fit"):
        KeptFields(GridMap(np.zeros((3, 3))), costs)


def test_plans_by_a_kept_field_are_optimal_while_the_costs_change():
    grid, costs, _ = noisy(side=25, seed=3)
    kept, rng, spent = KeptFields(grid, costs), np.random.default_rng(4), [0, 0]
    free = np.flatnonzero(~grid.blocked)
    goal = int(free[12])
    for _ in range(30):
        costs.update("risk", rng.integers(grid.size, size=4), rng.integers(0, 9, 4).astype(float))
        h = kept.bound(goal).values
        for start in free[[-1, free.size // 2]].tolist():
            by_field = plan(grid, start, goal, costs=costs, heuristic=h, lower_bound=True)
            octile = plan(grid, start, goal, costs=costs)
            check(grid, by_field, costs, exact=True)
            assert octile.status == "found"
            spent[0] += by_field.stats.expanded
            spent[1] += octile.stats.expanded
    assert spent[0] < 0.3 * spent[1]


def test_threads_share_fields():
    grid, costs, _ = noisy()
    kept, found = KeptFields(grid, costs), []

    def ask():
        found.extend((goal, kept.bound(goal)) for goal in (1, 2, 3, 1, 2, 3))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.stats.misses == 3 and kept.stats.hits == 21
    assert all(field is kept.bound(goal) for goal, field in found)


@pytest.mark.parametrize("on_grid", [True, False])
def test_the_kernel_as_plain_python(on_grid):
    """The same source un-jitted gives the same bits, and answers GROW and BUDGET as it should."""
    for seed in range(40):
        world = World(np.random.default_rng([7, seed, on_grid]), on_grid)
        old = dijkstra(world.backward(), 0)
        values = np.where(world.map.blocked.reshape(-1), np.inf, np.array(old))
        rng = np.random.default_rng(seed)
        nodes = rng.integers(world.map.size, size=3)
        for node in nodes:
            world.update(int(node), float(rng.integers(0, 3)))
        seeds = fallen(world.map, world.costs, 0)
        by_kernel = kept_module.lowered(values, world.map, world.costs, seeds, 10**6)
        entry = lower.lower_grid if on_grid else lower.lower_graph
        space = space_of(world.map, world.costs, backward=True)
        plain, ints, codes = values.copy(), np.zeros(INTS, dtype=np.int64), [GROW]
        heap = np.empty(seeds.size), np.empty(seeds.size, dtype=np.int64)
        while codes[-1] == GROW:
            code = entry(*space.arrays, plain, seeds, *heap, ints, space.room, 10**6)
            codes.append(code)
            seeds, used = seeds[:0], ints[IN_HEAP]
            heap = [np.concatenate([part[:used], part[:0], np.empty(space.room, part.dtype)])
                    for part in heap]  # fmt: skip
        assert codes[-1] == EXHAUSTED
        np.testing.assert_array_equal(plain, by_kernel)


def test_the_budget_of_touched_nodes():
    grid, costs, _ = noisy()
    field = KeptFields(grid, costs).bound(0)
    costs.update("risk", [31], 0.0)
    seeds = fallen(grid, costs, 0)
    assert kept_module.lowered(field.values, grid, costs, seeds, 2) is None
    assert BUDGET != EXHAUSTED
