"""The living warehouse as Gymnasium environments: `WarehouseNav-v0` and `WarehouseTask-v0`.

They only wrap the world: nothing in it depends on them. `import envs` registers both; their code is
loaded when the first one is made.
"""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

ENTRY_POINTS = {
    "WarehouseNav-v0": "envs.gym.nav:WarehouseNav",
    "WarehouseTask-v0": "envs.gym.task:WarehouseTask",
}


def register_all() -> None:
    """Make both environments known to `gymnasium.make`; those that are known stay as they are."""
    for name, entry_point in ENTRY_POINTS.items():
        if name not in registry:
            register(id=name, entry_point=entry_point)
