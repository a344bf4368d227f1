"""The errors of the library.

::

    ValueError
    ├── MapFormatError   a file or text is not the map (or task list) that it claims to be
    └── (plain)          an argument makes no sense; the message holds the value and the way out
    AssertionError
    └── CheckError       an independent check found a result false

"No path" is a result, never an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class MapFormatError(ValueError):
    """Input bytes are not a valid map, scenario or task file.

    The message names the source, the line (counted from 1, where there is one) and the reason.
    """

    def __init__(self, reason: str, *, line: int | None = None, source: str | None = None) -> None:
        self.reason = reason
        self.line = line
        self.source = source
        where = source or "map"
        if line is not None:
            where += f", line {line}"
        super().__init__(f"{where}: {reason}")


class CheckError(AssertionError):
    """A path, cost, bound or certificate does not hold; the message says which, with values."""


def expect(value: Any, kind: type | tuple[type, ...], name: str) -> None:
    """Raise a TypeError that names the argument where its value is of another kind."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join("None" if k is type(None) else k.__name__ for k in kinds)
        raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}: {_short(value)}")


def expect_all(values: Any, kind: type[T], name: str) -> list[T]:
    """The values as a list, where each is of the kind; else a TypeError that names the argument."""
    expect(values, Iterable, name)
    listed = list(values)
    for value in listed:
        expect(value, kind, f"each of {name}")
    return listed


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
