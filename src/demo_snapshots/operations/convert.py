"""A snapshot's file in another form: SQL, JSON or YAML."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from demo_snapshots.documents.compression import packed
from demo_snapshots.documents.converting import convert
from demo_snapshots.documents.opening import reading, whole_at
from demo_snapshots.errors import UsageError
from demo_snapshots.model.results import ConvertResult
from demo_snapshots.model.snapshots import WHOLE_FORMS, DocumentForm, Packing
from demo_snapshots.model.sources import Source

_PACKINGS = {".gz": Packing.GZIP, ".zst": Packing.ZSTD}


def convert_file(document: Path, form: DocumentForm | str, output: Path) -> ConvertResult:
    """Write the snapshot in the file ``document``, whatever its form, to ``output`` in ``form``
    (``sql``, ``json`` or ``yaml``), compressed if that name ends in ``.gz`` or ``.zst``.

    The rows, and so the content digest, are the same. A delta is read together with what it is on
    top of, which is looked for beside it, and becomes whole. It is read and checked first. The
    file appears whole, in place of one that was there, or not at all. Raises DocumentError,
    ExportNotFoundError, and UsageError for another form and where nothing can be written.
    """
    if form not in WHOLE_FORMS:
        forms = ", ".join(WHOLE_FORMS)
        raise UsageError(f"{form!r} is no form of a snapshot", hint=f"There are: {forms}.")
    packing = _PACKINGS.get(output.suffix, Packing.PLAIN)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as file:
            result = convert_document(whole_at(document), file, DocumentForm(form), packing)
        temporary.replace(output)
    except OSError as error:
        raise UsageError(
            f"{output}: cannot be written: {error.strerror}", hint="Name a file in a directory."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return result


def convert_document(
    source: Source, out: BinaryIO, form: DocumentForm, packing: Packing = Packing.PLAIN
) -> ConvertResult:
    """As ``convert_file``, from wherever the document comes, into a stream."""
    with reading(source) as stream, packed(out, packing) as file:
        found = convert(stream, file, form)
    header = found.header
    return ConvertResult(header.scenario, header.version, form, header.statistics, found.digest)
