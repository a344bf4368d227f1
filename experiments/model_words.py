"""What a language model changed in a shift, in words: from counts and verified costs alone."""

from __future__ import annotations

from planners.tasks.asking import CallCounts


def model_words(counts: CallCounts, asked: int = 0, taken: int = 0) -> list[str]:
    """Lines for the reader of a shift: what was asked, what came of it, what that cost.

    `asked` of the questions were about notes and `taken` of their replies were read.

    >>> counts = CallCounts(asked=3, calls=4, taken=2, skipped=1, differed=1, differed_s=31.5)
    >>> counts.rejections.update(["status", "prose"])
    >>> counts.latencies_ms += [900.0, 1100.0, 1300.0]
    >>> for line in model_words(counts): print(line)
    the model was asked in 3 decisions (4 calls, 0 tokens; 1.1 s at the median, 1.3 s at p95)
    2 of its replies decided; rejected: 1 prose, 1 status; utility decided 1 time for it
    not asked: 1 decision with a single feasible order
    it chose otherwise than utility in 1 of 2 decisions: 31.5 s worse in sum by verified costs
    (of each decision at its moment, where utility's choice is the least by definition)
    """
    said = counts.as_dict()
    tokens = counts.prompt_tokens + counts.completion_tokens
    waited = ""
    if counts.asked:
        p50_s, p95_s = said["latency_p50_ms"] / 1000, said["latency_p95_ms"] / 1000
        waited = f"; {p50_s:.1f} s at the median, {p95_s:.1f} s at p95"
    lines = [
        f"the model was asked in {_count(counts.asked - asked, 'decision')} "
        f"({_count(counts.calls, 'call')}, {tokens:,} tokens{waited})"
    ]
    faults = ", ".join(f"{n} {kind}" for kind, n in said["rejections"].items()) or "none"
    lines.append(
        f"{counts.taken - taken} of its replies decided; rejected: {faults}; "
        f"utility decided {_count(counts.fallbacks - asked + taken, 'time')} for it"
    )
    unasked = [
        f"{_count(n, 'decision')} {why}"
        for n, why in (
            (counts.skipped, "with a single feasible order"),
            (counts.paused, "after it had failed too often in a row"),
            (counts.limited, "beyond the limits"),
        )
        if n
    ]
    if unasked:
        lines.append(f"not asked: {', '.join(unasked)}")
    return [*lines, *_difference(counts, counts.taken - taken)]


def proposal_words(counts: CallCounts, asked: int = 0, taken: int = 0) -> list[str]:
    """The same of a model that proposed plans; `asked` and `taken` are those about notes.

    >>> counts = CallCounts(asked=4, calls=4, taken=3, differed=1, differed_s=-2.5)
    >>> for line in proposal_words(counts): print(line)
    the model was asked for plans 4 times (4 calls); 3 of its replies could be read
    1 proposal was better than the search's own plan, by 2.5 s in sum of verified costs
    """
    questions = counts.asked - asked
    lines = [
        f"the model was asked for plans {_count(questions, 'time')} "
        f"({_count(counts.calls, 'call')}); {counts.taken - taken} of its replies could be read"
    ]
    faults = ", ".join(f"{n} {kind}" for kind, n in sorted(counts.rejections.items()))
    if faults:
        lines.append(f"rejected: {faults}")
    if not counts.differed:
        return [*lines, "it changed nothing: no proposal was better than the search's own plan"]
    were = "proposal was" if counts.differed == 1 else "proposals were"
    return [
        *lines,
        f"{counts.differed:,} {were} better than the search's own plan, by "
        f"{-counts.differed_s:.1f} s in sum of verified costs",
    ]


def note_words(asked: int, taken: int) -> str:
    """The line on what a model was asked about notes.

    >>> note_words(2, 1)
    'the model was asked about 2 sentences of the notes; 1 of its replies could be read'
    """
    said = f"the model was asked about {_count(asked, 'sentence')} of the notes"
    return f"{said}; {taken} of its replies could be read" if asked else said


def _difference(counts: CallCounts, taken: int) -> list[str]:
    if not taken:
        return ["it changed nothing: no reply of it decided"]
    if not counts.differed:
        return [f"it changed nothing: all {taken} choices were utility's own"]
    return [
        f"it chose otherwise than utility in {counts.differed} of "
        f"{_count(taken, 'decision')}: {counts.differed_s:.1f} s worse in sum by verified "
        "costs",
        "(of each decision at its moment, where utility's choice is the least by definition)",
    ]


def _count(number: int, what: str) -> str:
    """A number of things.

    >>> _count(1, "call"), _count(2, "call")
    ('1 call', '2 calls')
    """
    return f"{number:,} {what}" + ("" if number == 1 else "s")
