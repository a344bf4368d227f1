"""Nothing of a key is written, wherever a text is cut; nothing of the environment is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planners.tasks import Snapshot, make_chooser
from planners.tasks.calllog import ReplayClient
from planners.tasks.snapshot import Order

KEY = "sk-SECRETSECRETSECRETSECRET"
MakeSnapshot = Callable[..., Snapshot]


HEADERS_SET = "\n".join((
    "X-Mine: leak", "Authorization: Bearer other", "Host: leak.example", "User-Agent: leak",
    "Accept: leak", "Accept-Encoding: leak", "Connection: leak", "Content-Type: leak",
    "Content-Length: 3", "Transfer-Encoding: leak", "X-Stainless-Raw-Response: leak",
))  # fmt: skip


def echo_in_error(cut: int) -> Callable[[Any], None]:
    message = "x" * cut + " " + KEY
    return lambda h: h.body(json.dumps({"error": {"message": message}}).encode(), 401)


SAID = [
    pytest.param(echo_in_error(100), id="an error, cut in the key"),
    pytest.param(lambda h: h.body(b"<p>" + b"y" * 60 + KEY.encode()), id="no json, cut in the key"),
    pytest.param(lambda h: h.body(b'"' + b"y" * 60 + KEY.encode() + b'"'), id="no completion"),
    pytest.param(lambda h: h.say(None, refusal="z" * 105 + KEY), id="a refusal, cut in the key"),
    pytest.param(
        lambda h: h.say('{"choice": "O1", "reason": "sk\\u002dSECRETSECRETSECRETSECRET"}'),
        id="escaped in a reply",
    ),
    pytest.param(
        lambda h: h.say(
            'Sure: {"choice": "O1", "reason": "\\u0073\\u006B-SECRETSECRETSECRETSECRET"}'
        ),
        id="escaped among words",
    ),
    pytest.param(
        lambda h: h.body(b'{"choices": [{"said": "sk\\u002dSECRETSECRETSECRETSECRET"'),
        id="escaped in broken json",
    ),
    pytest.param(
        lambda h: h.body(b'["{\\"said\\": \\"sk\\\\u002dSECRETSECRETSECRETSECRET\\"}"]'),
        id="escaped twice",
    ),
]


@pytest.mark.parametrize("say", SAID)
def test_no_part_of_the_key_survives(
    server: Any, a_snapshot: MakeSnapshot, tmp_path: Path, monkeypatch: Any, say: Any
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.script = [say]
    log = tmp_path / "calls.jsonl"
    decision = make_chooser("llm", llm_url=server.url, deadline_s=10.0, log=log).choose(
        a_snapshot()
    )
    assert server.requests, "nothing was asked"
    for text in (log.read_text(), decision.reason):
        assert "SECRET" not in text


@pytest.mark.parametrize(
    "spelled", ["sk/SEC\\u0052ET", "sk\\/SECRET", "sk\\u005C/SECRET", "\\" * 9999]
)
def test_a_key_with_a_slash_is_found_however_it_is_written(
    server: Any, a_snapshot: MakeSnapshot, monkeypatch: Any, spelled: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk/SECRET")
    server.script = [lambda h: h.say(f"Sure: {spelled}")]
    decision = make_chooser("llm", llm_url=server.url, deadline_s=10.0).choose(a_snapshot())
    assert "prose" in decision.reason and ("[key]" in decision.reason) == ("/" in spelled)


def test_cleaning_a_reply_does_not_mend_it(
    server: Any, a_snapshot: MakeSnapshot, monkeypatch: Any
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    twice = '{"choice": "O1", "choice": "O2", "reason": "sk\\u002dSECRETSECRETSECRETSECRET"}'
    server.script = [lambda h: h.say(twice)]
    decision = make_chooser("llm", llm_url=server.url, deadline_s=10.0).choose(a_snapshot())
    assert decision.decided_by == "fallback" and "schema" in decision.reason


def test_the_environment_adds_nothing_to_a_request(
    server: Any, a_snapshot: MakeSnapshot, monkeypatch: Any
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-private")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-private")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", HEADERS_SET)
    server.script = [lambda h: h.choose("O1")]
    decision = make_chooser("llm", llm_url=server.url, deadline_s=10.0).choose(a_snapshot())
    assert decision.decided_by == "llm"
    (_, headers, _) = server.requests[0]
    sent = json.dumps(headers)
    assert not any(word in sent for word in ("org-private", "proj-private", "leak", "other"))
    assert headers["Authorization"] == f"Bearer {KEY}"
    extra = {n.lower() for n in headers if n.lower().startswith(("openai-", "x-"))}
    assert extra <= {"x-stainless-raw-response"}


def test_a_cassette_with_an_infinite_count_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text('{"prompt_hash": "a", "reply": "x", "tokens": {"prompt": 1e999}}\n')
    with pytest.raises(ValueError, match="line 1"):
        ReplayClient(file)


def test_lateness_that_does_not_count_is_zero_even_for_ever() -> None:
    order = Order("O1", stops=(4, 20), due_s=120.0, priority="low")
    assert order.lateness_s(float("inf"), {"low": 0.0}) == 0.0
