"""Maps of ROS: a YAML file and a picture, as map_server and Nav2 read and write them.

**Orientation.** Row 0 of the picture is its top, and so is row 0 of a `GridMap`: nothing is
flipped. ROS counts from the *lower left* pixel: its messages hold the bottom row first, and
`origin` is the pose of the lower left corner. `RosMap.occupancy[::-1]` is the message's data;
`world_m` and `cells_at` convert between cells and metres in the map frame.

**Values.** With brightness `s` in [0, 1], a cell is occupied with `p = 1 - s` (`negate: 1`: `s`).

======= =========================================================================================
trinary `p >= occupied_thresh`: 100, `p <= free_thresh`: 0, else unknown (-1); alpha counts as a
        channel in `s`
scale   the same, but between the thresholds `p` is mapped linearly onto 0..100; a pixel that is
        not opaque is unknown
raw     the grey value itself, 0..100; 101..255 are unknown; `negate` and thresholds do not count
======= =========================================================================================

The comparisons are those that ROS documents (`>=` and `<=`); some releases of Nav2 compare
strictly, which differs only where `p` equals a threshold exactly. With `free_thresh: 0.196` the
grey 205 that map_saver writes for unknown stays unknown; with Nav2's later 0.25 it reads as free.

Sources: http://wiki.ros.org/map_server, the `image_loader.h` of map_server, and `map_io.cpp` of
https://github.com/ros-navigation/navigation2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import yaml

from planners import GridMap, MapFormatError

from .movingai import LoadedMap, Moves
from .pictures import Encoding, Picture, read_picture, write_picture
from .textio import beside, owned, read_bounded

Mode = Literal["trinary", "scale", "raw"]
Unknown = Literal["blocked", "free"]

OCCUPIED, FREE, UNKNOWN = 100, 0, -1
_YAML_LIMIT_BYTES = 2**16
_NEEDED = ("image", "resolution", "origin", "occupied_thresh", "free_thresh", "negate")
_MODES: tuple[Mode, ...] = ("trinary", "scale", "raw")
_SAVED = {"occupied_thresh": 0.65, "free_thresh": 0.196}
_GREYS = {OCCUPIED: 0, FREE: 254, UNKNOWN: 205}  # as map_saver writes them


@dataclass(frozen=True, eq=False)
class RosMap(LoadedMap):
    """A map of ROS; `symbols` are `@` where the grid is blocked and `.` elsewhere.

    Attributes:
        occupancy: (rows, cols) int8, 0 free to 100 occupied, -1 unknown; row 0 is the top.
        origin: (x, y, yaw) of the lower left corner in the map frame, metres and radians.
        unknown: what unknown cells became in `grid`.
    """

    occupancy: npt.NDArray[np.int8]
    origin: tuple[float, float, float]
    unknown: Unknown

    def world_m(self, cells: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(k, 2) map-frame x, y of the centres of (k, 2) cells (row, col)."""
        cells = np.asarray(cells, dtype=np.float64).reshape(-1, 2)
        size = self.grid.cell_size_m
        local = np.stack([cells[:, 1] + 0.5, self.grid.rows - cells[:, 0] - 0.5], axis=1) * size
        return np.asarray(local @ _turned(self.origin[2]).T + self.origin[:2])

    def cells_at(self, world_m: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """(k, 2) cells (row, col) that hold (k, 2) map-frame points, outside the map too."""
        points = np.asarray(world_m, dtype=np.float64).reshape(-1, 2) - self.origin[:2]
        local = np.floor(points @ _turned(self.origin[2]) / self.grid.cell_size_m).astype(np.int64)
        return np.stack([self.grid.rows - 1 - local[:, 1], local[:, 0]], axis=1)


def _turned(yaw: float) -> npt.NDArray[np.float64]:
    return np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])


