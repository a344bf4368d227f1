"""Zones: the map and the speeds that robots get, against a graph built move by move."""

from __future__ import annotations

import dataclasses
import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envs.layouts import Layout, built_in, fulfilment, furnish, ready
from envs.world import WAIT, World
from envs.zones import Zone, robot_map, speed_m_s
from planners import GraphMap, GridMap

STEP = {"north": (-1, 0), "east": (0, 1), "south": (1, 0), "west": (0, -1)}
BACK = {"north": "south", "south": "north", "east": "west", "west": "east"}


def legal_moves(grid, zones):
    """The moves of robots, cell by cell from the words of the rules; cost in seconds at 1 m/s."""
    graph = nx.DiGraph()
    cells_of = [{grid.cell(node) for node in zone.nodes} for zone in zones]
    for cell in np.argwhere(~grid.blocked).tolist():
        cell = tuple(cell)
        graph.add_node(cell)
        for way, (dr, dc) in STEP.items():
            there = (cell[0] + dr, cell[1] + dc)
            inside = 0 <= there[0] < grid.rows and 0 <= there[1] < grid.cols
            if not inside or grid.blocked[there]:
                continue
            slowest = 1.0
            for zone, cells in zip(zones, cells_of, strict=True):
                if zone.kind == "keep_out" and (cell in cells or there in cells):
                    break
                if zone.kind == "one_way" and cell in cells and way == BACK[zone.direction]:
                    break
                if zone.kind == "speed_limit" and there in cells:
                    slowest = min(slowest, zone.speed_m_s)
            else:
                graph.add_edge(cell, there, seconds=1.0 / slowest)
    return graph


def robot_seconds(layout):
    """The same from `robot_map` and `speed_m_s`, by label."""
    robots, speed = robot_map(layout), speed_m_s(layout, 1.0)
    graph = nx.DiGraph()
    for node in range(robots.size):
        graph.add_node(robots.label(node))
        nodes, lengths = robots.successors(node)
        for other, metres in zip(nodes.tolist(), lengths.tolist(), strict=True):
            seconds, ends = metres / speed[other], (robots.label(node), robots.label(other))
            if seconds < graph.edges.get(ends, {"seconds": np.inf})["seconds"]:
                graph.add_edge(*ends, seconds=seconds)
    return graph


def places(layout):
    return [*layout.stations, *layout.storage, *layout.chargers]


def seconds_between(graph, cells):
    return {
        cell: {
            there: value
            for there, value in nx.single_source_dijkstra_path_length(
                graph, cell, weight="seconds"
            ).items()
            if there in cells
        }
        for cell in cells
    }


def bare(rows, cols, blocked=(), zones=(), **changes):
    """A floor with one place of each kind in its corners."""
    walls = np.zeros((rows, cols), dtype=bool)
    for cell in blocked:
        walls[cell] = True
    grid = GridMap(walls, moves=changes.pop("moves", "four"))
    size = grid.size
    return Layout("bare", grid, (0,), (size - 1,), (cols - 1,), np.ones(size), zones=zones)


cells = st.tuples(st.integers(0, 5), st.integers(0, 6))


@st.composite
def zones(draw):
    made = []
    for k, kind in enumerate(draw(st.lists(st.sampled_from(["speed_limit", "one_way", "keep_out"]),
                                           min_size=1, max_size=3))):  # fmt: skip
        (r0, c0), (dr, dc) = draw(cells), draw(st.tuples(st.integers(1, 2), st.integers(1, 4)))
        nodes = tuple(
            r * 7 + c
            for r, c in itertools.product(range(r0, r0 + dr), range(c0, c0 + dc))
            if r < 6 and c < 7
        )
        speed = draw(st.sampled_from([0.25, 0.5])) if kind == "speed_limit" else None
        way = draw(st.sampled_from(sorted(STEP))) if kind == "one_way" else None
        made.append(Zone(f"z{k}", kind, nodes, speed, way))
    return tuple(made)


