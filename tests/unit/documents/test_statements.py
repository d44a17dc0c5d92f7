"""References by natural key and updates: what is written is what is read."""

from __future__ import annotations

import re

import pytest
from property.values import literal

from demo_snapshots.documents.sql.statements import (
    ANY_LOOKUP,
    LOOKUP,
    lookup,
    lookup_pattern,
    read_lookup,
    read_pairs,
    update,
)
from demo_snapshots.rows.literals import decode, encode

KEYS = ["iso", "order", "a)b", "it's", 'say "hi"', "größe"]
VALUES = ["DE", "it's (here)", ")\n", "a\rb", "a\0b", "", 5, -1.5, True, b"\xff", None]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("only", [False, True])
def test_a_lookup_is_read_as_it_was_written(key: str, value: object, only: bool) -> None:
    texts = lookup("countries", "id", [key, "valid"], only=only)
    raw = texts[0].encode() + literal(value) + texts[1].encode() + b"'x'" + texts[2].encode()
    assert re.fullmatch(ANY_LOOKUP, encode(raw))
    assert re.fullmatch(lookup_pattern("countries", "id", [key, "valid"]), encode(raw))
    match = re.fullmatch(LOOKUP, decode(encode(raw)))
    assert match is not None
    assert read_lookup(match) == ("countries", "id", ((key, literal(value)), ("valid", b"'x'")))


@pytest.mark.parametrize("condition", ["now()", "1 OR 1=1", "(SELECT 1)", "'a'||'b'", "a", ""])
def test_a_lookup_compares_with_literals_only(condition: str) -> None:
    text = f"\n(SELECT id FROM countries WHERE iso={condition})\n".encode()
    assert not re.fullmatch(ANY_LOOKUP, text)
    assert not re.fullmatch(LOOKUP, text)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", VALUES)
def test_pairs_are_read_as_they_were_written(key: str, value: object) -> None:
    written = update("t", [(key, literal(value)), ("b", b"1")], ["own"], [("id", b"9")])
    setting = encode(written).split(b" SET ", 1)[1].rsplit(b" WHERE ", 1)[0]
    read = tuple((name, decode(found)) for name, found in read_pairs(setting))
    assert read == ((key, literal(value)), ("b", b"1"))


def test_a_column_may_be_set_to_itself_only() -> None:
    assert read_pairs(b'a=1, b=b, "c d"="c d"') == (("a", b"1"),)
    with pytest.raises(ValueError, match="another column"):
        read_pairs(b"a=1, b=c")
