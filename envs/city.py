"""City runs: a road network furnished for one delivery robot, as a `Layout` like any other.

The robot drives on pavements, which run both ways whatever cars may do (a). In the area where it
works every street gets two *lanes*, a row of nodes of its own for each direction a little to the
right, so that robots from opposite sides pass each other and those of one lane follow each other; a
robot can turn round from any node of a lane to the one beside it. Every place gets a *bay* beside
the street, entered from a node of the network and left into a lane, so that who stands there blocks
nobody and who waits for it does not block its way out. Lengths between the network's nodes stay
exact.

An edge that is shorter than the way of one tick takes a whole tick; what is left of the tick is
carried on, at most one tick's way. Lanes cut no piece shorter than half of `lane_m`, so only edges
that are so short in the network itself slow anybody down.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from planners import GraphMap, cost_to_come, cost_to_go
from planners.errors import expect

from .aisles import Edges, diffuse, floor_edges, largest_floor
from .checks import expect_numbers
from .layouts import Layout
from .streams import stream

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

CANDIDATES = 16  # for the hub (a)
EARTH_M = 6_371_008.8  # mean radius
_METRIC = (0.8, 2.0)  # median of length / distance of edges whose positions are in metres
_SMOOTHING_STEPS = 20  # of the prior: people also walk on the way to a shop


@dataclass(frozen=True)
class CityRules:
    """How a network is furnished; all numbers are assumptions (a).

    Attributes:
        reach_m: the robot works where the way from the hub and the way back are at most so long.
        drops, pickups, chargers: how many of each at most; the first charger is the hub.
        lane_m: longest piece of a lane: whoever is on it holds both its ends.
        side_m: how far right of the middle a lane runs (at most a quarter of its pieces' length).
        bay_m: length of the way into a bay, and again out of it; no shortcut: at least lane_m / 2.
    """

    reach_m: float = 1000.0
    drops: int = 60
    pickups: int = 20
    chargers: int = 8
    lane_m: float = 5.0
    side_m: float = 1.0
    bay_m: float = 3.0

    def __post_init__(self) -> None:
        expect_numbers(self, "reach_m", "lane_m", "side_m", "bay_m", above=0)
        expect_numbers(self, "drops", "pickups", "chargers", least=1, whole=True)
        if self.bay_m < self.lane_m / 2:
            raise ValueError(f"bay_m must be at least lane_m / 2, not {self.bay_m!r}")


def city_layout(
    graph: GraphMap, *, seed: int = 0, name: str = "city", rules: CityRules | None = None
) -> Layout:
    """A layout for city runs on a road network with positions.

    The hub, the first charger, lies where the network is densest. Further chargers and then the
    places of delivery (`stations`) are put one by one as far as possible, by path, from all before
    them; places to pick up (`storage`) are drawn from the nearer half of the area, and the k-th
    popular of them gets a share of 1 / k of the orders. Places are bays (see the module). The map
    holds the area alone: its nodes of the network first, labelled with their label (or id) as text,
    then those of lanes, `FROM>TO/1` and so on, and bays, `bay 1` and so on. Its y grows southward,
    as everywhere in the living world. A graph that is a floor plan already, without lanes or bays
    to add, is furnished by `layouts.from_graph`.

    Args:
        graph: positions with y northward in metres, degrees (longitude, latitude) or millionths of
            a degree, which is told from the lengths.
        seed: of the places to pick up and their popularity.
        name: of the layout.
        rules: the numbers.

    Raises:
        ValueError: no positions, positions that fit no length, fewer than three nodes that reach
            each other.
    """
    expect(graph, GraphMap, "graph")
    rules = rules or CityRules()
    graph = _both_ways(in_metres(graph))
    floor = largest_floor(graph)
    dropped = int((~graph.blocked & ~floor).sum())
    if floor.sum() < 3:
        raise ValueError(
            f"{name}: only {floor.sum()} nodes reach each other: a hub, a pick-up and a drop need 3"
        )
    area = _area(graph, floor, rules)
    graph, area = _part(graph, area)
    chargers, drops, pickups = _places(graph, area, seed, rules)
    city, bays = _streets(graph, [*chargers, *drops, *pickups], rules)
    cut = np.cumsum([len(chargers), len(drops)])
    homes, stations, storage = (tuple(part.tolist()) for part in np.split(bays, cut))
    share, density = _popularity(city, storage, seed)
    return Layout(name, city, stations, storage, homes, density, share, dropped)


def _popularity(
    city: GraphMap, storage: tuple[int, ...], seed: int
) -> tuple[Floats, npt.NDArray[np.float32]]:
    """The share of each place to pick up, and the density of people around them."""
    share = 1.0 / (1 + stream(seed, "city.popularity").permutation(len(storage)))
    density = np.zeros(city.size)
    density[list(storage)] = share / share.sum()
    return share, diffuse(city, density, _SMOOTHING_STEPS).astype(np.float32)


def in_metres(graph: GraphMap) -> GraphMap:
    """The graph with positions in metres, taken as they are, as degrees or as 1e-6 degrees.

    Of the three, the first in which the median edge is 0.8 to 2 times as long as its ends are
    apart. Degrees are (longitude, latitude), laid flat around their mean latitude.

    Raises:
        ValueError: no positions, or none of the three fits.
    """
    if graph.position_m is None:
        raise ValueError(
            "a city run needs positions, and this road network has none "
            "(a .gr has them in a .co of the same name beside it)"
        )
    ratios = []
    for degrees in (None, 1.0, 1e-6):
        position = graph.position_m if degrees is None else _flat(graph.position_m * degrees)
        apart = np.hypot(*(position[graph.sources] - position[graph.indices]).T)
        far = apart > 0
        ratio = float(np.median(graph.length_m[far] / apart[far])) if far.any() else 1.0
        ratios.append(ratio)
        if _METRIC[0] <= ratio <= _METRIC[1]:
            if degrees is None:
                return graph
            return GraphMap(
                graph.indptr, graph.indices, graph.length_m, position, graph.labels, graph.blocked
            )
    raise ValueError(
        "lengths in metres do not fit the positions: the median edge is "
        f"{ratios[0]:.3g} (metres), {ratios[1]:.3g} (degrees) or {ratios[2]:.3g} (millionths of a "
        "degree) times as long as its ends are apart"
    )


def _flat(degrees: Floats) -> Floats:
    radians = np.radians(degrees)
    return EARTH_M * radians * (math.cos(float(radians[:, 1].mean())), 1.0)


def _both_ways(graph: GraphMap) -> GraphMap:
    """Every street in both directions: no self loops, the shortest of parallel edges."""
    edges = floor_edges(graph)
    tails, heads = np.r_[edges.tails, edges.heads], np.r_[edges.heads, edges.tails]
    length_m = np.r_[edges.length_m, edges.length_m]
    order = np.lexsort((length_m, heads, tails))
    order = order[tails[order] != heads[order]]
    first = np.diff(tails[order] * graph.size + heads[order], prepend=-1) != 0
    kept = order[first]
    position = graph.positions_m(np.arange(graph.size))
    labels = [graph.label(node) for node in range(graph.size)]
    edges = Edges(tails[kept], heads[kept], length_m[kept])
    return _from_edges(edges, position, labels, graph.blocked)


def _part(graph: GraphMap, nodes: Ids) -> tuple[GraphMap, Ids]:
    """The graph of some nodes alone, in the order of their ids, and their new ids."""
    kept = np.sort(nodes)
    new = np.full(graph.size, -1, dtype=np.int64)
    new[kept] = np.arange(kept.size)
    edges = floor_edges(graph)
    inside = (new[edges.tails] >= 0) & (new[edges.heads] >= 0)
    edges = Edges(new[edges.tails[inside]], new[edges.heads[inside]], edges.length_m[inside])
    labels = [str(graph.label(node)) for node in kept.tolist()]
    return _from_edges(edges, graph.positions_m(kept), labels), new[nodes]


def _values(field: object) -> Floats:
    return np.asarray(field.values, dtype=np.float64)  # type: ignore[attr-defined]


def _area(graph: GraphMap, floor: Mask, rules: CityRules) -> Ids:
    """The nodes to work in, by the length of the round trip from the hub, which comes first.

    Whatever lies on a shortest round trip has no longer one: these nodes reach each other among
    themselves. Of the nodes nearest to the densest spot, the hub has the most within reach.
    """
    nodes = np.flatnonzero(floor)
    tree = cKDTree(graph.positions_m(nodes))
    around = tree.query_ball_point(tree.data, rules.reach_m / 4, return_length=True)
    _, near = tree.query(tree.data[around.argmax()], min(CANDIDATES, nodes.size))
    best, most = np.empty(0), -1
    for hub in nodes[np.atleast_1d(near)].tolist():
        trip_m = _values(cost_to_come(graph, hub)) + _values(cost_to_go(graph, hub))
        reached = int((trip_m <= 2 * rules.reach_m).sum())
        if reached > most:
            best, most = trip_m, reached
    order = np.argsort(best, kind="stable")
    wanted = min(rules.drops + rules.pickups + rules.chargers, nodes.size)
    limit_m = max(2 * rules.reach_m, float(best[order[wanted - 1]])) * (1 + 1e-9)
    return order[: int((best <= limit_m).sum())]


def _places(
    graph: GraphMap, area: Ids, seed: int, rules: CityRules
) -> tuple[list[int], list[int], list[int]]:
    """Road nodes of chargers, drops and pick-ups; the area runs from the hub outwards."""
    near = area[: max(2, area.size // 2)]
    room = area.size
    pickups = min(rules.pickups, max(1, room // 3), near.size - 1)
    picked = stream(seed, "city.pickups").choice(near[1:], pickups, replace=False)
    left = np.setdiff1d(area, picked)
    chargers = min(rules.chargers, max(1, room // 10))
    drops = min(rules.drops, left.size - chargers)
    chosen = _farthest_first(graph, left, int(area[0]), chargers + drops)
    return chosen[:chargers], chosen[chargers:], np.sort(picked).tolist()


def _farthest_first(graph: GraphMap, nodes: Ids, first: int, count: int) -> list[int]:
    """So many of the nodes, each next one farthest by path from those before; ties: lower id."""
    chosen = [first]
    gap_m = np.full(nodes.size, math.inf)
    while len(chosen) < count:
        gap_m = np.minimum(gap_m, _values(cost_to_come(graph, chosen[-1]))[nodes])
        chosen.append(int(nodes[gap_m.argmax()]))
    return chosen


def _streets(graph: GraphMap, places: list[int], rules: CityRules) -> tuple[GraphMap, Ids]:
    """The open part of the network with lanes and a bay at each place; the nodes of the bays."""
    edges = floor_edges(graph)
    pieces = np.ceil(edges.length_m / rules.lane_m).astype(np.int64)
    pieces = np.maximum(pieces, np.where(edges.length_m >= rules.lane_m, 2, 1))
    position = graph.positions_m(np.arange(graph.size))
    names = list(graph.labels or ())
    for u, v, count in zip(
        edges.tails.tolist(), edges.heads.tolist(), pieces.tolist(), strict=True
    ):
        names += [f"{names[u]}>{names[v]}/{k}" for k in range(1, count)]
    edges, position = _lanes(edges, pieces, position, rules)
    bays = position.shape[0] + np.arange(len(places))
    side, exits = _kerbs(edges, position, places)
    position = np.concatenate([position, position[places] + rules.bay_m * side])
    position = position * (1.0, -1.0)  # maps have north up, the living world has y down
    ways = np.full(bays.size, rules.bay_m)
    return _from_edges(
        Edges(
            np.concatenate([edges.tails, places, bays]),
            np.concatenate([edges.heads, bays, exits]),
            np.concatenate([edges.length_m, ways, ways]),
        ),
        position,
        [*names, *(f"bay {k}" for k in range(1, bays.size + 1))],
    ), bays


def _lanes(edges: Edges, pieces: Ids, position: Floats, rules: CityRules) -> tuple[Edges, Floats]:
    """Edges cut into equal pieces by new nodes, which lie to the right of the straight line.

    Edges are sorted by tail, then head, and each has its reverse; from a node of a lane an edge
    leads to the node beside it in the other one.
    """
    edge = np.repeat(np.arange(pieces.size), pieces)
    start = np.cumsum(pieces) - pieces
    k = np.arange(edge.size) - start[edge]  # piece k of its edge
    last = k == pieces[edge] - 1
    inner = position.shape[0] + np.arange(edge.size) - edge  # the node at the end of a piece
    heads = np.where(last, edges.heads[edge], inner)
    tails = np.where(k == 0, edges.tails[edge], inner - 1)
    begin, way = position[edges.tails], position[edges.heads] - position[edges.tails]
    far = np.maximum(np.hypot(*way.T), 1e-9)
    side = np.minimum(rules.side_m, far / pieces / 4)
    right = np.stack([way[:, 1], -way[:, 0]], axis=1) * (side / far)[:, None]
    own = edge[~last]
    at = begin[own] + ((k[~last] + 1) / pieces[own])[:, None] * way[own] + right[own]
    reverse = np.lexsort((edges.tails, edges.heads))  # row of the edge that leads back
    beside = inner[start[reverse[own]]] + pieces[own] - 2 - k[~last]
    cut = Edges(
        np.r_[tails, inner[~last]],
        np.r_[heads, beside],
        np.r_[(edges.length_m / pieces)[edge], 2 * side[own]],
    )
    return cut, np.concatenate([position, at])


def _kerbs(edges: Edges, position: Floats, places: list[int]) -> tuple[Floats, Ids]:
    """Where the bay of each place lies, as a unit vector, and the node that it is left to.

    Of the lanes that leave the place, the one with the most room on its right.
    """
    order = np.argsort(edges.tails, kind="stable")
    tails, heads = edges.tails[order], edges.heads[order]
    sides, exits = np.empty((len(places), 2)), np.empty(len(places), dtype=np.int64)
    for row, place in enumerate(places):
        after = heads[slice(*np.searchsorted(tails, [place, place + 1]))]
        way = position[after] - position[place]
        angles = np.arctan2(way[:, 1], way[:, 0])
        turn = np.argsort(angles, kind="stable")
        rooms = np.diff(angles[turn], prepend=angles[turn[-1]] - math.tau)
        widest = int(rooms.argmax())
        exits[row] = after[turn[widest]]
        angle = angles[turn[widest]] - min(rooms[widest] / 2, math.pi / 3)
        sides[row] = math.cos(angle), math.sin(angle)
    return sides, exits


def _from_edges(
    edges: Edges, position: Floats, labels: Sequence[Hashable], blocked: Mask | None = None
) -> GraphMap:
    order = np.lexsort((edges.heads, edges.tails))
    counts = np.bincount(edges.tails, minlength=position.shape[0])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return GraphMap(indptr, edges.heads[order], edges.length_m[order], position, labels, blocked)