@settings(max_examples=150, deadline=None)
@given(walls=st.sets(cells, max_size=16), zones=zones())
@example(walls={(0, 1), (1, 2), (0, 3)}, zones=(Zone("pocket", "speed_limit", (1, 2), 0.25),))
def test_robots_drive_by_the_words_of_the_rules(walls, zones):
    walls -= {(0, 0), (0, 6), (5, 6)}
    try:
        plain = bare(6, 7, walls)
    except ValueError as error:
        assert "cut off" in str(error)
        return
    truth = legal_moves(plain.map, zones)
    corners = {(0, 0), (0, 6), (5, 6)}
    try:
        layout = dataclasses.replace(plain, zones=zones)
    except ValueError as error:
        reach = [set(nx.descendants(truth, cell)) | {cell} for cell in corners]
        shut = {n for zone in zones if zone.kind == "keep_out" for n in zone.nodes}
        blocked = [all(plain.map.is_blocked(n) for n in zone.nodes) for zone in zones]
        assert (
            ("no way" in str(error) and not all(corners <= there for there in reach))
            or ("keep-out zone" in str(error) and shut & set(places(plain)))
            or ("covers blocked nodes only" in str(error) and any(blocked))
        ), str(error)
        return
    expected = seconds_between(truth, corners)
    assert all(set(found) == corners for found in expected.values()), "places reach each other"
    on_grid = robot_seconds(layout)
    assert seconds_between(on_grid, corners) == expected
    free_edges = {(u, v): d["seconds"] for u, v, d in truth.edges(data=True)}
    assert {(u, v): d["seconds"] for u, v, d in on_grid.edges(data=True)} == free_edges
    assert seconds_between(robot_seconds(layout.as_graph()), corners) == expected


def test_a_graph_that_forgets_the_cells_of_zones_would_be_wrong():
    # One corridor with a slow cell in the middle: contracted, the limit would be lost.
    slow = Zone("slow", "speed_limit", (3,), speed_m_s=0.1)
    grid = GridMap(np.zeros((1, 7)), moves="four")
    layout = Layout("corridor", grid, (0,), (6,), (1,), np.ones(7), zones=(slow,))
    assert set(robot_seconds(layout.as_graph())) == {(0, c) for c in (0, 1, 2, 3, 4, 6)}
    forgetful = dataclasses.replace(layout, zones=()).as_graph()
    assert len(robot_seconds(forgetful)) == 3
    seconds = seconds_between(robot_seconds(layout.as_graph()), {(0, 0), (0, 6)})
    assert seconds[0, 0][0, 6] == pytest.approx(5 + 10)


def test_people_keep_the_whole_map():
    zone = Zone("kitchen", "keep_out", (8,))
    layout = bare(3, 6, zones=(zone,))
    assert not layout.map.is_blocked(8) and robot_map(layout).is_blocked(8)
    plain = dataclasses.replace(layout, zones=())
    assert robot_map(plain) is plain.map
    assert robot_map(bare(3, 6, moves="eight")).moves == "four"


def test_one_way_zones_add_up_with_the_map_s_own():
    blocked = np.zeros((3, 3), dtype=bool)
    blocked[1, 1] = True
    mask = np.full((3, 3), 255, dtype=np.uint8)
    mask[0, 1] = 1 << 2  # eastwards only
    grid = GridMap(blocked, moves="four", one_way=mask)
    zone = Zone("ring", "one_way", (7,), direction="west")
    layout = Layout("ring", grid, (0,), (8,), (2,), np.ones(9), zones=(zone,))
    ring = robot_seconds(layout)
    assert not ring.has_edge((0, 1), (0, 0)) and not ring.has_edge((2, 1), (2, 2))
    assert nx.shortest_path_length(ring, (2, 1), (2, 2)) == 7
    against = dataclasses.replace(zone, direction="east")
    with pytest.raises(ValueError, match=r"no way from .* to station 0"):
        dataclasses.replace(layout, zones=(against,))


