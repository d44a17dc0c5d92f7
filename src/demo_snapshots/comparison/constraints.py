"""Do the merged rows hold what each side's rows held: foreign keys and unique keys?

A row that both sides have references keys that both have, and a key that both have is still there.
So the references of such rows are looked at only where they are to other columns than the key; and
unique keys only where both sides contributed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from demo_snapshots.comparison.typed import Tells, told_by
from demo_snapshots.model.tables import ForeignKey, Table
from demo_snapshots.rows.literals import cells
from demo_snapshots.rows.spill import Sorter

_SHOWN = 5

RowsOf = Callable[[str], Iterable[list[bytes]]]
"""The merged records of a table."""


class Constraints:
    """Takes rows and says at the end what does not hold. ``tables``
    are those of the documents, by name, as the database has them; ``described`` as the documents
    do, whose columns the records hold."""

    def __init__(
        self, tables: Mapping[str, Table], described: Mapping[str, Table], *, loose: bool
    ) -> None:
        """``loose``: texts that differ in case may be one key, as MariaDB's collations have it."""
        self._tables, self._described, self._loose = tables, described, loose
        self._needed: dict[tuple[str, ForeignKey], Sorter] = {}
        self._told: dict[tuple[str, ForeignKey], Tells] = {}

    def asks_for_all(self, name: str) -> bool:
        """Whether rows of the table that both sides have are to be taken as well."""
        return any(not self._is_to_key(key) for key in self._tables[name].foreign_keys)

    def _is_to_key(self, key: ForeignKey) -> bool:
        referenced = self._tables.get(key.referenced_table)
        return referenced is None or set(key.referenced_columns) == set(referenced.key)

    def take(self, name: str, record: bytes, *, is_in_both: bool = False) -> None:
        """Note what a row references."""
        for key in self._tables[name].foreign_keys:
            if key.referenced_table not in self._tables or (is_in_both and self._is_to_key(key)):
                continue
            literals = self._literals(name, record, key.columns)
            if literals is not None and self._tells(name, key)(cells(record)):
                sorter = self._needed.setdefault((name, key), Sorter(lambda record: record[0]))
                row = b", ".join(self._row(name, record))
                sorter.add((self._spelled(literals), row))

    def _tells(self, name: str, key: ForeignKey) -> Tells:
        if (name, key) not in self._told:
            names = [column.name for column in self._described[name].columns]
            self._told[name, key] = told_by(key.only, names)
        return self._told[name, key]

    def _row(self, name: str, record: bytes) -> Iterator[bytes]:
        values = self._values(name, record, self._described[name].key)
        for column, literal in zip(self._described[name].key, values, strict=True):
            yield column.encode() + b"=" + literal

    def _values(self, name: str, record: bytes, columns: Sequence[str]) -> list[bytes]:
        names = [column.name for column in self._described[name].columns]
        there = cells(record)
        return [there[names.index(column)] for column in columns]

    def _literals(self, name: str, record: bytes, columns: Sequence[str]) -> list[bytes] | None:
        """Those of ``columns``; None where one is NULL, or carried by a natural key."""
        values = self._values(name, record, columns)
        return None if any(v == b"NULL" or v[:1] == b"\n" for v in values) else values

    def _spelled(self, literals: Sequence[bytes]) -> bytes:
        return b",".join(
            literal.decode().casefold().encode() if self._loose and literal[:1] == b"'" else literal
            for literal in literals
        )

    def broken_references(self, rows_of: RowsOf) -> Iterator[str]:
        """A sentence for each foreign key by which a row references one that is not there."""
        for (name, key), needed in self._needed.items():
            there = Sorter(lambda record: record[0])
            try:
                for batch in rows_of(key.referenced_table):
                    for record in batch:
                        own = self._literals(key.referenced_table, record, key.referenced_columns)
                        if own is not None:
                            there.add((self._spelled(own),))
                missing = [row.decode() for row in _missing(needed, there)]
            finally:
                there.close()
            if missing:
                yield (
                    f"{name}.{', '.join(key.columns)} -> {key.referenced_table}:"
                    f" {_some(missing)} would reference a row that the other side deleted"
                )

    def broken_uniques(self, name: str, rows_of: RowsOf) -> Iterator[str]:
        """A sentence for each unique key of a table that two of its rows would share."""
        for unique in self._tables[name].uniques:
            if not all(self._described[name].has(column) for column in unique):
                continue
            sorter = Sorter(lambda record: record[0])
            try:
                for batch in rows_of(name):
                    for record in batch:
                        own = self._literals(name, record, unique)
                        if own is not None:
                            row = b", ".join(self._row(name, record))
                            sorter.add((b",".join(own), row))
                shared = [
                    " and ".join(row.decode() for row in alike)
                    for _, found in groupby(iter(sorter), key=lambda record: record[0])
                    if len(alike := [row for _, row in found]) > 1
                ]
            finally:
                sorter.close()
            if shared:
                yield f"{name}.{', '.join(unique)}: {_some(shared)} would share a unique key"

    def close(self) -> None:
        """Let go of what was put aside."""
        for sorter in self._needed.values():
            sorter.close()


def _missing(
    needed: Iterable[tuple[bytes, ...]], there: Iterable[tuple[bytes, ...]]
) -> Iterator[bytes]:
    """The rows of ``needed``, value and row sorted by value, whose value is not ``there``."""
    known = iter(there)
    following = next(known, None)
    for value, row in needed:
        while following is not None and following[0] < value:
            following = next(known, None)
        if following is None or following[0] != value:
            yield row


def _some(rows: Sequence[str]) -> str:
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return "; ".join(row or "a row" for row in rows[:_SHOWN]) + more
