"""Every notebook runs from top to bottom and prints what it was saved with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def printed(cell: Any) -> str:
    return "".join(out["text"] for out in cell.get("outputs", []) if out["output_type"] == "stream")


def pictures(cell: Any) -> int:
    return sum("image/png" in out.get("data", {}) for out in cell.get("outputs", []))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_and_prints_what_was_saved(path: Path) -> None:
    saved = nbformat.read(path, as_version=4)
    fresh = nbformat.from_dict(saved.copy())
    cells = [cell for cell in saved.cells if cell.cell_type == "code"]
    before = [(printed(cell), pictures(cell)) for cell in cells]
    NotebookClient(fresh, timeout=240, kernel_name="python3").execute()
    after = [(printed(c), pictures(c)) for c in fresh.cells if c.cell_type == "code"]
    assert after == before
    assert any(count for _, count in after), "a notebook without a picture"


def test_there_is_one() -> None:
    assert NOTEBOOKS
