"""Figures take and return axes and draw what they are given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from envs.layouts import fulfilment
from envs.metrics import EpisodeTrace
from experiments import figures


@pytest.fixture
def axes():
    return Figure().add_subplot()


def trace(charge, size=6):
    count = len(charge)
    values = np.linspace(0.0, 1.0, size)
    return EpisodeTrace(
        visits=np.arange(size), time_s=60.0 * np.arange(count), node=np.zeros(count, dtype=int),
        charge_wh=np.array(charge, dtype=float), reserve_wh=10.0, capacity_wh=100.0, risk=values,
        congestion=0 * values,
    )  # fmt: skip


def test_they_take_and_return_axes(axes):
    layout = fulfilment(1, 2)
    assert figures.draw_places(axes, layout, 4.0) is axes
    assert figures.draw_battery(Figure().add_subplot(), trace([90, 80])) is not None


def test_charging_is_shaded_and_named(axes):
    figures.draw_battery(axes, trace([50, 40, 30, 35, 45, 44]))
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "charging"
    (shade,) = axes.collections
    left, right = (
        shade.get_paths()[0].vertices[:, 0].min(),
        shade.get_paths()[0].vertices[:, 0].max(),
    )
    assert 1.5 <= left <= 2.0 and 4.0 <= right <= 4.5
    idle = figures.draw_battery(Figure().add_subplot(), trace([50, 40, 30]))
    assert idle.get_legend().get_texts()[-1].get_text() == "charging (none)"


@pytest.mark.parametrize("charge", [[], [90.0]])
def test_a_shift_too_short_to_draw_is_drawn(tmp_path, charge):
    figures.save_battery(tmp_path / "b.png", trace(charge))
    assert (tmp_path / "b.png").stat().st_size > 1000


def test_the_same_data_is_the_same_file(tmp_path):
    layout = fulfilment(1, 2)
    for name in "ab":
        figures.save_map(tmp_path / f"{name}.png", layout, trace([9.0], size=layout.map.size))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_every_search_has_a_mark(axes):
    points = [
        {"strategy": name, "weight": weight, "x": 10.0 * weight, "y": 1.0}
        for name, weight in (("astar", 1.0), ("wastar", 1.5), ("wastar", 3.0))
    ]
    figures.draw_tradeoff(axes, points)
    assert [line.get_label() for line in axes.lines[:2]] == ["astar", "wastar"]
    assert axes.lines[1].get_xdata().tolist() == [15.0, 30.0]
    assert {text.get_text() for text in axes.texts} == {"w 1.5", "w 3"}
