"""Notes over time: heard when they arrive, read once, applied to every decision from then on.

A note is always read as of the moment at which it arrived: its times count from there, *the rest*
is what was open then. It is read again only when an order appears that it named before there was
one, with that order added to those of its moment; a model is never asked about the same sentence
twice. Where two notes contradict each other, the later one stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .applying import Applied, apply
from .asking import Asking
from .choosers import Chooser
from .constraints import Avoid, Constraint, as_json, contradictions, dated, echo, later, target
from .decision import Decision
from .goals import Decomposition, decompose
from .names import Names
from .reader import unknown_orders
from .snapshot import Order, Snapshot
from .translate import Translation

# (a) Of the time left until a note's deadline, for choosers of one step: they see driving times
# alone. On two floors a delivery took 1.27 and 1.41 times what was predicted (n = 48 each).
MARGIN = 1.4


@dataclass(frozen=True)
class Note:
    """A text from people, and the moment at which it arrives on the snapshots' clock."""

    text: str
    at_s: float = 0.0


@dataclass(frozen=True)
class Told:
    """What came of the notes at one moment, each thing once: plain values, and words for people.

    ``note`` is the number of the note, from 1; None where all of them together changed something.
    Times are on the snapshots' clock.
    """

    note: int | None
    constraints: tuple[dict[str, Any], ...] = ()
    rejected: tuple[dict[str, str], ...] = ()
    said: tuple[str, ...] = ()


@dataclass
class _Heard:
    """A note that has arrived: the orders of its moment, what it was read as, what it waits for."""

    number: int
    note: Note
    orders: dict[str, Order]
    goal: Decomposition = field(default_factory=Decomposition)
    awaited: tuple[str, ...] = ()

    @property
    def found(self) -> Translation:
        """What it says apart from sequences."""
        return self.goal.translation

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """Its constraints with their times on the snapshots' clock."""
        return tuple(dated(one, self.note.at_s) for one in self.found.constraints)


Closing = Callable[[Mapping[str, float | None]], None]


