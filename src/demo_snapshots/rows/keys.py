"""Keys of raw rows: which literals of a row they are, and how they sort.

Documents hold rows in the order of their keys: integers numerically, everything else by its
UTF-8 bytes (``docs/format.md``). SQLite, whose cells have types of their own, sorts numbers
before text before binary values (sqlite.org/datatype3.html, 4.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from demo_snapshots.rows.literals import CELL, is_int

Key = tuple[object, ...]
"""Sorts, and is equal for equal keys."""

KeyOf = Callable[[bytes], Key]
"""The key of a record: a raw row without its parentheses."""


def key_of(columns: int, places: Sequence[int], numeric: Sequence[bool]) -> KeyOf:
    """How to find the key of a record of so many ``columns``: the literals at ``places``, each
    sorted as a number where ``numeric`` says so, else by its bytes."""
    last = max(places)
    parts = [b"(" + CELL + b")" if place in places else CELL for place in range(last + 1)]
    find = re.compile(b",".join(parts)).match
    order = [sorted(places).index(place) for place in places]
    if len(places) == 1 and numeric[0]:
        return lambda record: (sort_number(_found(find, record)[0]),)

    def key(record: bytes) -> Key:
        found = _found(find, record)
        return tuple(
            sort_number(found[place]) if number else sort_text(found[place])
            for place, number in zip(order, numeric, strict=True)
        )

    return key


def _found(find: Callable[[bytes], re.Match[bytes] | None], record: bytes) -> tuple[bytes, ...]:
    match = find(record)
    if match is None:
        raise ValueError("not a record of this table")
    return match.groups()


def sort_number(literal: bytes) -> Key:
    """By number; what is none sorts as text."""
    first = literal[:1]
    if first in b"-0123456789":
        text = literal.decode()
        return (1, int(text) if is_int(text) else Decimal(text))
    if first in b"TF" and first:
        return (1, int(first == b"T"))
    return sort_text(literal)


def sort_text(literal: bytes) -> Key:
    """NULL, then by bytes, binary values last."""
    first = literal[:1]
    if first == b"N":
        return (0,)
    if first == b"X":
        return (3, literal)
    if first == b"C":
        return (2, bytes.fromhex(literal[7:-10].decode()))
    return (2, literal[1:-1].replace(b"''", b"'") if first == b"'" else literal)
