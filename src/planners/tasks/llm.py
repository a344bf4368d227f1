"""A language model proposes the next order; verified costs and the battery rule frame it.

The model sees numbered, feasible candidates with computed costs and may answer one id of that
closed set. Whatever else happens (`prompt.Rejection` names every kind) is counted and
`utility` decides instead, within the decision's deadline.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .calllog import Answer, CallLog, ReplayClient
from .choosers import Assessment, assess, check_deadline, utility
from .client import Client, OpenAIClient
from .decision import Decision
from .legs import FieldCache
from .prompt import Choice, Rejection, parse, render
from .reserve import DEFAULT_RULE, ChargeRule, without_order
from .snapshot import Snapshot

OPEN_AFTER = 3  # (a) failed decisions in a row that open the breaker
FIRST_PAUSE = 20  # (a) decisions without a call before the next try; doubles with each failed try


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


@dataclass
class CallCounts:
    """What asking a model has cost and brought so far.

    ``calls`` counts attempts, ``asked`` decisions that asked, ``taken`` replies that decided,
    ``skipped`` decisions that had only one candidate, ``paused`` those of an open breaker;
    ``rejections`` counts every fault by kind.
    """

    calls: int = 0
    asked: int = 0
    taken: int = 0
    skipped: int = 0
    paused: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rejections: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Answer, rejection: Rejection | None) -> None:
        """Count one question."""
        self.asked += 1
        self.calls += 1 + len(answer.retried)
        self.taken += rejection is None
        self.prompt_tokens += answer.prompt_tokens
        self.completion_tokens += answer.completion_tokens
        self.rejections.update(answer.retried)
        if rejection is not None:
            self.rejections[rejection.kind] += 1


class LlmChooser:
    """Asks ``client`` which feasible order comes next; `utility` decides where that fails.

    Guarantees: the choice is one of the verified candidates; a decision takes at most
    ``deadline_s`` plus the planner's own computing; ``decided_by`` is ``llm`` only where the reply
    was valid (or a single candidate left nothing to ask), else ``fallback`` or ``reserve``.
    Without a client nothing is ever sent. Raises ValueError for a deadline that is no positive
    number.
    """

    name = "llm"

    def __init__(
        self,
        client: Client | None,
        *,
        deadline_s: float = 10.0,
        log: CallLog | None = None,
        charge_rule: ChargeRule = DEFAULT_RULE,
    ) -> None:
        check_deadline(deadline_s)
        self.deadline_s = deadline_s
        self.counts = CallCounts()
        self._client = client
        self._log = log
        self._breaker = Breaker()
        self._charge_rule = charge_rule
        self._cache = FieldCache()

    def describe(self) -> str:
        """One line on who decides."""
        if self._client is None:
            return "utility decides; no language model is asked (give --llm URL to ask one)"
        return (
            f"llm decides: {self._client.describe()} chooses among verified candidates; "
            f"utility decides where it fails or takes over {self.deadline_s:g} s"
        )

    def choose(self, snapshot: Snapshot) -> Decision:
        """The next goal; see the class. Raises only for a log that cannot be written."""
        deadline = time.monotonic() + self.deadline_s
        found = assess(snapshot, self._cache, self._charge_rule)
        if not found.candidates:
            rule = self._charge_rule
            return without_order(snapshot, found.legs, found.refused, self.name, rule)
        if len(found.candidates) == 1 and self._client is not None:
            self.counts.skipped += 1
            only = found.candidates[0]
            reason = f"{only.goal} is the only feasible order: no model was asked"
            return found.take(only, self.name, reason)
        verdict = self._ask(snapshot, found, deadline)
        if isinstance(verdict, Rejection):
            best, why = utility(found.candidates)
            said = f"{verdict.kind}, {verdict.detail}" if verdict.detail else verdict.kind
            return found.take(best, "fallback", f"{why}; no model's choice: {said}")
        chosen = next(c for c in found.candidates if c.goal == verdict.id)
        reason = f"the model chose {chosen.goal}, total {chosen.total_s:.1f} s"
        return found.take(chosen, self.name, f"{reason}; it says {verdict.reason!r}")

    def _ask(self, snapshot: Snapshot, found: Assessment, deadline: float) -> Choice | Rejection:
        if self._client is None:
            return Rejection("not_configured", "no endpoint is given")
        if not self._breaker.allows():
            self.counts.paused += 1
            return Rejection("paused", "the model failed too often in a row")
        prompt = render(snapshot, found.candidates)
        answer = self._client.ask(prompt, deadline)
        verdict = answer.rejection or parse(answer.reply, prompt.ids)
        rejection = verdict if isinstance(verdict, Rejection) else None
        self.counts.add(answer, rejection)
        self._breaker.record(rejection is None)
        if self._log is not None:
            self._log.append(prompt, answer, rejection)
        return verdict


def make_llm(
    url: str | None,
    model: str | None,
    deadline_s: float,
    log: str | Path | None,
    replay: str | Path | None,
    charge_rule: ChargeRule,
) -> LlmChooser:
    """The model's chooser from plain options; `choosers.make_chooser` says what they mean."""
    if url is not None and url.startswith("replay:"):
        if replay is not None:
            raise ValueError(f"two call logs to replay: {url!r} and replay={str(replay)!r}")
        replay = url.removeprefix("replay:")
        url = None
    if url is not None and replay is not None:
        raise ValueError("an endpoint and a call log to replay: give one of them")
    if log is not None and replay is not None and Path(log).resolve() == Path(replay).resolve():
        raise ValueError(f"{log} cannot be replayed and written at once: log to another file")
    client: Client | None = None
    if replay is not None:
        client = ReplayClient(replay)
    elif url is not None:
        client = OpenAIClient(url, model)
    writer = None if log is None or client is None else CallLog(log)
    return LlmChooser(client, deadline_s=deadline_s, log=writer, charge_rule=charge_rule)
