"""The kernel of sensing: dice, lines of sight, what is learned, and that nothing else gets in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensing import (
    DELIVERY,
    OPEN,
    PERSON,
    ROBOT,
    SURE,
    TRAFFIC,
    agents_on,
    belief_on,
    closed_on,
    watch,
)  # fmt: skip

from envs.belief import Belief, BeliefModel, SensorModel
from envs.floor import Map
from envs.kernels import kernel, sense, sense_floor
from envs.kernels import sense_state as at
from envs.kernels.price import rates_at
from envs.layouts import Layout, fulfilment
from planners import GridMap, plan

HALL = fulfilment(2, 3)
GRAPH = HALL.as_graph()
WORD = st.integers(0, 2**64 - 1)


# Lines of sight.


def crossings(dr: int, dc: int) -> Iterator[tuple[int, Fraction]]:
    """Where the segment to (dr, dc) is at each whole step of its longer axis, as fractions."""
    steps = max(abs(dr), abs(dc))
    short = dr if abs(dc) >= abs(dr) else dc
    for k in range(1, steps + 1):
        yield k, Fraction(k * short, steps)


def must_be(
    blocked: np.ndarray[Any, Any], here: tuple[int, int], there: tuple[int, int]
) -> bool | None:
    """Exact geometry: hidden if the segment crosses the middle line of a shelf cell, in view if it
    stays off all of them; None where it meets a corner, where either answer will do."""
    (r, c), dr, dc = here, there[0] - here[0], there[1] - here[1]
    corner = False
    for k, short in crossings(dr, dc):
        low = math.floor(short)
        for minor in {low, low + 1}:
            long_ = int(math.copysign(k, dc if abs(dc) >= abs(dr) else dr))
            cell = (r + minor, c + long_) if abs(dc) >= abs(dr) else (r + long_, c + minor)
            inside = 0 <= cell[0] < blocked.shape[0] and 0 <= cell[1] < blocked.shape[1]
            away = abs(short - minor)
            if inside and blocked[cell]:
                if away < Fraction(1, 2):
                    return False
                corner |= away == Fraction(1, 2)
    return None if corner else True


@given(data=st.data(), rows=st.integers(2, 12), cols=st.integers(2, 12), radius=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_lines_of_sight_are_those_of_exact_geometry(
    data: st.DataObject, rows: int, cols: int, radius: int
) -> None:
    bits = data.draw(
        st.lists(st.sampled_from([0, 0, 0, 1]), min_size=rows * cols, max_size=rows * cols)
    )
    blocked = np.array(bits, dtype=bool).reshape(rows, cols)
    blocked[0, :2] = False
    here = data.draw(st.sampled_from([tuple(c) for c in np.argwhere(~blocked).tolist()]))
    grid = GridMap(blocked, moves="four")
    senses = senses_on(grid, radius)
    sense.set_view(grid.node(here), senses)
    view = senses.in_view[: senses.ints[at.VIEW]].tolist()
    assert view == sorted(set(view))
    for there in np.ndindex(rows, cols):
        far = (there[0] - here[0]) ** 2 + (there[1] - here[1]) ** 2 > radius**2
        expected = False if far else must_be(blocked, here, there)
        seen = grid.node(there) in view
        assert expected is None or seen is expected, (here, there)
        assert sense_floor.in_sight(grid.node(here), grid.node(there), senses) is seen


def senses_on(map: Map, radius_m: float = 8.0, **options: Any) -> at.Senses:
    from envs.belief.senses import make_senses

    sensor = SensorModel(radius_m, **options)
    return make_senses(map, seed=1, tick_s=0.5, agents=6, sensor=sensor, model=BeliefModel())


def test_on_a_graph_the_radius_alone_counts() -> None:
    senses = senses_on(GRAPH.map)
    position = GRAPH.map.positions_m(np.arange(GRAPH.map.size))
    for node in range(0, GRAPH.map.size, 7):
        sense.set_view(node, senses)
        away = np.hypot(*(position - position[node]).T)
        near = [
            sense_floor.near(node, k, senses) for k in range(sense_floor.near_places(node, senses))
        ]
        assert (
            senses.in_view[: senses.ints[at.VIEW]].tolist() == np.flatnonzero(away <= 8.0).tolist()
        )
        assert near == np.flatnonzero(away <= 1.5).tolist()


def test_near_on_a_grid_are_the_free_nodes_of_the_eight_around() -> None:
    grid = HALL.map
    senses = senses_on(grid)
    cells = np.argwhere(~grid.blocked)
    for row, col in cells.tolist():
        node = grid.node((row, col))
        found = {sense_floor.near(node, k, senses) for k in range(9)} - {at.NEVER}
        around = (np.abs(cells - (row, col)) <= 1).all(axis=1)
        assert found == {grid.node(tuple(cell)) for cell in cells[around].tolist()}
        assert senses.room[node] == len(found)


# Looking.


def test_misses_and_ghosts_come_at_their_rates() -> None:
    senses = senses_on(OPEN, detection=0.9, false_alarm=0.05)
    agents, closed = agents_on(OPEN, [(PERSON, 95), (ROBOT, 94)]), closed_on(OPEN, [96])
    count = np.zeros(4)
    for tick in range(1, 4001):
        sense.look(tick, agents, closed, senses)
        bodies = senses.bodies[: senses.ints[at.BODIES], 0]
        obstacles = senses.obstacles[: senses.ints[at.OBSTACLES]]
        count += [0 in bodies, 96 in obstacles, (obstacles != 96).any(), 5 in bodies]
    np.testing.assert_allclose(count / 4000, [0.9, 0.9, 0.05, 0.05], atol=0.02)


def test_who_is_out_of_sight_is_not_seen_and_who_comes_into_sight_is() -> None:
    senses = senses_on(OPEN, detection=1.0, false_alarm=0.0)
    rows = [(PERSON, 1), (PERSON, 20), (TRAFFIC, 9, 8, 100, 1000), (ROBOT, 0)]
    sense.look(1, agents_on(OPEN, rows), closed_on(OPEN, [2, 19]), senses)
    assert senses.bodies[: senses.ints[at.BODIES], 0].tolist() == [0, 2]
    assert senses.obstacles[: senses.ints[at.OBSTACLES]].tolist() == [2]
    np.testing.assert_allclose(senses.body_m[1], (8.9, 0.0))


def test_the_robot_looks_from_the_node_that_it_is_nearest_to() -> None:
    senses = senses_on(OPEN)
    for done, node in ((500, 0), (501, 1)):
        sense.look(1, agents_on(OPEN, [(ROBOT, 0, 1, done, 1000)]), closed_on(OPEN), senses)
        assert senses.ints[at.VIEW_NODE] == node


def test_a_look_is_learned_one_tick_later() -> None:
    belief = belief_on()
    agents = agents_on(OPEN, [(PERSON, 30), (ROBOT, 0)])
    sense.sense_tick(1, agents, closed_on(OPEN, [50]), belief.senses)
    assert not belief.has_news
    assert not belief.senses.evidence.any()
    sense.sense_tick(2, agents, closed_on(OPEN, [50]), belief.senses)
    assert belief.has_news
    assert belief.senses.evidence[30].tolist() == [0.5, 0.5, 0.5]


# Learning, against a recomputation from the list of all sightings.

MODEL = BeliefModel(risk_tau_s=20.0, density_tau_s=10.0)


def walkers(layout: Layout, rng: np.random.Generator, count: int) -> Iterator[list[list[int]]]:
    """Rows of walkers that hop at random, every other one on an edge."""
    nodes = rng.choice(np.flatnonzero(~np.asarray(layout.map.blocked).reshape(-1)), count).tolist()
    while True:
        rows = []
        for k, node in enumerate(nodes):
            heads, lengths = layout.map.successors(node)
            j = int(rng.integers(len(heads)))
            length = round(1000 * float(lengths[j]))
            row = [k % 2, node, int(heads[j]), int(rng.integers(length)), length]
            rows.append(row if rng.random() < 0.5 else [k % 2, node])
            nodes[k] = int(heads[j]) if rng.random() < 0.3 else node
        rows[-1][0] = ROBOT
        yield rows


def run(
    layout: Layout, seed: int, ticks: int, call: Any = sense.sense_tick, gap: int = 7
) -> tuple[Belief, list[tuple[int, list[int], list[tuple[int, float, float]]]], list[Any]]:
    """A belief after some ticks, with pauses; its sightings and the agents of each tick."""
    belief = Belief(
        layout.map, layout, DELIVERY, seed=seed, staff=3, fleet=3, agents=7, model=MODEL
    )
    senses, sightings, log = belief.senses, [], []
    rng = np.random.default_rng(seed)
    scene = walkers(layout, rng, 7)
    for k in range(ticks):
        tick = 1 + k + (k // 10) * gap
        agents = agents_on(layout.map, next(scene))
        closed = closed_on(layout.map, rng.integers(layout.map.size, size=9).tolist())
        call(tick, agents, closed, senses)
        used = int(senses.ints[at.BODIES])
        people = [
            (int(node), float(x), float(y))
            for (_, node, kind), (x, y) in zip(
                senses.bodies[:used], senses.body_m[:used], strict=True
            )
            if kind == PERSON
        ]
        sightings.append((tick, senses.in_view[: senses.ints[at.VIEW]].tolist(), people))
        log.append((tick, agents))
    return belief, sightings, log


@pytest.mark.parametrize("layout", [HALL, GRAPH], ids=["grid", "graph"])
@pytest.mark.parametrize("seed", range(3))
def test_rates_are_those_of_the_list_of_sightings(layout: Layout, seed: int) -> None:
    belief, sightings, _ = run(layout, seed, 60)
    last = sightings[-1][0]
    place = layout.map.positions_m(np.arange(layout.map.size))
    free = ~np.asarray(layout.map.blocked).reshape(-1)
    seen, near, there = np.zeros((3, layout.map.size))
    ticks = [tick for tick, _, _ in sightings]
    for (_, view, people), learned in zip(sightings[:-1], ticks[1:], strict=True):
        worth = 0.5 * math.exp(-(last - learned) * 0.5 / 20.0)
        inside = np.zeros(layout.map.size, dtype=bool)
        inside[view] = True
        seen[inside] += worth
        for node, x, y in people:
            close = np.hypot(*(place - (x, y)).T) <= 1.5 + 1e-6
            near[close & inside & free] += worth
            there[node] += worth * inside[node]
    nodes = np.arange(layout.map.size)
    senses = belief.senses
    left = senses.fade[np.minimum(last - senses.looked, senses.fade.size - 1)]
    evidence = senses.evidence * left[:, None]
    np.testing.assert_allclose(
        evidence, np.stack((seen, near, there), axis=1), rtol=1e-4, atol=1e-5
    )
    pricing = belief._layers._pricing
    weight, prior = MODEL.prior_s, pricing.near_presence
    rate = [rates_at(node, last, senses, pricing)[0] for node in nodes]
    np.testing.assert_allclose(rate, (weight * prior + near) / (weight + seen), rtol=1e-4)


@pytest.mark.parametrize("layout", [HALL, GRAPH], ids=["grid", "graph"])
def test_fleet_density_is_the_running_mean_of_what_was_heard(layout: Layout) -> None:
    belief, _, log = run(layout, 5, 80, gap=0)
    place = layout.map.positions_m(np.arange(layout.map.size))
    free = ~np.asarray(layout.map.blocked).reshape(-1)
    close = (np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)) <= 1.5 + 1e-6) & free
    room = np.maximum(1, close.sum(axis=1))
    mean = np.zeros((layout.map.size, 5))
    for tick, agents in log:
        if tick % 10:
            continue
        now = np.zeros_like(mean)
        for kind, node, to, done, length in zip(
            agents.kind, agents.node, agents.to, agents.done_mm, agents.length_mm, strict=True
        ):
            if kind != TRAFFIC:
                continue
            where, way = node, 4
            if to >= 0:
                where = to if 2 * done > length else node
                east, south = place[to] - place[node]
                way = (1 if east > 0 else 3) if abs(east) > abs(south) else (2 if south > 0 else 0)
            now[close[:, where] & free, way] += 1
        share = math.exp(-5.0 / 10.0)
        mean = share * mean + (1 - share) * now / room[:, None]
    senses = belief.senses
    left = senses.fleet_fade[np.minimum(log[-1][0] - senses.heard, senses.fleet_fade.size - 1)]
    fleet = senses.fleet * left[:, None]
    np.testing.assert_allclose(fleet[free], mean[free], rtol=1e-4, atol=1e-6)


def test_a_robot_that_drives_through_is_never_heard_standing() -> None:
    east = agents_on(OPEN, [(TRAFFIC, 100), (TRAFFIC, 60), (ROBOT, 0)])
    east.x0_m[0] -= 1.0  # it has just arrived from the west; the other one stands
    belief = belief_on(fleet=2)
    sense.hear_fleet(10, east, belief.senses)
    fleet = belief.senses.fleet
    assert fleet[100].nonzero()[0].tolist() == [1]
    assert fleet[60].nonzero()[0].tolist() == [at.STANDING]


def test_the_list_of_touched_nodes_has_each_once_and_misses_none() -> None:
    belief, _, _ = run(HALL, 2, 40)
    senses = belief.senses
    touched = senses.changed[: senses.ints[at.CHANGED]].tolist()
    assert len(touched) == len(set(touched))
    assert set(touched) == set(np.flatnonzero((senses.looked > 0) | (senses.heard > 0)).tolist())
    belief.refresh(0.5 * int(senses.ints[at.NOW]), None, force=True)
    assert senses.ints[at.CHANGED] == 0


# One source, two ways to run it.


@pytest.mark.parametrize("layout", [HALL, GRAPH], ids=["grid", "graph"])
def test_compiled_and_plain_sensing_agree_bit_for_bit(layout: Layout) -> None:
    plain, _, _ = run(layout, 9, 120)
    fast, _, _ = run(layout, 9, 120, call=kernel("sense_tick"))
    for name, one, other in zip(at.Senses._fields, plain.senses, fast.senses, strict=True):
        assert one.tobytes() == other.tobytes(), name
    assert plain.senses.ints[at.DOUBTS] > 0
    assert plain.senses.tracks[:, 0].any()


# Truth does not leak.


def scrambled(
    layout: Layout,
    senses: at.Senses,
    rows: list[list[int]],
    closed: list[int],
    rng: np.random.Generator,
) -> tuple[list[list[int]], list[int]]:
    """Another truth that looks the same: unseen people elsewhere, unseen blockages elsewhere."""
    view = set(senses.in_view[: senses.ints[at.VIEW]].tolist())
    free = np.flatnonzero(~np.asarray(layout.map.blocked).reshape(-1))
    hidden = [int(n) for n in free if n not in view]
    other = []
    for row in rows:
        seen = row[1] in view or (len(row) > 2 and row[2] in view)
        other.append(row if row[0] != PERSON or seen else [PERSON, int(rng.choice(hidden))])
    walls = [n for n in closed if n in view] + rng.choice(hidden, 9).tolist()
    return other, walls


@pytest.mark.parametrize("layout", [HALL, GRAPH], ids=["grid", "graph"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_what_is_unseen_changes_neither_belief_nor_plan(layout: Layout, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scene = walkers(layout, rng, 7)
    beliefs = [
        Belief(layout.map, layout, DELIVERY, seed=1, staff=3, fleet=3, agents=7) for _ in range(2)
    ]
    probe = senses_on(layout.map)
    for tick in range(1, 31):
        rows = next(scene)
        closed = rng.integers(layout.map.size, size=9).tolist()
        agents = agents_on(layout.map, rows)
        sense.set_view(sense_floor.place_of(6, agents), probe)
        other, walls = scrambled(layout, probe, rows, closed, rng)
        for belief, r, c in ((beliefs[0], rows, closed), (beliefs[1], other, walls)):
            sense.sense_tick(
                tick, agents_on(layout.map, r), closed_on(layout.map, c), belief.senses
            )
            belief.heed(0.5 * tick)
            belief.refresh(0.5 * tick, (1.0, 1.0))
    one, two = beliefs
    for name, a, b in zip(at.Senses._fields, one.senses, two.senses, strict=True):
        assert a.tobytes() == b.tobytes(), name
    assert np.array_equal(one.costs().pace, two.costs().pace)
    assert one.believed_blocked == two.believed_blocked
    start, goal = layout.stations[0], layout.storage[-1]
    plans = [plan(b.map(), start, goal, costs=b.costs()).as_dict() for b in beliefs]
    for answer in plans:
        answer.pop("runtime_s", None)
    assert plans[0]["cost"] == plans[1]["cost"]


def test_what_is_seen_does_change_belief() -> None:
    one, two = belief_on(sensor=SURE), belief_on(sensor=SURE)
    watch(one, 1, 5, [(PERSON, 40)])
    watch(two, 1, 5, [(PERSON, 41)])
    assert one.senses.evidence.tobytes() != two.senses.evidence.tobytes()


@given(seed=st.integers(0, 2**32 - 1), ticks=st.integers(2, 40))
@settings(max_examples=10, deadline=None)
def test_ages_only_grow_between_touches_and_never_fall_below_zero(seed: int, ticks: int) -> None:
    belief = Belief(HALL.map, HALL, DELIVERY, seed=seed, staff=3, fleet=3, agents=7)
    scene = walkers(HALL, np.random.default_rng(seed), 7)
    before = {name: belief.age_s(name) for name in belief.costs().layers}
    for tick in range(1, ticks + 1):
        sense.sense_tick(tick, agents_on(HALL.map, next(scene)), closed_on(HALL.map), belief.senses)
        for name, age_s in before.items():
            now = belief.age_s(name)
            touched = now == 0.0
            assert (now >= 0.0).all()
            assert np.array_equal(now[~touched], age_s[~touched] + 0.5)
            before[name] = now
