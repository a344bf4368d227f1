"""Tasks, agents and problems of the League of Robot Runners.

A location is a node id of the map, `row * width + col`. A task or agent file is a count and then
one task (agent) a line; lines that begin with `#` and blank lines are skipped everywhere.

- 2023: one location a task.
- 2024 and later (with a comment line `# version ...`): comma-separated locations, visited in order.

Fewer lines than the count claims: the file is truncated, an error. More lines: only the claimed
ones are read, as the league's own reader does.

Format: https://github.com/MAPF-Competition/Start-Kit/blob/main/Input_Output_Format.md
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from planners import GraphMap, GridMap, MapFormatError
from planners.errors import expect

from ..aisles import cells_of, nearest
from .movingai import LoadedMap, load_map
from .textio import LIMIT_BYTES, Source, beside, lines_of, owned, read_bounded, whole_number

if TYPE_CHECKING:
    from ..layouts import Layout

_JSON_LIMIT_BYTES = 2**20


@dataclass(frozen=True, eq=False)
class Tasks:
    """Tasks in file order; task k visits `locations[indptr[k] : indptr[k + 1]]` in that order.

    Attributes:
        indptr: (n + 1,) int64, locations: (m,) int64 node ids of the grid; both read-only.
        shape: (rows, cols) of the grid that the locations belong to.
        extra_lines: task lines beyond the claimed count, which were not read.
    """

    indptr: npt.NDArray[np.int64]
    locations: npt.NDArray[np.int64]
    shape: tuple[int, int]
    extra_lines: int = 0

    def __len__(self) -> int:
        return self.indptr.size - 1

    def __getitem__(self, task: int) -> tuple[int, ...]:
        task = range(len(self))[task]
        return tuple(self.locations[self.indptr[task] : self.indptr[task + 1]].tolist())

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        return (self[task] for task in range(len(self)))


@dataclass(frozen=True, eq=False)
class Problem:
    """A problem file with everything that it names.

    Attributes:
        name: file name without suffix.
        loaded: the map.
        tasks: the tasks.
        agents: (team_size,) int64 start locations, read-only.
        version: as written, "" in the older files without one.
    """

    name: str
    loaded: LoadedMap
    tasks: Tasks
    agents: npt.NDArray[np.int64]
    version: str


def load_tasks(
    path_or_bytes: Source,
    grid: GridMap | LoadedMap,
    *,
    source: str | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> Tasks:
    """Read a task file of any year against its map.

    Raises:
        MapFormatError: unreadable file, a count that is missing or over the lines at hand, a
            location that is no number, beyond the map, or blocked; names the value and the line.

    >>> tasks = load_tasks(b"2\\n0\\n1,2\\n", GridMap([[0, 0, 0]]))
    >>> list(tasks)
    [(0,), (1, 2)]
    """
    grid = grid.grid if isinstance(grid, LoadedMap) else grid
    data, shown = read_bounded(path_or_bytes, limit_bytes=limit_bytes, name=source)
    indptr, locations, extra = _located_lines(data, grid, "task", shown)
    return Tasks(indptr, locations, grid.shape, extra)


def load_agents(
    path_or_bytes: Source,
    grid: GridMap | LoadedMap,
    *,
    source: str | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> npt.NDArray[np.int64]:
    """Read an agent file: (n,) int64 start locations, read-only.

    Raises:
        MapFormatError: as `load_tasks`, and more than one location in a line.
    """
    grid = grid.grid if isinstance(grid, LoadedMap) else grid
    data, shown = read_bounded(path_or_bytes, limit_bytes=limit_bytes, name=source)
    indptr, locations, _ = _located_lines(data, grid, "agent", shown)
    crowded = np.flatnonzero(np.diff(indptr) != 1)
    if crowded.size:
        raise MapFormatError(
            f"agent {crowded[0]} has {np.diff(indptr)[crowded[0]]} locations: one start each",
            source=shown,
        )
    return locations


def _located_lines(
    data: bytes, grid: GridMap, what: str, source: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """(indptr, locations, lines left unread) of a counted list of location lines."""
    lines = lines_of(data, source)
    number, first = next(lines, (1, b""))
    claimed = whole_number(first, f"the number of {what}s", number, source)
    if claimed == 0:
        raise MapFormatError(f"the file claims 0 {what}s", line=number, source=source)
    indptr, locations, line_of = array("q", [0]), array("q"), array("q")
    extra = 0
    for number, line in lines:
        if len(indptr) > claimed:
            extra += 1
            continue
        for field in line.removesuffix(b",").split(b","):
            locations.append(whole_number(field.strip(), f"a {what}'s location", number, source))
            line_of.append(number)
        indptr.append(len(locations))
    if len(indptr) <= claimed:
        raise MapFormatError(
            f"truncated: the file claims {claimed} {what}s but holds {len(indptr) - 1}",
            line=number,
            source=source,
        )
    nodes = owned(locations, np.int64)
    _check_on_floor(nodes, line_of, grid, what, source)
    return owned(indptr, np.int64), nodes, extra


def _check_on_floor(
    nodes: npt.NDArray[np.int64], line_of: array[int], grid: GridMap, what: str, source: str
) -> None:
    beyond = nodes >= grid.size
    if beyond.any():
        at = int(beyond.argmax())
        raise MapFormatError(
            f"{what} location {nodes[at]} is beyond the map of {grid.rows} x {grid.cols}: "
            f"locations run from 0 to {grid.size - 1}",
            line=line_of[at],
            source=source,
        )
    blocked = grid.blocked.ravel()[nodes]
    if blocked.any():
        at = int(blocked.argmax())
        row, col = grid.cell(int(nodes[at]))
        raise MapFormatError(
            f"{what} location {nodes[at]}, cell ({row}, {col}), is blocked on the map",
            line=line_of[at],
            source=source,
        )


def load_problem(path: str | PathLike[str]) -> Problem:
    """Read a problem `.json` and the map, tasks and agents that it names.

    Files are looked for at the place stated, relative to the folder of the json, and then by their
    base name beside it; a place outside that folder is refused, links included.

    Raises:
        MapFormatError: no such json, a key missing or of the wrong type, a file outside the folder
            or absent, fewer agents than `teamSize`, or what the files themselves are refused for.
    """
    data, shown = read_bounded(path, limit_bytes=_JSON_LIMIT_BYTES)
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MapFormatError(f"no valid JSON: {error}", source=shown) from error
    if not isinstance(fields, dict):
        raise MapFormatError(f"must be a JSON object, not {type(fields).__name__}", source=shown)
    folder = Path(path).parent
    files = {
        key: beside(folder, _text(fields, key, shown), key, shown)
        for key in ("mapFile", "taskFile", "agentFile")
    }
    team_size = fields.get("teamSize")
    if isinstance(team_size, bool) or not isinstance(team_size, int) or team_size < 1:
        raise MapFormatError(
            f"teamSize must be a whole number >= 1, not {team_size!r}", source=shown
        )
    loaded = load_map(files["mapFile"], "lorr")
    agents = load_agents(files["agentFile"], loaded)
    if agents.size < team_size:
        raise MapFormatError(
            f"teamSize is {team_size}, but {files['agentFile']} holds {agents.size} agents",
            source=shown,
        )
    tasks = load_tasks(files["taskFile"], loaded)
    version = str(fields.get("version", ""))
    return Problem(Path(path).stem, loaded, tasks, agents[:team_size], version)


def _text(fields: dict[str, Any], key: str, source: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise MapFormatError(f"{key} must be the name of a file, not {value!r}", source=source)
    return value


def orders_from_tasks(tasks: Tasks, layout: Layout) -> list[tuple[int, ...]]:
    """The tasks as orders for one robot: node ids of `layout.map`, first pick, last drop.

    A task of one location is picked there and dropped at the nearest station by path, ties to the
    lower node id; if the location is itself a station, the order is picked at the nearest storage
    cell and dropped at that station. A task of several locations is visited in its order. A task
    that touches a place which the layout's floor does not connect to its stations is left out, so
    `len(tasks) - len(result)` of them were.

    Raises:
        ValueError: the tasks belong to a grid of another size.
    """
    expect(tasks, Tasks, "tasks")
    node_of = _node_of_location(tasks, layout)
    one = any(length == 1 for length in np.diff(tasks.indptr))
    to_station = nearest(layout.map, layout.stations, towards=True)
    to_storage = nearest(layout.map, layout.storage, towards=False) if one else to_station
    stations = set(layout.stations)
    orders = []
    for task in tasks:
        stops = [int(node_of[location]) for location in task]
        if any(node < 0 or to_station[node] < 0 for node in stops):
            continue
        if len(stops) == 1:
            place = stops[0]
            pick = int(to_storage[place]) if place in stations else place
            stops = [pick, place if place in stations else int(to_station[place])]
        orders.append(tuple(stops))
    return orders


def _node_of_location(tasks: Tasks, layout: Layout) -> npt.NDArray[np.int64]:
    """The layout's node for every location of the tasks' grid, -1 where there is none."""
    if isinstance(layout.map, GraphMap):
        cells = cells_of(layout.map)
        if (cells >= tasks.shape).any():
            raise ValueError(
                f"the layout reaches cell {cells.max(axis=0)}, the tasks {tasks.shape}"
            )
        nodes = np.full(tasks.shape, -1, dtype=np.int64)
        nodes[tuple(cells.T)] = np.arange(layout.map.size)
        return nodes.ravel()
    if layout.map.shape != tasks.shape:
        raise ValueError(
            f"the tasks belong to a grid of {tasks.shape[0]} x {tasks.shape[1]}, "
            f"the layout is {layout.map.rows} x {layout.map.cols}"
        )
    return np.arange(layout.map.size, dtype=np.int64)
