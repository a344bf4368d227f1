"""Pictures, drawn on axes that the caller hands over; nothing is ever shown on a screen.

Colours tell apart for colour-blind readers (Okabe and Ito's palette; viridis, magma, one blue).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from envs.formats import LoadedMap
from envs.layouts import Layout
from envs.metrics import EpisodeTrace
from planners import GridMap, PlanResult

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
WALL, FLOOR = "#4D4D4D", "#F7F7F7"
SERIES = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
MARKERS = "osD^vPX"
DPI = 130
FORMATS = (".png", ".svg", ".pdf")

Values = npt.NDArray[Any]
Cell = tuple[int, int]


def draw_floor(axes: Axes, grid: GridMap) -> Axes:
    """Walls dark, floor light; row 0 at the top."""
    colours = ListedColormap([FLOOR, WALL])
    axes.imshow(grid.blocked, cmap=colours, vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def draw_heat(axes: Axes, grid: GridMap, values: Values, label: str, colours: str) -> Axes:
    """Values per cell over the floor, with a colour bar; zero, missing and blocked stay empty."""
    table = np.asarray(values, dtype=np.float64).reshape(grid.shape)
    hidden = grid.blocked | ~np.isfinite(table) | (table <= 0)
    shown = np.ma.masked_array(table, hidden)
    if hidden.all():
        axes.set_xlabel(f"no {label} anywhere")
        return axes
    counts = bool((shown == shown.round()).all())
    most = float(shown.max())
    # A single hot cell must not wash out all the others.
    top = most if counts else float(np.percentile(shown.compressed(), 99.5))
    image = axes.imshow(
        shown, cmap=mpl.colormaps[colours], vmin=0.0, vmax=top, interpolation="nearest"
    )
    bar = axes.figure.colorbar(
        image, ax=axes, location="bottom" if grid.cols > grid.rows else "right", shrink=0.7,
        aspect=40, pad=0.03, extend="max" if top < most else "neither",
    )  # fmt: skip
    bar.locator = MaxNLocator(6, integer=counts)
    bar.set_label(label)
    return axes


def draw_path(axes: Axes, cells: Values, start: Cell, goal: Cell) -> Axes:
    """A path as a line with a halo, the start as a disc, the goal as a star."""
    if len(cells):
        axes.plot(cells[:, 1], cells[:, 0], color="white", linewidth=3.5, solid_capstyle="round")
        axes.plot(cells[:, 1], cells[:, 0], color=VERMILION, linewidth=1.8, label="path")
    marks = (("start", start, "o", 55.0, SKY), ("goal", goal, "*", 150.0, YELLOW))
    for name, (row, col), marker, size, colour in marks:
        axes.scatter([col], [row], s=size, marker=marker, c=colour, edgecolors=BLACK, label=name,
                     linewidths=0.9, zorder=4)  # fmt: skip
    return axes


def draw_places(axes: Axes, layout: Layout, size: float) -> Axes:
    """Stations and chargers of a grid layout; `size` in points of the marker's side."""
    assert isinstance(layout.map, GridMap)
    marks = (("station", layout.stations, "s", GREEN), ("charger", layout.chargers, "P", YELLOW))
    for name, nodes, marker, colour in marks:
        cells = layout.map.cells(np.array(nodes, dtype=np.int64))
        area, edge = (size**2, 0.1 * size) if marker == "s" else (3 * size**2 + 20, 0.6)
        axes.scatter(cells[:, 1], cells[:, 0], s=area, marker=marker, c=colour, zorder=3,
                     edgecolors=BLACK, linewidths=edge, label=f"{name} ({len(nodes)})")  # fmt: skip
    return axes


def draw_battery(axes: Axes, trace: EpisodeTrace) -> Axes:
    """Charge over time, the reserve as a line, charging shaded."""
    minutes, charge = trace.time_s / 60.0, trace.charge_wh
    gaining = np.zeros(minutes.size, dtype=np.bool_)
    gaining[1:] = np.diff(charge) > 0
    gaining[:-1] |= gaining[1:]
    axes.fill_between(minutes, 0, trace.capacity_wh, where=gaining, color=SKY, alpha=0.35,
                      linewidth=0, step="mid")  # fmt: skip
    axes.plot(minutes, charge, color=BLUE, linewidth=1.8)
    axes.axhline(trace.reserve_wh, color=VERMILION, linestyle="--", linewidth=1.4)
    axes.set_xlabel("simulated time, minutes")
    axes.set_ylabel("charge, Wh")
    axes.set_ylim(0, trace.capacity_wh)
    axes.set_xlim(0, max(float(minutes[-1]) if minutes.size else 0.0, 1.0))
    share = axes.twinx()
    share.set_ylim(0, 100)
    share.set_ylabel("state of charge, %")
    axes.grid(alpha=0.25)
    lines = [
        Line2D([], [], color=BLUE, label="charge"),
        Line2D([], [], color=VERMILION, linestyle="--", label="reserve, never planned with"),
        Patch(color=SKY, alpha=0.35, label="charging" if gaining.any() else "charging (none)"),
    ]
    axes.legend(
        handles=lines, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False
    )
    return axes


