"""Costmaps of Nav2: cost values in and out, as a map and a layer.

=========== =======================================================================
0           free
1 to 252    inflated cost: `extra_at_252 * cost / 252` more cost per metre
253         inscribed: a robot whose centre is here touches something; blocked
254         lethal: blocked
255         no information: `unknown` says whether it is blocked or free
=========== =======================================================================

The rule for 1 to 252 is linear, as in Nav2's own planners: a layer with `extra_at_252=2.0` over a
`CostField` of base 1 costs what Smac 2D pays with its `cost_travel_multiplier` of 2.0. Over a base
in seconds per metre, pass seconds: `2.0 / speed_m_s`.

Values: `cost_values.hpp` of nav2_costmap_2d, https://github.com/ros-navigation/navigation2.
Nav2's messages hold the bottom row first (`first_row="bottom"`); pictures begin at the top.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from planners import GridMap, Layer, MapFormatError

from .movingai import Moves
from .pictures import Encoding, read_picture
from .ros import Unknown, read_meta, write_yaml
from .textio import Source, beside

Costs = npt.NDArray[np.uint8]
FirstRow = Literal["top", "bottom"]
Scale = Literal["cost", "occupancy"]

INFLATED, INSCRIBED, LETHAL, NO_INFORMATION = 252, 253, 254, 255
SMAC_MULTIPLIER = 2.0

# What Nav2 publishes as an OccupancyGrid: 1..252 as 1..98, inscribed 99, lethal 100, unknown -1.
_OF_OCCUPANCY = np.full(256, NO_INFORMATION, dtype=np.uint8)
_OF_OCCUPANCY[0] = 0
_OF_OCCUPANCY[1:99] = 1 + np.ceil((INFLATED - 1) * np.arange(98) / 97)
_OF_OCCUPANCY[99:101] = INSCRIBED, LETHAL


def load_costmap(
    source: Source | npt.NDArray[Any],
    *,
    cell_size_m: float | None = None,
    scale: Scale = "cost",
    first_row: FirstRow = "top",
    unknown: Unknown = "blocked",
    extra_at_252: float = SMAC_MULTIPLIER,
    name: str = "costmap",
    moves: Moves = "eight",
) -> tuple[GridMap, Layer]:
    """A costmap as a map and a layer of extra cost per metre, values as in the module.

    Args:
        source: a YAML file that names a picture, a picture (PGM, PNG; path or bytes) whose grey
            values are the costs, or a (rows, cols) array of whole numbers such as a message's data
            after `reshape(height, width)`.
        cell_size_m: metres per cell; needed unless a YAML file says it.
        scale: `cost` for 0..255; `occupancy` for what Nav2 publishes as an OccupancyGrid and
            map_saver writes in raw mode: 0..100 and -1 (or 255) for unknown.
        first_row: which row of the picture or array comes first.
        unknown: whether cells without information are blocked or free (at no extra cost).
        extra_at_252: extra cost per metre at cost 252, above 0.
        name: of the layer.
        moves: passed to `GridMap`.

    Raises:
        MapFormatError: a file that is unreadable or not what it claims to be.
        ValueError: no cell size, an array of another shape or with values out of range.

    >>> grid, layer = load_costmap(np.array([[0, 126, 252, 254]]), cell_size_m=1.0)
    >>> grid.blocked.tolist(), layer.values.tolist()
    ([[False, False, False, True]], [[0.0, 1.0, 2.0, 0.0]])
    """
    _check_reading(extra_at_252, scale=scale, first_row=first_row, unknown=unknown)
    if isinstance(source, np.ndarray):
        costs = _checked_costs(source)
    else:
        costs, said = _read(source)
        cell_size_m = said if cell_size_m is None else cell_size_m
    if cell_size_m is None:
        raise ValueError("a costmap without a YAML file needs cell_size_m=, its metres per cell")
    costs = _OF_OCCUPANCY[costs] if scale == "occupancy" else costs
    costs = costs if first_row == "top" else costs[::-1]
    blocked = (costs == INSCRIBED) | (costs == LETHAL)
    if unknown == "blocked":
        blocked |= costs == NO_INFORMATION
    extra = np.where(costs <= INFLATED, costs, 0) * (extra_at_252 / INFLATED)
    return GridMap(blocked, cell_size_m, moves), Layer(name, extra)


_READINGS = {
    "scale": ("cost", "occupancy"), "first_row": ("top", "bottom"), "unknown": ("blocked", "free"),
}  # fmt: skip


def _check_reading(extra_at_252: float, **chosen: str) -> None:
    if not 0 < extra_at_252 < float("inf"):
        raise ValueError(f"extra_at_252 must be finite and above 0, not {extra_at_252!r}")
    for name, value in chosen.items():
        if value not in _READINGS[name]:
            one, other = _READINGS[name]
            raise ValueError(f"{name} must be {one!r} or {other!r}, not {value!r}")


def _checked_costs(values: npt.NDArray[Any]) -> Costs:
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "iu":
        raise ValueError(
            f"a costmap is a (rows, cols) array of whole numbers, not {values.dtype} of shape "
            f"{values.shape}"
        )
    if values.min() < -1 or values.max() > 255:
        raise ValueError(
            f"costs run from 0 to 255 (-1: unknown), found {values.min()} to {values.max()}"
        )
    return np.where(values == -1, NO_INFORMATION, values).astype(np.uint8)


def _read(source: Source) -> tuple[Costs, float | None]:
    """The grey values of a picture, and the metres per cell where a YAML file says so."""
    said = None
    if isinstance(source, (str, PathLike)) and Path(source).suffix in (".yaml", ".yml"):
        meta, shown = read_meta(source)
        if meta.mode != "raw" or meta.negate:
            reason = f"holds a map in mode {meta.mode}: a costmap is raw and not negated"
            raise MapFormatError(reason, source=shown)
        source, said = beside(Path(source).parent, meta.image, "image", shown), meta.resolution
    picture = read_picture(source, with_alpha=False)
    return np.rint(255 * picture.shades).astype(np.uint8)[picture.total], said


def costmap_of(
    grid: GridMap,
    extra: npt.ArrayLike,
    *,
    extra_at_252: float = SMAC_MULTIPLIER,
    first_row: FirstRow = "top",
) -> Costs:
    """(rows, cols) Nav2 costs of a map and extra costs per metre, such as `costs.layer("risk")`.

    Blocked cells are lethal (254); others get `252 * extra / extra_at_252`, rounded and at most
    252. What `load_costmap` read comes back exactly, inscribed cells as lethal ones.

    Raises:
        ValueError: `extra` of another size, or with values that are not finite and >= 0.
    """
    table = np.asarray(extra, dtype=np.float64)
    if table.size != grid.size:
        raise ValueError(f"extra needs one value for each of {grid.size} cells, not {table.shape}")
    table = np.where(grid.blocked, 0.0, table.reshape(grid.shape))
    if not (np.isfinite(table) & (table >= 0)).all():
        raise ValueError("extra costs must be finite and >= 0 on free cells")
    costs = np.minimum(np.rint(INFLATED * table / extra_at_252), INFLATED).astype(np.uint8)
    costs[grid.blocked] = LETHAL
    return costs if first_row == "top" else costs[::-1]


def save_costmap(
    path: str | PathLike[str],
    grid: GridMap,
    extra: npt.ArrayLike,
    *,
    extra_at_252: float = SMAC_MULTIPLIER,
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    encoding: Encoding = "P5",
) -> Path:
    """Write `costmap_of` as a YAML file (mode raw) and a picture; returns the picture's path.

    Raises:
        ValueError: a name that does not end in `.yaml`, or what `costmap_of` refuses.
        OSError: a file cannot be written.
    """
    file = Path(path)
    if file.suffix not in (".yaml", ".yml"):
        raise ValueError(f"{path}: the name of a costmap ends in .yaml or .yml")
    costs = costmap_of(grid, extra, extra_at_252=extra_at_252)
    return write_yaml(file, costs, grid.cell_size_m, origin, "raw", encoding)
