"""The words of a contest: a query, who answers it, where, and by what it is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from planners import GraphMap, GridMap, PlanResult

Map = GridMap | GraphMap
OURS = "aislewise"  # the contestant whose figure stands beside the goal
BEST_PEER = "best peer"  # as a reference: the other library with the least median time
EVERY = 2**31


class Query(NamedTuple):
    """From where to where: node ids, and what a user would write (cells on grids)."""

    start: int
    goal: int
    start_label: Any
    goal_label: Any


def query_on(map: Map, start: int, goal: int) -> Query:
    """A query by node ids."""
    return Query(int(start), int(goal), map.label(int(start)), map.label(int(goal)))


class Way(NamedTuple):
    """A path that was asked for: its ends, and the node ids of the answer (None: no path)."""

    start: int
    goal: int
    nodes: Any


def one_way(query: Query, answer: Any) -> list[Way]:
    """The way in a `PlanResult`, or in an answer that is node ids."""
    nodes = answer
    if isinstance(answer, PlanResult):
        nodes = None if answer.path is None else answer.path.nodes
    return [Way(query.start, query.goal, nodes)]


@dataclass(frozen=True)
class Contestant:
    """Who answers, and how.

    Attributes:
        name, version: as they are printed.
        ask: the timed call; its answer holds the path in whatever form the library gives it.
        ways: (query, answer) to the paths as node ids; not timed.
        most: only so many of the queries are asked.
        slow: no warm-up call, and one call a query in place of several.
        renew: called before every call and not timed, to forget what an earlier one prepared.
        note: what a reader has to know.
    """

    name: str
    version: str
    ask: Callable[[Any], Any]
    ways: Callable[[Any, Any], list[Way]] = one_way
    most: int = EVERY
    slow: bool = False
    renew: Callable[[Any], None] | None = None
    note: str = ""


@dataclass(frozen=True)
class Absent:
    """A library that does not take part, and why."""

    name: str
    version: str
    why: str


class Verdict(NamedTuple):
    """Whether an answer is illegal, and how much dearer than the optimum (None: unknown)."""

    illegal: bool
    excess: float | None


class Judge(Protocol):
    """What holds an answer against the truth."""

    def __call__(self, contestant: Contestant, query: Any, answer: Any) -> list[Verdict]: ...


@dataclass(frozen=True)
class Scene:
    """What a workload runs on; `note` says where its map comes from."""

    queries: Sequence[Any]
    contestants: Sequence[Contestant | Absent]
    judge: Judge
    note: str = ""


@dataclass(frozen=True)
class Setting:
    """What the user chose: a folder of benchmark maps, a seed, how many queries and calls of each
    (the least time counts)."""

    data: Path | None = None
    seed: int = 0
    queries: int | None = None
    rounds: int = 3


@dataclass(frozen=True)
class Workload:
    """A row of the table.

    Attributes:
        name: `family` or `family/variant`.
        text: what is asked, for the help.
        build: makes the scene; it is given the setting with `queries` filled in.
        reference: the contestant with ratio 1, or `BEST_PEER`.
        goal: at most this: a ratio to the reference (`x`), or microseconds a query (`us`).
        queries: how many by default.
    """

    name: str
    text: str
    build: Callable[[Setting], Scene]
    reference: str
    goal: float
    unit: Literal["x", "us"] = "x"
    queries: int = 8

    @property
    def family(self) -> str:
        """The part of the name before the slash."""
        return self.name.partition("/")[0]


@dataclass
class Score:
    """What a contestant has done so far."""

    times_s: list[float] = field(default_factory=list)
    illegal: int = 0
    excesses: list[float] = field(default_factory=list)
    engines: set[str] = field(default_factory=set)
    expanded: int | None = None
    failure: str | None = None
