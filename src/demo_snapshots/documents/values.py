"""Literals as values of JSON and YAML, both directions.

Text is a string, NULL, TRUE and FALSE are what they are called there, and a number is a number
where every reader keeps it, digit for digit. What these forms have no word for is an object of
one member, whose name begins with ``$``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping

from demo_snapshots.documents.sql.grammar import NUMBER
from demo_snapshots.documents.sql.statements import LOOKUP, lookup, read_lookup
from demo_snapshots.model.tables import Kind

MOST_DEPTH = 64
"""How deep values within values may go."""


class Number(str):
    """A number as it is spelled."""

    __slots__ = ()


Tree = None | bool | str | dict[str, "Tree"] | list["Tree"]
"""A value of JSON or YAML; its numbers are ``Number``."""

NUMBER_TAG, BYTES_TAG, JSON_TAG, REFERENCE_TAG = "$number", "$bytes", "$json", "$ref"

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,15})")
# Exponents of which JavaScript, Python and PostgreSQL all say that they are needed, and how.
_FRACTION = re.compile(
    r"-?[0-9]{1,17}(?:\.[0-9]{1,24})?(?:e(?:-[1-9][0-9]{1,2}|\+(?:2[1-9]|[3-9][0-9]|[1-9][0-9]{2})))?"
)
_NUMBER = re.compile(NUMBER.decode())
_EXACT = 1 << 53


def is_kept(text: str) -> bool:
    """Whether a reader that holds numbers as doubles keeps this one, and spells it the same."""
    if _WHOLE.fullmatch(text):
        return text != "-0" and -_EXACT <= int(text) <= _EXACT
    return (
        _FRACTION.fullmatch(text) is not None
        and repr(float(text)) == text
        and not text.endswith(".0")
    )


# --- Literal -> value ------------------------------------------------------------------------


def value_in_tree(literal: bytes, kind: Kind) -> Tree:
    """A raw literal, or reference by natural key, of a column of ``kind``."""
    match literal[:1]:
        case b"'":
            text = literal[1:-1].replace(b"''", b"'").decode()
            return _parsed(text) if kind is Kind.JSON else text
        case b"N":
            return None
        case b"T" | b"F":
            return literal == b"TRUE"
        case b"X":
            return {BYTES_TAG: base64.b64encode(bytes.fromhex(literal[2:-1].decode())).decode()}
        case b"C":
            return bytes.fromhex(literal[7:-10].decode()).decode()
        case b"\n":
            return {REFERENCE_TAG: _reference(literal)}
        case _:
            return Number(literal.decode())


def _reference(literal: bytes) -> Tree:
    match = re.fullmatch(LOOKUP, literal)
    assert match is not None
    table, column, key = read_lookup(match)
    found: dict[str, Tree] = {
        "table": table,
        "column": column,
        "key": {name: value_in_tree(value, Kind.TEXT) for name, value in key},
    }
    start = lookup(table, column, [name for name, _ in key], only=False)[0]
    if not literal.startswith(start.encode()):
        found["only"] = True
    return found


class _NotKeptError(ValueError):
    pass


def _parsed(text: str) -> Tree:
    """JSON as a value, where spelling the value gives the same text; else the text."""
    if text[:1] not in ("{", "["):
        return text
    try:
        value = _DECODER.decode(text)
        return {JSON_TAG: value} if spelled(value) == text else text
    except (ValueError, RecursionError):
        return text


def _kept(text: str) -> Number:
    if not is_kept(text):
        raise _NotKeptError
    return Number(text)


def refuse_constant(text: str) -> Tree:
    raise ValueError(f"{text}, which is no JSON")


def once(pairs: list[tuple[str, Tree]]) -> dict[str, Tree]:
    """The members of an object. Raises ValueError for one that is there twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in members if names.count(name) > 1)
        raise ValueError(f"the member {shown(twice)} is there twice")
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=once,
    parse_int=_kept,
    parse_float=_kept,
    parse_constant=refuse_constant,
)

quoted: Callable[[str], str] = json.encoder.encode_basestring
"""A string of JSON."""


def spelled(value: Tree, depth: int = 0) -> str:
    """The value as JSON on one line, as Python's ``json`` and PostgreSQL's ``jsonb`` space it.
    Raises ValueError for one deeper than MOST_DEPTH."""
    if depth > MOST_DEPTH:
        raise ValueError(f"values within values deeper than {MOST_DEPTH}")
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        members = (f"{quoted(name)}: {spelled(item, depth + 1)}" for name, item in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(spelled(item, depth + 1) for item in value) + "]"
    return {None: "null", True: "true", False: "false"}[value]


def shown(name: str) -> str:
    """A member's name for a message: it may be anything."""
    return repr(name[:60])


# --- Value -> literal ------------------------------------------------------------------------


def literal_of(value: Tree) -> str:
    """The raw literal, or reference by natural key, that a value stands for. Raises ValueError
    for what stands for none."""
    if type(value) is str:
        if "\0" in value:
            return f"CAST(X'{encoded(value).hex().upper()}' AS CHAR)"
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, dict):
        return _tagged(value)
    if isinstance(value, list):
        raise ValueError(
            f"a list; a column that holds JSON takes it as {{{quoted(JSON_TAG)}: […]}}"
        )
    return "NULL" if value is None else ("TRUE" if value else "FALSE")


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number as a snapshot spells it")
    return str(text)


def _tagged(value: Mapping[str, Tree]) -> str:
    if len(value) == 1:
        ((tag, inner),) = value.items()
        if tag == NUMBER_TAG and isinstance(inner, str):
            return _number(inner)
        if tag == BYTES_TAG and type(inner) is str:
            return f"X'{_bytes(inner).hex().upper()}'"
        if tag == JSON_TAG:
            return literal_of(spelled(inner))
        if tag == REFERENCE_TAG and isinstance(inner, dict):
            return _lookup(inner)
    raise ValueError(
        "an object that stands for no value; a column that holds JSON takes it as"
        f" {{{quoted(JSON_TAG)}: {{…}}}}"
    )


def _bytes(text: str) -> bytes:
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        content = None
    # One spelling for one value: the last character may hold bits that say nothing.
    if content is None or base64.b64encode(content).decode() != text:
        raise ValueError("not base64")
    return content


def _lookup(value: Mapping[str, Tree]) -> str:
    table, column, key = value.get("table"), value.get("column"), value.get("key")
    only = value.get("only", False)
    known = value.keys() <= {"table", "column", "key", "only"}
    if not (known and type(table) is type(column) is str and isinstance(only, bool)):
        raise ValueError("not a reference by natural key: it has table, column and key")
    if not isinstance(key, dict) or not key:
        raise ValueError("not a reference by natural key: its key has no member")
    assert isinstance(table, str)
    assert isinstance(column, str)
    if any(isinstance(item, dict) and REFERENCE_TAG in item for item in key.values()):
        raise ValueError("not a reference by natural key: a reference within its key")
    texts = lookup(table, column, list(key), only=only)
    literals = map(literal_of, key.values())
    return texts[0] + "".join(
        literal + text for literal, text in zip(literals, texts[1:], strict=True)
    )


def encoded(literals: str) -> bytes:
    """Literals as bytes. Raises ValueError for half a surrogate pair, which JSON can hold."""
    try:
        return literals.encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair, which is no text") from None
