"""A search as one page for a browser: the data, a canvas and its buttons, and nothing else."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_hex

from ..graphs import GraphMap
from ..maps import GridMap
from ..result import Trace
from .colours import FLOOR, ORDER, SKY, STREET, VERMILION, WAITING, WALL, YELLOW
from .heat import caption, positions

TEMPLATE = Path(__file__).with_name("page.html")
RAMP = 64  # colours of the order of expansion


def save_page(trace: Trace, path: Path) -> None:
    """Write the page: every event, 17 bytes each (21 on graphs), a third more as text."""
    text = json.dumps(_data(trace)).replace("<", "\\u003c")  # no tag can end the script
    page = TEMPLATE.read_text(encoding="utf-8").replace("DATA_OF_THE_TRACE", text)
    path.write_text(page, encoding="utf-8")


def _data(trace: Trace) -> dict[str, Any]:
    colours = mpl.colormaps[ORDER](np.linspace(0, 1, RAMP))
    return {
        "title": caption(trace),
        "size": trace.map.size,
        "events": len(trace),
        "expansions": int(trace.expanded.size),
        "kinds": _packed(trace.kinds, "u1"),
        "nodes": _packed(trace.nodes, "<i4"),
        "g": _packed(trace.g, "<f4"),
        "h": _packed(trace.h, "<f4"),
        "f": _packed(trace.f, "<f4"),
        "start": trace.start,
        "goal": trace.goal,
        "path": [] if trace.path is None else trace.path.nodes.tolist(),
        "map": _grid(trace.map) if isinstance(trace.map, GridMap) else _graph(trace, trace.map),
        "colours": {
            "wall": WALL, "floor": FLOOR, "street": STREET, "waiting": WAITING,
            "path": VERMILION, "start": SKY, "goal": YELLOW,
            "ramp": [to_hex(colour) for colour in colours],
        },
    }  # fmt: skip


def _grid(grid: GridMap) -> dict[str, Any]:
    walls = np.packbits(grid.blocked.ravel(), bitorder="little")
    return {"rows": grid.rows, "cols": grid.cols, "walls": _packed(walls, "u1")}


def _graph(trace: Trace, graph: GraphMap) -> dict[str, Any]:
    at = positions(graph)
    span = float(np.ptp(at, axis=0).max()) or 1.0
    unit = (at - at.min(axis=0)) / span
    unit[:, 1] = unit[:, 1].max() - unit[:, 1]  # y points up
    ends = np.stack([graph.sources, graph.indices], axis=1)
    streets = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
    wide, high = unit.max(axis=0).tolist()
    return {
        "wide": wide,
        "high": high,
        "at": _packed(unit, "<f4"),
        "streets": _packed(streets, "<i4"),
        "parents": _packed(trace.parents, "<i4"),
    }


def _packed(array: npt.NDArray[Any], dtype: str) -> str:
    with np.errstate(over="ignore"):  # beyond float32: infinity
        return base64.b64encode(array.astype(dtype).tobytes()).decode("ascii")
