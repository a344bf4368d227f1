"""Pictures of the floor as it is, for people: numpy pixels, or text. The world does not notice."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from envs.layouts import Layout
from planners import GridMap

if TYPE_CHECKING:
    from envs.world import World

Picture = npt.NDArray[np.uint8]

FLOOR, WALL, STATION, CHARGER, FACE = range(5)
PALETTE = np.array(
    [(250, 249, 246), (74, 81, 92), (176, 208, 236), (186, 222, 178), (236, 231, 218)],
    dtype=np.uint8,
)
RISK, CLOSED, BELIEVED = (214, 96, 77), (150, 40, 130), (222, 178, 216)
PERSON, TRAFFIC, ROBOT, GOAL = (217, 95, 2), (117, 112, 179), (0, 90, 200), (0, 140, 60)
SIDE_PX, LEAST_PX, MOST_PX, WIDE = 640, 1, 16, 1024  # (a) of a picture and of a cell
SIGNS = {FLOOR: ".", WALL: "#", STATION: "S", CHARGER: "C", FACE: "."}


def draw(world: World) -> Picture:
    """(rows * k, cols * k, 3) uint8: shelves, places, believed risk, people, robots, the goal.

    Closed cells are purple, pale where that is only believed; people orange, traffic robots
    violet, the robot blue, its next stop ringed green. A graph is drawn by the positions of its
    nodes.
    """
    floor = _floor_of(world.layout)
    picture = np.repeat(np.repeat(_tinted(world, floor), floor.px, axis=0), floor.px, axis=1)
    for node in world.belief.believed_blocked:
        _square(picture, floor, *floor.xy(node), BELIEVED, 1.0)
    for node in world.floor.blocked:
        _square(picture, floor, *floor.xy(node), CLOSED, 0.7)
    goal = world.next_stop()
    if goal is not None:
        _square(picture, floor, *floor.xy(goal), GOAL, 1.0)
        _square(picture, floor, *floor.xy(goal), tuple(PALETTE[FLOOR]), 0.6)
    for x_m, y_m, person in _walkers(world):
        _disc(picture, floor, x_m, y_m, PERSON if person else TRAFFIC)
    _square(picture, floor, *world.robot_position_m, ROBOT, 0.8)
    return picture


def write(world: World) -> str:
    """The floor in signs: `#` wall, `S` station, `C` charger, `x` closed, `p` person, `t` traffic
    robot, `@` the robot, `G` its next stop; and a line on its state."""
    floor = _floor_of(world.layout)
    signs = [[SIGNS[kind] for kind in row] for row in floor.kinds.tolist()]

    def put(x_m: float, y_m: float, sign: str) -> None:
        row, col = floor.cell(x_m, y_m)
        signs[row][col] = sign

    for node in world.floor.blocked:
        put(*floor.xy(node), "x")
    goal = world.next_stop()
    if goal is not None:
        put(*floor.xy(goal), "G")
    for x_m, y_m, person in _walkers(world):
        put(x_m, y_m, "p" if person else "t")
    put(*world.robot_position_m, "@")
    robot, order = world.robot, world.book.taken
    state = f"t {world.time_s:.1f} s  charge {100 * robot.battery.soc:.1f} %"
    state += "  no order" if order is None else f"  {order.id}: stop {robot.stop + 1}"
    state += "" if order is None else f" of {len(order.stops)}"
    return "\n".join([*("".join(row) for row in signs), state])


def _walkers(world: World) -> list[tuple[float, float, bool]]:
    """Where everybody else is: x and y in metres, and whether it is a person."""
    crowd = world.crowd
    places = zip(crowd.agents.x_m.tolist(), crowd.agents.y_m.tolist(), strict=True)
    return [(x_m, y_m, i < crowd.people) for i, (x_m, y_m) in enumerate(places) if i < crowd.n]


class _Floor:
    """What of a layout a picture shows, and where a position lies in it."""

    def __init__(self, layout: Layout) -> None:
        at = np.asarray(layout.map.positions_m(np.arange(layout.map.size)), dtype=np.float64)
        self._at = at
        if isinstance(layout.map, GridMap):
            self._first, self._cell_m = np.zeros(2), layout.map.cell_size_m
            kinds = np.where(layout.map.blocked, WALL, FLOOR).astype(np.uint8)
        else:  # nodes as cells of a metre, farther apart where that would be too large
            self._first = at.min(axis=0)
            spread_m = float((at.max(axis=0) - self._first).max())
            self._cell_m = max(1.0, spread_m / WIDE)
            cols, rows = ((at.max(axis=0) - self._first) / self._cell_m).round().astype(int) + 1
            kinds = np.full((rows, cols), WALL, dtype=np.uint8)
        self.kinds = kinds
        for nodes, kind in (
            (range(layout.map.size) if not isinstance(layout.map, GridMap) else (), FLOOR),
            (layout.storage, FACE), (layout.stations, STATION), (layout.chargers, CHARGER),
        ):  # fmt: skip
            rows_, cols_ = self.cells(at[list(nodes)])
            kinds[rows_, cols_] = kind
        self.px = int(np.clip(SIDE_PX // max(kinds.shape), LEAST_PX, MOST_PX))

    def cells(self, at: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], ...]:
        """Rows and columns of positions (k, 2)."""
        cols, rows = ((at.reshape(-1, 2) - self._first) / self._cell_m).round().astype(np.int64).T
        return rows, cols

    def cell(self, x_m: float, y_m: float) -> tuple[int, int]:
        """Row and column of a position."""
        x0, y0 = self._first
        return round((y_m - y0) / self._cell_m), round((x_m - x0) / self._cell_m)

    def xy(self, node: int) -> tuple[float, float]:
        """Position of a node in metres."""
        x, y = self._at[node].tolist()
        return x, y

    def pixel(self, x_m: float, y_m: float) -> tuple[float, float]:
        """The middle of a position in pixels, (down, right)."""
        x0, y0 = self._first
        return (((y_m - y0) / self._cell_m) + 0.5) * self.px, (
            ((x_m - x0) / self._cell_m) + 0.5
        ) * self.px


@lru_cache(maxsize=4)
def _floor_of(layout: Layout) -> _Floor:
    return _Floor(layout)


def _tinted(world: World, floor: _Floor) -> Picture:
    """Colours of the cells: what stands there, tinted by the believed risk."""
    colours = PALETTE[floor.kinds].astype(np.float32)
    risk = np.asarray(world.belief.costs().layer("risk"))
    if risk.size == floor.kinds.size:
        share = np.clip(risk.reshape(floor.kinds.shape) / 0.25, 0.0, 0.6)
        share[floor.kinds == WALL] = 0.0
        colours += share[..., None] * (np.array(RISK, dtype=np.float32) - colours)
    return colours.astype(np.uint8)


def _square(
    picture: Picture, floor: _Floor, x_m: float, y_m: float, colour: tuple[int, ...], share: float
) -> None:
    """A square of `share` of a cell's side around a position."""
    down, right = floor.pixel(x_m, y_m)
    half = 0.5 * share * floor.px
    top, left = max(0, round(down - half)), max(0, round(right - half))
    picture[top : round(down + half), left : round(right + half)] = colour


def _disc(picture: Picture, floor: _Floor, x_m: float, y_m: float, colour: tuple[int, ...]) -> None:
    down, right = floor.pixel(x_m, y_m)
    half = 0.4 * floor.px
    top, left = max(0, round(down - half)), max(0, round(right - half))
    patch = picture[top : round(down + half), left : round(right + half)]
    i, j = np.ogrid[: patch.shape[0], : patch.shape[1]]
    round_ = (i + 0.5 + top - down) ** 2 + (j + 0.5 + left - right) ** 2 <= half * half
    patch[round_] = colour
