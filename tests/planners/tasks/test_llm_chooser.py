"""The model's chooser over time: hanging calls, breaker, keys, environment, log and replay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planners.tasks import Snapshot, assess, make_chooser
from planners.tasks.asking import FIRST_PAUSE, OPEN_AFTER, Breaker
from planners.tasks.calllog import CallLog, ReplayClient
from planners.tasks.client import MAX_THREADS, OpenAIClient, shown_url
from planners.tasks.llm import LlmChooser
from planners.tasks.prompt import render

KEY = "sk-test-0123456789-secret"

Behaviour = Callable[[Any], None]
MakeSnapshot = Callable[..., Snapshot]


def dripping_headers(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    handler.drip(b"a")


def dripping_body(handler: Any) -> None:
    handler.begin(100_000)
    handler.drip()


def test_hanging_calls_do_not_pile_up(server: Any, a_snapshot: MakeSnapshot) -> None:
    server.script = [dripping_headers]
    client = OpenAIClient(server.url)
    prompt = render(a_snapshot(), assess(a_snapshot()).candidates)
    answers = [client.ask(prompt, time.monotonic() + 0.15) for _ in range(MAX_THREADS + 3)]
    kinds = [answer.rejection.kind if answer.rejection else "ok" for answer in answers]
    assert kinds == ["timeout"] * MAX_THREADS + ["busy"] * 3
    hanging = [t for t in threading.enumerate() if t.name == "aislewise-model-call"]
    assert len(hanging) <= MAX_THREADS and all(t.daemon for t in hanging)


def test_a_dripping_body_frees_its_thread(server: Any, a_snapshot: MakeSnapshot) -> None:
    server.script = [dripping_body]
    client = OpenAIClient(server.url)
    prompt = render(a_snapshot(), assess(a_snapshot()).candidates)
    for _ in range(MAX_THREADS + 2):
        answer = client.ask(prompt, time.monotonic() + 0.15)
        assert answer.rejection is not None and answer.rejection.kind == "timeout"
        time.sleep(0.1)


def test_a_hanging_call_does_not_hold_the_interpreter(server: Any) -> None:
    server.script = [dripping_headers]
    code = (
        "import sys, time\n"
        "from planners.tasks.client import OpenAIClient\n"
        "from planners.tasks.prompt import Prompt\n"
        "client = OpenAIClient(sys.argv[1])\n"
        "prompt = Prompt(({'role': 'user', 'content': 'x'},), {}, ('O1',))\n"
        "print(client.ask(prompt, time.monotonic() + 1).rejection.kind, flush=True)\n"
    )
    command = [sys.executable, "-c", code, server.url]
    run = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert run.stdout.split() == ["timeout"], run.stderr
    assert run.returncode == 0


def test_the_breaker_stops_asking_and_tries_again(server: Any, a_snapshot: MakeSnapshot) -> None:
    server.script = [lambda h: h.fail(401)]
    chooser = make_chooser("llm", llm_url=server.url, deadline_s=5.0)
    assert isinstance(chooser, LlmChooser)
    snapshot = a_snapshot()
    for _ in range(OPEN_AFTER + FIRST_PAUSE):
        assert chooser.choose(snapshot).decided_by == "fallback"
    assert len(server.requests) == OPEN_AFTER
    assert chooser.counts.paused == FIRST_PAUSE
    server.script = [lambda h: h.choose("O2")]
    assert chooser.choose(snapshot).decided_by == "llm"
    assert chooser.choose(snapshot).decided_by == "llm"


def test_each_failed_try_doubles_the_pause() -> None:
    breaker = Breaker()
    asked = []
    for turn in range(200):
        if breaker.allows():
            asked.append(turn)
            breaker.record(False)
    steps = np.diff(asked).tolist()
    assert steps == [1, 1, FIRST_PAUSE + 1, 2 * FIRST_PAUSE + 1, 4 * FIRST_PAUSE + 1]


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda h: h.body(json.dumps({"error": {"message": f"bad key {KEY}"}}).encode(), 401),
        lambda h: h.body(f"you sent {KEY}".encode()),
        lambda h: h.choose("O1", f"your key is {KEY}"),
        lambda h: h.say(f"your key is {KEY}"),
        lambda h: h.say(None, refusal=f"not with {KEY}"),
    ],
)
def test_the_key_is_sent_and_never_written(
    server: Any,
    a_snapshot: MakeSnapshot,
    behaviour: Behaviour,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.script = [behaviour]
    log = tmp_path / "calls.jsonl"
    chooser = make_chooser("llm", llm_url=server.url, log=log)
    assert isinstance(chooser, LlmChooser)
    decision = chooser.choose(a_snapshot())
    sent = {name.lower(): value for name, value in server.requests[0][1].items()}
    assert sent["authorization"] == f"Bearer {KEY}"
    assert KEY not in log.read_text()
    assert KEY not in f"{decision}{chooser.counts}{chooser.describe()}"


def test_no_key_in_the_environment_sends_a_dummy(
    server: Any, a_snapshot: MakeSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    server.script = [lambda h: h.choose("O1")]
    assert make_chooser("llm", llm_url=server.url).choose(a_snapshot()).decided_by == "llm"
    sent = {name.lower(): value for name, value in server.requests[0][1].items()}
    assert sent["authorization"] == "Bearer none"


def test_the_environment_neither_opts_in_nor_redirects(
    server: Any, second_server: Any, a_snapshot: MakeSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = second_server
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.setenv(name, other.url)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, other.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    silent = make_chooser("llm")
    assert silent.choose(a_snapshot()).decided_by == "fallback"
    assert silent.describe().startswith("utility decides; no language model is asked")
    server.script = [lambda h: h.choose("O2")]
    assert make_chooser("llm", llm_url=server.url).choose(a_snapshot()).goal == "O2"
    assert (len(server.requests), len(other.requests)) == (1, 0)


def test_importing_the_room_loads_no_model_client() -> None:
    code = (
        "import sys, planners.tasks as t; t.make_chooser('llm'); t.make_chooser('utility')\n"
        "print([m for m in ('openai', 'pydantic', 'numba', 'httpx2', 'httpx') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "OPENAI_API_KEY": KEY},
    )  # fmt: skip
    assert run.stdout.strip() == "[]"


def test_a_log_replays_the_same_decisions_without_a_network(
    server: Any, a_snapshot: MakeSnapshot, tmp_path: Path
) -> None:
    log = tmp_path / "new" / "calls.jsonl"
    server.script = [
        lambda h: h.choose("O3"),
        lambda h: h.choose("O9"),
        lambda h: h.fail(401),
        lambda h: h.choose("O1"),
        lambda h: h.fail(500),
        lambda h: h.choose("O2", "half \ud83d of a pair"),
    ]
    snapshots = [a_snapshot(orders=3 + k // 2, notes=f"note {k // 2}") for k in range(5)]
    live = make_chooser("llm", llm_url=server.url, log=log, deadline_s=5.0)
    first = [live.choose(s) for s in snapshots]
    assert [d.decided_by for d in first] == ["llm", "fallback", "fallback", "llm", "llm"]
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [row["status"] for row in rows] == ["ok", "unknown_id", "status", "ok", "ok"]
    assert rows[0]["tokens"] == {"prompt": 321, "completion": 17}
    assert rows[4]["retried"] == ["status"] and rows[4]["latency_ms"] > 0
    assert rows[0]["messages"][1]["content"].startswith("battery: 94 %")
    sent = len(server.requests)
    again = make_chooser("llm", replay=log, log=tmp_path / "again.jsonl")
    # Decisions hold floats and texts only: the same map and costs make them equal throughout.
    assert [again.choose(s) for s in snapshots] == first
    assert len(server.requests) == sent
    by_url = make_chooser("llm", llm_url=f"replay:{log}")
    assert [by_url.choose(s).goal for s in snapshots] == [d.goal for d in first]
    assert isinstance(live, LlmChooser) and isinstance(again, LlmChooser)
    assert live.counts == again.counts
    second = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
    assert [row["reply"] for row in second] == [row["reply"] for row in rows]


def test_what_the_cassette_lacks_is_a_counted_miss(
    a_snapshot: MakeSnapshot, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    chooser = make_chooser("llm", replay=empty)
    assert isinstance(chooser, LlmChooser)
    assert chooser.choose(a_snapshot()).decided_by == "fallback"
    assert chooser.counts.rejections == {"replay_miss": 1}


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "7", "{}", '{"prompt_hash": 1, "reply": null, "status": "x"}',
     '{"prompt_hash": "a", "reply": 5}', '{"prompt_hash": "a", "reply": null}',
     '{"prompt_hash": "a", "reply": "", "tokens": 7}',
     '{"prompt_hash": "a", "reply": "", "tokens": {"prompt": "many"}}'],
)  # fmt: skip
def test_a_malformed_cassette_names_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text('{"prompt_hash": "a", "reply": "x"}\n\n' + line + "\n")
    with pytest.raises(ValueError, match=r"calls\.jsonl, line 3"):
        make_chooser("llm", replay=file)


def test_unusable_files_urls_and_deadlines_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.jsonl"):
        ReplayClient(tmp_path / "gone.jsonl")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="binary"):
        ReplayClient(tmp_path / "binary")
    with pytest.raises(ValueError, match=str(tmp_path)):
        CallLog(tmp_path)
    with pytest.raises(ValueError, match="'ftp://models'"):
        make_chooser("llm", llm_url="ftp://models")
    with pytest.raises(ValueError) as caught:
        make_chooser("llm", llm_url="me:secret@host")
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match=r"-1\.0"):
        make_chooser("llm", deadline_s=-1.0)
    file = tmp_path / "calls.jsonl"
    file.write_text("")
    with pytest.raises(ValueError, match="at once"):
        make_chooser("llm", replay=file, log=file)
    with pytest.raises(ValueError, match="one of them"):
        make_chooser("llm", replay=file, llm_url="http://127.0.0.1:1/v1")
    with pytest.raises(ValueError, match="asks no model"):
        make_chooser("utility", llm_url="http://127.0.0.1:1/v1")
    assert shown_url("https://u:p@[::1]:8/v1?k=v#f") == "https://[::1]:8/v1"
