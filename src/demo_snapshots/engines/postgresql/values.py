"""Rows of PostgreSQL between COPY's forms and raw rows: a raw row without its parentheses is a
CSV record whose quote is ' and whose NULL is NULL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import psycopg
from psycopg.abc import Buffer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

_STRING = rb"'[^']*+(?:''[^']*+)*+'"
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_BINARY = re.compile(rb"X('[0-9A-F]*+')|" + _STRING)


def records(connection: PGconn, copy: psycopg.Copy) -> Iterator[Buffer]:
    """The records of a COPY that runs, each with its line break (libpq, PQgetCopyData).

    Those that have arrived are taken from libpq itself: the driver, which waits for the others,
    takes longer over a row than the row.
    """
    while True:
        size, arrived = connection.get_copy_data(1)
        if size < 0:
            while (result := connection.get_result()) is not None:
                if result.status != ExecStatus.COMMAND_OK:
                    raise error_from_result(result)
            return
        record = arrived if size else copy.read()
        if not record:
            return
        yield record


def parenthesized(record: Buffer) -> bytes:
    """A CSV record as a raw row."""
    return b"(" + record[:-1] + b")"


def fields(records: Iterable[Buffer]) -> Iterator[bytes]:
    """The only column of a binary COPY (manual, COPY, "Binary Format"): a header, then before
    each value two bytes that count fields and four that count its bytes, and -1 at the end."""
    for record in records:
        data = memoryview(record)
        if data[:11] == _SIGNATURE:
            data = data[19:]
        if len(data) > 2:
            yield bytes(data[6:])


def with_bytea(text: bytes) -> bytes:
    """Raw rows, or literals, with binary values as PostgreSQL's SQL and COPY spell them."""
    return _BINARY.sub(_bytea, text)


def _bytea(match: re.Match[bytes]) -> bytes:
    digits = match[1]
    return match[0] if digits is None else b"'\\x" + digits[1:]
