"""What the name of a column says of what is in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+"
_PHONE = {
    *("phone", "telephone", "telefon", "tel", "mobile", "cell", "cellphone", "fax", "msisdn"),
    *("handy", "whatsapp", "mobil"),
}
_FIRST = {("first", "name"), ("firstname",), ("given", "name"), ("forename",), ("vorname",)}
_LAST = {("last", "name"), ("lastname",), ("surname",), ("family", "name"), ("nachname",)}
_NOT_OF_PERSONS = {
    *("user", "file", "host", "domain", "table", "column", "class", "event", "type", "tag"),
    *("company", "organization", "organisation", "project", "product", "site", "middle"),
}
_SAME_PERSON = {
    "birth": {"birth", "birthday", "birthdate", "dob", "born", "geburtsdatum"},
    "street": {"street", "address", "addr", "strasse"},
}
_NOT_A_HOME = {"mail", "email", "ip", "mac", "web", "url"}


def words_of(name: str) -> tuple[str, ...]:
    """``homePhone``, ``home_phone`` and ``HOME-PHONE`` are ``("home", "phone")``."""
    return tuple(word.lower() for word in re.findall(_WORD, name))


def is_phone(name: str) -> bool:
    words = words_of(name)
    return bool(_PHONE & set(words)) and words[-1] not in ("id", "type", "at", "count")


def name_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that say what a person is called: a first and a last name, or the one that
    says both; none where there is nothing of the kind."""
    by_words = {words_of(name): name for name in names}
    first = next((by_words[words] for words in by_words if words[-2:] in _FIRST), None)
    last = next((by_words[words] for words in by_words if words[-2:] in _LAST), None)
    if first and last:
        return first, last
    for words, name in by_words.items():
        if words and words[-1] in ("name", "fullname") and not _NOT_OF_PERSONS & set(words):
            return (name,)
    return ()


def confirming_columns(names: Sequence[str]) -> dict[str, str]:
    """The columns that tell namesakes apart, by what they say: ``birth``, ``street``."""
    found: dict[str, str] = {}
    for name in names:
        words = set(words_of(name))
        for what, signs in _SAME_PERSON.items():
            if words & signs and not words & _NOT_A_HOME:
                found.setdefault(what, name)
    return found
