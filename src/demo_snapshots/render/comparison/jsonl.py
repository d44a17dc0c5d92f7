"""A comparison as JSON lines: one a change, as it is found, and a last one with the counts."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from msgspec import to_builtins

from demo_snapshots.model.changes import NOTHING, Cell, Change, Comparison, Json, Value
from demo_snapshots.render.comparison import words

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


def change_line(change: Change) -> str:
    """One change; without the line's end."""
    cells = ", ".join(map(_cell, change.cells))
    key = ", ".join(f"{_text(name)}: {value_json(value)}" for name, value in change.key)
    return (
        f'{{"table": {_text(change.table)}, "what": "{change.what}", "key": {{{key}}},'
        f' "cells": [{cells}], "copies": {change.copies}}}'
    )


def summary_line(comparison: Comparison) -> str:
    """The sides and the counts; without the line's end."""
    whole = words.total(comparison)
    document = {
        "summary": {
            "scenario": comparison.scenario,
            "old": comparison.old,
            "new": comparison.new,
            "differs": comparison.differs,
            "tables": [
                {**to_builtins(table), "differs": table.differs} for table in comparison.tables
            ],
            "total": {
                **{what.value: words.count_of(whole, what) for what in words.ORDER},
                "same": whole.same,
            },
            "files": to_builtins(comparison.files),
            "notes": list(comparison.notes),
        }
    }
    return json.dumps(document)


def value_json(value: Value) -> str:
    """A value as JSON: numbers with all their digits, binary ones as an object of their own."""
    match value:
        case Json():
            return _member(value)
        case bytes():
            return f'{{"binary": "{value.hex()}"}}'
        case bool() | str() | None:
            return json.dumps(value)
        case int() | Decimal():
            return words.written(value)
    return "null"


def _cell(cell: Cell) -> str:
    sides = (("old", cell.old), ("new", cell.new))
    told = [f'"{name}": {value_json(value)}' for name, value in sides if value is not NOTHING]
    parts = [f'"column": {_text(cell.column)}', f'"path": {json.dumps(cell.path)}', *told]
    return f"{{{', '.join(parts)}}}"


def _member(value: str) -> str:
    """JSON within JSON as it is, but in ASCII; NaN, which few readers take, as a text."""
    try:
        json.loads(value, parse_constant=_refuse)
    except ValueError:
        return _text(value)
    return value if value.isascii() else _NOT_ASCII.sub(lambda found: _text(found[0])[1:-1], value)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _text(text: str) -> str:
    return json.dumps(text)
