"""What the robot holds between two ticks of sensing: belief as arrays.

A stamp is the tick in which something was learned, 0 for never; ticks count from 1. Evidence is
kept as it was at its stamp: `fade[tick - stamp]` of it is left.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .state import PERSON as PERSON
from .state import TRAFFIC as TRAFFIC

STANDING = 4  # after the four headings N, E, S, W of `fleet`
NEVER = -1

# Places in `ints`. The first ones are fixed:
COLS, REACH, TELEMETRY = 0, 1, 2  # COLS is 0 on graphs; TELEMETRY in ticks
# these are the state of sensing;
REFRESHED, CHANGED, VIEW, VIEW_NODE, LOOKED, BODIES, OBSTACLES, DOUBTS = 3, 4, 5, 6, 7, 8, 9, 10
NEWS = 11  # 1 when the nodes believed blocked may have changed
CLOSURE = 12  # the tick in which an announced closure begins or ends next, NEVER
NOW = 13  # the tick of the last call
INTS = 14

# Places in `floats`, all fixed; odds are P / (1 - P).
TICK_S, CELL_M, RADIUS_M, NEAR_M, DETECTION, FALSE_ALARM = 0, 1, 2, 3, 4, 5
DOUBT_PRIOR, DOUBT_MOST, DOUBT_LEAST, TRACK_TICKS, FLEET_GAIN = 6, 7, 8, 9, 10
FLOATS = 11


class Senses(NamedTuple):
    """What the robot holds between two ticks. Sizes: n nodes, a agents, v nodes in a full view."""

    ints: Any  # int64 (INTS,)
    floats: Any  # float64 (FLOATS,)
    keys: Any  # int64 (3,): dice of bodies, of obstacles, of false alarms
    solid: Any  # uint8 (n,): 1 where nobody can be; on grids it ends the line of sight
    ray_steps: Any  # int16 (side * side,): samples on the ray to an offset, -1 out of reach
    rays: Any  # int16 (side * side, reach, 2): the offsets of these samples, the target last
    targets: Any  # int64 (v, 2): offsets within reach, in reading order
    near_steps: Any  # int64 (k, 2): offsets within `NEAR_M` on grids
    view_ptr: Any  # int64 (n + 1,) and view_ids int32: nodes within the radius, on graphs
    view_ids: Any
    near_ptr: Any  # int64 (n + 1,) and near_ids int32: nodes within `NEAR_M`, on graphs
    near_ids: Any
    place: Any  # float64 (n, 2) metres, on graphs
    room: Any  # uint16 (n,): how many free nodes lie within `NEAR_M`
    in_view: Any  # int64 (v,): the nodes of the look under way
    bodies: Any  # int64 (a, 3): agent, node, kind of the bodies of that look
    body_m: Any  # float64 (a, 2)
    obstacles: Any  # int64 (v + 1,): the nodes of that look that seemed blocked
    tracks: Any  # int64 (a, 4): stamp, node, standing since, kind; the last is for false alarms
    motion: Any  # float64 (a, 4): x, y in metres, velocity in metres per second
    doubts: Any  # int64 (d, 3): node, stamp, whether it counts as blocked
    doubt_p: Any  # float64 (d,): how likely it was at the stamp that the node is blocked
    evidence: Any  # float32 (n, 3) seconds: in view, with a person near, with a person on it
    looked: Any  # int32 (n,): stamps of `evidence`
    fleet: Any  # float32 (n, 5): mean robots a node by heading N, E, S, W, standing; (n, 1): all
    heard: Any  # int32 (n,): stamps of `fleet`
    changed: Any  # int32 (n,): the nodes touched since the last refresh
    fade: Any  # float64: exp(-k ticks / tau) of `evidence`, of `fleet`, of `doubts`
    fleet_fade: Any
    doubt_fade: Any


def faded(table: Any, ticks: int) -> float:
    """What is left of one after so many ticks; the last entry of a table is 0."""
    last = table.shape[0] - 1
    return float(table[ticks if ticks < last else last])


def touch(node: int, senses: Senses) -> None:
    """Put a node on the list for the next refresh; to be called before its stamp is set."""
    since = senses.ints[REFRESHED]
    if senses.looked[node] <= since and senses.heard[node] <= since:
        senses.changed[senses.ints[CHANGED]] = node
        senses.ints[CHANGED] += 1


HELPERS = (faded, touch)
