"""What every form says alike: values, keys and counts in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from demo_snapshots.model.changes import (
    NOTHING,
    Cell,
    Change,
    Comparison,
    Json,
    NamedValues,
    TableDifference,
    Value,
    What,
)
from demo_snapshots.render.report import counted, number
from demo_snapshots.render.visible import visible

_MOST_NAMES = 20


class Signs(Struct, frozen=True):
    """The signs between words, for those who can write them or cannot."""

    arrow: str = "→"
    dots: str = "…"


UNICODE = Signs()
ASCII = Signs("->", "...")

ORDER = (What.CHANGED, What.MOVED, What.ADDED, What.REMOVED)


def written(value: Value) -> str:
    """A value on one line, kinds told apart: ``NULL``, ``true``, ``1.00``, ``"text"``,
    ``X'00FF'``, JSON as it is, ``(absent)``."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case bytes():
            return f"X'{value.hex().upper()}'"
        case Json():
            return visible(value)
        case str():
            return visible(json.dumps(value, ensure_ascii=False))
    return "(absent)"


def is_hidden(cell: Cell) -> bool:
    """Whether only the column's name is to be shown."""
    return cell.old is NOTHING and cell.new is NOTHING


def key_in_words(key: NamedValues, most: int, signs: Signs = UNICODE) -> str:
    """``id=7, line=2``"""
    return ", ".join(f"{visible(name)}={cut(written(value), most, signs)}" for name, value in key)


def there(change: Change, cell: Cell) -> Value:
    """The value of a row that one side alone has."""
    return cell.new if change.what is What.ADDED else cell.old


def new_key(change: Change) -> NamedValues:
    """The key of the new side, of a row that moved."""
    moved = {cell.column: cell.new for cell in change.cells}
    return tuple((name, moved.get(name, value)) for name, value in change.key)


def cut(text: str, most: int, signs: Signs = UNICODE) -> str:
    """``text`` in at most ``most`` characters."""
    if len(text) <= most:
        return text
    return text[: max(most - len(signs.dots), 1)] + signs.dots


def around(old: str, new: str, most: int, signs: Signs = UNICODE) -> tuple[str, str]:
    """Both texts in at most ``most`` characters each, from shortly before where they differ."""
    if max(len(old), len(new)) <= most:
        return old, new
    passed = max(common_start(old, new) - most // 4, 0)
    if passed <= len(signs.dots):
        return cut(old, most, signs), cut(new, most, signs)
    dots = signs.dots
    return cut(dots + old[passed:], most, signs), cut(dots + new[passed:], most, signs)


def common_start(one: str, other: str) -> int:
    """How many characters both begin with."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least


def count_of(table: TableDifference, what: What) -> int:
    counts = {
        What.CHANGED: table.changed,
        What.MOVED: table.moved,
        What.ADDED: table.added,
        What.REMOVED: table.removed,
    }
    return counts[what]


def counts_in_words(table: TableDifference) -> str:
    """``2 changed, 1 added, 97 the same``"""
    parts = [f"{number(count_of(table, what))} {what}" for what in ORDER if count_of(table, what)]
    if table.same:
        parts.append(f"{number(table.same)} the same")
    return ", ".join(parts) or "no rows"


def one_sided(table: TableDifference, comparison: Comparison) -> Iterator[str]:
    """What only one side has of a table, as sentences: the table itself, or columns."""
    if table.missing:
        there = comparison.old if table.missing == "new" else comparison.new
        yield f"the table is only in {there}"
    for names, side in ((table.only_old, comparison.old), (table.only_new, comparison.new)):
        if names:
            more = len(names) - _MOST_NAMES
            told = ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
            what = "the column" if len(names) == 1 else f"{len(names)} columns"
            yield f"{what} {told} only in {side}"


def title(comparison: Comparison, signs: Signs = UNICODE) -> str:
    """``general v1_2025-01-15 → v2_2025-01-20``"""
    new = comparison.new.removeprefix(f"{comparison.scenario} ")
    return visible(f"{comparison.old} {signs.arrow} {new}")


def total(comparison: Comparison) -> TableDifference:
    """All tables' counts in one."""
    tables = comparison.tables
    return TableDifference(
        "Total",
        added=sum(table.added for table in tables),
        removed=sum(table.removed for table in tables),
        changed=sum(table.changed for table in tables),
        moved=sum(table.moved for table in tables),
        same=sum(table.same for table in tables),
    )


def verdict(comparison: Comparison) -> str:
    """How much differs, in one sentence."""
    if not comparison.differs:
        return "no difference"
    whole = total(comparison)
    parts = [f"{number(count_of(whole, what))} {what}" for what in ORDER if count_of(whole, what)]
    rows = ", ".join(parts)
    differing = sum(table.differs for table in comparison.tables)
    if not differing:
        return "no difference but in uploaded files"
    return f"{rows or 'tables or columns differ'} in {counted(differing, 'table')}"
