"""What the store asks of a place that keeps bytes: objects by key, and nothing of what they mean.

A key is ``folder/name`` or just ``name``, with a forward slash whatever the platform. An object
is whole at every moment: it appears at once, and is replaced at once. Every method raises
StoreError, naming place and reason, where the place cannot be read or written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from demo_snapshots.model.sources import Source

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Form(Enum):
    """What stands under a name. Only an OBJECT can be read, and only a FOLDER be looked into:
    a LINK is somebody else's word, and is not followed."""

    OBJECT = "object"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


class Item(Struct, frozen=True):
    """``name`` is the key's last part; ``size`` is in bytes, of an object; ``dangling`` is a link
    that leads nowhere."""

    name: str
    form: Form
    size: int = 0
    dangling: bool = False


class Upload(Protocol):
    """A new object on its way: nobody sees it under its key before it is placed."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Take some of the bytes, from the first to the last; how many were taken."""

    def finish(self) -> None:
        """All was written: bring it to where it survives a power cut, and take no more."""

    def place(self, *, over: bool = False) -> None:
        """Put it, finished, under its key if that is free, with ``over`` in any case. After
        StoreError it is not there."""

    def settle(self) -> None:
        """Make sure that what was placed survives a power cut under its key, too."""

    def place_as(self, name: str) -> None:
        """Put it, finished, under another name in the same folder, and make sure that it survives
        a power cut there; in the place of what is there, which is the same where the name follows
        from the bytes. Others may do so at once, and none of them needs the lock."""

    @property
    def source(self) -> Source:
        """What was written so far, to be read while the upload lasts."""


class Changes(Protocol):
    """Several changes: prepared first, then made one by one, each at once, in the order in which
    they were prepared.

    Whatever needs room or permission happens while preparing, so that a full disk is found
    before the first key has changed. What was prepared and not made is forgotten at the end.
    """

    def write(self, key: str, content: bytes) -> None:
        """``content`` for ``key``, in the place of whatever stands there."""

    def keep(self, key: str, aside: str) -> None:
        """What stands at ``key`` under the free key ``aside`` too. What is no object and cannot
        be copied is moved there now."""

    def link(self, key: str, name: str, content: Source) -> None:
        """Make ``key`` stand for the object ``name`` in its folder, whose bytes are ``content``:
        as a link, or by whatever else this kind of place has, down to a copy."""

    def remove(self, key: str) -> None:
        """Nothing for ``key``, once all else is made."""

    def commit(self) -> None:
        """Make them."""


class Backend(Protocol):
    """A place that keeps bytes. One that is not there yet is empty."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    @property
    def has_links(self) -> bool:
        """Whether a folder may be a LINK; looking for that takes a request elsewhere."""

    @property
    def companions(self) -> Mapping[str, Sequence[bytes]]:
        """What this kind of place is given besides, by key, where it lacks it: first what it is
        given now, then what it was given once, which is replaced. What others wrote stays."""

    def source(self, key: str, sha256: str | None = None) -> Source:
        """The object's bytes; that it is there shows when it is opened. From a place on another
        machine comes what has that SHA-256, if one is given, or StoreError."""

    def get(self, key: str) -> bytes:
        """A small object's bytes, at once."""

    def look(self, key: str) -> Item | None:
        """What stands at ``key``, None if nothing. StoreError where its folder is a link."""

    def list(self, folder: str = "") -> Sequence[Item]:
        """What is in it, by name; nothing where there is no such folder."""

    def stale(self, folder: str = "") -> Sequence[str]:
        """Keys of what uploads and changes that never ended left in it, or of those under way."""

    def stands_for(self, key: str, name: str, content: Source) -> bool:
        """Whether ``key`` is as ``Changes.link`` makes it."""

    def delete(self, key: str) -> None:
        """Nothing for ``key``, now; it need not be there."""

    def upload(self, key: str, *, private: bool = False) -> AbstractContextManager[Upload]:
        """A new object for ``key``, which only its owner may read if ``private``. What was not
        placed when the context ends is discarded."""

    def changes(self) -> AbstractContextManager[Changes]: ...

    def lock(self, timeout: float) -> AbstractContextManager[bool]:
        """Keep every other holder out, in this and all other processes, until the context ends
        or the process does; false where this very backend holds it already.

        Waits ``timeout`` seconds at most, then raises StoreBusyError. Where a holder can lose it
        without noticing, what must not be had twice is claimed besides.
        """

    def claim(self, name: str, by: str) -> bool:
        """Take ``name`` for ever; whether it is ``by``'s now, and not another's. A place whose
        lock cannot be lost does nothing."""

    def claimed(self) -> Sequence[str]:
        """The names that were claimed."""
