"""Two versions -> the next one: what two branches made of the demo, together."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypedDict, Unpack

from msgspec import Struct, field
from msgspec.structs import replace

from demo_snapshots.comparison.keyed import KeyedDocument, keyed_document
from demo_snapshots.comparison.merged import MergedRows, Relations
from demo_snapshots.config.settings import Config
from demo_snapshots.documents.compression import packed
from demo_snapshots.documents.converting import in_form
from demo_snapshots.documents.sql.header import describe_table, fingerprint
from demo_snapshots.documents.sql.writer import write_document
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import MergeConflictError, MergeError, UsageError
from demo_snapshots.model.merging import Conflict, MergeResult, Side
from demo_snapshots.model.progress import no_progress
from demo_snapshots.model.snapshots import (
    Entry,
    Header,
    Parent,
    Version,
    check_scenario_name,
)
from demo_snapshots.model.sources import source_of
from demo_snapshots.model.tables import Kind, Table
from demo_snapshots.model.tool import TOOL
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.ancestry import Ancestry
from demo_snapshots.operations.answers import Place, read_answers, write_conflicts
from demo_snapshots.operations.export import holds, whole_latest
from demo_snapshots.operations.merged_rows import MergedRowsToWrite
from demo_snapshots.operations.snapshot import content_of
from demo_snapshots.operations.verify import read_whole
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.store import Store

_TOLD = 50


class MergeOptions(TypedDict, total=False):
    """How to merge; what is not given is None or false."""

    base: str | None
    """The version that both were made from, in place of the one that the documents tell."""
    take: Side | None
    """Whose state is taken in every conflict."""
    answers: str | Path | None
    """A filled-in file of conflicts: whose state is taken in each."""
    conflicts: str | Path | None
    """Where to write the conflicts that are left, if there are any; a new file."""
    dry_run: bool
    """Merge and check, and publish nothing."""
    connection: object
    """An open connection to look at, in place of the configured database: see ImportOptions."""


def merge_exports(
    config: Config,
    store: Store,
    scenario: str,
    ours: str,
    theirs: str,
    *,
    now: datetime,
    **options: Unpack[MergeOptions],
) -> MergeResult:
    """Make the next version of ``scenario`` from its versions ``ours`` and ``theirs``.

    What one side alone changed since the base is taken: rows, cells, and members of JSON objects.
    New rows that have a key which the other side gave to another new row get a fresh one on
    their side, carried through every reference. What both changed, each to something else, and
    what one changed and the other deleted, is a conflict. The rows of a table without a key are
    taken as a multiset. The database is looked at for foreign keys, unique keys and the order of
    tables; its rows are not. It and the three versions must be of one engine and have the same
    tables. ``now`` (aware) is the moment written into the document.

    The version appears whole or not at all, under the store's lock; where the latest one holds
    the same rows, nothing is written. Raises MergeConflictError for conflicts that nothing
    decides; MergeError where no base is known, where tables differ, and where a foreign key or a
    unique key would not hold; UsageError, ExportNotFoundError, ConfigError, DatabaseError,
    SchemaError, DocumentError, StoreError.
    """
    check_scenario_name(scenario)
    if options.get("take") and options.get("answers"):
        raise UsageError("a side and a file of answers contradict each other")
    dry_run = options.get("dry_run", False)
    with ExitStack() as stack:
        database = stack.enter_context(connect(config.database, options.get("connection")))
        stack.enter_context(nullcontext() if dry_run else store.lock())
        entries = _find(store, scenario, ours, theirs, options.get("base"))
        with database.reading():
            demo = see(database, config).of(scenario)
            external = demo.external.included
        base, left, right = (stack.enter_context(keyed_document(store.source(e))) for e in entries)
        sides = _Sides(entries, base, left, right)
        sides.require_alike(demo, external)
        decisions = _Decisions.of(sides, options)
        merged = MergedRows(base, left, right, _relations(demo, external), decisions)
        stack.callback(merged.close)
        decisions.require_all(sides)
        _require_whole(merged)
        rows = MergedRowsToWrite(merged, demo, left)
        stack.callback(rows.close)
        return _publish(sides, rows, store, config, now, dry_run=dry_run)


def _find(
    store: Store, scenario: str, ours: str, theirs: str, base: str | None
) -> tuple[Entry, Entry, Entry]:
    left, right = store.find(scenario, ours), store.find(scenario, theirs)
    if left.path == right.path:
        raise UsageError(f"{left.version} cannot be merged with itself")
    if base is not None:
        return store.find(scenario, base), left, right
    return Ancestry(store, scenario).nearest_common(left, right), left, right


def _relations(demo: DemoSet, included: Collection[Table]) -> Relations:
    tables = (*demo.order.tables, *included)
    return Relations(
        tables={table.name: table for table in demo.order.tables},
        included={table.name: table for table in included},
        json_references={name: rule.json_references for name, rule in demo.selection.rules.items()},
        canonical={
            table.name: {
                c.name for c in table.carried if c.kind is Kind.JSON and c.native == "jsonb"
            }
            for table in tables
        },
    )


def _require_whole(merged: MergedRows) -> None:
    problems = merged.problems()
    if problems:
        raise MergeError(
            "the merged rows would not hold together; nothing was written",
            problems=tuple(problems),
            hint="Import one of the two versions, put these rows right, export, and merge that.",
        )


class _Sides(Struct, frozen=True):
    entries: tuple[Entry, Entry, Entry]
    base: KeyedDocument
    ours: KeyedDocument
    theirs: KeyedDocument

    @property
    def newer(self) -> Header:
        """The header of the version that was generated later."""
        headers = (self.ours.header, self.theirs.header)
        return max(headers, key=lambda header: (header.generated, header.version))

    @property
    def told(self) -> dict[str, str]:
        """Which merge it is: scenario and content digests."""
        documents = {"base": self.base, "ours": self.ours, "theirs": self.theirs}
        digests = {name: f"sha256:{document.digest}" for name, document in documents.items()}
        return {"scenario": self.entries[0].scenario, **digests}

    def require_alike(self, demo: DemoSet, included: Collection[Table]) -> None:
        """Raise MergeError unless all three are of the database's engine and have its tables."""
        engine = demo.database.source.partition(" ")[0]
        wanted = {t.name: describe_table(t) for t in (*demo.order.tables, *included)}
        problems: list[str] = []
        for entry, document in zip(self.entries, (self.base, self.ours, self.theirs), strict=True):
            if document.engine != engine:
                problems.append(
                    f"{entry.version} was exported from {document.engine},"
                    f" and the database is {engine}"
                )
            described = {table.name: describe_table(table) for table in document.described}
            problems += _differences(str(entry.version), described, wanted)
        if problems:
            raise MergeError(
                "versions are merged if they are of the database's engine and have its tables",
                problems=tuple(problems),
                hint="Import the version that differs into a database that is migrated like the"
                " others' and of their engine, export it from there, and merge that.",
            )


