"""File formats: bytes in, maps and tasks out, or a `MapFormatError` with line and reason."""

from __future__ import annotations

from .coarse import coarsen
from .costmap import costmap_of, load_costmap, save_costmap
from .lorr import Problem, Tasks, load_agents, load_problem, load_tasks, orders_from_tasks
from .movingai import LoadedMap, Scenario, load_map, load_scenario, save_map
from .roads import LoadedGraph, graph_of, load_gr, load_graph, load_graphml, load_npz
from .ros import RosMap, load_ros_map, save_ros_map

__all__ = [
    "LoadedGraph",
    "LoadedMap",
    "Problem",
    "RosMap",
    "Scenario",
    "Tasks",
    "coarsen",
    "costmap_of",
    "graph_of",
    "load_agents",
    "load_costmap",
    "load_gr",
    "load_graph",
    "load_graphml",
    "load_map",
    "load_npz",
    "load_problem",
    "load_ros_map",
    "load_scenario",
    "load_tasks",
    "orders_from_tasks",
    "save_costmap",
    "save_map",
    "save_ros_map",
]
