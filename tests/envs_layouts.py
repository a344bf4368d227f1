"""What every layout promises, checked by means of its own: edges listed cell by cell, scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from planners import GridMap


def grid_matrix(grid):
    """Four-connected lengths, built cell by cell: the oracle of every distance here."""
    edges = []
    for row in range(grid.rows):
        for col in range(grid.cols):
            for r, c in ((row + 1, col), (row, col + 1)):
                if (
                    r < grid.rows
                    and c < grid.cols
                    and not (grid.blocked[row, col] or grid.blocked[r, c])
                ):
                    edges.append((row * grid.cols + col, r * grid.cols + c))
    u, v = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    ones = np.full(u.size * 2, grid.cell_size_m)
    return csr_array((ones, (np.r_[u, v], np.r_[v, u])), shape=(grid.size, grid.size))


def graph_matrix(graph):
    best = {}
    for u, v, metres in zip(graph.sources, graph.indices, graph.length_m, strict=True):
        key = (int(u), int(v))
        best[key] = min(metres, best.get(key, np.inf))
    u, v = np.array(list(best), dtype=np.int64).reshape(-1, 2).T
    return csr_array((np.array(list(best.values())), (u, v)), shape=(graph.size, graph.size))


def places(layout):
    return [*layout.stations, *layout.storage, *layout.chargers]


def check_layout(layout, shared=False):
    """What every layout promises; `shared` where the floor is too small for three places."""
    free = np.flatnonzero(~np.asarray(layout.map.blocked).ravel())
    matrix = (
        grid_matrix(layout.map) if isinstance(layout.map, GridMap) else graph_matrix(layout.map)
    )
    _, label = connected_components(matrix, directed=False)
    assert np.unique(label[free]).size == 1, "all free places reach each other"
    assert not any(layout.map.is_blocked(node) for node in places(layout))
    assert layout.stations and layout.storage and layout.chargers
    kinds = [set(layout.stations), set(layout.storage), set(layout.chargers)]
    one_each = sum(map(len, kinds)) == len(set().union(*kinds))
    assert one_each != shared, "no place has two kinds"
    density = layout.pick_density
    assert density.dtype == np.float32 and density.shape == (layout.map.size,)
    assert density.min() >= 0 and density.sum() == pytest.approx(1.0, abs=1e-4)
    assert not density[np.asarray(layout.map.blocked).ravel()].any()
    assert layout.pick_share.sum() == pytest.approx(1.0)


def check_graph_distances(layout, sample, seed=0, shared=False):
    """Shortest lengths between places on the aisle graph equal those of the grid."""
    graph = layout.as_graph()
    check_layout(graph, shared)
    assert [graph.map.label(n) for n in places(graph)] == [
        layout.map.cell(n) for n in places(layout)
    ]
    here = np.random.default_rng(seed).permutation(len(places(layout)))[:sample]
    on_grid = np.array(places(layout))
    on_graph = np.array(places(graph))
    expected = dijkstra(grid_matrix(layout.map), indices=on_grid[here])[:, on_grid]
    found = dijkstra(graph_matrix(graph.map), indices=on_graph[here])[:, on_graph]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    cells = layout.map.positions_m([layout.map.node(c) for c in graph.map.labels])
    np.testing.assert_array_equal(graph.map.position_m, cells)
    return graph


def as_map(rows):
    head = f"type octile\nheight {len(rows)}\nwidth {len(rows[0])}\nmap\n"
    return (head + "\n".join(rows) + "\n").encode()


def drawn_rows(most):
    """A strategy: rows of a small map in signs of the lorr dialect, at least one of them free."""
    rows = st.integers(1, most).flatmap(
        lambda cols: st.lists(
            st.text(alphabet="...@ES", min_size=cols, max_size=cols), min_size=1, max_size=most
        )
    )
    return rows.filter(lambda drawn: any(set(row) - {"@"} for row in drawn))
