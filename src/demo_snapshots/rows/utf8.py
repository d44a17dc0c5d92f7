"""Is it UTF-8? Asked of bytes that may be hundreds of megabytes, without decoding them whole."""

from __future__ import annotations

_PIECE = 1 << 23


def first_fault(data: bytes, start: int = 0, end: int | None = None) -> int | None:
    """The position of the first byte from ``start`` to ``end`` that is none of UTF-8, or None.
    Both are between characters."""
    end = len(data) if end is None else end
    while start < end:
        cut = min(start + _PIECE, end)
        while cut < end and data[cut] & 0xC0 == 0x80:
            cut += 1
        piece = data[start:cut]
        if not piece.isascii():
            try:
                piece.decode("utf-8")
            except UnicodeDecodeError as error:
                return start + error.start
        start = cut
    return None
