"""What is installed: exactly three import names, ours, whatever lies in the user's folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("aislewise")
OURS = ("planners", "envs", "experiments")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network: hatchling is there because the project is installed."""
    pytest.importorskip("hatchling", reason="needs hatchling: pip install aislewise[test]")
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_has_exactly_three_top_level_names(wheel):
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == set(OURS)
    assert len(names) == 4


def test_the_wheel_holds_every_module_and_spec(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    for room, folder in zip(OURS, ("src/planners", "envs", "experiments"), strict=True):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".toml", ".html") or path.name == "py.typed":
                assert f"{room}/{path.relative_to(ROOT / folder).as_posix()}" in inside


def test_each_package_imports_from_us_out_of_the_wheel(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import planners, envs, experiments;"
        "assert all(m.__distribution__ == 'aislewise' for m in (planners, envs, experiments));"
        "assert all(m.__file__.startswith(sys.argv[1]) for m in (planners, envs, experiments))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd="/")


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A user's folder with packages of the same names."""
    for name in OURS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('foreign')\n")
    return tmp_path


def test_the_command_works_among_foreign_folders(foreign):
    answer = subprocess.run(
        [str(COMMAND), "--version"], cwd=foreign, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "aislewise" in answer.stdout


@pytest.mark.parametrize(("importer", "shadowed"), [("envs", "planners"), ("experiments", "envs")])
def test_a_foreign_package_is_named(tmp_path, importer, shadowed):
    (tmp_path / shadowed).mkdir()
    (tmp_path / shadowed / "__init__.py").write_text("")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {importer}"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/"
    )
    assert answer.returncode != 0
    expected = f"{importer} needs aislewise's {shadowed} but found {tmp_path / shadowed}"
    assert expected in answer.stderr
    assert "rename that folder or use an environment of its own" in answer.stderr
