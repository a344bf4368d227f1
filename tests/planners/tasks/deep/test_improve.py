"""Improvement: repeatable, never above its starts, and whatever is proposed ends up as a tour."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from batches import exhaustive, random_instance, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from planners.tasks import Order
from planners.tasks.deep import evaluate, improve, make_instance, prove, repair
from planners.tasks.deep.evaluate import table_for
from planners.tasks.deep.improve import _search, _tour, starts
from planners.tasks.deep.kernels import anneal, insert, kernel
from planners.tasks.deep.kernels.anneal import Schedule
from planners.tasks.deep.kernels.batch import INFINITE, Now, stop_at
from planners.tasks.plans import Plan, Stop

KINDS = st.tuples(
    st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 3), st.booleans()
)  # seed, orders, capacity, battery


@settings(max_examples=60)
@given(KINDS, st.integers(0, 60))
def test_it_repeats_and_never_costs_more_than_a_start(
    kind: tuple[int, int, int, bool], rounds: int
) -> None:
    instance = random_instance(*kind)
    found = improve(instance, rounds=rounds, seed=7)
    assert found == improve(instance, rounds=rounds, seed=7)
    assert found.cost_s <= min(evaluate(instance, start).cost_s for start in starts(instance))
    judged = evaluate(instance, found.points)
    assert judged.cost_s == found.cost_s
    if judged.plan is not None:
        assert walk(instance, judged.plan) == pytest.approx(found.cost_s, rel=1e-9)


def test_it_finds_the_optimum_of_small_batches_most_of_the_time() -> None:
    for capacity, battery, least in ((1, False, 39), (3, False, 37), (1, True, 35), (2, True, 30)):
        optimal = 0
        for seed in range(40):
            instance = random_instance(seed, 6, capacity, battery)
            found = improve(instance, rounds=300, seed=seed)
            best_s = prove(instance, expansions=10**6).cost_s
            assert found.cost_s >= best_s * (1 - 1e-9)
            optimal += found.cost_s <= best_s * (1 + 1e-9)
        assert optimal >= least, (capacity, battery, optimal)


def test_rounds_help() -> None:
    """Against the starts alone; a search that did nothing would fail here."""
    saved = []
    for seed in range(20):
        instance = random_instance(seed, 10, 2, False)
        first, last = (improve(instance, rounds=rounds).cost_s for rounds in (0, 400))
        saved.append(1.0 - last / first)
    assert np.mean(saved) > 0.02


def test_compiled_and_plain_searches_agree() -> None:
    """The same dice, the same tours: the search is plain Python that numba compiles."""
    for seed in range(6):
        instance = random_instance(seed, 5, 1 + seed % 2, seed % 3 == 0)
        start = starts(instance)[0]
        cost_s = evaluate(instance, start).cost_s
        rounds = 12
        search = _search(instance, start, cost_s, seed)
        schedule = Schedule(rounds, 20.0, 0.2, 0.3)
        anneal.anneal(
            instance.batch,
            instance.paced,
            table_for(instance),
            search,
            _tour(instance),
            schedule,
            rounds,
        )
        compiled = _search(instance, start, cost_s, seed)
        kernel("anneal")(
            instance.batch,
            instance.paced,
            table_for(instance),
            compiled,
            _tour(instance),
            schedule,
            rounds,
        )
        assert search.ints.tolist() == compiled.ints.tolist()
        assert search.best.tolist() == compiled.best.tolist()
        assert search.costs == pytest.approx(compiled.costs, rel=1e-12)


@settings(max_examples=60)
@given(KINDS)
def test_the_cheapest_place_is_the_cheapest_of_all(kind: tuple[int, int, int, bool]) -> None:
    """Against a walk along every tour that an insertion in two blocks can make."""
    seed, orders, capacity, _ = kind
    instance = random_instance(seed, orders + 1, capacity, False)
    batch, new = instance.batch, orders
    base = [p for p in starts(instance)[1] if batch.order_of[p] != new]
    tour = _tour(instance)
    tour.stops[: len(base)] = base
    insert.measure(batch, tour, len(base))
    place = insert.cheapest_place(batch, tour, len(base), new, np.zeros(1, dtype=np.int64), 0.0)

    own = list(instance.points(new))
    best_s = math.inf
    for head in range(1, len(own) + 1):
        for i in range(len(base) + 1):
            for j in range(i, len(base) + 1):
                made = [*base[:i], *own[:head], *base[i:j], *own[head:], *base[j:]]
                best_s = min(best_s, evaluate(instance, made).cost_s)
    assert place.cost == pytest.approx(best_s, rel=1e-9)
    length = insert.put_in(batch, tour, len(base), new, place)
    assert evaluate(instance, tour.stops[:length]).cost_s == pytest.approx(best_s, rel=1e-9)


def test_stop_at_forbids_what_has_no_way() -> None:
    instance = random_instance(0, 2, 1, False)
    last = int(instance.batch.last[1])
    robot = Now(0.0, 0.0, INFINITE)
    assert instance.batch.first[1] == last or math.isinf(
        stop_at(instance.batch, robot, 0, last, 0.0).cost
    )


STOPS = st.lists(
    st.tuples(st.sampled_from(["O1", "O2", "O3", "O9", "charger-1"]), st.integers(0, 3)),
    max_size=12,
)


@settings(max_examples=100)
@given(KINDS, STOPS)
def test_whatever_is_proposed_becomes_a_tour(
    kind: tuple[int, int, int, bool], said: list[tuple[str, int]]
) -> None:
    instance = random_instance(*kind)
    proposal = Plan(
        tuple(
            Stop("charge", 3, charger=name)
            if name.startswith("charger")
            else Stop("visit", 3, order=name, place=place)
            for name, place in said
        )
    )
    repaired = repair(instance, proposal)
    cost_s = evaluate(instance, repaired.points).cost_s  # raises where it is no tour
    assert instance.batch.energy or math.isfinite(cost_s)  # capacity and precedence are kept
    found = improve(instance, rounds=3, proposals=[repaired.points])
    assert found.cost_s <= cost_s


def test_a_sound_proposal_is_kept_and_a_broken_one_explained() -> None:
    instance = random_instance(1, 3, 1, False)
    orders = instance.orders
    good = Plan.of_orders(tuple(reversed(orders)))
    repaired = repair(instance, good)
    assert repaired.complaints == ()
    assert [instance.nodes[p] for p in repaired.points] == [s.node for s in good.stops]
    twice = Plan((*good.stops, good.stops[0]))
    assert repair(instance, twice).complaints == (
        f"{orders[2].id} is visited more often than it has stops",
    )
    unknown = Plan.of_orders([Order("O77", (1,)), *orders])
    assert repair(instance, unknown).complaints == ("no order 'O77' is in this batch",)
    assert repair(instance, Plan.of_orders(orders[:2])).complaints == (
        f"O3 lacks {len(orders[2].stops)} of its stops",
    )
    pairs = (random_instance(seed, 2, 1, False) for seed in range(99))
    two = next(found for found in pairs if found.batch.last.tolist() == [2, 4])
    a, b = Plan.of_orders(two.orders).stops[:2], Plan.of_orders(two.orders).stops[2:]
    woven = repair(two, Plan((a[0], b[0], a[1], b[1])))
    assert woven.complaints == ("more than 1 orders are on board at once",)
    assert woven.points == (1, 2, 3, 4)
    early = repair(two, Plan((a[1], a[0], *b)))
    assert early.complaints[0] == "O1 comes to stop 1 before stop 0"


def test_an_adversarial_proposal_costs_nothing() -> None:
    """The worst tour as a further start: the same improvement, the same bound."""
    for seed in range(10):
        instance = random_instance(seed, 6, 2, seed % 2 == 0)
        tours = [tuple(range(1, instance.stops + 1)), starts(instance)[1]]
        worst = max(tours, key=lambda points: evaluate(instance, points).cost_s)
        alone = improve(instance, rounds=50)
        if evaluate(instance, worst).cost_s > alone.cost_s:
            assert improve(instance, rounds=50, proposals=[worst]) == alone


def test_a_perfect_proposal_is_never_lost() -> None:
    for seed in range(10):
        instance = random_instance(seed, 7, 3, False)
        best = prove(instance, expansions=10**6)
        found = improve(instance, rounds=0, proposals=[best.points])
        assert found.cost_s == pytest.approx(best.cost_s, rel=1e-9)


def test_a_batch_of_nothing_is_refused() -> None:
    snapshot = random_instance(0, 1, 1, False).snapshot
    with pytest.raises(ValueError, match="a batch has one or more"):
        make_instance(snapshot, [])
    with pytest.raises(ValueError, match="shares of the limit"):
        make_instance(snapshot, levels=(0.5, 1.2))


def test_improvement_keeps_what_is_on_board_and_what_comes_after() -> None:
    """Nearly always the best plan there is; and a start that can be done wherever one exists."""
    best = known = 0
    for seed in range(60):
        instance = random_instance(seed, 4, 1 + seed % 3, False, aboard=0.6, chained=0.3)
        least_s = exhaustive(instance)
        if math.isfinite(least_s):
            known += 1
            found = improve(instance, rounds=100)
            assert math.isfinite(found.cost_s), seed
            best += found.cost_s <= least_s * (1 + 1e-9)
    assert known >= 25 and best >= known - 3


def test_a_proposal_is_repaired_where_orders_are_on_board_or_wait_for_others() -> None:
    snapshot = random_instance(3, 3, 2, False).snapshot
    one, two, three = (replace(o, stops=o.stops[:1] + o.stops[-1:]) for o in snapshot.orders)
    tied = replace(
        snapshot, orders=(one, two, three), on_board=("O1",), payload_kg=100.0,
        after={"O1": ("O3",)},
    )  # fmt: skip
    instance = make_instance(tied)
    wanted = Plan.of_orders([one, two, three])
    mended = repair(instance, wanted)
    assert mended.complaints == ("an order is delivered before one that it is to follow",)
    assert mended.points[-1] == 2 and math.isfinite(evaluate(instance, mended.points).cost_s)
    full = replace(tied, capacity=1, after={})
    mended = repair(make_instance(full), Plan.of_orders([two, one, three]))
    assert mended.complaints == ("more than 1 orders are on board at once",)
    assert mended.points == (1, 2, 3, 4, 5, 6)
