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
