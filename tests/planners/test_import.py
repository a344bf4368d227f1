"""Importing is quick and light; the first answer comes soon."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("numba", "scipy", "matplotlib", "openai", "networkx", "pydantic", "gymnasium", "pandas")

IMPORT = f"""
import json, sys, time
import numpy
began = time.process_time()
import planners
spent = time.process_time() - began
heavy = [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps({{"spent": spent, "heavy": heavy, "all": planners.__all__,
                   "missing": [n for n in planners.__all__ if not hasattr(planners, n)],
                   "whole": time.process_time()}}))
"""

FIRST_ANSWER = """
import json, time
import numpy as np
from planners import CostField, GridMap, Layer, plan
grid = GridMap(np.zeros((64, 64)))
costs = CostField(grid, layers=[Layer("risk", np.ones((64, 64)))])
cost = plan(grid, (0, 0), (63, 63), costs=costs, strategy="wastar", weight=1.5).cost
print(json.dumps({"spent": time.process_time(), "cost": cost}))
"""


def run(code, tmp_path):
    """The JSON that a fresh interpreter prints; its machine-code cache lies in tmp_path."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True,
        env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_import_is_quick_and_light(tmp_path):
    """Under half a second of CPU time, numpy included, and nothing heavy comes along."""
    runs = [run(IMPORT, tmp_path) for _ in range(3)]
    assert all(values["heavy"] == [] for values in runs)
    assert all(values["missing"] == [] for values in runs)
    assert min(values["whole"] for values in runs) < 0.5
    assert runs[0]["all"] == sorted(runs[0]["all"], key=lambda n: (not n.isupper(), n))


def test_the_names_of_the_interface_are_there():
    import planners

    for name in (
        "GridMap", "GraphMap", "CostField", "Layer", "Guidance", "Reward", "plan", "plan_many",
        "check", "check_heuristic", "CheckError", "MapFormatError", "PlanResult", "cost_to_come",
        "cost_to_go",
    ):  # fmt: skip
        assert name in planners.__all__
    assert planners.__distribution__ == "aislewise"


@pytest.mark.slow
def test_first_answers_cold_and_warm(tmp_path):
    """Under 10 s of CPU time with an empty cache of machine code, under 2 s with a full one."""
    cold = run(FIRST_ANSWER, tmp_path)
    warm = run(FIRST_ANSWER, tmp_path)
    assert cold["spent"] < 10.0
    assert warm["spent"] < 2.0
    assert cold["cost"] == warm["cost"]
