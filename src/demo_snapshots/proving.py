"""Document -> scratch database -> document: can the snapshot be put back as it is?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path

from demo_snapshots.config import Config
from demo_snapshots.database.connect import Database
from demo_snapshots.database.outside import Outside
from demo_snapshots.database.scratch import scratch, scratch_place
from demo_snapshots.document.reader import describe, reading
from demo_snapshots.errors import DatabaseError, DemoError, ProofError
from demo_snapshots.importing import import_from_file
from demo_snapshots.results import ExportResult, Proof
from demo_snapshots.store import Store, open_store

Export = Callable[[Config, Store], ExportResult]
"""Exports the scenario, as it was just exported, from another database into another store."""

_NOTHING = "No version was published."


def prove(
    document: Path, digest: str, database: Database, config: Config, outside: Outside, again: Export
) -> Proof:
    """Import ``document`` into a scratch database, export that, and compare the bytes.

    ``digest`` is the document's; ``outside`` is of its scenario. The real tables are only read.
    Nothing is left of the scratch database, whatever happens. Raises ProofError if the document
    cannot be imported there, if it comes out otherwise, and if no scratch database can be made.
    """
    place = scratch_place(database)
    with ExitStack() as stack:
        try:
            url = stack.enter_context(scratch(database, config.database, outside))
        except DatabaseError as error:
            raise ProofError(
                f"nothing could be proved: {place} cannot be made: {error.message}",
                hint=f"{_NOTHING} Ask for the right to create one, or export without --prove.",
            ) from error
        configured = outside.schema.configured
        there = config.model_copy(
            update={
                "database": url,
                "tables": {configured[name]: rule for name, rule in config.tables.items()},
                "references": {
                    name.rpartition(".")[2]: rule for name, rule in config.references.items()
                },
            }
        )
        store = open_store(stack.enter_context(tempfile.TemporaryDirectory()), describe)
        try:
            import_from_file(
                document, there, scenario=outside.scenario, confirm=None, keep_other_scenarios=True
            )
            exported = again(there, store)
        except DemoError as error:
            raise ProofError(
                f"the snapshot could not be put back into {place}:"
                f" {error.message.removeprefix(f'{document}: ')}",
                hint=f"{_NOTHING} A where condition that looks at tables outside the demo cannot"
                " be proved: their rows are not there.",
            ) from error
        if exported.digest != digest:
            table = _first_difference(document, exported.path)
            raise ProofError(
                f"{table}: the rows put back into {place} are not the same",
                hint=f"{_NOTHING} This is a fault of this program or of the database: please"
                " report it with the table's definition.",
            )
        return Proof(place, exported.statistics.total)


def _first_difference(one: Path, other: Path) -> str:
    """The section in which two documents differ first."""
    section = "the snapshot"
    for ours, theirs in zip_longest(_content(one), _content(other)):
        if ours is not None and ours.startswith(b"-- "):
            section = ours[3:].decode().partition(" (")[0]
        if ours != theirs:
            break
    return section


def _content(path: Path) -> Iterator[bytes]:
    with reading(path) as stream:
        is_content = False
        for line in stream:
            is_content = is_content or line.startswith(b"-- Cleanup ")
            if is_content and not line.startswith(b"DELETE "):
                yield line
