"""A goal in free text: decomposed, turned into candidate plans, evaluated, and continued."""

from __future__ import annotations

from .decompose import Decomposition, Group, decompose

__all__ = ["Decomposition", "Group", "decompose"]
