"""Stand-ins for values that tell a person: the same for the same value and key. Without the key the
value cannot be had out of one.

A value's HMAC with the key seeds Faker, so what it gives depends on Faker's version too. Addresses
and numbers are of those that are set aside for examples.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from demo_snapshots.errors import ConfigError

if TYPE_CHECKING:
    from faker import Faker

_REMEMBERED = 10_000
_DOMAINS = ("example.com", "x.test")
_FEWEST_DIGITS = 8
_MOST_DIGITS = 12


def _email(faker: Faker, digits: str, longest: int) -> str:
    name = faker.first_name().lower()
    for local in (f"{name}.{digits}", digits, digits[:_FEWEST_DIGITS]):
        for domain in _DOMAINS:
            if len(f"{local}@{domain}") <= longest:
                return f"{local}@{domain}"
    return ""


def _phone(faker: Faker, digits: str, longest: int) -> str:
    area, last = faker.random_int(201, 989), faker.random_int(0, 99)
    return f"+1{area}55501{last:02}"


def _iban(faker: Faker, digits: str, longest: int) -> str:
    return str(faker.iban())


_MAKERS: dict[str, Callable[[Faker, str, int], str]] = {
    "email": _email,
    "phone": _phone,
    "iban": _iban,
    "name": lambda faker, digits, longest: str(faker.name()),
    "first-name": lambda faker, digits, longest: str(faker.first_name()),
    "last-name": lambda faker, digits, longest: str(faker.last_name()),
    "street": lambda faker, digits, longest: str(faker.street_address()),
    "city": lambda faker, digits, longest: str(faker.city()),
    "company": lambda faker, digits, longest: str(faker.company()),
}


class StandIns:
    """Makes them, by ``key``. Raises ConfigError where Faker is not installed."""

    def __init__(self, key: str) -> None:
        try:
            from faker import Faker
        except ModuleNotFoundError as error:
            raise ConfigError(
                "people.anonymise: Faker, which makes stand-ins, is not installed",
                hint="Install demo-snapshots with the extra anonymise, or Faker beside it.",
            ) from error
        self._key = key.encode()
        self._faker = Faker()
        self.of = lru_cache(_REMEMBERED)(self._made)

    def _made(self, sort: str, value: str, longest: int, unique: bool) -> str:
        """The stand-in of ``sort`` for ``value``, of at most ``longest`` characters; one that no
        other value has, as good as certainly, where it is to be ``unique``. Empty where there is
        no room for one. An empty value stays empty."""
        if not value:
            return value
        code = hmac.digest(self._key, f"{sort}\0{value}".encode(), hashlib.sha256)
        self._faker.seed_instance(int.from_bytes(code, "big"))
        digits = code.hex()[:_MOST_DIGITS]
        made = _MAKERS[sort](self._faker, digits, longest)
        if unique and sort != "email":
            room = longest - len(digits) - 1
            return f"{made[:room]} {digits}" if room > 0 else ""
        return made[:longest].rstrip()
