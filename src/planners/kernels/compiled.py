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

from . import (
    alt,
    buckets,
    certify,
    entries,
    four,
    indexed,
    jump_points,
    lead,
    loop,
    lower,
    queue,
    records,
    rivals,
    roads,
    tiles,
    walk,
)  # fmt: skip

# Reference counting costs helpers that take arrays a factor of 3 to 10; kernels own nothing, so it
# can go. `_nrt` is a private option of numba: `_options` falls back to a plain compile without it.
PLAIN: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
FAST: dict[str, Any] = {"_nrt": False, **PLAIN}

# Every kernel module lists what it adds: helpers that entries inline, entries, and functions chosen
# by the type of their first argument while compiling. All have one set of options: numba compiles a
# helper once per set of options of its caller.
MODULES = (
    queue, loop, certify, entries, walk, tiles, alt, lower, lead, indexed, rivals, buckets, roads,
    records, jump_points, four,
)  # fmt: skip
HELPERS = tuple(helper for module in MODULES for helper in getattr(module, "HELPERS", ()))
ENTRIES = {e.__name__: e for module in MODULES for e in getattr(module, "ENTRIES", ())}
CHOSEN = [row for module in MODULES for row in getattr(module, "CHOSEN", ())]

_LOCK = threading.RLock()
_READY: dict[str, Kernel] = {}


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
    """The compiled form of one of `ENTRIES`, by name.

    The machine code is kept in a folder named by the hash of the kernels' source, so an edited
    source never meets old code; where no folder can be written, every process compiles anew.
    """
    kernel = _READY.get(name)
    if kernel is None:
        with _LOCK:
            kernel = _READY[name] = _compiled(name)
    return kernel


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
    for function, table in CHOSEN:
        overload(function, strict=False, jit_options=options)(_by_type(table))
    trailing, leading = _count_zeros("cttz"), _count_zeros("ctlz")
    for python, counted in (
        (jump_points.trailing_zeros, lambda word: lambda word: trailing(word)),
        (jump_points.leading_zeros, lambda word: lambda word: leading(word)),
    ):
        overload(python, strict=False, jit_options=options)(counted)


def _count_zeros(instruction: str) -> Any:
    """The processor's count of zeros at one end of a uint64 that is not zero."""
    from numba import types
    from numba.extending import intrinsic

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return getattr(builder, instruction)(values[0], context.get_constant(types.boolean, 0))

    return intrinsic(lambda typing, word: (types.int64(types.uint64), generate))


def _by_type(table: dict[type, Callable[..., Any]]) -> Callable[..., Callable[..., Any]]:
    """What numba asks for: the function for the type of the first argument."""

    def choose(first: Any, *_: Any) -> Callable[..., Any]:
        return table[first.instance_class]

    return choose


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
