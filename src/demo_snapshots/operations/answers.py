"""A merge's conflicts as a file that a person fills in, both directions."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from demo_snapshots.errors import UsageError
from demo_snapshots.model.merging import Conflict, Side
from demo_snapshots.model.words import Call, Words

Versions = Mapping[str, str]
"""``scenario``, and the content digests of ``base``, ``ours`` and ``theirs``: which merge it is."""

Place = tuple[str, str, str]

_HEAD = """\
# Both sides changed these, each to something else. Say in every take whose state is taken:
# "ours", "theirs", or "base" for what was there before. Then merge with this file as the answers.
# An empty cell stands for the whole row. Nothing but take is read.

"""
_NOT_THERE = "(not there)"


def write_conflicts(path: Path, versions: Versions, conflicts: Sequence[Conflict]) -> None:
    """Raises UsageError where there is such a file, which may hold somebody's answers, and where
    none can be written."""
    lines = [f"{name} = {_text(value)}" for name, value in versions.items()]
    for conflict in conflicts:
        lines += ["", "[[conflict]]"]
        table, row, cell = conflict.place
        shown = {"table": table, "row": row, "cell": cell}
        shown |= {
            side: _NOT_THERE if value is None else value
            for side, value in (
                ("base", conflict.base),
                ("ours", conflict.ours),
                ("theirs", conflict.theirs),
            )
        }
        lines += [f"{name} = {_text(value)}" for name, value in {**shown, "take": ""}.items()]
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(_HEAD + "\n".join(lines) + "\n")
    except FileExistsError:
        raise UsageError(
            f"{path}: there is such a file, and it may hold answers",
            hint=Words("Merge with ", Call(answers=...), " and it, or remove it."),
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _text(value: str) -> str:
    """``value`` as a basic string of TOML: as JSON spells it, and DEL escaped as well."""
    half_pair = any(0xD800 <= ord(character) < 0xE000 for character in value)
    spelled = json.dumps(
        value.encode("utf-8", "replace").decode() if half_pair else value, ensure_ascii=False
    )
    return spelled.replace("\x7f", "\\u007f")


def read_answers(path: Path, versions: Versions) -> dict[Place, Side]:
    """What was filled in, by table, row and cell; a take that is empty is left out.

    Raises UsageError for a file that cannot be read, is of another merge, or says what cannot be.
    """
    try:
        with path.open("rb") as file:
            read = tomllib.load(file)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    for name, value in versions.items():
        if read.get(name) != value:
            raise UsageError(
                f"{path}: its {name} is not that of this merge",
                hint=Words("Have it written for these versions with ", Call(conflicts=...), "."),
            )
    listed = read.get("conflict", [])
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise UsageError(f"{path}: conflict is not a list of tables")
    answers: dict[Place, Side] = {}
    seen: set[Place] = set()
    for number, each in enumerate(listed, 1):
        place, take = _answer(path, number, each)
        if place in seen:
            raise UsageError(f"{path}: conflict {number} is there twice")
        seen.add(place)
        if take:
            answers[place] = Side(take)
    return answers


def _answer(path: Path, number: int, each: Mapping[str, object]) -> tuple[Place, str]:
    values = [each.get(name) for name in ("table", "row", "cell", "take")]
    table, row, cell, take = (value if isinstance(value, str) else None for value in values)
    if table is None or row is None or cell is None or take is None:
        raise UsageError(f"{path}: conflict {number} lacks a table, row, cell or take, each a text")
    if take not in ("", *Side):
        raise UsageError(
            f"{path}: conflict {number}: take is neither ours, theirs nor base",
            hint=f'{table} {row} {cell}: write take = "ours", "theirs" or "base".',
        )
    return (table, row, cell), take
