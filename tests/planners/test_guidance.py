"""Guidance inside the loop: which E leads, how the reward law learns, what is at hand."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planners import (
    CostField,
    GraphMap,
    GridMap,
    Guidance,
    Layer,
    Reward,
    check,
    forget,
    lead_and_prove,
    plan,
    prepare,
)
from planners.edge_test import satisfies_edge_test
from planners.guidance import led
from planners.kernels.lead import LEARN_EVERY, MOST_BETA, key_led
from planners.search import question_of, request_of


def floor(side: int = 60, seed: int = 0, names: tuple[str, ...] = ("risk",)):
    """Some walls, and a few hot spots per layer."""
    rng = np.random.default_rng(seed)
    grid = GridMap(rng.random((side, side)) < 0.1)
    rows, cols = np.mgrid[:side, :side]
    layers = []
    for name in names:
        heat = np.zeros((side, side))
        for row, col in rng.integers(0, side, (6, 2)):
            heat += 6 * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / 60)
        layers.append(Layer(name, heat))
    return grid, CostField(grid, layers=layers)


def ends(grid: GridMap) -> tuple[int, int]:
    """The first and the last free node."""
    free = np.flatnonzero(~grid.blocked.reshape(-1))
    return int(free[0]), int(free[-1])


def events(result, name):
    return [entry for entry in result.guidance_log if entry["event"] == name]


def guided(grid, costs, guidance, weight=1.5, **options):
    result = plan(grid, *ends(grid), costs=costs, strategy="wastar", weight=weight,
                  guidance=guidance, **options)  # fmt: skip
    check(grid, result, costs, exact=True)
    return result


# --- E


def test_auto_takes_tiles_for_one_query_and_those_of_the_goal_where_they_are_kept():
    grid, costs = floor()
    once = guided(grid, costs, Guidance())
    assert (once.engine, events(once, "lead")[0]["estimate"]) == ("coarse", "coarse")
    assert events(once, "lead")[0]["estimate_expanded"] > 0
    assert guided(grid, costs, Guidance(estimate="tiles")).engine == "tiles"
    kept = guided(grid, costs, Guidance())
    assert kept.engine == "tiles" and events(kept, "lead")[0]["estimate_expanded"] == 0
    costs.update("risk", [0], [1.0])
    assert guided(grid, costs, Guidance()).engine == "coarse"  # of the costs as they are now


def test_generic_counts_do_not_depend_on_what_is_kept():
    grid, costs = floor()
    first = guided(grid, costs, Guidance(), engine="generic")
    guided(grid, costs, Guidance(estimate="tiles"))
    prepare(grid, costs, goals=[ends(grid)[1]], landmarks=2)
    again = guided(grid, costs, Guidance(), engine="generic")
    assert first.engine == again.engine == "generic" and first.stats == again.stats


def test_no_estimate_without_layers_and_in_mazes():
    grid, _ = floor()
    assert guided(grid, None, Guidance()).engine == "generic"
    walls = np.ones((65, 65), dtype=bool)  # a comb of corridors: one long way
    walls[1::2, 1:-1] = False
    for k, row in enumerate(range(2, 63, 2)):
        walls[row, -2 if k % 2 == 0 else 1] = False
    maze = GridMap(walls)
    risk = np.random.default_rng(0).random(walls.shape)
    costs = CostField(maze, layers=[Layer("risk", risk)])
    result = guided(maze, costs, Guidance())
    assert events(result, "lead")[0]["estimate"] == "none"
    assert events(result, "lead")[0]["lead_weight"] == 2.0  # 2 w - 1


def test_where_no_estimate_is_found_a_low_weight_stays_weighted_astar():
    """`2 w - 1` and a proof need more there; with a reward, or at w = 1.5, guidance leads."""
    grid, _ = floor()
    for w, rewards in ((1.25, ()), (1.25, (Reward("r", np.ones(grid.size)),)), (1.5, ())):
        led_by = Guidance(rewards=rewards)
        result = guided(grid, None, led_by, weight=w, engine="generic")
        plain = plan(grid, *ends(grid), strategy="wastar", weight=w, engine="generic")
        stays = w < 1.5 and not rewards
        assert events(result, "lead")[0]["lead_weight"] == (w if stays else 2 * w - 1)
        assert not stays or result.stats == plain.stats


def test_graphs_are_led_by_clusters():
    n = 30
    right = [(k, k + 1) for k in range(n * n) if (k + 1) % n]
    down = [(k, k + n) for k in range(n * n - n)]
    edges = sorted(right + down + [(b, a) for a, b in right + down])
    indptr = np.searchsorted([a for a, _ in edges], np.arange(n * n + 1))
    position = np.stack(np.divmod(np.arange(n * n), n), axis=1)
    graph = GraphMap(indptr, [b for _, b in edges], np.ones(len(edges)), position)
    costs = CostField(graph, layers=[Layer("risk", np.random.default_rng(0).random(n * n) * 9)])
    result = plan(graph, 0, n * n - 1, costs=costs, strategy="wastar", guidance=Guidance())
    assert result.engine == "clusters"
    check(graph, result, costs, exact=True)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 1.1, 1.5, 3.0]), st.booleans())
def test_tiles_and_learning_keep_any_bound(seed, weight, trusted):
    grid, costs = floor(24, seed, ("risk", "energy"))
    guidance = Guidance(rewards="auto", estimate="tiles", soc=seed % 11 / 10, trusted=trusted)
    guided(grid, costs, guidance, weight)


# --- the reward law


def test_the_betas_follow_what_was_paid():
    """The log against a replay of the expansions: base * paid / predicted, every 256."""
    grid, costs = floor(70, 3, ("risk", "energy"))
    guidance = Guidance(rewards="auto", soc=0.2, estimate="none", lead_weight=1.0)
    result = guided(grid, costs, guidance, weight=1.05, trace=True, engine="generic")
    base = {"risk": 1.0, "energy": 0.5 / 0.2}
    assert {e["reward"]: e["beta"] for e in events(result, "reward")} == base
    logged = events(result, "beta")
    assert len(logged) >= 3
    expanded = result.trace.expanded
    free = ~grid.blocked.reshape(-1)
    for entry in logged:
        span = expanded[entry["expanded"] - LEARN_EVERY : entry["expanded"]]
        for name, first in base.items():
            layer = costs.layer(name)
            ratio = layer[span].mean() / layer[free].mean()
            assert entry[name] == pytest.approx(min(MOST_BETA, first * ratio), rel=1e-5)


def test_a_low_charge_raises_the_energy_layer_only():
    grid, costs = floor(names=("risk", "energy"))
    for soc, energy in ((1.0, 1.0), (0.5, 1.0), (0.1, 5.0), (0.0, 50.0)):
        result = guided(grid, costs, Guidance(rewards="auto", soc=soc, estimate="none"))
        betas = {entry["reward"]: entry["beta"] for entry in events(result, "reward")}
        assert betas == {"risk": 1.0, "energy": pytest.approx(energy)}


def test_compiled_and_textbook_learn_the_same():
    grid, costs = floor(40, 5, ("risk", "energy"))
    guidance = Guidance(rewards="auto", soc=0.3, estimate="tiles")
    one, two = (guided(grid, costs, guidance, 1.05, engine=e) for e in ("generic", "textbook"))
    assert (one.cost, one.stats, one.guidance_log) == (two.cost, two.stats, two.guidance_log)


@pytest.mark.parametrize("estimate", ["none", "tiles"])
@pytest.mark.parametrize("trusted", [True, False])
def test_the_key_node_by_node_is_the_key_of_an_array(estimate, trusted):
    grid, costs = floor(20, 1, ("risk", "energy"))
    start, goal = ends(grid)
    guidance = Guidance(rewards="auto", estimate=estimate, soc=0.25, trusted=trusted)
    request = request_of(grid, start, goal, costs=costs, strategy="wastar", guidance=guidance)
    key = question_of(request, guidance=guidance).key
    nodes = np.flatnonzero(~grid.blocked.reshape(-1))
    g, h = np.linspace(0, 9, nodes.size), np.linspace(5, 0, nodes.size)
    one_by_one = [
        key_led(key, float(a), float(b), int(v), *divmod(int(v), grid.cols))
        for a, b, v in zip(g, h, nodes, strict=True)
    ]
    np.testing.assert_allclose(led(key, nodes, g, h), one_by_one, rtol=1e-9)


# --- what passes the edge test


def ramp(side: int, slope: float) -> np.ndarray:
    return np.repeat(np.arange(side)[:, None] * slope, side, axis=1)


def test_a_reward_that_passes_the_edge_test_needs_no_proof():
    """`r` may rise by (w - W) per unit of cost; one that is steeper is proven."""
    spared = proven = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        grid = GridMap(rng.random((30, 30)) < 0.2)
        costs = CostField(grid, layers=[Layer("risk", rng.random((30, 30)) * 20)])
        sign = rng.choice([-1, 1])
        for slope in (0.6, 2.0 if seed % 2 else 9.0):
            guidance = Guidance(rewards=[Reward("ramp", ramp(30, sign * slope))],
                                lead_weight=1.0, estimate="none")  # fmt: skip
            result = guided(grid, costs, guidance, weight=2.0)
            if slope < 1:
                spared += bool(events(result, "edge test"))
                assert not events(result, "proof")
            else:
                proven += bool(events(result, "proof"))
                assert not events(result, "edge test")
    assert spared > 0 and proven > 0


def test_only_a_steady_lead_may_ask_the_edge_test():
    """`g + W h - r` with W below w: no clamp, no E, nothing learned."""
    grid, costs = floor(10)
    rewards = [Reward("ramp", ramp(10, 0.1))]
    for options, steady in (
        ({"lead_weight": 1.0}, True),
        ({"lead_weight": 1.0, "trusted": False}, False),
        ({"lead_weight": 2.0}, False),
        ({"lead_weight": 1.0, "estimate": np.ones(100)}, False),
        ({"lead_weight": 1.0, "rewards": "auto"}, False),
        ({"lead_weight": 1.0, "rewards": ()}, False),
    ):
        guidance = Guidance(**{"rewards": rewards, "estimate": "none", **options})
        request = request_of(
            grid, *ends(grid), costs=costs, strategy="wastar", weight=2.0, guidance=guidance
        )
        assert lead_and_prove._is_steady(question_of(request, guidance=guidance), 2.0) is steady


def test_the_edge_test_gets_what_the_lead_and_the_buckets_leave(monkeypatch):
    """Of w, the lead weight takes W and the width of the buckets its own share."""
    asked = []

    def spy(map, costs, phi, weight):
        asked.append(weight)
        return satisfies_edge_test(map, costs, phi, weight)

    monkeypatch.setattr(lead_and_prove, "satisfies_edge_test", spy)
    guidance = Guidance(rewards=[Reward("ramp", ramp(30, 9.0))], lead_weight=1.0, estimate="none")
    for seed in range(10):
        rng = np.random.default_rng(seed)
        grid = GridMap(rng.random((30, 30)) < 0.2)
        costs = CostField(grid, layers=[Layer("risk", rng.random((30, 30)) * 20)])
        guided(grid, costs, guidance, weight=2.0)
        slack = question_of(request_of(grid, *ends(grid), costs=costs)).space.slack
        assert 0 < slack < 0.5 and set(asked) <= {2.0 - slack - 1.0}
    assert asked


# --- at hand


def test_what_was_prepared_is_found_and_follows_the_costs():
    grid, costs = floor()
    start, goal = ends(grid)
    loop = plan(grid, start, goal, costs=costs)
    prepare(grid, costs, goals=[goal], landmarks=4)
    field = plan(grid, start, goal, costs=costs)
    other = plan(grid, goal, start, costs=costs)
    assert (loop.engine, field.engine, other.engine) == ("generic", "field", "landmarks")
    assert field.cost == pytest.approx(loop.cost, rel=1e-9)
    assert field.stats.expanded < loop.stats.expanded / 5
    assert plan(grid, start, goal, costs=costs, engine="landmarks").engine == "landmarks"
    for value in (9.0, 0.0):  # a rise, then a fall: landmarks rest below their floor
        costs.update("risk", np.arange(100, 160), value)
        for a, b in ((start, goal), (goal, start)):
            check(grid, plan(grid, a, b, costs=costs), costs, exact=True)
    assert plan(grid, goal, start, costs=costs).engine == "generic"
    with pytest.raises(ValueError, match="landmarks"):
        plan(grid, goal, start, costs=costs, engine="landmarks")
    forget(grid, costs)
    assert plan(grid, start, goal, costs=costs).engine == "generic"


def test_guidance_leads_and_landmarks_prove():
    grid, costs = floor()
    prepare(grid, costs, landmarks=4)
    result = guided(grid, costs, Guidance(estimate="tiles"))
    assert result.engine == "landmarks+tiles"


def test_prepared_bounds_do_not_travel():
    grid, costs = floor(10)
    prepare(grid, costs, landmarks=1)
    copy = pickle.loads(pickle.dumps(costs))  # noqa: S301
    assert plan(copy.map, *ends(grid), costs=copy).engine == "generic"


def test_a_field_that_is_not_at_hand_is_refused_by_name():
    grid, costs = floor(10)
    with pytest.raises(ValueError, match=r"'field' needs a field: prepare\(map, costs, goals"):
        plan(grid, *ends(grid), costs=costs, engine="field")


def test_one_cell_is_no_list_of_goals_and_rivals_refuse_what_they_do_not_follow():
    grid, costs = floor(10)
    with pytest.raises(ValueError, match=r"\[\(0, 3\)\]"):
        prepare(grid, costs, goals=(0, 3))
    with pytest.raises(ValueError, match="'xdp' does not follow guidance"):
        plan(grid, *ends(grid), costs=costs, strategy="xdp", guidance=Guidance())
