"""Who moves where: priority inheritance with backtracking (PIBT; Okumura et al., 2019 and 2022).

In order of priority every agent takes the best of its wishes that is still to be had. If somebody
stands there who may be pushed, that agent inherits the turn and must find itself another place
first; if it cannot, the pusher tries its next wish.

One difference to the published method, because agents here move at different speeds: an agent on
an edge holds both its ends, so a pusher does not step into a cell in the same tick in which it is
left; it claims the cell and *queues* for it. Rotations of a full ring are therefore impossible,
and nobody can run into the heels of a slower one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

MAX_PUSHES = 48  # longest chain of agents that push each other in one tick (a); bounds recursion


@dataclass
class Resolution:
    """`moves`: agent -> free node that it enters now. `queued`: waits for a node being vacated."""

    moves: dict[int, int] = field(default_factory=dict)
    queued: set[int] = field(default_factory=set)


@dataclass
class _Turn:
    """One tick's decisions in the making."""

    at: Mapping[int, int]
    holder: Mapping[int, int]
    vacating: Mapping[int, int]
    wishes: Callable[[int], Sequence[int]]
    may_push: Callable[[int, int], bool]
    result: Resolution = field(default_factory=Resolution)
    claimed: set[int] = field(default_factory=set)
    decided: set[int] = field(default_factory=set)

    def decide(self, agent: int, depth: int) -> bool:
        """Find `agent` a place; False if it must stay although somebody wants its node."""
        here = self.at[agent]
        self.decided.add(agent)
        for node in self.wishes(agent):
            if node in self.claimed:
                continue
            if node == here:
                self.claimed.add(here)
                return True
            other = self.holder.get(node)
            if other is None:
                self.claimed.add(node)
                self.result.moves[agent] = node
                return True
            if self._will_leave(other, node) or self._push(agent, other, node, depth):
                self.claimed.add(node)
                self.result.queued.add(agent)
                return True
        self.claimed.add(here)
        return False

    def _will_leave(self, other: int, node: int) -> bool:
        """True if `other` is on its way out of `node`, by an earlier or by this tick's move."""
        return self.vacating.get(node) == other or other in self.result.moves

    def _push(self, agent: int, other: int, node: int, depth: int) -> bool:
        if other in self.decided or depth >= MAX_PUSHES or not self.may_push(agent, other):
            return False
        self.claimed.add(node)  # so that `other` may not simply stay
        return self.decide(other, depth + 1)


def resolve(
    order: Sequence[int],
    *,
    at: Mapping[int, int],
    holder: Mapping[int, int],
    vacating: Mapping[int, int],
    wishes: Callable[[int], Sequence[int]],
    may_push: Callable[[int, int], bool],
) -> Resolution:
    """The moves that start now, for agents `order` (highest priority first) and those they push.

    `at` gives the node of each standing agent, `holder` the agent of each node in use (an agent
    on an edge holds both ends), `vacating` the nodes that agents on an edge are leaving.
    `wishes(agent)` lists nodes to go to, best first, its own among them; `may_push(agent, other)`
    says whether `other` stands ready to be pushed by `agent`.

    Guarantee: every node of `moves` was free and is entered once; so no two agents share a node
    and none swap. Cost: O(agents x neighbours).

    >>> resolve([0], at={0: 5}, holder={5: 0}, vacating={}, wishes=lambda agent: [6, 5],
    ...         may_push=lambda agent, other: False).moves
    {0: 6}
    """
    turn = _Turn(at, holder, vacating, wishes, may_push)
    for agent in order:
        if agent not in turn.decided:
            turn.decide(agent, 0)
    return turn.result
