"""What a trace records and saves, against a replay that knows only the map and the formulas."""

from __future__ import annotations

import math
import pickle
import re

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import graph_problems, grid_problems, open_grid, random_graph, random_grid

from planners import GraphMap, GridMap, Guidance, Reward, plan
from planners.posthoc import yaml_number

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
KINDS = ("source", "generate", "expand", "close")
FORMULA = {
    "bfs": lambda g, h: 0.0,
    "dfs": lambda g, h: 0.0,
    "ucs": lambda g, h: g,
    "greedy": lambda g, h: h,
    "astar": lambda g, h: g + h,
    "wastar": lambda g, h: g + 1.5 * h,
}


def traced(problem, **options):
    return plan(problem.map, *problem.ends, costs=problem.costs, trace=True, **options)


def saved(trace, folder):
    """The document that was written, as a YAML reader sees it."""
    trace.save(folder / "new" / "a.trace.yaml")
    text = (folder / "new" / "a.trace.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=LOADER)  # noqa: S506  (a safe loader, in C where there is one)


def octile(problem, node):
    """h by hand: octile steps to the goal at the least pace of a free cell."""
    grid = problem.map
    (r, c), (row, col) = divmod(node, grid.cols), divmod(problem.goal, grid.cols)
    low, high = sorted((abs(r - row), abs(c - col)))
    free = ~grid.blocked.ravel()
    return float(problem.costs.pace[free].min()) * (high + (math.sqrt(2) - 1) * low)


def straight(problem, node):
    """h by hand on a graph: the straight line times the least length per distance and pace."""
    at = problem.map.position_m
    if at is None:
        return 0.0
    ratios = []
    for u in range(problem.map.size):
        for edge in range(problem.map.indptr[u], problem.map.indptr[u + 1]):
            apart = math.dist(at[u], at[problem.map.indices[edge]])
            if apart > 0:
                ratios.append(float(problem.map.length_m[edge]) / apart)
    pace = 1.0
    if problem.costs is not None:
        pace = float(problem.costs.pace[~problem.map.blocked].min())
    return min(ratios, default=0.0) * pace * math.dist(at[node], at[problem.goal])


def replay(problem, events):
    """Each event follows from those before it, by the map alone.

    Returns the nodes in the order of their expansion.
    """
    g, current, expanded = {}, None, []
    for event in events:
        node, kind = event["id"], event["type"]
        if kind == "source":
            g, current = {node: 0.0}, None
            assert (node, event["pId"], event["g"]) == (problem.start, None, 0.0)
        elif kind == "expand":
            assert current is None
            current = node
            expanded.append(node)
            g[node] = event["g"]
        elif kind == "generate":
            assert event["pId"] == current
            steps = [cost for v, cost in problem.adjacency[current] if v == node]  # parallel edges
            ways = [pytest.approx(g[current] + step, rel=1e-6, abs=1e-12) for step in steps]
            assert event["g"] in ways
            assert node not in g
            g[node] = event["g"]
        else:
            assert kind == "close"
            assert node in (current, problem.goal)
            current = None
    return expanded


@pytest.mark.parametrize("strategy", FORMULA)
def test_a_grid_is_saved_event_by_event(tmp_path, strategy):
    for seed in range(4):
        problem = open_grid(seed)
        result = traced(problem, strategy=strategy)
        document = saved(result.trace, tmp_path)
        events = document["events"]
        assert document["version"] == "1.4.0"
        assert {"views", "pivot", "events"} <= set(document)
        assert len(events) == len(result.trace)
        assert [e["type"] for e in events] == [KINDS[k] for k in result.trace.kinds]
        assert [e["id"] for e in events] == result.trace.nodes.tolist()
        assert replay(problem, events) == result.trace.expanded.tolist()
        for e in events:
            assert set(e) == {"type", "id", "pId", "x", "y", "f", "g", "h"}
            assert (e["y"], e["x"]) == divmod(e["id"], problem.map.cols)
            h = 0.0 if strategy == "ucs" else octile(problem, e["id"])
            assert e["h"] == pytest.approx(h, rel=1e-6)
            assert e["f"] == pytest.approx(FORMULA[strategy](e["g"], h), rel=1e-6)


@pytest.mark.parametrize("strategy", ["bfs", "astar", "wastar"])
def test_a_graph_is_saved_event_by_event(tmp_path, strategy):
    seen = set()
    for seed in range(60):
        problem = random_graph(np.random.default_rng([3, seed]))
        if problem.start == problem.goal:
            continue
        result = traced(problem, strategy=strategy)
        document = saved(result.trace, tmp_path)
        events, at = document["events"], problem.map.position_m
        seen.add((result.status, at is None))
        assert len(events) == len(result.trace)
        assert replay(problem, events) == result.trace.expanded.tolist()
        assert ("views" in document) == (at is not None)
        for e in events:
            if at is None:
                assert "x" not in e and "y" not in e
            else:
                assert (e["x"], e["y"]) == tuple(at[e["id"]])
            h = straight(problem, e["id"])
            assert e["h"] == pytest.approx(h, rel=1e-6, abs=1e-12)
            expected = FORMULA[strategy](e["g"], h)
            assert e["f"] == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert {("found", True), ("found", False), ("no_path", False)} <= seen


def test_lead_and_prove_has_the_key_of_each_phase(tmp_path):
    """Bad advice leads by `g + W max(h, E) - r`; the proof goes on by `g + h`."""
    proofs = 0
    for seed in range(12):
        problem = open_grid(seed)
        rng = np.random.default_rng(seed)
        reward, expected = (
            rng.uniform(-9, 9, problem.map.size),
            rng.uniform(0, 40, problem.map.size),
        )
        reward[problem.map.blocked.ravel()] = expected[problem.map.blocked.ravel()] = 0.0
        guidance = Guidance([Reward("noise", reward)], lead_weight=2.0, estimate=expected)
        result = traced(problem, strategy="wastar", weight=1.1, guidance=guidance)
        proven = sum(e["expanded"] for e in result.guidance_log if e["event"] == "proof")
        leading = result.stats.expanded - proven
        proofs += proven > 0
        begun = 0
        for e in saved(result.trace, tmp_path)["events"]:
            # The proof begins with an expansion.
            begun += e["type"] == "expand"
            h = octile(problem, e["id"])
            lead = 2.0 * max(h, expected[e["id"]]) - reward[e["id"]]
            key = e["g"] + (lead if begun <= leading else h)
            assert e["f"] == pytest.approx(key, rel=1e-6, abs=1e-9)
    assert proofs >= 3


def test_an_abandoned_lead_has_a_second_source(tmp_path):
    """Clamped advice leads by g alone and is dropped; after it comes weighted A*, then a proof."""
    for seed in range(3):
        problem = open_grid(seed, side=40, density=0.05)
        guidance = Guidance(lead_weight=0.0, trusted=False)
        result = traced(problem, strategy="wastar", weight=1.2, guidance=guidance)
        spent = {entry["event"]: entry.get("expanded") for entry in result.guidance_log}
        events = saved(result.trace, tmp_path)["events"]
        sources = [k for k, e in enumerate(events) if e["type"] == "source"]
        assert len(sources) == 2
        assert spent["abandoned"] == sum(e["type"] == "expand" for e in events[: sources[1]])
        begun, proof = 0, result.stats.expanded - spent.get("proof", 0)
        for k, e in enumerate(events):
            begun += e["type"] == "expand"
            weight = 0.0 if k < sources[1] else 1.2 if begun <= proof else 1.0
            key = e["g"] + weight * octile(problem, e["id"])
            assert e["f"] == pytest.approx(key, rel=1e-6)


def test_queries_that_need_no_search(tmp_path):
    grid = GridMap([[0, 0, 1, 0], [0, 1, 1, 0]])
    still = plan(grid, (0, 1), (0, 1), trace=True)
    (event,) = saved(still.trace, tmp_path)["events"]
    zero = {"f": 0.0, "g": 0.0, "h": 0.0}
    assert event == {"type": "source", "id": 1, "pId": None, "x": 1, "y": 0, **zero}
    walled = plan(grid, (0, 0), (0, 3), trace=True)
    assert walled.status == "no_path"
    assert walled.trace.path is None and walled.trace.expanded.size == walled.stats.expanded == 3
    assert len(saved(walled.trace, tmp_path)["events"]) == len(walled.trace) == 9
    for ends in [((0, 2), (0, 0)), ((0, 0), (0, 2))]:
        blocked = plan(grid, *ends, trace=True)
        assert blocked.status in ("start_blocked", "goal_blocked")
        assert saved(blocked.trace, tmp_path)["events"] == []


@given(
    grid_problems() | graph_problems(),
    st.sampled_from([{"strategy": name} for name in FORMULA] + [{"max_expansions": 3}]),
)
@settings(max_examples=150)
def test_tracing_changes_no_answer_and_no_count(problem, options):
    query = {"costs": problem.costs, "engine": "generic", **options}
    plain = plan(problem.map, *problem.ends, **query)
    told = plan(problem.map, *problem.ends, trace=True, **query)
    assert plain.trace is None
    for name in ("status", "cost", "bound", "certificate", "stats", "guidance_log"):
        assert getattr(plain, name) == getattr(told, name)
    trace = told.trace
    assert trace.expanded.size == told.stats.expanded
    assert trace.path is told.path and trace.cost == told.cost and trace.map is problem.map
    assert (trace.start, trace.goal) == (problem.start, problem.goal)
    assert all(len(trace) == a.size for a in (trace.nodes, trace.parents, trace.g, trace.h))


@given(grid_problems() | graph_problems())
@settings(max_examples=60)
def test_what_is_read_back_is_what_was_recorded(tmp_path_factory, problem):
    trace = traced(problem).trace
    events = saved(trace, tmp_path_factory.mktemp("trace"))["events"]
    for name in "fgh":
        values = [e[name] for e in events]
        assert all(type(value) is float for value in values)
        assert values == getattr(trace, name).tolist()
    assert [-1 if e["pId"] is None else e["pId"] for e in events] == trace.parents.tolist()


@given(st.floats(allow_nan=False))
def test_every_float_is_a_float_to_yaml(value):
    assert type(yaml.safe_load(yaml_number(value))) is float
    assert yaml.safe_load(yaml_number(value)) == value


def test_both_engines_of_the_loop_record_the_same_keys():
    for make in (random_grid, random_graph):
        for k in range(25):
            problem = make(np.random.default_rng([9, k]))
            one, two = (traced(problem, strategy="wastar", engine=e).trace
                        for e in ("generic", "textbook"))  # fmt: skip
            for name in ("kinds", "nodes", "parents", "f", "g", "h"):
                np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_a_trace_is_read_only_and_survives_pickle():
    result = traced(open_grid(1))
    trace = result.trace
    again = pickle.loads(pickle.dumps(result)).trace  # noqa: S301
    for name in ("kinds", "nodes", "parents", "f", "g", "h"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(trace, name)[0] = 1
        np.testing.assert_array_equal(getattr(trace, name), getattr(again, name))
    assert (
        repr(trace)
        == repr(again)
        == f"Trace(astar, {len(trace)} events, " + (f"{result.stats.expanded} expansions)")
    )


def test_a_thousand_lines_are_written_in_order(tmp_path):
    """More events than are held in memory at once."""
    grid = GridMap(np.zeros((90, 90)))
    trace = plan(grid, (0, 0), (89, 89), strategy="ucs", trace=True).trace
    assert len(trace) > 16384
    trace.save(tmp_path / "big.yml")
    lines = (tmp_path / "big.yml").read_text().splitlines()
    lines = lines[lines.index("events:") + 1 :]
    assert len(lines) == len(trace)
    for k in (0, 16383, 16384, len(trace) - 1):
        (event,) = yaml.safe_load(lines[k])
        assert (event["id"], event["g"]) == (trace.nodes[k], trace.g[k])


def test_views_see_the_fields_of_an_event(tmp_path):
    """Every name after `$.` in an expression is a field; a graph also joins parent and child."""
    position = [[0.0, 0.0], [3.0, 4.0], [9.0, 4.0]]
    graph = GraphMap([0, 1, 2, 2], [1, 2], [6.0, 7.0], position)
    grid = GridMap(np.zeros((2, 3)))
    for map, kinds in ((grid, ["rect"]), (graph, ["path", "circle"])):
        document = saved(plan(map, 0, 2, trace=True).trace, tmp_path)
        assert [view["$"] for view in document["views"]["main"]] == kinds
        text = str(document["views"]) + str(document["pivot"])
        names = set(re.findall(r"\$\.(\w+)", text))
        assert names <= set(document["events"][0])
        for kind in KINDS:
            assert f"'{kind}'" in text
    assert document["views"]["main"][1]["radius"] == pytest.approx(5.5 / 3, rel=0.01)


@pytest.mark.parametrize("name", ["a.trace", "a.json", "a"])
def test_other_endings_are_refused(tmp_path, name):
    trace = traced(open_grid(1)).trace
    with pytest.raises(ValueError, match=r"\.trace\.yaml"):
        trace.save(tmp_path / "none" / name)
    assert not (tmp_path / "none").exists()
