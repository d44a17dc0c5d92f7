"""What differs between two snapshots, or between a snapshot and the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypedDict, Unpack

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from demo_snapshots.comparison.documents import DocumentComparison
from demo_snapshots.comparison.keyed import as_it_is, keyed_document
from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import open_document, read_tail, reading, whole_at
from demo_snapshots.documents.protocol import Document
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import ExportNotFoundError, UsageError
from demo_snapshots.model.changes import Change, Comparison, FilesDifference, TableDifference
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.snapshots import Entry, Header, check_scenario_name
from demo_snapshots.model.sources import Source
from demo_snapshots.model.tables import Table
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.compatibility import what_fits
from demo_snapshots.operations.drift import Drift, drifted_for
from demo_snapshots.selection.conditions import require_conditions
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.store import Store, unknown_scenario
from demo_snapshots.transfer.differences import differences
from demo_snapshots.transfer.load import load_document
from demo_snapshots.transfer.stage import Staging

Told = Callable[[Change], None]
"""Takes each change as it is found: table by table, of each first the changed rows by key, then
the moved, removed and added ones."""


def tell_nobody(change: Change) -> None:
    """For who wants the counts alone."""


class CompareOptions(TypedDict, total=False):
    """How to compare; what is not given is empty."""

    tables: Iterable[str]
    """Only the tables of these names; all if empty."""
    ignore: Iterable[str]
    """Columns that are not looked at besides those that the configuration names:
    ``table.column``, or ``column`` of every table that has one."""
    tell: Told
    """Takes the changes as they are found."""


class Scope(Struct, frozen=True):
    """What is compared: the tables of these names, all if None, without the columns called
    ``ignored``: ``table.column``, or a column's name in whichever table."""

    tables: frozenset[str] | None = None
    ignored: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    """Those of ``ignored`` that have to be there. What the configuration ignores may be gone from
    some versions, or not be there yet."""

    @classmethod
    def of(cls, config: Config, options: CompareOptions) -> Scope:
        asked = frozenset(options.get("ignore", ()))
        tables = frozenset(options.get("tables", ())) or None
        return cls(tables, asked | frozenset(config.compare.ignore), asked)

    def includes(self, table: str) -> bool:
        return self.tables is None or table in self.tables

    def ignored_in(self, table: str) -> Collection[str]:
        prefix = f"{table}."
        return {name.removeprefix(prefix) for name in self.ignored}

    def require(self, *sides: Header) -> None:
        """Raise UsageError for a name of ``tables`` or ``ignored`` that none of the sides has."""
        known: dict[str, list[Table]] = {}
        for side in sides:
            for table in (*side.tables, *(table for table, _ in side.includes)):
                known.setdefault(table.name, []).append(table)
        for name in sorted(self.tables or ()):
            if name not in known:
                raise UsageError(
                    f"no table {name} in the snapshot", hint=f"There are: {', '.join(known)}."
                )
        for name in sorted(self.ignored):
            of_table, _, column = name.rpartition(".")
            every = [holder for holders in known.values() for holder in holders]
            holders = known.get(of_table, []) if of_table else every
            if name in self.asked and not any(holder.has(column) for holder in holders):
                raise UsageError(f"no column {name} in the snapshot")
            if any(column in holder.key for holder in holders):
                raise UsageError(f"{name}: a key cannot be ignored: it tells the rows apart")


def compare_exports(
    config: Config,
    store: Store,
    scenario: str,
    old: str | None = None,
    new: str | None = None,
    **options: Unpack[CompareOptions],
) -> Comparison:
    """What became of version ``old`` of ``scenario`` in version ``new``.

    Versions are called ``v1`` or ``v1_2025-01-15``. ``new`` is the latest if None, ``old`` the one
    before ``new``. Reads both files whole first, so that nothing is told of one that is damaged.
    Raises ExportNotFoundError, DocumentError, UsageError,
    StoreError.
    """
    entries = _two_versions(store, check_scenario_name(scenario), old, new)
    scope = Scope.of(config, options)
    sources = [store.source(entry) for entry in entries]
    names = [f"{entry.scenario} {entry.version}" for entry in entries]
    found = compare_sources(scenario, sources, names, scope, options.get("tell", tell_nobody))
    if entries[0].files == entries[1].files:
        return found
    # Imported late: few versions have uploaded files.
    from demo_snapshots.operations.uploads.between import files_difference

    files = files_difference(store, entries[0].files, entries[1].files)
    return replace(found, files=files, notes=(*found.notes, _files_note(files)))


def _files_note(files: FilesDifference) -> str:
    counts = to_builtins(files).items()
    return f"uploaded files: {', '.join(f'{count} {what}' for what, count in counts if count)}"


