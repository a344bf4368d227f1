"""Cold start: what a fresh process pays before its first path, and its second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

SCRIPT = """
import json, time
import numpy
began = time.perf_counter()
from planners import GridMap, plan
imported = time.perf_counter()
grid = GridMap(numpy.zeros((64, 64), dtype=bool))
moments = [time.perf_counter()]
for _ in range(3):
    plan(grid, (3, 3), (60, 50), engine="ENGINE")
    moments.append(time.perf_counter())
calls = [1000 * (b - a) for a, b in zip(moments, moments[1:])]
print(json.dumps({"import_ms": 1000 * (imported - began), "first_call_ms": calls[0],
                  "warm_call_ms": min(calls[1:])}))
"""


def cold_start(engine: str = "auto") -> dict[str, Any]:
    """Import time, first and warm call in fresh processes: with an empty cache of compiled code
    (the first run ever on a machine), then with the cache that it left."""
    with tempfile.TemporaryDirectory() as folder:
        return {cache: _fresh_process(folder, engine) for cache in ("empty_cache", "full_cache")}


def _fresh_process(cache: str, engine: str) -> dict[str, Any]:
    paths = [path for path in sys.path if path]
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": os.pathsep.join(paths)}
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("ENGINE", engine)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if answer.returncode != 0:
        lines = answer.stderr.strip().splitlines() or ["no message"]
        return {"failed": lines[-1]}
    measured: dict[str, Any] = json.loads(answer.stdout)
    return measured
