"""Maps, paths and the order of expansion, drawn on axes that the caller hands over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..errors import expect_all
from ..graphs import GraphMap, Map
from ..maps import Cell, GridMap
from ..result import PlanResult, Trace
from .colours import BLACK, FLOOR, ORDER, SKY, STREET, VERMILION, WAITING, WALL, YELLOW

Values = npt.NDArray[Any]
LABEL = "order of expansion"
DOT = 6.0  # area of a node, square points
MOST_PANELS_A_ROW = 3


def draw_floor(axes: Axes, grid: GridMap) -> Axes:
    """Walls dark, floor light; row 0 at the top."""
    colours = ListedColormap([FLOOR, WALL])
    axes.imshow(grid.blocked, cmap=colours, vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def draw_streets(axes: Axes, graph: GraphMap) -> Axes:
    """The edges of a graph as lines between the positions of their nodes.

    Raises:
        ValueError: a graph without positions.
    """
    ends = np.stack([graph.sources, graph.indices], axis=1)
    once = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
    lines = LineCollection(list(positions(graph)[once]), colors=STREET, linewidths=0.5, zorder=1)
    axes.add_collection(lines)
    axes.set_aspect("equal", adjustable="datalim")
    axes.autoscale_view()
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def draw_heat(
    axes: Axes, grid: GridMap, values: Values, label: str, colours: str, top: float | None = None
) -> Axes:
    """Values per cell over the floor, with a colour bar; zero, missing and blocked stay empty.

    Args:
        top: end of the scale, which then belongs to several panels: no bar is drawn.
    """
    table = np.asarray(values, dtype=np.float64).reshape(grid.shape)
    hidden = grid.blocked | ~np.isfinite(table) | (table <= 0)
    shown = np.ma.masked_array(table, hidden)
    if hidden.all():
        axes.set_xlabel(f"no {label} anywhere")
        return axes
    counts = bool((shown == shown.round()).all())
    most = float(shown.max())
    # A single hot cell must not wash out all the others.
    end = top or (most if counts else float(np.percentile(shown.compressed(), 99.5)))
    image = axes.imshow(
        shown, cmap=mpl.colormaps[colours], vmin=0.0, vmax=end, interpolation="nearest"
    )
    if top is None:
        _bar([axes], image, label, counts, grid.cols > grid.rows, end < most)
    return axes


def draw_path(axes: Axes, cells: Values, start: Cell, goal: Cell) -> Axes:
    """A path as a line with a halo, the start as a disc, the goal as a star."""
    ends = np.array([start, goal], dtype=np.float64)
    return _draw_way(axes, np.asarray(cells)[:, ::-1], ends[:, ::-1])


def draw_trace(trace: Trace, axes: Axes | None = None, top: float | None = None) -> Axes:
    """What a search expanded, when, what waited at its end, and the path; see `Trace.draw`.

    Args:
        top: end of the colour scale, where several panels share one: no bar is drawn.
    """
    if axes is None:
        axes = Figure(map_size(trace.map), layout="constrained").add_subplot()
    draw_map(axes, trace.map)
    draw_waiting(axes, trace)
    if isinstance(trace.map, GridMap):
        draw_heat(axes, trace.map, trace.order(), LABEL, ORDER, top)
    else:
        _draw_dots(axes, trace, top)
    draw_ends(axes, trace)
    axes.set_title(caption(trace), fontsize=10)
    return axes


def draw_traces(results: Sequence[PlanResult], axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Several searches side by side on one scale of colours, one a panel.

    Args:
        results: answers of `plan(..., trace=True)`, at least one.
        axes: as many axes of one figure; without them those of a new figure.

    Returns:
        The axes, titled with strategy, expansions and cost.

    Raises:
        ValueError: no results, one without a trace, or another number of axes.

    >>> from planners import GridMap, plan
    >>> grid = GridMap([[0, 0, 0], [0, 1, 0]])
    >>> results = [plan(grid, 0, 5, strategy=name, trace=True) for name in ("ucs", "astar")]
    >>> [panel.get_title() for panel in draw_traces(results)]
    ['ucs\\n4 expanded, cost 3', 'astar\\n3 expanded, cost 3']
    """
    expect_all(results, PlanResult, "results")
    traces = [result.trace for result in results if result.trace is not None]
    if not traces or len(traces) < len(results):
        raise ValueError(f"{len(results)} results, {len(traces)} traces: plan with trace=True")
    panels = _new_panels(len(traces), traces[0].map) if axes is None else list(axes)
    if len(panels) != len(traces):
        raise ValueError(f"{len(traces)} results need as many axes, not {len(panels)}")
    top = max(max(trace.expanded.size for trace in traces), 1)
    for panel, trace in zip(panels, traces, strict=True):
        draw_trace(trace, panel, top).set_title(caption(trace).replace(": ", "\n"), fontsize=10)
    colours = ScalarMappable(Normalize(0, top), mpl.colormaps[ORDER])
    _bar(panels, colours, LABEL, True, False, False)
    return panels


