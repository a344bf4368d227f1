"""Search traces for Posthoc, the visualiser of search algorithms: format version 1.4.0.

Its documentation: https://posthoc.pathfinding.ai/docs/search-trace. A trace is YAML: `views` say
how an event is drawn (expressions in `${{ }}` see the event as `$` and its parent's latest event
as `parent`), `pivot` where it is, `events` follow one a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .graphs import GraphMap
from .result import Trace

VERSION = "1.4.0"
ENDINGS = (".yaml", ".yml")
EVENTS_AT_ONCE = 16384  # lines that are held in memory

COLOURS = {"source": "#56B4E9", "generate": "#F0E442", "expand": "#D55E00", "close": "#0072B2"}
FILL = " : ".join(f"$.type === '{kind}' ? '{colour}'" for kind, colour in COLOURS.items())

GRID_VIEWS = """views:
  main:
    - $: rect
      x: ${{ $.x }}
      y: ${{ $.y }}
      width: 1
      height: 1
      fill: "${{ FILL }}"
pivot:
  x: ${{ $.x + 0.5 }}
  y: ${{ $.y + 0.5 }}
  scale: 1
"""

GRAPH_VIEWS = """views:
  main:
    - $: path
      $if: ${{ !!parent }}
      points:
        - x: ${{ parent.x }}
          y: ${{ parent.y }}
        - x: ${{ $.x }}
          y: ${{ $.y }}
      lineWidth: WIDTH
      fill: "${{ FILL }}"
    - $: circle
      x: ${{ $.x }}
      y: ${{ $.y }}
      radius: RADIUS
      fill: "${{ FILL }}"
pivot:
  x: ${{ $.x }}
  y: ${{ $.y }}
  scale: SCALE
"""


def checked_trace(file: str | PathLike[str]) -> Path:
    """The file, if its name ends as a trace's does.

    Raises:
        ValueError: another ending.
    """
    path = Path(file)
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path}: a trace's name ends in .trace.yaml (or .yaml, .yml)")
    return path


def save_trace(trace: Trace, file: str | PathLike[str]) -> None:
    """Write a trace; see `Trace.save`. A million events take seconds and little memory."""
    path = checked_trace(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f"version: {VERSION}\n{_views(trace)}events:")
        stream.write("\n" if len(trace) else " []\n")
        for first in range(0, len(trace), EVENTS_AT_ONCE):
            stream.writelines(_lines(trace, slice(first, first + EVENTS_AT_ONCE)))


def _views(trace: Trace) -> str:
    map = trace.map
    fill = f"{FILL} : '#999999'"
    if not isinstance(map, GraphMap):
        return GRID_VIEWS.replace("FILL", fill)
    if map.position_m is None:
        return ""
    radius = _radius(map)
    views = GRAPH_VIEWS.replace("FILL", fill).replace("RADIUS", yaml_number(radius))
    views = views.replace("WIDTH", yaml_number(0.6 * radius))
    return views.replace("SCALE", yaml_number(2.0 * radius))


def _radius(graph: GraphMap) -> float:
    """Of a node's disc, in the unit of the positions: a third of a typical edge."""
    assert graph.position_m is not None
    step = graph.position_m[graph.indices] - graph.position_m[graph.sources]
    apart = np.hypot(step[:, 0], step[:, 1])
    apart = apart[apart > 0]
    return float(f"{np.median(apart) / 3:.3g}") if apart.size else 1.0


def _lines(trace: Trace, span: slice) -> Iterator[str]:
    kinds = [trace.KINDS[kind] for kind in trace.kinds[span].tolist()]
    nodes, parents = trace.nodes[span], trace.parents[span]
    keys = (yaml_numbers(values[span]) for values in (trace.f, trace.g, trace.h))
    columns = zip(
        kinds, nodes.tolist(), parents.tolist(), _places(trace, nodes), *keys, strict=True
    )
    for kind, node, parent, place, f, g, h in columns:
        above = "null" if parent < 0 else parent
        yield f"- {{type: {kind}, id: {node}, pId: {above}{place}, f: {f}, g: {g}, h: {h}}}\n"


def _places(trace: Trace, nodes: npt.NDArray[np.int64]) -> list[str]:
    """x and y of k nodes, as they stand in an event."""
    map = trace.map
    if isinstance(map, GraphMap):
        if map.position_m is None:
            return [""] * nodes.size
        xs, ys = (yaml_numbers(column) for column in map.positions_m(nodes).T)
        return [f", x: {x}, y: {y}" for x, y in zip(xs, ys, strict=True)]
    return [f", x: {col}, y: {row}" for row, col in map.cells(nodes).tolist()]


def yaml_numbers(values: npt.NDArray[np.float64]) -> list[str]:
    """Each number as YAML reads it back exactly."""
    return [yaml_number(value) for value in values.tolist()]


def yaml_number(value: float) -> str:
    """A float that every version of YAML takes for a number: with a point, also before an exponent.

    >>> [yaml_number(v) for v in (2.0, 0.1, 1e-05, 1e150, float("inf"))]
    ['2.0', '0.1', '1.0e-05', '1.0e+150', '.inf']
    """
    text = repr(value)
    if text[-1] in "fn":  # inf, nan
        return text.replace("inf", ".inf").replace("nan", ".nan")
    if "e" in text and "." not in text:
        return text.replace("e", ".0e")
    return text
