"""Large floors from copies of a small one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from planners import GridMap

from ..aisles import largest_floor
from ..streams import stream
from ..zones import Zone
from .layout import Layout, Mask
from .walls import check_counts

Ids = npt.NDArray[np.int64]

LARGEST_SIDE = 4096  # cells
MOST_PLACES = 10_000  # (a): no study tells more of them apart


def tile(
    layout: Layout, rows: int, cols: int, *, lane: int = 1, most: int = MOST_PLACES, seed: int = 0
) -> Layout:
    """A floor of rows x cols copies of a grid layout, with free lanes between them.

    Every copy has a lane of free cells along its south and its east. Where a copy's floor does not
    touch one of its four edges, a door is cut: the shortest straight way out, ties to the north and
    west. So all places reach each other. Zones are repeated, one zone over all copies; popularity
    is that of the copy, shared out evenly. Memory grows with the cells, about 20 bytes each at the
    peak, and with the places that are kept.

    Args:
        layout: on a grid without one-way moves.
        rows, cols: number of copies down and across.
        lane: width of the lanes in cells.
        most: so many stations and so many pick faces at most are kept, and a tenth of it of
            chargers, drawn evenly (assumptions).
        seed: of that draw.

    Raises:
        ValueError: an aisle graph, a grid with one-way moves, a count below 1, or a floor of more
            than 4096 cells in a direction.

    >>> from envs.layouts import built_in
    >>> tile(built_in(), 2, 3).map.shape
    (68, 174)
    """
    check_counts(rows=rows, cols=cols, lane=lane, most=most)
    grid = _checked(layout, rows, cols, lane)
    walls = np.pad(_with_doors(grid), ((0, lane), (0, lane)))
    density = np.pad(layout.pick_density.reshape(grid.shape), ((0, lane), (0, lane)))
    copies = _Copies(grid, rows, cols, walls.shape)
    return Layout(
        f"{layout.name} {rows} x {cols}",
        GridMap(np.tile(walls, (rows, cols)), grid.cell_size_m, grid.moves),
        pick_density=np.tile(density / np.float32(rows * cols), (rows, cols)).ravel(),
        zones=tuple(_repeated(zone, copies) for zone in layout.zones),
        **_places(layout, copies, most, seed),
    )


def _checked(layout: Layout, rows: int, cols: int, lane: int) -> GridMap:
    """The grid to tile; see `tile` for what is refused."""
    grid = layout.map
    if not isinstance(grid, GridMap) or grid.one_way is not None:
        raise ValueError(f"{grid!r} cannot be tiled: take a grid without one-way moves")
    tall, wide = grid.rows + lane, grid.cols + lane
    if max(rows * tall, cols * wide) > LARGEST_SIDE:
        raise ValueError(
            f"{rows} x {cols} copies of {tall} x {wide} cells (lanes included) are over "
            f"{LARGEST_SIDE} in a direction: ask for at most {LARGEST_SIDE // tall} x "
            f"{LARGEST_SIDE // wide}"
        )
    return grid


class _Copies:
    """Node ids of the copies of a grid's nodes on the tiled one."""

    def __init__(self, grid: GridMap, rows: int, cols: int, pitch: tuple[int, int]) -> None:
        self._grid, self._wide = grid, cols * pitch[1]
        first = np.add.outer(np.arange(rows) * pitch[0] * self._wide, np.arange(cols) * pitch[1])
        self._first = first.reshape(-1, 1)

    def all(self, nodes: tuple[int, ...]) -> Ids:
        """(copies, nodes) ids of the same nodes in every copy."""
        cells = self._grid.cells(nodes)
        return np.asarray(self._first + cells[:, 0] * self._wide + cells[:, 1])


def _places(layout: Layout, copies: _Copies, most: int, seed: int) -> dict[str, Any]:
    """The places that are kept, the share of each pick face and the power of each charger."""
    stations, _ = _thinned(copies.all(layout.stations), most, seed, "stations")
    storage, face = _thinned(copies.all(layout.storage), most, seed, "storage")
    chargers, charger = _thinned(copies.all(layout.chargers), max(1, most // 10), seed, "chargers")
    power = np.array(layout.charger_w)[charger] if layout.charger_w else np.empty(0)
    return {
        "stations": tuple(stations.tolist()),
        "storage": tuple(storage.tolist()),
        "chargers": tuple(chargers.tolist()),
        "pick_share": layout.pick_share[face],
        "charger_w": tuple(power.tolist()),
    }


def _repeated(zone: Zone, copies: _Copies) -> Zone:
    return replace(zone, nodes=tuple(np.sort(copies.all(zone.nodes), axis=None).tolist()))


def _thinned(nodes: Ids, most: int, seed: int, kind: str) -> tuple[Ids, Ids]:
    """At most so many of (copies, places) ids, sorted, and which place of its copy each one is."""
    flat, count = nodes.ravel(), nodes.size
    if count > most:
        drawn = stream(seed, f"layout.tiles.{kind}").choice(count, most, replace=False)
        flat, place = flat[drawn], drawn % nodes.shape[1]
    else:
        place = np.arange(count) % nodes.shape[1]
    order = np.argsort(flat)
    return flat[order], place[order]


def _with_doors(grid: GridMap) -> Mask:
    """The walls of a copy, with a straight way out of its largest floor to each of its edges."""
    floor = largest_floor(grid).reshape(grid.shape)
    walls = ~floor
    for turn in range(4):  # north, east, south, west lie on top one after the other
        turned, inside = np.rot90(walls, turn), np.rot90(floor, turn)
        depth = np.where(inside.any(axis=0), inside.argmax(axis=0), grid.size)
        col = int(depth.argmin())
        turned[: depth[col], col] = False
    return walls
