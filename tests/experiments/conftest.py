"""A command line to call in this process, and small files of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from model_server import Server

from experiments.cli import main

Call = Callable[..., Result]

# Dead end in the middle, corners that must not be cut.
MAP = """type octile
height 5
width 7
map
.......
..@@@..
...@...
.@.@...
.......
"""

# The aisles of a tiny warehouse: two stations, six pick faces.
LORR = """type octile
height 5
width 9
map
E.......E
.S@S@S@..
.........
.S@S@S@..
.........
"""


@pytest.fixture
def server() -> Iterator[Server]:
    """A scripted model server."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def call() -> Call:
    """`call("plan", file, "--json")` runs the command line; unforeseen exceptions are raised."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def refused(call: Call) -> Callable[..., str]:
    """Calls like `call`, demands exit 2 and one line on standard error alone, and returns it."""

    def run(*arguments: object) -> str:
        result = call(*arguments)
        assert result.exit_code == 2, (result.exit_code, result.stdout, result.stderr)
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1, result.stderr
        assert result.stderr.startswith("aislewise: error: ")
        return result.stderr

    return run


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    """A map of 5 x 7 cells."""
    file = tmp_path / "small.map"
    file.write_text(MAP)
    return file


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A warehouse of 5 x 9 cells with places, dialect lorr."""
    file = tmp_path / "shop.map"
    file.write_text(LORR)
    return file


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in an empty folder: default outputs land there."""
    folder = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(folder)
    return folder
