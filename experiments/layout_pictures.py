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
ZONE_TINT = {"speed_limit": 0.4, "one_way": 1.0, "keep_out": 0.75}  # how much of the colour is seen
MOST_ARROWS = 400  # of a zone; more would run together
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
    for zone in layout.zones:
        _draw_zone(axes, layout, zone, at, size)
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


def _draw_zone(axes: Axes, layout: Layout, zone: Zone, at: Values, size: float) -> None:
    nodes = np.array(zone.nodes)
    nodes = nodes[~np.asarray(layout.map.blocked).ravel()[nodes]]
    colour, tint = ZONE_COLOURS[zone.kind], ZONE_TINT[zone.kind]
    label = f"{zone.name}: {zone.kind.replace('_', ' ')}"
    if zone.speed_m_s is not None:
        label += f" {zone.speed_m_s:g} m/s"
    if zone.direction is not None:
        x, y = at[nodes[:: -(-nodes.size // MOST_ARROWS)]].T
        axes.scatter(x, y, s=(1.4 * size) ** 2, marker=ARROWS[zone.direction], c=colour,
                     linewidths=0, zorder=2.5, label=f"{label} {zone.direction}")  # fmt: skip
        return
    channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])
    light = np.append(255 - tint * (255 - channels), 255).astype(np.uint8)
    if isinstance(layout.map, GridMap):
        table = np.zeros((layout.map.size, 4), dtype=np.uint8)
        table[nodes] = [*channels, round(255 * tint)]
        axes.imshow(table.reshape(*layout.map.shape, 4), interpolation="nearest", zorder=1.5)
    else:  # under the streets, and nowhere darker where squares overlap
        x, y = at[nodes].T
        axes.scatter(x, y, s=(2 * size) ** 2, marker="s", color=light / 255, linewidths=0,
                     zorder=0.5)  # fmt: skip
    axes.scatter([], [], s=80, marker="s", color=light / 255, label=label)
