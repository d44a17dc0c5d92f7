"""What became of a snapshot's tables since it was saved, as the caller and ``[[drift]]`` say it.

What the caller says must be so. A rule of the configuration counts where it fits: where the
snapshot has the old name and the database the new one. So it may stay in the file while some
databases are migrated and others not yet, and while old versions and new ones lie side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from demo_snapshots.config.rules import DriftRule
from demo_snapshots.config.settings import Config
from demo_snapshots.documents.drifted import DriftedDocument, TableDrift, drifted_header
from demo_snapshots.documents.protocol import Document
from demo_snapshots.errors import UnfitValueError, UsageError
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.tables import Column, Table
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.compatibility import leave_out
from demo_snapshots.operations.options import DriftOptions, Value
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.schema import Schema


class Drift(Struct, frozen=True):
    """What became of a document's tables: ``tables`` by the names they had, and the columns
    ``left_out``, by today's names."""

    tables: Mapping[str, TableDrift] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.tables or self.left_out)

    def header(self, header: Header) -> Header:
        """The header as it would be today."""
        return leave_out(drifted_header(header, self.tables), self.left_out)

    def document(self, document: Document) -> Document:
        """The document under today's names, whose rows may have more columns than ``header``."""
        return DriftedDocument(document, self.tables) if self.tables else document


def drift_of(
    header: Header, schema: Schema, config: Config, options: DriftOptions | None = None
) -> Drift:
    """What became of the tables that ``header`` describes in a database with this ``schema``.

    Raises UsageError for what is said of a table or column that is not there, and for names that
    clash; UnfitValueError for a default that its column does not take.
    """
    given = options or DriftOptions()
    rules = [r for r in config.drift if r.is_about(header.scenario, header.version.number)]
    asked = any(given.get(name) for name in DriftOptions.__annotations__)
    if not rules and not asked:
        return Drift()
    return _Resolving(header, schema, rules, given).drift()


def drifted_for(document: Document, demo: DemoSet, config: Config) -> tuple[Header, Document]:
    """A document by the rules of the configuration: its header as it would be today, and itself
    under today's names."""
    drift = drift_of(document.header, demo.schema, config)
    return drift.header(document.header), drift.document(document)


