"""The model's chooser against a scripted server: every fault is counted, and utility decides."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from model_server import FAULTS, Behaviour

from planners.tasks import Snapshot, make_chooser
from planners.tasks.llm import LlmChooser

SHORT_S, LONG_S = 0.6, 20.0  # for faults that take the whole deadline, and for all others
GRACE_S = 0.5
TRIES = 4  # a busy machine may hold up any single one

MakeSnapshot = Callable[..., Snapshot]


@pytest.mark.parametrize(
    ("behaviour", "kind", "calls"), [pytest.param(*fault[1:], id=fault[0]) for fault in FAULTS]
)
def test_every_fault_is_counted_and_utility_decides(
    server: Any, a_snapshot: MakeSnapshot, behaviour: Behaviour, kind: str, calls: int
) -> None:
    server.script = [behaviour]
    snapshot = a_snapshot()
    expected = make_chooser("utility").choose(snapshot)  # and the kernels are compiled
    deadline_s = SHORT_S if kind == "timeout" else LONG_S
    least_s = LONG_S + 1.0
    for _ in range(TRIES):
        server.requests.clear()
        chooser = make_chooser("llm", llm_url=server.url, deadline_s=deadline_s)
        assert isinstance(chooser, LlmChooser)
        began = time.monotonic()
        decision = chooser.choose(snapshot)
        least_s = min(least_s, time.monotonic() - began)
        assert decision.decided_by == "fallback"
        assert decision.goal == expected.goal
        assert kind in decision.reason
        assert chooser.counts.rejections == {kind: calls}
        assert (chooser.counts.calls, chooser.counts.taken) == (calls, 0)
        assert kind == "timeout" or len(server.requests) == calls
        if least_s < deadline_s + GRACE_S:
            break
    assert least_s < deadline_s + GRACE_S


def test_connection_refused(a_snapshot: MakeSnapshot, server: Any) -> None:
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/v1"
    chooser = make_chooser("llm", llm_url=url, deadline_s=LONG_S)
    assert isinstance(chooser, LlmChooser)
    decision = chooser.choose(a_snapshot())
    assert decision.decided_by == "fallback"
    assert chooser.counts.rejections == {"connection": 2}


def test_a_good_reply_decides_even_against_utility(server: Any, a_snapshot: MakeSnapshot) -> None:
    snapshot = a_snapshot()
    best = make_chooser("utility").choose(snapshot)
    other = next(c.goal for c in best.candidates if c.goal != best.goal)
    server.script = [lambda h: h.choose(other, "the foreman waits")]
    chooser = make_chooser("llm", llm_url=server.url, model="tiny", deadline_s=10.0)
    assert isinstance(chooser, LlmChooser)
    decision = chooser.choose(snapshot)
    assert (decision.kind, decision.goal, decision.decided_by) == ("order", other, "llm")
    assert "the foreman waits" in decision.reason
    assert decision.gap > 0.0
    assert decision.terms["total_s"] > decision.lower_bound_s == best.terms["total_s"]
    assert chooser.counts.taken == chooser.counts.calls == 1
    assert (chooser.counts.prompt_tokens, chooser.counts.completion_tokens) == (321, 17)
    assert "tiny at http://127.0.0.1" in chooser.describe()


def test_what_is_sent(server: Any, a_snapshot: MakeSnapshot) -> None:
    server.script = [lambda h: h.choose("O1")]
    make_chooser("llm", llm_url=server.url, model="tiny").choose(a_snapshot(notes="O2 is late"))
    path, _, sent = server.requests[0]
    assert path == "/v1/chat/completions"
    assert (sent["model"], sent["temperature"]) == ("tiny", 0)
    assert sent["max_tokens"] >= 96
    assert "tools" not in sent
    schema = sent["response_format"]["json_schema"]
    assert sent["response_format"]["type"] == "json_schema" and schema["strict"] is True
    assert schema["schema"]["properties"]["choice"]["enum"] == ["O1", "O2", "O3"]
    assert schema["schema"]["properties"]["reason"]["maxLength"] > 0
    assert schema["schema"]["additionalProperties"] is False
    assert '"O2 is late"' in sent["messages"][-1]["content"]


@pytest.mark.parametrize(
    "first",
    [
        lambda h: h.fail(503),
        lambda h: h.fail(429, Retry_After="0.1"),
        lambda h: h.drop(),
    ],
)
def test_a_fault_that_passes_is_retried_once(
    server: Any, a_snapshot: MakeSnapshot, first: Behaviour
) -> None:
    server.script = [first, lambda h: h.choose("O3")]
    chooser = make_chooser("llm", llm_url=server.url, deadline_s=5.0)
    assert isinstance(chooser, LlmChooser)
    decision = chooser.choose(a_snapshot())
    assert (decision.goal, decision.decided_by) == ("O3", "llm")
    assert (chooser.counts.calls, chooser.counts.taken, len(server.requests)) == (2, 1, 2)
    assert sum(chooser.counts.rejections.values()) == 1


def test_one_candidate_or_none_asks_nobody(server: Any, a_snapshot: MakeSnapshot) -> None:
    chooser = make_chooser("llm", llm_url=server.url)
    one = chooser.choose(a_snapshot(orders=1))
    assert (one.goal, one.decided_by) == ("O1", "llm")
    assert "no model was asked" in one.reason
    assert chooser.choose(a_snapshot(orders=0)).kind == "wait"
    assert server.requests == []
