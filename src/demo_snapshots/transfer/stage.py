"""Rows in: a snapshot in temporary tables, beside the demo rows there are now.

``Staging`` holds, for every selected table, a *stage* with the snapshot's rows in the target's
own column types, and for every table with a key the keys of the demo rows there are *now*
(those the import may replace). Everything else is a real row. Nothing is held in memory.

A table that is *joined* (``delta.py``) stages only the rows that are not in the database as they
are, and notes which of the demo rows there are now are *unlike* what the snapshot holds; the rest
of the two sides is the same. Of any other table all rows are staged, and all there are now count
as unlike.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from demo_snapshots.engines.database import Database
from demo_snapshots.errors import (
    DatabaseError,
    DocumentError,
    Fault,
    KeyClashError,
    UnfitValueError,
)
from demo_snapshots.model.snapshots import Statistics, TableCount
from demo_snapshots.model.tables import Column, Table
from demo_snapshots.rows.spill import Spool
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.transfer.count import count_rows


class Stage(Struct, frozen=True):
    """One table's part: SQL names of the target (its own rows, and where new ones go), of the
    stage, of the keys of the present demo rows and of those that are unlike the snapshot's."""

    table: Table
    columns: tuple[Column, ...]
    target: str
    into: str
    rows: str
    now: str
    number: int
    unlike: str = ""
    joined: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        return self.table.key

    @property
    def hard(self) -> tuple[Column, ...]:
        """Columns that cannot change in place: of keys, unique ones and declared foreign ones."""
        tied = {*self.key, *(name for unique in self.table.uniques for name in unique)}
        tied |= {name for key in self.table.declared_keys for name in key.columns}
        return tuple(column for column in self.columns if column.name in tied)

    @property
    def plain(self) -> tuple[Column, ...]:
        hard = {column.name for column in self.hard}
        return tuple(column for column in self.columns if column.name not in hard)

    @property
    def temporary(self) -> str:
        """The stage's own name, unqualified."""
        return f"demo_stage_{self.number}"


