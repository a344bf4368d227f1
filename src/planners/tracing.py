"""From a search that was recorded to its `Trace`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .guidance import led
from .heuristics import tabulate_at
from .kernels.lead import Lead
from .kernels.loop import Key
from .kernels.workspace import Query
from .question import Outcome, Question
from .result import Trace


def trace_of(question: Question, query: Query) -> Trace:
    """The events of a query, with h and f of each computed afterwards."""
    kinds, nodes, parents, g = query.events()
    h = tabulate_at(question.bound, nodes)
    f = np.empty(nodes.size)
    ends = [first for first, _, _ in query.phases[1:]] + [nodes.size]
    for (first, key, proving), end in zip(query.phases, ends, strict=True):
        # Weighted A* takes an allowance for its buckets, which is not in the formula.
        asked = question.key
        if proving or isinstance(asked, Lead) or asked.table.size:
            asked = key
        span = slice(first, end)
        f[span] = _f(asked, nodes[span], g[span], h[span])
    return Trace(kinds, nodes, parents, g, h, f, **facts_of(question))


def still(question: Question, outcome: Outcome) -> Trace:
    """The trace of a query that needs no search: its source, where it has one."""
    nodes = np.empty(0, dtype=np.int64) if outcome.path is None else outcome.path.nodes.copy()
    h, zeros = tabulate_at(question.bound, nodes), np.zeros(nodes.size)
    f = _f(question.key, nodes, zeros, h)
    return Trace(zeros.astype(np.uint8), nodes, nodes * 0 - 1, zeros, h, f, **facts_of(question))


def told(trace: Trace, outcome: Outcome) -> Trace:
    """The trace with the answer in it."""
    return replace(trace, path=outcome.path, cost=outcome.cost)


def facts_of(question: Question) -> dict[str, Any]:
    """What a trace says of the query that it belongs to."""
    name, w = question.row.name, question.weight
    name = name if w == 1 else f"{name}, w = {w:g}"
    return {
        "map": question.map,
        "start": question.start,
        "goal": question.goal,
        "name": f"{name}, guided" if question.log else name,
    }


def _f(
    key: Key | Lead,
    nodes: npt.NDArray[np.int64],
    g: npt.NDArray[np.float64],
    h: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """The key of k nodes, as the loop computes it (a lead: with its weights at the end)."""
    if isinstance(key, Lead):
        return led(key, nodes, g, h)
    lead = key.table[nodes] if key.table.size else key.h_weight * h
    return np.asarray(key.g_weight * g + lead)
