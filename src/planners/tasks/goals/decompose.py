"""A goal in free text becomes groups of orders, what comes before what, and constraints.

Rules read the words of sequence (first, last, then, before, after); everything else of the text is
read as a note is. What no rule reads is flagged, never guessed. A goal reorders: like a note it has
no word for the battery, for capacity or for safety.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..asking import Asking
from ..constraints import Constraint
from ..names import Names
from ..reader import Flag, read_notes
from ..snapshot import Snapshot
from ..translate import Translation, translate
from .pairs import Group, as_after, waiting_for_each_other
from .reading import GoalReading
from .trajectory import Step


@dataclass(frozen=True)
class Decomposition:
    """What a goal comes to.

    ``groups`` are in the sequence that the text states, each order once, orders that it does not
    name in the last one. ``after`` is for `Snapshot.after`. ``translation`` holds the constraints
    and everything that was not understood; ``by`` who read the sequence.
    """

    groups: tuple[Group, ...] = ()
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    translation: Translation = field(default_factory=Translation)
    by: str = "reader"

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The typed constraints, for `applying.apply`."""
        return self.translation.constraints

    @property
    def states_goal(self) -> bool:
        """Whether the text says anything of groups or their sequence."""
        return len(self.groups) > 1 or bool(self.after)

    def into(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the stated sequence beside what it has; constraints are `apply`'s.

        Where the two let orders wait for each other, or a full robot for what finds no room on it,
        the snapshot's own stands.
        """
        ids = {order.id for order in snapshot.orders}
        both = {(e, late) for late, early in snapshot.after.items() for e in early}
        own = {(e, late) for late, early in self.after.items() for e in early if late in ids}
        if not own or waiting_for_each_other(both | own):
            return snapshot
        bound = replace(snapshot, after=as_after(both | own))
        return snapshot if _stands_still(bound) else bound

    def words(self) -> tuple[str, ...]:
        """For whoever wrote the goal: the sequence, which binds, then the groups, which do not."""
        waits: dict[tuple[str, ...], list[str]] = {}
        for late, early in self.after.items():
            waits.setdefault(early, []).append(late)
        lines = [f"binds: {', '.join(late)} after {', '.join(early)}"
                 for early, late in waits.items()]  # fmt: skip
        groups = [f"{', '.join(group.orders)} ({group.words})" for group in self.groups]
        return (*lines, *(f"only a group: {group}" for group in groups))

    def steps(self) -> tuple[Step, ...]:
        """The first step of a trajectory; none where no goal is stated."""
        if not self.states_goal:
            return ()
        return (Step("decompose", "; ".join(self.words()), {"by": self.by, **self.as_json()}),)

    def as_json(self) -> dict[str, Any]:
        """Groups and sequence as plain values."""
        groups = [{"orders": list(g.orders), "words": g.words} for g in self.groups]
        return {"groups": groups, "after": {k: list(v) for k, v in self.after.items()}}


def decompose(
    text: str,
    snapshot: Snapshot,
    names: Names | None = None,
    *,
    asking: Asking | None = None,
    deadline_s: float = 10.0,
) -> Decomposition:
    """Read a goal, or a note, or both in one text.

    Never raises, whatever the text. Sentences that notes can say are read by `translate`; a
    sentence of sequence that doubts, denies or corrects itself is flagged. Precedence that goes
    round in a circle is none. With ``asking`` a model is asked about what rules flag and is not
    for a person only: for constraints, and for pairs of the orders that a sentence names. All
    questions together take at most ``deadline_s``.
    """
    deadline = time.monotonic() + deadline_s
    known = names or Names()
    whole = read_notes(text, snapshot, known)
    if _refused(text, whole.flagged):
        return Decomposition(translation=Translation(flagged=whole.flagged))
    unread = {flag.sentence for flag in whole.flagged}
    reading = GoalReading(text, snapshot, known)
    for first, last, items in reading.sentences():
        reading.read(first, last, items, text[first:last] in unread)
    rest = translate(reading.left_text, snapshot, known, asking=asking, deadline_s=deadline_s)
    if asking is not None:
        rest = reading.ask(rest, asking, deadline)
    groups, pairs, translation = reading.result(rest)
    return Decomposition(groups, as_after(pairs), translation, reading.by)


def _stands_still(snapshot: Snapshot) -> bool:
    """Whether the robot is full, and all on board is to follow what is not delivered yet."""
    held = [order for order in snapshot.orders if order.id in snapshot.on_board]
    return len(held) >= snapshot.capacity and all(snapshot.sooner(order) for order in held)


def _refused(text: str, flags: Sequence[Flag]) -> bool:
    """Whether the reader of notes refuses the text as a whole."""
    shown = " ".join(text[:200].split())
    return len(flags) == 1 and flags[0].person and flags[0].clause == shown == flags[0].sentence
