"""Engines: what answers a question, chosen by what is at hand.

An engine is a row: when it fits, and what solves. `engine="auto"` takes the first that fits; the
loop fits always. Choice never changes status, bound or (where the bound is 1) cost; counts and
ties are those of the engine, so golden counts are pinned to `engine="generic"`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from .bounds.prepared import at_hand
from .lead_and_prove import loop
from .point_to_point import by_both_ends, by_straight_line, lacks_both_ends, lacks_line
from .question import Outcome, Question, Request
from .rivals.rows import Rival
from .rivals.solve import solve
from .uniform import jump_points, lacks_jump_points, lacks_uniform_four, uniform_four


@dataclass(frozen=True)
class Engine:
    """A row of the table.

    Attributes:
        name: what `result.engine` says.
        lacks: what the engine needs and a question does not have, in words; empty where it fits.
        solve: its answer to a question that fits, whose start is free and is not its goal.

    Both take a `Question`; those of the uniform engines get by with a `Request`.
    """

    name: str
    lacks: Callable[[Any], str]
    solve: Callable[[Any], Outcome]


def nothing(question: Question) -> str:
    """The loop answers every question."""
    return ""


def lacks_field(question: Question) -> str:
    """Empty where the goal has a field at hand."""
    return "" if "field" in question.aids else "a field: prepare(map, costs, goals=[goal])"


def lacks_landmarks(question: Question) -> str:
    """Empty where landmarks are at hand, and hold."""
    if "landmarks" in question.aids:
        return ""
    return "landmarks no cost is below: prepare(map, costs, landmarks=8)"


GENERIC = Engine("generic", nothing, loop)
TEXTBOOK = Engine("textbook", nothing, loop)
RIVALS = Engine("rivals", nothing, solve)

UNIFORM = (
    Engine("jump-points", lacks_jump_points, jump_points),
    Engine("uniform-four", lacks_uniform_four, uniform_four),
)
ON_GRAPHS = (
    Engine("bucket-astar", lacks_line, by_straight_line),
    Engine("bidirectional", lacks_both_ends, by_both_ends),
)
AT_HAND = (
    Engine("field", lacks_field, loop),
    Engine("landmarks", lacks_landmarks, loop),
)
NAMED = {row.name: row for row in (GENERIC, TEXTBOOK, *UNIFORM, *ON_GRAPHS, *AT_HAND)}
Choice = Literal[
    "auto", "generic", "textbook", "jump-points", "uniform-four", "bucket-astar", "bidirectional",
    "field", "landmarks",
]  # fmt: skip
CHOICES: tuple[Choice, ...] = get_args(Choice)


def engine_at_once(request: Request) -> Engine | None:
    """The engine that answers a request as it is, without a bound and a key: a uniform one.

    An exact field at hand comes before it. None where the request takes a `Question`.
    """
    asked = request.options.engine
    if not request.plain or asked in (GENERIC.name, TEXTBOOK.name):
        return None
    prepared = at_hand(request.map, request.costs)
    if asked == "auto" and prepared is not None and prepared.fields.has(request.goal):
        return None
    for engine in UNIFORM:
        if asked in ("auto", engine.name) and not engine.lacks(request):
            return engine
    return None


def engine_for(question: Question) -> Engine:
    """The engine that the question asks for, or the first that fits.

    The order is measured: an exact field at hand, uniform costs (see `engine_at_once`), landmarks
    at hand, graphs, the loop.

    Raises:
        ValueError: the engine that is asked for does not fit; the message says why.
    """
    name = question.options.engine
    if isinstance(question.row, Rival):
        if name not in ("auto", "generic", "textbook"):
            raise ValueError(f"engine {name!r} knows no {question.row.name!r}: take engine='auto'")
        return replace(RIVALS, name="textbook") if name == "textbook" else RIVALS
    if name != "auto":
        lacking = NAMED[name].lacks(question)
        if lacking:
            raise ValueError(f"engine {name!r} needs {lacking}: take engine='auto'")
        return NAMED[name]
    if question.plain and not question.aids:
        for engine in ON_GRAPHS:
            if not engine.lacks(question):
                return engine
    return replace(GENERIC, name="+".join(question.aids)) if question.aids else GENERIC
