"""Choosing goals: a snapshot goes in, a decision with its reasons comes out.

>>> from planners.tasks import CHOOSERS
>>> CHOOSERS
('reflex', 'model', 'goal', 'earliest', 'utility', 'llm', 'deep', 'exact')
"""

from __future__ import annotations

from .choosers import CHOOSERS, Assessment, Chooser, RuleChooser, assess, make_chooser
from .decision import Candidate, Decision, Refusal
from .legs import FieldCache, Leg, Legs
from .named import NamedSnapshot
from .reserve import ChargeRule, Threshold
from .snapshot import LATENESS_WEIGHTS, PRIORITIES, EnergyModel, Order, Snapshot, Timing
from .snapshot_file import load_snapshot, save_snapshot

__all__ = [
    "CHOOSERS",
    "LATENESS_WEIGHTS",
    "PRIORITIES",
    "Assessment",
    "Candidate",
    "ChargeRule",
    "Chooser",
    "Decision",
    "EnergyModel",
    "FieldCache",
    "Leg",
    "Legs",
    "NamedSnapshot",
    "Order",
    "Refusal",
    "RuleChooser",
    "Snapshot",
    "Threshold",
    "Timing",
    "assess",
    "load_snapshot",
    "make_chooser",
    "save_snapshot",
]
