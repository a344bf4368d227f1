"""File formats: bytes in, maps and tasks out, or a `MapFormatError` with line and reason."""

from __future__ import annotations

from .lorr import Problem, Tasks, load_agents, load_problem, load_tasks, orders_from_tasks
from .movingai import LoadedMap, Scenario, load_map, load_scenario, save_map

__all__ = [
    "LoadedMap",
    "Problem",
    "Scenario",
    "Tasks",
    "load_agents",
    "load_map",
    "load_problem",
    "load_scenario",
    "load_tasks",
    "orders_from_tasks",
    "save_map",
]
