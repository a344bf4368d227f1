"""Moving pictures of a search: a GIF, or a page for a browser. Neither needs a display."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image  # comes with matplotlib

from ..maps import GridMap
from ..result import Trace
from .colours import FLOOR, ORDER, SKY, STREET, VERMILION, WAITING, WALL, YELLOW
from .heat import DOT, caption, draw_ends, draw_map, map_size, positions
from .page import save_page

ENDINGS = (".gif", ".html")
FRAME_MS, LAST_FRAME_MS = 80, 2500
DPI = 90


def checked_animation(file: str | PathLike[str]) -> Path:
    """The file, if its name ends in a format that we write.

    Raises:
        ValueError: another ending.
    """
    path = Path(file)
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path}: an animation's name ends in {' or '.join(ENDINGS)}")
    return path


def animate(trace: Trace, file: str | PathLike[str], frames: int = 120) -> None:
    """Write a search as a moving picture; see `Trace.animate`."""
    path = checked_animation(file)
    if operator.index(frames) < 1:
        raise ValueError(f"frames must be >= 1, not {frames!r}")
    positions(trace.map)  # a graph without them is refused before a folder is made
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".html":
        save_page(trace, path)
    else:
        save_gif(trace, path, frames)


def save_gif(trace: Trace, path: Path, frames: int) -> None:
    """At most `frames` frames, each of the same number of expansions, and the path at the end.

    Map and title are drawn once; a frame draws over them what moves.
    """
    total = trace.expanded.size
    cuts = np.unique(np.linspace(0, total, min(frames, total + 1)).round().astype(np.int64))
    axes = draw_map(Figure(map_size(trace.map), layout="constrained").add_subplot(), trace.map)
    axes.set_title(caption(trace), fontsize=10)
    said = axes.text(0.5, -0.02, _progress(total, total, cuts.size), ha="center", va="top",
                     transform=axes.transAxes)  # fmt: skip
    film = _Film(axes, still=said)
    nodes, colour = _painter(trace, axes)
    ends = _drawn(axes, lambda: draw_ends(axes, trace, path=False))
    for cut in cuts.tolist():
        colour(cut)
        said.set_text(_progress(cut, total, cuts.size))
        film.shoot([nodes, *ends, said])
    film.shoot([nodes, *_drawn(axes, lambda: draw_ends(axes, trace)), said])
    film.save(path)


def _progress(cut: int, total: int, frames: int) -> str:
    each = total / max(frames - 1, 1)
    said = "one" if each <= 1 else f"every {each:,.1f} of them"
    return f"{cut:,} of {total:,} expanded, a frame for {said}"


def _drawn(axes: Axes, draw: Callable[[], Axes]) -> list[Artist]:
    """The artists that `draw` adds."""
    before = set(axes.get_children())
    draw()
    return [artist for artist in axes.get_children() if artist not in before]


class _Film:
    """Frames over a background: what stands on the axes when it is made, all but `still`."""

    def __init__(self, axes: Axes, still: Artist) -> None:
        figure = axes.figure
        assert isinstance(figure, Figure)
        figure.set_dpi(DPI)
        self.axes, self.canvas = axes, FigureCanvasAgg(figure)
        self.canvas.draw()
        figure.set_layout_engine("none")  # the frames must not jump
        still.set_visible(False)
        self.canvas.draw()
        still.set_visible(True)
        self.background = self.canvas.copy_from_bbox(figure.bbox)
        self.frames: list[Image.Image] = []

    def shoot(self, artists: Sequence[Artist]) -> None:
        """Add a frame with these artists over the background."""
        self.canvas.restore_region(self.background)
        for artist in artists:
            self.axes.draw_artist(artist)
        picture = Image.fromarray(np.asarray(self.canvas.buffer_rgba())[..., :3])
        self.frames.append(picture.quantize(palette=PALETTE, dither=Image.Dither.NONE))

    def save(self, path: Path) -> None:
        """Write the frames; the last one stays for a while."""
        times = [FRAME_MS] * (len(self.frames) - 1) + [LAST_FRAME_MS]
        self.frames[0].save(
            path, save_all=True, append_images=self.frames[1:], duration=times, loop=0
        )


def _palette() -> Image.Image:
    """256 colours: those of a trace, some tints and greys for smooth edges."""
    ramp = mpl.colormaps[ORDER](np.linspace(0, 1, 230))[:, :3]
    named = [to_rgba(name)[:3] for name in (FLOOR, WALL, STREET, WAITING, SKY, YELLOW, VERMILION)]
    tints = [0.5 + 0.5 * np.array(to_rgba(name)[:3]) for name in (VERMILION, SKY, YELLOW)]
    greys = np.repeat(np.linspace(0, 1, 256 - len(ramp) - len(named) - len(tints)), 3)
    colours = np.vstack([ramp, named, tints, greys.reshape(-1, 3)])
    image = Image.new("P", (1, 1))
    image.putpalette((255 * colours).round().astype(np.uint8).tobytes())
    return image


PALETTE = _palette()


def _painter(trace: Trace, axes: Axes) -> tuple[Artist, Callable[[int], object]]:
    """What shows the nodes, and a function that colours them as after so many expansions."""
    order, met = trace.order(), first_met(trace)
    ramp = mpl.colormaps[ORDER](np.nan_to_num(order / max(trace.expanded.size, 1)))
    touched = np.flatnonzero(np.isfinite(met))
    ramp, order, met = ramp[touched], order[touched], met[touched]
    waiting = to_rgba(WAITING)

    def colours(expanded: int) -> npt.NDArray[np.float64]:
        now = np.zeros((touched.size, 4))  # transparent
        now[met <= expanded] = waiting
        now[order <= expanded] = ramp[order <= expanded]
        return now

    if not isinstance(trace.map, GridMap):
        at = positions(trace.map)[touched]
        dots = axes.scatter(at[:, 0], at[:, 1], s=DOT, linewidths=0, zorder=3)
        return dots, lambda expanded: dots.set(facecolor=colours(expanded))
    cells = np.zeros((trace.map.size, 4), dtype=np.uint8)
    shape = trace.map.shape
    image = axes.imshow(cells.reshape(*shape, 4), interpolation="nearest")

    def colour(expanded: int) -> None:
        cells[touched] = 255 * colours(expanded)
        image.set_data(cells.reshape(*shape, 4))

    return image, colour


def first_met(trace: Trace) -> npt.NDArray[np.float64]:
    """(size,) how many expansions had begun when each node was first met; NaN where never."""
    begun = np.cumsum(trace.kinds == trace.KINDS.index("expand"))
    met = np.full(trace.map.size, np.nan)
    nodes, first = np.unique(trace.nodes, return_index=True)
    met[nodes] = begun[first]
    return met
