"""Pictures, drawn on axes that the caller hands over; nothing is ever shown on a screen.

Maps, heat and traces are drawn by `planners.drawing`; here is what belongs to the warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from envs.formats import LoadedGraph, LoadedMap
from envs.layouts import Layout
from envs.metrics import EpisodeTrace
from planners import GridMap, PlanResult
from planners.drawing import draw_floor, draw_heat, draw_trace
from planners.drawing.colours import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
)  # fmt: skip
from planners.drawing.heat import caption, draw_ends, map_size

from .layout_pictures import draw_layout, draw_places, draw_zones

SERIES = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
MARKERS = "osD^vPX"
DPI = 130
LABELLED = 6  # strategies in one picture; with more, the labels of weights would cover each other
EFFORT_AND_COST = ("expansions a path, mean (logarithmic)", "cost / optimum, mean")
FORMATS = (".png", ".svg", ".pdf")

Values = npt.NDArray[Any]


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


def draw_tradeoff(axes: Axes, points: Sequence[Mapping[str, Any]], optimum: float = 1.0) -> Axes:
    """Cost against effort, one mark a search; weights of one strategy join; the optimum dotted.

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
        if len(own) > 1 and len(strategies) <= LABELLED:
            for p, offset, side in ((own[0], (7, 7), "left"), (own[-1], (-7, 5), "right")):
                axes.annotate(f"w {p['weight']:g}", (p["x"], p["y"]), xytext=offset, ha=side,
                              textcoords="offset points", fontsize=8, color=colour)  # fmt: skip
    axes.axhline(optimum, color="#888888", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.25)
    axes.margins(x=0.15, y=0.12)
    return axes


