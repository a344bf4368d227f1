"""Environments side by side: blocks of random steps at the same number of moving agents.

POGEMA and RWARE run in processes of their own, in the interpreter that `AISLEWISE_RL_PYTHON` names
(else `.venv-rl`, as `make rl-peers` makes it), because POGEMA pins versions that ours exclude. The
pipe adds a tenth of a millisecond to a block of some hundred.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import gymnasium
import numpy as np

import envs  # noqa: F401 - registers the environments
from envs.layouts import Layout, built_in
from envs.world import World
from planners import GridMap

from .libraries import NOT_INSTALLED
from .model import OURS, Absent, Contestant, Scene, Setting, Verdict
from .ours import VERSION

STEPS, WORKERS, RADIUS = 1000, 12, 7
PYTHON, DEFAULT_PYTHON = "AISLEWISE_RL_PYTHON", Path(".venv-rl", "bin", "python")
WORKER = Path(__file__).with_name("gym_worker.py")
NOTE = (
    f"{STEPS:,} random steps on the built-in floor, resets left out; ours: one robot that observes "
    f"and {WORKERS} people, theirs: {WORKERS + 1} robots that observe; RWARE with its least window"
)


def steps(setting: Setting) -> Scene:
    """Ours and theirs on the built-in floor."""
    layout = built_in(setting.seed)
    contestants = [_ours(layout, setting.seed), _world_alone(layout, setting.seed)]
    theirs = [_other(name, layout, setting.seed, slow=name == "rware") for name in LIBRARIES]
    queries = range(setting.seed, setting.seed + (setting.queries or 1))
    return Scene(queries, [*contestants, *theirs], _no_judge, NOTE)


LIBRARIES = ("pogema", "rware")


def _no_judge(contestant: Contestant, query: Any, answer: Any) -> list[Verdict]:
    """There is no path to judge."""
    return []


def _ours(layout: Layout, seed: int) -> Contestant:
    """`WarehouseNav-v0` as `gymnasium.make` gives it."""
    env = gymnasium.make("WarehouseNav-v0", layout=layout, workers=WORKERS, seconds=1e9)
    env.reset(seed=seed)

    def ask(query: int) -> None:
        for action in np.random.default_rng(query).integers(6, size=STEPS).tolist():
            if env.step(action)[2]:
                env.reset()

    return Contestant(OURS, VERSION, ask)


def _world_alone(layout: Layout, seed: int) -> Contestant:
    """The world without observations, rewards and masks; its robot waits."""
    world = World(layout, seed=seed, workers=WORKERS)

    def ask(query: int) -> None:
        for _ in range(STEPS):
            world.step()
        world.take_events()

    return Contestant(f"{OURS} world alone", VERSION, ask)


def _other(name: str, layout: Layout, seed: int, *, slow: bool) -> Contestant | Absent:
    """Another library, stepped by a worker in its own interpreter."""
    python = os.environ.get(PYTHON, str(DEFAULT_PYTHON))
    question = {"rows": signs_of(layout), "agents": WORKERS + 1, "radius": RADIUS, "seed": seed,
                "steps": STEPS}  # fmt: skip
    try:
        version, ask = start(python, name, question)
    except OSError:
        return Absent(name, NOT_INSTALLED, f"not installed: make rl-peers, or {PYTHON}")
    except RuntimeError as error:
        return Absent(name, NOT_INSTALLED, f"failed: {error}")
    return Contestant(name, version, ask, most=3 if slow else 2**31, slow=slow)


def start(python: str, name: str, question: dict[str, Any]) -> tuple[str, Callable[[int], None]]:
    """Start a worker: its library's version, and the call that steps a block.

    The worker ends with the call's last reference.

    Raises:
        OSError: no such interpreter. RuntimeError: the worker ended; its last line of complaint.
    """
    # In a file: a pipe that nobody reads could fill up. `_end` closes it.
    complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115
    try:
        worker = subprocess.Popen(
            [python, "-I", str(WORKER), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=complaints, text=True,
        )  # fmt: skip
    except OSError:
        complaints.close()
        raise

    def tell(line: str) -> str:
        assert worker.stdin is not None and worker.stdout is not None
        with suppress(BrokenPipeError):  # why it ended is read below
            worker.stdin.write(line + "\n")
            worker.stdin.flush()
        answer = worker.stdout.readline().strip()
        if not answer:
            complaints.seek(0)
            raise RuntimeError((complaints.read().strip().splitlines() or ["no message"])[-1])
        return answer

    def ask(query: int) -> None:
        tell(str(query))

    weakref.finalize(ask, _end, worker, complaints)
    return tell(json.dumps(question)), ask


def _end(worker: subprocess.Popen[str], complaints: IO[str]) -> None:
    worker.kill()
    worker.communicate()
    complaints.close()


def signs_of(layout: Layout) -> list[str]:
    """Rows of a grid layout in signs: `#` blocked, `S` station, `.` free."""
    assert isinstance(layout.map, GridMap)
    signs = np.where(layout.map.blocked, "#", ".")
    signs.reshape(-1)[list(layout.stations)] = "S"
    return ["".join(row) for row in signs]
