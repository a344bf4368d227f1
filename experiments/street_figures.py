"""Pictures of a shift on a graph: streets with values along them, and the places of a layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from envs.formats import LoadedGraph
from envs.layouts import Layout
from envs.metrics import EpisodeTrace
from planners import GraphMap
from planners.drawing import draw_trace
from planners.drawing.colours import BLACK, GREEN, PURPLE, STREET, YELLOW
from planners.drawing.heat import caption, draw_ends
from planners.result import Trace

from .figures import DPI, checked_picture
from .layout_pictures import draw_zones

Values = npt.NDArray[Any]
MARGIN = 0.03  # of the picture's side, around the streets
ZONE_SIDE = 4.0  # points of a mark of a zone


def draw_layout_streets(axes: Axes, graph: GraphMap, *, y_down: bool = True) -> Axes:
    """The open streets of a graph; y grows downward in living worlds, upward in files of roads."""
    axes.add_collection(LineCollection(list(_lines(graph)), colors=STREET, linewidths=0.8))
    at = graph.positions_m(np.flatnonzero(~graph.blocked))
    low, high = at.min(axis=0), at.max(axis=0)
    room = MARGIN * max(1.0, float((high - low).max()))
    axes.set_xlim(low[0] - room, high[0] + room)
    ends = low[1] - room, high[1] + room
    axes.set_ylim(ends[::-1] if y_down else ends)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def draw_along(axes: Axes, graph: GraphMap, values: Values, label: str, colours: str) -> Axes:
    """Values per node, along the edges that lead to them, with a colour bar; zero stays empty."""
    on = values[_ends(graph)[1]]
    shown = np.isfinite(on) & (on > 0)
    if not shown.any():
        axes.set_xlabel(f"no {label} anywhere")
        return axes
    order = np.argsort(on[shown], kind="stable")  # the highest on top
    top = max(float(np.percentile(on[shown], 99.5)), 1e-12)
    lines = LineCollection(list(_lines(graph)[shown][order]), cmap=mpl.colormaps[colours],
                           linewidths=2.2, zorder=2, capstyle="round")  # fmt: skip
    lines.set_array(on[shown][order])
    lines.set_clim(0.0, top)
    axes.add_collection(lines)
    bar = axes.figure.colorbar(lines, ax=axes, label=label, location="bottom", shrink=0.8, pad=0.02,
                         extend="max" if on[shown].max() > top else "neither")  # fmt: skip
    bar.ax.xaxis.set_major_locator(MaxNLocator(4))
    return axes


def draw_graph_places(axes: Axes, layout: Layout) -> Axes:
    """Stations, pick faces and chargers of a layout on a graph."""
    marks = (
        ("station", layout.stations, "s", GREEN, 14),
        ("pick-up", layout.storage, "^", PURPLE, 26),
        ("charger", layout.chargers, "P", YELLOW, 80),
    )
    for name, nodes, marker, colour, area in marks:
        at = layout.map.positions_m(np.array(nodes, dtype=np.int64))
        axes.scatter(at[:, 0], at[:, 1], s=area, marker=marker, c=colour, zorder=3,
                     edgecolors=BLACK, linewidths=0.4, label=f"{name} ({len(nodes)})")  # fmt: skip
    return axes


def save_street_map(file: Path, layout: Layout, trace: EpisodeTrace) -> None:
    """The streets three times: where the robot drove, and its final risk and congestion."""
    graph = layout.map
    assert isinstance(graph, GraphMap)
    figure = Figure(figsize=(16, 6.4), layout="constrained")
    panels = list(figure.subplots(1, 3))
    heats = (
        ("visits of the robot", trace.visits, "viridis", "routes"),
        ("expected seconds near people per metre", trace.risk, "magma_r", "risk"),
        ("extra seconds per metre", trace.congestion, "Blues", "congestion"),
    )
    for axes, (label, values, colours, name) in zip(panels, heats, strict=True):
        draw_along(draw_layout_streets(axes, graph), graph, values, label, colours)
        draw_graph_places(draw_zones(axes, layout, ZONE_SIDE), layout)
        axes.set_title(f"{layout.name}: {name}" if axes is panels[0] else name, fontsize=11)
    _save(figure, panels[0], file)


def save_street_plan(file: Path, loaded: LoadedGraph, trace: Trace, risk: Values | None) -> None:
    """Streets and path over the order of expansion, and beside it over the risk per node.

    Raises:
        ValueError: a network without positions, or a file name that ends in no format we write.
    """
    panels = 1 if risk is None else 2
    figure = Figure(figsize=(9 * panels, 8.4), layout="constrained")
    axes = list(figure.subplots(1, panels, squeeze=False).flat)
    draw_trace(trace, axes[0])
    axes[0].set_title(f"{loaded.name}, {caption(trace)}", fontsize=11)
    if risk is not None:
        if risk.size != loaded.graph.size:
            raise ValueError("a risk per edge cannot be drawn: give one value per node")
        draw_layout_streets(axes[1], loaded.graph, y_down=False)
        draw_along(axes[1], loaded.graph, risk, "risk, cost per metre", "magma_r")
        draw_ends(axes[1], trace)
    _save(figure, axes[0], file)


def _save(figure: Figure, axes: Axes, file: Path) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    checked_picture(file).parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Software": None} if file.suffix.lower() == ".png" else None
    figure.savefig(file, dpi=DPI, metadata=metadata, bbox_inches="tight", pad_inches=0.1)


def _ends(graph: GraphMap) -> tuple[Values, Values]:
    """Tails and heads of the edges between open nodes."""
    tails, heads = graph.sources.astype(np.int64), graph.indices.astype(np.int64)
    open_ = ~(graph.blocked[tails] | graph.blocked[heads])
    return tails[open_], heads[open_]


def _lines(graph: GraphMap) -> Values:
    """(edges, 2, 2) the straight lines of the edges between open nodes."""
    tails, heads = _ends(graph)
    return np.stack([graph.positions_m(tails), graph.positions_m(heads)], axis=1)
