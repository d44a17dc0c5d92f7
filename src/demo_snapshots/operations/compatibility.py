"""Does a snapshot fit the tables as they are? Pure comparison of descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.documents.drifted import TableDrift, drifted_header
from demo_snapshots.errors import SchemaError, UsageError
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Column, Table
from demo_snapshots.model.words import Call, Words


class Fit(Struct, frozen=True):
    """``problems`` keep a snapshot out; ``notes`` do not. One line each, by table."""

    problems: tuple[str, ...]
    notes: tuple[str, ...]


def leave_out(header: Header, columns: Iterable[str]) -> Header:
    """The header without these ``table.column``: as if the snapshot had never had them.

    Raises UsageError for one it does not have, or that is part of a key.
    """
    tables = {table.name: table for table in (*header.tables, *(t for t, _ in header.includes))}
    for name in columns:
        table, _, column = name.rpartition(".")
        if table not in tables or not tables[table].has(column):
            raise UsageError(Words(Call(drop_columns=[name]), ": the snapshot has no such column"))
        if column in tables[table].key:
            raise UsageError(Words(Call(drop_columns=[name]), ": a key cannot be left out"))
        kept = tuple(c for c in tables[table].columns if c.name != column)
        tables[table] = replace(tables[table], columns=kept)
    return replace(
        header,
        tables=tuple(tables[table.name] for table in header.tables),
        includes=tuple((tables[table.name], rows) for table, rows in header.includes),
    )


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
            problems.append(
                Words(
                    f"{table.name}.{column.name}: wants a value, the snapshot has none (",
                    Call(defaults={f"{table.name}.{column.name}": "…"}),
                    " gives one)",
                )
            )


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
    header: Header,
    tables: Mapping[str, Table],
    external: Mapping[str, Table],
    label: str,
    *,
    is_drifted: bool = False,
) -> None:
    """Raise SchemaError, naming every problem, if the snapshot does not fit, and what would let it
    in all the same. ``is_drifted``: something of the kind has been said already."""
    problems = fit(header, tables, external).problems
    if problems:
        more = "; …" if len(problems) > 5 else ""
        options = way_in(header, tables, external)
        migrated = f" ({header.migration})" if header.migration else ""
        raise SchemaError(
            Words(
                f"{header.scenario} {header.version} does not fit the tables of {label}: ",
                Words.joined("; ", problems[:5]),
                more,
            ),
            problems=problems,
            hint=Words(
                f"Migrate the database to the snapshot's schema{migrated}, or export the scenario"
                " again from a migrated one. Written once under [[drift]] in the configuration,"
                f" or given with the import, this{' as well' if is_drifted else ''} would let"
                " it in, as far as names tell: ",
                *options,
            )
            if options
            else f"Migrate the database to the snapshot's schema{migrated}"
            ", or export the scenario again from a migrated one.",
        )


def way_in(
    header: Header, tables: Mapping[str, Table], external: Mapping[str, Table]
) -> tuple[Call | str, ...]:
    """The options that would let in a snapshot that does not fit, with spaces between them; empty
    where there are none.

    A guess: a table or column that is gone and the only new one like it are taken for the same,
    and of several columns the one with the most similar name; what is gone otherwise is left out,
    what has come since gets a value of the reader's choice.
    """
    guess = _Guess(header, tables, external)
    drifts = dict(guess.drifts())
    today = leave_out(drifted_header(header, drifts), guess.left_out)
    if fit(today, tables, external).problems:
        return ()
    calls = (
        (guess.tables, Call(rename_tables=guess.tables)),
        (guess.columns, Call(rename_columns=guess.columns)),
        (guess.defaults, Call(defaults=guess.defaults)),
        (guess.left_out, Call(drop_columns=guess.left_out)),
    )
    return tuple(part for said, call in calls if said for part in (" ", call))[1:]


class _Guess:
    """What may have become of the tables of a snapshot."""

    def __init__(
        self, header: Header, tables: Mapping[str, Table], external: Mapping[str, Table]
    ) -> None:
        self._sides = (
            (header.tables, tables),
            (tuple(table for table, _ in header.includes), external),
        )
        self.tables: dict[str, str] = {}
        self.columns: dict[str, str] = {}
        self.defaults: dict[str, str] = {}
        self.left_out: list[str] = []

    def drifts(self) -> Iterator[tuple[str, TableDrift]]:
        """By the name that a table of the snapshot has, what may have become of it."""
        for described, there in self._sides:
            yield from self._of(described, there)

    def _of(
        self, tables: Sequence[Table], there: Mapping[str, Table]
    ) -> Iterator[tuple[str, TableDrift]]:
        known = {table.name for table in tables}
        new = [table for name, table in there.items() if name not in known]
        gone = [table for table in tables if table.name not in there]
        for described in tables:
            table = there.get(described.name)
            if table is None:
                if len(gone) != 1 or len(new) != 1:
                    continue
                table = new[0]
                self.tables[described.name] = table.name
            renamed = dict(self._renamed(described, table))
            added = tuple(self._added(described, table, renamed))
            yield described.name, TableDrift(table.name, renamed, added)

    def _renamed(self, described: Table, table: Table) -> Iterator[tuple[str, str]]:
        gone = [c for c in described.columns if not table.has(c.name)]
        new = [c for c in table.carried if not described.has(c.name)]
        for column in gone:
            like = [c.name for c in new if c.kind is column.kind]
            if len(like) > 1 or sum(c.kind is column.kind for c in gone) > 1:
                # Imported late: few columns are renamed.
                from difflib import get_close_matches

                like = get_close_matches(column.name, like, 1)
            if like:
                new = [c for c in new if c.name != like[0]]
                self.columns[f"{table.name}.{column.name}"] = like[0]
                yield column.name, like[0]
            elif column.name not in described.key:
                self.left_out.append(f"{table.name}.{column.name}")

    def _added(
        self, described: Table, table: Table, renamed: Mapping[str, str]
    ) -> Iterator[tuple[Column, bytes]]:
        for column in table.carried:
            has = described.has(column.name) or column.name in renamed.values()
            if not has and not column.nullable and not column.has_default:
                self.defaults[f"{table.name}.{column.name}"] = "…"
                yield column, b"NULL"
