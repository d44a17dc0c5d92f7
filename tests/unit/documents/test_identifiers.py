"""Names: bare where every engine reads them bare, else in double quotes."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from demo_snapshots.documents.sql.identifiers import (
    IDENTIFIER,
    RESERVED,
    read_identifier,
    write_identifier,
)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        *(("vaults", "vaults"), ("_x9", "_x9"), ("order", '"order"'), ("Order", '"Order"')),
        *(("two words", '"two words"'), ('a"b', '"a""b"'), ("9x", '"9x"'), ("größe", '"größe"')),
        *(("a.b", '"a.b"'), ("a-b", '"a-b"'), ("🚀", '"🚀"'), ("a'b", '"a\'b"'), ('"', '""""')),
        *(("a;b", '"a;b"'), ("a--b", '"a--b"'), ("a\\b", '"a\\b"'), ("a`b", '"a`b"')),
    ],
)
def test_names_are_spelled_and_read(name: str, spelled: str) -> None:
    assert write_identifier(name) == spelled
    assert read_identifier(spelled) == name
    assert re.fullmatch(IDENTIFIER, spelled)


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "a\x1bb", "a\x7fb", "a\u202eb", "a\x9bb"])
def test_a_name_that_cannot_be_shown_cannot_be_carried(name: str) -> None:
    with pytest.raises(ValueError, match="no document can carry"):
        write_identifier(name)


@pytest.mark.parametrize(
    "text", ['"', '""', '"a', 'a"', '"a"b"', "A", "1", "a-b", '"a\nb"', "", "'a'"]
)
def test_what_is_not_spelled_so_is_not_a_name(text: str) -> None:
    assert not re.fullmatch(IDENTIFIER, text)


def test_reserved_words_are_quoted_all() -> None:
    assert all(write_identifier(word) == f'"{word}"' for word in RESERVED)


def test_the_list_is_frozen_with_the_format() -> None:
    """Another word here changes the bytes of documents; that would be format 2."""
    assert (len(RESERVED), sha256(" ".join(sorted(RESERVED)).encode()).hexdigest()[:16]) == (
        360,
        "fa8c193ecba6de32",
    )
