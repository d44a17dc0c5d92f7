"""Rows -> YAML, as a person would write it: a mapping for each row, text of several lines as a
block; the same bytes for the same rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import BinaryIO

from demo_snapshots.documents.members import DEFERRED, DIGEST, INCLUDED, ROWS, members_of
from demo_snapshots.documents.protocol import Event, EventsByTable
from demo_snapshots.documents.rows import row_tree, update_tree
from demo_snapshots.documents.sql.rendering import Survey
from demo_snapshots.documents.values import JSON_TAG, Number, Tree, quoted, spelled
from demo_snapshots.model.tables import Table

# Words that some YAML takes for something else than text.
_TAKEN = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9_.,/()@+=%&*;$!?'-]|:(?=[^ ])| (?=[^ #]))*")
# What YAML does not take as it stands, or takes for a line break.
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_BLOCK = re.compile("[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]+")
_LONGEST_KEY = 1000


_Put = Callable[[Iterable[str]], None]


def write_yaml(stream: BinaryIO, found: Survey, events: Iterable[Event]) -> None:
    """Write a document that was surveyed, and whose ``events`` come once more, as YAML."""

    def put(lines: Iterable[str]) -> None:
        stream.write("".join(f"{line}\n" for line in lines).encode())

    for name, value in members_of(found):
        put(_member(name, value, ""))
    by_table = EventsByTable(events)
    header = found.header
    if header.includes:
        _write_tables(put, INCLUDED, [table for table, _ in header.includes], by_table)
    _write_tables(put, ROWS, header.tables, by_table)
    if found.updates:
        put([f"{DEFERRED}:"])
        described = {table.name: table for table in header.tables}
        for update in by_table.updates():
            put(_item(update_tree(update, described[update.table]), "  "))
    put(_member(DIGEST, f"sha256:{found.digest}", ""))


def _write_tables(put: _Put, name: str, tables: Sequence[Table], by_table: EventsByTable) -> None:
    put([f"{name}:" if tables else f"{name}: {{}}"])
    for table in tables:
        batches = by_table.records(table)
        first = next(batches, None)
        put([f"  {_key(table.name, '  ')}" + (" []" if first is None else "")])
        for batch in chain([first or []], batches):
            put(line for record in batch for line in _item(row_tree(table, record), "    "))


def _member(name: str, value: Tree, indent: str) -> Iterator[str]:
    """The lines of one member of a mapping."""
    key = f"{indent}{_key(name, indent)}"
    if isinstance(value, dict) and value and not _is_tagged(value):
        yield key
        for inner, item in value.items():
            yield from _member(inner, item, f"{indent}  ")
    elif isinstance(value, list) and value:
        yield key
        for item in value:
            yield from _item(item, f"{indent}  ")
    elif isinstance(value, str) and _is_block(value):
        yield from _block(f"{key} ", value, f"{indent}  ")
    else:
        yield f"{key} {_flow(value)}"


def _item(value: Tree, indent: str) -> Iterator[str]:
    """The lines of one item of a sequence: a mapping, or what stands on one line."""
    if not isinstance(value, dict) or not value:
        yield f"{indent}- {_flow(value)}"
        return
    mark = f"{indent}- "
    for name, inner in value.items():
        lines = _member(name, inner, f"{indent}  ")
        yield mark + next(lines)[len(mark) :]
        yield from lines
        mark = f"{indent}  "


def _key(name: str, indent: str) -> str:
    text = _scalar(name)
    # A longer one, YAML wants to be told before (yaml.org/spec/1.2.2, 7.4.2).
    return f"{text}:" if len(text) <= _LONGEST_KEY else f"? {text}\n{indent}:"


def _is_tagged(value: dict[str, Tree]) -> bool:
    """Whether it stands for one value, and can be written on one line."""
    return next(iter(value)).startswith("$") and (
        JSON_TAG in value or not _has_long_key(value, spelled(value))
    )


def _flow(value: Tree) -> str:
    """On one line."""
    if isinstance(value, str):
        return _scalar(value)
    text = spelled(value)
    if isinstance(value, dict) and JSON_TAG in value and _has_long_key(value, text):
        return _scalar(spelled(value[JSON_TAG]))
    # JSON is YAML, but for characters that it does not take as they stand.
    return _escaped(text)


def _has_long_key(value: Tree, text: str | None = None) -> bool:
    """Whether a name in it is longer than YAML takes on one line; ``text`` is all of it."""
    if text is not None and len(text) <= _LONGEST_KEY:
        return False
    if isinstance(value, dict):
        return any(len(quoted(k)) > _LONGEST_KEY or _has_long_key(v) for k, v in value.items())
    return isinstance(value, list) and any(map(_has_long_key, value))


def _scalar(text: str) -> str:
    if isinstance(text, Number):
        return str(text)
    if _PLAIN.fullmatch(text) and text.lower() not in _TAKEN and len(text) <= _LONGEST_KEY:
        return text
    return _escaped(quoted(text))


def _escaped(text: str) -> str:
    return _UNPRINTED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _is_block(text: str) -> bool:
    return "\n" in text and text[0] not in " \n" and _BLOCK.fullmatch(text) is not None


def _block(before: str, text: str, indent: str) -> Iterator[str]:
    """A literal block. ``|`` ends in one line break, ``|-`` in none, ``|+`` in all there are."""
    lines = text.split("\n")
    ending = "-" if lines[-1] else ""
    if not lines[-1]:
        lines.pop()
        ending = "+" if not lines[-1] else ""
    yield f"{before}|{ending}"
    yield from (f"{indent}{line}" if line else "" for line in lines)
