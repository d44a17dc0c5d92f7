"""What an engine says of its scratch databases, and what goes into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from msgspec import Struct

from demo_snapshots.model.tables import Table

if TYPE_CHECKING:
    from demo_snapshots.engines.database import Database


class ScratchContent(Struct, frozen=True):
    """The ``tables`` to make, and the statements that give them their foreign keys and the rows
    that demo rows look up; both for tables in the schema of the SQL name given."""

    tables: Sequence[Table]
    foreign_keys: Callable[[str], Sequence[str]]
    rows: Callable[[str], Sequence[str]]


class Scratch(Struct, frozen=True):
    """``place`` says in words where a scratch database is made. ``make`` is given the database to
    make it after, which it only reads, and the URL that leads there; it gives the URL of the
    scratch database, which is gone when the block ends. ``blank`` makes an empty database of its
    own, of which only the server that the URL leads to is the same."""

    place: str
    blank: Callable[[str], AbstractContextManager[str]]
    make: Callable[[Database, str, ScratchContent], AbstractContextManager[str]]
