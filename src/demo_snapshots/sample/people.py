"""The people of a scenario, once as written and then, for load tests, in ever new pairings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from random import Random

from msgspec import Struct

from demo_snapshots.sample.scenario import PersonSpec
from demo_snapshots.sample.wording import Naming


class Actor(Struct, frozen=True):
    """A person as one round of rows knows them; ``spec`` is who they are modelled on."""

    spec: PersonSpec
    naming: Naming
    email: str
    phone: str | None


class Cast:
    """``size`` people a round. At first everybody is as written; when all have had their turn,
    each given name gets another family name of the same scenario, later middle initials too."""

    def __init__(self, people: Sequence[PersonSpec], size: int, random: Random) -> None:
        self._people = people
        self._size = size
        self._turns_a_round = -(-size // len(people)) if people else 0
        self._random = random
        self._firsts = [person.first or person.name.split()[0] for person in people]
        # What stands before the given name ("Dr.") stays with the role, not with the family.
        parts = [
            person.name.partition(first + " ")
            for person, first in zip(people, self._firsts, strict=True)
        ]
        self._titles = [before if found else "" for before, found, _ in parts]
        self._families = list(dict.fromkeys(family for _, _, family in parts if family)) or [""]
        self._own = [self._families.index(family) if family else 0 for _, _, family in parts]

    def round(self, number: int) -> list[Actor]:
        """The people of round ``number``: the scenario's in their order, then more like them."""
        actors = []
        for place in range(self._size):
            turn, position = divmod(place, len(self._people))
            actors.append(self._actor(position, number * self._turns_a_round + turn))
        return actors

    def _actor(self, position: int, turn: int) -> Actor:
        person = self._people[position]
        first = self._firsts[position]
        company = person.company or ""
        if turn == 0:
            return Actor(person, Naming(person.name, first, company), person.email, person.phone)
        times_round, shift = divmod(turn, len(self._families))
        family = self._families[(self._own[position] + shift) % len(self._families)]
        initial = f"{chr(ord('A') + (times_round - 1) % 26)}. " if times_round else ""
        name = f"{self._titles[position]}{first} {initial}{family}".strip()
        address = f"{_ascii(first)}.{_ascii(family)}{turn + 1}@{person.email.partition('@')[2]}"
        return Actor(person, Naming(name, first, company), address, self._phone(person.phone))

    def _phone(self, phone: str | None) -> str | None:
        if phone is None or not phone[-2:].isdigit():
            return phone
        # With other ends than these two digits a number set aside for fiction is somebody's.
        return f"{phone[:-2]}{int(self._random.random() * 100):02d}"


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "", plain.lower()) or "x"
