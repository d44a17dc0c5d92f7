"""What the commands are part of, where that is another program than ``demo``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from demo_snapshots.project import Project


class Host(Struct, frozen=True):
    """A program that has the commands among its own; the group's ``obj``, in Click's terms."""

    open_project: Callable[..., Project]
    """As that of ``opening``, but for ``database``, which is the program's own affair."""
    command_line: Callable[[str], str]
    """What is typed there for a command of this name."""
    directory: Path
    """Where its project is, and its ``demo.toml`` belongs."""
