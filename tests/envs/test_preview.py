"""Previews: read back, they are the layout."""

from __future__ import annotations

import numpy as np
import pytest
from envs_layouts import as_map, drawn_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.formats import load_map
from envs.layouts import (
    READY,
    ascii_preview,
    built_in,
    from_graph,
    from_map,
    furnish,
    ready,
    tile,
)
from envs.layouts.preview import symbols
from planners import GraphMap

ZONES = [
    {"name": "a", "kind": "speed_limit", "rectangle": [26, 0, 28, 58], "speed_m_s": 0.3},
    {"name": "b", "kind": "one_way", "rectangle": [5, 8, 20, 8], "direction": "north"},
    {"name": "c", "kind": "keep_out", "rectangle": [0, 0, 1, 3]},
]


def read_back(text, shape):
    """(rows, cols) characters, blanks at the end of a line filled in."""
    rows = [line.ljust(shape[1]) for line in text.split("\n")]
    assert len(rows) == shape[0] and all(len(row) == shape[1] for row in rows)
    return np.array([list(row) for row in rows])


def nodes_of(signs, sign):
    return tuple(np.flatnonzero(signs.ravel() == sign).tolist())


@pytest.mark.parametrize("name", READY)
def test_a_preview_reads_back_as_the_layout(name):
    layout = ready(name, seed=2)
    title, *body, legend = layout.preview().split("\n")
    signs = read_back("\n".join(body), layout.map.shape)
    assert np.array_equal(signs == "#", layout.map.blocked)
    assert nodes_of(signs, "S") == layout.storage
    assert nodes_of(signs, "E") == layout.stations
    assert nodes_of(signs, "C") == layout.chargers
    assert title == f"{name}: {layout.map.rows} x {layout.map.cols} cells of 1 m"
    assert f"S pick face ({len(layout.storage)})" in legend and "one way" not in legend


def test_zones_show_on_free_floor():
    layout = furnish(ready("small"), {"zones": ZONES})
    signs = read_back(ascii_preview(layout), layout.map.shape)
    plain = read_back(ascii_preview(ready("small")), layout.map.shape)
    shown = dict(zip("~^x", layout.zones, strict=True))
    for sign, zone in shown.items():
        assert nodes_of(signs, sign) == tuple(n for n in zone.nodes if plain.ravel()[n] == ".")
    hidden = np.isin(signs, list(shown))
    assert np.array_equal(signs[~hidden], plain[~hidden])
    assert layout.preview().endswith("^ one way  x keep out  ~ speed limit")


@settings(max_examples=80, deadline=None)
@given(
    rows=drawn_rows(9),
    max_cols=st.integers(1, 12),
)
def test_the_signs_of_a_map_file_read_back(rows, max_cols):
    layout = from_map(load_map(as_map(rows), "lorr"))
    again = load_map(as_map([bytes(row).decode() for row in symbols(layout)]), "lorr")
    assert np.array_equal(again.grid.blocked, layout.map.blocked)
    assert tuple(again.stations.tolist()) == layout.stations
    assert set(again.storage.tolist()) == set(layout.storage) - set(layout.stations)
    lines = ascii_preview(layout, max_cols).split("\n")
    assert all(len(line) <= max_cols for line in lines)


def test_a_shrunk_preview_tells_what_is_rare():
    layout = ready("small")
    shrunk = ascii_preview(layout, max_cols=30).split("\n")
    assert len(shrunk) == 15 and len(shrunk[0]) == 30
    # Chargers and stations stay, each in its square.
    for sign, nodes in (("C", layout.chargers), ("E", layout.stations)):
        for row, col in map(layout.map.cell, nodes):
            assert shrunk[row // 2][col // 2] in "C" + sign
    # Where every square holds a charger, chargers tell nothing: the commonest sign is shown.
    many = ascii_preview(tile(built_in(), 6, 6), max_cols=10)
    assert set(many) <= set("\n.S#")


def test_graphs_show_nodes_where_they_lie():
    layout = built_in().as_graph()
    signs = read_back(ascii_preview(layout), (33, 57))
    assert (signs == "S").sum() == len(layout.storage) and not (signs == "#").any()
    for node in layout.stations:
        assert signs[layout.map.label(node)] == "E"
    # A square of streets, twice as wide as high in characters.
    at = [[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]]
    ring = GraphMap([0, 1, 2, 3, 4], [1, 2, 3, 0], [100.0] * 4, position_m=at, labels="abcd")
    lines = ascii_preview(from_graph(ring), max_cols=41).split("\n")
    assert len(lines) == 21 and len(lines[0]) == 41 and lines[1] == ""
    assert "graph of 4 nodes, 4 edges" in from_graph(ring).preview()
    with pytest.raises(ValueError, match="has no cells to write"):
        symbols(layout)


def test_a_preview_needs_a_column():
    with pytest.raises(ValueError, match="max_cols must be at least 1, not 0"):
        built_in().preview(0)