def compare_files(
    config: Config,
    old: Path,
    new: Path,
    **options: Unpack[CompareOptions],
) -> Comparison:
    """What became of the document at ``old`` in the one at ``new``: as ``compare_exports``."""
    scope = Scope.of(config, options)
    sources = [whole_at(path) for path in (old, new)]
    names = [str(path) for path in (old, new)]
    return compare_sources(None, sources, names, scope, options.get("tell", tell_nobody))


def compare_sources(
    scenario: str | None,
    sources: Sequence[Source],
    names: Sequence[str],
    scope: Scope,
    tell: Told,
    drift: Drift | None = None,
) -> Comparison:
    """What became of the first of two documents, which people call ``names``, in the second; of
    the first by today's names, where ``drift`` says them."""
    with ExitStack() as stack:
        seen = drift.document if drift else as_it_is
        old = stack.enter_context(keyed_document(sources[0], seen))
        new = stack.enter_context(keyed_document(sources[1]))
        scope.require(old.header, new.header)
        compared = DocumentComparison(old, new, scope.ignored_in)
        found = tuple(compared.tables(scope.tables, tell))
        return Comparison(
            scenario=scenario or new.header.scenario,
            old=names[0],
            new=names[1],
            tables=found,
            notes=tuple(_notes(old.header, new.header)),
        )


def _notes(old: Header, new: Header) -> Iterator[str]:
    if old.scenario != new.scenario:
        yield f"these are two scenarios: {old.scenario} and {new.scenario}"
    ours, theirs = (header.source.partition(" ")[0] for header in (old, new))
    if ours != theirs:
        yield f"one was made from {ours}, the other from {theirs}: values compare by what they mean"


def _two_versions(
    store: Store, scenario: str, old: str | None, new: str | None
) -> tuple[Entry, Entry]:
    entries = store.entries(scenario)
    if not entries:
        raise unknown_scenario(scenario, store.scenarios(), store.place)
    later = store.find(scenario, new) if new else store.latest(scenario)
    assert later is not None
    if old:
        return store.find(scenario, old), later
    before = next((entry for entry in entries if entry.version < later.version), None)
    if before is None:
        raise ExportNotFoundError(
            f"{scenario} {later.version} has no version before it to compare with",
            available=tuple(str(entry.version) for entry in entries),
            hint=Words(
                "Export again after a change, or compare with the database: ",
                Call("compare_with_database", scenario),
            ),
        )
    return before, later


def compare_with_database(
    config: Config,
    store: Store,
    scenario: str,
    version: str | None = None,
    *,
    connection: object = None,
    progress: Progress = no_progress,
    **options: Unpack[CompareOptions],
) -> Comparison:
    """What became of a version of ``scenario``, the latest if None, in the database.

    The snapshot is staged in temporary tables, as an import would, and rolled back: values
    compare by what the database's columns hold, under the names that the configuration says they
    have today. Changes nothing. As ``compare_exports`` for the
    rest; raises DatabaseError, SchemaError, UnfitValueError besides.
    """
    check_scenario_name(scenario)
    entry = store.find(scenario, version) if version else store.latest(scenario)
    if entry is None:
        raise unknown_scenario(scenario, store.scenarios(), store.place)
    scope = Scope.of(config, options)
    source = store.source(entry)
    with (
        connect(config.database, connection) as database,
        reading(source) as stream,
        database.writing((), keep=False),
    ):
        demo = see(database, config).of(scenario)
        header, document = drifted_for(open_document(stream), demo, config)
        scope.require(header)
        require_conditions(demo)
        size = read_tail(source).size
        tell = options.get("tell", tell_nobody)
        notes: tuple[str, ...] = ()
        if config.has_evergreen:
            # Imported late: few projects have evergreen dates.
            from demo_snapshots.operations.fresh import as_there, compared_as_if_not

            document, offset = as_there(demo, config, source, document)
            if offset.seconds:
                notes = (compared_as_if_not(entry.version, offset),)
        found = compare_document(document, header, demo, scope, tell, size, progress)
    name = f"{scenario} {entry.version}"
    return Comparison(scenario, name, "the database", tuple(found), notes)


def compare_document(
    document: Document,
    header: Header,
    demo: DemoSet,
    scope: Scope,
    tell: Told,
    size: int,
    progress: Progress,
) -> list[TableDifference]:
    """What became of the document's rows in the demo set; within a transaction that is rolled
    back. ``header`` says which of its columns count, ``size`` is its own, unpacked."""
    header, lacking = what_fits(header, demo.schema.tables)
    includes = [table for table, _ in header.includes]
    staging = Staging(demo, header.tables, includes)
    staging.create()
    load_document(document, staging, size, progress, include=False)
    found: list[TableDifference] = []
    for stage in staging.stages.values():
        name = stage.table.name
        if scope.includes(name):
            ignored = scope.ignored_in(name)
            absent = lacking[name].columns if name in lacking else ()
            only_old = tuple(c.name for c in absent if c.name not in ignored)
            found.append(replace(differences(staging, stage, ignored, tell), only_old=only_old))
    return found
