"""What an import replaces, kept to be put back.

The demo rows that an import is about to replace are written as a document of their own, in its
transaction and under its locks, and brought to the disk before COMMIT: whatever kills the process,
either the import did not happen or what it replaced can be put back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct

from demo_snapshots.documents.compression import packed
from demo_snapshots.documents.opening import describe
from demo_snapshots.errors import DemoError, StoreError, UnportableValueError
from demo_snapshots.model.files import HEADER_LINE, FileList
from demo_snapshots.model.rules import Labelled, Whose
from demo_snapshots.model.snapshots import Header, Packing
from demo_snapshots.operations.snapshot import replaced_rows
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.store import UndoLog
from demo_snapshots.store.blobs import files_in

logger = logging.getLogger(__name__)

REPLACED_BY, REPLACED = "Replaced-By", "Replaced"
"""Header lines of an entry: the snapshot that came in the rows' place, or NOTHING, and which rows
it replaced: EVERYTHING, SCENARIO, or LABELLED with the label."""
EVERYTHING, SCENARIO, LABELLED = "all demo rows", "rows of the scenario", "rows labelled "
NOTHING = "nothing"


def replaced(whose: Whose) -> str:
    """What the line REPLACED says of these rows."""
    if isinstance(whose, Labelled):
        return LABELLED + whose.label
    return EVERYTHING if whose is None else SCENARIO


class UndoKeeping(Struct, frozen=True):
    """Where an import keeps what it replaces: in ``log``, ``keep`` entries of which are left;
    ``now`` is the moment written into the entry, which is stored as ``packing`` says; ``by`` is
    what replaces: ``import`` or ``undo``."""

    log: UndoLog
    now: datetime
    keep: int = 10
    packing: Packing = Packing.PLAIN
    by: str = "import"


Place = Callable[[], int | None]
"""Makes an entry of what was written; its number, None if there is none."""


@contextmanager
def keeping(
    undo: UndoKeeping | None,
    demo: DemoSet,
    header: Header,
    read: Mapping[str, Iterable[list[bytes]]] = MappingProxyType({}),
    files: FileList | None = None,
    by: str = "",
) -> Iterator[Place]:
    """Write the rows of ``demo`` as they are now, before the block changes them; those of the
    tables in ``read`` have been read already, and ``files`` are what uploaded files hold. ``by``
    says what takes their place if it is not the snapshot with this header. The block calls what it
    is given as its last step, if anything changed.

    What cannot be kept (no room, no permission, a value that no document can carry) is told as a
    warning and stops no import. Raises DatabaseError.
    """
    if undo is None:
        yield lambda: None
        return
    with ExitStack() as stack:
        try:
            draft = stack.enter_context(undo.log.draft(undo.now, undo.by, undo.packing))
            snapshot = replaced_rows(
                demo,
                header.scenario,
                header.version,
                undo.now.replace(microsecond=0),
                (
                    (REPLACED_BY, by or f"{header.scenario} {header.version}"),
                    (REPLACED, replaced(demo.scenario)),
                    *(() if files is None else ((HEADER_LINE, str(files)),)),
                ),
                read,
            )
            with packed(draft.file, undo.packing) as file:
                snapshot.write(file)
        except (StoreError, UnportableValueError) as error:
            demo.database.drain()
            _warn(error)
            yield lambda: None
            return

        def place() -> int | None:
            try:
                draft.place()
            except StoreError as error:
                _warn(error)
                return None
            return draft.number

        yield place


def drop_unused_blobs(log: UndoLog) -> None:
    """Remove what uploaded files held, where no entry would put it back any more. Within an
    import's transaction, before it keeps what it replaces itself. None is removed where an entry
    is damaged. Raises StoreError."""
    unused = set(log.blobs.sizes())
    try:
        for entry in log.entries() if unused else ():
            files = describe(log.source(entry)).header.files
            if files is not None:
                unused.discard(files.sha256)
                unused -= {file.sha256 for file in files_in(log.blobs, files)}
    except (DemoError, OSError):
        return  # an entry that cannot be read may name any of them
    log.blobs.remove(unused)


def _warn(error: DemoError) -> None:
    logger.warning("what is replaced cannot be kept for an undo: %s", error.message)


def prune(undo: UndoKeeping | None) -> None:
    """Leave as many entries as are to be kept; after COMMIT."""
    if undo is None:
        return
    try:
        undo.log.prune(undo.keep)
    except StoreError as error:
        logger.warning("old entries of the undo log are left: %s", error.message)
