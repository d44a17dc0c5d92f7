"""Which cells of two rows differ, and where inside their JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

from msgspec import Struct

from demo_snapshots.model.changes import NOTHING, Cell, Json, Value
from demo_snapshots.model.tables import Kind
from demo_snapshots.rows.literals import value_of

_DEEPEST = 50
# The default one rounds to 28 digits: numbers that differ further on would be the same.
_EVERY_DIGIT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_FRACTION = re.compile(r"(\.\d*?)0+(?=$|[+-])")
_OFFSET = re.compile(r"(?:Z|[+-]00(?::?00)?)$")


class Compared(Struct, frozen=True):
    """A column that is compared: where it stands in the rows of both sides, and what it holds."""

    name: str
    old: int
    new: int
    kind: Kind


def differing(
    columns: Sequence[Compared], old: Sequence[bytes], new: Sequence[bytes], *, exact: bool
) -> tuple[Cell, ...]:
    """The cells in which two rows of raw literals differ.

    ``exact``: any difference counts, as between documents of one engine. Otherwise what engines
    spell each in its own way is alike: 1.0 and 1.00, TRUE and 1, a moment with and without
    trailing zeros, JSON that means the same.
    """
    found: list[Cell] = []
    for column in columns:
        ours, theirs = old[column.old], new[column.new]
        if ours == theirs:
            continue
        if not exact and normal(ours, column.kind) == normal(theirs, column.kind):
            continue
        found += _cells(column, ours, theirs)
    return tuple(found)


def normal(literal: bytes, kind: Kind) -> object:
    """What a literal means in a column of that kind, whichever engine spelled it."""
    value = value_of(literal)
    if value is None:
        return None
    match kind:
        case Kind.BOOLEAN | Kind.INTEGER:
            return int(value) if isinstance(value, (bool, int)) else value
        case Kind.DECIMAL | Kind.FLOAT if isinstance(value, (int, Decimal)):
            return Decimal(value).normalize(_EVERY_DIGIT)
        case Kind.TIMESTAMP | Kind.TIMESTAMPTZ | Kind.TIME if isinstance(value, str):
            bare = _OFFSET.sub("", value.replace("T", " ", 1))
            return _FRACTION.sub(r"\1", bare).rstrip(".") if "." in bare else bare
        case Kind.UUID if isinstance(value, str):
            return value.lower()
        case Kind.JSON if isinstance(value, str):
            return json_meaning(value)
    return value


def _cells(column: Compared, ours: bytes, theirs: bytes) -> Iterator[Cell]:
    old, new = value_of(ours), value_of(theirs)
    if column.kind is Kind.JSON and isinstance(old, str) and isinstance(new, str):
        members = _member_cells(column.name, old, new)
        # None, if the texts mean the same or are no objects or arrays.
        if members and members[0].path:
            yield from members
            return
    yield Cell(column.name, old, new)


def _member_cells(column: str, old: str, new: str) -> list[Cell]:
    try:
        found = _members(_parsed(old), _parsed(new), (), _DEEPEST)
        return [Cell(column, _json(was), _json(now), path) for path, was, now in found]
    except RecursionError:
        return []


def json_meaning(text: str) -> str:
    """JSON in one spelling; what is none, or too deep, as it is."""
    try:
        parsed = _parsed(text)
        return text if parsed is NOTHING else _text(_sorted(parsed))
    except RecursionError:
        return text


def _sorted(value: Any) -> Any:
    """With members in the order of their names and numbers without trailing zeros."""
    match value:
        case dict():
            return {name: _sorted(value[name]) for name in sorted(value)}
        case list():
            return [_sorted(item) for item in value]
        case Decimal():
            return value.normalize(_EVERY_DIGIT)
    return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return NOTHING


def _members(
    old: Any, new: Any, path: tuple[str | int, ...], deepest: int
) -> Iterator[tuple[tuple[str | int, ...], Any, Any]]:
    """Where two parsed values differ, as deep as it can be told; the path is empty for all."""
    if deepest and isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            yield from _members(
                old.get(name, NOTHING), new.get(name, NOTHING), (*path, name), deepest - 1
            )
    elif deepest and isinstance(old, list) and isinstance(new, list):
        for place in range(max(len(old), len(new))):
            ours = old[place] if place < len(old) else NOTHING
            theirs = new[place] if place < len(new) else NOTHING
            yield from _members(ours, theirs, (*path, place), deepest - 1)
    elif _text(old) != _text(new):
        yield path, old, new


def _json(value: Any) -> Value:
    return NOTHING if value is NOTHING else Json(_text(value))


def _text(value: Any) -> str:
    """JSON as it was parsed: json.dumps would turn a Decimal into a float, which drops digits."""
    if isinstance(value, dict):
        members = []
        for name, member in value.items():
            members.append(f"{json.dumps(name, ensure_ascii=False)}: {_text(member)}")
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        items = []
        for item in value:
            items.append(_text(item))
        return f"[{', '.join(items)}]"
    if isinstance(value, Decimal):
        return str(value)
    return "" if value is NOTHING else json.dumps(value, ensure_ascii=False)
