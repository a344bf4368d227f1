"""Worlds that are ready to use, by name."""

from __future__ import annotations

from collections.abc import Callable

from .aisle_families import fishbone, traditional
from .families import built_in, long_corridors, pod_blocks, sortation
from .layout import Layout

_MADE: dict[str, Callable[[int], Layout]] = {
    "built-in": built_in,
    "small": lambda seed: pod_blocks(seed=seed, name="small"),
    "long-corridor": lambda seed: long_corridors(seed=seed, name="long-corridor"),
    "sortation": lambda seed: sortation(seed=seed, name="sortation"),
    "fishbone": lambda seed: fishbone(seed=seed, name="fishbone"),
    "cross-aisles": lambda seed: traditional(seed=seed, name="cross-aisles"),
}
READY = tuple(_MADE)


def ready(name: str, seed: int = 0) -> Layout:
    """A layout by name: built-in, small, long-corridor, sortation, fishbone or cross-aisles.

    Args:
        name: one of `READY`.
        seed: which pick faces are popular; the walls are the same for all.

    Raises:
        ValueError: an unknown name.

    >>> ready("sortation").map.shape
    (31, 59)
    """
    if name not in _MADE:
        raise ValueError(f"unknown layout {name!r}: choose {', '.join(READY)}")
    return _MADE[name](seed)
