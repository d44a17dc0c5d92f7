"""Documents turned from form to form in a line."""

from __future__ import annotations

import io

from demo_snapshots.documents.converting import convert
from demo_snapshots.documents.opening import open_document
from demo_snapshots.documents.protocol import Event, Target, any_literals
from demo_snapshots.documents.sql.reader import any_lookup
from demo_snapshots.model.snapshots import WHOLE_FORMS, DocumentForm

SQL, JSON, YAML = WHOLE_FORMS


def as_form(document: bytes, form: DocumentForm) -> bytes:
    """``document``, of whatever form, in another one. Raises what reading it raises."""
    out = io.BytesIO()
    convert(io.BytesIO(document), out, form)
    return out.getvalue()


def events_of(document: bytes, target: Target = any_literals) -> list[Event]:
    """Everything in ``document``, of whatever form. Raises what reading it raises."""
    opened = open_document(io.BytesIO(document))
    return list(opened.rows(target, any_literals, any_lookup))


def digest_of(document: bytes) -> str:
    opened = open_document(io.BytesIO(document))
    list(opened.rows(any_literals, any_literals, any_lookup))
    return opened.digest
