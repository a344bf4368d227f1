"""Road networks from files: what is read, what is refused with which words, any bytes at all."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.formats import graph_of, load_gr, load_graph, load_graphml, load_npz
from planners import GraphMap, MapFormatError, check, plan

GR = b"c a square with a diagonal\np sp 4 5\na 1 2 3\na 2 3 4\na 1 3 6\na 3 4 1\na 4 1 2.5\n"
CO = b"c corners\np aux sp co 4\nv 1 0 0\nv 2 3 0\nv 3 3 -4\nv 4 2.5 -4\n"


def npz_of(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


SQUARE = {"ptr": [0, 2, 3, 4, 5], "adj": [1, 2, 2, 3, 0], "w": [3.0, 6.0, 4.0, 1.0, 2.5]}
XY = {"X": [0, 3, 3, 2.5], "Y": [0, 0, -4, -4]}
NPZ = npz_of(**SQUARE, **XY)


def graphml_of(graph) -> bytes:
    stream = io.BytesIO()
    nx.write_graphml(graph, stream)
    return stream.getvalue()


def square_of_networkx() -> nx.DiGraph:
    graph = nx.DiGraph()
    for name, x, y in zip("abcd", XY["X"], XY["Y"], strict=True):
        graph.add_node(name, x=float(x), y=float(y))
    for u, v, length in (("a", "b", 3.0), ("a", "c", 6.0), ("b", "c", 4.0), ("c", "d", 1.0)):
        graph.add_edge(u, v, length=length)
    graph.add_edge("d", "a", length=2.5)
    return graph


GRAPHML = graphml_of(square_of_networkx())


def test_the_formats_say_the_same():
    square = load_npz(NPZ)
    assert (square.indptr.tolist(), square.indices.tolist()) == (SQUARE["ptr"], SQUARE["adj"])
    assert square.length_m.tolist() == SQUARE["w"]
    assert square.position_m.tolist() == [[0, 0], [3, 0], [3, -4], [2.5, -4]]
    for other in (load_gr(GR, CO), load_graphml(GRAPHML), graph_of(square_of_networkx())):
        assert np.array_equal(other.indptr, square.indptr)
        assert np.array_equal(other.indices, square.indices)
        assert np.array_equal(other.length_m, square.length_m)
        assert np.array_equal(other.position_m, square.position_m)
    assert square.labels is None
    assert load_gr(GR).labels == ("1", "2", "3", "4"), "nodes are called as in the file"
    assert load_graphml(GRAPHML).labels == ("a", "b", "c", "d")
    assert load_gr(GR).position_m is None and load_npz(npz_of(**SQUARE)).position_m is None


def test_nodes_that_count_from_0_keep_their_numbers():
    graph = load_gr(b"a 0 1 5\na 1 0 5\n")
    assert (graph.size, graph.labels) == (2, None)
    assert load_gr(b"a 1 2 5\n").labels == ("1", "2")
    assert load_gr(b"p sp 3 1\na 1 2 5\n").size == 3, "a node without arcs exists"


def test_the_ending_decides(tmp_path):
    (tmp_path / "s.gr").write_bytes(GR)
    assert load_graph(tmp_path / "s.gr").graph.position_m is None
    (tmp_path / "s.co").write_bytes(CO)
    (tmp_path / "s.npz").write_bytes(NPZ)
    (tmp_path / "s.graphml").write_bytes(GRAPHML)
    for ending in ("gr", "npz", "graphml"):
        loaded = load_graph(tmp_path / f"s.{ending}")
        assert loaded.name == "s" and loaded.graph.position_m is not None
        ends = [loaded.graph.label(node) for node in (0, 2)]
        result = plan(loaded.graph, *ends)
        check(loaded.graph, result, exact=True)
        assert result.cost == 6.0
    with pytest.raises(MapFormatError, match=r"s\.txt: a road network's name ends in \.npz, \.gr"):
        load_graph(tmp_path / "s.txt")


def test_osmnx_files_are_multigraphs_of_text():
    graph = nx.MultiDiGraph()
    graph.add_node(31, x="1.52", y="42.5")
    graph.add_node(7, x="1.53", y="42.5")
    for length in ("820.5", "900"):
        graph.add_edge(31, 7, length=length, name="Avinguda")
    found = load_graphml(graphml_of(graph))
    assert found.labels == ("31", "7") and found.length_m.tolist() == [820.5, 900.0]
    assert found.position_m.tolist() == [[1.52, 42.5], [1.53, 42.5]]
    undirected = graph_of(nx.Graph([("a", "b", {"length": 2.0})]))
    assert (undirected.indices.tolist(), undirected.position_m) == ([1, 0], None)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (GR, b"", "holds no arc"),
        (b"p sp 4 5", b"p sp 4 6", r"line 7: the file claims 6 arcs but holds 5"),
        (b"p sp 4 5", b"p sp 3 5", r"line 6: arc 3 -> 4: nodes run from 1 to 3"),
        (b"p sp 4 5", b"p sp 999999999 5", r"line 2: claims 999999999 nodes in a file of"),
        (b"p sp 4 5", b"p max 4 5", r"line 2: expected 'a FROM TO LENGTH'"),
        (b"a 1 2 3", b"a 0 2 3", r"line 3: arc 0 -> 2: nodes run from 1 to 4"),
        (b"a 1 2 3", b"a 1 2 x", r"line 3: a length must be a finite number, not 'x'"),
        (b"a 1 2 3", b"a 1 2 1e999", r"line 3: a length must be a finite number"),
        (b"a 1 2 3", b"a 1 2 -3", r"edge 0 has length -3"),
        (b"a 1 2 3", b"a 1 2 3 4", r"line 3: expected"),
        (b"a 1 2 3", b"a +1 2 3", r"line 3: a node must be a whole number"),
        (b"a 1 2 3", b"\v", r"line 3: expected"),
    ],
)
def test_broken_gr_files_name_line_and_reason(old, new, reason):
    with pytest.raises(MapFormatError, match=reason):
        load_gr(GR.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"v 2 3 0\n", b"", r"1 of 4 nodes have no coordinates, node 2 first"),
        (b"v 2 3 0", b"v 9 3 0", r"line 4: node 9: nodes run from 1 to 4"),
        (b"v 2 3 0", b"v 2 3 nan", r"line 4: a coordinate must be a finite number, not 'nan'"),
        (b"v 2 3 0", b"x 2 3 0", r"line 4: expected 'v NODE X Y'"),
        (b"v 2 3 0", b"\f", r"line 4: expected 'v NODE X Y'"),
    ],
)
def test_broken_co_files_name_line_and_reason(old, new, reason):
    with pytest.raises(MapFormatError, match=reason):
        load_gr(GR, CO.replace(old, new))


def zip_of(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, data in files.items():
            packed.writestr(f"{name}.npy", data)
    return stream.getvalue()


def npy_of(array, shape=None) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(array))
    return stream.getvalue().replace(b"(3,)", b"(3,)" if shape is None else shape)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no whole .npz"),
        (NPZ[:-30], "no whole .npz"),
        (npz_of(ptr=[0]), "has no array adj, w"),
        (
            npz_of(**{**SQUARE, "adj": [0.5] * 5}),
            "adj must be a list of whole numbers, not float64",
        ),
        (npz_of(**{**SQUARE, "w": [["a"]]}), "w must be a list of numbers"),
        (npz_of(**{**SQUARE, "ptr": [0, 9, 3, 4, 5]}), "indptr must rise"),
        (npz_of(**{**SQUARE, "adj": [9, 2, 2, 3, 0]}), "an edge leads to node 9"),
        (npz_of(**{**SQUARE, "w": [np.nan] * 5}), "edge 0 has length nan"),
        (npz_of(**SQUARE, X=[0.0], Y=[0.0]), "X and Y need 4 values"),
        (npz_of(**SQUARE, X=[0.0] * 4), "has no array Y"),
        (
            zip_of(ptr=npy_of([0, 1, 1], b"(9999999999,)"), adj=b"", w=b""),
            "claims 9999999999 values",
        ),
        (zip_of(ptr=b"\x93NUMPY\x07\x00", adj=b"", w=b""), r"version \(7, 0\) is unknown"),
    ],
)
def test_broken_npz_files_say_why(data, reason):
    with pytest.raises(MapFormatError, match=reason):
        load_npz(data)


def test_pickles_are_never_opened():
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    arrays = {**SQUARE, "w": np.array([Trap()] * 5, dtype=object)}
    with pytest.raises(MapFormatError, match="not object"):
        load_npz(npz_of(**arrays))


def test_what_unpacks_to_too_much_is_refused_before():
    data = npz_of(ptr=np.zeros(10_000_000, dtype=np.int8), adj=[0], w=[0.0])
    assert len(data) < 100_000
    tracemalloc.start()
    with pytest.raises(MapFormatError, match="unpacks to 10000"):
        load_npz(data, limit_bytes=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<graphml><graph><node id="&b;"/></graph></graphml>"""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no GraphML"),
        (BOMB, "line 2: holds '<!DOCTYPE'"),
        (BOMB.decode().encode("utf-16"), "only plain UTF-8"),
        (b"<?xml version='1.0' encoding='utf-7'?><x/>", "line 1: is encoded as 'utf-7'"),
        (GRAPHML[:-20], r"line \d+: is no GraphML"),
        (GRAPHML.replace(b'"length"', b'"metres"'), "no attribute 'length': name it in length="),
        (GRAPHML.replace(b">2.5<", b">-2.5<"), "has length -2.5"),
        (graphml_of(nx.DiGraph()), "needs at least one node"),
    ],
)
def test_broken_graphml_says_why(data, reason):
    with pytest.raises(MapFormatError, match=reason) as caught:
        load_graphml(data, source="city.graphml")
    assert str(caught.value).startswith("city.graphml") and "\n" not in str(caught.value)