def draw_profile(axes: Axes, efforts: Mapping[str, Mapping[Any, float]]) -> Axes:
    """Performance profile (Dolan and More 2002): share of problems within a factor of the best.

    `efforts`: by policy and problem; only problems that every policy has are counted.
    """
    shared = sorted(set.intersection(*(set(own) for own in efforts.values())))
    table = np.array([[own[key] for key in shared] for own in efforts.values()], dtype=np.float64)
    factors = np.sort(table / table.min(axis=0, keepdims=True), axis=1)
    most = max(2.0, float(factors.max(initial=2.0)))
    shares = 100 * np.arange(1, len(shared) + 1) / max(1, len(shared))
    for k, name in enumerate(efforts):
        x = np.concatenate([[1.0], factors[k], [most]])
        y = np.concatenate([[0.0], shares, [100.0]])
        axes.step(x, y, where="post", color=SERIES[k % len(SERIES)], label=name,
                  linewidth=1.6, linestyle=("-", "--")[k // len(SERIES) % 2])  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(1.0, most)
    axes.set_ylim(0, 101)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("expansions over the least (logarithmic)")
    axes.grid(alpha=0.25)
    return axes


def draw_budget(axes: Axes, lines: Mapping[str, Sequence[tuple[float, float | None]]]) -> Axes:
    """A value against a budget in per cent (logarithmic), one line a policy; gaps are left out."""
    for k, (name, points) in enumerate(lines.items()):
        known = [(x, y) for x, y in points if y is not None]
        axes.plot([x for x, _ in known], [y for _, y in known], color=SERIES[k % len(SERIES)],
                  marker=MARKERS[k % len(MARKERS)], markersize=5, linewidth=1.4, label=name,
                  linestyle=("-", "--")[k // len(SERIES) % 2])  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("budget, % of A*'s expansions (logarithmic)")
    axes.grid(alpha=0.25)
    return axes


def save_plan(
    file: Path, loaded: LoadedMap | LoadedGraph, result: PlanResult, risk: Values | None = None
) -> None:
    """Map and path over the order of expansion, and beside it over the risk where there is one.

    Args:
        result: with its trace.

    Raises:
        ValueError: a file name that ends in no format we write.
    """
    trace = result.trace
    assert trace is not None
    if isinstance(loaded, LoadedGraph):
        from .street_figures import save_street_plan

        save_street_plan(file, loaded, trace, risk)
        return
    grid = loaded.grid
    figure, panels = _panels(grid, 1 if risk is None else 2, tall=6.4)
    draw_trace(trace, panels[0])
    if risk is not None:
        heat = draw_heat(draw_floor(panels[1], grid), grid, risk, "risk, cost per metre", "magma_r")
        draw_ends(heat, trace)
    panels[0].set_title(f"{loaded.name}, {result.status}; {caption(trace)}", fontsize=11)
    _legend(figure, panels[0])
    _save(figure, file)


def save_layout(file: Path, layout: Layout) -> None:
    """A layout alone; see `draw_layout`."""
    figure = Figure(figsize=map_size(layout.map, 9.0), layout="constrained")
    axes = draw_layout(layout, figure.add_subplot())
    _legend(figure, axes)
    _save(figure, file)


def save_map(file: Path, layout: Layout, trace: EpisodeTrace) -> None:
    """The warehouse three times: where the robot drove, and its final risk and congestion."""
    grid = layout.map
    if not isinstance(grid, GridMap):
        from .street_figures import save_street_map

        save_street_map(file, layout, trace)
        return
    figure, panels = _panels(grid, 3, tall=5.0)
    heats = (
        ("visits of the robot", trace.visits, "viridis"),
        ("expected seconds near people per metre", trace.risk, "magma_r"),
        ("extra seconds per metre", trace.congestion, "Blues"),
    )
    size = min(4.5, max(2.6, 190.0 / max(grid.shape)))
    for axes, (label, values, colours) in zip(panels, heats, strict=True):
        draw_heat(draw_floor(axes, grid), grid, values, label, colours)
        draw_places(draw_zones(axes, layout, size), layout, size)
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


def save_tradeoff(
    file: Path,
    panels: Mapping[str, Sequence[Mapping[str, Any]]],
    note: str,
    labels: tuple[str, str] = EFFORT_AND_COST,
    optimum: float = 1.0,
) -> None:
    """One panel for each set of points (of layers), on common axes; `labels` of x and y."""
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.2 * columns, 3.6 * rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (name, points) in zip(grid.flat, panels.items(), strict=False):
        draw_tradeoff(axes, points, optimum).set_title(name, fontsize=10)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel(labels[0])
    for axes in grid[:, 0]:
        axes.set_ylabel(labels[1])
    figure.suptitle(note, fontsize=10)
    _legend(figure, grid.flat[0])
    _save(figure, file)


def save_profiles(
    file: Path, panels: Mapping[str, Mapping[str, Mapping[Any, float]]], note: str
) -> None:
    """Performance profiles side by side."""
    figure = Figure(figsize=(5.2 * len(panels), 4.4), layout="constrained")
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, efforts) in zip(row, panels.items(), strict=True):
        draw_profile(axes, efforts).set_title(title, fontsize=10)
    row[0].set_ylabel("queries, %")
    figure.suptitle(note, fontsize=10)
    _legend(figure, row[0])
    _save(figure, file)


def save_budgets(
    file: Path, lines: Mapping[str, Sequence[tuple[float, float, float | None]]], note: str
) -> None:
    """Solved share and mean cost against the budget; a point is (budget, solved, cost)."""
    figure = Figure(figsize=(10.4, 4.4), layout="constrained")
    solved, cost = figure.subplots(1, 2)
    draw_budget(solved, {name: [(x, y) for x, y, _ in own] for name, own in lines.items()})
    draw_budget(cost, {name: [(x, z) for x, _, z in own] for name, own in lines.items()})
    solved.set_ylabel("solved, %")
    cost.set_ylabel("cost / optimum of the solved, mean")
    figure.suptitle(note, fontsize=10)
    _legend(figure, solved)
    _save(figure, file)


def save_intervals(
    file: Path,
    panels: Mapping[str, Mapping[str, Mapping[str, tuple[float, float | None, float | None]]]],
    note: str,
) -> None:
    """Points with intervals; a panel holds groups (one colour each) of points by name."""
    names = list(dict.fromkeys(n for groups in panels.values() for g in groups.values() for n in g))
    count = max(len(groups) for groups in panels.values())
    height = 1.4 + 0.16 * len(names) * (count + 1)
    figure = Figure(figsize=(5.2 * len(panels), height), layout="constrained")
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, groups) in zip(row, panels.items(), strict=True):
        for k, (group, points) in enumerate(groups.items()):
            places = [-(names.index(name) * (count + 1) + k) for name in points]
            means = [mean for mean, _, _ in points.values()]
            spans = [[mean - (mean if end is None else end) for mean, *ends in points.values()
                      for end in [ends[side]]] for side in (0, 1)]  # fmt: skip
            errors = [[max(0.0, gap) for gap in spans[0]], [max(0.0, -gap) for gap in spans[1]]]
            axes.errorbar(means, places, xerr=errors, fmt="o", ms=3, lw=1, label=group)
        axes.axvline(0.0, color="0.7", lw=0.8, zorder=0)
        axes.set_title(title, fontsize=10)
        axes.set_yticks([-(k * (count + 1) + (count - 1) / 2) for k in range(len(names))], names)
    figure.suptitle(note, fontsize=10)
    _legend(figure, row[0])
    _save(figure, file)


def save_stranding(file: Path, points: Sequence[tuple[str, float, float]], note: str) -> None:
    """Strandings and deliveries an hour as bars; a point is (name, the one, the other)."""
    save_bars(file, points, ("strandings an hour", "deliveries an hour"), note)


def save_bars(
    file: Path, points: Sequence[tuple[str, float, float]], titles: tuple[str, str], note: str
) -> None:
    """Two measures side by side as bars; a point is (name, the one, the other)."""
    figure = Figure(figsize=(9.4, 1.6 + 0.4 * len(points)), layout="constrained")
    names = [name for name, _, _ in points]
    for k, axes in enumerate(figure.subplots(1, 2, sharey=True)):
        bars = axes.barh(names, [point[k + 1] for point in points], color=(VERMILION, BLUE)[k])
        axes.bar_label(bars, fmt="%.2f", padding=3)
        axes.set_xlabel(titles[k])
        axes.margins(x=0.25, y=0.02)
    axes.invert_yaxis()
    figure.suptitle(note, fontsize=10)
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
    widest_in = 0.6 + 0.075 * max(map(len, labels), default=0)  # handle, and letters of 10 points
    columns = max(1, min(len(labels), int(figure.get_figwidth() / widest_in)))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def checked_picture(file: Path) -> Path:
    """The file, if its name ends in a format that we write.

    Raises:
        ValueError: another ending.
    """
    if file.suffix.lower() not in FORMATS:
        raise ValueError(f"{file}: a picture's name ends in {', '.join(FORMATS)}")
    return file


def _save(figure: Figure, file: Path) -> None:
    checked_picture(file).parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Software": None} if file.suffix.lower() == ".png" else None
    figure.savefig(file, dpi=DPI, metadata=metadata, bbox_inches="tight", pad_inches=0.1)
