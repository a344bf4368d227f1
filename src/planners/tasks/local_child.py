"""The child process of `local`: llama.cpp's own server on loopback, until the parent is gone.

Run as a script, never imported: it knows the standard library and ``xllamacpp`` and nothing else.
Arguments: the weights, the parent's process id. One line on standard output says where it listens.
It leaves when standard input ends or its parent has changed, so that no way in which the parent may
die (a signal that nobody can catch included) leaves a server behind.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from typing import Any

CONTEXT_TOKENS = 4096  # (a) the longest prompt has about 2k tokens, and a reply 160
LOOK_S = 0.5  # (a) between two looks at the parent


def watch(parent: int) -> None:
    """Leave with the parent, without a word to anybody."""
    while os.getppid() == parent:
        ready, _, _ = select.select([0], [], [], LOOK_S)
        if ready and not os.read(0, 4096):
            break
    os._exit(0)


def parameters(weights: str) -> Any:
    """One thread, one slot, loopback, a port that is free, and no memory of earlier prompts.

    A prompt that reuses another's evaluation meets other roundings: without, equal prompts have
    equal replies whatever came before.
    """
    import xllamacpp

    asked = xllamacpp.CommonParams()
    asked.model.path = weights
    asked.hostnames = ["127.0.0.1"]
    asked.port = 0
    asked.n_ctx, asked.n_parallel, asked.n_threads_http = CONTEXT_TOKENS, 1, 2
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = 1
    asked.n_gpu_layers = 0
    asked.cache_prompt = asked.cache_idle_slots = False
    asked.cache_ram_mib = 0
    asked.warmup = asked.ui = asked.endpoint_slots = False
    asked.offline = True
    return asked


def main(weights: str, parent: int) -> None:
    """Serve; what the library prints goes to standard error."""
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    threading.Thread(target=watch, args=(parent,), daemon=True).start()
    import xllamacpp

    server = xllamacpp.Server(parameters(weights))
    said.write(json.dumps({"address": server.listening_address}) + "\n")
    said.close()
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
