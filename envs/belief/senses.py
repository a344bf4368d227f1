"""The arrays of sensing, made once for a map: `envs.kernels.sense` works on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from planners import GraphMap, GridMap

from ..kernels import sense_state as at
from ..streams import stream_key
from .model import BeliefModel, SensorModel

Ids = npt.NDArray[np.int64]
DOUBT_ROOM = 256  # nodes in doubt at once; beyond that the oldest doubt is forgotten
WIDE = 2**20  # beyond so many nodes directions of the fleet and payloads are left out
FORGET = 16.0  # after so many time constants nothing is left (e-16 = 1e-7)


def make_senses(
    map: GridMap | GraphMap,
    *,
    seed: int,
    tick_s: float,
    agents: int,
    sensor: SensorModel,
    model: BeliefModel,
    telemetry_s: float = 5.0,
) -> at.Senses:
    """Empty senses for a map.

    What has one value per node is allocated without being touched, so that a large map of which
    little is ever seen costs little. On graphs, nodes within reach of each other are listed ahead
    (by a KD-tree).

    Args:
        map: grid or graph with positions; its blocked cells end the line of sight.
        seed: of the sensor's dice.
        tick_s: length of a tick.
        agents: walkers plus the robot, which is the last one.
        sensor, model: numbers.
        telemetry_s: between two messages of the fleet.
    """
    size = map.size
    solid = np.array(map.blocked, dtype=np.uint8).reshape(-1)
    floor = (
        _grid_floor(map, sensor, model)
        if isinstance(map, GridMap)
        else _graph_floor(map, sensor, model)
    )
    wide = floor.pop("wide")
    ints = np.zeros(at.INTS, dtype=np.int64)
    if isinstance(map, GridMap):
        ints[at.COLS], ints[at.REACH] = map.cols, floor.pop("reach")
    ints[at.TELEMETRY] = max(1, round(telemetry_s / tick_s))
    ints[[at.VIEW_NODE, at.LOOKED, at.CLOSURE]] = at.NEVER
    key = stream_key(seed, "sensor")
    fades = (model.risk_tau_s, model.density_tau_s, model.blocked_tau_s)
    return at.Senses(
        ints=ints,
        floats=_floats(map, sensor, model, tick_s, telemetry_s),
        keys=np.array([(key + k) % 2**63 for k in range(3)], dtype=np.int64),
        solid=solid,
        in_view=np.zeros(wide, dtype=np.int64),
        bodies=np.zeros((agents, 3), dtype=np.int64),
        body_m=np.zeros((agents, 2)),
        obstacles=np.zeros(wide + 1, dtype=np.int64),
        tracks=np.zeros((agents, 4), dtype=np.int64),
        motion=np.zeros((agents, 4)),
        doubts=np.zeros((DOUBT_ROOM, 3), dtype=np.int64),
        doubt_p=np.zeros(DOUBT_ROOM),
        evidence=np.zeros((size, 3), dtype=np.float32),
        looked=np.zeros(size, dtype=np.int32),
        fleet=np.zeros((size, 5 if size <= WIDE else 1), dtype=np.float32),
        heard=np.zeros(size, dtype=np.int32),
        changed=np.zeros(size, dtype=np.int32),
        **dict(
            zip(("fade", "fleet_fade", "doubt_fade"), (fade(t, tick_s) for t in fades), strict=True)
        ),
        **floor,
    )


def fade(tau_s: float, tick_s: float) -> npt.NDArray[np.float64]:
    """exp(-k tick_s / tau_s) for k = 0, 1, ...; the last entry, 0, stands for all later ones."""
    table = np.exp(-np.arange(math.ceil(FORGET * tau_s / tick_s)) * (tick_s / tau_s))
    return np.append(table, 0.0)


def _floats(
    map: GridMap | GraphMap,
    sensor: SensorModel,
    model: BeliefModel,
    tick_s: float,
    telemetry_s: float,
) -> npt.NDArray[np.float64]:
    floats = np.zeros(at.FLOATS)
    floats[at.TICK_S] = tick_s
    floats[at.CELL_M] = map.cell_size_m if isinstance(map, GridMap) else 0.0
    floats[at.RADIUS_M], floats[at.NEAR_M] = sensor.radius_m, model.near_m
    floats[at.DETECTION], floats[at.FALSE_ALARM] = sensor.detection, sensor.false_alarm
    floats[at.DOUBT_PRIOR], floats[at.DOUBT_MOST] = model.blocked_odds, model.sure_odds
    floats[at.DOUBT_LEAST] = model.blocked_odds / (1.0 + model.blocked_odds)
    floats[at.TRACK_TICKS] = model.track_s / tick_s
    floats[at.FLEET_GAIN] = -math.expm1(-telemetry_s / model.density_tau_s)
    return floats


def _grid_floor(grid: GridMap, sensor: SensorModel, model: BeliefModel) -> dict[str, Any]:
    reach = int(sensor.radius_m / grid.cell_size_m)
    limit = (sensor.radius_m / grid.cell_size_m) ** 2
    targets = _disc(reach, limit)
    side = 2 * reach + 1
    steps = np.full(side * side, -1, dtype=np.int16)
    rays = np.zeros((side * side, max(1, reach), 2), dtype=np.int16)
    for down, right in targets.tolist():
        ray = (down + reach) * side + right + reach
        steps[ray] = count = max(abs(down), abs(right))
        k = np.arange(1, count + 1)[:, None]
        rays[ray, :count] = np.rint(k * (down, right) / max(1, count))
    near = _disc(int(model.near_m / grid.cell_size_m), (model.near_m / grid.cell_size_m) ** 2)
    none, no_ids = np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int32)
    return {
        "ray_steps": steps, "rays": rays, "targets": targets, "near_steps": near,
        "view_ptr": none, "view_ids": no_ids, "near_ptr": none, "near_ids": no_ids,
        "place": np.zeros((0, 2)), "room": room_on(grid, near), "wide": len(targets),
        "reach": reach,
    }  # fmt: skip


def _disc(reach: int, limit: float) -> Ids:
    """(k, 2) offsets (down, right) whose square is at most `limit`, in reading order."""
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    inside = down**2 + right**2 <= limit + 1e-9
    return np.stack((down[inside], right[inside]), axis=1).astype(np.int64)


def room_on(grid: GridMap, offsets: Ids) -> npt.NDArray[np.uint16]:
    """(size,) how many free cells lie at the given offsets of each cell, at least 1."""
    total = shifted_sum(~grid.blocked, offsets, np.dtype(np.uint16))
    return np.asarray(np.maximum(total, 1).reshape(-1))


def shifted_sum(values: npt.NDArray[Any], offsets: Ids, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """(rows, cols) for each cell the sum of the values of the cells at some offsets, in the map."""
    rows, cols = values.shape
    total = np.zeros((rows, cols), dtype=dtype)
    for down, right in offsets.tolist():
        if abs(down) >= rows or abs(right) >= cols:
            continue
        here = (
            slice(max(0, -down), rows - max(0, down)),
            slice(max(0, -right), cols - max(0, right)),
        )
        there = slice(max(0, down), rows + min(0, down)), slice(max(0, right), cols + min(0, right))
        total[here] += values[there]
    return total


def _graph_floor(graph: GraphMap, sensor: SensorModel, model: BeliefModel) -> dict[str, Any]:
    place = np.array(graph.positions_m(np.arange(graph.size)), dtype=np.float64)
    free = np.flatnonzero(~np.asarray(graph.blocked))
    view_ptr, view_ids = _around(place, free, sensor.radius_m)
    near_ptr, near_ids = _around(place, free, model.near_m)
    none = np.zeros((0, 2), dtype=np.int64)
    return {
        "ray_steps": np.zeros(0, dtype=np.int16), "rays": np.zeros((0, 1, 2), dtype=np.int16),
        "targets": none, "near_steps": none, "view_ptr": view_ptr, "view_ids": view_ids,
        "near_ptr": near_ptr, "near_ids": near_ids, "place": place,
        "room": np.clip(np.diff(near_ptr), 1, 65535).astype(np.uint16),
        "wide": int(np.diff(view_ptr).max(initial=1)),
    }  # fmt: skip


def _around(
    place: npt.NDArray[np.float64], free: Ids, radius_m: float
) -> tuple[Ids, npt.NDArray[np.int32]]:
    """For every node the free nodes within a radius, ascending, itself among them: (ptr, ids)."""
    tree = cKDTree(place[free])
    pairs = tree.query_pairs(radius_m, output_type="ndarray")
    tails = np.concatenate((free, free[pairs[:, 0]], free[pairs[:, 1]]))
    heads = np.concatenate((free, free[pairs[:, 1]], free[pairs[:, 0]]))
    order = np.lexsort((heads, tails))
    ptr = np.concatenate(([0], np.cumsum(np.bincount(tails, minlength=len(place)))))
    return ptr.astype(np.int64), heads[order].astype(np.int32)
