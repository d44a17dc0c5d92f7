"""What an import does about the uploaded files of its snapshot: nothing, where that has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from demo_snapshots.config.settings import Config
from demo_snapshots.errors import ImportFailedError
from demo_snapshots.model.files import FileList, RestoredFiles
from demo_snapshots.model.snapshots import Header
from demo_snapshots.operations.replaced import UndoKeeping, drop_unused_blobs
from demo_snapshots.selection.demo_set import DemoSet

if TYPE_CHECKING:
    from demo_snapshots.operations.options import ImportOptions
    from demo_snapshots.operations.uploads.placing import FilePlacing


@contextmanager
def files_of_import(
    header: Header, config: Config, options: ImportOptions
) -> Iterator[FilesOfImport]:
    """The files that ``header`` lists, from the blobs of ``options``, into the directories of
    ``config``, while an import goes on in the block: ``placing_files``. None where nothing is to be
    changed, or the rows of some tables alone are asked for: a list does not say which rows name a
    file."""
    files, blobs, undo = header.files, options.get("blobs"), options.get("undo")
    partly = options.get("dry_run") or options.get("only") is not None
    if files is None or blobs is None or partly:
        yield FilesOfImport()
        return
    if not config.files.places:
        yield FilesOfImport(left=files.count)
        return
    # Imported late: few snapshots have uploaded files.
    from demo_snapshots.operations.uploads.placing import placing_files

    with placing_files(files, blobs, config, undo.log.blobs if undo else None) as placing:
        yield FilesOfImport(placing, undo)


class FilesOfImport(Struct, frozen=True):
    """The steps that an import takes, in this order."""

    placing: FilePlacing | None = None
    undo: UndoKeeping | None = None
    left: int = 0

    @property
    def replaces(self) -> int:
        """How many files of the same name have another content."""
        return self.placing.replaces if self.placing else 0

    @property
    def restored(self) -> RestoredFiles | None:
        """What was done."""
        if self.placing is not None:
            return self.placing.restored
        return RestoredFiles(left=self.left) if self.left else None

    def keep(self) -> FileList | None:
        """What the files hold that are about to be replaced, kept for an undo. In the import's
        transaction, before it keeps the rows. Raises StoreError, ImportFailedError."""
        if self.placing is None or self.undo is None or not self.replaces:
            return None
        self.undo.log.hide()
        drop_unused_blobs(self.undo.log)
        return self.placing.keep()

    def place(self, demo: DemoSet) -> None:
        """As ``FilePlacing.place``."""
        if self.placing is not None:
            self.placing.place(demo)

    def require_kept(self, undo: int | None) -> None:
        """Raise ImportFailedError where files are to be replaced, and there is no entry ``undo``
        that could put back what they hold."""
        if self.replaces and undo is None:
            raise ImportFailedError(
                "what uploaded files hold that would be replaced cannot be kept",
                hint="Nothing was changed. Move the files away, and import again.",
            )
