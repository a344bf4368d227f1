"""The floor as the sensor knows it: lines of sight, what is near, where somebody is."""

from __future__ import annotations

from typing import Any

from .sense_state import CELL_M, COLS, NEAR_M, NEVER, RADIUS_M, REACH, Senses


def in_sight(node: int, other: int, senses: Senses) -> bool:
    """Whether `other` is in view from `node`: within the radius and, on grids, past no shelf."""
    cols = senses.ints[COLS]
    if cols == 0:
        dx, dy = x_of(node, senses) - x_of(other, senses), y_of(node, senses) - y_of(other, senses)
        return bool(dx * dx + dy * dy <= senses.floats[RADIUS_M] * senses.floats[RADIUS_M])
    row, col = node // cols, node % cols
    return clear(row, col, other // cols - row, other % cols - col, senses)


def clear(row: int, col: int, down: int, right: int, senses: Senses) -> bool:
    """Whether the ray from a cell to the cell at an offset inside the map meets no solid cell."""
    reach = senses.ints[REACH]
    if down > reach or -down > reach or right > reach or -right > reach:
        return False
    ray = (down + reach) * (2 * reach + 1) + right + reach
    cols = senses.ints[COLS]
    for k in range(senses.ray_steps[ray]):
        if senses.solid[(row + senses.rays[ray, k, 0]) * cols + col + senses.rays[ray, k, 1]]:
            return False
    return bool(senses.ray_steps[ray] >= 0)


def near_places(node: int, senses: Senses) -> int:
    """How many values of k `near` takes at this node."""
    if senses.ints[COLS] == 0:
        return int(senses.near_ptr[node + 1] - senses.near_ptr[node])
    return int(senses.near_steps.shape[0])


def near(node: int, k: int, senses: Senses) -> int:
    """The k-th node within `NEAR_M` of a node, itself among them; NEVER where there is none."""
    cols = senses.ints[COLS]
    if cols == 0:
        return int(senses.near_ids[senses.near_ptr[node] + k])
    row, col = node // cols + senses.near_steps[k, 0], node % cols + senses.near_steps[k, 1]
    if row < 0 or col < 0 or col >= cols:
        return NEVER
    other = row * cols + col
    if other >= senses.solid.shape[0] or senses.solid[other]:
        return NEVER
    return int(other)


def x_of(node: int, senses: Senses) -> float:
    """Metres to the right of the map's first node."""
    cols = senses.ints[COLS]
    return float(senses.place[node, 0]) if cols == 0 else float(node % cols) * senses.floats[CELL_M]


def y_of(node: int, senses: Senses) -> float:
    """Metres below the map's first node."""
    cols = senses.ints[COLS]
    return (
        float(senses.place[node, 1]) if cols == 0 else float(node // cols) * senses.floats[CELL_M]
    )


def within(node: int, x: float, y: float, senses: Senses) -> bool:
    """Whether a node lies within `NEAR_M` of a point."""
    dx, dy = x_of(node, senses) - x, y_of(node, senses) - y
    return bool(dx * dx + dy * dy <= senses.floats[NEAR_M] * senses.floats[NEAR_M] + 1e-9)


def place_of(agent: int, agents: Any) -> int:
    """The node that an agent is nearest to."""
    to = agents.to[agent]
    if to >= 0 and 2 * agents.done_mm[agent] > agents.length_mm[agent]:
        return int(to)
    return int(agents.node[agent])


def heading(dx: float, dy: float) -> int:
    """0 to 3 for N, E, S, W: the main direction of a move; y grows southward."""
    if abs(dx) > abs(dy):
        return 1 if dx > 0 else 3
    return 0 if dy < 0 else 2


HELPERS = (x_of, y_of, clear, in_sight, near_places, near, within, place_of, heading)
