"""The uploaded files of a snapshot, back into their directories.

New ones are there before COMMIT: whoever sees the rows finds the files, and what a process that
dies before it leaves is files that no row names. Those in the place of others are written beside
them before COMMIT and renamed after it: until the rows are in, no content is lost, and afterwards
a rename is all that is left to do.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from demo_snapshots.config.settings import Config
from demo_snapshots.errors import (
    CommitInDoubtError,
    ImportFailedError,
    RealRowsError,
    StoreError,
    UsageError,
)
from demo_snapshots.model.files import FileList, NamedFile, RestoredFiles, folded
from demo_snapshots.operations.uploads.directory import UploadDirectory
from demo_snapshots.operations.uploads.lists import ListWriter
from demo_snapshots.rows.spill import Spool
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.file_places import file_places
from demo_snapshots.store.backends.files import discard
from demo_snapshots.store.blobs import Blobs, files_in
from demo_snapshots.store.file_list import list_line, read_line
from demo_snapshots.transfer.named_files import names_in_real_rows

_BLOCK = 1 << 20
_NOTHING = "Nothing was changed."
_IN = "The demo rows are in, but not all of their files."


@contextmanager
def placing_files(
    files: FileList, blobs: Blobs, config: Config, keep: Blobs | None
) -> Iterator[FilePlacing]:
    """Put back the files in the list ``files``, whose contents are in ``blobs``, as an import in
    the block goes on. What was put there is taken away again if the block fails.

    The whole list is read first, and compared with the directories. What files of other content
    held goes into ``keep``; without one they are not replaced. Raises DocumentError for a list that
    no export wrote, StoreError for contents that are not in the store, UsageError, and
    ImportFailedError for a directory that cannot be read.
    """
    with closing(Spool()) as placed:
        placing = FilePlacing(files, blobs, config, keep, placed)
        try:
            yield placing
        except CommitInDoubtError:
            raise  # the rows may be in
        except BaseException:
            placing.take_back()
            raise
        else:
            placing.replace()
        finally:
            placing.discard()


def unlike_files(files: FileList, blobs: Blobs, config: Config) -> Iterator[str]:
    """What of the files in a list is otherwise in the directories, as a sentence for each of them.
    Raises DocumentError, StoreError, and ImportFailedError for a directory that cannot be read."""
    missing, unlike = Counter[str](), Counter[str]()
    directories = _directories(config)
    for file in files_in(blobs, files):
        directory = directories.get(file.directory)
        if directory is None:
            continue
        with _telling("read", file):
            same = directory.holds(file.name, file.size, file.sha256)
        missing[file.directory] += same is None
        unlike[file.directory] += same is False
    for name in directories:
        told = ((missing[name], "missing"), (unlike[name], "changed"))
        if parts := [f"{count} {what}" for count, what in told if count]:
            yield f"uploaded files in {name}: {', '.join(parts)}"


def _directories(config: Config) -> dict[str, UploadDirectory]:
    return {name: UploadDirectory(config.directory / name) for name in config.files.directories}


class FilePlacing:
    """The steps that an import takes; in this order."""

    def __init__(
        self, files: FileList, blobs: Blobs, config: Config, keep: Blobs | None, placed: Spool
    ) -> None:
        self._files = files
        self._blobs = blobs
        self._config = config
        self._keep = keep
        self._placed = placed
        self._directories = _directories(config)
        self._other: dict[tuple[str, str], NamedFile] = {}
        """What has another content than the file of its name has now."""
        self._held: dict[tuple[str, str], NamedFile] = {}
        """What these files hold, which is kept."""
        self._beside: list[tuple[NamedFile, Path]] = []
        self._written = self._unchanged = self._left = 0
        for file in files_in(blobs, files):
            self._look(file)
        if self._other and keep is None:
            raise UsageError(
                f"{len(self._other)} uploaded files of the snapshot's names have another content,"
                " and what they hold would not be kept",
                hint=f"{_NOTHING} Have imports kept (undo in demo.toml), or move the files away.",
            )

    @property
    def replaces(self) -> int:
        """How many files have another content."""
        return len(self._other)

    @property
    def restored(self) -> RestoredFiles:
        return RestoredFiles(self._written, self.replaces, self._unchanged, self._left)

    def _look(self, file: NamedFile) -> None:
        directory = self._directories.get(file.directory)
        if directory is None:
            self._left += 1
            return
        with _telling("read", file):
            same = directory.holds(file.name, file.size, file.sha256)
        if same:
            self._unchanged += 1
            return
        if not self._blobs.has(file.sha256, file.size):
            raise StoreError(
                f"{self._blobs.source(file.sha256).name}: the content of an uploaded file is not"
                " there",
                hint=f"{_NOTHING} Restore it from version control, a backup or the bucket.",
            )
        if same is not None:
            self._other[file.place] = file

    def keep(self) -> FileList | None:
        """Keep what the files hold that are about to be replaced; the list of that, None if there
        are none. Raises StoreError."""
        if not self._other or self._keep is None:
            return None
        with ListWriter() as writer:
            for place in sorted(self._other):
                file = self._other[place]
                there = self._directories[file.directory]
                with _telling("read", file):
                    measured = there.measured(file.name)
                    if measured is None:
                        continue
                    held = NamedFile(file.directory, file.name, *measured)
                    self._held[place] = held
                    if not self._keep.has(held.sha256, held.size):
                        self._keep.add(there.blocks(file.name), held.sha256, "an uploaded file")
                writer.add(held)
            writer.save(self._keep)
            return writer.files

    def place(self, demo: DemoSet) -> None:
        """Within the import's transaction, once its rows are checked: refuse if a row that is not
        demo data names a file that would be replaced, put new files into their places, and the
        others beside the ones that they are to replace. Raises RealRowsError, ImportFailedError."""
        self.discard()
        if self._other:
            self._require_not_named(demo)
        for file in files_in(self._blobs, self._files):
            directory = self._directories.get(file.directory)
            if directory is None:
                continue
            with _telling("write", file):
                same = directory.holds(file.name, file.size, file.sha256)
                if same:
                    continue
                if same is not None and file.place not in self._held:
                    raise _changed_meanwhile(file, _NOTHING)
                beside = directory.write_beside(file.name, self._blocks(file))
                self._beside.append((file, beside))
                if same is None:
                    directory.add(file.name, beside)
                    self._placed.add([list_line(file)])
                    self._beside.pop()
                    self._written += 1

    def _blocks(self, file: NamedFile) -> Iterator[bytes]:
        source, hashed = self._blobs.source(file.sha256), hashlib.sha256()
        with source.open() as stream:
            while block := stream.read(_BLOCK):
                hashed.update(block)
                yield block
        if hashed.hexdigest() != file.sha256:
            raise StoreError(
                f"{source.name}: the content of an uploaded file was altered",
                hint=f"{_NOTHING} Restore it from version control, a backup or the bucket.",
            )

    def _require_not_named(self, demo: DemoSet) -> None:
        for place in file_places(self._config.files, demo):
            keys = [
                key
                for key, name in names_in_real_rows(demo, place)
                if (place.directory, folded(name)) in self._other
            ]
            if keys:
                raise RealRowsError(
                    f"{place.written}: rows that are not demo data name uploaded files that the"
                    f" snapshot has with another content: {len(keys)}, the first of key {keys[0]}",
                    hint=f"{_NOTHING} Rename the files of the demo, and export again.",
                )

    def replace(self) -> None:
        """Once the rows are in: put in the place of others what stands beside them."""
        while self._beside:
            file, beside = self._beside[-1]
            there, held = self._directories[file.directory], self._held[file.place]
            with _telling("replace", file, _IN):
                if not there.holds(file.name, held.size, held.sha256):
                    raise _changed_meanwhile(file, _IN)
                there.replace(file.name, beside)
            self._beside.pop()

    def take_back(self) -> None:
        """Take away what was put where nothing was. What cannot be is left: no row names it."""
        for lines in self._placed:
            for file in map(read_line, lines):
                there = self._directories[file.directory]
                with suppress(OSError):
                    if there.holds(file.name, file.size, file.sha256):
                        there.remove(file.name)

    def discard(self) -> None:
        """Remove what was written beside others and not used."""
        for _, beside in self._beside:
            discard(beside)
        self._beside = []


def _changed_meanwhile(file: NamedFile, hint: str) -> ImportFailedError:
    return ImportFailedError(
        f"an uploaded file in {file.directory} was changed meanwhile", hint=f"{hint} Import again."
    )


@contextmanager
def _telling(action: str, file: NamedFile, hint: str = _NOTHING) -> Iterator[None]:
    """Turn an OSError inside into an ImportFailedError, which does not name the file: a name is a
    row's value."""
    try:
        yield
    except OSError as error:
        raise ImportFailedError(
            f"an uploaded file in {file.directory} cannot be {_DONE[action]}: {error.strerror}",
            hint=hint,
        ) from error


_DONE = {"read": "read", "write": "written", "replace": "replaced"}
