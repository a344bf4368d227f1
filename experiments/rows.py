"""Rows on disk: one JSON object a line, appended and synced, so that a kill costs one line at most.

Columns that do not repeat end in `_ms`, `_seconds` or `_time_s`, or begin with `host_` or
`commit_`; all others repeat bit for bit.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

Row = dict[str, Any]

_ENDS, _BEGINS = ("_ms", "_seconds", "_time_s"), ("host_", "commit_")


def plain(value: Any) -> Any:
    """The value in JSON's own types; infinity and NaN, which JSON lacks, are None.

    >>> plain({"bound": math.inf, "cells": ((0, 1),)})
    {'bound': None, 'cells': [[0, 1]]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_json(document: Any, indent: int | None = 2) -> str:
    """One JSON document, never with NaN or infinity in it."""
    return json.dumps(plain(document), indent=indent, allow_nan=False)


def repeats(column: str) -> bool:
    """Whether a column is the same on every machine and in every run.

    >>> repeats("expanded_mean"), repeats("plan_p99_ms"), repeats("host_sim_rate")
    (True, False, False)
    """
    return not (column.endswith(_ENDS) or column.startswith(_BEGINS))


def read_rows(file: Path) -> list[Row]:
    """The rows of a file in its order, none if there is no file; a torn last line is left out.

    Raises:
        ValueError: a line before the last that is no row; names file and line.
    """
    if not file.exists():
        return []
    rows = []
    # What was written whole ends with a line end.
    for number, line in enumerate(file.read_bytes().split(b"\n")[:-1], start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("run_id"), str):
            raise ValueError(f"{file}, line {number}: not a row of a run; is this a file of rows?")
        rows.append(row)
    return rows


def _whole(file: Path) -> int:
    """Bytes of the rows that were written whole; what follows them may only be a torn row."""
    read_rows(file)
    data = file.read_bytes()
    whole = data.rfind(b"\n") + 1
    torn, start = data[whole:], b'{"run_id": '
    if not (torn.startswith(start) or start.startswith(torn)):
        raise ValueError(f"{file}: its last line is not a row of a run; is this a file of rows?")
    return whole


class RowWriter:
    """Appends rows to a file, one at a time, each on disk before `append` returns.

    Only one writer may have the file open. A torn last line is cut off first.

    Raises:
        ValueError: another process writes to the file, or it holds something else than rows (and
            is left as it is).
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stream = file.open("ab")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._stream.close()
            raise ValueError(
                f"{file} is being written by another process: wait for it, or give another --out"
            ) from None
        try:
            self._stream.truncate(_whole(file))
        except ValueError:
            self._stream.close()
            raise

    def append(self, row: Row) -> None:
        """Add one row."""
        self._stream.write(to_json(row, indent=None).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()
