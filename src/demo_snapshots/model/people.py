"""What tells a person in a row, and what looking for real ones came to: no values of rows."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Trait(StrEnum):
    """What tells a person, in the words that people read."""

    EMAIL = "e-mail address"
    PHONE = "phone number"
    IBAN = "IBAN"
    NAME = "name"


class PersonFound(Struct, frozen=True):
    """A value in a demo row that tells a person: in ``place`` (a column, or a place in its JSON) of
    the row of ``table`` with ``key``, which is None where the value is in the key itself.
    ``digest`` is the value's, as ``[people]`` allows it. ``real`` is where a row outside the demo
    has it too, empty where nobody looked."""

    table: str
    place: str
    key: str | None
    trait: Trait
    digest: str
    real: str = ""

    def __str__(self) -> str:
        row = "a row whose key has it too" if self.key is None else f"the row with key {self.key}"
        real = f", as in {self.real} of a row outside the demo" if self.real else ""
        return f"{self.table}.{self.place}: the {self.trait} in {row}{real} ({self.digest})"


class PeopleInFile(Struct, frozen=True):
    """What tells a person in a saved version: how many values, and where the first are."""

    values: int
    first: tuple[PersonFound, ...]


class PeopleCheck(Struct, frozen=True):
    """How an export looked for real persons and found none: ``values`` that tell a person were
    looked for. Of the tables in ``sampled`` not every row was looked at, and those in ``unread``
    could not be read."""

    values: int
    sampled: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
