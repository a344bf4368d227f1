"""Layouts: a map with the places that a warehouse needs, as a grid or as an aisle graph."""

from __future__ import annotations

from .families import built_in, fulfilment
from .layout import Layout
from .preview import ascii_preview
from .user import from_map

__all__ = ["Layout", "ascii_preview", "built_in", "from_map", "fulfilment"]
