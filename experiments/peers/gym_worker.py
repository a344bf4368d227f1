"""Steps one multi-robot environment at random, on demand; a script for an interpreter that has it.

It needs the environment's library and numpy, nothing of ours: POGEMA wants versions of Gymnasium
and pydantic that ours does not run with. The first line of its input is the question as JSON; each
further line is the seed of a block of steps, answered by one line when they are done.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
from typing import Any

import numpy as np


def pogema(asked: dict[str, Any]) -> tuple[Any, int]:
    """POGEMA: agents with goals on a grid, each observing a window; an agent at its goal gets
    another one."""
    library = importlib.import_module("pogema")
    floor = "\n".join("".join("#" if sign == "#" else "." for sign in row) for row in asked["rows"])
    config = library.GridConfig(
        map=floor, num_agents=asked["agents"], obs_radius=asked["radius"], on_target="restart",
        max_episode_steps=10**9, seed=asked["seed"],
    )  # fmt: skip
    return library.pogema_v0(config), 5


def rware(asked: dict[str, Any]) -> tuple[Any, int]:
    """RWARE: robots carry shelves to the stations; each observes the cells around it (range 1)."""
    library = importlib.import_module("rware.warehouse")
    signs = {"#": "x", "S": "g"}
    floor = "\n".join("".join(signs.get(sign, ".") for sign in row) for row in asked["rows"])
    world = library.Warehouse(
        shelf_columns=1, column_height=1, shelf_rows=1, n_agents=asked["agents"], msg_bits=0,
        sensor_range=1, request_queue_size=asked["agents"], max_inactivity_steps=None,
        max_steps=None, reward_type=library.RewardType.INDIVIDUAL, layout=floor,
    )  # fmt: skip
    return world, 5


ENVIRONMENTS = {"pogema": pogema, "rware": rware}


def main(name: str) -> None:
    """Say the version, then step a block for every line that comes in."""
    asked = json.loads(sys.stdin.readline())
    env, actions = ENVIRONMENTS[name](asked)
    env.reset(seed=asked["seed"])
    sys.stdout.write(importlib.metadata.version(name) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        rng = np.random.default_rng(int(line))
        for action in rng.integers(actions, size=(asked["steps"], asked["agents"])).tolist():
            env.step(action)
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
