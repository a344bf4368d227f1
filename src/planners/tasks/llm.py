"""A language model proposes the next order; verified costs and the battery rule frame it.

The model sees numbered, feasible candidates with computed costs and may answer one id of that
closed set. Whatever else happens (`prompt.Rejection` names every kind) is counted and
`utility` decides instead, within the decision's deadline.
"""

from __future__ import annotations

import time
from pathlib import Path

from .asking import Asking, CallCounts, Limits
from .calllog import CallLog, ReplayClient
from .choosers import Assessment, assess, check_deadline, utility
from .client import Client, OpenAIClient
from .decision import Decision
from .legs import FieldCache
from .local import LOCAL
from .prompt import Choice, Rejection, parse, render
from .reserve import DEFAULT_RULE, ChargeRule, without_order
from .snapshot import Snapshot


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
        limits: Limits | None = None,
        charge_rule: ChargeRule = DEFAULT_RULE,
    ) -> None:
        check_deadline(deadline_s)
        self.deadline_s = deadline_s
        self.asking = None if client is None else Asking(client, log, limits)
        self.counts = CallCounts() if self.asking is None else self.asking.counts
        self._charge_rule = charge_rule
        self._cache = FieldCache()

    def describe(self) -> str:
        """One line on who decides."""
        if self.asking is None:
            return "utility decides; no language model is asked (give --llm URL to ask one)"
        return (
            f"llm decides: {self.asking.client.describe()} chooses among verified candidates; "
            f"utility decides where it fails or takes over {self.deadline_s:g} s"
        )

    def choose(self, snapshot: Snapshot) -> Decision:
        """The next goal; see the class. Raises only for a log that cannot be written."""
        deadline = time.monotonic() + self.deadline_s
        found = assess(snapshot, self._cache, self._charge_rule)
        if not found.candidates:
            rule = self._charge_rule
            return without_order(snapshot, found.legs, found.refused, self.name, rule)
        if len(found.candidates) == 1 and self.asking is not None:
            self.counts.skipped += 1
            only = found.candidates[0]
            reason = f"{only.goal} is the only feasible order: no model was asked"
            return found.take(only, self.name, reason)
        verdict = self._ask(snapshot, found, deadline)
        best, why = utility(found.candidates)
        if isinstance(verdict, Rejection):
            said = f"{verdict.kind}, {verdict.detail}" if verdict.detail else verdict.kind
            return found.take(best, "fallback", f"{why}; no model's choice: {said}")
        chosen = next(c for c in found.candidates if c.goal == verdict.id)
        if chosen is not best:
            self.counts.differed += 1
            self.counts.differed_s += chosen.total_s - best.total_s
        reason = f"the model chose {chosen.goal}, total {chosen.total_s:.1f} s"
        return found.take(chosen, self.name, f"{reason}; it says {verdict.reason!r}")

    def _ask(self, snapshot: Snapshot, found: Assessment, deadline: float) -> Choice | Rejection:
        if self.asking is None:
            return Rejection("not_configured", "no endpoint is given")
        prompt = render(snapshot, found.candidates)
        return self.asking.ask(prompt, lambda reply: parse(reply, prompt.ids), deadline)


def make_client(
    url: str | None,
    model: str | None,
    log: str | Path | None,
    replay: str | Path | None = None,
) -> tuple[Client | None, CallLog | None]:
    """Whom to ask and where to log it, from plain options; `choosers.make_chooser` explains them.

    Raises ValueError for a bad url or file, and for two that exclude each other.
    """
    if url == LOCAL:
        raise ValueError(
            "'local' is a server that somebody has to end: give llm_url and model as "
            "`with planners.tasks.local.endpoint('local', None) as (llm_url, model)` has them"
        )
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
    return client, None if log is None or client is None else CallLog(log)


def make_asking(
    url: str | None,
    model: str | None = None,
    log: str | Path | None = None,
    limits: Limits | None = None,
    replay: str | Path | None = None,
) -> Asking | None:
    """Questions that are no choice of one order: about notes, for plans; None without an address.

    Raises ValueError as `make_client`.
    """
    client, writer = make_client(url, model, log, replay)
    return None if client is None else Asking(client, writer, limits)


def make_llm(
    url: str | None,
    model: str | None,
    deadline_s: float,
    log: str | Path | None,
    replay: str | Path | None,
    charge_rule: ChargeRule,
    limits: Limits | None = None,
) -> LlmChooser:
    """The model's chooser from plain options; `choosers.make_chooser` says what they mean."""
    client, writer = make_client(url, model, log, replay)
    return LlmChooser(
        client, deadline_s=deadline_s, log=writer, limits=limits, charge_rule=charge_rule
    )
