"""Engines: what answers a question, chosen by what is at hand.

An engine is a row: when it fits, and what solves. `engine="auto"` takes the first that fits; the
loop fits always. Choice never changes status, bound or (where the bound is 1) cost; counts and
ties are those of the engine, so golden counts are pinned to `engine="generic"`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from . import point_to_point
from .lead_and_prove import loop
from .question import Outcome, Question
from .rivals.rows import Rival
from .rivals.solve import solve


@dataclass(frozen=True)
class Engine:
    """A row of the table.

    Attributes:
        name: what `result.engine` says.
        fits: whether the engine can answer a question whose start is free and is not its goal.
        solve: its answer.
    """

    name: str
    fits: Callable[[Question], bool]
    solve: Callable[[Question], Outcome]


def always(question: Question) -> bool:
    """The loop answers every question."""
    return True


GENERIC = Engine("generic", always, loop)
TEXTBOOK = Engine("textbook", always, loop)

RIVALS = Engine("rivals", always, solve)

FAST: tuple[Engine, ...] = (  # in the order in which they are asked
    Engine("bucket-astar", point_to_point.line_fits, point_to_point.by_straight_line),
    Engine("bidirectional", point_to_point.fits, point_to_point.by_both_ends),
)

CHOICES = ("auto", "generic", "textbook")


def engine_for(question: Question) -> Engine:
    """The engine that the question asks for, or the first that fits."""
    textbook = question.options.engine == "textbook"
    if isinstance(question.row, Rival):
        return replace(RIVALS, name="textbook") if textbook else RIVALS
    if textbook:
        return TEXTBOOK
    if question.aids and question.options.engine == "auto":
        return replace(GENERIC, name="+".join(question.aids))
    if question.options.engine == "auto" and question.plain:
        for engine in FAST:
            if engine.fits(question):
                return engine
    return GENERIC