def draw_tradeoff(axes: Axes, points: Sequence[Mapping[str, Any]]) -> Axes:
    """Cost over the optimum against expansions, one mark a search; weights of one strategy join.

    A point has `strategy`, `weight`, `x`, `y`; x is drawn on a logarithmic scale.
    """
    strategies = list(dict.fromkeys(str(point["strategy"]) for point in points))
    for k, strategy in enumerate(strategies):
        own = sorted((p for p in points if p["strategy"] == strategy), key=lambda p: p["weight"])
        # Large hollow marks and small filled ones stay visible on the same spot.
        colour, hollow = SERIES[k % len(SERIES)], k % 2
        axes.plot([p["x"] for p in own], [p["y"] for p in own], color=colour, linewidth=1.2,
                  marker=MARKERS[k % len(MARKERS)], markersize=9 if hollow else 5.5, label=strategy,
                  markerfacecolor="none" if hollow else colour, zorder=3 + k)  # fmt: skip
        if len(own) > 1:
            for p, offset, side in ((own[0], (7, 7), "left"), (own[-1], (-7, 5), "right")):
                axes.annotate(f"w {p['weight']:g}", (p["x"], p["y"]), xytext=offset, ha=side,
                              textcoords="offset points", fontsize=8, color=colour)  # fmt: skip
    axes.axhline(1.0, color="#888888", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.25)
    axes.margins(x=0.15, y=0.12)
    return axes


def save_plan(
    file: Path,
    loaded: LoadedMap,
    result: PlanResult,
    start: Cell,
    goal: Cell,
    risk: Values | None = None,
) -> None:
    """Map and path over the order of expansion, and beside it over the risk where there is one.

    Raises:
        ValueError: a file name that ends in no format we write.
    """
    grid = loaded.grid
    count = 1 if risk is None else 2
    figure, panels = _panels(grid, count, tall=6.4)
    cells = np.empty((0, 2)) if result.path is None else np.asarray(result.path.cells)
    layers = [("order of expansion", _first_expanded(result, grid), "viridis")]
    if risk is not None:
        layers.append(("risk, cost per metre", risk, "magma_r"))
    for axes, (label, values, colours) in zip(panels, layers, strict=True):
        draw_path(
            draw_heat(draw_floor(axes, grid), grid, values, label, colours), cells, start, goal
        )
    said = result.strategy if result.weight == 1 else f"{result.strategy}, w = {result.weight:g}"
    cost = f", cost {result.cost:.2f}" if result.path is not None else ""
    panels[0].set_title(f"{loaded.name}: {said}, {result.status}{cost}", fontsize=11)
    _legend(figure, panels[0])
    _save(figure, file)


def _first_expanded(result: PlanResult, grid: GridMap) -> Values:
    """(size,) 1 for the first node expanded, 2 for the next; NaN for those never expanded."""
    order = np.full(grid.size, np.nan)
    if result.trace is not None:
        nodes = result.trace.expanded
        first, where = np.unique(nodes, return_index=True)
        order[first] = where + 1.0
    return order


def save_map(file: Path, layout: Layout, trace: EpisodeTrace) -> None:
    """The warehouse three times: where the robot drove, and its final risk and congestion."""
    grid = layout.map
    assert isinstance(grid, GridMap)
    figure, panels = _panels(grid, 3, tall=5.0)
    heats = (
        ("visits of the robot", trace.visits, "viridis"),
        ("expected encounters per metre", trace.risk, "magma_r"),
        ("extra seconds per metre", trace.congestion, "Blues"),
    )
    size = min(4.5, max(2.6, 190.0 / max(grid.shape)))
    for axes, (label, values, colours) in zip(panels, heats, strict=True):
        draw_heat(draw_floor(axes, grid), grid, values, label, colours)
        draw_places(axes, layout, size)
    names = ("routes", "risk", "congestion")
    for axes, name in zip(panels, names, strict=True):
        axes.set_title(f"{layout.name}: {name}" if axes is panels[0] else name, fontsize=11)
    _legend(figure, panels[0])
    _save(figure, file)


def save_battery(file: Path, trace: EpisodeTrace) -> None:
    """The battery over the shift."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    draw_battery(figure.add_subplot(), trace)
    _save(figure, file)


def save_tradeoff(file: Path, panels: Mapping[str, Sequence[Mapping[str, Any]]], note: str) -> None:
    """One panel for each set of layers, on common axes."""
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.2 * columns, 3.6 * rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (name, points) in zip(grid.flat, panels.items(), strict=False):
        draw_tradeoff(axes, points).set_title(f"layers: {name}", fontsize=10)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel("expansions a path, mean (logarithmic)")
    for axes in grid[:, 0]:
        axes.set_ylabel("cost / optimum, mean")
    figure.suptitle(note, fontsize=10)
    _legend(figure, grid.flat[0])
    _save(figure, file)


def _panels(grid: GridMap, count: int, tall: float) -> tuple[Figure, list[Axes]]:
    """Axes side by side, or one above the other where the map is much wider than high."""
    ratio = grid.cols / grid.rows
    stacked = ratio > 2.5
    wide = min(14.0 / (1 if stacked else count), max(3.4, tall * ratio))
    high = wide / ratio + (1.1 if ratio > 1 else 0.4)
    size = (wide, count * high + 0.4) if stacked else (count * wide, high + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    shape = (count, 1) if stacked else (1, count)
    return figure, list(figure.subplots(*shape, squeeze=False).flat)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)


def _save(figure: Figure, file: Path) -> None:
    if file.suffix.lower() not in FORMATS:
        raise ValueError(f"{file}: a picture's name ends in {', '.join(FORMATS)}")
    file.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Software": None} if file.suffix.lower() == ".png" else None
    figure.savefig(file, dpi=DPI, metadata=metadata, bbox_inches="tight", pad_inches=0.1)
