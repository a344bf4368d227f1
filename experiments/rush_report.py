"""The tables on rush notes, from rows and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from .page import number, provenance_lines, table
from .rows import Row
from .rush_notes import ARMS, ORDERS, WORDINGS
from .stats import Change, paired_change

Pair = tuple[str, int, int, str]
Share = Callable[[Row], float]


def rush_share(row: Row) -> float:
    """On time among those in a hurry, per cent."""
    return 100.0 * sum(row["rush_on_time"]) / len(row["rush_on_time"])


def whole_share(row: Row) -> float:
    """On time among all orders of the batch, per cent."""
    return 100.0 * float(row["on_time"]) / ORDERS


def changes(
    rows: Sequence[Row], arm: str, share: Share, base: str = "none"
) -> tuple[float, float, Change | None]:
    """Mean of the base and of an arm, and the paired change with its 95 % interval, in points.

    A pair is a seed on a floor; the batches of a pair (one order in a hurry, and two) are averaged.
    """
    by_pair: dict[tuple[str, int], dict[str, list[float]]] = {}
    for row in rows:
        cell = by_pair.setdefault((row["map"], row["seed"]), {})
        cell.setdefault(row["arm"], []).append(share(row))
    means = [{name: sum(v) / len(v) for name, v in cell.items()} for cell in by_pair.values()]
    values, was = [m[arm] for m in means], [m[base] for m in means]
    change = paired_change(values, was)
    return sum(was) / len(was), sum(values) / len(values), change


def markdown(rows: Sequence[Row], failed: Sequence[Row]) -> list[str]:
    """The page, line by line."""
    return [
        f"# {rows[0]['spec']}", "",
        f"{len(rows)} finished batches of {ORDERS} orders, {len(failed)} failed. One or two orders "
        "of each are in a hurry: what they really have stands in a note and nowhere else, and it "
        "can be kept if they go first. On time is judged by the true times. *reader*: the note in "
        "one of the sentences below, read by rules; *perfect*: in the reader's plainest words; "
        "*wrong*: about another order. A pair is a seed on a floor, everything but the note alike; "
        "changes are against no note at all, in points, with the bootstrap 95 % interval. *roomy*: "
        "the system's own due times lie between once and twice the time of the whole batch; "
        "*tight*: they are those of a shift's orders, of which eight at once are too many.",
        "", *provenance_lines(rows),
        "", *_worth(rows), "",
        "Sentences, and what the reader made of those that stood alone (besides the deadline: that "
        "the order is urgent, where the sentence says so):", "", *_sentences(rows), "",
        *(f"- failed: {row['run_id']}: {row['error']}" for row in failed),
    ]  # fmt: skip


def _worth(rows: Sequence[Row]) -> list[str]:
    columns = (
        "due times", "floor", "chooser", "in a hurry", "n", "note", "rush on time",
        "change, points", "all on time", "change, points ",
    )  # fmt: skip
    body = []
    floors = sorted({row["map"] for row in rows})
    choosers = sorted({row["chooser"] for row in rows}, reverse=True)
    kinds = sorted({row["dues"] for row in rows})
    cells = [(d, floor, c, r) for d in kinds for floor in floors for c in choosers for r in (1, 2)]
    cells += [(d, "both", c, 0) for d in kinds for c in choosers]
    for dues, floor, chooser, rush in cells:
        own = [
            row for row in rows
            if row["dues"] == dues and row["chooser"] == chooser and floor in (row["map"], "both")
            and rush in (row["rush"], 0)
        ]  # fmt: skip
        for arm in ARMS[1:]:
            base, share, change = changes(own, arm, rush_share)
            all_base, all_share, all_change = changes(own, arm, whole_share)
            body.append([
                dues, floor, chooser, str(rush) if rush else "1 and 2",
                str(0 if change is None else change.n), arm,
                f"{base:.0f} -> {share:.0f} %", shown(change),
                f"{all_base:.1f} -> {all_share:.1f} %", shown(all_change),
            ])  # fmt: skip
    return table(columns, body)


def shown(change: Change | None) -> str:
    """A change in points with its interval."""
    if change is None:
        return "-"
    if change.low is None or change.high is None:
        return f"{change.mean:+.1f}"
    return f"{change.mean:+.1f} [{change.low:+.1f}, {change.high:+.1f}]"


def _sentences(rows: Sequence[Row]) -> list[str]:
    """What the reader made of each wording, where it stood alone."""
    counts: dict[int, Counter[str]] = {k: Counter() for k in range(len(WORDINGS))}
    seen = set()
    for row in rows:
        batch = (row["map"], row["seed"])
        if row["arm"] == "reader" and row["rush"] == 1 and batch not in seen:
            seen.add(batch)
            count = counts[row["wordings"][0]]
            count.update(notes=1, right=row["read_right"], wrong=row["read_wrong"])
            count["flagged"] += row["flagged"] > 0
    body = [
        [text.replace("|", "/"), *(number(counts[k][name]) for name in
                                   ("notes", "right", "wrong", "flagged"))]
        for k, text in enumerate(WORDINGS)
    ]  # fmt: skip
    return table(("sentence", "notes", "deadline read", "read besides", "flagged"), body)
