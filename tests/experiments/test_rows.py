"""A file of rows is never cut before it is known to be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.rows import RowWriter, read_rows


@pytest.mark.parametrize("foreign", [b'{"precious": 1}', b'{"precious": 1}\n', b"a,b\n1,2"])
def test_a_foreign_file_is_refused_and_kept(tmp_path: Path, foreign: bytes) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(foreign)
    with pytest.raises(ValueError, match="is this a file of rows"):
        RowWriter(file)
    assert file.read_bytes() == foreign


@pytest.mark.parametrize("torn", [b"", b'{"ru', b'{"run_id": "b", "status'])
def test_a_torn_row_is_cut(tmp_path: Path, torn: bytes) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'{"run_id": "a", "status": "ok"}\n' + torn)
    with RowWriter(file) as writer:
        writer.append({"run_id": "c", "status": "ok"})
    assert [row["run_id"] for row in read_rows(file)] == ["a", "c"]