class NotedChooser:
    """A chooser that decides under the notes that have arrived by the moment of its snapshot.

    The chooser behind it sees a snapshot that the constraints have entered, and the notes' own
    words in ``Snapshot.notes``, which only a model reads, as quoted data. With ``asking`` a model
    is asked about what the rules flag. Snapshots must come in the order of their moments.

    Attributes:
        names: what people call things in a snapshot; by default orders have their ids and no more.
        tell: is told once what came of each note, and what the notes changed.
        close: is told at every decision which aisles are closed now (name -> end; None: none).
        asked, taken: questions to the model, and its replies that could be read.
    """

    def __init__(
        self,
        chooser: Chooser,
        notes: Sequence[Note],
        *,
        asking: Asking | None = None,
        deadline_s: float = 10.0,
        margin: float = 1.0,
    ) -> None:
        self.inner, self.name, self.asking = chooser, chooser.name, asking
        self.names: Callable[[Snapshot], Names] = lambda snapshot: Names()
        self.tell: Callable[[Told], None] = lambda told: None
        self.close: Closing = lambda zones: None
        self.asked = self.taken = 0
        self._deadline_s, self._margin = deadline_s, margin
        self._coming = sorted(notes, key=lambda note: note.at_s)
        self._heard: list[_Heard] = []
        self._standing: list[Constraint] = []
        self._replaced: dict[Constraint, dict[str, str]] = {}
        self._told: set[str] = set()

    def describe(self) -> str:
        """One line on who decides, and who reads the notes."""
        own = getattr(self.inner, "asking", None)
        if self.asking is None:
            return f"{self.inner.describe()}; notes are read by rules"
        if own is self.asking:
            return f"{self.inner.describe()}; of the notes it is asked what rules cannot read"
        who = self.asking.client.describe()
        return f"{self.name} decides; of the notes {who} is asked what rules cannot read"

    @property
    def coming(self) -> tuple[Note, ...]:
        """The notes that have not arrived yet."""
        return tuple(self._coming)

    @property
    def constraints(self) -> tuple[dict[str, Any], ...]:
        """All that the notes were read as, ended or not; times on the snapshots' clock."""
        found = (as_json(one) for heard in self._heard for one in heard.constraints)
        return tuple({str(one): one for one in found}.values())

    @property
    def rejected(self) -> tuple[dict[str, str], ...]:
        """All of the notes that was not taken, and why."""
        found = (row for heard in self._heard for row in heard.found.rejected)
        return (*found, *self._replaced.values())

    def choose(self, snapshot: Snapshot) -> Decision:
        """The next goal under the notes."""
        news = self._listen(snapshot)
        if not self._heard:
            return self.inner.choose(snapshot)
        names = self.names(snapshot)
        for heard in news:
            self._read(heard, snapshot)
        constraints = self._now(snapshot, names)
        for heard in reversed(self._heard):  # a later sequence before an earlier one
            snapshot = heard.goal.into(snapshot)
        applied = apply(snapshot, constraints, names, margin=self._margin)
        self._tell_changes(applied, len(constraints))
        ends = {c.zone: c.until_s for c in self._standing if isinstance(c, Avoid)}
        self.close({zone: ends[zone] for zone in applied.zones})
        words = "\n".join(heard.note.text for heard in self._heard)
        return applied.into(self.inner.choose(replace(applied.snapshot, notes=words)))

    def _listen(self, snapshot: Snapshot) -> list[_Heard]:
        """The notes to read now: those that arrive, and those whose order has appeared."""
        here = {order.id: order for order in snapshot.orders}
        news = []
        for heard in self._heard:
            appeared = [name for name in heard.awaited if name in here]
            if appeared:
                heard.orders |= {name: here[name] for name in appeared}
                news.append(heard)
        while self._coming and self._coming[0].at_s <= snapshot.time_s:
            number = len(self._heard) + 1
            self._heard.append(_Heard(number, self._coming.pop(0), dict(here)))
            news.append(self._heard[-1])
        return news

    def _read(self, heard: _Heard, snapshot: Snapshot) -> None:
        """Read a note as of its moment, and tell what is new in it."""
        then = replace(
            snapshot, time_s=heard.note.at_s, orders=tuple(heard.orders.values()), on_board=()
        )
        names, before = self.names(then), heard.goal
        counts = None if self.asking is None else self.asking.counts
        asked, taken = (counts.asked, counts.taken) if counts else (0, 0)
        heard.goal = decompose(
            heard.note.text, then, names, asking=self.asking, deadline_s=self._deadline_s
        )
        if counts:
            self.asked += counts.asked - asked
            self.taken += counts.taken - taken
        heard.awaited = unknown_orders(heard.note.text, then, names)
        known = {dated(one, heard.note.at_s) for one in before.constraints}
        fresh = [one for one in heard.constraints if one not in known]
        rejected = [row for row in heard.found.rejected if row not in before.translation.rejected]
        known_words = (*before.words(), *before.translation.echo(names))
        words = (*heard.goal.words(), *heard.found.echo(names))
        said = [line for line in words if line not in known_words]
        said += self._settle(heard.note.at_s, names)
        constraints = tuple(map(as_json, fresh))
        self.tell(Told(heard.number, constraints, tuple(rejected), tuple(said)))

    def _settle(self, moment_s: float, names: Names) -> list[str]:
        """What stands of all notes, the later before the earlier; in words, what has to go now."""
        self._standing, said = [], []
        for heard in self._heard:
            for new in heard.constraints:
                for old in [o for o in self._standing if contradictions([o, new])]:
                    self._standing.remove(old)
                    if old not in self._replaced:
                        was, now = (echo(dated(one, -moment_s), names) for one in (old, new))
                        reason = f"a later note says: {now}"
                        said.append(f"no longer: {was}: {reason}")
                        row = {"what": "note", "of": was, "code": "replaced", "reason": reason}
                        self._replaced[old] = row
                if new not in self._standing:
                    self._standing.append(new)
        return said

    def _now(self, snapshot: Snapshot, names: Names) -> tuple[Constraint, ...]:
        """What stands and has not ended, of orders that are open and aisles that exist."""
        there = {order.id for order in snapshot.orders} | set(names.aisles)
        found = later(self._standing, max(0.0, snapshot.time_s))
        return tuple(one for one in found if target(one) in there)

    def _tell_changes(self, applied: Applied, count: int) -> None:
        """What the constraints changed beyond their own words, each thing once."""
        lines = {line: line for line in (*applied.changes[count:], *applied.notes)}
        lines |= {no.goal: no.sentence for no in applied.refused if no.code == "closed"}
        fresh = {key: line for key, line in lines.items() if key not in self._told}
        self._told.update(fresh)
        if fresh:
            self.tell(Told(None, said=tuple(fresh.values())))
