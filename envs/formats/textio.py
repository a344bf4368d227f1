"""Bounded reading: a file or bytes in, bytes out, never more than a stated limit in memory."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from planners import MapFormatError
from planners.errors import expect

Source = str | PathLike[str] | bytes | bytearray

LIMIT_BYTES = 256 * 2**20
LINE_LIMIT_BYTES = 4096
_BOM = b"\xef\xbb\xbf"
_DIGITS_LIMIT = 10


def read_bounded(
    source: Source, *, limit_bytes: int = LIMIT_BYTES, name: str | None = None
) -> tuple[bytes, str]:
    """The content of a file (or the bytes given) and the name to use in messages.

    A UTF-8 byte order mark at the start is dropped. Only regular files are opened, so neither a
    folder nor a pipe or an endless device is ever read.

    Args:
        source: a path, or the content itself as bytes.
        limit_bytes: content over this size is refused before it is read.
        name: the name in messages; the path by default.

    Raises:
        MapFormatError: missing, unreadable, not a regular file, or over the limit; names the path.
    """
    expect(source, (str, PathLike, bytes, bytearray), "path")
    if isinstance(source, (bytes, bytearray)):
        data, shown = bytes(source), name or "bytes"
        if len(data) > limit_bytes:
            raise _too_large(len(data), limit_bytes, shown)
    else:
        shown = name or str(source)
        try:
            data = _read_file(Path(source), limit_bytes, shown)
        except OSError as error:
            raise MapFormatError(
                f"cannot be read: {error.strerror or error}", source=shown
            ) from error
        except MapFormatError:
            raise
        except ValueError as error:  # a path that holds a NUL
            raise MapFormatError(f"cannot be read: {error}", source=repr(shown)) from error
    return data.removeprefix(_BOM), shown


def _read_file(path: Path, limit_bytes: int, shown: str) -> bytes:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise MapFormatError("is a folder, not a file", source=shown)
    if not stat.S_ISREG(status.st_mode):
        raise MapFormatError("is not a regular file", source=shown)
    if status.st_size > limit_bytes:
        raise _too_large(status.st_size, limit_bytes, shown)
    with path.open("rb") as stream:
        data = stream.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise _too_large(len(data), limit_bytes, shown)
    return data


def _too_large(size: int, limit_bytes: int, shown: str) -> MapFormatError:
    return MapFormatError(
        f"is {size} bytes, over the limit of {limit_bytes}: pass limit_bytes= to allow more",
        source=shown,
    )


def beside(folder: Path, stated: str, key: str, source: str) -> Path:
    """The file that another file names under `key`, never outside the folder of the latter.

    Looked for at the place stated, relative to the folder, and then by its base name beside it;
    links that lead out of the folder are refused too.

    Raises:
        MapFormatError: outside the folder, or no such file.
    """
    home = folder.resolve()
    stated = stated.replace("\\", "/")
    for candidate in (folder / stated, folder / stated.rsplit("/", 1)[-1]):
        try:
            real = candidate.resolve()
            exists = candidate.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            raise MapFormatError(f"{key} {stated[:200]!r}: {error}", source=source) from error
        if not real.is_relative_to(home):
            raise MapFormatError(
                f"{key} {stated[:200]!r} lies outside the folder of the file that names it: {home}",
                source=source,
            )
        if exists:
            return candidate
    raise MapFormatError(f"{key} {stated[:200]!r} not found in {home}", source=source)


def lines_of(data: bytes, source: str) -> Iterator[tuple[int, bytes]]:
    """Numbered lines (from 1) without their end (LF or CR LF), blank and `#` lines left out.

    Raises:
        MapFormatError: a line over `LINE_LIMIT_BYTES`, so that no message and no split grows large.
    """
    at, number = 0, 0
    while at < len(data):
        number += 1
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        if end - at > LINE_LIMIT_BYTES:
            raise MapFormatError(
                f"{end - at} bytes in one line, over the limit of {LINE_LIMIT_BYTES}",
                line=number,
                source=source,
            )
        line = data[at:end].strip(b" \t\r")
        at = end + 1
        if line and not line.startswith(b"#"):
            yield number, line


def whole_number(field: bytes, what: str, line: int, source: str) -> int:
    """A field of one to ten decimal digits as an int; no sign, no point, no underscore.

    Raises:
        MapFormatError: anything else; holds the field and what it should have been.
    """
    if not field.isdigit() or len(field) > _DIGITS_LIMIT:
        raise MapFormatError(
            f"{what} must be a whole number >= 0 of at most {_DIGITS_LIMIT} digits, "
            f"not {shown_bytes(field)}",
            line=line,
            source=source,
        )
    return int(field)


def owned(values: npt.ArrayLike, dtype: type) -> npt.NDArray[Any]:
    """A read-only copy as a numpy array."""
    copy: npt.NDArray[Any] = np.array(values, dtype=dtype)
    copy.flags.writeable = False
    return copy


def shown_bytes(field: bytes, limit: int = 40) -> str:
    """Bytes as a short quoted text for a message: any byte is shown, none breaks the line."""
    text = repr(field[:limit])[1:]
    return text + "..." if len(field) > limit else text
