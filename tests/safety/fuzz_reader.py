"""An optional second fuzzer: atheris, led by coverage, over the reader alone.

It wants an environment of its own (Linux wheels for few versions of Python), with atheris and
this package, and runs from the directory of the tests, with a directory to keep its finds in::

    python -m safety.fuzz_reader corpus -max_total_time=600
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["demo_snapshots.documents.sql"]):
    from demo_snapshots.documents.protocol import any_literals
    from demo_snapshots.documents.sql.reader import SqlDocument, any_lookup

from hostile.corpus import BASE, TABLES
from safety.mutating import resealed

from demo_snapshots.errors import DocumentError


def read(document: bytes) -> None:
    """Any bytes are a document or a DocumentError that can be shown."""
    for whole in (document, resealed(document)):
        try:
            stream = io.BytesIO(whole)
            for _ in SqlDocument(stream).rows(TABLES.__getitem__, any_literals, any_lookup):
                pass
        except DocumentError as error:
            if not error.message.isprintable():
                raise AssertionError(ascii(error.message)) from error


def main() -> None:
    corpus = Path(next(word for word in sys.argv[1:] if not word.startswith("-")))
    corpus.mkdir(exist_ok=True)
    (corpus / "whole.sql").write_bytes(BASE)
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
