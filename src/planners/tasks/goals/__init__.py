"""A goal in free text: decomposed, turned into candidate plans, evaluated, and continued."""

from __future__ import annotations

from .chooser import GoalChooser
from .decompose import Decomposition, decompose
from .pairs import Group
from .trajectory import Step, Trajectory

__all__ = ["Decomposition", "GoalChooser", "Group", "Step", "Trajectory", "decompose"]
