"""Where a contest takes place, growth with size, and cold start."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.peers import places, terrain
from experiments.peers.cold import cold_start
from experiments.peers.growth import growth, slope
from experiments.peers.model import Setting


@pytest.mark.parametrize("family", [terrain.caves, terrain.city, terrain.rooms])
def test_generated_maps_are_one_open_part(family):
    from scipy.ndimage import label

    blocked = family(np.random.default_rng(0), side=100)
    assert label(~blocked)[1] == 1
    assert 0.2 < 1 - blocked.mean() < 1.0
    assert np.array_equal(blocked, family(np.random.default_rng(0), side=100))


def test_generated_graphs_have_their_size():
    rng = np.random.default_rng(0)
    graph = terrain.geometric(rng, 2000)
    assert graph.size == 2000
    assert 6 < graph.indices.size / graph.size < 12
    assert places.connected_nodes(graph).size > 1500
    assert terrain.streets(rng, 400, straight=False).position_m is None


def test_benchmark_files_are_used_where_they_are(shared_data):
    setting = Setting(shared_data, 0, 3)
    file = "movingai/brc202d.map"
    grid, queries, note = places.benchmark_grid(setting, file, "eight", terrain.caves)
    assert grid.shape == (481, 530)
    assert (len(queries), note) == (3, "brc202d.map, longer half of its scenario")
    assert places.andorra(setting)[0].size == 20_632
    assert places.bremen(setting)[0].size > 30_000
    corridor = "lorr/warehouse_long_corridor_large.map"
    assert places.benchmark_grid(setting, corridor, "four", terrain.caves)[0].moves == "four"


def test_without_files_the_row_says_that_its_map_is_generated(monkeypatch):
    monkeypatch.setattr(terrain, "caves", lambda rng: terrain.largest_part(rng.random((9, 9)) < 0))
    grid, queries, note = places.benchmark_grid(
        Setting(queries=2), "movingai/brc202d.map", "eight", terrain.caves
    )
    assert (grid.shape, len(queries), note) == ((9, 9), 2, places.GENERATED)
    assert places.andorra(Setting())[1] == places.GENERATED
    assert places.bremen(Setting())[1] == places.GENERATED


def test_growth_has_sizes_slopes_and_bytes():
    found = growth(Setting(queries=2, rounds=1), sides=(16, 24, 32, 48), nodes=(200, 400, 800))
    assert [row["nodes"] for row in found["rows"]] == [256, 576, 1024, 2304, 200, 400, 800]
    assert all(row["expanded"] > 0 and row["work_bytes_a_node"] > 16 for row in found["rows"])
    assert [(s["kind"], s["of"], s["n"]) for s in found["slopes"]] == [
        ("grid", "time_ms", 4), ("grid", "expanded", 4), ("graph", "time_ms", 3),
        ("graph", "expanded", 3),
    ]  # fmt: skip
    assert found["slopes"][1]["error"] > 0


def test_a_slope_is_the_exponent():
    rows = [{"nodes": n, "t": 7 * n**1.25} for n in (10, 100, 1000, 10_000)]
    fit = slope(rows, "t")
    assert fit["slope"] == pytest.approx(1.25)
    assert fit["error"] == pytest.approx(0.0, abs=1e-6)
    assert slope(rows[:2], "t")["slope"] is None


@pytest.mark.slow
def test_cold_start_measures_both_caches():
    found = cold_start()
    assert found.keys() == {"empty_cache", "full_cache"}
    for values in found.values():
        assert values.keys() == {"import_ms", "first_call_ms", "warm_call_ms"}