class _Resolving:
    """One document's tables in one database."""

    def __init__(
        self, header: Header, schema: Schema, rules: Sequence[DriftRule], given: DriftOptions
    ) -> None:
        self.described = [*header.tables, *(table for table, _ in header.includes)]
        self.there = {**schema.external, **schema.tables}
        self.rules = rules
        self.given = given

    def drift(self) -> Drift:
        names = [table.name for table in self.described]
        rules = _all(rule.rename_tables for rule in self.rules)
        called = _names(
            names, self.there, self.given.get("rename_tables", {}), rules, _unknown_table
        )
        self._require_known([called[name] for name in names])
        drifts = {}
        for table in self.described:
            today = called[table.name]
            columns = self._columns(table, today)
            added = tuple(self._added(today, set(columns.values())))
            renamed = {old: new for old, new in columns.items() if old != new}
            if today != table.name or renamed or added:
                drifts[table.name] = TableDrift(today, renamed, added)
        dropped = self._dropped(drifts)
        return Drift(drifts, (*self.given.get("drop_columns", ()), *dropped))

    def _columns(self, table: Table, today: str) -> dict[str, str]:
        """What the table's columns are called today."""
        there = self.there.get(today)
        given = _of_table(today, self.given.get("rename_columns", {}))
        rules = _of_table(today, _all(rule.rename_columns for rule in self.rules))
        present = [column.name for column in there.columns] if there else []

        def unknown(old: str, new: str) -> UsageError:
            call = Call(rename_columns={f"{today}.{old}": new})
            return UsageError(Words(call, ": the snapshot has no such column"))

        names = [column.name for column in table.columns]
        return _names(names, present, given, rules, unknown, f"{today}.")

    def _added(self, today: str, has: set[str]) -> Iterator[tuple[Column, bytes]]:
        """The columns that rows get besides, by the defaults."""
        table = self.there.get(today)
        given = _of_table(today, self.given.get("defaults", {}))
        rules = _of_table(today, _all(rule.defaults for rule in self.rules))
        for name, value in {**rules, **given}.items():
            wanted = name not in has
            takes = table is not None and table.has(name) and not table.column(name).generated
            if name in given and not (wanted and takes):
                why = "the database has no such column" if wanted else "the snapshot has its values"
                raise UsageError(Words(Call(defaults={f"{today}.{name}": "…"}), f": {why}"))
            if table is not None and wanted and takes:
                yield table.column(name), self._literal(table, table.column(name), value)

    def _literal(self, table: Table, column: Column, value: Value) -> bytes:
        # Imported late: it brings along the reader of YAML, which few imports need.
        from demo_snapshots.documents.values import encoded
        from demo_snapshots.transfer.handwritten_values import Values, described

        try:
            typed_cells = column.affinity is not None
            return encoded(Values(typed_cells=typed_cells).default_for(value, column))
        except ValueError:
            raise UnfitValueError(
                f"{table.name}.{column.name}: its default is a value that the column does not take",
                hint=f"Nothing was changed. It holds {described(column)}.",
            ) from None

    def _dropped(self, drifts: Mapping[str, TableDrift]) -> Iterator[str]:
        """Columns that the configuration leaves out, where the snapshot alone has them."""
        wanted = {name for rule in self.rules for name in rule.drop_columns}
        for table in self.described:
            drift = drifts.get(table.name, TableDrift(table.name, {}))
            there = self.there.get(drift.name)
            for column in drift.described(table).columns:
                name = f"{drift.name}.{column.name}"
                if name in wanted and there is not None and not there.has(column.name):
                    yield name

    def _require_known(self, names: Sequence[str]) -> None:
        """Raise UsageError for what the caller says of a table that the snapshot has not."""
        said = [
            *(
                (p, Call(rename_columns={p: n}))
                for p, n in self.given.get("rename_columns", {}).items()
            ),
            *((p, Call(defaults={p: "…"})) for p in self.given.get("defaults", {})),
        ]
        for place, call in said:
            if place.rpartition(".")[0] not in names:
                raise UsageError(
                    Words(call, ": the snapshot has no such table"),
                    hint=f"There are, as they are called today: {', '.join(names)}.",
                )


def _all(parts: Iterable[Mapping[str, Value]]) -> dict[str, Value]:
    return {name: value for part in parts for name, value in part.items()}


def _of_table(table: str, said: Mapping[str, Value]) -> dict[str, Value]:
    """By column, what is said of columns of the table."""
    parts = ((name.rpartition("."), value) for name, value in said.items())
    return {column: value for (of, _, column), value in parts if of == table}


def _unknown_table(old: str, new: str) -> UsageError:
    return UsageError(Words(Call(rename_tables={old: new}), ": the snapshot has no such table"))


def _names(
    names: Sequence[str],
    there: Iterable[str],
    given: Mapping[str, Value],
    rules: Mapping[str, Value],
    unknown: Callable[[str, str], UsageError],
    prefix: str = "",
) -> dict[str, str]:
    """What each of the names in a snapshot is today: as ``given``; or where the ``rules`` lead,
    step by step, to a name that is ``there`` and that the snapshot has not."""
    present = set(there)
    for old, new in given.items():
        if old not in names:
            raise unknown(old, str(new))
    called: dict[str, str] = {}
    for name in names:
        called[name] = str(given[name]) if name in given else _led(name, names, present, rules)
    taken: dict[str, str] = {}
    for old, new in called.items():
        if new in taken:
            raise UsageError(
                f"{prefix}{taken[new]} and {prefix}{old} of the snapshot would both be called"
                f" {prefix}{new}",
                hint="Look at the names that are given, and at [[drift]] in the configuration.",
            )
        taken[new] = old
    return called


def _led(name: str, names: Sequence[str], there: set[str], rules: Mapping[str, Value]) -> str:
    passed, today = {name}, name
    while today not in there and today in rules:
        today = str(rules[today])
        if today in passed:
            return name
        passed.add(today)
    return today if today in there and today not in names else name
