"""Does a snapshot fit the tables as they are? Pure comparison of descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from demo_snapshots.errors import Call, SchemaError, UsageError, Words
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Table


@dataclass(frozen=True, slots=True)
class Fit:
    """``problems`` keep a snapshot out; ``notes`` do not. One line each, by table."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]


def leave_out(header: Header, columns: Iterable[str]) -> Header:
    """The header without these ``table.column``: as if the snapshot had never had them.

    Raises UsageError for one it does not have, or that is part of a key.
    """
    tables = {table.name: table for table in header.tables}
    for name in columns:
        table, _, column = name.rpartition(".")
        if table not in tables or not tables[table].has(column):
            raise UsageError(Words(Call(drop_columns=[name]), ": the snapshot has no such column"))
        if column in tables[table].key:
            raise UsageError(Words(Call(drop_columns=[name]), ": a key cannot be left out"))
        kept = tuple(c for c in tables[table].columns if c.name != column)
        tables[table] = replace(tables[table], columns=kept)
    return replace(header, tables=tuple(tables.values()))


def fit(header: Header, tables: Mapping[str, Table], external: Mapping[str, Table]) -> Fit:
    """Compare a document's tables with the demo tables of a database, and its included ones
    with those that its configuration names.

    Missing tables and columns, other keys, and columns that want a value the snapshot does not
    have are problems. Extra columns that may stay empty or have a default, and other kinds
    (which are tried value by value) are notes.
    """
    problems: list[str] = []
    notes: list[str] = []
    for described in header.tables:
        table = tables.get(described.name)
        if table is None:
            problems.append(f"{described.name}: not a demo table of this configuration")
        else:
            _compare(described, table, problems, notes)
    for described, _ in header.includes:
        table = external.get(described.name)
        if table is None:
            problems.append(
                f"{described.name}: rows travel along, and this configuration does not say"
                f' [references] {described.name} = "include"'
            )
        else:
            _compare(described, table, problems, notes)
    return Fit(tuple(problems), tuple(notes))


def what_fits(header: Header, tables: Mapping[str, Table]) -> tuple[Header, Mapping[str, Table]]:
    """The header without the columns that the database lacks, for looking only; and by table
    what it lacks. Raises SchemaError for tables that it does not have as demo tables, and for
    keys that it lacks."""
    lacking: dict[str, Table] = {}
    kept: list[Table] = []
    problems: list[str] = []
    for described in header.tables:
        table = tables.get(described.name)
        if table is None:
            problems.append(f"{described.name}: not a demo table of this configuration")
            continue
        there = {column.name for column in table.carried}
        absent = tuple(c for c in described.columns if c.name not in there)
        problems += [
            f"{described.name}.{c.name}: no such column, and it is part of the key"
            for c in absent
            if c.name in described.key
        ]
        lacking[described.name] = replace(described, columns=absent)
        kept.append(
            replace(described, columns=tuple(c for c in described.columns if c not in absent))
        )
    if problems:
        raise SchemaError(
            f"{header.scenario} {header.version} cannot be compared: {'; '.join(problems)}",
            problems=tuple(problems),
        )
    return replace(header, tables=tuple(kept)), lacking


def _compare(described: Table, table: Table, problems: list[str], notes: list[str]) -> None:
    problems += _missing(described, table)
    if described.key and set(described.key) != set(table.key):
        problems.append(
            f"{table.name}: the primary key is ({', '.join(table.key) or 'none'}),"
            f" in the snapshot ({', '.join(described.key)})"
        )
    for column in table.carried:
        if described.has(column.name):
            was = described.column(column.name).kind
            if was is not column.kind:
                notes.append(f"{table.name}.{column.name}: {column.kind}, in the snapshot {was}")
        elif column.nullable or column.has_default:
            notes.append(f"{table.name}.{column.name}: not in the snapshot, left empty")
        else:
            problems.append(f"{table.name}.{column.name}: wants a value, the snapshot has none")


def _missing(described: Table, table: Table) -> Iterable[str]:
    for column in described.columns:
        if not table.has(column.name):
            yield Words(
                f"{table.name}.{column.name}: no such column (",
                Call(drop_columns=...),
                " leaves it out)",
            )
        elif table.column(column.name).generated:
            yield f"{table.name}.{column.name}: generated by the database, not in the snapshot's"


def require_fit(
    header: Header, tables: Mapping[str, Table], external: Mapping[str, Table], label: str
) -> None:
    """Raise SchemaError, naming every problem, if the snapshot does not fit."""
    problems = fit(header, tables, external).problems
    if problems:
        more = "; …" if len(problems) > 5 else ""
        raise SchemaError(
            Words(
                f"{header.scenario} {header.version} does not fit the tables of {label}: ",
                Words.joined("; ", problems[:5]),
                more,
            ),
            problems=problems,
            hint="Migrate the database to the snapshot's schema"
            + (f" ({header.migration})" if header.migration else "")
            + ", or export the scenario again from a migrated one.",
        )
