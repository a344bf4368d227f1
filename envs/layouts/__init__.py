"""Layouts: a map with the places that a warehouse needs, as a grid or as an aisle graph."""

from __future__ import annotations

from .aisle_families import fishbone, traditional
from .families import built_in, fulfilment, long_corridors, mapf_warehouse, pod_blocks, sortation
from .furnish import furnish
from .layout import Layout
from .preview import ascii_preview
from .ready import READY, ready
from .tiling import tile
from .user import from_graph, from_map, load_layout

__all__ = [
    "READY",
    "Layout",
    "ascii_preview",
    "built_in",
    "fishbone",
    "from_graph",
    "from_map",
    "fulfilment",
    "furnish",
    "load_layout",
    "long_corridors",
    "mapf_warehouse",
    "pod_blocks",
    "ready",
    "sortation",
    "tile",
    "traditional",
]