class Staging:
    """A snapshot beside the rows of ``demo`` that it replaces. ``described`` are the document's
    tables; tables of ``demo`` that it lacks are staged empty, others are left alone. ``includes``
    are its tables outside the demo. Of the tables ``joined`` only rows that differ are staged. With
    ``adds`` nothing is replaced: the snapshot is added beside the demo rows there are."""

    def __init__(
        self,
        demo: DemoSet,
        described: Iterable[Table],
        includes: Iterable[Table] = (),
        *,
        adds: bool = False,
        joined: Collection[str] = (),
    ) -> None:
        described = tuple(described)
        demo = demo.telling_apart([table.name for table in described if not table.key])
        self.demo = demo
        self.adds = adds
        self.database = demo.database
        self.dialect = demo.dialect
        self.schema = schema = demo.schema
        self.selection = demo.selection
        self.order = demo.order
        self.alike = dict.fromkeys(joined, 0)
        """How many rows of each joined table are not staged, since they are there."""
        self.added = 0
        """How many rows outside the demo were added."""
        self.read: dict[str, Spool] = {}
        """The demo rows that there were, of tables of which whole rows were read, if kept."""
        carried = {table.name: table.columns for table in described}
        self.includes = {
            table.name: Stage(
                table=schema.external[table.name],
                columns=tuple(
                    schema.external[table.name].column(column.name) for column in table.columns
                ),
                target=self.dialect.rows_of(schema.external[table.name]),
                into=self.dialect.table(schema.external[table.name]),
                rows=self.dialect.temporary(f"demo_stage_{number}"),
                now="",
                number=number,
            )
            for number, table in enumerate(includes, len(self.order.tables))
        }
        self.stages = {
            table.name: self._stage(number, table, carried.get(table.name, table.carried))
            for number, table in enumerate(self.order.tables)
        }

    def _stage(self, number: int, table: Table, columns: Sequence[Column]) -> Stage:
        joined = table.name in self.alike
        return Stage(
            table=table,
            columns=tuple(table.column(column.name) for column in columns),
            target=self.dialect.rows_of(table),
            into=self.dialect.table(table),
            rows=self.dialect.temporary(f"demo_stage_{number}"),
            now=self.dialect.temporary(f"demo_now_{number}"),
            number=number,
            unlike=self.dialect.temporary(f"demo_{'unlike' if joined else 'now'}_{number}"),
            joined=joined,
        )

    def note_demo_rows(self) -> None:
        """Note which rows are demo rows, for all that is asked of them until the transaction ends;
        none comes or goes meanwhile."""
        self.demo = self.demo.noted()
        self.selection = self.demo.selection

    def predicate(self, stage: Stage) -> str:
        """A condition on the target's columns: the rows that the import may replace."""
        return "1 = 0" if self.adds else self.demo_predicate(stage)

    def demo_predicate(self, stage: Stage) -> str:
        return self.demo.predicate(stage.table)

    def chosen(self, stage: Stage, condition: str) -> str:
        """The target's rows under a condition, as a table to select from: every column by its
        name, since a star leaves out those that MariaDB calls INVISIBLE."""
        names = self.dialect.columns([column.name for column in stage.table.columns])
        return f"(SELECT {names} FROM {stage.target} WHERE {condition})"

    def keep_rows(self) -> Callable[[], None]:
        """Keep the demo rows of joined tables as they are read; what lets go of them."""
        for name, stage in self.stages.items():
            if stage.joined and stage.columns == stage.table.carried:
                self.read[name] = Spool()

        def close() -> None:
            for spool in self.read.values():
                spool.close()

        return close

    def create(self) -> None:
        """Make the empty stages; within the transaction they belong to."""
        for stage in self.stages.values():
            names = self.dialect.columns(column.name for column in stage.columns)
            select = f"SELECT {names} FROM {stage.target} WHERE 1 = 0"
            self._make(stage.temporary, select, stage.key)

    def include(self, table: str, chunks: Iterable[bytes], *, insert: bool) -> None:
        """Stage rows outside the demo; with ``insert``, add those whose key is missing.

        Raises KeyClashError if such a row's unique value is another row's.
        """
        stage = self.includes[table]
        names = self.dialect.columns(column.name for column in stage.columns)
        select = f"SELECT {names} FROM {stage.target} WHERE 1 = 0"
        self._make(stage.temporary, select, stage.key)
        load_rows(self.database, stage.rows, stage.table, stage.columns, chunks)
        self.database.run(self.dialect.index_temporary(stage.temporary, stage.key))
        if not insert:
            return
        always = any(column.identity_always for column in stage.columns)
        insert_missing = (
            f"INSERT INTO {stage.into} ({names})"
            f"{' OVERRIDING SYSTEM VALUE' if always else ''} SELECT {names}"
            f" FROM {stage.rows} AS s WHERE NOT EXISTS (SELECT 1 FROM {stage.target} AS t"
            f" WHERE {self.dialect.match('s', 't', stage.key)})"
        )
        try:
            with naming(stage.table):
                self.added += self.database.execute(insert_missing)
        except DatabaseError as error:
            raise KeyClashError(
                f"{table}: a row that travels along could not be added:"
                f" {error.message.removeprefix(f'{table}: ')}",
                hint="Nothing was changed. If the row is there under another key, carry the"
                f" reference by a natural key: [references] {table} = {{ by-key = […] }}.",
            ) from error

    def _make(self, name: str, select: str, key: Sequence[str]) -> None:
        self.database.create_temporary(name, select, key)

    def load(self, table: str, chunks: Iterable[bytes]) -> int:
        """Stage raw rows of ``table``; how many.

        Raises DocumentError if the snapshot holds a key twice, where the engine sees it now.
        """
        stage = self.stages[table]
        try:
            return load_rows(self.database, stage.rows, stage.table, stage.columns, chunks)
        except DatabaseError as error:
            if error.fault is Fault.DUPLICATE:
                raise _twice(stage) from error
            raise

    def note(
        self, stage: Stage, keys: Sequence[Column], chunks: Iterable[bytes], *, alike: int
    ) -> None:
        """Note the keys of a joined table's demo rows that are unlike the snapshot's, as raw rows
        of the columns ``keys``, and how many rows are alike."""
        name = f"demo_unlike_{stage.number}"
        names = self.dialect.columns(column.name for column in keys)
        self._make(name, f"SELECT {names} FROM {stage.target} WHERE 1 = 0", stage.key)
        load_rows(self.database, stage.unlike, stage.table, keys, chunks)
        self.database.run(self.dialect.index_temporary(name, stage.key))
        self.alike[stage.table.name] = alike

    def bring(self, stage: Stage, keys: str) -> None:
        """Stage the rows of a joined table that are alike in both and among ``keys``, from the
        target itself: they are about to be deleted and inserted again."""
        names = [column.name for column in stage.columns]
        brought = self.database.execute(
            f"INSERT INTO {stage.rows} ({self.dialect.columns(names)})"
            f" SELECT {self.dialect.columns(names, 't')} FROM {stage.target} AS t JOIN {keys} AS k"
            f" ON {self.dialect.match('k', 't', stage.key)} WHERE {self.is_alike(stage, 't')}"
        )
        self.alike[stage.table.name] -= brought

    def is_alike(self, stage: Stage, alias: str) -> str:
        """A condition: the demo row ``alias`` of a joined table was in the snapshot as it was, and
        therefore not staged until it was brought."""
        match = self.dialect.match("x", alias, stage.key)
        now, unlike = (
            f"EXISTS (SELECT 1 FROM {source} AS x WHERE {match})"
            for source in (stage.now, stage.unlike)
        )
        return f"{now} AND NOT {unlike}"

    def found_same(self) -> bool:
        """Whether the demo rows there are have been found to be the snapshot's, to the last."""
        return all(
            stage.joined and not self.count(stage.rows) and not self.count(stage.unlike)
            for stage in self.stages.values()
        )

    def _require_once(self, stage: Stage) -> None:
        """Raise DocumentError if the snapshot holds the key of a row that is alike once more."""
        again = self.count(
            f"{stage.rows} AS s JOIN {stage.now} AS n ON {self.dialect.match('s', 'n', stage.key)}",
            f"NOT EXISTS (SELECT 1 FROM {stage.unlike} AS x"
            f" WHERE {self.dialect.match('x', 'n', stage.key)})",
        )
        if again:
            raise _twice(stage)

    def finish(self) -> None:
        """Index the stages, and note the keys of the demo rows there are now.

        Raises DocumentError if the snapshot holds a key twice.
        """
        for stage in self.stages.values():
            if not stage.key:
                continue
            try:
                self.database.run(self.dialect.index_temporary(stage.temporary, stage.key))
            except DatabaseError as error:
                if error.fault is not Fault.DUPLICATE:
                    raise
                raise _twice(stage) from error
            name = f"demo_now_{stage.number}"
            keys = self.dialect.columns(stage.key)
            select = f"SELECT {keys} FROM {stage.target} WHERE {self.predicate(stage)}"
            self._make(name, select, stage.key)
            self.database.run(self.dialect.index_temporary(name, stage.key))
            if stage.joined:
                self._require_once(stage)

    def present(self) -> Statistics:
        """The demo rows there are now, once ``finish`` has noted them."""
        return Statistics(tuple(self._present(stage) for stage in self.stages.values()))

    def _present(self, stage: Stage) -> TableCount:
        name, breakdown = stage.table.name, self.selection.rules[stage.table.name].breakdown
        if stage.key and breakdown is None:
            return TableCount(name, self.count(stage.now))
        match = self.dialect.match("n", "t", stage.key)
        noted = f"EXISTS (SELECT 1 FROM {stage.now} AS n WHERE {match})"
        if len(stage.key) == 1:
            # The same, and led by the keys: SQLite would read all of the table to ask.
            keys = f"SELECT {self.dialect.columns(stage.key, 'n')} FROM {stage.now} AS n"
            noted = f"{self.dialect.columns(stage.key, 't')} IN ({keys})"
        condition = noted if stage.key else self.predicate(stage)
        source = f"FROM {stage.target} AS t WHERE {condition}"
        return count_rows(self.database, stage.table, source, breakdown)[0]

    def count(self, source: str, condition: str = "1 = 1") -> int:
        return int(self.database.scalar(f"SELECT count(*) FROM {source} WHERE {condition}"))


