"""A document in another form: the same rows, the same digest, and back in the SQL form the same
bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from msgspec.structs import replace

from demo_snapshots.documents.opening import form_of, open_in_parts
from demo_snapshots.documents.protocol import any_literals
from demo_snapshots.documents.sql.reader import any_lookup
from demo_snapshots.documents.sql.rewriting import renumbered
from demo_snapshots.errors import ExportError
from demo_snapshots.model.snapshots import DocumentForm, Version

if TYPE_CHECKING:
    from demo_snapshots.documents.sql.rendering import Survey


def convert(
    stream: BinaryIO, out: BinaryIO, form: DocumentForm, *, version: Version | None = None
) -> Survey:
    """Write the document ``stream``, whatever its form, to ``out`` in ``form``, and of format 2;
    with another ``version`` in its header, if given. What was found of it comes back.

    It is read twice, and checked whole before the first byte is written. Raises DocumentError.
    """
    # Imported late, as the readers of other forms are.
    from demo_snapshots.documents.json.writer import write_json
    from demo_snapshots.documents.sql.rendering import survey, write_sql
    from demo_snapshots.documents.yaml.writer import write_yaml

    found = survey(open_in_parts(stream))
    if version is not None:
        found = replace(found, header=replace(found.header, version=version))
    stream.seek(0)
    document = open_in_parts(stream)
    if form is DocumentForm.SQL:
        write_sql(out, found, document)
        return found
    write = write_json if form is DocumentForm.JSON else write_yaml
    write(out, found, document.rows(any_literals, any_literals, any_lookup))
    return found


def renumber(stream: BinaryIO, out: BinaryIO, version: Version) -> None:
    """Write the document ``stream`` to ``out``, with another version in its header. All else, and
    so the content digest, stays. Raises DocumentError."""
    form = form_of(stream)
    if form not in (DocumentForm.SQL, DocumentForm.DELTA):
        convert(stream, out, form, version=version)
        return
    for block in renumbered(stream, version):
        out.write(block)


@contextmanager
def in_form(out: BinaryIO, form: DocumentForm) -> Iterator[BinaryIO]:
    """Where to write a document in SQL that ``out`` is to hold in ``form``; whole when the context
    ends. Until then it waits in a temporary file, where it is to be another form; raises
    ExportError where none can be written."""
    if form is DocumentForm.SQL:
        yield out
        return
    # Imported late: an export in SQL, which most are, starts sooner without it.
    import tempfile

    try:
        with tempfile.TemporaryFile() as file:
            yield cast(BinaryIO, file)
            file.seek(0)
            convert(cast(BinaryIO, file), out, form)
    except OSError as error:
        raise ExportError(
            f"the rows cannot wait in a temporary file: {error.strerror}",
            hint="Make room where temporary files are kept, or name another directory in TMPDIR.",
        ) from error
