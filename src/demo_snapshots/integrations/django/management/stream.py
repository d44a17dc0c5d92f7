"""Django's ``self.stdout`` and ``self.stderr`` as streams of Python."""

from __future__ import annotations

import io
from typing import Any


class Stream(io.TextIOBase):
    """Writes text as it is, where Django would end each piece with a line break and a colour."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper

    def write(self, text: str) -> int:
        self._wrapper.write(text, style_func=_plain, ending="")
        return len(text)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self._wrapper.flush()

    def isatty(self) -> bool:
        return bool(self._wrapper.isatty())

    def fileno(self) -> int:
        return int(self._wrapper.fileno())

    @property
    def encoding(self) -> str:  # type: ignore[override]
        # One in memory has none, and takes all.
        return getattr(self._wrapper, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return getattr(self._wrapper, "errors", None) or "strict"


def _plain(text: str) -> str:
    return text
