"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# On a shared CI machine a run has to repeat; elsewhere Hypothesis looks for new examples.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark maps; a user's machine may lack it, CI may not."""
    path = Path(os.environ.get("AISLEWISE_DATA", SHARED_DATA))
    if not path.is_dir():
        reason = f"benchmark data not found at {path}: set AISLEWISE_DATA to its folder"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path