def test_a_road_graph_loses_the_edges_against_the_zone():
    around = nx.cycle_graph(4)
    at = {0: (0, 0), 1: (5, 0), 2: (5, 5), 3: (0, 5)}
    nx.set_node_attributes(around, {node: tuple(map(float, xy)) for node, xy in at.items()}, "pos")
    nx.set_edge_attributes(around, 5.0, "length")
    # Labels that are numbers, and not the ids: a reader that mixes them up is found out.
    named = nx.relabel_nodes(around, {0: 3, 1: 2, 2: 1, 3: 0})
    graph = GraphMap.from_networkx(named)
    zone = Zone("main street", "one_way", (0, 1), direction="east")
    layout = Layout("square", graph, (0,), (2,), (1,), np.ones(4), zones=(zone,))
    robots = robot_map(layout)
    assert robots.size == 4 and robots.indices.size == 7
    moves = robot_seconds(layout)
    assert moves.has_edge(3, 2) and not moves.has_edge(2, 3)
    no_positions = GraphMap(graph.indptr, graph.indices, graph.length_m)
    with pytest.raises(ValueError, match="needs a graph with position_m"):
        dataclasses.replace(layout, map=no_positions)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("a", "fast", (1,)), "unknown kind 'fast': choose speed_limit"),
        (("", "keep_out", (1,)), "needs a name"),
        (("a", "keep_out", ()), "zone 'a' has no nodes"),
        (("a", "speed_limit", (1,)), "speed_m_s must be a finite speed > 0, not None"),
        (("a", "speed_limit", (1,), 0.0), "speed_m_s must be a finite speed > 0, not 0.0"),
        (("a", "speed_limit", (1,), float("nan")), "speed_m_s must be a finite speed > 0, not nan"),
        (("a", "one_way", (1,)), "direction must be one of north, east, south, west, not None"),
        (("a", "one_way", (1,), None, "up"), "direction must be one of .*, not 'up'"),
        (("a", "keep_out", (1,), 0.5), "speed_m_s=0.5 belongs to speed_limit, not keep_out"),
        (("a", "keep_out", (1,), None, "east"), "direction='east' belongs to one_way"),
    ],
)
def test_zones_refuse_what_makes_no_sense(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        Zone(*arguments)


def test_layouts_refuse_zones_that_do_not_fit():
    good = built_in()
    wall = int(np.flatnonzero(good.map.blocked.ravel())[0])
    station, charger = good.stations[0], good.chargers[0]
    bad = [
        ([Zone("a", "keep_out", (wall,))], "zone 'a' covers blocked nodes only"),
        ([Zone("a", "keep_out", (1881,))], r"node 1881 is outside the map, ids 0..1880"),
        ([Zone("a", "keep_out", (-1,))], "node -1 is outside the map"),
        ([Zone("a", "keep_out", (station,))], f"'a' holds stations node {station} "),
        ([Zone("a", "keep_out", (charger,))], f"'a' holds chargers node {charger} "),
        ([Zone("a", "speed_limit", (60,), 1.0)] * 2, "distinct names, found 'a' twice"),
    ]
    for zones, reason in bad:
        with pytest.raises(ValueError, match=reason):
            dataclasses.replace(good, zones=tuple(zones))
    with pytest.raises(ValueError, match="keep-out zone or turn a one-way zone"):
        bare(3, 6, zones=(Zone("wall", "keep_out", (2, 8, 14)),))
    with pytest.raises(ValueError, match="speed must be finite and > 0 m/s, not 0"):
        speed_m_s(good, 0)


def test_the_lowest_limit_counts_and_none_raises_the_speed():
    layout = fulfilment(1, 2)
    free = np.flatnonzero(~layout.map.blocked.ravel())
    a, b = tuple(free[:6].tolist()), tuple(free[3:9].tolist())
    zones = (Zone("a", "speed_limit", a, 0.3), Zone("b", "speed_limit", b, 0.2),
             Zone("c", "speed_limit", tuple(free[-3:].tolist()), 9.0))  # fmt: skip
    speed = speed_m_s(dataclasses.replace(layout, zones=zones), 0.7)
    assert speed[free[:3]].tolist() == [0.3] * 3 and speed[list(b)].tolist() == [0.2] * 6
    assert (np.delete(speed, free[:9]) == 0.7).all()


def test_in_a_world_traffic_keeps_to_zones_and_people_do_not():
    aisle = [[row, 8] for row in range(5, 26)]
    layout = furnish(
        ready("small"),
        {
            "zones": [
                {"name": "up", "kind": "one_way", "cells": aisle, "direction": "north"},
                {"name": "hall", "kind": "keep_out", "rectangle": [0, 3, 2, 55]},
                {"name": "slow", "kind": "speed_limit", "rectangle": [26, 0, 28, 58],
                 "speed_m_s": 0.25},
            ]
        },
    )  # fmt: skip
    robots, limits = robot_map(layout), speed_m_s(layout, 99.0)
    world = World(layout, seed=3, workers=20, traffic=25)
    legal, broken, slow = {}, set(), 0
    before = world.crowd.agents
    for _ in range(2400):
        was = (before.node.copy(), before.to.copy(), before.done_mm.copy())
        world.step(WAIT)
        now = world.crowd.agents
        for agent in np.flatnonzero(now.to >= 0).tolist():
            u, v = int(now.node[agent]), int(now.to[agent])
            if (u, v) not in legal:
                legal[u, v] = v in robots.successors(u)[0]
            if not legal[u, v]:
                broken.add(int(now.kind[agent]))
            same = was[0][agent] == u and was[1][agent] == v
            if same and now.kind[agent] == 1 and np.isfinite(limits[v]) and limits[v] < 1:
                slow += 1
                assert now.done_mm[agent] - was[2][agent] <= 1000 * limits[v] * world.tick_s
        before = now
    assert broken == {0}, "people alone walk against the rules"
    assert slow > 50
