"""The soak: what the watch catches in broken worlds, that it is silent in sound ones, its rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from envs.layouts import Layout
from envs.world import WAIT, World
from experiments.publish import publish
from experiments.soak import SoakRun
from experiments.soak_watch import BATCH, Watch, shared_cells, swaps
from planners import GridMap

PAGE = """
kind = "soak"
name = "tiny"
first_seed = 3
minutes = 4
floors = [
    { map = "built-in", workers = 4, traffic = 3, hours = 2 },
    { map = "nowhere.map", instead = "long-corridor", workers = 3, hours = 1 },
]
"""
HOURS_IN_CI = 100
CROWDS = (0, 40)


@pytest.fixture(autouse=True)
def no_data(monkeypatch):
    """As on a machine without benchmark data."""
    monkeypatch.delenv("AISLEWISE_DATA", raising=False)


def open_floor() -> Layout:
    grid = GridMap(np.zeros((6, 6), dtype=bool), moves="four")
    density = np.ones(36, dtype=np.float32)
    return Layout("open", grid, (35,), (5,), (0,), density)


def world_of(**options: object) -> World:
    values: dict[str, object] = {"workers": 2, "blockages_per_hour": 0.0, "orders": []}
    return World(open_floor(), **{**values, **options})  # type: ignore[arg-type]


def watched(world: World, seconds: float, stuck_s: float = 900.0) -> Watch:
    watch = Watch(world, stuck_s)
    for _ in range(round(seconds / world.tick_s)):
        world.step(WAIT)
        watch(world)
    return watch


def test_a_sound_hour_is_silent_and_counts_what_was_done():
    world = world_of(workers=3, traffic=2, seed=1)
    found = watched(world, 600).columns()
    assert not any(found[key] for key in ("contacts", "shared_cells", "swaps", "stuck"))
    trips = world.crowd.agents.trips
    assert found["people_trips"] == trips[:3].sum() > 5
    assert found["traffic_trips"] == trips[3:5].sum() > 5
    assert 0 < found["people_longest_gap_s"] < 600
    assert 0 <= found["people_waiting"] < 0.5


def test_an_agent_that_finishes_nothing_is_stuck_and_giving_up_does_not_help():
    world = world_of(workers=2, seed=2)
    watch, agents = Watch(world), world.crowd.agents
    for _ in range(1900):
        agents.goal[1], agents.next_goal[1] = agents.node[1], -1  # it never gets to move
        agents.give_ups[1] += world.tick % 100 == 0
        world.step(WAIT)
        watch(world)
    found = watch.columns()
    assert [(agent["agent"], agent["kind"]) for agent in found["stuck_agents"]] == [(1, "people")]
    assert found["people_give_ups"] >= 18
    assert found["stuck_agents"][0]["gap_s"] == pytest.approx(950.0)


def test_a_tick_that_was_missed_is_an_error():
    world = world_of()
    watch = watched(world, 1.0)
    world.step(WAIT)
    world.step(WAIT)
    with pytest.raises(AssertionError):
        watch(world)


def test_a_robot_is_stuck_with_an_order_and_not_without_one():
    layout = open_floor()
    orders = [(layout.storage[0], layout.stations[0])]
    for asked, stuck in ((orders, ["robot"]), ([], [])):
        world = world_of(workers=0, orders=asked)
        if asked:
            world.accept("O1")
        watch = watched(world, 40, stuck_s=30.0)
        assert [agent["kind"] for agent in watch.stuck()] == stuck
        if stuck:  # from node 0 to the pick face at 5: five metres at 0.7 m/s
            assert watch.stuck()[0]["way_s"] == pytest.approx(5 / 0.7)
        assert watch.columns()["robot_waiting"] == (1.0 if asked else None)


def test_charging_and_being_stranded_are_not_held_against_the_robot():
    world = world_of(workers=0, initial_soc=0.5, orders=[(5, 35)])
    world.accept("O1")
    watch = Watch(world, stuck_s=10.0)
    for _ in range(100):
        world.step(-3)  # charge
        watch(world)
    assert watch.stuck() == []
    flat = world_of(workers=0, initial_soc=0.0, orders=[(5, 35)])
    assert watched(flat, 60.0, stuck_s=10.0).stuck() == []


def test_shared_cells_and_swaps_are_seen_from_nodes_alone():
    nodes, nowhere = np.array([1, 2, 3]), np.full(3, -1)
    assert shared_cells(nodes, nowhere) == shared_cells(nodes, np.array([-1, 4, -1])) == 0
    assert shared_cells(np.array([1, 2, 2]), nowhere) == 1
    assert shared_cells(nodes, np.array([-1, 3, -1])) == 1
    assert swaps(np.array([1, 2, 3]), np.array([2, 1, 3])) == 1
    assert swaps(np.array([1, 2, 3]), np.array([2, 3, 1])) == 0  # a ring is no swap
    assert swaps(np.array([1, 2, 3]), np.array([2, 4, 3])) == 0


def test_bodies_that_go_through_each_other_are_caught():
    """Two walkers are exchanged behind the resolver's back; between the ticks they touch."""
    world = world_of(workers=2, seed=5)
    watch, agents = watched(world, 2.0), world.crowd.agents

    def put(*nodes: int) -> None:
        for walker, node in enumerate(nodes):
            agents.node[walker], agents.to[walker] = node, -1
            agents.x_m[walker], agents.y_m[walker] = world.floor.xy(node)
        world.crowd.clock[0] += 1
        watch(world)

    put(14, 15)
    put(14, 15)  # and stand there for a tick
    found = watch.columns()["contacts"]
    put(15, 14)
    now = watch.columns()
    assert (now["contacts"], now["swaps"]) == (found + 1, 1)
    put(15, 15)
    assert watch.columns()["shared_cells"] == 1


