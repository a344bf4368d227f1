"""aislewise.planners: search and path planning on grids and graphs, with proven bounds.

>>> import numpy as np
>>> from planners import GridMap, plan
>>> result = plan(GridMap(np.zeros((3, 4), dtype=bool)), start=(0, 0), goal=(2, 3))
>>> result.status, round(result.cost, 3), result.certificate
('found', 3.828, 1.0)
"""

from __future__ import annotations

from .bounds import (
    AtHand,
    Floor,
    KeptField,
    KeptFields,
    KeptStats,
    Landmarks,
    LearnedBound,
    floor_size,
    forget,
    prepare,
)
from .check import HeuristicCheck, check, check_heuristic
from .corridor import corridor_guidance
from .costs import CostField, Layer
from .edge_test import satisfies_edge_test
from .errors import CheckError, MapFormatError
from .fields import Field, cost_to_come, cost_to_go
from .graphs import GraphMap
from .guidance import Guidance, Reward
from .many import plan_many
from .maps import GridMap
from .result import Path, PlanResult, SearchStats, Trace
from .rivals import RIVALS, waypoint_guidance
from .search import plan
from .strategies import STRATEGIES, Strategy

__distribution__ = "aislewise"
__version__ = "0.1.0"

__all__ = [
    "RIVALS",
    "STRATEGIES",
    "AtHand",
    "CheckError",
    "CostField",
    "Field",
    "Floor",
    "GraphMap",
    "GridMap",
    "Guidance",
    "HeuristicCheck",
    "KeptField",
    "KeptFields",
    "KeptStats",
    "Landmarks",
    "Layer",
    "LearnedBound",
    "MapFormatError",
    "Path",
    "PlanResult",
    "Reward",
    "SearchStats",
    "Strategy",
    "Trace",
    "check",
    "check_heuristic",
    "corridor_guidance",
    "cost_to_come",
    "cost_to_go",
    "floor_size",
    "forget",
    "plan",
    "plan_many",
    "prepare",
    "satisfies_edge_test",
    "waypoint_guidance",
]
