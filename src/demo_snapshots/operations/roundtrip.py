"""Document -> scratch database -> document: can the snapshot be put back as it is?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import zip_longest
from pathlib import Path

from msgspec.structs import replace

from demo_snapshots.config.foreign_keys import among
from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import reading
from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.leftovers import proof_directory
from demo_snapshots.errors import (
    ConfigError,
    DatabaseError,
    DemoError,
    DocumentError,
    ProofError,
    UnfitValueError,
    VerificationError,
)
from demo_snapshots.model.results import Proof
from demo_snapshots.model.snapshots import Header
from demo_snapshots.model.sources import Source
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.import_ import import_document
from demo_snapshots.operations.snapshot import snapshot_of
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.transfer.scratch import scratch, scratch_place

_NOTHING = "No version was published."
_OUTSIDE = (
    "What a where condition or a trigger needs of rows outside the demo cannot be proved: they are"
    " not there."
)


def prove(document: Source, header: Header, digest: str, demo: DemoSet, config: Config) -> Proof:
    """Import ``document`` into a scratch database, export that, and compare the bytes.

    ``header`` and ``digest`` are the document's, ``demo`` the set it was written from. The real
    tables are only read. Nothing is left of the scratch database, unless this process is killed:
    then a later proof removes it. Raises
    ProofError if the document cannot be imported there, if it comes out otherwise, and if no
    scratch database can be made.
    """
    place = scratch_place(demo.database)
    with ExitStack() as stack:
        try:
            url = stack.enter_context(scratch(demo.database, config.database, demo.external))
        except DatabaseError as error:
            raise ProofError(
                f"nothing could be proved: {place} cannot be made: {error.message}",
                hint=Words(
                    f"{_NOTHING} Ask for the right to create one, or export without ",
                    Call(prove=True),
                    ".",
                ),
            ) from error
        there = moved(config, url, demo)
        again = stack.enter_context(proof_directory()) / "again.sql"
        try:
            came_out = _put_back(document, again, header, there)
            if came_out == digest and _edit(there):
                came_out = _put_back(document, again, header, there)
            fired = _triggers(there)
        except DemoError as error:
            raise ProofError(
                f"the snapshot could not be put back into {place}:"
                f" {error.message.removeprefix(f'{document.name}: ')}",
                hint=f"{_NOTHING} {_remedy(error)}",
            ) from error
        if came_out != digest:
            table = _first_difference(document, again)
            raise ProofError(
                f"{table}: the rows put back into {place} are not the same",
                hint=f"{_NOTHING} This is a fault of this program or of the database: please"
                " report it with the table's definition.",
            )
        left_out = [name for name in _names(demo) if name not in fired]
        return Proof(place, header.statistics.total, tuple(left_out))


def _remedy(error: DemoError) -> str:
    """What to do about an import into a scratch database that was refused."""
    if isinstance(error, ConfigError):
        return (
            "The scratch database has no other tables than those of the configuration: write the"
            " condition without them, or with follows."
        )
    if isinstance(error, VerificationError):
        own = (error.hint or "").removeprefix("Nothing was changed. ")
        return f"{own} {_OUTSIDE}".lstrip()
    if isinstance(error, (DatabaseError, UnfitValueError)):
        return (
            "The table's own constraints or triggers refuse rows that it holds: they were there"
            " before, or were let past them. Correct the rows, or what refuses them."
        )
    return (
        "This is a fault of this program: please report it with the definition of the tables."
        if isinstance(error, DocumentError)
        else _OUTSIDE
    )


def moved(config: Config, url: str, demo: DemoSet) -> Config:
    """The configuration for a scratch database of ``demo``, whose tables all lie in its default
    schema."""
    configured = demo.schema.configured
    return replace(
        config,
        database=url,
        tables={configured[name]: rule for name, rule in config.tables.items()},
        references={name.rpartition(".")[2]: rule for name, rule in config.references.items()},
        foreign_keys=among(config.foreign_keys, {*demo.schema.tables, *demo.schema.external}),
    )


def _put_back(document: Source, again: Path, header: Header, there: Config) -> str:
    """Import ``document`` and export that to ``again``; its digest."""
    import_document(
        document, there, scenario=header.scenario, force=True, keep_other_scenarios=True
    )
    return _written_again(again, header, there)


def _edit(config: Config) -> bool:
    """Update every row in tables whose triggers fire then; whether there are any. Rows that
    cannot be updated need no putting back."""
    edited = False
    with connect(config.database) as database:
        dialect = database.dialect
        for table in see(database, config).schema.tables.values():
            names = [dialect.quote(c.name) for c in table.carried if c.name not in table.key]
            if names and table.has_update_triggers:
                setting = ", ".join(f"{name} = {name}" for name in names)
                with suppress(DatabaseError):
                    database.execute(f"UPDATE {dialect.rows_of(table)} SET {setting}")
                    edited = True
    return edited


def _triggers(config: Config) -> set[str]:
    with connect(config.database) as database:
        return set(_names(see(database, config)))


def _names(demo: DemoSet) -> list[str]:
    return [
        f"{table.name}.{trigger.name}"
        for table in demo.schema.tables.values()
        for trigger in table.triggers
    ]


def _written_again(path: Path, header: Header, config: Config) -> str:
    with connect(config.database) as database, database.reading(), path.open("wb") as file:
        demo = see(database, config).of(header.scenario)
        with snapshot_of(demo, header.version, header.generated, allow_empty=True) as snapshot:
            return snapshot.write(file)


def _first_difference(one: Source | Path, other: Source | Path) -> str:
    """The section in which two documents differ first."""
    section = "the snapshot"
    for ours, theirs in zip_longest(_content(one), _content(other)):
        if ours is not None and ours.startswith(b"-- "):
            section = ours[3:].decode().partition(" (")[0]
        if ours != theirs:
            break
    return section


def _content(document: Source | Path) -> Iterator[bytes]:
    with reading(document) as stream:
        is_content = False
        for line in stream:
            is_content = is_content or line.startswith(b"-- Cleanup ")
            if is_content and not line.startswith(b"DELETE "):
                yield line
