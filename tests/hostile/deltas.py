"""A good delta, and what is done to it: each case replaces one excerpt, which occurs once."""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import closing, suppress
from datetime import date

from hypothesis import strategies as st
from msgspec.structs import replace
from safety.mutating import HOSTILE, LITERALS
from unit.documents.documents import table, text, write

from demo_snapshots.comparison.delta import DeltaRows, PartedKeyedDocument
from demo_snapshots.documents.folding import folded
from demo_snapshots.documents.opening import reading
from demo_snapshots.documents.sql.delta_writer import write_delta
from demo_snapshots.documents.sql.writer import Deferred
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.rules import TableSelection, Where
from demo_snapshots.model.snapshots import DeltaOf, Parent, Version
from demo_snapshots.model.sources import Source
from demo_snapshots.model.tables import Column, ForeignKey, Kind

VAULTS = table("vaults", text(), Column("data", Kind.BINARY))
TODOS = replace(
    table(
        "todos", Column("vault_id", Kind.INTEGER), Column("next_id", Kind.INTEGER), text("title")
    ),
    foreign_keys=(
        ForeignKey("vault", ("vault_id",), "vaults", ("id",)),
        ForeignKey("next", ("next_id",), "todos", ("id",)),
    ),
)
SELECTION = {
    name: TableSelection(name, Where("id < 100", "id < 100", "id < 100"))
    for name in ("vaults", "todos")
}


def _document(version: int, vaults: list[bytes], todos: list[bytes], *ahead: bytes) -> bytes:
    return write(
        [(VAULTS, vaults), (TODOS, todos)],
        {"version": Version(version, date(2025, 1, 15))},
        selection=SELECTION,
        deferred=[Deferred(TODOS, ("next_id",), (), len(ahead), [list(ahead)])],
    )


FILLER = [b"(%d,'vault %d',NULL)" % (number, number) for number in range(20, 60)]
BASE = _document(
    1,
    [
        b"(1,'Personal',NULL)",
        b"(2,'Work',X'00FF')",
        b"(3,'Gone',NULL)",
        b"(4,'Gone',NULL)",
        *FILLER,
    ],
    [b"(10,1,NULL,'Call')", b"(11,3,NULL,'Buy')", b"(12,NULL,NULL,'Go')", b"(13,1,NULL,'Stay')"],
    b"(10,11)",
    b"(12,13)",
)
WHOLE = _document(
    2,
    [b"(1,'Mine',NULL)", b"(2,'Work',X'0A0D')", b"(5,'it''s new',NULL)", *FILLER],
    [b"(10,1,NULL,'Call')", b"(11,5,NULL,'Bought')", b"(13,2,NULL,'Stay')", b"(14,1,NULL,'Add')"],
    b"(10,13)",
    b"(11,14)",
)


def source_of_bytes(content: bytes, name: str) -> Source:
    return Source(name, lambda: io.BytesIO(content))


def _keyed(document: bytes) -> PartedKeyedDocument:
    return PartedKeyedDocument(lambda: reading(source_of_bytes(document, "document")))


def _delta() -> bytes:
    out = io.BytesIO()
    old, new = _keyed(BASE), _keyed(WHOLE)
    tables = {"vaults": VAULTS, "todos": TODOS}
    with closing(old), closing(new), closing(DeltaRows(old, new, tables, loose=False)) as rows:
        of = DeltaOf(Parent(old.header.version, old.digest), len(WHOLE))
        write_delta(out, replace(new.header, delta=rows.delta(of)), rows.content())
    return out.getvalue()


DELTA = _delta()


def sealed(document: bytes) -> bytes:
    """``document`` with the digest of the changes it has."""
    begin = document.index(b"SET FOREIGN_KEY_CHECKS=0 */;\n\n") + 30
    end = document.rindex(b"/*!40014 SET FOREIGN_KEY_CHECKS=1 */;\n")
    digest = hashlib.sha256(document[begin:end]).hexdigest().encode()
    tail = re.sub(rb"sha256:[0-9a-f]{64}", b"sha256:" + digest, document[end:])
    return document[:end] + tail


def made_of(delta: bytes, base: bytes = BASE) -> bytes:
    """What base and delta are. Raises what reading them raises."""
    files = [source_of_bytes(base, "base"), source_of_bytes(delta, "delta")]
    with reading(folded(files)) as stream:
        return stream.read()


def rows_of(document: bytes) -> bytes:
    """The part that holds the rows."""
    start, end = b"-- Vaults (", b"/*!40014 SET FOREIGN_KEY_CHECKS=1"
    return document[document.index(start) : document.index(end)]


def outcome(delta: bytes) -> bytes | None:
    """The rows that it makes; None if it is refused."""
    try:
        return rows_of(made_of(delta))
    except DocumentError:
        return None


@st.composite
def tampered(draw: st.DrawFn) -> bytes:
    """DELTA with something put in or left out below its header, up to four times, and its digest
    made anew where it still has one."""
    changed = DELTA
    for _ in range(draw(st.integers(1, 4))):
        start = changed.find(b"\n\n") + 2
        place = start + draw(st.integers(0, 10_000)) % (len(changed) - start)
        length = draw(st.integers(0, 30))
        piece = draw(st.sampled_from([b"", *LITERALS, *HOSTILE]))
        changed = changed[:place] + piece + changed[place + length :]
    with suppress(ValueError):
        changed = sealed(changed)
    return changed
