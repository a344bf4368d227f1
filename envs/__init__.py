"""The worlds: layouts, file formats, the living warehouse, and the episode loop."""

from __future__ import annotations

__distribution__ = "aislewise"
