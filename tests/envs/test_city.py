"""City runs: lanes keep lengths, places reach each other, and the episode loop drives them."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from envs.city import EARTH_M, CityRules, city_layout, in_metres
from envs.episode import run_episode
from envs.formats import graph_of, load_graph
from envs.layouts import Layout, built_in
from envs.world import World
from planners import GraphMap, cost_to_go
from planners.tasks import make_chooser

SMALL = CityRules(reach_m=400.0, drops=8, pickups=4, chargers=2)


def blocks(rows: int = 5, cols: int = 6, side_m: float = 60.0, seed: int = 0) -> GraphMap:
    """A town of square blocks, some streets one-way and some missing, corners moved a little."""
    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    for node in np.ndindex(rows, cols):
        jitter = rng.uniform(-8, 8, 2)
        graph.add_node(node, pos=(side_m * node[1] + jitter[0], -side_m * node[0] + jitter[1]))
    for u, v in nx.grid_2d_graph(rows, cols).edges:
        luck = rng.random()
        length = math.dist(graph.nodes[u]["pos"], graph.nodes[v]["pos"])
        if luck < 0.9:
            graph.add_edge(u, v, length=length)
        if luck < 0.7:
            graph.add_edge(v, u, length=length)
    return graph_of(graph)


def two_way_lengths(graph: GraphMap) -> nx.Graph:
    """The network as pavements: undirected, the shortest of parallel streets."""
    plain = nx.Graph()
    plain.add_nodes_from(str(graph.label(node)) for node in range(graph.size))
    for u, v, length in zip(graph.sources, graph.indices, graph.length_m, strict=True):
        ends = str(graph.label(int(u))), str(graph.label(int(v)))
        if ends[0] != ends[1]:
            known = plain.get_edge_data(*ends, {"length": math.inf})["length"]
            plain.add_edge(*ends, length=min(known, float(length)))
    return plain


def assert_sound(layout: Layout, graph: GraphMap, seed: int = 0) -> None:
    city = layout.map
    assert isinstance(city, GraphMap)
    edges = (np.ones(city.indices.size), (city.sources, city.indices))
    matrix = coo_array(edges, shape=(city.size, city.size))
    assert connected_components(matrix, connection="strong")[0] == 1, "everybody reaches everything"
    assert not (set(layout.stations) | set(layout.chargers)) & set(layout.storage)
    own = {str(graph.label(node)) for node in range(graph.size)}
    inside = [label for label in city.labels if label in own]
    plain = two_way_lengths(graph)
    rng = np.random.default_rng(seed)
    for goal in rng.choice(inside, min(3, len(inside)), replace=False).tolist():
        # Bays and turns are no short cuts, and streets outside the area may be missing.
        whole = nx.single_source_dijkstra_path_length(plain, goal, weight="length")
        part = plain.subgraph(inside)
        cut = nx.single_source_dijkstra_path_length(part, goal, weight="length")
        field = cost_to_go(city, goal).values
        for label in inside:
            found = field[city.node(label)]
            assert found == pytest.approx(cut[label], abs=1e-6)
            assert found >= whole[label] - 1e-6


def test_a_town_is_furnished():
    layout = city_layout(blocks(), rules=SMALL)
    assert (len(layout.stations), len(layout.storage), len(layout.chargers)) == (8, 4, 2)
    assert layout.pick_share.sum() == pytest.approx(1.0)
    assert sorted(layout.pick_share.tolist(), reverse=True) == pytest.approx(
        [share / (1 + 1 / 2 + 1 / 3 + 1 / 4) for share in (1, 1 / 2, 1 / 3, 1 / 4)]
    )
    assert layout.map.labels[-1] == "bay 14"
    assert_sound(layout, blocks())


def test_the_seed_draws_the_pick_ups_only():
    one, same, other = (city_layout(blocks(), seed=seed, rules=SMALL) for seed in (1, 1, 2))
    assert one.storage == same.storage and np.array_equal(one.pick_share, same.pick_share)
    assert np.array_equal(one.map.position_m, same.map.position_m)
    assert not np.array_equal(one.map.position_m, other.map.position_m)
    hubs = [layout.map.position_m[layout.chargers[0]].tolist() for layout in (one, other)]
    assert hubs[0] == hubs[1]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(2, 5), st.floats(1.0, 90.0))
def test_lanes_keep_every_length(seed, rows, cols, side_m):
    graph = blocks(rows, cols, 20.0 + side_m, seed)
    try:
        layout = city_layout(graph, seed=seed, rules=SMALL)
    except ValueError as error:
        assert "reach each other" in str(error)
        return
    assert_sound(layout, graph, seed)


def test_opposite_lanes_are_apart_and_keep_right():
    east = GraphMap([0, 1, 2, 2], [1, 2], [50.0, 50.0], [[0, 0], [50, 0], [100, 0]])
    layout = city_layout(east, rules=CityRules(drops=1, pickups=1, chargers=1))
    city = layout.map
    there, back = city.node("0>1/5"), city.node("1>0/5")
    assert city.position_m[there].tolist() == pytest.approx([25.0, 1.0]), (
        "south of the middle; y down"
    )
    assert city.position_m[back].tolist() == pytest.approx([25.0, -1.0])
    targets, lengths = city.successors(there)
    assert dict(zip(targets.tolist(), lengths.tolist(), strict=True)) == {
        city.node("0>1/6"): 5.0, back: 2.0
    }  # fmt: skip
    assert city.node("1>2/5"), "a one-way street for cars has two pavements"


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_degrees_become_metres(unit):
    town = blocks()
    degrees = np.degrees(town.position_m / EARTH_M) / (math.cos(math.radians(42.5)), 1.0)
    degrees += (1.5, 42.5 - degrees[:, 1].mean())
    graph = GraphMap(town.indptr, town.indices, town.length_m, unit * degrees, town.labels)
    found = in_metres(graph)
    apart = np.hypot(*(found.position_m[found.sources] - found.position_m[found.indices]).T)
    assert np.allclose(apart, town.length_m, rtol=1e-4)
    assert in_metres(town) is town


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (GraphMap([0, 1, 2], [1, 0], [5, 5]), "has none .*a .gr has them in a .co"),
        (GraphMap([0, 1, 2], [1, 0], [5, 5], [[0, 0], [400, 0]]), "times as long as its ends"),
        (GraphMap([0, 1, 2], [1, 0], [5, 5], [[0, 0], [5, 0]]), "only 2 nodes reach each other"),
        (GraphMap([0, 0], [], [], [[0, 0]]), "only 1 nodes reach each other"),
    ],
)
def test_networks_that_are_no_city(graph, reason):
    with pytest.raises(ValueError, match=reason):
        city_layout(graph)


def test_numbers_that_make_no_city():
    with pytest.raises(ValueError, match="lane_m must be finite and > 0, got 0"):
        CityRules(lane_m=0)
    with pytest.raises(ValueError, match="bay_m must be at least lane_m / 2"):
        CityRules(bay_m=1.0)


@pytest.mark.parametrize("size", [3, 4, 7])
def test_the_smallest_cities(size):
    line = nx.path_graph(size)
    nx.set_edge_attributes(line, 10.0, "length")
    nx.set_node_attributes(line, {node: (10.0 * node, 0.0) for node in line}, "pos")
    layout = city_layout(graph_of(line), rules=SMALL)
    assert_sound(layout, graph_of(line))
    episode = run_episode(
        World(layout, workers=0, profile="street"), make_chooser("utility"), seconds=600
    )
    assert episode.summary["deliveries"] > 0


# --- the episode loop


def network_gap_m(city: GraphMap, agents, i: int, j: int) -> float:
    """Metres along the network between two agents that share an end of their edges, else inf.

    Positions on a map do not say who meets: a bridge crosses a street, lanes of two streets run
    close to each other at a sharp corner.
    """

    def ends(k: int) -> dict[int, float]:
        done, length = agents.done_mm[k] / 1000, agents.length_mm[k] / 1000
        at = {int(agents.node[k]): done if agents.to[k] >= 0 else 0.0}
        if agents.to[k] >= 0:
            at[int(agents.to[k])] = length - done
        return at

    mine, theirs = ends(i), ends(j)
    return min(
        (mine[node] + theirs[node] for node in mine.keys() & theirs.keys()), default=math.inf
    )


def run_hour(layout: Layout, seed: int, *, traffic: int, workers: int = 0, seconds: float = 3600):
    """The world after a run, and the nearest along the network that two agents ever came."""
    world = World(layout, seed=seed, workers=workers, traffic=traffic, profile="street")
    nearest = [math.inf]

    def watch(now: World) -> None:
        agents = now.crowd.agents
        at = np.column_stack([agents.x_m, agents.y_m])
        close = np.argwhere(np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)) < 3.0)
        for i, j in close[close[:, 0] < close[:, 1]].tolist():
            nearest[0] = min(nearest[0], network_gap_m(layout.map, agents, i, j))

    episode = run_episode(world, make_chooser("utility"), seconds=seconds, on_tick=watch)
    return world, episode, nearest[0]


def test_a_town_is_driven():
    layout = city_layout(blocks(), rules=SMALL)
    _, episode, nearest = run_hour(layout, 3, traffic=6, workers=2, seconds=1800)
    assert episode.summary["deliveries"] >= 3
    assert episode.summary["give_ups"] == episode.summary["strandings"] == 0
    assert nearest >= 0.5


def test_a_gap_of_nothing_is_seen():
    """The check of the runs can fail: two agents on one edge, and head to head at its end."""

    class Agents:
        node, to = np.array([0, 0, 1]), np.array([1, 1, 0])
        done_mm, length_mm = np.array([1000, 1200, 3900]), np.array([5000, 5000, 5000])

    assert network_gap_m(built_in(), Agents, 0, 1) == pytest.approx(2.2)
    Agents.done_mm = np.array([100, 0, 4900])
    assert network_gap_m(built_in(), Agents, 0, 2) == pytest.approx(0.2)


def test_the_same_run_on_an_aisle_graph():
    layout = built_in().as_graph()
    episode = run_episode(World(layout, workers=4), make_chooser("utility"), seconds=900)
    assert episode.summary["deliveries"] > 0 and episode.summary["contacts"] == 0


def test_an_edge_shorter_than_a_tick_takes_a_tick():
    """The street robot drives 0.75 m a tick: edges of 0.25 m hold it to a third of its speed."""
    for step_m, factor in ((0.25, 3.0), (1.5, 1.0)):
        line = nx.path_graph(round(60 / step_m) + 1)
        nx.set_edge_attributes(line, step_m, "length")
        nx.set_node_attributes(line, {node: (step_m * node, 0.0) for node in line}, "pos")
        graph = graph_of(line)
        graph = GraphMap(graph.indptr, graph.indices, graph.length_m, graph.position_m)
        density = np.ones(graph.size, dtype=np.float32)
        layout = Layout("line", graph, (0,), (graph.size - 1,), (1,), density)
        world = World(layout, workers=0, profile="street", blockages_per_hour=0, orders=[])
        while world.robot.node < graph.size - 1:
            world.step(world.robot.node + 1)
        metres = step_m * (graph.size - 2)
        assert world.time_s == pytest.approx(factor * metres / 1.5, abs=2.0)


@pytest.fixture(scope="module")
def andorra(shared_data) -> Layout:
    return city_layout(load_graph(shared_data / "roads" / "andorra.npz").graph, name="andorra")


def test_an_hour_in_andorra(andorra):
    assert andorra.map.size < 10_000 and len(andorra.stations) == 60
    _, episode, nearest = run_hour(andorra, 0, traffic=20)
    assert episode.summary["deliveries"] >= 4
    assert episode.summary["give_ups"] == episode.summary["strandings"] == 0
    assert episode.summary["wh_per_delivery"] < 40
    assert nearest >= 0.5, "nobody comes near along the network"


def test_congestion_is_learned_in_andorra(andorra):
    world = World(andorra, workers=0, traffic=20, profile="street")
    run_episode(world, make_chooser("utility"), seconds=600)
    assert (world.belief.costs().layer("congestion") > 0).sum() > 50


def test_the_battery_lasts_some_kilometres(andorra):
    world = World(andorra, workers=0, profile="street", initial_soc=0.3)
    episode = run_episode(world, make_chooser("utility"), seconds=3600)
    assert episode.summary["charges"] > 0 and episode.summary["strandings"] == 0
