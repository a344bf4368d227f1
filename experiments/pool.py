"""Workers for independent runs: processes or threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

EXECUTORS = ("processes", "threads")


def open_pool(executor: str, workers: int | None = None) -> Executor:
    """An executor; one worker for each processor that this process may use unless told.

    Processes are started afresh, so nothing of this one leaks into a run, and they end when this
    one does, even if it is killed.
    """
    count = workers or len(os.sched_getaffinity(0))
    if executor not in EXECUTORS:
        raise ValueError(f"unknown executor {executor!r}: choose {' or '.join(EXECUTORS)}")
    if count < 1:
        raise ValueError(f"workers must be at least 1, not {count}")
    if executor == "threads":
        return ThreadPoolExecutor(count)
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=context, initializer=_end_with_parent)


def end_workers() -> None:
    """End the worker processes at once, in the middle of what they do."""
    for worker in multiprocessing.active_children():
        worker.terminate()


def _end_with_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)  # nobody is left to take an answer

    threading.Thread(target=watch, daemon=True).start()
