"""Pictures of maps and searches: what is drawn where, without a display."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from instances import open_grid
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

from planners import GraphMap, GridMap, plan
from planners.drawing import draw_floor, draw_heat, draw_path, draw_streets, draw_trace, draw_traces
from planners.drawing.animation import FRAME_MS, LAST_FRAME_MS, first_met
from planners.drawing.colours import VERMILION

GRID = GridMap([[0, 0, 1], [0, 0, 0]])
SQUARE = GraphMap(
    [0, 2, 3, 5, 5], [1, 2, 3, 3, 0], [1.0, 1.0, 1.0, 2.0, 1.0],
    [[0, 0], [5, 0], [0, 5], [5, 5]], labels="abcd",
)  # fmt: skip


@pytest.fixture
def axes():
    return Figure().add_subplot()


def on_a_grid(seed=2, **options):
    problem = open_grid(seed)
    return plan(problem.map, *problem.ends, costs=problem.costs, trace=True, **options)


def labels(axes):
    return axes.get_legend_handles_labels()[1]


# --- maps, heat, paths


def test_they_take_and_return_axes(axes):
    assert draw_floor(axes, GRID) is axes
    assert draw_heat(axes, GRID, np.arange(6.0), "count", "viridis") is axes
    assert draw_path(axes, np.array([[0, 0], [1, 1]]), (0, 0), (1, 1)) is axes
    assert draw_streets(Figure().add_subplot(), SQUARE) is not axes


def test_a_path_runs_from_its_start_to_its_goal(axes):
    draw_path(axes, np.array([[0, 0], [1, 1], [1, 2]]), (0, 0), (1, 2))
    assert axes.lines[-1].get_xydata().tolist() == [[0, 0], [1, 1], [2, 1]]
    assert [dots.get_offsets().tolist() for dots in axes.collections] == [[[0, 0]], [[2, 1]]]
    assert labels(axes) == ["path", "start", "goal"]


def test_streets_are_drawn_once_and_to_scale(axes):
    draw_streets(axes, SQUARE)
    (lines,) = axes.collections
    drawn = {tuple(map(tuple, line)) for line in lines.get_segments()}
    a, b, c, d = map(tuple, SQUARE.position_m.tolist())
    assert drawn == {(a, b), (a, c), (b, d), (c, d)}
    assert len(lines.get_segments()) == 4
    assert axes.get_aspect() == 1.0


def test_blocked_and_empty_cells_stay_empty(axes):
    draw_heat(axes, GRID, np.array([0.0, 2.0, 5.0, np.nan, 1.0, 3.0]), "x", "viridis")
    shown = axes.images[-1].get_array()
    assert np.ma.getmaskarray(shown).tolist() == [[True, False, True], [True, False, False]]


def test_a_layer_of_zeros_says_so(axes):
    draw_heat(axes, GRID, np.zeros(6), "risk", "viridis")
    assert axes.get_xlabel() == "no risk anywhere"


def test_one_hot_cell_does_not_wash_out_the_others(axes):
    grid = GridMap(np.zeros((40, 40)))
    values = np.full(1600, 0.25)
    values[7] = 1000.5
    draw_heat(axes, grid, values, "risk", "viridis")
    assert axes.images[-1].get_clim()[1] < 1.0


# --- a search


def test_a_trace_on_a_grid(axes):
    result = on_a_grid()
    trace = result.trace
    assert trace.draw(axes) is axes
    floor, waiting, heat = (image.get_array() for image in axes.images)
    np.testing.assert_array_equal(floor, trace.map.blocked)
    np.testing.assert_array_equal(heat.filled(np.nan).ravel(), trace.order())
    never = np.isin(np.arange(81), trace.nodes) & ~np.isin(np.arange(81), trace.expanded)
    np.testing.assert_array_equal(~np.ma.getmaskarray(waiting).ravel(), never)
    cost, count = f"{result.cost:,.6g}", result.stats.expanded
    assert axes.get_title() == f"astar: {count} expanded, cost {cost}"
    assert labels(axes) == ["generated, not expanded", "path", "start", "goal"]
    bar = axes.figure.axes[-1]
    assert "order of expansion" in (bar.get_xlabel(), bar.get_ylabel())
    np.testing.assert_array_equal(axes.lines[-1].get_xydata(), result.path.cells[:, ::-1])


def test_a_trace_on_a_graph(axes):
    result = plan(SQUARE, "a", "d", strategy="ucs", trace=True)
    result.trace.draw(axes)
    assert isinstance(axes.collections[0], LineCollection)
    dots = next(d for d in axes.collections[1:] if d.get_array() is not None)
    assert isinstance(dots, PathCollection)
    order = result.trace.order()
    expanded = np.flatnonzero(np.isfinite(order))
    np.testing.assert_array_equal(dots.get_offsets(), SQUARE.position_m[expanded])
    np.testing.assert_array_equal(dots.get_array(), order[expanded])
    assert axes.lines[-1].get_xydata().tolist() == SQUARE.position_m[result.path.nodes].tolist()


def test_a_trace_makes_axes_of_its_own_and_takes_another_map():
    trace = on_a_grid().trace
    assert isinstance(trace.draw().figure, Figure)
    bare = GraphMap(SQUARE.indptr, SQUARE.indices, SQUARE.length_m)
    unplaced = plan(bare, 0, 3, trace=True).trace
    for refused in (unplaced.draw, lambda: unplaced.animate("never.gif")):
        with pytest.raises(ValueError, match="no positions"):
            refused()
    assert unplaced.draw(map=SQUARE).lines[-1].get_xydata()[-1].tolist() == [5, 5]
    with pytest.raises(ValueError, match="took place on"):
        unplaced.draw(map=GRID)


@pytest.mark.parametrize(
    ("start", "goal", "said"),
    [((0, 0), (0, 0), "cost 0"), ((0, 0), (0, 2), "no path"), ((0, 2), (0, 0), "no path")],
)
def test_queries_without_a_search_are_drawn(axes, tmp_path, start, goal, said):
    trace = plan(GRID, start, goal, trace=True).trace
    trace.draw(axes)
    assert axes.get_xlabel() == "no order of expansion anywhere"
    assert axes.get_title() == f"astar: 0 expanded, {said}"
    trace.animate(tmp_path / "still.gif")
    trace.animate(tmp_path / "still.html")
    assert (tmp_path / "still.gif").stat().st_size > 500


def test_a_graph_on_one_spot_is_drawn(tmp_path):
    spot = GraphMap([0, 1, 1, 1], [1], [1.0], np.zeros((3, 2)))
    for goal in (1, 2):
        trace = plan(spot, 0, goal, trace=True).trace
        trace.draw().figure.savefig(tmp_path / "spot.png")
        trace.animate(tmp_path / "spot.gif")
        trace.animate(tmp_path / "spot.html")


# --- searches side by side


def test_searches_side_by_side_share_a_scale():
    results = [on_a_grid(strategy=name) for name in ("ucs", "astar", "wastar", "greedy")]
    panels = draw_traces(results)
    top = max(result.stats.expanded for result in results)
    assert {axes.images[-1].get_clim() for axes in panels} == {(0.0, float(top))}
    for axes, result in zip(panels, results, strict=True):
        assert (
            f"{result.stats.expanded} expanded, cost {result.cost:,.6g}"
            in axes.get_title().replace("\n", ": ")
        )
        assert result.strategy in axes.get_title()
    shown = [axes for axes in panels[0].figure.axes if axes.get_visible()]
    assert len(shown) == 5  # four panels and one bar


def test_searches_are_drawn_on_the_axes_that_are_given():
    results = [on_a_grid(strategy=name) for name in ("ucs", "astar")]
    axes = list(Figure().subplots(1, 2))
    assert draw_traces(results, axes) == axes
    with pytest.raises(ValueError, match="2 results need as many axes, not 1"):
        draw_traces(results, axes[:1])
    with pytest.raises(ValueError, match="1 results, 0 traces: plan with trace=True"):
        draw_traces([plan(GRID, 0, 5)])
    with pytest.raises(ValueError, match="0 results"):
        draw_traces([])


def test_one_scale_for_all_means_no_bar(axes):
    draw_trace(on_a_grid().trace, axes, top=500)
    assert len(axes.figure.axes) == 1
    assert axes.images[-1].get_clim() == (0.0, 500.0)


# --- moving pictures


def frames(file):
    """Each frame as an RGB array, and how long it stays in ms."""
    with Image.open(file) as film:
        for k in range(film.n_frames):
            film.seek(k)
            yield np.asarray(film.convert("RGB"), dtype=int), film.info["duration"]


def near(picture, colour):
    """How many pixels have a colour, give or take."""
    wanted = 255 * np.array(to_rgba(colour)[:3])
    return int((np.abs(picture - wanted).max(axis=-1) < 12).sum())


@pytest.mark.parametrize("on", ["grid", "graph"])
def test_a_gif_grows_and_ends_with_the_path(tmp_path, on):
    trace = on_a_grid().trace if on == "grid" else plan(SQUARE, 0, 3, trace=True).trace
    file = tmp_path / "new folder" / "film.GIF"
    trace.animate(file)
    shots = list(frames(file))
    assert len(shots) == trace.expanded.size + 2
    assert {picture.shape for picture, _ in shots} == {shots[0][0].shape}
    assert min(shots[0][0].shape[:2]) > 150
    assert [ms for _, ms in shots] == [FRAME_MS] * (len(shots) - 1) + [LAST_FRAME_MS]
    assert near(shots[-2][0], VERMILION) < 5 < near(shots[-1][0], VERMILION)
    changed = [(a[0] != b[0]).any() for a, b in pairwise(shots)]
    assert all(changed)


def test_frames_are_thinned_out(tmp_path):
    trace = on_a_grid().trace
    assert trace.expanded.size > 12
    trace.animate(tmp_path / "film.gif", frames=6)
    assert len(list(frames(tmp_path / "film.gif"))) == 7
    with pytest.raises(ValueError, match="frames must be >= 1, not 0"):
        trace.animate(tmp_path / "film.gif", frames=0)


def test_a_node_waits_from_the_expansion_that_met_it():
    trace = on_a_grid(strategy="ucs").trace
    met, begun = np.full(81, np.nan), 0
    for kind, node in zip(trace.kinds.tolist(), trace.nodes.tolist(), strict=True):
        begun += trace.KINDS[kind] == "expand"
        if np.isnan(met[node]):
            met[node] = begun
    np.testing.assert_array_equal(first_met(trace), met)


@pytest.mark.parametrize("name", ["a.mp4", "a", "a.gif.txt"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"ends in \.gif or \.html"):
        on_a_grid().trace.animate(tmp_path / "none" / name)
    assert not (tmp_path / "none").exists()


def test_nothing_touches_pyplot_or_a_display(tmp_path):
    """With a window system asked for and none there, all is still drawn."""
    code = (
        "import sys; from planners import GridMap, plan;"
        "trace = plan(GridMap([[0] * 9] * 9), 0, 80, trace=True).trace;"
        "assert 'matplotlib' not in sys.modules;"
        "trace.save('a.yaml'); assert 'matplotlib' not in sys.modules;"
        "trace.draw().figure.savefig('a.png');"
        "trace.animate('a.gif'); trace.animate('a.html');"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {"MPLBACKEND": "TkAgg", "PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)
