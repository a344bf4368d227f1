"""The table of the value of proposals, from rows and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from .page import number, table, with_interval
from .proposal_shift import SHIFT
from .proposal_study import EFFORTS, MODELS, WITHOUT
from .rows import Row
from .stats import mean_of, paired_change

COLUMNS = (
    "model", "batches", "regret, %", "value at equal effort, points", "at equal time, points",
    "CPU of the search, ratio p50 / p95", "of the decision", "same certificate", "invalid",
    "bound violations", "asked", "calls", "taken", "fallbacks", "rejections",
    "latency p50 / p95, ms",
)  # fmt: skip


def report(rows: Sequence[Row]) -> str:
    """One table for each effort, one line for each model."""
    lines: list[str] = []
    for effort in EFFORTS:
        own = [row for row in rows if row["effort"] == effort]
        names = sorted({row["model"] for row in own}, key=_place)
        body = [_line(name, own) for name in names]
        if body:
            lines += [f"Effort: {effort}", "", *table(COLUMNS, body), ""]
    shifts = sorted((r for r in rows if r["effort"] == SHIFT), key=lambda r: _place(r["model"]))
    if shifts:
        body = [_shift(row) for row in shifts]
        lines += ["One shift:", "", *table(SHIFTS, body), ""]
    return "\n".join(lines) + "\n"


SHIFTS = (
    "model", "deliveries", "late", "strandings", "trace", "plans", "invalid",
    "CPU of decisions, ms", "asked", "calls", "taken", "paused", "better plans", "rejections",
    "latency p50 / p95, ms",
)  # fmt: skip


def _shift(row: Row) -> list[str]:
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(row["rejections"].items()))
    return [
        row["model"],
        *(str(row[name]) for name in ("deliveries", "late", "strandings")),
        row["trace_hash"][:8],
        str(row["plans"]),
        str(len(row["invalid"])),
        number(row["decisions_cpu_ms"]),
        *(str(row[name]) for name in ("asked", "calls", "taken", "paused", "differed")),
        kinds or "-",
        _quantiles(row["call_latencies_ms"]),
    ]


def _place(model: str) -> tuple[int, str]:
    return (MODELS.index(model) if model in MODELS else len(MODELS), model)


def _key(row: Row) -> tuple[object, ...]:
    return row["layout"], row["stops"], row["capacity"], row["seed"]


def _line(model: str, rows: Sequence[Row]) -> list[str]:
    alone = {_key(row): row for row in rows if row["model"] == WITHOUT}
    own = [row for row in rows if row["model"] == model and _key(row) in alone]
    base = [alone[_key(row)] for row in own]
    latencies = [ms for row in own for ms in row["call_latencies_ms"]]
    ratios = [row["search_with_ms"] / row["search_alone_ms"] for row in own]
    whole = [row["cpu_ms"] / was["cpu_ms"] for row, was in zip(own, base, strict=True)]
    same = sum(
        row["lower_bound_s"] == was["lower_bound_s"] and row["cost_s"] <= was["cost_s"]
        for row, was in zip(own, base, strict=True)
    )
    kinds: Counter[str] = Counter()
    for row in own:
        kinds.update(row["rejections"])
    equal = _value([was["regret"] for was in base], [row["regret"] for row in own])
    timed = _value([row["equal_ms"]["regret"] for row in own], [row["regret"] for row in own])
    return [
        model,
        str(len(own)),
        number(100.0 * (mean_of([row["regret"] for row in own]) or 0.0)),
        "-" if model == WITHOUT else equal,
        "-" if model == WITHOUT else timed,
        _quantiles(ratios),
        _quantiles(whole),
        f"{same} of {len(own)}",
        str(sum(row["invalid"] for row in own)),
        str(sum(row["bound_violation"] for row in own)),
        *(str(sum(row[name] for row in own)) for name in ("asked", "calls", "taken", "fallbacks")),
        ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "-",
        _quantiles(latencies),
    ]


def _value(without: Sequence[float | None], with_: Sequence[float | None]) -> str:
    """Regret without less regret with, in points of per cent."""
    change = paired_change(
        [None if value is None else 100.0 * value for value in without],
        [None if value is None else 100.0 * value for value in with_],
    )
    return "-" if change is None else with_interval(change)


def _quantiles(values: Sequence[float]) -> str:
    if not values:
        return "-"
    p50, p95 = np.percentile(values, (50, 95))
    return f"{p50:.3g} / {p95:.3g}"
