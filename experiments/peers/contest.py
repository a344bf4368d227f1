"""Times contestants query by query in one process, and makes a row of each."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from planners import PlanResult

from .model import BEST_PEER, OURS, Absent, Contestant, Scene, Score, Setting, Workload

QUICK_S, QUICK_ROUNDS = 1e-3, 25  # calls this short are repeated more often

Row = dict[str, Any]


def run_workload(
    workload: Workload, setting: Setting, on_done: Callable[[float], None] = lambda done: None
) -> list[Row]:
    """The rows of a workload: every contestant, the absent ones too.

    Each query is put to all contestants in turn, in an order that changes from query to query,
    several times; the least time counts. `on_done` is told how many queries are done.
    """
    asked = workload.queries if setting.queries is None else setting.queries
    scene = workload.build(replace(setting, queries=asked))
    present = [c for c in scene.contestants if isinstance(c, Contestant)]
    scores = {contestant.name: Score() for contestant in present}
    _warm_up(present, scores, scene)
    for k, query in enumerate(scene.queries):
        turn = [c for c in present if k < c.most and scores[c.name].failure is None]
        answers = _time(_in_turn(turn, k), query, scores, setting.rounds)
        for contestant in turn:
            if contestant.name in answers:
                _take_in(scores[contestant.name], scene, contestant, query, answers)
        on_done(k + 1)
    return _rows(workload, scene, scores)


def _warm_up(present: Sequence[Contestant], scores: dict[str, Score], scene: Scene) -> None:
    for contestant in present:
        if not contestant.slow:
            _guarded(contestant, scene.queries[0], scores[contestant.name])


def _in_turn(turn: Sequence[Contestant], k: int) -> list[Contestant]:
    """Another one is first at every query, and every other query the order is reversed.

    >>> [_in_turn("abc", k) for k in range(3)]
    [['a', 'b', 'c'], ['a', 'c', 'b'], ['c', 'a', 'b']]
    """
    first = k % max(len(turn), 1)
    order = [*turn[first:], *turn[:first]]
    return order[::-1] if k % 2 else order


def _time(
    turn: Sequence[Contestant], query: Any, scores: dict[str, Score], rounds: int
) -> dict[str, Any]:
    """The answers by name; the least time of each goes to its score.

    The calls of one contestant follow each other, so each finds the caches warm from its own
    first call and not from another's.
    """
    answers: dict[str, Any] = {}
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for contestant in turn:
            score, least, calls = scores[contestant.name], np.inf, 0
            while calls < _rounds(contestant, least, rounds) and score.failure is None:
                answers[contestant.name], seconds = _guarded(contestant, query, score)
                least, calls = min(least, seconds), calls + 1
            if score.failure is None:
                score.times_s.append(float(least))
    finally:
        if collecting:
            gc.enable()
    return {name: answer for name, answer in answers.items() if scores[name].failure is None}


def _rounds(contestant: Contestant, least: float, rounds: int) -> int:
    if contestant.slow:
        return 1
    return max(rounds, QUICK_ROUNDS) if least < QUICK_S else rounds


def _guarded(contestant: Contestant, query: Any, score: Score) -> tuple[Any, float]:
    """One call and its time; what another library raises is noted, and it drops out."""
    try:
        if contestant.renew is not None:
            contestant.renew(query)
        began = time.perf_counter()
        answer = contestant.ask(query)
        return answer, time.perf_counter() - began
    except Exception as error:
        if contestant.name == OURS:
            raise
        score.failure = f"failed: {type(error).__name__}: {error}"
        return None, 0.0


def _take_in(
    score: Score, scene: Scene, contestant: Contestant, query: Any, answers: dict[str, Any]
) -> None:
    answer = answers[contestant.name]
    verdicts = scene.judge(contestant, query, answer)
    score.illegal += any(verdict.illegal for verdict in verdicts)
    score.excesses += [v.excess for v in verdicts if v.excess is not None]
    results = answer if isinstance(answer, list) else [answer]
    for result in results:
        if isinstance(result, PlanResult):
            score.engines.add(result.engine)
            score.expanded = (score.expanded or 0) + result.stats.expanded


def _rows(workload: Workload, scene: Scene, scores: dict[str, Score]) -> list[Row]:
    reference = _reference(workload.reference, scores)
    base = scores[reference].times_s if reference in scores else []
    rows = []
    for contestant in scene.contestants:
        row: Row = {"workload": workload.name, "peer": contestant.name,
                    "version": contestant.version}  # fmt: skip
        if isinstance(contestant, Absent):
            row |= _columns(Score(), [], scene.note) | {"note": contestant.why}
        else:
            row |= _columns(scores[contestant.name], base, contestant.note or scene.note)
        row["reference"] = reference if workload.reference != BEST_PEER else f"best: {reference}"
        rows.append(row | _goal(workload, row))
    return rows


def _reference(wanted: str, scores: dict[str, Score]) -> str:
    """The contestant named, or the other library with the least median over most queries."""
    if wanted != BEST_PEER:
        return wanted
    peers = {name: score for name, score in scores.items() if not name.startswith(OURS)}
    timed = {name: score.times_s for name, score in peers.items() if score.times_s}
    most = max((len(times) for times in timed.values()), default=0)
    medians = {name: float(np.median(t)) for name, t in timed.items() if len(t) == most}
    return min(medians, key=lambda name: medians[name], default="none")


def _columns(score: Score, base: Sequence[float], note: str) -> Row:
    ratios = [own / other for own, other in zip(score.times_s, base, strict=False)]
    low, median, high = _quartiles(ratios)
    _, time_s, _ = _quartiles(score.times_s)
    return {
        "ratio_median": median,
        "ratio_q25": low,
        "ratio_q75": high,
        "illegal": score.illegal if score.times_s else None,
        "longer_by": float(np.median(score.excesses)) if score.excesses else None,
        "n": len(score.times_s),
        "time_ms": None if time_s is None else 1000 * time_s,
        "expanded": score.expanded,
        "engine": "+".join(sorted(score.engines)) or None,
        "note": score.failure or note,
    }


def _quartiles(values: Iterable[float]) -> tuple[float | None, float | None, float | None]:
    known = list(values)
    if not known:
        return None, None, None
    low, median, high = np.percentile(known, [25, 50, 75]).tolist()
    return low, median, high


def _goal(workload: Workload, row: Row) -> Row:
    """The goal, for ours alone, and whether it is met."""
    if row["peer"] != OURS:
        return {"goal": None, "goal_unit": None, "verdict": None}
    value = row["ratio_median"]
    if workload.unit == "us":
        value = None if row["time_ms"] is None else 1000 * row["time_ms"]
    verdict = None if value is None else "met" if value <= workload.goal else "short"
    return {"goal": workload.goal, "goal_unit": workload.unit, "verdict": verdict}
