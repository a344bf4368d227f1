"""The drawing room of the library: the one place in `planners` that imports matplotlib.

Figures take and return axes; nothing is ever shown on a screen, and no display is needed.
"""

from __future__ import annotations

from matplotlib.axes import Axes

from .heat import draw_floor, draw_heat, draw_path, draw_streets, draw_trace, draw_traces

__all__ = [
    "Axes",
    "draw_floor",
    "draw_heat",
    "draw_path",
    "draw_streets",
    "draw_trace",
    "draw_traces",
]
