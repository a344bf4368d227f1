"""The contest: what it times, what it finds illegal or longer, who is missing, what it prints."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from experiments.peers import contest, libraries, places, table, terrain
from experiments.peers.contest import run_workload
from experiments.peers.graph_peers import FIELD_OF_SCIPY, GRAPH_LIBRARIES, SCIPY, matrix_of
from experiments.peers.grid_peers import FIELD, GRID_LIBRARIES, cells_as_nodes
from experiments.peers.judge import FieldJudge, PathJudge
from experiments.peers.libraries import Library
from experiments.peers.model import BEST_PEER, OURS, Contestant, Scene, Setting, Workload, query_on
from experiments.peers.ours import Fresh, both_engines, led, planner, prepared
from planners import CostField, GridMap, Layer
from planners.check import exact_costs

KEYS = {"workload", "peer", "version", "ratio_median", "ratio_q25", "ratio_q75", "illegal",
        "longer_by", "n"}  # fmt: skip
REPEATING = ("workload", "peer", "version", "illegal", "longer_by", "n", "expanded", "engine",
             "reference", "goal", "goal_unit", "note")  # fmt: skip

# A wall with one gap: the straight way from left to right cuts no corner only through the gap.
CORNER = GridMap([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
QUERY = query_on(CORNER, 1, 5)  # (0, 1) to (1, 2): the diagonal cuts the corner of (1, 1)


def asleep(seconds, nodes):
    """A contestant that takes so long and answers these node ids."""

    def ask(_):
        time.sleep(seconds)
        return nodes

    return ask


def workload(contestants, queries=(QUERY,), map_=CORNER, costs=None, reference="honest", **options):
    scene = Scene(queries, contestants, PathJudge(map_, costs), "by hand")
    return Workload("test/one", "a test", lambda setting: scene, reference,
                    options.pop("goal", 1.0), queries=len(queries), **options)  # fmt: skip


def by_peer(rows):
    return {row["peer"]: row for row in rows}


HONEST = Contestant("honest", "1", asleep(0.004, [1, 2, 5]))


def test_a_cut_corner_is_illegal_and_a_detour_is_longer():
    rows = by_peer(run_workload(workload([
        HONEST,
        Contestant("cuts corners", "1", asleep(0.0, [1, 5])),
        Contestant("detour", "1", asleep(0.0, [1, 0, 3, 6, 7, 8, 5])),
        Contestant("jumps", "1", asleep(0.0, [1, 2, 8, 5])),
        Contestant("elsewhere", "1", asleep(0.0, [1, 2])),
        Contestant("gives up", "1", asleep(0.0, None)),
    ]), Setting(rounds=1)))  # fmt: skip
    assert [rows[name]["illegal"] for name in rows] == [0, 1, 0, 1, 1, 1]
    assert rows["honest"]["longer_by"] == 0.0
    assert rows["cuts corners"]["longer_by"] == pytest.approx(2**0.5 / 2 - 1)
    assert rows["detour"]["longer_by"] == pytest.approx(2.0)
    assert rows["gives up"]["longer_by"] is None


def test_ratios_are_those_of_the_times():
    slow = Contestant("slow", "1", asleep(0.02, [1, 2, 5]))
    rows = by_peer(run_workload(workload([HONEST, slow], [QUERY] * 3), Setting()))
    assert rows["honest"]["ratio_median"] == 1.0
    assert 2.0 < rows["slow"]["ratio_q25"] <= rows["slow"]["ratio_median"] < 8.0  # 5, with noise
    assert rows["slow"]["n"] == 3


def test_the_best_peer_is_the_reference_and_ours_stands_beside_the_goal():
    slow = Contestant("slow", "1", asleep(0.02, [1, 2, 5]))
    ours = Contestant(OURS, "1", asleep(0.0001, [1, 2, 5]))
    twin = replace(ours, name=f"{OURS} generic")
    page = workload([ours, twin, slow, HONEST], reference=BEST_PEER, goal=1e6)
    rows = by_peer(run_workload(page, Setting()))
    assert {row["reference"] for row in rows.values()} == {"best: honest"}
    assert (rows[OURS]["goal"], rows[OURS]["verdict"]) == (1e6, "met")
    assert all(rows[name]["goal"] is None for name in rows if name != OURS)
    rows = by_peer(run_workload(replace(page, goal=1e-9), Setting()))
    assert rows[OURS]["verdict"] == "short"
    rows = by_peer(run_workload(replace(page, goal=1e6, unit="us"), Setting()))
    assert rows[OURS]["verdict"] == "met"


def test_who_raises_drops_out_and_says_why():
    def broken(query):
        raise RuntimeError("no such path")

    rows = by_peer(run_workload(workload([Contestant("broken", "1", broken), HONEST]), Setting()))
    assert rows["broken"]["n"] == 0
    assert rows["broken"]["ratio_median"] is None
    assert rows["broken"]["note"] == "failed: RuntimeError: no such path"
    assert rows["honest"]["n"] == 1


def test_our_own_errors_are_raised():
    def broken(query):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        run_workload(workload([Contestant(OURS, "1", broken), HONEST]), Setting())


def test_a_missing_library_is_a_row():
    missing = Library("nowhere", "no-such-distribution", "no_such_module", lambda module: None)
    rows = by_peer(run_workload(workload([HONEST, missing.enter(9)]), Setting()))
    assert rows["nowhere"]["version"] == libraries.NOT_INSTALLED
    assert rows["nowhere"]["n"] == 0
    assert rows["nowhere"]["note"].startswith("not installed")


def test_a_library_that_cannot_start_or_is_too_slow_is_a_row():
    unfit = Library("numpy", "numpy", "no_such_module", lambda module: None)
    assert "ModuleNotFoundError" in unfit.enter(9).why
    assert "left out" in replace(unfit, most_nodes=8).enter(9).why


def test_slow_contestants_are_asked_less():
    calls = []

    def ask(query):
        calls.append(query)
        return [1, 2, 5]

    slow = Contestant("slow", "1", ask, most=2, slow=True)
    rows = by_peer(run_workload(workload([HONEST, slow], [QUERY] * 4), Setting()))
    assert (rows["slow"]["n"], len(calls)) == (2, 2)


def test_renewal_comes_before_every_call_and_is_not_timed():
    log = []
    honest = replace(HONEST, renew=lambda query: (log.append("renew"), time.sleep(0.1)))
    (row,) = run_workload(workload([honest]), Setting(rounds=3))
    assert len(log) == 4  # the warm-up and three rounds
    assert row["time_ms"] < 90


def test_a_field_below_the_truth_is_illegal():
    judge = FieldJudge("truth")
    peers = {name: Contestant(name, "1", None) for name in ("truth", "low", "high")}
    fields = {"truth": [0.0, 2.0, 4.0], "low": [0.0, 1.0, 4.0], "high": [0.0, 3.0, 4.0]}
    verdicts = {name: judge(peers[name], QUERY, np.array(fields[name])) for name in peers}
    assert [verdicts[name][0].illegal for name in peers] == [False, True, False]
    assert [verdicts[name][0].excess for name in peers] == [0.0, -0.25, 0.25]


def small_weighted(moves="eight"):
    rng = np.random.default_rng(3)
    grid = GridMap(terrain.largest_part(rng.random((24, 30)) < 0.2), moves=moves)
    costs = CostField(grid, layers=[Layer("risk", 9 * rng.random(grid.shape))])
    return grid, costs, places.random_queries(grid, rng, 4)


@pytest.mark.parametrize("moves", ["four", "eight"])
def test_the_matrix_is_that_of_the_oracle(moves):
    from scipy.sparse.csgraph import dijkstra

    grid, costs, queries = small_weighted(moves)
    values = dijkstra(matrix_of(grid, costs), indices=queries[0].start)
    assert np.allclose(values, exact_costs(grid, queries[0].start, costs))


@pytest.mark.parametrize("library", GRAPH_LIBRARIES, ids=lambda library: library.name)
def test_graph_libraries_find_optimal_legal_paths(library):
    pytest.importorskip(library.module)
    graph = terrain.streets(np.random.default_rng(1), 100)
    queries = places.random_queries(graph, np.random.default_rng(2), 5)
    contestants = [*both_engines(graph, None), library.enter(graph.size, matrix_of(graph))]
    scene = Scene(queries, contestants, PathJudge(graph, None))
    page = Workload("test", "", lambda setting: scene, BEST_PEER, 1.0, queries=5)
    for row in run_workload(page, Setting(rounds=1)):
        assert row["n"] >= 3, row
        assert (row["illegal"], row["longer_by"]) == (0, 0.0), row


@pytest.mark.parametrize("library", GRID_LIBRARIES, ids=lambda library: library.name)
def test_grid_libraries_answer_on_four_connected_maps(library):
    pytest.importorskip(library.module)
    grid = GridMap(terrain.shelves(20, 40), moves="four")
    queries = places.random_queries(grid, np.random.default_rng(0), 3)
    contestants = [library.enter(grid.size, grid, None, ways=cells_as_nodes(grid))]
    scene = Scene(queries, contestants, PathJudge(grid, None))
    page = Workload("test", "", lambda setting: scene, library.name, 1.0, queries=3)
    (row,) = run_workload(page, Setting(rounds=1))
    assert (row["n"], row["illegal"]) == (3, 0), row
    assert row["longer_by"] == 0.0


def test_our_contestants_are_legal_and_optimal_where_they_promise_it():
    grid, costs, queries = small_weighted()
    fresh = Fresh(grid, np.asarray(costs.layer("risk")).reshape(grid.shape))
    contestants = [
        *both_engines(grid, costs), fresh.planner(f"{OURS} fresh"),
        *(replace(c, name=f"{c.name} {k}") for k, c in enumerate(prepared(grid, costs, queries))),
    ]  # fmt: skip
    scene = Scene(queries, contestants, PathJudge(grid, costs))
    page = Workload("test", "", lambda setting: scene, OURS, 1.0, queries=4)
    for row in run_workload(page, Setting(rounds=1)):
        assert (row["n"], row["illegal"]) == (4, 0), row
        assert row["longer_by"] == pytest.approx(0.0, abs=1e-6)


def test_led_contestants_stay_within_their_weight():
    grid, costs, queries = small_weighted()
    judge = PathJudge(grid, costs)
    for contestant in led(grid, costs, 1.5):
        for query in queries:
            (verdict,) = judge(contestant, query, contestant.ask(query))
            assert not verdict.illegal
            assert verdict.excess <= 0.5 + 1e-6


def test_many_queries_at_once_are_judged_one_by_one():
    grid, costs, queries = small_weighted()
    fresh = Fresh(grid, np.asarray(costs.layer("risk")).reshape(grid.shape))
    judge = PathJudge(grid, costs)
    for contestant in fresh.many():
        contestant.renew(queries)
        verdicts = judge(contestant, queries, contestant.ask(queries))
        assert len(verdicts) == len(queries)
        assert not any(verdict.illegal for verdict in verdicts)
        assert max(verdict.excess for verdict in verdicts) < 1e-6


def test_fields_are_those_of_scipy():
    grid, costs, queries = small_weighted()
    layer = np.asarray(costs.layer("risk")).reshape(grid.shape)
    scipy = FIELD_OF_SCIPY.enter(grid.size, matrix_of(grid, costs), ways=table._as_values)
    contestants = [scipy, Fresh(grid, layer).field()]
    if FIELD.version != libraries.NOT_INSTALLED:
        contestants.append(FIELD.enter(grid.size, grid, costs, ways=table._as_values))
    scene = Scene(queries, contestants, FieldJudge("scipy"))
    page = Workload("test", "", lambda setting: scene, "scipy", 1.0, queries=4)
    rows = by_peer(run_workload(page, Setting(rounds=1)))
    assert rows[OURS]["illegal"] == 0
    assert rows[OURS]["longer_by"] == pytest.approx(0.0, abs=1e-9)
    if "dijkstra3d" in rows:
        assert rows["dijkstra3d"]["illegal"] == 4  # its diagonals have length 1


def test_names_are_workloads_or_families():
    assert [w.name for w in table.choose(["roads"])] == ["roads/andorra", "roads/bremen"]
    assert [w.name for w in table.choose(["roads/bremen", "many"])] == ["roads/bremen", "many"]
    names = [w.name for w in table.WORKLOADS]
    assert len(names) == len(set(names))


def tiny(monkeypatch):
    """The table with one small workload in it."""
    grid = GridMap(terrain.shelves(20, 40), moves="four")

    def build(setting):
        rng = places.rng_of(setting, 1)
        queries = places.random_queries(grid, rng, setting.queries)
        contestants = [planner(grid, None), SCIPY.enter(grid.size, matrix_of(grid))]
        return Scene(queries, contestants, PathJudge(grid, None), "tiny")

    one = Workload("tiny/one", "a tiny one", build, "scipy", 0.5, queries=3)
    monkeypatch.setattr(table, "WORKLOADS", (one,))


def test_json_is_one_document_and_its_columns_repeat(call, monkeypatch):
    tiny(monkeypatch)
    documents = []
    for _ in range(2):
        result = call("peers", "--workload", "tiny", "--json", "--queries", 2, "--seed", 4)
        assert (result.exit_code, result.stderr) == (0, "")
        documents.append(json.loads(result.stdout))
    first, second = documents
    assert first["cold_start"] is None and first["growth"] is None
    assert first["versions"].keys() == {OURS, "scipy"}
    assert first["processor"]
    assert [row["peer"] for row in first["rows"]] == [OURS, "scipy"]
    for row, again in zip(first["rows"], second["rows"], strict=True):
        assert row.keys() >= KEYS
        assert row["n"] == 2
        assert [row[key] for key in REPEATING] == [again[key] for key in REPEATING]


def test_the_table_names_peers_goal_and_host(call, monkeypatch):
    tiny(monkeypatch)
    text = call("peers", "--workload", "tiny/one", "--rounds", 1).stdout
    for part in ("tiny/one: 1 = scipy; tiny", OURS, "0.5 x", "longer by", "processors"):
        assert part in text


def test_help_lists_the_workloads(call):
    text = call("peers", "--help").stdout
    for workload_ in table.WORKLOADS:
        assert workload_.name in text
    assert "cold-start" in text and "growth" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--workload", "nope"), "unknown workload 'nope': choose from weighted-1024"),
        (("--workload", "roads,nope"), "'nope'"),
        (("--workload", "many", "--data", "no-such-folder"), "--data no-such-folder"),
        (("--queries", "0"), "0"),
    ],
)
def test_wrong_usage_is_one_line(refused, arguments, said):
    assert said in refused("peers", *arguments)


def test_the_order_changes_from_query_to_query():
    orders = {tuple(contest._in_turn("abc", k)) for k in range(6)}
    assert len(orders) > 3
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
