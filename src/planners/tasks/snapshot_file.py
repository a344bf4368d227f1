"""A snapshot as a file: one JSON document that holds all of it, the map and its costs included.

What people call things rides along: the items of orders, docks, aisles, the time of day. The form
is `snapshot_form.DocumentForm`; arrays are `packed.Packed`. Nothing is executed, sizes are bounded,
and what is written is read back bit for bit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .named import NamedSnapshot
from .snapshot import Snapshot

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_FILE_BYTES = 64 << 20  # (a) a floor of a million cells takes a tenth of it
WAY_OUT = "aislewise snapshot --out FILE writes one of the right form"


def save_snapshot(path: str | Path, snapshot: Snapshot | NamedSnapshot) -> None:
    """Write a snapshot, or a named one, as a file that `load_snapshot` reads back bit for bit.

    Raises ValueError for what the form cannot hold: labels of a graph that are neither text, whole
    numbers nor tuples of these numbers; OSError where the file cannot be written.
    """
    from pydantic import ValidationError  # loaded only for those who read or write files

    from .snapshot_form import to_form

    named = snapshot if isinstance(snapshot, NamedSnapshot) else NamedSnapshot(snapshot)
    try:
        document = to_form(named).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        raise ValueError(f"the snapshot does not fit a file: {_first(error)}") from None
    text = json.dumps(document, allow_nan=False, indent=1, ensure_ascii=False) + "\n"
    raw = text.encode("utf-8")
    if len(raw) > MAX_FILE_BYTES:
        raise ValueError(f"the snapshot takes {len(raw):,} bytes: at most {MAX_FILE_BYTES:,}")
    Path(path).write_bytes(raw)


def load_snapshot(path: str | Path) -> NamedSnapshot:
    """Read what `save_snapshot` wrote.

    Raises ValueError that names the file, the field and the way out for a file that is too large,
    no JSON, not of the form, or impossible as a snapshot; OSError where it cannot be read.
    """
    from pydantic import ValidationError

    from .snapshot_form import DocumentForm, from_form

    path = Path(path)
    with path.open("rb") as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ValueError(f"{path}: over {MAX_FILE_BYTES:,} bytes: no snapshot is that large")
    try:
        return from_form(DocumentForm.model_validate_json(raw))
    except ValidationError as error:
        raise ValueError(f"{path}: {_first(error)}: {WAY_OUT}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from None


def _first(error: ValidationError) -> str:
    """The first of what is wrong: field, rule, value."""
    one = error.errors(include_url=False)[0]
    where = ""
    for part in one["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else part
    value = repr(one.get("input"))
    shown = value if len(value) <= 60 else value[:57] + "..."
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    what = f"{where}: {one['msg']}, not {shown}" if where else one["msg"]
    return f"{what}{more}"
