"""A library as a row: how it is imported, where it is slow, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .model import EVERY, Absent, Contestant, Way, one_way

NOT_INSTALLED = "not installed"
ASKED_WHEN_SLOW = 3


@dataclass(frozen=True)
class Library:
    """A row of the table of libraries.

    Attributes:
        name: as it is printed.
        distribution: what pip calls it.
        module: what is imported, and given to `build`.
        build: (module, *where) to the timed call.
        slow_from: from so many nodes on it is asked three queries, once each.
        most_nodes: larger maps are left out.
    """

    name: str
    distribution: str
    module: str
    build: Callable[..., Callable[[Any], Any]]
    slow_from: int = EVERY
    most_nodes: int = EVERY

    def enter(
        self,
        size: int,
        *where: Any,
        ways: Callable[[Any, Any], list[Way]] = one_way,
    ) -> Contestant | Absent:
        """The library as a contestant on a map of `size` nodes, or why it is none."""
        number = self.version
        if number == NOT_INSTALLED:
            return Absent(self.name, NOT_INSTALLED, "not installed: make peers")
        if size > self.most_nodes:
            return Absent(self.name, number, f"left out above {self.most_nodes:,} nodes: too slow")
        try:
            ask = self.build(import_module(self.module), *where)
        except Exception as error:  # whatever another library does, the others are compared
            return Absent(self.name, number, f"failed: {type(error).__name__}: {error}")
        slow = size >= self.slow_from
        most = ASKED_WHEN_SLOW if slow else EVERY
        return Contestant(self.name, number, ask, ways, most=most, slow=slow)

    @property
    def version(self) -> str:
        """What is installed."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return NOT_INSTALLED