def _differences(
    version: str, described: Mapping[str, str], wanted: Mapping[str, str]
) -> Iterator[str]:
    for name in sorted(described.keys() - wanted.keys()):
        yield f"{version} has a table {name}, which the configuration does not select"
    for name, description in wanted.items():
        if name not in described:
            yield f"{version} has no table {name}"
        elif described[name] != description:
            ours, theirs = (
                set(text.split(": ", 1)[1].split(", ")) for text in (described[name], description)
            )
            differing = sorted({column.split(" ")[0] for column in ours ^ theirs})
            yield f"{version} has other columns of {name} than the database: {', '.join(differing)}"


class _Decisions(Struct):
    """Decides conflicts as it was told, and keeps those that are left: the first ones, or all
    where they go to a file."""

    take: Side | None
    answers: dict[Place, Side]
    file: Path | None
    count: int = 0
    left: list[Conflict] = field(default_factory=list)
    used: set[Place] = field(default_factory=set)

    @classmethod
    def of(cls, sides: _Sides, options: MergeOptions) -> _Decisions:
        answers, file = options.get("answers"), options.get("conflicts")
        return cls(
            options.get("take"),
            read_answers(Path(answers), sides.told) if answers else {},
            Path(file) if file else None,
        )

    def __call__(self, conflict: Conflict) -> Side | None:
        side = self.take or self.answers.get(conflict.place)
        if side:
            if side is Side.BASE and conflict.base is None and not conflict.cell:
                raise UsageError(f"{conflict.sentence}, and the base has none to take")
            if self.answers:
                self.used.add(conflict.place)
            return side
        self.count += 1
        if self.file or len(self.left) < _TOLD:
            self.left.append(conflict)
        return None

    def require_all(self, sides: _Sides) -> None:
        """Raise UsageError for answers to no conflict, MergeConflictError for conflicts that are
        left, which are written to the file."""
        stray = self.answers.keys() - self.used
        if stray:
            raise UsageError(
                f"{len(stray)} of the answers are to no conflict of this merge:"
                f" {' '.join(min(stray)).strip()}",
                hint=Words("Have the file written anew with ", Call(conflicts=...), "."),
            )
        if not self.count:
            return
        if self.file:
            write_conflicts(self.file, sides.told, self.left)
        _, ours, theirs = (entry.version for entry in sides.entries)
        some = self.count > len(self.left[:_TOLD])
        more = (f"and {self.count - _TOLD} more",) if some else ()
        raise MergeConflictError(
            f"{ours} and {theirs} both changed the same in"
            f" {self.count} {'place' if self.count == 1 else 'places'}; nothing was written",
            conflicts=self.count,
            problems=(*(conflict.sentence for conflict in self.left[:_TOLD]), *more),
            hint=self._way_out(),
        )

    def _way_out(self) -> Words:
        answers = Call(answers=...)
        if self.file:
            return Words(
                f"Say whose state is taken in {self.file}, and merge with ", answers, " and it."
            )
        return Words(
            "Have them written with ",
            Call(conflicts=...),
            ", say whose state is taken in each, and merge with ",
            answers,
            "; or take one side's in all.",
        )


