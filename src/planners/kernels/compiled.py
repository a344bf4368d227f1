"""Compile the loop with numba, once and lazily; the only file that imports it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from . import buckets, certify, entries, loop, queue, roads

# Reference counting costs helpers that take arrays a factor of 3 to 10; kernels own nothing, so it
# can go. `_nrt` is a private option of numba: `_options` falls back to a plain compile without it.
PLAIN: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
FAST: dict[str, Any] = {"_nrt": False, **PLAIN}

# One set of options for all: numba compiles a helper once per set of options of its caller.
HELPERS = (
    queue.put, queue.take, queue.least_bucket, queue.least_key, queue.push_heap, queue.pop_heap,
    queue.entry_for, loop.estimate, loop.note, loop.relax, loop.set_aside, loop.move_to,
    loop.expand_grid, loop.expand_graph, loop.has_room, loop.leave, loop.source, loop.search,
    certify.lower_bound, certify.value_if_live, certify.requeue,
    buckets.offer, buckets.offer_move, buckets.spread_grid, buckets.spread_graph,
    buckets.dijkstra, roads.front_of, roads.keep, roads.enqueue, roads.opened, roads.label,
    roads.advance, roads.dequeue, roads.drained, roads.meet, roads.has_room, roads.work_off,
    roads.bidirectional,
    roads.away, roads.aim, roads.straight,
)  # fmt: skip
ENTRIES = {
    entry.__name__: entry
    for entry in (
        entries.run_grid, entries.run_graph, entries.run_certify,
        buckets.field_grid, buckets.field_graph, roads.road_bidirectional, roads.road_straight,
        roads.road_way,
    )
}  # fmt: skip
# What differs by the type of the space is chosen while compiling: (function, on grids, on graphs).
BY_SPACE = (
    (loop.expand, loop.expand_grid, loop.expand_graph),
    (buckets.spread, buckets.spread_grid, buckets.spread_graph),
)

_LOCK = threading.RLock()


class Kernel:
    """A compiled function that does without its cache where that turns out to be damaged.

    numba reads and writes its cache at the first call, and lets every fault in a file escape.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        import numba

        self.function, self.options = function, options
        self._called = False
        self.folder: Path | None = None
        with _cache_folder() as folder:
            if folder is not None:
                with contextlib.suppress(RuntimeError, OSError):
                    self.dispatcher = numba.njit(cache=True, **options)(function)
                    self.folder = folder
        if self.folder is None:
            self.dispatcher = numba.njit(**options)(function)

    def __call__(self, *args: Any) -> Any:
        if self._called:
            return self.dispatcher(*args)
        answer = self._first_call(args)
        self._called = True
        return answer

    def _first_call(self, args: tuple[Any, ...]) -> Any:
        import numba

        try:
            return self.dispatcher(*args)
        except numba.core.errors.NumbaError:
            raise
        except Exception:
            if self.folder is None:
                raise
            shutil.rmtree(self.folder, ignore_errors=True)  # the next process writes it anew
            self.folder, self.dispatcher = None, numba.njit(**self.options)(self.function)
            return self.dispatcher(*args)


def compiled(name: str) -> Kernel:
    """The compiled form of an entry, by name.

    The machine code is kept in a folder named by the hash of the kernels' source, so an edited
    source never meets old code; where no folder can be written, every process compiles anew.
    """
    with _LOCK:
        return _compiled(name)


@cache
def _compiled(name: str) -> Kernel:
    _register()
    return Kernel(ENTRIES[name], _options())


@cache
def _register() -> None:
    """Make the loop's helpers callable from compiled code; as Python they stay what they are."""
    from numba.extending import overload, register_jitable

    options: Any = {"forceinline": True, **_options()}
    for helper in HELPERS:
        register_jitable(**options)(helper)

    for function, on_grid, on_graph in BY_SPACE:
        overload(function, strict=False, jit_options=options)(_by_space(on_grid, on_graph))


def _by_space(on_grid: Callable[..., Any], on_graph: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(space: Any, *_: Any) -> Callable[..., Any]:
        return on_grid if space.instance_class is loop.Grid else on_graph

    return chosen


@cache
def _options() -> dict[str, Any]:
    """FAST where a self-test says that it works on this numba, else PLAIN."""
    import numpy as np

    try:
        array = np.zeros(3)
        if Kernel(_probe, FAST)(array) == 3 and array[0] == 1.0:
            return FAST
    except Exception:  # any failure of a private option means: do without it
        pass
    return PLAIN


def _probe(array):  # type: ignore[no-untyped-def]
    array[0] += 1.0
    return array.shape[0]


def source_hash() -> str:
    """A short hash of every kernel source."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _candidates() -> Iterator[Path]:
    name = f"aislewise-{source_hash()}"
    if os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(os.environ["NUMBA_CACHE_DIR"]) / name
    yield Path(__file__).parent / "__pycache__" / name
    if os.environ.get("XDG_CACHE_HOME"):
        yield Path(os.environ["XDG_CACHE_HOME"]) / name
    with contextlib.suppress(RuntimeError):  # no home folder
        yield Path("~/.cache").expanduser() / name


@contextlib.contextmanager
def _cache_folder() -> Iterator[Path | None]:
    """Point numba at our cache folder while a function is declared; None if none is writable."""
    from numba.core import config as numba_config

    config: Any = numba_config

    for folder in _candidates():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".write-{os.getpid()}-{threading.get_ident()}"
            probe.touch()
            probe.unlink()
        except OSError:
            continue
        before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
        try:
            yield folder
        finally:
            config.CACHE_DIR = before
        return
    yield None