def _twice(stage: Stage) -> DocumentError:
    return DocumentError(f"{stage.table.name}: the snapshot holds a key twice")


def load_rows(
    database: Database,
    target: str,
    table: Table,
    columns: Sequence[Column],
    chunks: Iterable[bytes],
) -> int:
    """Insert raw rows, as they stream, into ``target``; how many. Errors name ``table``."""
    try:
        with naming(table):
            return database.load(target, columns, chunks)
    except UnfitValueError as error:
        if error.line is not None or error.message.startswith(f"{table.name}: "):
            raise
        raise UnfitValueError(f"{table.name}: {error.message}", hint=error.hint) from error


@contextmanager
def naming(table: Table) -> Iterator[None]:
    """A DatabaseError within the block names ``table``: a trigger's words seldom do. Of a value
    that does not fit it is an UnfitValueError."""
    try:
        yield
    except DatabaseError as error:
        named = f"{table.name}: {error.message}"
        if error.fault is Fault.UNFIT:
            hint = error.hint or "Nothing was changed: every row is as it was."
            raise UnfitValueError(named, hint=hint) from error
        raise type(error)(named, hint=error.hint, fault=error.fault) from error


def update_statement(
    database: Database,
    target: str,
    values: Sequence[tuple[str, bytes]],
    untouched: Sequence[str],
    key: Sequence[tuple[str, bytes]],
) -> str:
    """A deferred reference as a statement of this engine, composed of recognised literals."""
    dialect = database.dialect

    def pairs(items: Sequence[tuple[str, bytes]]) -> list[str]:
        return [f"{dialect.quote(name)} = {dialect.sql_literal(raw)}" for name, raw in items]

    own = [f"{dialect.quote(name)} = {dialect.quote(name)}" for name in untouched]
    setting = ", ".join([*pairs(values), *own])
    return f"UPDATE {target} SET {setting} WHERE {' AND '.join(pairs(key))}"