def _publish(
    sides: _Sides,
    rows: MergedRowsToWrite,
    store: Store,
    config: Config,
    now: datetime,
    *,
    dry_run: bool,
) -> MergeResult:
    header = _header(sides, rows, store, now)
    if any(entry.files for entry in sides.entries):
        # Imported late: few versions have uploaded files.
        from demo_snapshots.operations.uploads.between import merged_files

        header = header.with_files(merged_files(store, sides.entries, dry_run=dry_run))
    latest, _ = whole_latest(store, header.scenario)
    with ExitStack() as stack:
        if dry_run:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            with (directory / "merged.sql").open("wb") as file:
                digest = _write(file, header, rows)
            read_whole(source_of(directory / "merged.sql"))
            entry: Entry | None = None
            written = False
        else:
            packing, form = config.compress, config.format
            draft = stack.enter_context(store.draft(header.scenario, header.version, packing, form))
            with packed(draft.file, packing) as packed_file, in_form(packed_file, form) as sql:
                digest = _write(sql, header, rows)
            draft.file.flush()
            read_whole(draft.source)
            if latest is not None and holds(store, latest, draft, header, digest):
                entry, written = latest, False
            else:
                entry, written = store.publish(draft, header, digest), True
    base, ours, theirs = (each.version for each in sides.entries)
    return MergeResult(
        scenario=header.scenario,
        version=entry.version if entry else header.version,
        file=store.file(entry).name if entry else None,
        ours=ours,
        theirs=theirs,
        base=base,
        statistics=header.statistics,
        tables=rows.merged.tables,
        digest=entry.digest if entry else digest,
        written=written,
        dry_run=dry_run,
    )


def _header(sides: _Sides, rows: MergedRowsToWrite, store: Store, now: datetime) -> Header:
    moment = now.astimezone(UTC).replace(microsecond=0)
    _, ours, theirs = sides.entries
    return replace(
        sides.newer,
        version=Version(store.next_number(ours.scenario), moment.date()),
        generated=moment,
        tool=TOOL,
        schema=fingerprint(rows.order.tables),
        tables=rows.order.tables,
        statistics=rows.statistics(),
        includes=rows.includes(),
        base=Parent(ours.version, ours.digest),
        merged=Parent(theirs.version, theirs.digest),
        extra=(),
        anchor=max(sides.ours.header.moment, sides.theirs.header.moment),
    )


def _write(file: BinaryIO, header: Header, rows: MergedRowsToWrite) -> str:
    # The catalog is asked for sequences; the rows are ours.
    with rows.demo.database.reading():
        content = content_of(rows, header, no_progress, rows.search_path)
    return write_document(file, header, content)
