"""The uploaded files that demo rows name, into the store: each content once, and a list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from msgspec import Struct

from demo_snapshots.config.settings import Config
from demo_snapshots.errors import ExportError
from demo_snapshots.model.files import FileList, NamedFile, SavedFiles, folded, name_fault
from demo_snapshots.operations.uploads.directory import UploadDirectory
from demo_snapshots.operations.uploads.lists import ListWriter
from demo_snapshots.rows.spill import Sorter
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.file_places import FilePlace, file_places
from demo_snapshots.store import Store
from demo_snapshots.store.blobs import Blobs
from demo_snapshots.transfer.named_files import names_in_demo

_SHOWN = 20


class Saving(Struct):
    """What came of it: the list, None where no row names a file, and what is told of it.
    ``added`` are the SHA-256 of blobs that were not there before."""

    files: FileList | None = None
    added: list[str] = []
    saved: SavedFiles | None = None


@contextmanager
def saving_files(
    demo: DemoSet, config: Config, store: Store, *, keep: bool = True
) -> Iterator[Saving]:
    """Save the files that the rows of ``demo`` name, within the read that its rows come from and
    the store's lock. What was added is removed again where the block fails, and without ``keep`` in
    any case: a file that goes with no version is left in nobody's repository.

    Raises ConfigError for places that are not there, ExportError for a name that leads out of its
    directory, or whose file is missing, naming column and key, and StoreError.
    """
    saving = Saving()
    is_kept = False
    try:
        if config.files.places:
            _save(saving, demo, config, store)
        yield saving
        is_kept = keep
    finally:
        if not is_kept:
            store.blobs.remove(saving.added)


def _save(saving: Saving, demo: DemoSet, config: Config, store: Store) -> None:
    with closing(Sorter(lambda record: record[:3])) as sorter:
        for place in file_places(config.files, demo):
            _note(demo, place, sorter)
        with ListWriter() as writer:
            _Files(saving, config, store.blobs, writer).save(sorter)


def _note(demo: DemoSet, place: FilePlace, sorter: Sorter) -> None:
    for key, name in names_in_demo(demo, place):
        fault = name_fault(name)
        if fault is not None:
            raise ExportError(
                f"{place.written}: the name in the row with key {key} {fault}",
                hint="Nothing was saved. Names of files are relative to their directory.",
            )
        texts = (place.directory, folded(name), name, place.written, key)
        sorter.add(tuple(text.encode() for text in texts))


class _Files:
    """Saves files into ``blobs``, and says so in ``saving`` and ``writer``."""

    def __init__(self, saving: Saving, config: Config, blobs: Blobs, writer: ListWriter) -> None:
        self._saving = saving
        self._blobs = blobs
        self._fails = config.files.missing == "fail"
        self._directories = {
            name: UploadDirectory(config.directory / name) for name in config.files.directories
        }
        self._writer = writer
        self._missing = self._added = 0
        self._problems: list[str] = []

    def save(self, sorter: Sorter) -> None:
        last = ("", "", "")
        for record in sorter:
            directory, fold, name, written, key = (text.decode() for text in record)
            if (directory, fold, name) == last:
                continue
            if (directory, fold) == last[:2]:
                raise ExportError(
                    f"{written}: the name in the row with key {key} differs from that of another"
                    " row in case alone",
                    hint="Nothing was saved. Windows and macOS take both for one: rename one.",
                )
            last = directory, fold, name
            self._save(directory, name, f"{written}: the file that the row with key {key} names")
        if self._missing and self._fails:
            raise ExportError(
                f"{self._missing} files that demo rows name are not there",
                problems=tuple(self._problems),
                hint='Nothing was saved. Put them there, or say missing = "warn" in [files].',
            )
        files = self._saving.files = self._writer.files
        if files is not None:
            if not self._blobs.has(files.sha256, files.list_size):
                self._saving.added.append(files.sha256)
            self._writer.save(self._blobs)
        if files is not None or self._missing:
            count, size = (files.count, files.size) if files else (0, 0)
            self._saving.saved = SavedFiles(
                count, size, self._added, self._missing, tuple(self._problems)
            )

    def _save(self, directory: str, name: str, called: str) -> None:
        there = self._directories[directory]
        with _readable(called):
            measured = there.measured(name)
        if measured is None:
            self._missing += 1
            if len(self._problems) < _SHOWN:
                self._problems.append(f"{called} is not in {directory}")
            return
        size, sha256 = measured
        if not self._blobs.has(sha256, size):
            self._saving.added.append(sha256)
            with _readable(called):
                self._blobs.add(there.blocks(name), sha256, called)
            self._added += 1
        self._writer.add(NamedFile(directory, name, size, sha256))


@contextmanager
def _readable(called: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"{called} cannot be read: {error.strerror}", hint="Nothing was saved."
        ) from error
