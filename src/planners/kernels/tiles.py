"""Tiles of a grid: their paces, the moves that cross between them, and the estimate they give.

A tile is a square of `side * side` cells (smaller at the lower and right edge of the map). Like the
loop, everything here is in the subset that numba compiles without reference counting.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

UNREACHED = 1e150  # stands for an infinite cost-to-go: beyond every cost, finite times a weight


class Tiles(NamedTuple):
    """E: an estimate of the remaining cost, by tile (on grids) or by cluster (on graphs)."""

    cost: Any  # float64: cost-to-go of tile centres or UNREACHED, a border of UNREACHED around
    width: int  # tiles in a row, border included
    side: int  # cells along a tile; 0: clusters
    per_side: float  # 1 / side
    cols: int  # cells in a row of the map
    y: float  # the goal: row, or second coordinate of its position
    x: float
    near: float  # cost units per cell on the straight way to the goal, within `side` cells of it
    diagonal: float  # length of a diagonal move in cells: sqrt(2), or 2 where there is none
    member: Any  # int32 (n,): the cluster of each node; (0,) on grids
    slope: Any  # float64 (clusters,): added per unit of straight line to the goal; (0,) on grids
    position: Any  # float64 (n, 2) of the nodes, (0, 2) where there is none


def tile_estimate(tiles: Tiles, v: int) -> float:
    """E(v): bilinear between the centres of the four nearest tiles, those with a cost-to-go.

    Close to the goal the straight way counts where it is less, so E(goal) = 0. On graphs: the cost
    of the cluster, sloping with the straight line to the goal.
    """
    if tiles.side == 0:
        return cluster_estimate(tiles, v)
    row = v // tiles.cols
    col = v - row * tiles.cols
    y = (row + 0.5) * tiles.per_side + 0.5
    x = (col + 0.5) * tiles.per_side + 0.5
    top = int(y)
    left = int(x)
    value = between_centres(tiles, top * tiles.width + left, y - top, x - left)
    dy = abs(row - tiles.y)
    dx = abs(col - tiles.x)
    if value < UNREACHED and max(dx, dy) <= tiles.side:
        value = min(value, tiles.near * (max(dx, dy) + (tiles.diagonal - 1.0) * min(dx, dy)))
    return value


def between_centres(tiles: Tiles, corner: int, down: float, right: float) -> float:
    """The costs of four tiles, from the top left one, weighted by nearness; UNREACHED without."""
    a = float(tiles.cost[corner])
    b = float(tiles.cost[corner + 1])
    c = float(tiles.cost[corner + tiles.width])
    d = float(tiles.cost[corner + tiles.width + 1])
    if max(max(a, b), max(c, d)) < UNREACHED:
        return (1 - down) * ((1 - right) * a + right * b) + down * ((1 - right) * c + right * d)
    own = corner + (tiles.width if down >= 0.5 else 0) + (1 if right >= 0.5 else 0)
    if tiles.cost[own] >= UNREACHED:
        return UNREACHED
    weight_a = (1 - down) * (1 - right) if a < UNREACHED else 0.0
    weight_b = (1 - down) * right if b < UNREACHED else 0.0
    weight_c = down * (1 - right) if c < UNREACHED else 0.0
    weight_d = down * right if d < UNREACHED else 0.0
    total = weight_a * a + weight_b * b + weight_c * c + weight_d * d
    return total / (weight_a + weight_b + weight_c + weight_d)


def cluster_estimate(tiles: Tiles, v: int) -> float:
    """E(v) on a graph."""
    cluster = int(tiles.member[v])
    value = float(tiles.cost[cluster])
    if tiles.position.shape[0] == 0 or value >= UNREACHED:
        return value
    dx = float(tiles.position[v, 0]) - tiles.x
    dy = float(tiles.position[v, 1]) - tiles.y
    return max(0.0, value + float(tiles.slope[cluster]) * sqrt(dx * dx + dy * dy))


def tabulate_tiles(
    cost: Any,
    width: int,
    side: int,
    per_side: float,
    cols: int,
    y: float,
    x: float,
    near: float,
    diagonal: float,
    member: Any,
    slope: Any,
    position: Any,
    table: Any,
) -> None:
    """E of every node into `table`, float64 (n,)."""
    tiles = Tiles(cost, width, side, per_side, cols, y, x, near, diagonal, member, slope, position)
    for v in range(table.shape[0]):
        table[v] = tile_estimate(tiles, v)


def tile_links(move: Any, cols: int, side: int, tile_cols: int, arrival: Any) -> None:
    """Bit k of `arrival[T]`: a legal move leads into tile T from the tile in direction k."""
    for u in range(move.shape[0]):
        row = u // cols
        col = u - row * cols
        if 0 < row % side < side - 1 and 0 < col % side < side - 1:
            continue
        for k in range(8):
            if not int(move[u]) >> k & 1:
                continue
            # rows and columns of the directions N, NE, E, SE, S, SW, W, NW
            down = 1 if 3 <= k <= 5 else -1 if k <= 1 or k == 7 else 0
            right = 1 if 1 <= k <= 3 else -1 if 5 <= k <= 7 else 0
            down = (row + down) // side - row // side
            right = (col + right) // side - col // side
            if down != 0 or right != 0:
                tile = (row // side + down) * tile_cols + col // side + right
                arrival[tile] |= 1 << direction(-down, -right)


def direction(down: int, right: int) -> int:
    """The number of a direction: N, NE, E, SE, S, SW, W, NW are 0 to 7."""
    if down < 0:
        return (8 + right) & 7
    if down > 0:
        return 4 - right
    return 2 if right > 0 else 6


def tile_paces(
    blocked: Any,
    move: Any,
    pace: Any,
    edge_pace: Any,
    cols: int,
    side: int,
    tile_cols: int,
    total: Any,
    least: Any,
    count: Any,
) -> None:
    """Sum, least and number of the paces of the free cells of each tile, added to what is there.

    The mean of the edge paces of a cell's legal moves is added to the pace of the cell.
    """
    nodes = blocked.shape[0]
    for row in range(nodes // cols):
        for col in range(cols):
            v = row * cols + col
            if blocked[v]:
                continue
            value = 0.0 + float(pace[v])
            if edge_pace.shape[0] > 0:
                value += mean_leaving(move, edge_pace, v)
            tile = row // side * tile_cols + col // side
            total[tile] += value
            least[tile] = min(least[tile], value)
            count[tile] += 1


def mean_leaving(move: Any, edge_pace: Any, v: int) -> float:
    """The mean edge pace of the legal moves out of a cell."""
    value = 0.0
    moves = 0
    for k in range(8):
        if int(move[v]) >> k & 1:
            value += float(edge_pace[k * move.shape[0] + v])
            moves += 1
    return value / max(moves, 1)


HELPERS = (tile_estimate, between_centres, cluster_estimate, direction, mean_leaving)
ENTRIES = (tile_links, tile_paces, tabulate_tiles)
