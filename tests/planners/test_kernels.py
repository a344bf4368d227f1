"""The machine room: work arrays, the edges of the queue, reference counts, cached machine code."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from instances import graph_problems, open_grid, random_graph, random_grid
from oracles import close, dijkstra, grid_adjacency

from planners import CostField, GridMap, Layer, cost_to_go, plan
from planners.kernels import workspace
from planners.walks import steps


def answer(problem, **options):
    result = plan(problem.map, *problem.ends, costs=problem.costs, trace=True, **options)
    nodes = None if result.path is None else result.path.nodes.tolist()
    return result.status, result.cost, result.stats, nodes, result.trace.nodes.tolist()


def held(map) -> workspace.Workspace:
    return map.workspaces.workspace


def test_the_workspace_is_kept_and_shared_with_patched_maps():
    problem = open_grid(0)
    plan(problem.map, 0, problem.goal)
    first = held(problem.map)
    plan(problem.map, 0, problem.goal)
    assert held(problem.map) is first
    assert held(problem.map.with_blocked([5], True)) is first


@pytest.mark.parametrize("make", [random_grid, random_graph])
def test_stamps_wrap_around(make):
    """Shortly before the generation counter overflows, and after: the same answers."""
    for k in range(10):
        problem = make(np.random.default_rng([101, k]))
        if problem.map.is_blocked(problem.start) or problem.map.is_blocked(problem.goal):
            continue
        if problem.start == problem.goal:
            continue
        for strategy in ("wastar", "bfs"):
            expected = answer(problem, strategy=strategy)
            work = held(problem.map)
            work.stamp = workspace.LAST_STAMP - 4 * workspace.STAMP_STEP
            wrapped = 0
            for _ in range(8):
                before = work.stamp
                assert answer(problem, strategy=strategy) == expected
                wrapped += work.stamp < before
            assert wrapped == 1


def test_marks_of_the_largest_generation_are_forgotten():
    """What the last generation before the wrap has closed must be open to the first one after."""
    problem = open_grid(1)
    expected = answer(problem)
    work = held(problem.map)
    work.stamp = workspace.LAST_STAMP - 2 * workspace.STAMP_STEP
    plan(problem.map, 0, problem.goal, costs=problem.costs)
    assert work.mark.max() >= work.stamp
    assert answer(problem) == expected
    assert 0 <= work.stamp < workspace.LAST_STAMP


def test_a_query_that_stops_early_leaves_nothing_behind():
    problem = open_grid(2, side=20)
    expected = answer(problem, strategy="wastar")
    for budget in (0, 1, 7, 50):
        for strategy in ("bfs", "dfs", "ucs", "greedy", "wastar"):
            plan(problem.map, *problem.ends, costs=problem.costs, strategy=strategy,
                 max_expansions=budget)  # fmt: skip
            assert answer(problem, strategy="wastar") == expected


def test_work_arrays_grow():
    """More nodes wait than the first pool holds, in buckets and in the heap."""
    grid = GridMap(np.zeros((150, 150)))
    rng = np.random.default_rng(0)
    lead = rng.uniform(0, 1e6, grid.size)
    result = plan(grid, 0, grid.size - 1, strategy="wastar", weight=1.0, heuristic=lead, trace=True)
    work = held(grid)
    assert max(work.link.size, work.heap_key.size) > workspace.FIRST_POOL
    assert result.trace.nodes.size > workspace.FIRST_POOL
    assert close(result.cost, 149 * np.sqrt(2))


def measured_right(problem, engine) -> bool:
    """The edges, length and cost of a path on a graph, against arrays and exact sums."""
    result = plan(problem.map, *problem.ends, costs=problem.costs, engine=engine)
    if result.path is None:
        return False
    lengths, edges = steps(problem.map, result.path.nodes, problem.costs)
    np.testing.assert_array_equal(result.path.edges, edges)
    prices = lengths
    if problem.costs is not None:
        prices = problem.costs.price(result.path.nodes, lengths, edges)
    assert math.isclose(result.path.length_m, math.fsum(lengths), rel_tol=1e-15)
    assert math.isclose(result.cost, math.fsum(prices), rel_tol=1e-15)
    return edges.size > 0


@pytest.mark.parametrize("engine", ["generic", "textbook"])
def test_a_path_on_a_graph_takes_the_cheapest_of_parallel_edges(engine):
    problems = [random_graph(np.random.default_rng([67, k])) for k in range(300)]
    assert sum(measured_right(problem, engine) for problem in problems) > 100


@settings(deadline=None)
@given(graph_problems())
def test_any_path_on_a_graph_is_measured_right(problem):
    measured_right(problem, "generic")


@pytest.mark.parametrize("huge", [1e3, 1e9, 1e30, 3e38])
@pytest.mark.parametrize("base", [0.0, 1e-30, 1.0])
def test_keys_beyond_the_ring(huge, base):
    """Paces over dozens of powers of ten: the heap takes what no bucket can."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        risk = np.where(rng.random((12, 12)) < 0.3, huge, rng.random((12, 12)))
        risk[:, 6] = huge  # a wall of them: it must be crossed
        grid = GridMap(np.zeros((12, 12)))
        costs = CostField(grid, base, [Layer("risk", risk)])
        optimum = dijkstra(grid_adjacency(grid.blocked.tolist(), pace=(base + risk).tolist()), 0)[
            -1
        ]
        for strategy in ("ucs", "astar", "wastar"):
            for engine in ("generic", "textbook"):
                result = plan(grid, 0, 143, costs=costs, strategy=strategy, engine=engine)
                assert optimum * (1 - 1e-6) <= result.cost <= result.bound * optimum * (1 + 1e-6)
        np.testing.assert_allclose(cost_to_go(grid, 143, costs).values[0], optimum, rtol=1e-6)


