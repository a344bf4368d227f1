"""Compile the loop with numba, once and lazily; the only file that imports it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
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

# Every kernel module lists what it adds: HELPERS that entries inline, ENTRIES, and CHOSEN,
# functions picked by the type of their first argument while compiling. All have one set of
# options: numba compiles a helper once per set of options of its caller.
MODULES = (
    queue, loop, certify, entries, walk, tiles, alt, lower, lead, indexed, rivals, buckets, roads,
    records, jump_points, four,
)  # fmt: skip

_LOCK = threading.RLock()


class Kernel:
    """A compiled function that does without its cache where that turns out to be damaged.

    numba reads and writes its cache at the first call, and lets every fault in a file escape.
    """

    def __init__(
        self, function: Callable[..., Any], options: dict[str, Any], folders: Iterator[Path]
    ) -> None:
        import numba

        self.function, self.options = function, options
        self._called = False
        self.folder: Path | None = None
        with _cache_folder(folders) as folder:
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


class Room:
    """The kernels of one folder: compiled lazily, one by one, and kept by the folder's content.

    The machine code lies in a folder named by the hash of all kernel sources, so an edited source
    never meets old code; where no folder can be written, every process compiles anew.

    Args:
        modules: kernel modules with HELPERS, ENTRIES and CHOSEN, as far as they have any.
        folders: where the sources lie whose edits must be noticed; the cache goes beside the last.
        prepare: declares what no module can list.
    """

    def __init__(
        self, modules: Sequence[Any], folders: Sequence[Path], prepare: Callable[[], None]
    ) -> None:
        self._modules, self._folders, self._prepare = modules, folders, prepare
        self.entries = {e.__name__: e for m in modules for e in getattr(m, "ENTRIES", ())}
        self._ready: dict[str, Kernel] = {}
        self._declared = False

    def kernel(self, name: str) -> Kernel:
        """The compiled form of one of the entries, by name."""
        kernel = self._ready.get(name)
        if kernel is None:
            with _LOCK:
                kernel = self._ready.get(name)
                if kernel is None:
                    self._declare()
                    kernel = Kernel(self.entries[name], _options(), self.cache_folders())
                    self._ready[name] = kernel
        return kernel

    def _declare(self) -> None:
        """Make helpers callable from compiled code; as Python they stay what they are."""
        from numba.extending import overload, register_jitable

        if self._declared:
            return
        self._prepare()
        # Nobody calls a helper from C: leaving that wrapper out saves a seventh of the compiling.
        options: Any = {"forceinline": True, "no_cfunc_wrapper": True, **_options()}
        for module in self._modules:
            for helper in getattr(module, "HELPERS", ()):
                register_jitable(**options)(helper)
            for function, table in getattr(module, "CHOSEN", ()):
                overload(function, strict=False, jit_options=options)(_by_type(table))
        self._declared = True

    def source_hash(self) -> str:
        """A short hash of every kernel source."""
        digest = hashlib.sha256()
        for folder in self._folders:
            for path in sorted(folder.glob("*.py")):
                digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def cache_folders(self) -> Iterator[Path]:
        """Where machine code may be kept, the first choice first."""
        return _cache_folders(self._folders[-1], f"aislewise-{self.source_hash()}")


def _jump_point_words() -> None:
    """The two counts of zeros that the jump points' words need."""
    from numba.extending import overload

    options: Any = {"forceinline": True, **_options()}
    trailing, leading = _count_zeros("cttz"), _count_zeros("ctlz")
    for python, counted in (
        (jump_points.trailing_zeros, lambda word: lambda word: trailing(word)),
        (jump_points.leading_zeros, lambda word: lambda word: leading(word)),
    ):
        overload(python, strict=False, jit_options=options)(counted)


HERE = Path(__file__).parent
ROOM = Room(MODULES, (HERE,), _jump_point_words)
compiled = ROOM.kernel
ENTRIES = ROOM.entries


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
        if Kernel(_probe, FAST, ROOM.cache_folders())(array) == 3 and array[0] == 1.0:
            return FAST
    except Exception:  # any failure of a private option means: do without it
        pass
    return PLAIN


def _probe(array):  # type: ignore[no-untyped-def]
    array[0] += 1.0
    return array.shape[0]


def _cache_folders(beside: Path, name: str) -> Iterator[Path]:
    if os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(os.environ["NUMBA_CACHE_DIR"]) / name
    yield beside / "__pycache__" / name
    if os.environ.get("XDG_CACHE_HOME"):
        yield Path(os.environ["XDG_CACHE_HOME"]) / name
    with contextlib.suppress(RuntimeError):  # no home folder
        yield Path("~/.cache").expanduser() / name


@contextlib.contextmanager
def _cache_folder(candidates: Iterator[Path]) -> Iterator[Path | None]:
    """Point numba at our cache folder while a function is declared; None if none is writable."""
    from numba.core import config as numba_config

    config: Any = numba_config

    for folder in candidates:
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
