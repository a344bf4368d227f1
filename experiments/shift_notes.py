"""Notes to a shift: when they arrive, what people call things in it, and what they change there."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envs.blockages import Blockage
from envs.corridors import corridors
from envs.layouts import Layout
from envs.world import World
from planners.tasks import Order, Snapshot
from planners.tasks.names import DAY_S, Names
from planners.tasks.noting import Note, NotedChooser, Told
from planners.tasks.prompt import plain

from .snapshots import SHIFT_BEGINS_S, items_of

NOTES_LIMIT = 20_000  # characters
ENDLESS_S = 1e9  # of a closure without a known end: beyond any shift
_MOMENT = re.compile(r"\+(?:(\d+):)?(\d+):([0-5]\d)(?:\s+|$)")


def read_notes(text: str) -> str:
    """The notes of a shift: the text itself, or the content of FILE for `@FILE`.

    Raises:
        ValueError: over the limit, or not UTF-8; OSError: unreadable.
    """
    shown = "the text"
    if text.startswith("@"):
        shown = text[1:]
        if not shown:
            raise ValueError("--notes @ names no file: write @FILE, or the text itself")
        with Path(shown).open(encoding="utf-8") as stream:
            try:
                text = stream.read(NOTES_LIMIT + 1)
            except UnicodeDecodeError:
                raise ValueError(f"--notes: {shown} is not UTF-8 text") from None
    if len(text) > NOTES_LIMIT:
        raise ValueError(f"--notes: {shown} is over {NOTES_LIMIT} characters: shorten it")
    return text


def notes_of(text: str) -> tuple[Note, ...]:
    """The notes in a text, each with its moment in seconds from the start of the shift.

    A line that begins with `+MM:SS` (or `+H:MM:SS`) begins a note that arrives so long into the
    shift; what stands before the first of them is there from the start.

    Raises:
        ValueError: a line that begins with + and a digit, but with no moment.

    >>> notes_of("Avoid aisle 7.\\n+12:30 O9 is urgent.\\nO4 can wait.\\n+1:05:00 O4 is cancelled.")
    ... # doctest: +NORMALIZE_WHITESPACE
    (Note(text='Avoid aisle 7.', at_s=0.0),
     Note(text='O9 is urgent.\\nO4 can wait.', at_s=750.0),
     Note(text='O4 is cancelled.', at_s=3900.0))
    """
    found: list[tuple[float, list[str]]] = [(0.0, [])]
    for line in text.split("\n"):
        moment = _MOMENT.match(line)
        if moment is not None:
            hours, minutes, seconds = (int(part or 0) for part in moment.groups())
            found.append((3600.0 * hours + 60.0 * minutes + seconds, [line[moment.end() :]]))
        elif re.match(r"\+\d", line):
            raise ValueError(
                f"--notes: {plain(line, 40)!r} begins with no moment that can be read: +12:30 or "
                "+1:05:00 is how long into the shift a note arrives"
            )
        else:
            found[-1][1].append(line)
    texts = (("\n".join(lines).strip(), at_s) for at_s, lines in found)
    return tuple(Note(words, at_s) for words, at_s in texts if words)


@dataclass(frozen=True)
class ShiftNames:
    """What people call things in a world: orders by what they are of, docks, aisles, the clock.

    As in the file of a snapshot (`snapshots.take_snapshot`). Aisles are numbered on the map as it
    is believed when this is made.
    """

    seed: int
    docks: Mapping[int, str]
    aisles: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, world: World, layout: Layout) -> ShiftNames:
        """The names in a world."""
        docks = {node: f"dock-{k}" for k, node in enumerate(layout.stations, start=1)}
        aisles = enumerate(corridors(world.belief.map()), start=1)
        return cls(world.seed, docks, {f"aisle-{k}": at for k, at in aisles})

    def __call__(self, snapshot: Snapshot) -> Names:
        """The names in a snapshot."""
        orders = snapshot.orders
        clock_s = (SHIFT_BEGINS_S + snapshot.time_s) % DAY_S
        return Names(items_of(self.seed, orders), self._docks(orders), self.aisles, clock_s)

    def _docks(self, orders: tuple[Order, ...]) -> dict[str, str]:
        return {order.id: self.docks[order.drop] for order in orders if order.drop in self.docks}


@dataclass
class Closures:
    """Aisles that notes close, as announcements to the robot's belief: no way leads through."""

    world: World
    aisles: Mapping[str, tuple[int, ...]]
    _closed: dict[str, Blockage] = field(default_factory=dict)

    def __call__(self, zones: Mapping[str, float | None]) -> None:
        """Close these aisles and no others, each until its end."""
        belief, now = self.world.belief, self.world.time_s
        wanted = {zone: ENDLESS_S if end is None else end for zone, end in zones.items()}
        kept = {zone for zone, held in self._closed.items() if wanted.get(zone) == held.end_s}
        if len(kept) == len(wanted) == len(self._closed):
            return
        for zone in self._closed.keys() - kept:
            belief.withdraw(self._closed.pop(zone))
        for zone in wanted.keys() - kept:
            self._closed[zone] = Blockage(self.aisles[zone], now, wanted[zone], now)
            belief.announce(self._closed[zone])
        belief.heed(now)


def note_to(world: World, on_said: Callable[[str], None]) -> Callable[[Told], None]:
    """What is told of notes goes into the log of events as rows `note`, its words to `on_said`."""

    def tell(told: Told) -> None:
        world.note(
            "note", note=told.note, constraints=list(told.constraints),
            rejected=list(told.rejected), said=[plain(line, 300) for line in told.said],
        )  # fmt: skip
        minutes, seconds = divmod(math.floor(world.time_s), 60)
        for line in told.said:
            on_said(f"{minutes}:{seconds:02d} note: {plain(' '.join(line.split()), 300)}")

    return tell


def enter(chooser: NotedChooser, world: World, layout: Layout) -> list[str]:
    """Put a chooser with notes into a world; what it says of them gathers in the list."""
    said: list[str] = []
    names = ShiftNames.of(world, layout)
    chooser.names = names
    chooser.tell = note_to(world, said.append)
    chooser.close = Closures(world, names.aisles)
    return said
