"""Rows of one text each, off the wire in large reads.

PyMySQL reads header and body of each packet by themselves, and makes an object of it: for a row of
200 bytes that is most of what an export does. Here the rows of a whole read are cut out in one loop
(MariaDB's protocol, "Result set packets"), and what is no plain row is left to PyMySQL: the end,
errors, NULL, rows that are large.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import Any

from pymysql.cursors import SSCursor

_READ = 1 << 18
_HEAD = 4
_LONGEST = 1 << 16
_LENGTHS = {252: 3, 253: 4}
"""How many bytes the length of a text takes, by the first of them; one where it is below 251."""


class RowPackets:
    """What stands in the place of a connection's buffered socket ``file``."""

    def __init__(self, file: BufferedReader) -> None:
        self.file = file
        self._data = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end of the stream."""
        found = self._data[self._at : self._at + size]
        self._at += len(found)
        return found if len(found) == size else found + self.file.read(size - len(found))

    def close(self) -> None:
        self.file.close()

    def rows(self, number: int) -> tuple[list[bytes], int]:
        """The next rows, and the number of the packet after them, where the next has ``number``. No
        rows where that packet is one to be read in PyMySQL's way."""
        found: list[bytes] = []
        while not found:
            data, at, end = self._data, self._at, len(self._data)
            while at + _HEAD < end:
                after = at + _HEAD + int.from_bytes(data[at : at + 3], "little")
                first = data[at + _HEAD]
                if first > 253 or first == 251 or data[at + 3] != number or after - at > _LONGEST:
                    self._at = at
                    return found, number
                if after > end:
                    break
                found.append(data[at + _HEAD + _LENGTHS.get(first, 1) : after])
                at, number = after, (number + 1) & 255
            self._data, self._at = data[at:], 0
            if not found:
                more = self._more()
                if not more:
                    return found, number
                self._data += more
        return found, number

    def _more(self) -> bytes:
        try:
            return self.file.read1(_READ)
        except OSError:
            # PyMySQL meets it again as it reads on, and says what it means.
            return b""


@contextmanager
def row_packets(cursor: SSCursor) -> Iterator[RowPackets]:
    """The packets by which the rows of a cursor's query arrive; it is closed after the block.
    Nothing is left in them then, since the server says no more until it is asked."""
    connection: Any = cursor.connection
    packets = RowPackets(connection._rfile)
    connection._rfile = packets
    try:
        yield packets
    finally:
        if connection._rfile is None:
            # The connection is lost, and closing would read on.
            connection._result.unbuffered_active = False
        cursor.close()
        if connection._rfile is packets:
            connection._rfile = packets.file
