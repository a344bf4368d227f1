"""`plan_many`: many queries on one map, with an exact field where several share a goal."""

from __future__ import annotations

import math
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from .costs import CostField
from .engines import engine_at_once, engine_for
from .errors import expect
from .fields import cost_to_go
from .graphs import GraphMap, Map
from .guidance import Guidance
from .heuristics import Heuristic
from .maps import GridMap
from .question import Outcome, Request
from .result import PlanResult
from .search import answer, question_of, request_of, solved, without_search
from .strategies import ASTAR, UCS, WASTAR

# From how many queries of one goal a field pays, by the engine that would answer them one by one;
# measured between random nodes. Against any other engine it never does.
FIELD_FROM = {"generic": 3, "bidirectional": 10, "bucket-astar": 40}
# And from how large a sum of their squared distances, as a part of the map's area.
AREA = 0.5
BATCHES = 8  # of other queries, per thread

Lead = tuple[Heuristic | None, bool, Guidance | None]
Answers = list[tuple[int, PlanResult]]
Task = Callable[[], Answers]


def plan_many(
    map: Map,
    queries: Iterable[tuple[Any, Any]],
    *,
    costs: CostField | None = None,
    workers: int | None = None,
    heuristic: Heuristic | None = None,
    lower_bound: bool = False,
    guidance: Guidance | None = None,
    **options: Any,
) -> list[PlanResult]:
    """`plan` for each (start, goal), in their order: the same status, cost (to 1e-9) and bound.

    Where enough ucs, astar or wastar queries without further options share a goal, one exact
    `cost_to_go` answers them all; `engine` is then `"field"`. The first of them carries the counts
    and the time of the field (`expanded` and `generated` are the nodes that it reaches), the others
    count nothing, so sums stay true. A wastar query gets an optimal path, within any bound.

    Args:
        map, costs: as for `plan`; not to be changed until the call returns.
        queries: (start, goal) pairs; any iterable. On grids whole numbers are node ids: a list of
            two cells is not a pair of them but two pairs of ids.
        workers: threads (kernels run without the interpreter's lock); None: one per processor. With
            a callable heuristic one thread does all, as the callable may not expect more.
        options: the other options of `plan`, the same for all.

    Raises:
        ValueError, TypeError: as `plan`, with the index of the query that is wrong.

    >>> from planners import GridMap
    >>> grid = GridMap([[0, 1, 0], [0, 0, 0]], moves="four")
    >>> [result.cost for result in plan_many(grid, [((0, 0), (0, 2)), ((1, 1), (0, 2))])]
    [4.0, 2.0]
    """
    expect(queries, Iterable, "queries")
    threads = _threads(workers, heuristic)
    pairs = [_pair(k, query) for k, query in enumerate(queries)]

    def ask(k: int) -> Request:
        try:
            return request_of(
                map, *pairs[k], costs=costs, heuristic=heuristic, guidance=guidance, **options
            )
        except ValueError as error:
            raise ValueError(f"query {k}: {error}") from error
        except TypeError as error:  # also an option that `plan` does not have
            raise TypeError(str(error).replace("request_of()", "plan_many()")) from error

    requests = [ask(k) for k in range(len(pairs))]
    lead = (heuristic, lower_bound, guidance)
    answers = dict(pair for done in _run(_tasks(requests, lead, threads), threads) for pair in done)
    return [answers[k] for k in range(len(pairs))]


def _threads(workers: int | None, heuristic: Heuristic | None) -> int:
    whole = isinstance(workers, (int, np.integer)) and not isinstance(workers, bool)
    if workers is not None and not (whole and workers >= 1):
        raise ValueError(f"workers must be a whole number >= 1 or None, not {workers!r}")
    if callable(heuristic):
        return 1
    return os.cpu_count() or 1 if workers is None else int(workers)


def _pair(index: int, query: Any) -> tuple[Any, Any]:
    try:
        start, goal = query
    except (TypeError, ValueError):
        raise ValueError(f"query {index} must be a pair (start, goal), not {query!r}") from None
    return start, goal


def _run(tasks: list[Task], threads: int) -> list[Answers]:
    if threads == 1 or len(tasks) < 2:
        return [task() for task in tasks]
    with ThreadPoolExecutor(min(threads, len(tasks))) as pool:
        return list(pool.map(lambda task: task(), tasks))


def _tasks(requests: list[Request], lead: Lead, threads: int) -> list[Task]:
    """What can be done side by side: fields with their queries, and the others in a few batches."""
    heuristic, _, guidance = lead
    unled = heuristic is None and guidance is None
    of_goal: dict[int, list[int]] = defaultdict(list)
    for k, request in enumerate(requests):
        plain = unled and request.options.plain and request.row in (ASTAR, UCS, WASTAR)
        if plain and not without_search(request):
            of_goal[request.goal].append(k)
    tasks: list[Task] = []
    alone = set(range(len(requests)))
    for ids in of_goal.values():
        group = {k: requests[k] for k in ids}
        if _field_pays(list(group.values())):
            tasks.append(partial(_by_field, group))
            alone.difference_update(ids)
    order, batches = sorted(alone), min(len(alone), BATCHES * threads)
    batched = [order[b::batches] for b in range(batches)]
    return tasks + [partial(_each, {k: requests[k] for k in ids}, lead) for ids in batched]


def _field_pays(group: list[Request]) -> bool:
    """Whether one exact field is cheaper than the queries one by one.

    They have to be many enough, and to lie far enough from the goal: a search covers about the
    square of that distance, a field the whole map.
    """
    first = group[0]
    if first.options.engine != "auto":
        return False
    alone = engine_at_once(first) or engine_for(question_of(first))
    if len(group) < FIELD_FROM.get(alone.name, math.inf):
        return False
    if isinstance(first.map, GraphMap) and first.map.position_m is None:
        return True
    ends = first.map.positions_m([request.start for request in group])
    away = ends - first.map.positions_m([first.goal])
    return float((away**2).sum()) >= AREA * _area(first.map)


def _area(map: Map) -> float:
    """Of the rectangle round all nodes."""
    if isinstance(map, GridMap):
        return map.size * map.cell_size_m**2
    every = map.positions_m(np.arange(map.size))
    return float(np.prod(np.ptp(every, axis=0)))


def _each(requests: dict[int, Request], lead: Lead) -> Answers:
    return [(k, solved(request, time.perf_counter(), *lead)) for k, request in requests.items()]


def _by_field(requests: dict[int, Request]) -> Answers:
    """Answer requests of one goal by descending the field of its exact costs-to-go."""
    began = time.perf_counter()
    first = next(iter(requests.values()))
    field = cost_to_go(first.map, first.map.label(first.goal), first.costs)
    reached = int(np.isfinite(field.values).sum())
    counts = (reached, reached, 0, 0, 0)
    answers = []
    for k, request in requests.items():
        outcome = Outcome("no_path", counts=counts)
        nodes = field.path(request.start)
        if nodes.size:
            path, cost = question_of(request).path(nodes)
            outcome = Outcome("found", path, cost, cost, counts=counts)
        answers.append((k, answer(request, outcome, (), "field", began)))
        counts, began = (0, 0, 0, 0, 0), time.perf_counter()
    return answers
