"""Snapshots as files: bit for bit there and back, bounded, and clear about what is wrong."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planners import CostField, GraphMap, GridMap, Layer
from planners.tasks import Order, Snapshot, load_snapshot, make_chooser, save_snapshot
from planners.tasks.named import NamedSnapshot
from planners.tasks.packed import Packed

MakeCase = Callable[..., Any]
ARRAYS = ("blocked", "one_way", "indptr", "indices", "length_m", "position_m")


def same_bits(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def assert_same(a: Snapshot, b: Snapshot) -> None:
    """Every field, every array and every composed pace."""
    for one in fields(Snapshot):
        if one.name not in ("map", "costs"):
            assert getattr(a, one.name) == getattr(b, one.name), one.name
    assert type(a.map) is type(b.map)
    for name in ARRAYS:
        assert same_bits(getattr(a.map, name, None), getattr(b.map, name, None)), name
    for name in ("cell_size_m", "moves", "labels"):
        assert getattr(a.map, name, None) == getattr(b.map, name, None)
    assert (a.costs.base, a.costs.layers) == (b.costs.base, b.costs.layers)
    assert dict(a.costs.weights) == dict(b.costs.weights)
    for name in a.costs.layers:
        assert same_bits(a.costs.layer(name), b.costs.layer(name))
        assert a.costs.is_per_node(name) == b.costs.is_per_node(name)
    assert same_bits(a.costs.pace, b.costs.pace)
    assert same_bits(a.costs.edge_pace, b.costs.edge_pace)


def there_and_back(folder: Path, snapshot: Snapshot | NamedSnapshot) -> NamedSnapshot:
    save_snapshot(folder / "a.json", snapshot)
    found = load_snapshot(folder / "a.json")
    save_snapshot(folder / "b.json", found)
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()
    return found


@pytest.mark.parametrize("seed", range(8))
def test_a_grid_comes_back_bit_for_bit(a_case: MakeCase, tmp_path: Path, seed: int) -> None:
    snapshot = a_case(seed).snapshot
    rng = np.random.default_rng(seed)
    for _ in range(3):  # as a belief does: what was composed step by step is composed anew
        nodes = rng.choice(snapshot.map.size, 9, replace=False)
        snapshot.costs.update("congestion", nodes, rng.random(9))
    snapshot = replace(
        snapshot,
        notes="läuft: \"aisle 7\" \u2028 is 'busy'",
        charger_wait_s={"charger-2": math.inf},
        charger_power_w={"charger-1": 0.1 + 0.2},
        lateness_weights={"urgent": 5.0, "normal": 1 / 3, "low": 0.0},
        capacity=1 + seed % 3,
    )
    found = there_and_back(tmp_path, snapshot)
    assert_same(snapshot, found.snapshot)
    for name in ("model", "utility"):
        here, there = (make_chooser(name).choose(s) for s in (snapshot, found.snapshot))
        assert here == there


def test_endless_energy_and_one_way_cells_and_edges_come_back(tmp_path: Path) -> None:
    one_way = np.full((4, 5), 255, dtype=np.uint8)
    one_way[1, 1] = 1
    grid = GridMap(np.zeros((4, 5)), 0.5, "eight-one-free", one_way)
    oncoming = np.random.default_rng(0).random((8, 4, 5)).astype(np.float32)
    costs = CostField(grid, 0.7, [Layer("oncoming", oncoming, 2.0), Layer("off", np.ones(20), 0.0)])
    snapshot = replace(bare(), map=grid, costs=costs)
    assert_same(snapshot, there_and_back(tmp_path, snapshot).snapshot)


@pytest.mark.parametrize("labels", [None, ["a", "b", "c"], [(0, 1), (2, 3), (4, 5)], [7, 8, 9]])
def test_a_graph_comes_back(tmp_path: Path, labels: Any) -> None:
    at = None if labels is None else [(0.0, 0.1), (1.0, 0.0), (2.0, 1e-9)]
    graph = GraphMap([0, 2, 3, 4], [1, 1, 2, 0], [5.0, 0.0, 1 / 3, 2.0], at, labels, [0, 1, 0])
    costs = CostField(graph, layers=[Layer("risk", [1.0, 2.0, 0.3])])
    snapshot = replace(bare(), map=graph, costs=costs, orders=(Order("O1", (0, 2)),))
    found = there_and_back(tmp_path, snapshot)
    assert_same(snapshot, found.snapshot)


def bare() -> Snapshot:
    from planners.tasks import EnergyModel

    grid = GridMap(np.zeros((4, 5)))
    return Snapshot(
        time_s=3.0, map=grid, costs=CostField(grid), robot=0, charge_wh=math.inf,
        capacity_wh=math.inf, reserve_wh=0.0, charge_power_w=200.0, margin=1.0, payload_kg=0.0,
        orders=(Order("O1", (1, 2)),), chargers={"charger-1": 1}, energy=EnergyModel(1.0, 2.0),
    )  # fmt: skip


def named() -> NamedSnapshot:
    return NamedSnapshot(
        bare(), {"O1": "insulin"}, {"dock-1": 2}, {"aisle-1": (3, 4, 8), "aisle-2": ()}, 35_000.5
    )


def test_names_ride_along(tmp_path: Path) -> None:
    found = there_and_back(tmp_path, named())
    assert (found.items, found.docks) == ({"O1": "insulin"}, {"dock-1": 2})
    assert (found.aisles, found.clock_s) == ({"aisle-1": (3, 4, 8), "aisle-2": ()}, 35_000.5)
    assert found.dock_of(found.snapshot.orders[0]) == "dock-1"
    assert found.dock_of(Order("O2", (1,))) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"items": {"O9": "glass"}}, "'O9'"),
        ({"items": {"O1": "glass\n# rules"}}, "printable"),
        ({"items": {"O1": "g" * 65}}, "64"),
        ({"docks": {"dock-1": 20}}, "node 20"),
        ({"aisles": {"aisle-1": (3, -1)}}, "node -1"),
        ({"aisles": {"aisle 1": (3,)}}, "'aisle 1'"),
        ({"clock_s": 86_400.0}, "86400"),
    ],
)
def test_names_must_make_sense(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(named(), **changes)


def written(folder: Path, change: Callable[[Any], Any]) -> Path:
    """The file of `named()`, its document changed."""
    save_snapshot(folder / "a.json", named())
    document = json.loads((folder / "a.json").read_text())
    found = change(document)
    text = found if isinstance(found, str) else json.dumps(document)
    (folder / "a.json").write_text(text)
    return folder / "a.json"


def put(*keys: Any) -> Callable[[Any], None]:
    """Sets the value at a place of a document: the last of the keys is the value."""

    def change(document: Any) -> None:
        *path, last, value = keys
        for key in path:
            document = document[key]
        document[last] = value

    return change


def bomb() -> str:
    return base64.b64encode(zlib.compress(b"\0" * 5_000_000)).decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("orders", 0, "due_s", "soon"), r"orders\[0\].due_s: .*number.*'soon'.*snapshot --out"),
        (put("robot", "margin", None), r"robot.margin: .*None"),
        (put("robot", "colour", "red"), r"robot.colour: .*not permitted.*'red'"),
        (put("version", 2), r"version: .*1.*2"),
        (put("format", "mp3"), r"format: .*mp3"),
        (put("map", "kind", "cube"), r"map: .*'grid', 'graph'"),
        (put("robot", "node", 20), r"robot is at node 20: the map has nodes 0 to 19"),
        (put("robot", "node", True), r"robot.node: .*True"),
        (put("orders", 0, "id", "x y"), r"order id 'x y'"),
        (put("orders", 0, "stops", []), r"O1 has stops \(\)"),
        (put("docks", "dock-1", 99), r"dock-1 has node 99"),
        (put("chargers", 0, "power_w", -1.0), r"charger_power_w of 'charger-1'"),
        (put("costs", "base", -1.0), r"costs: base must be"),
        (put("map", "blocked", "zlib", "?"), r"map: the bytes are broken"),
        (put("map", "blocked", "zlib", "eJwDAAAAAAE="), r"map: .*fewer bytes than shape"),
        (put("map", "blocked", "zlib", bomb()), r"map: .*more bytes than shape"),
        (put("map", "blocked", "shape", [1 << 40, 4]), r"512|536,870,912"),
        (put("map", "blocked", "shape", [-4, 5]), r"map: shape is \[-4, 5\]"),
        (put("map", "blocked", "dtype", "|O"), r"map: dtype is '\|O': one of bool"),
        (lambda d: d["chargers"].append(d["chargers"][0]), r"2 are called 'charger-1'"),
        (lambda d: d.pop("orders") and None, r"orders: Field required"),
        (lambda d: json.dumps(d).replace("3.0", "NaN", 1), r"JSON|NaN|finite"),
        (lambda d: "{", "JSON"),
        (lambda d: "[" * 100_000, "JSON|recursion"),
        (lambda d: "", "JSON"),
    ],
)
def test_what_is_wrong_is_said_with_its_field(
    tmp_path: Path, change: Callable[[Any], Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as error:
        load_snapshot(written(tmp_path, change))
    assert str(error.value).startswith(str(tmp_path / "a.json"))
    assert len(str(error.value)) < 500 and "\n" not in str(error.value)


def test_a_layer_of_a_wrong_shape_is_named(tmp_path: Path) -> None:
    layer = {"name": "risk", "weight": 1.0, "values": Packed.of(np.ones(7)).model_dump()}
    with pytest.raises(ValueError, match=r"costs: layer 'risk' has shape \(7,\)"):
        load_snapshot(written(tmp_path, lambda d: d["costs"]["layers"].append(layer)))


def test_what_a_file_cannot_hold_is_refused_before_it_is_written(tmp_path: Path) -> None:
    graph = GraphMap([0, 0], [], [], labels=[frozenset("ab")])
    odd = replace(bare(), map=graph, costs=CostField(graph), orders=(), chargers={})
    wordy = replace(bare(), notes="x" * 20_001)
    for snapshot, said in ((odd, "frozenset"), (wordy, "notes")):
        with pytest.raises(ValueError, match=said):
            save_snapshot(tmp_path / "a.json", snapshot)
    assert not (tmp_path / "a.json").exists()


def test_a_file_over_the_limit_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_snapshot(tmp_path / "a.json", named())
    monkeypatch.setattr("planners.tasks.snapshot_file.MAX_FILE_BYTES", 100)
    with pytest.raises(ValueError, match="over 100 bytes"):
        load_snapshot(tmp_path / "a.json")
    with pytest.raises(ValueError, match="at most 100"):
        save_snapshot(tmp_path / "b.json", named())


@pytest.mark.parametrize("dtype", ["bool", "u1", "i4", "i8", "f4", "f8", ">f8", ">i4"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 2), (2, 3, 2)])
def test_arrays_are_packed_bit_for_bit(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    back = Packed.of(array).array()
    assert back.shape == shape and np.array_equal(back, array) and back.dtype.isnative
    assert Packed.of(array.T.copy().T) == Packed.of(array)
    with pytest.raises(ValueError, match="complex128"):
        Packed.of(array.astype(complex))


DOCUMENT_KEYS = ["time_s", "clock_s", "map", "costs", "robot", "orders", "chargers", "docks"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(key=st.sampled_from(DOCUMENT_KEYS), value=VALUES)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_but_a_value_error_comes_of_a_changed_document(
    tmp_path: Path, key: str, value: Any
) -> None:
    path = written(tmp_path, put(key, value))
    try:
        assert isinstance(load_snapshot(path), NamedSnapshot)
    except ValueError as error:
        assert str(path) in str(error)


@given(cut=st.integers(0, 2000), byte=st.binary(min_size=1, max_size=3))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_but_a_value_error_comes_of_changed_bytes(
    tmp_path: Path, cut: int, byte: bytes
) -> None:
    path = tmp_path / "c.json"
    save_snapshot(path, named())
    raw = path.read_bytes()
    path.write_bytes(raw[:cut] + byte + raw[cut + len(byte) :])
    try:
        assert isinstance(load_snapshot(path), NamedSnapshot)
    except ValueError as error:
        assert str(path) in str(error)