VALID = [(load_gr, GR), (lambda data: load_gr(GR, data), CO), (load_npz, NPZ)]
VALID += [(load_graphml, GRAPHML), (load_npz, zip_of(**{k: npy_of(v) for k, v in SQUARE.items()}))]


@pytest.mark.parametrize(("parse", "valid"), VALID)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutated_files_are_parsed_or_refused(parse, valid, data):
    assert isinstance(parse(valid), GraphMap)
    mutant = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutant)))
        span = data.draw(st.integers(0, 3))
        mutant[at : at + span] = data.draw(st.binary(max_size=3) | st.sampled_from([b"\n", b"9"]))
    try:
        parse(bytes(mutant))
    except MapFormatError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000


@pytest.mark.parametrize("parse", [load_gr, load_npz, load_graphml])
@settings(deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(parse, data):
    try:
        parse(data)
    except MapFormatError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000


networks = st.integers(1, 8).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(
            st.tuples(st.integers(1, size), st.integers(1, size), st.integers(0, 10**6)),
            min_size=1,
            max_size=20,
        ),
    )
)


@settings(deadline=None)
@given(networks)
def test_gr_and_npz_agree(network):
    size, arcs = network
    text = f"p sp {size} {len(arcs)}\n" + "".join(f"a {u} {v} {w}\n" for u, v, w in arcs)
    graph = load_gr(text.encode())
    again = load_npz(npz_of(ptr=graph.indptr, adj=graph.indices, w=graph.length_m))
    for one in (graph, again):
        edges = zip((one.sources + 1).tolist(), (one.indices + 1).tolist(), one.length_m.tolist(),
                    strict=True)  # fmt: skip
        assert sorted(edges) == sorted((u, v, float(w)) for u, v, w in arcs)
        assert one.size == size


def test_real_networks(shared_data):
    andorra = load_graph(shared_data / "roads" / "andorra.npz").graph
    assert (andorra.size, andorra.indices.size, andorra.labels) == (20_632, 40_051, None)
    assert andorra.position_m.shape == (20_632, 2)
    bremen = load_graph(shared_data / "roads" / "bremen_dist.gr").graph
    assert (bremen.size, bremen.indices.size) == (40_461, 86_475)
    assert bremen.position_m is None and bremen.labels is None
    assert np.unique(np.r_[bremen.sources, bremen.indices]).size == bremen.size
    tail, head, length = 0, 24_021, 172  # the first line of the file
    targets, lengths = bremen.successors(tail)
    assert (head, length) in list(zip(targets.tolist(), lengths.tolist(), strict=True))
