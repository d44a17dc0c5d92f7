"""A version as CSV by RFC 4180, one file a table.

NULL is an empty field, an empty text is ``""``, and every text stands in quotes, as PostgreSQL's
COPY writes and reads it; binary values are ``\\x00ff``. Values are what they are: nothing is put
before those that a spreadsheet takes for formulas, but they are counted, so that one can be told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from demo_snapshots.model.changes import Value
from demo_snapshots.model.tables import Table
from demo_snapshots.operations.show import ValueRow

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What OWASP's page on CSV injection names."""


def csv_of(table: Table, rows: Iterable[ValueRow], formulas: Counter[str]) -> Iterator[str]:
    """The lines of a table's file; ``formulas`` counts, by column, the texts that a spreadsheet
    would take for formulas."""
    names = [column.name for column in table.columns]
    yield ",".join(map(_text, names)) + "\r\n"
    for row in rows:
        for name, value in zip(names, row, strict=True):
            if isinstance(value, str) and value.startswith(_FORMULA):
                formulas[name] += 1
        yield ",".join(map(field, row)) + "\r\n"


def field(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case bytes():
            return f'"\\x{value.hex()}"'
        case str():
            return _text(value)
    return str(value)


def _text(text: str) -> str:
    return f'"{text.replace(chr(34), chr(34) * 2)}"'


def file_names(tables: Iterable[Table]) -> dict[str, str]:
    """A name for each table's file, whatever the table is called: all but letters, digits and
    ``_.-~`` as %XX. None differs from another in upper and lower case alone."""
    taken: Counter[str] = Counter()
    names: dict[str, str] = {}
    for table in tables:
        name = quote(table.name, safe="")
        taken[name.lower()] += 1
        again = taken[name.lower()]
        names[table.name] = f"{name}.csv" if again == 1 else f"{name}%{again}.csv"
    return names
