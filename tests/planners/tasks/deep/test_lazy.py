"""Legs tightened on demand: the same optimum as with all legs exact, by fewer fields."""

from __future__ import annotations

import math

import numpy as np
import pytest
from batches import random_snapshot, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from planners.tasks import Snapshot
from planners.tasks.deep import improve, make_exact, make_instance, prove
from planners.tasks.deep.lazy import Budget, Lazy, solve_lazily
from planners.tasks.spans import LegSpan, LegSpans, Span

KINDS = st.tuples(
    st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 3), st.booleans()
)  # seed, orders, capacity, battery
WHOLE = Budget(rounds=60, expansions=10**5)


def snapshot_of(seed: int, orders: int, capacity: int, battery: bool) -> Snapshot:
    return random_snapshot(np.random.default_rng([seed, 7]), orders, capacity, battery)


def best_s(snapshot: Snapshot) -> float:
    """With every leg exact."""
    instance = make_instance(snapshot)
    start = improve(instance, rounds=60).points
    found = prove(instance, expansions=10**5, incumbent=start)
    assert found.proven
    return found.cost_s


def true(snapshot: Snapshot, lazy: Lazy) -> bool:
    """Whether the plan costs what is said by exact legs, and no plan costs less than the bound."""
    cost_s, found = best_s(snapshot), lazy.solution
    if found.plan is not None:
        walked = walk(make_instance(snapshot), found.plan)
        if walked is None or not math.isclose(walked, found.cost_s, rel_tol=1e-9):
            return False
    return found.lower_bound_s <= cost_s * (1 + 1e-9) and cost_s <= found.cost_s * (1 + 1e-9)


@settings(max_examples=25, deadline=None)
@given(KINDS)
def test_the_optimum_is_that_of_exact_legs(kind: tuple[int, int, int, bool]) -> None:
    snapshot = snapshot_of(*kind)
    lazy = solve_lazily(snapshot, budget=WHOLE)
    assert lazy.solution.proven
    assert lazy.solution.cost_s == pytest.approx(best_s(snapshot), rel=1e-9)
    assert true(snapshot, lazy)
    assert lazy.fields <= lazy.all_fields


@settings(max_examples=25, deadline=None)
@given(KINDS, st.integers(0, 20), st.integers(0, 8), st.sampled_from([0.0, 0.1, 0.5]))
def test_a_small_budget_leaves_a_gap_that_is_true(
    kind: tuple[int, int, int, bool], rounds: int, expansions: int, gap: float
) -> None:
    snapshot = snapshot_of(*kind)
    lazy = solve_lazily(snapshot, budget=Budget(rounds, expansions, gap))
    assert true(snapshot, lazy)


def test_fewer_fields_are_made_than_all_legs_take() -> None:
    made = every = 0
    for seed in range(10):
        lazy = solve_lazily(snapshot_of(seed, 5, 1 + seed % 3, seed % 2 == 0), budget=WHOLE)
        made, every = made + lazy.fields, every + lazy.all_fields
    assert made < 0.95 * every, (made, every)


def test_a_wrong_lower_bound_of_legs_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Straight lines taken six times: some proof is then a lie."""
    straight = LegSpans._straight

    def longer(self: LegSpans, drive: object) -> LegSpan:
        leg = straight(self, drive)  # type: ignore[arg-type]
        return LegSpan(
            *(Span(6.0 * s.least, s.most) for s in (leg.cost_s, leg.time_s, leg.length_m))
        )

    monkeypatch.setattr(LegSpans, "_straight", longer)
    lies = 0
    for seed in range(25):
        snapshot = snapshot_of(seed, 4, 3, False)
        lies += not true(snapshot, solve_lazily(snapshot, budget=WHOLE))
    assert lies >= 3, lies


def test_a_chooser_decides_the_same_on_a_large_map(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = [snapshot_of(seed, 4, 1 + seed % 2, seed % 3 > 0) for seed in range(12)]
    exact = [make_exact().choose(snapshot) for snapshot in snapshots]
    monkeypatch.setattr("planners.tasks.deep.choosers.LAZY_NODES", 0)
    planned = 0
    for snapshot, known in zip(snapshots, exact, strict=True):
        decided = make_exact().choose(snapshot)
        assert (decided.decided_by, decided.goal) == (known.decided_by, known.goal)
        if known.plan_s is not None:
            planned += 1
            assert decided.plan_s == pytest.approx(known.plan_s, rel=1e-9)
            assert decided.gap == pytest.approx(known.gap, abs=1e-9)
    assert planned >= 6
