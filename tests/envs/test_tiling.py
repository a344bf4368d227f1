"""Tiling: copies in place, all of them connected, and what a floor of 4096 x 4096 takes."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
from envs_layouts import as_map, check_graph_distances, check_layout, places
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from envs.formats import load_map
from envs.layouts import built_in, from_map, ready, tile
from envs.zones import Zone, robot_map, speed_m_s
from planners import GridMap

rows_of_symbols = st.integers(1, 6).flatmap(
    lambda cols: st.lists(
        st.text(alphabet="..@@ES", min_size=cols, max_size=cols), min_size=1, max_size=6
    )
)


@settings(max_examples=80, deadline=None)
@given(
    rows=rows_of_symbols.filter(lambda rows: any(set(row) - {"@"} for row in rows)),
    copies=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    lane=st.integers(1, 2),
)
def test_any_layout_can_be_tiled(rows, copies, lane):
    small = from_map(load_map(as_map(rows), "lorr"))
    if set(small.stations) & set(small.chargers):
        with pytest.raises(ValueError, match="are stations and chargers"):
            tile(small, *copies, lane=lane)
        return
    large = tile(small, *copies, lane=lane)
    tall, wide = small.map.rows + lane, small.map.cols + lane
    assert large.map.shape == (copies[0] * tall, copies[1] * wide)
    check_layout(large, shared=bool(set(small.storage) & set(small.chargers)))
    check_graph_distances(large, 2, shared=bool(set(small.storage) & set(small.chargers)))
    for kind in ("stations", "storage", "chargers"):
        expected = {
            (i * tall + row, j * wide + col)
            for i in range(copies[0])
            for j in range(copies[1])
            for row, col in map(small.map.cell, getattr(small, kind))
        }
        assert {large.map.cell(node) for node in getattr(large, kind)} == expected
    block = large.map.blocked[: small.map.rows, : small.map.cols]
    assert not (block & ~small.map.blocked).any(), "doors only open"


def test_without_doors_copies_would_be_cut_off():
    cage = from_map(load_map(as_map(["@@@@@@", "@.E..@", "@.@@S@", "@....@", "@@@@@@"]), "lorr"))
    large = tile(cage, 2, 2)
    _, pieces = ndimage.label(~large.map.blocked)
    assert pieces == 1
    caged = np.tile(np.pad(cage.map.blocked, ((0, 1), (0, 1))), (2, 2))
    assert ndimage.label(~caged)[1] > 1
    assert large.map.blocked[:5, :6].sum() == cage.map.blocked.sum() - 4, "one cell an edge"


def test_zones_shares_and_powers_are_repeated():
    small = built_in()
    aisle = tuple(n for n in range(57 * 5, 57 * 6) if not small.map.is_blocked(n))
    zones = (Zone("slow", "speed_limit", aisle, 0.2), Zone("shut", "keep_out", (57 * 2 + 20,)))
    power = tuple(np.arange(8) + 100.0)
    small = dataclasses.replace(small, zones=zones, charger_w=power)
    large = tile(small, 2, 2)
    speed = speed_m_s(large, 1.0).reshape(large.map.shape)
    assert (speed == 0.2).sum() == 4 * len(aisle)
    assert robot_map(large).blocked.sum() == large.map.blocked.sum() + 4
    for first in ((0, 0), (34, 58)):
        for node, share in zip(small.storage, small.pick_share, strict=True):
            row, col = small.map.cell(node)
            at = large.storage.index(large.map.node((first[0] + row, first[1] + col)))
            assert large.pick_share[at] == pytest.approx(share / 4)
        row, col = small.map.cell(small.chargers[3])
        at = large.chargers.index(large.map.node((first[0] + row, first[1] + col)))
        assert large.charger_w[at] == 103.0


def test_places_over_the_limit_are_drawn():
    one, again, other = (tile(built_in(), 3, 3, most=50, seed=s) for s in (1, 1, 2))
    assert places(one) == places(again) and one.storage != other.storage
    assert (len(one.stations), len(one.storage), len(one.chargers)) == (50, 50, 5)
    everything = tile(built_in(), 3, 3)
    assert len(everything.storage) == 9 * 575
    for kind in ("stations", "storage", "chargers"):
        assert set(getattr(one, kind)) <= set(getattr(everything, kind))
    check_layout(one)
    share = dict(zip(everything.storage, everything.pick_share, strict=True))
    kept = np.array([share[node] for node in one.storage])
    np.testing.assert_allclose(one.pick_share, kept / kept.sum())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((0, 1), "rows must be at least 1, not 0"),
        ((1, -2), "cols must be at least 1, not -2"),
        ((121, 1), r"121 x 1 copies of 34 x 58 cells .* are over 4096 .* at most 120 x 70"),
    ],
)
def test_bad_numbers_are_named(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        tile(built_in(), *arguments)
    with pytest.raises(ValueError, match="lane must be at least 1, not 0"):
        tile(built_in(), 1, 1, lane=0)


def test_graphs_and_one_way_grids_are_refused():
    small = ready("small")
    with pytest.raises(ValueError, match=r"GraphMap\(.* cannot be tiled: take a grid"):
        tile(small.as_graph(), 2, 2)
    mask = np.full(small.map.shape, 255, dtype=np.uint8)
    grid = GridMap(small.map.blocked, moves="four", one_way=mask)
    with pytest.raises(ValueError, match="cannot be tiled"):
        tile(dataclasses.replace(small, map=grid), 2, 2)


def test_4096_cells_a_side_need_well_under_a_gigabyte():
    tracemalloc.start()
    large = tile(built_in(), 120, 70)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert large.map.shape == (4080, 4060)
    assert peak < 600e6
    assert ndimage.label(~large.map.blocked)[1] == 1
    assert (len(large.stations), len(large.storage), len(large.chargers)) == (10**4, 10**4, 10**3)