def load_ros_map(
    path: str | PathLike[str],
    *,
    unknown: Unknown = "blocked",
    lethal_threshold: int = OCCUPIED,
    moves: Moves = "eight",
) -> RosMap:
    """Read a map_server YAML file and the picture that it names.

    The picture is looked for at the place stated, relative to the folder of the YAML file, then by
    its base name beside it; a place outside that folder is refused, links included.

    Args:
        path: the YAML file.
        unknown: whether unknown cells are blocked or free.
        lethal_threshold: least occupancy that blocks, 1 to 100 (as Nav2's static layer calls it).
        moves: passed to `GridMap`.

    Raises:
        MapFormatError: either file is unreadable or not what it claims to be.
        ValueError: an argument out of range.
    """
    if unknown not in ("blocked", "free"):
        raise ValueError(f"unknown must be 'blocked' or 'free', not {unknown!r}")
    if not 1 <= lethal_threshold <= OCCUPIED:
        raise ValueError(f"lethal_threshold must be 1 to {OCCUPIED}, not {lethal_threshold!r}")
    meta, shown = read_meta(path)
    image = beside(Path(path).parent, meta.image, "image", shown)
    occupancy = occupancy_of(read_picture(image, with_alpha=meta.mode == "trinary"), meta)
    blocked = occupancy >= lethal_threshold
    if unknown == "blocked":
        blocked |= occupancy == UNKNOWN
    try:
        grid = GridMap(blocked, meta.resolution, moves)
    except ValueError as error:
        raise MapFormatError(str(error), source=shown) from error
    symbols = owned(np.where(grid.blocked, ord("@"), ord(".")), np.uint8)
    occupancy.flags.writeable = False
    return RosMap(Path(path).stem, grid, symbols, "movingai", occupancy, meta.origin, unknown)


@dataclass(frozen=True)
class MapMeta:
    """The content of a map_server YAML file, checked."""

    image: str
    resolution: float
    origin: tuple[float, float, float]
    occupied_thresh: float
    free_thresh: float
    negate: bool
    mode: Mode


def read_meta(path: str | PathLike[str] | bytes) -> tuple[MapMeta, str]:
    """The checked YAML file (or its content), and its name for messages."""
    data, shown = read_bounded(path, limit_bytes=_YAML_LIMIT_BYTES)
    try:
        fields = yaml.safe_load(data)
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        reason = f"no valid YAML: {_one_line(error.problem or error.context)}"
        raise MapFormatError(reason, line=line, source=shown) from error
    except Exception as error:  # odd tags and bytes make the parser raise nearly anything
        reason = f"no valid YAML: {_one_line(error)}"
        raise MapFormatError(reason, source=shown) from error
    if not isinstance(fields, dict):
        raise MapFormatError(
            f"must hold keys such as 'image: map.pgm', not {type(fields).__name__}", source=shown
        )
    missing = [key for key in _NEEDED if key not in fields]
    if missing:
        raise MapFormatError(f"needs {', '.join(missing)}", source=shown)
    return _checked(fields, _Where(data, shown)), shown


@dataclass(frozen=True)
class _Where:
    """Says in which line a key stands."""

    data: bytes
    source: str

    def wrong(self, key: str, wanted: str, value: Any) -> MapFormatError:
        at = self.data.find(key.encode() + b":")
        line = None if at < 0 else self.data.count(b"\n", 0, at) + 1
        shown = _shown(value)
        return MapFormatError(f"{key} must be {wanted}, not {shown}", line=line, source=self.source)


def _checked(fields: dict[Any, Any], where: _Where) -> MapMeta:
    image = fields["image"]
    if not isinstance(image, str) or not image:
        raise where.wrong("image", "the name of a picture", image)
    resolution = _number(fields["resolution"])
    if not resolution > 0:
        raise where.wrong("resolution", "metres per pixel, above 0", fields["resolution"])
    given = fields["origin"]
    origin = [_number(part) for part in given] if isinstance(given, list) else []
    if len(origin) != 3 or not all(map(math.isfinite, origin)):
        raise where.wrong("origin", "three numbers [x, y, yaw]", given)
    shares = {key: _number(fields[key]) for key in ("free_thresh", "occupied_thresh")}
    for key, share in shares.items():
        if not 0 <= share <= 1:
            raise where.wrong(key, "a number from 0 to 1", fields[key])
    if shares["free_thresh"] > shares["occupied_thresh"]:
        raise where.wrong("free_thresh", "at most occupied_thresh", fields["free_thresh"])
    if not isinstance(fields["negate"], (bool, int)) or fields["negate"] not in (0, 1):
        raise where.wrong("negate", "0 or 1", fields["negate"])
    mode = fields.get("mode", "trinary")
    if not isinstance(mode, str) or mode not in _MODES:
        raise where.wrong("mode", " or ".join(_MODES), mode)
    x, y, yaw = origin
    return MapMeta(image, resolution, (x, y, yaw), shares["occupied_thresh"],
                   shares["free_thresh"], bool(fields["negate"]), mode)  # fmt: skip


