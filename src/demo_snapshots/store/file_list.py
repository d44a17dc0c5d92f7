"""The list of a version's uploaded files, both directions: a JSON object a line, by directory and
name::

    {"demo-files": 1}
    {"directory": "storage/app", "name": "avatars/7.jpg", "size": 9120, "sha256": "…"}
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from demo_snapshots.errors import DocumentError
from demo_snapshots.model.files import FileList, NamedFile, name_fault

TITLE = b'{"demo-files": 1}\n'
_LONGEST_LINE = 16_384
_HEX = re.compile(r"[0-9a-f]{64}")
_KEYS = ["directory", "name", "size", "sha256"]


def list_line(file: NamedFile) -> bytes:
    """A file as the list says it."""
    content = {name: getattr(file, name) for name in _KEYS}
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def read_list(stream: BinaryIO, of: FileList) -> Iterator[NamedFile]:
    """The files of a list, which must be just the one that ``of`` says: only once the last has been
    taken that is certain. Raises DocumentError, naming the line, for anything that an export would
    not have written: a name that leads out of its directory, one that is there twice in whatever
    case, other counts."""
    hashed = hashlib.sha256()
    count = size = number = 0
    last: tuple[str, str] | None = None
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        hashed.update(line)
        if number == 1:
            if line != TITLE:
                raise DocumentError("a list of files: it is none", line=1)
            continue
        file = read_line(line, number)
        if last is not None and file.place <= last:
            raise DocumentError(
                "a list of files: a name is there twice, or out of order", line=number
            )
        last = file.place
        count, size = count + 1, size + file.size
        yield file
    if hashed.hexdigest() != of.sha256:
        raise DocumentError("a list of files: it was altered: it has another SHA-256")
    if (count, size) != (of.count, of.size):
        raise DocumentError("a list of files: it has other counts than the version says")


def read_line(line: bytes, number: int | None = None) -> NamedFile:
    """What ``list_line`` wrote. Raises DocumentError, naming the line, for anything else."""
    try:
        content = json.loads(line)
        if list(content) != _KEYS or type(content["size"]) is not int or content["size"] < 0:
            raise ValueError
        file = NamedFile(**content)
        fault = name_fault(file.name)
        if not isinstance(file.directory, str) or not _HEX.fullmatch(file.sha256):
            raise ValueError
        if list_line(file) != line:
            raise ValueError
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise DocumentError("a list of files: not a line of one", line=number) from None
    if fault is not None:
        raise DocumentError(f"a list of files: a name {fault}", line=number)
    return file
