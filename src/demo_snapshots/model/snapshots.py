"""Scenarios, versions, and what documents and stores say of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.errors import DocumentError, UsageError
from demo_snapshots.model.copies import copy_in
from demo_snapshots.model.files import HEADER_LINE, FileList
from demo_snapshots.model.sources import Source
from demo_snapshots.model.tables import Table
from demo_snapshots.model.words import Call, Words

_SCENARIO = re.compile(r"[a-z0-9][a-z0-9_-]*")


_VERSION = re.compile(r"v([1-9][0-9]{0,8})_([0-9]{4}-[0-9]{2}-[0-9]{2})")
_PART = re.compile(r"[0-9a-f]{32}\.sql(\.gz|\.zst)?")
_PARENT = re.compile(r"([^ ]+) sha256:([0-9a-f]{64})")


def check_scenario_name(name: str) -> str:
    """Return ``name`` if it can name a scenario, that is, a directory of the store.

    Raises UsageError for anything outside ``[a-z0-9][a-z0-9_-]*`` (at most 100 characters)
    and for ``metadata``, which is the manifest's directory.
    """
    if (copy := copy_in(name)) is not None:
        raise UsageError(
            f"{name!r} is a copy, which is no scenario",
            hint=Words(
                "Copies are not saved; ",
                Call("import_", copy.scenario, copy=copy.name),
                " makes one.",
            ),
        )
    if not _SCENARIO.fullmatch(name) or len(name) > 100:
        raise UsageError(
            f"{name!r} cannot be a scenario name",
            hint="Use lower-case letters, digits, - and _, beginning with a letter or digit.",
        )
    if name == "metadata":
        raise UsageError("'metadata' cannot be a scenario name: the store's manifest lives there")
    return name


class Version(Struct, frozen=True, order=True):
    """``v2_2025-01-20``: a number that only grows within a scenario, and the UTC day."""

    number: int
    day: date

    def __str__(self) -> str:
        return f"v{self.number}_{self.day.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> Version:
        """The version that ``str`` wrote. Raises ValueError for any other text."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"not a version: {text!r}")
        return cls(int(match[1]), date.fromisoformat(match[2]))


class DocumentForm(StrEnum):
    """How a document spells its rows; the value is what configuration and command line call it,
    and what a file's name says."""

    SQL = "sql"
    JSON = "json"
    YAML = "yaml"
    DELTA = "delta.sql"
    """What changed since another version, in SQL: no form of all the rows."""
    PARTS = "parts.sql"
    """What names the files that hold the rows, in SQL: no form of them itself."""


WHOLE_FORMS = (DocumentForm.SQL, DocumentForm.JSON, DocumentForm.YAML)
"""The forms of a document that holds all the rows, from which people choose."""


class Packing(StrEnum):
    """How a document is stored; the value is what configuration and command line call it."""

    PLAIN = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    def ending(self, form: DocumentForm) -> str:
        """What the name of a document of that form ends in."""
        return f".{form}" + {"none": "", "gzip": ".gz", "zstd": ".zst"}[self.value]

    @property
    def suffix(self) -> str:
        """What the name of a document in SQL ends in."""
        return self.ending(DocumentForm.SQL)


class TableCount(Struct, frozen=True):
    """Rows of one table; ``breakdown`` counts them by the value of a column, sorted by value."""

    table: str
    rows: int
    breakdown: tuple[tuple[str, int], ...] = ()


class Statistics(Struct, frozen=True):
    """Rows per table, referenced tables before referencing ones."""

    tables: tuple[TableCount, ...] = ()

    @property
    def total(self) -> int:
        return sum(table.rows for table in self.tables)

    def rows(self, table: str) -> int:
        return next((count.rows for count in self.tables if count.table == table), 0)


class Parent(Struct, frozen=True):
    """A version that another one was made from: what it was called then, and the digest of its
    rows, by which it is found again under whatever number."""

    version: Version
    digest: str

    def __str__(self) -> str:
        return f"{self.version} sha256:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Parent:
        """The parent that ``str`` wrote. Raises ValueError for any other text."""
        match = _PARENT.fullmatch(text)
        if match is None:
            raise ValueError(f"not a version and its digest: {text!r}")
        return cls(Version.parse(match[1]), match[2])


class DeltaOf(Struct, frozen=True):
    """The version that a delta is ``on`` top of, and the size in bytes of the document, unpacked,
    that both make: ``whole_size``."""

    on: Parent
    whole_size: int


class TableChanges(Struct, frozen=True):
    """How many rows of a table a delta deletes, updates and inserts; of one whose rows travel
    along, it holds ``all_rows`` or none."""

    table: str
    deleted: int = 0
    updated: int = 0
    inserted: int = 0
    all_rows: bool = False


class DeferredCount(Struct, frozen=True):
    """How many deferred references of these columns a whole document has."""

    table: str
    columns: tuple[str, ...]
    count: int


class Delta(Struct, frozen=True):
    """What the header of a delta says besides that of the whole document, whose content digest
    is ``digest``. ``changes`` are in load order, ``deferred`` in the document's order."""

    of: DeltaOf
    digest: str
    changes: tuple[TableChanges, ...] = ()
    deferred: tuple[DeferredCount, ...] = ()

    def changes_of(self, table: str) -> TableChanges:
        found = (changes for changes in self.changes if changes.table == table)
        return next(found, TableChanges(table))


