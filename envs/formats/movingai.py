"""MovingAI maps (`.map`) and scenarios (`.scen`), and the maps of the League of Robot Runners.

The two dialects share the file and differ in the symbols:

=========== ======================== =========================
symbol      movingai                 lorr
=========== ======================== =========================
``.``       free                     free
``@`` ``T`` blocked                  blocked
``S``       swamp: free              storage (pick face): free
``E``       unknown                  station: free
``G``       free                     unknown
``O``       blocked (out of bounds)  unknown
``W``       water: blocked           unknown
=========== ======================== =========================

In MovingAI's own rule water is entered from water only; a robot starts on land, so water is
blocked. `dialect="auto"` reads a map that holds an ``E`` as lorr (MovingAI has no ``E``) and any
other as movingai; a map of lorr with ``S`` but without a single ``E`` needs `dialect="lorr"`.

Format: https://movingai.com/benchmarks/formats.html
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from planners import GridMap, MapFormatError

from .textio import LIMIT_BYTES, Source, lines_of, owned, read_bounded, shown_bytes, whole_number

Dialect = Literal["movingai", "lorr"]
Moves = Literal["four", "eight", "eight-one-free", "eight-any"]

_SYMBOLS: dict[Dialect, tuple[bytes, bytes]] = {  # free, blocked
    "movingai": (b".GS", b"@OTW"),
    "lorr": (b".ES", b"@T"),
}
_HEADER_KEYS = ("type", "height", "width")
_HEADER_LINE_BYTES = 256


@dataclass(frozen=True, eq=False)
class LoadedMap:
    """A map as it stood in its file.

    Attributes:
        name: file name without suffix, or "map".
        grid: which cells are free, with the moves asked for.
        symbols: (rows, cols) uint8, the characters of the file; read-only.
        dialect: how they were read.
    """

    name: str
    grid: GridMap
    symbols: npt.NDArray[np.uint8]
    dialect: Dialect

    @property
    def stations(self) -> npt.NDArray[np.int64]:
        """Node ids of the stations (``E`` of the lorr dialect)."""
        return self._nodes(b"E")

    @property
    def storage(self) -> npt.NDArray[np.int64]:
        """Node ids of the storage cells (``S`` of the lorr dialect)."""
        return self._nodes(b"S")

    def _nodes(self, symbol: bytes) -> npt.NDArray[np.int64]:
        if self.dialect != "lorr":
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.symbols == symbol[0]).astype(np.int64)


def load_map(
    path_or_bytes: Source,
    dialect: Dialect | Literal["auto"] = "auto",
    *,
    moves: Moves = "eight",
    cell_size_m: float = 1.0,
    source: str | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> LoadedMap:
    """Read a `.map`; any bytes become a map or a `MapFormatError` with line and reason.

    Memory stays within a small multiple of the bytes at hand, whatever the header claims. Line ends
    may be LF or CR LF, a UTF-8 mark at the start is skipped, the last line may lack its end, and
    blank lines may follow the last row. Everything else that is out of place is refused.

    Args:
        path_or_bytes: a path, or the content as bytes.
        dialect: see the module; "auto" decides by the symbol ``E``.
        moves, cell_size_m: passed to `GridMap`.
        source: the name in messages; the path by default.
        limit_bytes: a file over this size is refused unread.

    Raises:
        MapFormatError: unreadable file, or content that is no such map.
        ValueError: an unknown dialect, or an argument that `GridMap` refuses.

    >>> load_map(b"type octile\\nheight 1\\nwidth 3\\nmap\\n.@E\\n").dialect
    'lorr'
    """
    if dialect not in ("auto", *_SYMBOLS):
        raise ValueError(f"unknown dialect {dialect!r}: choose auto, movingai or lorr")
    data, shown = read_bounded(path_or_bytes, limit_bytes=limit_bytes, name=source)
    rows, cols, at, line = _header(data, shown)
    symbols = _body(data, at, line, rows, cols, shown)
    found: Dialect = (
        ("lorr" if ord("E") in symbols else "movingai") if dialect == "auto" else dialect
    )
    _check_symbols(symbols, found, line, shown)
    blocked = np.isin(symbols, np.frombuffer(_SYMBOLS[found][1], dtype=np.uint8))
    symbols.flags.writeable = False
    grid = GridMap(blocked, cell_size_m, moves)
    return LoadedMap(_name_of(path_or_bytes), grid, symbols, found)


def _name_of(path_or_bytes: Source) -> str:
    if isinstance(path_or_bytes, (bytes, bytearray)):
        return "map"
    return Path(path_or_bytes).stem


def _header(data: bytes, source: str) -> tuple[int, int, int, int]:
    """(rows, cols, offset of the first row, its line number)."""
    if not data.strip():
        raise MapFormatError("empty: a map begins with 'type octile'", source=source)
    seen: dict[str, int] = {}
    at = 0
    for line in range(1, len(_HEADER_KEYS) + 2):
        end = data.find(b"\n", at, at + _HEADER_LINE_BYTES)
        end = min(len(data), at + _HEADER_LINE_BYTES) if end < 0 else end
        text = data[at:end]
        at = end + 1
        words = text.split()
        if words == [b"map"] and len(seen) == len(_HEADER_KEYS):
            return seen["height"], seen["width"], min(at, len(data)), line + 1
        key = words[0].decode("ascii", "replace") if words else ""
        expected = [k for k in _HEADER_KEYS if k not in seen]
        if key not in expected or len(words) != 2:
            wanted = " or ".join(f"'{k} ...'" for k in expected) or "'map'"
            raise MapFormatError(
                f"expected {wanted}, not {shown_bytes(text)}", line=line, source=source
            )
        seen[key] = _header_value(key, words[1], line, source)
    raise AssertionError("unreachable: the last header line is 'map' or refused")


def _header_value(key: str, field: bytes, line: int, source: str) -> int:
    if key == "type":
        if field != b"octile":
            raise MapFormatError(
                f"type must be octile, not {shown_bytes(field)}", line=line, source=source
            )
        return 0
    side = whole_number(field, key, line, source)
    if side == 0:
        raise MapFormatError(f"{key} must be at least 1, not 0", line=line, source=source)
    return side


def _body(
    data: bytes, at: int, line: int, rows: int, cols: int, source: str
) -> npt.NDArray[np.uint8]:
    """(rows, cols) bytes of the rows; first of all the claim is held against the bytes at hand."""
    at_hand = len(data) - at
    if rows * cols > at_hand:
        raise MapFormatError(
            f"truncated: the header claims {rows} x {cols} = {rows * cols} cells, "
            f"but only {at_hand} bytes follow it",
            line=line,
            source=source,
        )
    for line_end in (b"\n", b"\r\n"):
        symbols = _body_with(line_end, data, at, rows, cols)
        if symbols is not None:
            return symbols
    return _body_by_rows(data, at, line, rows, cols, source)


def _body_with(
    line_end: bytes, data: bytes, at: int, rows: int, cols: int
) -> npt.NDArray[np.uint8] | None:
    """The rows, if all end alike and nothing but blank lines follows; else None."""
    stride = cols + len(line_end)
    needed = rows * stride - len(line_end)
    tail = data[at + needed :]
    if len(data) < at + needed or tail.strip() or tail[:1] not in (b"", b"\r", b"\n"):
        return None
    table = np.frombuffer(data[at : at + needed] + line_end, dtype=np.uint8).reshape(rows, stride)
    symbols = np.array(table[:, :cols])
    ends_alike = (table[:, cols:] == np.frombuffer(line_end, dtype=np.uint8)).all()
    return symbols if ends_alike and not np.isin(symbols, (10, 13)).any() else None


def _body_by_rows(
    data: bytes, at: int, line: int, rows: int, cols: int, source: str
) -> npt.NDArray[np.uint8]:
    """Rows whose line ends are mixed, or the message that says which row is wrong."""
    symbols = np.empty((rows, cols), dtype=np.uint8)
    for row in range(rows):
        if at >= len(data):
            raise MapFormatError(f"truncated: {row} rows of {rows}", line=line + row, source=source)
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        length = end - at - int(data.endswith(b"\r", at, end))
        if length != cols:
            raise MapFormatError(
                f"row {row} has {length} characters, the header says width {cols}",
                line=line + row,
                source=source,
            )
        symbols[row] = np.frombuffer(data, dtype=np.uint8, count=cols, offset=at)
        at = end + 1
    if data[at:].strip():
        rest = data[at:].lstrip()
        raise MapFormatError(
            f"the header claims {rows} rows, but {shown_bytes(rest)} follows the last",
            line=line + rows + data.count(b"\n", at, len(data) - len(rest)),
            source=source,
        )
    return symbols


def _check_symbols(
    symbols: npt.NDArray[np.uint8], dialect: Dialect, line: int, source: str
) -> None:
    known = np.zeros(256, dtype=np.bool_)
    known[list(b"".join(_SYMBOLS[dialect]))] = True
    wrong = ~known[symbols]
    if not wrong.any():
        return
    row, col = divmod(int(wrong.argmax()), symbols.shape[1])
    symbol = int(symbols[row, col])
    elsewhere = [other for other, (free, blocked) in _SYMBOLS.items() if symbol in free + blocked]
    hint = f"; it belongs to dialect={elsewhere[0]!r}" if elsewhere else ""
    raise MapFormatError(
        f"unknown character {shown_bytes(bytes([symbol]))} in column {col} "
        f"(dialect {dialect}){hint}",
        line=line + row,
        source=source,
    )


def save_map(path: str | PathLike[str], grid: GridMap | LoadedMap) -> None:
    """Write a `.map`: a `LoadedMap` in its own symbols, a `GridMap` as `.` free and `@` blocked.

    Reading the file back (with the same dialect) gives the same cells, and the same symbols.

    Raises:
        OSError: the file cannot be written.
    """
    if isinstance(grid, LoadedMap):
        symbols = grid.symbols
    else:
        symbols = np.where(grid.blocked, np.uint8(ord("@")), np.uint8(ord(".")))
    rows, cols = symbols.shape
    lines = np.full((rows, cols + 1), ord("\n"), dtype=np.uint8)
    lines[:, :cols] = symbols
    header = f"type octile\nheight {rows}\nwidth {cols}\nmap\n".encode()
    Path(path).write_bytes(header + lines.tobytes())


@dataclass(frozen=True, eq=False)
class Scenario:
    """Queries of a `.scen` file with their published optima, one entry a query; arrays read-only.

    Attributes:
        bucket: (n,) int64 difficulty bucket.
        map_names: n names of the map as written.
        shape: (rows, cols) of the map, the same for all queries.
        starts, goals: (n, 2) int64 cells (row, col); the file has x = column first.
        optimal: (n,) float64 length of the best path for octile moves without corner cutting.
    """

    bucket: npt.NDArray[np.int64]
    map_names: tuple[str, ...]
    shape: tuple[int, int]
    starts: npt.NDArray[np.int64]
    goals: npt.NDArray[np.int64]
    optimal: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return self.bucket.size


def load_scenario(
    path_or_bytes: Source,
    grid: GridMap | LoadedMap | None = None,
    *,
    source: str | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> Scenario:
    """Read a MovingAI `.scen` (version 1).

    Args:
        path_or_bytes: a path, or the content as bytes.
        grid: the map of these queries; its size must be the one that the file states.
        source: the name in messages; the path by default.
        limit_bytes: a file over this size is refused unread.

    Raises:
        MapFormatError: no version line, no queries, a row that is not nine fields in range, rows
            that disagree on the size of the map, or a size that is not the map's.
    """
    data, shown = read_bounded(path_or_bytes, limit_bytes=limit_bytes, name=source)
    lines = lines_of(data, shown)
    number, first = next(lines, (1, b""))
    _check_version(first, number, shown)
    shape = None if grid is None else (grid.grid if isinstance(grid, LoadedMap) else grid).shape
    numbers, optimal, names = array("q"), array("d"), []
    interned: dict[bytes, str] = {}
    for number, line in lines:
        fields = line.split(b"\t") if line.count(b"\t") == 8 else line.split()
        row, length = _scenario_row(fields, shape, number, shown)
        shape = (row[1], row[2])
        numbers.extend((row[0], *row[3:]))
        optimal.append(length)
        names.append(interned.setdefault(fields[1], fields[1].decode("utf-8", "replace")))
    if shape is None or not names:
        raise MapFormatError("no queries after the version line", line=number, source=shown)
    table = np.frombuffer(numbers, dtype=np.int64).reshape(-1, 5)
    bucket, starts, goals = (owned(t, np.int64) for t in np.split(table, (1, 3), axis=1))
    return Scenario(bucket.ravel(), tuple(names), shape, starts, goals, owned(optimal, np.float64))


def _check_version(first: bytes, line: int, source: str) -> None:
    if first.split() not in ([b"version", b"1"], [b"version", b"1.0"]):
        reason = f"expected 'version 1', not {shown_bytes(first)}"
        raise MapFormatError(reason, line=line, source=source)


def _scenario_row(
    fields: list[bytes], shape: tuple[int, int] | None, line: int, source: str
) -> tuple[tuple[int, ...], float]:
    """(bucket, rows, cols, start row, start col, goal row, goal col) and the optimal length."""
    if len(fields) != 9:
        raise MapFormatError(
            f"a query has 9 fields (bucket, map, width, height, start x, start y, goal x, goal y, "
            f"optimal length), not {len(fields)}",
            line=line,
            source=source,
        )
    names = ("bucket", "width", "height", "start x", "start y", "goal x", "goal y")
    texts = (fields[0], *fields[2:8])
    values = [whole_number(t, n, line, source) for t, n in zip(texts, names, strict=True)]
    bucket, cols, rows, *ends = values
    if shape is not None and (rows, cols) != shape:
        raise MapFormatError(
            f"the query is for a map of {rows} rows x {cols} columns, not {shape[0]} x {shape[1]}",
            line=line,
            source=source,
        )
    for value, name, side in zip(ends, names[3:], (cols, rows, cols, rows), strict=True):
        if value >= side:
            raise MapFormatError(
                f"{name} = {value} lies outside 0..{side - 1}", line=line, source=source
            )
    start_x, start_y, goal_x, goal_y = ends
    length = _length(fields[8], line, source)
    return (bucket, rows, cols, start_y, start_x, goal_y, goal_x), length


def _length(field: bytes, line: int, source: str) -> float:
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise MapFormatError(
            f"optimal length must be a finite number >= 0, not {shown_bytes(field)}",
            line=line,
            source=source,
        )
    return value
