"""What is told of work that takes a while, and of settings."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

Progress = Callable[[str, int, int], None]
"""Called with a table's name, rows done and rows in all, a few times a second at most."""


def no_progress(table: str, done: int, total: int) -> None:
    """The progress that nobody watches."""


class Setting(Struct, frozen=True):
    """A configured value and where it came from."""

    name: str
    value: str
    origin: str
