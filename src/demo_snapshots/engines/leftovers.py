"""What a proof leaves behind when its process is killed, and how the next one knows it.

Everything a proof makes is called ``demo_proof_``, the moment (UTC) at which it was made, by the
clock of whoever keeps it, and eight characters at random. A day later it is nobody's: a proof
takes about as long as an import and an export.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from demo_snapshots.engines.database import Database
from demo_snapshots.errors import DatabaseError

logger = logging.getLogger(__name__)

_PREFIX = "demo_proof_"
_NAME = re.compile(rf"{_PREFIX}([0-9]{{8}}t[0-9]{{6}})_[0-9a-z_]{{8}}")
_MOMENT = "%Y%m%dt%H%M%S"


def old_names(names: list[str], now: datetime) -> list[str]:
    """Those of ``names`` that a proof gave, more than a day before ``now``."""
    limit = (now - timedelta(days=1)).strftime(_MOMENT)
    found = ((name, _NAME.fullmatch(name)) for name in names)
    return [name for name, match in found if match is not None and match[1] < limit]


@contextmanager
def proof_directory() -> Iterator[Path]:
    """A directory for temporary files, gone when the block ends; those left over go with it."""
    now = datetime.now(UTC)
    place = Path(tempfile.gettempdir())
    for name in old_names([path.name for path in place.glob(f"{_PREFIX}*")], now):
        if _is_own_directory(place / name):
            shutil.rmtree(place / name, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{now:{_MOMENT}}_") as directory:
        yield Path(directory)


def _is_own_directory(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir():
        return False
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()


class ProofSchemas(Struct, frozen=True):
    """In an engine's SQL: the moment ``now`` in UTC, the ``names`` of the schemas there are, and
    how to ``drop`` and to ``create`` one."""

    now: str
    names: str
    drop: str
    create: str = "CREATE SCHEMA {}"


@contextmanager
def proof_schema(maker: Database, schemas: ProofSchemas) -> Iterator[str]:
    """The name of a new schema (PostgreSQL) or database, made and removed over
    ``maker``; those left over go with it, where the user may remove them."""
    quote = maker.dialect.quote
    now = datetime.fromisoformat(maker.scalar(schemas.now))
    for name in old_names([row[0] for row in maker.rows(schemas.names)], now):
        try:
            maker.execute(schemas.drop.format(quote(name)))
        except DatabaseError as error:
            logger.info("%s, left behind by a proof, stays: %s", name, error.message)
    name = f"{_PREFIX}{now:{_MOMENT}}_{secrets.token_hex(4)}"
    maker.execute(schemas.create.format(quote(name)))
    try:
        yield name
    finally:
        maker.execute(schemas.drop.format(quote(name)))