def test_leads_of_every_size_meet_in_one_queue():
    """Keys from -1e12 to 1e12 and 1e-12 apart, in turn."""
    problem = open_grid(5, side=12)
    optimum = dijkstra(problem.adjacency, 0)[problem.goal]
    rng = np.random.default_rng(0)
    for _ in range(30):
        lead = rng.choice([-1, 1], 144) * 10.0 ** rng.integers(-12, 13, 144)
        result = plan(problem.map, *problem.ends, costs=problem.costs, heuristic=lead)
        assert close(result.cost, optimum)


# --- in processes of their own

COMPILE = """
import json, numpy as np
from planners import GraphMap, GridMap, plan
grid = GridMap(np.zeros((6, 6)))
one = plan(grid, 0, 35, strategy="wastar", heuristic=np.linspace(90, 0, 36))
graph = GraphMap([0, 2, 3, 3], [1, 2, 2], [1.0, 5.0, 1.0])
two = plan(graph, 0, 2, strategy="wastar", heuristic=[0.0, 9.0, 0.0])
from planners.coarse import coarse_cost_to_go, tabulate
three = tabulate(coarse_cost_to_go(grid, 35, side=2), 36)
plan(grid, 0, 35, strategy="focal")
plan(graph, 0, 2, strategy="xdp")
from planners.kernels import compiled
plan(grid, 0, 35, engine="jump-points")
plan(GridMap(np.zeros((6, 6)), moves="four"), 0, 35, engine="uniform-four")
found = {}
for name, called in compiled.ROOM._ready.items():
    kernel = called.dispatcher
    hits = sum(kernel.stats.cache_hits.values())
    texts = [] if hits else list(kernel.inspect_llvm().values())
    calls = [line for text in texts for line in text.splitlines()
             if "call" in line and "NRT_" in line]
    found[name] = {"hits": hits, "lengths": [len(text) for text in texts], "nrt": calls}
print(json.dumps({"found": found, "costs": [one.cost, two.cost]}))
"""


def run(code, tmp_path, **environment):
    """The JSON that a fresh interpreter prints, with a machine-code cache in tmp_path."""
    values = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), **environment}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=values,
        cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_no_kernel_counts_references(tmp_path):
    """On a fresh compile: a kernel loaded from the cache would show a stub and prove nothing."""
    values = run(COMPILE, tmp_path)
    assert {
        "run_grid",
        "run_graph",
        "run_certify",
        "tile_links",
        "tile_paces",
        "tabulate_tiles",
        "run_rival",
        "run_rival_certify",
        "run_jump_points",
        "run_four",
        "run_unpack",
    } <= set(values["found"])
    for name, kernel in values["found"].items():
        assert kernel["hits"] == 0, name
        assert kernel["lengths"] and min(kernel["lengths"]) > 2_000, name
        assert kernel["nrt"] == [], name
    assert close(values["costs"][0], 5 * np.sqrt(2)) and values["costs"][1] == 2.0


@pytest.mark.slow
def test_the_second_process_finds_the_machine_code(tmp_path):
    run(COMPILE, tmp_path)
    again = run(COMPILE, tmp_path)["found"]
    assert all(kernel["hits"] > 0 for kernel in again.values())
    folders = [path.name for path in (tmp_path / "cache").iterdir()]
    assert len(folders) == 1 and folders[0].startswith("aislewise-")


NO_FOLDER = """
import json, pathlib, numpy as np
def refuse(*args, **options):
    raise PermissionError("read-only file system")
pathlib.Path.mkdir = refuse
from planners import GridMap, plan
from planners.kernels import compiled
with compiled._cache_folder(compiled.ROOM.cache_folders()) as folder:
    pass
print(json.dumps({"folder": folder, "cost": plan(GridMap(np.zeros((1, 4))), 0, 3).cost}))
"""


@pytest.mark.slow
def test_it_works_where_no_cache_folder_can_be_written(tmp_path):
    assert run(NO_FOLDER, tmp_path) == {"folder": None, "cost": 3.0}


def test_the_cache_folder_is_named_by_the_sources(tmp_path, monkeypatch):
    from planners.kernels import compiled

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    first = next(iter(compiled.ROOM.cache_folders()))
    assert first.parent == tmp_path and compiled.ROOM.source_hash() in first.name
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: original(path) + b"\n")
    assert next(iter(compiled.ROOM.cache_folders())) != first


def test_the_plain_compile_is_there_for_a_numba_without_the_private_option(tmp_path, monkeypatch):
    """The start-up self-test falls back: an unknown option is no error of the user."""
    from planners.kernels import compiled

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))  # cached code would hide the option
    compiled._options.cache_clear()
    monkeypatch.setattr(compiled, "FAST", {"no such option": True, **compiled.PLAIN})
    try:
        assert compiled._options() == compiled.PLAIN
    finally:
        compiled._options.cache_clear()
