"""The rows of a table, and what in them tells a person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.config.rules import PeopleRules
from demo_snapshots.model.people import PersonFound, Trait
from demo_snapshots.model.tables import Kind, Table
from demo_snapshots.people.columns import confirming_columns, is_phone, name_columns
from demo_snapshots.people.recognising import digest, folded, may_tell, told_in
from demo_snapshots.rows.literals import cells, value_of

TEXTS = {Kind.TEXT, Kind.JSON, Kind.NATIVE}
_WITHOUT_TEXT = (b"N", b"X", b"T", b"F", b"\n")
_FULL_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){1,4}")


class Candidate(Struct, frozen=True):
    """What tells a person in a row: ``value`` in one spelling. ``also`` is what else the row says
    of them that a namesake does not share; a name counts only with one of these."""

    found: PersonFound
    value: str
    also: tuple[tuple[str, str], ...] = ()


class PeopleInRows:
    """Finds what tells a person in raw rows of ``table``, whose values are those of the columns
    ``names``, but for what ``rules`` allow to be there."""

    def __init__(
        self,
        table: Table,
        names: Sequence[str],
        *,
        rules: PeopleRules,
        with_names: bool = True,
    ) -> None:
        self._table = table
        self._ignore, self._allowed = frozenset(rules.ignore), frozenset(rules.allow)
        at = {name: number for number, name in enumerate(names)}
        self._key = [at[name] for name in table.key if name in at]
        phones = {name for name in names if is_phone(name)}
        self._texts = [
            (at[column.name], column.name, column.name in phones)
            for column in table.columns
            if column.name in at and not self._is_ignored(column.name)
            if column.kind in TEXTS or (column.name in phones and column.kind is Kind.INTEGER)
        ]
        called = name_columns([name for _, name, _ in self._texts]) if with_names else ()
        self._name = [at[name] for name in called]
        self._name_place = " and ".join(called)
        self._also = {what: at[name] for what, name in confirming_columns(names).items()}
        self._always = any(phone for _, _, phone in self._texts) or bool(called and self._also)

    def _is_ignored(self, place: str) -> bool:
        parts = place.split(".")
        leading = {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
        return any(
            name in self._ignore or f"{self._table.name}.{name}" in self._ignore for name in leading
        )

    def found(self, record: bytes) -> Iterator[Candidate]:
        """What is in one raw row, which stands without its parentheses."""
        if not self._texts or not (self._always or may_tell(record)):
            return
        row = cells(record)
        for number, name, phone in self._texts:
            if row[number][:1] in _WITHOUT_TEXT:
                continue
            whole = str(value_of(row[number]))
            for place, text, of_phone in texts_in(whole, name, phone):
                for trait, value in told_in(text, is_phone=of_phone):
                    if not (place != name and self._is_ignored(place)):
                        yield from self._candidate(row, place, trait, value, number)
        if self._name and self._also:
            yield from self._called(row)

    def _candidate(
        self, row: list[bytes], place: str, trait: Trait, value: str, number: int
    ) -> Iterator[Candidate]:
        of_value = digest(value)
        if of_value not in self._allowed:
            key = None if number in self._key else self._key_of(row, value)
            yield Candidate(PersonFound(self._table.name, place, key, trait, of_value), value)

    def _key_of(self, row: list[bytes], value: str) -> str | None:
        key = ", ".join(str(value_of(row[number])) for number in self._key) or "none"
        return None if value.lower() in key.lower() else key

    def _called(self, row: list[bytes]) -> Iterator[Candidate]:
        parts = [value_of(row[number]) for number in self._name]
        name = folded(" ".join(part for part in parts if isinstance(part, str)))
        also = tuple(
            (what, folded(text)[:200])
            for what, number in self._also.items()
            if (text := str(value_of(row[number]) or ""))
        )
        if also and _FULL_NAME.fullmatch(name):
            for found in self._candidate(row, self._name_place, Trait.NAME, name, self._name[0]):
                yield replace(found, also=also)


def texts_in(text: str, place: str, phone: bool = False) -> Iterator[tuple[str, str, bool]]:
    """The texts in a value: ``place`` and the whole, or the places in its JSON (``profile.mail``,
    ``mails[*].to``) and what is there; and whether a phone number is to be there."""
    value: object = text
    if text[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            value = json.loads(text)
    waiting = [(place, value, phone)]
    while waiting:
        at, item, phone = waiting.pop()
        if isinstance(item, dict):
            waiting += [(f"{at}.{name}", inner, is_phone(name)) for name, inner in item.items()]
        elif isinstance(item, list):
            waiting += [(f"{at}[*]", inner, phone) for inner in item]
        elif isinstance(item, str) or (phone and isinstance(item, int)):
            yield at, str(item), phone
