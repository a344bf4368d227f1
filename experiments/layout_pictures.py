"""A layout drawn on axes that the caller hands over: walls, popular faces, places, zones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from envs.layouts import Layout
from envs.zones import Zone
from planners import GridMap
from planners.drawing import Axes, draw_floor, draw_streets
from planners.drawing.colours import BLACK, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW
from planners.drawing.heat import positions

Values = npt.NDArray[Any]

ARROWS = {"north": "^", "east": ">", "south": "v", "west": "<"}
ZONE_COLOURS = {"speed_limit": ORANGE, "one_way": PURPLE, "keep_out": VERMILION}
ZONE_HATCHES = {"speed_limit": "..", "keep_out": "xxxx"}
ZONE_TINT = {"speed_limit": 0.4, "keep_out": 0.75}  # how much of the colour is seen
MOST_ARROWS = 24  # of a zone; more would hide what is below
LEAST_SIDE, MOST_SIDE, PICTURE, CROWD = 1.2, 5.5, 330.0, 50.0  # points of marks and pictures


def draw_layout(layout: Layout, axes: Axes) -> Axes:
    """Walls and floor (or streets), pick faces by popularity, stations, chargers and zones.

    Args:
        layout: on a grid, or on a graph with positions.
        axes: to draw on; row 0 of a warehouse is at the top.

    Returns:
        The axes, with a label for each kind of mark.

    Raises:
        ValueError: a graph without positions.
    """
    at = positions(layout.map)
    size = _side(layout, at)
    if isinstance(layout.map, GridMap):
        draw_floor(axes, layout.map)
    else:
        draw_streets(axes, layout.map)
        axes.yaxis.set_inverted(True)  # y runs down, as the rows of a grid
    _draw_faces(axes, layout, at, size)
    draw_zones(axes, layout, size)
    draw_places(axes, layout, size)
    axes.set_title(layout.name, fontsize=11)
    return axes


def draw_places(axes: Axes, layout: Layout, size: float) -> Axes:
    """Stations and chargers; `size` in points of the marker's side."""
    marks = (("station", layout.stations, "s", GREEN), ("charger", layout.chargers, "P", YELLOW))
    at = positions(layout.map)
    for name, nodes, marker, colour in marks:
        x, y = at[list(nodes)].T
        area, edge = (size**2, 0.1 * size) if marker == "s" else (3 * size**2 + 8, 0.1 * size + 0.1)
        axes.scatter(x, y, s=area, marker=marker, c=colour, zorder=3, edgecolors=BLACK,
                     linewidths=edge, label=f"{name} ({len(nodes)})")  # fmt: skip
    return axes


def _side(layout: Layout, at: Values) -> float:
    """Points of a mark's side: about a cell, but visible, and small where there are many marks."""
    pitch = 1.0
    if not isinstance(layout.map, GridMap) and layout.map.indices.size:
        gaps = np.hypot(*(at[layout.map.indices] - at[layout.map.sources]).T)
        pitch = float(np.median(gaps)) or 1.0
    cells = max(1.0, float(np.ptp(at, axis=0).max()) / pitch)
    marks = len(layout.stations) + len(layout.chargers)
    least = min(MOST_SIDE, max(LEAST_SIDE, CROWD / marks**0.5))
    return float(min(MOST_SIDE, max(least, PICTURE / cells)))


def _draw_faces(axes: Axes, layout: Layout, at: Values, size: float) -> None:
    """Pick faces, the more picks the darker; the lightest is still no floor."""
    label, nodes = f"pick face ({len(layout.storage)}), darker: more picks", list(layout.storage)
    top = float(np.percentile(layout.pick_share, 99))
    if isinstance(layout.map, GridMap):
        share = np.full(layout.map.size, np.nan)
        share[nodes] = layout.pick_share
        axes.imshow(share.reshape(layout.map.shape), cmap="Blues", vmin=-top / 3, vmax=top,
                    interpolation="nearest")  # fmt: skip
        axes.scatter([], [], marker="s", c=SKY, label=label)
        return
    x, y = at[nodes].T
    axes.scatter(x, y, s=(0.9 * size) ** 2, c=layout.pick_share, cmap="Blues", vmin=-top / 3,
                 vmax=top, linewidths=0, zorder=2)  # fmt: skip
    axes.scatter([], [], c=SKY, label=label)


