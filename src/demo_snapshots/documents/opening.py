"""Stored documents, opened for reading: unpacked, told by their first and last bytes, and named
in every error about them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from demo_snapshots.documents.compression import SNAPSHOT, Packable, ending, opened, packing_of
from demo_snapshots.documents.protocol import Update, any_literals
from demo_snapshots.documents.sql.delta_header import DELTA_FORMAT
from demo_snapshots.documents.sql.header import HEAD, PART_TITLE, TITLE
from demo_snapshots.documents.sql.reader import ALTERED, RESTORE, TAIL, SqlDocument, any_lookup
from demo_snapshots.documents.sql.window import CONVERTED, CONVERTED_HINT, INCOMPLETE
from demo_snapshots.errors import DocumentError, ExportNotFoundError
from demo_snapshots.model.snapshots import Description, DocumentForm, Header, Part
from demo_snapshots.model.sources import Source, source_of
from demo_snapshots.model.words import Call, Words

if TYPE_CHECKING:
    from demo_snapshots.documents.sql.head import Head
    from demo_snapshots.documents.sql.rendering import PartedDocument

_BLOCK = 1 << 18
_MARKS = (b"<<<<<<< ", b">>>>>>> ")
_MARKED = "it holds the conflict markers of a merge"
_START = 4096
_ENDING = 256
_IS_DELTA = re.compile(f"{TITLE}\n-- Format: {DELTA_FORMAT}\n".encode())
_IS_JSON = re.compile(rb"[ \t\r\n]*\{")
_BEFORE_YAML = rb"(?:[ \t]*+(?:#[^\n]*+)?+\r?+\n|---[ \t]*+\r?+\n)*+"
_IS_YAML = re.compile(_BEFORE_YAML + rb"demo_snapshot[ \t]*+:")
_IS_HANDWRITTEN = re.compile(_BEFORE_YAML + rb"demo_rows[ \t]*+:")
_ENDINGS = {
    DocumentForm.SQL: TAIL.pattern,
    DocumentForm.DELTA: TAIL.pattern,
    DocumentForm.JSON: rb'"digest"\s*:\s*"sha256:([0-9a-f]{64})"\s*\}\s*',
    DocumentForm.YAML: (rb"\ndigest:[ \t]+[\"']?sha256:([0-9a-f]{64})[\"']?\s*+(?:#[^\n]*+\s*+)*+"),
}
"""How a whole document of each form ends."""


def form_of(stream: BinaryIO) -> DocumentForm:
    """How the first bytes say that a document is spelled; SQL where they say nothing. ``stream``
    stands at its beginning, before and after. Raises DocumentError for rows written by hand."""
    start = stream.read(_START)
    stream.seek(0)
    if _IS_HANDWRITTEN.match(start):
        raise DocumentError(
            "rows written by hand are no snapshot: import them into a database, and export it",
            hint=Words(
                "Import them with ",
                Call("import_", "SCENARIO", file="FILE"),
                "; then ",
                Call("export", "SCENARIO"),
                " saves a version of what they became.",
            ),
        )
    if _IS_JSON.match(start):
        return DocumentForm.JSON
    if _IS_DELTA.match(start):
        return DocumentForm.DELTA
    return DocumentForm.YAML if _IS_YAML.match(start) else DocumentForm.SQL


def is_handwritten(path: Path) -> bool:
    """Whether the file holds rows written by hand. Raises ExportNotFoundError, DocumentError."""
    with reading(path) as stream:
        return _IS_HANDWRITTEN.match(stream.read(_START)) is not None


def open_document(stream: BinaryIO) -> SqlDocument:
    """The document of whatever form, unpacked, that ``stream`` begins with; its header is read.
    Raises DocumentError."""
    if form_of(stream) is DocumentForm.SQL:
        return SqlDocument(stream)
    return open_in_parts(stream)


def open_in_parts(stream: BinaryIO) -> PartedDocument:
    """As ``open_document``, one that keeps what another form has to carry of it."""
    # Imported late: most commands read the SQL form alone, and start sooner without the others.
    form = form_of(stream)
    if form is DocumentForm.SQL:
        from demo_snapshots.documents.sql.rendering import PartedDocument

        return PartedDocument(stream)
    if form is DocumentForm.DELTA:
        from demo_snapshots.documents.sql.delta_reader import DeltaDocument

        return DeltaDocument(stream)
    from demo_snapshots.documents.translation import TranslatedDocument

    if form is DocumentForm.JSON:
        from demo_snapshots.documents.json.reader import json_items

        return TranslatedDocument(json_items(stream))
    from demo_snapshots.documents.yaml.reader import yaml_items

    return TranslatedDocument(yaml_items(stream))


def reading(document: Source | Path, what: Packable = SNAPSHOT) -> AbstractContextManager[BinaryIO]:
    """The document, unpacked as ``opened`` says, of a version in parts the whole one; and errors
    about its content that name it.

    Raises ExportNotFoundError if it cannot be opened, and DocumentError, naming the part, for a
    part that is missing or altered.
    """
    return _reading(document, what, opened_whole)


def reading_file(document: Source | Path) -> AbstractContextManager[BinaryIO]:
    """As ``reading``, the file itself, of a version in parts its head."""
    return _reading(document, SNAPSHOT, opened)


@contextmanager
def _reading(
    document: Source | Path, what: Packable, open_it: Callable[[Source, Packable], BinaryIO]
) -> Iterator[BinaryIO]:
    source = source_of(document)
    try:
        try:
            stream = open_it(source, what)
        except OSError as error:
            raise _unreadable(source, error) from error
        with stream:
            yield stream
    except DocumentError as error:
        raise error.within(source.name) from error


def opened_whole(source: Source, what: Packable = SNAPSHOT) -> BinaryIO:
    """As ``opened``, of a version in parts the whole document."""
    with ExitStack() as undo:
        stream = undo.enter_context(opened(source, what))
        if not is_head(stream):
            undo.pop_all()
            return stream
        # Imported late: most versions have no parts.
        from demo_snapshots.documents.joining import joined_stream
        from demo_snapshots.documents.sql.head import read_head

        return joined_stream(read_head(stream), source)


def is_head(stream: BinaryIO) -> bool:
    """Whether it is the head of a version in parts that ``stream``, which stands at its beginning,
    before and after, holds."""
    start = stream.read(len(HEAD))
    stream.seek(0)
    return start == HEAD


def head_of(source: Source) -> Head | None:
    """The head that the source holds, if it is one; its parts are not looked at. Raises as
    ``reading``."""
    with reading_file(source) as stream:
        if not is_head(stream):
            return None
        from demo_snapshots.documents.sql.head import read_head

        return read_head(stream)


def header_of(source: Source) -> Header:
    """What the document says of itself before its rows. Raises as ``reading``."""
    if (head := head_of(source)) is not None:
        return head.header
    with reading_file(source) as stream:
        return open_document(stream).header


def _unreadable(source: Source, error: OSError) -> ExportNotFoundError:
    return ExportNotFoundError(f"{source.name}: cannot be read: {error.strerror}")


class Tail(Struct, frozen=True):
    """The content ``digest`` that a document's last lines state, and its ``size`` unpacked."""

    digest: str
    size: int


