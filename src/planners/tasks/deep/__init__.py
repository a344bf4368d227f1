"""Deep search over plans: propose, improve, prove."""

from __future__ import annotations

from .choosers import DEEP, EXACT, Effort, PlanChooser, make_deep, make_exact
from .evaluate import Evaluation, evaluate
from .improve import Improved, Repair, improve, repair
from .instance import Instance, LegTable, make_instance
from .prove import Solution, prove

__all__ = [
    "DEEP",
    "EXACT",
    "Effort",
    "Evaluation",
    "Improved",
    "Instance",
    "LegTable",
    "PlanChooser",
    "Repair",
    "Solution",
    "evaluate",
    "improve",
    "make_deep",
    "make_exact",
    "make_instance",
    "prove",
    "repair",
]