# --- the parts of a picture of a trace


def draw_map(axes: Axes, map: Map) -> Axes:
    """The floor of a grid, or the streets of a graph."""
    return draw_floor(axes, map) if isinstance(map, GridMap) else draw_streets(axes, map)


def draw_waiting(axes: Axes, trace: Trace) -> Axes:
    """The nodes that were generated and never expanded."""
    waiting = np.zeros(trace.map.size, dtype=np.bool_)
    waiting[trace.nodes] = True
    waiting[trace.expanded] = False
    if isinstance(trace.map, GridMap):
        shown = np.ma.masked_array(waiting, ~waiting).reshape(trace.map.shape)
        axes.imshow(shown, cmap=ListedColormap([WAITING]), interpolation="nearest")
        at = np.empty((0, 2))
    else:
        at = positions(trace.map)[waiting]
    marker, size = ("s", 40.0) if isinstance(trace.map, GridMap) else ("o", DOT)
    if waiting.any():
        axes.scatter(at[:, 0], at[:, 1], s=size, marker=marker, c=WAITING, linewidths=0, zorder=2,
                     label="generated, not expanded")  # fmt: skip
    return axes


def draw_ends(axes: Axes, trace: Trace, path: bool = True) -> Axes:
    """Start and goal of a search, and its path."""
    at = positions(trace.map)
    way = at[:0] if trace.path is None or not path else at[trace.path.nodes]
    return _draw_way(axes, way, at[[trace.start, trace.goal]])


def caption(trace: Trace) -> str:
    """Strategy, expansions, cost."""
    cost = "no path" if trace.path is None else f"cost {trace.cost:,.6g}"
    return f"{trace.name}: {trace.expanded.size:,} expanded, {cost}"


def positions(map: Map) -> npt.NDArray[np.float64]:
    """(size, 2) x and y of every node in a picture: columns and rows of a grid.

    Raises:
        ValueError: a graph without positions.
    """
    if isinstance(map, GridMap):
        return map.cells(np.arange(map.size))[:, ::-1].astype(np.float64)
    if map.position_m is None:
        raise ValueError(f"{map!r} has no positions to draw: give position_m, or save the trace")
    return map.position_m


def _draw_dots(axes: Axes, trace: Trace, top: float | None) -> None:
    order = trace.order()
    expanded = np.flatnonzero(np.isfinite(order))
    if not expanded.size:
        axes.set_xlabel(f"no {LABEL} anywhere")
        return
    at = positions(trace.map)[expanded]
    dots = axes.scatter(
        at[:, 0], at[:, 1], s=DOT, c=order[expanded], cmap=ORDER, vmin=0.0,
        vmax=top or order[expanded].max(), linewidths=0, zorder=3,
    )  # fmt: skip
    if top is None:
        wide, high = np.ptp(positions(trace.map), axis=0)
        _bar([axes], dots, LABEL, True, bool(wide > high), False)


def _draw_way(axes: Axes, way: Values, ends: Values) -> Axes:
    """A way (k, 2) as x and y, and the ends (2, 2) of it."""
    if len(way):
        axes.plot(way[:, 0], way[:, 1], color="white", linewidth=3.5, solid_capstyle="round",
                  zorder=4)  # fmt: skip
        axes.plot(way[:, 0], way[:, 1], color=VERMILION, linewidth=1.8, label="path", zorder=4)
    marks = (("start", "o", 55.0, SKY), ("goal", "*", 150.0, YELLOW))
    for (name, marker, size, colour), (x, y) in zip(marks, ends.tolist(), strict=True):
        axes.scatter([x], [y], s=size, marker=marker, c=colour, edgecolors=BLACK, label=name,
                     linewidths=0.9, zorder=5)  # fmt: skip
    return axes


def _bar(
    axes: Sequence[Axes], image: ScalarMappable, label: str, counts: bool, wide: bool, cut: bool
) -> None:
    """A colour bar below wide pictures, else beside them."""
    bar = axes[0].figure.colorbar(
        image, ax=list(axes), location="bottom" if wide else "right", shrink=0.7, aspect=40,
        pad=0.03, extend="max" if cut else "neither",
    )  # fmt: skip
    bar.locator = MaxNLocator(6, integer=counts)
    bar.set_label(label)


def map_size(map: Map, side: float = 6.4) -> tuple[float, float]:
    """Inches of a picture of a map that is at most `side` wide or high, with room for words."""
    wide, high = np.ptp(positions(map), axis=0) + 1e-9
    if isinstance(map, GridMap):
        high, wide = map.shape
    shrunk = side / max(wide, high)
    return max(wide * shrunk, 0.6 * side), max(high * shrunk, 0.25 * side) + 0.9


def _new_panels(count: int, map: Map) -> list[Axes]:
    columns = min(count, MOST_PANELS_A_ROW)
    rows = -(-count // columns)
    wide, high = map_size(map, 4.2)
    figure = Figure(figsize=(columns * wide + 0.8, rows * high), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[count:]:
        axes.set_visible(False)
    return list(grid.flat[:count])
