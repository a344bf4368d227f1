"""The import contract: experiments -> envs -> planners, and each heavy library in its own room."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the contract of pyproject.toml on a tree."""
    return subprocess.run(
        [str(LINT), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{folder / 'src'}:{folder}", "PATH": "/usr/bin:/bin"},
    )


def copy_of_the_house(folder: Path) -> Path:
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", folder / "src", ignore=skip)
    for name in ("envs", "experiments"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_contract_holds():
    answer = lint(ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("src/planners/costs.py", "import envs"),
        ("src/planners/maps.py", "import experiments"),
        ("envs/world.py", "import experiments.cli"),
        ("src/planners/search.py", "import numba"),
        ("envs/episode.py", "import matplotlib.pyplot"),
        ("src/planners/result.py", "from matplotlib.axes import Axes"),
        ("src/planners/tasks/llm.py", "import openai"),
        ("src/planners/tasks/local.py", "import xllamacpp"),
    ],
)
def test_a_planted_violation_is_caught(tmp_path, file, line):
    house = copy_of_the_house(tmp_path)
    assert lint(house).returncode == 0
    target = house / file
    target.write_text(target.read_text() + f"\n{line}\n")
    answer = lint(house)
    assert answer.returncode != 0
    assert "BROKEN" in answer.stdout
