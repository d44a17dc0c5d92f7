"""TOML as text: read, parsed, and the line that sets a value."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from demo_snapshots.errors import ConfigError


def read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8") from None


def parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not TOML: {error}") from None


def line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """The line of a TOML text that sets the value at ``keys``, or else the nearest one that
    leads there; None where no line does.

    Lines are read one by one, so a line inside a multi-line string may be taken for one of its
    own: good enough to point at, and never an error.
    """
    best, nearest = 0, None
    header: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        opened = re.match(r"\s*\[([^\[\]]+)\]\s*(#.*)?$", line)
        assigned = re.match(r"""\s*((?:"[^"]*"|'[^']*'|[^=#"'])+)=""", line)
        if opened:
            path = header = _path(opened[1])
        elif assigned:
            path = (*header, *_path(assigned[1]))
        else:
            continue
        if best < len(path) and path == keys[: len(path)]:
            best, nearest = len(path), number
    return nearest


def _path(dotted: str) -> tuple[str, ...]:
    try:
        found: Any = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while isinstance(found, dict):
        key, found = next(iter(found.items()))
        keys.append(key)
    return tuple(keys)