def draw_zones(axes: Axes, layout: Layout, size: float) -> Axes:
    """Every zone with its kind in the legend; `size` in points of a mark's side.

    On a grid an outline with a hatch, or with arrows where it is one way, so that what is drawn
    below stays legible (the shelves in a zone are hatched with it); on a graph arrows, or light
    squares below the streets.
    """
    at, map = positions(layout.map), layout.map
    free = ~np.asarray(map.blocked).ravel()
    for zone in layout.zones:
        nodes = np.array(zone.nodes)
        if zone.direction is not None:
            _draw_arrows(axes, zone, at[nodes[free[nodes]]], size)
        if isinstance(map, GridMap):
            inside = np.zeros(map.size, dtype=np.bool_)
            inside[nodes] = True
            _draw_outline(axes, zone, inside.reshape(map.shape))
        elif zone.direction is None:
            _draw_squares(axes, zone, at[nodes[free[nodes]]], size)
    return axes


def _label(zone: Zone) -> str:
    limit = "" if zone.speed_m_s is None else f" {zone.speed_m_s:g} m/s"
    towards = "" if zone.direction is None else f" {zone.direction}"
    return f"{zone.name}: {zone.kind.replace('_', ' ')}{limit}{towards}"


def _draw_arrows(axes: Axes, zone: Zone, at: Values, size: float) -> None:
    assert zone.direction is not None
    x, y = at[:: max(1, -(-len(at) // MOST_ARROWS))].T
    axes.scatter(x, y, s=(1.4 * size) ** 2, marker=ARROWS[zone.direction], linewidths=0.3,
                 c=ZONE_COLOURS[zone.kind], edgecolors="white", zorder=2.5,
                 label=_label(zone))  # fmt: skip


def _draw_outline(axes: Axes, zone: Zone, inside: Values) -> None:
    """The edges of a zone's cells (rows, cols), and a hatch within for all but one way."""
    for colour, width in (("white", 2.6), (ZONE_COLOURS[zone.kind], 1.3)):
        axes.plot(*_edges(inside), color=colour, linewidth=width, zorder=2.2,
                  solid_capstyle="projecting")  # fmt: skip
    if zone.kind not in ZONE_HATCHES:
        return
    style: dict[str, Any] = {"facecolor": "none", "edgecolor": ZONE_COLOURS[zone.kind]}
    style["hatch"] = ZONE_HATCHES[zone.kind]
    axes.fill(*_boxes(inside), linewidth=0, zorder=2.1, **style)
    axes.fill([], [], linewidth=1.3, label=_label(zone), **style)


def _boxes(inside: Values) -> list[Values]:
    """x and y of the corners of every run of cells within a row, one after the other."""
    step = np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, first = np.nonzero(step > 0)
    end = np.nonzero(step < 0)[1]
    boxes: list[Values] = []
    for row, left, right in zip(rows, first, end, strict=True):
        boxes += [
            np.array([left, right, right, left]) - 0.5,
            row + np.array([-0.5, -0.5, 0.5, 0.5]),
        ]
    return boxes


def _edges(inside: Values) -> tuple[Values, Values]:
    """x and y of the sides between cells that are inside and cells that are not, parted by nan."""
    padded = np.pad(inside, 1)
    row, col = np.nonzero(padded[1:, :-1] != padded[:-1, :-1])  # sides that lie level
    level = np.array([col - 1.5, col - 0.5, np.full(col.size, np.nan)]), np.array([row - 0.5] * 3)
    row, col = np.nonzero(padded[:-1, 1:] != padded[:-1, :-1])  # sides that stand upright
    upright = np.array([col - 0.5] * 3), np.array([row - 1.5, row - 0.5, np.full(row.size, np.nan)])
    x, y = (np.concatenate([a, b], axis=1).T.ravel() for a, b in zip(level, upright, strict=True))
    return x, y


def _draw_squares(axes: Axes, zone: Zone, at: Values, size: float) -> None:
    """Under the streets, and nowhere darker where squares overlap."""
    colour, tint = ZONE_COLOURS[zone.kind], ZONE_TINT[zone.kind]
    channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])
    light = (255 - tint * (255 - channels)) / 255
    axes.scatter(
        at[:, 0], at[:, 1], s=(2 * size) ** 2, marker="s", color=light, linewidths=0, zorder=0.5
    )
    axes.scatter([], [], s=80, marker="s", color=light, label=_label(zone))
