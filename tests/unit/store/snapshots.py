"""Real documents, saved in a store the way an export saves them."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

from demo_snapshots.documents.compression import packed
from demo_snapshots.documents.opening import describe
from demo_snapshots.documents.sql.head import Head, write_head
from demo_snapshots.documents.sql.header import fingerprint
from demo_snapshots.documents.sql.pieces import Contents, PartWriter
from demo_snapshots.documents.sql.rendering import ForClients
from demo_snapshots.documents.sql.writer import (
    Content,
    Section,
    ends_statement,
    for_clients,
    write_document,
)
from demo_snapshots.model.rules import TableSelection, Where
from demo_snapshots.model.snapshots import (
    DocumentForm,
    Entry,
    Header,
    Packing,
    Statistics,
    TableCount,
    Version,
)
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.store import Store, open_store

DAY = date(2025, 1, 15)
VAULTS = Table("vaults", (Column("id", Kind.INTEGER, False), Column("name", Kind.TEXT)), ("id",))
_SELECTION = {"vaults": TableSelection("vaults", Where("1=1", "1=1", "1=1"))}


def header_of(scenario: str, version: Version, rows: int = 2, table: Table = VAULTS) -> Header:
    return Header(
        scenario=scenario,
        version=version,
        generated=datetime(2025, 1, 15, 10, 30, 0, 123456, tzinfo=UTC),
        source="sqlite 3.40.1",
        schema=fingerprint([table]),
        tables=(table,),
        statistics=Statistics((TableCount("vaults", rows, (("Größe", rows),) if rows else ()),)),
        tool="demo-snapshots 0.1.0",
        migration="0001",
    )


def content_of(rows: int, table: Table = VAULTS) -> Content:
    filler = b",'x'" * (len(table.columns) - 1)
    batch = [b"(%d%s)" % (number, filler) for number in range(1, rows + 1)]
    return Content([Section(table, [batch] if rows else [])], _SELECTION)


def document(scenario: str, version: Version, rows: int = 2) -> bytes:
    """A whole document's bytes, for files that no store wrote."""
    stream = io.BytesIO()
    write_document(stream, header_of(scenario, version, rows), content_of(rows))
    return stream.getvalue()


def save(
    store: Store,
    scenario: str = "general",
    day: date = DAY,
    rows: int = 2,
    table: Table = VAULTS,
    packing: Packing = Packing.PLAIN,
) -> Entry:
    """Publish the next version."""
    with store.lock():
        version = Version(store.next_number(scenario), day)
        header = header_of(scenario, version, rows, table)
        with store.draft(scenario, version, packing) as draft:
            with packed(draft.file, packing) as file:
                digest = write_document(file, header, content_of(rows, table))
            return store.publish(draft, header, digest)


def save_in_parts(store: Store, scenario: str = "general", day: date = DAY) -> Entry:
    """Publish the next version, in two parts."""
    numbers = [b"(%d,'x')" % number for number in range(1, 801)]
    cut = next(n for n, row in enumerate(numbers) if n > 300 and ends_statement(row)) + 1
    with store.lock():
        version = Version(store.next_number(scenario), day)
        header = header_of(scenario, version, len(numbers))
        clients = ForClients(*for_clients(header, content_of(len(numbers))))
        parts = []
        for rows in (numbers[:cut], numbers[cut:]):
            with store.part(scenario) as part:
                writer = PartWriter(part.file, header, [VAULTS], {})
                writer.rows(Section(VAULTS, [rows]))
                writer.end()
                parts.append(Contents(part.place(), tuple(writer.pieces)))
        whole = document(scenario, version, len(numbers))
        digest = whole.splitlines()[-2].rpartition(b":")[2].decode()
        with store.draft(scenario, version, form=DocumentForm.PARTS) as draft:
            draft.file.write(write_head(Head(header, clients, tuple(parts), digest, len(whole))))
            named = tuple(contents.part for contents in parts)
            return store.publish(draft, header, digest, parts=named)


def directory_store(root: Path) -> Store:
    return open_store(root, describe)


def files_in(root: Path) -> set[str]:
    """Every file below, but for the lock, which stays."""
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if not path.is_dir() and path.name != ".lock"
    }
