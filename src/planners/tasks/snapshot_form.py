"""The form of a snapshot's file, checked by pydantic, and the way to it and back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..costs import CostField, Layer
from ..graphs import GraphMap, Map
from ..maps import GridMap
from .named import MAX_ITEM, NamedSnapshot
from .packed import Packed
from .snapshot import EnergyModel, Order, Snapshot, Timing

MAX_ORDERS, MAX_PLACES, MAX_LAYERS, MAX_NOTES = 1_000, 10_000, 64, 20_000  # (a)
MAX_UNPACKED = 512 << 20  # (a) bytes of all arrays


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class GridForm(Form):
    kind: Literal["grid"]
    blocked: Packed
    cell_size_m: float
    moves: Literal["four", "eight", "eight-one-free", "eight-any"]
    one_way: Packed | None


Label = str | int | list[int]


class GraphForm(Form):
    kind: Literal["graph"]
    indptr: Packed
    indices: Packed
    length_m: Packed
    position_m: Packed | None
    labels: list[Label] | None
    blocked: Packed


class LayerForm(Form):
    name: str
    weight: float
    values: Packed


class CostsForm(Form):
    base: float
    layers: list[LayerForm] = Field(max_length=MAX_LAYERS)


class EnergyForm(Form):
    ambient_w: float
    drive_j_per_m: float
    drive_j_per_m_kg: float


class TimingForm(Form):
    delay: float = 1.0
    pick_s: float = 0.0
    drop_s: float = 0.0


class RobotForm(Form):
    """Null in the charge, the capacity and the power: without end, energy does not matter."""

    node: int
    charge_wh: float | None
    capacity_wh: float | None
    reserve_wh: float
    charge_power_w: float | None
    margin: float
    payload_kg: float
    capacity: int
    on_board: list[str] = Field(default=[], max_length=MAX_ORDERS)
    timing: TimingForm = TimingForm()
    energy: EnergyForm


class OrderForm(Form):
    """Times are moments on the clock of ``time_s``; ``due_s`` null: no due time."""

    id: str
    item: str | None = Field(max_length=MAX_ITEM)
    stops: list[int] = Field(max_length=1000)
    release_s: float
    due_s: float | None
    kg: float
    priority: str


class ChargerForm(Form):
    """``wait_s`` and ``power_w`` absent: no telemetry; null: without end."""

    name: str
    node: int
    wait_s: float | None = 0.0
    power_w: float | None = 0.0


class DocumentForm(Form):
    format: Literal["aislewise-snapshot"]
    version: Literal[1]
    time_s: float
    clock_s: float | None
    map: GridForm | GraphForm = Field(discriminator="kind")
    costs: CostsForm
    robot: RobotForm
    orders: list[OrderForm] = Field(max_length=MAX_ORDERS)
    chargers: list[ChargerForm] = Field(max_length=MAX_PLACES)
    docks: dict[str, int] = Field(max_length=MAX_PLACES)
    aisles: dict[str, list[int]] = Field(max_length=MAX_PLACES)
    after: dict[str, list[str]] = Field(default={}, max_length=MAX_ORDERS)
    lateness_weights: dict[str, float] = Field(max_length=64)
    notes: str = Field(max_length=MAX_NOTES)


def to_form(named: NamedSnapshot) -> DocumentForm:
    """The document of a snapshot; ValueError for labels that it cannot hold."""
    snapshot = named.snapshot
    return DocumentForm(
        format="aislewise-snapshot", version=1, time_s=float(snapshot.time_s),
        clock_s=named.clock_s, map=_map_form(snapshot.map), costs=_costs_form(snapshot.costs),
        robot=_robot_form(snapshot),
        orders=[_order_form(order, named.items.get(order.id)) for order in snapshot.orders],
        chargers=[_charger_form(snapshot, name) for name in snapshot.chargers],
        docks=dict(named.docks), aisles={name: list(at) for name, at in named.aisles.items()},
        after={name: list(others) for name, others in snapshot.after.items()},
        lateness_weights={k: float(v) for k, v in snapshot.lateness_weights.items()},
        notes=snapshot.notes,
    )  # fmt: skip


def _map_form(map: Map) -> GridForm | GraphForm:
    if isinstance(map, GridMap):
        one_way = None if map.one_way is None else Packed.of(map.one_way)
        return GridForm(
            kind="grid", blocked=Packed.of(map.blocked), cell_size_m=map.cell_size_m,
            moves=map.moves, one_way=one_way,
        )  # fmt: skip
    return GraphForm(
        kind="graph", indptr=Packed.of(map.indptr), indices=Packed.of(map.indices),
        length_m=Packed.of(map.length_m),
        position_m=None if map.position_m is None else Packed.of(map.position_m),
        labels=None if map.labels is None else [_label_form(label) for label in map.labels],
        blocked=Packed.of(map.blocked),
    )  # fmt: skip


def _label_form(label: Any) -> Label:
    if isinstance(label, tuple) and all(type(part) is int for part in label):
        return list(label)
    if isinstance(label, str) or type(label) is int:
        return label
    raise ValueError(
        f"a node is labelled {label!r}: a file holds text, whole numbers and tuples of them as "
        f"labels; relabel the graph"
    )


def _costs_form(costs: CostField) -> CostsForm:
    shape = costs.map.shape if isinstance(costs.map, GridMap) else None
    layers = []
    for name in costs.layers:
        values = costs.layer(name)
        if shape is not None:
            values = values.reshape(shape if costs.is_per_node(name) else (8, *shape))
        weight = float(costs.weights[name])
        layers.append(LayerForm(name=name, weight=weight, values=Packed.of(values)))
    return CostsForm(base=costs.base, layers=layers)


def _robot_form(snapshot: Snapshot) -> RobotForm:
    model = snapshot.energy
    return RobotForm(
        node=snapshot.robot, charge_wh=_finite(snapshot.charge_wh),
        capacity_wh=_finite(snapshot.capacity_wh), reserve_wh=float(snapshot.reserve_wh),
        charge_power_w=_finite(snapshot.charge_power_w), margin=float(snapshot.margin),
        payload_kg=float(snapshot.payload_kg), capacity=snapshot.capacity,
        on_board=list(snapshot.on_board), timing=TimingForm(**asdict(snapshot.timing)),
        energy=EnergyForm(
            ambient_w=float(model.ambient_w), drive_j_per_m=float(model.drive_j_per_m),
            drive_j_per_m_kg=float(model.drive_j_per_m_kg),
        ),
    )  # fmt: skip


def _order_form(order: Order, item: str | None) -> OrderForm:
    return OrderForm(
        id=order.id, item=item, stops=list(order.stops), release_s=float(order.release_s),
        due_s=_finite(order.due_s), kg=float(order.kg), priority=order.priority,
    )  # fmt: skip


def _charger_form(snapshot: Snapshot, name: str) -> ChargerForm:
    known: dict[str, float | None] = {}
    if name in snapshot.charger_wait_s:
        known["wait_s"] = _finite(snapshot.charger_wait_s[name])
    if name in snapshot.charger_power_w:
        known["power_w"] = _finite(snapshot.charger_power_w[name])
    return ChargerForm(name=name, node=snapshot.chargers[name], **known)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def from_form(form: DocumentForm) -> NamedSnapshot:
    """The snapshot of a document; ValueError, naming the field, where it makes no sense."""
    _check_size(form)
    map, robot = _map(form.map), form.robot
    name, count = (
        Counter(c.name for c in form.chargers).most_common(1)[0] if form.chargers else ("", 0)
    )
    if count > 1:
        raise ValueError(f"chargers: {count} are called {name!r}: give each its own name")
    snapshot = Snapshot(
        time_s=form.time_s, map=map, costs=_costs(form.costs, map), robot=robot.node,
        charge_wh=_endless(robot.charge_wh), capacity_wh=_endless(robot.capacity_wh),
        reserve_wh=robot.reserve_wh, charge_power_w=_endless(robot.charge_power_w),
        margin=robot.margin, payload_kg=robot.payload_kg,
        orders=tuple(
            Order(o.id, tuple(o.stops), o.release_s, _endless(o.due_s), o.kg, o.priority)
            for o in form.orders
        ),
        chargers={charger.name: charger.node for charger in form.chargers},
        energy=EnergyModel(**robot.energy.model_dump()), notes=form.notes,
        lateness_weights=form.lateness_weights,
        charger_wait_s=_telemetry(form.chargers, "wait_s"),
        charger_power_w=_telemetry(form.chargers, "power_w"), capacity=robot.capacity,
        on_board=tuple(robot.on_board), timing=Timing(**robot.timing.model_dump()),
        after={name: tuple(others) for name, others in form.after.items()},
    )  # fmt: skip
    items = {order.id: order.item for order in form.orders if order.item is not None}
    aisles = {name: tuple(nodes) for name, nodes in form.aisles.items()}
    return NamedSnapshot(snapshot, items, form.docks, aisles, form.clock_s)


def _telemetry(chargers: list[ChargerForm], what: str) -> dict[str, float]:
    told = [charger for charger in chargers if what in charger.model_fields_set]
    return {charger.name: _endless(getattr(charger, what)) for charger in told}


def _map(form: GridForm | GraphForm) -> Map:
    with _at("map"):
        if isinstance(form, GridForm):
            one_way = None if form.one_way is None else form.one_way.array()
            return GridMap(form.blocked.array(), form.cell_size_m, form.moves, one_way)
        labels = form.labels
        return GraphMap(
            form.indptr.array(), form.indices.array(), form.length_m.array(),
            None if form.position_m is None else form.position_m.array(),
            None if labels is None else [tuple(x) if isinstance(x, list) else x for x in labels],
            form.blocked.array(),
        )  # fmt: skip


def _costs(form: CostsForm, map: Map) -> CostField:
    layers = []
    for one in form.layers:
        with _at(f"costs, layer {one.name!r}"):
            layers.append(Layer(one.name, one.values.array(), one.weight))
    with _at("costs"):
        return CostField(map, form.base, layers)


def _endless(value: float | None) -> float:
    return math.inf if value is None else value


def _check_size(form: DocumentForm) -> None:
    """All arrays together, before the first of them is unpacked."""
    arrays = [value for _, value in form.map if isinstance(value, Packed)]
    arrays += [layer.values for layer in form.costs.layers]
    total = sum(array.size_bytes for array in arrays)
    if total > MAX_UNPACKED:
        raise ValueError(f"the arrays take {total:,} bytes unpacked: at most {MAX_UNPACKED:,}")


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Say where in the document an error lies."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
