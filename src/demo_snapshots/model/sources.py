"""Where a document's bytes come from: a file on disk, or whatever else a store keeps them in."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from demo_snapshots.errors import StoreError


class Source(Struct, frozen=True):
    """A stored document: ``name`` is what people call it, and ``open`` gives its stored bytes
    from the beginning, as often as it is asked, in a stream that can be sought to its beginning
    and its end. The caller closes. ``open`` raises OSError or StoreError; nothing is read before.

    ``path`` is the file on disk that holds it, None where none does. ``beside`` gives the file of
    another name in the same place, which has that SHA-256; None where there are no others.
    """

    name: str
    open: Callable[[], BinaryIO]
    path: Path | None = None
    beside: Callable[[str, str], Source] | None = None

    def on_disk(self) -> Path:
        """The file that holds it. Raises StoreError where no file on this machine does."""
        if self.path is None:
            raise not_on_disk(self.name)
        return self.path


def not_on_disk(name: str) -> StoreError:
    """The error for what is on another machine where a file on this one is wanted."""
    return StoreError(f"{name}: not a file on this machine")


def is_bucket(location: str | Path) -> bool:
    """Whether snapshots kept there are in a bucket; ``file://`` is a directory as any other."""
    return "://" in str(location) and not str(location).startswith("file://")


def path_named(name: str) -> Path:
    """The file that ``name`` names. Raises StoreError for a URL."""
    if "://" in name:
        raise not_on_disk(name)
    return Path(name)


def source_of(document: Source | Path) -> Source:
    """The source itself, or the file at a path, which need not exist."""
    if isinstance(document, Source):
        return document
    path = document
    return Source(
        str(path), partial(_opened, path), path, lambda name, _: source_of(path.with_name(name))
    )


def _opened(path: Path) -> BinaryIO:
    # A pipe would be waited for, and cannot be read twice.
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path.open("rb")
