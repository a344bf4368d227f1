"""What changed in a cost field: a bounded history of the costs that rose and of those that fell."""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Change(NamedTuple):
    """The places that one update raised, or those that it lowered."""

    version: int  # of the cost field after the update
    per_node: bool  # else the places are those of an edge layer
    places: npt.NDArray[np.int64]  # (k,)
    old: npt.NDArray[np.float32]  # (k,) composed cost units per metre
    new: npt.NDArray[np.float32]  # (k,)


class Log:
    """Changes in one direction. The newest are kept in full, of older ones only the last version.

    Attributes:
        last: version of the newest change, 0 before the first.
        forgotten: version of the newest change whose places are no longer known.
    """

    def __init__(self, most_places: int) -> None:
        self.last = self.forgotten = 0
        self._room = most_places
        self._changes: deque[Change] = deque()

    def add(self, change: Change) -> None:
        """Append a change; the oldest make room for it."""
        self.last = change.version
        self._changes.append(change)
        self._room -= change.places.size
        while self._room < 0:
            oldest = self._changes.popleft()
            self._room += oldest.places.size
            self.forgotten = oldest.version

    def since(self, version: int) -> list[Change] | None:
        """The changes after a version, newest first; None where some of them are forgotten."""
        if version < self.forgotten:
            return None
        return list(takewhile(lambda change: change.version > version, reversed(self._changes)))


class History:
    """The rises and the falls of a cost field: at most 16 bytes a place and `most_places` each."""

    def __init__(self, most_places: int) -> None:
        self.rises, self.falls = Log(most_places), Log(most_places)

    def record(
        self,
        version: int,
        per_node: bool,
        places: npt.NDArray[np.int64],
        old: npt.NDArray[np.float32],
        new: npt.NDArray[np.float32],
    ) -> None:
        """Note an update; time O(changed)."""
        for log, chosen in ((self.rises, new > old), (self.falls, new < old)):
            if chosen.any():
                log.add(Change(version, per_node, places[chosen], old[chosen], new[chosen]))
