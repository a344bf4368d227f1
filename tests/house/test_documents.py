"""What the documents show runs: docstrings, README and guide."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def modules() -> list[str]:
    names = []
    for package in ("planners", "envs", "experiments"):
        path = importlib.import_module(package).__path__
        names += [package, *(m.name for m in pkgutil.walk_packages(path, f"{package}."))]
    return names


@pytest.mark.parametrize("name", modules())
def test_doctests(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0


def test_there_are_doctests() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [
        t for name in modules() for t in finder.find(importlib.import_module(name)) if t.examples
    ]
    assert len(found) >= 10


def snippets(file: str) -> list[str]:
    """Indented blocks of a document, all but those of shell commands."""
    text = (ROOT / file).read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^    .*\n(?:\s*\n(?=    ))*)+", text, flags=re.MULTILINE)
    unindented = ["\n".join(line[4:] for line in block.splitlines()) for block in blocks]
    return [block for block in unindented if not re.match(r"(make|aislewise) ", block)]


@pytest.mark.parametrize(
    "file", ["README.md", "docs/guide.md", "docs/notes.md", "docs/tasks.md", "docs/world.md"]
)
def test_snippets_run_one_after_the_other(file: str) -> None:
    blocks = snippets(file)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, file, "exec"), names)


def test_the_readme_names_every_command() -> None:
    from experiments.cli import main

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"aislewise {name}" in text for name in main.commands)
