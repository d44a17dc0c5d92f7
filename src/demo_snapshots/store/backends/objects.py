"""The objects of a bucket: ``obstore`` with conditions, bounded waiting and errors in our words.

What a server says of a failure is never passed on, and no error is chained to obstore's: an answer
to a bad signature repeats the request with its session token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import obstore
from msgspec import Struct
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from demo_snapshots.errors import (
    BucketNotFoundError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore

PART = 5 << 20
"""Bytes of a part: the least that S3 takes. It takes 10,000 of them, which is 50 GB."""
_AT_ONCE = 4

_CODE = re.compile(r"<Code>([A-Za-z]+)</Code>")
_STATUS = re.compile(r"status code: ([0-9]{3})")
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "specified bucket does not exist")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")
_SKEWED = ("RequestTimeTooSkewed", "RequestExpired")
_REFUSED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthenticationFailed")
_NO_CREDENTIALS = ("169.254.", "metadata.google", "MissingCredentials", "No credentials")


class TakenError(Exception):
    """The condition of a write did not hold."""


class Tag(Struct, frozen=True):
    """Which state of an object this is, by its server."""

    version: dict[str, str]


class Held(Struct, frozen=True):
    """An object as it was read."""

    content: bytes
    tag: Tag


class Objects:
    """The objects of ``bucket``, called ``place`` in errors. A missing one is None, or raises
    StoreError where it has to be there."""

    def __init__(self, bucket: ObjectStore, place: str) -> None:
        self._bucket = bucket
        self.place = place

    def name(self, key: str) -> str:
        return f"{self.place}/{key}" if key else self.place

    # --- Reading -----------------------------------------------------------------------------

    def list(self, folder: str) -> tuple[Sequence[str], Sequence[tuple[str, int]]]:
        """The folders in it; the objects in it with their sizes. Last parts of keys alone."""
        with self._reporting("list", folder):
            found = obstore.list_with_delimiter(self._bucket, folder or None)
        folders = [prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"]]
        objects = [(meta["path"].rpartition("/")[2], meta["size"]) for meta in found["objects"]]
        return folders, objects

    def size(self, key: str) -> int | None:
        head = self._head(key)
        return None if head is None else int(head["size"])

    def get(self, key: str) -> Held | None:
        with self._reporting("read", key):
            try:
                result = obstore.get(self._bucket, key)
                return Held(bytes(result.bytes()), _tag(result.meta))
            except FileNotFoundError as error:
                _require_bucket(str(error))
                return None

    def state(self, key: str) -> tuple[int, Tag]:
        """Its size and state. StoreError where it is not there."""
        head = self._head(key)
        if head is None:
            raise StoreError(f"{self.name(key)}: cannot read: not there")
        return int(head["size"]), _tag(head)

    def block(self, key: str, start: int, end: int, tag: Tag) -> bytes:
        """Its bytes from ``start`` to before ``end``. StoreError where it is in another state."""
        options: Any = {"range": (start, end)}
        if "e_tag" in tag.version:
            options["if_match"] = tag.version["e_tag"]
        with self._reporting("read", key):
            try:
                return bytes(obstore.get(self._bucket, key, options=options).bytes())
            except (PreconditionError, FileNotFoundError):
                raise StoreError(
                    f"{self.name(key)}: cannot read: replaced while it was read"
                ) from None

    def _head(self, key: str) -> Any:
        with self._reporting("read", key):
            try:
                return obstore.head(self._bucket, key)
            except FileNotFoundError as error:
                _require_bucket(str(error))
                return None
            except BaseError as error:
                if _STATUS.search(str(error)):
                    # An answer to HEAD has no room to say why; one to a listing has.
                    obstore.list_with_delimiter(self._bucket, ".claims")
                raise

    # --- Writing -----------------------------------------------------------------------------

    def put(self, key: str, content: bytes) -> None:
        """``content`` under ``key``, whatever is there."""
        with self._reporting("write", key):
            obstore.put(self._bucket, key, content, mode="overwrite", use_multipart=False)

    def put_parts(self, key: str, file: IO[bytes]) -> None:
        """What ``file`` holds, in parts of which a few are in memory: all of it at once in the
        end, or nothing. Whatever is there is replaced."""
        file.seek(0)
        with self._reporting("write", key):
            obstore.put(
                self._bucket,
                key,
                file,
                use_multipart=True,
                chunk_size=PART,
                max_concurrency=_AT_ONCE,
            )

    def create(self, key: str, content: bytes) -> Tag:
        """``content`` under ``key`` if that is free, else TakenError."""
        return self._put_if(key, content, "create")

    def swap(self, key: str, content: bytes, tag: Tag) -> Tag:
        """``content`` under ``key`` if that is still in the state ``tag``, else TakenError."""
        mode: Any = tag.version
        return self._put_if(key, content, mode)

    def _put_if(self, key: str, content: bytes, mode: PutMode) -> Tag:
        """A write that was not answered, or was repeated since its answer was lost, may have
        happened: then what is there says so, as long as nobody else writes the same."""
        try:
            with self._reporting("write", key):
                return _tag(obstore.put(self._bucket, key, content, mode=mode, use_multipart=False))
        except (TakenError, StoreUnreachableError):
            there = self.get(key)
            if there is None or there.content != content:
                raise
            return there.tag

    def delete(self, key: str) -> None:
        with self._reporting("remove", key):
            try:
                obstore.delete(self._bucket, key)
            except FileNotFoundError as error:
                _require_bucket(str(error))

    @contextmanager
    def _reporting(self, action: str, key: str) -> Iterator[None]:
        what = f"{self.name(key)}: cannot {action}"
        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise TakenError from None
        except (BaseError, FileNotFoundError, _MissingBucket) as error:
            raise _told(what, error) from None
        except OSError as error:
            # Of the file that is uploaded.
            raise StoreError(f"{what}: {error.strerror}") from None


class _MissingBucket(Exception):  # noqa: N818
    """A missing object turned out to be a missing bucket."""


def _require_bucket(text: str) -> None:
    if any(word in text for word in _NO_BUCKET):
        raise _MissingBucket(text)


def _tag(meta: Any) -> Tag:
    return Tag({name: meta[name] for name in ("e_tag", "version") if meta.get(name)})


def _told(what: str, error: Exception) -> StoreError:
    """The error for ``what`` failed, by the code that the server gave or the status it ended in."""
    text = str(error)
    code, status = _CODE.search(text), _STATUS.search(text)
    word = code[1] if code else ""
    number = status[1] if status else ""

    def says(words: Sequence[str]) -> bool:
        return word in words or any(w in text for w in words)

    if says(_NO_BUCKET):
        return BucketNotFoundError(
            f"{what}: there is no such bucket",
            hint="Make it first, or put the name in the URL right.",
        )
    if says(_NO_CREDENTIALS):
        return StoreDeniedError(
            f"{what}: no credentials were found",
            hint="Give them as the provider's own tools take them: docs/buckets.md.",
        )
    if says(_EXPIRED):
        return StoreDeniedError(
            f"{what}: the credentials have expired", hint="Get new ones and try again."
        )
    if says(_SKEWED):
        return StoreDeniedError(
            f"{what}: the clocks of this machine and the server differ too much",
            hint="Set this machine's clock and try again.",
        )
    if says(_REFUSED) or isinstance(error, UnauthenticatedError) or number == "401":
        return StoreDeniedError(
            f"{what}: the credentials were refused",
            hint="Look at the access key, its secret and the endpoint they are for.",
        )
    if isinstance(error, PermissionDeniedError) or number == "403":
        return StoreDeniedError(
            f"{what}: permission denied",
            hint="Ask for the permission to list, read, write and delete objects there.",
        )
    if isinstance(error, NotSupportedError) or number == "501":
        return StoreError(f"{what}: the server does not support it")
    if number.startswith("5") or number == "429":
        return StoreUnreachableError(
            f"{what}: the server failed ({number}), several times",
            hint="Try again later.",
        )
    if number:
        return StoreError(f"{what}: the server refused it ({' '.join((number, word)).strip()})")
    return StoreUnreachableError(
        f"{what}: the server could not be reached, or the connection broke",
        hint="Look at the network and at the endpoint, then try again.",
    )