def read_tail(document: Source | Path) -> Tail:
    """What the document's last lines state; a compressed one is unpacked once for it. Of a version
    in parts, what its head does.

    Raises DocumentError for what is none of ours or was cut short.
    """
    source = source_of(document)
    if (head := head_of(source)) is not None:
        return Tail(head.digest, head.size)
    try:
        with reading(source) as stream:
            form = form_of(stream)
            if form in (DocumentForm.SQL, DocumentForm.DELTA):
                _require_title(stream.readline(100))
            tail, size = ending(stream, _ENDING)
            match = re.search(_ENDINGS[form] + rb"\Z", tail)
            if match is None:
                raise DocumentError(_damage(source), hint=RESTORE)
    except OSError as error:
        raise _unreadable(source, error) from error
    return Tail(match[1].decode(), size)


def _require_title(first: bytes) -> None:
    if first.endswith(b"\r\n"):
        raise DocumentError(CONVERTED, hint=CONVERTED_HINT)
    if first.startswith(_MARKS):
        raise DocumentError(_MARKED, hint=RESTORE)
    if first.startswith(PART_TITLE.encode()):
        raise DocumentError(
            "a part of a version, and not the version",
            hint="Give the file that names it, which ends in .parts.sql.",
        )
    if not first.startswith(TITLE.encode()):
        raise DocumentError("not a demo snapshot", hint=f"One begins with {TITLE!r}.")