def test_ticks_looked_at_together_are_ticks_looked_at_one_by_one(monkeypatch):
    found = []
    for batch in (1, BATCH):
        monkeypatch.setattr("experiments.soak_watch.BATCH", batch)
        world = world_of(workers=5, seed=8)
        watch, agents, rng = Watch(world), world.crowd.agents, np.random.default_rng(8)
        for tick in range(600):
            node, to = rng.integers(9, size=(2, 6))
            moves = tick % 3 > 0  # now and then everybody stands for a tick
            agents.node[:] = np.where(moves, node, agents.node)
            agents.to[:] = np.where(rng.random(6) < 0.5, to, -1)
            for k, here in enumerate(agents.node.tolist()):
                agents.x_m[k], agents.y_m[k] = world.floor.xy(here)
            world.crowd.clock[0] += 1
            watch(world)
        found.append(watch.columns())
    assert found[0] == found[1]
    assert all(found[0][key] > 10 for key in ("contacts", "shared_cells", "swaps"))


def test_rows_resume_report_and_are_published(call, tmp_path):
    page, out = tmp_path / "page.toml", tmp_path / "out"
    page.write_text(PAGE)
    command = ("experiment", page, "--out", out, "--executor", "threads", "--workers", "1")
    assert "3 runs: 3 made, 0 known before, 0 failed" in call(*command).stdout
    assert "3 runs: 0 made, 3 known before" in call(*command).stdout
    shown = call("report", out).stdout
    assert "| built-in, 4 + 3 | 2 | 3 to 4 | 0 | 0 | 0 | 0 | met |" in shown
    assert "long-corridor, 3 + 0" in shown
    assert (out / "report.png").stat().st_size > 1000
    packed, text = publish(out, tmp_path / "docs")
    first = packed.read_bytes()
    assert publish(out, tmp_path / "docs")[0].read_bytes() == first
    assert "Rows: `docs/rows/tiny.jsonl.gz`" in text.read_text()


def test_rows_name_the_stuck_on_the_page(call, tmp_path):
    page, out = tmp_path / "page.toml", tmp_path / "out"
    page.write_text(PAGE)
    call("experiment", page, "--out", out, "--executor", "threads", "--workers", "1")
    file = Path(out / "rows.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    agent = {"agent": 6, "kind": "traffic", "gap_s": 1234.5, "way_s": 60.2, "node_at_end": 77}
    rows[0] |= {"stuck": 1, "stuck_agents": [agent]}
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = call("report", out).stdout
    assert (
        "agent 6 (traffic), 1234.5 s, of which a free way takes 60 s, at the end on node 77"
        in shown
    )
    assert "**short**" in shown


def test_a_map_that_is_missing_is_named_where_there_is_a_folder(refused, tmp_path):
    page = tmp_path / "page.toml"
    page.write_text(PAGE)
    assert "nowhere.map" in refused("experiment", page, "--data", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("traffic", CROWDS)
def test_no_contact_and_nobody_stuck_in_many_hours(traffic):
    for seed in range(9000, 9000 + HOURS_IN_CI // len(CROWDS)):
        found = SoakRun("built-in", "", seed, 12, traffic).measure()
        assert (found["contacts"], found["shared_cells"], found["swaps"]) == (0, 0, 0), seed
        assert found["stuck_agents"] == [], seed
