"""Asking a model in moderation: a breaker, limits, counts and a log around every question."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from .calllog import Answer, CallLog
from .client import Client
from .prompt import Prompt, Rejection

OPEN_AFTER = 3  # (a) failed decisions in a row that open the breaker
FIRST_PAUSE = 20  # (a) decisions without a call before the next try; doubles with each failed try
CHARS_PER_TOKEN = 4  # (a) where the server does not count
NOBODY_ASKED = ("paused", "limit")

Read = TypeVar("Read")


class Breaker:
    """Stops asking a model that keeps failing, and tries again later.

    Closed: every decision asks. After `OPEN_AFTER` failed decisions in a row it opens: the next
    `FIRST_PAUSE` decisions ask nobody. Then, half open, one decision asks: success closes the
    breaker, failure doubles the pause. Counting decisions, not seconds, lets a replayed run take
    the same turns.

    >>> breaker = Breaker()
    >>> for _ in range(3): breaker.record(False)
    >>> breaker.allows()
    False
    """

    def __init__(self) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._skip = 0

    def allows(self) -> bool:
        """Whether this decision may ask; a refusal counts as one decision of the pause."""
        if self._skip > 0:
            self._skip -= 1
            return False
        return True

    def record(self, success: bool) -> None:
        """What came of a decision that asked."""
        if success:
            self._failures, self._pause, self._skip = 0, FIRST_PAUSE, 0
            return
        self._failures += 1
        if self._failures > OPEN_AFTER:
            self._pause *= 2
        if self._failures >= OPEN_AFTER:
            self._skip = self._pause


@dataclass(frozen=True)
class Limits:
    """What all questions together may take: attempts, tokens in and out, seconds of waiting.

    No question begins where one of them is used up, and none waits longer than what is left of the
    seconds; a question that has begun may exceed calls and tokens by its own. Where a server counts
    no tokens, `CHARS_PER_TOKEN` characters are taken for one. Raises ValueError for what is no
    number of at least 0.
    """

    calls: int = 1000
    tokens: int = 1_000_000
    seconds: float = 1800.0

    def __post_init__(self) -> None:
        for name in ("calls", "tokens", "seconds"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ValueError(f"the limit on {name} is {value!r}: give a finite number from 0")


@dataclass
class CallCounts:
    """What asking a model has cost and brought so far.

    ``calls`` counts attempts, ``asked`` decisions that asked, ``taken`` replies that decided,
    ``skipped`` decisions that had only one candidate, ``paused`` those of an open breaker,
    ``limited`` those beyond the limits; ``rejections`` counts every fault by kind.
    ``differed`` counts replies that decided otherwise than `utility` would have, ``differed_s``
    what these steps cost more by verified numbers, in seconds of the objective: never below 0,
    since utility takes the least. Of ``deep`` they are plans that were better than the search's
    own, and what these saved, below 0.
    """

    calls: int = 0
    asked: int = 0
    taken: int = 0
    skipped: int = 0
    paused: int = 0
    limited: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    differed: int = 0
    differed_s: float = 0.0
    rejections: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)

    def add(self, answer: Answer, rejection: Rejection | None) -> None:
        """Count one question."""
        self.asked += 1
        self.calls += 1 + len(answer.retried)
        self.taken += rejection is None
        self.prompt_tokens += answer.prompt_tokens
        self.completion_tokens += answer.completion_tokens
        self.latencies_ms.append(answer.latency_ms)
        self.rejections.update(answer.retried)
        if rejection is not None:
            self.rejections[rejection.kind] += 1

    @property
    def fallbacks(self) -> int:
        """Decisions that a model was to take and did not."""
        return self.asked - self.taken + self.paused + self.limited

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a report; latencies as percentiles, None where nobody was asked."""
        p50_ms, p95_ms = (
            np.percentile(self.latencies_ms, (50, 95)).tolist() if self.asked else (None, None)
        )
        names = ("asked", "calls", "taken", "fallbacks", "skipped", "paused", "limited", "differed")
        return {
            **{name: getattr(self, name) for name in names},
            "differed_s": self.differed_s,
            "rejections": dict(sorted(self.rejections.items())),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "latency_p50_ms": p50_ms,
            "latency_p95_ms": p95_ms,
        }


class Asking:
    """Puts questions to ``client`` while breaker and limits allow it; counts and logs every one."""

    def __init__(self, client: Client, log: CallLog | None = None, limits: Limits | None = None):
        self.client = client
        self.counts = CallCounts()
        self._log = log
        self._limits = limits or Limits()
        self._breaker = Breaker()
        self._tokens = 0
        self._known: dict[str, Any] = {}

    def ask_once(
        self, prompt: Prompt, read: Callable[[str | None], Read | Rejection], deadline: float
    ) -> Read | Rejection:
        """`ask`, but a question that was put before is not put again: its verdict stands."""
        if prompt.hash not in self._known:
            verdict = self.ask(prompt, read, deadline)
            if isinstance(verdict, Rejection) and verdict.kind in NOBODY_ASKED:
                return verdict
            self._known[prompt.hash] = verdict
        known: Read | Rejection = self._known[prompt.hash]
        return known

    def ask(
        self, prompt: Prompt, read: Callable[[str | None], Read | Rejection], deadline: float
    ) -> Read | Rejection:
        """What ``read`` makes of the reply, or why there is nothing to make something of.

        ``deadline`` is on `time.monotonic`'s clock. Raises only for a log that cannot be written.
        """
        used = self._used_up()
        if used is not None:
            self.counts.limited += 1
            return Rejection("limit", used)
        if not self._breaker.allows():
            self.counts.paused += 1
            return Rejection("paused", "the model failed too often in a row")
        answer = self.client.ask(prompt, min(deadline, time.monotonic() + self._left_s()))
        verdict = answer.rejection or read(answer.reply)
        rejection = verdict if isinstance(verdict, Rejection) else None
        self.counts.add(answer, rejection)
        self._tokens += _tokens(prompt, answer)
        self._breaker.record(rejection is None)
        if self._log is not None:
            self._log.append(prompt, answer, rejection)
        return verdict

    def _left_s(self) -> float:
        return self._limits.seconds - math.fsum(self.counts.latencies_ms) / 1000.0

    def _used_up(self) -> str | None:
        limits = self._limits
        if self.counts.calls >= limits.calls:
            return f"all {limits.calls} calls are used"
        if self._tokens >= limits.tokens:
            return f"all {limits.tokens} tokens are used"
        return None if self._left_s() > 0.0 else f"all {limits.seconds:g} seconds are used"


def _tokens(prompt: Prompt, answer: Answer) -> int:
    """Tokens of a question; a failed one has sent its prompt as often as it was tried."""
    said = answer.prompt_tokens + answer.completion_tokens
    sent = sum(len(message["content"]) for message in prompt.messages)
    once = sent // CHARS_PER_TOKEN
    if said:
        return said + once * len(answer.retried)
    return once * (1 + len(answer.retried)) + len(answer.reply or "") // CHARS_PER_TOKEN
