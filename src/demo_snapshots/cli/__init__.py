"""The ``demo`` command: one module per sub-command, which parses, calls one operation, renders.

Start-up is part of the contract: only the module of the command that runs is imported, and nothing
here imports SQLAlchemy or Rich at import time; each command imports its operation inside its
function.
"""

from __future__ import annotations

from demo_snapshots.cli.group import demo
from demo_snapshots.cli.terminal import silence_libraries

__all__ = ["demo", "main"]


def main() -> None:
    """Run ``demo`` with the process's arguments; ends the process with its exit status."""
    silence_libraries()
    demo.main(prog_name="demo")