class Header(Struct, frozen=True):
    """What a document says of itself before its rows.

    ``tables`` are in load order and hold only names, kinds, nullability and keys;
    ``schema`` is the fingerprint over them, twelve hexadecimal digits; ``extra`` keeps the
    lines this version of the format does not know.
    """

    scenario: str
    version: Version
    generated: datetime
    source: str
    schema: str
    tables: tuple[Table, ...]
    statistics: Statistics
    tool: str = ""
    migration: str | None = None
    format: int = 2
    includes: tuple[tuple[Table, int], ...] = ()
    """Tables outside the demo whose rows travel along, and how many, in load order."""
    extra: tuple[tuple[str, str], ...] = ()
    base: Parent | None = None
    """The store's latest version when this one was made; of a merge, the first of the two."""
    merged: Parent | None = None
    """The second of the two versions that a merge made this one from."""
    delta: Delta | None = None
    """Set where the document holds changes alone; all else is as the whole document says it."""
    anchor: datetime | None = None
    """The moment that its dates lead up to, where that is not when it was generated."""

    @property
    def moment(self) -> datetime:
        """The moment that its dates lead up to."""
        return self.anchor or self.generated

    @property
    def included(self) -> Statistics:
        """How many rows travel along, per table."""
        return Statistics(tuple(TableCount(table.name, rows) for table, rows in self.includes))

    @property
    def parents(self) -> tuple[Parent, ...]:
        return tuple(parent for parent in (self.base, self.merged) if parent is not None)

    @property
    def files(self) -> FileList | None:
        """The uploaded files that travel beside it. Raises DocumentError for a line about them that
        says nothing."""
        said = [value for key, value in self.extra if key == HEADER_LINE]
        try:
            if len(said) > 1:
                raise ValueError("said twice")
            return FileList.parse(said[0]) if said else None
        except ValueError as error:
            raise DocumentError(f"the header's line {HEADER_LINE}: {error}") from None

    def with_files(self, files: FileList | None) -> Header:
        """The same with those files instead."""
        rest = tuple(line for line in self.extra if line[0] != HEADER_LINE)
        own = () if files is None else ((HEADER_LINE, str(files)),)
        return replace(self, extra=(*own, *rest))


MOST_PARTS = 999
"""Of a version."""


class Part(Struct, frozen=True):
    """A file that holds some of a version's rows, beside the *head* that names it. ``name`` follows
    from its bytes, of which there are ``size``."""

    name: str
    size: int
    sha256: str


def size_of(parts: Iterable[Part]) -> int:
    """Bytes that they take; one that is there twice is one file."""
    return sum(part.size for part in dict.fromkeys(parts))


def part_name(scenario: str, sha256: str, packing: Packing) -> str:
    """What a part with those bytes is called, in whatever version it is."""
    return f"{scenario}_part_{sha256[:32]}{packing.suffix}"


def is_part_name(scenario: str, name: str) -> bool:
    """Whether ``part_name`` made it."""
    start = f"{scenario}_part_"
    return name.startswith(start) and _PART.fullmatch(name[len(start) :]) is not None


class Description(Struct, frozen=True):
    """What reading a document tells of it, none of its rows kept.

    ``size`` and ``sha256`` are of the whole file as it is stored, ``digest`` is of its rows
    alone, both as lower-case hexadecimal digits.
    """

    header: Header
    digest: str
    size: int
    sha256: str
    packing: Packing = Packing.PLAIN
    form: DocumentForm = DocumentForm.SQL
    parts: tuple[Part, ...] = ()
    """Of a head: the files that hold the rows, in order."""

    @property
    def total_size(self) -> int:
        """Bytes that the version takes, parts and all."""
        return self.size + size_of(self.parts)


class Entry(Struct, frozen=True):
    """One stored snapshot, as the manifest lists it.

    ``path`` is relative to the store, with forward slashes; ``size`` and ``sha256`` are of the
    file, ``digest`` of the version's rows (equal digests: same data). Where ``delta`` is set, the
    file holds only what changed since another version; where there are ``parts``, these hold the
    rows.
    """

    scenario: str
    version: Version
    path: str
    size: int
    sha256: str
    digest: str
    generated: datetime
    source: str
    schema: str
    statistics: Statistics
    tool: str = ""
    migration: str | None = None
    delta: DeltaOf | None = None
    parts: tuple[Part, ...] = ()
    included: Statistics = Statistics()
    """Rows that travel along, which are no demo rows. Manifests of before do not have them."""
    files: FileList | None = None
    """The uploaded files that its rows name, which it may share with other versions."""

    @property
    def total_size(self) -> int:
        """Bytes that it takes, parts and all, but without uploaded files."""
        return self.size + size_of(self.parts)


class Stored(Struct, frozen=True):
    """A file that is named like a snapshot, and what the manifest says of it: None if nothing.
    Where ``present`` is false, only the manifest knows it; ``size`` is None for what is not a
    regular file, too."""

    scenario: str
    version: Version
    source: Source
    present: bool
    size: int | None
    recorded: Entry | None