def _damage(source: Source) -> str:
    with source.open() as stream:
        marked = any(line.startswith(_MARKS) for line in stream)
    return _MARKED if marked else INCOMPLETE


def same_but_for_cuts(one: Source, other: Source) -> bool:
    """Whether two documents of different formats hold the same rows: their digests differ even
    so, where statements are cut elsewhere. Both are read whole. False of two of one format, and
    where one of them would be refused."""
    try:
        return _format(one) != _format(other) and _uncut_digest(one) == _uncut_digest(other)
    except DocumentError:
        return False


def _format(source: Source) -> int:
    with reading(source) as stream:
        return open_document(stream).header.format


def _uncut_digest(source: Source) -> str:
    """A digest of what a document loads, wherever its statements begin."""
    hashed = hashlib.sha256()
    with reading(source) as stream:
        document = open_document(stream)
        counts = [(count.table, count.rows) for count in document.header.statistics.tables]
        hashed.update(repr(counts).encode())
        before: object = None
        for event in document.rows(any_literals, any_literals, any_lookup):
            if isinstance(event, Update):
                hashed.update(repr(event).encode())
                continue
            kind = (type(event).__name__, event.table, event.columns)
            hashed.update(b",\n" if kind == before else repr(kind).encode())
            hashed.update(event.text)
            before = kind
    return hashed.hexdigest()


def folded(files: Sequence[Source]) -> Source:
    """The document that a whole one and the deltas on top of it are: ``folding.folded``."""
    # Imported late, as other forms are.
    from demo_snapshots.documents.folding import folded

    return folded(files)


def read_delta(source: Source) -> None:
    """Read a delta's file, from its first byte to its last. Raises DocumentError, which names it,
    for what is none, or was altered."""
    from demo_snapshots.documents.changes import Changes

    with reading(source) as stream:
        Changes(stream).close()


def whole_at(path: Path) -> Source:
    """The document in the file at ``path``; where that is a delta, together with what it is on top
    of, which is looked for beside it. Raises ExportNotFoundError where the file cannot be read, and
    DocumentError where it is a delta and what it is on top of is missing."""
    with reading(path) as stream:
        if form_of(stream) is not DocumentForm.DELTA:
            return source_of(path)
    from demo_snapshots.documents.beside import files_of

    return folded(files_of(path))


def describe(document: Source | Path) -> Description:
    """Header, digest, size and SHA-256 of a stored document; its rows are not checked. The digest
    of a delta's file is that of the whole document.

    Raises ExportNotFoundError if it cannot be opened, and DocumentError if it is no whole one.
    """
    return _described(source_of(document))[0]


def _described(source: Source) -> tuple[Description, str]:
    """And the digest that the last lines state."""
    parts: tuple[Part, ...] = ()
    if (head := head_of(source)) is not None:
        stated, header, form = head.digest, head.header, DocumentForm.PARTS
        parts = tuple(contents.part for contents in head.parts)
    else:
        stated = read_tail(source).digest
        with reading_file(source) as stream:
            form = form_of(stream)
            header = open_document(stream).header
    digest = stated if header.delta is None else header.delta.digest
    size, hashed = 0, hashlib.sha256()
    with source.open() as stored:
        while block := stored.read(_BLOCK):
            size += len(block)
            hashed.update(block)
    sha256, packing = hashed.hexdigest(), packing_of(source)
    return Description(header, digest, size, sha256, packing, form, parts), stated


def describe_whole(document: Source | Path) -> Description:
    """As ``describe``, of a document that holds the rows its digest was made of; for a twentieth
    of the time that it takes to look at them. Raises DocumentError for any other."""
    source = source_of(document)
    description, digest = _described(source)
    with reading(source) as stream:
        if not open_document(stream).holds(digest):
            raise DocumentError(ALTERED, hint=RESTORE)
    return description
