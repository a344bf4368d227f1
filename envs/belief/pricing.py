"""The arrays of pricing, made once for a map: `envs.kernels.price` works on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..battery import RobotProfile
from ..floor import Map
from ..kernels import price as to
from ..kernels import sense_state as at
from .edges import edges_into
from .model import BeliefModel

# A value is handed on only where it moved by more than this: caches live longer that way.
TOLERANCES = {to.CONGESTION: 0.005, to.RISK: 0.002, to.ENERGY: 1e-4, to.ONCOMING: 0.005}


def make_pricing(
    map: Map, senses: at.Senses, model: BeliefModel, profile: RobotProfile, *,
    presence: npt.NDArray[np.float32], near_presence: npt.NDArray[np.float32],
    pace: npt.NDArray[np.float64], wanted: tuple[bool, bool, bool, bool],
) -> to.Pricing:  # fmt: skip
    """What layers are made from, before anything was seen.

    What has one value per node is allocated without being touched, as in the senses.

    Args:
        map: four-connected grid, or graph.
        senses: of the same map.
        model, profile: numbers.
        presence, near_presence: (size,) people expected on a node, and near it.
        pace: (1,) or (size,) seconds per metre.
        wanted: whether congestion, risk, energy and the layer of directions are.
    """
    size, agents = map.size, len(senses.tracks)
    ptr, edges, ways = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int8)
    if wanted[to.ONCOMING]:
        ptr, edges, ways = edges_into(map, senses)
    ints, floats = np.zeros(to.PRICE_INTS, dtype=np.int64), np.zeros(to.PRICE_FLOATS)
    ints[to.WANTED : to.WANTED + len(wanted)], ints[to.TURNS] = wanted, model.turn_refreshes
    floats[to.PRIOR_S], floats[to.SAME_WAY] = model.prior_s, model.same_way
    floats[to.NEAR_AREA], floats[to.STAY_S] = model.near_m**2, model.stay_s
    floats[to.TRACK_WEIGHT], floats[to.SPEED_M_S] = model.track_weight, profile.speed_m_s
    floats[to.AMBIENT_W], floats[to.DRIVE_J] = profile.ambient_w, profile.drive_j_per_m
    for layer, most in TOLERANCES.items():
        floats[to.TOLERANCE + layer] = most
    reach = int(senses.ints[at.REACH])
    around = max((2 * reach + 1) ** 2, len(senses.in_view))
    return to.Pricing(
        ints=ints, floats=floats, presence=presence, near_presence=near_presence, pace=pace,
        alive=np.empty(size, dtype=np.int32), is_alive=np.zeros(size, dtype=np.bool_),
        around=np.empty(around, dtype=np.int64), picked=np.empty(size, dtype=np.int64),
        marked=np.zeros(size, dtype=np.int32), people=np.empty(agents, dtype=np.int64),
        in_ptr=ptr, in_edges=edges, in_ways=ways,
        moved=np.empty((3, size), dtype=np.int64), values=np.empty((3, size)),
        moved_edges=np.empty(edges.size, dtype=np.int64), edge_values=np.empty(edges.size),
    )  # fmt: skip
