"""What a delta's file is on top of, found among the files beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from demo_snapshots.documents.opening import open_document, read_tail, reading
from demo_snapshots.errors import DemoError, DocumentError
from demo_snapshots.model.snapshots import Parent
from demo_snapshots.model.sources import Source, source_of

_NAMED = re.compile(r".*\.(?:sql|json|yaml)(?:\.gz|\.zst)?", re.DOTALL)


def files_of(path: Path) -> tuple[Source, ...]:
    """A file with a whole document, and the deltas on top of it, the last of which ``path`` is.
    Found by the digest of the rows, for a file may have been given another name. Raises
    DocumentError where one is missing."""
    chain = [path]
    while (on := _on(chain[0])) is not None:
        below = next(_holding(on, chain), None)
        if below is None:
            raise DocumentError(
                f"{chain[0]}: a delta on top of {on.version}, which is not beside it",
                hint=f"Put the file of {on.version} into the same directory.",
            )
        chain.insert(0, below)
    return tuple(map(source_of, chain))


def _on(path: Path) -> Parent | None:
    with reading(path) as stream:
        header = open_document(stream).header
    return header.delta.of.on if header.delta else None


def _holding(on: Parent, chain: Sequence[Path]) -> Iterator[Path]:
    """The other files with these rows, the one of that version's name first, deltas last."""
    try:
        beside = [file for file in chain[0].parent.iterdir() if _NAMED.fullmatch(file.name)]
    except OSError:
        return
    beside.sort(key=lambda f: (f"_{on.version}." not in f.name, ".delta." in f.name, f.name))
    for file in beside:
        if file not in chain and file.is_file() and _digest(file) == on.digest:
            yield file


def _digest(path: Path) -> str | None:
    """That of the version's rows; None for what is no snapshot."""
    try:
        with reading(path) as stream:
            header = open_document(stream).header
        return header.delta.digest if header.delta else read_tail(path).digest
    except DemoError:
        return None
