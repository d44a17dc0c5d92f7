"""Files that a command writes where the user says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from demo_snapshots.errors import UsageError


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """A text file that is at ``path`` when the block is through, and not at all if it fails:
    what was there before stays. Raises UsageError if it cannot be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # Half a surrogate pair, which JSON may hold, is no character that UTF-8 can write.
        with temporary.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        if error.filename not in (str(temporary), None):
            raise
        raise UsageError(
            f"{path}: cannot be written: {error.strerror}", hint="Name a file in a directory."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
