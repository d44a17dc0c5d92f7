"""The commands by name, each imported when it is asked for: one runs, and there are many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

import click

# In the order of the work: so does --help list them.
_NAMES = (
    *("init", "config", "migrate-fresh", "seed-enhanced"),
    *("export", "import", "upgrade", "undo", "copies", "remove"),
    *("list-exports", "show", "cleanup-exports", "compare-exports", "validate", "verify", "repair"),
    *("convert", "merge", "backup", "restore", "push", "pull"),
)
_KEYWORD = {"import": "import_"}


class Commands(Mapping[str, click.Command]):
    def __getitem__(self, name: str) -> click.Command:
        if name not in _NAMES:
            raise KeyError(name)
        module = _KEYWORD.get(name, name.replace("-", "_"))
        command: click.Command = import_module(f"{__package__}.{module}").command
        return command

    def __contains__(self, name: object) -> bool:
        return name in _NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)
