"""The ``demo`` command: one module per sub-command, which parses, calls one operation, renders.

Start-up is part of the contract: nothing here imports SQLAlchemy, msgspec or Rich at import
time; each command imports its operation inside its function.
"""

from __future__ import annotations

from demo_snapshots.cli import (
    backup,
    cleanup_exports,
    compare_exports,
    config,
    convert,
    copies,
    export,
    import_,
    init,
    list_exports,
    merge,
    migrate_fresh,
    pull,
    push,
    remove,
    repair,
    restore,
    seed_enhanced,
    show,
    undo,
    upgrade,
    validate,
    verify,
)
from demo_snapshots.cli.group import demo
from demo_snapshots.cli.terminal import silence_libraries

__all__ = ["demo", "main"]

for _command in (
    init.command,
    config.command,
    migrate_fresh.command,
    seed_enhanced.command,
    export.command,
    import_.command,
    upgrade.command,
    undo.command,
    copies.command,
    remove.command,
    list_exports.command,
    show.command,
    cleanup_exports.command,
    compare_exports.command,
    validate.command,
    verify.command,
    repair.command,
    convert.command,
    merge.command,
    backup.command,
    restore.command,
    push.command,
    pull.command,
):
    demo.add_command(_command)


def main() -> None:
    """Run ``demo`` with the process's arguments; ends the process with its exit status."""
    silence_libraries()
    demo.main(prog_name="demo")