def _number(value: Any) -> float:
    """A finite number, also one such as 5e-2 that YAML 1.1 takes for a text; else NaN."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return math.nan
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _shown(value: Any) -> str:
    """A value of a YAML file in a few words; nested aliases may stand for gigabytes of text."""
    if isinstance(value, (list, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, int) and abs(value) > 10**18:
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _one_line(value: Any) -> str:
    return " ".join(str(value).split())[:200]


def occupancy_of(picture: Picture, meta: MapMeta) -> npt.NDArray[np.int8]:
    """(rows, cols) int8 occupancy of a picture, by the rules of the module."""
    shade = picture.shades
    if meta.mode == "raw":
        grey = np.rint(255 * shade)
        by_shade = np.where(grey <= OCCUPIED, grey, UNKNOWN)
    else:
        p = shade if meta.negate else 1.0 - shade
        between: Any = UNKNOWN
        if meta.mode == "scale":
            span = max(meta.occupied_thresh - meta.free_thresh, 1e-9)  # 0: nothing lies between
            between = np.rint(OCCUPIED * (p - meta.free_thresh) / span)
        by_shade = np.where(
            p >= meta.occupied_thresh, OCCUPIED, np.where(p <= meta.free_thresh, FREE, between)
        )
    occupancy = by_shade.astype(np.int8)[picture.total]
    if meta.mode == "scale" and picture.transparent is not None:
        occupancy[picture.transparent] = UNKNOWN
    return occupancy


def save_ros_map(
    path: str | PathLike[str],
    grid: GridMap | LoadedMap,
    *,
    encoding: Encoding = "P5",
    origin: tuple[float, float, float] | None = None,
) -> Path:
    """Write a map_server YAML file and beside it its picture; returns the picture's path.

    A `RosMap` keeps its occupancy: greys 0, 254 and 205 (mode trinary) where it is free, occupied
    or unknown, else the values themselves (mode raw). Any other map is free or occupied.

    Args:
        path: of the YAML file, ending in `.yaml` or `.yml`.
        grid: the map.
        encoding: `P5`, `P2` or `png`.
        origin: (x, y, yaw) of the lower left corner; that of the `RosMap`, else zeros.

    Raises:
        ValueError: another ending or encoding. OSError: a file cannot be written.
    """
    file = Path(path)
    if file.suffix not in (".yaml", ".yml"):
        raise ValueError(f"{path}: the name of a map of ROS ends in .yaml or .yml")
    floor = grid.grid if isinstance(grid, LoadedMap) else grid
    occupancy = np.where(floor.blocked, OCCUPIED, FREE).astype(np.int8)
    if isinstance(grid, RosMap):
        occupancy, origin = grid.occupancy, origin or grid.origin
    trinary = bool(np.isin(occupancy, list(_GREYS)).all())
    if trinary:
        grey = np.full(occupancy.shape, _GREYS[UNKNOWN], dtype=np.uint8)
        for value, shade in _GREYS.items():
            grey[occupancy == value] = shade
    else:
        grey = np.where(occupancy == UNKNOWN, 255, occupancy).astype(np.uint8)
    return write_yaml(file, grey, floor.cell_size_m, origin or (0.0, 0.0, 0.0),
                      "trinary" if trinary else "raw", encoding)  # fmt: skip


def write_yaml(
    file: Path,
    grey: npt.NDArray[np.uint8],
    resolution: float,
    origin: tuple[float, float, float],
    mode: Mode,
    encoding: Encoding,
) -> Path:
    """Write the picture and the YAML file that names it."""
    image = file.with_suffix(".png" if encoding == "png" else ".pgm")
    write_picture(image, grey, encoding)
    fields = {"image": image.name, "mode": mode, "resolution": float(resolution)}
    fields |= {"origin": [float(part) for part in origin], "negate": 0, **_SAVED}
    file.write_text(
        yaml.safe_dump(fields, sort_keys=False, default_flow_style=None), encoding="utf-8"
    )
    return image
